"""Reading attribute sets and rules, with `id-ref` resolved against the whole configuration."""

import re
from collections.abc import Iterable

from lxml import etree

from paceline.cib.dates import add_calendar_ms, parse_date_ms
from paceline.model.configuration import (
    AttributeSet,
    DateExpression,
    DateSpec,
    Expression,
    NodeExpression,
    OperationExpression,
    ResourceExpression,
    Rule,
)
from paceline.model.durations import parse_duration_ms
from paceline.model.scores import parse_score

RULE_DEPTH_MAX = 32
"""How deep rules may be nested; deeper ones are cut (they hold as if absent)."""

_SPEC_FIELDS = (
    "seconds", "minutes", "hours", "monthdays", "weekdays", "yeardays", "months", "weeks",
    "years", "weekyears", "moon",
)  # fmt: skip
_SLOPPY_SECONDS = re.compile(r"P(\d+)S")
_TRUE = frozenset({"true", "yes", "on", "1", "y"})
_FALSE = frozenset({"false", "no", "off", "0", "n"})

Element = etree._Element


def parse_flag(text: str | None, default: bool) -> bool:
    """Return the truth that `text` says (true/yes/on/y/1 or the opposite), else `default`."""
    if text is None:
        return default
    word = text.strip().lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else default


NUMBER_DIGITS_MAX = 18
"""Longer numbers are nonsense that somebody wrote; they are not read."""


def number_or(text: str | None, default: int) -> int:
    """Return the whole number in `text`, `default` where there is none or it is not one."""
    word = (text or "").strip()
    if len(word) > NUMBER_DIGITS_MAX or not word.removeprefix("-").isdecimal():
        return default
    return int(word)


def score_or(text: str | None, default: int) -> int:
    """Return the score in `text`, `default` where there is none or it is not one."""
    if text is None:
        return default
    try:
        return parse_score(text)
    except ValueError:
        return default


def duration_ms_or(text: str | None, default: int) -> int:
    """Return the duration in `text` in milliseconds, `default` where it is not one."""
    if text is None:
        return default
    try:
        return parse_duration_ms(text)
    except ValueError:
        # Some tools write seconds as a date's part: P10S.
        sloppy = _SLOPPY_SECONDS.fullmatch(text.strip())
        return 1000 * int(sloppy[1]) if sloppy else default


class References:
    """All elements of a configuration by id, for `id-ref`: few configurations have one."""

    def __init__(self, root: Element) -> None:
        """Refer to what is in `root`; it is looked through when the first reference is met."""
        self._root = root
        self._by_id: dict[str, Element] | None = None

    def resolve(self, element: Element) -> Element:
        """Return what `element` refers to, or itself; a reference to nothing is itself too."""
        name = element.get("id-ref")
        if name is None:
            return element
        if self._by_id is None:
            self._by_id = self._index()
        return self._by_id.get(name, element)

    def _index(self) -> dict[str, Element]:
        by_id: dict[str, Element] = {}
        for element in self._root.iter(etree.Element):
            known = element.get("id")
            if known is not None:
                by_id.setdefault(known, element)
        return by_id


def read_sets(parent: Element, tag: str, references: References) -> tuple[AttributeSet, ...]:
    """Return the attribute sets named `tag` directly below `parent`, best score first."""
    sets = [_read_set(references.resolve(child), references) for child in parent.iterchildren(tag)]
    if len(sets) > 1:
        sets.sort(key=lambda each: -each.score)
    return tuple(sets)


def _read_set(element: Element, references: References) -> AttributeSet:
    rule = element.find("rule")
    return AttributeSet(
        id=element.get("id", ""),
        pairs=tuple(_pairs(element, references)),
        score=score_or(element.get("score"), 0),
        rule=read_rule(references.resolve(rule), references) if rule is not None else None,
    )


def _pairs(element: Element, references: References) -> Iterable[tuple[str, str]]:
    for child in element.iterchildren("nvpair"):
        pair = references.resolve(child)
        name = child.get("name") or pair.get("name")
        value = pair.get("value")
        if name is not None and value is not None:
            yield name, value


def read_rule(element: Element, references: References, depth: int = 0) -> Rule:
    """Return a `<rule>`; unknown expressions in it are passed over."""
    expressions: list[Expression] = []
    for child in element.iterchildren(etree.Element):
        found = references.resolve(child)
        expression = _read_expression(found, references, depth)
        if expression is not None:
            expressions.append(expression)
    return Rule(
        id=element.get("id", ""),
        is_and=element.get("boolean-op", "and").lower() != "or",
        expressions=tuple(expressions),
        score=score_or(element.get("score"), 0) if element.get("score") is not None else None,
        score_attribute=element.get("score-attribute", ""),
        role=element.get("role", ""),
    )


def _read_expression(element: Element, references: References, depth: int) -> Expression | None:
    match element.tag:
        case "rule" if depth < RULE_DEPTH_MAX:
            return read_rule(element, references, depth + 1)
        case "expression":
            return NodeExpression(
                attribute=element.get("attribute", ""),
                operation=element.get("operation", ""),
                value=element.get("value"),
                value_type=element.get("type", ""),
                value_source=element.get("value-source", "literal"),
            )
        case "date_expression":
            return read_date(element)
        case "rsc_expression":
            return ResourceExpression(
                agent_class=element.get("class"),
                provider=element.get("provider"),
                agent_type=element.get("type"),
            )
        case "op_expression":
            interval = element.get("interval")
            return OperationExpression(
                name=element.get("name", ""),
                interval_ms=None if interval is None else duration_ms_or(interval, 0),
            )
    return None


def read_date(element: Element) -> DateExpression:
    """Return a `<date_expression>`; what is no date in it is left out."""
    start = _moment(element.get("start"))
    end = _moment(element.get("end"))
    duration = element.find("duration")
    if duration is not None and start is not None and end is None:
        amounts = {str(key): number_or(str(value), 0) for key, value in duration.attrib.items()}
        end = add_calendar_ms(
            start,
            years=amounts.get("years", 0),
            months=amounts.get("months", 0),
            days=amounts.get("days", 0) + 7 * amounts.get("weeks", 0),
            seconds=amounts.get("seconds", 0)
            + 60 * amounts.get("minutes", 0)
            + 3600 * amounts.get("hours", 0),
        )
    spec = element.find("date_spec")
    return DateExpression(
        operation=element.get("operation", "in_range"),
        start_ms=start,
        end_ms=end,
        spec=None if spec is None else _read_spec(spec),
    )


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_date_ms(text)
    except ValueError:
        return None


def _read_spec(element: Element) -> DateSpec:
    ranges: list[tuple[str, int, int | None]] = []
    for field in _SPEC_FIELDS:
        text = element.get(field)
        if text is None:
            continue
        low, dash, high = text.partition("-")
        if low.strip().isdecimal():
            top = int(high) if high.strip().isdecimal() else (None if dash else int(low))
            ranges.append((field, int(low), top))
    return DateSpec(ranges=tuple(ranges))
