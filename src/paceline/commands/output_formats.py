"""`--output-format`: text for people, commands that make the same again, JSON for programs."""

from paceline.commands.contract import Request, UsageError

FORMATS = ("cmd", "json", "text")


def output_format(request: Request) -> str:
    """Return the wanted format. Raises UsageError where it is none of those there are."""
    value = request.value("output-format") or "text"
    if value not in FORMATS:
        allowed = ", ".join(f"'{one}'" for one in FORMATS)
        raise UsageError(
            f"Unknown value '{value}' for '--output-format' option. Supported values are: {allowed}"
        )
    return value
