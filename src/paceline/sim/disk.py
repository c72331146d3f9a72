"""A machine's disk: the journal, and what a crash leaves of it.

A write is on disk when its sync is done, not before. After a power loss any beginning of what was
not synced may be there, and the last record of it may be torn; after a mere death of the daemon the
kernel still has what it was given.
"""

from collections.abc import Callable

from paceline.replica.effects import WriteJournal
from paceline.replica.events import JournalFailed, JournalWritten
from paceline.replica.identity import Stored
from paceline.sim.chance import Chance

After = Callable[[int, Callable[[], None]], None]
"""Lets something happen after microseconds, unless the machine loses power before."""

RETRY_US = 1_000_000
"""How soon a write that failed is tried again."""


class Disk:
    """One journal. `slow_us` is added to each sync; a failing disk refuses every write."""

    def __init__(self, chance: Chance) -> None:
        """Begin empty and well."""
        self._chance = chance
        self._checkpoint: bytes | None = None
        self._records: list[bytes] = []
        self._waiting: list[WriteJournal] = []
        self._was_damaged = False
        self._session = 0
        self._is_writing = False
        self._has_told_failure = False
        self.slow_us = 0
        self.is_failing = False
        self.was_current = False
        """What the daemon kept until the boot ends (a file in /run)."""
        self.is_synced_early = False
        """A plant: say `written` before the sync is done."""

    def open(self, after: After, post: Callable[[JournalWritten | JournalFailed], None]) -> Stored:
        """Begin a daemon's session; return what the disk holds."""
        self._session += 1
        self._after, self._post = after, post
        self._waiting, self._is_writing, self._has_told_failure = [], False, False
        stored = Stored(
            checkpoint=self._checkpoint,
            records=tuple(self._records),
            was_damaged=self._was_damaged,
            was_current=self.was_current,
            detail="a torn record at the end was put aside" if self._was_damaged else "",
        )
        self._was_damaged = False
        return stored

    def write(self, request: WriteJournal) -> None:
        """Take a write; its event follows."""
        self._waiting.append(request)
        if self.is_synced_early:
            sequence = request.sequence
            self._after(10, lambda: self._post(JournalWritten(sequence=sequence)))
        self._begin()

    def lose_power(self) -> None:
        """Keep what was synced, and of the rest what chance left."""
        self.was_current = False
        self._keep_some(self._chance.between(0, 1) if self._waiting else 0)

    def lose_daemon(self) -> None:
        """The daemon is gone; what it gave to the kernel stays, as far as it had come."""
        self._keep_some(1)

    def _begin(self) -> None:
        if self._is_writing or not self._waiting:
            return
        self._is_writing = True
        sync_us = self._chance.between(300, 6_000) + self.slow_us
        if self._chance.percent(3):
            sync_us += self._chance.between(10_000, 120_000)
        session, count = self._session, len(self._waiting)
        self._after(sync_us, lambda: self._finish(session, count))

    def _finish(self, session: int, count: int) -> None:
        if session != self._session:
            return
        self._is_writing = False
        if self.is_failing:
            if not self._has_told_failure:
                self._has_told_failure = True
                sequence = self._waiting[0].sequence
                self._post(JournalFailed(sequence=sequence, error="No space left on device"))
            self._is_writing = True
            self._after(RETRY_US, lambda: self._finish(session, len(self._waiting)))
            return
        self._has_told_failure = False
        done, self._waiting = self._waiting[:count], self._waiting[count:]
        for request in done:
            self._apply(request, len(request.records))
        if not self.is_synced_early:
            self._post(JournalWritten(sequence=done[-1].sequence))
        self._begin()

    def _apply(self, request: WriteJournal, count: int) -> None:
        if request.checkpoint is not None:
            self._checkpoint, self._records = request.checkpoint, []
        self._records.extend(request.records[:count])

    def _keep_some(self, least: int) -> None:
        """Apply a beginning of the writes under way, perhaps torn, and end the session."""
        self._session += 1
        if not self.is_failing:
            whole = self._chance.between(0, len(self._waiting)) if least else 0
            for request in self._waiting[:whole]:
                self._apply(request, len(request.records))
            if whole < len(self._waiting) and least:
                torn = self._waiting[whole]
                kept = self._chance.between(0, len(torn.records))
                if torn.checkpoint is None:
                    self._apply(torn, kept)
                    self._was_damaged = kept < len(torn.records) and self._chance.percent(50)
        self._waiting, self._is_writing = [], False
