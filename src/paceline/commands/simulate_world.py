"""Carry a plan out in a made-up world, where everything works but what is told to fail."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from paceline.commands.simulate_events import (
    OperationResult,
    change_node,
    count_failure,
    is_fatal,
    with_entry,
)
from paceline.model.plan import ActionKind, Plan, PlannedAction
from paceline.model.snapshot import Snapshot
from paceline.model.status import HistoryEntry, NodeStatus

_RECORDED = ("start", "stop", "promote", "demote", "monitor", "migrate_to", "migrate_from")


class Step(Struct, frozen=True, kw_only=True):
    """One action that was carried out. `lines` say more about a failed one."""

    action: PlannedAction
    lines: tuple[str, ...] = ()


class World(Struct, frozen=True, kw_only=True):
    """What became of the cluster, and the steps in their order."""

    snapshot: Snapshot
    steps: tuple[Step, ...]


def carry_out(snapshot: Snapshot, plan: Plan, failing: Sequence[OperationResult] = ()) -> World:
    """Return the world after the plan; what waits for a failed action is never begun."""
    steps: list[Step] = []
    done: set[int] = set()
    waiting = list(plan.actions)
    while True:
        ready = [each for each in waiting if all(number in done for number in each.after)]
        if not ready:
            return World(snapshot=snapshot, steps=tuple(steps))
        begun = {each.id for each in ready}
        waiting = [each for each in waiting if each.id not in begun]
        for action in ready:
            failure = _failure_of(action, failing)
            if failure is None:
                snapshot = _succeed(snapshot, action)
                steps.append(Step(action=action))
                done.add(action.id)
            else:
                snapshot, lines = _fail(snapshot, action, failure)
                steps.append(Step(action=action, lines=lines))


def _failure_of(
    action: PlannedAction, failing: Sequence[OperationResult]
) -> OperationResult | None:
    if action.kind is not ActionKind.RESOURCE:
        return None
    plain = action.resource.partition(":")[0]
    for each in failing:
        is_same = (each.task, each.interval_ms, each.node) == (
            action.task, action.interval_ms, action.node,
        )  # fmt: skip
        if is_same and each.resource in (action.resource, plain):
            return each
        if is_same and each.resource.partition(":")[0] == action.resource:
            return each
    return None


def _fail(
    snapshot: Snapshot, action: PlannedAction, failure: OperationResult
) -> tuple[Snapshot, tuple[str, ...]]:
    lines = [f"Pretending action {action.id} failed with rc={failure.rc}"]

    def change(node: NodeStatus) -> NodeStatus:
        entry = _entry(node, action, snapshot.status.now_ms, rc=failure.rc)
        node = replace(node, history=with_entry(node.history, entry))
        node, more = count_failure(
            node,
            action.resource.partition(":")[0],
            failure,
            snapshot.status.now_ms,
            is_fatal=is_fatal(snapshot.configuration, failure.task),
        )
        lines.extend(f"  * {line}" for line in more)
        return node

    return change_node(snapshot, action.node, change), tuple(lines)


def _succeed(snapshot: Snapshot, action: PlannedAction) -> Snapshot:
    match action.kind:
        case ActionKind.PSEUDO:
            return snapshot
        case ActionKind.FENCE:
            return change_node(snapshot, action.node, lambda node: _fenced(node, action.task))
        case ActionKind.CLUSTER:
            return _cluster_action(snapshot, action)
        case ActionKind.RESOURCE:
            now_ms = snapshot.status.now_ms
            return change_node(snapshot, action.node, lambda node: _recorded(node, action, now_ms))


def _fenced(node: NodeStatus, task: str) -> NodeStatus:
    if task == "on":
        return node
    return replace(
        node, is_member=False, is_online=False, is_expected=False, is_unclean=False, is_seen=True,
        is_pending=False, is_fenced=True, history=(), attributes=(),
    )  # fmt: skip


def _cluster_action(snapshot: Snapshot, action: PlannedAction) -> Snapshot:
    plain = action.resource.partition(":")[0]

    def change(node: NodeStatus) -> NodeStatus:
        if action.task == "lrm_delete":
            kept = tuple(each for each in node.history if each.resource != action.resource)
            return replace(node, history=kept)
        starts = (f"fail-count-{plain}#", f"last-failure-{plain}#")
        kept_attributes = tuple(pair for pair in node.attributes if not pair[0].startswith(starts))
        return replace(node, attributes=kept_attributes)

    if action.task not in ("lrm_delete", "clear_failcount"):
        return snapshot
    return change_node(snapshot, action.node, change)


def _recorded(node: NodeStatus, action: PlannedAction, now_ms: int) -> NodeStatus:
    history = node.history
    mine = [each for each in history if each.resource == action.resource]
    match action.task:
        case "delete":
            return replace(node, history=tuple(each for each in history if each not in mine))
        case "cancel":
            gone = {
                each.entry_id
                for each in mine
                if (each.task, each.interval_ms) == (action.cancels, action.interval_ms)
            }
            kept = [each for each in history if each not in mine or each.entry_id not in gone]
            return replace(node, history=tuple(kept))
        case "stop":
            # A stopped resource has no recurring monitors and no failure that still counts.
            history = tuple(each for each in history if each not in mine)
    if action.task not in _RECORDED or action.agent is None:
        return node
    entry = _entry(node, action, now_ms, rc=action.target_rc)
    return replace(node, history=with_entry(history, entry))


def _entry(node: NodeStatus, action: PlannedAction, now_ms: int, *, rc: int) -> HistoryEntry:
    name = action.resource
    row = f"{name}_monitor_{action.interval_ms}" if action.interval_ms else f"{name}_last_0"
    if rc != action.target_rc:
        row = f"{name}_last_failure_0"
    agent = action.agent
    return HistoryEntry(
        entry_id=row,
        resource=name,
        agent_class=agent.agent_class if agent else "",
        provider=agent.provider if agent else "",
        agent_type=agent.agent_type if agent else "",
        task=action.task,
        interval_ms=action.interval_ms,
        call_id=1 + max((each.call_id for each in node.history), default=0),
        rc=rc,
        target_rc=action.target_rc,
        last_rc_change_ms=now_ms,
        last_run_ms=now_ms,
        digest=action.digest,
        restart_digest=action.restart_digest,
        restart_parameters=action.restart_parameters,
        secure_digest=action.secure_digest,
        secure_parameters=action.secure_parameters,
        migrate_source=str(action.migrate_source),
        migrate_target=str(action.migrate_target),
    )
