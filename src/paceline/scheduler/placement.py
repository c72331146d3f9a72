"""Phase: where each resource goes.

Resources are placed one after the other: what a resource must be with is placed before it, and the
wishes of those who want to be with it are added before it chooses. Once placed, a resource stays
placed; only clones try tentatively (`clones`).
"""

from paceline.model.scores import INFINITY, MINUS_INFINITY
from paceline.scheduler.colocation import (
    add_dependents,
    apply_to_dependent,
    has_influence,
    note_heard,
    this_with,
    with_this,
)
from paceline.scheduler.remote import expect_connected
from paceline.scheduler.utilization import consume, has_capacity_order, release
from paceline.scheduler.work import Colocation, Kind, Node, Resource, Role, Work


def place_all(work: Work) -> None:
    """Place every resource; connections to remote nodes first."""
    for rsc in work.resources:
        if rsc.is_remote_connection and rsc.parent is None:
            place(work, rsc)
    for rsc in work.resources:
        place(work, rsc)


def place(
    work: Work, rsc: Resource, prefer: Node | None = None, *, is_tentative: bool = False
) -> Node | None:
    """Place a resource and return its node, None where it gets none (a collective: the first's)."""
    match rsc.kind:
        case Kind.PRIMITIVE:
            return place_primitive(work, rsc, prefer, is_tentative=is_tentative)
        case Kind.GROUP:
            return _place_group(work, rsc, prefer, is_tentative=is_tentative)
        case Kind.CLONE:
            from paceline.scheduler.clones import place_clone

            place_clone(work, rsc)
        case Kind.BUNDLE:
            from paceline.scheduler.bundles import place_bundle

            place_bundle(work, rsc)
    return None


def _place_group(
    work: Work, rsc: Resource, prefer: Node | None, *, is_tentative: bool
) -> Node | None:
    if not rsc.is_provisional:
        return rsc.children[0].assigned
    if rsc.is_allocating:
        return None
    rsc.is_allocating = True
    first: Node | None = None
    for index, child in enumerate(rsc.children):
        node = place(work, child, prefer, is_tentative=is_tentative)
        if index == 0:
            first = node
    rsc.is_allocating = False
    rsc.is_provisional = False
    _group_role(rsc)
    return first


def _group_role(rsc: Resource) -> None:
    rsc.next_role = max((child.next_role for child in rsc.children), default=Role.STOPPED)


def place_primitive(
    work: Work, rsc: Resource, prefer: Node | None = None, *, is_tentative: bool = False
) -> Node | None:
    """Place a primitive: hear everybody it is tied to, then choose."""
    parent = rsc.parent
    if parent is not None and not parent.is_allocating and parent.is_provisional:
        place(work, parent)
    if not rsc.is_provisional:
        return rsc.assigned
    if rsc.is_allocating:
        return None
    rsc.is_allocating = True
    _hear_partners(work, rsc)
    if rsc.next_role is Role.STOPPED:
        # On every node there is, also those that it had no score for.
        for each in work.nodes:
            rsc.scores[each.name] = MINUS_INFINITY
            work.explain_score(rsc, each.name, MINUS_INFINITY, "not-wanted", rsc.id)
    log_scores(work, rsc)
    _decide(work, rsc, prefer, is_tentative=is_tentative)
    rsc.is_allocating = False
    return rsc.assigned


def log_scores(work: Work, rsc: Resource) -> None:
    """Keep the scores that the choice is made by, for whoever wants to see them."""
    if rsc.is_removed:
        return
    for name, score in rsc.scores.items():
        node = work.node_by_name[name]
        work.score_log.setdefault((rsc.id, node.name), []).append(score)
        if work.reasons is not None:
            work.reasons.keep_table(rsc.id, node.name)


def _hear_partners(work: Work, rsc: Resource) -> None:
    mine, others = this_with(rsc), with_this(rsc)
    for is_mandatory in (True, False):
        for each in mine:
            if each.is_mandatory is is_mandatory:
                _hear_primary(work, rsc, each)
        for each in others:
            if each.is_mandatory is is_mandatory and has_influence(each):
                _hear_dependent(work, rsc, each)


def _hear_primary(work: Work, rsc: Resource, c: Colocation) -> None:
    primary = c.primary
    if primary.is_provisional:
        place(work, primary)
    apply_to_dependent(work, rsc, primary, c)


def _hear_dependent(work: Work, rsc: Resource, c: Colocation) -> None:
    before = rsc.scores
    rsc.is_merging = True
    rsc.scores = add_dependents(work, before, c.dependent, c, c.score, INFINITY)
    rsc.is_merging = False
    note_heard(work, rsc, before, c)


def _decide(work: Work, rsc: Resource, prefer: Node | None, *, is_tentative: bool) -> None:
    if not rsc.is_managed:
        node = rsc.running_on[0] if rsc.running_on else None
        if node is None:
            assign(work, rsc, None)
        else:
            rsc.next_role = rsc.role
            assign(work, rsc, node, force=True)
            rsc.next_role = rsc.role
        return
    if work.options.stop_all:
        assign(work, rsc, None)
        return
    node = choose(work, rsc, prefer)
    if node is None and is_tentative:
        return
    assign(work, rsc, node)


def node_key(work: Work, rsc: Resource, name: str) -> tuple[int, int, int, int, str]:
    """Return the key by which a resource's nodes are sorted, best first."""
    node = work.node_by_name[name]
    score = rsc.scores[name] if node.can_run() else MINUS_INFINITY
    current = rsc.running_on[0] if rsc.running_on else None
    if work.options.placement == "minimal":
        return (-score, 0, 0, 0, node.name)
    return (
        -score,
        0,
        node.assigned_count,
        0 if node is current else 1,
        node.name,
    )


def sort_nodes(work: Work, rsc: Resource) -> list[Node]:
    """Return the nodes a resource knows, the best first."""
    if work.options.placement == "balanced":
        from functools import cmp_to_key

        def compare(a: str, b: str) -> int:
            left, right = node_key(work, rsc, a), node_key(work, rsc, b)
            if left[0] != right[0]:
                return left[0] - right[0]
            by_capacity = has_capacity_order(work.node_by_name[a], work.node_by_name[b])
            if by_capacity:
                return by_capacity
            return (left > right) - (left < right)

        names = sorted(rsc.scores, key=cmp_to_key(compare))
    else:
        names = sorted(rsc.scores, key=lambda name: node_key(work, rsc, name))
    return [work.node_by_name[name] for name in names]


def choose(work: Work, rsc: Resource, prefer: Node | None) -> Node | None:
    """Return the best node by the scores as they stand, None where no node is possible."""
    from paceline.scheduler.utilization import filter_by_capacity

    roomiest = filter_by_capacity(work, rsc)
    prefer = prefer or roomiest
    nodes = sort_nodes(work, rsc)
    if not nodes:
        return None
    best = nodes[0]
    best_score = rsc.scores[best.name]
    if best_score < 0 or not best.can_run():
        return None
    if prefer is not None:
        score = rsc.scores.get(prefer.name, MINUS_INFINITY)
        if score >= best_score and score >= 0 and prefer.can_run():
            return prefer
    if best_score > 0 and not (rsc.clone is not None and rsc.clone.is_unique):
        current = rsc.running_on[0] if rsc.running_on else None
        if (
            current is not None
            and current is not best
            and rsc.scores.get(current.name) == best_score
            and current.can_run()
        ):
            return current
    return best


def assign(work: Work, rsc: Resource, node: Node | None, *, force: bool = False) -> None:
    """Make the placement final: count it on the node and settle the next role."""
    rsc.is_provisional = False
    if (node is not None and not force) and (
        not node.can_run() or rsc.scores.get(node.name, MINUS_INFINITY) < 0
    ):
        node = None
    if node is None:
        rsc.assigned = None
        rsc.next_role = Role.STOPPED
        return
    rsc.assigned = node
    if rsc.remote_node is not None:
        expect_connected(rsc.remote_node)
    if rsc.next_role is Role.UNKNOWN:
        rsc.next_role = Role.UNPROMOTED if rsc.is_promotable else Role.STARTED
    node.assigned_count += 1
    consume(work, rsc, node)


def unassign(work: Work, rsc: Resource) -> None:
    """Take a placement back, so that it can be tried again."""
    for each in rsc.walk():
        if each.assigned is not None:
            each.assigned.assigned_count -= 1
            release(work, each, each.assigned)
            each.assigned = None
        each.is_provisional = True
        each.next_role = each.base_role
