"""Utilization: nodes have capacities, resources need some; used if placement-strategy says so.

With every strategy but *default* a resource goes only where enough is left for it, and for all that
must go with it. *utilization* chooses among those nodes as always, *balanced* the one with most
left, *minimal* as few nodes as possible.

What leaves a node gives its share back only when it has stopped, so what comes to the node waits
for that: between them stands a step of the node, LOAD_STOPPED.
"""

from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

from paceline.model.scores import INFINITY, MINUS_INFINITY
from paceline.scheduler.actions import pseudo, tie
from paceline.scheduler.colocation import add_dependents, add_primaries, this_with, with_this
from paceline.scheduler.work import Action, Kind, Node, Resource, Tie, Work

LOAD_STOPPED = "load-stopped"


def is_used(work: Work) -> bool:
    """Say whether capacities count at all."""
    return work.options.placement in ("utilization", "minimal", "balanced")


def sort_by_wishes(work: Work) -> None:
    """Put the resources in order of assignment where capacities count.

    After the priority, who has most to lose where it is chooses first, then who wishes most for
    the best node.
    """
    if work.options.placement == "default":
        return
    nodes = sorted(work.nodes, key=_room_key(work))
    keys: dict[str, tuple[int, ...]] = {}
    for rsc in work.resources:
        wishes = _wishes(work, rsc)
        active = rsc.active_nodes()
        here = wishes.get(active[0].name, MINUS_INFINITY) if active else MINUS_INFINITY
        per_node = (-wishes.get(node.name, MINUS_INFINITY) for node in nodes)
        keys[rsc.id] = (-rsc.priority, -here, *per_node)
    work.resources.sort(key=lambda rsc: keys[rsc.id])


def _room_key(work: Work) -> Callable[[Node], Any]:
    """Return the key that puts usable nodes first, where balanced those with most room."""
    by_room = cmp_to_key(has_capacity_order)
    is_balanced = work.options.placement == "balanced"
    return lambda node: (not node.can_run(), by_room(node) if is_balanced else 0, node.name)


def _wishes(work: Work, rsc: Resource) -> dict[str, int]:
    """Return a resource's scores, with those of its members and of whom it must be with."""
    first = rsc.children[0] if rsc.kind is Kind.GROUP else rsc
    scores = dict(first.scores)
    first.is_merging = True
    if rsc.kind is Kind.GROUP:
        for each in with_this(first):
            if each.dependent.parent is rsc:
                scores = add_dependents(work, scores, each.dependent, each, each.score, INFINITY)
    for each in this_with(first):
        scores = add_primaries(work, scores, each.primary, each, each.score, INFINITY)
    first.is_merging = False
    return scores


def consume(work: Work, rsc: Resource, node: Node) -> None:
    """Take what the resource needs from the node's free capacity."""
    if is_used(work):
        for name, amount in rsc.utilization.items():
            node.free[name] = node.free.get(name, 0) - amount if name in node.free else -amount


def release(work: Work, rsc: Resource, node: Node) -> None:
    """Give back what the resource took."""
    if is_used(work):
        for name, amount in rsc.utilization.items():
            node.free[name] = node.free.get(name, 0) + amount


def has_capacity_order(left: Node, right: Node) -> int:
    """Compare free capacities: negative if `left` has more of more kinds."""
    result = 0
    for name in sorted(set(left.free) | set(right.free)):
        a, b = left.free.get(name, 0), right.free.get(name, 0)
        result += (a < b) - (a > b)
    return result


def fits(node: Node, needs: dict[str, int]) -> bool:
    """Say whether the node has all that is needed free."""
    return all(amount <= node.free.get(name, 0) for name, amount in needs.items())


def filter_by_capacity(work: Work, rsc: Resource) -> Node | None:
    """Ban nodes that have not enough left: for all that must go together, if any node has that.

    If no node can take all of it, only those that cannot take the resource itself are banned,
    and the node with most left is returned: as much as possible fits there.
    """
    if not is_used(work):
        return None
    together: dict[str, int] = {}
    companions = [each for each in _companions(rsc) if each.is_provisional]
    for each in companions:
        for name, amount in each.utilization.items():
            together[name] = together.get(name, 0) + amount
    alone = rsc.utilization
    usable = [
        node
        for node in work.nodes
        if rsc.scores.get(node.name, MINUS_INFINITY) >= 0 and node.can_run()
    ]
    needs = together if any(fits(node, together) for node in usable) else alone
    for node in usable:
        if not fits(node, needs):
            work.score(rsc, node.name, MINUS_INFINITY, "capacity", node.name)
    if needs is together or len(companions) < 2 or not usable:
        return None
    best = usable[0]
    for node in usable[1:]:
        if has_capacity_order(node, best) < 0:
            best = node
    return best


def _companions(rsc: Resource) -> list[Resource]:
    """Return the resource and all that must be on the same node as it (not yet placed)."""
    found: dict[str, Resource] = {}
    _collect(rsc, found)
    return list(found.values())


def _collect(rsc: Resource, found: dict[str, Resource]) -> None:
    """Follow what is required to be together; of a clone or bundle a node needs one instance.

    What else is with that may be with another of its instances, so the search ends there.
    """
    if rsc.kind in (Kind.CLONE, Kind.BUNDLE):
        is_in = any(each.id in found for each in rsc.primitives())
        if rsc.is_provisional and rsc.children and not is_in:
            found.update((each.id, each) for each in rsc.children[0].primitives())
        return
    for each in rsc.primitives():
        if each.id in found:
            continue
        found[each.id] = each
        for c in this_with(each):
            if c.score >= INFINITY:
                _collect(c.primary, found)
        for c in with_this(each):
            if c.score >= INFINITY:
                _collect(c.dependent, found)


def order_by_capacity(work: Work) -> None:
    """Let what needs capacity begin on a node only after what leaves it has stopped."""
    if not is_used(work):
        return
    steps: dict[str, Action] = {}
    needy = [rsc for rsc in work.primitives() if rsc.utilization]
    for rsc in needy:
        for stop in rsc.actions_of("stop"):
            if stop.node is not None:
                tie(stop, _step(work, steps, stop.node), Tie.ORDER)
    for rsc in needy:
        start = rsc.find_action("start", rsc.assigned)
        if start is not None and start.node is not None and start.node.name in steps:
            tie(steps[start.node.name], start, Tie.ORDER)


def _step(work: Work, steps: dict[str, Action], node: Node) -> Action:
    if node.name not in steps:
        step = pseudo(work, LOAD_STOPPED)
        step.require("capacity is free again")
        steps[node.name] = step
    return steps[node.name]
