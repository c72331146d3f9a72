"""The codec: what goes in comes out, and garbled bytes are refused without an exception."""

from hypothesis import given
from hypothesis import strategies as st

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.status import ChangeOrigin
from paceline.replica.entries import (
    FORMAT,
    MAGIC,
    AttributesSet,
    Changed,
    Durable,
    Entry,
    EntryError,
    Halted,
    Hello,
    Lineage,
    Planned,
    Suspect,
    Transfer,
    decode_entry,
    encode_entry,
)
from paceline.replica.events import MemberAddress, RingId
from paceline.replica.packed_plans import PackedPlan

names = st.text(max_size=20)
numbers = st.integers(min_value=0, max_value=2**40)
addresses = st.builds(MemberAddress, numbers, numbers)
lineages = st.builds(Lineage, epoch=numbers, number=numbers, epoch_id=names)
entries = st.one_of(
    st.builds(Halted, view=names, plan=numbers),
    st.builds(Durable, view=names, lineage=lineages),
    st.builds(Transfer, view=names, state=st.binary(max_size=6000)),
    st.builds(Suspect, target=addresses, members=st.tuples(addresses)),
    st.builds(
        AttributesSet,
        view=names,
        request_id=names.map(RequestId),
        node=names.map(NodeName),
        values=st.tuples(st.tuples(names, st.one_of(st.none(), names))),
    ),
)


@given(entries)
def test_entry_comes_back_as_it_was(entry: Entry) -> None:
    assert decode_entry(encode_entry(entry)) == entry


@given(st.binary(max_size=400))
def test_bytes_of_others_are_refused_without_an_exception(payload: bytes) -> None:
    assert isinstance(decode_entry(payload), EntryError)


@given(entries, st.data())
def test_damaged_entry_never_raises(entry: Entry, data: st.DataObject) -> None:
    frame = bytearray(encode_entry(entry))
    place = data.draw(st.integers(min_value=0, max_value=len(frame) - 1))
    frame[place] ^= data.draw(st.integers(min_value=1, max_value=255))
    decode_entry(bytes(frame))


@given(entries, st.data())
def test_cut_entry_is_refused(entry: Entry, data: st.DataObject) -> None:
    frame = encode_entry(entry)
    length = data.draw(st.integers(min_value=0, max_value=len(frame) - 1))
    assert isinstance(decode_entry(frame[:length]), EntryError)


def test_newer_format_is_refused_by_its_number() -> None:
    frame = bytearray(encode_entry(Halted(view="v", plan=1)))
    frame[len(MAGIC)] = FORMAT + 1
    refused = decode_entry(bytes(frame))
    assert isinstance(refused, EntryError) and refused.code == "format"


def test_bomb_is_refused_by_its_stated_length() -> None:
    frame = bytearray(encode_entry(Transfer(view="v", state=b"\0" * 100_000)))
    frame[len(MAGIC) + 2 : len(MAGIC) + 6] = (10).to_bytes(4, "big")
    refused = decode_entry(bytes(frame))
    assert isinstance(refused, EntryError) and refused.code == "length"


CHANGE = Changed(
    view="v",
    request_id=RequestId("r"),
    based_on="1",
    configuration=b"a" * 100_000,
    origin=ChangeOrigin(),
)


def test_large_entry_is_compressed() -> None:
    assert len(encode_entry(CHANGE)) < 2000


def test_hello_and_plan_come_back() -> None:
    hello = Hello(
        node=NodeName("worker1"),
        node_id=NodeId(1),
        boot_id="b",
        incarnation=1,
        number=1,
        version="0.1.0",
        members=(MemberAddress(NodeId(1), 7),),
        ring_id=RingId(1, 8),
        ring_nodes=(NodeId(1),),
        is_quorate=True,
        quorum_votes=1,
        lineage=Lineage(epoch=3),
    )
    plan = Planned(view="v", number=1, based_position=4, plan=PackedPlan(), time_ms=5)
    assert decode_entry(encode_entry(hello)) == hello
    assert decode_entry(encode_entry(plan)) == plan
