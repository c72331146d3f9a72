"""The engine: Corosync on an asyncio loop, as `ports.engine.Engine` wants it."""

import asyncio
import functools
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from paceline.adapters.corosync.cfg import Cfg, NodeLinks
from paceline.adapters.corosync.connection import Connection, ConnectionCallbacks
from paceline.adapters.corosync.cpg import CpgCallbacks
from paceline.adapters.corosync.framing import PackedEntry, Reassembler, unpack
from paceline.adapters.corosync.library import CorosyncError
from paceline.adapters.corosync.nodelist import NodeList
from paceline.adapters.corosync.sending import SendQueue
from paceline.model.errors import InvariantError, UnreachableError
from paceline.model.identifiers import NodeId, NodeName
from paceline.ports.engine import ENTRY_BYTES_MAX, EngineEventHandler
from paceline.replica.events import (
    Delivered,
    Departure,
    EngineConnected,
    EngineEvent,
    EngineLost,
    GroupChanged,
    MemberAddress,
    NodesConfigured,
    QuorumChanged,
    RingChanged,
    RingId,
)

GROUP = "paceline"
RECONNECT_SECONDS = 0.05
"""While Corosync is away an attempt costs well under a millisecond."""
DISPATCH_SECONDS_MAX = 0.02
"""One dispatch gives the loop back after this long; the rest comes in the next turns."""
UNPACK_IN_LOOP_BYTES_MAX = 256 * 1024
LEAVE_SECONDS_MAX = 2.0

NOT_TRIED = "not connected yet"


class CorosyncEngine:
    """Keeps a connection to Corosync up and says what it says.

    starting --connected--> joined --library error--> lost --connected--> joined ...
    any --close--> closed

    All methods and the handler run in the loop's thread; opening a connection (which may wait for
    Corosync) and packing large entries run in one thread beside it.
    """

    def __init__(
        self,
        handler: EngineEventHandler,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        group: str = GROUP,
    ) -> None:
        """Give events to `handler`; nothing happens before `start`."""
        self._handler = handler
        self._loop = loop or asyncio.get_running_loop()
        self._group = group
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="corosync")
        self._stopping = threading.Event()
        self._connection: Connection | None = None
        self._queue: SendQueue | None = None
        self._fds: tuple[int, ...] = ()
        self._reassembler = Reassembler()
        self._waiting: deque[EngineEvent | asyncio.Future[EngineEvent | None]] = deque()
        self._node_list: NodeList | None = None
        self._last_error = NOT_TRIED
        self.dropped_entries = 0

    def start(self) -> None:
        """Begin to connect; `EngineConnected` follows, as soon as Corosync lets us in."""
        self._connect()

    # What the daemon asks.

    @property
    def is_away(self) -> bool:
        """Say whether Corosync was tried, and cannot be reached."""
        return self._connection is None and self._last_error != NOT_TRIED

    def send(self, payload: bytes) -> bool:
        """Queue one entry for the group; False where the queue is full.

        While Corosync is away entries are dropped: they were meant for a ring that is no more.
        Raises ValueError for an entry larger than `ENTRY_BYTES_MAX`.
        """
        if len(payload) > ENTRY_BYTES_MAX:
            raise ValueError(f"an entry of {len(payload)} bytes is larger than {ENTRY_BYTES_MAX}")
        return self._queue is None or self._queue.put(payload)

    def nodes(self) -> NodesConfigured:
        """Return the node list that Corosync had last. Raises UnreachableError before it is up."""
        if self._node_list is None:
            raise UnreachableError(f"Corosync is not reached: {self._last_error}")
        return self._node_list.configured

    def local_node(self) -> tuple[NodeId, NodeName]:
        """Return this node's id and name. Raises UnreachableError where Corosync is away."""
        if self._connection is None:
            raise UnreachableError(f"Corosync is not reached: {self._last_error}")
        node_id = self._connection.node_id
        names = dict(self.nodes().nodes)
        if node_id not in names:
            raise UnreachableError(f"corosync.conf does not list the local node id {node_id}")
        return node_id, names[node_id]

    def links(self) -> tuple[NodeLinks, ...]:
        """Return the links to each configured node, as libcfg sees them now.

        Raises UnreachableError. Opens a connection of its own: for people, not for each turn.
        """
        cfg = Cfg()
        try:
            found = (cfg.find_links(node_id) for node_id, _ in self.nodes().nodes)
            return tuple(links for links in found if links is not None)
        finally:
            cfg.close()

    def is_drained(self) -> bool:
        """Say whether all that Corosync had for us was handed on."""
        if self._waiting:
            return False
        return self._connection is None or not self._connection.has_waiting()

    def internals(self) -> dict[str, str]:
        """Return figures for people: connection, queue, dropped frames."""
        queue = self._queue
        return {
            "engine": "connected" if self._connection else f"away: {self._last_error}",
            "entries-to-send": str(len(queue) if queue else 0),
            "send-retries": str(queue.try_again_count if queue else 0),
            "frames-dropped": str(self._reassembler.dropped_frames),
            "entries-dropped": str(self.dropped_entries),
        }

    def close(self) -> None:
        """Leave the group and let the connection go; may wait for Corosync's short answer."""
        self._stopping.set()
        connection = self._detach()
        if connection is not None:
            leaving = self._threads.submit(_leave_and_close, connection)
            leaving.exception(timeout=LEAVE_SECONDS_MAX)
        self._threads.shutdown(wait=False, cancel_futures=True)

    # Connecting and losing.

    def _connect(self) -> None:
        if self._stopping.is_set():
            return
        callbacks = ConnectionCallbacks(
            cpg=CpgCallbacks(deliver=self._on_frame, group=self._on_group, ring=self._on_ring),
            quorum=self._on_quorum,
            nodes=self._on_node_key,
        )
        opening = self._loop.run_in_executor(
            self._threads, Connection, self._group, callbacks, self._stopping
        )
        opening.add_done_callback(self._on_opened)

    def _on_opened(self, opening: "asyncio.Future[Connection]") -> None:
        if opening.cancelled():
            return
        error = opening.exception()
        if isinstance(error, UnreachableError):
            self._last_error = str(error)
            if not self._stopping.is_set():
                self._loop.call_later(RECONNECT_SECONDS, self._connect)
            return
        connection = opening.result()
        if self._stopping.is_set():
            _leave_and_close(connection)
            return
        self._attach(connection)

    def _attach(self, connection: Connection) -> None:
        self._connection = connection
        self._node_list = connection.node_list
        self._reassembler.forget_all()
        self._queue = SendQueue(
            self._loop, self._threads, connection.cpg.multicast, self._on_send_error
        )
        self._handler(EngineConnected(address=connection.address))
        self._handler(connection.node_list.configured)
        if self._connection is not connection:
            return
        self._fds = connection.filenos()
        for fd, dispatch_one in zip(self._fds, connection.dispatchers(), strict=True):
            self._loop.add_reader(fd, functools.partial(self._dispatch, dispatch_one))

    def _detach(self) -> Connection | None:
        """Take the connection off the loop, at once: a dead one is readable for ever."""
        for fd in self._fds:
            self._loop.remove_reader(fd)
        self._fds = ()
        connection, self._connection = self._connection, None
        if self._queue is not None:
            self._queue.close()
            self._queue = None
        for item in self._waiting:
            if isinstance(item, asyncio.Future):
                item.cancel()
        self._waiting.clear()
        return connection

    def _lose(self, error: Exception) -> None:
        connection = self._detach()
        if connection is None:
            return
        self._last_error = str(error)
        closing = self._loop.run_in_executor(self._threads, connection.close)
        closing.add_done_callback(lambda _done: self._connect())
        self._handler(EngineLost())

    def _on_send_error(self, error: Exception) -> None:
        if not isinstance(error, CorosyncError):
            raise error
        self._lose(error)

    # Dispatching.

    def _dispatch(self, dispatch_one: Callable[[], bool]) -> None:
        """Take what one library has, for a bounded time, and hand it on."""
        until = time.monotonic() + DISPATCH_SECONDS_MAX
        connection = self._connection
        try:
            while dispatch_one():
                self._hand_on()
                if self._connection is not connection or time.monotonic() > until:
                    break
        except CorosyncError as error:
            self._hand_on()
            self._lose(error)
            return
        if self._queue:
            self._queue.turn()

    def _hand_on(self) -> None:
        """Give the handler what waits, in order, up to an entry that is still being unpacked."""
        while self._waiting:
            first = self._waiting[0]
            if isinstance(first, asyncio.Future):
                if not first.done():
                    return
                event = first.result()
            else:
                event = first
            self._waiting.popleft()
            if event is None:
                self.dropped_entries += 1
            else:
                self._handler(event)

    # The callbacks of the libraries: they only note what came.

    def _on_frame(self, sender: MemberAddress, frame: bytes) -> None:
        entry = self._reassembler.accept(sender, frame)
        if entry is None:
            return
        if len(entry.content) <= UNPACK_IN_LOOP_BYTES_MAX:
            event = _unpack(sender, entry)
            if event is None:
                self.dropped_entries += 1
            else:
                self._waiting.append(event)
        else:
            unpacking = self._loop.run_in_executor(self._threads, _unpack, sender, entry)
            unpacking.add_done_callback(self._on_unpacked)
            self._waiting.append(unpacking)
        if entry.frame_count > 1 and self._is_own(sender) and self._queue is not None:
            self._queue.came_back()

    def _on_unpacked(self, unpacking: "asyncio.Future[EngineEvent | None]") -> None:
        if not unpacking.cancelled():
            self._hand_on()

    def _on_group(
        self,
        members: tuple[MemberAddress, ...],
        joined: tuple[MemberAddress, ...],
        left: tuple[tuple[MemberAddress, Departure], ...],
    ) -> None:
        for address, _ in left:
            self._reassembler.forget(address)
        if joined:
            is_partly_delivered = self._connection is not None and self._reassembler.is_partial(
                self._connection.address
            )
            self._reassembler.forget_all()
            if self._queue is not None:
                self._queue.someone_joined(is_partly_delivered=is_partly_delivered)
        self._waiting.append(GroupChanged(members=members, joined=joined, left=left))

    def _on_ring(self, ring_id: RingId, node_ids: tuple[NodeId, ...]) -> None:
        self._waiting.append(RingChanged(ring_id=ring_id, node_ids=node_ids))

    def _on_quorum(self, is_quorate: bool, ring_id: RingId) -> None:
        connection, node_list = self._connection, self._node_list
        if connection is None or node_list is None:
            raise InvariantError("a library is dispatched only while it is attached")
        votes = connection.votequorum.find_votes(connection.node_id)
        # Quorum has no place in the group's order: it does not wait for entries being unpacked.
        self._handler(
            QuorumChanged(
                ring_id=ring_id,
                is_quorate=is_quorate,
                quorum_votes=votes.quorum if votes else 0,
                votes=node_list.votes,
                device_votes=votes.device_votes if votes else node_list.device_votes,
                is_two_node=votes.is_two_node if votes else node_list.is_two_node,
            )
        )

    def _on_node_key(self, _key: str) -> None:
        connection = self._connection
        if connection is None or connection.is_reloading():
            return
        node_list = connection.read_nodes()
        if node_list == self._node_list:
            return
        is_new = self._node_list is None or node_list.configured != self._node_list.configured
        self._node_list = node_list
        if is_new:
            self._handler(node_list.configured)

    def _is_own(self, sender: MemberAddress) -> bool:
        return self._connection is not None and sender == self._connection.address


def _unpack(sender: MemberAddress, entry: PackedEntry) -> EngineEvent | None:
    payload = unpack(entry)
    return None if payload is None else Delivered(sender=sender, payload=payload)


def _leave_and_close(connection: Connection) -> None:
    try:
        connection.leave()
    except CorosyncError:
        pass  # it is gone already: the others see that
    finally:
        connection.close()
