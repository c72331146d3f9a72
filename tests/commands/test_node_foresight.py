"""`--dry-run` of what is done to nodes: it is told, with what follows, and not done."""

import pytest
from tests.commands.cluster_line import ClusterLine, make_cluster

from paceline.cib.read import read_status
from paceline.cib.tree import parse_cib
from paceline.ports.cib_store import CibSnapshot
from paceline.ports.node_calls import FileName, Service

CIB = """<cib epoch="1" have-quorum="1"><configuration><crm_config><cluster_property_set id="o">
<nvpair id="o-s" name="stonith-enabled" value="false"/></cluster_property_set></crm_config><nodes>
<node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/></resources>
<constraints/></configuration><status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
<lrm id="1"><lrm_resources>{}</lrm_resources></lrm></node_state>
<node_state id="2" uname="n2" in_ccm="{}" crmd="{}" join="{}" expected="{}">
<lrm id="2"><lrm_resources>{}</lrm_resources></lrm></node_state></status></cib>"""


def _result(task: str, rc: int) -> str:
    return (
        '<lrm_resource id="A" class="ocf" provider="pacemaker" type="Dummy">'
        f'<lrm_rsc_op id="A_last_0" operation="{task}" call-id="5" rc-code="{rc}" op-status="0"'
        f' interval="0" transition-key="1:0:{rc}:x"/></lrm_resource>'
    )


class Living:
    """The configuration of a running cluster, with its status."""

    is_live = True

    def __init__(self, text: str) -> None:
        self._text = text.encode()

    def read(self) -> CibSnapshot:
        status = read_status(parse_cib(self._text))
        return CibSnapshot(document=self._text, version="1", status=status)


def _prompt(*, n2_is_up: bool = True) -> ClusterLine:
    network = make_cluster("n1", "n2")
    network.nodes["n1"].active[Service.COROSYNC] = True
    network.nodes["n2"].active[Service.COROSYNC] = n2_is_up
    state = (
        ("true", "online", "member", "member") if n2_is_up else ("false", "offline", "down", "down")
    )
    text = CIB.format(_result("start", 0), *state, _result("monitor", 7) if n2_is_up else "")
    return ClusterLine(network, "n1", cib=Living(text))


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("cluster stop n1", ["Would stop pacemaker, corosync on 'n1'", "( n1 -> n2 )"]),
        ("cluster stop --all", ["on 'n1', 'n2'", "Stop       A       (    n1 )"]),
        ("cluster stop --corosync n1", ["Would stop corosync on 'n1'"]),
        (
            "cluster kill",
            ["Would kill corosync, pacemaker on 'n1'", "Start      A       (    n2 )"],
        ),
        ("stonith fence n1", ["Would fence node 'n1' (reboot)", "Start      A       (    n2 )"]),
        ("cluster node remove n2", ["-        name: n2", "Would stop and remove the cluster"]),
        ("cluster enable --all", ["Would enable corosync, pacemaker on 'n1', 'n2'"]),
        ("cluster destroy --all", ["Would remove configuration, keys and state"]),
        ("cluster link add n1=10.0.0.1 n2=10.0.0.2", ["+        ring2_addr: 10.0.0.1"]),
    ],
)
def test_it_is_told_and_not_done(words: str, lines: list[str]) -> None:
    pcs = _prompt()
    files = {name: dict(node.files) for name, node in pcs.network.nodes.items()}
    out = pcs.ok(f"{words} --dry-run")
    for line in lines:
        assert line in out
    assert pcs.network.log == []
    assert {name: node.files for name, node in pcs.network.nodes.items()} == files


def test_a_start_tells_that_nothing_moves_where_nothing_would() -> None:
    pcs = _prompt(n2_is_up=False)
    out = pcs.ok("cluster start n2 --dry-run")
    assert out.startswith("Would start corosync, pacemaker on 'n2'\n")
    assert "The cluster would do nothing because of it." in out
    assert pcs.network.log == []


def test_a_stopped_cluster_is_said_to_be_one() -> None:
    pcs = ClusterLine(make_cluster("n1", "n2"), "n1")
    out = pcs.ok("cluster start --all --dry-run")
    assert "The cluster does not run here" in out
    assert pcs.network.log == []


def test_a_node_that_is_not_there_is_an_error() -> None:
    assert "there is no node 'n9'" in _prompt().refused("stonith fence n9 --dry-run")


def test_adding_a_node_makes_every_check_and_shows_the_file() -> None:
    network = make_cluster("n1", "n2", others=("n3",))
    pcs = ClusterLine(network, "n1")
    out = pcs.ok("cluster node add n3 --dry-run")
    assert "+        name: n3" in out
    assert FileName.COROSYNC_CONF not in network.nodes["n3"].files
    network.silent.add("n2")
    assert "all nodes have to answer" in pcs.refused("cluster node add n3 --dry-run")
