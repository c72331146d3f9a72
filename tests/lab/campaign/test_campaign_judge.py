"""The campaign's judge: each rule sees its broken promise, and lets a kept one pass."""

from collections.abc import Sequence

from paceline.lab.campaign import judge
from paceline.lab.campaign.evidence import (
    Look,
    Mark,
    Outcome,
    Owners,
    PowerLoss,
    Window,
    Write,
    running,
)
from paceline.model.identifiers import NodeName
from paceline.model.status import FencingRecord

NOW_MS = 100_000


def book(*lines: str) -> list[Mark]:
    """Return marks of lines `MS NODE EVENT`, of one resource; `w1b` is worker1's second boot."""
    marks = []
    for line in lines:
        at, node, event = line.split()
        name = {"w1": "worker1", "w1b": "worker1", "w2": "worker2"}[node]
        marks.append(Mark(at_ms=int(at), node=name, boot=node, resource="R", event=event))
    return marks


def loss(at_ms: int, node: str, *, is_fence: bool) -> PowerLoss:
    return PowerLoss(node=node, begun_ms=at_ms - 5, ended_ms=at_ms, is_fence=is_fence)


def rules(found: Sequence[judge.Violation]) -> list[str]:
    return [violation.rule for violation in found]


def ran_twice(
    marks: list[Mark],
    *losses: PowerLoss,
    windows: Sequence[Window] = (),
    is_fencing_on: bool = True,
) -> list[str]:
    return rules(list(judge.ran_twice(marks, losses, windows, is_fencing_on=is_fencing_on)))


def test_start_beside_a_running_one_is_seen() -> None:
    assert ran_twice(book("10 w1 started", "20 w2 starting")) == ["S1"]


def test_start_after_the_stop_or_the_end_of_its_node_is_fine() -> None:
    assert ran_twice(book("10 w1 started", "15 w1 stopped", "20 w2 starting")) == []
    fenced = loss(15, "worker1", is_fence=True)
    assert ran_twice(book("10 w1 started", "20 w2 starting"), fenced) == []


def test_start_before_the_fencing_ended_is_seen() -> None:
    fenced = loss(25, "worker1", is_fence=True)
    assert ran_twice(book("10 w1 started", "20 w2 starting"), fenced) == ["S1"]


def test_two_run_without_fencing_only_while_nodes_were_parted() -> None:
    marks = book("10 w1 started", "20 w2 starting")
    parted = Window(title="", begun_ms=12, settled_ms=30, parts_nodes=True)
    other = Window(title="", begun_ms=12, settled_ms=30, parts_nodes=False)
    over = Window(title="", begun_ms=12, settled_ms=18, parts_nodes=True)
    assert ran_twice(marks, windows=[parted], is_fencing_on=False) == []
    assert ran_twice(marks, windows=[parted], is_fencing_on=True) == ["S1"]
    assert ran_twice(marks, windows=[other], is_fencing_on=False) == ["S1"]
    assert ran_twice(marks, windows=[over], is_fencing_on=False) == ["S1"]


def test_two_that_answer_for_the_address_are_seen_when_it_lasts() -> None:
    both = ("worker1", "worker2")
    for ended_ms, expected in ((100, ["S1"]), (30, [])):
        owners = [Owners(at_ms=10, nodes=both), Owners(at_ms=ended_ms, nodes=("worker2",))]
        found = list(judge.answered_twice(owners, [], NOW_MS, is_fencing_on=True))
        assert rules(found) == expected


def test_recovery_of_a_lost_node_wants_its_fencing_or_its_return() -> None:
    crash = loss(15, "worker1", is_fence=False)
    started = book("10 w1 started", "20 w2 starting")
    assert rules(list(judge.recovered_unfenced(started, [crash]))) == ["S8"]
    fenced = loss(18, "worker1", is_fence=True)
    assert list(judge.recovered_unfenced(started, [crash, fenced])) == []
    returned = book("10 w1 started", "18 w1b absent", "20 w2 starting")
    assert list(judge.recovered_unfenced(returned, [crash])) == []


def look(values: dict[str, int], *records: FencingRecord) -> Look:
    return Look(node="worker1", values=values, fencing=records)


def test_fencing_that_the_device_knows_nothing_of_is_seen() -> None:
    done = FencingRecord(
        target=NodeName("worker2"),
        action="reboot",
        executor="",
        origin="",
        client="",
        state="done",
        completed_ms=5_000,
    )
    said = [look({}, done)]
    assert rules(list(judge.fenced_without_device(said, [], 0))) == ["S3"]
    fenced = loss(4_900, "worker2", is_fence=True)
    assert list(judge.fenced_without_device(said, [fenced], 0)) == []


def write(number: int, outcome: Outcome) -> Write:
    return Write(
        key="a", number=number, node="worker1", asked_ms=0, answered_ms=0, outcome=outcome, said=""
    )


def test_acknowledged_write_that_is_gone_is_seen_and_a_later_one_covers_it() -> None:
    writes = [write(1, Outcome.ACKNOWLEDGED), write(2, Outcome.UNKNOWN)]
    assert rules(list(judge.lost_writes(writes, look({}), NOW_MS))) == ["S4"]
    for held in (1, 2):
        assert list(judge.lost_writes(writes, look({"a": held}), NOW_MS)) == []


def test_refused_write_that_is_there_is_seen() -> None:
    writes = [write(1, Outcome.ACKNOWLEDGED), write(2, Outcome.REFUSED)]
    assert rules(list(judge.lost_writes(writes, look({"a": 2}), NOW_MS))) == ["S9"]


def test_places_follow_the_book_and_the_power() -> None:
    marks = book("10 w1 started", "20 w2 started")
    assert running(marks, []) == {"R": ("worker1", "worker2")}
    assert running(marks, [loss(15, "worker1", is_fence=False)]) == {"R": ("worker2",)}
    assert running(book("10 w1 started", "12 w1 stopped"), []) == {"R": ()}


def test_what_is_not_well_is_named() -> None:
    one = Look(node="worker1", is_settled=True, online=("worker1",), values={})
    lost = Look(node="worker2", error="no daemon", values={})
    missing = judge.why_not_well([one, lost], {"R": ()}, [], ["R"])
    assert missing == [
        "worker1 misses worker2",
        "worker2: no daemon",
        "R runs on no node",
        "the address is answered for by nobody",
    ]
