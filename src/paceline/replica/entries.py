"""What travels on the ring: the closed union of entries, and the codec that reads them safely.

Every entry but `Hello`, `Suspect` and `Vouched` names the view it was made for and is refused in
another. The frame is: magic, format number, flags, length of the unpacked body, body (msgpack).
Garbled input is an `EntryError` value, never an exception: any process may join a Corosync group.
"""

import zlib

import msgspec
from msgspec import Struct

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.plan import PlannedAction
from paceline.model.status import ChangeOrigin, HistoryEntry
from paceline.replica.events import MemberAddress, RingId
from paceline.replica.packed_plans import PackedPlan

MAGIC = b"PCLN"
FORMAT = 1
"""The newest format that is written; it grows when an old reader could not read an entry."""
FEATURE_LEVEL = 1
"""What this release's `apply` can do; the cluster works at its lowest member's level."""
COMPRESSED = 1
COMPRESS_BYTES_MIN = 2048
BODY_BYTES_MAX = 256 * 1024 * 1024
"""Refuse to unpack more: four times the largest entry that the engine takes."""
HEADER_BYTES = len(MAGIC) + 2 + 4


class Lineage(Struct, frozen=True, gc=False, order=True, kw_only=True):
    """How far a copy of the configuration is: the order of truth (DESIGN 5), highest wins.

    `epoch` is that of the last view that was opened: enough disks had promised it. `number` counts
    the changes made in opened views, `forced` those made since in views that were not (without
    quorum, or before they were opened). `epoch_id` names the view: equal counts with another id are
    a fork.
    """

    epoch: int = 0
    number: int = 0
    forced: int = 0
    epoch_id: str = ""


class Flight(Struct, frozen=True, gc=False, kw_only=True):
    """An action in flight: its last dependency was delivered, its one result was not.

    `ref` names it for the whole cluster (view, plan, action), `executor` the member that runs it.
    """

    ref: str
    executor: NodeName
    action: PlannedAction
    boot_id: str
    incarnation: int
    position: int


class Owned(Struct, frozen=True, gc=False, kw_only=True):
    """What a member alone knows of itself and the places it reports for, replaced whole."""

    history: tuple[tuple[NodeName, tuple[HistoryEntry, ...]], ...] = ()
    flights: tuple[Flight, ...] = ()


class Hello(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """A member says who it is, what Corosync told it, and how far its state is.

    `number` grows with each Hello of one incarnation. `owned` is None where everybody in the group
    was in the sender's last view and so has it. `nodes` is the sender's corosync.conf.
    """

    node: NodeName
    node_id: NodeId
    boot_id: str
    incarnation: int
    number: int
    version: str
    level: int = FEATURE_LEVEL
    members: tuple[MemberAddress, ...]
    ring_id: RingId
    ring_nodes: tuple[NodeId, ...]
    is_quorate: bool
    quorum_votes: int
    votes: tuple[tuple[NodeId, int], ...] = ()
    device_votes: int = 0
    is_two_node: bool = False
    cluster_name: str = ""
    nodes: tuple[tuple[NodeId, NodeName], ...] = ()
    lineage: Lineage
    promised: int = 0
    """The highest epoch that the sender's copy has promised."""
    electorate: tuple[NodeId, ...] = ()
    """Whose copies may have acknowledged alone what the sender's lacks (`Core.electorate`)."""
    is_current: bool = False
    """This boot of the sender took part in an opened view, and did not say goodbye since."""
    is_damaged: bool = False
    position: int = 0
    digest: str = ""
    last_view: str = ""
    was_quorate: bool = False
    """The last view that this life of the sender was in was quorate."""
    owned: Owned | None = None
    time_ms: int = 0


class Suspect(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """The sender has not heard from a member's daemon for too long."""

    target: MemberAddress
    members: tuple[MemberAddress, ...]


class Vouched(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """A person vouches that a node is off, where no view can be agreed on without its copy."""

    target: NodeId
    members: tuple[MemberAddress, ...]


class Transfer(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """The base's whole state, for those who are not in step with it."""

    view: str
    state: bytes


class Changed(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Replace the configuration (compare and set)."""

    view: str
    request_id: RequestId
    based_on: str
    configuration: bytes
    origin: ChangeOrigin
    is_forced: bool = False
    time_ms: int = 0


class AttributesSet(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Set transient attributes of a node; None deletes, `++` and `+=N` add."""

    view: str
    request_id: RequestId
    node: NodeName
    values: tuple[tuple[str, str | None], ...]


class HistoryCleared(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Forget results and fail counts; the fields are those of the request."""

    view: str
    request_id: RequestId
    resources: tuple[str, ...]
    nodes: tuple[NodeName, ...]
    only_failed: bool
    task: str
    interval_ms: int | None


class TicketSet(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Change or remove a ticket."""

    view: str
    request_id: RequestId
    ticket: str
    values: tuple[tuple[str, str | None], ...]
    is_removed: bool
    time_ms: int


class FencingForgotten(Struct, frozen=True, kw_only=True, tag=True):
    """Drop the record of fencing that ended, of one target or (an empty name) of all."""

    view: str
    request_id: RequestId
    target: NodeName


class NodeForgotten(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Drop a node that was removed from the cluster."""

    view: str
    request_id: RequestId
    node: NodeName


class FenceWanted(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """A person or a tool wants a node fenced; the executor is chosen where it is applied."""

    view: str
    request_id: RequestId
    target: NodeName
    task: str
    client: str
    origin: NodeName
    delay_ms: int = 0


class ConfirmedOff(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """A person vouches that a node is off."""

    view: str
    request_id: RequestId
    target: NodeName
    user: str
    origin: NodeName
    time_ms: int
    is_allowed_without_quorum: bool = False


class Durable(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """The sender's disk has everything up to this lineage, and has promised this epoch."""

    view: str
    lineage: Lineage
    promised: int = 0


class Planned(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """The coordinator's plan, computed from the state at `based_position`."""

    view: str
    number: int
    based_position: int
    plan: PackedPlan
    time_ms: int


class Halted(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Nothing more of this plan becomes eligible."""

    view: str
    plan: int


class FailureCount(Struct, frozen=True, gc=False, kw_only=True):
    """What a result does to fail counts, decided by the sender: `value` is `++` or `INFINITY`."""

    name: str
    last_name: str
    value: str
    last_value: str


class Reported(Struct, frozen=True, gc=False, kw_only=True):
    """One result of an operation.

    `ref` is empty where a recurring operation changed its result by itself. `rows` are put into
    the history, `forgets` are entry ids taken out of it. `is_expected` is the sender's judgement by
    the plan's words. `is_late` results settle nothing and are not put into the history.
    """

    node: NodeName
    ref: str = ""
    rows: tuple[HistoryEntry, ...] = ()
    forgets: tuple[tuple[str, str], ...] = ()
    failure: FailureCount | None = None
    is_expected: bool = True
    was_begun: bool = True


class Results(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """A batch of results of one member's operations; `number` grows per incarnation."""

    view: str
    node: NodeName
    boot_id: str
    incarnation: int
    number: int
    results: tuple[Reported, ...]


class FenceReported(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """How a fencing ended. It clears only the life that it names."""

    view: str
    ref: str
    target: NodeName
    boot_id: str
    incarnation: int
    is_done: bool
    device: str = ""
    exit_reason: str = ""
    time_ms: int = 0


class Left(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Nothing runs on the sender's node any more, its operations ended, and it goes."""

    view: str
    node: NodeName
    boot_id: str
    incarnation: int


class GraceOver(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """The coordinator's clock says that a lost daemon did not come back in time."""

    view: str
    node: NodeName
    boot_id: str
    incarnation: int


class SeenDeadline(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """The wait for nodes that were not seen since the cold start is over (`dc-deadtime`)."""

    view: str


class Digest(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """What the sender's state came to at a position; who is alone with his begins anew."""

    view: str
    position: int
    digest: str


class Ping(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Ask for an answer in this view: after a stall, and from time to time as a sign of life."""

    view: str
    nonce: int
    wants_answer: bool
    position: int = 0


class Pong(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """The answer of the lowest other member to a Ping."""

    view: str
    to: NodeId
    nonce: int


RequestEntry = (
    Changed
    | AttributesSet
    | HistoryCleared
    | TicketSet
    | FencingForgotten
    | NodeForgotten
    | FenceWanted
    | ConfirmedOff
)
ViewEntry = (
    Transfer
    | RequestEntry
    | Durable
    | Planned
    | Halted
    | Results
    | FenceReported
    | Left
    | GraceOver
    | SeenDeadline
    | Digest
    | Ping
    | Pong
)
Entry = Hello | Suspect | Vouched | ViewEntry

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Entry] = msgspec.msgpack.Decoder(Entry)


class EntryError(Struct, frozen=True, gc=False, kw_only=True):
    """Why bytes from the ring are no entry: `code` is not-ours, format, length or garbled."""

    code: str
    detail: str


def pack(body: bytes) -> tuple[int, bytes]:
    """Return (flags, body), compressed where that is worth it."""
    if len(body) < COMPRESS_BYTES_MIN:
        return 0, body
    return COMPRESSED, zlib.compress(body, 1)


def unpack(flags: int, body: bytes, length: int) -> bytes | None:
    """Return the body of exactly `length` bytes, None where it is not that."""
    if flags == 0:
        return body if len(body) == length else None
    if flags != COMPRESSED or length > BODY_BYTES_MAX:
        return None
    try:
        opened = zlib.decompressobj()
        plain = opened.decompress(body, length + 1)
    except zlib.error:
        return None
    return plain if len(plain) == length and opened.eof else None


def encode_entry(entry: Entry) -> bytes:
    """Return the frame of an entry; what is packed inside already is not packed again."""
    plain = _ENCODER.encode(entry)
    flags, body = (0, plain) if isinstance(entry, Planned | Transfer) else pack(plain)
    return MAGIC + bytes((FORMAT, flags)) + len(plain).to_bytes(4, "big") + body


def decode_entry(payload: bytes) -> Entry | EntryError:
    """Return the entry of a frame, or why there is none. Never raises on what others sent."""
    if len(payload) < HEADER_BYTES or not payload.startswith(MAGIC):
        return EntryError(code="not-ours", detail=f"{len(payload)} bytes")
    form, flags = payload[len(MAGIC)], payload[len(MAGIC) + 1]
    if form != FORMAT:
        return EntryError(code="format", detail=f"format {form}, this release reads {FORMAT}")
    length = int.from_bytes(payload[len(MAGIC) + 2 : HEADER_BYTES], "big")
    plain = unpack(flags, payload[HEADER_BYTES:], length)
    if plain is None:
        return EntryError(code="length", detail=f"not {length} bytes after unpacking")
    try:
        return _DECODER.decode(plain)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return EntryError(code="garbled", detail=str(error)[:200])
