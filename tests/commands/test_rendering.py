"""Reports as lines, and advice with the program's name."""

import pytest

from paceline.commands.rendering import render_report, with_program
from paceline.model.reports import Report


def test_hint_at_force_ends_the_first_line() -> None:
    report = Report(code="x", message="no:\n  more", is_forceable=True, advice="  do this")
    assert render_report(report) == "Error: no, use --force to override:\n  more\n  do this"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("first:  pcs host auth a b", "first:  paceline host auth a b"),
        (
            "`pcs resource cleanup A`; pcs cluster sync",
            "`paceline resource cleanup A`; paceline cluster sync",
        ),
        ("the words of pcs 0.9, and pcs did it", "the words of pcs 0.9, and pcs did it"),
        ("/usr/sbin/pcs status", "/usr/sbin/pcs status"),
    ],
)
def test_advice_names_the_program_that_was_called(text: str, shown: str) -> None:
    assert with_program(text, "paceline") == shown
    assert with_program(text, "pcs") == text
