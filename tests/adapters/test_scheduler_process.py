"""The scheduler's process: answers, newest first, replaced where it dies or hangs."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from paceline.adapters.scheduler_process import SchedulerProcess
from paceline.model.identifiers import NodeId, NodeName
from paceline.model.status import ClusterStatus, NodeStatus
from paceline.replica.effects import ComputePlan
from paceline.replica.events import PlanComputed
from paceline.replica.packed_plans import actions_of

CIB = b"""<cib epoch="1" num_updates="0" admin_epoch="0" validate-with="pacemaker-3.9">
<configuration>
<crm_config><cluster_property_set id="o"><nvpair id="s" name="stonith-enabled" value="false"/>
</cluster_property_set></crm_config>
<nodes><node id="1" uname="worker1"/><node id="2" uname="worker2"/></nodes>
<resources><primitive id="R" class="ocf" provider="heartbeat" type="Dummy"/></resources>
<constraints/></configuration></cib>"""
STATUS = ClusterStatus(
    now_ms=1_700_000_000_000,
    is_quorate=True,
    coordinator="worker1",
    local_node="worker1",
    nodes=tuple(
        NodeStatus(
            name=NodeName(f"worker{number}"),
            node_id=NodeId(number),
            is_member=True,
            is_online=True,
            is_expected=True,
            is_seen=True,
        )
        for number in (1, 2)
    ),
)


class Answers:
    """Collects what the planner says."""

    def __init__(self) -> None:
        self.events: list[PlanComputed] = []
        self._arrived = asyncio.Event()

    def take(self, event: PlanComputed) -> None:
        self.events.append(event)
        self._arrived.set()

    async def wait_for(self, count: int) -> list[PlanComputed]:
        async with asyncio.timeout(20):
            while len(self.events) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.events


def request(token: int, *, version: str = "1", configuration: bytes = CIB) -> ComputePlan:
    return ComputePlan(token=token, version=version, configuration=configuration, status=STATUS)


def play(story: Callable[[SchedulerProcess, Answers], Awaitable[None]]) -> None:
    """Play a story with a planner, then close it."""

    async def run() -> None:
        answers = Answers()
        planner = SchedulerProcess(answers.take)
        try:
            await story(planner, answers)
        finally:
            await planner.close()

    asyncio.run(run())


def worker_pids() -> list[int]:
    """Return the pids of this process's planners."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes()
                parent = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if b"scheduler_worker" in words and int(parent) == os.getpid():
                found.append(int(name))
    return found


def test_plan_starts_what_is_configured() -> None:
    async def story(planner: SchedulerProcess, answers: Answers) -> None:
        planner.compute(request(1))
        event = (await answers.wait_for(1))[0]
        assert event.token == 1
        assert event.error == ""
        assert event.plan is not None
        assert {action.resource for action in actions_of(event.plan)} >= {"R"}

    play(story)


def test_known_version_needs_no_configuration() -> None:
    async def story(planner: SchedulerProcess, answers: Answers) -> None:
        planner.compute(request(1))
        first = (await answers.wait_for(1))[0]
        planner.compute(request(2, configuration=b"not sent"))
        assert (await answers.wait_for(2))[1].plan == first.plan

    play(story)


def test_newest_replaces_one_that_waits() -> None:
    async def story(planner: SchedulerProcess, answers: Answers) -> None:
        for token in (1, 2, 3):
            planner.compute(request(token))
        assert [event.token for event in await answers.wait_for(2)] == [1, 3]

    play(story)


def test_broken_configuration_is_told_and_the_process_goes_on() -> None:
    async def story(planner: SchedulerProcess, answers: Answers) -> None:
        planner.compute(request(1, version="broken", configuration=b"<cib"))
        event = (await answers.wait_for(1))[0]
        assert event.plan is None
        assert event.error
        planner.compute(request(2))
        assert (await answers.wait_for(2))[1].plan is not None
        assert planner.internals()["scheduler-restarts"] == "0"

    play(story)


def test_process_is_replaced_when_it_dies() -> None:
    async def story(planner: SchedulerProcess, answers: Answers) -> None:
        planner.compute(request(1))
        await answers.wait_for(1)
        (pid,) = worker_pids()
        os.kill(pid, signal.SIGSTOP)
        planner.compute(request(2))
        os.kill(pid, signal.SIGKILL)
        event = (await answers.wait_for(2))[1]
        assert event.plan is None
        assert "ended" in event.error
        planner.compute(request(3))
        assert (await answers.wait_for(3))[2].plan is not None

    play(story)


def test_process_is_replaced_when_it_hangs() -> None:
    async def run() -> None:
        answers = Answers()
        planner = SchedulerProcess(answers.take)
        planner.compute(request(1))
        await answers.wait_for(1)
        planner.time_limit_seconds = 0.2
        (pid,) = worker_pids()
        os.kill(pid, signal.SIGSTOP)
        planner.compute(request(2))
        assert "no plan within" in (await answers.wait_for(2))[1].error
        planner.compute(request(3))
        planner.time_limit_seconds = 20.0
        await answers.wait_for(3)
        await planner.close()

    asyncio.run(run())
