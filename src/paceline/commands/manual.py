"""Manual pages (roff, section 8), made from the declarations: one for each first word."""

from collections.abc import Iterable

from paceline.commands.contract import Command
from paceline.commands.table import MODULES, PROGRAMS, SUMMARIES, commands_of
from paceline.commands.usage import synopsis

COMMON_OPTIONS = (
    ("-f FILE", "Work on FILE instead of the cluster's configuration."),
    ("--corosync_conf FILE", "Work on FILE instead of this node's corosync.conf."),
    ("--force", "Do it although something speaks against it: errors that say so become warnings."),
    ("--classic", "Print in the layout of pcs 0.9 (also: PACELINE_STYLE=classic)."),
    ("--request-timeout SECONDS", "How long to wait for another node."),
)
FILES = (
    ("/var/log/paceline/paceline.log", "One line per decision with its reason, and per operation."),
    (
        "/etc/paceline/paceline.conf",
        "Settings of the daemon, NAME=value in lines. PACELINE_LOG_LEVEL is debug, info (the "
        "default), notice, warning or error; systemctl reload paceline takes a change over.",
    ),
    ("/var/log/paceline/diagnosis/", "What an agent was doing when its time was over."),
    ("/var/lib/paceline/", "The node's state: journal, cib.xml for people, keys, tokens."),
    ("/etc/corosync/corosync.conf", "Corosync's configuration, written by cluster setup."),
    ("/run/paceline/", "The sockets of the daemon and of the node service."),
)
EXIT_STATUS = "0: done. 1: refused or failed; nothing was changed unless the message says so."


def page_names() -> tuple[str, ...]:
    """Return the first words that have a page, in the order of the overview."""
    return tuple(MODULES)


def overview_page() -> str:
    """Return `paceline(8)`: what there is, and where its page is."""
    lines = [
        '.TH PACELINE 8 "" Paceline "Paceline: commands"',
        ".nh",
        ".ad l",
        ".SH NAME",
        "paceline, pcs \\- keep services running on a group of machines",
        ".SH SYNOPSIS",
        ".B paceline",
        "[COMMAND] [ARGUMENTS] [OPTIONS]",
        ".SH COMMANDS",
    ]
    for area, summary in SUMMARIES.items():
        if area not in MODULES and area not in PROGRAMS:
            continue
        page = f" See paceline-{area}(8)." if area in MODULES else " See its --help."
        lines += [".TP", f".B {area}", _plain(summary + page)]
    lines.append(".SH OPTIONS OF ALL COMMANDS")
    for option, text in COMMON_OPTIONS:
        lines += [".TP", f".B {_plain(option)}", _plain(text)]
    lines += [".SH EXIT STATUS", _plain(EXIT_STATUS)]
    lines.append(".SH FILES")
    for path, text in FILES:
        lines += [".TP", f".I {_plain(path)}", _plain(text)]
    return "\n".join(lines) + "\n"


def manual_page(area: str) -> str:
    """Return the manual page of all commands that begin with `area`, as roff."""
    commands = [command for command in commands_of(area) if not command.is_hidden]
    lines = [
        f'.TH PACELINE-{area.upper()} 8 "" Paceline "Paceline: commands"',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"paceline-{area} \\- {_plain(SUMMARIES.get(area, ''))}",
        ".SH SYNOPSIS",
        f".B paceline {area}",
        "[COMMAND] [ARGUMENTS] [OPTIONS]",
        ".br",
        f".B pcs {area}",
        "[COMMAND] [ARGUMENTS] [OPTIONS]",
        ".SH COMMANDS",
        *_entries(commands),
        ".SH OPTIONS OF ALL COMMANDS",
    ]
    for option, text in COMMON_OPTIONS:
        lines += [".TP", f".B {_plain(option)}", _plain(text)]
    lines += [".SH EXIT STATUS", _plain(EXIT_STATUS)]
    lines += [".SH SEE ALSO", ", ".join(f"paceline-{a}(8)" for a in MODULES if a != area)]
    return "\n".join(lines) + "\n"


def _entries(commands: Iterable[Command]) -> list[str]:
    lines: list[str] = []
    for command in commands:
        lines += [".TP", f".B {_plain(command.words)} {_plain(synopsis(command))}".rstrip()]
        lines.append(_plain(command.help))
        if command.details:
            lines += [".IP", _plain(command.details)]
        if command.aliases:
            spellings = ", ".join(alias.words for alias in command.aliases)
            lines += [".IP", f"Also: {_plain(spellings)}."]
    return lines


def _plain(text: str) -> str:
    """Return text that roff prints as it is: one line, no leading control character."""
    flat = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{flat}" if flat.startswith((".", "'")) else flat
