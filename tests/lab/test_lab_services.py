"""The node's service runner."""

from paceline.lab import units
from paceline.lab.services import (
    RESTART_MS,
    RESTARTS_MAX,
    Alive,
    Done,
    Due,
    Effect,
    End,
    Gone,
    Ready,
    Runner,
    Spawn,
    State,
    Timer,
    Wanted,
)
from paceline.lab.units import COROSYNC, NODE_SERVICE, PACELINE


def want(runner: Runner, verb: str, *wanted: units.Unit, asker: int = 1) -> tuple[Effect, ...]:
    return runner.handle(Wanted(asker=asker, verb=verb, units=wanted), now_ms=0)


def started(runner: Runner) -> None:
    """Bring Corosync and Paceline up."""
    want(runner, "start", PACELINE)
    runner.handle(Ready(unit="corosync"), now_ms=1)
    runner.handle(Ready(unit="paceline"), now_ms=2)
    assert runner.state("paceline") is State.ACTIVE


def timer(effects: tuple[Effect, ...]) -> Timer:
    return next(effect for effect in effects if isinstance(effect, Timer))


def test_start_brings_what_is_required_first() -> None:
    runner = Runner()
    assert Spawn(unit=COROSYNC) in want(runner, "start", PACELINE)
    effects = runner.handle(Ready(unit="corosync"), now_ms=1)
    assert Spawn(unit=PACELINE) in effects
    effects = runner.handle(Ready(unit="paceline"), now_ms=2)
    assert effects[-1] == Done(asker=1, code=0)


def test_stop_takes_what_requires_it_first_and_waits_until_it_is_gone() -> None:
    runner = Runner()
    started(runner)
    effects = want(runner, "stop", COROSYNC)
    assert End(unit=PACELINE) in effects
    assert End(unit=COROSYNC) not in effects
    assert End(unit=COROSYNC) in runner.handle(Gone(unit="paceline", code=0), now_ms=3)
    assert runner.handle(Gone(unit="corosync", code=0), now_ms=4) == (Done(asker=1, code=0),)


def test_stop_kills_when_the_time_is_over() -> None:
    runner = Runner()
    want(runner, "start", COROSYNC)
    runner.handle(Ready(unit="corosync"), now_ms=1)
    due = timer(want(runner, "stop", COROSYNC))
    effects = runner.handle(Due(unit="corosync", number=due.number), now_ms=due.wait_ms)
    assert End(unit=COROSYNC, is_kill=True) in effects


def test_start_fails_with_the_exit_code_when_the_process_ends() -> None:
    runner = Runner()
    want(runner, "start", COROSYNC)
    (done,) = runner.handle(Gone(unit="corosync", code=8), now_ms=1)
    assert isinstance(done, Done)
    assert done.code == 1
    assert "exit code 8" in done.message
    assert runner.state("corosync") is State.FAILED


def test_dependency_is_named_when_it_cannot_start() -> None:
    runner = Runner()
    want(runner, "start", PACELINE)
    (done,) = runner.handle(Gone(unit="corosync", code=8), now_ms=1)
    assert isinstance(done, Done)
    assert "dependency job for paceline.service failed" in done.message


def test_unit_is_started_again_a_little_later_when_it_is_killed() -> None:
    runner = Runner()
    started(runner)
    effects = runner.handle(Gone(unit="paceline", code=-9), now_ms=10)
    due = timer(effects)
    assert due.wait_ms == RESTART_MS
    effects = runner.handle(Due(unit="paceline", number=due.number), now_ms=110)
    assert Spawn(unit=PACELINE) in effects


def test_unit_stays_down_when_it_fails_too_often() -> None:
    runner = Runner()
    started(runner)
    for _ in range(RESTARTS_MAX):
        due = timer(runner.handle(Gone(unit="paceline", code=-9), now_ms=10))
        runner.handle(Due(unit="paceline", number=due.number), now_ms=10)
    assert runner.handle(Gone(unit="paceline", code=-9), now_ms=10) == ()
    assert runner.state("paceline") is State.FAILED


def test_unit_is_started_again_when_its_failures_were_forgotten() -> None:
    runner = Runner()
    started(runner)
    for _ in range(RESTARTS_MAX + 1):
        runner.handle(Wanted(asker=2, verb="reset-failed", units=(PACELINE,)), now_ms=10)
        due = timer(runner.handle(Gone(unit="paceline", code=-9), now_ms=10))
        runner.handle(Due(unit="paceline", number=due.number), now_ms=10)
    assert runner.state("paceline") is not State.FAILED


def test_corosync_is_not_started_again_when_it_dies() -> None:
    runner = Runner()
    started(runner)
    assert runner.handle(Gone(unit="corosync", code=-9), now_ms=10) == ()
    assert runner.state("paceline") is State.ACTIVE


def test_unit_stays_down_when_it_ends_by_itself_without_failure() -> None:
    runner = Runner()
    started(runner)
    assert runner.handle(Gone(unit="paceline", code=100), now_ms=10) == ()
    assert runner.state("paceline") is State.INACTIVE


def test_waiting_restart_is_given_up_when_the_unit_is_stopped() -> None:
    runner = Runner()
    started(runner)
    due = timer(runner.handle(Gone(unit="paceline", code=-9), now_ms=10))
    assert want(runner, "stop", PACELINE, asker=2) == (Done(asker=2, code=0),)
    assert runner.handle(Due(unit="paceline", number=due.number), now_ms=110) == ()


def test_start_is_canceled_when_a_stop_comes() -> None:
    runner = Runner()
    want(runner, "start", COROSYNC)
    effects = want(runner, "stop", COROSYNC, asker=2)
    assert Done(asker=1, code=1, message="Job canceled.") in effects
    assert End(unit=COROSYNC) in effects
    assert Done(asker=2, code=0) in runner.handle(Gone(unit="corosync", code=0), now_ms=1)


def test_restart_brings_back_what_ran_on_top() -> None:
    runner = Runner()
    started(runner)
    want(runner, "restart", COROSYNC)
    runner.handle(Gone(unit="paceline", code=0), now_ms=3)
    assert Spawn(unit=COROSYNC) in runner.handle(Gone(unit="corosync", code=0), now_ms=4)
    assert Spawn(unit=PACELINE) in runner.handle(Ready(unit="corosync"), now_ms=5)


def test_watchdog_kills_when_it_is_not_answered() -> None:
    runner = Runner()
    want(runner, "start", PACELINE)
    runner.handle(Ready(unit="corosync"), now_ms=1)
    first = timer(runner.handle(Ready(unit="paceline"), now_ms=2))
    second = timer(runner.handle(Alive(unit="paceline"), now_ms=3))
    assert runner.handle(Due(unit="paceline", number=first.number), now_ms=30_002) == ()
    effects = runner.handle(Due(unit="paceline", number=second.number), now_ms=30_003)
    assert End(unit=PACELINE, is_kill=True) in effects


def test_units_are_found_by_their_aliases() -> None:
    assert units.find_unit("pacemaker.service") == PACELINE
    assert units.find_unit("pcsd") == NODE_SERVICE
    assert units.find_unit("sshd") is None
