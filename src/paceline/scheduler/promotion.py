"""Who is promoted: instances are ranked by their promotion score where they were placed.

The score is a node attribute that agents set (`master-RSC`); without any it is -1, and a negative
rank means never. Location constraints for the promoted role, and colocations that name it, add.
"""

from collections.abc import Callable

from paceline.cib.read_attributes import score_or
from paceline.model.scores import INFINITY, MINUS_INFINITY, add_scores
from paceline.scheduler.colocation import (
    add_dependents,
    attribute_value,
    has_influence,
    instance_node,
    this_with,
    with_this,
)
from paceline.scheduler.placement import place
from paceline.scheduler.reasons import score_difference
from paceline.scheduler.work import Colocation, Kind, Node, Resource, Role, Work

NO_SCORE = -1
"""The rank of an instance whose agent named no score."""


def find_promotion_score(work: Work, child: Resource, node: Node) -> int | None:
    """Return the promotion score of an instance on a node, None where there is none.

    A group's is the sum of its members'. It counts only where the instance may be (one that is not
    managed can be elsewhere), and is known, or everywhere while it is known nowhere.
    """
    if child.kind is Kind.GROUP:
        found = [find_promotion_score(work, each, node) for each in child.children]
        known = [each for each in found if each is not None]
        return sum(known) if known else None
    clone = child.clone
    if node.bundle is None and child.scores.get(node.name, MINUS_INFINITY) < 0:
        return None
    # A host may name a score for what is to run in a container that is not up yet.
    is_of_host = node.bundle is not None and child.meta.get("container-attribute-target") == "host"
    if clone is not None and not is_of_host and not _is_known(clone, child, node):
        return None
    names = [f"master-{name}" for name in _names(child)]
    holder = node
    if is_of_host:
        holder = node.host
        if _has_no_host(node):
            return None
    for name in names:
        value = holder.attributes.get(name)
        if value is not None:
            return score_or(value, 0)
    return None


def _has_no_host(node: Node) -> bool:
    """Say whether the container that the node is will not run anywhere."""
    connection = node.remote_resource
    container = connection.container if connection is not None else None
    return container is not None and not container.is_provisional and container.assigned is None


def _names(child: Resource) -> list[str]:
    """Return the names under which its score may stand: as its history has it, then without number.

    What has no history yet is looked for by its own name.
    """
    found = [entries[0].resource for entries in child.history.values()]
    return [found[-1] if found else child.id, child.agent_id]


def _is_known(clone: Resource, child: Resource, node: Node) -> bool:
    if clone.is_unique:
        siblings = [child]
    else:
        siblings = [
            each
            for top in clone.children
            for each in top.primitives()
            if each.agent_id == child.agent_id
        ]
    active = next((each for each in siblings if node in each.running_on), None)
    if active is not None:
        return active is child
    if any(node.name in each.known_on for each in siblings):
        return True
    if node.bundle is not None:
        # A container that only starts has yet to find out.
        return False
    return not any(each.known_on for each in siblings)


def add_promotion_scores(work: Work, clone: Resource) -> None:
    """Let promotion scores count in the placement, so that instances go where they may rise."""
    for child in clone.children:
        first = child.children[0] if child.kind is Kind.GROUP else child
        for name in list(first.scores):
            node = work.node_by_name[name]
            if not node.can_run() or first.scores[name] < 0:
                continue
            score = find_promotion_score(work, child, node)
            if score is not None and score > 0:
                work.score(child, name, score, "promotion-score", clone.id)
                child.priority = max(child.priority, score)


def choose_promoted(work: Work, clone: Resource) -> None:
    """Rank the instances and promote the best, as many as promoted-max and each node allow."""
    ranks: dict[str, int] = {}
    for child in clone.children:
        ranks[child.id] = _own_rank(work, clone, child)
    sort_ranks = _sort_ranks(work, clone, ranks)
    order = sorted(
        clone.children,
        key=lambda child: (-sort_ranks[child.id], -_role(child), *_tie(clone, child)),
    )
    promoted = 0
    counts: dict[str, int] = {}
    for child in order:
        node = instance_node(child) or _some_node(child)
        if node is not None or child.is_active():
            name = node.name if node is not None else "none"
            work.promotion_log.append((child.id, name, sort_ranks[child.id]))
    for child in order:
        node = instance_node(child)
        if promoted >= clone.promoted_max or node is None:
            _settle(child, Role.UNPROMOTED)
            continue
        if not _can_be_promoted(work, clone, child, node, ranks[child.id], counts):
            _settle(child, Role.UNPROMOTED)
            continue
        counts[node.name] = counts.get(node.name, 0) + 1
        promoted += 1
        _settle(child, Role.PROMOTED)


def _some_node(child: Resource) -> Node | None:
    return next((each.assigned for each in child.primitives() if each.assigned), None)


def _tie(clone: Resource, child: Resource) -> tuple[int, int]:
    return (0 if child.is_active() else 1, child.instance_number)


def _role(child: Resource) -> int:
    return max((int(each.role) for each in child.primitives()), default=0)


def _settle(child: Resource, role: Role) -> None:
    for each in child.walk():
        if each.kind is Kind.PRIMITIVE and each.assigned is None:
            each.next_role = Role.STOPPED
        elif not each.is_managed and each.kind is Kind.PRIMITIVE:
            continue
        else:
            each.next_role = role


def _can_be_promoted(
    work: Work, clone: Resource, child: Resource, node: Node, rank: int, counts: dict[str, int]
) -> bool:
    if rank < 0 or _has_no_host(node):
        return False
    if (any(not each.is_managed for each in child.primitives())) and (
        _role(child) != Role.PROMOTED
    ):
        return False
    if not node.can_run() and all(each.is_managed for each in child.primitives()):
        return False
    if any(each.base_role is Role.UNPROMOTED for each in child.primitives()):
        return False
    if (
        not work.has_quorum
        and work.options.no_quorum_policy in ("freeze", "demote")
        and (work.options.no_quorum_policy == "demote" or _role(child) != Role.PROMOTED)
    ):
        return False
    return counts.get(node.name, 0) < clone.promoted_node_max


def _own_rank(work: Work, clone: Resource, child: Resource) -> int:
    node = instance_node(child)
    if node is None:
        rank = NO_SCORE if not child.is_active() else MINUS_INFINITY
        _noter(work, child)("not-placed", child.id, 0, rank)
        return rank
    if all(not each.is_managed for each in child.primitives()) and _role(child) == Role.PROMOTED:
        _noter(work, child)("unmanaged", child.id, 0, INFINITY)
        return INFINITY
    score = find_promotion_score(work, child, node)
    rank = NO_SCORE if score is None else score
    note = _noter(work, child)
    note("no-promotion-score" if score is None else "promotion-score", child.agent_id, 0, rank)
    for holder in _holders(clone, child):
        for location in holder.location_list:
            if location.role is Role.PROMOTED and node.name in location.scores:
                before, rank = rank, add_scores(rank, location.scores[node.name])
                note("location", location.id, before, rank)
    for c in _colocations(clone, this_with(child), is_dependent=True):
        if c.dependent_role is Role.PROMOTED:
            before, rank = rank, _colocated_rank(work, c, node, rank)
            note("colocation", f"{c.id} with {c.primary.id}", before, rank)
    if rank >= 0 and any(each.base_role is Role.UNPROMOTED for each in child.primitives()):
        note("may-not-be-promoted", child.id, rank, MINUS_INFINITY)
        return MINUS_INFINITY
    return rank


def _noter(work: Work, child: Resource) -> Callable[[str, str, int, int], None]:
    """Return what keeps a reason (kind, source, rank before and after), if reasons are wanted."""
    reasons = work.reasons

    def note(code: str, source: str, before: int, after: int) -> None:
        if reasons is not None:
            reasons.add_promotion(child.id, code, source, before, after)

    return note


def _colocations(clone: Resource, own: list[Colocation], *, is_dependent: bool) -> list[Colocation]:
    """Return the colocations that may name the promoted role; those of a bundle are its clone's."""
    bundle = clone.bundle
    if bundle is None:
        return own
    return [*own, *(bundle.this_with if is_dependent else bundle.with_this)]


def _holders(clone: Resource, child: Resource) -> list[Resource]:
    """Return whose locations count: those of the clone, what holds it, and the instance."""
    found = [clone]
    if clone.parent is not None:
        found.append(clone.parent)
    if child.kind is Kind.GROUP:
        found.append(child)
    found.extend(child.primitives() if child.kind is not Kind.GROUP else ())
    return found


def _colocated_rank(work: Work, c: Colocation, node: Node, rank: int) -> int:
    """A role-limited colocation of the promoted role changes the rank, not the placement."""
    primary = c.primary
    if primary.is_provisional:
        place(work, primary)
    places = _places(primary, c)
    here = attribute_value(node, c.node_attribute)
    is_match = any(attribute_value(each, c.node_attribute) == here for each in places)
    if not places:
        # Inactive: required and not there bans, wished for costs nothing.
        return MINUS_INFINITY if c.score >= INFINITY else rank
    if is_match:
        return (
            add_scores(rank, c.score if c.score < INFINITY else 0)
            if (c.score < INFINITY)
            else add_scores(rank, c.score)
        )
    if c.score >= INFINITY:
        return MINUS_INFINITY
    return rank


def _places(primary: Resource, c: Colocation) -> list[Node]:
    if primary.kind is Kind.CLONE:
        targets = [_last(child) for child in primary.children]
    elif primary.kind is Kind.GROUP:
        targets = [primary.children[-1]]
    elif primary.kind is Kind.BUNDLE:
        targets = [each.instance for each in primary.replicas if each.instance is not None] or [
            each.container for each in primary.replicas
        ]
    else:
        targets = [primary]
    return [
        each.assigned
        for each in targets
        if each.assigned is not None
        and (c.primary_role is Role.UNKNOWN or each.next_role is c.primary_role)
    ]


def _last(child: Resource) -> Resource:
    return child.children[-1] if child.kind is Kind.GROUP else child


def _sort_ranks(work: Work, clone: Resource, ranks: dict[str, int]) -> dict[str, int]:
    """Return by which ranks the instances are sorted: each one's own, and what its node is worth.

    A node is worth what the clone scores there (what was heard before the placement counts again),
    its instances' own ranks, and what those think of it who want to be where the promoted one is.
    Who may not be promoted keeps the own rank.
    """
    worth: dict[str, int] = {}
    places = {child.id: instance_node(child) for child in clone.children}
    for name, score in clone.scores.items():
        worth[work.node_by_name[name].host.name] = score
    for child in clone.children:
        node = places[child.id]
        if node is not None and ranks[child.id] >= 0:
            known = worth.get(node.host.name, 0)
            worth[node.host.name] = add_scores(known, ranks[child.id])
    wishes: list[tuple[Colocation, dict[str, int], dict[str, int]]] = []
    for c in _colocations(clone, with_this(clone), is_dependent=False):
        if c.primary_role is Role.PROMOTED and has_influence(c):
            before = worth
            worth = add_dependents(
                work,
                worth,
                c.dependent,
                c,
                c.score,
                INFINITY,
                only_positive=True,
            )
            wishes.append((c, before, worth))
    if work.reasons is not None:
        _note_worth(work, clone, ranks, wishes)
    found = dict(ranks)
    for child in clone.children:
        node = places[child.id]
        if node is not None and 0 <= ranks[child.id] < INFINITY:
            found[child.id] = worth[node.host.name]
    return found


def _note_worth(
    work: Work,
    clone: Resource,
    ranks: dict[str, int],
    wishes: list[tuple[Colocation, dict[str, int], dict[str, int]]],
) -> None:
    """Keep what made each instance's place worth what it is, beyond its own rank."""
    places = {child.id: instance_node(child) for child in clone.children}
    scores = {work.node_by_name[name].host.name: each for name, each in clone.scores.items()}
    for child in clone.children:
        node, total = places[child.id], ranks[child.id]
        if node is None or not 0 <= total < INFINITY:
            continue
        host = node.host.name
        steps = [("clone-score", str(clone.id), scores.get(host, 0))]
        for other in clone.children:
            there = places[other.id]
            if other is not child and there is not None and there.host.name == host:
                steps.append(("other-instance", str(other.id), max(0, ranks[other.id])))
        for c, before, after in wishes:
            change = score_difference(before.get(host, 0), after.get(host, 0))
            if before.get(host) != after.get(host):
                steps.append(("colocated-dependents", f"{c.id} of {c.dependent.id}", change))
        note = _noter(work, child)
        for code, source, change in steps:
            before_it, total = total, add_scores(total, change)
            note(code, source, before_it, total)
