"""The tables: everything that a failed entry changed is taken back."""

from hypothesis import given
from hypothesis import strategies as st

from paceline.model.identifiers import ActionId, NodeName, RequestId, ResourceId
from paceline.model.plan import ActionKind, PlannedAction
from paceline.model.status import FencingRecord
from paceline.replica.entries import Flight, Owned
from paceline.replica.requests import Outcome, RequestAnswer
from paceline.replica.tables import (
    ANSWERS_MAX,
    Answered,
    State,
    Table,
    Undo,
    decode_photograph,
    encode_photograph,
)

steps = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "clear"]), st.sampled_from("abcd"), st.integers()),
    max_size=30,
)


def carry_out(table: Table[str, int], wanted: list[tuple[str, str, int]]) -> None:
    for word, key, value in wanted:
        if word == "put":
            table.put(key, value)
        elif word == "drop":
            table.drop(key)
        else:
            table.clear()


@given(steps, steps)
def test_table_is_as_before_when_rolled_back(
    before: list[tuple[str, str, int]], inside: list[tuple[str, str, int]]
) -> None:
    undo = Undo()
    table: Table[str, int] = Table(undo)
    carry_out(table, before)
    kept = table.items()
    undo.begin()
    carry_out(table, inside)
    undo.roll_back()
    assert table.items() == kept


@given(steps)
def test_table_keeps_changes_when_committed(inside: list[tuple[str, str, int]]) -> None:
    undo = Undo()
    table: Table[str, int] = Table(undo)
    undo.begin()
    carry_out(table, inside)
    kept = table.items()
    undo.commit()
    undo.roll_back()
    assert table.items() == kept


def test_answers_are_bounded_and_the_newest_stay() -> None:
    state = State(b"<cib/>")
    answered = Answered(answer=RequestAnswer(outcome=Outcome.ACKNOWLEDGED))
    for number in range(ANSWERS_MAX + 10):
        state.remember_answer(RequestId(f"r{number}"), answered)
    assert len(state.answers) == ANSWERS_MAX
    assert "r5" not in state.answers and f"r{ANSWERS_MAX + 9}" in state.answers


def test_photograph_makes_the_same_state_elsewhere() -> None:
    state = State(b"<cib/>")
    state.set_attributes(NodeName("worker1"), {"b": "2", "a": "1"})
    state.record_fencing(
        FencingRecord(
            target=NodeName("worker2"),
            action="reboot",
            executor="worker1",
            origin="worker1",
            client="paceline",
            state="done",
        )
    )
    other = State(b"<other/>")
    other.adopt(decode_photograph(encode_photograph(state.photograph())))
    assert other.digest() == state.digest()
    assert other.configuration.value == b"<cib/>"


def test_pending_fencing_is_replaced_by_its_end() -> None:
    state = State(b"<cib/>")
    for word in ("pending", "failed", "pending", "done"):
        state.record_fencing(
            FencingRecord(
                target=NodeName("worker2"),
                action="reboot",
                executor="worker1",
                origin="worker1",
                client="paceline",
                state=word,
            )
        )
    assert [record.state for record in state.fencing.value] == ["failed", "done"]


def test_fencing_under_way_is_not_forgotten() -> None:
    state = State(b"<cib/>")
    for target, word in (("worker2", "failed"), ("worker2", "pending"), ("worker3", "done")):
        state.record_fencing(
            FencingRecord(
                target=NodeName(target), action="off", executor="worker1", origin="worker1",
                client="paceline", state=word,
            )
        )  # fmt: skip
    state.forget_fencing(NodeName("worker2"))
    assert [record.state for record in state.fencing.value] == ["pending", "done"]
    state.forget_fencing(NodeName(""))
    assert [record.state for record in state.fencing.value] == ["pending"]


def test_what_a_member_brings_in_flight_is_older_than_all_that_follows_here() -> None:
    """Its place in the log of another half says nothing here: its end must bring another plan."""
    action = PlannedAction(
        id=ActionId(1),
        kind=ActionKind.RESOURCE,
        task="start",
        resource=ResourceId("IP"),
        node=NodeName("n2"),
    )
    brought = Flight(
        ref="other/1/1",
        executor=NodeName("n2"),
        action=action,
        boot_id="b",
        incarnation=1,
        position=900,
    )
    state = State(b"")
    state.update_core(position=5)
    state.replace_owned(NodeName("n2"), Owned(flights=(brought,)))
    assert [each.position for each in state.flights.values()] == [5]
