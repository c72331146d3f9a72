"""The whole world of one run, its faults, and how it is brought to rest.

boot --first quorum--> configured --faults and clients--> healed --settled, or time over--> judged
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.replica.events import NodesConfigured
from paceline.replica.requests import ClearHistory, Outcome, Shutdown
from paceline.sim.agents import Trouble
from paceline.sim.chance import Chance
from paceline.sim.cibs import draw_options, first_cib
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
QUIET_MS = 20_000
"""How long a settled cluster is watched for plans that nothing asks for."""
QUIET_PLANS_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a run is, apart from its seed."""

    nodes: int = 0
    """How many nodes; 0 lets the seed decide (2 to 5)."""
    count: int = 12
    """How many faults."""
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
        self._cib_options = draw_options(Chance(seed, "cib"), nodes=count, fencing=options.fencing)
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
        self.planner = planner
        node_list = NodesConfigured(
            cluster_name="sim", nodes=tuple(zip(ids, self.names, strict=True))
        )
        self.machines = [
            Machine(
                name,
                node_id,
                node_list,
                clock=self.clock,
                chances=lambda concern: Chance(seed, concern),
                engine=self.engine,
                services=self.services,
                planner=planner,
                make=make,
                trace=self.trace,
                look=self.judge.saw_event,
                on_bug=self.judge.accuse,
                wiring=options.wiring,
            )
            for node_id, name in zip(ids, self.names, strict=True)
        ]
        powers: dict[NodeName, Power] = {machine.name: machine for machine in self.machines}
        self.devices = FenceDevices(self.clock, Chance(seed, "devices"), powers)
        self.judge.devices = self.devices
        by_name = dict(zip(self.names, ids, strict=True))
        self.judge.together_us = lambda one, other: self.engine.together_us(
            by_name[one], by_name[other]
        )
        by_machine = {machine.name: machine for machine in self.machines}
        self.judge.boots_of = lambda name: by_machine[name].boots
        self.judge.sees = lambda one, other: (
            (daemon := by_machine[one].daemon) is not None
            and by_name[other] in [member.node_id for member in daemon.members]
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

    # The run.

    def run(self) -> RunResult:
        """Run it all and return what came of it."""
        for machine in self.machines:
            self.clock.after_ms(self._chance.between(0, 2_000), machine.power_on)
        if self._configure():
            self._suffer()
            self._heal()
            self._settle()
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
                    cib = first_cib(base, nodes, self._cib_options)
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
        self.devices.trouble = ""
        for machine in self.machines:
            machine.thaw()
            machine.agents.troubles.clear()
            machine.disk.is_failing, machine.disk.slow_us = False, 0
            machine.plan_us = (4_000, 60_000)
            machine.wall_offset_ms = 0
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
        machines = [m for m in self.machines if int(m.node_id) in fault.nodes] or self.machines
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
            case _:
                self._do_to_parts(fault, machines)

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
            case "try-again":
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
