"""Two clusters that stand in for each other."""

import json

import pytest
from tests.commands.cluster_line import ClusterLine, make_cluster
from tests.commands.nodes_in_memory import PASSWORD, MemoryNetwork, ask, ports_of

from paceline.commands.cluster_setup import set_up
from paceline.commands.dr import Site, SiteRole, Sites, parse_sites, render_sites
from paceline.commands.host_auth import auth_hosts
from paceline.ports.node_calls import FileName, Service


@pytest.fixture
def network() -> MemoryNetwork:
    """Clusters of n1 and n2, and of r1 and r2, whose first nodes know all."""
    network = make_cluster("n1", "n2", others=("r1", "r2"))
    there = ports_of(network, "r1")
    names = ("n1", "n2", "r1", "r2")
    auth_hosts(ask("host auth", *names, u="hacluster", p=PASSWORD).request, there)
    set_up(ask("cluster setup", "spare", "r1", "r2").request, there)
    for node in network.nodes.values():
        node.active[Service.PACELINE] = True
    return network


@pytest.fixture
def pcs(network: MemoryNetwork) -> ClusterLine:
    """The prompt of n1."""
    return ClusterLine(network, "n1")


def test_both_sites_know_who_is_who(network: MemoryNetwork, pcs: ClusterLine) -> None:
    pcs.ok("dr set-recovery-site r2")
    assert pcs.ok("dr config").splitlines() == [
        "Local site:", "  Role: Primary", "Remote site:", "  Role: Recovery", "  Nodes:",
        "    r1", "    r2",
    ]  # fmt: skip
    there = ClusterLine(network, "r1").ok("dr config").splitlines()
    assert there[1] == "  Role: Recovery"
    assert there[-2:] == ["    n1", "    n2"]
    whole = json.loads(network.nodes["n2"].files[FileName.DR_CONFIG])
    assert whole["local"] == {"role": "PRIMARY"}


def test_status_shows_both_clusters(network: MemoryNetwork, pcs: ClusterLine) -> None:
    pcs.ok("dr set-recovery-site r1")
    network.silent.add("r1")
    status, out, err = pcs("dr status --full")
    assert status == 0
    assert out.splitlines() == [
        "--- Local cluster - Primary site ---",
        "Status as n1 sees it, in full",
        "",
        "",
        "--- Remote cluster - Recovery site ---",
        "Status as r2 sees it, in full",
    ]
    assert "Unable to communicate with r1" in err


def test_status_says_where_no_node_answers(network: MemoryNetwork, pcs: ClusterLine) -> None:
    pcs.ok("dr set-recovery-site r1")
    network.silent.update({"r1", "r2"})
    status, out, _err = pcs("dr status")
    assert status == 1
    assert out.endswith("Error: Unable to get status of the cluster from any node\n")


def test_destroy_forgets_it_on_both_sites(network: MemoryNetwork, pcs: ClusterLine) -> None:
    pcs.ok("dr set-recovery-site r1")
    pcs.ok("dr destroy")
    assert not any(FileName.DR_CONFIG in node.files for node in network.nodes.values())
    assert "Error: Disaster-recovery is not configured\n" in pcs.refused("dr config")


def test_destroy_with_a_silent_node_needs_skip_offline(
    network: MemoryNetwork, pcs: ClusterLine
) -> None:
    pcs.ok("dr set-recovery-site r1")
    network.silent.add("r2")
    assert "Unable to communicate with r2" in pcs.refused("dr destroy")
    assert "Disaster-recovery is not configured" in pcs.refused("dr destroy --skip-offline")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("n2", "Node 'n2' cannot be used because it is from the local cluster"),
        ("x1", "Host 'x1' is not known to pcs, try to authenticate the host using 'pcs host auth"),
    ],
)
def test_a_wrong_node_changes_nothing(
    network: MemoryNetwork, pcs: ClusterLine, words: str, message: str
) -> None:
    assert message in pcs.refused(f"dr set-recovery-site {words}")
    assert not any(FileName.DR_CONFIG in node.files for node in network.nodes.values())


def test_a_site_is_set_once(network: MemoryNetwork, pcs: ClusterLine) -> None:
    pcs.ok("dr set-recovery-site r1")
    assert "Disaster-recovery already configured" in pcs.refused("dr set-recovery-site r1")


def test_a_silent_recovery_site_leaves_nothing_behind(
    network: MemoryNetwork, pcs: ClusterLine
) -> None:
    network.silent.add("r2")
    pcs.refused("dr set-recovery-site r1")
    assert FileName.DR_CONFIG not in network.nodes["n1"].files


def test_the_file_is_read_as_it_is_written() -> None:
    sites = Sites(local=SiteRole.PRIMARY, remote=(Site(role=SiteRole.RECOVERY, nodes=("a",)),))
    assert parse_sites(render_sites(sites)) == sites


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"local": 1}', b"\xff"])
def test_a_damaged_file_is_said_to_be_one(
    network: MemoryNetwork, pcs: ClusterLine, content: bytes
) -> None:
    network.nodes["n1"].files[FileName.DR_CONFIG] = content
    assert "Unable to parse disaster-recovery config" in pcs.refused("dr config")
