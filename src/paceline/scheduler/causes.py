"""Why a resource is stopped, moved, restarted, promoted, left alone or cannot be helped: as data.

Read from the work as it stands at the end of a run with reasons. Each group of causes answers one
question; `causes_of` puts them in the order in which a person would ask.
"""

from collections.abc import Iterator

from paceline.model.explanation import Cause
from paceline.model.scores import format_score
from paceline.scheduler.failure_facts import (
    count_facts,
    failure_facts,
    failures_of,
    nodes_of,
    told_failures,
)
from paceline.scheduler.failures import FailCounts
from paceline.scheduler.order_names import names_of_order, own_names
from paceline.scheduler.spread import is_possible, is_required
from paceline.scheduler.tickets import ticket_states
from paceline.scheduler.work import Action, Node, OnFail, Resource, Role, Work, role_of_word

MOVES = ("start", "stop", "promote", "demote", "migrate_to", "migrate_from")


def cause(code: str, **facts: str) -> Cause:
    """Return a cause; facts without a value are left out."""
    return Cause(code=code, facts=tuple(sorted((k, v) for k, v in facts.items() if v)))


def causes_of(work: Work, rsc: Resource) -> tuple[Cause, ...]:
    """Return the causes that touch a primitive, most important first."""
    return (
        *_held(work, rsc),
        *_unwanted(work, rsc),
        *_not_permitted(work, rsc),
        *_failed(work, rsc),
        *_several(rsc),
        *_moved(work, rsc),
        *_restarted(work, rsc),
        *_hindered(work, rsc),
        *_promoted(work, rsc),
        *_counted(work, rsc),
    )


# Is it left alone?


def _held(work: Work, rsc: Resource) -> Iterator[Cause]:
    if rsc.is_removed:
        clone = rsc.clone
        if clone is not None:
            yield cause("surplus", clone=clone.id, max=str(clone.clone_max))
        elif rsc.is_managed:
            yield cause("removed")
        else:
            yield cause("removed-kept")
    if rsc.is_frozen:
        yield cause("frozen")
    elif rsc.blocked:
        yield _block(work, rsc)
    elif rsc.in_maintenance:
        yield _maintenance(work, rsc)
    elif not rsc.is_managed and not rsc.is_removed:
        if work.options.fencing_enabled and not work.has_fence_device:
            yield cause("no-fence-device")
        else:
            yield cause("unmanaged", by=_holder(rsc, "is-managed"))


def _block(work: Work, rsc: Resource) -> Cause:
    for owner, node, entry, _ in failures_of(work, rsc):
        if owner.failed_nodes.get(node.name) is OnFail.BLOCK or owner.on_fail is OnFail.BLOCK:
            return cause("blocked", **failure_facts(owner, node, entry))
    if rsc.multiple_active == "block" and len(rsc.running_on) > 1:
        return cause("blocked-several", nodes=_names(rsc.running_on))
    return cause("blocked-companion", group=rsc.parent.id if rsc.parent is not None else "")


def _maintenance(work: Work, rsc: Resource) -> Cause:
    node = next((each for each in rsc.running_on if each.in_maintenance), None)
    if work.options.maintenance_mode:
        return cause("maintenance-mode")
    if node is not None:
        return cause("maintenance-node", node=node.name)
    return cause("maintenance", by=_holder(rsc, "maintenance"))


def _holder(rsc: Resource, name: str) -> str:
    """Return whose meta attribute it is: its own, that of what holds it, or the defaults'."""
    holder: Resource | None = rsc
    while holder is not None:
        if name in holder.extra_meta:
            return holder.agent_id
        holder = holder.parent
    return "rsc_defaults"


# Is it to be stopped whatever the nodes?


def _unwanted(work: Work, rsc: Resource) -> Iterator[Cause]:
    if work.options.stop_all:
        yield cause("stop-all-resources")
    if rsc.base_role is not Role.STOPPED or rsc.is_removed:
        return
    if rsc.target_role_word.lower() == "stopped":
        yield cause("target-role", by=_holder(rsc, "target-role"))
    elif rsc.multiple_active == "stop_only" and len(rsc.running_on) > 1:
        yield cause("stopped-several", nodes=_names(rsc.running_on))
    else:
        found = failures_of(work, rsc)
        yield cause("on-fail-stop", **(failure_facts(*found[0][:3]) if found else {}))


# May it run?


def _not_permitted(work: Work, rsc: Resource) -> Iterator[Cause]:
    if not work.has_quorum and work.options.no_quorum_policy != "ignore":
        yield cause("no-quorum", policy=work.options.no_quorum_policy)
    for state in ticket_states(work, own_names(rsc)):
        if state.is_missing or state.is_standby:
            yield cause(
                "ticket",
                ticket=state.constraint.ticket,
                id=state.constraint.id,
                state="standby" if not state.is_missing else "missing",
                policy=state.policy,
                role=state.role,
            )
    if rsc.lock_node is not None:
        yield cause("shutdown-lock", node=rsc.lock_node.name)


# Did something fail?


def _failed(work: Work, rsc: Resource) -> Iterator[Cause]:
    if rsc.blocked or rsc.on_fail is OnFail.STOP or not (rsc.failed or rsc.stop_failed):
        return
    found = failures_of(work, rsc)
    if found:
        owner, node, entry, _ = found[0]
        on_fail = owner.failed_nodes.get(node.name, owner.on_fail)
        word = on_fail.name.lower().replace("_", "-")
        earlier = [dict(each) for each in told_failures(work, rsc) if ("node", node.name) in each]
        if earlier and "count" in earlier[0] and "expired" not in earlier[0]:
            yield cause("failed-first", **earlier[0])
        yield cause("failed", **failure_facts(owner, node, entry), on_fail=word)
        return
    for filler in rsc.fillers:
        inside = failures_of(work, filler)
        if inside:
            yield cause("inside-failed", inside=filler.id, **failure_facts(*inside[0][:3]))
    guest = next((f.remote_node for f in rsc.fillers if f.remote_node is not None), None)
    if guest is not None and guest.is_unclean:
        yield cause("guest-fenced", node=guest.name, why=guest.fence_reason)


def _several(rsc: Resource) -> Iterator[Cause]:
    policy = rsc.multiple_active
    if len(rsc.running_on) > 1 and rsc.partial_target is None and not rsc.blocked:
        if policy != "stop_only":
            yield cause("several", nodes=_names(rsc.running_on), policy=policy)
    elif rsc.wants_stop:
        yield cause("migration-incomplete")
    for node in rsc.dangling_on:
        yield cause("migration-dangles", node=node.name)


def _counted(work: Work, rsc: Resource) -> Iterator[Cause]:
    counts = FailCounts(work)
    for node in nodes_of(work, rsc):
        facts = count_facts(work, counts, rsc, node)
        if facts:
            yield cause("fail-count", **facts)


# Does it go elsewhere?


def refusal(work: Work, rsc: Resource, node: Node) -> str:
    """Return why a node is not possible, empty where it is."""
    if node.is_unclean and not (node.is_guest and node.can_run()):
        return "unclean"
    if node.is_remote and not node.can_run() and node.remote_resource is not None:
        if not (node.is_standby or node.in_maintenance):
            return "closed"
    elif not node.is_online:
        return "offline"
    if node.is_shutting_down:
        return "shutting-down"
    if node.in_maintenance:
        return "maintenance"
    if node.is_standby:
        return "standby-after-failure" if node.is_standby_by_failure else "standby"
    if node.is_pending:
        return "pending"
    if node.name not in rsc.scores:
        return "not-allowed"
    if rsc.scores[node.name] < 0:
        return "banned"
    return ""


def _moved(work: Work, rsc: Resource) -> Iterator[Cause]:
    target = rsc.assigned
    if target is None or len(rsc.running_on) != 1 or rsc.running_on[0] is target:
        return
    source = rsc.running_on[0]
    arrive = rsc.find_action("migrate_from", target)
    why = refusal(work, rsc, source)
    if why:
        yield cause("leaves", node=source.name, why=why, **_ban(work, rsc, source, why))
    elif rsc.score_on(target.name) > rsc.score_on(source.name):
        yield cause(
            "better",
            node=target.name,
            score=format_score(rsc.score_on(target.name)),
            source=source.name,
            source_score=format_score(rsc.score_on(source.name)),
        )
    elif rsc.score_on(target.name) == rsc.score_on(source.name):
        yield cause("less-loaded", node=target.name, source=source.name)
    if arrive is not None and is_required(arrive):
        yield cause("migrates", source=source.name, node=target.name)
    elif rsc.allow_migrate and not rsc.is_remote_connection and rsc.next_role > Role.STOPPED:
        yield cause("does-not-migrate", source=source.name)


def _ban(work: Work, rsc: Resource, node: Node, why: str) -> dict[str, str]:
    """Return the first contribution that bans it from the node, nothing where none does."""
    reasons = work.reasons.of(rsc.id, node.name) if work.reasons is not None else ()
    if why == "banned":
        for each in reasons:
            if each.total < 0:
                return {"ban": each.code, "source": each.source}
    return {}


# Is it restarted, or told of new parameters?


def _restarted(work: Work, rsc: Resource) -> Iterator[Cause]:
    told: set[str] = set()
    for action in rsc.actions:
        if action.task not in ("stop", "demote", "start", "reload-agent") or not is_required(
            action
        ):
            continue
        for each in _reason_of_step(work, rsc, action):
            if each.code not in told:
                told.add(each.code)
                yield each


def _reason_of_step(work: Work, rsc: Resource, action: Action) -> Iterator[Cause]:
    node = action.node
    where = str(node.name) if node is not None else ""
    match action.reason:
        case "parameters changed":
            code = "reload" if action.task == "reload-agent" else "parameters-changed"
            yield cause(code, node=where)
        case "another agent ran there":
            yield cause("other-agent", node=where)
        case "fenced" if node is not None and node.is_guest:
            yield from _container_restarts(node)
        case "fenced" if rsc.assigned is None:
            yield cause("fenced", node=where)
        case "unfenced" | "unfencing":
            yield cause("unfenced", node=where)
        case reason if reason.startswith(("before ", "after ")) and action.task == "stop":
            other, task = _other(reason)
            if other not in own_names(rsc) and _is_restart(rsc):
                order = names_of_order(work, rsc, other)
                yield cause("follows", other=other, task=task, order=order)
        case reason if reason.endswith(" failed") and action.task == "stop":
            yield cause("inside-failed", inside=reason.removesuffix(" failed"))
    if action.task == "start" and action.is_runnable:
        for first, _kind in action.after:
            if first.kind == "fence" and is_required(first) and first.node is not None:
                code = "unfenced" if first.task == "on" else "waits-for-fencing"
                yield cause(code, node=first.node.name)


def _container_restarts(node: Node) -> Iterator[Cause]:
    connection = node.remote_resource
    if connection is not None and connection.container is not None:
        yield cause("container-restarts", node=node.name, container=connection.container.id)


def _is_restart(rsc: Resource) -> bool:
    """Say whether it is to run on where it is, so that its stop is half of a restart."""
    if rsc.assigned is None or rsc.assigned not in rsc.running_on:
        return False
    start = rsc.find_action("start", rsc.assigned)
    return start is not None and start.is_runnable


def _other(reason: str) -> tuple[str, str]:
    """Return resource (or node) and task of a reason such as `after web start`."""
    words = reason.split(" ")
    return " ".join(words[1:-1]), words[-1]


# Is something in the way?


def _hindered(work: Work, rsc: Resource) -> Iterator[Cause]:
    for action in rsc.actions:
        if rsc.blocked or action.task not in MOVES:
            continue
        if is_required(action) and not is_possible(action):
            yield _obstacle(work, rsc, action)
    is_wanted = rsc.base_role is not Role.STOPPED and not work.options.stop_all
    if rsc.assigned is None and rsc.is_managed and not rsc.is_removed and is_wanted:
        yield cause("no-node")
        yield from _without_room(work, rsc)
        if not rsc.critical:
            yield cause("not-critical")


def _without_room(work: Work, rsc: Resource) -> Iterator[Cause]:
    reasons = work.reasons
    for node in work.nodes:
        codes = [each.code for each in reasons.of(rsc.id, node.name)] if reasons else []
        if "capacity" in codes:
            needs = ", ".join(f"{name}={amount}" for name, amount in rsc.utilization.items())
            left = ", ".join(f"{name}={node.free.get(name, 0)}" for name in rsc.utilization)
            yield cause("no-room", node=node.name, needs=needs, left=left)


def _obstacle(work: Work, rsc: Resource, action: Action) -> Cause:
    where = str(action.node.name) if action.node is not None else ""
    reason = action.reason
    if reason.startswith("colocation with "):
        other, task = _other(reason.removeprefix("colocation "))
        names = [c.id for c in rsc.this_with if c.primary.id == other or other in _parts(c.primary)]
        return cause(
            "cannot-with", task=action.task, node=where, other=other, other_task=task,
            colocation=", ".join(names),
        )  # fmt: skip
    if reason.startswith("after "):
        other, task = _other(reason)
        if other in own_names(rsc) and task == "monitor":
            return cause("cannot-ask", task=action.task, node=where)
        return cause(
            "cannot-after",
            task=action.task,
            node=where,
            other=other,
            other_task=task,
            order=names_of_order(work, rsc, other),
            why=_short_cause(work, other),
        )
    return cause("cannot", task=action.task, node=where, why=reason)


def _parts(rsc: Resource) -> list[str]:
    return [each.id for each in rsc.walk()]


def _short_cause(work: Work, name: str) -> str:
    """Return, in one word, why another resource does not run; empty where that takes longer."""
    other = work.by_id.get(name)
    if other is None:
        return ""
    first = next(iter(other.primitives()), other)
    for each in (*_held(work, first), *_unwanted(work, first), *_not_permitted(work, first)):
        return each.code
    return "no-node" if first.assigned is None else ""


# Who is promoted?


def _promoted(work: Work, rsc: Resource) -> Iterator[Cause]:
    clone, instance = rsc.clone, _instance(rsc)
    if clone is None or instance is None or not clone.is_promotable or not rsc.is_managed:
        return
    ranks = {name: (node, score) for name, node, score in work.promotion_log}
    own = ranks.get(instance.id)
    promoted = [each for each in clone.children if each.next_role is Role.PROMOTED]
    if own is None:
        return
    if instance in promoted:
        rivals = ", ".join(
            f"{format_score(score)} on {node}"
            for name, (node, score) in ranks.items()
            if name != instance.id
        )
        yield cause("promoted", node=own[0], score=format_score(own[1]), rivals=rivals)
        return
    if rsc.role is not Role.PROMOTED and promoted and own[1] >= 0:
        return
    if rsc.base_role is Role.UNPROMOTED:
        if role_of_word(rsc.target_role_word) is Role.UNPROMOTED:
            yield cause("may-not-be-promoted", by=_holder(rsc, "target-role"))
    elif own[1] < 0:
        yield cause("promotion-score-negative", node=own[0], score=format_score(own[1]))
    elif len(promoted) >= clone.promoted_max:
        others = ", ".join(
            f"{format_score(ranks[each.id][1])} on {ranks[each.id][0]}" for each in promoted
        )
        yield cause("outranked", node=own[0], score=format_score(own[1]), rivals=others)


def _instance(rsc: Resource) -> Resource | None:
    found: Resource | None = rsc
    while found is not None and not found.is_instance:
        found = found.parent
    return found


def _names(nodes: list[Node]) -> str:
    return ", ".join(sorted(node.name for node in nodes))


__all__ = ["cause", "causes_of", "refusal"]
