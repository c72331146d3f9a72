"""What is wrong with the values in a rule, once its words made sense."""

import re
from collections.abc import Iterable, Mapping, Sequence

from paceline.cib.dates import parse_date_ms
from paceline.cib.rule_parsing import (
    Compare,
    Condition,
    DateCompare,
    DateRange,
    DateSpec,
    Joined,
)
from paceline.cib.wording import bad_value, check_option_names, quoted
from paceline.model.reports import Report

_DATE = re.compile(r"\d{4}(-?\d\d(-?\d\d)?|-?\d{3}|-?W\d\d(-?\d)?)?([T ]\d\d(:?\d\d)*.*)?")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_PARTS: Mapping[str, tuple[int, int] | None] = {
    "hours": (0, 23),
    "monthdays": (1, 31),
    "months": (1, 12),
    "moon": (0, 7),
    "weekdays": (1, 7),
    "weeks": (1, 53),
    "weekyears": None,
    "years": None,
    "yearsdays": (1, 366),
}
"""The parts of a date specification, and the least and greatest value that each can have."""
_SPELLINGS = {"yeardays": "yearsdays"}
"""pcs wrote yearsdays for years; the schema's own name is taken too."""


def check_condition(condition: Condition) -> list[Report]:
    """Return what is wrong with the values of a rule."""
    match condition:
        case Joined():
            return [report for part in condition.parts for report in check_condition(part)]
        case DateCompare():
            return _check_dates((condition.date,))
        case DateRange():
            return _check_date_range(condition)
        case DateSpec():
            return _check_parts(condition.parts, is_duration=False)
        case Compare(value_type="integer") if not _is_integer(condition.value):
            return [bad_value("integer attribute", condition.value, "an integer")]
        case Compare(value_type="number") if not _is_number(condition.value):
            wanted = "a floating-point number"
            return [bad_value("number attribute", condition.value, wanted)]
        case Compare(value_type="version") if not _is_version(condition.value):
            wanted = "a version number (e.g. 1, 1.2, 1.23.45, ...)"
            return [bad_value("version attribute", condition.value, wanted)]
        case _:
            return []


def _check_dates(dates: Iterable[str]) -> list[Report]:
    wrong = [date for date in dates if not _DATE.fullmatch(date)]
    return [bad_value("date", date, "ISO 8601 date") for date in wrong]


def _check_date_range(condition: DateRange) -> list[Report]:
    start, end = condition.start, condition.end
    reports = _check_dates(date for date in (start, end) if date)
    if not reports and start and end and not _is_sooner(start, end):
        message = f"Since '{start}' is not sooner than until '{end}'"
        reports.append(Report(code="date-range-backwards", message=message))
    return [*reports, *_check_parts(condition.duration, is_duration=True)]


def _is_sooner(start: str, end: str) -> bool:
    """Compare two dates; a form that cannot be compared is not held against them."""
    try:
        return parse_date_ms(start) < parse_date_ms(end)
    except ValueError:
        return True


def _check_parts(parts: Sequence[tuple[str, str]], *, is_duration: bool) -> list[Report]:
    """Return what is wrong with `hours=9-16 ...`, by name."""
    reports = []
    names = [name for name, _value in parts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"Duplicate options in a single (sub)expression: {quoted(twice)}"
        reports.append(Report(code="option-duplicate", message=message))
    for name, value in sorted(parts):
        known = _SPELLINGS.get(name, name)
        if known in _PARTS and not _is_part(known, value, is_duration=is_duration):
            allowed = "a positive integer" if is_duration else _allowed(known)
            reports.append(bad_value(name, value, allowed))
    what = "duration" if is_duration else "datespec"
    spelled = [_SPELLINGS.get(name, name) for name in names]
    return [*reports, *check_option_names(spelled, _PARTS, what=what)]


def _allowed(name: str) -> str:
    limits = _PARTS[name]
    if limits is None:
        return "an integer or integer-integer"
    low, high = limits
    return f"{low}..{high} or {low}..{high - 1}-{low + 1}..{high}"


def _is_part(name: str, value: str, *, is_duration: bool) -> bool:
    if is_duration:
        return value.isascii() and value.isdecimal() and int(value) > 0
    found = _RANGE.fullmatch(value)
    if found is None:
        return False
    low, high = int(found[1]), int(found[2] or found[1])
    if found[2] and low >= high:
        return False
    limits = _PARTS[name]
    return limits is None or limits[0] <= low <= high <= limits[1]


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+", text) is not None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) is not None


def _is_version(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)*", text) is not None
