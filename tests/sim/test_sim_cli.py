"""`paceline sim` says what is wrong with its words."""

import pytest

from paceline.sim.cli import main


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--seeds", "x"], "no range of seeds"),
        (["--faults", "quake"], "no such fault: quake"),
        (["--plant", "weed"], "no such plant: weed"),
        (["--nodes", "9"], "the simulator makes 2 to 5"),
    ],
)
def test_bad_words_are_named_when_they_are_given(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert expected in capsys.readouterr().err
