"""A failing run made short: as few faults as still break the same promise."""

from collections.abc import Callable

from paceline.sim.faults import Fault
from paceline.sim.world import RunResult

RUNS_MAX = 80
"""How many runs a shrinking may take."""

Rerun = Callable[[tuple[Fault, ...]], RunResult]


def shrink(result: RunResult, rerun: Rerun) -> RunResult:
    """Return the shortest failing run found by leaving faults out, half of them first."""
    rule = result.violations[0].rule
    best, runs, size = result, 0, max(1, len(result.faults) // 2)
    while size and runs < RUNS_MAX:
        place, has_shrunk = 0, False
        while place < len(best.faults) and runs < RUNS_MAX:
            fewer = best.faults[:place] + best.faults[place + size :]
            runs += 1
            tried = rerun(fewer)
            if any(violation.rule == rule for violation in tried.violations):
                best, has_shrunk = tried, True
            else:
                place += size
        if not has_shrunk:
            size //= 2
    return best
