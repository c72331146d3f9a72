"""Hold a member's packets for a while, each way: `relay DELAY_MS PORT=RELAY_PORT ...`.

The kernel's own way (netem) is often not built in, so this copies frames between packet sockets.
Each frame keeps its virtio header: frames between namespaces of one machine have no checksums yet
and may be far larger than the MTU, and the header tells the next interface so.
"""

import collections
import selectors
import socket
import sys
import time

_SOL_PACKET = 263
_PACKET_VNET_HDR = 15
_PACKET_IGNORE_OUTGOING = 23
_ETH_P_ALL = 0x0003
_FRAME_BYTES_MAX = 10 + 70_000
# What a slow link's router would hold; more is dropped, as there.
_FRAMES_MAX = 20_000
_BUFFER_BYTES = 8 << 20


class Line:
    """One direction between two interfaces: frames in the order of their time."""

    def __init__(self, source: socket.socket, target: socket.socket, delay_s: float) -> None:
        """Copy from source to target after the delay."""
        self.source = source
        self._target = target
        self._delay_s = delay_s
        self._held: collections.deque[tuple[float, bytes]] = collections.deque()

    def take(self) -> None:
        """Read every frame that is there."""
        while True:
            try:
                frame = self.source.recv(_FRAME_BYTES_MAX)
            except (BlockingIOError, OSError):
                return
            if len(self._held) < _FRAMES_MAX:
                self._held.append((time.monotonic() + self._delay_s, frame))

    def give(self, now_s: float) -> None:
        """Send every frame whose time has come; what the link refuses is lost."""
        while self._held and self._held[0][0] <= now_s:
            _, frame = self._held.popleft()
            try:
                self._target.send(frame)
            except OSError:
                continue

    @property
    def next_s(self) -> float | None:
        """When the next frame is due."""
        return self._held[0][0] if self._held else None


def _open(interface: str) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    opened.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    opened.bind((interface, _ETH_P_ALL))
    opened.setblocking(False)
    return opened


def main() -> int:
    """Relay until killed."""
    delay_s = int(sys.argv[1]) / 1000
    lines = []
    for pair in sys.argv[2:]:
        one, _, other = pair.partition("=")
        first, second = _open(one), _open(other)
        lines += [Line(first, second, delay_s), Line(second, first, delay_s)]
    selector = selectors.DefaultSelector()
    for line in lines:
        selector.register(line.source, selectors.EVENT_READ, line)
    while True:
        due = [line.next_s for line in lines if line.next_s is not None]
        wait_s = max(0.0, min(due) - time.monotonic()) if due else None
        for key, _ in selector.select(wait_s):
            key.data.take()
        now_s = time.monotonic()
        for line in lines:
            line.give(now_s)


if __name__ == "__main__":
    sys.exit(main())
