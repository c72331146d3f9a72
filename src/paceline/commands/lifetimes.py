"""`lifetime=T`: a change that ends by itself, as a rule with a date."""

from datetime import UTC, datetime, timedelta

from paceline.commands.contract import UsageError
from paceline.model.durations import parse_duration_ms


def read_lifetime_ms(text: str) -> int:
    """Return a lifetime in milliseconds. Raises UsageError where it is no duration."""
    try:
        lifetime_ms = parse_duration_ms(text)
    except ValueError as error:
        raise UsageError(f"'{text}' is not a duration, like 30s, 1h or PT15M") from error
    if lifetime_ms <= 0:
        raise UsageError(f"'{text}' is no time at all")
    return lifetime_ms


def end_of_lifetime(lifetime_ms: int) -> str:
    """Return the date at which a lifetime that begins now ends, as a rule has it."""
    until = datetime.now(UTC) + timedelta(milliseconds=lifetime_ms)
    return until.strftime("%Y-%m-%d %H:%M:%SZ")
