"""The process that holds a lab: its switch, its power switch, its nodes' disks and processes.

It is process 1 of a pid namespace and sits in a mount and a network namespace of its own (for an
ordinary user in a user namespace too), so its end is the end of everything. It answers requests on
`control.sock` for the people outside, and on each node's `power.sock` for `fence_lab`.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from paceline.lab import fresh_install, layout, network, places, programs, wire
from paceline.lab.disks import Disk, mount_memory
from paceline.lab.layout import LabPaths, LabSpec
from paceline.lab.machine import Machine, MachineError, PowerState
from paceline.lab.netadmin import NetAdminError, ip_batch, nft, run_checked
from paceline.lab.network import Cut, Faults, Spoil
from paceline.lab.spawning import spawn
from paceline.lab.wire import Answer, Request, WireError
from paceline.model.errors import InvariantError

_SHARED_DISK_MIB = 64
# Exit codes of bwrap that mean "boot again": init's own word, and reboot(2) in the namespace.
_REBOOT_CODES = (100, 128 + signal.SIGHUP)
_POWER_VERBS = ("on", "off", "reboot", "status", "list", "monitor")
# A fence agent's exit code for "the machine is off".
_CODE_OFF = 2


class RefusedError(Exception):
    """A request that cannot be done; the text is for the asker."""


class Keeper:
    """All of one lab."""

    def __init__(self, spec: LabSpec, paths: LabPaths) -> None:
        """Describe; `set_up` does."""
        self._spec = spec
        self._paths = paths
        self._machines: dict[str, Machine] = {}
        self._faults = Faults()
        self._relays: dict[str, int] = {}
        self._broken_plugs: set[str] = set()
        self._shared_device = ""
        self._shared_file = -1
        self._disks: dict[str, Disk] = {}
        self._full: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    # ---- the beginning ----

    async def set_up(self) -> None:
        """Make disks, switch and sockets, and boot every member."""
        self._make_disks()
        ip_batch(network.switch_commands())
        self._shared_device = self._make_shared_disk()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        loop.add_signal_handler(signal.SIGTERM, self._over.set)
        for name in self._spec.member_names:
            self._machines[name] = Machine(name, self._paths, self._shared_device)
            self._paths.run(name).mkdir(parents=True, exist_ok=True)
        for name in self._spec.node_names:
            await self._serve(self._paths.run(name) / "power.sock", self._power_answerer(name))
        await self._boot(self._spec.member_names)
        await self._serve(self._paths.control, self._control)

    async def wait(self) -> None:
        """Wait for the end of the lab."""
        await self._over.wait()

    def _make_disks(self) -> None:
        paths = self._paths
        mount_memory(paths.disks, "64m")
        fresh_install.copy_template(Path("/etc"), paths.template)
        programs.write_programs(paths.programs)
        paths.sbin.mkdir()
        lower = f"lowerdir={paths.programs}:{Path('/usr/sbin').resolve()}"
        run_checked(["mount", "-t", "overlay", "-o", lower, "paceline-lab", str(paths.sbin)])
        if layout.OCF_AGENTS.is_dir():
            programs.write_agents(paths.own_agents)
            paths.agents.mkdir()
            lower = f"lowerdir={paths.own_agents}:{layout.OCF_AGENTS.resolve()}"
            run_checked(["mount", "-t", "overlay", "-o", lower, "paceline-lab", str(paths.agents)])
        for name in self._spec.member_names:
            self._disks[name] = Disk(name, self._spec, paths)
            fresh_install.make_disk(paths.disk(name), paths.template, self._spec, name)

    def _make_shared_disk(self) -> str:
        """Return the loop device that all nodes see as /dev/vdb; "" where there is none."""
        if not _is_real_root():
            return ""
        with open(self._paths.shared_image, "wb") as image:
            image.truncate(_SHARED_DISK_MIB << 20)
        try:
            device = run_checked(["losetup", "--find", "--show", str(self._paths.shared_image)])
            self._shared_file = os.open(device, os.O_RDWR | os.O_CLOEXEC)
            # Detached while it is open, the device frees itself when its last user is gone: us.
            run_checked(["losetup", "--detach", device])
        except (NetAdminError, OSError) as error:
            print(f"no shared disk: {error}", flush=True)
            return ""
        return device

    # ---- boot and end ----

    async def _boot(self, names: tuple[str, ...]) -> None:
        machines = [self._machines[name] for name in names]
        pipes = [machine.begin_boot() for machine in machines]
        commands = [await machine.plug(held) for machine, held in zip(machines, pipes, strict=True)]
        try:
            ip_batch("".join(commands))
        except NetAdminError as error:
            ends = "\n".join(machine.console_tail() for machine in machines)
            raise MachineError(f"{error}\n{ends}") from error
        for name in names:
            if name in self._relays:
                self._start_relay(name)
        await asyncio.gather(
            *(machine.finish_boot(held) for machine, held in zip(machines, pipes, strict=True))
        )

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            found = next((m for m in self._machines.values() if m.outer_pid == pid), None)
            if found is not None:
                self._machine_gone(found, os.waitstatus_to_exitcode(status))

    def _machine_gone(self, machine: Machine, code: int) -> None:
        was = machine.state
        machine.has_gone()
        print(f"{machine.name} is off (was {was}, exit {code})", flush=True)
        if code in _REBOOT_CODES:
            self._later(self._boot_again(machine, machine.power_losses))

    async def _boot_again(self, machine: Machine, power_losses: int) -> None:
        """Boot a machine that went down to reboot, unless its power was taken meanwhile."""
        async with machine.lock:
            if machine.state is PowerState.OFF and machine.power_losses == power_losses:
                await self._boot((machine.name,))

    def _later(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            try:
                await work
            except (MachineError, NetAdminError) as error:
                print(f"failed: {error}", flush=True)

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- requests ----

    async def _serve(self, path: Path, answer: Callable[[Request], Awaitable[Answer]]) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                request = wire.parse_request(await reader.readline())
                writer.write((await answer(request)).line())
                await writer.drain()
            except (WireError, OSError, ValueError) as error:
                print(f"{path.name}: {error}", flush=True)
            finally:
                writer.close()

        await asyncio.start_unix_server(connected, str(path), limit=wire.LINE_BYTES_MAX)

    async def _control(self, request: Request) -> Answer:
        try:
            return await self._do(request.verb, request.words)
        except (RefusedError, MachineError, NetAdminError) as error:
            return Answer(code=1, err=str(error))

    async def _do(self, verb: str, words: tuple[str, ...]) -> Answer:
        match verb, words:
            case "status", ():
                return Answer(out=json.dumps(self._status()))
            case "boot", (name,):
                await self._boot_one(self._member(name))
            case "crash", (name,):
                await self._crash(self._member(name))
            case "freeze" | "thaw", (name,):
                await self._freeze(self._running(name), is_wanted=verb == "freeze")
            case "cut", (first, second, device, ways):
                self._cut(first, second, device, is_one_way=ways == "one-way")
            case "spoil", (name, loss_permille, delay_ms):
                self._spoil(name, int(loss_permille), int(delay_ms))
            case "heal", (name,):
                self._heal(name)
            case "fill", (name,):
                self._fill(name)
            case "break-power" | "mend-power", (name,):
                self._break_power(name, is_broken=verb == "break-power")
            case "down", ():
                self._over.set()
            case _:
                raise RefusedError(f"the lab does not know '{verb}' with {len(words)} words")
        return Answer()

    def _status(self) -> dict[str, object]:
        return {
            "members": {
                name: {"state": str(machine.state), "boots": machine.boots}
                for name, machine in self._machines.items()
            },
            "cuts": [[cut.first, cut.second, *cut.devices] for cut in self._faults.cuts],
            "spoils": [
                [spoil.member, spoil.loss_permille, spoil.delay_ms] for spoil in self._faults.spoils
            ],
            "full": sorted(self._full),
            "shared_disk": layout.NODE_SHARED_DISK if self._shared_device else "",
        }

    def _member(self, name: str) -> Machine:
        found = self._machines.get(name)
        if found is None:
            known = ", ".join(self._machines)
            raise RefusedError(f"there is no '{name}' in this lab (it has {known})")
        return found

    def _running(self, name: str) -> Machine:
        found = self._member(name)
        if found.state not in (PowerState.ON, PowerState.FROZEN):
            raise RefusedError(f"{name} is {found.state}; boot it first")
        return found

    async def _boot_one(self, machine: Machine) -> None:
        async with machine.lock:
            if machine.state is not PowerState.OFF:
                raise RefusedError(f"{machine.name} is {machine.state} already")
            await self._boot((machine.name,))

    async def _crash(self, machine: Machine) -> None:
        async with machine.lock:
            await machine.crash()

    async def _freeze(self, machine: Machine, *, is_wanted: bool) -> None:
        async with machine.lock:
            if is_wanted:
                machine.freeze()
            elif machine.state is PowerState.FROZEN:
                machine.thaw()

    # ---- faults ----

    def _cut(self, first: str, second: str, device: str, *, is_one_way: bool) -> None:
        self._member(first)
        if second:
            self._member(second)
        devices = tuple(known.device for known in layout.NETWORKS)
        if device and device not in devices:
            raise RefusedError(f"there is no link '{device}' (there are {', '.join(devices)})")
        chosen = (device,) if device else devices
        cut = Cut(first=first, second=second, devices=chosen, is_one_way=is_one_way)
        self._set_faults(self._faults.with_cut(cut))

    def _spoil(self, name: str, loss_permille: int, delay_ms: int) -> None:
        self._member(name)
        if not 0 <= loss_permille <= network.PERMILLE or not 0 <= delay_ms <= network.DELAY_MS_MAX:
            raise RefusedError(
                f"loss is 0 to 100 percent, delay 0 to {network.DELAY_MS_MAX} milliseconds"
            )
        wanted = Spoil(member=name, loss_permille=loss_permille, delay_ms=delay_ms)
        self._set_faults(self._faults.with_spoil(wanted))

    def _heal(self, name: str) -> None:
        if name:
            self._member(name)
        for full in sorted(self._full):
            if name in ("", full):
                self._disks[full].free()
                self._full.discard(full)
        self._broken_plugs = set() if not name else self._broken_plugs - {name}
        self._set_faults(self._faults.healed(name))

    def _set_faults(self, faults: Faults) -> None:
        before, self._faults = self._faults, faults
        nft(network.filter_rules(faults))
        for name in self._machines:
            if before.delay_ms(name) != faults.delay_ms(name):
                self._stop_relay(name)
                if faults.delay_ms(name):
                    self._start_relay(name)

    def _start_relay(self, name: str) -> None:
        """Hold a member's packets; a member that is off gets its relay when it boots."""
        self._relays.setdefault(name, 0)
        if self._machines[name].state is PowerState.OFF:
            return
        if self._relays[name] == 0:
            ip_batch(network.relay_commands(name))
        else:
            self._end_relay_process(name)
            ip_batch(
                "".join(f"link set {network.port(name, net)} nomaster\n" for net in layout.NETWORKS)
            )
        pairs = [
            f"{network.port(name, net)}={network.relay_port(name, net)}" for net in layout.NETWORKS
        ]
        argv = [
            sys.executable,
            "-m",
            "paceline.lab.relay",
            str(self._faults.delay_ms(name)),
            *pairs,
        ]
        with open(os.devnull, "rb") as nothing:
            self._relays[name] = spawn(
                argv, environment=dict(os.environ), files=(nothing.fileno(), 1, 2)
            )

    def _stop_relay(self, name: str) -> None:
        if self._relays.get(name):
            self._end_relay_process(name)
            ip_batch(network.unrelay_commands(name), is_forced=True)
        self._relays.pop(name, None)

    def _end_relay_process(self, name: str) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._relays[name], signal.SIGKILL)

    def _fill(self, name: str) -> None:
        self._member(name)
        self._disks[name].fill()
        self._full.add(name)

    # ---- the power switch ----

    def _break_power(self, name: str, *, is_broken: bool) -> None:
        self._member(name)
        if is_broken:
            self._broken_plugs.add(name)
        else:
            self._broken_plugs.discard(name)

    def _power_answerer(self, asker: str) -> Callable[[Request], Awaitable[Answer]]:
        async def answer(request: Request) -> Answer:
            plug = request.words[0] if request.words else ""
            begun_ms = _now_ms()
            try:
                result = await self._power(request.verb, plug)
            except (RefusedError, MachineError, NetAdminError) as error:
                result = Answer(code=1, err=str(error))
            if request.verb in ("on", "off", "reboot"):
                self._write_ledger(asker, request.verb, plug, begun_ms, result)
            return result

        return answer

    async def _power(self, verb: str, plug: str) -> Answer:
        if verb not in _POWER_VERBS:
            raise RefusedError(f"the power switch does not know '{verb}'")
        if verb == "list":
            return Answer(out="".join(f"{name},\n" for name in self._spec.node_names))
        if verb == "monitor":
            return Answer()
        if plug not in self._spec.node_names:
            raise RefusedError(f"the power switch has no plug '{plug}'")
        if plug in self._broken_plugs:
            raise RefusedError(f"the power switch does not answer for plug '{plug}'")
        machine = self._machines[plug]
        if verb == "status":
            is_off = machine.state is PowerState.OFF
            return Answer(code=_CODE_OFF if is_off else 0, out="off" if is_off else "on")
        if verb == "reboot":
            await self._power_cycle(machine)
            return Answer()
        async with machine.lock:
            if verb == "off":
                await machine.crash()
            elif machine.state is PowerState.OFF:
                await self._boot((plug,))
        return Answer()

    async def _power_cycle(self, machine: Machine) -> None:
        """Switch off and on: the answer is due when it was off, as with a real switch.

        The lock is kept until the machine is up, so that an `off` which comes next finds it so.
        """
        await machine.lock.acquire()
        try:
            await machine.crash()
        except BaseException:
            machine.lock.release()
            raise
        self._later(self._boot_and_release(machine))

    async def _boot_and_release(self, machine: Machine) -> None:
        try:
            await self._boot((machine.name,))
        finally:
            machine.lock.release()

    def _write_ledger(
        self, asker: str, verb: str, plug: str, begun_ms: int, result: Answer
    ) -> None:
        line = {
            "begun_ms": begun_ms, "ended_ms": _now_ms(), "asker": asker, "verb": verb,
            "plug": plug, "is_done": result.code == 0, "error": result.err,
        }  # fmt: skip
        with open(self._paths.ledger, "a", encoding="utf-8") as ledger:
            ledger.write(json.dumps(line) + "\n")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _is_real_root() -> bool:
    """Say whether our root is the machine's: an ordinary user's lab has a map of its own."""
    return Path("/proc/self/uid_map").read_text().split()[:2] == ["0", "0"]


async def _keep(spec: LabSpec, paths: LabPaths, ready_file: int) -> None:
    keeper = Keeper(spec, paths)
    try:
        await keeper.set_up()
    except (MachineError, NetAdminError, OSError, shutil.Error) as error:
        os.write(ready_file, f"{error}\n".encode())
        return
    os.write(ready_file, b"ready\n")
    os.close(ready_file)
    await keeper.wait()


def main() -> int:
    """Hold a lab: `python -m paceline.lab.keeper FOLDER READY_FILE_NUMBER`."""
    paths = LabPaths(Path(sys.argv[1]))
    record = places.read_record(paths)
    if record is None:
        raise InvariantError("whoever starts a keeper wrote what is wanted")
    ready_file = int(sys.argv[2])
    os.set_inheritable(ready_file, False)
    asyncio.run(_keep(record.spec, paths, ready_file))
    return 0


if __name__ == "__main__":
    # Process 1's end is the lab's end: nothing to tidy up is worth waiting for.
    os._exit(main())
