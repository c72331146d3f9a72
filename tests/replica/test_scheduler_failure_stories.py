"""A scheduler that raises: left alone for a while, asked again, never for ever."""

from replica_bus import Bus, SchedulerFailed, no_plan
from replica_stories import started

from paceline.model.plan import Plan
from paceline.model.status import ClusterStatus
from paceline.replica.coordination import RETRY_MS_MAX

MINUTE_MS = 60_000


class Scheduler:
    """One that fails as long as it is told to."""

    def __init__(self) -> None:
        self.is_broken = False
        self.calls = 0

    def __call__(self, status: ClusterStatus, configuration: bytes) -> Plan:
        self.calls += 1
        if self.is_broken:
            raise SchedulerFailed("KeyError: group")
        return no_plan(status, configuration)


def broken() -> tuple[Bus, Scheduler]:
    scheduler = Scheduler()
    bus = started(Bus("worker1", "worker2", scheduler=scheduler), "worker1", "worker2")
    scheduler.is_broken = True
    scheduler.calls = 0
    bus.crash("worker2")
    bus.regroup(["worker1"], ring_of=["worker1"])
    bus.start("worker2")
    bus.settle()
    return bus, scheduler


def test_failing_scheduler_is_asked_at_a_bounded_pace_and_that_is_shown() -> None:
    bus, scheduler = broken()
    bus.tick(5 * MINUTE_MS)
    assert 4 <= scheduler.calls <= 16
    assert bus["worker1"].codes().count("scheduler-failed") == scheduler.calls
    shown = bus.replica("worker1").internals()["scheduler-failures"]
    assert "in a row: KeyError: group" in shown


def test_planning_goes_on_when_the_scheduler_is_well_again() -> None:
    bus, scheduler = broken()
    bus.tick(MINUTE_MS)
    assert not bus.replica("worker1").is_idle()
    scheduler.is_broken = False
    bus.tick(RETRY_MS_MAX)
    assert bus.replica("worker1").is_idle()
    assert bus.replica("worker1").internals()["scheduler-failures"] == ""
