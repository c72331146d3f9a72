"""The node's service runner without its I/O: what systemd does with the three units of a node.

A unit:

    inactive --start--> activating --ready--> active --stop--> deactivating --gone--> inactive
                        activating --gone, or time limit--> failed
                      active --watchdog unanswered--> (killed, so gone)
                                              active --gone--> inactive (exit 0), else failed
    failed --and the unit is restarted, a little later--> activating

Requests are carried out one after the other, each a list of steps; a stop cancels a start that it
contradicts. Questions are answered at once. Stopping takes what requires the unit with it,
starting brings what the unit requires. A stop is over when the process is gone, so a new Corosync
never meets the old one.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from paceline.lab import units
from paceline.lab.units import Unit

RESTART_MS = 100
# As systemd: five starts in ten seconds are a unit that will not come up.
RESTARTS_MAX = 5
RESTARTS_WINDOW_MS = 10_000
REQUESTS_MAX = 64
# From TERM's time limit to the end that KILL must bring.
KILL_MS = 5_000


class State(StrEnum):
    """A unit's state, in systemd's words."""

    INACTIVE = "inactive"
    ACTIVATING = "activating"
    ACTIVE = "active"
    DEACTIVATING = "deactivating"
    FAILED = "failed"


# ---- events ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Someone asks for `verb` on units; the answer goes to `asker`.

    start, stop, restart; reset-failed forgets how often they failed.
    """

    asker: int
    verb: str
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A unit's process said that it is up."""

    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """A unit's process answered its watchdog."""

    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A unit's process ended; `code` is negative for a signal."""

    unit: str
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The timer of a unit fired; `number` says which."""

    unit: str
    number: int


Event = Wanted | Ready | Alive | Gone | Due

# ---- effects ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn:
    """Start the unit's process. A `Gone` follows in any case, also if it cannot be started."""

    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Send the unit's process TERM, or KILL."""

    unit: Unit
    is_kill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Give `Due` with this number after a while."""

    unit: str
    number: int
    wait_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Answer the asker."""

    asker: int
    code: int
    message: str = ""


Effect = Spawn | End | Timer | Done


@dataclass(slots=True)
class _Unit:
    """Where one unit stands. `timer` is the number of the timer that counts."""

    unit: Unit
    state: State = State.INACTIVE
    since_ms: int = 0
    last_code: int | None = None
    timer: int = 0
    is_asked_to_stop: bool = False
    has_failed_to_start: bool = False
    starts_ms: deque[int] = field(default_factory=lambda: deque(maxlen=RESTARTS_MAX))


@dataclass(slots=True)
class _Job:
    """A request on its way: the steps left, and what went wrong."""

    asker: int
    steps: deque[tuple[str, str]]
    failures: list[str] = field(default_factory=list)


class Runner:
    """All units of a node."""

    def __init__(self) -> None:
        """Start with everything inactive."""
        self._units = {unit.name: _Unit(unit) for unit in units.UNITS}
        self._jobs: deque[_Job] = deque()
        self._timers = 0
        self._effects: list[Effect] = []

    def state(self, name: str) -> State:
        """Return a unit's state."""
        return self._units[name].state

    def since_ms(self, name: str) -> int:
        """Return when a unit came into its state."""
        return self._units[name].since_ms

    def last_code(self, name: str) -> int | None:
        """Return how a unit's last process ended; None if none has."""
        return self._units[name].last_code

    @property
    def is_busy(self) -> bool:
        """Say whether a request is being carried out."""
        return bool(self._jobs)

    def handle(self, event: Event, *, now_ms: int) -> tuple[Effect, ...]:
        """Return what the driver must do next, in order."""
        match event:
            case Wanted():
                self._want(event)
            case Ready():
                found = self._units[event.unit]
                if found.state is State.ACTIVATING:
                    self._become_active(found, now_ms)
            case Alive():
                found = self._units[event.unit]
                if found.state is State.ACTIVE:
                    self._arm_watchdog(found)
            case Gone():
                self._gone(self._units[event.unit], event.code, now_ms)
            case Due():
                found = self._units[event.unit]
                if event.number == found.timer:
                    self._due(found, now_ms)
            case _:
                assert_never(event)
        self._advance(now_ms)
        effects, self._effects = tuple(self._effects), []
        return effects

    # ---- requests ----

    def _want(self, event: Wanted) -> None:
        if event.verb == "reset-failed":
            for unit in event.units:
                self._units[unit.name].starts_ms.clear()
            self._effects.append(Done(asker=event.asker, code=0, message=""))
            return
        if len(self._jobs) >= REQUESTS_MAX:
            self._effects.append(Done(asker=event.asker, code=1, message="Too many jobs."))
            return
        stops = [("stop", unit.name) for unit in units.with_requiring(event.units)]
        starts = [("start", unit.name) for unit in units.with_required(event.units)]
        if event.verb == "restart":
            # What was running on top comes back, as with systemd.
            running = {
                name for _, name in stops if self._units[name].state is not State.INACTIVE
            } | {name for _, name in starts}
            starts = [("start", unit.name) for unit in units.UNITS if unit.name in running]
        steps = {"start": starts, "stop": stops, "restart": stops + starts}[event.verb]
        if event.verb != "start":
            self._cancel_starts({name for _, name in stops})
        self._jobs.append(_Job(event.asker, deque(steps)))

    def _cancel_starts(self, names: set[str]) -> None:
        for job in list(self._jobs):
            if any(verb == "start" and name in names for verb, name in job.steps):
                self._jobs.remove(job)
                self._effects.append(Done(asker=job.asker, code=1, message="Job canceled."))

    def _advance(self, now_ms: int) -> None:
        """Carry out steps until one has to be waited for."""
        while self._jobs:
            job = self._jobs[0]
            while job.steps:
                verb, name = job.steps[0]
                if not self._step(job, verb, self._units[name], now_ms):
                    return
                job.steps.popleft()
            self._jobs.popleft()
            code = 1 if job.failures else 0
            self._effects.append(Done(asker=job.asker, code=code, message="\n".join(job.failures)))

    def _step(self, job: _Job, verb: str, found: _Unit, now_ms: int) -> bool:
        """Begin or look at a step; say whether it is over."""
        if verb == "stop":
            return self._stop_step(found, now_ms)
        return self._start_step(job, found, now_ms)

    def _start_step(self, job: _Job, found: _Unit, now_ms: int) -> bool:
        if found.has_failed_to_start:
            found.has_failed_to_start = False
            job.failures.append(_failure(found))
            return True
        if found.state in (State.INACTIVE, State.FAILED):
            missing = self._missing(found.unit)
            if missing:
                job.failures.append(
                    f"A dependency job for {found.unit.name}.service failed: {missing}.service"
                )
                return True
            self._start(found, now_ms)
        return found.state is State.ACTIVE

    def _missing(self, unit: Unit) -> str:
        return next(
            (name for name in unit.requires if self._units[name].state is not State.ACTIVE), ""
        )

    def _stop_step(self, found: _Unit, now_ms: int) -> bool:
        match found.state:
            case State.INACTIVE:
                return True
            case State.FAILED:
                # A restart that is waiting is given up.
                self._enter(found, State.INACTIVE, now_ms)
                return True
            case State.DEACTIVATING:
                return False
            case State.ACTIVATING | State.ACTIVE:
                found.is_asked_to_stop = True
                self._enter(found, State.DEACTIVATING, now_ms)
                self._effects.append(End(unit=found.unit))
                self._timer(found, found.unit.stop_ms)
                return False
            case _:
                assert_never(found.state)

    # ---- one unit ----

    def _start(self, found: _Unit, now_ms: int) -> None:
        found.is_asked_to_stop = False
        self._enter(found, State.ACTIVATING, now_ms)
        self._effects.append(Spawn(unit=found.unit))
        if found.unit.is_notifying:
            self._timer(found, found.unit.start_ms)
        else:
            self._become_active(found, now_ms)

    def _become_active(self, found: _Unit, now_ms: int) -> None:
        self._enter(found, State.ACTIVE, now_ms)
        self._arm_watchdog(found)

    def _arm_watchdog(self, found: _Unit) -> None:
        if found.unit.watchdog_ms:
            self._timer(found, found.unit.watchdog_ms)

    def _gone(self, found: _Unit, code: int, now_ms: int) -> None:
        before, found.last_code = found.state, code
        if found.is_asked_to_stop or (before is State.ACTIVE and code in found.unit.good_codes):
            self._enter(found, State.INACTIVE, now_ms)
            return
        self._enter(found, State.FAILED, now_ms)
        if self._is_awaited(found):
            found.has_failed_to_start = True
        if found.unit.is_restarted and self._may_restart(found, now_ms):
            found.starts_ms.append(now_ms)
            self._timer(found, RESTART_MS)

    def _is_awaited(self, found: _Unit) -> bool:
        return bool(
            self._jobs
            and self._jobs[0].steps
            and self._jobs[0].steps[0] == ("start", found.unit.name)
        )

    def _may_restart(self, found: _Unit, now_ms: int) -> bool:
        starts = found.starts_ms
        return len(starts) < RESTARTS_MAX or now_ms - starts[0] > RESTARTS_WINDOW_MS

    def _due(self, found: _Unit, now_ms: int) -> None:
        match found.state:
            case State.ACTIVATING | State.DEACTIVATING | State.ACTIVE:
                self._effects.append(End(unit=found.unit, is_kill=True))
                self._timer(found, KILL_MS)
            case State.FAILED:
                self._start(found, now_ms)
            case State.INACTIVE:
                pass
            case _:
                assert_never(found.state)

    def _enter(self, found: _Unit, state: State, now_ms: int) -> None:
        found.state, found.since_ms = state, now_ms
        # Timers of the state before no longer count.
        self._timers += 1
        found.timer = self._timers

    def _timer(self, found: _Unit, wait_ms: int) -> None:
        self._timers += 1
        found.timer = self._timers
        self._effects.append(Timer(unit=found.unit.name, number=found.timer, wait_ms=wait_ms))


def _failure(found: _Unit) -> str:
    name, code = found.unit.name, found.last_code
    how = f"exit code {code}" if code is None or code >= 0 else f"signal {-code}"
    return (
        f"Job for {name}.service failed because the process ended with {how}.\n"
        f'See "systemctl status {name}.service" and /var/log/lab/{name}.log for details.'
    )
