"""Durations as people write them (`30s`, `1min`, `500ms`, `2h`, `PT1M`), in milliseconds."""

import re

_UNITS_MS = {
    "": 1000, "s": 1000, "sec": 1000, "ms": 1, "msec": 1, "m": 60_000, "min": 60_000,
    "h": 3_600_000, "hr": 3_600_000, "d": 86_400_000,
}  # fmt: skip
_US_UNITS = frozenset({"us", "usec"})
_SIMPLE = re.compile(r"\s*(\d+)\s*([a-zA-Z]*)\s*")
_ISO = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_ISO_UNITS_MS = {
    "years": 365 * 86_400_000, "months": 30 * 86_400_000, "weeks": 7 * 86_400_000,
    "days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1000,
}  # fmt: skip
MS_MAX = 2**63 - 1
"""The longest duration; longer ones are cut to it."""


def parse_duration_ms(text: str) -> int:
    """Return the duration that `text` says, in milliseconds; a bare number means seconds.

    Raises ValueError where it is no duration (negative ones are none).
    """
    simple = _SIMPLE.fullmatch(text)
    if simple:
        number, unit = int(simple[1]), simple[2].lower()
        if unit in _US_UNITS:
            return number // 1000
        if unit in _UNITS_MS:
            return min(MS_MAX, number * _UNITS_MS[unit])
    iso = _ISO.fullmatch(text.strip())
    if iso and any(iso.groupdict().values()):
        parts = ((name, int(value)) for name, value in iso.groupdict().items() if value)
        return min(MS_MAX, sum(value * _ISO_UNITS_MS[name] for name, value in parts))
    raise ValueError(f"'{text}' is not a duration, like 30s, 1min or 500ms")


def format_duration(ms: int) -> str:
    """Return the shortest exact form: `1min`, `90s`, `1500ms`."""
    if ms % 1000:
        return f"{ms}ms"
    seconds = ms // 1000
    if seconds and seconds % 3600 == 0:
        return f"{seconds // 3600}h"
    if seconds and seconds % 60 == 0:
        return f"{seconds // 60}min"
    return f"{seconds}s"
