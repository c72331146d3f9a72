"""Whose turn it is: one operation of a resource at a time, a bounded number at once.

One-time operations go before recurring ones, of higher priority first, then as they came; the
last slots are kept for them, so that hanging monitors cannot keep a stop waiting.
"""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from paceline.model.identifiers import ResourceId


@dataclass(slots=True)
class Turn:
    """One run that wants its turn; `begin` is called when it has it."""

    resource: ResourceId
    is_recurring: bool
    priority: int
    begin: Callable[[], None]


@dataclass(slots=True)
class _Lane:
    """The runs of one resource that wait, and whether one is under way."""

    waiting: deque[Turn] = field(default_factory=deque)
    is_busy: bool = False


class Lanes:
    """Gives turns. `done` must be called for each that began."""

    def __init__(self, *, slots: int, reserved: int) -> None:
        """Allow `slots` runs at once, `reserved` of them not for recurring ones."""
        self._slots = slots
        self._recurring_max = max(1, slots - reserved)
        self._lanes: dict[ResourceId, _Lane] = {}
        self._ready: list[tuple[bool, int, int, Turn]] = []
        self._sequence = 0
        self._running = 0
        self._is_beginning = False

    @property
    def running(self) -> int:
        """How many runs are under way."""
        return self._running

    def ask(self, turn: Turn) -> None:
        """Queue a run; it begins at once where nothing stands before it."""
        lane = self._lanes.setdefault(turn.resource, _Lane())
        if turn.is_recurring:
            lane.waiting.append(turn)
        else:
            place = sum(1 for other in lane.waiting if not other.is_recurring)
            lane.waiting.insert(place, turn)
        self._offer(lane)
        self._begin()

    def done(self, turn: Turn) -> None:
        """Free the place of a run that ended."""
        self._running -= 1
        lane = self._lanes[turn.resource]
        lane.is_busy = False
        if lane.waiting:
            self._offer(lane)
        else:
            del self._lanes[turn.resource]
        self._begin()

    def _offer(self, lane: _Lane) -> None:
        """Enter the lane's first run; it may be entered twice, and counts once."""
        if lane.is_busy or not lane.waiting:
            return
        first = lane.waiting[0]
        self._sequence += 1
        heapq.heappush(self._ready, (first.is_recurring, -first.priority, self._sequence, first))

    def _begin(self) -> None:
        """Begin what may begin; a run that ends within its beginning comes back here once only."""
        if self._is_beginning:
            return
        self._is_beginning = True
        try:
            while self._ready and self._running < self._slots:
                is_recurring, _, _, turn = self._ready[0]
                if is_recurring and self._running >= self._recurring_max:
                    break
                heapq.heappop(self._ready)
                self._try(turn)
        finally:
            self._is_beginning = False

    def _try(self, turn: Turn) -> None:
        lane = self._lanes.get(turn.resource)
        if lane is None or lane.is_busy or not lane.waiting or lane.waiting[0] is not turn:
            return
        lane.waiting.popleft()
        lane.is_busy = True
        self._running += 1
        turn.begin()
