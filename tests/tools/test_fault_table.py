"""The table of faults names tests that exist."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_test_that_the_table_of_faults_names_is_there() -> None:
    named = NAMED.findall((CHECKOUT / "docs/faults.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    for file, test in named:
        text = (CHECKOUT / file).read_text(encoding="utf-8")
        assert f"def {test}(" in text, f"{file} has no {test}"
