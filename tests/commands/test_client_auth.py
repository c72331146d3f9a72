"""`client local-auth`: a check, and nothing is kept."""

from tests.commands.cluster_line import ClusterLine, make_cluster
from tests.commands.nodes_in_memory import PASSWORD


def test_right_and_wrong_passwords() -> None:
    pcs = ClusterLine(make_cluster("n1"), "n1")
    issued = dict(pcs.network.nodes["n1"].issued)
    status, out, _err = pcs(f"client local-auth -u hacluster -p '{PASSWORD}'")
    assert (status, out) == (0, "localhost: Authorized\n")
    err = pcs.refused("client local-auth 2224 -u hacluster -p wrong")
    assert "localhost: Username and/or password is incorrect" in err
    assert "usermod -a -G haclient" in err
    assert pcs.network.nodes["n1"].issued == issued


def test_a_wrong_port_is_refused() -> None:
    pcs = ClusterLine(make_cluster("n1"), "n1")
    assert "Invalid port number '99999'" in pcs.refused("client local-auth 99999 -u a -p b")
