"""Start, stop, enable, disable, destroy."""

from dataclasses import replace

import pytest
from tests.commands.nodes_in_memory import PASSWORD, Asked, MemoryNetwork, ask, ports_of

from paceline.commands.cluster_services import (
    destroy,
    disable,
    enable,
    show_node_services,
    start,
    stop,
)
from paceline.commands.cluster_setup import set_up
from paceline.commands.contract import ErrorsHaveOccurredError
from paceline.commands.host_auth import auth_hosts
from paceline.commands.rendering import render_report
from paceline.model.errors import InvalidRequestError
from paceline.ports.node_calls import Service


def _cluster(*names: str) -> MemoryNetwork:
    network = MemoryNetwork()
    network.add(*names)
    ports = ports_of(network, names[0])
    auth_hosts(ask("host auth", *names, u="hacluster", p=PASSWORD).request, ports)
    set_up(ask("cluster setup", "demo", *names).request, ports)
    network.log.clear()
    return network


def _errors(asked: Asked) -> str:
    return "\n".join(render_report(report) for report in asked.request.findings.reports)


def test_start_all_says_the_lines_of_the_notes() -> None:
    network = _cluster("worker1", "worker2")
    asked = ask("cluster start", all="", classic=True)
    start(asked.request, ports_of(network, "worker1"))
    assert asked.shown == [
        "worker1: Starting Cluster (corosync)...",
        "worker2: Starting Cluster (corosync)...",
        "worker1: Starting Cluster (pacemaker)...",
        "worker2: Starting Cluster (pacemaker)...",
    ]
    assert all(node.active[Service.PACELINE] for node in network.nodes.values())


def test_start_here_needs_no_other_node_and_no_authentication() -> None:
    network = _cluster("worker1", "worker2")
    network.silent.add("worker2")
    network.nodes["worker1"].hosts.clear()
    start(ask("cluster start").request, ports_of(network, "worker1"))
    assert network.log == ["worker1: start corosync", "worker1: start paceline"]


def test_start_leaves_paceline_alone_when_corosync_does_not_start() -> None:
    network = _cluster("worker1", "worker2")
    network.nodes["worker2"].broken.add("corosync")
    asked = ask("cluster start", all="", classic=True)
    with pytest.raises(ErrorsHaveOccurredError):
        start(asked.request, ports_of(network, "worker1"))
    assert "worker2: it does not start" in _errors(asked)
    assert not network.nodes["worker2"].active[Service.PACELINE]
    assert network.nodes["worker1"].active[Service.PACELINE]


def test_start_is_refused_where_there_is_no_cluster() -> None:
    network = MemoryNetwork()
    network.add("worker1")
    with pytest.raises(InvalidRequestError, match="this node is in no cluster"):
        start(ask("cluster start").request, ports_of(network, "worker1"))


def test_stop_all_stops_paceline_everywhere_before_any_corosync() -> None:
    network = _cluster("worker1", "worker2")
    asked = ask("cluster stop", all="")
    stop(asked.request, ports_of(network, "worker1"))
    assert network.log == [
        "worker1: stop paceline",
        "worker2: stop paceline",
        "worker1: stop corosync",
        "worker2: stop corosync",
    ]


def test_stop_of_one_of_two_nodes_needs_no_force() -> None:
    network = _cluster("worker1", "worker2")
    ports = ports_of(network, "worker1")
    start(ask("cluster start", all="").request, ports)
    asked = ask("cluster stop", "worker2")
    stop(asked.request, ports)
    assert asked.shown == [
        "worker2: Stopping Cluster (pacemaker)...",
        "worker2: Stopping Cluster (corosync)...",
    ]


def test_stop_is_refused_when_the_rest_would_lose_the_quorum() -> None:
    network = _cluster("worker1", "worker2", "worker3")
    ports = ports_of(network, "worker1")
    start(ask("cluster start", all="").request, ports)
    stop(ask("cluster stop", "worker3").request, ports)
    network.log.clear()
    asked = ask("cluster stop", "worker2")
    with pytest.raises(ErrorsHaveOccurredError):
        stop(asked.request, ports)
    assert "will cause a loss of the quorum" in _errors(asked)
    assert network.log == []
    stop(ask("cluster stop", "worker2", force="").request, ports)
    assert "worker2: stop corosync" in network.log


def test_enable_and_disable_say_so_for_each_node() -> None:
    network = _cluster("worker1", "worker2")
    ports = ports_of(network, "worker1")
    asked = ask("cluster enable", all="")
    enable(asked.request, ports)
    assert asked.shown == ["worker1: Cluster Enabled", "worker2: Cluster Enabled"]
    asked = ask("cluster disable", "worker2")
    disable(asked.request, ports)
    assert asked.shown == ["worker2: Cluster Disabled"]
    assert not network.nodes["worker2"].enabled[Service.PACELINE]


def test_destroy_asks_first_and_does_nothing_without_yes() -> None:
    network = _cluster("worker1", "worker2")
    with pytest.raises(InvalidRequestError, match="Cancelled"):
        destroy(ask("cluster destroy", answers=("no",)).request, ports_of(network, "worker1"))
    assert network.nodes["worker1"].files


def test_destroy_is_refused_when_nobody_can_be_asked() -> None:
    network = _cluster("worker1", "worker2")
    with pytest.raises(InvalidRequestError, match="This would remove the cluster"):
        destroy(ask("cluster destroy").request, ports_of(network, "worker1"))


def test_destroy_all_removes_the_local_node_last() -> None:
    network = _cluster("worker1", "worker2")
    asked = ask("cluster destroy", all="", force="")
    destroy(asked.request, ports_of(network, "worker1"))
    assert [line for line in network.log if "removed" in line] == [
        "worker2: removed",
        "worker1: removed",
    ]
    assert not any(node.files for node in network.nodes.values())


def test_status_of_node_services_names_those_that_do_not_answer() -> None:
    network = _cluster("worker1", "worker2", "worker3")
    network.silent.add("worker2")
    network.nodes["worker3"].issued.clear()
    outcome = show_node_services(ask("pcsd status").request, ports_of(network, "worker1"))
    assert outcome.text == ("worker1: Online\nworker2: Offline\nworker3: Unable to authenticate")
    assert outcome.status == 1


class Daemon:
    """A daemon that is ready once it was asked often enough; online are those listed by then."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self._answers = list(answers)

    def ask(self, request: dict[str, object], *, timeout_ms: int = 0) -> dict[str, object]:
        if request["do"] == "wait":
            return {"ok": True, "is_reached": True}
        names = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        nodes = [{"name": name, "is_online": True} for name in names]
        return {"ok": True, "status": {"nodes": nodes}}


def test_start_waits_until_all_named_nodes_are_online() -> None:
    network = _cluster("worker1", "worker2")
    daemon = Daemon(("worker1",), ("worker1", "worker2"))
    asked = ask("cluster start", all="", wait="10")
    start(asked.request, replace(ports_of(network, "worker1"), daemon=daemon))
    assert asked.shown[-2:] == ["Waiting for node(s) to start...", "Cluster is running"]


def test_start_says_when_nodes_are_not_ready_in_time() -> None:
    network = _cluster("worker1", "worker2")
    asked = ask("cluster start", all="", wait="0")
    with pytest.raises(InvalidRequestError, match="not ready after 0 s"):
        start(asked.request, replace(ports_of(network, "worker1"), daemon=Daemon(())))
