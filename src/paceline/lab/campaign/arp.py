"""Watch who answers for an address, by ARP, from the client: `arp ADDRESS DEVICE FILE`.

An answer is asked for every 50 ms, without touching the client's own neighbour table. A line of
JSON is written whenever those who answer change, and for each announcement (gratuitous ARP):

    {"at_ms": 1700000000000, "owners": ["02:00:c0:a8:de:1f"]}
    {"at_ms": 1700000000000, "announced": "02:00:c0:a8:de:1f"}
"""

import json
import select
import socket
import struct
import sys
import time
from pathlib import Path
from typing import TextIO

INTERVAL_MS = 50
_ETHERTYPE_ARP = 0x0806
_REQUEST, _REPLY = 1, 2
_BROADCAST = b"\xff" * 6
_FORMAT = "!6s6sHHHBBH6s4s6s4s"


def request(own_mac: bytes, wanted: bytes) -> bytes:
    """Return a probe for an address: the sender's own is 0.0.0.0, so nobody learns from it."""
    head = (_BROADCAST, own_mac, _ETHERTYPE_ARP, 1, 0x0800, 6, 4, _REQUEST)
    return struct.pack(_FORMAT, *head, own_mac, bytes(4), bytes(6), wanted)


def parse(frame: bytes, wanted: bytes) -> tuple[str, bool] | None:
    """Return who claims the wanted address, and whether he announces it; None for other frames."""
    if len(frame) < struct.calcsize(_FORMAT):
        return None
    *_, operation, sender_mac, sender, _, target = struct.unpack_from(_FORMAT, frame)
    if sender != wanted:
        return None
    is_announced = target == wanted
    if operation not in (_REQUEST, _REPLY) or (operation == _REQUEST and not is_announced):
        return None
    return sender_mac.hex(":"), is_announced


class Watch:
    """Writes what changes."""

    def __init__(self, book: TextIO) -> None:
        """Write to `book`."""
        self._book = book
        self._owners: list[str] | None = None

    def announced(self, mac: str) -> None:
        """Take note of an announcement."""
        self._write({"at_ms": _now_ms(), "announced": mac})

    def answered(self, asked_ms: int, owners: set[str]) -> None:
        """Take note of all who answered one request."""
        told = sorted(owners)
        if told != self._owners:
            self._owners = told
            self._write({"at_ms": asked_ms, "owners": told})

    def _write(self, line: dict[str, object]) -> None:
        self._book.write(json.dumps(line) + "\n")
        self._book.flush()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def main(words: list[str]) -> int:
    """Watch until killed."""
    address, device, book = words
    wanted = socket.inet_aton(address)
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERTYPE_ARP))
    link.bind((device, _ETHERTYPE_ARP))
    own_mac = link.getsockname()[4]
    with Path(book).open("a", encoding="utf-8") as file:
        watch = Watch(file)
        while True:
            asked_ms, owners = _now_ms(), set[str]()
            link.send(request(own_mac, wanted))
            until = time.monotonic() + INTERVAL_MS / 1000
            while (left := until - time.monotonic()) > 0:
                if not select.select([link], [], [], left)[0]:
                    break
                claim = parse(link.recv(2048), wanted)
                if claim is None:
                    continue
                mac, is_announced = claim
                if is_announced:
                    watch.announced(mac)
                else:
                    owners.add(mac)
            watch.answered(asked_ms, owners)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
