"""One machine: power, boots, Corosync, the daemon and what restarts it.

off --power_on--> booting --booted--> up --power_off--> off
up: Corosync down --start--> up --kill--> down;  daemon likewise, restarted by its supervisor
any --freeze--> nothing moves --thaw--> all that was due happens at once
"""

from collections.abc import Callable

from msgspec import structs

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.operation import FenceResult, Operation, OperationResult
from paceline.model.status import OperationOutcome
from paceline.replica.effects import Effect, ExecuteFence, Leave
from paceline.replica.events import (
    Departure,
    EngineEvent,
    Event,
    MemberAddress,
    NodesConfigured,
)
from paceline.replica.identity import Identity
from paceline.replica.requests import SetAttributes
from paceline.sim.agents import LATE_REASON, OCF_ERROR, OCF_OK, AgentHost
from paceline.sim.chance import Chance
from paceline.sim.cibs import PROMOTABLE
from paceline.sim.clock import MS, Act, Clock
from paceline.sim.daemon import Daemon, ReplicaMaker
from paceline.sim.devices import FenceDevices
from paceline.sim.disk import Disk
from paceline.sim.engine import SimulatedEngine
from paceline.sim.planner import Planner
from paceline.sim.services import Services
from paceline.sim.trace import Trace
from paceline.sim.wiring import Wiring

WALL_BASE_MS = 1_800_000_000_000
"""The wall clock at the world's beginning."""
BOOT_CLOCK_BASE_MS = 5_000
SCORE_STEP = 1_000
"""Promotion scores lie so far apart that no preference of another resource outweighs them."""
NO_RESTART = 100
"""The exit status with which a daemon asks not to be started again."""

Look = Callable[["Machine", Event, tuple[Effect, ...]], None]


class Machine:
    """One node's machine."""

    def __init__(
        self,
        name: NodeName,
        node_id: NodeId,
        node_list: NodesConfigured,
        *,
        clock: Clock,
        chances: Callable[[str], Chance],
        engine: SimulatedEngine,
        services: Services,
        planner: Planner,
        make: ReplicaMaker,
        trace: Trace,
        look: Look,
        on_bug: Callable[[str, str, str], None],
        wiring: Wiring,
    ) -> None:
        """Stand there without power, with an empty disk."""
        self.name = name
        self.node_id = node_id
        self.disk = Disk(chances(f"disk-{node_id}"), chances(f"spoils-{node_id}"))
        self.agents = AgentHost(name, services, chances(f"agents-{node_id}"))
        self.agents.wiring = wiring
        self.agents.set_score = self._set_score
        self.agents.after = self.after
        self.agents.now_us = lambda: clock.now_us
        self.agents.wall_ms = self.wall_ms
        self.devices: FenceDevices | None = None
        self.is_on = False
        self.is_frozen = False
        self.is_stack_wanted = False
        self.is_gone = False
        """It was removed from the cluster for good."""
        self.boots = 0
        self.daemon: Daemon | None = None
        self.leave: Leave | None = None
        self.wall_offset_ms = 0
        self.plan_us = (4_000, 60_000)
        self.echoes = 0
        """How many of the next results come a second time, late and otherwise."""
        self.is_next_release = False
        self.node_list = node_list
        self._clock = clock
        self._chance = chances(f"machine-{node_id}")
        self._engine = engine
        self.services = services
        self._planner = planner
        self._make = make
        self._trace = trace
        self.on_result: Callable[[], None] = lambda: None
        """Lets the world act in the very moment of a result."""
        self.agents.on_result = self._saw_result
        self._look = look
        self._on_bug = on_bug
        self._wiring = wiring
        self.disk.is_synced_early = not wiring.syncs_before_saying
        self.disk.is_hushed = not wiring.tells_damage
        self._incarnation = 0
        self._booted_at_us = 0
        self._thaw_queue: list[Act] = []
        self._scores = 0

    # Power and freezing.

    def power_on(self) -> None:
        """Boot; when that is done, what is enabled starts."""
        if self.is_on or self.is_gone:
            return
        self.is_on = True
        self.boots += 1
        self._incarnation = 0
        slow = self._chance.percent(15)
        boot_us = self._chance.between(2_000, 40_000 if slow else 9_000) * MS
        self._booted_at_us = self._clock.now_us
        self.tell(f"power on (boot {self.boots})")
        self.is_stack_wanted = True
        self.after(boot_us, self.start_stack)

    def power_off(self, why: str) -> None:
        """Lose power: only what was synced stays."""
        if not self.is_on:
            return
        self.tell(f"POWER OFF: {why}")
        self.is_on, self.is_frozen = False, False
        self._thaw_queue.clear()
        self.services.lose_power(self.name)
        self.agents.lose_power()
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon = None
        self.disk.lose_power()
        if self.devices is not None:
            self.devices.lied_about.discard(self.name)
        self._engine.kill(self.node_id, is_power_loss=True)

    def freeze(self) -> None:
        """Stop everything on it, as a hypervisor does."""
        if self.is_on and not self.is_frozen:
            self.tell("machine frozen")
            self.is_frozen = True
            self._engine.freeze(self.node_id)
            if self.daemon is not None:
                self.daemon.freeze()

    def thaw(self) -> None:
        """Go on; all that was due meanwhile happens now, in its order."""
        if self.is_on and self.is_frozen:
            self.tell("machine thawed")
            self.is_frozen = False
            self._engine.thaw(self.node_id)
            due, self._thaw_queue = self._thaw_queue, []
            for act in due:
                act()
            if self.daemon is not None:
                self.daemon.thaw()

    def after(self, delay_us: int, act: Act) -> None:
        """Let something happen on this machine, unless it loses power before; frozen, it waits."""
        boot = self.boots

        def act_if_on() -> None:
            if self.boots != boot or not self.is_on:
                return
            if self.is_frozen:
                self._thaw_queue.append(act_if_on)
            else:
                act()

        self._clock.after_us(delay_us, act_if_on)

    # Corosync and the daemon.

    def start_stack(self) -> None:
        """Start Corosync and the daemon, where they do not run."""
        self.is_stack_wanted = True
        self.leave = None
        if not self.is_on:
            return
        if self.is_frozen:
            self.after(0, self.start_stack)
            return
        self._engine.start(self.node_id)
        if self.daemon is None:
            self.after(self._chance.between(100, 1_500) * MS, self.start_daemon)

    def start_daemon(self) -> None:
        """Start a daemon; it settles what an earlier one of this boot left running."""
        if self.daemon is not None or not self.is_stack_wanted:
            return
        if self.agents.has_orphans():
            if self._chance.percent(50):
                self.after(300 * MS, self.start_daemon)
                return
            self.agents.kill_orphans()
        self._incarnation += 1
        identity = Identity(
            node=self.name,
            node_id=self.node_id,
            boot_id=f"{self.name}-boot-{self.boots if self._wiring.names_lives else 1}",
            incarnation=self._incarnation if self._wiring.names_lives else 1,
            version="0.1.0",
        )
        release = ", the next release" if self.is_next_release else ""
        self.tell(f"daemon starts (incarnation {self._incarnation}{release})")
        self.daemon = Daemon(
            self,
            identity,
            make=self._make,
            planner=self._planner,
            chance=self._chance,
            trace=self._trace,
            pid=1000 + self._incarnation,
            wiring=self._wiring,
            is_next=self.is_next_release,
        )

    def kill_daemon(self, why: str = "killed") -> None:
        """End the daemon without a word; its agents live on, its supervisor starts a new one."""
        daemon = self.daemon
        if daemon is None or self.is_frozen:
            return
        self.tell(f"daemon {why}")
        self._end_daemon(daemon, Departure.PROCESS_DOWN)
        self.after(self._chance.between(100, 3_000) * MS, self.start_daemon)

    def kill_corosync(self, *, is_clean: bool, down_us: int) -> None:
        """End Corosync, by SIGKILL or SIGTERM; it is started again later."""
        if not self.is_on or self.is_frozen:
            return
        self.tell("corosync stopped" if is_clean else "corosync killed")
        if is_clean:
            self._engine.stop(self.node_id)
        else:
            self._engine.kill(self.node_id)
        daemon = self.daemon
        if daemon is not None:
            self.after(
                self._chance.between(5, 165) * MS,
                lambda: daemon.lose_engine() if daemon.is_alive else None,
            )
        self.after(down_us, self._restart_corosync)

    def _restart_corosync(self) -> None:
        if self.is_stack_wanted:
            self.tell("corosync starts")
            self._engine.start(self.node_id)

    def _end_daemon(self, daemon: Daemon, departure: Departure) -> None:
        daemon.kill()
        self.daemon = None
        self.agents.drop_daemon()
        self.disk.lose_daemon()
        self._engine.disconnect(self.node_id, departure)

    # What the daemon reaches (`daemon.Surroundings`).

    def boot_ms(self) -> int:
        """Return the boot-time clock."""
        return BOOT_CLOCK_BASE_MS + (self._clock.now_us - self._booted_at_us) // MS

    def wall_ms(self) -> int:
        """Return the wall clock, with this machine's error."""
        return WALL_BASE_MS + self._clock.now_ms + self.wall_offset_ms

    def nodes(self) -> NodesConfigured:
        """Return the node list."""
        return self.node_list

    def configure(self, node_list: NodesConfigured) -> None:
        """Take another corosync.conf."""
        self.node_list = node_list
        if self.daemon is not None:
            self.daemon.configure(node_list)

    def connect(
        self, pid: int, listener: Callable[[str, EngineEvent], None]
    ) -> MemberAddress | None:
        """Join the engine's group."""
        return self._engine.connect(self.node_id, pid, listener)

    def send(self, payload: bytes) -> bool:
        """Give the engine an entry."""
        return self._engine.send(self.node_id, payload)

    def fence(self, effect: ExecuteFence, report: Callable[[FenceResult], None]) -> None:
        """Run a fence agent on this machine."""
        operation, boot = effect.operation, self.boots
        self.tell(f"asks {operation.device}: {operation.task} {operation.target}")

        def answer(result: FenceResult) -> None:
            self.tell(f"{operation.device} on {operation.target}: {result.outcome} {result.rc}")
            if self.echoes > 0:
                self.echoes -= 1
                self.after(
                    self._chance.between(500, 30_000) * MS, lambda: self._repeat_fencing(result)
                )
            self._thaw_queue.append(lambda: report(result)) if self.is_frozen else report(result)

        if not self._wiring.waits_for_devices:
            done = FenceResult(
                operation_id=operation.operation_id, outcome=OperationOutcome.DONE, rc=0
            )
            self.after(10 * MS, lambda: answer(done))
            return
        if self.devices is not None:
            self.devices.execute(
                operation,
                self.name,
                lambda: self.is_on and self.boots == boot,
                lambda result: answer(result) if self.is_on and self.boots == boot else None,
            )

    def _saw_result(self, operation: Operation, result: OperationResult) -> None:
        """Let what the faults want happen around a result."""
        self.on_result()
        if self.echoes > 0:
            self.echoes -= 1
            delay_us = self._chance.between(500, 30_000) * MS
            self.after(delay_us, lambda: self._repeat(operation, result))

    def _repeat(self, operation: Operation, result: OperationResult) -> None:
        """Tell a result again, otherwise than it was: to whatever daemon lives by now."""
        daemon = self.daemon
        if daemon is None:
            return
        rc = OCF_ERROR if result.entry.rc == OCF_OK else OCF_OK
        entry = structs.replace(result.entry, rc=rc, exit_reason=LATE_REASON)
        self.tell(f"late again: {operation.action.task} {operation.action.resource} {rc}")
        daemon.hear_late(structs.replace(result, entry=entry))

    def _repeat_fencing(self, result: FenceResult) -> None:
        if self.daemon is not None:
            rc = 0 if result.rc else 1
            self.daemon.hear_late_fence(
                structs.replace(
                    result, rc=rc, outcome=OperationOutcome.DONE, exit_reason=LATE_REASON
                )
            )

    def _set_score(self, resource: str) -> None:
        """An agent sets the promotion score of its resource, where it is not what it should be."""
        daemon = self.daemon
        if resource != PROMOTABLE or daemon is None or daemon.is_frozen:
            return
        name, score = f"master-{resource}", str(SCORE_STEP * int(self.node_id))
        here = next((n for n in daemon.replica.status().nodes if n.name == self.name), None)
        if here is None or dict(here.attributes).get(name) != score:
            self._scores += 1
            request_id = RequestId(f"score-{self.name}-{self.boots}-{self._scores}")
            request = SetAttributes(node=self.name, values=((name, score),))
            daemon.submit(request_id, request, lambda answer: None)

    def planned_us(self) -> int:
        """Return how long the next plan takes."""
        return self._chance.between(*self.plan_us)

    def left(self, effect: Leave) -> None:
        """The daemon ended by itself: cleanly (then Corosync too), or to be started again."""
        daemon = self.daemon
        if daemon is None:
            return
        self.tell(f"daemon leaves: {effect.exit_status} {effect.why}")
        self._end_daemon(daemon, Departure.LEFT)
        self.leave = effect
        if effect.exit_status in (0, NO_RESTART):
            self.is_stack_wanted = False
            self.after(200 * MS, self._stop_corosync)
        else:
            self.after(1_000 * MS, self.start_daemon)

    def _stop_corosync(self) -> None:
        if not self.is_stack_wanted:
            self._engine.stop(self.node_id)

    def failed(self, why: str) -> None:
        """The daemon's program broke: a bug; it dies and is started again."""
        self._on_bug("raised", self.name, why)
        self.kill_daemon(f"broke: {why}")

    def looked(self, event: Event, effects: tuple[Effect, ...]) -> None:
        """Let the judge see what was just handled."""
        self._look(self, event, effects)

    def tell(self, text: str) -> None:
        """Add to the story."""
        self._trace.tell(self.name, text)
