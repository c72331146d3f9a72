"""The journal's file: records that prove themselves, one after the other.

A header, then records: kind, length, digest, content. Each digest covers the one before it too,
so a record that was altered, moved or left out is noticed where it happened; everything after
such a place is not believed.
"""

import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum

HEADER = b"paceline journal 1\n"
DIGEST_BYTES = 16
RECORD_BYTES_MAX = 256 * 1024 * 1024
_PREFIX = struct.Struct(f"!BI{DIGEST_BYTES}s")


class RecordKind(IntEnum):
    """What a record holds: a checkpoint makes everything before it void."""

    ENTRY = 1
    CHECKPOINT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalContent:
    """What a journal holds up to `good_bytes`; `fault` says what is wrong there, if anything."""

    checkpoint: bytes | None
    records: tuple[bytes, ...]
    good_bytes: int
    digest: bytes
    fault: str


def first_digest() -> bytes:
    """Return the digest that the first record's covers: the header's."""
    return hashlib.blake2b(HEADER, digest_size=DIGEST_BYTES).digest()


def encode_record(kind: RecordKind, content: bytes, before: bytes) -> tuple[bytes, bytes]:
    """Return a record's bytes and its digest; `before` is the digest of the record before it."""
    digest = _digest(kind, content, before)
    return _PREFIX.pack(kind, len(content), digest) + content, digest


def decode_journal(raw: bytes) -> JournalContent:
    """Return what can be believed of a journal's bytes."""
    checkpoint: bytes | None = None
    records: list[bytes] = []
    digest = first_digest()
    if not raw.startswith(HEADER):
        fault = "the header is not that of a journal" if raw else ""
        return JournalContent(checkpoint=None, records=(), good_bytes=0, digest=digest, fault=fault)
    at = len(HEADER)
    fault = ""
    while at < len(raw) and not fault:
        found = _decode_record(raw, at, digest)
        if isinstance(found, str):
            fault = found
            break
        kind, content, digest, at = found
        if kind is RecordKind.CHECKPOINT:
            checkpoint, records = content, []
        else:
            records.append(content)
    return JournalContent(
        checkpoint=checkpoint, records=tuple(records), good_bytes=at, digest=digest, fault=fault
    )


def _decode_record(
    raw: bytes, at: int, before: bytes
) -> tuple[RecordKind, bytes, bytes, int] | str:
    """Return kind, content, digest and the end of the record at `at`, or what is wrong with it."""
    if at + _PREFIX.size > len(raw):
        return f"torn at byte {at}"
    kind_number, length, digest = _PREFIX.unpack_from(raw, at)
    start, end = at + _PREFIX.size, at + _PREFIX.size + length
    if kind_number not in (RecordKind.ENTRY, RecordKind.CHECKPOINT) or length > RECORD_BYTES_MAX:
        return f"altered at byte {at}: no record begins there"
    if end > len(raw):
        return f"torn at byte {at}"
    kind, content = RecordKind(kind_number), raw[start:end]
    if _digest(kind, content, before) != digest:
        return f"altered at byte {at}: the digest does not match"
    return kind, content, digest, end


def _digest(kind: RecordKind, content: bytes, before: bytes) -> bytes:
    hashed = hashlib.blake2b(before, digest_size=DIGEST_BYTES)
    hashed.update(bytes((kind,)))
    hashed.update(content)
    return hashed.digest()
