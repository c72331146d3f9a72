"""`status`, `why` and their kin, as a user types them."""

import pytest
from msgspec.structs import replace
from tests.commands.command_line import CommandLine
from tests.commands.status_cib import CIB

from paceline.cib.read import parse_xml, read_status
from paceline.commands.contract import Ports
from paceline.commands.run import Places
from paceline.model.errors import UnreachableError
from paceline.ports.cib_store import CibSnapshot


def shop(style: str = "") -> CommandLine:
    return CommandLine(CIB.decode(), style=style)


class NoCluster:
    """A live configuration where no cluster runs."""

    is_live = True

    def read(self) -> CibSnapshot:
        raise UnreachableError("no daemon answers at /run/paceline/daemon.sock")


class StoppedNode(CommandLine):
    """A prompt on a node whose cluster is stopped."""

    def _ports(self, places: Places) -> Ports:
        from dataclasses import replace

        return replace(super()._ports(places), cib=NoCluster())  # type: ignore[arg-type]  # never pushes


def test_status_begins_with_the_clusters_name_and_lists_everything() -> None:
    text = shop().ok("status")
    assert text.startswith("Cluster name: shop\nCluster Summary:\n  * Stack: corosync\n")
    assert "  * Old\t(ocf:heartbeat:Dummy):\t Stopped (disabled)\n" in text
    assert "Daemon Status" not in text


def test_status_in_the_notes_layout_has_their_headings() -> None:
    text = shop("classic").ok("status")
    assert text.startswith("Cluster name: shop\nStack: corosync\nCurrent DC: web1 (version ")
    assert "\n\nFull list of resources:\n\n Address\t(ocf::heartbeat:IPaddr2):\t" in text


def test_status_warns_when_fencing_has_no_device() -> None:
    document = CIB.decode().replace('<nvpair id="o4" name="stonith-enabled" value="false"/>', "")
    text = CommandLine(document, style="classic").ok("status")
    assert text.startswith(
        "Cluster name: shop\n\nWARNINGS:\nNo stonith devices and stonith-enabled is not false\n\n"
    )


def test_status_full_says_what_fencing_switched_off_risks() -> None:
    assert "Fencing is disabled: a lost node counts as down" in shop().ok("status --full")


class LostNode(CommandLine):
    """A prompt in a cluster whose second node is lost."""

    def _ports(self, places: Places) -> Ports:
        from dataclasses import replace

        return replace(super()._ports(places), cib=LostCib())  # type: ignore[arg-type]  # never pushes


class LostCib:
    """A configuration and a status in which web2 went without a goodbye."""

    is_live = False

    def read(self) -> CibSnapshot:
        status = read_status(parse_xml(CIB))
        assert status is not None
        nodes = tuple(replace(node, is_lost=node.name == "web2") for node in status.nodes)
        return CibSnapshot(document=CIB, version="1", status=replace(status, nodes=nodes))


@pytest.mark.parametrize("style", ["", "classic"])
def test_status_says_what_a_lost_node_risks_when_fencing_is_off(style: str) -> None:
    text = LostNode(CIB.decode(), style=style).ok("status")
    assert text.startswith("Cluster name: shop\n\nWARNINGS:\nLost, and counted as down because")
    assert "disabled: web2. If it still lives" in text
    assert "WARNINGS" not in shop(style).ok("status")
    assert "Lost, and counted as down" in LostNode(CIB.decode(), style=style).ok("status --full")


def test_status_is_one_error_when_the_cluster_is_stopped_here() -> None:
    assert StoppedNode()("status") == (
        1,
        "",
        "Error: cluster is not currently running on this node\n",
    )


def test_resources_are_listed_without_a_heading() -> None:
    text = shop().ok("resource status")
    assert text.startswith("  * Address\t(ocf:heartbeat:IPaddr2):\t Started web1\n")
    assert shop().ok("resource status Web") == "  * Web\t(ocf:heartbeat:apache):\t Started web1\n"
    assert shop("classic").ok("resource status Web") == (
        " Web\t(ocf::heartbeat:apache):\tStarted web1\n"
    )


def test_unknown_resource_is_named() -> None:
    status, _out, err = shop()("resource status Ghost")
    assert (status, err) == (1, "Error: resource or tag id 'Ghost' not found\n")


def test_nothing_configured_is_said_in_words() -> None:
    empty = CommandLine()
    assert empty.ok("resource status") == "NO resources configured\n"
    assert empty.ok("stonith status") == "NO stonith devices configured\n"


def test_nodes_are_listed_by_state() -> None:
    lines = shop().ok("status nodes").splitlines()
    assert lines[:6] == [
        "Pacemaker Nodes:",
        " Online: web1",
        " Standby:",
        " Standby with resource(s) running:",
        " Maintenance:",
        " Offline: web2",
    ]


def test_failcounts_are_listed_by_resource_and_node() -> None:
    assert shop().ok("resource failcount show") == ("Failcounts for resource 'Web'\n  web1: 2\n")
    assert shop().ok("resource failcount show Disk") == "No failcounts for resource 'Disk'\n"


def test_why_names_the_place_and_the_agents_own_words() -> None:
    text = shop().ok("why Web")
    assert text.startswith("Web is started on web1")
    assert "the agent's exit status was 7 (not running)" in text
    assert "the agent said: no pid file" in text
    assert "pcs resource cleanup Web" in text


def _after(rows: str) -> CommandLine:
    """Return a cluster of one node, with these rows of the only resource's history."""
    return CommandLine(
        '<cib epoch="1" have-quorum="1"><configuration><crm_config><cluster_property_set id="o">'
        '<nvpair id="o1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>'
        '<nodes><node id="1" uname="web1"/></nodes><resources>'
        '<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/></resources>'
        '<constraints/></configuration><status><node_state id="1" uname="web1" in_ccm="true" '
        'crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>'
        '<lrm_resource id="A" class="ocf" provider="pacemaker" type="Dummy">'
        f"{rows}</lrm_resource></lrm_resources></lrm></node_state></status></cib>"
    )


def _row(entry: str, *, rc: int, status: int, said: str = "") -> str:
    return (
        f'<lrm_rsc_op id="A_{entry}" operation_key="A_start_0" operation="start" call-id="5" '
        f'rc-code="{rc}" op-status="{status}" interval="0" exit-reason="{said}" '
        'transition-key="1:0:0:x" last-rc-change="1780315200" '
        'op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/>'
    )


def test_why_says_starting_while_a_start_is_pending() -> None:
    text = _after(_row("last_0", rc=193, status=-1)).ok("why A")
    assert text.startswith("A is starting on web1, and that is where it belongs.")


def test_why_names_a_failure_once_when_the_history_has_it_twice() -> None:
    rows = [
        _row(entry, rc=5, status=0, said="no program") for entry in ("last_failure_0", "last_0")
    ]
    text = _after("".join(rows)).ok("why A")
    assert text.count("the agent said that it cannot run there") == 1
    assert "the agent said: no program" in text


def test_why_does_not_put_words_into_the_mouth_of_an_agent_that_was_killed() -> None:
    row = _row("last_failure_0", rc=1, status=2, said="no answer within 3s")
    text = _after(row).ok("why A")
    assert "reason: no answer within 3s" in text
    assert "the agent said" not in text


def test_why_says_what_keeps_a_resource_stopped() -> None:
    text = shop().ok("why Old")
    assert "target-role is Stopped" in text


def test_why_refuses_what_does_not_exist() -> None:
    assert shop()("why Ghost")[0] == 1
    assert shop()("why Web nowhere")[0] == 1
