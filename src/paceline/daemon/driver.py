"""The driver: feeds the replica events in the order they came, carries effects out in order.

    idle --feed--> pumping --inbox empty, twice looked--> InboxEmpty --> idle
                   pumping --time slice over--> the loop turns once --> pumping

A time slice may end in the middle of an event: deciding on it and carrying it out are done in short
steps, and no other event is handled before the last of them.

`InboxEmpty` releases starts and promotes, so it is said only after the loop has turned twice with
nothing new: once so that sockets which became readable meanwhile are dispatched, once more so
that what they brought is seen.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import assert_never

from paceline.daemon.decisions import began_note, fence_note, notes_of
from paceline.daemon.loop import BEAT_MS, StallMeter
from paceline.model.errors import InvariantError, check
from paceline.model.identifiers import RequestId
from paceline.ports.clock import Clock
from paceline.ports.engine import Engine
from paceline.ports.executor import Executor
from paceline.ports.journal import Journal
from paceline.ports.planner import Planner
from paceline.replica.driven import SteppedMachine
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
from paceline.replica.events import Delivered, Event, InboxEmpty, LoopStalled, Submitted, TimerFired
from paceline.replica.requests import Outcome, Request, RequestAnswer

INBOX_MAX = 200_000
"""Events that may wait; more means that the replica cannot keep up, and it must begin anew."""
OUTBOX_MAX = 10_000
"""Entries that wait for room in the engine's queue."""
OUTBOX_RETRY_MS = 2
SLICE_MS = 10
"""How long events are handled before the loop turns: a step may come on top of that."""
EVENT_MS_MAX = 10_000
"""An event that takes longer than this will take for ever: the largest plan is begun in one."""
REQUESTS_MAX = 1000
"""Requests that may wait for their answer."""
_OVER = object()


class Driver:
    """One replica and its world, on one loop."""

    def __init__(
        self,
        replica: SteppedMachine,
        *,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        meter: StallMeter,
        on_note: Callable[[Note], None],
        on_alert: Callable[[RaiseAlert], None],
        on_standing: Callable[[bool], None],
    ) -> None:
        """Drive `replica`; `attach` must follow before events come."""
        self.replica = replica
        self._loop = loop
        self._clock = clock
        self._meter = meter
        self._on_note = on_note
        self._on_alert = on_alert
        self._on_standing = on_standing
        self._inbox: deque[Event] = deque()
        self._outbox: deque[bytes] = deque()
        self._work: Iterator[None] | None = None
        self._is_pumping = False
        self._is_rest_said = False
        self._went_on_ms = clock.now_ms()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._replies: dict[RequestId, list[asyncio.Future[RequestAnswer]]] = {}
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._handled: Counter[str] = Counter()
        self.leaving: asyncio.Future[Leave] = loop.create_future()
        meter.on_stall = self._on_stall

    def attach(
        self, *, engine: Engine, executor: Executor, journal: Journal, planner: Planner
    ) -> None:
        """Give the driver its hands; the loop begins to beat."""
        self._engine = engine
        self._executor = executor
        self._journal = journal
        self._planner = planner
        self._beat()

    # Events

    def feed(self, event: Event) -> None:
        """Queue an event. Raises InvariantError where the replica has fallen hopelessly behind."""
        if len(self._inbox) >= INBOX_MAX:
            raise InvariantError(f"{INBOX_MAX} events wait: the replica cannot keep up")
        self._inbox.append(event)
        if not self._is_pumping:
            self._is_pumping = True
            self._went_on_ms = self._clock.now_ms()
            self._loop.call_soon(self._pump)

    def _on_stall(self, stalled_ms: int) -> None:
        """Tell the replica before anything that waited meanwhile."""
        self._inbox.appendleft(LoopStalled(stalled_ms=stalled_ms))
        if not self._is_pumping:
            self._is_pumping = True
            self._loop.call_soon(self._pump)

    def _beat(self) -> None:
        self._loop.call_later(BEAT_MS / 1000, self._beat)

    @property
    def is_busy(self) -> bool:
        """Say whether an event waits, or is being handled."""
        return self._work is not None or bool(self._inbox)

    def _pump(self) -> None:
        """Handle events for a while, step by step; the next turn goes on where this one ends."""
        until_ms = self._clock.now_ms() + SLICE_MS
        while self.is_busy:
            if self._work is None:
                self._work = self._handle(self._inbox.popleft())
                self._is_rest_said = False
            if next(self._work, _OVER) is _OVER:
                self._work = None
            if self._clock.now_ms() >= until_ms:
                break
        self._wake_watchers()
        if self.is_busy:
            self._loop.call_soon(self._pump)
        elif not self._is_rest_said:
            self._loop.call_soon(self._look_again, 2)
        else:
            self._is_pumping = False

    def _look_again(self, turns: int) -> None:
        if self.is_busy:
            self._pump()
        elif turns > 0:
            self._loop.call_soon(self._look_again, turns - 1)
        else:
            self._work = self._handle(InboxEmpty())
            self._is_rest_said = True
            self._pump()

    def _handle(self, event: Event) -> Iterator[None]:
        """Have an event decided on, carry out what was decided; each step is short."""
        parts = self.replica.steps(
            event, now_ms=self._clock.now_ms(), wall_ms=self._clock.wall_ms()
        )
        name = type(event).__name__
        while True:
            mark = self._meter.begin()
            effects = next(parts, None)
            what = self.replica.last_entry if isinstance(event, Delivered) else name
            self._meter.end(mark, f"deciding {what}")
            if effects is None:
                break
            yield
            for effect in effects:
                self._carry_out(effect)
                yield
        for note in notes_of(event):
            self._on_note(note)
            yield
        self._handled[name] += 1
        self._went_on_ms = self._clock.now_ms()

    # Effects

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send():
                self._send(effect.payload)
            case WriteJournal():
                self._journal.write(effect)
            case WriteCib():
                self._journal.write_cib(effect)
            case KeepCib():
                self._journal.keep_cib(effect)
            case KeepStanding():
                self._on_standing(effect.is_current)
            case Execute():
                self._executor.execute(effect.operation)
                self._on_note(began_note(effect.operation))
            case CancelRecurring():
                self._executor.cancel_recurring(effect.resource, effect.task, effect.interval_ms)
            case WaitFenceDelay():
                self._executor.wait_fence_delay(effect.operation_id, effect.delay_ms)
            case ExecuteFence():
                self._executor.fence(effect.operation)
                self._on_note(fence_note(effect.operation))
            case ComputePlan():
                self._planner.compute(effect)
            case SetTimer():
                self._set_timer(effect)
            case CancelTimer():
                self._cancel_timer(effect.name)
            case Reply():
                self._reply(effect.request_id, effect.answer)
            case Note():
                self._on_note(effect)
            case RaiseAlert():
                self._on_alert(effect)
            case Leave():
                if not self.leaving.done():
                    self.leaving.set_result(effect)
            case _:
                assert_never(effect)

    def _send(self, payload: bytes) -> None:
        """Send in order: what does not go now waits in front of what comes later."""
        if not self._outbox and self._engine.send(payload):
            return
        if len(self._outbox) >= OUTBOX_MAX:
            raise InvariantError(f"{OUTBOX_MAX} entries wait for the engine: it takes none")
        self._outbox.append(payload)
        if len(self._outbox) == 1:
            self._loop.call_later(OUTBOX_RETRY_MS / 1000, self._send_again)

    def _send_again(self) -> None:
        while self._outbox and self._engine.send(self._outbox[0]):
            self._outbox.popleft()
        if self._outbox:
            self._loop.call_later(OUTBOX_RETRY_MS / 1000, self._send_again)

    def _set_timer(self, effect: SetTimer) -> None:
        self._cancel_timer(effect.name)
        wait_ms = max(0, effect.at_ms - self._clock.now_ms())
        self._timers[effect.name] = self._loop.call_later(
            wait_ms / 1000, self._fire, effect.name, effect.at_ms
        )

    def _fire(self, name: str, at_ms: int) -> None:
        """Say that the timer is due, unless the loop's clock ran ahead of the boot clock."""
        if self._clock.now_ms() < at_ms:
            self._set_timer(SetTimer(name=name, at_ms=at_ms))
            return
        self._timers.pop(name, None)
        self.feed(TimerFired(name=name))

    def _cancel_timer(self, name: str) -> None:
        handle = self._timers.pop(name, None)
        if handle is not None:
            handle.cancel()

    # Clients

    async def submit(
        self, request_id: RequestId, request: Request, *, timeout_ms: int
    ) -> RequestAnswer:
        """Submit a request and return its answer; `unknown` where none comes in time."""
        if len(self._replies) >= REQUESTS_MAX:
            return RequestAnswer(
                outcome=Outcome.REFUSED, code="busy", detail=f"{REQUESTS_MAX} requests wait already"
            )
        answer: asyncio.Future[RequestAnswer] = self._loop.create_future()
        self._replies.setdefault(request_id, []).append(answer)
        self.feed(Submitted(request_id=request_id, request=request))
        try:
            return await asyncio.wait_for(answer, timeout_ms / 1000)
        except TimeoutError:
            return RequestAnswer(
                outcome=Outcome.UNKNOWN,
                code="no-answer",
                detail=f"no answer within {timeout_ms / 1000:g} s; it may still take effect",
            )
        finally:
            self._forget(request_id, answer)

    def _reply(self, request_id: RequestId, answer: RequestAnswer) -> None:
        for future in self._replies.get(request_id, ()):
            if not future.done():
                future.set_result(answer)

    def _forget(self, request_id: RequestId, answer: "asyncio.Future[RequestAnswer]") -> None:
        waiting = self._replies.get(request_id, [])
        check(answer in waiting, "a request is forgotten once")
        waiting.remove(answer)
        if not waiting:
            del self._replies[request_id]

    async def wait_until(self, is_reached: Callable[[], bool], *, timeout_ms: int) -> bool:
        """Wait until the condition holds after an event; say whether it did in time."""
        if not self.is_busy and is_reached():
            return True
        reached: asyncio.Future[None] = self._loop.create_future()
        watcher = (is_reached, reached)
        self._watchers.append(watcher)
        try:
            await asyncio.wait_for(reached, timeout_ms / 1000)
        except TimeoutError:
            return False
        finally:
            self._watchers.remove(watcher)
        return True

    def is_sound(self) -> bool:
        """Say whether events are handled to their end, or none waits."""
        return not self.is_busy or self._clock.now_ms() - self._went_on_ms < EVENT_MS_MAX

    async def wait_for_whole(self) -> None:
        """Wait until no event is half handled: only then may the replica be read."""
        while self._work is not None:  # noqa: ASYNC110  # a few turns; an event would be set at each
            await asyncio.sleep(0)

    def _wake_watchers(self) -> None:
        if self.is_busy:
            return
        for is_reached, reached in self._watchers:
            if not reached.done() and is_reached():
                reached.set_result(None)

    def internals(self) -> dict[str, str]:
        """Return the driver's own figures."""
        return {
            "loop-longest-stall-ms": str(self._meter.longest_ms),
            "loop-stalls": str(self._meter.count),
            "loop-longest-work-ms": str(self._meter.longest_work_ms),
            "loop-longest-turns": "; ".join(turn.in_words() for turn in self._meter.turns),
            "inbox": str(len(self._inbox)),
            "outbox": str(len(self._outbox)),
            "timers": ", ".join(sorted(self._timers)),
            "requests-waiting": str(len(self._replies)),
            "events": ", ".join(f"{name} {count}" for name, count in sorted(self._handled.items())),
        }
