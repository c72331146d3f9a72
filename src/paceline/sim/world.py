"""The whole world of one run, its faults, and how it is brought to rest.

boot --first quorum--> configured --faults and clients--> healed --settled, or time over--> judged
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.replica.events import NodesConfigured
from paceline.replica.requests import ClearHistory, Outcome, Shutdown
from paceline.sim.agents import Trouble
from paceline.sim.chance import Chance
from paceline.sim.cibs import TICKETED, draw_options, draw_shapes, first_cib
from paceline.sim.clients import Administrators, Change
from paceline.sim.clock import MS, Clock
from paceline.sim.daemon import Daemon, ReplicaMaker
from paceline.sim.devices import FenceDevices, Power
from paceline.sim.engine import SimulatedEngine
from paceline.sim.faults import Fault, draw_faults
from paceline.sim.invariants import Judge, Violation
from paceline.sim.machine import Machine
from paceline.sim.planner import Planner
from paceline.sim.services import Services
from paceline.sim.trace import Trace
from paceline.sim.wiring import KEEPS_ALL, Wiring

CONFIGURED_BY_MS = 180_000
"""A cluster without faults must have taken its first configuration by now."""
FAULTS_FROM_MS = 8_000
"""Faults begin this long after the first configuration."""
SPACING_MS = 5_000
CLEANUP_AFTER_MS = 60_000
"""When an administrator cleans up failures, after the faults stopped."""
SETTLES_BY_MS = 300_000
"""The bound of L1: devices and agents may take a minute each, and boots half a minute."""
LOOK_EVERY_MS = 5_000
BUSY_KINDS = frozenset({"cut", "crash", "power-all", "freeze", "kill-corosync", "kill-daemon"})
"""Faults in whose moment clients often write, so that something is under way."""
SMALLEST_TO_REMOVE_FROM = 3
CHANGE_TRIES = 40
"""How many seconds an administrator waits for all nodes to be there."""
REMOVAL_MS = 60_000
"""How long an administrator waits for a node to leave before he gives its removal up."""
QUIET_MS = 20_000
"""How long a settled cluster is watched for plans that nothing asks for."""
QUIET_PLANS_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a run is, apart from its seed."""

    nodes: int = 0
    """How many nodes; 0 lets the seed decide (2 to 5)."""
    count: int = 20
    """How many faults."""
    shapes: tuple[str, ...] | None = None
    """What the configuration has beside primitives and a group; None lets the seed decide."""
    kinds: tuple[str, ...] = ()
    """Which kinds of faults; none means all."""
    wiring: Wiring = KEEPS_ALL
    fencing: bool | None = None
    """Fencing on or off; None lets the seed decide."""
    has_clients: bool = True
    """Administrators change things meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What came of a run."""

    seed: int
    nodes: int
    digest: str
    violations: tuple[Violation, ...]
    faults: tuple[Fault, ...]
    lines: tuple[tuple[int, str, str], ...] = field(repr=False)
    names: tuple[str, ...]
    virtual_ms: int
    events: int
    changes: int
    acknowledged: int
    starts: int
    fencings: int
    one_sided: int
    plans: int


class World:
    """One run, from power-on to judgement."""

    def __init__(
        self,
        seed: int,
        options: RunOptions,
        *,
        make: ReplicaMaker,
        planner: Planner,
        faults: tuple[Fault, ...] | None = None,
    ) -> None:
        """Make everything that the seed says; `faults` replaces those that it would draw."""
        self.seed = seed
        self.clock = Clock()
        self.trace = Trace(self.clock)
        chance = Chance(seed, "world")
        count = options.nodes or chance.weighted([(2, 35), (3, 45), (4, 8), (5, 12)])
        self._chance = chance
        shapes = draw_shapes(Chance(seed, "shapes")) if options.shapes is None else options.shapes
        self._cib_options = replace(
            draw_options(Chance(seed, "cib"), nodes=count, fencing=options.fencing), shapes=shapes
        )
        self.faults = (
            draw_faults(
                Chance(seed, "faults"),
                nodes=count,
                count=options.count,
                from_ms=FAULTS_FROM_MS,
                spacing_ms=SPACING_MS,
                kinds=options.kinds,
            )
            if faults is None
            else faults
        )
        ids = tuple(NodeId(n) for n in range(1, count + 1))
        self.names = tuple(NodeName(f"node{n}") for n in ids)
        self.engine = SimulatedEngine(
            ids,
            self.clock,
            Chance(seed, "network"),
            waits_for_all=chance.percent(20),
            tell=lambda node_id, text: self.trace.tell("", text),
        )
        self.judge = Judge(
            self.clock,
            self.trace,
            is_fencing_on=self._cib_options.is_fencing_on,
            is_freezing=self._cib_options.no_quorum_policy == "freeze",
        )
        self.services = Services(self.clock)
        self.services.on_start = self.judge.saw_start
        self.services.on_promote = self.judge.saw_promote
        self.services.on_end = self.judge.saw_end
        self.planner = planner
        self._make, self._wiring = make, options.wiring
        self._races = 0
        self._is_changing_nodes = False
        has_spare = any(fault.kind == "add-node" for fault in self.faults)
        self._spare_id = NodeId(count + 1) if has_spare else None
        node_list = self._node_list(ids)
        self.machines = [self._make_machine(node_id, node_list) for node_id in ids]
        self._by_name = {machine.name: machine for machine in self.machines}
        if self._spare_id is not None:
            self.names = (*self.names, NodeName(f"node{self._spare_id}"))
        self._powers: dict[NodeName, Power] = {m.name: m for m in self.machines}
        self.devices = FenceDevices(self.clock, Chance(seed, "devices"), self._powers)
        self.judge.node_count = count
        self.devices.on_lie = self.services.lie_about
        self.judge.devices = self.devices
        self.judge.together_us = lambda one, other: self.engine.together_us(
            NodeId(int(one[4:])), NodeId(int(other[4:]))
        )
        self.judge.boots_of = lambda name: self._by_name[name].boots
        self.judge.sees = lambda one, other: (
            (daemon := self._by_name[one].daemon) is not None
            and NodeId(int(other[4:])) in [member.node_id for member in daemon.members]
        )
        for machine in self.machines:
            machine.devices = self.devices
        self.clients = Administrators(
            self.machines,
            self.clock,
            Chance(seed, "clients"),
            self.trace,
            self.judge.saw_answer,
        )
        self.clients.may_fence = self._cib_options.is_fencing_on
        self.clients.are_away = not options.has_clients
        self.clients.keeps_request_ids = options.wiring.keeps_request_ids
        self.clients.on_ask = self.judge.saw_question
        self.planner.is_pure = options.wiring.plans_purely
        self.planner.on_difference = lambda what: self.judge.accuse("S6", "", what)

    def _make_machine(self, node_id: NodeId, node_list: NodesConfigured) -> Machine:
        seed = self.seed
        machine = Machine(
            NodeName(f"node{node_id}"),
            node_id,
            node_list,
            clock=self.clock,
            chances=lambda concern: Chance(seed, concern),
            engine=self.engine,
            services=self.services,
            planner=self.planner,
            make=self._make,
            trace=self.trace,
            look=self.judge.saw_event,
            on_bug=self.judge.accuse,
            wiring=self._wiring,
        )
        machine.agents.reaches = self._is_on
        machine.on_result = self._race
        return machine

    def _is_on(self, name: NodeName) -> bool:
        machine = self._by_name.get(name)
        return machine is not None and machine.is_on and not machine.is_frozen

    # The run.

    def run(self) -> RunResult:
        """Run it all and return what came of it."""
        for machine in self.machines:
            self.clock.after_ms(self._chance.between(0, 2_000), machine.power_on)
        if self._configure():
            if TICKETED in self._cib_options.shapes:
                self.clients.set_ticket("grant")
            self._suffer()
            self._heal()
            self._settle()
            self.judge.check_tables(self.machines)
            self.judge.check_history(self.machines, self.clients)
            self.judge.check_answers(self.clients)
        return self._result()

    def _configure(self) -> bool:
        """Wait for a quorate cluster and give it its first configuration."""
        first: Change | None = None
        while self.clock.now_ms < CONFIGURED_BY_MS:
            self._run_ms(500)
            if first is not None and first.outcome is None:
                continue
            if first is not None and first.outcome is Outcome.ACKNOWLEDGED:
                return True
            for machine in self.machines:
                daemon = machine.daemon
                if daemon is None or daemon.last_quorum is None:
                    continue
                if daemon.last_quorum.is_quorate and len(daemon.members) == len(self.machines):
                    nodes = tuple((int(m.node_id), str(m.name)) for m in self.machines)
                    base, version = daemon.replica.configuration, daemon.replica.version
                    spare = "" if self._spare_id is None else f"node{self._spare_id}"
                    cib = first_cib(base, nodes, self._cib_options, spare=spare)
                    first = self.clients.configure_first(machine, cib, version)
                    break
        answer = "never asked" if first is None else f"{first.outcome} {first.code}"
        self.judge.accuse("L1", "", f"the first configuration was not taken: {answer}")
        return False

    def _suffer(self) -> None:
        """Let the faults happen while clients work, until all of them are over."""
        start_us = self.clock.now_us
        end_ms = max((fault.at_ms + fault.lasts_ms for fault in self.faults), default=20_000)
        for fault in self.faults:
            self.clock.at_us(start_us + fault.at_ms * MS, self._doer(fault))
        self.clients.work(start_us + end_ms * MS)
        self._run_ms(end_ms + 100)

    def _heal(self) -> None:
        """Take every fault away and let an administrator start what is down."""
        self.trace.tell("", "all faults are over")
        self.engine.on_ring.clear()
        self.engine.heal()
        self._races = 0
        self.devices.trouble = ""
        for machine in self.machines:
            machine.thaw()
            machine.agents.troubles.clear()
            machine.disk.is_failing, machine.disk.slow_us = False, 0
            machine.plan_us = (4_000, 60_000)
            machine.wall_offset_ms = 0
            machine.echoes = 0
            self.engine.calm(machine.node_id)
            self.engine.veto(machine.node_id, is_vetoed=False)
            daemon = machine.daemon
            if daemon is not None:
                daemon.thaw()
                self._end_busy(machine)

    def _settle(self) -> None:
        """Wait until all is at rest, then watch that it stays so."""
        end_ms = self.clock.now_ms + SETTLES_BY_MS
        cleanup_ms = self.clock.now_ms + CLEANUP_AFTER_MS
        rule, reasons, is_clean = "L1", ["not looked"], False
        while self.clock.now_ms < end_ms:
            for machine in self.machines:
                machine.power_on()
                if not machine.is_stack_wanted:
                    machine.start_stack()
            self._run_ms(LOOK_EVERY_MS)
            if not is_clean and self.clock.now_ms >= cleanup_ms:
                self.judge.check_nothing_missed(self.machines, self.planner)
                is_clean = self._clean_up()
                continue
            rule, reasons = self.judge.unsettled(self.machines, self.planner)
            if not rule and is_clean and self._stays_quiet():
                self.judge.check_same(self.machines)
                self.judge.check_reasons(self.machines, self.planner)
                return
        self.judge.accuse(rule or "L3", "", "; ".join(reasons) or "it plans on and on")

    def _stays_quiet(self) -> bool:
        before = sum(machine.daemon.plans_wanted for machine in self.machines if machine.daemon)
        self._run_ms(QUIET_MS)
        after = sum(machine.daemon.plans_wanted for machine in self.machines if machine.daemon)
        rule, _ = self.judge.unsettled(self.machines, self.planner)
        return not rule and after - before <= QUIET_PLANS_MAX

    def _clean_up(self) -> bool:
        """`pcs resource refresh`, by an administrator; False where no daemon is there to ask."""
        for machine in self.machines:
            if machine.daemon is not None:
                self.trace.tell(machine.name, "client: refresh")
                request = ClearHistory(only_failed=False)
                machine.daemon.submit(RequestId("sim-cleanup"), request, lambda answer: None)
                return True
        return False

    def _run_ms(self, ms: int) -> None:
        self.clock.run_until_us(self.clock.now_us + ms * MS)

    def _result(self) -> RunResult:
        changes = self.clients.changes
        return RunResult(
            seed=self.seed,
            nodes=len(self.machines),
            digest=self.trace.digest,
            violations=tuple(self.judge.violations),
            faults=self.faults,
            lines=tuple(self.trace.lines),
            names=tuple(str(name) for name in self.names),
            virtual_ms=self.clock.now_ms,
            events=self.trace.events,
            changes=len(changes),
            acknowledged=sum(c.outcome is Outcome.ACKNOWLEDGED for c in changes),
            starts=sum(w.what == "start" for w in self.services.witnessed),
            fencings=len(self.devices.ledger),
            one_sided=self.engine.one_sided,
            plans=self.planner.computed,
        )

    # The faults.

    def _doer(self, fault: Fault) -> Callable[[], None]:
        def do() -> None:
            if fault.kind == "ambush":
                self.trace.tell("", f"FAULT {fault}, with the next ring")
                self.engine.on_ring.append(lambda: self._ambush(fault))
                return
            self.trace.tell("", f"FAULT {fault}")
            self._begin(fault)

        return do

    def _ambush(self, fault: Fault) -> None:
        """Let the fault fall within the first moments of a new ring."""
        after_ms = self._chance.weighted([((0, 3), 30), ((3, 30), 40), ((30, 150), 30)])
        sprung = replace(fault, kind=fault.detail, detail="")
        self.clock.after_ms(self._chance.between(*after_ms), lambda: self._begin(sprung))

    def _begin(self, fault: Fault) -> None:
        """Carry a fault out; clients are often busy in that very moment."""
        if fault.kind not in BUSY_KINDS or not self._chance.percent(60):
            self._do(fault)
            return
        lag_us = self._chance.weighted([(0, 40), (4_000, 30), (60_000, 30)])
        slow = [machine.node_id for machine in self.machines if self._chance.percent(50)]
        self.engine.lag(slow, lag_us)
        busy_us = 4_000 + 2 * lag_us
        for _ in range(self._chance.between(1, 4)):
            self.clock.after_us(self._chance.between(0, busy_us), self.clients.change_something)

        def strike() -> None:
            self._do(fault)
            self.engine.lag(slow, 0)

        self.clock.after_us(self._chance.between(500, busy_us), strike)

    def _do(self, fault: Fault) -> None:
        machines = [m for m in self.machines if int(m.node_id) in fault.nodes or not fault.nodes]
        if not machines:
            return  # The node is none of the cluster's any more.
        match fault.kind:
            case "cut":
                self.engine.cut([frozenset(NodeId(n) for n in fault.nodes)])
                self._later(fault, self.engine.heal, "network healed")
            case "crash" | "power-all":
                for machine in machines:
                    machine.power_off(fault.kind)
                    self._later(fault, machine.power_on)
            case "kill-daemon" | "kill-daemons":
                for machine in machines:
                    delay = self._chance.between(0, 2_000) if len(machines) > 1 else 0
                    self.clock.after_ms(delay, machine.kill_daemon)
            case "kill-corosync" | "stop-corosync":
                clean = fault.kind == "stop-corosync"
                for machine in machines:
                    machine.kill_corosync(is_clean=clean, down_us=fault.lasts_ms * MS)
            case "freeze":
                for machine in machines:
                    machine.freeze()
                    self._later(fault, machine.thaw)
            case "freeze-daemon":
                self._freeze_daemons(fault, machines)
            case "shutdown":
                self._shut_down(fault, machines)
            case "reform":
                self.engine.reform(machines[0].node_id)
            case "veto":
                self._veto(fault, machines[0])
            case "split":
                parts = [
                    frozenset(NodeId(int(node)) for node in part.split(","))
                    for part in fault.detail.split("|")
                ]
                self.engine.cut(parts)
                self._later(fault, self.engine.heal, "network healed")
            case "one-way":
                self.engine.shake(machines[0].node_id)
                self._later(fault, partial(self.engine.calm, machines[0].node_id), "heard again")
            case "stagger":
                for machine in self._chance.shuffled(machines):
                    self.clock.after_ms(
                        self._chance.between(0, 500), partial(self._drop_daemon, machine)
                    )
            case _:
                self._do_to_parts(fault, machines)

    def _drop_daemon(self, machine: Machine) -> None:
        """Kill a daemon that comes back only when a person starts it."""
        if machine.daemon is not None and not machine.is_frozen:
            machine.is_stack_wanted = False
            machine.kill_daemon()
            machine.after(self._chance.between(1_000, 40_000) * MS, machine.start_stack)

    def _do_to_parts(self, fault: Fault, machines: list[Machine]) -> None:
        """Carry out what concerns agents, devices, disks, queues and clocks."""
        match fault.kind:
            case "agent":
                kind, resource, task, runs = fault.detail.split()
                machines[0].agents.troubles[(resource, task)] = Trouble(kind, int(runs))
            case "service-dies":
                for node in self.services.nodes_of(fault.detail):
                    self.services.stop(fault.detail, node, what="died")
            case "device":
                self.devices.trouble = fault.detail
                self._later(fault, self._mend_devices, "devices are well again")
            case "disk-slow":
                machines[0].disk.slow_us = self._chance.between(20, 2_000) * MS
                self._later(fault, lambda: self._mend_disk(machines[0]))
            case "disk-full":
                machines[0].disk.is_failing = True
                self._later(fault, lambda: self._mend_disk(machines[0]))
            case "disk-altered" | "disk-old" | "disk-gone":
                self._spoil_disk(fault, machines[0])
            case "race":
                self._races = int(fault.detail)
            case "late-result":
                for machine in machines:
                    machine.echoes = int(fault.detail)
            case "device-wrong":
                self.devices.trouble = "wrong"
                self._later(fault, self._mend_devices, "devices are wired well again")
                self.engine.cut([frozenset(NodeId(n) for n in fault.nodes)])
                self._later(fault, self.engine.heal, "network healed")
            case "role-agent":
                kind, resource, task, runs = fault.detail.split()
                machines[0].agents.troubles[(resource, task)] = Trouble(kind, int(runs))
            case "ticket":
                self.clients.set_ticket(fault.detail)
            case "release":
                self._change_release(fault, machines[0])
            case "add-node":
                self._when_together(self._add_node)
            case "remove-node":
                self._when_together(partial(self._remove_node, machines[0]))
            case "try-again" | "try-again-long":
                if machines[0].daemon is not None:
                    machines[0].daemon.is_engine_busy = True
                    self._later(fault, lambda: self._end_busy(machines[0]))
            case "slow-plan":
                for machine in machines:
                    machine.plan_us = (500_000, 6_000_000)
                    self._later(fault, lambda: self._mend_planners())
            case "clock":
                machines[0].wall_offset_ms = int(fault.detail)
            case _:
                raise ValueError(f"no such fault: {fault.kind}")

    def _later(self, fault: Fault, act: Callable[[], None], words: str = "") -> None:
        def end() -> None:
            if words:
                self.trace.tell("", words)
            act()

        self.clock.after_ms(fault.lasts_ms, end)

    def _freeze_daemons(self, fault: Fault, machines: list[Machine]) -> None:
        for machine in machines:
            daemon = machine.daemon
            if daemon is not None and not machine.is_frozen:
                machine.tell("daemon frozen")
                daemon.freeze()
                self._later(fault, partial(self._thaw_daemon, machine, daemon))

    def _thaw_daemon(self, machine: Machine, daemon: Daemon) -> None:
        if not machine.is_frozen:
            daemon.thaw()

    def _shut_down(self, fault: Fault, machines: list[Machine]) -> None:
        for machine in machines:
            if machine.daemon is not None:
                request_id = RequestId(f"sim-shutdown-{self.clock.now_us}")
                machine.daemon.submit(request_id, Shutdown(), lambda answer: None)
                self._later(fault, machine.start_stack)

    def _veto(self, fault: Fault, machine: Machine) -> None:
        self.engine.veto(machine.node_id, is_vetoed=True)
        self._later(fault, lambda: self.engine.veto(machine.node_id, is_vetoed=False))

    def _race(self) -> None:
        """Let an administrator's change, and so a Halt, meet a result that is just reported."""
        if self._races > 0:
            self._races -= 1
            self.clock.after_us(self._chance.between(0, 1_500), self.clients.change_something)

    def _spoil_disk(self, fault: Fault, machine: Machine) -> None:
        """Let a machine come back with a bad file, once; its power or its daemon goes before.

        One disk a run: two bad ones may hold the only copies, and no rule can help then.
        """
        if self.judge.spoiled is not None and self.judge.spoiled != machine.name:
            return
        if machine.daemon is None or machine.is_frozen:
            return
        if fault.kind == "disk-old" and not machine.disk.has_older:
            return
        self.judge.saw_spoiled(machine.name)
        if self._chance.percent(50):
            machine.power_off("its disk goes bad")
            self._later(fault, machine.power_on)
        else:
            machine.kill_daemon("killed, its disk goes bad")
        match fault.kind:
            case "disk-old":
                machine.disk.bring_back_old()
            case "disk-gone":
                machine.disk.lose_file()
            case _:
                machine.disk.alter()

    def _change_release(self, fault: Fault, machine: Machine) -> None:
        """Upgrade a node's daemon, or take it back to the older release."""
        machine.is_next_release = not machine.is_next_release
        if fault.detail == "shutdown":
            self._shut_down(fault, [machine])
        else:
            machine.kill_daemon("killed for the other release")

    # Nodes that come and go for good: one at a time, with all others present (DESIGN 5).

    def _node_list(self, ids: Iterable[NodeId]) -> NodesConfigured:
        nodes = tuple((node_id, NodeName(f"node{node_id}")) for node_id in sorted(ids))
        return NodesConfigured(cluster_name="sim", nodes=nodes)

    def _configure_nodes(self, ids: tuple[NodeId, ...]) -> None:
        """Bring another node list to every Corosync and daemon, as a reload does."""
        self.engine.configure(ids)
        for machine in self.machines:
            machine.configure(self._node_list(ids))

    def _are_together(self, machines: list[Machine]) -> bool:
        """Say whether all these daemons are in one quorate group, and nobody else is."""
        return all(
            machine.daemon is not None
            and not machine.is_frozen
            and machine.daemon.last_quorum is not None
            and machine.daemon.last_quorum.is_quorate
            and len(machine.daemon.members) == len(machines)
            for machine in machines
        )

    def _when_together(self, act: Callable[[], None], tries: int = CHANGE_TRIES) -> None:
        """Change the nodes as soon as all are there; an administrator gives up after a while."""
        if self._are_together(self.machines) and not self._is_changing_nodes:
            act()
        elif tries:
            self.clock.after_ms(1_000, lambda: self._when_together(act, tries - 1))

    def _add_node(self) -> None:
        node_id = self._spare_id
        if node_id is None:
            return
        self._spare_id = None
        self.trace.tell("", f"node{node_id} is added")
        ids = tuple(machine.node_id for machine in self.machines)
        self._configure_nodes((*ids, node_id))
        machine = self._make_machine(node_id, self._node_list((*ids, node_id)))
        machine.devices = self.devices
        self.machines.append(machine)
        self._by_name[machine.name] = machine
        self._powers[machine.name] = machine
        machine.power_on()

    def _remove_node(self, machine: Machine) -> None:
        """Shut a node's daemon down, and take it out of the cluster when it has left."""
        if machine not in self.machines or len(self.machines) < SMALLEST_TO_REMOVE_FROM:
            return
        if machine.daemon is None:
            return
        self._is_changing_nodes = True
        request_id = RequestId(f"sim-remove-{self.clock.now_us}")
        machine.daemon.submit(request_id, Shutdown(), lambda answer: None)
        deadline_us = self.clock.now_us + REMOVAL_MS * MS
        self.clock.after_ms(500, lambda: self._finish_removal(machine, deadline_us))

    def _finish_removal(self, machine: Machine, deadline_us: int) -> None:
        others = [other for other in self.machines if other is not machine]
        has_left = machine.leave is not None and machine.leave.is_clean and machine.is_on
        if has_left and not machine.is_stack_wanted and self._are_together(others):
            self._is_changing_nodes = False
            self.trace.tell("", f"{machine.name} is removed")
            self.machines.remove(machine)
            self.engine.stop(machine.node_id)
            machine.power_off("removed for good")
            machine.is_gone = True
            self._configure_nodes(tuple(other.node_id for other in others))
            self.clients.remove_node(others[0], machine.name)
            return
        if self.clock.now_us < deadline_us:
            self.clock.after_ms(500, lambda: self._finish_removal(machine, deadline_us))
            return
        self._is_changing_nodes = False
        machine.start_stack()

    def _mend_devices(self) -> None:
        self.devices.trouble = ""

    def _mend_disk(self, machine: Machine) -> None:
        machine.disk.slow_us, machine.disk.is_failing = 0, False

    def _mend_planners(self) -> None:
        for machine in self.machines:
            machine.plan_us = (4_000, 60_000)

    def _end_busy(self, machine: Machine) -> None:
        daemon = machine.daemon
        if daemon is not None and daemon.is_alive:
            daemon.is_engine_busy = False
            daemon.empty_outbox()
