"""The one place where the lab's processes inside the nodes are started. Never through a shell."""

import os
from collections.abc import Mapping, Sequence


def spawn(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    files: tuple[int, int, int],
) -> int:
    """Start a process in a session of its own with these three open files; return its pid.

    Raises OSError if the program cannot be started.
    """
    stdin, stdout, stderr = files
    # Through high numbers first: one of the three may be 0, 1 or 2 itself.
    parked = [os.dup(number) for number in (stdin, stdout, stderr)]
    actions = [(os.POSIX_SPAWN_DUP2, number, target) for target, number in enumerate(parked)]
    try:
        return os.posix_spawnp(
            argv[0], list(argv), dict(environment), file_actions=actions, setsid=True,
            setsigdef=range(1, 65),
        )  # fmt: skip
    finally:
        for number in parked:
            os.close(number)
