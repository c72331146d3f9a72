"""Older versions of the configuration that this node keeps."""

from typing import NamedTuple, Protocol


class Checkpoint(NamedTuple):
    """One older version: its number, and when it was replaced (ms since 1970)."""

    number: int
    replaced_ms: int


class Checkpoints(Protocol):
    """The older versions, the newest number last."""

    def all_kept(self) -> tuple[Checkpoint, ...]:
        """Return what is kept. Raises OSError where it cannot be read."""
        ...

    def read(self, number: int) -> bytes | None:
        """Return one version's `<cib>`; None where there is no such number. Raises OSError."""
        ...
