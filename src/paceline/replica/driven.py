"""The replica as its drivers see it: the daemon's loop, and the simulator's."""

from collections.abc import Iterator
from typing import Protocol

from paceline.model.status import ClusterStatus
from paceline.replica.effects import Effect
from paceline.replica.events import Event


class ReplicaMachine(Protocol):
    """A state machine that is driven by events and answers with effects."""

    def handle(self, event: Event, *, now_ms: int, wall_ms: int) -> tuple[Effect, ...]:
        """Return what to do next, in order."""
        ...

    def status(self) -> ClusterStatus:
        """Return what is known now."""
        ...

    @property
    def configuration(self) -> bytes:
        """The `<cib>` document without status."""
        ...

    @property
    def version(self) -> str:
        """The configuration's version."""
        ...

    def is_idle(self) -> bool:
        """Say whether nothing is wanted and nothing runs."""
        ...

    def internals(self) -> dict[str, str]:
        """Return figures for people."""
        ...


class SteppedMachine(ReplicaMachine, Protocol):
    """One that can be driven in steps, so that a loop turns between them."""

    def steps(self, event: Event, *, now_ms: int, wall_ms: int) -> Iterator[tuple[Effect, ...]]:
        """Yield what `handle` returns, step by step; no other event before the last one."""
        ...

    @property
    def last_entry(self) -> str:
        """The kind of the entry that was delivered last."""
        ...
