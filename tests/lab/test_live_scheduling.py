"""What the scheduler decides really happens: roles, clones, groups, tickets and capacities live.

Each story makes what it needs by `pcs`, looks on the nodes what runs there (the agents' own files),
asks `paceline why` for the reason, and takes everything away again. Both nodes stay online.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator

import pytest

from paceline.lab.cluster import set_up
from paceline.lab.lab import Lab

pytestmark = pytest.mark.lab

SETTLED_SECONDS = 40
POLL_SECONDS = 0.1
NODES = ["worker1", "worker2"]
STATEFUL = "ocf:lab:Stateful op monitor interval=1s role=Promoted monitor interval=2s"
WITNESS = "ocf:lab:Witness op monitor interval=10s"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Two nodes of a cluster without resources, fencing off."""
    with Lab(f"scheduling-{os.getpid()}", nodes=2) as lab:
        set_up(lab, lambda line: None)
        pcs(lab, "property set stonith-enabled=false")
        yield lab


@contextlib.contextmanager
def resources(lab: Lab, *names: str) -> Iterator[None]:
    """Delete these resources, with their constraints, when the story ends."""
    try:
        yield
    finally:
        for name in names:
            lab.node("worker1").shell(f"pcs resource delete {name}")
    wait_until(lambda: not any(files(lab, node) for node in NODES), lambda: status(lab))


def pcs(lab: Lab, words: str) -> str:
    return lab.node("worker1").shell(f"pcs {words}").check().out


def status(lab: Lab) -> str:
    return lab.node("worker1").shell("pcs status --full 2>&1").out


def why(lab: Lab, resource: str) -> str:
    return lab.node("worker1").shell(f"paceline why {resource}").check().out


def files(lab: Lab, node: str) -> list[str]:
    """Return which services run on the node: their agents' state files."""
    return lab.node(node).shell("ls /run/witness /run/stateful 2>/dev/null | grep -v :").out.split()


def places(lab: Lab, resource: str) -> list[str]:
    """Return the nodes where an agent of the resource runs."""
    return [node for node in NODES if resource in files(lab, node)]


def roles(lab: Lab, resource: str) -> dict[str, str]:
    """Return the role in which a `Stateful` is on each node, as its agent wrote it."""
    return {
        node: lab.node(node).shell(f"cat /run/stateful/{resource} 2>/dev/null").out.strip()
        for node in NODES
    }


def wait_until(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait for a condition with the real cluster's own pace; fail with what is there instead."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(POLL_SECONDS)


def wait_for_roles(lab: Lab, resource: str, promoted: str) -> None:
    wanted = {node: "promoted" if node == promoted else "unpromoted" for node in NODES}
    wait_until(
        lambda: roles(lab, resource) == wanted,
        lambda: f"{roles(lab, resource)} instead of {wanted}\n{status(lab)}",
    )


def wait_for_places(lab: Lab, resource: str, *nodes: str) -> None:
    wait_until(
        lambda: places(lab, resource) == list(nodes),
        lambda: f"{resource}: {places(lab, resource)} instead of {nodes}\n{status(lab)}",
    )


def wait_for_reason(lab: Lab, resource: str, *reasons: str) -> None:
    """Wait until the reasons are told; results of agents come in a moment after their work."""
    wait_until(
        lambda: all(reason in why(lab, resource) for reason in reasons),
        lambda: f"{reasons} not in:\n{why(lab, resource)}",
    )


def other_than(node: str) -> str:
    return next(each for each in NODES if each != node)


def promoted_of(lab: Lab, resource: str) -> str:
    """Wait until exactly one is promoted and the other is not; return where."""
    wait_until(
        lambda: sorted(roles(lab, resource).values()) == ["promoted", "unpromoted"],
        lambda: f"{roles(lab, resource)}\n{status(lab)}",
    )
    return next(node for node, role in roles(lab, resource).items() if role == "promoted")


def test_the_other_is_promoted_when_the_promoted_one_is_banned_or_lost(lab: Lab) -> None:
    with resources(lab, "Db"):
        pcs(lab, f"resource create Db {STATEFUL} promotable")
        first = promoted_of(lab, "Db")
        second = other_than(first)
        wait_for_reason(lab, "Db", "promoted on", "promotion score")

        pcs(lab, f"resource ban Db-clone {first} --promoted")
        wait_for_roles(lab, "Db", promoted=second)
        wait_for_reason(lab, "Db", f"promoted on {second}")
        pcs(lab, "resource clear Db-clone")

        lab.node(second).shell("rm /run/stateful/Db").check()
        wait_for_reason(lab, "Db", f"on {second} failed at", "7 (not running)")
        promoted_of(lab, "Db")
        # Whatever failed after it, what began it is told.
        told = [line for line in why(lab, "Db").splitlines() if "failed" in line]
        assert any("monitor" in line and second in line for line in told), told


def test_a_clone_runs_once_a_node_and_leaves_the_one_in_standby(lab: Lab) -> None:
    with resources(lab, "Agent"):
        pcs(lab, f"resource create Agent {WITNESS} clone")
        wait_for_places(lab, "Agent", "worker1", "worker2")
        wait_for_reason(lab, "Agent", "that is where it belongs")
        try:
            pcs(lab, "node standby worker2")
            wait_for_places(lab, "Agent", "worker1")
            wait_for_reason(lab, "Agent", "Not worker2: it is in standby.")
        finally:
            pcs(lab, "node unstandby worker2")
        wait_for_places(lab, "Agent", "worker1", "worker2")


def test_a_group_starts_in_order_and_moves_as_a_whole(lab: Lab) -> None:
    members = ("Disk", "Mount", "Server")
    with resources(lab, *members):
        for member in members:
            pcs(lab, f"resource create {member} {WITNESS} --group Web --disabled")
        for member in reversed(members):
            pcs(lab, f"resource enable {member}")
        for member in members:
            wait_until(lambda member=member: bool(places(lab, member)), lambda: status(lab))
        (first,) = places(lab, "Disk")
        second = other_than(first)
        for member in members:
            wait_for_places(lab, member, first)
        assert in_order(lab, first, "started") == list(members)

        pcs(lab, f"constraint location Web prefers {second}=INFINITY")
        for member in members:
            wait_for_places(lab, member, second)
        assert in_order(lab, first, "stopped") == list(reversed(members))
        assert in_order(lab, second, "started") == list(members)
        wait_for_reason(lab, "Disk", f"{second} was chosen", f"location-Web-{second}-INFINITY")


def in_order(lab: Lab, node: str, event: str) -> list[str]:
    """Return the group's members in the order in which the agents' book on the node has them."""
    book = [line.split() for line in lab.paths.witness(node).read_text().splitlines()]
    told = [resource for _, _, resource, what in book if what == event]
    return [resource for resource in told if resource in ("Disk", "Mount", "Server")]


def test_a_service_follows_its_ticket(lab: Lab) -> None:
    with resources(lab, "Site"):
        pcs(lab, f"resource create Site {WITNESS} --disabled")
        pcs(lab, "constraint ticket add TicketA Site loss-policy=stop")
        pcs(lab, "resource enable Site")
        wait_for_reason(lab, "Site", "Site is stopped", "ticket TicketA is not granted")
        assert places(lab, "Site") == []

        ticket(lab, "grant")
        wait_until(lambda: len(places(lab, "Site")) == 1, lambda: status(lab))
        wait_for_reason(lab, "Site", "that is where it belongs")
        ticket(lab, "revoke")
        wait_for_places(lab, "Site")
        wait_for_reason(lab, "Site", "Site is stopped", "ticket TicketA is not granted")


def ticket(lab: Lab, what: str) -> None:
    lab.node("worker1").shell(f"crm_ticket --ticket TicketA --{what} --force").check()


def test_what_does_not_fit_the_capacities_waits_until_there_is_room(lab: Lab) -> None:
    with resources(lab, "Large", "Small", "Last"):
        pcs(lab, "property set placement-strategy=balanced")
        try:
            pcs(lab, "node utilization worker1 memory=1000")
            pcs(lab, "node utilization worker2 memory=500")
            for name, memory, priority in (("Large", 900, 3), ("Small", 400, 2), ("Last", 300, 1)):
                pcs(lab, f"resource create {name} {WITNESS} meta priority={priority} --disabled")
                pcs(lab, f"resource utilization {name} memory={memory}")
            pcs(lab, "resource enable Large Small Last")
            wait_for_places(lab, "Large", "worker1")
            wait_for_places(lab, "Small", "worker2")
            wait_for_reason(lab, "Last", "Last is stopped", "not enough capacity is left")
            assert places(lab, "Last") == []

            pcs(lab, "node utilization worker2 memory=700")
            wait_for_places(lab, "Last", "worker2")
        finally:
            pcs(lab, "property set placement-strategy=")
            for node in NODES:
                pcs(lab, f"node utilization {node} memory=")


def test_what_would_be_is_told_for_the_running_cluster_and_changes_nothing(lab: Lab) -> None:
    with resources(lab, "Agent"):
        pcs(lab, f"resource create Agent {WITNESS}")
        wait_until(lambda: len(places(lab, "Agent")) == 1, lambda: status(lab))
        wait_for_reason(lab, "Agent", "that is where it belongs")
        (here,) = places(lab, "Agent")
        there = other_than(here)
        node = lab.node("worker1")

        nothing = node.shell("crm_simulate -L -S").check().out
        assert "Transition Summary:" in nothing
        assert "Agent" not in nothing.partition("Transition Summary:")[2].partition("Revised")[0]
        lost = node.shell(f"crm_simulate -L -S -d {here}").check().out
        assert f"Taking node {here} offline" in lost
        assert f"Started {there}" in lost.partition("Revised Cluster Status:")[2]
        why_lost = node.shell(f"paceline simulate --why --node-down {here}").check().out
        assert f"Not {here}: it is offline." in why_lost
        assert f"  {here}: " in node.shell("paceline why Agent --scores").check().out
        assert '"placements"' in node.shell("paceline simulate --json").check().out
        assert places(lab, "Agent") == [here]


def test_an_option_makes_no_watchdog_and_status_says_so(lab: Lab) -> None:
    node = lab.node("worker1")
    try:
        node.shell("crm_attribute -t crm_config -n have-watchdog -v true").check()
        assert "this cluster has no watchdog fencing" in status(lab)
        assert "have-watchdog=true has no effect" in node.shell("crm_verify -L -V").err
    finally:
        node.shell("crm_attribute -t crm_config -n have-watchdog -v false").check()
    assert "watchdog fencing" not in status(lab)
