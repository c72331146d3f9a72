"""Carry a plan out in a made-up world where everything works, and return the status afterwards."""

from msgspec.structs import replace

from paceline.model.identifiers import NodeName
from paceline.model.plan import ActionKind, Plan, PlannedAction
from paceline.model.snapshot import Snapshot
from paceline.model.status import HistoryEntry, NodeStatus

_TASKS = ("start", "stop", "promote", "demote", "monitor", "migrate_to", "migrate_from")


def carry_out(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """Return the snapshot after every action of the plan was done as planned."""
    nodes = {node.name: node for node in snapshot.status.nodes}
    for action in _in_order(plan):
        if action.kind is ActionKind.PSEUDO:
            continue
        node = nodes.get(action.node, NodeStatus(name=action.node))
        match action.kind:
            case ActionKind.FENCE:
                nodes[action.node] = _fenced(node, action.task)
            case ActionKind.CLUSTER:
                nodes[action.node] = _cluster_action(node, action)
            case _:
                nodes[action.node] = _record(node, action)
    status = replace(snapshot.status, nodes=tuple(nodes[name] for name in sorted(nodes)))
    return replace(snapshot, status=status)


def _in_order(plan: Plan) -> list[PlannedAction]:
    done: set[int] = set()
    waiting = list(plan.actions)
    order = []
    while waiting:
        ready = [action for action in waiting if all(each in done for each in action.after)]
        assert ready, "the plan has a loop"
        order.extend(ready)
        done.update(action.id for action in ready)
        waiting = [action for action in waiting if action.id not in done]
    return order


def _fenced(node: NodeStatus, task: str) -> NodeStatus:
    if task == "on":
        kept = (pair for pair in node.attributes if not pair[0].startswith("#"))
        return replace(node, attributes=(*kept, ("#node-unfenced", "1")))
    return replace(
        node, is_member=False, is_online=False, is_expected=False, is_unclean=False, is_seen=True,
        is_pending=False, is_fenced=True, history=(), attributes=(),
    )  # fmt: skip


def _cluster_action(node: NodeStatus, action: PlannedAction) -> NodeStatus:
    match action.task:
        case "clear_failcount":
            marks = (f"fail-count-{action.resource}#", f"last-failure-{action.resource}#")
            kept = tuple(pair for pair in node.attributes if not pair[0].startswith(marks))
            name = f"{action.resource}_last_failure_0"
            rows = tuple(each for each in node.history if each.entry_id != name)
            return replace(node, attributes=kept, history=rows)
        case "lrm_delete":
            rows = tuple(each for each in node.history if each.resource != action.resource)
            return replace(node, history=rows)
        case "do_shutdown":
            return replace(node, is_member=False, is_online=False, is_expected=False, attributes=())
    raise AssertionError(f"the world does not know {action.task}")


def _reloaded(history: list[HistoryEntry], action: PlannedAction) -> tuple[HistoryEntry, ...]:
    return tuple(
        replace(each, digest=action.digest, restart_digest="")
        if each.resource == action.resource and each.task == "start"
        else each
        for each in history
    )


def _record(node: NodeStatus, action: PlannedAction) -> NodeStatus:
    history = list(node.history)
    if action.task == "delete":
        kept = tuple(each for each in history if each.resource != action.resource)
        return replace(node, history=kept)
    if action.task == "cancel":
        kept = tuple(
            each
            for each in history
            if (each.resource, each.task, each.interval_ms)
            != (action.resource, action.cancels, action.interval_ms)
        )
        return replace(node, history=kept)
    if action.task == "reload-agent":
        return replace(node, history=_reloaded(history, action))
    if action.task not in _TASKS or action.agent is None:
        return node
    row = (
        f"{action.resource}_monitor_{action.interval_ms}"
        if action.interval_ms
        else (f"{action.resource}_last_0")
    )
    if action.task == "stop":
        history = [each for each in history if each.resource != action.resource]
    history = [
        each for each in history if not (each.resource == action.resource and each.entry_id == row)
    ]
    history.append(
        HistoryEntry(
            entry_id=row,
            resource=action.resource,
            agent_class=action.agent.agent_class,
            provider=action.agent.provider,
            agent_type=action.agent.agent_type,
            task=action.task,
            interval_ms=action.interval_ms,
            call_id=1 + max((each.call_id for each in node.history), default=0),
            rc=action.target_rc,
            target_rc=action.target_rc,
            last_rc_change_ms=1_798_761_600_000,
            digest=action.digest,
            migrate_source=action.migrate_source,
            migrate_target=action.migrate_target,
            position=1,
        )
    )
    return replace(node, name=NodeName(node.name), history=tuple(history))
