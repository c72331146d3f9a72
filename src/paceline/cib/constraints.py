"""Constraints in the tree: finding, adding, comparing, removing."""

from collections.abc import Iterable, Iterator, Sequence

from paceline.cib.names import check_new_id
from paceline.cib.resources import find_resource, outer_clone, parent_resource
from paceline.cib.tree import (
    Element,
    add_element,
    attributes_of,
    find_section,
    get_section,
    has_id,
    remove,
    unique_id,
)
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

LOCATION, COLOCATION, ORDER, TICKET = "rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket"
TAGS = (LOCATION, COLOCATION, ORDER, TICKET)
MEMBERS_IN_ID = 3
"""How many members of sets a constraint's id is made of, as pcs has it."""
RESOURCE_ATTRIBUTES = ("rsc", "with-rsc", "first", "then")


def iterate_constraints(root: Element, tags: Sequence[str] = TAGS) -> Iterator[Element]:
    """Yield the constraints of these kinds, in the order of the file."""
    section = find_section(root, "constraints")
    for element in () if section is None else section:
        if element.tag in tags:
            yield element


def find_constraint(root: Element, wanted: str) -> Element | None:
    """Return the constraint with this id, or None."""
    return next((one for one in iterate_constraints(root) if one.get("id") == wanted), None)


def add_constraint(root: Element, tag: str, pairs: Iterable[tuple[str, str]]) -> Element:
    """Append a constraint with those attributes that have a value."""
    given = [(name, value) for name, value in pairs if value != ""]
    return add_element(get_section(root, "constraints"), tag, given)


def has_sets(constraint: Element) -> bool:
    """Say whether the constraint is made of resource sets."""
    return constraint.find("resource_set") is not None


def outer_resource(resource: Element) -> Element | None:
    """Return the clone or bundle around a resource, which constraints should name instead."""
    clone = outer_clone(resource)
    outer = clone if clone is not None else parent_resource(resource)
    return None if outer is None or outer.tag == "group" else outer


def get_resource_for_constraint(root: Element, wanted: str, *, is_forced: bool) -> Element:
    """Return the resource that a constraint may name.

    Raises InvalidRequestError where there is none, and, without force, where the resource is in a
    clone or a bundle, whose own id has to be used.
    """
    resource = find_resource(root, wanted)
    if resource is None:
        raise InvalidRequestError(
            Report(code="id-unknown", message=f"Resource '{wanted}' does not exist")
        )
    outer = outer_resource(resource)
    if outer is not None and not is_forced:
        kind = "bundle" if outer.tag == "bundle" else "clone"
        raise InvalidRequestError(
            Report(
                code="resource-is-inside",
                message=f"{wanted} is a {kind} resource, you should use the {kind} id: "
                f"{outer.get('id')} when adding constraints. Use --force to override.",
                facts=(("resource", wanted), ("outer", outer.get("id", ""))),
            )
        )
    return resource


def check_constraint_id(root: Element, wanted: str) -> None:
    """Raise InvalidRequestError if the id cannot be given to a new constraint, or operation."""
    if has_id(root, wanted):
        message = f"id '{wanted}' is already in use, please specify another one"
        raise InvalidRequestError(Report(code="id-already-exists", message=message))
    reports = check_new_id(root, wanted, "constraint id")
    if reports:
        raise InvalidRequestError(*reports)


def references(root: Element, resource_id: str) -> list[Element]:
    """Return the constraints that name this resource: plain ones first, then those with sets."""
    plain = [
        one
        for tag in sorted(TAGS)
        for one in iterate_constraints(root, (tag,))
        if not has_sets(one) and resource_id in (one.get(name) for name in RESOURCE_ATTRIBUTES)
    ]
    with_sets = [
        one
        for one in iterate_constraints(root)
        if any(ref.get("id") == resource_id for ref in one.iter("resource_ref"))
    ]
    return plain + with_sets


def rename_in_constraints(root: Element, old: str, new: str) -> None:
    """Let the constraints on one resource (not those of sets) name another one."""
    for one in iterate_constraints(root):
        for attribute in RESOURCE_ATTRIBUTES:
            if one.get(attribute) == old:
                one.set(attribute, new)


def remove_from_sets(constraint: Element, resource_id: str) -> bool:
    """Take a resource out of the sets; empty sets go, and the constraint with its last set.

    Return whether the constraint is still there.
    """
    for ref in list(constraint.iter("resource_ref")):
        if ref.get("id") != resource_id:
            continue
        owner = ref.getparent()
        remove(ref)
        if owner is not None and len(owner) == 0:
            remove(owner)
    if constraint.find("resource_set") is None:
        remove(constraint)
        return False
    return True


def set_constraint_id(root: Element, kind: str, sets: Sequence[Sequence[str]]) -> str:
    """Return the id of a constraint of sets: made of the members' first and last characters."""
    names = [name for members in sets for name in members][:MEMBERS_IN_ID]
    ends = "".join(f"{name[0]}{name[-1]}" for name in names)
    return unique_id(root, f"{kind}_set_{ends}")


def add_sets(
    root: Element, constraint: Element, sets: Sequence[tuple[Sequence[str], dict[str, str]]]
) -> None:
    """Append resource sets: members and options each."""
    base = f"{constraint.get('id')}_set"
    for members, options in sets:
        pairs = [*sorted(options.items()), ("id", unique_id(root, base))]
        element = add_element(constraint, "resource_set", pairs)
        for member in members:
            add_element(element, "resource_ref", (("id", member),))


def sets_of(constraint: Element) -> list[tuple[list[str], dict[str, str]]]:
    """Return the sets of a constraint: members, and options without the id."""
    return [
        (
            [ref.get("id", "") for ref in one.iterfind("resource_ref")],
            {name: value for name, value in attributes_of(one).items() if name != "id"},
        )
        for one in constraint.iterfind("resource_set")
    ]
