"""One life of one node's daemon: a replica, its events in order, its effects carried out in order.

    connecting --engine answers--> connected --engine dies--> connecting
    any --killed, or Leave carried out--> gone

The daemon reads several sockets, so events of the group, of the ring and of quorum come in their
own order each, and interleave by chance. When nothing waits any more, it says `InboxEmpty`.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol, assert_never

from msgspec import structs

from paceline.model.errors import PacelineError
from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.operation import FenceResult, Operation, OperationResult
from paceline.model.plan import Plan
from paceline.model.status import OperationOutcome
from paceline.replica.driven import ReplicaMachine
from paceline.replica.effects import (
    CancelRecurring,
    CancelTimer,
    ComputePlan,
    Effect,
    Execute,
    ExecuteFence,
    KeepCib,
    KeepStanding,
    Leave,
    Note,
    RaiseAlert,
    Reply,
    Send,
    SetTimer,
    WaitFenceDelay,
    WriteCib,
    WriteJournal,
)
from paceline.replica.entries import Changed, decode_entry, encode_entry
from paceline.replica.events import (
    Delivered,
    EngineConnected,
    EngineEvent,
    EngineLost,
    Event,
    FenceDelayOver,
    FenceFinished,
    GroupChanged,
    InboxEmpty,
    LoopStalled,
    MemberAddress,
    NodesConfigured,
    OperationFinished,
    PlanComputed,
    QuorumChanged,
    Submitted,
    TimerFired,
)
from paceline.replica.identity import Identity, Stored
from paceline.replica.packed_plans import pack_plan
from paceline.replica.requests import Request, RequestAnswer
from paceline.sim.agents import AgentHost
from paceline.sim.chance import Chance
from paceline.sim.clock import MS, Act, Moment
from paceline.sim.disk import Disk
from paceline.sim.planner import Planner
from paceline.sim.release import NextRelease
from paceline.sim.trace import Trace
from paceline.sim.wiring import (
    Wiring,
    without_fencing,
    without_promises,
    without_unclean,
)

OUTBOX_MAX = 10_000
INBOX_MAX = 200_000
STALL_MS_MIN = 50
RECONNECT_US = 100_000
FROZEN_LONG_MS = 500
"""After half a token without a turn a daemon knows nothing of the others any more."""
LOST_ANSWER = 7
"""Which of the answers gets lost by a plant."""
TOLD_LEVELS = frozenset({"notice", "warning", "error"})


ReplicaMaker = Callable[[Identity, Stored], ReplicaMachine]


class Surroundings(Protocol):
    """What a daemon reaches: its machine, and through it the world."""

    name: NodeName
    node_id: NodeId
    disk: Disk
    agents: AgentHost

    def after(self, delay_us: int, act: Act) -> None:
        """Let something happen on the machine, unless it loses power before."""
        ...

    def boot_ms(self) -> int:
        """Return the boot-time clock."""
        ...

    def wall_ms(self) -> int:
        """Return the wall clock, ms since 1970."""
        ...

    def nodes(self) -> NodesConfigured:
        """Return the node list that the engine has."""
        ...

    def connect(
        self, pid: int, listener: Callable[[str, EngineEvent], None]
    ) -> MemberAddress | None:
        """Join the engine's group; None where no engine answers."""
        ...

    def send(self, payload: bytes) -> bool:
        """Give the engine an entry; False where it takes none now."""
        ...

    def fence(self, effect: ExecuteFence, report: Callable[[FenceResult], None]) -> None:
        """Run a fence agent."""
        ...

    def planned_us(self) -> int:
        """Return how long the scheduler's process takes for the next plan."""
        ...

    def left(self, effect: Leave) -> None:
        """The daemon ended by itself."""
        ...

    def failed(self, why: str) -> None:
        """The daemon's program broke; it is a bug."""
        ...

    def looked(self, event: Event, effects: tuple[Effect, ...]) -> None:
        """Let the judge see what was just handled."""
        ...


class Daemon:
    """One life of a daemon."""

    def __init__(
        self,
        around: Surroundings,
        identity: Identity,
        *,
        make: ReplicaMaker,
        planner: Planner,
        chance: Chance,
        trace: Trace,
        pid: int,
        wiring: Wiring,
        is_next: bool = False,
    ) -> None:
        """Read the disk and begin to seek the engine; `is_next`: it is of the next release."""
        self.identity = identity
        self.is_alive = True
        self.is_frozen = False
        self.members: tuple[MemberAddress, ...] = ()
        self.last_quorum: QuorumChanged | None = None
        self.plans_wanted = 0
        self.handled = 0
        self.outbox: deque[bytes] = deque()
        self.is_engine_busy = False
        self.is_fresh = True
        """False from a long freeze on until another member's entry comes."""
        self._around = around
        self._planner = planner
        self._chance = chance
        self._trace = trace
        self._pid = pid
        self._wiring = wiring
        self._next = NextRelease(asks_level=wiring.asks_level) if is_next else None
        self._frozen_at_us = 0
        self._engine_life = 0
        self._is_connected = False
        self._turn: Moment | None = None
        self._is_turn_planned = False
        self._queues: dict[str, deque[Event]] = {
            name: deque() for name in ("group", "ring", "quorum", "local")
        }
        self._first: deque[Event] = deque()
        self._timers: dict[str, tuple[int, int]] = {}
        self._timer_number = 0
        self._plan_token = -1
        self._older_plan: Plan | None = None
        self._waiting: dict[RequestId, Callable[[RequestAnswer], None]] = {}
        self._late: list[OperationResult] = []
        self._own: deque[bytes] = deque()
        self._answers = 0
        stored = around.disk.open(self._after, self._post_local)
        if not wiring.keeps_disk:
            stored = Stored()
        stored = structs.replace(stored, started=around.agents.started())
        self.replica = make(identity, stored)
        self._seek_engine()

    # Life.

    @property
    def life(self) -> str:
        """Return boot and incarnation, for the witness."""
        return f"{self.identity.boot_id}/{self.identity.incarnation}"

    def kill(self) -> None:
        """End it without a word."""
        self.is_alive = False
        self._waiting.clear()

    def freeze(self) -> None:
        """Stop its loop; what comes meanwhile waits."""
        if not self.is_frozen:
            self.is_frozen = True
            self._frozen_at_us = self._trace.now_us

    def thaw(self) -> None:
        """Let its loop go on: it notices the stall before anything that waited."""
        if self.is_frozen and self.is_alive:
            self.is_frozen = False
            stalled_ms = (self._trace.now_us - self._frozen_at_us) // MS
            self.is_fresh = stalled_ms < FROZEN_LONG_MS
            if stalled_ms >= STALL_MS_MIN and self._wiring.tells_stalls:
                self._first.append(LoopStalled(stalled_ms=stalled_ms))
            self._plan_turn()

    def lose_engine(self) -> None:
        """The engine died: after what it still gave, the connection's end is seen."""
        self._engine_life += 1
        self._queues["group"].append(EngineLost())
        self._plan_turn()

    def submit(
        self, request_id: RequestId, request: Request, answer: Callable[[RequestAnswer], None]
    ) -> None:
        """Take a client's request."""
        self._waiting[request_id] = answer
        self._post_local(Submitted(request_id=request_id, request=request))

    def configure(self, nodes: NodesConfigured) -> None:
        """Corosync's configuration was loaded anew."""
        if self._is_connected:
            self._post_local(nodes)

    def hear_late(self, result: OperationResult) -> None:
        """A result comes that is not awaited any more: of an earlier life, or a second time."""
        if self._wiring.drops_late_results:
            self._post_local(OperationFinished(result=result))
        else:
            self._late.append(result)

    def hear_late_fence(self, result: FenceResult) -> None:
        """A fence device's answer comes a second time."""
        self._post_local(FenceFinished(result=result))

    def has_unheard_loss(self) -> bool:
        """Say whether the loss of quorum was told and waits to be handled."""
        return any(
            isinstance(event, QuorumChanged) and not event.is_quorate
            for event in self._queues["quorum"]
        )

    def depth(self) -> int:
        """Return how many events and entries wait."""
        return sum(len(queue) for queue in self._queues.values()) + len(self.outbox)

    def timers(self) -> int:
        """Return how many timers are set."""
        return len(self._timers)

    # Events.

    def _after(self, delay_us: int, act: Callable[[], None]) -> None:
        def act_if_alive() -> None:
            if self.is_alive:
                act()

        self._around.after(delay_us, act_if_alive)

    def _seek_engine(self) -> None:
        life = self._engine_life

        def hear(socket: str, event: EngineEvent) -> None:
            if self.is_alive and self._engine_life == life and not self._is_own_again(event):
                if isinstance(event, Delivered) and event.sender.node_id != self._around.node_id:
                    self.is_fresh = self.is_fresh or not self.is_frozen
                self._queues[socket].append(event)
                self._plan_turn()

        if self.is_frozen:
            self._after(RECONNECT_US, self._seek_engine)
            return
        address = self._around.connect(self._pid, hear)
        if address is None:
            self._after(RECONNECT_US, self._seek_engine)
            return
        self._is_connected = True
        self._first.append(self._around.nodes())
        self._first.append(EngineConnected(address=address))
        self._plan_turn()

    def _post_local(self, event: Event) -> None:
        self._queues["local"].append(event)
        self._plan_turn()

    def _plan_turn(self) -> None:
        if self.is_alive and not self.is_frozen and not self._is_turn_planned:
            self._is_turn_planned = True
            delay_us = self._chance.between(20, 400)
            if self._chance.percent(1):
                delay_us = self._chance.between(1_000, 45_000)
            self._after(delay_us, self._take_turn)

    def _take_turn(self) -> None:
        self._is_turn_planned = False
        while self.is_alive and not self.is_frozen:
            event = self._next_event()
            if event is None:
                self._handle(InboxEmpty())
                return
            self._handle(event)

    def _next_event(self) -> Event | None:
        if self._first:
            return self._first.popleft()
        filled = [queue for queue in self._queues.values() if queue]
        return self._chance.pick(filled).popleft() if filled else None

    def _handle(self, event: Event) -> None:
        self._note_engine(event)
        event = self._heard(event)
        self._trace.take(self._around.name, event)
        self.handled += 1
        try:
            effects = self.replica.handle(
                event, now_ms=self._around.boot_ms(), wall_ms=self._around.wall_ms()
            )
        except (PacelineError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            self._around.failed(f"{type(error).__name__} in {type(event).__name__}: {error}")
            return
        for effect in effects:
            if self.is_alive:
                self._trace.take(self._around.name, effect)
                self._carry_out(effect)
        if self.is_alive:
            self._around.looked(event, effects)

    def _heard(self, event: Event) -> Event:
        """Return the event as this release and this wiring tell it."""
        wiring = self._wiring
        if isinstance(event, QuorumChanged):
            if not wiring.tells_quorum_loss:
                event = structs.replace(event, is_quorate=True)
            if not wiring.tells_quorum_votes:
                event = structs.replace(event, quorum_votes=1)
            if not wiring.tells_all_votes:
                votes = ((self._around.node_id, event.quorum_votes),)
                event = structs.replace(event, votes=votes)
        elif isinstance(event, FenceFinished) and not wiring.tells_fence_failures:
            done = structs.replace(event.result, outcome=OperationOutcome.DONE, rc=0)
            event = structs.replace(event, result=done)
        elif self._next is not None:
            event = self._next.read(event)
        if isinstance(event, Delivered):
            event = self._with_planted_entry(event)
        return event

    def _with_planted_entry(self, event: Delivered) -> Delivered:
        """Return a delivered entry without what a plant takes out of it."""
        wiring = self._wiring
        if wiring.compares_versions:
            return event
        entry = decode_entry(event.payload)
        if not isinstance(entry, Changed):
            return event
        entry = structs.replace(entry, based_on=self.replica.version)
        return structs.replace(event, payload=encode_entry(entry))

    def _note_engine(self, event: Event) -> None:
        """Keep what the engine said last, for the judge."""
        if isinstance(event, QuorumChanged):
            self.last_quorum = event
        elif isinstance(event, GroupChanged):
            self.members = event.members
        elif isinstance(event, EngineLost):
            self.last_quorum, self.members, self._is_connected = None, (), False
            self.outbox.clear()
            for name in ("group", "ring", "quorum"):
                self._queues[name].clear()
            self._after(RECONNECT_US, self._seek_engine)

    # Effects.

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send():
                self._send(effect.payload)
            case WriteJournal():
                keeps = self._wiring.keeps_promises
                self._around.disk.write(effect if keeps else without_promises(effect))
            case WriteCib() | KeepCib() | RaiseAlert():
                pass
            case KeepStanding():
                self._around.disk.was_current = effect.is_current
            case Execute():
                operation = effect.operation
                self._around.agents.execute(operation, self.life, self._report_operation)
                self._mistake_late(operation)
            case CancelRecurring():
                self._around.agents.cancel(str(effect.resource), effect.task, effect.interval_ms)
            case WaitFenceDelay():
                over = FenceDelayOver(operation_id=effect.operation_id)
                self._after(effect.delay_ms * MS, lambda: self._post_local(over))
            case ExecuteFence():
                self._around.fence(effect, self._report_fence)
            case ComputePlan():
                self._compute(effect)
            case SetTimer():
                self._set_timer(effect)
            case CancelTimer():
                self._timers.pop(effect.name, None)
            case Reply():
                answer = self._waiting.pop(effect.request_id, None)
                self._answers += 1
                is_lost = self._answers % LOST_ANSWER == 0 and not self._wiring.answers_all
                if answer is not None and not is_lost:
                    answer(effect.answer)
            case Note():
                if effect.level in TOLD_LEVELS:
                    self._trace.tell(self._around.name, f"{effect.code}: {effect.message}")
            case Leave():
                self._around.left(effect)
            case _:
                assert_never(effect)

    def _send(self, payload: bytes) -> None:
        if not self._is_connected:
            return
        if not self._wiring.keeps_order:
            self._own.append(payload)
            address = MemberAddress(self._around.node_id, self._pid)
            self._first.append(Delivered(sender=address, payload=payload))
        if self._next is not None:
            payload = self._next.write(payload)
        if len(self.outbox) >= OUTBOX_MAX:
            self._around.failed(f"{OUTBOX_MAX} entries wait for the engine")
            return
        self.outbox.append(payload)
        if not self.is_engine_busy:
            self.empty_outbox()

    def _is_own_again(self, event: Event) -> bool:
        """Say whether this took effect already when it was sent (a plant)."""
        if not isinstance(event, Delivered) or event.payload not in self._own:
            return False
        while self._own.popleft() != event.payload:
            pass
        return True

    def _mistake_late(self, operation: Operation) -> None:
        """Take a late result for that of the operation that runs now (a plant)."""
        action = operation.action
        mine = [r for r in self._late if r.entry.resource == action.resource]
        if action.interval_ms == 0 and mine:
            self._late.remove(mine[0])
            result = structs.replace(mine[0], operation_id=operation.operation_id)
            self._post_local(OperationFinished(result=result))

    def empty_outbox(self) -> None:
        """Give the engine what waits, in order."""
        while self.outbox and self._around.send(self.outbox[0]):
            self.outbox.popleft()

    def _report_operation(self, result: OperationResult) -> None:
        if self.is_alive:
            self._post_local(OperationFinished(result=result))

    def _report_fence(self, result: FenceResult) -> None:
        if self.is_alive:
            self._post_local(FenceFinished(result=result))

    def _compute(self, effect: ComputePlan) -> None:
        self._plan_token = effect.token
        self.plans_wanted += 1

        def finish() -> None:
            if self._plan_token == effect.token:
                plan = self._plan(effect)
                self._post_local(PlanComputed(token=effect.token, plan=pack_plan(plan)))

        self._after(self._around.planned_us(), finish)

    def _plan(self, effect: ComputePlan) -> Plan:
        status = effect.status
        if not self._wiring.names_unclean:
            status = without_unclean(status)
        plan = self._planner.plan(effect.configuration, status)
        if not self._wiring.plans_fresh:
            plan, self._older_plan = self._older_plan or plan, plan
        return plan if self._wiring.fences_first else without_fencing(plan)

    def _set_timer(self, effect: SetTimer) -> None:
        self._timer_number += 1
        number = self._timer_number
        self._timers[effect.name] = (number, effect.at_ms)

        def fire() -> None:
            if self._timers.get(effect.name, (0, 0))[0] == number:
                del self._timers[effect.name]
                self._post_local(TimerFired(name=effect.name))

        wait_us = (effect.at_ms - self._around.boot_ms()) * MS
        self._after(max(0, wait_us), fire)
