"""Phase: the constraints, turned from words about names into wishes of resources.

Location constraints become scores at once (those for the promoted role are kept for the
promotion). Colocations are entered with both resources, sets taken apart. Orders become ties
between actions in `ordering`, when there are actions; here is only said what their words mean.
"""

import itertools
import re

from paceline.cib.read_attributes import parse_flag, score_or
from paceline.model.configuration import (
    ColocationConstraint,
    LocationConstraint,
    OrderConstraint,
    ResourceSet,
    Rule,
)
from paceline.model.scores import MINUS_INFINITY, add_scores
from paceline.scheduler.resources import add_colocation
from paceline.scheduler.rules import RuleContext, expand_submatches, is_rule_true, pick_values
from paceline.scheduler.work import (
    Colocation,
    Kind,
    Location,
    Node,
    Resource,
    Role,
    Work,
    role_of_word,
)


def add_location_score(
    work: Work, rsc: Resource, node: str, score: int, code: str, source: str
) -> None:
    """Add a location score: a clone hands it to its instances, a group to its first member."""
    match rsc.kind:
        case Kind.PRIMITIVE:
            work.score(rsc, node, score, code, source)
        case Kind.GROUP:
            work.score(rsc, node, score, code, source)
            for index, child in enumerate(rsc.children):
                amount = score if index == 0 else 0
                add_location_score(work, child, node, amount, code, source)
        case Kind.CLONE:
            work.score(rsc, node, score, code, source)
            for child in rsc.children:
                add_location_score(work, child, node, score, code, source)
        case Kind.BUNDLE:
            work.score(rsc, node, score, code, source)
            # The address counts as well: it goes with its container, and so pulls it once more.
            for child in rsc.children:
                if child.kind is Kind.PRIMITIVE and not child.is_remote_connection:
                    add_location_score(work, child, node, score, code, source)


def start_scores(work: Work) -> None:
    """Give every resource its first scores: each node's own (0 unless the configuration says so).

    In an asymmetric cluster nothing has a score anywhere until a constraint names the node.
    """
    if not work.options.is_symmetric:
        return
    listed = {node.name for node in work.snapshot.configuration.nodes}
    nodes = [node for node in work.nodes if node.bundle is None and not node.is_removed]
    containers = [node for node in work.nodes if node.bundle is not None and node.name in listed]
    for top in work.resources:
        for rsc in top.walk():
            if is_inside_bundle(rsc):
                continue
            for node in nodes:
                if node.name not in rsc.scores:
                    rsc.scores[node.name] = node.base_score
                    if node.base_score:
                        work.explain_score(rsc, node.name, node.base_score, "node-score", node.name)
            for node in containers:
                if node.name not in rsc.scores and _was_read_before(rsc, node):
                    rsc.scores[node.name] = MINUS_INFINITY
                    work.explain_score(rsc, node.name, MINUS_INFINITY, "bundle-guest", node.name)


def _was_read_before(rsc: Resource, node: Node) -> bool:
    """Say whether a resource comes before the connection that makes the node a bundle's own."""
    connection = node.remote_resource
    return connection is not None and rsc.sort_index < connection.sort_index


def is_inside_bundle(rsc: Resource) -> bool:
    """Say whether it runs inside a bundle's containers, and nowhere else."""
    return rsc.bundle is not None and rsc.clone is not None


def find_resource(work: Work, name: str) -> Resource | None:
    """Return what a constraint means by a name; an anonymous clone's child means the clone."""
    rsc = work.by_id.get(name)
    if rsc is None:
        return work.anon_ids.get(name)
    if rsc.is_removed:
        return None
    return rsc


def read_locations(work: Work) -> None:
    """Apply every location constraint."""
    for each in work.snapshot.configuration.constraints:
        if isinstance(each, LocationConstraint):
            _read_location(work, each)


def _read_location(work: Work, constraint: LocationConstraint) -> None:
    for name in constraint.resources:
        rsc = find_resource(work, name)
        if rsc is not None:
            _apply_location(work, constraint, rsc, constraint.role, constraint.score, ())
    for each in constraint.sets:
        for name in each.resources:
            rsc = find_resource(work, name)
            if rsc is not None:
                score = constraint.score if each.score is None else each.score
                _apply_location(work, constraint, rsc, each.role or constraint.role, score, ())
    if constraint.pattern:
        _read_pattern(work, constraint)


def _read_pattern(work: Work, constraint: LocationConstraint) -> None:
    text, is_inverted = constraint.pattern, False
    if text.startswith("!"):
        text, is_inverted = text[1:], True
    try:
        pattern = re.compile(text)
    except re.error:
        work.note("error", "bad-pattern", f"'{text}' in {constraint.id} is no pattern")
        return
    for rsc in work.resources:
        found = pattern.search(rsc.id)
        if bool(found) == is_inverted:
            continue
        groups: tuple[str, ...] = ()
        if found:
            groups = (found[0], *(each or "" for each in found.groups()))
        _apply_location(work, constraint, rsc, constraint.role, constraint.score, groups)


def _apply_location(
    work: Work,
    constraint: LocationConstraint,
    rsc: Resource,
    role_word: str,
    score: int,
    submatches: tuple[str, ...],
) -> None:
    if not constraint.rules:
        if constraint.node and constraint.node in work.node_by_name:
            _use_scores(work, constraint, constraint.id, rsc, role_word, {constraint.node: score})
        return
    for rule in constraint.rules:
        scores = _rule_scores(work, rule, rsc, submatches)
        _use_scores(work, constraint, rule.id, rsc, rule.role or role_word, scores)


def _rule_scores(
    work: Work, rule: Rule, rsc: Resource, submatches: tuple[str, ...]
) -> dict[str, int]:
    scores: dict[str, int] = {}
    for node in work.nodes:
        parameters: dict[str, str] = {}
        if rsc.parameter_sets:
            here = RuleContext(moment=work.moment, node=node.attributes.get, agent=rsc.agent)
            parameters = pick_values(rsc.parameter_sets, here)
        context = RuleContext(
            moment=work.moment,
            node=node.attributes.get,
            parameters=parameters,
            meta=rsc.meta,
            submatches=submatches,
        )
        if not is_rule_true(rule, context):
            continue
        if rule.score_attribute:
            name = expand_submatches(rule.score_attribute, submatches)
            value = node.attributes.get(name)
            if value is None:
                continue
            scores[node.name] = score_or(value, 0)
        else:
            scores[node.name] = rule.score or 0
    return scores


def _use_scores(
    work: Work,
    constraint: LocationConstraint,
    id: str,
    rsc: Resource,
    role_word: str,
    scores: dict[str, int],
) -> None:
    """Keep what a constraint says of a resource; `id` is the constraint's, or its rule's."""
    role = role_of_word(role_word)
    if role is not Role.PROMOTED:
        # An instance must be started before it can be promoted: these hold for every role.
        role = Role.UNKNOWN
    rsc.location_list.append(Location(id, scores, role, constraint.discovery))
    if constraint.discovery in ("never", "exclusive"):
        for each in rsc.walk():
            if is_inside_bundle(each) or (each.bundle is not None and each.is_remote_connection):
                # The connection to a container may run on any node, wherever the container is.
                continue
            for name in scores:
                each.discovery[name] = constraint.discovery
            if constraint.discovery == "exclusive":
                each.exclusive_discovery = True
    if role is Role.UNKNOWN:
        for name, score in scores.items():
            code = "rule" if constraint.rules else "location"
            add_location_score(work, rsc, name, score, code, constraint.id)


# Colocation


def read_colocations(work: Work) -> None:
    """Enter every colocation constraint, sets taken apart, with the resources it names."""
    for each in work.snapshot.configuration.constraints:
        if not isinstance(each, ColocationConstraint):
            continue
        if each.sets:
            _colocation_sets(work, each)
        else:
            _colocate(
                work,
                each,
                each.id,
                each.score,
                each.dependent,
                each.primary,
                each.dependent_role,
                each.primary_role,
            )


def _colocate(
    work: Work,
    constraint: ColocationConstraint,
    id: str,
    score: int,
    dependent_name: str,
    primary_name: str,
    dependent_role: str,
    primary_role: str,
) -> None:
    dependent, primary = find_resource(work, dependent_name), find_resource(work, primary_name)
    if dependent is None or primary is None or dependent is primary or score == 0:
        return
    add_colocation(
        work,
        Colocation(
            id,
            score,
            dependent,
            primary,
            dependent_role=_coloc_role(dependent_role),
            primary_role=_coloc_role(primary_role),
            node_attribute=constraint.node_attribute,
            influence=parse_flag(constraint.influence, True) if constraint.influence else None,
        ),
    )


def _coloc_role(word: str) -> Role:
    """Return the role that limits a colocation."""
    role = role_of_word(word)
    return Role.UNKNOWN if role is Role.STARTED else role


def _colocation_sets(work: Work, constraint: ColocationConstraint) -> None:
    previous: ResourceSet | None = None
    for each in constraint.sets:
        _inside_set(work, constraint, each)
        if previous is not None:
            _between_sets(work, constraint, previous, each)
        previous = each


def _inside_set(work: Work, constraint: ColocationConstraint, each: ResourceSet) -> None:
    score = constraint.score if each.score is None else each.score
    if not each.is_sequential:
        return
    names = each.resources
    id = each.id or constraint.id
    if score > 0:
        # Each member goes with the one before it.
        for before, after in itertools.pairwise(names):
            _colocate(work, constraint, id, score, after, before, each.role, each.role)
        return
    for index, name in enumerate(names):
        for other in names[:index]:
            _colocate(work, constraint, id, score, name, other, each.role, each.role)


def _between_sets(
    work: Work, constraint: ColocationConstraint, first: ResourceSet, second: ResourceSet
) -> None:
    """The earlier set goes with the later one."""
    score = constraint.score
    dependents = list(first.resources)
    primaries = list(second.resources)
    if first.is_sequential and dependents:
        dependents = dependents[:1]
    if second.is_sequential and primaries:
        primaries = primaries[-1:]
    for dependent in dependents:
        for primary in primaries:
            _colocate(
                work, constraint, constraint.id, score, dependent, primary, first.role, second.role
            )


# Orders


def order_kind(constraint: OrderConstraint) -> str:
    """Return mandatory, optional or serialize; a score of 0 means optional."""
    word = constraint.kind.lower()
    if word in ("mandatory", "optional", "serialize"):
        return word
    if constraint.score:
        return "optional" if score_or(constraint.score, 0) == 0 else "mandatory"
    return "mandatory"


def is_symmetrical(constraint: OrderConstraint, kind: str) -> bool:
    """Say whether the reverse actions are ordered the other way round."""
    return parse_flag(constraint.symmetrical, kind != "serialize") and kind != "serialize"


def apply_exclusive_discovery(work: Work) -> None:
    """Keep resources with exclusive discovery off all nodes that no such constraint names."""
    for top in work.resources:
        for rsc in top.walk():
            if not rsc.exclusive_discovery:
                continue
            for name in list(rsc.scores):
                if rsc.discovery.get(name) != "exclusive":
                    work.score(rsc, name, MINUS_INFINITY, "exclusive-discovery", rsc.id)


def apply_stickiness(work: Work) -> None:
    """Add stickiness where a managed resource is active on exactly one node."""
    for rsc in work.primitives():
        if not rsc.is_managed:
            continue
        if len(rsc.running_on) != 1 or rsc.stickiness == 0:
            continue
        node = rsc.running_on[0]
        if node.name in rsc.scores or work.options.is_symmetric:
            work.score(rsc, node.name, rsc.stickiness, "stickiness", "resource-stickiness")


def usable_nodes(work: Work, rsc: Resource) -> list[Node]:
    """Return the nodes on which the resource may be placed as its scores stand now."""
    return [
        work.node_by_name[name]
        for name, score in rsc.scores.items()
        if score >= 0 and work.node_by_name[name].can_run()
    ]


__all__ = [
    "add_location_score",
    "add_scores",
    "find_resource",
    "read_colocations",
    "read_locations",
]
