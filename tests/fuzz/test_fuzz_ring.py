"""What may come from the ring: any bytes at any place give an entry or a clear refusal."""

from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.budget import budget

from paceline.adapters.corosync.framing import PackedEntry, Reassembler, pack, unpack
from paceline.model.identifiers import NodeId
from paceline.replica.entries import (
    BODY_BYTES_MAX,
    FORMAT,
    MAGIC,
    EntryError,
    decode_entry,
    encode_entry,
)
from paceline.replica.entries import pack as pack_body
from paceline.replica.events import MemberAddress

ATOMS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.text(max_size=8),
    st.binary(max_size=8), st.floats(),
)  # fmt: skip
TAGS = st.sampled_from(
    ["Hello", "Suspect", "Transfer", "Changed", "Planned", "Results", "Left", "Durable", "Ping"]
)
FIELDS = st.sampled_from(
    ["type", "view", "node", "members", "plan", "results", "lineage", "owned", "values", "number"]
)
BODIES = st.dictionaries(
    FIELDS, st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=4), max_leaves=8)
)
SENDERS = st.sampled_from([MemberAddress(NodeId(n), 1) for n in (1, 2)])


def _frame(body: bytes, *, length: int | None = None) -> bytes:
    flags, packed = pack_body(body)
    size = len(body) if length is None else length
    return MAGIC + bytes((FORMAT, flags)) + size.to_bytes(4, "big") + packed


@budget(200)
@given(st.binary(max_size=300), st.one_of(st.none(), st.integers(0, 2**32 - 1)))
def test_any_body_is_an_entry_or_refused(body: bytes, length: int | None) -> None:
    found = decode_entry(_frame(body, length=length))
    assert isinstance(found, EntryError) or decode_entry(encode_entry(found)) == found


@budget(200)
@given(TAGS, BODIES)
def test_any_fields_are_an_entry_or_refused(tag: str, fields: dict[str, object]) -> None:
    import msgspec

    decode_entry(_frame(msgspec.msgpack.encode({**fields, "type": tag})))


def test_nested_lists_are_refused_however_deep() -> None:
    assert isinstance(decode_entry(_frame(b"\x91" * 100_000 + b"\xc0")), EntryError)


def test_a_small_body_cannot_grow_beyond_the_limit() -> None:
    frame = bytearray(_frame(b"\0" * 1_000_000))
    frame[6:10] = (BODY_BYTES_MAX + 1).to_bytes(4, "big")
    refused = decode_entry(bytes(frame))
    assert isinstance(refused, EntryError) and refused.code == "length"


@budget(150)
@given(st.lists(st.tuples(SENDERS, st.binary(max_size=80), st.integers(0, 3)), max_size=8))
def test_frames_never_raise_and_hold_one_entry_of_each_sender(
    story: list[tuple[MemberAddress, bytes, int]],
) -> None:
    """Headers of a real entry with bytes of another: dropped, or noticed by the digest."""
    reassembler = Reassembler()
    head = pack(b"real entry").frame(1, 0)
    for sender, raw, kept in story:
        frame = head[: kept * 9] + raw
        found = reassembler.accept(sender, frame)
        if isinstance(found, PackedEntry):
            unpack(found)
        reassembler.accept(sender, raw)


@budget(150)
@given(st.binary(max_size=200), st.booleans(), st.binary(min_size=8, max_size=8))
def test_altered_entry_is_noticed_by_its_digest(
    content: bytes, is_compressed: bool, digest: bytes
) -> None:
    assert unpack(PackedEntry(content, is_compressed, digest)) is None
