"""The demo's stage: what it shows, and that a step which does not hold ends the story."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from paceline.lab.demo.stage import Stage, StepFailedError, Typed, with_typing


@dataclass(frozen=True)
class Said:
    out: str = ""
    err: str = ""
    code: int = 0


@dataclass(frozen=True)
class Gap:
    duration_ms: float


class Probe:
    def __init__(self, *gaps_ms: float) -> None:
        self.gaps = tuple(Gap(ms) for ms in gaps_ms)

    def stop(self) -> Sequence[Gap]:
        return self.gaps


class Node:
    """Answers one expected command after the other; any other command fails the test."""

    def __init__(self, *script: tuple[str, Said]) -> None:
        self.script = list(script)

    def run(self, node: str, command: str, typed: str, seconds: float) -> Said:
        expected, answer = self.script.pop(0)
        assert command == expected
        return answer


def make_stage(*script: tuple[str, Said]) -> tuple[Stage, io.StringIO]:
    shown = io.StringIO()
    return Stage(run_in_node=Node(*script).run, out=shown), shown


def test_shell_shows_command_answer_and_meaning() -> None:
    stage, shown = make_stage(("pcs status", Said(out="Online: [ worker1 ]\n")))
    stage.shell("worker1", "pcs status", expect=("Online",), means="It is there.")
    text = shown.getvalue()
    assert "[root@worker1 ~]# pcs status\nOnline: [ worker1 ]\n  => It is there.\n" in text
    assert stage.steps_done == 1


def test_shell_fails_with_what_was_expected_when_the_answer_is_another() -> None:
    stage, _ = make_stage(("pcs status", Said(out="OFFLINE")))
    with pytest.raises(StepFailedError) as caught:
        stage.shell("worker1", "pcs status", expect=("Online",))
    assert caught.value.expected == "a match of /Online/"
    assert caught.value.came == "OFFLINE"


def test_shell_fails_when_the_exit_status_is_another() -> None:
    stage, _ = make_stage(("false", Said(code=1)))
    with pytest.raises(StepFailedError):
        stage.shell("worker1", "false")


def test_shell_fails_when_the_unexpected_comes() -> None:
    stage, _ = make_stage(("pcs status", Said(err="Error: no")))
    with pytest.raises(StepFailedError):
        stage.shell("worker1", "pcs status", unexpected=("Error",))


def test_until_asks_again_and_shows_the_last_answer_only() -> None:
    stage, shown = make_stage(("ask", Said(out="not yet")), ("ask", Said(out="now")))
    stage.until("worker1", "ask", expect=("now",))
    assert "not yet" not in shown.getvalue()
    assert "now" in shown.getvalue()


def test_until_fails_when_its_time_is_over() -> None:
    stage, _ = make_stage(("ask", Said(out="not yet")))
    with pytest.raises(StepFailedError):
        stage.until("worker1", "ask", expect=("now",), seconds=-1)


def test_fail_over_keeps_the_longest_outage() -> None:
    stage, shown = make_stage()
    with stage.fail_over("a crash", lambda: Probe(20, 2570.4)):
        pass
    assert stage.fail_overs[0].downtime_ms == 2570
    stage.table()
    assert "2.57 s" in shown.getvalue()


def test_typing_is_shown_but_secrets_are_not() -> None:
    typed = (Typed(prompt="User: ", text="me"), Typed(prompt="Word: ", text="x", is_secret=True))
    assert with_typing("User: Word: done", typed) == "User: me\nWord: \ndone"
    assert with_typing("no questions", typed) == "no questions"
