"""Constraints as `--output-format=json` gives them out."""

from collections.abc import Mapping

from paceline.cib.constraints import (
    COLOCATION,
    LOCATION,
    ORDER,
    TICKET,
    has_sets,
    iterate_constraints,
)
from paceline.cib.tree import Element
from paceline.commands.resource_records import flag, rule_record
from paceline.ports.daemon import Json

_KINDS = {LOCATION: "location", COLOCATION: "colocation", ORDER: "order", TICKET: "ticket"}


def constraint_record(root: Element, kinds: tuple[str, ...] = tuple(_KINDS)) -> dict[str, Json]:
    """Return the record of all constraints; those not of these kinds are left out."""
    record: dict[str, list[Json]] = {}
    for name in _KINDS.values():
        record[name], record[f"{name}_set"] = [], []
    for one in iterate_constraints(root, kinds):
        name = _KINDS[one.tag]
        if has_sets(one):
            sets: list[Json] = [_set(each) for each in one.iterfind("resource_set")]
            entry: Json = {"resource_sets": sets, "attributes": _ATTRIBUTES[one.tag](one)}
            record[f"{name}_set"].append(entry)
        else:
            own = {key: one.get(attribute) for key, attribute in _OWN[one.tag].items()}
            record[name].append({**own, "attributes": _ATTRIBUTES[one.tag](one)})
    return dict(record)


_OWN: Mapping[str, Mapping[str, str]] = {
    LOCATION: {"resource_id": "rsc", "resource_pattern": "rsc-pattern", "role": "role"},
    COLOCATION: {
        "resource_id": "rsc",
        "with_resource_id": "with-rsc",
        "node_attribute": "node-attribute",
        "resource_role": "rsc-role",
        "with_resource_role": "with-rsc-role",
        "resource_instance": "rsc-instance",
        "with_resource_instance": "with-rsc-instance",
    },
    ORDER: {
        "first_resource_id": "first",
        "then_resource_id": "then",
        "first_action": "first-action",
        "then_action": "then-action",
        "first_resource_instance": "first-instance",
        "then_resource_instance": "then-instance",
    },
    TICKET: {"resource_id": "rsc", "role": "rsc-role"},
}


def _set(element: Element) -> Json:
    return {
        "set_id": element.get("id"),
        "sequential": flag(element.get("sequential")),
        "require_all": flag(element.get("require-all")),
        "ordering": element.get("ordering"),
        "action": element.get("action"),
        "role": element.get("role"),
        "score": element.get("score"),
        "kind": element.get("kind"),
        "resources_ids": [ref.get("id") for ref in element.iterfind("resource_ref")],
    }


def _location(one: Element) -> Json:
    rules: list[Json] = [rule_record(rule) for rule in one.iterfind("rule")]
    return {
        "constraint_id": one.get("id"),
        "score": one.get("score"),
        "node": one.get("node"),
        "rules": rules,
        "lifetime": [],
        "resource_discovery": (one.get("resource-discovery") or "").upper() or None,
    }


def _colocation(one: Element) -> Json:
    return {
        "constraint_id": one.get("id"),
        "score": one.get("score"),
        "influence": one.get("influence"),
        "lifetime": [],
    }


def _order(one: Element) -> Json:
    return {
        "constraint_id": one.get("id"),
        "symmetrical": flag(one.get("symmetrical")),
        "require_all": flag(one.get("require-all")),
        "score": one.get("score"),
        "kind": one.get("kind"),
    }


def _ticket(one: Element) -> Json:
    return {
        "constraint_id": one.get("id"),
        "ticket": one.get("ticket"),
        "loss_policy": one.get("loss-policy"),
    }


_ATTRIBUTES = {LOCATION: _location, COLOCATION: _colocation, ORDER: _order, TICKET: _ticket}
