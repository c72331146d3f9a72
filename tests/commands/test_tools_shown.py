"""The tools that show things: crm_mon, crm_error, crmadmin, crm_ticket."""

import json

import pytest
from tool_bench import CIB, Bench

from paceline.commands.monitor_options import OPTIONS, interval_ms, is_watching
from paceline.commands.tools import Said, ToolError, parse_options
from paceline.commands.tools_admin import crmadmin
from paceline.commands.tools_error import crm_error
from paceline.commands.tools_monitor import crm_mon
from paceline.commands.tools_ticket import crm_ticket

TICKETS = (
    b'<tickets><ticket_state id="T" granted="true" standby="true"/>'
    b'<ticket_state id="U" granted="false" owner="me"/></tickets>'
)


def _with_tickets() -> Bench:
    """A file with tickets."""
    bench = Bench()
    bench.store.is_live = False
    bench.store.document = CIB.replace(b"<status/>", b"<status>" + TICKETS + b"</status>")
    return bench


@pytest.mark.parametrize(
    ("words", "is_wanted"),
    [
        ("", True),
        ("-1", False),
        ("-i 2 -r", True),
        ("-X", False),
        ("--output-as html", False),
        ("--output-as html --output-to page", True),
        ("-s", False),
        ("-d -p pid -h page", True),
    ],
)
def test_monitor_watches_unless_one_look_is_asked_for(words: str, is_wanted: bool) -> None:
    assert is_watching(parse_options(words.split(), OPTIONS)) is is_wanted


def test_monitor_refuses_a_form_or_an_interval_that_is_none() -> None:
    assert Bench().run(crm_mon, "-1", "--output-as", "smoke").status == 64
    with pytest.raises(ToolError):
        interval_ms(parse_options(["-i", "soon"], OPTIONS))


def test_monitor_gives_html_and_json() -> None:
    page = Bench().run(crm_mon, "-1", "-r", "--output-as", "html").out
    assert "<h2>Full List of Resources</h2>" in page
    found = json.loads(Bench().run(crm_mon, "-1", "--output-as", "json").out)
    assert [node["name"] for node in found["nodes"][0]["node"]] == ["n1", "n2"]


def test_monitor_writes_the_file_that_is_named() -> None:
    bench = Bench()
    assert bench.run(crm_mon, "-1", "-h", "page") == Said()
    assert bench.files["page"].startswith(b"<!DOCTYPE html>")


def test_monitor_shows_only_the_node_and_the_resource_that_are_named() -> None:
    text = Bench().run(crm_mon, "-1", "-r", "--node", "n1").out
    assert "n1" in text
    assert "n2" not in text
    assert "A\t" not in Bench().run(crm_mon, "-1", "-r", "--resource", "B").out


def test_error_numbers_are_explained() -> None:
    bench = Bench()
    assert bench.run(crm_error, "-X", "5", "105").out == "Not installed\nNo such object"
    assert bench.run(crm_error, "-X", "-n", "105").out == "CRM_EX_NOSUCH - No such object"
    assert bench.run(crm_error, "0").out == "OK"
    assert "  124: Timeout occurred" in bench.run(crm_error, "-X", "-l").out.splitlines()


def test_coordinator_and_nodes_are_named() -> None:
    bench = Bench()
    assert bench.run(crmadmin, "-D").out == "Designated Controller is: n1"
    assert bench.run(crmadmin, "-D", "-q").out == "n1"
    assert bench.run(crmadmin, "-N").out == "cluster node: n1 (1)\ncluster node: n2 (2)"
    assert bench.run(crmadmin, "-N", "remote").out == ""
    assert bench.run(crmadmin, "-S", "n1").out == "Status of crmd@n1: S_IDLE (ok)"
    assert bench.run(crmadmin, "-S", "n9").status == 105


def test_tickets_are_shown() -> None:
    bench = _with_tickets()
    assert bench.run(crm_ticket, "-l").out.splitlines() == [
        "T\tgranted [standby]",
        "U\trevoked          ",
    ]
    assert bench.run(crm_ticket, "-w").out == "T\nU"
    assert bench.run(crm_ticket, "-t", "U", "-G", "owner").out == "me"
    assert bench.run(crm_ticket, "-t", "U", "-G", "none").status == 105
    assert bench.run(crm_ticket, "-t", "X", "-l").status == 105


def test_ticket_is_granted_only_when_forced() -> None:
    bench = Bench()
    assert bench.run(crm_ticket, "-t", "T", "-g").status == 4
    assert bench.daemon.asked == []
    assert bench.run(crm_ticket, "-t", "T", "-g", "--force").status == 0
    assert bench.run(crm_ticket, "-t", "T", "-s").status == 0
    assert [asked["values"] for asked in bench.daemon.asked] == [
        {"granted": "true"},
        {"standby": "true"},
    ]
