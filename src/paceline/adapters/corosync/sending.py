"""The way out: a bounded queue of entries, cut into frames and given to Corosync as it takes them.

`CS_ERR_TRY_AGAIN` is Corosync's only flow control; it is tried again after each dispatch and after
a short wait. One entry of several frames is under way at a time, and nothing follows it until it
came back whole: where someone joins in its midst it can then be sent again from its beginning
without overtaking anything.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor as ThreadPool
from dataclasses import dataclass

from paceline.adapters.corosync.framing import PackedEntry, pack
from paceline.ports.engine import ENTRY_BYTES_MAX

QUEUE_ENTRIES_MAX = 10_000
QUEUE_BYTES_MAX = 2 * ENTRY_BYTES_MAX
PACK_IN_LOOP_BYTES_MAX = 256 * 1024
"""Packing this much takes about a millisecond; more is packed in a thread."""
RETRY_SECONDS = 0.001
TURN_SECONDS_MAX = 0.005
"""One turn of sending gives the loop back after this long."""
MESSAGE_NUMBER_MODULUS = 2**32


@dataclass(slots=True)
class _Outgoing:
    payload_bytes: int
    entry: PackedEntry | None = None
    next_frame: int = 0
    message: int = 0


class SendQueue:
    """Sends entries in order through `multicast`, which says False for "try again".

    waiting --turn--> under way --last frame given--> (one frame) gone
                                                      (several) --came back--> gone
                                                                --someone joined--> under way
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        threads: ThreadPool,
        multicast: Callable[[bytes], bool],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Send through `multicast`; what it raises goes to `on_error`, later, from the loop."""
        self._loop = loop
        self._threads = threads
        self._multicast = multicast
        self._on_error = on_error
        self._queue: deque[_Outgoing] = deque()
        self._queue_bytes = 0
        self._message = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self.try_again_count = 0

    def __len__(self) -> int:
        """Return how many entries are not gone yet."""
        return len(self._queue)

    def put(self, payload: bytes) -> bool:
        """Queue an entry and send what can go now; False where the queue is full.

        A closed queue takes everything and sends nothing.
        """
        if self._is_closed:
            return True  # Corosync is gone and the engine about to say so
        if len(self._queue) >= QUEUE_ENTRIES_MAX:
            return False
        if self._queue and self._queue_bytes + len(payload) > QUEUE_BYTES_MAX:
            return False
        outgoing = _Outgoing(len(payload))
        self._queue.append(outgoing)
        self._queue_bytes += len(payload)
        if len(payload) <= PACK_IN_LOOP_BYTES_MAX:
            outgoing.entry = pack(payload)
        else:
            packing = self._loop.run_in_executor(self._threads, pack, payload)
            packing.add_done_callback(lambda done: self._packed(outgoing, done))
        self.turn()
        return True

    def came_back(self) -> None:
        """Note that an entry of ours, one of several frames, was delivered whole.

        The engine gives the queue a turn after each dispatch; here nothing is sent.
        """
        if self._queue and self._is_given(self._queue[0]):
            self._drop_first()

    def someone_joined(self, *, is_partly_delivered: bool) -> None:
        """Send the entry under way again, if the one who joined missed its beginning."""
        if self._queue and is_partly_delivered:
            self._queue[0].next_frame = 0

    def close(self) -> None:
        """Drop everything: the connection is gone."""
        self._is_closed = True
        self._queue.clear()
        self._queue_bytes = 0
        if self._timer is not None:
            self._timer.cancel()

    def turn(self) -> None:
        """Give Corosync what it takes, for a bounded time."""
        until = time.monotonic() + TURN_SECONDS_MAX
        while self._queue and not self._is_closed:
            first = self._queue[0]
            if first.entry is None or self._is_given(first):
                return
            if time.monotonic() > until:
                self._again(0)
                return
            try:
                was_taken = self._multicast(self._frame(first, first.entry))
            except Exception as error:  # told to the engine, which tells all
                self._is_closed = True
                self._loop.call_soon(self._on_error, error)
                return
            if not was_taken:
                self.try_again_count += 1
                self._again(RETRY_SECONDS)
                return
            first.next_frame += 1
            if first.entry.frame_count == 1:
                self._drop_first()

    def _frame(self, outgoing: _Outgoing, entry: PackedEntry) -> bytes:
        if outgoing.next_frame == 0:
            self._message = (self._message + 1) % MESSAGE_NUMBER_MODULUS
            outgoing.message = self._message
        return entry.frame(outgoing.message, outgoing.next_frame)

    def _is_given(self, outgoing: _Outgoing) -> bool:
        return outgoing.entry is not None and outgoing.next_frame >= outgoing.entry.frame_count

    def _drop_first(self) -> None:
        self._queue_bytes -= self._queue.popleft().payload_bytes

    def _again(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self.turn)

    def _packed(self, outgoing: _Outgoing, done: "asyncio.Future[PackedEntry]") -> None:
        if not done.cancelled():
            outgoing.entry = done.result()
            self.turn()
