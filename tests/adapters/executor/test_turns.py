"""Whose turn it is, and when a recurring operation runs next."""

from hypothesis import given
from hypothesis import strategies as st

from paceline.adapters.executor.lanes import Lanes, Turn
from paceline.adapters.executor.recurring import wait_ms
from paceline.model.identifiers import ResourceId


class Track:
    """Records which turns began, in order."""

    def __init__(self, *, slots: int, reserved: int = 0) -> None:
        self.lanes = Lanes(slots=slots, reserved=reserved)
        self.began: list[str] = []
        self._turns: dict[str, Turn] = {}

    def ask(
        self, name: str, resource: str, *, is_recurring: bool = False, priority: int = 0
    ) -> None:
        turn = Turn(ResourceId(resource), is_recurring, priority, lambda: self.began.append(name))
        self._turns[name] = turn
        self.lanes.ask(turn)

    def done(self, name: str) -> None:
        self.lanes.done(self._turns[name])


def test_higher_priority_goes_first_when_slots_are_full() -> None:
    track = Track(slots=1)
    for name, priority in (("a", 0), ("b", 1), ("c", 5)):
        track.ask(name, name, priority=priority)
    track.done("a")
    track.done("c")
    assert track.began == ["a", "c", "b"]


def test_one_time_goes_before_recurring_of_the_same_resource() -> None:
    track = Track(slots=4)
    track.ask("start", "R")
    track.ask("monitor", "R", is_recurring=True)
    track.ask("stop", "R")
    track.done("start")
    track.done("stop")
    assert track.began == ["start", "stop", "monitor"]


def test_reserved_slots_are_not_for_recurring() -> None:
    track = Track(slots=2, reserved=1)
    track.ask("m1", "A", is_recurring=True)
    track.ask("m2", "B", is_recurring=True)
    track.ask("stop", "C")
    assert track.began == ["m1", "stop"]
    track.done("m1")
    track.done("stop")
    assert track.began == ["m1", "stop", "m2"]


@given(now=st.integers(0, 10**9), interval=st.integers(1, 10**6), name=st.text(min_size=1))
def test_next_run_is_between_half_and_one_and_a_half_intervals_away(
    now: int, interval: int, name: str
) -> None:
    wait = wait_ms((ResourceId(name), "monitor", interval), now)
    assert interval // 2 <= wait <= interval // 2 + interval


@given(now=st.integers(0, 10**9), interval=st.integers(2, 10**6))
def test_runs_keep_their_place(now: int, interval: int) -> None:
    key = (ResourceId("R"), "monitor", interval)
    first = now + wait_ms(key, now)
    assert first + wait_ms(key, first) == first + interval
