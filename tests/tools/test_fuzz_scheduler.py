"""The fuzzer's parts: the CIBs it makes, the answers it compares, how it makes a CIB small."""

import sys
from pathlib import Path

from lxml import etree

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from fuzz_answers import answer_of_peer, ask_ours
from fuzz_cib import NOW_S, make_cib
from fuzz_scheduler import first_difference
from fuzz_shrink import shrink

GRAPH = b"""<transition_graph>
<synapse id="0"><action_set><rsc_op id="4" operation="start" on_node="n1"><primitive id="B"/>
<attributes/></rsc_op></action_set>
<inputs><trigger><pseudo_event id="3" operation="running"/></trigger></inputs></synapse>
<synapse id="1"><action_set><pseudo_event id="3" operation="running"/></action_set>
<inputs><trigger><rsc_op id="2" operation="start"/></trigger></inputs></synapse>
<synapse id="2"><action_set><rsc_op id="2" operation="start" on_node="n1"><primitive id="A"/>
<attributes/></rsc_op></action_set>
<inputs><trigger><crm_event id="1" operation="stonith"/></trigger></inputs></synapse>
<synapse id="3"><action_set><crm_event id="1" operation="stonith" on_node="n2">
<attributes CRM_meta_stonith_action="reboot"/></crm_event></action_set><inputs/></synapse>
</transition_graph>"""
REPORT = b"""<pacemaker-result><revised_cluster_status><resources>
<resource id="A" role="Started"><node name="n1"/></resource>
<clone id="P"><resource id="p" role="Promoted"><node name="n1"/></resource>
<resource id="p" role="Stopped"/></clone>
</resources></revised_cluster_status></pacemaker-result>"""


def test_same_seed_gives_the_same_cib_and_another_seed_another() -> None:
    assert make_cib(7) == make_cib(7)
    assert make_cib(7) != make_cib(8)


def test_every_cib_of_a_range_is_answered() -> None:
    for seed in range(60):
        answer = ask_ours(make_cib(seed), NOW_S)
        assert first_difference(answer, answer) == ""


def test_peers_answer_looks_through_helper_steps() -> None:
    answer = answer_of_peer(etree.fromstring(REPORT), etree.fromstring(GRAPH))
    assert answer.places == (("A", "n1", False), ("p", "n1", True))
    assert answer.actions == ("fence reboot n2", "start A on n1", "start B on n1")
    assert answer.waits == {
        ("fence reboot n2", "start A on n1"),
        ("fence reboot n2", "start B on n1"),
        ("start A on n1", "start B on n1"),
    }


def test_shrinking_keeps_only_what_shows_it() -> None:
    """What is to be shown is that a location constraint exists; all else may go."""

    def shows(cib: bytes) -> bool:
        return b"<rsc_location" in cib

    seed = next(seed for seed in range(100) if shows(make_cib(seed)))
    before, small = make_cib(seed), shrink(make_cib(seed), shows)
    root = etree.fromstring(small)
    assert len(small) < len(before)
    assert len(root.findall("configuration/constraints/*")) == 1
    assert root.findall("status/*") == []
    names = {each.get("id") for each in root.iterfind("configuration/resources//*")}
    assert root.find("configuration/constraints/*").get("rsc") in names  # type: ignore[union-attr]


def test_shrinking_a_resource_takes_its_traces_along() -> None:
    def shows(cib: bytes) -> bool:
        return b"<status" in cib

    for seed in range(20):
        root = etree.fromstring(shrink(make_cib(seed), shows))
        assert root.findall("status//lrm_resource[@id='r1']") == []
