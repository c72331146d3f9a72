"""Seeds of the simulator: none may break a promise, and the same seed gives the same run."""

from pathlib import Path

import pytest

from paceline.sim.cli import read_seed
from paceline.sim.run import run_seed
from paceline.sim.world import RunOptions

SEEDS = 150
CHUNK = 10
FOUND = Path(__file__).with_name("seeds.txt")


def check_held(seed: int, options: RunOptions) -> None:
    result = run_seed(seed, options)
    words = "\n".join(str(violation) for violation in result.violations)
    assert not result.violations, f"paceline sim --seeds {seed}\n{words}"


@pytest.mark.seeds
@pytest.mark.parametrize("first", range(1, SEEDS, CHUNK))
def test_every_promise_holds_when_seeds_are_run(first: int) -> None:
    for seed in range(first, first + CHUNK):
        check_held(seed, RunOptions())


def found_seeds() -> list[tuple[int, RunOptions]]:
    """Return the seeds that found a bug once: `SEED [words of paceline sim]: what it was`."""
    lines = FOUND.read_text().splitlines()
    return [read_seed(line.partition(":")[0]) for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(("seed", "options"), found_seeds())
def test_no_bug_comes_back_when_a_seed_found_it_once(seed: int, options: RunOptions) -> None:
    check_held(seed, options)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_same_seed_gives_same_digest_when_it_is_run_twice(seed: int) -> None:
    first, second = run_seed(seed, RunOptions()), run_seed(seed, RunOptions())
    assert first.digest == second.digest
    assert first.lines == second.lines
