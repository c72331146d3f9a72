"""The low-level tools, with a daemon and a configuration that are fakes."""

import pytest
from tool_bench import Bench

from paceline.commands.tools import (
    EXIT_NO_SUCH,
    EXIT_NOT_CONNECTED,
    EXIT_USAGE,
    Option,
    Said,
    ToolError,
    parse_options,
)
from paceline.commands.tools_attributes import crm_attribute, crm_master, crm_standby
from paceline.commands.tools_cib import cibadmin
from paceline.commands.tools_fence import stonith_admin
from paceline.commands.tools_node import crm_node
from paceline.commands.tools_verify import crm_verify
from paceline.commands.tools_volatile import attrd_updater, crm_failcount


def test_options_are_read_in_all_their_forms() -> None:
    options = (
        Option("node", "N", "value"),
        Option("query", "G"),
        Option("promotion", "p", "maybe"),
    )
    given = parse_options(["-GN", "n1", "--node=n2", "-p", "-G", "rest"], options)
    assert given.every["node"] == ("n1", "n2")
    assert given.get("promotion") == ""
    assert given.words == ("rest",)


def test_options_are_refused_when_a_value_is_missing() -> None:
    with pytest.raises(ToolError):
        parse_options(["--node"], (Option("node", "N", "value"),))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-n",), "n1"),
        (("-i",), "1"),
        (("-l",), "1 n1 member\n2 n2 lost"),
        (("-p",), "n1"),
        (("-q",), "1"),
        (("-N", "2"), "n2"),
    ],
)
def test_crm_node_answers_about_nodes(words: tuple[str, ...], said: str) -> None:
    assert Bench().run(crm_node, *words) == Said(said)


def test_crm_node_names_the_guest_when_an_agent_runs_there() -> None:
    assert Bench({"OCF_RESKEY_CRM_meta_on_node": "guest"}).run(crm_node, "-n").out == "guest"


def test_crm_node_forgets_a_node_only_when_forced() -> None:
    bench = Bench()
    assert bench.run(crm_node, "-R", "n2").status == EXIT_USAGE
    assert bench.run(crm_node, "-R", "n2", "--force").status == 0
    assert bench.daemon.asked == [{"do": "forget-node", "node": "n2"}]


def test_record_of_fencing_is_cleared_of_a_node_or_of_all() -> None:
    bench = Bench()
    said = bench.run(stonith_admin, "--cleanup", "--history=n2")
    assert said == Said("cleaning up fencing-history for node n2")
    assert bench.run(stonith_admin, "-c", "-H", "*", "-q") == Said()
    assert bench.run(stonith_admin, "--cleanup").status == EXIT_USAGE
    assert bench.daemon.asked == [
        {"do": "forget-fencing", "node": "n2"},
        {"do": "forget-fencing", "node": ""},
    ]


def test_tools_say_not_connected_when_no_daemon_answers() -> None:
    assert Bench(is_up=False).run(crm_node, "-q").status == EXIT_NOT_CONNECTED


def test_attribute_is_set_until_reboot_when_the_lifetime_says_so() -> None:
    bench = Bench()
    bench.run(crm_attribute, "-N", "n2", "-l", "reboot", "--name", "x", "-v", "5")
    assert bench.daemon.asked == [{"do": "set-attributes", "node": "n2", "values": {"x": "5"}}]


def test_attribute_grows_when_the_value_says_plus_plus() -> None:
    bench = Bench()
    bench.run(crm_attribute, "-l", "reboot", "-n", "x", "-v", "x++")
    assert bench.daemon.asked[0]["values"] == {"x": "++"}


def test_attribute_query_prints_scope_or_value_only() -> None:
    bench = Bench()
    asked = ("-N", "n1", "-l", "reboot", "-n", "pingd")
    assert bench.run(crm_attribute, *asked, "-G").out == "scope=status  name=pingd value=100"
    assert bench.run(crm_attribute, *asked, "--quiet").out == "100"


def test_attribute_query_fails_when_there_is_none_and_no_default() -> None:
    bench = Bench()
    asked = ("-N", "n1", "-l", "reboot", "-n", "none", "-G")
    assert bench.run(crm_attribute, *asked).status == EXIT_NO_SUCH
    assert bench.run(crm_attribute, *asked, "-q", "-d", "7") == Said("7")


def test_option_is_written_to_the_configuration_again_when_it_moved_meanwhile() -> None:
    bench = Bench(moves=2)
    assert bench.run(crm_attribute, "-n", "stonith-enabled", "-v", "false").status == 0
    assert b'id="cib-bootstrap-options-stonith-enabled"' in bench.store.document
    said = bench.run(crm_attribute, "-t", "crm_config", "-n", "stonith-enabled", "-q")
    assert said.out == "false"


def test_standby_is_a_permanent_attribute_of_the_node() -> None:
    bench = Bench()
    assert bench.run(crm_standby, "-N", "n2", "-G").out == "scope=status  name=standby value=off"
    assert bench.run(crm_standby, "-N", "n2", "-v", "on").status == 0
    assert bench.run(crm_standby, "-N", "n2", "-G").out == "scope=nodes  name=standby value=on"
    bench.run(crm_standby, "-N", "n2", "-D")
    assert b"standby" not in bench.store.document


def test_promotion_score_has_the_name_of_the_instance_when_an_agent_calls() -> None:
    bench = Bench({"OCF_RESOURCE_INSTANCE": "db"})
    bench.run(crm_master, "-l", "reboot", "-v", "100")
    bench.run(crm_attribute, "-p", "-D")
    assert [asked["values"] for asked in bench.daemon.asked] == [
        {"master-db": "100"},
        {"master-db": None},
    ]


def test_updater_sets_deletes_and_queries() -> None:
    bench = Bench()
    bench.run(attrd_updater, "-n", "pingd", "-B", "200", "-d", "5s")
    bench.run(attrd_updater, "-D", "-n", "pingd")
    assert [asked["values"] for asked in bench.daemon.asked] == [{"pingd": "200"}, {"pingd": None}]
    assert bench.run(attrd_updater, "-n", "pingd", "-Q").out == (
        'name="pingd" host="n1" value="100"'
    )
    assert bench.run(attrd_updater, "-n", "none", "-Q").status == EXIT_NO_SUCH


def test_failcount_is_the_sum_of_the_operations() -> None:
    bench = Bench()
    assert bench.run(crm_failcount, "-G", "-r", "A").out == (
        "scope=status  name=fail-count-A value=3"
    )
    assert bench.run(crm_failcount, "-G", "-q", "-r", "B").out == "0"


def test_cib_element_is_created_modified_and_deleted() -> None:
    bench = Bench()
    new = '<primitive id="B" class="ocf" provider="heartbeat" type="Dummy"/>'
    assert bench.run(cibadmin, "-C", "-o", "resources", "-X", new).status == 0
    assert bench.run(cibadmin, "-C", "-o", "resources", "-X", new).status != 0
    bench.run(cibadmin, "-M", "-X", '<primitive id="B" type="Delay"/>')
    assert bench.run(cibadmin, "-Q", "-A", "//primitive[@id='B']").out == new.replace(
        "Dummy", "Delay"
    )
    bench.run(cibadmin, "-D", "-X", '<primitive id="B"/>')
    assert bench.run(cibadmin, "-Q", "-A", "//primitive[@id='B']").status == EXIT_NO_SUCH


def test_cib_query_is_refused_when_the_xpath_is_none() -> None:
    assert Bench().run(cibadmin, "-Q", "-A", "//[").status == EXIT_USAGE


def test_verify_names_the_missing_fence_devices_in_the_notes_words() -> None:
    said = Bench({"PACELINE_STYLE": "classic"}).run(crm_verify, "-L", "-V")
    assert said.status != 0
    assert said.err.splitlines()[0] == (
        "   error: unpack_resources:     "
        "Resource start-up disabled since no STONITH resources have been defined"
    )
    assert said.err.splitlines()[-1] == "Errors found during check: config not valid"


def test_verify_is_silent_when_fencing_is_switched_off() -> None:
    bench = Bench()
    bench.run(crm_attribute, "-n", "stonith-enabled", "-v", "false")
    said = bench.run(crm_verify, "-L")
    assert said == Said()


def test_every_option_is_told_to_programs_that_look_what_a_tool_can() -> None:
    said = Bench().run(cibadmin, "--help-all")
    assert said.status == 0
    assert "  -A, --xpath=VALUE" in said.out.splitlines()
