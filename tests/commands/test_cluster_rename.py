"""Other names for a cluster and its nodes."""

import pytest
from tests.commands.cluster_line import ClusterLine, make_cluster
from tests.commands.command_line import CommandLine

from paceline.model.corosync_conf import parse_corosync_conf, read_cluster_name, read_nodes
from paceline.ports.node_calls import FileName, Service

NAMED = """<cib epoch="1"><configuration><crm_config/><nodes>
<node id="1" uname="n1"><instance_attributes id="nodes-1"><nvpair id="nodes-1-rack" name="rack"
value="7"/></instance_attributes></node><node id="2" uname="n2"/></nodes>
<resources><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/>
<primitive id="F" class="stonith" type="fence_lab"/></resources>
<constraints><rsc_location id="l1" rsc="A" node="n1" score="5"/>
<rsc_location id="l2" rsc="A"><rule id="r" score="1"><expression id="e" attribute="#uname"
operation="eq" value="n1"/></rule></rsc_location></constraints>
<fencing-topology><fencing-level id="f" target="n1" index="1" devices="F"/></fencing-topology>
</configuration><status/></cib>"""


@pytest.fixture
def pcs() -> ClusterLine:
    """The prompt of n1 in a cluster of two that is stopped."""
    return ClusterLine(make_cluster("n1", "n2"), "n1")


def _confs(pcs: ClusterLine) -> list[bytes]:
    return [node.files[FileName.COROSYNC_CONF] for node in pcs.network.nodes.values()]


def test_the_cluster_is_renamed_on_all_nodes(pcs: ClusterLine) -> None:
    pcs.ok("cluster rename store")
    for conf in _confs(pcs):
        assert read_cluster_name(parse_corosync_conf(conf.decode())) == "store"


def test_a_running_cluster_keeps_its_name(pcs: ClusterLine) -> None:
    pcs.network.nodes["n2"].active[Service.COROSYNC] = True
    assert "Corosync runs on n2" in pcs.refused("cluster rename store")
    for conf in _confs(pcs):
        assert read_cluster_name(parse_corosync_conf(conf.decode())) == "shop"


def test_a_name_that_gfs2_does_not_take_has_to_be_forced(pcs: ClusterLine) -> None:
    assert "GFS2" in pcs.refused("cluster rename my.store")
    pcs.ok("cluster rename my.store --force")
    assert read_cluster_name(parse_corosync_conf(_confs(pcs)[1].decode())) == "my.store"


def test_a_node_is_renamed_in_the_file_of_all_nodes(pcs: ClusterLine) -> None:
    _status, _out, err = pcs("cluster node rename-corosync n2 web2")
    assert "host name 'web2'" in err
    for conf in _confs(pcs):
        names = [(n.name, n.nodeid) for n in read_nodes(parse_corosync_conf(conf.decode()))]
        assert names == [("n1", 1), ("web2", 2)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("n3 web3", "Node 'n3' does not appear to exist in configuration"),
        ("n2 n1", "Node 'n1' is in the cluster already"),
        ("n2 n2", "'n2' is its name already"),
        ("n2 'a b'", "'a b' cannot be the name of a node"),
    ],
)
def test_a_wrong_name_changes_nothing(pcs: ClusterLine, words: str, message: str) -> None:
    before = _confs(pcs)
    assert message in pcs.refused(f"cluster node rename-corosync {words}")
    assert _confs(pcs) == before


def test_everything_that_names_the_node_follows() -> None:
    pcs = CommandLine(NAMED)
    pcs.ok("cluster node rename-cib n1 web1")
    assert '"n1"' not in pcs.text
    assert pcs.text.count('"web1"') == 4
    assert 'value="7"' in pcs.text


def test_a_node_that_is_not_there_cannot_be_renamed() -> None:
    pcs = CommandLine(NAMED)
    assert pcs("cluster node rename-cib n9 web1")[0] == 1
    assert pcs("cluster node rename-cib n1 n2")[0] == 1
    assert pcs("cluster node rename-cib n1 A")[0] == 0
