"""One member as the keeper holds it: its bubblewrap process, its disk, on, off or frozen.

off --boot--> booting --init is ready--> on --freeze--> frozen --thaw--> on
on or frozen --crash, power off, or its init leaves--> off --and it left to reboot--> booting
"""

import asyncio
import contextlib
import json
import os
import signal
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from paceline.lab import enclosure, network
from paceline.lab.enclosure import Enclosure
from paceline.lab.layout import LabPaths
from paceline.lab.netadmin import ip_batch
from paceline.lab.spawning import spawn

BOOT_TIMEOUT_S = 30.0
GONE_TIMEOUT_S = 10.0
# Each pass stops what the one before could not know; a node of a lab is never this busy.
_FREEZE_PASSES_MAX = 50


class PowerState(StrEnum):
    """What a member's power light shows."""

    OFF = "off"
    BOOTING = "booting"
    ON = "on"
    FROZEN = "frozen"


class MachineError(Exception):
    """A member could not be brought to the wanted state; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pipes:
    """What the keeper holds of a booting member: bwrap's words, its brake, init's readiness."""

    info: int
    release: int
    ready: int


class Machine:
    """One member."""

    def __init__(self, name: str, paths: LabPaths, shared_device: str) -> None:
        """Describe a member that is off."""
        self.name = name
        self.state = PowerState.OFF
        self.boots = 0
        self.power_losses = 0
        self.lock = asyncio.Lock()
        self.outer_pid = 0
        self._paths = paths
        self._shared_device = shared_device
        self._init_pid = 0
        self._gone = asyncio.Event()
        self._gone.set()

    # ---- boot, in three phases so that many can boot together ----

    def begin_boot(self) -> _Pipes:
        """Start bubblewrap; it waits for the network before it runs init."""
        self.state, self.boots = PowerState.BOOTING, self.boots + 1
        self._gone.clear()
        run = self._paths.run(self.name)
        run.mkdir(parents=True, exist_ok=True)
        (run / "boot-id").write_text(f"{uuid.uuid4()}\n")
        info_in, info_out = os.pipe()
        block_in, block_out = os.pipe()
        ready_in, ready_out = os.pipe()
        view = Enclosure(
            member=self.name,
            paths=self._paths,
            top=enclosure.host_top(),
            needed=enclosure.needed_paths(),
            info_file=info_out,
            block_file=block_in,
        )
        command = (
            "/usr/sbin/paceline-lab-init", self.name, str(ready_out), *self._device_numbers()
        )  # fmt: skip
        given = (info_out, block_in, ready_out)
        self.outer_pid = _spawn_with(view.arguments(command), self._paths.console(self.name), given)
        for number in given:
            os.close(number)
        return _Pipes(info=info_in, release=block_out, ready=ready_in)

    def _device_numbers(self) -> tuple[str, ...]:
        """Return major and minor of the shared disk, if there is one."""
        if not self._shared_device:
            return ()
        device = os.stat(self._shared_device).st_rdev
        return str(os.major(device)), str(os.minor(device))

    async def plug(self, pipes: _Pipes) -> str:
        """Wait for the namespaces and return the commands that plug the member in."""
        text = await _read_all(pipes.info, timeout_s=BOOT_TIMEOUT_S)
        try:
            self._init_pid = int(json.loads(text)["child-pid"])
        except (ValueError, KeyError) as error:
            raise MachineError(f"{self.name} did not start: {self.console_tail()}") from error
        return network.plug_commands(self.name, self._init_pid)

    async def finish_boot(self, pipes: _Pipes) -> None:
        """Let init run and wait until it is ready."""
        os.write(pipes.release, b"1")
        os.close(pipes.release)
        answer = await _read_some(pipes.ready, timeout_s=BOOT_TIMEOUT_S)
        os.close(pipes.ready)
        if answer != b"1":
            raise MachineError(f"{self.name} did not boot: {self.console_tail()}")
        self.state = PowerState.ON

    # ---- the end ----

    async def crash(self) -> None:
        """Take the power away.

        Everything is stopped and unplugged before it is killed: a process that is killed closes its
        connections, and the kernel would say goodbye for it.
        """
        self.power_losses += 1
        if self.state is PowerState.OFF:
            return
        if self._init_pid and self.state is not PowerState.FROZEN:
            self.freeze()
        ip_batch(network.unplug_commands(self.name), is_forced=True)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._init_pid or self.outer_pid, signal.SIGKILL)
        try:
            await asyncio.wait_for(self._gone.wait(), GONE_TIMEOUT_S)
        except TimeoutError as error:
            raise MachineError(f"{self.name} does not end") from error

    def has_gone(self) -> None:
        """Take note that bubblewrap ended."""
        self.state, self.outer_pid, self._init_pid = PowerState.OFF, 0, 0
        ip_batch(network.unplug_commands(self.name), is_forced=True)
        self._gone.set()

    # ---- frozen ----

    def freeze(self) -> None:
        """Stop every process of the member, init first, until no running one is found."""
        namespace = os.readlink(f"/proc/{self._init_pid}/ns/pid")
        stopped: set[int] = set()
        for _ in range(_FREEZE_PASSES_MAX):
            found = {self._init_pid, *_processes_in(namespace)} - stopped
            if not found:
                break
            for pid in sorted(found, key=lambda pid: pid != self._init_pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            stopped |= found
        self.state = PowerState.FROZEN

    def thaw(self) -> None:
        """Let every process go on, init last."""
        namespace = os.readlink(f"/proc/{self._init_pid}/ns/pid")
        for pid in sorted(_processes_in(namespace), key=lambda pid: pid == self._init_pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.state = PowerState.ON

    def console_tail(self, bytes_max: int = 2000) -> str:
        """Return the last words of bubblewrap and init."""
        try:
            text = self._paths.console(self.name).read_bytes()[-bytes_max:]
        except OSError:
            return ""
        return text.decode(errors="replace").strip()


def _spawn_with(argv: Sequence[str], console: Path, given: Sequence[int]) -> int:
    """Start a program whose output goes to a file and which inherits the given open files."""
    for number in given:
        os.set_inheritable(number, True)
    with open(os.devnull, "rb") as nothing, open(console, "ab") as log:
        return spawn(
            argv,
            environment=dict(os.environ),
            files=(nothing.fileno(), log.fileno(), log.fileno()),
        )


def _processes_in(namespace: str) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{name}/ns/pid") == namespace:
                    found.append(int(name))
    return found


async def _read_some(number: int, *, timeout_s: float) -> bytes:
    """Wait until an open file has something, or ends; return it."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        if not waiting.done():
            waiting.set_result(None)

    loop.add_reader(number, readable)
    try:
        await asyncio.wait_for(waiting, timeout_s)
        return os.read(number, 65536)
    except TimeoutError:
        return b""
    finally:
        loop.remove_reader(number)


async def _read_all(number: int, *, timeout_s: float) -> bytes:
    """Read until the other side closes, or the time is over; then close."""
    text, deadline = b"", time.monotonic() + timeout_s
    while chunk := await _read_some(number, timeout_s=deadline - time.monotonic()):
        text += chunk
        if text.rstrip().endswith(b"}"):
            break
    os.close(number)
    return text
