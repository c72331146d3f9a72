"""Rules as elements of a CIB."""

from collections.abc import Sequence

from paceline.cib.names import clean_id
from paceline.cib.rule_parsing import (
    Compare,
    Condition,
    DateCompare,
    DateRange,
    DateSpec,
    Defined,
    Joined,
    OnOperation,
    OnResource,
)
from paceline.cib.tree import Element, add_element, attributes_of, unique_id

SCORE_DEFAULT = "INFINITY"
SCORE_INNER = "0"
"""A rule inside a rule needs a score, which nobody looks at."""


def add_rule(
    root: Element,
    owner: Element,
    condition: Condition,
    rule_id: str,
    *,
    attributes: Sequence[tuple[str, str]] = (("score", SCORE_DEFAULT),),
    always_joined: bool = True,
) -> Element:
    """Append a rule to a set or a constraint and return it.

    With `always_joined` a single condition also gets a `boolean-op`, as defaults have it.
    """
    rule = add_element(owner, "rule", (("id", unique_id(root, rule_id)),))
    joined = condition if isinstance(condition, Joined) else None
    if joined is not None or always_joined:
        rule.set("boolean-op", "and" if joined is None or joined.is_and else "or")
    for name, value in attributes:
        rule.set(name, value)
    for part in (condition,) if joined is None else joined.parts:
        _add_condition(root, rule, part)
    return rule


def _add_condition(root: Element, rule: Element, condition: Condition) -> None:
    base = rule.get("id", "")
    if isinstance(condition, Joined):
        add_rule(root, rule, condition, f"{base}-rule", attributes=(("score", SCORE_INNER),))
        return
    if isinstance(condition, OnResource):
        parts = (condition.standard, condition.provider, condition.type)
        suffix = "-".join(part for part in parts if part)
        pairs = zip(("class", "provider", "type"), parts, strict=True)
        _add(root, rule, "rsc_expression", f"{base}-rsc-{suffix}", list(pairs))
        return
    if isinstance(condition, OnOperation):
        attributes = [("name", condition.name), ("interval", condition.interval)]
        _add(root, rule, "op_expression", f"{base}-op-{condition.name}", attributes)
        return
    _add_plain(root, rule, condition, f"{base}-expr")


def _add_plain(
    root: Element,
    rule: Element,
    condition: Defined | Compare | DateCompare | DateRange | DateSpec,
    wanted: str,
) -> None:
    match condition:
        case Defined():
            operation = "defined" if condition.is_defined else "not_defined"
            attributes = [("operation", operation), ("attribute", condition.attribute)]
            _add(root, rule, "expression", wanted, attributes)
        case Compare():
            attributes = [("operation", condition.operation), ("attribute", condition.attribute)]
            attributes += [("type", condition.value_type), ("value", condition.value)]
            _add(root, rule, "expression", wanted, attributes)
        case DateCompare():
            side = "start" if condition.operation == "gt" else "end"
            attributes = [("operation", condition.operation), (side, condition.date)]
            _add(root, rule, "date_expression", wanted, attributes)
        case DateRange():
            attributes = [("operation", "in_range"), ("start", condition.start)]
            attributes += [("end", condition.end)]
            element = _add(root, rule, "date_expression", wanted, attributes)
            if condition.duration:
                inner = f"{element.get('id')}-duration"
                _add(root, element, "duration", inner, list(condition.duration))
        case DateSpec():
            operation_only = [("operation", "date_spec")]
            element = _add(root, rule, "date_expression", wanted, operation_only)
            inner = f"{element.get('id')}-datespec"
            _add(root, element, "date_spec", inner, list(condition.parts))


def _add(
    root: Element, owner: Element, tag: str, wanted: str, pairs: Sequence[tuple[str, str]]
) -> Element:
    """Append an element with a free id and those of the pairs that have a value."""
    given = [(name, value) for name, value in pairs if value]
    return add_element(owner, tag, (("id", unique_id(root, clean_id(wanted))), *given))


def same_rule(left: Element, right: Element) -> bool:
    """Say whether two rules have the same conditions (ids and scores apart)."""
    return _shape(left) == _shape(right)


def _shape(element: Element) -> tuple[object, ...]:
    ignored = ("id", "score") if element.tag == "rule" else ("id",)
    attributes = sorted(
        (name, value) for name, value in attributes_of(element).items() if name not in ignored
    )
    return (element.tag, tuple(attributes), tuple(_shape(child) for child in element))
