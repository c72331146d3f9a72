"""Reports as the lines a user reads."""

import re

from paceline.commands.table import MODULES
from paceline.model.reports import Report, Severity

_PREFIX = {
    Severity.ERROR: "Error: ",
    Severity.WARNING: "Warning: ",
    Severity.DEPRECATION: "Deprecation Warning: ",
    Severity.INFO: "",
}
FORCE_HINT = ", use --force to override"
CLOSING_LINE = "Error: Errors have occurred, therefore {program} is unable to continue"


def with_program(text: str, program: str) -> str:
    """Return advice with the commands named as the user calls the program.

    Advice is written with `pcs`, which most people type; where the real pcs is installed, that
    name is not ours.
    """
    if program == "pcs":
        return text
    return re.sub(rf"(?<![\w/.-])pcs (?=(?:{'|'.join(MODULES)})\b)", f"{program} ", text)


def render_report(report: Report) -> str:
    """Return the report's lines; the hint at `--force` ends the first one."""
    message = report.message
    if report.is_forceable and report.severity is Severity.ERROR:
        first, newline, rest = message.partition("\n")
        colon = ":" if first.endswith(":") else ""
        message = f"{first.removesuffix(':')}{FORCE_HINT}{colon}{newline}{rest}"
    advice = f"\n{report.advice}" if report.advice else ""
    return f"{_PREFIX[report.severity]}{message}{advice}"
