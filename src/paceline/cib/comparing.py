"""What differs between two configurations, thing by thing, in words.

Generated ids and the order of what has no order do not count; the order of a group's members, of
the sets of a constraint and of what is in a tag does.
"""

from collections.abc import Iterator
from typing import NamedTuple

from paceline.cib.resources import RESOURCE_TAGS, inner_resources
from paceline.cib.tree import Element, attributes_of, find_section

SECTIONS = (
    "crm_config", "nodes", "resources", "constraints", "fencing-topology", "rsc_defaults",
    "op_defaults", "tags", "alerts", "acls",
)  # fmt: skip
_SETS = ("instance_attributes", "meta_attributes", "utilization", "cluster_property_set")

Facts = dict[str, str]
"""What is true of a thing: a path and what stands there."""


class Thing(NamedTuple):
    """Something that is configured and has a name: a resource, a constraint, a node, ..."""

    kind: str
    name: str


class Difference(NamedTuple):
    """One difference: `+` is new, `-` goes, `~` changes, with what changes in it."""

    mark: str
    thing: Thing
    details: tuple[str, ...] = ()


def things_of(root: Element, sections: tuple[str, ...] = SECTIONS) -> dict[Thing, Facts]:
    """Return everything that these sections configure."""
    found: dict[Thing, Facts] = {}
    for section in sections:
        element = find_section(root, section)
        if element is None:
            continue
        for thing, owner in _things(section, element):
            facts = dict(_facts(owner))
            found.setdefault(thing, {}).update(facts)
    return found


def _things(section: str, element: Element) -> Iterator[tuple[Thing, Element]]:
    if section == "resources":
        for one in element.iter(*RESOURCE_TAGS):
            yield Thing("resource", one.get("id", "")), one
        return
    for one in element:
        match one.tag:
            case "cluster_property_set":
                yield Thing("properties", ""), one
            case "node":
                yield Thing("node", one.get("uname", "")), one
            case "meta_attributes" | "instance_attributes":
                kind = "resource defaults" if section == "rsc_defaults" else "operation defaults"
                yield Thing(kind, one.get("id", "")), one
            case tag:
                kind = _KINDS.get(str(tag), str(tag).replace("rsc_", "").replace("_", " "))
                yield Thing(kind, one.get("id", "")), one


_KINDS = {
    "fencing-level": "fencing level", "acl_target": "acl user",
    "rsc_location": "location constraint", "rsc_colocation": "colocation constraint",
    "rsc_order": "order constraint", "rsc_ticket": "ticket constraint",
}  # fmt: skip


def _facts(element: Element) -> Iterator[tuple[str, str]]:
    for name, value in attributes_of(element).items():
        if name not in ("id", "uname"):
            yield name, value
    members = [one.get("id", "") for one in inner_resources(element)]
    if members:
        yield "members", " ".join(members)
    if element.tag in _SETS:
        yield from _pairs("", element)
    for child in element:
        if child.tag in _SETS:
            yield from _pairs(_PREFIXES.get(str(child.tag), ""), child)
        elif child.tag == "operations":
            for operation in child:
                yield from _operation(operation)
        elif child.tag == "rule":
            yield f"rule {child.get('id', '')}", " ".join(_flat(child))
        elif child.tag not in (*RESOURCE_TAGS, "nvpair"):
            yield from _inner(element, child)


_PREFIXES = {"meta_attributes": "meta ", "utilization": "utilization "}


def _pairs(prefix: str, nvset: Element) -> Iterator[tuple[str, str]]:
    for pair in nvset.iterfind("nvpair"):
        yield f"{prefix}{pair.get('name', '')}", pair.get("value", "")


def _operation(operation: Element) -> Iterator[tuple[str, str]]:
    rest = {
        name: value
        for name, value in attributes_of(operation).items()
        if name not in ("id", "name", "interval")
    }
    for nvset in operation:
        rest.update((name, value) for name, value in _pairs("", nvset))
    label = f"op {operation.get('name')} {operation.get('interval')}"
    yield label, " ".join(f"{name}={value}" for name, value in sorted(rest.items()))


def _inner(owner: Element, child: Element) -> Iterator[tuple[str, str]]:
    """Return what a part with no name of its own says: with its place, where order counts."""
    same = [one for one in owner if one.tag == child.tag]
    place = f" {same.index(child) + 1}" if len(same) > 1 else ""
    name = child.get("id", "") if child.tag == "recipient" else ""
    yield f"{child.tag}{f' {name}' if name else place}", " ".join(_flat(child))


def _flat(element: Element) -> Iterator[str]:
    shown_ids = ("resource_ref", "obj_ref", "role")
    for name, value in sorted(attributes_of(element).items()):
        if name != "id" or element.tag in shown_ids:
            yield f"{name}={value}"
    for child in element:
        yield f"{child.tag}({' '.join(_flat(child))})"


def differences(before: dict[Thing, Facts], after: dict[Thing, Facts]) -> tuple[Difference, ...]:
    """Return what is new, what goes and what changes, by kind and name."""
    found: list[Difference] = []
    for thing in sorted({*before, *after}):
        old, new = before.get(thing), after.get(thing)
        if old is None and new is not None:
            found.append(Difference("+", thing, _shown(new)))
        elif new is None:
            found.append(Difference("-", thing))
        elif old is not None and old != new:
            found.append(Difference("~", thing, _changes(old, new)))
    return tuple(found)


def _shown(facts: Facts) -> tuple[str, ...]:
    return tuple(f"{path}: {value}" for path, value in sorted(facts.items()))


def _changes(old: Facts, new: Facts) -> tuple[str, ...]:
    lines = []
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path):
            before, after = old.get(path, "(not set)"), new.get(path, "(not set)")
            lines.append(f"{path}: {before} -> {after}")
    return tuple(lines)
