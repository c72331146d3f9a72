"""Virtual time: a queue of moments, in microseconds, that only the run itself moves on."""

import heapq
from collections.abc import Callable

Act = Callable[[], None]

MS = 1000
"""Microseconds in a millisecond."""


class Moment:
    """Something that will happen at a moment, unless it is cancelled before."""

    __slots__ = ("act", "at_us", "number")

    def __init__(self, at_us: int, number: int, act: Act) -> None:
        """Keep what happens when; `number` orders what falls on one microsecond."""
        self.at_us = at_us
        self.number = number
        self.act: Act | None = act

    def cancel(self) -> None:
        """Make sure that it does not happen; harmless when it did already."""
        self.act = None

    def __lt__(self, other: "Moment") -> bool:
        """Earlier first; of one microsecond, the one that was asked for first."""
        return (self.at_us, self.number) < (other.at_us, other.number)


class Clock:
    """The world's time. Machines see it as milliseconds; inside it counts microseconds."""

    def __init__(self) -> None:
        """Begin at zero with nothing to do."""
        self.now_us = 0
        self.steps = 0
        self._moments: list[Moment] = []

    @property
    def now_ms(self) -> int:
        """Return the time in whole milliseconds."""
        return self.now_us // MS

    def at_us(self, at_us: int, act: Act) -> Moment:
        """Let `act` happen at a moment; one that is past happens next."""
        self.steps += 1
        moment = Moment(max(at_us, self.now_us), self.steps, act)
        heapq.heappush(self._moments, moment)
        return moment

    def after_us(self, delay_us: int, act: Act) -> Moment:
        """Let `act` happen after a delay in microseconds."""
        return self.at_us(self.now_us + delay_us, act)

    def after_ms(self, delay_ms: int, act: Act) -> Moment:
        """Let `act` happen after a delay in milliseconds."""
        return self.at_us(self.now_us + delay_ms * MS, act)

    def run_until_us(self, end_us: int) -> None:
        """Let everything happen that falls before or on `end_us`, then stand there."""
        while self._moments and self._moments[0].at_us <= end_us:
            moment = heapq.heappop(self._moments)
            if moment.act is None:
                continue
            self.now_us = moment.at_us
            act, moment.act = moment.act, None
            act()
        self.now_us = max(self.now_us, end_us)
