"""Frames: cut and put together, whatever the others do in between."""

from hypothesis import given
from hypothesis import strategies as st

from paceline.adapters.corosync.framing import (
    FRAME_BYTES_MAX,
    PART_BYTES_MAX,
    Reassembler,
    pack,
    unpack,
)
from paceline.model.identifiers import NodeId
from paceline.replica.events import MemberAddress

A = MemberAddress(node_id=NodeId(1), pid=10)
B = MemberAddress(node_id=NodeId(2), pid=10)
LARGE = bytes(range(256)) * 1024  # compresses well
RANDOM = b"".join(
    n.to_bytes(8, "big") + (n * 2654435761 % 2**64).to_bytes(8, "big") for n in range(20000)
)


def frames(payload: bytes, message: int = 1) -> list[bytes]:
    entry = pack(payload)
    return [entry.frame(message, index) for index in range(entry.frame_count)]


@given(st.binary(max_size=300))
def test_small_entry_is_one_frame_and_comes_back(payload: bytes) -> None:
    (frame,) = frames(payload)
    entry = Reassembler().accept(A, frame)
    assert entry is not None
    assert unpack(entry) == payload


def test_large_entry_is_compressed_when_that_helps() -> None:
    assert pack(LARGE).is_compressed
    assert len(frames(LARGE)) == 1


def test_two_senders_do_not_mix() -> None:
    reassembler, found = Reassembler(), []
    of_a, of_b = frames(RANDOM), frames(RANDOM[::-1])
    assert len(of_a) > 1
    assert all(len(frame) <= FRAME_BYTES_MAX for frame in of_a)
    for one, other in zip(of_a, of_b, strict=True):
        found.append(reassembler.accept(A, one))
        found.append(reassembler.accept(B, other))
    last_a, last_b = found[-2], found[-1]
    assert last_a is not None and unpack(last_a) == RANDOM
    assert last_b is not None and unpack(last_b) == RANDOM[::-1]


def test_entry_is_dropped_when_its_beginning_was_missed() -> None:
    reassembler = Reassembler()
    assert [reassembler.accept(A, frame) for frame in frames(RANDOM)[1:]].count(None) == (
        len(frames(RANDOM)) - 1
    )
    assert reassembler.dropped_frames == len(frames(RANDOM)) - 1


def test_entry_is_dropped_when_its_sender_left_in_its_midst() -> None:
    reassembler = Reassembler()
    first, *rest = frames(RANDOM)
    reassembler.accept(A, first)
    reassembler.forget(A)
    assert all(reassembler.accept(A, frame) is None for frame in rest)


def test_entry_sent_again_counts_once_when_someone_joined() -> None:
    reassembler = Reassembler()
    first, *rest = frames(RANDOM, message=1)
    reassembler.accept(A, first)
    assert reassembler.is_partial(A)
    reassembler.forget_all()
    found = [reassembler.accept(A, frame) for frame in (*rest, *frames(RANDOM, message=2))]
    assert [entry for entry in found if entry] == [found[-1]]


def test_altered_entry_is_noticed() -> None:
    frame = bytearray(frames(b"hello")[0])
    frame[-1] ^= 1
    entry = Reassembler().accept(A, bytes(frame))
    assert entry is not None
    assert unpack(entry) is None


@given(st.binary(max_size=100))
def test_stranger_frames_are_dropped(raw: bytes) -> None:
    reassembler = Reassembler()
    assert reassembler.accept(A, raw) is None
    assert reassembler.dropped_frames == 1


def test_part_size_leaves_room_for_the_header() -> None:
    assert PART_BYTES_MAX < FRAME_BYTES_MAX
