"""The event loop, with a selector that measures how long the loop did not turn.

Corosync must be dispatched without delay, and a node that was frozen must not act on what waited
meanwhile (DESIGN 11). Two things are a stall: the callbacks of one turn took long, or the process
did not wake up when it should have (it was stopped, or got no processor).
"""

import asyncio
import selectors
from collections.abc import Callable

from paceline.ports.clock import Clock

STALL_MS_MIN = 50
"""A turn longer than this is told: nothing in the loop may take longer (DESIGN 11)."""
BEAT_MS = 200
"""How often the loop turns at least, so that a freeze is noticed this exactly."""


class StallMeter:
    """Keeps the longest stall and tells of each one above the limit."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing measured; `on_stall` may be set later."""
        self._clock = clock
        self._woke_ms = clock.now_ms()
        self.longest_ms = 0
        self.count = 0
        self.on_stall: Callable[[int], None] | None = None

    def before_wait(self) -> int:
        """Return the time at which the loop goes to sleep; its turn is over."""
        now_ms = self._clock.now_ms()
        self._note(now_ms - self._woke_ms)
        return now_ms

    def after_wait(self, slept_from_ms: int, timeout_ms: int | None) -> None:
        """Measure how much longer than asked the loop slept."""
        self._woke_ms = self._clock.now_ms()
        if timeout_ms is not None:
            self._note(self._woke_ms - slept_from_ms - timeout_ms)

    def _note(self, stalled_ms: int) -> None:
        self.longest_ms = max(self.longest_ms, stalled_ms)
        if stalled_ms >= STALL_MS_MIN:
            self.count += 1
            if self.on_stall is not None:
                self.on_stall(stalled_ms)


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


def make_loop(meter: StallMeter) -> asyncio.SelectorEventLoop:
    """Return a loop that measures its stalls."""
    return asyncio.SelectorEventLoop(MeasuringSelector(meter))
