"""A made-up systemd on a bus of its own: units that start, fail, hang or are not there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from dbus_fast import PropertyAccess
from dbus_fast.aio import MessageBus
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

NAME = "org.freedesktop.systemd1"
PATH = "/org/freedesktop/systemd1"


class Unit(ServiceInterface):
    """One unit: its states, and what a start of it comes to."""

    def __init__(self, name: str, *, is_there: bool = True, start: str = "done") -> None:
        super().__init__(f"{NAME}.Unit")
        self.unit_name = name
        self.load_state = "loaded" if is_there else "not-found"
        self.active_state = "inactive"
        self.start = start
        self.job = 0

    @dbus_property(access=PropertyAccess.READ)
    def LoadState(self) -> "s":  # type: ignore[name-defined]  # noqa: F821
        return self.load_state

    @dbus_property(access=PropertyAccess.READ)
    def ActiveState(self) -> "s":  # type: ignore[name-defined]  # noqa: F821
        return self.active_state

    @dbus_property(access=PropertyAccess.READ)
    def Job(self) -> "(uo)":  # type: ignore[name-defined]  # noqa: F821
        return [self.job, f"{PATH}/job/{self.job}"]


class Manager(ServiceInterface):
    """The manager: jobs end with JobRemoved, or never."""

    def __init__(self, units: dict[str, Unit]) -> None:
        super().__init__(f"{NAME}.Manager")
        self.units = units
        self.calls: list[str] = []
        self._jobs: dict[int, Unit] = {}
        self._number = 0

    def _begin(self, name: str, result: str, state: str) -> str:
        unit = self.units[name]
        self._number += 1
        number = self._number
        unit.job = number
        self._jobs[number] = unit

        def end() -> None:
            unit.job = 0
            unit.active_state = state
            self.JobRemoved(number, f"{PATH}/job/{number}", name, result)

        if result != "hang":
            asyncio.get_running_loop().call_later(0.02, end)
        return f"{PATH}/job/{number}"

    @dbus_method()
    def Subscribe(self) -> None:
        self.calls.append("Subscribe")

    @dbus_method()
    def Reload(self) -> None:
        self.calls.append("Reload")

    @dbus_method()
    def LoadUnit(self, name: "s") -> "o":  # type: ignore[name-defined]  # noqa: F821
        return f"{PATH}/unit/{name.partition('.')[0]}"

    @dbus_method()
    def StartUnit(self, name: "s", mode: "s") -> "o":  # type: ignore[name-defined]  # noqa: F821
        self.calls.append(f"StartUnit {name} {mode}")
        unit = self.units[name]
        return self._begin(name, unit.start, "active" if unit.start == "done" else "failed")

    @dbus_method()
    def StopUnit(self, name: "s", mode: "s") -> "o":  # type: ignore[name-defined]  # noqa: F821
        self.calls.append(f"StopUnit {name} {mode}")
        return self._begin(name, "done", "inactive")

    @dbus_method()
    def CancelJob(self, number: "u") -> None:  # type: ignore[name-defined]  # noqa: F821
        self.calls.append("CancelJob")
        unit = self._jobs.pop(number)
        unit.job = 0
        self.JobRemoved(number, f"{PATH}/job/{number}", unit.unit_name, "canceled")

    @dbus_signal()
    def JobRemoved(self, number: int, job: str, unit: str, result: str) -> "uoss":  # type: ignore[name-defined]  # noqa: F821
        return [number, job, unit, result]  # type: ignore[return-value]


@contextlib.asynccontextmanager
async def fake_systemd(folder: Path, *units: Unit) -> AsyncIterator[tuple[Manager, str]]:
    """Serve these units on a private bus; give the manager and the bus's address."""
    address = f"unix:path={folder}/bus"
    configuration = folder / "bus.conf"
    configuration.write_text(
        f"<busconfig><listen>{address}</listen><policy context='default'>"
        "<allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/><allow own='*'/>"
        "</policy></busconfig>"
    )
    daemon = await asyncio.create_subprocess_exec(
        "dbus-daemon",
        f"--config-file={configuration}",
        "--nofork",
        "--print-address",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert daemon.stdout is not None
    await daemon.stdout.readline()  # it says so when it listens
    bus = await MessageBus(address).connect()
    manager = Manager({unit.unit_name: unit for unit in units})
    bus.export(PATH, manager)
    for unit in units:
        bus.export(f"{PATH}/unit/{unit.unit_name.partition('.')[0]}", unit)
    await bus.request_name(NAME)
    try:
        yield manager, address
    finally:
        bus.disconnect()
        daemon.terminate()
        await daemon.wait()
