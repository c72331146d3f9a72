"""A short campaign on two real nodes: no promise is broken."""

import os
from pathlib import Path

import pytest
from conftest import need_lab

from paceline.lab.main import main

pytestmark = pytest.mark.lab

SEED = "7"


def test_no_promise_is_broken_by_twenty_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need_lab()
    words = ["--name", f"camp-{os.getpid()}", "--seed", SEED, "--output", str(tmp_path)]
    status = main(["campaign", "--nodes", "2", "--faults", "20", *words])
    told = capsys.readouterr().out
    assert status == 0, told
    assert told.startswith(f"seed {SEED}:")
    assert "20 faults in" in told
