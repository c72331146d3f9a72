"""`systemctl`, `reboot`, `poweroff`, `halt`, `shutdown` in a node: they ask the node's init."""

import sys
from pathlib import Path

from paceline.lab import layout, wire
from paceline.lab.wire import Request, WireError

# As long as the longest stop that init allows, and a little more.
_TIMEOUT_S = 2000.0
_NOW_WORDS = ("-f", "--force", "-ff")
_ENABLE_VERBS = ("enable", "disable")


def main() -> int:
    """Carry out the words of the command line; return the exit code."""
    name, words = Path(sys.argv[0]).name, sys.argv[1:]
    if name != "systemctl":
        return _go_down("reboot" if name == "reboot" or "-r" in words else "poweroff", words)
    plain = [word for word in words if not word.startswith("-")]
    is_quiet = "-q" in words or "--quiet" in words
    if not plain:
        plain = ["status"]
    verb, units = plain[0], plain[1:]
    if verb in ("reboot", "poweroff", "halt"):
        return _go_down("reboot" if verb == "reboot" else "poweroff", words)
    if verb not in ("status", "daemon-reload", "reset-failed") and not units:
        print("Too few arguments.", file=sys.stderr)
        return 1
    code = _ask(Request(verb=verb, words=tuple(units)), is_quiet=is_quiet)
    if code == 0 and verb in _ENABLE_VERBS and "--now" in words:
        return _ask(Request(verb="start" if verb == "enable" else "stop", words=tuple(units)))
    return code


def _go_down(verb: str, words: list[str]) -> int:
    is_now = any(word in _NOW_WORDS for word in words)
    return _ask(Request(verb=verb, words=("now",) if is_now else ()))


def _ask(request: Request, *, is_quiet: bool = False) -> int:
    try:
        answer = wire.ask(layout.NODE_RUN / "init.sock", request, timeout_s=_TIMEOUT_S)
    except (OSError, WireError) as error:
        print(f"Failed to reach the node's init: {error}", file=sys.stderr)
        return 1
    if not is_quiet:
        sys.stdout.write(answer.out)
    sys.stderr.write(answer.err)
    return answer.code
