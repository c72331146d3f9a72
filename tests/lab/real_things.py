"""What tests with other people's large programs share: are they here, and waiting for a cluster."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from paceline.lab.lab import Lab, Member

SETTLED_SECONDS = 60.0
POLL_SECONDS = 0.2
LOG_TAIL = "tail -n 30 /var/log/paceline/paceline.log"


def need_programs(*paths: str) -> None:
    """Skip where a program is missing; `./dev test --all` installs them."""
    missing = [path for path in paths if not Path(path).exists()]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (./dev test --all installs it)")


def run(node: Member, line: str) -> str:
    """Run a shell line that must succeed; return what it printed."""
    return node.shell(line).check().out


def settle(node: Member) -> None:
    """Wait until the cluster has nothing more to do."""
    run(node, f"crm_resource --wait --timeout {SETTLED_SECONDS:g}s")


def wait_until(is_so: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait with the cluster's own pace; fail with what is there instead."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, what()
        time.sleep(POLL_SECONDS)


def status(lab: Lab) -> str:
    """Return what a node that is on says of the cluster, for a failing test's message."""
    for node in lab.nodes:
        if lab.state.power(node.name) == "on":
            return node.shell(
                "crm_mon -1 -r -A -f 2>&1; tail -n 30 /var/log/paceline/paceline.log"
            ).out
    return "no node is on"
