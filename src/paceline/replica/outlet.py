"""Where effects go: in order, with the event's time, timers by name, entries to the ring.

Without an engine, entries to the group are entries to ourselves: a member alone, in a view of its
own, goes on through the same log.
"""

from collections import deque

from paceline.model.identifiers import NodeName
from paceline.replica.effects import CancelTimer, Effect, Note, RaiseAlert, Send, SetTimer
from paceline.replica.entries import Entry, encode_entry
from paceline.replica.liveness import Liveness
from paceline.replica.tables import State


class Outlet:
    """Collects the effects of one event."""

    def __init__(self, state: State, liveness: Liveness) -> None:
        """Begin without an engine and with nothing to do."""
        self._state = state
        self._liveness = liveness
        self._effects: list[Effect] = []
        self._to_self: deque[bytes] = deque()
        self._timers: dict[str, int] = {}
        self.is_engine_up = False
        self.now_ms = 0
        self.wall_ms = 0

    def begin(self, now_ms: int, wall_ms: int) -> None:
        """A new event: its effects begin here."""
        self.now_ms, self.wall_ms = now_ms, wall_ms
        self._effects = []

    def take(self) -> tuple[Effect, ...]:
        """Return the effects of the event that were not taken yet, in order."""
        effects, self._effects = tuple(self._effects), []
        return effects

    def emit(self, *effects: Effect) -> None:
        """Add effects."""
        self._effects.extend(effects)

    def send(self, entry: Entry) -> None:
        """Multicast an entry."""
        payload = encode_entry(entry)
        self._liveness.said(self.now_ms)
        if self.is_engine_up:
            self.emit(Send(payload=payload))
        else:
            self._to_self.append(payload)

    def next_to_self(self) -> bytes | None:
        """Return the next entry to ourselves, where there is no engine."""
        return self._to_self.popleft() if self._to_self else None

    def switch(self, *, is_engine_up: bool) -> None:
        """The engine came or went: what was under way to ourselves is void."""
        self.is_engine_up = is_engine_up
        self._to_self.clear()

    def set_timer(self, name: str, wait_ms: int) -> None:
        """Let a timer fire after a while; it replaces one of the same name."""
        self._timers[name] = self.now_ms + wait_ms
        self.emit(SetTimer(name=name, at_ms=self.now_ms + wait_ms))

    def set_timer_once(self, name: str, wait_ms: int) -> None:
        """Let a timer fire after a while, unless it runs already."""
        if name not in self._timers:
            self.set_timer(name, wait_ms)

    def cancel_timer(self, name: str) -> None:
        """Forget a timer."""
        if self._timers.pop(name, None) is not None:
            self.emit(CancelTimer(name=name))

    def fired(self, name: str) -> bool:
        """Note that a timer fired; False where it was forgotten meanwhile."""
        return self._timers.pop(name, None) is not None

    def has_timer(self, name: str) -> bool:
        """Say whether a timer runs."""
        return name in self._timers

    def note(self, level: str, code: str, message: str) -> None:
        """Add a line for the log."""
        position = self._state.core.value.position
        self.emit(Note(level=level, code=code, message=message, position=position))

    def alert(self, kind: str, node: NodeName, facts: tuple[tuple[str, str], ...]) -> None:
        """Tell alert agents."""
        position = self._state.core.value.position
        self.emit(RaiseAlert(kind=kind, node=node, facts=facts, position=position))
