"""Entries as frames: cut, numbered, compressed, checked, and put together again.

Corosync takes up to 1 MB a message, but a large one blocks the caller and the ring; so an entry
goes as frames of at most 64 KB. Frames of one sender come in the order in which it sent them, and
it sends one entry at a time. An entry counts as delivered when its last frame is.

A frame: magic, format, flags, message number, index, count, size of all, digest of the entry.
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass

from paceline.ports.engine import ENTRY_BYTES_MAX
from paceline.replica.events import MemberAddress

FRAME_BYTES_MAX = 64 * 1024
COMPRESS_BYTES_MIN = 16 * 1024
"""Smaller entries are sent as they are: compressing costs more than it saves."""
DIGEST_BYTES = 8
_HEADER = struct.Struct(f"!HBBIIII{DIGEST_BYTES}s")
_MAGIC = 0x504C
_FORMAT = 1
_FLAG_COMPRESSED = 0x01
PART_BYTES_MAX = FRAME_BYTES_MAX - _HEADER.size


@dataclass(frozen=True, slots=True)
class PackedEntry:
    """An entry as it goes over the ring; `digest` is the entry's own, before compression."""

    content: bytes
    is_compressed: bool
    digest: bytes

    @property
    def frame_count(self) -> int:
        """How many frames it takes; at least one."""
        return max(1, -(-len(self.content) // PART_BYTES_MAX))

    def frame(self, message: int, index: int) -> bytes:
        """Return frame `index` (from 0) under this message number."""
        start = index * PART_BYTES_MAX
        header = _HEADER.pack(
            _MAGIC,
            _FORMAT,
            _FLAG_COMPRESSED if self.is_compressed else 0,
            message,
            index,
            self.frame_count,
            len(self.content),
            self.digest,
        )
        return header + self.content[start : start + PART_BYTES_MAX]


def pack(payload: bytes) -> PackedEntry:
    """Return the entry ready to be cut; compressed where that makes it smaller.

    Takes about 4 ms a megabyte.
    """
    digest = _digest(payload)
    if len(payload) >= COMPRESS_BYTES_MIN:
        compressed = zlib.compress(payload, 1)
        if len(compressed) < len(payload):
            return PackedEntry(compressed, True, digest)
    return PackedEntry(payload, False, digest)


def unpack(entry: PackedEntry) -> bytes | None:
    """Return the entry's bytes; None where digest or size do not hold."""
    payload = entry.content
    if entry.is_compressed:
        decompressor = zlib.decompressobj()
        try:
            payload = decompressor.decompress(payload, ENTRY_BYTES_MAX + 1)
        except zlib.error:
            return None
    if len(payload) > ENTRY_BYTES_MAX or _digest(payload) != entry.digest:
        return None
    return payload


def _digest(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=DIGEST_BYTES).digest()


@dataclass(slots=True)
class _Partial:
    """What has come of one entry."""

    message: int
    is_compressed: bool
    digest: bytes
    parts: list[bytes]


class Reassembler:
    """Puts the frames of all senders together; holds at most one unfinished entry of each.

    Every member must come to the same answer for the same order of frames and changes of the
    group: an entry of which a member that joins now has missed a part must not count for anyone.
    So `forget_all` at each join; the sender then sends it again.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._partials: dict[MemberAddress, _Partial] = {}
        self.dropped_frames = 0

    def accept(self, sender: MemberAddress, frame: bytes) -> PackedEntry | None:
        """Take a frame; return the entry that it completes, if it does.

        A frame that is not ours, or that belongs to an entry whose beginning was not seen, is
        dropped and counted.
        """
        if not _is_frame(frame):
            self.dropped_frames += 1
            return None
        _, _, flags, message, index, count, _, digest = _HEADER.unpack_from(frame)
        part = frame[_HEADER.size :]
        if index == 0:
            partial = _Partial(message, bool(flags & _FLAG_COMPRESSED), digest, [part])
            self._partials[sender] = partial
        else:
            known = self._partials.get(sender)
            if known is None or known.message != message or len(known.parts) != index:
                self.dropped_frames += 1
                return None
            partial = known
            partial.parts.append(part)
        if index + 1 < count:
            return None
        del self._partials[sender]
        return PackedEntry(b"".join(partial.parts), partial.is_compressed, partial.digest)

    def is_partial(self, sender: MemberAddress) -> bool:
        """Say whether an unfinished entry of this sender is held."""
        return sender in self._partials

    def forget(self, sender: MemberAddress) -> None:
        """Drop what a sender that left has not finished."""
        self._partials.pop(sender, None)

    def forget_all(self) -> None:
        """Drop every unfinished entry: someone joined, or the connection is new."""
        self._partials.clear()


def _is_frame(frame: bytes) -> bool:
    """Say whether these bytes are a frame of this format, with figures that can be."""
    if len(frame) < _HEADER.size:
        return False
    magic, form, _, _, index, count, size, _ = _HEADER.unpack_from(frame)
    return bool(
        magic == _MAGIC
        and form == _FORMAT
        and size <= ENTRY_BYTES_MAX
        and index < count == max(1, -(-size // PART_BYTES_MAX))
    )
