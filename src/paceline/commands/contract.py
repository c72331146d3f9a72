"""What a command is: its declaration, what it is given, what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

from paceline.model.errors import InvalidRequestError, InvariantError, PacelineError
from paceline.model.reports import Report, Severity, has_errors
from paceline.ports.agents import AgentLibrary
from paceline.ports.cib_store import CibStore
from paceline.ports.daemon import Daemon
from paceline.ports.text_files import TextFiles

if TYPE_CHECKING:  # slow to load, and most commands need none of it
    from paceline.ports.agents import AgentRunner
    from paceline.ports.checkpoints import Checkpoints
    from paceline.ports.editor import Editor
    from paceline.ports.engine_tools import EngineTools
    from paceline.ports.node import Node
    from paceline.ports.peers import Peers
    from paceline.ports.report_files import ReportFiles


class Style(StrEnum):
    """Which layout text has."""

    TODAY = "today"
    CLASSIC = "classic"
    """pcs 0.9 on CentOS 7, as in the lab notes (`--classic`, PACELINE_STYLE=classic)."""


class Needs(Enum):
    """What a command works on; says where `-f` and `--corosync_conf` are accepted."""

    CIB = "cib"
    """The configuration: the cluster's, or with `-f FILE` a file."""
    CIB_LIVE = "cib-live"
    """The configuration of the running cluster only."""
    COROSYNC_CONF = "corosync-conf"
    """corosync.conf: this node's, or with `--corosync_conf FILE` a file."""
    CIB_AND_COROSYNC_CONF = "cib-and-corosync-conf"
    """Both (`-f` and `--corosync_conf` are accepted)."""
    CLUSTER = "cluster"
    """The running cluster, services, other nodes: no file can stand for it."""
    NOTHING = "nothing"
    """Agents, files, help: works without a cluster."""


class UsageError(PacelineError):
    """The words do not fit the command; with `message`, what is wrong, else its usage is shown."""

    def __init__(self, message: str = "", *, hint: str = "", shows_usage: bool | None = None):
        """Without a message usage is shown, with one only if `shows_usage` says so."""
        super().__init__(message or "wrong usage")
        self.message = message
        self.hint = hint
        self.shows_usage = not message if shows_usage is None else shows_usage


class ErrorsHaveOccurredError(InvalidRequestError):
    """Findings with errors were collected; they were shown, the closing line follows."""


class Findings:
    """Collects every report of one run; `--force` turns the forceable errors into warnings."""

    def __init__(self, *, is_forced: bool) -> None:
        """Begin empty."""
        self.is_forced = is_forced
        self._reports: list[Report] = []

    @property
    def reports(self) -> tuple[Report, ...]:
        """Everything found so far, in order."""
        return tuple(self._reports)

    def add(self, report: Report) -> None:
        """Keep a report; a forceable error becomes a warning under `--force`."""
        if report.severity is Severity.ERROR and report.is_forceable and self.is_forced:
            report = Report(
                code=report.code, message=report.message, severity=Severity.WARNING,
                facts=report.facts, advice=report.advice,
            )  # fmt: skip
        self._reports.append(report)

    def keep(self, report: Report) -> None:
        """Keep a report as it is, `--force` or not: the request has ended with it."""
        self._reports.append(report)

    def error(
        self, code: str, message: str, *, is_forceable: bool = False, advice: str = ""
    ) -> None:
        """Add an error."""
        self.add(Report(code=code, message=message, is_forceable=is_forceable, advice=advice))

    def warn(self, code: str, message: str) -> None:
        """Add a warning."""
        self.add(Report(code=code, message=message, severity=Severity.WARNING))

    def deprecate(self, code: str, message: str) -> None:
        """Add a deprecation warning."""
        self.add(Report(code=code, message=message, severity=Severity.DEPRECATION))

    def inform(self, code: str, message: str) -> None:
        """Add a line that is printed as it is."""
        self.add(Report(code=code, message=message, severity=Severity.INFO))

    def extend(self, reports: tuple[Report, ...]) -> None:
        """Add several reports."""
        for report in reports:
            self.add(report)

    def has_errors(self) -> bool:
        """Say whether an error is among them."""
        return has_errors(self._reports)

    def stop_if_errors(self) -> None:
        """Raise ErrorsHaveOccurredError if an error was found."""
        if self.has_errors():
            raise ErrorsHaveOccurredError()

    def refuse_if_errors(self) -> None:
        """Raise InvalidRequestError if an error was found; no closing line follows."""
        if self.has_errors():
            raise InvalidRequestError()

    def clear(self) -> None:
        """Forget everything: the work begins again (the configuration moved meanwhile)."""
        self._reports.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of a user.

    `words` chose the command, `arguments` are the words after them, `options` those given, by
    their long name without dashes (`f`, `force`, `corosync_conf`); an option without a value has
    "". `progress` shows a line at once (`worker1: Starting Cluster...`), `ask` asks the user
    (prompt, is_secret) and raises UsageError where nobody can answer.
    """

    program: str
    words: tuple[str, ...]
    arguments: tuple[str, ...]
    options: Mapping[str, str]
    findings: Findings
    style: Style
    user: str
    cwd: str
    environment: Mapping[str, str]
    is_terminal: bool
    progress: Callable[[str], None]
    ask: Callable[[str, bool], str]

    def has(self, option: str) -> bool:
        """Say whether the option was given."""
        return option in self.options

    def value(self, option: str) -> str | None:
        """Return the option's value, or None where it was not given."""
        return self.options.get(option)

    @property
    def is_forced(self) -> bool:
        """Say whether `--force` was given."""
        return "force" in self.options

    @property
    def is_classic(self) -> bool:
        """Say whether the notes' layout is wanted."""
        return self.style is Style.CLASSIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command gives back: text for standard output, without the last newline.

    `status` is None for the usual: 1 if an error was found, else 0.
    """

    text: str = ""
    status: int | None = None


def _no_agents() -> "AgentRunner":
    raise InvariantError("no agents can be run here")


def _no_checkpoints() -> "Checkpoints":
    raise InvariantError("no checkpoints are kept here")


def _no_editor() -> "Editor":
    raise InvalidRequestError(
        Report(code="no-editor", message="there is no terminal here on which you could edit")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The outside, as commands reach it. A new port is one more field here."""

    cib: CibStore
    files: TextFiles
    agents: AgentLibrary
    daemon: Daemon
    corosync_conf_path: str = "/etc/corosync/corosync.conf"
    open_node: Callable[[], "Node"]
    open_peers: Callable[[], "Peers"]
    open_engine_tools: Callable[[], "EngineTools"]
    open_report_files: Callable[[], "ReportFiles"]
    open_agent_runner: Callable[[], "AgentRunner"] = _no_agents
    open_checkpoints: Callable[[], "Checkpoints"] = _no_checkpoints
    open_editor: Callable[[], "Editor"] = _no_editor


Handler = Callable[[Request, Ports], Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """Other words for a command.

    `words` that only name the group (`pcs constraint`) take no arguments. With `replaced_by` a
    deprecation notice names the words to use instead.
    """

    words: str
    replaced_by: str = ""
    takes_arguments: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command, declared once: routing, help, man page and completion are made from this.

    `words` is "resource create"; `arguments` the rest of the usage line as it is shown. `options`
    are the names of the options it takes beside those that its `needs` imply (`-f`, ...) and those
    every command takes; those of them in `unlisted_options` are taken and not shown (old words).
    `help` is one line, `details` what more there is to say.
    """

    words: str
    handler: Handler
    help: str
    needs: Needs
    arguments: str = ""
    options: tuple[str, ...] = ()
    unlisted_options: tuple[str, ...] = ()
    details: str = ""
    aliases: tuple[Alias, ...] = field(default=())
    is_hidden: bool = False
