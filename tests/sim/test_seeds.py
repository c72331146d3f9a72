"""Seeds of the simulator: none may break a promise, and the same seed gives the same run."""

from pathlib import Path

import pytest

from paceline.sim.run import run_seed
from paceline.sim.world import RunOptions

SEEDS = 200
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
    """Return the seeds that found a bug once: `SEED [NODES [FAULTS]]: what it was`."""
    found = []
    for line in FOUND.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            words = line.partition(":")[0].split()
            nodes = int(words[1]) if len(words) > 1 else 0
            kinds = tuple(words[2].split(",")) if len(words) > 2 else ()
            found.append((int(words[0]), RunOptions(nodes=nodes, kinds=kinds)))
    return found


@pytest.mark.parametrize(("seed", "options"), found_seeds())
def test_no_bug_comes_back_when_a_seed_found_it_once(seed: int, options: RunOptions) -> None:
    check_held(seed, options)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_same_seed_gives_same_digest_when_it_is_run_twice(seed: int) -> None:
    first, second = run_seed(seed, RunOptions()), run_seed(seed, RunOptions())
    assert first.digest == second.digest
    assert first.lines == second.lines
