"""How colocations move scores between resources.

`apply_to_dependent`: the primary is placed, so the dependent's nodes are banned or preferred.
`add_dependents`: the primary is about to be placed, so the wishes of those who want to be with it
count, scaled by the strength of the colocation and again along each further link of a chain.
"""

from paceline.model.errors import InvariantError
from paceline.model.scores import INFINITY, MINUS_INFINITY, add_scores
from paceline.scheduler.constraints import usable_nodes
from paceline.scheduler.reasons import score_difference
from paceline.scheduler.work import Colocation, Kind, Node, Resource, Role, Work


def sort_colocations(items: list[Colocation], *, by_primary: bool) -> list[Colocation]:
    """Return them with the most important partner first.

    That is by priority, then bundles, clones (promotable ones first), groups, primitives.
    """

    def key(each: Colocation) -> tuple[int, int, bool, str]:
        other = each.primary if by_primary else each.dependent
        is_promotable = other.kind is Kind.CLONE and other.is_promotable
        return (-other.priority, -int(other.kind), not is_promotable, other.id)

    return sorted(items, key=key) if len(items) > 1 else items


def this_with(rsc: Resource) -> list[Colocation]:
    """Return the colocations in which `rsc` depends on others, those of what holds it included."""
    found = list(rsc.this_with)
    child, parent = rsc, rsc.parent
    while parent is not None:
        if parent.kind is Kind.GROUP:
            if parent.children[0] is not child:
                found.extend(_past_unmanaged(parent, child))
                break
            found.extend(parent.this_with)
            found.extend(_required_by_later(parent))
        else:
            if parent.kind is Kind.BUNDLE and not child.is_bundle_container:
                break
            found.extend(parent.this_with)
        child, parent = parent, parent.parent
    return sort_colocations(found, by_primary=True)


def _required_by_later(group: Resource) -> list[Colocation]:
    """Return what later members require outside of the group: the first goes where they can too."""
    return [
        each
        for member in group.children[1:]
        for each in member.this_with
        if each.is_mandatory and each.primary.parent is not group
    ]


def _past_unmanaged(group: Resource, child: Resource) -> list[Colocation]:
    """Return what a group's later member must follow itself.

    Usually the first member hears the group's colocations and the others go with it. One that is
    unmanaged stays where it is whatever it heard, so who comes after it must hear them too.
    """
    earlier = group.children[: group.children.index(child)]
    if all(each.is_managed for each in earlier):
        return []
    return [each for each in group.this_with if each.score >= INFINITY]


def with_this(rsc: Resource) -> list[Colocation]:
    """Return the colocations in which others depend on `rsc`."""
    found = list(rsc.with_this)
    child, parent = rsc, rsc.parent
    while parent is not None:
        if parent.kind is Kind.GROUP:
            last = next((c for c in reversed(parent.children)), None)
            if last is not child:
                break
            found.extend(parent.with_this)
        else:
            if parent.kind is Kind.BUNDLE and not child.is_bundle_container:
                break
            found.extend(parent.with_this)
        child, parent = parent, parent.parent
    return sort_colocations(found, by_primary=False)


def has_influence(colocation: Colocation) -> bool:
    """Say whether the dependent's wishes count in the placement of the primary.

    Without influence they count only while the primary runs nowhere: they move nothing. A failed
    container starts anew, so then its connection has a say.
    """
    dependent, primary = colocation.dependent, colocation.primary
    influence = colocation.influence
    if (dependent.critical if influence is None else influence) or not primary.is_active():
        return True
    return primary.failed and dependent.container is primary


def attribute_value(node: Node, name: str) -> str | None:
    """Return the value that a colocation compares: by default the node's name."""
    if name == "#uname":
        return node.host.name
    return node.attributes.get(name)


# Primary placed: what that means for the dependent


def apply_to_dependent(work: Work, dependent: Resource, primary: Resource, c: Colocation) -> None:
    """Change the dependent's scores by where the primary was placed."""
    match primary.kind:
        case Kind.PRIMITIVE:
            _apply_primitive(work, dependent, primary, c)
        case Kind.GROUP:
            # Required means all of it, and the last member is the last to be up; a wish is for
            # where it begins.
            member = primary.children[-1 if c.score >= INFINITY else 0]
            apply_to_dependent(work, dependent, member, c)
        case Kind.CLONE:
            _apply_clone(work, dependent, primary, c)
        case Kind.BUNDLE:
            _apply_bundle(work, dependent, primary, c)


def roles_match(dependent: Resource, primary: Resource, c: Colocation) -> bool:
    """Say whether the roles that the colocation names are those that were decided."""
    if c.dependent_role is not Role.UNKNOWN and c.dependent_role is not dependent.next_role:
        return False
    return c.primary_role is Role.UNKNOWN or c.primary_role is _role_for_colocation(primary)


def _role_for_colocation(rsc: Resource) -> Role:
    role = rsc.next_role
    bundle = rsc.bundle
    is_around_promotable = bundle is not None and bundle.is_promotable and rsc.is_bundle_container
    if role is Role.STARTED and (rsc.is_promotable or is_around_promotable):
        return Role.UNPROMOTED
    return role


def _apply_primitive(work: Work, dependent: Resource, primary: Resource, c: Colocation) -> None:
    if primary.is_provisional or not dependent.is_provisional:
        return
    if not roles_match(dependent, primary, c):
        return
    node = primary.assigned
    if node is None:
        if c.score <= 0:
            return
        value = None
    else:
        value = attribute_value(node, c.node_attribute)
    before = work.keep_scores(dependent)
    source = c.id or primary.id
    for name in dependent.scores:
        if value is None:
            if node is not None or c.score > 0:
                _change(work, dependent, name, -c.score, c, source)
            continue
        here = attribute_value(work.node_by_name[name], c.node_attribute)
        if here == value:
            if c.score < INFINITY:
                _change(work, dependent, name, c.score, c, source)
        elif c.score >= INFINITY:
            _change(work, dependent, name, MINUS_INFINITY, c, source)
    if not c.is_mandatory and not usable_nodes(work, dependent):
        work.take_scores_back(dependent, before)


def _change(work: Work, rsc: Resource, name: str, score: int, c: Colocation, source: str) -> None:
    rsc.scores[name] = add_scores(rsc.scores[name], score)
    work.explain_score(rsc, name, score, "colocation", f"{source} with {c.primary.id}")


def _apply_clone(work: Work, dependent: Resource, primary: Resource, c: Colocation) -> None:
    if primary.is_provisional or not dependent.is_provisional:
        return
    if (
        primary.is_promotable
        and c.primary_role > Role.UNPROMOTED
        and c.dependent_role is Role.PROMOTED
        and dependent.is_promotable
    ):
        return
    # What is never promoted has no roles: a role named of it counts for single instances only.
    has_role = primary.is_promotable and c.primary_role is not Role.UNKNOWN
    instances = [
        child
        for child in primary.children
        if instance_node(child) is not None and (not has_role or _has_role(child, c))
    ]
    dependent_clone = dependent.clone
    if (not has_role and dependent_clone is not None) and _is_interleaved(dependent_clone, primary):
        apply_one_to_one(work, dependent, [_last(child) for child in instances], c)
        return
    if c.score >= INFINITY:
        allowed = {
            attribute_value(node, c.node_attribute)
            for child in instances
            for node in [instance_node(child)]
            if node is not None
        }
        for name in dependent.scores:
            here = attribute_value(work.node_by_name[name], c.node_attribute)
            if here not in allowed:
                _change(work, dependent, name, MINUS_INFINITY, c, c.id)
        if has_role and c.primary_role is Role.PROMOTED:
            # With several promoted the dependent prefers the better one.
            for child in instances:
                target = _last(child)
                if target.assigned is not None and target.assigned.name in dependent.scores:
                    score = child.scores.get(target.assigned.name, 0)
                    _change(work, dependent, target.assigned.name, score, c, c.id)
        return
    for child in instances if has_role else primary.children:
        # An instance that runs nowhere is a reason against every node, as a primitive's would be.
        apply_to_dependent(work, dependent, child, c)


def _has_role(child: Resource, c: Colocation) -> bool:
    return _role_for_colocation(_last(child)) is c.primary_role


def _last(child: Resource) -> Resource:
    return child.children[-1] if child.kind is Kind.GROUP else child


def instance_node(child: Resource) -> Node | None:
    """Return where an instance was placed: for a group all its members must be."""
    if child.kind is Kind.GROUP:
        node = None
        for member in child.children:
            if member.assigned is None:
                return None
            node = member.assigned
        return node
    return child.assigned


def _is_interleaved(dependent_clone: Resource, primary: Resource) -> bool:
    if not dependent_clone.is_interleaved:
        return False
    return primary.kind in (Kind.CLONE, Kind.BUNDLE)


def apply_one_to_one(
    work: Work, dependent: Resource, targets: list[Resource], c: Colocation
) -> None:
    """Each instance goes with the one on the best node it may have; without a partner nowhere."""
    for node in _by_score(work, dependent):
        best = next((each for each in targets if each.assigned is node), None)
        if best is not None:
            if roles_match(dependent, best, c):
                _apply_interleaved_to(work, dependent, best, c)
            return
    if c.score >= INFINITY:
        # On every node there is, also those that it had no score for.
        for node in work.nodes:
            dependent.scores.setdefault(node.name, 0)
            _change(work, dependent, node.name, MINUS_INFINITY, c, c.id)


def _apply_interleaved_to(work: Work, dependent: Resource, target: Resource, c: Colocation) -> None:
    node = target.assigned
    if not (node is not None):
        raise InvariantError("set before this phase")
    before = work.keep_scores(dependent)
    for name in dependent.scores:
        if name == node.name:
            if c.score < INFINITY:
                _change(work, dependent, name, c.score, c, c.id)
        elif c.score >= INFINITY:
            _change(work, dependent, name, MINUS_INFINITY, c, c.id)
    if not c.is_mandatory and not usable_nodes(work, dependent):
        work.take_scores_back(dependent, before)


def _by_score(work: Work, rsc: Resource) -> list[Node]:
    from paceline.scheduler.placement import sort_nodes

    return sort_nodes(work, rsc)


def _apply_bundle(work: Work, dependent: Resource, primary: Resource, c: Colocation) -> None:
    from paceline.scheduler.bundles import apply_bundle_colocation

    apply_bundle_colocation(work, dependent, primary, c)


# Primary not placed yet: the dependents' wishes


AVOIDED = MINUS_INFINITY - 1
"""Stands for a score that wishes have used up; below all scores, so the node counts as unusable."""


def scale(score: int, numerator: int, denominator: int) -> int:
    """Return score x factor, rounded half away from zero, and never 0 where the product is not."""
    product = score * numerator
    if product == 0:
        return 0
    size = abs(product)
    rounded = (2 * size + denominator) // (2 * denominator)
    rounded = max(1, rounded)
    return rounded if product > 0 else -rounded


def add_dependents(
    work: Work,
    scores: dict[str, int],
    dependent: Resource,
    c: Colocation,
    numerator: int,
    denominator: int,
    *,
    only_positive: bool = False,
) -> dict[str, int]:
    """Return `scores` with the wishes of `dependent`, and of those who follow it, added.

    If that would leave no usable node, the scores are returned as they were.
    With `only_positive` a node that would lose more than it has is worth 1 (0 if it had nothing):
    a clone avoids it, but does not stop there because somebody else cannot follow.
    """
    merged = _heard(
        work, scores, dependent, c, numerator, denominator, only_positive=only_positive, root=c
    )
    if only_positive and merged is not scores:
        return {name: 1 if score == AVOIDED else score for name, score in merged.items()}
    return merged


def _heard(
    work: Work,
    scores: dict[str, int],
    dependent: Resource,
    c: Colocation,
    numerator: int,
    denominator: int,
    *,
    only_positive: bool,
    root: Colocation,
) -> dict[str, int]:
    """Return `scores` with the wishes of one dependent, then of those who follow it, added."""
    if dependent.kind is Kind.GROUP:
        dependent = dependent.children[0]
    elif dependent.kind is Kind.BUNDLE:
        return scores
    elif _is_inner_member(dependent, c.primary):
        # Where its group may not run it cannot run either.
        if not (dependent.parent is not None):
            raise InvariantError("set before this phase")
        dependent = dependent.parent.children[0]
    if dependent.is_merging:
        return scores
    dependent.is_merging = True
    try:
        merged = _merge(work, scores, dependent, c, numerator, denominator, only_positive, root)
        if not _any_usable(work, merged):
            return scores
        for each in with_this(dependent):
            if not has_influence(each):
                continue
            merged = _heard(
                work,
                merged,
                each.dependent,
                each,
                numerator * each.score,
                denominator * INFINITY,
                only_positive=only_positive,
                root=root,
            )
        return merged
    finally:
        dependent.is_merging = False


def note_heard(work: Work, rsc: Resource, before: dict[str, int], c: Colocation) -> None:
    """Keep, if reasons are wanted, what the wishes of a dependent changed."""
    if work.reasons is None or rsc.scores is before:
        return
    for name, score in rsc.scores.items():
        if score != before[name]:
            change = score_difference(before[name], score)
            source = f"{c.id} of {c.dependent.id}"
            work.explain_score(rsc, name, change, "colocated-dependents", source)


def company_score(work: Work, rsc: Resource, name: str) -> int:
    """Return what all whom `rsc` is tied to, in either direction, think of a node.

    Its own score there is not counted. This decides between instances that are equal else.
    """
    start = {name: 0}
    rsc.is_merging = True
    for each in this_with(rsc):
        start = add_primaries(work, start, each.primary, each, each.score, INFINITY)
    for each in with_this(rsc):
        if has_influence(each):
            start = add_dependents(work, start, each.dependent, each, each.score, INFINITY)
    rsc.is_merging = False
    return start[name]


def add_primaries(
    work: Work,
    scores: dict[str, int],
    primary: Resource,
    c: Colocation,
    numerator: int,
    denominator: int,
) -> dict[str, int]:
    """Return `scores` with the wishes of one primary, then of those it depends on, added."""
    if primary.kind is Kind.GROUP:
        primary = primary.children[0]
    if primary.kind is Kind.BUNDLE or primary.is_merging:
        return scores
    primary.is_merging = True
    merged = _merge(work, scores, primary, c, numerator, denominator, False, c)
    for each in this_with(primary):
        merged = add_primaries(
            work, merged, each.primary, each, numerator * each.score, denominator * INFINITY
        )
    primary.is_merging = False
    return merged


def _is_inner_member(dependent: Resource, primary: Resource) -> bool:
    """Say whether a group's later member depends on something outside the group."""
    parent = dependent.parent
    return (
        parent is not None
        and parent.kind is Kind.GROUP
        and primary.parent is not parent
        and parent.children[0] is not dependent
    )


def _any_usable(work: Work, scores: dict[str, int]) -> bool:
    return any(score >= 0 and work.node_by_name[name].can_run() for name, score in scores.items())


def _gives_way(work: Work, dependent: Resource, root: Colocation) -> bool:
    """Say whether the primary must make room: the one avoiding it can run in one place only."""
    if len(usable_nodes(work, dependent)) != 1:
        return False
    stickiness = sum(
        each.stickiness for each in root.primary.primitives() if len(each.running_on) == 1
    )
    return stickiness < abs(root.score)


def _merge(
    work: Work,
    scores: dict[str, int],
    dependent: Resource,
    c: Colocation,
    numerator: int,
    denominator: int,
    only_positive: bool,
    root: Colocation,
) -> dict[str, int]:
    merged = dict(scores)
    best: dict[str | None, int] | None = None
    if c.node_attribute != "#uname":
        best = {}
        for name, score in dependent.scores.items():
            node = work.node_by_name[name]
            value = attribute_value(node, c.node_attribute)
            if value is not None and node.can_run():
                best[value] = max(best.get(value, MINUS_INFINITY), score)
    is_negative = numerator < 0
    is_pinned = is_negative and _gives_way(work, dependent, root)
    for name in merged:
        if best is None:
            # Where nothing can run the dependent cannot either.
            is_usable = work.node_by_name[name].can_run()
            score = dependent.scores.get(name, MINUS_INFINITY) if is_usable else MINUS_INFINITY
        else:
            score = best.get(
                attribute_value(work.node_by_name[name], c.node_attribute), MINUS_INFINITY
            )
        if is_negative and score < 0 and not is_pinned:
            # A dislike of someone who avoids this one is no reason to come here.
            continue
        delta = scale(score, numerator, denominator)
        if not delta or merged[name] == AVOIDED:
            continue
        total = add_scores(merged[name], delta)
        if only_positive and total < 0 <= merged[name]:
            total = AVOIDED if merged[name] else 0
        merged[name] = total
    return merged
