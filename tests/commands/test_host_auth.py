"""Nodes get to know each other."""

import pytest
from tests.commands.nodes_in_memory import PASSWORD, Asked, MemoryNetwork, ask, ports_of

from paceline.commands.host_auth import auth_cluster, auth_hosts, deauth_hosts
from paceline.commands.rendering import render_report
from paceline.model.errors import InvalidRequestError


def _network(*names: str) -> MemoryNetwork:
    network = MemoryNetwork()
    network.add(*names)
    return network


def _errors(asked: Asked) -> str:
    return "\n".join(render_report(report) for report in asked.request.findings.reports)


def test_auth_lets_every_node_drive_every_other() -> None:
    network = _network("worker1", "worker2", "worker3")
    asked = ask("cluster auth", "worker1", "worker2", "worker3", answers=("hacluster", PASSWORD))
    auth_cluster(asked.request, ports_of(network, "worker1"))
    assert asked.shown[:2] == ["Username: ", "Password: "]
    assert asked.shown[2:] == [f"worker{n}: Authorized" for n in (1, 2, 3)]
    assert not asked.request.findings.reports
    for name, node in network.nodes.items():
        for other in network.nodes:
            if other != name:
                token = node.hosts[other].token
                assert network.nodes[other].issued[token] == name


def test_auth_does_not_ask_when_user_and_password_are_given() -> None:
    network = _network("worker1")
    asked = ask("host auth", "worker1", u="hacluster", p=PASSWORD)
    auth_hosts(asked.request, ports_of(network, "worker1"))
    assert asked.shown == ["worker1: Authorized"]


def test_auth_names_port_and_commands_when_a_node_is_silent() -> None:
    network = _network("worker1", "worker2")
    network.silent.add("worker2")
    asked = ask("cluster auth", "worker1", "worker2", u="hacluster", p=PASSWORD)
    auth_cluster(asked.request, ports_of(network, "worker1"))
    assert asked.shown == ["worker1: Authorized"]
    text = _errors(asked)
    assert text.startswith("Error: Unable to communicate with worker2\n")
    assert "192.168.222.32 port 2224/tcp: silent" in text
    assert "firewall-cmd --permanent --add-port=2224/tcp" in text
    assert "ufw allow 2224/tcp" in text
    assert "nft insert rule" in text


def test_auth_names_the_node_when_the_password_is_wrong() -> None:
    network = _network("worker1")
    asked = ask("cluster auth", "worker1", u="hacluster", p="guess")
    auth_cluster(asked.request, ports_of(network, "worker1"))
    assert _errors(asked) == "Error: worker1: Username and/or password is incorrect"
    assert not network.nodes["worker1"].issued


def test_auth_says_who_answered_when_a_name_leads_to_another_node() -> None:
    network = _network("worker1", "worker2")
    network.misled["worker2"] = "worker1"
    asked = ask("host auth", "worker2", u="hacluster", p=PASSWORD)
    auth_hosts(asked.request, ports_of(network, "worker1"))
    assert "says that it is 'worker1', use --force to override" in _errors(asked)
    assert not network.nodes["worker1"].issued


def test_auth_says_that_a_name_is_unknown() -> None:
    network = _network("worker1")
    asked = ask("host auth", "nobody", u="hacluster", p=PASSWORD)
    auth_hosts(asked.request, ports_of(network, "worker1"))
    assert "the name 'nobody' has no address on this node" in _errors(asked)


def test_auth_names_the_address_that_is_none() -> None:
    network = _network("worker1")
    asked = ask("host auth", "nobody", "addr=10.0.0.1x", u="hacluster", p=PASSWORD)
    auth_hosts(asked.request, ports_of(network, "worker1"))
    assert "'10.0.0.1x', given as the address of nobody, is neither" in _errors(asked)


def test_auth_names_the_options_that_no_host_has() -> None:
    asked = ask("host auth", "worker1", "port=1", "x=2", "worker2", "addr=10.0.0.1", "y=3")
    with pytest.raises(InvalidRequestError) as caught:
        auth_hosts(asked.request, ports_of(_network("worker1"), "worker1"))
    assert [report.message for report in caught.value.reports] == [
        "Unknown options port, x for host 'worker1'",
        "Unknown options y for host 'worker2'",
    ]
    assert not asked.shown


def test_auth_warns_when_a_clock_is_apart() -> None:
    network = _network("worker1", "worker2")
    network.nodes["worker2"].clock_ms = -62_000
    asked = ask("host auth", "worker2", u="hacluster", p=PASSWORD)
    auth_hosts(asked.request, ports_of(network, "worker1"))
    assert asked.shown == ["worker2: Authorized"]
    assert "Warning: worker2: its clock is 62.0 s behind this node's" in _errors(asked)


def test_auth_refuses_another_key_than_was_pinned() -> None:
    network = _network("worker1", "worker2")
    first = ask("host auth", "worker2", u="hacluster", p=PASSWORD)
    auth_hosts(first.request, ports_of(network, "worker1"))
    local = network.nodes["worker1"]
    (known,) = local.hosts.values()
    local.hosts = {"worker2": type(known)(**{**_fields(known), "fingerprint": "another"})}
    again = ask("host auth", "worker2", u="hacluster", p=PASSWORD)
    auth_hosts(again.request, ports_of(network, "worker1"))
    assert "has another key than when it was authenticated before" in _errors(again)
    assert again.shown == []


def _fields(host: object) -> dict[str, object]:
    names = ("name", "address", "port", "token", "fingerprint")
    return {name: getattr(host, name) for name in names}


def test_deauth_voids_the_tokens_on_the_other_side() -> None:
    network = _network("worker1", "worker2")
    ports = ports_of(network, "worker1")
    auth_hosts(ask("host auth", "worker2", u="hacluster", p=PASSWORD).request, ports)
    asked = ask("host deauth", "worker2")
    deauth_hosts(asked.request, ports)
    assert not network.nodes["worker1"].hosts
    assert not network.nodes["worker2"].issued
    assert not asked.request.findings.reports
