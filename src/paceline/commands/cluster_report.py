"""`cluster report DEST`: logs, configuration and state of this node in one archive, no secrets."""

import io
import re
import tarfile
import time

from lxml import etree

from paceline import __version__
from paceline.cib.tree import parse_cib
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.status_text import Shown, status_text
from paceline.commands.tools_cib import with_live_status
from paceline.commands.tools_monitor import view_of_snapshot
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.model.reports import Report

DAY_MS = 86_400_000
SECRET_NAMES = re.compile(r"passw|secret|token|key$|credential", re.IGNORECASE)
"""Parameters whose values are masked (`passwd`, `password_script`, `api_key`, ...)."""
MASK = "********"
TIME_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
TIME_FORMS_TODAY = ("%H:%M:%S", "%H:%M")


def report(request: Request, ports: Ports) -> Outcome:
    """Collect and write the archive."""
    if len(request.arguments) != 1:
        raise UsageError()
    name = request.arguments[0].removesuffix(".tar.xz")
    since_ms, until_ms = _times(request, now_ms=int(time.time() * 1000))
    parts = list(ports.open_report_files().collect(since_ms, until_ms))
    parts.append(("version", f"Paceline {__version__}\n".encode()))
    try:
        parts.extend(_state(ports))
    except UnreachableError as error:
        request.findings.warn("no-state", f"the state is left out: {error}")
    folder = name.rpartition("/")[2]
    content = _archive(folder, parts)
    path = name if name.startswith("/") else f"{request.cwd}/{name}"
    try:
        ports.open_report_files().write(f"{path}.tar.xz", content, replaces=request.has("force"))
    except FileExistsError as problem:
        message = f"'{name}.tar.xz' already exists, use --force to override"
        raise InvalidRequestError(Report(code="file-exists", message=message)) from problem
    except OSError as problem:
        message = f"cannot write '{name}.tar.xz': {problem.strerror or problem}"
        raise InvalidRequestError(Report(code="report-unwritable", message=message)) from problem
    return Outcome(text=f"The report is in {name}.tar.xz ({len(parts)} files, secrets are masked)")


def _times(request: Request, *, now_ms: int) -> tuple[int, int]:
    """Return from when and until when logs are wanted: `--from`, `--to`, else the last day."""
    since, until = request.value("from"), request.value("to")
    until_ms = parse_time_ms(until, now_ms=now_ms) if until else now_ms
    since_ms = parse_time_ms(since, now_ms=now_ms) if since else until_ms - DAY_MS
    if since_ms > until_ms:
        raise UsageError(f"--from is later than --to ({since or 'a day ago'}, {until or 'now'})")
    return since_ms, until_ms


def parse_time_ms(text: str, *, now_ms: int) -> int:
    """Return a person's time in ms since 1970: a date, a date and a time, or a time of today.

    It is in this machine's time zone. Raises UsageError.
    """
    today = time.strftime("%Y-%m-%d ", time.localtime(now_ms // 1000))
    forms = [(form, text.replace("T", " ")) for form in TIME_FORMS]
    forms += [(f"%Y-%m-%d {form}", today + text) for form in TIME_FORMS_TODAY]
    for form, words in forms:
        try:
            return int(time.mktime(time.strptime(words, form))) * 1000
        except (ValueError, OverflowError):
            continue
    raise UsageError(
        f"'{text}' is no time like '2026-01-31 12:00:00', '2026-01-31 12:00', '2026-01-31', '12:00'"
    )


def _state(ports: Ports) -> list[tuple[str, bytes]]:
    snapshot = ports.cib.read()
    root = parse_cib(with_live_status(snapshot))
    for pair in root.iter("nvpair"):
        if SECRET_NAMES.search(pair.get("name", "")) and pair.get("value"):
            pair.set("value", MASK)
    shown = Shown(has_inactive=True, is_detailed=True, has_attributes=True, has_fail_counts=True)
    text = status_text(view_of_snapshot(snapshot), shown)
    found = [
        ("cib.xml", etree.tostring(root, pretty_print=True)),
        ("crm_mon.txt", f"{text}\n".encode()),
    ]
    answer = ports.daemon.ask({"do": "internals"})
    figures = answer.get("internals")
    if isinstance(figures, dict):
        lines = "".join(f"{name}: {value}\n" for name, value in figures.items())
        found.append(("internals.txt", lines.encode()))
    return found


def _archive(folder: str, parts: list[tuple[str, bytes]]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:xz") as archive:
        for name, content in parts:
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(content)
            entry.mode = 0o600
            entry.mtime = int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    return whole.getvalue()


COMMANDS = (
    Command(
        words="cluster report",
        handler=report,
        needs=Needs.CLUSTER,
        arguments="<dest> [--from <time>] [--to <time>]",
        options=("from", "to", "force"),
        help="Collect logs, configuration and state of this node into <dest>.tar.xz.",
        details="Passwords and keys are masked. Without times it takes the last day; a time is "
        "'2026-01-31 12:00:00', '2026-01-31 12:00', '2026-01-31' or '12:00' (of today). --force "
        "replaces a report of the same name.",
    ),
)
