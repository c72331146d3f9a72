"""`fence_lab`: the fence agent of a lab's power switch. It really kills and starts nodes.

The interface is that of all fence agents: options on the command line, or `key=value` lines on
standard input; actions on, off, reboot, status, monitor, list, list-status, validate-all and
metadata; exit status 0 for success, 2 from `status` for a machine that is off, 1 for a failure.
The switch is reached through a socket that each node of a lab has; `ip` is accepted, as one would
give it to a real device, and not used.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from paceline.lab import layout, wire
from paceline.lab.wire import Request, WireError

_SWITCH = layout.NODE_RUN / "power.sock"
_DELAY_S_MAX = 3600
_ACTIONS = (
    "on", "off", "reboot", "status", "monitor", "list", "list-status", "validate-all", "metadata",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option: its long name, its letter, its type in the metadata, what it is.

    `obsoletes` names the older option of the same meaning, which `is_deprecated`.
    """

    name: str
    letter: str
    kind: str
    text: str
    default: str = ""
    is_required: bool = False
    obsoletes: str = ""
    is_deprecated: bool = False


OPTIONS = (
    Option(
        name="action", letter="o", kind="string", default="reboot", is_required=True,
        text="Fencing action",
    ),
    Option(
        name="ip", letter="a", kind="string", obsoletes="ipaddr",
        text="Address of the power switch (not used)",
    ),
    Option(name="ipaddr", letter="", kind="string", text="As ip", is_deprecated=True),
    # Not required: the cluster gives it, from pcmk_host_list or by asking `list`.
    Option(
        name="plug", letter="n", kind="string", obsoletes="port",
        text="The node whose power is switched",
    ),
    Option(name="port", letter="", kind="string", text="As plug", is_deprecated=True),
    Option(name="username", letter="l", kind="string", text="Login name (not used)"),
    Option(name="password", letter="p", kind="string", text="Login password (not used)"),
    Option(
        name="delay", letter="", kind="second", default="0",
        text="Wait this many seconds before switching off",
    ),
    Option(
        name="power_timeout", letter="", kind="second", default="20",
        text="Wait this many seconds for the power switch",
    ),
    Option(name="verbose", letter="v", kind="boolean", text="Say more"),
)  # fmt: skip


def metadata() -> str:
    """Return the agent's description in the fence agents' format."""
    parameters = "".join(_parameter(option) for option in OPTIONS)
    actions = "".join(f'\t<action name="{action}"{_automatic(action)} />\n' for action in _ACTIONS)
    return (
        '<?xml version="1.0" ?>\n'
        '<resource-agent name="fence_lab" shortdesc="Power switch of a Paceline lab">\n'
        "<longdesc>fence_lab switches the nodes of a lab off and on, as a power switch does with"
        " machines: off kills everything that runs in the node at once.</longdesc>\n"
        "<vendor-url></vendor-url>\n"
        f"<parameters>\n{parameters}</parameters>\n"
        f"<actions>\n{actions}</actions>\n"
        "</resource-agent>\n"
    )


def _automatic(action: str) -> str:
    return ' automatic="0"' if action == "on" else ""


def _parameter(option: Option) -> str:
    long = option.name.replace("_", "-")
    usage = f"-{option.letter}, --{long}" if option.letter else f"--{long}"
    usage += "" if option.kind == "boolean" else f"=[{option.name}]"
    default = f" default={_quoted(option.default)}" if option.default else ""
    obsoletes = f' obsoletes="{option.obsoletes}"' if option.obsoletes else ""
    deprecated = ' deprecated="1"' if option.is_deprecated else ""
    return (
        f'\t<parameter name="{option.name}" unique="0"'
        f' required="{int(option.is_required)}"{deprecated}{obsoletes}>\n'
        f"\t\t<getopt mixed={_quoted(usage)} />\n"
        f'\t\t<content type="{option.kind}"{default} />\n'
        f'\t\t<shortdesc lang="en">{option.text}</shortdesc>\n'
        "\t</parameter>\n"
    )


def _quoted(text: str) -> str:
    """Return an XML attribute's value. The standard module for it imports half a web browser."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(character, entity)
    return f'"{text}"'


class UsageError(Exception):
    """The options cannot be used; the text says why."""


def parse_words(words: Sequence[str]) -> dict[str, str]:
    """Return the options of a command line. Raises UsageError."""
    by_letter = {f"-{option.letter}": option for option in OPTIONS if option.letter}
    by_name = {f"--{option.name.replace('_', '-')}": option for option in OPTIONS}
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        word, has_value, value = rest.pop(0).partition("=")
        option = by_name.get(word) or by_letter.get(word)
        if option is None:
            raise UsageError(f"unknown option '{word}'")
        if option.kind == "boolean":
            found[option.name] = "1"
            continue
        if not has_value:
            if not rest:
                raise UsageError(f"option '{word}' wants a value")
            value = rest.pop(0)
        found[option.name] = value
    return found


def parse_lines(text: str) -> dict[str, str]:
    """Return the options of standard input; unknown ones are passed over, as fence agents do."""
    names = {option.name for option in OPTIONS}
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, has_value, value = line.strip().partition("=")
        if has_value and not name.startswith("#"):
            if name == "option":
                name = "action"
            if name in names:
                found[name] = value
    return found


def main() -> int:
    """Carry out the action; return the exit status."""
    try:
        options = parse_words(sys.argv[1:]) if sys.argv[1:] else parse_lines(sys.stdin.read())
        return _act(options)
    except UsageError as error:
        print(f"fence_lab: {error}", file=sys.stderr)
        return 1


def _act(options: dict[str, str]) -> int:
    action = options.get("action") or "reboot"
    if action not in _ACTIONS:
        raise UsageError(f"unknown action '{action}'")
    if action == "metadata":
        sys.stdout.write(metadata())
        return 0
    plug = options.get("plug") or options.get("port", "")
    timeout_s = _seconds(options, "power_timeout", "20")
    if action in ("on", "off", "reboot", "status", "validate-all") and not plug:
        raise UsageError("give the node with plug=NODE")
    if action == "validate-all":
        return 0
    if action in ("off", "reboot"):
        time.sleep(_seconds(options, "delay", "0"))
    return _switch("list" if action == "list-status" else action, plug, timeout_s)


def _seconds(options: dict[str, str], name: str, default: str) -> float:
    text = (options.get(name) or default).removesuffix("s")
    if not text.isdigit() or int(text) > _DELAY_S_MAX:
        raise UsageError(f"{name} is a number of seconds up to {_DELAY_S_MAX}, not '{text}'")
    return float(text)


def _switch(action: str, plug: str, timeout_s: float) -> int:
    request = Request(verb=action, words=(plug,) if plug else ())
    try:
        answer = wire.ask(_SWITCH, request, timeout_s=timeout_s)
    except FileNotFoundError:
        print("fence_lab: no power switch here; this agent works in a lab's node", file=sys.stderr)
        return 1
    except (OSError, WireError) as error:
        print(f"fence_lab: the power switch does not answer: {error}", file=sys.stderr)
        return 1
    if answer.err:
        print(f"fence_lab: {answer.err}", file=sys.stderr)
    elif action == "status":
        print(f"Status: {answer.out.upper()}")
    elif action == "list":
        sys.stdout.write(answer.out)
    elif action != "monitor":
        print("Success: Rebooted" if action == "reboot" else f"Success: Powered {action.upper()}")
    return answer.code
