"""`paceline install` and `uninstall`: this machine becomes a place for a node, or no more."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from paceline.adapters.installation import Installation
from paceline.adapters.run_command import run_bounded
from paceline.model.errors import InvalidRequestError

TOOL_TIMEOUT_MS = 60_000


def install(words: Sequence[str]) -> int:
    """Write units, accounts, folders, PAM service and links; say what was done."""
    return _act(
        words,
        "install",
        "Make this machine ready to be a node: systemd units, the user hacluster, folders, the PAM "
        "service and links to the programs. Doing it again changes nothing more.",
        Installation.install,
    )


def uninstall(words: Sequence[str]) -> int:
    """Remove what `install` made; configuration, state and logs stay."""
    return _act(
        words,
        "uninstall",
        "Remove what `paceline install` made. Configuration, state and logs stay.",
        Installation.uninstall,
    )


def _act(
    words: Sequence[str],
    verb: str,
    description: str,
    action: Callable[[Installation], tuple[str, ...]],
) -> int:
    argparse.ArgumentParser(prog=f"paceline {verb}", description=description).parse_args(words)
    if os.geteuid() != 0:
        print(f"Error: {verb} changes the system's files: run it as root", file=sys.stderr)
        return 1
    installation = Installation(
        root=Path("/"), programs=Path(sys.executable).parent, run_tool=_run_tool
    )
    try:
        lines = action(installation)
    except InvalidRequestError as error:
        for report in error.reports:
            advice = f"; {report.advice}" if report.advice else ""
            print(f"Error: {report.message}{advice}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


def _run_tool(words: tuple[str, ...]) -> tuple[int, str]:
    program = shutil.which(words[0]) or f"/usr/sbin/{words[0]}"
    done = run_bounded((program, *words[1:]), os.environ, TOOL_TIMEOUT_MS)
    return done.rc, (done.out + done.err).decode(errors="replace")
