"""The replicated state: private tables that only `apply` changes, with one way back.

Rows are frozen values; the containers are mutable because a copy of all results for each result
would be quadratic. Every change is noted in an undo list, so that the one border around `apply`
can take a failed entry back whole (DESIGN 2: it counts as refused, the same on every node).
"""

import hashlib
import zlib
from collections.abc import Callable
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.status import ChangeOrigin, FencingRecord, HistoryEntry, TicketStatus
from paceline.replica.entries import BODY_BYTES_MAX, FEATURE_LEVEL, Flight, Lineage, Owned
from paceline.replica.requests import RequestAnswer

ANSWERS_MAX = 1000
"""How many answered requests are remembered, so that asking again gets the same answer."""
FENCING_RECORDS_MAX = 500


K = TypeVar("K", bound=str | tuple[str, str] | tuple[int, int] | int)
V = TypeVar("V")


class Undo:
    """The way back of one transaction: closed outside of one."""

    def __init__(self) -> None:
        """Begin closed."""
        self._steps: list[Callable[[], None]] = []
        self.is_open = False

    def begin(self) -> None:
        """Note changes from here on."""
        self._steps.clear()
        self.is_open = True

    def commit(self) -> None:
        """Keep what was changed."""
        self._steps.clear()
        self.is_open = False

    def roll_back(self) -> None:
        """Take everything back, newest first."""
        for step in reversed(self._steps):
            step()
        self.commit()

    def note(self, step: Callable[[], None]) -> None:
        """Remember how one change is taken back."""
        if self.is_open:
            self._steps.append(step)


class Table(Generic[K, V]):
    """Rows by key; looked through in key order only, so that every node sees the same order.

    The order is kept until a row changes: a status of many thousand rows is asked for often.
    """

    def __init__(self, undo: Undo) -> None:
        """Begin empty."""
        self._undo = undo
        self._rows: dict[K, V] = {}
        self._items: tuple[tuple[K, V], ...] | None = ()
        self._values: tuple[V, ...] | None = ()

    def get(self, key: K) -> V | None:
        """Return a row, or None."""
        return self._rows.get(key)

    def put(self, key: K, row: V) -> None:
        """Set a row."""
        if self._undo.is_open:
            self._note(key)
        self._set(key, row)

    def load(self, rows: dict[K, V]) -> None:
        """Fill a table that was made in this very transaction: there is no way back to note."""
        self._replace(rows)

    def drop(self, key: K) -> None:
        """Take a row out, if it is there."""
        if key in self._rows:
            if self._undo.is_open:
                self._note(key)
            self._unset(key)

    def clear(self) -> None:
        """Take all rows out."""
        old = self._rows
        self._undo.note(lambda: self._replace(old))
        self._replace({})

    def items(self) -> tuple[tuple[K, V], ...]:
        """Return all rows with their keys, in key order."""
        if self._items is None:
            self._items = tuple(sorted(self._rows.items(), key=_key_of))
        return self._items

    def keys(self) -> list[K]:
        """Return the keys in order."""
        return [key for key, _ in self.items()]

    def values(self) -> tuple[V, ...]:
        """Return the rows in key order."""
        if self._values is None:
            self._values = tuple(row for _, row in self.items())
        return self._values

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._rows)

    def __contains__(self, key: K) -> bool:
        """Say whether there is such a row."""
        return key in self._rows

    def _set(self, key: K, row: V) -> None:
        self._rows[key] = row
        self._items = self._values = None

    def _unset(self, key: K) -> None:
        self._rows.pop(key, None)
        self._items = self._values = None

    def _replace(self, rows: dict[K, V]) -> None:
        self._rows = rows
        self._items = self._values = None

    def _note(self, key: K) -> None:
        if key in self._rows:
            old = self._rows[key]
            self._undo.note(lambda: self._set(key, old))
        else:
            self._undo.note(lambda: self._unset(key))


def _key_of(item: tuple[K, V]) -> K:
    return item[0]


class Cell(Generic[V]):
    """One replicated value."""

    def __init__(self, undo: Undo, value: V) -> None:
        """Begin with `value`."""
        self._undo = undo
        self._value = value

    @property
    def value(self) -> V:
        """What it is now."""
        return self._value

    @value.setter
    def value(self, value: V) -> None:
        old = self._value
        self._undo.note(lambda: setattr(self, "_value", old))
        self._value = value


class Presence(StrEnum):
    """Where a member node stands.

    unseen --Hello--> present --Left--> left
    present --lost with its Corosync--> lost --confirmed off--> off
    present --daemon lost, Corosync lives--> missing --grace over--> failed --confirmed off--> off
    missing, failed --its Corosync goes too--> lost;   any --Hello--> present
    """

    UNSEEN = "unseen"
    PRESENT = "present"
    LEFT = "left"
    MISSING = "missing"
    FAILED = "failed"
    LOST = "lost"
    OFF = "off"


class NodeRow(Struct, frozen=True, gc=False, kw_only=True):
    """What all know of one member node. Times in ms since 1970, of the cluster's clock."""

    name: NodeName
    node_id: NodeId
    presence: Presence = Presence.UNSEEN
    boot_id: str = ""
    incarnation: int = 0
    is_ring_member: bool = False
    is_fenced: bool = False
    since_ms: int = 0
    ring_since_ms: int = 0
    version: str = ""


class Core(Struct, frozen=True, gc=False, kw_only=True):
    """The single values of the state.

    `time_ms` is the cluster's time: coordinators' clocks only, and it never goes back.
    `version` names the configuration's content (the write that made it); `lineage` how far the copy
    is. `wanted_at` is the position of the last change that may call for another plan.

    `promised` is the highest epoch that this copy has promised to a view: none below is opened with
    its help any more. `electorate` are the nodes that took part in the newest opened view, or
    promised one since, and were not confirmed off: less than a majority may go on without a word
    from them only where it knows that they did not.
    """

    lineage: Lineage = Lineage()
    promised: int = 0
    electorate: tuple[NodeId, ...] = ()
    version: str = "0.0"
    position: int = 0
    time_ms: int = 0
    level: int = FEATURE_LEVEL
    is_seen_deadline_over: bool = False
    was_quorate: bool = False
    last_change: ChangeOrigin = ChangeOrigin()
    cluster_name: str = ""
    wanted_at: int = 0
    wanted_why: str = ""
    plans: int = 0
    fences: int = 0


class Answered(Struct, frozen=True, gc=False, kw_only=True):
    """A request that was applied: `lineage` is what must be durable before it is acknowledged."""

    answer: RequestAnswer
    lineage: Lineage | None = None
    fence_ref: str = ""


class Photograph(Struct, frozen=True, gc=False, kw_only=True):
    """The whole replicated state as one value: what a state transfer carries."""

    core: Core
    configuration: bytes
    nodes: tuple[NodeRow, ...]
    attributes: tuple[tuple[NodeName, tuple[tuple[str, str], ...]], ...]
    tickets: tuple[TicketStatus, ...]
    fencing: tuple[FencingRecord, ...]
    answers: tuple[tuple[RequestId, Answered], ...]
    owned: tuple[tuple[NodeName, Owned], ...]


_ENCODER = msgspec.msgpack.Encoder()
_PHOTOGRAPHS: msgspec.msgpack.Decoder[Photograph] = msgspec.msgpack.Decoder(Photograph)


class State:
    """All replicated tables of one member."""

    def __init__(self, configuration: bytes) -> None:
        """Begin as a node that knows nothing but a configuration."""
        self.undo = Undo()
        undo = self.undo
        self.core: Cell[Core] = Cell(undo, Core())
        self.configuration: Cell[bytes] = Cell(undo, configuration)
        self.nodes: Table[NodeName, NodeRow] = Table(undo)
        self.attributes: Table[NodeName, tuple[tuple[str, str], ...]] = Table(undo)
        self.tickets: Table[str, TicketStatus] = Table(undo)
        self.fencing: Cell[tuple[FencingRecord, ...]] = Cell(undo, ())
        self.answers: Table[RequestId, Answered] = Table(undo)
        self.answer_order: Cell[tuple[RequestId, ...]] = Cell(undo, ())
        self.flights: Table[str, Flight] = Table(undo)
        self.history: dict[NodeName, Table[tuple[str, str], HistoryEntry]] = {}
        self.reporters: Table[NodeName, NodeName] = Table(undo)

    # Looking

    def history_of(self, node: NodeName) -> Table[tuple[str, str], HistoryEntry]:
        """Return a node's rows by (resource, entry id); an empty table where nothing is known."""
        table = self.history.get(node)
        if table is None:
            table = self.history[node] = Table(self.undo)
        return table

    def owned_by(self, member: NodeName) -> Owned:
        """Return what a member reported: of itself, and of the places it reports for."""
        places = [member, *(place for place, via in self.reporters.items() if via == member)]
        return Owned(
            history=tuple((place, self.history_of(place).values()) for place in places),
            flights=tuple(f for f in self.flights.values() if f.executor == member),
        )

    # Changing

    def update_core(self, **changes: object) -> None:
        """Replace some of the single values."""
        self.core.value = msgspec.structs.replace(self.core.value, **changes)

    def want_plan(self, why: str) -> None:
        """Note that this position may call for another plan."""
        self.update_core(wanted_at=self.core.value.position, wanted_why=why)

    def set_attributes(self, node: NodeName, values: dict[str, str]) -> None:
        """Replace a node's transient attributes."""
        if values:
            self.attributes.put(node, tuple(sorted(values.items())))
        else:
            self.attributes.drop(node)

    def replace_owned(self, member: NodeName, owned: Owned) -> None:
        """Put what a member says of itself in the place of what was believed."""
        for place, via in self.reporters.items():
            if via == member:
                self.history_of(place).clear()
                self.reporters.drop(place)
        self.history_of(member).clear()
        self.drop_flights(member)
        for place, rows in owned.history:
            if place != member:
                self.reporters.put(place, member)
            table = self.history_of(place)
            for row in rows:
                table.put((row.resource, row.entry_id), row)
        for flight in owned.flights:
            # Its position was one of another log, perhaps: here it is older than all that follows.
            at = self.core.value.position
            self.flights.put(flight.ref, msgspec.structs.replace(flight, position=at))

    def drop_flights(self, executor: NodeName) -> None:
        """Forget what is in flight at a member."""
        for flight in self.flights.values():
            if flight.executor == executor:
                self.flights.drop(flight.ref)

    def remember_answer(self, request_id: RequestId, answered: Answered) -> None:
        """Keep an answer; the oldest goes where there are too many."""
        if not request_id:
            return
        order = tuple(known for known in self.answer_order.value if known != request_id)
        self.answers.put(request_id, answered)
        self.answer_order.value = (*order, request_id)[-ANSWERS_MAX:]
        for old in order[: max(0, len(order) + 1 - ANSWERS_MAX)]:
            self.answers.drop(old)

    def record_fencing(self, record: FencingRecord) -> None:
        """Add to the fencing history; a pending one for the same target and action is replaced."""
        kept = [
            each
            for each in self.fencing.value
            if not (
                each.state == "pending"
                and each.target == record.target
                and each.action == record.action
            )
        ]
        self.fencing.value = (*kept, record)[-FENCING_RECORDS_MAX:]

    def forget_fencing(self, target: NodeName) -> None:
        """Drop what ended, of one target or (an empty name) of all."""
        self.fencing.value = tuple(
            each
            for each in self.fencing.value
            if each.state == "pending" or target not in ("", each.target)
        )

    # As a whole

    def photograph(self, *, with_owned: bool = True) -> Photograph:
        """Return the whole state as one value; without what each owns, it is what all share."""
        members = self._owners() if with_owned else []
        return Photograph(
            core=self.core.value,
            configuration=self.configuration.value,
            nodes=self.nodes.values(),
            attributes=self.attributes.items(),
            tickets=self.tickets.values(),
            fencing=self.fencing.value,
            answers=tuple(
                (request_id, answered)
                for request_id in self.answer_order.value
                if (answered := self.answers.get(request_id)) is not None
            ),
            owned=tuple((member, self.owned_by(member)) for member in members),
        )

    def _owners(self) -> list[NodeName]:
        places = [place for place in self.history if self.reporters.get(place) is None]
        executors = [flight.executor for flight in self.flights.values()]
        return sorted({*places, *executors, *self.reporters.values()})

    def adopt(self, photograph: Photograph) -> None:
        """Become what another member is."""
        self.core.value = photograph.core
        self.configuration.value = photograph.configuration
        for table in (self.nodes, self.attributes, self.tickets, self.answers):
            table.clear()
        self.flights.clear()
        self.reporters.clear()
        for history in self.history.values():
            history.clear()
        for row in photograph.nodes:
            self.nodes.put(row.name, row)
        for node, values in photograph.attributes:
            self.attributes.put(node, values)
        for ticket in photograph.tickets:
            self.tickets.put(ticket.ticket, ticket)
        self.fencing.value = photograph.fencing
        self.answer_order.value = tuple(request_id for request_id, _ in photograph.answers)
        for request_id, answered in photograph.answers:
            self.answers.put(request_id, answered)
        for member, owned in photograph.owned:
            self.replace_owned(member, owned)

    def digest(self) -> str:
        """Return what two members compare: everything but what each owns, as a short digest."""
        shared = msgspec.structs.replace(self.photograph(with_owned=False), configuration=b"")
        summed = hashlib.sha256(_ENCODER.encode(shared))
        summed.update(self.configuration.value)
        return summed.hexdigest()[:24]


def encode_photograph(photograph: Photograph) -> bytes:
    """Return a photograph as bytes, compressed."""
    return zlib.compress(_ENCODER.encode(photograph), 1)


def decode_photograph(packed: bytes) -> Photograph:
    """Return the photograph. Raises ValueError where the bytes hold none."""
    try:
        opened = zlib.decompressobj()
        plain = opened.decompress(packed, BODY_BYTES_MAX)
        return _PHOTOGRAPHS.decode(plain)
    except (zlib.error, msgspec.MsgspecError) as problem:
        raise ValueError(f"no state: {problem}") from problem
