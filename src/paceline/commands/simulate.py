"""What a snapshot leads to, as data for people and for the conformance kit."""

import json

from paceline.model.plan import ActionKind, Plan, PlannedAction
from paceline.model.snapshot import Snapshot
from paceline.scheduler.plan import make_plan
from paceline.scheduler.run import run
from paceline.scheduler.work import Kind, Resource, Role, Work

FORMAT = "sched-conformance-1"


def conformance_json(case: str, snapshot: Snapshot) -> str:
    """Return the decision in the kit's format: placements, actions, edges and scores."""
    work = run(snapshot)
    plan = make_plan(work)
    value = {
        "format": FORMAT,
        "case": case,
        "initial": {"placements": _initial(work)},
        "placements": _placements(work, plan),
        "actions": [_action(each) for each in plan.actions],
        "edges": [[f"a{first}", f"a{each.id}"] for each in plan.actions for first in each.after],
        "scores": {
            "primitive": [
                [rsc, node, scores[-1]] for (rsc, node), scores in sorted(work.score_log.items())
            ],
            "promotion": [list(each) for each in work.promotion_log],
        },
    }
    return json.dumps(value, indent=1)


def _replicas(work: Work) -> dict[str, str]:
    """Return, by what runs inside a bundle, the name that its replica is shown under."""
    names: dict[str, str] = {}
    for bundle in work.resources:
        for replica in bundle.replicas:
            inside = replica.instance or replica.container
            names[inside.id] = f"{bundle.id}-{replica.number}"
    return names


def _hosts(work: Work, plan: Plan | None) -> dict[str, list[str]]:
    """Return, by replica, where its container is (after the plan, if one is given)."""
    found: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    if plan is not None:
        for each in plan.placements:
            after.setdefault(each.resource, []).append(each.node)
    for bundle in work.resources:
        for replica in bundle.replicas:
            box = replica.container
            now = [str(node.name) for node in box.running_on]
            found[f"{bundle.id}-{replica.number}"] = now if plan is None else after.get(box.id, [])
    return found


def _initial(work: Work) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for rsc in work.primitives():
        if rsc.is_removed and not rsc.running_on:
            continue
        name = _display(rsc)
        found[name] = [
            {
                "node": node.name,
                "role": "Promoted" if rsc.role_on.get(node.name) is Role.PROMOTED else "Started",
            }
            for node in rsc.running_on
        ]
    _show_replicas(work, found, _hosts(work, None))
    return found


def _show_replicas(
    work: Work, found: dict[str, list[dict[str, str]]], hosts: dict[str, list[str]]
) -> None:
    """Show each replica under one name: where its container is, in the role of what is inside."""
    for inside, name in _replicas(work).items():
        roles = [each["role"] for each in found.get(inside, [])]
        role = "Promoted" if "Promoted" in roles else "Started"
        found[name] = [{"node": host, "role": role} for host in hosts[name]]
        if inside != name:
            found.pop(inside, None)


def _display(rsc: Resource) -> str:
    return str(rsc.id)


def _placements(work: Work, plan: Plan) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for rsc in work.primitives():
        if rsc.kind is Kind.PRIMITIVE and not rsc.is_removed:
            found[_display(rsc)] = []
    for each in plan.placements:
        found.setdefault(each.resource, []).append({"node": each.node, "role": each.role})
    _show_replicas(work, found, _hosts(work, plan))
    return found


def _action(each: PlannedAction) -> dict[str, object]:
    value: dict[str, object] = {"id": f"a{each.id}", "kind": each.kind.value, "task": each.task}
    if each.kind is ActionKind.PSEUDO:
        value["key"] = f"{each.resource}_{each.task}_{each.interval_ms}"
        if each.node:
            value["node"] = each.node
        return value
    if each.resource:
        value["resource"] = each.resource
    if each.node:
        value["node"] = each.node
    value["interval_ms"] = each.interval_ms
    if each.notify:
        value["notify"] = each.notify
    if each.cancels:
        value["cancels"] = each.cancels
    if each.kind is ActionKind.RESOURCE:
        params: dict[str, object] = {"timeout_ms": each.timeout_ms}
        if each.target_rc:
            params["target_rc"] = each.target_rc
        value["params"] = params
    return value
