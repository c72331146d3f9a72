"""What an operation's result becomes: history rows and fail counts, by Pacemaker's habits.

The member that ran the operation decides this and sends it, so that `apply` needs no meaning of
its own (DESIGN 2). Row names: `R_last_0` for the last one-time operation, `R_monitor_10000` for a
recurring one, `R_last_failure_0` for a failure, and migrations apart.
"""

import msgspec

from paceline.model.operation import OperationResult
from paceline.model.plan import PlannedAction
from paceline.model.scores import INFINITY, format_score, parse_score
from paceline.model.status import HistoryEntry, OperationOutcome
from paceline.replica.entries import FailureCount, Flight, Reported
from paceline.replica.planning import MIGRATIONS

RC_OK, RC_NOT_RUNNING, RC_PROMOTED = 0, 7, 8
RC_DEGRADED, RC_DEGRADED_PROMOTED = 190, 191
_SAME_AS = {RC_DEGRADED: RC_OK, RC_DEGRADED_PROMOTED: RC_PROMOTED}
"""A degraded service runs: the agent only says that it is not at its best."""
RC_ANY = -1
MONITORS = ("monitor", "status")


def operation_key(resource: str, task: str, interval_ms: int) -> str:
    """Return Pacemaker's name of an operation: `R_monitor_10000`."""
    return f"{resource}_{task}_{interval_ms}"


def is_probe(action: PlannedAction) -> bool:
    """Say whether this only looks whether the resource runs."""
    return action.task in MONITORS and action.interval_ms == 0


def is_expected(action: PlannedAction, outcome: OperationOutcome, rc: int) -> bool:
    """Say whether the result is what the plan counted on."""
    if outcome is not OperationOutcome.DONE:
        return False
    return action.target_rc == RC_ANY or _SAME_AS.get(rc, rc) == action.target_rc


def is_failure(action: PlannedAction, outcome: OperationOutcome, rc: int) -> bool:
    """Say whether it failed; a probe that finds the resource active did not."""
    if is_expected(action, outcome, rc) or action.task == "notify":
        return False
    found = outcome is OperationOutcome.DONE and _SAME_AS.get(rc, rc) in (RC_OK, RC_PROMOTED)
    return not (is_probe(action) and found)


def report_result(
    flight: Flight,
    result: OperationResult,
    *,
    is_settling: bool,
    is_start_failure_fatal: bool,
    recurring: tuple[str, ...],
) -> Reported:
    """Return what to tell the others of a result.

    `is_settling` is false for a later run of a recurring operation. `recurring` are the entry ids
    of the resource's recurring rows on the node, which a stop makes void.
    """
    action = flight.action
    ref = flight.ref if is_settling else ""
    if not result.was_begun:
        return Reported(node=action.node, ref=ref, is_expected=False, was_begun=False)
    entry = result.entry
    if entry.outcome is OperationOutcome.CANCELLED:
        return Reported(node=action.node, ref=ref, is_expected=False)
    expected = is_expected(action, entry.outcome, entry.rc)
    has_failed = is_failure(action, entry.outcome, entry.rc)
    row = _row(flight, entry)
    is_stop = action.task == "stop" and expected
    return Reported(
        node=action.node,
        ref=ref,
        rows=_rows(action, row, has_failed),
        forgets=tuple((action.resource, entry_id) for entry_id in recurring) if is_stop else (),
        failure=_count(action, entry, is_start_failure_fatal) if has_failed else None,
        is_expected=expected or action.task == "notify",
    )


def report_cancelled(flight: Flight) -> Reported:
    """Return the result of ending a recurring operation: its row goes."""
    action = flight.action
    entry_id = operation_key(action.resource, action.cancels or "monitor", action.interval_ms)
    return Reported(node=action.node, ref=flight.ref, forgets=((action.resource, entry_id),))


def report_dropped(flight: Flight) -> Reported:
    """Return the result of an action that was not begun."""
    return Reported(node=flight.action.node, ref=flight.ref, is_expected=False, was_begun=False)


def pending_row(flight: Flight) -> HistoryEntry | None:
    """Return the row that shows an action in flight; None where it is no agent's operation.

    Probes are shown by their absence: nothing is known of the resource there.
    """
    action = flight.action
    if action.agent is None or action.cancels or is_probe(action) or action.task == "notify":
        return None
    return HistoryEntry(
        entry_id=_entry_id(action),
        resource=action.resource,
        agent_class=action.agent.agent_class,
        provider=action.agent.provider,
        agent_type=action.agent.agent_type,
        task=action.task,
        interval_ms=action.interval_ms,
        call_id=-1,
        outcome=OperationOutcome.PENDING,
        rc=193,
        target_rc=action.target_rc,
        digest=action.digest,
        restart_digest=action.restart_digest,
        restart_parameters=action.restart_parameters,
        secure_digest=action.secure_digest,
        secure_parameters=action.secure_parameters,
        migrate_source=action.migrate_source,
        migrate_target=action.migrate_target,
        transition_key=transition_key(flight),
        position=flight.position,
    )


def transition_key(flight: Flight) -> str:
    """Return Pacemaker's `ACTION:PLAN:TARGET_RC:UUID` for the history."""
    view, number, action = (*flight.ref.split("/"), "0", "0")[:3]
    code = (view + "0" * 32)[:32]
    uuid = f"{code[:8]}-{code[8:12]}-{code[12:16]}-{code[16:20]}-{code[20:]}"
    return f"{action}:{number}:{flight.action.target_rc}:{uuid}"


def counted(value: str | None, change: str) -> str:
    """Return a counter's next value: `++` and `+=N` add to the number that is there.

    Anything else is the new value. INFINITY stays, and what is no number counts as 0.
    """
    if change == "++":
        step = 1
    elif change.startswith("+=") and change[2:].strip().lstrip("-").isdigit():
        step = int(change[2:])
    else:
        return change
    try:
        now = parse_score(value) if value else 0
    except ValueError:
        now = 0
    return format_score(INFINITY if now >= INFINITY else min(INFINITY, now + step))


def _entry_id(action: PlannedAction) -> str:
    if action.interval_ms > 0:
        return operation_key(action.resource, action.task, action.interval_ms)
    if action.task in MIGRATIONS:
        return operation_key(action.resource, action.task, 0)
    return f"{action.resource}_last_0"


def _row(flight: Flight, entry: HistoryEntry) -> HistoryEntry:
    action = flight.action
    return msgspec.structs.replace(
        entry,
        entry_id=_entry_id(action),
        resource=action.resource,
        task=action.task,
        interval_ms=action.interval_ms,
        target_rc=action.target_rc,
        digest=action.digest,
        restart_digest=action.restart_digest,
        restart_parameters=action.restart_parameters,
        secure_digest=action.secure_digest,
        secure_parameters=action.secure_parameters,
        migrate_source=action.migrate_source,
        migrate_target=action.migrate_target,
        transition_key=transition_key(flight),
    )


def _rows(action: PlannedAction, row: HistoryEntry, has_failed: bool) -> tuple[HistoryEntry, ...]:
    if action.task == "notify":
        return ()
    if not has_failed:
        return (row,)
    failure = msgspec.structs.replace(
        row,
        entry_id=f"{action.resource}_last_failure_0",
        operation_key=operation_key(action.resource, action.task, action.interval_ms),
    )
    return (failure,) if action.interval_ms > 0 else (failure, row)


def _count(action: PlannedAction, entry: HistoryEntry, is_fatal: bool) -> FailureCount | None:
    """Return the fail count that a failure calls for; probes count none."""
    if is_probe(action):
        return None
    name = f"{action.resource}#{action.task}_{action.interval_ms}"
    is_infinite = action.task == "stop" or (action.task == "start" and is_fatal)
    ended_ms = entry.last_rc_change_ms + entry.exec_ms
    return FailureCount(
        name=f"fail-count-{name}",
        last_name=f"last-failure-{name}",
        value="INFINITY" if is_infinite else "++",
        last_value=str(ended_ms // 1000),
    )
