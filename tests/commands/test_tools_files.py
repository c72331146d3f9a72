"""Tools on a file that stands for the cluster, and tools that need no cluster."""

import pytest
from lxml import etree
from tool_bench import CIB, Bench

from paceline.commands.tools_attributes import crm_attribute, crm_master, crm_standby
from paceline.commands.tools_cib import cibadmin
from paceline.commands.tools_iso8601 import iso8601
from paceline.commands.tools_ticket import crm_ticket
from paceline.commands.tools_volatile import crm_failcount

STATUS = b"""<status><node_state id="1" uname="n1"><transient_attributes id="1">
<instance_attributes id="status-1"><nvpair id="s1" name="pingd" value="100"/>
<nvpair id="s2" name="fail-count-A#monitor_10000" value="2"/></instance_attributes>
</transient_attributes></node_state><node_state id="2" uname="n2"/></status>"""


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.store.is_live = False
    made.store.document = CIB.replace(b"<status/>", STATUS)
    made.ports = made.ports._replace(now_ms=lambda: 1_700_000_000_000)
    return made


def version(bench: Bench) -> tuple[str | None, str | None]:
    root = etree.fromstring(bench.store.document)
    return root.get("epoch"), root.get("num_updates")


def test_transient_attribute_is_written_into_the_status(bench: Bench) -> None:
    bench.run(crm_attribute, "-l", "reboot", "-N", "n2", "-n", "x y", "-v", "1")
    asked = ("-l", "reboot", "-N", "n2", "-n", "x y")
    bench.run(crm_attribute, *asked, "-v", "value++")
    assert bench.run(crm_attribute, *asked, "-G", "-q").out == "2"
    assert version(bench) == ("3", "2")
    assert "name=x y" in bench.run(crm_attribute, *asked, "-D").out
    assert bench.run(crm_attribute, *asked, "-G").status == 105


def test_attributes_are_listed_by_pattern_by_id_and_all(bench: Bench) -> None:
    bench.run(crm_attribute, "-n", "a-option", "-v", "1")
    bench.run(crm_attribute, "--attr-name", "b-option", "--attr-value", "2")
    assert bench.run(crm_attribute, "-G", "-q").out == "1\n2"
    assert bench.run(crm_attribute, "-P", "^b", "-G", "-q").out == "2"
    found = bench.run(crm_attribute, "-i", "cib-bootstrap-options-b-option", "-G").out
    assert found == "scope=crm_config id=cib-bootstrap-options-b-option name=b-option value=2"


def test_pattern_changes_every_attribute_that_matches(bench: Bench) -> None:
    bench.run(crm_attribute, "-t", "status", "-N", "n1", "-P", "fail-count-A", "-v", "0")
    assert bench.run(crm_failcount, "-G", "-r", "A", "-N", "n1", "-q").out == "0"


def test_attribute_is_answered_as_xml(bench: Bench) -> None:
    words = ("-N", "n1", "-l", "reboot", "-n", "pingd", "-G", "--output-as=xml")
    root = etree.fromstring(bench.run(crm_attribute, *words).out)
    assert dict(root.find("attribute").attrib) == {
        "name": "pingd",
        "value": "100",
        "scope": "status",
    }


def test_promotion_score_of_crm_master_is_permanent_unless_a_lifetime_is_named(
    bench: Bench,
) -> None:
    bench.run(crm_master, "-r", "A", "-N", "n1", "-v", "5")
    assert bench.run(crm_master, "-r", "A", "-N", "n1", "-G", "-q").out == "5"
    assert bench.run(crm_master, "-r", "A", "-N", "n1", "-l", "reboot", "-G").status == 105


def test_standby_of_an_unknown_node_is_refused(bench: Bench) -> None:
    assert bench.run(crm_standby, "-G", "-N", "n9").status == 105
    assert bench.run(crm_standby, "-G", "-N", "n1", "-q").out == "off"


def test_fail_count_names_the_operation_it_counts(bench: Bench) -> None:
    said = bench.run(crm_failcount, "-G", "-r", "A", "-N", "n1", "-n", "monitor", "-I", "10s")
    assert said.out == "scope=status  name=fail-count-A#monitor_10000 value=2"
    assert bench.run(crm_failcount, "-r", "A", "-N", "n1").status == 64


def test_ticket_is_granted_in_a_file_with_force_only(bench: Bench) -> None:
    assert bench.run(crm_ticket, "-t", "T", "-g").status == 4
    assert bench.run(crm_ticket, "-t", "T", "-g", "-f").status == 0
    state = etree.fromstring(bench.store.document).find("status/tickets/ticket_state")
    assert (state.get("granted"), state.get("last-granted")) == ("true", "1700000000")
    bench.run(crm_ticket, "-t", "T", "-C", "-f")
    assert bench.run(crm_ticket, "-w").out == ""


def test_deleting_all_matches_needs_force(bench: Bench) -> None:
    assert bench.run(cibadmin, "-d", "-A", "//node").status == 107
    assert bench.run(cibadmin, "-d", "-f", "-A", "//primitive").status == 0
    assert bench.run(cibadmin, "-Q", "-A", "//primitive").status == 105


@pytest.mark.parametrize(
    ("words", "out", "status"),
    [
        ("-d 2020-01-01", "Date: 2020-01-01 00:00:00Z", 0),
        ("-d 2020-W05-3 -O", "Date: 2020-029 00:00:00Z", 0),
        ("-d 2020-01-01 -W", "Date: 2020-W01-3 00:00:00Z", 0),
        ("-d 1970-01-01 -s", "Date: 62135596800", 0),
        ("-D PT90S", "Duration: 90 seconds (1 minute 30 seconds)", 0),
        ("-p 2020-01-31/P1M", "Period: 2020-01-31 00:00:00Z to 2020-02-29 00:00:00Z", 0),
        ("-p P1M/2020-03-31", "Period: 2020-02-29 00:00:00Z to 2020-03-31 00:00:00Z", 0),
        ("-d nonsense", "", 2),
        ("-d 2020-01-01 -E 2020-01-02", "Date: 2020-01-01 00:00:00Z", 1),
    ],
)
def test_dates_are_read_and_worked_out(words: str, out: str, status: int) -> None:
    said = Bench().run(iso8601, *words.split())
    assert (said.out, said.status) == (out, status)
