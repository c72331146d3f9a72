"""Making actions, and the ties between them.

An action is made optional; later phases require it where something needs it (`spread`). Whether it
is possible at all is judged when it is made: the node must be able to do it, starts need quorum.
"""

from paceline.scheduler.work import Action, Kind, Node, Resource, Role, Tie, Work

DONE_TASK = {
    "start": "running",
    "stop": "stopped",
    "promote": "promoted",
    "demote": "demoted",
}
"""The helper step of a collective that says that all its parts have done it."""

INVERSE = {"start": "stop", "stop": "start", "promote": "demote", "demote": "promote"}


def get_action(
    work: Work, rsc: Resource, task: str, node: Node | None, interval_ms: int = 0
) -> Action:
    """Return the action of a resource on a node, made now if there is none yet."""
    key = (task, interval_ms, node.name if node is not None else "")
    found = rsc.action_index.get(key)
    if found is not None:
        return found
    action = Action(task, rsc, node, interval_ms, "resource")
    rsc.action_index[key] = action
    rsc.actions.append(action)
    work.actions.append(action)
    if rsc.kind is not Kind.PRIMITIVE:
        action.is_pseudo = True
        action.kind = "pseudo"
    else:
        _judge(work, action, rsc, node)
    return action


def _judge(work: Work, action: Action, rsc: Resource, node: Node | None) -> None:
    """Set whether the action is possible: its node must be able to do it."""
    task = action.task
    if node is None:
        action.block("no-node")
        return
    if node.is_remote and not node.is_guest:
        connection = node.remote_resource
        if not node.is_online and (connection is None or connection.next_role is Role.STOPPED):
            action.block("node-offline")
    elif not node.is_online and not (node.is_guest and _guest_will_run(node)):
        action.block("node-offline")
    if node.is_pending:
        action.block("node-pending")
    # A guest comes back with its container; until then nothing in it can be stopped.
    is_kept = node.is_guest and task not in ("stop", "demote")
    if node.is_unclean and not is_kept and action.is_runnable:
        action.block("node-unclean")
    if task in ("start", "promote") and rsc.requires != "nothing":
        _judge_quorum(work, action, rsc)
    if rsc.blocked and task in ("stop", "demote") and not rsc.is_managed:
        action.block("blocked")


def _guest_will_run(node: Node) -> bool:
    connection = node.remote_resource
    return connection is not None and connection.next_role > Role.STOPPED


def _judge_quorum(work: Work, action: Action, rsc: Resource) -> None:
    if work.has_quorum:
        return
    match work.options.no_quorum_policy:
        case "stop" | "fence":
            action.block("no-quorum")
        case "demote":
            is_staying = rsc.is_promotable and rsc.role > Role.STOPPED
            if action.task == "promote" or not is_staying:
                action.block("no-quorum")
        case "freeze":
            top = rsc.top
            if not top.is_active() or rsc.next_role > rsc.role:
                action.block("quorum-freeze")


def pseudo(work: Work, task: str, *, runnable: bool = True) -> Action:
    """Return a new helper step that belongs to no resource."""
    action = Action(task, None, None, 0, "pseudo")
    action.is_pseudo = True
    action.is_runnable = runnable
    work.actions.append(action)
    return action


def cluster_action(work: Work, task: str, node: Node, rsc: Resource | None = None) -> Action:
    """Return a required action of the cluster itself: do_shutdown, clear_failcount, lrm_delete."""
    if rsc is not None:
        found = rsc.find_action(task, node)
        if found is not None:
            return found
    action = Action(task, rsc, node, 0, "cluster")
    action.is_optional = False
    action.reason = task
    if not node.is_online and not node.is_remote:
        action.block("node-offline")
    if rsc is not None:
        rsc.action_index[(task, 0, node.name)] = action
        rsc.actions.append(action)
    work.actions.append(action)
    return action


def tie(first: Action, then: Action, kind: int) -> None:
    """Order two actions; an action is never tied to itself, and equal ties are merged."""
    if first is then:
        return
    for index, (other, known) in enumerate(first.before):
        if other is then:
            if known & kind != kind and not _is_conditional(known | kind):
                first.before[index] = (then, known | kind)
                for place, (back, old) in enumerate(then.after):
                    if back is first and old == known:
                        then.after[place] = (first, known | kind)
                        break
                return
            if known == kind:
                return
    first.before.append((then, kind))
    then.after.append((first, kind))


def _is_conditional(kind: int) -> bool:
    return bool(
        kind
        & (
            Tie.SAME_NODE
            | Tie.SAME_NODE_IF_REQUIRED
            | Tie.IF_NO_LOOP
            | Tie.SERIALIZE
            | Tie.MIN_RUNNABLE
            | Tie.ASYMMETRIC
            | Tie.IF_FIRST_UNMIGRATABLE
            | Tie.PROBE
        )
    )
