"""The low-level tools (`crm_attribute`, `crm_node`, ...): what they share.

Agents call them at every monitor, so they start fast: their modules import only what they need,
and ask the daemon directly. A tool is a function `run(words, ports) -> Said`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from paceline.model.errors import InvalidRequestError, PacelineError, UnreachableError
from paceline.ports.cib_store import CibStore, VersionMovedError
from paceline.ports.daemon import Daemon, JsonRecord

if TYPE_CHECKING:  # slow to load, and few tools run agents
    from paceline.ports.agents import AgentLibrary, AgentRunner
    from paceline.ports.node import Node
    from paceline.ports.peers import Peers

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 64
EXIT_CONFIGURATION = 78
EXIT_NOT_CONNECTED = 102
EXIT_NO_SUCH = 105
EXIT_UNSAFE = 107
EXIT_EXISTS = 108
EXIT_OLD = 103
EXIT_TIMEOUT = 124
"""Exit statuses of Pacemaker's tools. Source: `crm_error --exit --list`."""


API_VERSION = "2.25"
"""The version of the form of XML answers: that of Pacemaker 2.1.5."""


class Said(NamedTuple):
    """What a tool says: texts without their last newline, and its exit status."""

    out: str = ""
    status: int = EXIT_OK
    err: str = ""


def _refuse_to_write(path: str, _content: bytes) -> None:
    raise InPlaceError(path)


def _refuse_to_remove(path: str) -> None:
    raise InPlaceError(path)


def _no_clock() -> NoReturn:
    raise InPlaceError("a clock")


def _refuse_agents() -> NoReturn:
    raise InPlaceError("agents")


def _refuse_nodes() -> NoReturn:
    raise InPlaceError("nodes")


class ToolPorts(NamedTuple):
    """The outside, as tools reach it."""

    daemon: Daemon
    cib: CibStore
    environment: Mapping[str, str]
    read_file: Callable[[str], bytes]
    read_input: Callable[[], bytes]
    write_err: Callable[[str], None]
    write_file: Callable[[str, bytes], None] = _refuse_to_write
    remove_file: Callable[[str], None] = _refuse_to_remove
    original_cib: CibStore | None = None
    """The cluster, while `cib` is a copy in a file."""
    now_ms: Callable[[], int] = _no_clock
    """The moment, in milliseconds since 1970."""
    load_agents: "Callable[[], AgentLibrary]" = _refuse_agents
    load_runner: "Callable[[], AgentRunner]" = _refuse_agents
    """Runs agents by hand: in the user's own process only."""
    open_node: "Callable[[], Node]" = _refuse_nodes
    """This node's files and services."""
    open_peers: "Callable[[], Peers]" = _refuse_nodes
    """All nodes' services."""


Tool = Callable[[Sequence[str], ToolPorts], Said]


class ToolError(PacelineError):
    """The tool cannot do what was asked; it ends with this status and message.

    A bare message is shown without the tool's name before it, as scripts look for it; `out` goes to
    standard output.
    """

    def __init__(
        self, message: str, status: int = EXIT_ERROR, *, is_bare: bool = False, out: str = ""
    ) -> None:
        """Keep message, exit status and output."""
        super().__init__(message)
        self.status = status
        self.is_bare = is_bare
        self.out = out


class HelpAsked(PacelineError):
    """Somebody wants to know every option: also programs do, to find out what a tool can."""

    def __init__(self, options: Sequence["Option"]) -> None:
        """Keep the options."""
        super().__init__("help")
        self.options = options

    def text(self, tool: str) -> str:
        """Return a line for each option."""
        lines = [f"Usage: {tool} [options]", ""]
        for each in self.options:
            value = {"value": "=VALUE", "maybe": "[=VALUE]"}.get(each.takes, "")
            short = "".join(f"-{letter}, " for letter in each.short)
            lines.append(f"  {short}--{each.name}{value}")
        return "\n".join(lines)


DANGEROUS = (
    "The supplied command is considered dangerous. To prevent accidental destruction of the "
    "cluster, the --force flag is required in order to proceed."
)


class InPlaceError(PacelineError):
    """The tool needs a file, the input or the terminal of its user; the service has none of it."""


class Option(NamedTuple):
    """One option: its long name without dashes, its short letters, `takes` none, value or maybe."""

    name: str
    short: str = ""
    takes: str = "none"


class Given(NamedTuple):
    """What was given: the last value of each option, all values, and the other words."""

    values: Mapping[str, str]
    every: Mapping[str, tuple[str, ...]]
    words: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Say whether the option was given."""
        return name in self.values

    def get(self, name: str, default: str = "") -> str:
        """Return the option's value."""
        return self.values.get(name, default)


def parse_options(words: Sequence[str], options: Sequence[Option]) -> Given:
    """Read the options. Raises ToolError (usage) for an unknown one or a missing value."""
    names = {option.name: option for option in (*options, *_COMMON)}
    letters = {letter: option for option in names.values() for letter in option.short}
    values: dict[str, list[str]] = {}
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest.extend(queue)
            break
        if word == "--help-all":
            raise HelpAsked((*options, *_COMMON))
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            option = names.get(name)
            if option is None:
                raise ToolError(f"Unknown option --{name}", EXIT_USAGE)
            values.setdefault(option.name, []).append(
                value if equals else _take(option, f"--{name}", queue)
            )
        elif word.startswith("-") and len(word) > 1:
            _read_letters(word[1:], letters, queue, values)
        else:
            rest.append(word)
    return Given(
        values={name: each[-1] for name, each in values.items()},
        every={name: tuple(each) for name, each in values.items()},
        words=tuple(rest),
    )


_COMMON = (
    Option("help", "?"),
    Option("version", "$"),
    Option("verbose", "V"),
    Option("output-as", "", "value"),
    Option("output-to", "", "value"),
)


def _read_letters(
    word: str, letters: Mapping[str, Option], queue: list[str], values: dict[str, list[str]]
) -> None:
    """Read `-x`, `-xVALUE` and `-abc`."""
    while word:
        letter, word = word[0], word[1:]
        option = letters.get(letter)
        if option is None:
            raise ToolError(f"Unknown option -{letter}", EXIT_USAGE)
        if option.takes == "none":
            values.setdefault(option.name, []).append("")
            continue
        if word:
            values.setdefault(option.name, []).append(word.removeprefix("="))
            return
        values.setdefault(option.name, []).append(_take(option, f"-{letter}", queue))


def _take(option: Option, shown: str, queue: list[str]) -> str:
    if option.takes == "none":
        return ""
    if queue and (option.takes == "value" or not queue[0].startswith("-")):
        return queue.pop(0)
    if option.takes == "maybe":
        return ""
    raise ToolError(f"Missing argument for {shown}", EXIT_USAGE)


def guard(tool: Tool, name: str, words: Sequence[str], ports: ToolPorts) -> Said:
    """Run a tool; what the user or the world got wrong becomes a message and an exit status."""
    try:
        return tool(words, ports)
    except HelpAsked as asked:
        return Said(asked.text(name))
    except ToolError as error:
        prefix = "" if error.is_bare or not str(error) else f"{name}: "
        return Said(error.out, error.status, f"{prefix}{error}")
    except UnreachableError as error:
        return Said(status=EXIT_NOT_CONNECTED, err=f"{name}: {error}")
    except VersionMovedError as error:
        return Said(status=EXIT_OLD, err=f"{name}: {error}")
    except InvalidRequestError as error:
        return Said(status=EXIT_ERROR, err=f"{name}: {error}")


def ask(ports: ToolPorts, request: JsonRecord, *, timeout_ms: int = 60_000) -> JsonRecord:
    """Ask the daemon. Raises ToolError where it refuses, UnreachableError where none answers."""
    answer = ports.daemon.ask(request, timeout_ms=timeout_ms)
    if answer.get("ok") is not True:
        raise ToolError(str(answer.get("message") or answer.get("code") or "refused"))
    return answer


class Facts:
    """The live status as plain records: what small tools need, without loading any library."""

    def __init__(self, ports: ToolPorts) -> None:
        """Ask the daemon for its status. Raises UnreachableError, ToolError."""
        answer = ask(ports, {"do": "state", "parts": ["status"]})
        status = answer.get("status")
        self.record: Mapping[str, object] = status if isinstance(status, dict) else {}

    @property
    def local_node(self) -> str:
        """This node's name."""
        return str(self.record.get("local_node", ""))

    @property
    def is_quorate(self) -> bool:
        """Whether the view is quorate."""
        return self.record.get("is_quorate") is True

    @property
    def nodes(self) -> tuple[Mapping[str, object], ...]:
        """The nodes' records, sorted by name."""
        found = self.record.get("nodes")
        if not isinstance(found, list):
            return ()
        return tuple(each for each in found if isinstance(each, dict))

    def attributes(self, node: str) -> dict[str, str]:
        """Return a node's transient attributes."""
        for each in self.nodes:
            if each.get("name") == node:
                return pairs_of_json(each.get("attributes"))
        return {}


def pairs_of_json(value: object) -> dict[str, str]:
    """Return `[[name, value], ...]` as a mapping."""
    if not isinstance(value, list):
        return {}
    return {str(pair[0]): str(pair[1]) for pair in value if isinstance(pair, list)}


def own_node(ports: ToolPorts) -> str:
    """Return the node that an agent's tool acts for: the guest's it runs on, or this one.

    Empty means this node; the daemon knows its name.
    """
    return (
        ports.environment.get("OCF_RESKEY_CRM_meta_on_node", "")
        if ports.environment.get("OCF_RESKEY_CRM_meta_container_attribute_target") != "host"
        else ports.environment.get("OCF_RESKEY_CRM_meta_physical_host", "")
    )
