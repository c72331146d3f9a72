"""`cases/README.md` names the cases of each feature: every case is in it, and every name exists."""

import re
from pathlib import Path

CASES = Path(__file__).parent / "cases"
FEATURES_MIN = 40
"""So many features have a row; fewer would mean that the table is not read any more."""


def test_every_case_stands_in_the_map_and_every_name_there_is_a_case() -> None:
    rows = re.findall(r"^\| ([^|]+) \| (`[^|]+`) \|$", (CASES / "README.md").read_text(), re.M)
    named = [name for _, cases in rows for name in re.findall(r"`([^`]+)`", cases)]
    assert len(rows) >= FEATURES_MIN
    assert set(named) == {path.name for path in CASES.iterdir() if path.is_dir()}
