"""Outages out of single answers."""

from paceline.lab.outages import SILENCE_ATTEMPTS, Outage, OutageTracker, parse_event


def test_outage_lasts_from_good_to_good_when_attempts_fail() -> None:
    tracker = OutageTracker(0.0)
    tracker.good(started_ms=8.0, ended_ms=10.0)
    assert tracker.bad(started_ms=20.0, reason="refused")
    assert not tracker.bad(started_ms=30.0, reason="no answer")
    outage = tracker.good(started_ms=500.0, ended_ms=510.0)
    assert outage == Outage(begun_ms=10.0, ended_ms=510.0, is_over=True, reason="refused")


def test_no_outage_when_a_failure_is_older_than_a_good_answer() -> None:
    tracker = OutageTracker(0.0)
    tracker.good(started_ms=50.0, ended_ms=52.0)
    assert not tracker.bad(started_ms=40.0, reason="no answer")
    assert tracker.good(started_ms=60.0, ended_ms=62.0) is None


def test_silence_is_an_outage_when_attempts_were_made_in_it() -> None:
    tracker = OutageTracker(0.0)
    tracker.good(started_ms=8.0, ended_ms=10.0)
    for _ in range(SILENCE_ATTEMPTS):
        tracker.attempted()
    outage = tracker.good(started_ms=100.0, ended_ms=400.0)
    assert outage is not None
    assert outage.duration_ms == 390.0


def test_silence_is_no_outage_when_the_probe_itself_did_not_run() -> None:
    tracker = OutageTracker(0.0)
    tracker.good(started_ms=8.0, ended_ms=10.0)
    tracker.attempted()
    assert tracker.good(started_ms=390.0, ended_ms=400.0) is None


def test_silence_is_no_outage_before_the_first_good_answer() -> None:
    tracker = OutageTracker(0.0)
    for _ in range(SILENCE_ATTEMPTS):
        tracker.attempted()
    assert tracker.good(started_ms=0.0, ended_ms=400.0) is None


def test_finish_returns_the_outage_that_lasts() -> None:
    tracker = OutageTracker(5.0)
    tracker.bad(started_ms=6.0, reason="refused")
    outage = tracker.finish(100.0)
    assert outage == Outage(begun_ms=5.0, ended_ms=100.0, is_over=False, reason="refused")


def test_finish_returns_an_outage_when_nothing_ever_answered() -> None:
    tracker = OutageTracker(0.0)
    for _ in range(SILENCE_ATTEMPTS):
        tracker.attempted()
    outage = tracker.finish(1000.0)
    assert outage == Outage(begun_ms=0.0, ended_ms=1000.0, is_over=False, reason="no answers")


def test_line_is_read_back() -> None:
    outage = Outage(begun_ms=1.5, ended_ms=2.25, is_over=True, reason="x")
    assert parse_event(outage.line()) == outage
    assert parse_event('{"watching": "x"}') is None
    assert parse_event("nonsense") is None
