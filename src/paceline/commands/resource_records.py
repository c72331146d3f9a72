"""Resources as `--output-format=json` gives them out."""

import time
from collections.abc import Iterable

from paceline.cib.resources import agent_of, inner_resources
from paceline.cib.rule_effects import Effect, effect_of
from paceline.cib.tree import Element, attributes_of
from paceline.commands.expression_texts import condition_expression
from paceline.commands.resource_texts import CONTAINER_TAGS
from paceline.ports.daemon import Json

_EXPRESSION_TYPES = {
    "rule": "RULE",
    "expression": "EXPRESSION",
    "date_expression": "DATE_EXPRESSION",
    "op_expression": "OP_EXPRESSION",
    "rsc_expression": "RSC_EXPRESSION",
}


def resource_records(elements: Iterable[Element]) -> dict[str, Json]:
    """Return the record of all these resources, by kind."""
    kinds: dict[str, list[Json]] = {"primitives": [], "clones": [], "groups": [], "bundles": []}
    for element in elements:
        match element.tag:
            case "primitive":
                kinds["primitives"].append(_primitive(element))
            case "group":
                kinds["groups"].append(_group(element))
            case "bundle":
                kinds["bundles"].append(_bundle(element))
            case _:
                kinds["clones"].append(_clone(element))
    return dict(kinds)


def set_records(owner: Element, tag: str) -> list[Json]:
    """Return the records of the sets of one kind that an element has."""
    return [
        {
            "id": nvset.get("id"),
            "options": {"score": nvset.get("score")} if nvset.get("score") else {},
            "rule": next((rule_record(rule) for rule in nvset.iterfind("rule")), None),
            "nvpairs": [
                {"id": pair.get("id"), "name": pair.get("name"), "value": pair.get("value", "")}
                for pair in sorted(nvset.iterfind("nvpair"), key=lambda one: one.get("name", ""))
            ],
        }
        for nvset in owner.iterfind(tag)
    ]


def rule_record(element: Element) -> Json:
    """Return a rule, or a condition of one."""
    options = {name: value for name, value in attributes_of(element).items() if name != "id"}
    details = ("date_spec", "duration")
    inner = {child.tag: attributes_of(child) for child in element if child.tag in details}
    return {
        "id": element.get("id"),
        "type": _EXPRESSION_TYPES.get(element.tag, element.tag.upper()),
        "in_effect": _effect(element),
        "options": options,
        "date_spec": _detail(inner.get("date_spec")),
        "duration": _detail(inner.get("duration")),
        "expressions": [rule_record(child) for child in element if child.tag not in details],
        "as_string": condition_expression(element),
    }


def _effect(element: Element) -> str:
    if element.tag != "rule":
        return Effect.UNKNOWN
    return effect_of(element, time.time_ns() // 1_000_000)


def _detail(attributes: dict[str, str] | None) -> Json:
    if attributes is None:
        return None
    options = {name: value for name, value in attributes.items() if name != "id"}
    return {"id": attributes.get("id"), "options": options}


def flag(value: str | None) -> bool | None:
    """Return a boolean attribute; None where it is not there."""
    return None if value is None else value.lower() in ("true", "yes", "on", "1", "y")


def _operation(element: Element) -> Json:
    return {
        "id": element.get("id"),
        "name": element.get("name"),
        "interval": element.get("interval"),
        "description": element.get("description"),
        "start_delay": element.get("start-delay"),
        "interval_origin": element.get("interval-origin"),
        "timeout": element.get("timeout"),
        "enabled": flag(element.get("enabled")),
        "record_pending": flag(element.get("record-pending")),
        "role": element.get("role"),
        "on_fail": element.get("on-fail"),
        "meta_attributes": set_records(element, "meta_attributes"),
        "instance_attributes": set_records(element, "instance_attributes"),
    }


def _primitive(element: Element) -> Json:
    name = agent_of(element)
    return {
        "id": element.get("id"),
        "agent_name": {
            "standard": name.standard,
            "provider": name.provider or None,
            "type": name.type,
        },
        "description": element.get("description"),
        "operations": [_operation(one) for one in element.iterfind("operations/op")],
        "meta_attributes": set_records(element, "meta_attributes"),
        "instance_attributes": set_records(element, "instance_attributes"),
        "utilization": set_records(element, "utilization"),
    }


def _group(element: Element) -> Json:
    return {
        "id": element.get("id"),
        "description": element.get("description"),
        "member_ids": [one.get("id") for one in inner_resources(element)],
        "meta_attributes": set_records(element, "meta_attributes"),
        "instance_attributes": set_records(element, "instance_attributes"),
    }


def _clone(element: Element) -> Json:
    inner = inner_resources(element)
    return {
        "id": element.get("id"),
        "description": element.get("description"),
        "member_id": inner[0].get("id") if inner else None,
        "meta_attributes": set_records(element, "meta_attributes"),
        "instance_attributes": set_records(element, "instance_attributes"),
    }


def _integer(value: str | None) -> int | None:
    return int(value) if value is not None and value.isdecimal() else None


def _bundle(element: Element) -> Json:
    inner = inner_resources(element)
    container = next((one for one in element if one.tag in CONTAINER_TAGS), None)
    return {
        "id": element.get("id"),
        "description": element.get("description"),
        "member_id": inner[0].get("id") if inner else None,
        "container_type": None if container is None else container.tag,
        "container_options": None if container is None else _container(container),
        "network": _network(element.find("network")),
        "port_mappings": [
            {
                "id": one.get("id"),
                "port": _integer(one.get("port")),
                "internal_port": _integer(one.get("internal-port")),
                "range": one.get("range"),
            }
            for one in element.iterfind("network/port-mapping")
        ],
        "storage_mappings": [
            {
                "id": one.get("id"),
                "source_dir": one.get("source-dir"),
                "source_dir_root": one.get("source-dir-root"),
                "target_dir": one.get("target-dir"),
                "options": one.get("options"),
            }
            for one in element.iterfind("storage/storage-mapping")
        ],
        "meta_attributes": set_records(element, "meta_attributes"),
        "instance_attributes": set_records(element, "instance_attributes"),
    }


def _container(element: Element) -> Json:
    return {
        "image": element.get("image"),
        "replicas": _integer(element.get("replicas")),
        "replicas_per_host": _integer(element.get("replicas-per-host")),
        "promoted_max": _integer(element.get("promoted-max") or element.get("masters")),
        "run_command": element.get("run-command"),
        "network": element.get("network"),
        "options": element.get("options"),
    }


def _network(element: Element | None) -> Json:
    if element is None:
        return None
    return {
        "ip_range_start": element.get("ip-range-start"),
        "control_port": _integer(element.get("control-port")),
        "host_interface": element.get("host-interface"),
        "host_netmask": _integer(element.get("host-netmask")),
        "add_host": flag(element.get("add-host")),
    }
