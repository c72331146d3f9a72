"""What happened in a run: a digest over every event and effect, and a story for people."""

import hashlib
from collections.abc import Iterable

import msgspec

from paceline.sim.clock import Clock

STORY_LINES_MAX = 20_000
"""A run tells at most this much; what comes later is counted only."""
COLUMN_WIDTH = 34

_encoder = msgspec.msgpack.Encoder()


class Trace:
    """Listens to the whole world; told in order, so equal runs have equal digests."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing told."""
        self._clock = clock
        self._hash = hashlib.blake2b(digest_size=16)
        self.lines: list[tuple[int, str, str]] = []
        self.dropped = 0
        self.events = 0

    def take(self, node: str, value: msgspec.Struct) -> None:
        """Take an event or an effect into the digest."""
        self.events += 1
        self._hash.update(f"{self._clock.now_us} {node} {type(value).__name__} ".encode())
        self._hash.update(_encoder.encode(value))

    def tell(self, node: str, text: str) -> None:
        """Add a line to the story; `node` is empty for what concerns all."""
        if len(self.lines) < STORY_LINES_MAX:
            self.lines.append((self._clock.now_us, node, text))
        else:
            self.dropped += 1

    @property
    def now_us(self) -> int:
        """Return the world's time."""
        return self._clock.now_us

    @property
    def digest(self) -> str:
        """Return the digest of everything so far."""
        return self._hash.hexdigest()


def format_story(
    lines: Iterable[tuple[int, str, str]], nodes: tuple[str, ...], *, width: int = COLUMN_WIDTH
) -> str:
    """Return the story as a table with a column per node; what concerns all spans it."""
    rows = [" " * 10 + "".join(node.ljust(width) for node in nodes).rstrip()]
    for at_us, node, text in lines:
        stamp = f"{at_us / 1_000_000:9.3f} "
        if node not in nodes:
            rows.append(f"{stamp}--- {text}")
            continue
        indent = " " * (width * nodes.index(node))
        for number, part in enumerate(_wrapped(text, width * 2)):
            rows.append((stamp if number == 0 else " " * 10) + indent + part)
    return "\n".join(rows)


def _wrapped(text: str, width: int) -> list[str]:
    """Cut a text at spaces into parts of at most `width`, the first at least one word long."""
    parts: list[str] = []
    rest = text
    while len(rest) > width:
        cut = rest.rfind(" ", 1, width)
        cut = width if cut <= 0 else cut
        parts.append(rest[:cut])
        rest = "  " + rest[cut:].lstrip()
    return [*parts, rest]
