"""Rules as people read them."""

from collections.abc import Mapping

from paceline.cib.rule_effects import MARKS, Effect, effect_of
from paceline.cib.tree import Element, attributes_of


def rule_lines(
    rule: Element,
    *,
    shows_ids: bool,
    now_ms: int | None = None,
    marks: Mapping[Effect, str] = MARKS,
) -> list[str]:
    """Return the lines of a rule: its head, and its conditions indented.

    With `now_ms` a rule that has expired, or is still to come, is marked.
    """
    mark = "" if now_ms is None else marks.get(effect_of(rule, now_ms), "")
    head = f"Rule{mark}:"
    for name in ("boolean-op", "id-ref", "role", "score", "score-attribute"):
        if rule.get(name):
            head += f" {name}={rule.get(name)}"
    lines = [head + _id(rule, shows_ids)]
    for child in rule:
        lines += [f"  {line}" for line in _condition_lines(child, shows_ids)]
    return lines


def _id(element: Element, shows_ids: bool) -> str:
    return f" (id:{element.get('id')})" if shows_ids else ""


def _condition_lines(element: Element, shows_ids: bool) -> list[str]:
    match element.tag:
        case "rule":
            return rule_lines(element, shows_ids=shows_ids)
        case "date_expression":
            return _date_lines(element, shows_ids)
        case _:
            return [f"Expression: {expression_text(element)}{_id(element, shows_ids)}"]


def expression_text(element: Element) -> str:
    """Return a condition that has no parts as it would be typed."""
    match element.tag:
        case "rsc_expression":
            names = [element.get(name, "") for name in ("class", "provider", "type")]
            return f"resource {':'.join(names)}"
        case "op_expression":
            interval = element.get("interval")
            tail = f" interval={interval}" if interval else ""
            return f"op {element.get('name')}{tail}"
        case _:
            return _attribute_text(element)


def _attribute_text(element: Element) -> str:
    operation, attribute = element.get("operation", ""), element.get("attribute", "")
    if operation in ("defined", "not_defined"):
        return f"{operation} {attribute}"
    value = element.get("value", "")
    value = f'"{value}"' if " " in value else value
    parts = [attribute, operation, element.get("type", ""), value]
    return " ".join(part for part in parts if part)


def _date_lines(element: Element, shows_ids: bool) -> list[str]:
    operation = element.get("operation", "")
    if operation == "date_spec":
        return [
            f"Expression:{_id(element, shows_ids)}",
            *(f"  {_parts('Date Spec', child, shows_ids)}" for child in element),
        ]
    if operation != "in_range":
        date = element.get("start") or element.get("end") or ""
        return [f"Expression: date {operation} {date}{_id(element, shows_ids)}"]
    start = f"{element.get('start')} " if element.get("start") else ""
    end = element.get("end") or "duration"
    return [
        f"Expression: date in_range {start}to {end}{_id(element, shows_ids)}",
        *(f"  {_parts('Duration', child, shows_ids)}" for child in element),
    ]


def _parts(label: str, element: Element, shows_ids: bool) -> str:
    pairs = " ".join(
        f"{name}={value}" for name, value in sorted(attributes_of(element).items()) if name != "id"
    )
    return f"{label}: {pairs}{_id(element, shows_ids)}"
