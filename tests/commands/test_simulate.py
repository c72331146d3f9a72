"""`crm_simulate` and `paceline simulate`: what is shown for small clusters, and the events."""

import json

import pytest
from lxml import etree

from paceline.commands.simulate_command import paceline_simulate, simulate_words
from paceline.commands.simulate_events import BadEventError, parse_result
from paceline.commands.simulate_report import summary_lines
from paceline.commands.simulate_summary import Change
from paceline.commands.tools import Said, ToolError, ToolPorts, guard
from paceline.commands.tools_simulate import crm_simulate
from paceline.ports.cib_store import CibSnapshot, PushOutcome
from paceline.ports.daemon import JsonRecord

NOW_MS = 1_798_761_600_000
DIGEST = "f2317cad3d54cec5d7d7aa7d0bf35cf8"
UUID = "3a6c14d2-95f6-4b7e-8b17-0d9f0c5d4e21"


HOME = '<rsc_location id="home" rsc="B" node="n2" score="100"/>'


def history(name: str, task: str, rc: int) -> str:
    """Return what a node knows of a resource: one result."""
    return (
        f'<lrm_resource id="{name}" class="ocf" provider="pacemaker" type="Dummy">'
        f'<lrm_rsc_op id="{name}_last_0" operation="{task}" operation_key="{name}_{task}_0"'
        f' call-id="5" rc-code="{rc}" op-status="0" interval="0" transition-key="1:0:{rc}:{UUID}"'
        f' transition-magic="0:{rc};1:0:{rc}:{UUID}" op-digest="{DIGEST}"'
        ' crm_feature_set="3.16.1"/></lrm_resource>'
    )


def node_state(number: int, histories: str) -> str:
    """Return the status of a node that is online."""
    return (
        f'<node_state id="{number}" uname="n{number}" in_ccm="true" crmd="online" join="member"'
        f' expected="member"><lrm id="{number}"><lrm_resources>{histories}</lrm_resources></lrm>'
        "</node_state>"
    )


def cib(*, constraints: str = "", meta: str = "", is_settled: bool = True) -> bytes:
    """Return a CIB of two nodes and the primitives A (on n1) and B (on n2)."""
    primitives = "".join(
        f'<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy">'
        f"{meta if name == 'A' else ''}<operations>"
        f'<op id="{name}-stop" name="stop" interval="0" timeout="20s"/></operations></primitive>'
        for name in "AB"
    )
    first = history("A", "start", 0) + history("B", "monitor", 7)
    second = history("A", "monitor", 7) + history("B", "start", 0)
    return (
        '<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0"'
        ' admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration><crm_config>'
        '<cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/>'
        '</cluster_property_set></crm_config><nodes><node id="1" uname="n1"/>'
        f'<node id="2" uname="n2"/></nodes><resources>{primitives}</resources>'
        f"<constraints>{HOME}{constraints}</constraints></configuration><status>"
        f"{node_state(1, first if is_settled else '')}{node_state(2, second if is_settled else '')}"
        "</status></cib>"
    ).encode()


class Silent:
    """Neither a daemon nor a store: a file is enough."""

    is_live = False

    def ask(self, request: JsonRecord, *, timeout_ms: int = 60_000) -> JsonRecord:
        raise AssertionError("nobody asks the daemon")

    def read(self) -> CibSnapshot:
        raise AssertionError("nobody reads the cluster")

    def push(self, document: bytes, *, based_on: str, is_forced: bool = False) -> PushOutcome:
        raise AssertionError("nobody changes the cluster")


class Desk:
    """A user with one file, `cib.xml`, and what the tool wrote."""

    def __init__(self, document: bytes) -> None:
        self.written: dict[str, bytes] = {}
        self.ports = ToolPorts(
            daemon=Silent(),
            cib=Silent(),
            environment={},
            read_file=lambda _path: document,
            read_input=lambda: document,
            write_err=lambda _text: None,
            write_file=self.written.__setitem__,
        )

    def run(self, *words: str) -> str:
        """Run crm_simulate on the file; return what it shows."""
        said = self.try_to_run(*words)
        assert (said.status, said.err) == (0, "")
        return said.out

    def try_to_run(self, *words: str) -> Said:
        """Run crm_simulate on the file."""
        every = ("-x", "cib.xml", "-t", "2027-01-01", *words)
        return guard(crm_simulate, "crm_simulate", every, self.ports)

    def paceline(self, *words: str) -> str:
        """Run `paceline simulate cib.xml`."""
        given = simulate_words(["cib.xml", *words])
        return paceline_simulate(given, self.ports, now_ms=NOW_MS).out


MOVE = '<rsc_location id="l" rsc="A" node="n2" score="INFINITY"/>'
ORDER = '<rsc_order id="ord" first="A" then="B"/>'


def test_report_has_status_summary_actions_and_the_status_after() -> None:
    shown = Desk(cib(constraints=MOVE)).run("-S")
    assert shown == (
        "Setting effective cluster time: 2027-01-01\n"
        "Current cluster status:\n"
        "  * Node List:\n"
        "    * Online: [ n1 n2 ]\n"
        "\n"
        "  * Full List of Resources:\n"
        "    * A\t(ocf:pacemaker:Dummy):\t Started n1\n"
        "    * B\t(ocf:pacemaker:Dummy):\t Started n2\n"
        "\n"
        "Transition Summary:\n"
        "  * Move       A       ( n1 -> n2 )\n"
        "\n"
        "Executing Cluster Transition:\n"
        "  * Resource action: A               stop on n1\n"
        "  * Resource action: A               start on n2\n"
        "Setting effective cluster time: 2027-01-01\n"
        "\n"
        "Revised Cluster Status:\n"
        "  * Node List:\n"
        "    * Online: [ n1 n2 ]\n"
        "\n"
        "  * Full List of Resources:\n"
        "    * A\t(ocf:pacemaker:Dummy):\t Started n2\n"
        "    * B\t(ocf:pacemaker:Dummy):\t Started n2"
    )


def test_summary_says_why_when_another_resource_makes_it_restart() -> None:
    shown = Desk(cib(constraints=MOVE + ORDER)).run("-R")
    assert "  * Restart    B       (       n2 )  due to required A start" in shown
    assert "Executing" not in shown


def test_summary_stops_what_must_wait_for_something_disabled() -> None:
    meta = (
        '<meta_attributes id="m"><nvpair id="m1" name="target-role" value="Stopped"/>'
        "</meta_attributes>"
    )
    shown = Desk(cib(constraints=ORDER, meta=meta)).run("-R")
    assert "1 of 2 resource instances DISABLED and 0 BLOCKED" in shown
    assert "  * Stop       A       (    n1 )  due to node availability" in shown
    assert "  * Stop       B       (    n2 )  due to unrunnable A start" in shown


def test_status_alone_is_shown_when_nothing_is_asked() -> None:
    shown = Desk(cib(constraints=MOVE)).run()
    assert "Current cluster status" in shown
    assert "Transition Summary" not in shown


def test_columns_are_as_wide_as_the_longest_entry() -> None:
    lines = summary_lines(
        (
            Change(verb="Start", resource="a-long-name", target="n1"),
            Change(verb="Fence (reboot)", target="n2", reason="lost"),
            Change(verb="Promote", resource="p:0", target="n1",
                   role_now="Stopped", role_next="Promoted"),
        )
    )  # fmt: skip
    assert lines == [
        "Start      a-long-name     (                     n1 )",
        "Fence (reboot) n2 'lost'",
        "Promote    p:0             ( Stopped -> Promoted n1 )",
    ]


def test_node_that_goes_down_loses_what_ran_there() -> None:
    shown = Desk(cib()).run("-S", "--node-down", "n1")
    assert "Performing Requested Modifications:\n  * Taking node n1 offline" in shown
    assert "  * Start      A       (    n2 )" in shown
    assert "    * OFFLINE: [ n1 ]" in shown.partition("Revised")[2]


def test_injected_failure_is_recovered_and_counted() -> None:
    shown = Desk(cib()).run("-S", "-i", "A_monitor_10000@n1=7")
    assert "  * Injecting A_monitor_10000@n1=7 into the configuration" in shown
    assert "  * Injecting attribute fail-count-A#monitor_10000=1 into /node_state '1'" in shown
    assert "  * Recover    A       (    n1 )" in shown


def test_what_waits_for_a_failed_action_is_not_done() -> None:
    document = cib(constraints=MOVE + ORDER)
    shown = Desk(document).run("-S", "-F", "A_start_0@n2=1")
    executed = shown.partition("Executing")[2]
    assert "failed with rc=1" in executed
    assert "B               start" not in executed
    assert "A\t(ocf:pacemaker:Dummy):\t FAILED n2" in executed


def test_tickets_and_quorum_are_set_before_deciding() -> None:
    ticket = '<rsc_ticket id="t" rsc="A" ticket="T"/>'
    desk = Desk(cib(constraints=ticket))
    assert "Stop       A" in desk.run("-R")
    shown = desk.run("-R", "-g", "T", "-w", "0")
    assert "Granting ticket T" in shown
    assert "Stop" not in shown
    assert "due to no quorum" in desk.run("-R", "-q", "0")


@pytest.mark.parametrize(
    "words",
    [("-u", "n9"), ("-i", "A_dance_0@n1=0"), ("-i", "Z_monitor_0@n1=0"), ("--output-as", "html")],
)
def test_bad_words_are_refused_with_a_message(words: tuple[str, ...]) -> None:
    said = Desk(cib()).try_to_run(*words)
    assert said.status == 64
    assert said.err.startswith("crm_simulate: ")


def test_operation_is_read_when_names_have_underscores() -> None:
    found = parse_result("my_db_migrate_to_0@node_1=5")
    assert (found.resource, found.task, found.node, found.rc) == (
        "my_db",
        "migrate_to",
        "node_1",
        5,
    )
    with pytest.raises(BadEventError):
        parse_result("my_db")


def test_scores_are_lines_that_scripts_look_for() -> None:
    shown = Desk(cib(constraints=MOVE)).run("-sSQ")
    assert "pcmk__primitive_assign: A allocation score on n2: INFINITY" in shown.splitlines()
    assert "Transition Summary" not in shown


def test_graph_names_every_action_and_what_it_waits_for() -> None:
    desk = Desk(cib(constraints=MOVE))
    desk.run("-S", "-G", "graph.xml", "-D", "graph.dot")
    graph = etree.fromstring(desk.written["graph.xml"])
    waits = {
        str(each.find("action_set/*").get("operation_key")): [  # type: ignore[union-attr]
            first.get("operation_key") for first in each.iterfind("inputs/trigger/*")
        ]
        for each in graph
    }
    assert waits == {"A_stop_0": [], "A_start_0": ["A_stop_0"]}
    assert b'"A_stop_0 n1" -> "A_start_0 n2" [ style = bold]' in desk.written["graph.dot"]


def test_xml_has_changes_steps_and_both_statuses() -> None:
    shown = Desk(cib(constraints=MOVE)).run("-S", "--output-as", "xml")
    root = etree.fromstring(shown)
    change = root.find("actions/rsc_action")
    assert change is not None
    assert dict(change.items()) == {
        "action": "move", "resource": "A", "source": "n1", "dest": "n2",
    }  # fmt: skip
    assert [each.get("op") for each in root.iterfind("transition/rsc_action")] == ["stop", "start"]
    after = root.xpath("revised_cluster_status//resource[@id='A']/node/@name")
    assert after == ["n2"]


def test_json_has_the_decision() -> None:
    value = json.loads(Desk(cib(constraints=MOVE)).paceline("--json"))
    assert value["case"] == "cib"
    assert value["placements"]["A"] == [{"node": "n2", "role": "Started"}]
    assert [each["task"] for each in value["actions"]] == ["stop", "start"]


def test_why_names_the_constraint_that_moves_a_resource() -> None:
    shown = Desk(cib(constraints=MOVE)).paceline("--why")
    assert "A is started on n1 and is to move to n2." in shown
    assert "location constraint l" in shown


def test_contributions_of_a_score_are_listed_with_their_source() -> None:
    shown = Desk(cib(constraints=MOVE)).paceline("--scores")
    assert "A:\n" in shown
    assert "INFINITY  location constraint l" in shown


def test_too_many_words_are_refused() -> None:
    with pytest.raises(ToolError):
        simulate_words(["a.xml", "b.xml"])


ROOMY = (
    cib()
    .replace(
        b'<node id="1" uname="n1"/>',
        b'<node id="1" uname="n1"><utilization id="u"><nvpair id="u1" name="cpu" value="4"/>'
        b"</utilization></node>",
    )
    .replace(
        b'<primitive id="A" class="ocf" provider="pacemaker" type="Dummy">',
        b'<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><utilization id="a">'
        b'<nvpair id="a1" name="cpu" value="1"/></utilization>',
    )
)


def test_capacities_and_what_is_used_of_them_are_shown() -> None:
    """The lines of `-U`: in all, by whom, what is left; without titles, as with `-s`."""
    lines = Desk(ROOMY).run("-U").splitlines()
    assert "Original: n1 capacity: cpu=4" in lines
    assert "Original: n2 capacity:" in lines
    assert "pcmk__finalize_assignment: A utilization on n1: cpu=1" in lines
    assert "Remaining: n1 capacity: cpu=3" in lines
    assert "Transition Summary:" not in lines


def test_capacities_are_elements_when_xml_is_asked_for() -> None:
    """The same as a document."""
    root = etree.fromstring(Desk(ROOMY).run("-U", "--output-as=xml"))
    (use,) = root.iterfind("utilizations/utilization")
    assert (use.get("resource"), use.get("node"), use.findtext("cpu")) == ("A", "n1", "1")
    left = root.xpath("utilizations/capacity[@comment='Remaining'][@node='n1']/cpu/text()")
    assert left == ["3"]


def test_moment_of_the_file_is_told_unless_another_is_asked_for() -> None:
    """With an execution-date time stands still there; `-t` comes before it."""
    dated = cib().replace(b"<cib ", b'<cib execution-date="1798761600" ', 1)
    told = Desk(dated).paceline()
    assert told.startswith("Using the original execution date of: 2027-01-01 00:00:00Z")
    asked = Desk(dated).run("-t", "2026-01-31 12:00:00Z")
    assert asked.startswith("Setting effective cluster time: 2026-01-31 12:00:00Z")


def test_file_that_is_not_valid_is_refused_with_all_that_is_wrong() -> None:
    """No decision is made of what has no meaning."""
    bad = cib().replace(b"<constraints>", b'<constraints><rsc_order id="o" first="X" then="A"/>')
    said = Desk(bad).try_to_run("-S")
    assert said.status == 78
    assert "not valid" in said.err
    assert "X" in said.err


def test_watchdog_fences_when_the_event_says_that_there_is_one() -> None:
    """`-w 1` makes watchdogs a way to fence: a node that fails is fenced without a device."""
    fencing = cib().replace(b'"stonith-enabled" value="false"', b'"stonith-enabled" value="true"')
    assert "Fence (reboot) n2" not in Desk(fencing).run("-f", "n2")
    assert "Fence (reboot) n2" in Desk(fencing).run("-f", "n2", "-w", "1")


def test_failed_start_counts_for_good_unless_it_is_not_fatal() -> None:
    """As the daemon counts it: the node is not tried again, with start-failure-is-fatal."""
    told = Desk(cib()).run("-i", "A_start_0@n1=1")
    assert "Injecting attribute fail-count-A#start_0=INFINITY" in told
    assert "( n1 -> n2 )" in told
    patient = cib().replace(
        b'<nvpair id="o1"',
        b'<nvpair id="o2" name="start-failure-is-fatal" value="false"/><nvpair id="o1"',
    )
    assert "fail-count-A#start_0=1" in Desk(patient).run("-i", "A_start_0@n1=1")
