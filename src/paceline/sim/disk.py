"""A machine's disk: the journal's file, and what a crash or a bad disk leaves of it.

A write is on disk when its sync is done, not before. After a power loss any beginning of what was
not synced may be there, and the last record of it may be torn; after a mere death of the daemon the
kernel still has what it was given. A file may be altered, gone, or an old one that somebody or
something brought back; the product's own format says what can be believed of it.
"""

from collections.abc import Callable

from paceline.adapters.journal_format import (
    HEADER,
    RecordKind,
    decode_journal,
    encode_record,
    first_digest,
)
from paceline.replica.effects import WriteJournal
from paceline.replica.events import JournalFailed, JournalWritten
from paceline.replica.identity import Stored
from paceline.sim.chance import Chance

After = Callable[[int, Callable[[], None]], None]
"""Lets something happen after microseconds, unless the machine loses power before."""

RETRY_US = 1_000_000
"""How soon a write that failed is tried again."""
OLDER_MAX = 6
"""How many earlier files are remembered, so that one of them can come back."""

Spoil = Callable[[bytes], bytes]


class Disk:
    """One journal. `slow_us` is added to each sync; a failing disk refuses every write."""

    def __init__(self, chance: Chance, spoils: Chance) -> None:
        """Begin empty and well; `spoils` draws what bad disks do."""
        self._chance = chance
        self._spoils = spoils
        self._checkpoint: bytes | None = None
        self._records: list[bytes] = []
        self._waiting: list[WriteJournal] = []
        self._spoil: Spoil | None = None
        self._older: list[tuple[bytes | None, tuple[bytes, ...]]] = []
        self._session = 0
        self._is_writing = False
        self._has_told_failure = False
        self.slow_us = 0
        self.is_failing = False
        self.was_current = False
        """What the daemon kept until the boot ends (a file in /run)."""
        self.is_synced_early = False
        """A plant: say `written` before the sync is done."""
        self.is_hushed = False
        """A plant: nothing is told of a damage."""
        self.is_worn = False
        """The file that the last daemon found was altered, torn or gone."""

    def open(self, after: After, post: Callable[[JournalWritten | JournalFailed], None]) -> Stored:
        """Begin a daemon's session; return what the disk holds."""
        self._session += 1
        self._after, self._post = after, post
        self._waiting, self._is_writing, self._has_told_failure = [], False, False
        self._remember()
        detail = self._read_spoiled()
        self.is_worn = bool(detail)
        return Stored(
            checkpoint=self._checkpoint,
            records=tuple(self._records),
            was_damaged=bool(detail) and not self.is_hushed,
            was_current=self.was_current,
            detail="" if self.is_hushed else detail,
        )

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

    # Bad disks. They show when the file is read the next time.

    def alter(self) -> None:
        """Change a byte somewhere, or a few, or lose an end of the file."""
        kind = self._spoils.weighted([("byte", 60), ("block", 20), ("end", 20)])
        draw = self._spoils.between(0, 1_000_000)

        def spoil(raw: bytes) -> bytes:
            if not raw:
                return raw
            at = draw % len(raw)
            if kind == "end":
                return raw[:at]
            size = 1 if kind == "byte" else 512
            changed = bytes(byte ^ 0x55 for byte in raw[at : at + size])
            return raw[:at] + changed + raw[at + size :]

        self._spoil = spoil

    def lose_file(self) -> None:
        """Take the journal away; the cib.xml beside it stays."""
        self._spoil = lambda raw: b""

    @property
    def has_older(self) -> bool:
        """Say whether there is an earlier file that could come back."""
        return bool(self._older)

    def bring_back_old(self) -> None:
        """Put an earlier file of this node in the journal's place."""
        self._checkpoint, records = self._spoils.pick(self._older)
        self._records = list(records)

    def _read_spoiled(self) -> str:
        """Read the file through what was done to it; return what is wrong with it."""
        spoil, self._spoil = self._spoil, None
        if spoil is None or (self._checkpoint is None and not self._records):
            return ""
        raw = spoil(self._image())
        content = decode_journal(raw)
        self._checkpoint, self._records = content.checkpoint, list(content.records)
        return content.fault or ("" if raw else "the journal is gone")

    def _image(self) -> bytes:
        pieces = [(RecordKind.ENTRY, record) for record in self._records]
        if self._checkpoint is not None:
            pieces.insert(0, (RecordKind.CHECKPOINT, self._checkpoint))
        raw, digest = [HEADER], first_digest()
        for kind, piece in pieces:
            record, digest = encode_record(kind, piece, digest)
            raw.append(record)
        return b"".join(raw)

    def _remember(self) -> None:
        """Keep what the file holds now, for `bring_back_old`."""
        if self._checkpoint is not None or self._records:
            self._older.append((self._checkpoint, tuple(self._records)))
            del self._older[:-OLDER_MAX]

    # Writing.

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
            self._remember()
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
                    if kept < len(torn.records) and self._chance.percent(50):
                        self._tear(torn.records[kept])
        self._waiting, self._is_writing = [], False

    def _tear(self, record: bytes) -> None:
        """Let a piece of the next record stand at the file's end."""
        piece, _ = encode_record(RecordKind.ENTRY, record, first_digest())
        kept = piece[: max(1, len(piece) // 2)]
        self._spoil = lambda raw: raw + kept
