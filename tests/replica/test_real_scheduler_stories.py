"""The replica with the real scheduler: start, move, fail, recover, shut down."""

from replica_bus import Bus
from replica_stories import DEVICE, ORIGIN, configure, options, started

from paceline.cib.read import read_configuration
from paceline.model.identifiers import NodeName
from paceline.model.operation import Operation
from paceline.model.plan import Plan
from paceline.model.snapshot import Snapshot
from paceline.model.status import ClusterStatus, OperationOutcome
from paceline.replica.events import Departure, EngineConnected, LoopStalled
from paceline.replica.requests import ClearHistory, Configure, Outcome, SetAttributes, Shutdown
from paceline.scheduler import schedule

DUMMY = (
    b'<primitive id="IP" class="ocf" provider="heartbeat" type="Dummy"><operations>'
    b'<op id="IP-m" name="monitor" interval="10s"/></operations></primitive>'
)
RUNNING, STOPPED = 0, 7


class Services:
    """What really runs: the agents of all nodes, seen by tests."""

    def __init__(self) -> None:
        self.running: dict[str, set[str]] = {}
        self.failing: dict[tuple[str, str], int | OperationOutcome] = {}
        self.overlaps = 0
        self.waiting: tuple[str, str] | None = None

    def __call__(self, operation: Operation) -> int | OperationOutcome | None:
        action = operation.action
        if self.waiting == (action.task, operation.node):
            return None
        here = self.running.setdefault(action.resource, set())
        wrong = self.failing.get((action.task, operation.node))
        if wrong is not None:
            return wrong
        if action.task == "start":
            here.add(operation.node)
            self.overlaps += len(here) > 1
        elif action.task == "stop":
            here.discard(operation.node)
        elif action.task == "monitor":
            return RUNNING if operation.node in here else STOPPED
        return RUNNING

    def power_off(self, node: str) -> None:
        for nodes in self.running.values():
            nodes.discard(node)


def real(status: ClusterStatus, configuration: bytes) -> Plan:
    return schedule(Snapshot(configuration=read_configuration(configuration), status=status))


def cluster(*names: str, fencing: bool = False) -> tuple[Bus, Services]:
    services = Services()
    bus = Bus(*names, scheduler=real, agent=services, is_two_node=len(names) == 2)
    bus.start(*names)
    bus.settle()
    bus.ask(
        names[0],
        configure(
            bus,
            names[0],
            resources=DUMMY + (DEVICE if fencing else b""),
            properties=options(stonith_enabled="true" if fencing else "false"),
        ),
    )
    bus.settle()
    bus.tick(1000)
    return bus, services


def where(services: Services) -> list[str]:
    return sorted(services.running.get("IP", set()))


def test_resource_starts_once_and_everything_comes_to_rest() -> None:
    bus, services = cluster("worker1", "worker2")
    assert len(where(services)) == 1
    assert all(bus.replica(name).is_idle() for name in bus.nodes)


def test_resource_moves_when_its_node_crashes_without_fencing() -> None:
    bus, services = cluster("worker1", "worker2")
    (old,) = where(services)
    services.power_off(old)
    bus.crash(old)
    bus.settle()
    assert where(services) == [name for name in bus.nodes if name != old]


def test_resource_waits_for_the_fencing_when_fencing_is_on() -> None:
    bus, services = cluster("worker1", "worker2", fencing=True)
    (old,) = where(services)
    other = next(name for name in bus.nodes if name != old)
    bus.fence_agent = lambda operation: None
    bus.crash(old)
    bus.settle()
    bus.tick(3000)
    assert where(services) == [old], "nothing was started elsewhere"
    services.power_off(old)
    bus.finish_fence(other, bus[other].fences[-1], 0)
    bus.settle()
    bus.tick(1000)
    assert where(services) == [other]
    assert services.overlaps == 0


def test_node_leaves_cleanly_and_its_resource_moves_when_shut_down() -> None:
    bus, services = cluster("worker1", "worker2", fencing=True)
    (old,) = where(services)
    other = next(name for name in bus.nodes if name != old)
    asked = bus.ask(old, Shutdown())
    bus.settle()
    bus.tick(1000)
    assert bus[old].replies[asked].outcome is Outcome.ACKNOWLEDGED
    left = bus[old].left
    assert left is not None and left.exit_status == 0
    assert where(services) == [other]
    bus.crash(old, why=Departure.LEFT)
    bus.settle()
    bus.tick(60_000)
    assert bus[other].fences == []
    node = next(node for node in bus.replica(other).status().nodes if node.name == old)
    assert not node.is_expected and not node.is_unclean


def test_last_node_can_leave_when_it_is_alone_without_quorum() -> None:
    bus, services = cluster("worker1", "worker2", "worker3")
    for name in ("worker3", "worker2"):
        bus.ask(name, Shutdown())
        bus.settle()
        bus.tick(500)
        assert bus[name].left is not None
        bus.crash(name, why=Departure.LEFT)
        bus.settle()
    bus.ask("worker1", Shutdown())
    bus.settle()
    bus.tick(1000)
    assert bus["worker1"].left is not None
    assert where(services) == []


def test_all_nodes_leave_when_all_are_shut_down_at_once() -> None:
    bus, services = cluster("worker1", "worker2", "worker3")
    for name in bus.nodes:
        bus.ask(name, Shutdown())
    for _ in range(4):
        bus.settle()
        bus.tick(500)
        gone = [n.name for n in bus.nodes.values() if n.left is not None and n.replica is not None]
        if gone:
            bus.crash(*gone, why=Departure.LEFT)
    bus.settle()
    assert all(node.left is not None for node in bus.nodes.values())
    assert where(services) == []


def test_resource_is_stopped_and_started_again_when_its_monitor_fails() -> None:
    bus, services = cluster("worker1", "worker2")
    (old,) = where(services)
    services.running["IP"].clear()
    monitor = next(op for op in bus[old].executed if op.action.interval_ms)
    bus.finish(old, monitor, STOPPED)
    bus.settle()
    bus.tick(1000)
    assert len(where(services)) == 1
    attributes = dict(
        next(n for n in bus.replica("worker1").status().nodes if n.name == old).attributes
    )
    assert attributes["fail-count-IP#monitor_10000"] == "1"
    assert "last-failure-IP#monitor_10000" in attributes


def test_start_failure_bans_the_node_and_cleanup_lifts_it() -> None:
    bus, services = cluster("worker1", "worker2")
    (old,) = where(services)
    other = next(name for name in bus.nodes if name != old)
    services.failing["start", old] = 1
    services.running["IP"].clear()
    monitor = next(op for op in bus[old].executed if op.action.interval_ms)
    bus.finish(old, monitor, STOPPED)
    bus.settle()
    bus.tick(1000)
    assert where(services) == [other]
    node = next(n for n in bus.replica(other).status().nodes if n.name == old)
    assert dict(node.attributes)["fail-count-IP#start_0"] == "INFINITY"
    assert any(row.entry_id == "IP_last_failure_0" for row in node.history)
    services.failing.clear()
    bus.ask(other, ClearHistory())
    bus.settle()
    bus.tick(1000)
    node = next(n for n in bus.replica(other).status().nodes if n.name == old)
    assert not node.attributes
    assert not any(row.entry_id == "IP_last_failure_0" for row in node.history)


def test_minority_stops_and_majority_takes_over_when_the_network_is_cut() -> None:
    bus, services = cluster("worker1", "worker2", "worker3")
    (old,) = where(services)
    rest = [name for name in bus.nodes if name != old]
    bus.regroup([old], rest)
    bus.settle()
    bus.tick(1000)
    assert where(services) == [rest[0]] or where(services) == [rest[1]]
    bus.regroup(list(bus.nodes))
    bus.settle()
    bus.tick(1000)
    assert len(where(services)) == 1
    assert all(bus.replica(name).is_idle() for name in bus.nodes)


def test_everything_stops_at_once_when_corosync_dies() -> None:
    bus, services = cluster("worker1", "worker2", "worker3")
    (old,) = where(services)
    bus.lose_engine(old)
    bus.settle()
    assert where(services) == []
    assert not bus.replica(old).status().is_quorate


def test_nothing_is_released_after_a_stall_until_another_member_answered() -> None:
    bus, _services = cluster("worker1", "worker2")
    bus.handle("worker1", LoopStalled(stalled_ms=5000))
    assert bus.replica("worker1").internals()["barred"] == "after a stall"
    while bus["worker1"].inbox:
        bus.handle("worker1", bus["worker1"].inbox.popleft())
    assert bus.replica("worker1").internals()["barred"], "its own entry proves nothing"
    bus.settle()
    assert not bus.replica("worker1").internals()["barred"]


def test_unseen_node_is_fenced_only_after_the_wait_of_a_cold_start() -> None:
    bus, services = cluster("worker1", "worker2", "worker3", fencing=True)
    for name in bus.nodes:
        services.power_off(name)
    bus.crash("worker1", "worker2", "worker3")
    bus.settle()
    bus.start("worker1", "worker2")
    bus.settle()
    bus.tick(10_000)
    assert all(not node.fences for node in bus.nodes.values())
    assert where(services) == []
    bus.tick(15_000)
    assert [f.target for f in bus["worker1"].fences] == ["worker3"]
    assert len(where(services)) == 1


def test_failed_stop_gets_the_node_fenced() -> None:
    bus, services = cluster("worker1", "worker2", fencing=True)
    (old,) = where(services)
    other = next(name for name in bus.nodes if name != old)
    services.failing["stop", old] = OperationOutcome.TIMED_OUT
    bus.ask(old, SetAttributes(node=NodeName(old), values=(("standby", "on"),)))

    def switch(operation: object) -> int:
        services.power_off(old)
        return 0

    bus.fence_agent = switch  # type: ignore[assignment]
    bus.settle()
    bus.tick(5000)
    fenced = [f.target for node in bus.nodes.values() for f in node.fences]
    assert fenced == [old]
    assert where(services) in ([], [other])
    bus.crash(old)
    bus.settle()
    bus.tick(2000)
    assert where(services) == [other]


def test_started_story_has_fencing_off_by_default() -> None:
    bus = Bus("worker1", scheduler=real)
    started(bus, "worker1")
    assert bus.replica("worker1").is_idle()


def test_daemon_that_starts_without_corosync_stops_what_it_finds_running() -> None:
    bus, services = cluster("worker1", "worker2")
    (old,) = where(services)
    bus.crash(old, why=Departure.PROCESS_DOWN)
    bus.settle()
    assert where(services) == [old], "it may come back and adopt"
    bus[old].begin()
    bus.lose_engine(old)
    bus.settle()
    bus.tick(1000)
    assert old not in where(services)
    assert not bus.replica(old).status().is_quorate


def test_daemon_that_started_without_corosync_rejoins_when_it_is_back() -> None:
    bus, services = cluster("worker1", "worker2")
    (old,) = where(services)
    bus.crash(old, why=Departure.PROCESS_DOWN)
    bus.settle()
    bus[old].begin()
    bus.lose_engine(old)
    bus.settle()
    bus.tick(1000)
    bus.feed(old, bus.configured())
    bus.feed(old, EngineConnected(address=bus[old].address))
    bus.regroup(["worker1", "worker2"])
    bus.settle()
    bus.tick(1000)
    assert len(where(services)) == 1 and services.overlaps == 0
    assert all(bus.replica(name).is_idle() for name in bus.nodes)


def test_nothing_starts_beside_a_live_corosync_whose_daemon_was_not_seen() -> None:
    bus, services = cluster("worker1", "worker2")
    (old,) = where(services)
    other = next(name for name in bus.nodes if name != old)
    bus.crash("worker1", "worker2", why=Departure.PROCESS_DOWN)
    bus.settle()
    bus.start(other)
    bus.regroup([other], ring_of=["worker1", "worker2"])
    bus.settle()
    bus.tick(120_000)
    assert where(services) == [old], "nobody has probed the other node yet"
    bus.start(old)
    bus.regroup(["worker1", "worker2"])
    bus.settle()
    bus.tick(1000)
    assert where(services) == [old]
    assert services.overlaps == 0


def test_what_ran_beside_an_unseen_daemon_is_recovered_when_its_corosync_is_gone() -> None:
    bus, services = cluster("worker1", "worker2")
    (old,) = where(services)
    other = next(name for name in bus.nodes if name != old)
    bus.crash("worker1", "worker2", why=Departure.PROCESS_DOWN)
    bus.start(other)
    bus.regroup([other], ring_of=["worker1", "worker2"])
    bus.settle()
    services.power_off(old)
    bus.regroup([other])
    bus.settle()
    bus.tick(1000)
    assert where(services) == [other]


def test_node_that_was_just_started_leaves_only_after_it_probed() -> None:
    bus, services = cluster("worker1", "worker2")
    (old,) = where(services)
    other = next(name for name in bus.nodes if name != old)
    bus.crash(old, why=Departure.PROCESS_DOWN)
    bus.settle()
    services.waiting = ("monitor", old)
    bus.start(old)
    bus.ask(old, Shutdown())
    bus.settle()
    bus.tick(1000)
    assert bus[old].left is None, "what runs there is not known yet"
    services.waiting = None
    (probe,) = list(bus[old].running.values())
    bus.finish(old, probe, RUNNING)
    bus.settle()
    bus.tick(1000)
    assert bus[old].left is not None
    assert where(services) == [other]
    assert services.overlaps == 0


def test_resource_is_started_again_when_a_plan_came_while_its_last_copy_was_stopping() -> None:
    """Two nodes merge with both active; one stop ends, and the other's is not wanted any more."""
    bus, services = cluster("worker1", "worker2")
    bus.regroup(["worker1"], ["worker2"])
    bus.settle()
    assert where(services) == ["worker1", "worker2"]
    services.waiting = ("stop", "worker2")
    bus.regroup(["worker1", "worker2"])
    bus.settle()
    (stopping,) = bus["worker2"].running.values()
    asked = bus.ask("worker1", SetAttributes(node=NodeName("worker1"), values=(("a", "1"),)))
    bus.settle()
    assert bus["worker1"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    services.waiting = None
    services.running["IP"].discard("worker2")
    bus.finish("worker2", stopping, 0)
    bus.settle()
    bus.tick(1000)
    assert len(where(services)) == 1
    assert services.overlaps == 1, "only while they were apart"
    assert all(bus.replica(name).is_idle() for name in bus.nodes)


def test_failure_of_a_monitor_is_still_told_after_the_recovery() -> None:
    bus, services = cluster("worker1", "worker2")
    (owner,) = where(services)
    watched = next(o for o in bus[owner].executed if o.action.interval_ms > 0)
    bus.finish(owner, watched, STOPPED)
    bus.settle()
    bus.tick(1000)
    assert len(where(services)) == 1
    node = next(each for each in bus.replica(owner).status().nodes if each.name == owner)
    rows = {row.entry_id: row for row in node.history}
    assert rows["IP_last_failure_0"].rc == STOPPED
    assert bus[owner].tasks().count("stop IP") == 1


NOTIFIED = (
    b'<clone id="DB-clone"><meta_attributes id="DB-m"><nvpair id="DB-m1" name="promotable" '
    b'value="true"/><nvpair id="DB-m2" name="notify" value="true"/></meta_attributes>'
    b'<primitive id="DB" class="ocf" provider="pacemaker" type="Stateful"/></clone>'
)


class Database:
    """A promotable service that is told of others; some of its operations end when a test says."""

    def __init__(self, waiting: str) -> None:
        self.waiting = waiting
        self.told: list[tuple[str, str]] = []

    def __call__(self, operation: Operation) -> int | None:
        action = operation.action
        if action.task == self.waiting:
            return None
        if action.task == "notify":
            self.told.append((action.notify, operation.node))
            return RUNNING
        return STOPPED if action.task == "monitor" and not action.interval_ms else RUNNING

    def told_after(self, task: str) -> list[str]:
        return [node for notify, node in self.told if notify == f"post-{task}"]


def database(waiting: str) -> tuple[Bus, Database]:
    """Return two nodes with a promotable service, of which such operations are under way."""
    service = Database(waiting)
    bus = Bus("worker1", "worker2", scheduler=real, agent=service, is_two_node=True)
    bus.start("worker1", "worker2")
    bus.settle()
    off = options(stonith_enabled="false")
    bus.ask("worker1", configure(bus, "worker1", resources=NOTIFIED, properties=off))
    bus.settle()
    prefer(bus, "worker1", "10")
    return bus, service


def prefer(bus: Bus, node: str, score: str) -> None:
    """Set a node's promotion score: another plan is made."""
    bus.ask(node, SetAttributes(node=NodeName(node), values=(("master-DB", score),)))
    bus.settle()


def end_all(bus: Bus, answer: int = RUNNING) -> None:
    """Let what is under way end, and all come to rest."""
    for name, node in bus.nodes.items():
        for operation in list(node.running.values()):
            bus.finish(name, operation, answer)
    bus.settle()
    bus.tick(1000)
    assert all(bus.replica(name).is_idle() for name in bus.nodes)


def test_all_are_told_of_a_promotion_when_another_plan_came_while_it_went_on() -> None:
    bus, service = database("promote")
    prefer(bus, "worker2", "5")
    assert service.told_after("promote") == []
    end_all(bus)
    assert service.told_after("promote") == ["worker1", "worker2"]


def test_next_plan_comes_before_a_long_promotion_ends_and_all_are_told_of_it_then() -> None:
    bus, service = database("promote")
    begun = len(bus["worker1"].computations)
    prefer(bus, "worker2", "5")
    assert len(bus["worker1"].computations) == begun
    bus.tick(10_000)
    assert len(bus["worker1"].computations) > begun
    prefer(bus, "worker2", "6")
    end_all(bus)
    assert service.told_after("promote") == ["worker1", "worker2"]


def test_all_are_told_of_a_promotion_that_ends_while_another_plan_is_computed() -> None:
    bus, service = database("promote")
    bus.is_scheduler_slow = True
    prefer(bus, "worker2", "5")
    (promotion,) = bus["worker1"].running.values()
    bus.finish("worker1", promotion, RUNNING)
    bus.settle()
    assert service.told_after("promote") == ["worker1", "worker2"]
    bus.is_scheduler_slow = False
    bus.compute("worker1")
    bus.settle()
    end_all(bus)
    assert service.told_after("promote") == ["worker1", "worker2"]


def test_nobody_is_told_of_a_promotion_that_failed_while_another_plan_ran() -> None:
    bus, service = database("promote")
    prefer(bus, "worker2", "5")
    service.waiting = ""
    (promotion,) = bus["worker1"].running.values()
    bus.finish("worker1", promotion, 1)
    bus.settle()
    bus.tick(1000)
    told = [notify for notify, _ in service.told]
    assert told.index("post-promote") > told.index("post-demote"), "of the next one only"


def test_all_are_told_once_of_a_start_that_another_plan_took_over() -> None:
    bus, service = database("start")
    prefer(bus, "worker2", "5")
    service.waiting = ""
    end_all(bus)
    assert sorted(service.told_after("start")) == ["worker1", "worker2"]
    assert service.told.count(("pre-start", "worker1")) <= 1, "no plan after plan"


def test_node_that_only_the_configuration_names_is_fenced_once() -> None:
    bus, services = cluster("worker1", "worker2", fencing=True)
    named = bus.replica("worker1").configuration.replace(
        b"</nodes>", b'<node id="3" uname="worker3"/></nodes>'
    )
    assert b"worker3" in named
    bus.ask(
        "worker1",
        Configure(based_on=bus.replica("worker1").version, configuration=named, origin=ORIGIN),
    )
    bus.settle()
    fences = bus["worker1"].fences
    assert fences == []  # It may yet come.
    bus.tick(20_000)
    bus.settle()
    bus.tick(20_000)
    assert [each.target for each in fences] == ["worker3"]
    (lost,) = [node for node in bus.replica("worker2").status().nodes if node.name == "worker3"]
    assert lost.is_fenced and not lost.is_unclean
    assert len(where(services)) == 1
