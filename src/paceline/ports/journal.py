"""The journal: what this node keeps on its disk."""

from collections.abc import Callable
from typing import Protocol

from paceline.replica.effects import KeepCib, WriteCib, WriteJournal
from paceline.replica.events import JournalFailed, JournalWritten
from paceline.replica.identity import Stored

JournalEventHandler = Callable[[JournalWritten | JournalFailed], None]
"""Takes one event; it must not block. Never called from inside a method of the journal."""


class Journal(Protocol):
    """An append-only file of records with checkpoints, and cib.xml beside it."""

    def read(self) -> Stored:
        """Return what is on the disk and open the journal for writing; once, at the start. Blocks.

        Raises OSError where the folder cannot be used at all.
        """
        ...

    def write(self, request: WriteJournal) -> None:
        """Append the records; `JournalWritten` follows, or `JournalFailed` and later attempts."""
        ...

    def write_cib(self, request: WriteCib) -> None:
        """Write cib.xml and its digest; a failure is told to the log only."""
        ...

    def keep_cib(self, request: KeepCib) -> None:
        """Keep a configuration that lost in a file of its own; a failure is told to the log."""
        ...

    async def close(self) -> None:
        """Write what is queued, as far as the disk lets, and let the file go."""
        ...
