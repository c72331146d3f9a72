"""Reading `<constraints>`, with tags and templates resolved to the resources they stand for."""

from collections.abc import Mapping

from lxml import etree

from paceline.cib.read_attributes import Element, References, parse_flag, read_rule, score_or
from paceline.model.configuration import (
    ColocationConstraint,
    Constraint,
    LocationConstraint,
    OrderConstraint,
    ResourceSet,
    TicketConstraint,
)
from paceline.model.identifiers import NodeName, ResourceId

Names = Mapping[str, tuple[ResourceId, ...]]
"""What a tag or a template stands for."""


def read_constraints(
    parent: Element, names: Names, references: References
) -> tuple[Constraint, ...]:
    """Return the constraints in the order of the file."""
    found: list[Constraint] = []
    for child in parent.iterchildren(etree.Element):
        match child.tag:
            case "rsc_location":
                found.append(_location(child, names, references))
            case "rsc_colocation":
                found.append(_colocation(child, names, references))
            case "rsc_order":
                found.append(_order(child, names, references))
            case "rsc_ticket":
                found.append(_ticket(child, names, references))
    return tuple(found)


def _sets(element: Element, names: Names, references: References) -> tuple[ResourceSet, ...]:
    found = []
    for raw in element.iterchildren("resource_set"):
        child = references.resolve(raw)
        resources: list[ResourceId] = []
        for ref in child.iterchildren("resource_ref"):
            name = ref.get("id", "")
            resources.extend(names.get(name, (ResourceId(name),)))
        score = child.get("score")
        found.append(
            ResourceSet(
                id=child.get("id", ""),
                resources=tuple(resources),
                is_sequential=parse_flag(child.get("sequential"), True),
                requires_all=parse_flag(child.get("require-all"), True),
                action=child.get("action", ""),
                role=child.get("role", ""),
                score=None if score is None else score_or(score, 0),
                ordering=child.get("ordering", ""),
            )
        )
    return tuple(found)


def _location(element: Element, names: Names, references: References) -> LocationConstraint:
    name = element.get("rsc", "")
    return LocationConstraint(
        id=element.get("id", ""),
        resources=names.get(name, (ResourceId(name),) if name else ()),
        pattern=element.get("rsc-pattern", ""),
        sets=_sets(element, names, references),
        role=element.get("role", ""),
        node=NodeName(element.get("node", "")),
        score=score_or(element.get("score"), 0),
        rules=tuple(
            read_rule(references.resolve(each), references) for each in element.iterchildren("rule")
        ),
        discovery=element.get("resource-discovery", ""),
    )


def _as_set(name: str, names: Names, *, action: str = "", role: str = "") -> ResourceSet:
    return ResourceSet(
        id=name,
        resources=names.get(name, (ResourceId(name),)),
        is_sequential=False,
        action=action,
        role=role,
    )


def _colocation(element: Element, names: Names, references: References) -> ColocationConstraint:
    dependent, primary = element.get("rsc", ""), element.get("with-rsc", "")
    roles = element.get("rsc-role", ""), element.get("with-rsc-role", "")
    sets = _sets(element, names, references)
    if not sets and (dependent in names or primary in names):
        sets = (_as_set(dependent, names, role=roles[0]), _as_set(primary, names, role=roles[1]))
    return ColocationConstraint(
        id=element.get("id", ""),
        dependent=ResourceId("" if sets else dependent),
        primary=ResourceId("" if sets else primary),
        dependent_role=roles[0],
        primary_role=roles[1],
        score=score_or(element.get("score"), 0),
        node_attribute=element.get("node-attribute", ""),
        influence=element.get("influence", ""),
        sets=sets,
    )


def _order(element: Element, names: Names, references: References) -> OrderConstraint:
    first, then = element.get("first", ""), element.get("then", "")
    actions = element.get("first-action", ""), element.get("then-action", "")
    sets = _sets(element, names, references)
    if not sets and (first in names or then in names):
        sets = (
            _as_set(first, names, action=actions[0]),
            _as_set(then, names, action=actions[1] or actions[0]),
        )
    return OrderConstraint(
        id=element.get("id", ""),
        first=ResourceId("" if sets else first),
        then=ResourceId("" if sets else then),
        first_action=actions[0],
        then_action=actions[1],
        kind=element.get("kind", ""),
        score=element.get("score", ""),
        symmetrical=element.get("symmetrical", ""),
        requires_all=parse_flag(element.get("require-all"), True),
        sets=sets,
    )


def _ticket(element: Element, names: Names, references: References) -> TicketConstraint:
    name = element.get("rsc", "")
    sets = _sets(element, names, references)
    if not sets and name in names:
        sets = (_as_set(name, names, role=element.get("rsc-role", "")),)
    return TicketConstraint(
        id=element.get("id", ""),
        ticket=element.get("ticket", ""),
        resource=ResourceId("" if sets else name),
        role=element.get("rsc-role", ""),
        loss_policy=element.get("loss-policy", ""),
        sets=sets,
    )
