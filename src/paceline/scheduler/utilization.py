"""Utilization: nodes have capacities, resources need some; used if placement-strategy says so."""

from paceline.model.scores import INFINITY, MINUS_INFINITY
from paceline.scheduler.colocation import this_with, with_this
from paceline.scheduler.work import Kind, Node, Resource, Work


def is_used(work: Work) -> bool:
    """Say whether capacities count at all."""
    return work.options.placement in ("utilization", "minimal", "balanced")


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
    """Follow what is required to be together; of a clone one instance is enough for a node.

    What else is with the clone may be with another of its instances, so the search ends there.
    """
    if rsc.kind is Kind.CLONE:
        parts = list(rsc.primitives())
        if rsc.is_provisional and not any(each.id in found for each in parts):
            found.update((each.id, each) for each in rsc.children[0].primitives())
        return
    for each in rsc.primitives():
        if each.id in found:
            continue
        found[each.id] = each
        for c in this_with(each):
            if c.score >= INFINITY and c.primary.kind is not Kind.BUNDLE:
                _collect(c.primary, found)
        for c in with_this(each):
            if c.score >= INFINITY and c.dependent.kind is not Kind.BUNDLE:
                _collect(c.dependent, found)
