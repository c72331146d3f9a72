"""The way of the durable state to this member's disk, and what the disk has by now (DESIGN 5)."""

from paceline.model.errors import InvariantError
from paceline.model.identifiers import NodeName
from paceline.replica.durability import (
    CHECKPOINT_BYTES,
    CHECKPOINT_RECORDS,
    SUPERSEDED_MAX,
    DurableState,
    EpochRecord,
    JournalRecord,
    SupersededState,
    decode_record,
    encode_record,
)
from paceline.replica.effects import WriteJournal

RETRY_MS = 1000
"""How long after a disk refused the whole state is written again."""


class JournalKeeper:
    """Turns durable states into journal writes, and remembers which of them are on disk."""

    def __init__(self, *, is_empty: bool, superseded: tuple[bytes, ...] = ()) -> None:
        """Begin; an empty journal gets a checkpoint first. `superseded` are kept copies."""
        self._superseded = list(superseded)
        self._sequence = 0
        self._waiting: dict[int, DurableState] = {}
        self._records = 0
        self._bytes = 0
        self._needs_checkpoint = is_empty
        self._last: DurableState | None = None
        self.on_disk: DurableState | None = None

    def write_state(
        self, state: DurableState, superseded: DurableState | None = None, why: str = ""
    ) -> WriteJournal:
        """Return the write of a changed state, after the copy that it supersedes."""
        records: list[JournalRecord] = []
        if superseded is not None:
            records.append(SupersededState(state=superseded, why=why))
        records.append(state)
        return self._write(state, records)

    def write_epoch(self, state: DurableState, members: tuple[NodeName, ...]) -> WriteJournal:
        """Return the write of a promise or of a new epoch, with unchanged content."""
        if self._needs_checkpoint:
            return self._write(state, [state])
        record = EpochRecord(
            lineage=state.lineage,
            promised=state.promised,
            electorate=state.electorate,
            members=members,
        )
        return self._write(state, [record])

    def write_again(self) -> WriteJournal | None:
        """Return the write of the whole state after the disk refused; None if there is none."""
        self._needs_checkpoint = True
        return self._write(self._last, [self._last]) if self._last is not None else None

    def _write(self, state: DurableState, records: list[JournalRecord]) -> WriteJournal:
        packed = tuple(encode_record(record) for record in records)
        self._sequence += 1
        self._last = state
        self._waiting[self._sequence] = state
        self._records += len(packed)
        self._bytes += sum(len(each) for each in packed)
        checkpoint: bytes | None = None
        is_full = self._records > CHECKPOINT_RECORDS or self._bytes > CHECKPOINT_BYTES
        self._superseded.extend(
            piece
            for piece, record in zip(packed, records, strict=True)
            if isinstance(record, SupersededState)
        )
        if self._needs_checkpoint or is_full:
            checkpoint = encode_record(state)
            self._superseded = self._superseded[-SUPERSEDED_MAX:]
            packed = tuple(self._superseded)
            self._records, self._bytes = len(packed), sum(len(each) for each in packed)
            self._needs_checkpoint = False
        return WriteJournal(sequence=self._sequence, records=packed, checkpoint=checkpoint)

    def written(self, sequence: int) -> DurableState | None:
        """Everything up to `sequence` is on disk: return how far that is, if it is news."""
        done = [number for number in self._waiting if number <= sequence]
        if not done:
            return None
        self.on_disk = self._waiting[max(done)]
        for number in done:
            del self._waiting[number]
        return self.on_disk

    def superseded_in_words(self) -> str:
        """Return how many copies that lost at a merge are kept, and why the newest lost."""
        if not self._superseded:
            return ""
        count = len(self._superseded)
        newest = decode_record(self._superseded[-1])
        if not isinstance(newest, SupersededState):
            raise InvariantError("only superseded copies are kept here")
        return f"{count}, newest {newest.state.version}: {newest.why}"

    @property
    def is_writing(self) -> bool:
        """Say whether a write was not confirmed yet."""
        return bool(self._waiting)
