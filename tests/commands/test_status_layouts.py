"""The layouts of the status, from a whole CIB to text."""

import msgspec
import pytest
from lxml import etree
from tests.commands.status_cib import CIB

from paceline.cib.read import parse_xml, read_configuration, read_status
from paceline.commands.shown_date import date_text
from paceline.commands.status_classic import classic_status
from paceline.commands.status_text import Shown, status_text
from paceline.commands.status_view import StatusView, view_of
from paceline.commands.status_xml import status_xml

FAILED_MS = 1_780_315_200_000


@pytest.fixture
def view() -> StatusView:
    root = parse_xml(CIB)
    status = read_status(root)
    assert status is not None
    return view_of(read_configuration(root), status, updated_ms=FAILED_MS)


def test_today_layout_shows_everything_when_inactive_is_wanted(view: StatusView) -> None:
    at = date_text(FAILED_MS)
    changed = date_text(view.last_change.time_ms)
    assert status_text(view, Shown(has_inactive=True)) == "\n".join(
        [
            "Cluster Summary:",
            "  * Stack: corosync",
            "  * Current DC: web1 (version paceline-0.1.0) - partition with quorum",
            f"  * Last updated: {at}",
            f"  * Last change:  {changed} by root via cibadmin on web1",
            "  * 2 nodes configured",
            "  * 6 resource instances configured (1 DISABLED)",
            "",
            "Node List:",
            "  * Online: [ web1 ]",
            "  * OFFLINE: [ web2 ]",
            "",
            "Full List of Resources:",
            "  * Address\t(ocf:heartbeat:IPaddr2):\t Started web1",
            "  * Resource Group: Shop:",
            "    * Disk\t(ocf:heartbeat:Filesystem):\t Started web1",
            "    * Web\t(ocf:heartbeat:apache):\t Started web1",
            "  * Clone Set: Ping-clone [Ping]:",
            "    * Started: [ web1 ]",
            "    * Stopped: [ web2 ]",
            "  * Old\t(ocf:heartbeat:Dummy):\t Stopped (disabled)",
            "",
            "Failed Resource Actions:",
            "  * Web 10s-interval monitor on web1 returned 'not running' (no pid file) "
            f"at {at} after 40ms",
        ]
    )


def test_today_layout_leaves_out_what_is_inactive_when_not_wanted(view: StatusView) -> None:
    text = status_text(view, Shown())
    assert "Active Resources:" in text
    assert "Old" not in text
    assert "Stopped: [" not in text


def test_attributes_and_fail_counts_are_listed_when_wanted(view: StatusView) -> None:
    text = status_text(view, Shown(has_attributes=True, has_fail_counts=True))
    assert "  * Node: web1:\n    * pingd                           \t: 100" in text
    assert "* Web: migration-threshold=1000000 fail-count=2 last-failure=" in text
    assert "fail-count-Web" not in text


def test_resources_are_counted_when_the_layout_is_brief(view: StatusView) -> None:
    text = status_text(view, Shown(has_inactive=True, is_brief=True))
    assert "  * 1/1\t(ocf:heartbeat:IPaddr2):\tActive web1" in text


def test_resources_stand_below_their_node_when_grouped(view: StatusView) -> None:
    text = status_text(view, Shown(is_by_node=True))
    assert "  * Node web1: online:\n    * Resources:\n      * Address\t" in text


def test_classic_layout_is_that_of_the_notes(view: StatusView) -> None:
    at = date_text(FAILED_MS)
    text = classic_status(view)
    assert text.startswith(
        "Stack: corosync\n"
        "Current DC: web1 (version paceline-0.1.0) - partition with quorum\n"
        f"Last updated: {at}\n"
    )
    assert (
        "2 nodes configured\n6 resource instances configured (1 DISABLED)\n\n"
        "Online: [ web1 ]\nOFFLINE: [ web2 ]\n\n"
        "Full list of resources:\n\n"
        " Address\t(ocf::heartbeat:IPaddr2):\tStarted web1\n"
        " Resource Group: Shop\n"
        "     Disk\t(ocf::heartbeat:Filesystem):\tStarted web1\n"
        "     Web\t(ocf::heartbeat:apache):\tStarted web1\n"
        " Clone Set: Ping-clone [Ping]\n"
        "     Started: [ web1 ]\n"
        "     Stopped: [ web2 ]\n"
        " Old\t(ocf::heartbeat:Dummy):\tStopped (disabled)\n\n"
        "Failed Resource Actions:\n"
        "* Web_monitor_10000 on web1 'not running' (7): call=8, status=complete, "
        "exitreason='no pid file',\n"
        f"    last-rc-change='{at}', queued=0ms, exec=40ms"
    ) in text


def test_classic_layout_says_so_when_there_are_no_resources(view: StatusView) -> None:
    empty = msgspec.structs.replace(view, resources=(), failures=())
    assert classic_status(empty).endswith("OFFLINE: [ web2 ]\n\nNo resources")


def test_xml_has_nodes_and_resources_when_programs_ask(view: StatusView) -> None:
    root = etree.fromstring(status_xml(view, request="crm_mon"))
    assert [node.get("online") for node in root.iterfind("nodes/node")] == ["true", "false"]
    web = root.find("resources/group/resource[@id='Web']")
    assert web is not None
    assert web.get("role") == "Started"
    failure = root.find("failures/failure")
    assert failure is not None
    assert failure.get("exitreason") == "no pid file"


def test_lost_nodes_are_known_to_the_view_and_those_that_left_are_not() -> None:
    root = parse_xml(CIB)
    status = read_status(root)
    assert status is not None
    nodes = tuple(
        msgspec.structs.replace(node, is_lost=node.name == "web2") for node in status.nodes
    )
    configuration = read_configuration(root)
    lost = msgspec.structs.replace(status, nodes=nodes)
    assert view_of(configuration, lost, updated_ms=FAILED_MS).lost == ("web2",)
    assert view_of(configuration, status, updated_ms=FAILED_MS).lost == ()
