"""Phase: clones with notify=true tell their instances before and after what happens to others.

For each of stop, demote, start and promote that happens in the clone:

    pre_notify -> notify the active instances -> confirmed-pre_notify -> the task's helper step
    the task's done step -> post_notify -> notify those active then -> confirmed-post_notify

Recurring monitors of instances wait for the confirmation of the start and the promotion.
"""

from paceline.scheduler.actions import DONE_TASK, tie
from paceline.scheduler.spread import is_possible, is_required, leaves
from paceline.scheduler.work import Action, Kind, Node, Resource, Role, Tie, Work

TASKS = ("demote", "stop", "start", "promote")


def make_notifications(work: Work) -> None:
    """Create the notifications of every clone that wants them."""
    for top in work.resources:
        for rsc in top.walk():
            if rsc.kind is Kind.CLONE and rsc.is_notified:
                _notify_clone(work, rsc)


def _notify_clone(work: Work, clone: Resource) -> None:
    happening = {
        task: [
            leaf
            for begin in [clone.find_action(task)]
            if begin is not None
            for leaf in leaves(begin)
            if is_required(leaf) and is_possible(leaf)
        ]
        for task in TASKS
    }
    if not any(happening.values()):
        return
    tasks = [task for task in TASKS if _is_planned(clone, task)]
    environment = _environment(clone, happening)
    confirmed: list[Action] = []
    for task in tasks:
        begin, done = clone.find_action(task), clone.find_action(DONE_TASK[task])
        if begin is None or done is None:
            continue
        pre, pre_done = _points(work, clone, "pre", task, task)
        tie(pre_done, begin, Tie.ORDER)
        post, post_done = _points(work, clone, "post", task, DONE_TASK[task])
        for then, kind in list(done.before):
            if then is not post and then.resource is not clone and kind & Tie.ORDER:
                tie(post_done, then, Tie.ORDER)
        tie(done, post, Tie.ORDER)
        for earlier in confirmed:
            tie(earlier, pre, Tie.ORDER)
        confirmed.append(post_done)
        # Where nobody can do it in the end the steps are passed through, and nobody is told.
        for rsc in clone.primitives() if happening[task] else ():
            _pre(work, rsc, task, pre, pre_done, environment)
            _post(work, rsc, task, post, post_done, environment, happening)
            _before_monitors(rsc, task, post_done)


def _is_planned(clone: Resource, task: str) -> bool:
    """Say whether the clone's own step is part of the plan."""
    begin = clone.find_action(task)
    return begin is not None and is_required(begin) and is_possible(begin)


def _points(work: Work, clone: Resource, kind: str, task: str, name: str) -> tuple[Action, Action]:
    found = []
    for prefix in ("", "confirmed-"):
        action = Action(f"{prefix}{kind}_notify_{name}", clone, None, 0, "pseudo")
        action.is_pseudo = True
        action.require("notify")
        work.actions.append(action)
        clone.actions.append(action)
        found.append(action)
    tie(found[0], found[1], Tie.ORDER)
    return found[0], found[1]


def _pre(
    work: Work,
    rsc: Resource,
    task: str,
    before: Action,
    after: Action,
    environment: dict[str, str],
) -> None:
    """Before the task everybody who is active now is told."""
    if task == "promote":
        up = rsc.assigned
        start = rsc.find_action("start", up) if up is not None else None
        if (up is not None and rsc.next_role > Role.STOPPED and _will_be_up(up)) and (
            start is None or start.is_optional or start.is_runnable
        ):
            _notify(work, rsc, up, "pre", task, before, after, environment)
        return
    if rsc.role <= Role.STOPPED:
        return
    for node in rsc.running_on:
        stop = rsc.find_action("stop", node)
        if task == "start" and stop is not None and not stop.is_optional:
            # By then it is down.
            continue
        if node.is_online and not node.is_unclean and not node.is_pending:
            _notify(work, rsc, node, "pre", task, before, after, environment)


def _post(
    work: Work,
    rsc: Resource,
    task: str,
    before: Action,
    after: Action,
    environment: dict[str, str],
    happening: dict[str, list[Action]],
) -> None:
    """After the task everybody who is active then is told."""
    if task == "demote":
        for here in rsc.running_on:
            if here.is_online and not here.is_unclean and not here.is_pending:
                _notify(work, rsc, here, "post", task, before, after, environment)
        return
    node = rsc.assigned
    if node is None or rsc.next_role <= Role.STOPPED:
        return
    if not _will_be_up(node) or node.is_pending:
        return
    start = rsc.find_action("start", node)
    if start is not None and not start.is_optional:
        if not start.is_runnable:
            return
        if task in ("stop", "demote"):
            # It is not up yet when the others have stopped.
            return
    _notify(work, rsc, node, "post", task, before, after, environment)


def _will_be_up(node: Node) -> bool:
    """Say whether the node is there by then: a guest's connection may only be starting now."""
    connection = node.remote_resource
    if node.is_guest and connection is not None:
        return connection.next_role > Role.STOPPED
    return node.is_online and not node.is_unclean


def _before_monitors(rsc: Resource, task: str, post_done: Action) -> None:
    for action in rsc.actions:
        if action.task == "monitor" and action.interval_ms and action.target_rc != 7:
            tie(post_done, action, Tie.ORDER)


def _notify(
    work: Work,
    rsc: Resource,
    node: Node,
    kind: str,
    task: str,
    before: Action,
    after: Action,
    environment: dict[str, str],
) -> None:
    action = Action("notify", rsc, node, 0, "resource")
    action.notify = f"{kind}-{task}"
    action.require("notify")
    action.notify_meta = {
        "notify_type": kind,
        "notify_operation": task,
        "notify_key_operation": task,
        "notify_key_type": kind if kind == "pre" else "post",
        **environment,
    }
    work.actions.append(action)
    rsc.actions.append(action)
    tie(before, action, Tie.ORDER)
    tie(action, after, Tie.ORDER)


def _environment(clone: Resource, happening: dict[str, list[Action]]) -> dict[str, str]:
    """Return what notify actions get: who does what, and who is what now."""
    values: dict[str, str] = {}

    def put(name: str, pairs: list[tuple[str, str]]) -> None:
        pairs.sort()
        values[f"notify_{name}_resource"] = " ".join(rsc for rsc, _ in pairs)
        if name != "inactive":
            values[f"notify_{name}_uname"] = " ".join(node for _, node in pairs)

    for task, actions in happening.items():
        put(task, [(_id(a.resource), a.node.name) for a in actions if a.node and a.resource])
    roles: dict[str, list[tuple[str, str]]] = {
        "active": [],
        "inactive": [],
        "promoted": [],
        "unpromoted": [],
    }
    for rsc in clone.primitives():
        if not rsc.running_on:
            roles["inactive"].append((rsc.id, ""))
        for node in rsc.running_on:
            is_promoted = rsc.role_on.get(node.name) is Role.PROMOTED
            roles["active"].append((rsc.id, node.name))
            if clone.is_promotable:
                roles["promoted" if is_promoted else "unpromoted"].append((rsc.id, node.name))
    for name, pairs in roles.items():
        put(name, pairs)
    put("master", list(roles["promoted"]))
    put("slave", list(roles["unpromoted"]))
    nodes = sorted({node.name for rsc in clone.primitives() for node in rsc.running_on})
    values["notify_available_uname"] = " ".join(nodes)
    return values


def _id(rsc: Resource | None) -> str:
    return rsc.id if rsc is not None else ""
