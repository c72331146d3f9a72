"""The world does what a seed says, and the judge finds what a naive cluster manager breaks."""

import pytest
from naive_manager import NaiveReplica

from paceline.model.plan import Plan
from paceline.sim.planner import Planner
from paceline.sim.world import RunOptions, RunResult, World


def run(seed: int, options: RunOptions) -> RunResult:
    planner = Planner(lambda snapshot: Plan())
    return World(seed, options, make=NaiveReplica, planner=planner).run()


def broken(kinds: str, *, seeds: int = 6, nodes: int = 3) -> set[str]:
    options = RunOptions(nodes=nodes, kinds=tuple(kinds.split()), fencing=True)
    results = [run(seed, options) for seed in range(seeds)]
    return {violation.rule for result in results for violation in result.violations}


def test_same_seed_gives_same_digest_when_run_twice() -> None:
    options = RunOptions()
    for seed in range(3):
        first, second = run(seed, options), run(seed, options)
        assert first.digest == second.digest
        assert first.lines == second.lines
        assert first.digest != run(seed + 100, options).digest


@pytest.mark.parametrize("nodes", [2, 3, 5])
def test_naive_manager_runs_a_resource_twice_when_the_network_is_cut(nodes: int) -> None:
    assert "S1" in broken("cut", nodes=nodes)


def test_naive_manager_starts_without_quorum_when_the_network_is_cut() -> None:
    assert "S2" in broken("cut", nodes=3)


def test_naive_manager_loses_what_it_acknowledged_when_clients_meet_crashes() -> None:
    assert "S4" in broken("crash cut freeze-daemon", nodes=2)


def test_naive_manager_never_settles_right_when_services_die() -> None:
    assert "L2" in broken("service-dies", nodes=2, seeds=2)
