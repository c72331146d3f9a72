"""`iso8601`: dates, durations and periods, read and worked out."""

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from paceline.cib.dates import add_calendar_ms, parse_date_ms
from paceline.commands.tools import EXIT_ERROR, Given, Option, Said, ToolError, ToolPorts
from paceline.commands.tools import parse_options as parse

OPTIONS = (
    Option("now", "n"), Option("date", "d", "value"), Option("period", "p", "value"),
    Option("duration", "D", "value"), Option("expected", "E", "value"), Option("seconds", "s"),
    Option("epoch", "S"), Option("local", "L"), Option("ordinal", "O"), Option("week", "W"),
)  # fmt: skip
USAGE = (
    "Usage: iso8601 -n | -d DATE | -p PERIOD | -D DURATION [-d DATE] [-E DATE]\n"
    "               [-s | -S | -O | -W] [-L]"
)
EXIT_INVALID = 2
SECONDS_TO_1970 = 62_135_596_800
"""From the first day of the year 1 (proleptic calendar), from which `-s` counts."""
_DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


class Duration(NamedTuple):
    """A duration of calendar parts; weeks are seven days."""

    years: int
    months: int
    days: int
    seconds: int

    def after(self, start_ms: int) -> int:
        """Return the moment that is this much later."""
        return add_calendar_ms(
            start_ms, years=self.years, months=self.months, days=self.days, seconds=self.seconds
        )


def iso8601(words: Sequence[str], _ports: ToolPorts) -> Said:
    """Show what was given; with `-E` end with 1 unless the result is that moment."""
    given = parse(words, OPTIONS)
    if given.has("help"):
        return Said(USAGE)
    lines: list[str] = []
    start_ms: int | None = None
    if given.has("now"):
        start_ms = int(time.time()) * 1000
        lines.append(f"Current date/time: {_shown(start_ms, given)}")
    if given.has("date"):
        start_ms = _date_ms(given.get("date"))
        lines.append(f"Date: {_shown(start_ms, given)}")
    if given.has("duration"):
        duration = parse_duration(given.get("duration"))
        lines.append(f"Duration: {_duration_text(duration)}")
        if start_ms is not None:
            start_ms = duration.after(start_ms)
            lines.append(f"Duration ends at: {_shown(start_ms, given)}")
    if given.has("period"):
        begin_ms, end_ms = _period(given.get("period"))
        lines.append(f"Period: {_shown(begin_ms, given)} to {_shown(end_ms, given)}")
    is_wrong = given.has("expected") and (
        start_ms is None or given.get("expected") != _shown(start_ms, given)
    )
    return Said("\n".join(lines), EXIT_ERROR if is_wrong else 0)


def _date_ms(text: str) -> int:
    try:
        return parse_date_ms(text)
    except ValueError as problem:
        raise ToolError(f"Invalid date/time specified: {text}", EXIT_INVALID) from problem


def parse_duration(text: str) -> Duration:
    """Return a duration like P1Y2M3DT4H. Raises ToolError where it is none."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ToolError(f"Invalid duration specified: {text}", EXIT_INVALID)
    part = {name: int(value or 0) for name, value in found.groupdict().items()}
    return Duration(
        years=part["years"], months=part["months"], days=part["days"] + 7 * part["weeks"],
        seconds=part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"],
    )  # fmt: skip


def _period(text: str) -> tuple[int, int]:
    """Return begin and end of DATE/DATE, DATE/DURATION or DURATION/DATE."""
    first, slash, second = text.partition("/")
    if not slash:
        raise ToolError(f"Invalid interval specified: {text}", EXIT_INVALID)
    if first.startswith("P"):
        end_ms, length = _date_ms(second), parse_duration(first)
        back = Duration(*(-each for each in length))
        return back.after(end_ms), end_ms
    begin_ms = _date_ms(first)
    is_length = second.startswith("P")
    return begin_ms, parse_duration(second).after(begin_ms) if is_length else _date_ms(second)


def _shown(time_ms: int, given: Given) -> str:
    seconds = time_ms // 1000
    if given.has("epoch"):
        return str(seconds)
    if given.has("seconds"):
        return str(seconds + SECONDS_TO_1970)
    at = datetime.fromtimestamp(seconds, UTC)
    zone = "Z"
    if given.has("local"):
        at = at.astimezone()
        offset = at.strftime("%z")
        zone = "Z" if offset in ("", "+0000") else f" {offset[:3]}:{offset[3:]}"
    year, week, day = at.isocalendar()
    date = at.strftime("%Y-%m-%d")
    if given.has("ordinal"):
        date = at.strftime("%Y-%j")
    if given.has("week"):
        date = f"{year}-W{week:02d}-{day}"
    return f"{date} {at:%H:%M:%S}{zone}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""


def _duration_text(duration: Duration) -> str:
    """Return the parts in words; seconds are also told as hours, minutes and seconds."""
    calendar = "".join(
        f"{number:{width}} {word}{'' if number == 1 else 's'} " if number else ""
        for number, word, width in (
            (duration.years, "year", 4), (duration.months, "month", 2), (duration.days, "day", 2),
        )
    )  # fmt: skip
    seconds = duration.seconds
    parts = (_counted(seconds // 3600, "hour"), _counted(seconds % 3600 // 60, "minute"),
             _counted(seconds % 60, "second"))  # fmt: skip
    detail = " ".join(part for part in parts if part)
    return calendar + _counted(seconds, "second") + (f" ({detail})" if seconds >= 60 else "")
