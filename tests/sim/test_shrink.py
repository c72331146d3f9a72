"""A failing run is made as short as its broken promise allows."""

from dataclasses import replace

from paceline.sim.faults import Fault
from paceline.sim.invariants import Violation
from paceline.sim.shrink import shrink
from paceline.sim.world import RunResult

FAULTS = tuple(Fault(n * 1000, "cut", (n,), 100) for n in range(12))
HELD = RunResult(
    seed=1, nodes=2, digest="", violations=(), faults=(), lines=(), names=(), virtual_ms=0,
    events=0, changes=0, acknowledged=0, starts=0, fencings=0, one_sided=0, plans=0,
)  # fmt: skip


def test_only_needed_faults_stay_when_a_run_is_shrunk() -> None:
    def rerun(faults: tuple[Fault, ...]) -> RunResult:
        is_broken = FAULTS[3] in faults and FAULTS[9] in faults
        violations = (Violation(0, "S1", "", "twice"),) if is_broken else ()
        return replace(HELD, faults=faults, violations=violations)

    assert shrink(rerun(FAULTS), rerun).faults == (FAULTS[3], FAULTS[9])


def test_run_that_breaks_without_faults_has_none_when_it_is_shrunk() -> None:
    def rerun(faults: tuple[Fault, ...]) -> RunResult:
        return replace(HELD, faults=faults, violations=(Violation(0, "L1", "", "stuck"),))

    assert shrink(rerun(FAULTS), rerun).faults == ()
