"""Change the configuration: read, change, check, push; again where it moved meanwhile."""

import difflib
import re
from collections.abc import Callable

from paceline.cib.tree import Element, parse_cib, serialize
from paceline.cib.validate import validate
from paceline.commands.contract import Ports, Request
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report, Severity
from paceline.ports.cib_store import CibSnapshot, VersionMovedError

ATTEMPTS_MAX = 10
"""How often a change is begun again because somebody else was faster."""

_LINE = re.compile(r" \(line \d+\)")
"""Lines are of a text that nobody sees."""

Change = Callable[[Element], str]
"""Edits the tree and returns text for the user."""


def read_cib(ports: Ports) -> Element:
    """Return the configuration as a tree. Raises UnreachableError, InvalidRequestError."""
    return parse_cib(ports.cib.read().document)


def edit_cib(request: Request, ports: Ports, change: Change) -> str:
    """Let `change` edit the configuration and push the result; return what `change` returned.

    Nothing is pushed when an error was found, or when nothing was changed. Raises
    InvalidRequestError, UnreachableError.
    """
    for _attempt in range(ATTEMPTS_MAX):
        kept = request.findings.reports
        snapshot = ports.cib.read()
        root = parse_cib(snapshot.document)
        before = serialize(root)
        text = change(root)
        request.findings.stop_if_errors()
        after = serialize(root)
        if after == before:
            return text
        _refuse_invalid(request, before, root)
        if request.has("dry-run"):
            request.progress(_difference(before, after))
            _show_what_follows(request, before, after, snapshot)
            return text
        try:
            _push(request, ports, after, snapshot.version)
        except VersionMovedError:
            request.findings.clear()
            for report in kept:
                request.findings.keep(report)
            continue
        return text
    raise InvalidRequestError(
        Report(
            code="version-moved",
            message=f"the configuration was changed by others {ATTEMPTS_MAX} times while this "
            "change was being made; nothing was changed, try again",
        )
    )


def _refuse_invalid(request: Request, before: bytes, root: Element) -> None:
    """Refuse a result that is not valid; what was wrong before the change is not held against it.

    `--force` does not help: what is not valid nobody can carry out.
    """
    found = [report for report in validate(root) if report.severity is Severity.ERROR]
    if not found:
        return
    known = {_LINE.sub("", report.message) for report in validate(parse_cib(before))}
    for report in found:
        problem = _LINE.sub("", report.message)
        if problem in known:
            continue
        message = f"Unable to update cib\n{problem}"
        request.findings.error(report.code, message, advice=report.advice)
    request.findings.stop_if_errors()


def _difference(before: bytes, after: bytes) -> str:
    """Return what would change in the configuration, as lines taken away and added."""
    lines = difflib.unified_diff(
        before.decode().splitlines(), after.decode().splitlines(), "now", "then", lineterm="", n=2
    )
    return "\n".join(lines)


def _show_what_follows(
    request: Request, before: bytes, after: bytes, snapshot: CibSnapshot
) -> None:
    """Show what the cluster would do after the change."""
    from paceline.commands.foresight import foresee  # brings the scheduler, which loads slowly

    lines = foresee(parse_cib(before), parse_cib(after), snapshot.status)
    request.progress("\n".join(lines))


def _push(request: Request, ports: Ports, document: bytes, based_on: str) -> None:
    """Push, and tell the user if the change is not yet safe."""
    outcome = ports.cib.push(document, based_on=based_on, is_forced=request.is_forced)
    if not outcome.is_safe:
        request.findings.warn(
            "not-yet-safe",
            "The change is accepted, but not yet safe: it could be lost if the nodes that have it "
            f"are lost. It waits for {outcome.waits_for or 'more nodes'}.",
        )
