"""A rule taken out of the wiring is noticed: the promises do not hold for nothing."""

import pytest

from paceline.sim.run import run_seed
from paceline.sim.wiring import KEEPS_ALL, PLANTS
from paceline.sim.world import RunOptions

FOUND_BY = {
    "blank-disk": ("S4", 1),
    "deaf-quorum": ("S2", 11),
    "early-sync": ("S4", 140),
    "no-fence": ("S1", 2),
    "stale-plan": ("S1", 2),
    "trusting-fence": ("S3", 2),
}
"""The promise that a plant breaks, and a seed from which on it is found soon."""
SEEDS_MAX = 40


@pytest.mark.parametrize("name", sorted(FOUND_BY))
def test_plant_is_found_when_its_rule_is_taken_out(name: str) -> None:
    rule, first = FOUND_BY[name]
    plant = PLANTS[name]
    options = RunOptions(kinds=plant.kinds, wiring=plant.wiring)
    for seed in range(first, first + SEEDS_MAX):
        result = run_seed(seed, options)
        if any(violation.rule == rule for violation in result.violations):
            break
    else:
        pytest.fail(f"{name}: {plant.words}: not found in {SEEDS_MAX} seeds")
    kept = run_seed(seed, RunOptions(kinds=plant.kinds, wiring=KEEPS_ALL))
    assert not kept.violations, [str(violation) for violation in kept.violations]
