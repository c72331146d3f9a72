"""Members come and go; the cluster's files follow."""

import pytest
from tests.commands.nodes_in_memory import PASSWORD, Asked, MemoryNetwork, ask, ports_of

from paceline.commands.cluster_files import renew_authkey, renew_certificates, show_conf, sync_files
from paceline.commands.cluster_nodes import add_node, remove_nodes
from paceline.commands.cluster_services import start
from paceline.commands.cluster_setup import set_up
from paceline.commands.contract import ErrorsHaveOccurredError
from paceline.commands.host_auth import auth_hosts
from paceline.commands.rendering import render_report
from paceline.model.corosync_conf import ConfNode, parse_corosync_conf, read_nodes
from paceline.model.errors import InvalidRequestError
from paceline.ports.node_calls import FileName, Service


@pytest.fixture
def network() -> MemoryNetwork:
    """A cluster of worker1 and worker2, and worker3 that worker1 knows."""
    made = MemoryNetwork()
    made.add("worker1", "worker2", "worker3")
    ports = ports_of(made, "worker1")
    asked = ask("host auth", "worker1", "worker2", "worker3", u="hacluster", p=PASSWORD)
    auth_hosts(asked.request, ports)
    set_up(ask("cluster setup", "demo", "worker1", "worker2").request, ports)
    made.log.clear()
    return made


def _errors(asked: Asked) -> str:
    return "\n".join(render_report(report) for report in asked.request.findings.reports)


def _members(network: MemoryNetwork, name: str) -> tuple[ConfNode, ...]:
    content = network.nodes[name].files[FileName.COROSYNC_CONF].decode()
    return read_nodes(parse_corosync_conf(content))


def _quorum(network: MemoryNetwork, name: str) -> str | None:
    root = parse_corosync_conf(network.nodes[name].files[FileName.COROSYNC_CONF].decode())
    return next(root.all_named("quorum")).find_option("two_node")


def test_a_node_is_added_on_every_link_with_keys_and_tokens(network: MemoryNetwork) -> None:
    add_node(ask("cluster node add", "worker3").request, ports_of(network, "worker1"))
    for name in network.nodes:
        assert _members(network, name)[2] == ConfNode(
            name="worker3", nodeid=3, addresses=("192.168.222.33", "172.16.1.33")
        )
        assert _quorum(network, name) is None
    first, third = network.nodes["worker1"].files, network.nodes["worker3"].files
    assert third[FileName.COROSYNC_AUTHKEY] == first[FileName.COROSYNC_AUTHKEY]
    assert third[FileName.NODE_CERTIFICATE] == b"certificate of worker3"
    token = network.nodes["worker2"].hosts["worker3"].token
    assert network.nodes["worker3"].issued[token] == "worker2"


def test_a_node_is_not_added_while_another_is_silent(network: MemoryNetwork) -> None:
    network.silent.add("worker2")
    asked = ask("cluster node add", "worker3")
    with pytest.raises(ErrorsHaveOccurredError):
        add_node(asked.request, ports_of(network, "worker1"))
    assert "all nodes have to answer while members change" in _errors(asked)
    assert not network.nodes["worker3"].files


def test_a_silent_node_is_left_out_when_asked(network: MemoryNetwork) -> None:
    network.silent.add("worker2")
    asked = ask("cluster node add", "worker3", **{"skip-offline": ""})
    add_node(asked.request, ports_of(network, "worker1"))
    assert "worker2 does not answer and is skipped" in _errors(asked)
    assert len(_members(network, "worker1")) == 3
    assert len(_members(network, "worker2")) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("worker2",), "is in the cluster already"),
        (("worker3", "addr=192.168.222.33"), "needs as many addresses"),
    ],
)
def test_a_node_that_does_not_fit_is_refused(
    network: MemoryNetwork, words: tuple[str, ...], message: str
) -> None:
    asked = ask("cluster node add", *words)
    with pytest.raises(InvalidRequestError) as raised:
        add_node(asked.request, ports_of(network, "worker1"))
    assert message in f"{raised.value}{_errors(asked)}"
    assert network.log == []


def test_a_node_is_removed_and_two_that_stay_are_two(network: MemoryNetwork) -> None:
    ports = ports_of(network, "worker1")
    add_node(ask("cluster node add", "worker3").request, ports)
    remove_nodes(ask("cluster node remove", "worker3").request, ports)
    assert not network.nodes["worker3"].files
    for name in ("worker1", "worker2"):
        assert [node.name for node in _members(network, name)] == ["worker1", "worker2"]
        assert _quorum(network, name) == "1"


def test_a_node_does_not_remove_itself(network: MemoryNetwork) -> None:
    asked = ask("cluster node remove", "worker1")
    with pytest.raises(ErrorsHaveOccurredError):
        remove_nodes(asked.request, ports_of(network, "worker1"))
    assert "this node cannot remove itself" in _errors(asked)


def test_sync_sends_this_nodes_configuration(network: MemoryNetwork) -> None:
    network.nodes["worker2"].files[FileName.COROSYNC_CONF] = b"totem {\n}\n"
    sync_files(ask("cluster sync").request, ports_of(network, "worker1"))
    assert _members(network, "worker2") == _members(network, "worker1")


def test_a_new_key_is_refused_while_corosync_runs(network: MemoryNetwork) -> None:
    ports = ports_of(network, "worker1")
    network.nodes["worker2"].files[FileName.COROSYNC_AUTHKEY] = b"old"
    start(ask("cluster start", "worker2").request, ports)
    asked = ask("cluster authkey corosync")
    with pytest.raises(ErrorsHaveOccurredError):
        renew_authkey(asked.request, ports)
    assert "Corosync runs on worker2" in _errors(asked)
    network.nodes["worker2"].active[Service.COROSYNC] = False
    renew_authkey(ask("cluster authkey corosync").request, ports)
    keys = {network.nodes[n].files[FileName.COROSYNC_AUTHKEY] for n in ("worker1", "worker2")}
    assert len(keys) == 1
    assert b"old" not in keys


def test_new_certificates_go_to_all_members(network: MemoryNetwork) -> None:
    network.nodes["worker2"].files.pop(FileName.NODE_CERTIFICATE)
    asked = ask("pcsd sync-certificates")
    renew_certificates(asked.request, ports_of(network, "worker1"))
    assert asked.shown[1:] == ["worker2: Success", "worker1: Success"]
    assert FileName.NODE_CERTIFICATE in network.nodes["worker2"].files


def test_another_nodes_configuration_is_shown(network: MemoryNetwork) -> None:
    network.nodes["worker2"].files[FileName.COROSYNC_CONF] = b"totem {\n}\n"
    outcome = show_conf(ask("cluster corosync", "worker2").request, ports_of(network, "worker1"))
    assert outcome.text == "totem {\n}"
