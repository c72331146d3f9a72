"""Reports: what was found about a request or a configuration, as data. Front ends make the text.

A report names its `code` (a stable word such as `id-already-exists`), how bad it is, the facts,
and, where `--force` turns the error into a warning, the word `force` so that it can say so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad: an error stops the request, a warning does not, the rest informs."""

    ERROR = "error"
    WARNING = "warning"
    DEPRECATION = "deprecation"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One finding.

    `message` is the whole sentence without prefix or hint (`Error: ` is the front end's), `facts`
    what it is made of, `is_forceable` says that `--force` turns this error into a warning,
    `advice` is the next command or step, if there is one.
    """

    code: str
    message: str
    severity: Severity = Severity.ERROR
    facts: tuple[tuple[str, str], ...] = ()
    is_forceable: bool = False
    advice: str = ""


def has_errors(reports: Iterable[Report]) -> bool:
    """Say whether any of the reports is an error."""
    return any(report.severity is Severity.ERROR for report in reports)
