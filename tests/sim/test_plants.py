"""A rule taken out of the wiring is noticed: the promises do not hold for nothing."""

import pytest

from paceline.sim.run import run_seed
from paceline.sim.wiring import KEEPS_ALL, PLANTS, Plant, Wiring
from paceline.sim.world import RunOptions, RunResult

FOUND_BY = {
    "blank-disk": ("S4", 1),
    "blind-probes": ("S1", 1),
    "corosync-quorum": ("S2", 7),
    "deaf-quorum": ("S2", 3),
    "down-not-unclean": ("S8", 4),
    "early-sync": ("S4", 6),
    "failed-fence": ("S8", 6),
    "forgotten-promise": ("S4", 17),
    "hushed-damage": ("S7", 1),
    "late-results": ("S10", 1),
    "lingering-agents": ("S1", 9),
    "lone-majority": ("S4", 8),
    "lost-answers": ("L5", 1),
    "moody-planner": ("S6", 1),
    "new-names": ("S9", 1),
    "new-tongue": ("L1", 2),
    "no-compare": ("S4", 1),
    "no-fence": ("S1", 2),
    "own-order": ("S5", 1),
    "quiet-stall": ("S2", 2),
    "same-life": ("S3", 2),
    "stale-plan": ("S1", 2),
    "trusting-fence": ("S3", 2),
}
"""The promise that a plant breaks, and the first seed that shows it."""
SEEDS_MAX = 500
"""Each plant is found within so many seeds, counted from 1."""


def run(seed: int, plant: Plant, wiring: Wiring) -> RunResult:
    return run_seed(seed, RunOptions(kinds=plant.kinds, wiring=wiring))


@pytest.mark.parametrize("name", sorted(FOUND_BY))
def test_plant_is_found_when_its_rule_is_taken_out(name: str) -> None:
    rule, seed = FOUND_BY[name]
    plant = PLANTS[name]
    result = run(seed, plant, plant.wiring)
    assert rule in {violation.rule for violation in result.violations}, plant.words
    kept = run(seed, plant, KEEPS_ALL)
    assert not kept.violations, [str(violation) for violation in kept.violations]


def test_every_plant_has_a_seed_within_500() -> None:
    assert set(FOUND_BY) == set(PLANTS)
    assert max(seed for _, seed in FOUND_BY.values()) <= SEEDS_MAX
