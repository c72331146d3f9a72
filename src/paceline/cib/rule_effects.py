"""Whether a rule with a date has expired, is still to come, or is in effect.

Only rules that are one date are judged; of others nobody can say when they hold.
Source: crm_rule(8).
"""

from enum import StrEnum
from typing import TYPE_CHECKING

from paceline.cib.tree import Element

if TYPE_CHECKING:  # slow to load, and most listings have no rule
    from paceline.model.configuration import DateExpression, DateSpec


class Effect(StrEnum):
    """What is known of a rule at one moment."""

    IN_EFFECT = "IN_EFFECT"
    EXPIRED = "EXPIRED"
    NOT_YET = "NOT_YET_IN_EFFECT"
    UNKNOWN = "UNKNOWN"


MARKS = {Effect.EXPIRED: " (expired)", Effect.NOT_YET: " (not yet in effect)"}
"""What a listing puts behind the label of a rule."""
MARKS_OF_CONSTRAINTS = {Effect.EXPIRED: MARKS[Effect.EXPIRED]}
"""The same for constraints, where pcs marks the expired ones only."""


def effect_of(rule: Element, now_ms: int) -> Effect:
    """Return whether a rule holds at `now_ms` (milliseconds since 1970)."""
    from paceline.cib.read_attributes import References, read_rule
    from paceline.model.configuration import DateExpression

    read = read_rule(rule, References(rule))
    if len(read.expressions) != 1 or not isinstance(read.expressions[0], DateExpression):
        return Effect.UNKNOWN
    return _effect(read.expressions[0], now_ms)


def effect_of_date(expression: Element, now_ms: int) -> Effect:
    """Return whether a `<date_expression>` holds at `now_ms`."""
    from paceline.cib.read_attributes import read_date

    return _effect(read_date(expression), now_ms)


def _effect(date: "DateExpression", now_ms: int) -> Effect:
    if date.spec is not None:
        return _effect_of_spec(date.spec, now_ms)
    if date.start_ms is not None and now_ms < date.start_ms:
        return Effect.NOT_YET
    if date.end_ms is not None and now_ms >= date.end_ms:
        return Effect.EXPIRED
    if date.start_ms is None and date.end_ms is None:
        return Effect.UNKNOWN
    return Effect.IN_EFFECT


def _effect_of_spec(spec: "DateSpec", now_ms: int) -> Effect:
    """Judge a date specification by its years; one without years comes again and again."""
    from datetime import UTC, datetime

    this_year = datetime.fromtimestamp(now_ms // 1000, UTC).year
    for field, low, high in spec.ranges:
        if field == "years":
            if this_year < low:
                return Effect.NOT_YET
            if high is not None and this_year > high:
                return Effect.EXPIRED
    return Effect.UNKNOWN


def effect_of_all(owner: Element, now_ms: int) -> Effect:
    """Return whether an element holds that has rules: expired (to come) if all of its rules are."""
    effects = {effect_of(rule, now_ms) for rule in owner.iterfind("rule")}
    return effects.pop() if len(effects) == 1 else Effect.UNKNOWN
