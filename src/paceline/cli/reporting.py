"""`crm_report`: what other programs call for an archive; it is `cluster report` of this node."""

import sys
import time

from paceline.cli.local import run_locally
from paceline.commands.tools import EXIT_USAGE, Given, Option, ToolError, parse_options

OPTIONS = (
    Option("from", "f", "value"), Option("to", "t", "value"), Option("nodes", "n", "value"),
    Option("dest", "", "value"), Option("single-node", "S"), Option("no-search", "M"),
    Option("logfile", "l", "value"), Option("sanitize", "p", "value"),
    Option("analyze", "L", "value"), Option("cluster", "c", "value"), Option("corosync", "C"),
    Option("user", "u", "value"), Option("max-depth", "D", "value"), Option("rsh", "e", "value"),
    Option("as-directory", "d"), Option("cts", "T", "value"), Option("help", "h"),
)  # fmt: skip
USAGE = (
    "Usage: crm_report -f TIME [DEST]      (a TIME is written 'YYYY-MM-DD HH:MM:SS')\n"
    "Collects this node's logs, configuration and state in DEST.tar.xz, secrets masked."
)
LEFT_OUT = ("to", "nodes", "logfile", "as-directory", "cts")
"""Options with an effect that there is not: said, so that nobody takes it for granted."""
FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M")


def crm_report(words: list[str]) -> int:
    """Make the archive; return the exit status."""
    try:
        given = parse_options(words, OPTIONS)
        if given.has("help"):
            sys.stdout.write(f"{USAGE}\n")
            return 0
        call = _call(given)
    except ToolError as problem:
        sys.stderr.write(f"crm_report: {problem}\n{USAGE}\n")
        return problem.status
    for name in LEFT_OUT:
        if given.has(name):
            sys.stderr.write(f"crm_report: --{name} has no effect here\n")
    return run_locally("pcs", call)


def _call(given: Given) -> list[str]:
    """Return the words of the command that does it."""
    named = given.get("dest") or next(iter(given.words), "")
    target = named or time.strftime("pcmk-%a-%d-%b-%Y")
    call = ["cluster", "report", target]
    if given.has("from"):
        call.append(f"--from={_moment(given.get('from'))}")
    return call


def _moment(text: str) -> str:
    """Return a time in the one form that the command takes; a time of day is today's."""
    for form in FORMS:
        try:
            at = time.strptime(text, form)
        except ValueError:
            continue
        day = time.strftime("%Y-%m-%d", at if "%Y" in form else time.localtime())
        return f"{day} {time.strftime('%H:%M:%S', at)}"
    raise ToolError(f"'{text}' is no time like '2026-01-31 12:00:00'", EXIT_USAGE)
