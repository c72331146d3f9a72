"""From how an agent ended to the row for the node's history."""

import msgspec

from paceline.adapters.executor.lsb import ocf_status
from paceline.adapters.executor.ocf import EXIT_REASON_CHARACTERS_MAX, find_exit_reason
from paceline.adapters.executor.processes import Ended
from paceline.model.durations import format_duration
from paceline.model.operation import Operation, OperationResult
from paceline.model.status import HistoryEntry, OperationOutcome

GENERIC_ERROR = 1
NOT_INSTALLED = 5
LOG_CHARACTERS_MAX = 8192
"""How much of an output goes to the log with a result."""
_OWN_ROW_TASKS = frozenset({"migrate_to", "migrate_from"})
"""One-time operations that keep a row of their own beside `RSC_last_0`."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one run, whatever ran it."""

    outcome: OperationOutcome
    rc: int
    exit_reason: str = ""
    output: str = ""
    exec_ms: int = 0
    diagnosis: str = ""


def answer_of_process(ended: Ended, *, task: str, timeout_ms: int, is_lsb: bool) -> Answer:
    """Return the answer that the end of an agent's process gives."""
    output = ended.output.decode(errors="replace")
    outcome, rc = OperationOutcome.DONE, ended.status
    reason = find_exit_reason(output)
    if not ended.is_gone:
        outcome, rc = OperationOutcome.UNKNOWN, GENERIC_ERROR
        reason = f"still there after its time limit ({format_duration(timeout_ms)}) and SIGKILL"
    elif ended.has_timed_out:
        outcome, rc = OperationOutcome.TIMED_OUT, GENERIC_ERROR
        reason = reason or f"no answer within {format_duration(timeout_ms)}"
    elif ended.signal:
        outcome, rc = OperationOutcome.ERROR, GENERIC_ERROR
        reason = reason or f"the agent was ended by signal {ended.signal}"
    elif is_lsb:
        rc = ocf_status(task, ended.status)
    return Answer(
        outcome=outcome,
        rc=rc,
        exit_reason=reason,
        output=output,
        exec_ms=ended.exec_ms,
        diagnosis=ended.diagnosis,
    )


def answer_of_fence_agent(ended: Ended, *, timeout_ms: int) -> Answer:
    """Return a fence agent's answer; its last words are its reason."""
    answer = answer_of_process(ended, task="", timeout_ms=timeout_ms, is_lsb=False)
    if answer.outcome is not OperationOutcome.DONE or answer.rc == 0:
        return answer
    words = [line.strip() for line in answer.output.splitlines() if line.strip()]
    reason = words[-1][:EXIT_REASON_CHARACTERS_MAX] if words else ""
    return msgspec.structs.replace(answer, exit_reason=answer.exit_reason or reason)


def not_installed(what: str) -> Answer:
    """Return the answer for an agent that is not there."""
    return Answer(
        outcome=OperationOutcome.NOT_INSTALLED,
        rc=NOT_INSTALLED,
        exit_reason=f"{what} is not installed on this node",
    )


def not_runnable_here(why: str) -> Answer:
    """Return the answer where this node lacks what the agent needs: others may have it."""
    return Answer(
        outcome=OperationOutcome.NOT_INSTALLED,
        rc=NOT_INSTALLED,
        exit_reason=why[:EXIT_REASON_CHARACTERS_MAX],
    )


def not_run(why: str) -> Answer:
    """Return the answer for an agent that could not be run."""
    return Answer(
        outcome=OperationOutcome.ERROR,
        rc=GENERIC_ERROR,
        exit_reason=why[:EXIT_REASON_CHARACTERS_MAX],
    )


def operation_result(
    operation: Operation,
    answer: Answer,
    *,
    last_run_ms: int,
    last_rc_change_ms: int,
    queue_ms: int,
) -> OperationResult:
    """Return the result with its history row; times in ms since 1970."""
    action, agent = operation.action, operation.action.agent
    entry = HistoryEntry(
        entry_id=entry_id(action.resource, action.task, action.interval_ms),
        resource=action.resource,
        agent_class=agent.agent_class if agent else "",
        provider=agent.provider if agent else "",
        agent_type=agent.agent_type if agent else "",
        task=action.task,
        interval_ms=action.interval_ms,
        call_id=operation.call_id,
        outcome=answer.outcome,
        rc=answer.rc,
        target_rc=action.target_rc,
        exit_reason=answer.exit_reason,
        last_run_ms=last_run_ms,
        last_rc_change_ms=last_rc_change_ms,
        exec_ms=answer.exec_ms,
        queue_ms=queue_ms,
        digest=action.digest,
        restart_digest=action.restart_digest,
        restart_parameters=action.restart_parameters,
        secure_digest=action.secure_digest,
        secure_parameters=action.secure_parameters,
        migrate_source=action.migrate_source,
        migrate_target=action.migrate_target,
    )
    return OperationResult(
        operation_id=operation.operation_id,
        action_id=action.id,
        entry=entry,
        diagnosis=answer.diagnosis,
        output=answer.output[-LOG_CHARACTERS_MAX:],
    )


def entry_id(resource: str, task: str, interval_ms: int) -> str:
    """Return the row's id: recurring operations and migrations have their own, others share."""
    if interval_ms or task in _OWN_ROW_TASKS:
        return f"{resource}_{task}_{interval_ms}"
    return f"{resource}_last_0"
