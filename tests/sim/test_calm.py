"""What must not happen: small mishaps that cost no service and no machine."""

import pytest

from paceline.sim.run import run_seed
from paceline.sim.world import RunOptions, RunResult

RESOURCES = 4


def run_calm(seed: int, kind: str, *, count: int) -> RunResult:
    options = RunOptions(
        nodes=3, kinds=(kind,), count=count, fencing=True, has_clients=False, shapes=()
    )
    result = run_seed(seed, options)
    assert not result.violations, [str(violation) for violation in result.violations]
    return result


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_fenced_or_started_again_when_a_daemon_is_killed(seed: int) -> None:
    result = run_calm(seed, "kill-daemon", count=1)
    assert result.fencings == 0
    assert result.starts <= RESOURCES + 1  # and the fence device's own start


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_fenced_or_started_again_when_rings_are_formed_again(seed: int) -> None:
    result = run_calm(seed, "reform", count=4)
    assert result.fencings == 0
    assert result.starts <= RESOURCES + 1


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_fenced_when_nodes_leave_cleanly(seed: int) -> None:
    assert run_calm(seed, "shutdown", count=3).fencings == 0


@pytest.mark.parametrize("seed", range(1, 6))
def test_dead_node_is_fenced_when_it_crashes(seed: int) -> None:
    assert run_calm(seed, "crash", count=1).fencings >= 1
