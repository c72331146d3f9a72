"""What the log says."""

from paceline.daemon.decisions import began_note, notes_of
from paceline.daemon.notes import format_note
from paceline.model.identifiers import ActionId, NodeName, OperationId, ResourceId
from paceline.model.operation import Operation, OperationResult
from paceline.model.plan import ActionKind, Finding, Plan, PlannedAction
from paceline.model.status import HistoryEntry, OperationOutcome
from paceline.replica.effects import Note
from paceline.replica.events import InboxEmpty, OperationFinished, PlanComputed
from paceline.replica.packed_plans import pack_plan

START = PlannedAction(
    id=ActionId(1), kind=ActionKind.RESOURCE, task="start", resource=ResourceId("Web"),
    node=NodeName("n1"), reason_code="starting",
)  # fmt: skip


def result(**changes: object) -> OperationFinished:
    fields: dict[str, object] = {
        "entry_id": "Web_last_0", "resource": ResourceId("Web"), "agent_class": "ocf",
        "agent_type": "apache", "task": "start", "call_id": 4, "exec_ms": 20,
    }  # fmt: skip
    entry = HistoryEntry(**{**fields, **changes})  # type: ignore[arg-type]  # a test's short form
    return OperationFinished(
        result=OperationResult(
            operation_id=OperationId("o"), action_id=1, entry=entry, output="line 1\nline 2"
        )
    )


def test_a_plan_is_told_action_by_action_with_its_findings() -> None:
    plan = Plan(
        actions=(START, PlannedAction(id=ActionId(2), kind=ActionKind.PSEUDO, task="load_stopped")),
        findings=(Finding(severity="error", code="no-fence-device", message="none"),),
    )
    lines = [format_note(note) for note in notes_of(PlanComputed(token=1, plan=pack_plan(plan)))]
    assert lines == ["no-fence-device: none", "decided: start Web on n1 (why=starting)"]


def test_a_failure_is_a_warning_with_the_agents_own_words() -> None:
    (note,) = notes_of(result(rc=1, exit_reason="no pid file"))
    assert note.level == "warning"
    assert format_note(note) == (
        "operation-failed: start Web (call=4, rc=1, outcome=done, ms=20, reason=no pid file, "
        "output=line 1 | line 2)"
    )


def test_a_probe_that_finds_nothing_is_no_failure() -> None:
    (note,) = notes_of(result(task="monitor", rc=7, target_rc=7))
    assert (note.level, note.message) == ("info", "probe Web")


def test_a_time_limit_is_a_failure_whatever_the_exit_status() -> None:
    (note,) = notes_of(result(rc=0, outcome=OperationOutcome.TIMED_OUT))
    assert note.code == "operation-failed"


def test_an_operation_that_begins_is_told_with_its_time_limit() -> None:
    operation = Operation(
        operation_id=OperationId("o"), action=START, call_id=9, node=NodeName("n1")
    )
    assert format_note(began_note(operation)) == (
        "operation-began: start Web on n1 (call=9, timeout-ms=20000)"
    )


def test_nothing_is_told_of_events_that_decide_nothing() -> None:
    assert list(notes_of(InboxEmpty())) == []


def test_a_note_is_one_line_with_its_position() -> None:
    note = Note(level="info", code="c", message="a\nb", facts=(("k", "v"),), position=3)
    assert format_note(note) == "c: a | b (k=v, position=3)"
