"""Rules: does a condition hold now, for this node, agent and operation?

A rule that depends on the time also says when that may change: `Moment.recheck_ms` collects the
earliest such moment, so that the plan can name it.

Source: pacemaker-doc, "Pacemaker Explained", chapter on rules.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from paceline.model.configuration import (
    AttributeSet,
    DateExpression,
    DateSpec,
    NodeExpression,
    OperationExpression,
    ResourceExpression,
    Rule,
)
from paceline.model.plan import Agent

Lookup = Callable[[str], str | None]
"""How a node attribute is found; None where the node does not have it."""


class Moment(Struct):
    """The time of the decision, and when a rule may change next (0: never)."""

    now_ms: int
    recheck_ms: int = 0

    def note_change_at(self, when_ms: int) -> None:
        """Remember that something may change at `when_ms`, if that is still to come."""
        if when_ms > self.now_ms and (self.recheck_ms == 0 or when_ms < self.recheck_ms):
            self.recheck_ms = when_ms


class RuleContext(Struct, kw_only=True):
    """What a rule is held against; without a `node` attribute expressions see no attribute."""

    moment: Moment
    node: Lookup | None = None
    agent: Agent | None = None
    operation: str = ""
    interval_ms: int = 0
    parameters: Mapping[str, str] = {}
    meta: Mapping[str, str] = {}
    submatches: tuple[str, ...] = ()


def is_rule_true(rule: Rule, context: RuleContext) -> bool:
    """Say whether the rule holds; a rule without expressions holds if it is an `and`."""
    result = rule.is_and
    for expression in rule.expressions:
        holds = _holds(expression, context)
        # Every expression is asked, also when the result is known: each may set the recheck time.
        result = (result and holds) if rule.is_and else (result or holds)
    return result if rule.expressions else True


def _holds(
    expression: NodeExpression | DateExpression | ResourceExpression | OperationExpression | Rule,
    context: RuleContext,
) -> bool:
    match expression:
        case Rule():
            return is_rule_true(expression, context)
        case NodeExpression():
            return _attribute_holds(expression, context)
        case DateExpression():
            return _date_holds(expression, context.moment)
        case ResourceExpression():
            agent = context.agent
            return agent is not None and (
                expression.agent_class in (None, agent.agent_class)
                and expression.provider in (None, agent.provider)
                and expression.agent_type in (None, agent.agent_type)
            )
        case OperationExpression():
            return expression.name == context.operation and (
                expression.interval_ms is None or expression.interval_ms == context.interval_ms
            )


def expand_submatches(text: str, submatches: tuple[str, ...]) -> str:
    """Return `text` with %0 to %9 replaced by what a resource pattern matched."""
    if "%" not in text or not submatches:
        return text

    def replace(found: re.Match[str]) -> str:
        index = int(found[1])
        return submatches[index] if index < len(submatches) else ""

    return re.sub(r"%([0-9])", replace, text)


def _attribute_holds(expression: NodeExpression, context: RuleContext) -> bool:
    name = expand_submatches(expression.attribute, context.submatches)
    actual = context.node(name) if context.node is not None else None
    match expression.operation:
        case "defined":
            return actual is not None
        case "not_defined":
            return actual is None
    wanted = expression.value
    if expression.value_source == "param":
        wanted = context.parameters.get(wanted or "")
    elif expression.value_source == "meta":
        wanted = context.meta.get(wanted or "")
    match expression.operation:
        case "eq":
            return (
                actual is not None
                and wanted is not None
                and _compare(actual, wanted, expression.value_type) == 0
            )
        case "ne":
            if actual is None or wanted is None:
                return actual is not wanted
            return _compare(actual, wanted, expression.value_type) != 0
    if actual is None or wanted is None:
        return False
    order = _compare(actual, wanted, expression.value_type, is_ordered=True)
    return {
        "lt": order < 0,
        "lte": order <= 0,
        "gt": order > 0,
        "gte": order >= 0,
    }.get(expression.operation, False)


def _compare(left: str, right: str, kind: str, *, is_ordered: bool = False) -> int:
    """Return negative, zero or positive. Without a type, orders of two numbers are numeric."""
    if not kind:
        kind = "number" if is_ordered and _number(left) and _number(right) else "string"
    if kind == "version":
        return _order_numbers(_version(left), _version(right))
    if kind in ("integer", "number"):
        a, b = _number(left), _number(right)
        if a is None or b is None:
            return _order(left.lower(), right.lower())
        if kind == "integer":
            return _order_numbers((a[0] * a[1] // a[1] ** 2,), (b[0] * b[1] // b[1] ** 2,))
        return _order_numbers((a[0] * b[1],), (b[0] * a[1],))
    return _order(left.lower(), right.lower())


def _order(left: str, right: str) -> int:
    return (left > right) - (left < right)


def _order_numbers(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    return (left > right) - (left < right)


def _number(text: str) -> tuple[int, int] | None:
    """Return a decimal number as numerator and denominator, so that no float is needed."""
    found = re.fullmatch(r"\s*([+-]?)(\d+)(?:\.(\d*))?\s*.*", text)
    if not found:
        word = {"INFINITY": 1_000_000, "+INFINITY": 1_000_000, "-INFINITY": -1_000_000}
        return (word[text], 1) if text in word else None
    fraction = found[3] or ""
    value = int(found[2] + fraction)
    return (-value if found[1] == "-" else value), 10 ** len(fraction)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


def _date_holds(expression: DateExpression, moment: Moment) -> bool:
    now, start, end = moment.now_ms, expression.start_ms, expression.end_ms
    match expression.operation:
        case "gt":
            if start is None:
                return False
            moment.note_change_at(start + 1000)
            return now > start
        case "lt":
            if end is None:
                return False
            moment.note_change_at(end)
            return now < end
        case "date_spec":
            return expression.spec is not None and _spec_holds(expression.spec, moment)
    if start is not None and now < start:
        moment.note_change_at(start)
        return False
    if end is not None and now > end:
        return False
    if end is not None:
        moment.note_change_at(end + 1000)
    return start is not None or end is not None


def _spec_holds(spec: DateSpec, moment: Moment) -> bool:
    now = datetime.fromtimestamp(moment.now_ms // 1000, UTC)
    iso = now.isocalendar()
    actual = {
        "seconds": now.second,
        "minutes": now.minute,
        "hours": now.hour,
        "monthdays": now.day,
        "weekdays": now.isoweekday(),
        "yeardays": now.timetuple().tm_yday,
        "months": now.month,
        "weeks": iso.week,
        "years": now.year,
        "weekyears": iso.year,
    }
    return all(
        field not in actual or (low <= actual[field] and (high is None or actual[field] <= high))
        for field, low, high in spec.ranges
    )


def pick_values(
    sets: Iterable[AttributeSet], context: RuleContext, *, into: dict[str, str] | None = None
) -> dict[str, str]:
    """Return what the sets whose rules hold say; the first set that names a value decides it."""
    values: dict[str, str] = {} if into is None else into
    for each in sets:
        if each.rule is not None and not is_rule_true(each.rule, context):
            continue
        for name, value in each.pairs:
            if value == "#default":
                continue
            values.setdefault(name, value)
    return values
