"""Corosync's settings change on every node, or on none."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from tests.commands.nodes_in_memory import PASSWORD, MemoryNetwork, ask, ports_of

from paceline.commands.cluster_link import add_link, link_numbers, remove_links, update_link
from paceline.commands.cluster_services import start
from paceline.commands.cluster_setup import set_up
from paceline.commands.contract import ErrorsHaveOccurredError, Ports
from paceline.commands.corosync_config import update as config_update
from paceline.commands.corosync_file import quorum_update
from paceline.commands.corosync_live import set_expected_votes, unblock
from paceline.commands.host_auth import auth_hosts
from paceline.model.corosync_conf import Section, parse_corosync_conf
from paceline.model.errors import InvalidRequestError
from paceline.ports.node_calls import FileName


@dataclass(slots=True)
class Engine:
    """Corosync's tools; remembers what was wanted of it."""

    is_waiting: bool = True
    done: list[str] = field(default_factory=list)

    def reload(self) -> None:
        self.done.append("reload")

    def members_text(self) -> str:
        raise AssertionError("nobody asks for members")

    def quorum_text(self) -> str:
        raise AssertionError("nobody asks for quorum")

    def set_expected_votes(self, votes: int) -> None:
        self.done.append(f"expect {votes}")

    def is_waiting_for_all(self) -> bool:
        return self.is_waiting

    def cancel_waiting_for_all(self) -> None:
        self.done.append("cancel waiting")


class Daemon:
    """Sees worker1 and not worker2; `awaited` are nodes whose copies it waits for."""

    def __init__(self, *awaited: str) -> None:
        self.awaited = list(awaited)
        self.confirmed: list[object] = []

    def ask(self, request: Mapping[str, object], *, timeout_ms: int = 0) -> Mapping[str, object]:
        if request["do"] == "wait":
            return {"ok": True}
        if request["do"] == "confirm-off":
            self.confirmed.append(request["node"])
            return {"ok": True}
        nodes = [{"name": "worker1", "is_online": True}, {"name": "worker2", "is_online": False}]
        return {"ok": True, "status": {"nodes": nodes, "awaited": self.awaited}}


@pytest.fixture
def network() -> MemoryNetwork:
    """A stopped cluster of two nodes with two links."""
    made = MemoryNetwork()
    made.add("worker1", "worker2")
    ports = ports_of(made, "worker1")
    auth_hosts(ask("host auth", "worker1", "worker2", u="hacluster", p=PASSWORD).request, ports)
    set_up(ask("cluster setup", "demo", "worker1", "worker2").request, ports)
    return made


def _ports(network: MemoryNetwork, engine: Engine) -> Ports:
    return replace(ports_of(network, "worker1"), open_engine_tools=lambda: engine, daemon=Daemon())


def _confs(network: MemoryNetwork) -> tuple[Section, ...]:
    texts = [node.files[FileName.COROSYNC_CONF].decode() for node in network.nodes.values()]
    return tuple(parse_corosync_conf(text) for text in texts)


def test_quorum_options_change_on_all_nodes_of_a_stopped_cluster(network: MemoryNetwork) -> None:
    quorum_update(ask("quorum update", "wait_for_all=1").request, _ports(network, Engine()))
    for conf in _confs(network):
        assert next(conf.all_named("quorum")).find_option("wait_for_all") == "1"


def test_quorum_options_do_not_change_while_corosync_runs(network: MemoryNetwork) -> None:
    start(ask("cluster start", all="").request, ports_of(network, "worker1"))
    before = _confs(network)
    asked = ask("quorum update", "wait_for_all=1")
    with pytest.raises(ErrorsHaveOccurredError):
        quorum_update(asked.request, _ports(network, Engine()))
    assert "cluster is stopped" in asked.request.findings.reports[0].message
    assert _confs(network) == before


def test_a_token_changes_while_corosync_runs_and_is_read_at_once(network: MemoryNetwork) -> None:
    start(ask("cluster start", all="").request, ports_of(network, "worker1"))
    engine = Engine()
    config_update(
        ask("cluster config update", "totem", "token=5000").request, _ports(network, engine)
    )
    assert engine.done == ["reload"]
    for conf in _confs(network):
        assert next(conf.all_named("totem")).find_option("token") == "5000"


def test_nothing_changes_anywhere_while_a_node_is_silent(network: MemoryNetwork) -> None:
    network.silent.add("worker2")
    before = _confs(network)
    with pytest.raises(ErrorsHaveOccurredError):
        config_update(
            ask("cluster config update", "totem", "token=5000").request, _ports(network, Engine())
        )
    assert _confs(network) == before


def test_a_link_is_added_with_the_lowest_free_number(network: MemoryNetwork) -> None:
    ports = _ports(network, Engine())
    words = ("worker1=10.9.0.1", "worker2=10.9.0.2", "options", "link_priority=5")
    add_link(ask("cluster link add", *words).request, ports)
    for conf in _confs(network):
        assert link_numbers(conf) == (0, 1, 2)
        found = [
            dict(link.options) for link in next(conf.all_named("totem")).all_named("interface")
        ]
        assert {"linknumber": "2", "knet_link_priority": "5"} in found
    remove_links(ask("cluster link remove", "2").request, ports)
    for conf in _confs(network):
        assert link_numbers(conf) == (0, 1)


def test_every_problem_of_a_new_link_is_told_at_once(network: MemoryNetwork) -> None:
    used = network.nodes["worker2"].addresses[0]
    asked = ask("cluster link add", f"worker1={used}", "stranger=10.9.0.9", "options", "speed=9")
    with pytest.raises(ErrorsHaveOccurredError):
        add_link(asked.request, _ports(network, Engine()))
    assert [report.code for report in asked.request.findings.reports] == [
        "invalid-options", "no-such-node", "no-address", "address-in-use",
    ]  # fmt: skip


def test_the_last_link_stays(network: MemoryNetwork) -> None:
    asked = ask("cluster link remove", "0", "1")
    with pytest.raises(ErrorsHaveOccurredError):
        remove_links(asked.request, _ports(network, Engine()))
    assert [report.code for report in asked.request.findings.reports] == ["last-link"]


def test_a_link_in_use_is_updated_only_while_corosync_is_down(network: MemoryNetwork) -> None:
    ports = _ports(network, Engine())
    update_link(ask("cluster link update", "1", "worker2=10.9.0.2").request, ports)
    for conf in _confs(network):
        assert "10.9.0.2" in str(conf)
    start(ask("cluster start", all="").request, ports_of(network, "worker1"))
    with pytest.raises(ErrorsHaveOccurredError):
        update_link(ask("cluster link update", "1", "worker2=10.9.0.3").request, ports)


def test_expected_votes_are_a_positive_number(network: MemoryNetwork) -> None:
    engine = Engine()
    set_expected_votes(ask("quorum expected-votes", "1").request, _ports(network, engine))
    assert engine.done == ["expect 1"]
    with pytest.raises(InvalidRequestError):
        set_expected_votes(ask("quorum expected-votes", "0").request, _ports(network, engine))


def test_unblock_names_the_missing_nodes_and_wants_a_yes(network: MemoryNetwork) -> None:
    engine = Engine()
    asked = ask("quorum unblock", answers=("no",))
    with pytest.raises(InvalidRequestError):
        unblock(asked.request, _ports(network, engine))
    assert "'worker2'" in asked.shown[0]
    assert not engine.done
    unblock(ask("quorum unblock", answers=("yes",)).request, _ports(network, engine))
    assert engine.done == ["cancel waiting"]


def test_unblock_vouches_for_nodes_whose_copies_are_waited_for(network: MemoryNetwork) -> None:
    engine, daemon = Engine(is_waiting=False), Daemon("worker2")
    ports = replace(_ports(network, engine), daemon=daemon)  # type: ignore[arg-type]  # all it asks
    asked = ask("quorum unblock", answers=("yes",))
    unblock(asked.request, ports)
    assert "'worker2'" in asked.shown[0]
    assert daemon.confirmed == ["worker2"] and not engine.done


def test_unblock_is_refused_where_nothing_waits(network: MemoryNetwork) -> None:
    with pytest.raises(InvalidRequestError):
        unblock(ask("quorum unblock").request, _ports(network, Engine(is_waiting=False)))
