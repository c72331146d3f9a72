"""The daemon goes before its own agents: else hundreds of them keep its loop from turning.

Corosync itself runs with real-time priority for the same reason. A person who gave the daemon
another niceness has decided otherwise, and where it may not be set (a lab of an ordinary user)
nothing is lost but speed. What the daemon starts, and so every service, runs as if by anybody.
"""

import contextlib
import os
from pathlib import Path

DEFAULT_NICE, DAEMON_NICE = 0, -10
_THIS_THREAD = 0
AUTOGROUP = Path("/proc/self/autogroup")
"""Source: sched(7), "The autogroup feature"."""


def go_first() -> bool:
    """Let this thread, and those that it starts, go before others; say whether that was done."""
    if os.getpriority(os.PRIO_PROCESS, _THIS_THREAD) != DEFAULT_NICE:
        return False
    try:
        os.setpriority(os.PRIO_PROCESS, _THIS_THREAD, DAEMON_NICE)
    except OSError:
        return False
    if os.getsid(0) == os.getpid():
        # Where the kernel shares the processor out by session first: niceness counts within one.
        with contextlib.suppress(OSError):
            AUTOGROUP.write_text(str(DAEMON_NICE), encoding="ascii")
    return True


def make_ordinary(group: int) -> None:
    """Give a process group that was just started the niceness that it has without `go_first`.

    Not before its start: until its program is loaded the daemon waits for it, and would wait for
    everybody whom it lets go first. What the group has started meanwhile is set, too: an agent
    has hardly read its own functions by then.
    """
    if os.getpriority(os.PRIO_PROCESS, _THIS_THREAD) != DAEMON_NICE:
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PGRP, group, DEFAULT_NICE)
