"""The words of `paceline lab`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paceline.lab.lab import Lab
from paceline.lab.main import main

SOURCE = str(Path(__file__).resolve().parents[2] / "src")


def run(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "paceline.lab.main", *words],
        input=text, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )  # fmt: skip


def test_command_is_asked_for_when_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "worker1"]) == 1
    assert "exec NODE -- COMMAND" in capsys.readouterr().err


def test_lab_that_is_not_up_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crash", "worker1", "--name", "nobodys"]) == 1
    assert "lab 'nobodys' is not up" in capsys.readouterr().err


def test_down_of_a_lab_that_is_not_up_is_fine() -> None:
    assert main(["down", "--name", "nobodys"]) == 0


def test_every_problem_is_said_when_the_request_is_bad(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["up", "--nodes", "17", "--token", "1"]) == 1
    error = capsys.readouterr().err
    assert "1 to 16 nodes, not 17" in error
    assert "200 to 300000 milliseconds, not 1" in error


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("frobnicate", "frobnicate"),
        ("spoil worker1 --delay soon", "soon"),
        ("crash", "node"),
        ("list --all", "--all"),
    ],
)
def test_words_that_make_no_sense_are_named_with_the_usage_and_status_1(
    words: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    error = capsys.readouterr().err
    assert ended.value.code == 1
    assert named in error.splitlines()[-1]
    assert error.startswith("usage: paceline lab")


@pytest.mark.lab
def test_exec_passes_words_input_and_status(lab: Lab) -> None:
    name = ["--name", lab.spec.name]
    done = run("exec", *name, "worker1", "--", "sh", "-c", "cat; exit 5", text="typed\n")
    assert (done.returncode, done.stdout) == (5, "typed\n")


@pytest.mark.lab
def test_list_shows_nodes_and_faults(lab: Lab) -> None:
    lab.cut("worker1", "worker2", device="ens37")
    out = run("list").stdout
    assert f"{lab.spec.name}: 2 nodes, token 1000 ms" in out
    assert "cut: worker1 and worker2 on ens37" in out


@pytest.mark.lab
def test_frozen_node_is_named_when_it_is_spoken_to(lab: Lab) -> None:
    lab.freeze("worker1")
    done = run("exec", "--name", lab.spec.name, "worker1", "--", "true")
    assert (done.returncode, done.stderr) == (1, "Error: worker1 is frozen; thaw it first\n")
