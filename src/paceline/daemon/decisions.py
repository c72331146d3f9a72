"""What the log says of decisions and of agents: a line per planned action, run and result."""

from collections.abc import Iterator

from paceline.model.operation import FenceOperation, FenceResult, Operation, OperationResult
from paceline.model.plan import ActionKind, PlannedAction
from paceline.model.status import OperationOutcome
from paceline.replica.effects import Note
from paceline.replica.events import Event, FenceFinished, OperationFinished, PlanComputed
from paceline.replica.packed_plans import PackedPlan, actions_of

OUTPUT_CHARACTERS_MAX = 400
"""How much of an agent's words goes into one line."""


def notes_of(event: Event) -> Iterator[Note]:
    """Yield what the log should say of an event."""
    match event:
        case PlanComputed() if event.plan is not None:
            yield from _plan_notes(event.plan)
        case OperationFinished():
            yield _result_note(event.result)
        case FenceFinished():
            yield _fence_note(event.result)
        case _:
            return


def _plan_notes(plan: PackedPlan) -> Iterator[Note]:
    for finding in plan.head.findings:
        facts = tuple(
            (name, value)
            for name, value in (("resource", finding.resource), ("node", finding.node))
            if value
        )
        yield Note(level=finding.severity, code=finding.code, message=finding.message, facts=facts)
    for action in actions_of(plan):
        if action.kind is not ActionKind.PSEUDO:
            yield Note(
                level="info", code="decided", message=_action_text(action), facts=_why(action)
            )


def _action_text(action: PlannedAction) -> str:
    if action.kind is ActionKind.FENCE:
        return f"fence {action.node} ({action.task})"
    what = f"{action.task} {action.resource}".strip()
    if action.interval_ms:
        what += f" every {action.interval_ms} ms"
    elif action.task == "monitor":
        what = f"probe {action.resource}"
    return f"{what} on {action.node}"


def _why(action: PlannedAction) -> tuple[tuple[str, str], ...]:
    if any(name == "why" for name, _ in action.facts) or not action.reason_code:
        return action.facts
    return (("why", action.reason_code), *action.facts)


def began_note(operation: Operation) -> Note:
    """Return the line for an operation that this node begins."""
    action = operation.action
    return Note(
        level="debug" if action.interval_ms or action.task == "monitor" else "info",
        code="operation-began",
        message=_action_text(action),
        facts=(("call", str(operation.call_id)), ("timeout-ms", str(action.timeout_ms))),
    )


def fence_note(operation: FenceOperation) -> Note:
    """Return the line for a fence agent that this node begins."""
    return Note(
        level="notice",
        code="fence-agent-began",
        message=f"{operation.device}: {operation.task} {operation.target}",
        facts=(("operation", operation.operation_id), ("timeout-ms", str(operation.timeout_ms))),
    )


def _result_note(result: OperationResult) -> Note:
    entry = result.entry
    is_expected = entry.outcome is OperationOutcome.DONE and entry.rc == entry.target_rc
    is_probe = entry.task == "monitor" and not entry.interval_ms
    facts = [
        ("call", str(entry.call_id)), ("rc", str(entry.rc)), ("outcome", entry.outcome.value),
        ("ms", str(entry.exec_ms)),
    ]  # fmt: skip
    if not is_expected and entry.exit_reason:
        facts.append(("reason", entry.exit_reason))
    if result.diagnosis:
        facts.append(("diagnosis", result.diagnosis))
    if not is_expected and result.output:
        facts.append(("output", result.output[-OUTPUT_CHARACTERS_MAX:].strip()))
    level = "info" if is_expected or is_probe else "warning"
    interval = f" every {entry.interval_ms} ms" if entry.interval_ms else ""
    word = "probe" if is_probe else entry.task
    return Note(
        level=level,
        code="operation-ended" if is_expected or is_probe else "operation-failed",
        message=f"{word} {entry.resource}{interval}",
        facts=tuple(facts),
    )


def _fence_note(result: FenceResult) -> Note:
    is_done = result.outcome is OperationOutcome.DONE and result.rc == 0
    facts = [("rc", str(result.rc)), ("outcome", result.outcome.value)]
    if result.exit_reason:
        facts.append(("reason", result.exit_reason))
    if not is_done and result.output:
        facts.append(("output", result.output[-OUTPUT_CHARACTERS_MAX:].strip()))
    return Note(
        level="notice" if is_done else "warning",
        code="fence-agent-ended",
        message="done" if is_done else "failed",
        facts=(("operation", result.operation_id), *facts),
    )
