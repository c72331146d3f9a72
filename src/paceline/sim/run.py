"""One run of the product's own replica and scheduler in the made-up world."""

from paceline.replica import Replica
from paceline.replica.driven import ReplicaMachine
from paceline.replica.identity import Identity, Stored
from paceline.scheduler import schedule
from paceline.scheduler.explain import explain
from paceline.sim.faults import Fault
from paceline.sim.planner import Planner
from paceline.sim.shrink import shrink
from paceline.sim.world import RunOptions, RunResult, World


def run_seed(
    seed: int, options: RunOptions, *, faults: tuple[Fault, ...] | None = None
) -> RunResult:
    """Run one seed; `faults` replaces those that the seed would draw."""
    planner = Planner(schedule, explain)
    return World(seed, options, make=_make_replica, planner=planner, faults=faults).run()


def shrink_seed(result: RunResult, options: RunOptions) -> RunResult:
    """Return the shortest failing run that was found from a failing one."""
    return shrink(result, lambda faults: run_seed(result.seed, options, faults=faults))


def _make_replica(identity: Identity, stored: Stored) -> ReplicaMachine:
    return Replica(identity, stored)
