"""The event loop, which measures how long it did not turn, and with what.

Corosync must be dispatched without delay, and a node that was frozen must not act on what waited
meanwhile (DESIGN 11). Two things are a stall: the callbacks of one turn took long, or the process
did not wake up when it should have (it was stopped, or got no processor). The longest turns are
kept with what they did, and with how much of the time the loop's thread had a processor: the rest
went to other threads and other processes.
"""

import asyncio
import functools
import gc
import selectors
import time
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, NamedTuple, TypeVarTuple

from paceline.ports.clock import Clock

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

Ts = TypeVarTuple("Ts")

STALL_MS_MIN = 50
"""A turn longer than this is told: nothing in the loop may take longer (DESIGN 11)."""
BEAT_MS = 200
"""How often the loop turns at least, so that a freeze is noticed this exactly."""
TURNS_KEPT = 5
PARTS_KEPT = 4
PART_NS_MIN = 1_000_000
"""What took less is not named when a turn is told of."""
NS_PER_MS = 1_000_000


class Mark(NamedTuple):
    """When something began, and how much had been noted of the turn by then; nanoseconds."""

    at_ns: int
    noted_ns: int


class LongTurn(NamedTuple):
    """One turn of the loop: how long, how much of it on a processor, and with what most."""

    took_ms: int
    worked_ms: int
    parts: str

    def in_words(self) -> str:
        """Return it as a line."""
        return f"{self.took_ms} ms ({self.worked_ms} of processor): {self.parts or 'little things'}"


class StallMeter:
    """Keeps the longest stall and the longest turns, and tells of each stall above the limit."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing measured; `on_stall` may be set later."""
        self._clock = clock
        self._woke_ms = clock.now_ms()
        self._woke_worked_ns = time.thread_time_ns()
        self._parts: list[tuple[int, object]] = []
        self._noted_ns = 0
        self._collecting = Mark(0, 0)
        self.longest_ms = 0
        self.longest_work_ms = 0
        self.count = 0
        self.turns: tuple[LongTurn, ...] = ()
        """The longest turns, longest first."""
        self.on_stall: Callable[[int], None] | None = None

    def begin_anew(self) -> None:
        """Forget what was measured: what was done before the node takes part stalls nobody."""
        self.longest_ms = self.longest_work_ms = self.count = 0
        self.turns = ()

    # Turns

    def before_wait(self) -> int:
        """Return the time at which the loop goes to sleep; its turn is over."""
        now_ms = self._clock.now_ms()
        worked_ms = (time.thread_time_ns() - self._woke_worked_ns) // NS_PER_MS
        self.longest_work_ms = max(self.longest_work_ms, worked_ms)
        took_ms = now_ms - self._woke_ms
        if len(self.turns) < TURNS_KEPT or took_ms > self.turns[-1].took_ms:
            self._keep(LongTurn(took_ms, worked_ms, self._parts_in_words()))
        self._note(took_ms)
        return now_ms

    def after_wait(self, slept_from_ms: int, timeout_ms: int | None) -> None:
        """Measure how much longer than asked the loop slept."""
        self._woke_ms = self._clock.now_ms()
        self._woke_worked_ns = time.thread_time_ns()
        self._parts.clear()
        if timeout_ms is not None:
            self._note(self._woke_ms - slept_from_ms - timeout_ms)

    def _note(self, stalled_ms: int) -> None:
        self.longest_ms = max(self.longest_ms, stalled_ms)
        if stalled_ms >= STALL_MS_MIN:
            self.count += 1
            if self.on_stall is not None:
                self.on_stall(stalled_ms)

    def _keep(self, turn: LongTurn) -> None:
        self.turns = tuple(sorted((*self.turns, turn), reverse=True)[:TURNS_KEPT])

    def _parts_in_words(self) -> str:
        longest = sorted(self._parts, key=lambda part: -part[0])[:PARTS_KEPT]
        return ", ".join(f"{_name_of(what)} {took_ns // NS_PER_MS}" for took_ns, what in longest)

    # What a turn was spent with

    def begin(self) -> Mark:
        """Return what `end` wants to have for what begins now; may be nested."""
        return Mark(time.perf_counter_ns(), self._noted_ns)

    def end(self, began: Mark, what: object) -> None:
        """Note what ended now, without what was noted meanwhile; `what` is a name or a callback."""
        own_ns = time.perf_counter_ns() - began.at_ns - (self._noted_ns - began.noted_ns)
        self._noted_ns += own_ns
        if own_ns >= PART_NS_MIN:
            self._parts.append((own_ns, what))

    def watch_collector(self) -> None:
        """Note the garbage collector's pauses; for one process, for good."""
        gc.callbacks.append(self._collector_said)

    def _collector_said(self, phase: str, _about: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = self.begin()
        else:
            self.end(self._collecting, "garbage collection")


def _name_of(what: object) -> str:
    """Return the name of a callback, or of the coroutine that it goes on with."""
    while isinstance(what, functools.partial):
        what = what.func
    owner = getattr(what, "__self__", None)
    if isinstance(owner, asyncio.Task):
        what = owner.get_coro()
    return what if isinstance(what, str) else str(getattr(what, "__qualname__", type(what)))


class MeasuringSelector(selectors.EpollSelector):
    """Epoll, with a meter around its wait."""

    def __init__(self, meter: StallMeter) -> None:
        """Measure into `meter`."""
        super().__init__()
        self._meter = meter

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait as epoll does."""
        slept_from_ms = self._meter.before_wait()
        events = super().select(timeout)
        self._meter.after_wait(
            slept_from_ms, None if timeout is None else max(0, int(timeout * 1000)) + 1
        )
        return events


class MeasuredLoop(asyncio.SelectorEventLoop):
    """The loop, with a meter around every turn and every callback."""

    def __init__(self, meter: StallMeter) -> None:
        """Measure into `meter`."""
        super().__init__(MeasuringSelector(meter))
        self._meter = meter

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Call in the next turn."""
        return super().call_soon(self._run, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call at a time of the loop's clock (`call_later` comes through here, too)."""
        return super().call_at(when, self._run, callback, *args, context=context)

    def add_reader(
        self, fd: "FileDescriptorLike", callback: Callable[[*Ts], object], *args: *Ts
    ) -> None:
        """Call when the file can be read."""
        super().add_reader(fd, self._run, callback, *args)

    def add_writer(
        self, fd: "FileDescriptorLike", callback: Callable[[*Ts], object], *args: *Ts
    ) -> None:
        """Call when the file can be written."""
        super().add_writer(fd, self._run, callback, *args)

    def _run(self, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        began = self._meter.begin()
        try:
            callback(*args)
        finally:
            self._meter.end(began, callback)


def make_loop(meter: StallMeter) -> asyncio.SelectorEventLoop:
    """Return a loop that measures its stalls."""
    return MeasuredLoop(meter)
