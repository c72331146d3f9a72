"""systemd units over D-Bus: jobs are awaited until systemd says that they are done.

Before a start a drop-in in /run keeps systemd from restarting the unit by itself and stops it
before the cluster software at shutdown; a stop takes it away again.

Source: org.freedesktop.systemd1(5).
"""

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from paceline.adapters.executor.service import unit_name
from paceline.model.status import OperationOutcome

_NAME = "org.freedesktop.systemd1"
_PATH = "/org/freedesktop/systemd1"
_MANAGER = "org.freedesktop.systemd1.Manager"
_UNIT = "org.freedesktop.systemd1.Unit"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_NO_SUCH_UNIT = "org.freedesktop.systemd1.NoSuchUnit"
OVERRIDE_NAME = "50-paceline.conf"
CALL_SECONDS_MAX = 20.0
TRANSITION_POLL_SECONDS = 0.2
JOBS_KEPT_MAX = 1000
OK, GENERIC, NOT_INSTALLED, NOT_RUNNING = 0, 1, 5, 7
_RUNNING_STATES = frozenset({"active", "reloading", "refreshing"})
_MOVING_STATES = frozenset({"activating", "deactivating"})
_ABSENT_STATES = frozenset({"not-found", "masked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitAnswer:
    """What came of a task on a unit, in OCF's numbers."""

    outcome: OperationOutcome
    rc: int
    reason: str = ""


class SystemdError(Exception):
    """The bus or systemd refused; `error_name` is D-Bus's word, empty where nothing answered."""

    def __init__(self, text: str, error_name: str = "") -> None:
        """Keep both."""
        super().__init__(text)
        self.error_name = error_name


class SystemdUnits:
    """The units of this node. The connection is made when first needed and after each loss."""

    def __init__(self, runtime: Path, *, bus_address: str = "") -> None:
        """Write drop-ins below `runtime`, which exists where systemd runs (sd_booted(3)).

        `bus_address` names another bus than the system's.
        """
        self._runtime = runtime
        self._bus_address = bus_address
        self._bus: MessageBus | None = None
        self._connecting = asyncio.Lock()
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self._removed: dict[str, str] = {}

    async def run(self, name: str, task: str, *, timeout_ms: int) -> UnitAnswer:
        """Carry out start, stop, monitor, status or reload; never raises for what systemd does."""
        if not self._runtime.is_dir():
            return UnitAnswer(
                outcome=OperationOutcome.NOT_INSTALLED,
                rc=NOT_INSTALLED,
                reason="systemd does not run on this node",
            )
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await self._run(unit_name(name), task)
        except TimeoutError:
            return await self._timed_out(unit_name(name), timeout_ms)
        except (SystemdError, OSError, EOFError) as error:
            return UnitAnswer(outcome=OperationOutcome.ERROR, rc=GENERIC, reason=str(error))

    async def settle(self, name: str, *, wait_seconds: float) -> str:
        """Wait until no job of the unit is left, else cancel it; return a line for the log."""
        unit = unit_name(name)
        try:
            path = await self._unit_path(unit)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    while await self._job_of(path):  # noqa: ASYNC110  # systemd's state, not ours
                        await asyncio.sleep(TRANSITION_POLL_SECONDS)
                    return f"an earlier daemon's job of {unit} is done"
            await self._cancel_job(path)
        except (SystemdError, OSError, EOFError) as error:
            return f"an earlier daemon's job of {unit} cannot be looked at: {error}"
        return f"an earlier daemon's job of {unit} was cancelled"

    def close(self) -> None:
        """Close the connection."""
        if self._bus is not None:
            self._bus.disconnect()
            self._bus = None

    # Tasks

    async def _run(self, unit: str, task: str) -> UnitAnswer:
        if task in ("monitor", "status"):
            return await self._monitor(unit)
        path = await self._unit_path(unit)
        is_absent = await self._property(path, "LoadState") in _ABSENT_STATES
        if task == "stop":
            return await self._stop(unit, is_absent=is_absent)
        if is_absent:
            return _absent(unit)
        if task == "start":
            await self._write_override(unit)
            return await self._job(unit, "StartUnit")
        if task in ("reload", "reload-agent"):
            return await self._job(unit, "ReloadUnit")
        return UnitAnswer(
            outcome=OperationOutcome.NOT_SUPPORTED, rc=3, reason=f"systemd units have no '{task}'"
        )

    async def _stop(self, unit: str, *, is_absent: bool) -> UnitAnswer:
        # First the drop-in: with its `Before=` the unit's stop would wait for the end of the
        # daemon's own stop, which waits for the unit's.
        await self._remove_override(unit)
        if is_absent:
            return UnitAnswer(outcome=OperationOutcome.DONE, rc=OK)
        return await self._job(unit, "StopUnit")

    async def _monitor(self, unit: str) -> UnitAnswer:
        """Say what the unit is; one that is on its way is waited for."""
        path = await self._unit_path(unit)
        if await self._property(path, "LoadState") in _ABSENT_STATES:
            return _absent(unit)
        state = await self._property(path, "ActiveState")
        while state in _MOVING_STATES:
            await asyncio.sleep(TRANSITION_POLL_SECONDS)
            state = await self._property(path, "ActiveState")
        if state in _RUNNING_STATES:
            return UnitAnswer(outcome=OperationOutcome.DONE, rc=OK)
        reason = f"unit {unit} is {state}" if state == "failed" else ""
        return UnitAnswer(outcome=OperationOutcome.DONE, rc=NOT_RUNNING, reason=reason)

    async def _job(self, unit: str, method: str) -> UnitAnswer:
        """Queue a job and wait for its end; a newer job for the unit may replace it."""
        (job,) = await self._call(method, "ss", [unit, "replace"])
        result = self._removed.pop(job, None)
        if result is None:
            waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            self._waiting[job] = waiting
            try:
                result = await waiting
            finally:
                self._waiting.pop(job, None)
        if result in ("done", "skipped"):
            return UnitAnswer(outcome=OperationOutcome.DONE, rc=OK)
        return UnitAnswer(
            outcome=OperationOutcome.DONE,
            rc=GENERIC,
            reason=f"systemd's job for {unit} ended with '{result}' (journalctl -u {unit})",
        )

    async def _timed_out(self, unit: str, timeout_ms: int) -> UnitAnswer:
        """Cancel the unit's job; until that is certain, nobody knows what will come of it."""
        reason = f"{unit} was not ready within {timeout_ms / 1000:g}s"
        outcome = OperationOutcome.TIMED_OUT
        try:
            async with asyncio.timeout(CALL_SECONDS_MAX):
                await self._cancel_job(await self._unit_path(unit))
        except (SystemdError, OSError, EOFError, TimeoutError) as error:
            outcome = OperationOutcome.UNKNOWN
            reason = f"{reason}, and its job could not be cancelled: {error}"
        return UnitAnswer(outcome=outcome, rc=GENERIC, reason=reason)

    # Drop-ins

    async def _write_override(self, unit: str) -> None:
        folder = self._runtime / f"{unit}.d"
        text = (
            "# Written by Paceline while the cluster runs this unit; removed at its stop.\n"
            f"[Unit]\nDescription=Cluster-controlled {unit}\nBefore=paceline.service\n"
        )
        if unit.endswith(".service"):
            text += "\n[Service]\nRestart=no\n"
        path = folder / OVERRIDE_NAME
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        await self._call("Reload", "", [])

    async def _remove_override(self, unit: str) -> None:
        path = self._runtime / f"{unit}.d" / OVERRIDE_NAME
        if not path.exists():
            return
        path.unlink()
        with contextlib.suppress(OSError):
            path.parent.rmdir()
        await self._call("Reload", "", [])

    # D-Bus

    async def _unit_path(self, unit: str) -> str:
        (path,) = await self._call("LoadUnit", "s", [unit])
        return str(path)

    async def _property(self, path: str, name: str) -> str:
        (value,) = await self._call("Get", "ss", [_UNIT, name], path=path, interface=_PROPERTIES)
        return str(value.value)

    async def _job_of(self, path: str) -> int:
        (value,) = await self._call("Get", "ss", [_UNIT, "Job"], path=path, interface=_PROPERTIES)
        return int(value.value[0])

    async def _cancel_job(self, path: str) -> None:
        job = await self._job_of(path)
        if job:
            await self._call("CancelJob", "u", [job])

    async def _call(
        self,
        member: str,
        signature: str,
        body: list[Any],  # what D-Bus carries has no better type
        *,
        path: str = _PATH,
        interface: str = _MANAGER,
    ) -> list[Any]:
        """Call systemd; return the answer's values. Raises SystemdError."""
        bus = await self._connected()
        message = Message(
            destination=_NAME,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body,
        )
        async with asyncio.timeout(CALL_SECONDS_MAX):
            reply = await bus.call(message)
        if reply is None:
            raise SystemdError(f"systemd did not answer {member}")
        if reply.message_type is MessageType.ERROR:
            raise SystemdError(f"{member}: {reply.body[0]}", reply.error_name or "")
        return list(reply.body)

    async def _connected(self) -> MessageBus:
        async with self._connecting:
            if self._bus is not None and self._bus.connected:
                return self._bus
            try:
                address = self._bus_address or None
                bus = await MessageBus(address, bus_type=BusType.SYSTEM).connect()
            except (DBusError, OSError, EOFError) as error:
                raise SystemdError(f"cannot reach systemd over D-Bus: {error}") from error
            bus.add_message_handler(self._on_message)
            await _subscribe(bus)
            self._bus = bus
            return bus

    def _on_message(self, message: Message) -> None:
        """Take JobRemoved; a job may be over before the answer that names it was read."""
        if message.message_type is not MessageType.SIGNAL or message.member != "JobRemoved":
            return
        _, job, _, result = message.body
        waiting = self._waiting.get(job)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)
        else:
            self._removed[job] = result
            while len(self._removed) > JOBS_KEPT_MAX:
                del self._removed[next(iter(self._removed))]


async def _subscribe(bus: MessageBus) -> None:
    """Ask the bus for JobRemoved, then systemd to send its signals at all."""
    rule = f"type='signal',sender='{_NAME}',interface='{_MANAGER}',member='JobRemoved'"
    await bus.call(
        Message(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member="AddMatch",
            signature="s",
            body=[rule],
        )
    )
    await bus.call(Message(destination=_NAME, path=_PATH, interface=_MANAGER, member="Subscribe"))


def _absent(unit: str) -> UnitAnswer:
    return UnitAnswer(
        outcome=OperationOutcome.NOT_INSTALLED,
        rc=NOT_INSTALLED,
        reason=f"unit {unit} is not installed on this node",
    )
