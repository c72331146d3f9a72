"""`crm_mon` without `-1`: the status again and again, on the terminal or into a file.

With `-d` it goes on in the background, as the agent ClusterMon starts it; its pid file is removed
when it is ended.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

from paceline.commands.monitor_options import OPTIONS, interval_ms, is_watching, output_path
from paceline.commands.tools import EXIT_USAGE, Given, ToolError, parse_options

CLEAR = "\033[H\033[J"


def watch_if_wanted(words: Sequence[str], look: Callable[[], int]) -> int | None:
    """Call `look` until somebody ends it; None where the words ask for one look only."""
    if "--help-all" in words:
        return None
    try:
        given = parse_options(words, OPTIONS)
        if not is_watching(given):
            return None
        pause_ms = interval_ms(given)
        if given.has("daemonize"):
            return _watch_in_background(given, look, pause_ms)
    except ToolError as problem:
        sys.stderr.write(f"crm_mon: {problem}\n")
        return problem.status
    return _watch(look, pause_ms, clears=sys.stdout.isatty() and not output_path(given))


def _watch(look: Callable[[], int], pause_ms: int, *, clears: bool) -> int:
    try:
        while True:
            if clears:
                sys.stdout.write(CLEAR)
            look()
            time.sleep(pause_ms / 1000)
    except KeyboardInterrupt:
        return 0


def _watch_in_background(given: Given, look: Callable[[], int], pause_ms: int) -> int:
    """Leave the terminal and go on. Raises ToolError where there is no file to write."""
    if not output_path(given):
        raise ToolError("in the background a file is needed: --output-to FILE", EXIT_USAGE)
    if os.fork():
        return 0
    os.setsid()
    if os.fork():
        os._exit(0)
    silence = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silence, number)
    pid_file = given.get("pid-file")
    if pid_file:
        with open(pid_file, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    signal.signal(signal.SIGTERM, _end)
    try:
        return _watch(look, pause_ms, clears=False)
    finally:
        if pid_file:
            os.unlink(pid_file)


def _end(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
