"""Route words to a command, run it, and say what came of it. Front ends call `run_words`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from paceline import __version__
from paceline.commands import options as option_table
from paceline.commands.contract import (
    Command,
    ErrorsHaveOccurredError,
    Findings,
    Outcome,
    Ports,
    Request,
    Style,
    UsageError,
)
from paceline.commands.rendering import CLOSING_LINE, render_report, with_program
from paceline.commands.routing import Route, find_route, known_prefix, next_words, suggest
from paceline.commands.table import MODULES, commands_of
from paceline.commands.usage import implied_options, overview, usage_of
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.model.reports import Report, Severity


class Terminal(Protocol):
    """The user's end: two outputs and a question."""

    def out(self, text: str) -> None:
        """Show text on standard output, as it is."""
        ...

    def err(self, text: str) -> None:
        """Show text on standard error, as it is."""
        ...

    def ask(self, prompt: str, *, is_secret: bool) -> str:
        """Ask the user. Raises UsageError where nobody can answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who asks, and where he stands."""

    program: str
    user: str
    cwd: str
    environment: Mapping[str, str]
    is_terminal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What the ports have to be made for: the files that stand for the cluster, if any.

    `requested_by` is the program's name for the record of the change.
    """

    session: Session
    cib_file: str | None = None
    corosync_conf: str | None = None


PortsMaker = Callable[[Places], Ports]


def run_words(
    words: Sequence[str], *, session: Session, terminal: Terminal, make_ports: PortsMaker
) -> int:
    """Run what the words say, show everything on `terminal`, and return the exit status (0 or 1).

    Never raises for what a user or the world got wrong; InvariantError passes through.
    """
    try:
        return _run(words, session, terminal, make_ports)
    except UsageError as error:
        return _show_usage_error(error, terminal, overview(session.program))


def is_local(words: Sequence[str]) -> bool:
    """Say whether the words have to be run in place: they name a file instead of the cluster."""
    return any(
        word in ("-f", "--corosync_conf", "--help", "-h", "--version")
        or word.startswith(("--corosync_conf=", "-f"))
        for word in words
    )


def _run(words: Sequence[str], session: Session, terminal: Terminal, make_ports: PortsMaker) -> int:
    parsed = option_table.parse_words(words)
    given = parsed.options
    if "version" in given:
        terminal.out(f"{__version__}\n")
        return 0
    rest = parsed.words
    wants_help = "help" in given or rest[:1] == ("help",) or _asks_of_area(rest)
    if wants_help and "help" in rest[:2]:
        rest = tuple(word for word in rest[:2] if word != "help") + rest[2:]
    if not rest:
        (terminal.out if wants_help else terminal.err)(overview(session.program) + "\n")
        return 0 if wants_help else 1
    commands = commands_of(rest[0], None if wants_help else "".join(rest[1:2]))
    if wants_help:
        prefix = known_prefix(rest, commands)
        terminal.out(usage_of(session.program, prefix, commands) + "\n")
        return 0
    for negative in parsed.bare_negatives:
        terminal.err(
            f"Deprecation Warning: Using '{negative}' without '--' is deprecated, those "
            "parameters will be considered position independent options in future "
            f"{session.program} versions\n"
        )
    route = find_route(rest, commands)
    if route is None:
        commands = commands_of(rest[0])
        route = find_route(rest, commands)
    if route is None:
        return _show_unknown(rest, session, terminal, commands)
    usage = usage_of(session.program, route.command.words.split(), commands)
    try:
        return _run_command(route, given, session, terminal, make_ports)
    except UsageError as error:
        return _show_usage_error(error, terminal, usage)


def _asks_of_area(words: Sequence[str]) -> bool:
    """Say whether the words are `AREA help [COMMAND]...`, the old way to ask."""
    return words[1:2] == ("help",) and words[0] in MODULES


def _check_options(command: Command, given: Mapping[str, str]) -> None:
    """Raise UsageError if an option does not belong to the command."""
    allowed = frozenset(command.options) | implied_options(command.needs) | option_table.EVERYWHERE
    alien = sorted(_spell(name) for name in given if name not in allowed)
    if alien:
        shown = ", ".join(f"'{spelling}'" for spelling in alien)
        noun = "option" if len(alien) == 1 else "options"
        verb = "is" if len(alien) == 1 else "are"
        raise UsageError(f"Specified {noun} {shown} {verb} not supported in this command")


def _spell(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name}"


def _run_command(
    route: Route,
    given: Mapping[str, str],
    session: Session,
    terminal: Terminal,
    make_ports: PortsMaker,
) -> int:
    findings = Findings(is_forced="force" in given)
    if route.alias is not None and route.alias.replaced_by:
        findings.deprecate(
            "deprecated-command",
            "This command is deprecated and will be removed. Please use "
            f"'{session.program} {route.alias.replaced_by}' instead.",
        )
    told = _Told(findings, terminal, session.program)
    request = _make_request(route, given, session, terminal, told)
    has_error = False
    outcome = Outcome()
    last_words: list[str] = []
    try:
        _check_options(route.command, given)
        outcome = route.command.handler(request, make_ports(_places(given, session)))
    except ErrorsHaveOccurredError:
        last_words = [CLOSING_LINE.format(program=session.program)]
        has_error = True
    except InvalidRequestError as error:
        for report in error.reports:
            findings.keep(report)
        has_error = True
    except UnreachableError as error:
        last_words = [f"Error: {error}"]
        has_error = True
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        last_words = [f"Error: {where}{error.strerror or error}"]
        has_error = True
    except UsageError:
        told.tell_rest()
        raise
    told.tell_rest()
    if outcome.text:
        terminal.out(outcome.text + "\n")
    for line in last_words:
        terminal.err(line + "\n")
    if outcome.status is not None:
        return outcome.status
    return 1 if has_error or findings.has_errors() else 0


def _make_request(
    route: Route,
    given: Mapping[str, str],
    session: Session,
    terminal: Terminal,
    told: "_Told",
) -> Request:
    is_classic = "classic" in given or session.environment.get("PACELINE_STYLE") == "classic"
    return Request(
        program=session.program,
        words=route.words,
        arguments=route.arguments,
        options=dict(given),
        findings=told.findings,
        style=Style.CLASSIC if is_classic else Style.TODAY,
        user=session.user,
        cwd=session.cwd,
        environment=session.environment,
        is_terminal=session.is_terminal,
        progress=told.progress,
        ask=lambda prompt, is_secret: terminal.ask(prompt, is_secret=is_secret),
    )


def _places(given: Mapping[str, str], session: Session) -> Places:
    return Places(
        session=session, cib_file=given.get("f"), corosync_conf=given.get("corosync_conf")
    )


class _Told:
    """What of the findings was shown: warnings before the progress that follows, errors last."""

    def __init__(self, findings: Findings, terminal: Terminal, program: str) -> None:
        """Begin with nothing told."""
        self.findings = findings
        self._program = program
        self._terminal = terminal
        self._told: set[int] = set()

    def progress(self, text: str) -> None:
        """Show how far the command has come, after what was to be known before."""
        self._tell(lambda report: report.severity is not Severity.ERROR)
        self._terminal.out(text + "\n")

    def tell_rest(self) -> None:
        """Show everything that is not shown yet."""
        self._tell(lambda _report: True)

    def _tell(self, is_wanted: Callable[[Report], bool]) -> None:
        for number, report in enumerate(self.findings.reports):
            if number not in self._told and is_wanted(report):
                self._told.add(number)
                text = with_program(render_report(report), self._program)
                self._terminal.err(text + "\n")


def _show_usage_error(error: UsageError, terminal: Terminal, usage: str) -> int:
    """Show what is wrong with the words, and the usage where it helps; return 1."""
    if error.message:
        terminal.err(f"Error: {error.message}\n")
    if error.hint:
        terminal.err(f"Hint: {error.hint}\n")
    if error.shows_usage:
        terminal.err(f"\n{usage}\n")
    return 1


def _show_unknown(
    words: Sequence[str], session: Session, terminal: Terminal, commands: Sequence[Command]
) -> int:
    """Say that there is no such command, what is near, and what there is; return 1."""
    prefix = known_prefix(words, commands)
    known = next_words(prefix, commands) if prefix else tuple(MODULES)
    usage = usage_of(session.program, prefix, commands) if prefix else overview(session.program)
    unknown = words[len(prefix)] if len(prefix) < len(words) else ""
    terminal.err(f"\n{usage}\n")
    near = suggest(unknown, known) if unknown else ()
    if near:
        meant = " or ".join(f"'{' '.join((*prefix, word))}'" for word in near)
        terminal.err(f"\n'{unknown}' is no command here. Did you mean {meant}?\n")
    elif unknown:
        terminal.err(f"\n'{unknown}' is no command here.\n")
    return 1
