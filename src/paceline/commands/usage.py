"""Help text, made from the declarations."""

import textwrap
from collections.abc import Iterable, Sequence

from paceline.commands.contract import Command, Needs
from paceline.commands.table import MODULES, PROGRAMS, SUMMARIES

WIDTH = 80


def overview(program: str) -> str:
    """Return the usage of the program as a whole."""
    areas = [f"    {area:<12}{SUMMARIES.get(area, '')}".rstrip() for area in (*MODULES, *PROGRAMS)]
    options = [
        "    -f FILE           Work on FILE instead of the cluster's configuration.",
        "    --corosync_conf FILE  Work on FILE instead of this node's corosync.conf.",
        "    --force           Do it although something speaks against it.",
        "    --classic         Print in the layout of pcs 0.9.",
        "    --request-timeout SECONDS  How long to wait for another node.",
        "    --version         Print the version.",
        "    -h, --help        Print this.",
    ]
    return "\n".join(
        (
            f"Usage: {program} [-f FILE] [-h] [COMMANDS]...",
            "",
            "Options:",
            *options,
            "",
            "Commands:",
            *areas,
        )
    )


def usage_of(program: str, prefix: Sequence[str], commands: Iterable[Command]) -> str:
    """Return the usage of all commands that begin with `prefix`."""
    size = len(prefix)
    chosen = [
        command
        for command in commands
        if not command.is_hidden and command.words.split()[:size] == list(prefix)
    ]
    lines = [f"Usage: {program} {' '.join(prefix)}..."]
    for command in chosen:
        lines += ["", *command_lines(command)]
    return "\n".join(lines)


def command_lines(command: Command) -> list[str]:
    """Return the lines that describe one command."""
    head = f"{command.words} {synopsis(command)}".rstrip()
    lines = textwrap.wrap(head, WIDTH - 4, initial_indent="    ", subsequent_indent=" " * 12)
    text = command.help if not command.details else f"{command.help} {command.details}"
    indent = " " * 8
    lines += textwrap.wrap(text, WIDTH - 8, initial_indent=indent, subsequent_indent=indent)
    return lines


def synopsis(command: Command) -> str:
    """Return the arguments and options as the usage line shows them."""
    shown = set(command.arguments.replace("[", " ").replace("]", " ").replace("=", " ").split())
    hidden = {name for name in command.options if f"--{name}" in shown or len(name) == 1}
    hidden.update(command.unlisted_options)
    options = " ".join(f"[--{name}]" for name in command.options if name not in hidden)
    return " ".join(part for part in (command.arguments, options) if part)


def implied_options(needs: Needs) -> frozenset[str]:
    """Return the options that come with what a command works on."""
    match needs:
        case Needs.CIB:
            return frozenset({"f", "dry-run"})
        case Needs.COROSYNC_CONF:
            return frozenset({"corosync_conf", "dry-run"})
        case Needs.CIB_AND_COROSYNC_CONF:
            return frozenset({"f", "corosync_conf"})
        case Needs.CIB_LIVE | Needs.CLUSTER | Needs.NOTHING:
            return frozenset()
