"""What `--scores` lists adds up to what `-s` shows, for every resource and node."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from fuzz_cib import make_cib

from paceline.cib.read import snapshot_of_file
from paceline.commands.score_text import CONTRIBUTIONS, contribution_text, score_blocks
from paceline.model.explanation import ScoreTable
from paceline.model.scores import add_scores
from paceline.model.snapshot import Snapshot
from paceline.scheduler.explain import score_tables
from paceline.scheduler.run import run

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
NOW_MS = 1_798_761_600_000
SEEDS = 200
"""How many random clusters are looked at as well."""


def _case(folder: Path) -> Snapshot:
    return snapshot_of_file((folder / "cib.xml").read_bytes(), NOW_MS)


def _sum(table: ScoreTable) -> int:
    total = 0
    for reason in table.reasons:
        total = add_scores(total, reason.score)
        assert total == reason.total, table
    return total


def _check(snapshot: Snapshot) -> None:
    """Every score that a run without reasons shows has a table, and that adds up to it."""
    tables = score_tables(snapshot)
    for table in tables:
        assert _sum(table) == table.score, table
    work = run(snapshot)
    shown = [(rsc, node, scores[-1]) for (rsc, node), scores in work.score_log.items()]
    assert [(t.resource, t.node, t.score) for t in tables if not t.is_promotion] == shown
    promoted = [(t.resource, t.node, t.score) for t in tables if t.is_promotion]
    assert promoted == work.promotion_log


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_contributions_add_up_to_the_score_when_case(folder: Path) -> None:
    """Nothing that changed a score is missing, and nothing that was only tried is left."""
    _check(_case(folder))


@pytest.mark.parametrize("seed", range(0, SEEDS, 20))
def test_contributions_add_up_to_the_score_when_cluster_is_random(seed: int) -> None:
    """The same for clusters that nobody thought of."""
    for each in range(seed, seed + 20):
        _check(snapshot_of_file(make_cib(each), NOW_MS))


def _reasons() -> Iterator[str]:
    for folder in CASES:
        for table in score_tables(_case(folder)):
            for reason in table.reasons:
                assert contribution_text(reason)
                yield reason.code


def test_every_kind_of_contribution_has_a_sentence_and_a_case() -> None:
    """No code without words, and no words that no case shows."""
    # Capacity refuses after the scores that `-s` shows were settled, and of an instance too many
    # `-s` shows none.
    assert set(_reasons()) | {"capacity", "clone-max"} == set(CONTRIBUTIONS)


def test_table_names_each_source_and_the_total_when_shown() -> None:
    """The block of a resource: a line for each node, and below what it adds up from."""
    folder = next(each for each in CASES if each.name == "stickiness-against-location")
    blocks = list(score_blocks(score_tables(_case(folder))))
    assert blocks[0].splitlines() == [
        "web:",
        "  a1: 60",
        "           60  stickiness: it runs there now",
        "  a2: 50",
        "           50  location constraint l",
    ]
