"""The rules of durability, one by one."""

import msgspec

from paceline.model.identifiers import NodeId, NodeName
from paceline.replica.durability import (
    CHECKPOINT_RECORDS,
    DurableState,
    EpochRecord,
    Missing,
    SupersededState,
    encode_record,
    missing_for_safety,
    recover,
)
from paceline.replica.entries import Lineage
from paceline.replica.identity import Stored
from paceline.replica.journal import JournalKeeper
from paceline.replica.tables import NodeRow, Presence

VOTES = tuple((NodeId(number), 1) for number in (1, 2, 3))


def state(number: int, epoch: int = 1) -> DurableState:
    return DurableState(
        lineage=Lineage(epoch=epoch, number=number, epoch_id="v"),
        version=f"{epoch}.{number}",
        configuration=b"<cib/>",
    )


def rows(**presence: Presence) -> tuple[NodeRow, ...]:
    return tuple(
        NodeRow(name=NodeName(name), node_id=NodeId(number), presence=where)
        for number, (name, where) in enumerate(presence.items(), 1)
    )


def missing(durable: list[int], synced: list[int], nodes: tuple[NodeRow, ...]) -> Missing:
    return missing_for_safety(
        durable=[NodeId(each) for each in durable],
        synced=[NodeId(each) for each in synced],
        votes=VOTES,
        nodes=nodes,
    )


def test_majority_of_disks_is_enough() -> None:
    nodes = rows(a=Presence.PRESENT, b=Presence.PRESENT, c=Presence.LOST)
    assert missing([1, 2], [1, 2], nodes) == Missing()


def test_disks_that_still_write_are_named() -> None:
    nodes = rows(a=Presence.PRESENT, b=Presence.PRESENT, c=Presence.PRESENT)
    assert missing([1], [1, 2, 3], nodes).in_words() == "the disk of b, c"


def test_half_is_enough_when_all_others_are_known_to_be_off() -> None:
    two = tuple((NodeId(number), 1) for number in (1, 2))
    for where in (Presence.LEFT, Presence.OFF):
        nodes = rows(a=Presence.PRESENT, b=where)
        assert missing_for_safety(
            durable=[NodeId(1)], synced=[NodeId(1)], votes=two, nodes=nodes
        ).is_safe


def test_less_than_half_is_never_enough_as_the_others_may_meet_without_it() -> None:
    nodes = rows(a=Presence.PRESENT, b=Presence.LEFT, c=Presence.OFF)
    assert missing([1], [1], nodes) == Missing(absent=("b", "c"))


def test_what_is_not_known_to_be_off_is_waited_for() -> None:
    nodes = rows(a=Presence.PRESENT, b=Presence.LOST, c=Presence.UNSEEN)
    assert missing([1], [1], nodes) == Missing(absent=("b", "c"))


def test_journal_gives_back_the_newest_state_with_the_newest_epoch() -> None:
    epoch = EpochRecord(
        lineage=Lineage(epoch=7, number=2, epoch_id="w"), promised=8, electorate=(NodeId(1),)
    )
    kept = SupersededState(state=state(9), why="a fork")
    records = tuple(encode_record(each) for each in (state(1), state(2), kept, epoch))
    found = recover(Stored(records=records))
    assert found.state == msgspec.structs.replace(
        state(2), lineage=epoch.lineage, promised=8, electorate=(NodeId(1),)
    )
    assert len(found.superseded) == 1 and not found.is_damaged


def test_what_cannot_be_read_ends_the_reading_and_is_said() -> None:
    found = recover(Stored(checkpoint=encode_record(state(1)), records=(b"garbage",)))
    assert found.state == state(1) and found.is_damaged


def test_empty_journal_begins_with_a_checkpoint() -> None:
    keeper = JournalKeeper(is_empty=True)
    write = keeper.write_epoch(state(0), (NodeName("a"),))
    assert write.checkpoint is not None and write.records == ()
    assert keeper.written(write.sequence) == state(0)


def test_journal_is_checkpointed_when_it_grows_and_keeps_superseded_copies() -> None:
    keeper = JournalKeeper(is_empty=False)
    keeper.write_state(state(1), superseded=state(0), why="a fork")
    writes = [keeper.write_state(state(number)) for number in range(CHECKPOINT_RECORDS)]
    (last,) = [write for write in writes if write.checkpoint is not None]
    found = recover(Stored(checkpoint=last.checkpoint, records=last.records))
    assert found.state is not None and len(found.superseded) == 1


def test_failed_write_is_followed_by_the_whole_state() -> None:
    keeper = JournalKeeper(is_empty=False)
    keeper.write_state(state(1))
    again = keeper.write_again()
    assert again is not None and again.checkpoint is not None
