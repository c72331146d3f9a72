"""Signs of life and digests; a hung daemon in a view; a way out without a view."""

from replica_bus import Bus
from replica_stories import started

from paceline.model.identifiers import NodeId
from paceline.replica.events import MemberAddress
from paceline.replica.liveness import ALIVE_MS, DIGESTS_MAX, SILENT_MS, Liveness
from paceline.replica.requests import Shutdown

A, B, C = (MemberAddress(NodeId(number), 10) for number in (1, 2, 3))


def test_member_is_silent_when_nothing_was_heard_for_too_long() -> None:
    liveness = Liveness()
    liveness.begin_view((A, B), 0)
    assert liveness.silent(A, SILENT_MS - 1) == ()
    assert liveness.silent(A, SILENT_MS) == (B,)
    liveness.heard(B, SILENT_MS)
    assert liveness.silent(A, SILENT_MS) == ()


def test_own_stall_says_nothing_about_others() -> None:
    liveness = Liveness()
    liveness.begin_view((A, B), 0)
    liveness.forgive(SILENT_MS)
    assert liveness.silent(A, SILENT_MS) == ()


def test_who_differs_from_most_is_alone_when_all_have_spoken() -> None:
    liveness = Liveness()
    liveness.begin_view((A, B, C), 0)
    liveness.note_digest(A, 1000, "x")
    liveness.note_digest(B, 1000, "y")
    assert not liveness.is_alone(A, 1000, A)
    liveness.note_digest(C, 1000, "y")
    assert liveness.is_alone(A, 1000, A) and not liveness.is_alone(B, 1000, A)


def test_coordinator_is_right_when_two_differ() -> None:
    liveness = Liveness()
    liveness.begin_view((A, B), 0)
    liveness.note_digest(A, 1000, "x")
    liveness.note_digest(B, 1000, "y")
    assert liveness.is_alone(B, 1000, A) and not liveness.is_alone(A, 1000, A)


def test_kept_digests_are_bounded() -> None:
    liveness = Liveness()
    liveness.begin_view((A,), 0)
    for position in range(DIGESTS_MAX + 5):
        liveness.note_digest(A, position, "x")
    assert not liveness.is_alone(A, 0, A)


def test_hung_daemon_is_left_out_of_the_view_and_comes_back_with_a_hello() -> None:
    bus = Bus("worker1", "worker2", "worker3")
    started(bus, "worker1", "worker2", "worker3")
    hung = bus["worker1"]
    sleeping, hung.replica = hung.replica, None
    waiting: list[object] = []
    for _ in range(8):
        bus.tick(ALIVE_MS)
        waiting.extend(hung.inbox)
    assert bus.replica("worker2").status().coordinator == "worker2"
    assert bus.replica("worker3").internals()["view-members"] == "worker2, worker3"
    assert sleeping is not None


def test_node_leaves_when_no_view_lets_it_go() -> None:
    bus = Bus("worker1", "worker2")
    bus.start("worker1", "worker2")
    bus["worker2"].inbox.clear()
    bus["worker2"].replica = None
    bus.ask("worker1", Shutdown())
    bus.settle()
    assert bus["worker1"].left is None
    bus.tick(40_000)
    left = bus["worker1"].left
    assert left is not None and "no view" in left.why
