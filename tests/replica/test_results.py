"""Results become rows and counts by Pacemaker's habits."""

import msgspec
import pytest
from replica_bus import result_of
from replica_plans import action

from paceline.model.identifiers import NodeName, OperationId
from paceline.model.operation import Operation
from paceline.model.plan import PlannedAction
from paceline.model.status import OperationOutcome
from paceline.replica.entries import Flight, Reported
from paceline.replica.results import counted, pending_row, report_result


def flight_of(planned: PlannedAction) -> Flight:
    return Flight(
        ref="0123456789abcdef/4/7",
        executor=NodeName("n1"),
        action=planned,
        boot_id="b",
        incarnation=1,
        position=3,
    )


def report(
    planned: PlannedAction,
    answer: int | OperationOutcome,
    *,
    fatal: bool = True,
    recurring: tuple[str, ...] = (),
) -> Reported:
    operation = Operation(
        operation_id=OperationId("n1/b/1/1"), action=planned, call_id=1, node=NodeName("n1")
    )
    return report_result(
        flight_of(planned),
        result_of(operation, answer, 5000),
        is_settling=True,
        is_start_failure_fatal=fatal,
        recurring=recurring,
    )


def ids(reported: Reported) -> list[str]:
    return [row.entry_id for row in reported.rows]


def test_success_is_one_row() -> None:
    made = report(action(1, "start", "A", "n1"), 0)
    assert ids(made) == ["A_last_0"] and made.is_expected and made.failure is None
    assert made.rows[0].transition_key == "7:4:0:01234567-89ab-cdef-0000-000000000000"


def test_failed_start_is_two_rows_and_counts_as_fatal() -> None:
    made = report(action(1, "start", "A", "n1"), 1)
    assert ids(made) == ["A_last_failure_0", "A_last_0"] and not made.is_expected
    assert made.rows[0].operation_key == "A_start_0"
    assert made.failure is not None
    assert (made.failure.name, made.failure.value) == ("fail-count-A#start_0", "INFINITY")


def test_failed_start_counts_one_when_it_is_not_fatal() -> None:
    made = report(action(1, "start", "A", "n1"), 1, fatal=False)
    assert made.failure is not None and made.failure.value == "++"


def test_failed_monitor_is_a_failure_row_only() -> None:
    made = report(action(1, "monitor", "A", "n1", interval_ms=10_000), 7)
    assert ids(made) == ["A_last_failure_0"]
    assert made.failure is not None
    assert made.failure.name == "fail-count-A#monitor_10000"
    assert made.failure.last_value == "1790000005"


@pytest.mark.parametrize(("rc", "expected"), [(7, True), (0, False), (8, False), (5, False)])
def test_probe_counts_nothing(rc: int, expected: bool) -> None:
    made = report(action(1, "monitor", "A", "n1", target_rc=7), rc)
    assert made.is_expected is expected and made.failure is None


def test_probe_that_finds_it_running_is_no_failure() -> None:
    assert ids(report(action(1, "monitor", "A", "n1", target_rc=7), 0)) == ["A_last_0"]
    assert "A_last_failure_0" in ids(report(action(1, "monitor", "A", "n1", target_rc=7), 1))


def test_degraded_counts_as_running() -> None:
    assert report(action(1, "monitor", "A", "n1", interval_ms=1000), 190).is_expected


def test_stop_makes_the_monitors_rows_void() -> None:
    made = report(action(1, "stop", "A", "n1"), 0, recurring=("A_monitor_10000",))
    assert made.forgets == (("A", "A_monitor_10000"),)


def test_timed_out_stop_counts_as_infinite() -> None:
    made = report(action(1, "stop", "A", "n1"), OperationOutcome.TIMED_OUT)
    assert made.failure is not None and made.failure.value == "INFINITY"


def test_migration_has_rows_of_its_own() -> None:
    assert ids(report(action(1, "migrate_to", "A", "n1"), 0)) == ["A_migrate_to_0"]


def test_failed_notification_fails_nothing() -> None:
    made = report(action(1, "notify", "A", "n1"), 1)
    assert made.is_expected and not made.rows


def test_pending_is_shown_for_all_but_probes() -> None:
    row = pending_row(flight_of(action(1, "start", "A", "n1")))
    assert row is not None and row.outcome is OperationOutcome.PENDING and row.call_id == -1
    assert pending_row(flight_of(action(1, "monitor", "A", "n1", target_rc=7))) is None
    cancel = msgspec.structs.replace(
        action(1, "cancel", "A", "n1", interval_ms=1000), cancels="monitor"
    )
    assert pending_row(flight_of(cancel)) is None


@pytest.mark.parametrize(
    ("value", "change", "after"),
    [
        (None, "++", "1"),
        ("4", "++", "5"),
        ("4", "+=3", "7"),
        ("INFINITY", "++", "INFINITY"),
        ("word", "++", "1"),
        ("4", "INFINITY", "INFINITY"),
        ("4", "on", "on"),
    ],
)
def test_counter_is_counted(value: str | None, change: str, after: str) -> None:
    assert counted(value, change) == after
