"""The main job: the whole walk-through on two real nodes, every step checked."""

import os

import pytest
from conftest import need_lab

from paceline.lab.demo.main import main

pytestmark = pytest.mark.lab


def test_every_step_of_the_walk_through_holds(capfd: pytest.CaptureFixture[str]) -> None:
    need_lab()
    status = main(["--down", "--name", f"demo-{os.getpid()}"])
    told = capfd.readouterr()
    assert status == 0, told.out[-6000:] + told.err
    assert "steps held" in told.out
    assert "[your machine]$ paceline lab crash worker2" in told.out
