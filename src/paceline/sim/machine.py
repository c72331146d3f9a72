"""One machine: power, boots, Corosync, the daemon and what restarts it.

off --power_on--> booting --booted--> up --power_off--> off
up: Corosync down --start--> up --kill--> down;  daemon likewise, restarted by its supervisor
any --freeze--> nothing moves --thaw--> all that was due happens at once
"""

from collections.abc import Callable

from paceline.model.identifiers import NodeId, NodeName
from paceline.model.operation import FenceResult
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
from paceline.sim.agents import AgentHost
from paceline.sim.chance import Chance
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
        self.disk = Disk(chances(f"disk-{node_id}"))
        self.agents = AgentHost(name, services, chances(f"agents-{node_id}"))
        self.agents.after = self.after
        self.agents.now_us = lambda: clock.now_us
        self.agents.wall_ms = self.wall_ms
        self.devices: FenceDevices | None = None
        self.is_on = False
        self.is_frozen = False
        self.is_stack_wanted = False
        self.boots = 0
        self.daemon: Daemon | None = None
        self.leave: Leave | None = None
        self.wall_offset_ms = 0
        self.plan_us = (4_000, 60_000)
        self.is_booting_late = False
        self._node_list = node_list
        self._clock = clock
        self._chance = chances(f"machine-{node_id}")
        self._engine = engine
        self.services = services
        self._planner = planner
        self._make = make
        self._trace = trace
        self._look = look
        self._on_bug = on_bug
        self._wiring = wiring
        self.disk.is_synced_early = not wiring.syncs_before_saying
        self._incarnation = 0
        self._booted_at_us = 0
        self._thaw_queue: list[Act] = []

    # Power and freezing.

    def power_on(self) -> None:
        """Boot; when that is done, what is enabled starts."""
        if self.is_on:
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
        if self.agents.has_orphans() and self._wiring.settles_orphans:
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
        self.tell(f"daemon starts (incarnation {self._incarnation})")
        self.daemon = Daemon(
            self,
            identity,
            make=self._make,
            planner=self._planner,
            chance=self._chance,
            trace=self._trace,
            pid=1000 + self._incarnation,
            wiring=self._wiring,
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
        return self._node_list

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
