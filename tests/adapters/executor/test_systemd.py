"""systemd units over a real D-Bus, with a made-up systemd behind it."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from fake_systemd import Manager, Unit, fake_systemd

from paceline.adapters.executor.systemd import SystemdUnits
from paceline.model.status import OperationOutcome

pytestmark = pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="needs dbus-daemon")
TIMEOUT_MS = 5000
Story = Callable[[SystemdUnits, Manager], Awaitable[None]]


def play(folder: Path, story: Story, *units: Unit) -> None:
    """Play a story with these units."""

    async def run() -> None:
        async with fake_systemd(folder, *units) as (manager, address):
            runtime = folder / "system"
            runtime.mkdir()
            systemd = SystemdUnits(runtime, bus_address=address)
            try:
                await story(systemd, manager)
            finally:
                systemd.close()

    asyncio.run(run())


def test_start_waits_for_the_job_and_keeps_systemd_from_restarting(tmp_path: Path) -> None:
    async def story(systemd: SystemdUnits, manager: Manager) -> None:
        override = tmp_path / "system" / "web.service.d" / "50-paceline.conf"
        answer = await systemd.run("web", "start", timeout_ms=TIMEOUT_MS)
        assert (answer.outcome, answer.rc) == (OperationOutcome.DONE, 0), answer.reason
        assert "Restart=no" in override.read_text()
        assert manager.calls[-2:] == ["Reload", "StartUnit web.service replace"]
        assert (await systemd.run("web", "monitor", timeout_ms=TIMEOUT_MS)).rc == 0
        assert (await systemd.run("web", "stop", timeout_ms=TIMEOUT_MS)).rc == 0
        assert not override.parent.exists()
        assert manager.calls[-2:] == ["Reload", "StopUnit web.service replace"]
        assert (await systemd.run("web", "monitor", timeout_ms=TIMEOUT_MS)).rc == 7

    play(tmp_path, story, Unit("web.service"))


def test_start_fails_when_the_job_does(tmp_path: Path) -> None:
    async def story(systemd: SystemdUnits, _manager: Manager) -> None:
        answer = await systemd.run("web", "start", timeout_ms=TIMEOUT_MS)
        assert (answer.outcome, answer.rc) == (OperationOutcome.DONE, 1)
        assert "journalctl -u web.service" in answer.reason
        answer = await systemd.run("web", "monitor", timeout_ms=TIMEOUT_MS)
        assert (answer.rc, answer.reason) == (7, "unit web.service is failed")

    play(tmp_path, story, Unit("web.service", start="failed"))


def test_job_is_cancelled_at_the_time_limit(tmp_path: Path) -> None:
    async def story(systemd: SystemdUnits, manager: Manager) -> None:
        answer = await systemd.run("web", "start", timeout_ms=200)
        assert answer.outcome is OperationOutcome.TIMED_OUT
        assert manager.calls[-1] == "CancelJob"

    play(tmp_path, story, Unit("web.service", start="hang"))


def test_absent_unit_is_not_installed_and_stopped(tmp_path: Path) -> None:
    async def story(systemd: SystemdUnits, _manager: Manager) -> None:
        for task in ("start", "monitor"):
            answer = await systemd.run("web", task, timeout_ms=TIMEOUT_MS)
            assert (answer.outcome, answer.rc) == (OperationOutcome.NOT_INSTALLED, 5)
        assert (await systemd.run("web", "stop", timeout_ms=TIMEOUT_MS)).rc == 0

    play(tmp_path, story, Unit("web.service", is_there=False))


def test_monitor_waits_while_the_unit_is_on_its_way(tmp_path: Path) -> None:
    unit = Unit("web.service")

    async def story(systemd: SystemdUnits, _manager: Manager) -> None:
        unit.active_state = "activating"
        asking = asyncio.ensure_future(systemd.run("web", "monitor", timeout_ms=TIMEOUT_MS))
        await asyncio.sleep(0.1)
        unit.active_state = "active"
        assert (await asking).rc == 0

    play(tmp_path, story, unit)


def test_orphaned_job_is_cancelled_when_it_does_not_end(tmp_path: Path) -> None:
    unit = Unit("web.service", start="hang")

    async def story(systemd: SystemdUnits, manager: Manager) -> None:
        starting = asyncio.ensure_future(systemd.run("web", "start", timeout_ms=TIMEOUT_MS))
        while not unit.job:  # noqa: ASYNC110  # the made-up systemd sets it
            await asyncio.sleep(0.005)
        line = await systemd.settle("web", wait_seconds=0.1)
        assert "was cancelled" in line
        assert (await starting).rc == 1

    play(tmp_path, story, unit)


def test_without_systemd_nothing_is_installed(tmp_path: Path) -> None:
    async def run() -> None:
        answer = await SystemdUnits(tmp_path / "absent").run("web", "monitor", timeout_ms=1000)
        assert (answer.outcome, answer.rc) == (OperationOutcome.NOT_INSTALLED, 5)

    asyncio.run(run())


def test_bus_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    async def run() -> None:
        systemd = SystemdUnits(tmp_path, bus_address=f"unix:path={tmp_path}/none")
        answer = await systemd.run("web", "monitor", timeout_ms=1000)
        assert answer.outcome is OperationOutcome.ERROR

    asyncio.run(run())
