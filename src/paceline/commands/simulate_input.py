"""What a simulation is made from: a file's CIB, refused in words where it is not valid."""

from msgspec.structs import replace

from paceline.cib.read import snapshot_of_file
from paceline.cib.tree import parse_cib
from paceline.cib.validate import validate
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report, Severity
from paceline.model.snapshot import Snapshot

READ_AS_DEFAULT = ("bad-duration",)
"""What would be refused if somebody wrote it today, and has a meaning where it stands in a file."""


def snapshot_of_input(document: bytes, now_ms: int, *, is_now_given: bool = False) -> Snapshot:
    """Return the snapshot of a CIB, with its status.

    An `execution-date` of the CIB comes before `now_ms`, unless somebody asked for that moment.
    Raises InvalidRequestError with all that is wrong: what is not valid has no decision.
    """
    errors = [
        each
        for each in validate(parse_cib(document))
        if each.severity is Severity.ERROR and each.code not in READ_AS_DEFAULT
    ]
    if errors:
        raise InvalidRequestError(*(_with_place(each) for each in errors))
    snapshot = snapshot_of_file(document, now_ms)
    if is_now_given:
        return replace(snapshot, status=replace(snapshot.status, now_ms=now_ms))
    return snapshot


def _with_place(report: Report) -> Report:
    line = dict(report.facts).get("line")
    place = f" (line {line})" if line else ""
    advice = f"; {report.advice}" if report.advice else ""
    return Report(code=report.code, message=f"{report.message}{place}{advice}")
