"""An explanation holds what was weighed, and becomes sentences with the short answer first."""

from pathlib import Path

import pytest

from paceline.cib.read import snapshot_of_file
from paceline.commands.why import why_text
from paceline.model.snapshot import Snapshot
from paceline.scheduler import current_state, explain, fail_counts, failed_operations

CASES = Path(__file__).parent / "cases"


def _snapshot(case: str) -> Snapshot:
    return snapshot_of_file((CASES / case / "cib.xml").read_bytes(), 1_798_761_600_000)


@pytest.mark.parametrize(
    ("case", "answer", "detail"),
    [
        ("keep-what-runs", "that is where it belongs", "was chosen"),
        ("location-ban", "is to move to a2", "location constraint l"),
        ("migration-threshold", "is to move to a2", "failed there too often"),
        ("no-quorum-stop", "is to be stopped", "no quorum"),
        ("target-role-stopped", "is to be stopped", "target-role is Stopped"),
        ("no-fence-device", "leaves it so", "there is no fence device"),
        ("on-fail-block", "leaves it so", "It is blocked"),
        ("order-first-cannot-start", "is to be stopped", "vip would have to start first"),
        ("lost-node-is-fenced", "is to move to a1", "it is unclean"),
    ],
)
def test_short_answer_comes_first_when_asked_why(case: str, answer: str, detail: str) -> None:
    """The first line answers; the cause is in the lines below."""
    explanation = explain(_snapshot(case), "web")
    assert explanation is not None
    lines = why_text(explanation, "web")
    assert answer in lines[0]
    assert any(detail in line for line in lines[1:])


def test_contributions_add_up_when_score_is_explained() -> None:
    """Each reason says the total after it; the last is the score."""
    explanation = explain(_snapshot("stickiness-against-location"), "web")
    assert explanation is not None
    for verdict in explanation.verdicts:
        if verdict.reasons:
            assert verdict.reasons[-1].total == verdict.score
    assert {r.code for v in explanation.verdicts for r in v.reasons} == {"stickiness", "location"}


def test_nothing_is_explained_when_resource_is_unknown() -> None:
    """An unknown name gives None; the command says so."""
    assert explain(_snapshot("keep-what-runs"), "nobody") is None


def test_failure_is_shown_when_history_has_one() -> None:
    """The current state, the failed operations and the counts tell of the same failure."""
    snapshot = _snapshot("migration-threshold")
    (state,) = current_state(snapshot)
    assert (state.role, state.is_failed, state.active[0].node) == ("Started", True, "a1")
    (failed,) = failed_operations(snapshot)
    assert (failed.resource, failed.task, failed.rc) == ("web", "monitor", 7)
    (count,) = fail_counts(snapshot)
    assert (count.resource, count.node, count.count, count.threshold) == ("web", "a1", 3, 3)
