"""What is on disk, what may be acknowledged, and which copy is the base of a view (DESIGN 5).

A quorate view *promises* an epoch higher than any that its members have promised. When the promise
is on enough disks (`missing_for_safety`), the view is *opened*: its members' copies have that
epoch from that entry on (Raft's vote, and its first entry of a term). Any two views that are opened
have a promising disk in common, so that epochs order them, and a copy that counted on where
nobody else was never outranks what was acknowledged.

A journal record is the whole durable state after a change, or only how far it is where a view
promised or was opened and the content is unchanged. Nothing else is durable: results and transient
attributes come again from the nodes that own them.
"""

import zlib
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.status import ChangeOrigin, TicketStatus
from paceline.replica.entries import BODY_BYTES_MAX, Hello, Lineage
from paceline.replica.identity import CibCopy, Stored
from paceline.replica.tables import Answered, NodeRow, Presence

DURABLE_ANSWERS_MAX = 50
"""How many requests of changes are remembered over a power loss."""
CHECKPOINT_RECORDS = 64
"""After so many records the journal begins anew with a checkpoint..."""
VERSION_ID_LENGTH = 8
"""How much of a view's name is in the version of what was written in it."""
SUPERSEDED_MAX = 4
"""How many copies that lost at a merge are carried over a checkpoint."""
CHECKPOINT_BYTES = 4 * 1024 * 1024
"""... or after so many bytes: reading it back stays well under a second."""


class DurableState(Struct, frozen=True, gc=False, kw_only=True, tag="state"):
    """All that must survive: the configuration, the tickets, and how far they are."""

    lineage: Lineage
    promised: int = 0
    electorate: tuple[NodeId, ...] = ()
    version: str
    configuration: bytes
    last_change: ChangeOrigin = ChangeOrigin()
    tickets: tuple[TicketStatus, ...] = ()
    cluster_name: str = ""
    answered: tuple[tuple[RequestId, Answered], ...] = ()
    """The newest changes' requests: asked again after a power loss, they get the same answer."""


class EpochRecord(Struct, frozen=True, gc=False, kw_only=True, tag="epoch"):
    """A quorate view promised an epoch, or was opened; the content is that of the record before.

    `members` is the member list of the view, part of the record (DESIGN 5).
    """

    lineage: Lineage
    promised: int = 0
    electorate: tuple[NodeId, ...] = ()
    members: tuple[NodeName, ...] = ()


class SupersededState(Struct, frozen=True, gc=False, kw_only=True, tag="superseded"):
    """A copy that lost at a merge (a fork, or changes without quorum): kept, never used."""

    state: DurableState
    why: str


JournalRecord = DurableState | EpochRecord | SupersededState

_ENCODER = msgspec.msgpack.Encoder()
_RECORDS: msgspec.msgpack.Decoder[JournalRecord] = msgspec.msgpack.Decoder(JournalRecord)


def encode_record(record: JournalRecord) -> bytes:
    """Return a journal record's bytes (its digest is the adapter's work)."""
    return zlib.compress(_ENCODER.encode(record), 1)


def decode_record(packed: bytes) -> JournalRecord:
    """Return the record. Raises ValueError where the bytes hold none."""
    try:
        return _RECORDS.decode(zlib.decompressobj().decompress(packed, BODY_BYTES_MAX))
    except (zlib.error, msgspec.MsgspecError) as problem:
        raise ValueError(f"no journal record: {problem}") from problem


class Recovered(Struct, frozen=True, gc=False, kw_only=True):
    """What a journal gave back: None where it held nothing usable.

    `is_from_cib`: the journal held nothing, and cib.xml is taken for it.
    """

    state: DurableState | None
    is_from_cib: bool = False
    is_damaged: bool
    detail: str = ""
    superseded: tuple[bytes, ...] = ()


def recover(stored: Stored) -> Recovered:
    """Return the newest durable state that the journal holds, in its own order."""
    state: DurableState | None = None
    superseded: list[bytes] = []
    pieces = ([stored.checkpoint] if stored.checkpoint is not None else []) + list(stored.records)
    for number, piece in enumerate(pieces):
        try:
            record = decode_record(piece)
        except ValueError as problem:
            return Recovered(state=state, is_damaged=True, detail=f"record {number}: {problem}")
        match record:
            case DurableState():
                state = record
            case EpochRecord() if state is not None:
                state = msgspec.structs.replace(
                    state,
                    lineage=record.lineage,
                    promised=record.promised,
                    electorate=record.electorate,
                )
            case EpochRecord():
                return Recovered(state=None, is_damaged=True, detail="an epoch without a state")
            case SupersededState():
                superseded.append(piece)
    taken = _state_of(stored.cib) if state is None and stored.cib is not None else None
    return Recovered(
        state=state or taken,
        is_from_cib=taken is not None,
        is_damaged=stored.was_damaged,
        detail=stored.detail,
        superseded=tuple(superseded),
    )


def _state_of(cib: CibCopy) -> DurableState | None:
    """Return cib.xml as the durable state that it is the content of; None if its version is none.

    It is an older copy like any other: what was written after it, and its tickets, are not in it.
    """
    lineage = read_version(cib.version)
    if lineage is None:
        return None
    return DurableState(
        lineage=lineage,
        promised=lineage.epoch,
        version=cib.version,
        configuration=cib.configuration,
    )


def say_version(lineage: Lineage, view: str) -> str:
    """Return the name of the content that a change in this view makes: `EPOCH.NUMBER.VIEW`."""
    forced = f"+{lineage.forced}" if lineage.forced else ""
    return f"{lineage.epoch}.{lineage.number}{forced}.{view[:VERSION_ID_LENGTH]}"


def read_version(version: str) -> Lineage | None:
    """Return how far the content of this version is, None where it is no version."""
    epoch, _, rest = version.partition(".")
    count, _, view = rest.partition(".")
    number, _, forced = count.partition("+")
    if not (epoch.isdigit() and number.isdigit() and (forced or "0").isdigit() and view):
        return None
    return Lineage(epoch=int(epoch), number=int(number), forced=int(forced or 0), epoch_id=view)


def pick_base(hellos: Sequence[Hello]) -> Hello:
    """Return the member whose state all go on from: the highest lineage.

    What a damaged journal gave back is proved record by record: it lacks its end, and is still
    newer than an older copy. Most often that end was never confirmed (torn by a power loss).
    Equal lineages are told apart by intact first, who was quorate longest (position), then the
    lowest node id.
    """
    return max(
        hellos,
        key=lambda hello: (hello.lineage, not hello.is_damaged, hello.position, -hello.node_id),
    )


def forked_members(hellos: Sequence[Hello], base: Hello) -> tuple[Hello, ...]:
    """Return those whose copy has the base's count under another id, or unsafe changes it lacks."""
    return tuple(
        hello
        for hello in hellos
        if hello.node_id != base.node_id
        and (
            (
                (hello.lineage.epoch, hello.lineage.number)
                == (base.lineage.epoch, base.lineage.number)
                and hello.lineage.epoch_id != base.lineage.epoch_id
            )
            or hello.lineage.forced > 0
        )
    )


class Missing(Struct, frozen=True, gc=False, kw_only=True):
    """What an acknowledgement still waits for; safe where that is nothing.

    `writing` are members whose disks do not have it yet, `absent` are nodes that are neither
    members nor known to be down.
    """

    writing: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def is_safe(self) -> bool:
        """Say whether nothing is missing."""
        return not self.writing and not self.absent

    def in_words(self) -> str:
        """Return what is waited for, as it ends a sentence: "waits for ..."."""
        disks = f"the disk of {', '.join(self.writing)}" if self.writing else ""
        return " and ".join(part for part in (disks, ", ".join(self.absent)) if part)


def missing_for_safety(
    *,
    durable: Sequence[NodeId],
    synced: Sequence[NodeId],
    votes: Sequence[tuple[NodeId, int]],
    nodes: Sequence[NodeRow],
) -> Missing:
    """Return what an acknowledgement still waits for.

    A change is safe on the disks of members that hold a majority of all configured votes (a quorum
    device's not counted); else at every synced member while every absent node left cleanly or is
    confirmed off, and at least half of the votes are there (fewer may meet a majority later that
    knows nothing of them). The same makes a promise count.
    """
    total = sum(count for _, count in votes)
    held = sum(count for node_id, count in votes if node_id in durable)
    if total and held * 2 > total:
        return Missing()
    has_half = sum(count for node_id, count in votes if node_id in synced) * 2 >= total
    known = {row.node_id: row for row in nodes}

    def name_of(node_id: NodeId) -> str:
        row = known.get(node_id)
        return row.name if row is not None else f"node {node_id}"

    writing = tuple(name_of(node_id) for node_id in synced if node_id not in durable)
    present = frozenset(synced)
    absent = sorted({node_id for node_id, _ in votes} - present)
    unsafe: list[str] = []
    for node_id in absent:
        row = known.get(node_id)
        is_gone = row is not None and row.presence in (Presence.LEFT, Presence.OFF)
        if not (is_gone and has_half):
            unsafe.append(name_of(node_id))
    return Missing(writing=writing, absent=tuple(unsafe))
