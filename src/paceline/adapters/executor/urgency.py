"""The daemon goes before its own agents: else hundreds of them keep its loop from turning.

Corosync itself runs with real-time priority for the same reason. A person who gave the daemon
another niceness has decided otherwise, and where it may not be set (a lab of an ordinary user)
nothing is lost but speed. What the daemon starts, and so every service, runs as if by anybody.
"""

import contextlib
import os
from collections.abc import Iterator

DEFAULT_NICE, DAEMON_NICE = 0, -10
_THIS_THREAD = 0


def go_first() -> bool:
    """Let this thread, and those that it starts, go before others; say whether that was done."""
    if os.getpriority(os.PRIO_PROCESS, _THIS_THREAD) != DEFAULT_NICE:
        return False
    return _set(DAEMON_NICE)


@contextlib.contextmanager
def as_anybody() -> Iterator[None]:
    """Give what is started inside the niceness that it would have without `go_first`."""
    if os.getpriority(os.PRIO_PROCESS, _THIS_THREAD) != DAEMON_NICE:
        yield
        return
    _set(DEFAULT_NICE)
    try:
        yield
    finally:
        _set(DAEMON_NICE)


def _set(nice: int) -> bool:
    try:
        os.setpriority(os.PRIO_PROCESS, _THIS_THREAD, nice)
    except OSError:
        return False
    return True
