"""Every folder in `cases`: `cib.xml` gives exactly the plan in `expected.txt`; `why.md` says why.

Each was compared with an installed crm_simulate when it was made.
"""

from pathlib import Path

import pytest
from plan_lines import render_plan

from paceline.cib.read import snapshot_of_file
from paceline.scheduler import schedule

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
NOW_MS = 1_798_761_600_000


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_plan_is_as_expected_when_case(folder: Path) -> None:
    """The plan of the case is the one that is written down."""
    snapshot = snapshot_of_file((folder / "cib.xml").read_bytes(), NOW_MS)
    assert render_plan(schedule(snapshot)) == (folder / "expected.txt").read_text()
    assert (folder / "why.md").read_text().strip()
