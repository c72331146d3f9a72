"""Dates and times as a CIB writes them (ISO 8601), in milliseconds since 1970, UTC.

A time without a zone is read as UTC, so that all nodes agree whatever their local zone is.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone

_DATE = re.compile(
    r"(?:(?P<y>\d{4})-?(?P<m>\d{2})-?(?P<d>\d{2})"
    r"|(?P<oy>\d{4})-?(?P<od>\d{3})"
    r"|(?P<wy>\d{4})-?W(?P<w>\d{2})-?(?P<wd>\d))"
)
_TIME = re.compile(
    r"(?P<h>\d{1,2})(?::?(?P<m>\d{2}))?(?::?(?P<s>\d{2})(?:[.,]\d+)?)?\s*"
    r"(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?"
)


def parse_date_ms(text: str) -> int:
    """Return the moment that `text` says: a (calendar, ordinal or week) date, maybe with a time.

    Raises ValueError where it is none.
    """
    words = text.strip().replace("T", " ").split(" ", 1)
    found = _DATE.fullmatch(words[0])
    if not found:
        raise ValueError(f"'{text}' is not a date like 2026-01-31 12:00:00Z")
    day = _day(found)
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if len(words) > 1:
        clock = _TIME.fullmatch(words[1].strip())
        if not clock:
            raise ValueError(f"'{text}' has no time like 12:00:00Z")
        moment = moment.replace(tzinfo=_zone(clock["zone"])) + timedelta(
            hours=int(clock["h"]), minutes=int(clock["m"] or 0), seconds=int(clock["s"] or 0)
        )
    return int(moment.timestamp()) * 1000


def _day(found: re.Match[str]) -> date:
    if found["y"]:
        return date(int(found["y"]), int(found["m"]), int(found["d"]))
    if found["oy"]:
        return date(int(found["oy"]), 1, 1) + timedelta(days=int(found["od"]) - 1)
    return date.fromisocalendar(int(found["wy"]), int(found["w"]), int(found["wd"]))


def _zone(text: str | None) -> timezone:
    if not text or text == "Z":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def add_calendar_ms(start_ms: int, *, years: int, months: int, days: int, seconds: int) -> int:
    """Return `start_ms` plus a calendar duration; a day past a month's end becomes its last day."""
    start = datetime.fromtimestamp(start_ms // 1000, UTC)
    month_count = start.month - 1 + months + years * 12
    year, month = start.year + month_count // 12, month_count % 12 + 1
    day = start.day
    while day > 28:
        try:
            moved = start.replace(year=year, month=month, day=day)
            break
        except ValueError:
            day -= 1
    else:
        moved = start.replace(year=year, month=month, day=day)
    return int((moved + timedelta(days=days, seconds=seconds)).timestamp()) * 1000


def date_of_seconds(seconds: int) -> str:
    """Return a moment in seconds since 1970 as `2026-01-31 12:00:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
