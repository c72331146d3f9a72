"""Phase: the plan as values: the required and possible actions with what they wait for.

What is only optional, or impossible, is left out, and so are the waits for it. Orders that go in a
circle are cut where the circle closes, and reported. Each action gets all that who carries it out
must know: parameters, time limit, expected result. Where everything will be then is told too.
"""

from paceline.model.identifiers import ActionId, NodeName, ResourceId
from paceline.model.plan import ActionKind, Placement, Plan, PlannedAction
from paceline.scheduler.digests import digest_of, only, without
from paceline.scheduler.failures import find_operation, on_fail_of, operation_meta
from paceline.scheduler.parameters import (
    operation_parameters,
    resource_parameters,
    timeout_ms_of,
)
from paceline.scheduler.spread import describe, is_possible, is_required
from paceline.scheduler.work import (
    ROLE_NAMES,
    Action,
    Kind,
    Node,
    OnFail,
    Resource,
    Role,
    Tie,
    Work,
)

ON_FAIL_NAMES = {
    OnFail.IGNORE: "ignore",
    OnFail.DEMOTE: "demote",
    OnFail.RESTART: "restart",
    OnFail.BAN: "ban",
    OnFail.BLOCK: "block",
    OnFail.STOP: "stop",
    OnFail.STANDBY: "standby",
    OnFail.FENCE: "fence",
    OnFail.RESTART_CONTAINER: "restart-container",
    OnFail.RESET_REMOTE: "fence",
}
_CONDITIONAL = Tie.SAME_NODE | Tie.SAME_NODE_IF_REQUIRED | Tie.SERIALIZE | Tie.IF_FIRST_UNMIGRATABLE


def make_plan(work: Work) -> Plan:
    """Return the plan."""
    chosen = [action for action in work.actions if _is_in_graph(action)]
    for number, action in enumerate(chosen, start=1):
        action.number = number
        action.in_graph = True
    edges = {action.number: _inputs(action) for action in chosen}
    _drop_ties_of_loops(chosen, edges)
    _note_loops(work, {action.number: action for action in chosen}, _break_loops(edges))
    actions = tuple(_planned(work, action, edges[action.number]) for action in chosen)
    return Plan(
        actions=actions,
        placements=final_placements(work, chosen),
        findings=tuple(work.findings),
        recheck_at_ms=work.moment.recheck_ms,
        blocked=work.is_blocked or any(_is_stuck(action) for action in work.actions),
        batch_limit=max(0, work.options.batch_limit),
        migration_limit=work.options.migration_limit,
        stonith_timeout_ms=work.options.fencing_timeout_ms,
    )


def _is_stuck(action: Action) -> bool:
    return not action.is_summary and not action.is_optional and not action.is_runnable


def _is_in_graph(action: Action) -> bool:
    return is_required(action) and is_possible(action)


def _inputs(action: Action) -> list[int]:
    numbers: list[int] = []
    seen: set[int] = set()
    for first, kind in action.after:
        if not first.in_graph or first.number in seen:
            continue
        if kind & _CONDITIONAL and not _applies(first, action, kind):
            continue
        seen.add(first.number)
        numbers.append(first.number)
    return sorted(numbers)


def _applies(first: Action, then: Action, kind: int) -> bool:
    if kind & Tie.SERIALIZE:
        return True
    if kind & Tie.IF_FIRST_UNMIGRATABLE:
        return not first.is_migrating
    return first.node is then.node


def _drop_ties_of_loops(chosen: list[Action], edges: dict[int, list[int]]) -> None:
    """Drop, the last one first, the ties that hold only where they close no loop."""
    for action in reversed(chosen):
        for first, kind in action.after:
            if (
                kind & Tie.IF_NO_LOOP
                and first.in_graph
                and (_waits_for(first.number, action.number, edges))
            ):
                edges[action.number].remove(first.number)


def _waits_for(number: int, other: int, edges: dict[int, list[int]]) -> bool:
    """Say whether a step waits for another, through any number of steps."""
    seen: set[int] = set()
    queue = [number]
    while queue:
        each = queue.pop()
        if each == other:
            return True
        if each not in seen:
            seen.add(each)
            queue.extend(edges[each])
    return False


def _note_loops(work: Work, actions: dict[int, Action], broken: list[tuple[int, int]]) -> None:
    for first, then in broken:
        work.note(
            "warning",
            "order-loop",
            f"The orders go in a circle: {describe(actions[then])} would have to wait for"
            f" {describe(actions[first])}, which waits for it, and does not wait",
        )


def _break_loops(edges: dict[int, list[int]]) -> list[tuple[int, int]]:
    """Take out the ties that close a loop, and return them: a configuration may ask for one."""
    state: dict[int, int] = {}
    broken: list[tuple[int, int]] = []
    for root in edges:
        if state.get(root):
            continue
        stack: list[tuple[int, int]] = [(root, 0)]
        state[root] = 1
        while stack:
            number, index = stack.pop()
            inputs = edges[number]
            while index < len(inputs):
                other = inputs[index]
                mark = state.get(other, 0)
                if mark == 1:
                    broken.append((other, number))
                    del inputs[index]
                    continue
                index += 1
                if mark == 0:
                    stack.append((number, index))
                    stack.append((other, 0))
                    state[other] = 1
                    break
            else:
                state[number] = 2
    return broken


def _planned(work: Work, action: Action, after: list[int]) -> PlannedAction:
    rsc, node = action.resource, action.node
    kind = ActionKind(action.kind)
    is_pseudo = action.is_pseudo
    common = {
        "id": ActionId(action.number),
        "task": action.task,
        "node": NodeName(node.name if node is not None else ""),
        "after": tuple(ActionId(number) for number in after),
        "reason_code": _code(action.reason),
        "facts": action.facts or ((("why", action.reason),) if action.reason else ()),
        "priority": action.priority,
    }
    if is_pseudo or kind is ActionKind.PSEUDO:
        return PlannedAction(
            kind=ActionKind.PSEUDO,
            resource=ResourceId(rsc.id if rsc is not None else ""),
            interval_ms=action.interval_ms,
            **common,  # type: ignore[arg-type]
        )
    if kind is ActionKind.FENCE:
        task, name = action.task, NodeName(node.name if node is not None else "")
        return PlannedAction(
            kind=kind,
            timeout_ms=work.options.fencing_timeout_ms,
            fencing_delay_ms=action.fence_delay_ms,
            downed=() if task == "on" else tuple(map(NodeName, action.downed)) or (name,),
            **common,  # type: ignore[arg-type]
        )
    if kind is ActionKind.CLUSTER or rsc is None:
        return PlannedAction(
            kind=kind,
            resource=ResourceId(rsc.agent_id if rsc is not None else ""),
            downed=(common["node"],) if action.task == "do_shutdown" else (),  # type: ignore[arg-type]
            **common,  # type: ignore[arg-type]
        )
    return _operation(work, action, rsc, node, common)


def _code(reason: str) -> str:
    words = reason.replace(" ", "-")
    return words[:60] if words else "required"


def _operation(
    work: Work, action: Action, rsc: Resource, node: Node | None, common: dict[str, object]
) -> PlannedAction:
    task, interval_ms = action.task, action.interval_ms
    operation = find_operation(rsc, task, interval_ms)
    if operation is None and interval_ms == 0 and task == "monitor":
        operation = None
    meta = operation_meta(work, rsc, operation, task, interval_ms)
    timeout_ms = timeout_ms_of(meta)
    if task == "monitor" and interval_ms == 0 and operation is None:
        timeout_ms = _probe_timeout_ms(work, rsc, timeout_ms)
    parameters = operation_parameters(work, rsc, node, task, interval_ms)
    plain = {n: v for n, v in parameters.items() if not n.startswith("CRM_meta_")}
    on_fail, _ = on_fail_of(work, rsc, task, interval_ms)
    start_delay = _duration(meta.get("start-delay"))
    return PlannedAction(
        kind=ActionKind.RESOURCE,
        resource=ResourceId(rsc.agent_id),
        router=NodeName(_router(action, node)),
        interval_ms=interval_ms,
        timeout_ms=timeout_ms,
        start_delay_ms=start_delay,
        target_rc=action.target_rc or 0,
        agent=rsc.agent,
        parameters=tuple(sorted(plain.items())),
        meta=tuple(sorted(agent_meta(work, action, rsc, node, meta, timeout_ms).items())),
        notify=action.notify,
        cancels=action.cancels,
        migrate_source=NodeName(action.migrate_source.name if action.migrate_source else ""),
        migrate_target=NodeName(action.migrate_target.name if action.migrate_target else ""),
        digest=digest_of(parameters),
        on_fail=ON_FAIL_NAMES[on_fail],
        **common,  # type: ignore[arg-type]
    )


def _probe_timeout_ms(work: Work, rsc: Resource, default_ms: int) -> int:
    """A probe without a definition of its own takes the limit of the most frequent monitor."""
    monitors = [each for each in rsc.operations if each.name == "monitor" and each.interval_ms > 0]
    if not monitors:
        return default_ms
    shortest = min(monitors, key=lambda each: each.interval_ms)
    meta = operation_meta(work, rsc, shortest, "monitor", 0)
    return timeout_ms_of(meta)


def _duration(text: str | None) -> int:
    from paceline.cib.read_attributes import duration_ms_or

    return duration_ms_or(text, 0)


def _router(action: Action, node: Node | None) -> str:
    """Return the member through which an action on a remote node goes."""
    if node is None or not node.is_remote or node.remote_resource is None:
        return ""
    connection = node.remote_resource
    began = connection.running_on[0] if connection.running_on else None
    ended = connection.assigned
    if began is None or ended is None:
        where = began or ended
    elif began is ended:
        where = began
    else:
        is_before_move = action.task in ("stop", "demote", "migrate_to", "cancel")
        where = began if is_before_move else ended
    return str(where.name) if where is not None else ""


def agent_meta(
    work: Work,
    action: Action,
    rsc: Resource,
    node: Node | None,
    meta: dict[str, str],
    timeout_ms: int,
) -> dict[str, str]:
    """Return the CRM_meta_* variables that agents get, without the prefix."""
    values = {
        "name": action.cancels or action.task,
        "timeout": str(timeout_ms),
    }
    if action.interval_ms:
        values["interval"] = str(action.interval_ms)
    if node is not None:
        values["on_node"] = node.name
        values["on_node_uuid"] = node.cib_id
    for name, value in sorted(meta.items()):
        if name not in ("timeout", "interval", "enabled", "start-delay"):
            values.setdefault(name.replace("-", "_"), value)
    clone = rsc.clone
    if clone is not None:
        values["clone"] = str(max(0, rsc.instance_number))
        values["clone_max"] = str(clone.clone_max)
        values["clone_node_max"] = str(clone.clone_node_max)
        values["notify"] = "true" if clone.is_notified else "false"
        values["globally_unique"] = "true" if clone.is_unique else "false"
        if clone.is_promotable:
            values["promoted_max"] = str(clone.promoted_max)
            values["promoted_node_max"] = str(clone.promoted_node_max)
            values["master_max"] = str(clone.promoted_max)
            values["master_node_max"] = str(clone.promoted_node_max)
    if action.target_rc:
        values["op_target_rc"] = str(action.target_rc)
    values.update(action.notify_meta)
    return values


# Where everything will be


def final_placements(work: Work, chosen: list[Action]) -> tuple[Placement, ...]:
    """Return where each primitive is, and in which role, after the plan was carried out."""
    by_resource: dict[str, list[Action]] = {}
    fenced = {
        action.node.name
        for action in chosen
        if action.kind == "fence" and action.task != "on" and action.node is not None
    }
    for action in chosen:
        if action.resource is not None and action.resource.kind is Kind.PRIMITIVE:
            by_resource.setdefault(action.resource.id, []).append(action)
    found: list[Placement] = []
    for rsc in work.primitives():
        roles = {node.name: rsc.role_on.get(node.name, Role.STARTED) for node in rsc.running_on}
        for name in [each for each in roles if each in fenced]:
            del roles[name]
        _apply_actions(rsc, roles, by_resource.get(rsc.id, []))
        for name in sorted(roles):
            found.append(
                Placement(resource=rsc.id, node=NodeName(name), role=ROLE_NAMES[roles[name]])
            )
    return tuple(found)


def _apply_actions(rsc: Resource, roles: dict[NodeName, Role], actions: list[Action]) -> None:
    order = {"demote": 0, "migrate_to": 1, "stop": 2, "start": 4, "migrate_from": 3, "promote": 5}
    for action in sorted(actions, key=lambda each: order.get(each.task, 9)):
        if action.node is None:
            continue
        name = action.node.name
        match action.task:
            case "demote" if name in roles:
                roles[name] = Role.UNPROMOTED
            case "stop":
                roles.pop(name, None)
            case "start" | "migrate_from":
                roles[name] = Role.UNPROMOTED if rsc.is_promotable else Role.STARTED
            case "promote":
                roles[name] = Role.PROMOTED


__all__ = ["describe", "digest_of", "make_plan", "only", "resource_parameters", "without"]
