"""Placing the instances of a clone.

First each healthy instance tries to stay where it is. If the trial shows that another node would be
chosen, an instance is reserved for that node (another one will take it), the trial is undone and it
tries again with that node less free. So instances do not shuffle. Then the rest are placed. At most
clone-max instances run in all, clone-node-max on a node, and while others are still to come no node
gets more than its even share.
"""

from paceline.model.scores import INFINITY, MINUS_INFINITY
from paceline.scheduler.colocation import (
    add_dependents,
    company_score,
    has_influence,
    note_heard,
    this_with,
    with_this,
)
from paceline.scheduler.placement import log_scores, place, unassign
from paceline.scheduler.work import Kind, Node, Resource, Role, Work


def place_clone(work: Work, clone: Resource) -> None:
    """Place all instances of a clone, and choose who is promoted."""
    if not clone.is_provisional or clone.is_allocating:
        return
    from paceline.scheduler.promotion import add_promotion_scores, choose_promoted

    if clone.is_promotable:
        add_promotion_scores(work, clone)
    clone.is_allocating = True
    for each in this_with(clone):
        if each.primary.is_provisional:
            place(work, each.primary)
    for each in with_this(clone):
        if has_influence(each):
            before = clone.scores
            clone.scores = add_dependents(
                work, before, each.dependent, each, each.score, INFINITY, only_positive=True
            )
            note_heard(work, clone, before, each)
    place_instances(work, clone, clone.children, clone.clone_max, clone.clone_node_max)
    if clone.is_promotable:
        choose_promoted(work, clone)
    clone.is_provisional = False
    clone.is_allocating = False
    clone.next_role = max((c.next_role for c in clone.children), default=Role.STOPPED)


def place_instances(
    work: Work, clone: Resource, children: list[Resource], total_max: int, node_max: int
) -> None:
    """Place instances (of a clone, or containers of a bundle) under the limits."""
    clone.clone_counts = {}
    usable = [
        name
        for name, score in clone.scores.items()
        if score >= 0 and work.node_by_name[name].can_run()
    ]
    share = max(1, total_max // len(usable)) if usable else 1
    share = min(share, node_max) if node_max else share
    instances = sort_instances(work, clone, children)
    placed = 0
    for each in instances:
        if placed >= total_max:
            break
        if _is_settled(each):
            continue
        current = _node_to_keep(work, clone, each, share)
        if current is not None and _try_to_stay(
            work, clone, each, current, share, len(usable), total_max - placed
        ):
            placed += 1
    for each in instances:
        if _is_settled(each):
            continue
        if placed >= total_max:
            for primitive in each.primitives():
                for name in primitive.scores:
                    primitive.scores[name] = MINUS_INFINITY
                    work.explain_score(primitive, name, MINUS_INFINITY, "clone-max", clone.id)
            place(work, each)
            continue
        if _place_instance(work, clone, each, None, node_max) is not None:
            placed += 1


def _is_settled(child: Resource) -> bool:
    return not child.is_provisional


def _first(child: Resource) -> Resource:
    return child.children[0] if child.kind is Kind.GROUP else child


def _node_to_keep(work: Work, clone: Resource, child: Resource, share: int) -> Node | None:
    """Return the node a healthy active instance is on, if it may stay there."""
    if not child.is_active() or not child.is_provisional:
        return None
    if any(each.failed for each in child.walk()):
        return None
    nodes = child.active_nodes()
    node = nodes[0]
    if not node.can_run():
        return None
    if clone.scores.get(node.name, MINUS_INFINITY) < 0:
        return None
    if clone.clone_counts.get(node.name, 0) >= share:
        return None
    return node


def _try_to_stay(
    work: Work,
    clone: Resource,
    child: Resource,
    current: Node,
    share: int,
    usable: int,
    wanted: int,
) -> bool:
    """Place the instance on its current node, reserving better nodes for others; say if it did."""
    if _first(child).scores.get(current.name, MINUS_INFINITY) < 0:
        return False
    counts = dict(clone.clone_counts)
    reserved = 0
    result = False
    while reserved < wanted:
        kept = [(each, work.keep_scores(each)) for each in child.walk()]
        node = _place_instance(work, clone, child, current, share, is_tentative=True)
        if node is current:
            result = True
            break
        if node is None and not child.is_provisional and not child.is_managed:
            result = True
            break
        unassign(work, child)
        for part, scores in kept:
            work.take_scores_back(part, scores)
        if node is None:
            break
        reserved += 1
        clone.clone_counts[node.name] = clone.clone_counts.get(node.name, 0) + 1
        if reserved >= wanted:
            break
    clone.clone_counts = counts
    if result:
        clone.clone_counts[current.name] = counts.get(current.name, 0) + 1
    return result


def _place_instance(
    work: Work,
    clone: Resource,
    child: Resource,
    prefer: Node | None,
    node_max: int,
    *,
    is_tentative: bool = False,
) -> Node | None:
    """Place one instance on a node that is not full, and count it there."""
    for name in child.scores if child.kind is Kind.PRIMITIVE else _first(child).scores:
        node = work.node_by_name[name]
        if clone.scores.get(name) is None or (
            node.can_run() and clone.clone_counts.get(name, 0) >= node_max
        ):
            for each in child.primitives():
                each.scores[name] = MINUS_INFINITY
                work.explain_score(each, name, MINUS_INFINITY, "clone-node-max", clone.id)
        elif (not node.can_run() and node.bundle is None) or clone.scores[name] < 0:
            code = "clone-banned" if clone.scores[name] < 0 else "node-unusable"
            for each in child.primitives():
                if name in each.scores:
                    each.scores[name] = MINUS_INFINITY
                    work.explain_score(each, name, MINUS_INFINITY, code, clone.id)
    node_chosen = place(work, child, prefer, is_tentative=is_tentative)
    if node_chosen is not None:
        clone.clone_counts[node_chosen.name] = clone.clone_counts.get(node_chosen.name, 0) + 1
    return node_chosen


# Order of instances


def sort_instances(work: Work, clone: Resource, children: list[Resource]) -> list[Resource]:
    """Return the instances in the order in which they are placed.

    Active on fewer nodes, allowed where it is, priority, active, its node usable,
    not failed, what its company thinks of the node, then the number.
    """
    return sorted(children, key=lambda child: _instance_key(work, clone, child))


def _instance_key(
    work: Work, clone: Resource, child: Resource
) -> tuple[int, int, int, int, int, int, int, int]:
    nodes = child.active_nodes()
    node = nodes[0] if nodes else None
    is_allowed = node is not None and _first(child).scores.get(node.name, MINUS_INFINITY) >= 0
    is_usable = node is not None and node.can_run()
    failed = any(each.failed for each in child.walk())
    score = company_score(work, child, node.name) if node is not None else 0
    return (
        len(nodes) if len(nodes) > 1 else 0,
        0 if node is None or is_allowed else 1,
        -child.priority,
        0 if node is not None else 1,
        0 if is_usable else 1,
        1 if failed else 0,
        -score,
        child.instance_number if child.instance_number >= 0 else child.replica,
    )


__all__ = ["log_scores", "place_clone", "place_instances", "sort_instances"]
