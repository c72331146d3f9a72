"""Process 1 of a node: it reaps, runs the services, and runs what is asked from outside.

It is a small loop over: the exit of children, its socket (`/run/paceline-lab/init.sock`, where
`systemctl`, `reboot` and `paceline lab exec` ask), the services' notify sockets, and timers. What
to do with the services is decided in `services`. The standard library only, and little of it:
every node starts one.

`exec` hands over the asker's three open files and gets the exit code; when the asker goes away, the
command's session is killed.
"""

import contextlib
import heapq
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from paceline.lab import booting, layout, services, units, wire
from paceline.lab.enabling import change_enabled, enabled_units, say_enabled
from paceline.lab.services import (
    Alive,
    Done,
    Due,
    End,
    Gone,
    Ready,
    Runner,
    Spawn,
    State,
    Timer,
    Wanted,
)
from paceline.lab.spawning import spawn
from paceline.lab.units import Unit
from paceline.lab.wire import Answer, Request, WireError

# How init ends tells the keeper what to do with the node.
EXIT_OFF = 0
EXIT_REBOOT = 100

_CONNECTIONS_MAX = 256
_LOG_BYTES_MAX = 8 << 20
_BOOT, _SHUTDOWN = 0, -1
_TERM_WAIT_S = 1.0
_FROZEN_MS = 1000
_COROSYNC_SYSTEM = "sched_rr=no move_to_root_cgroup=no allow_knet_handle_fallback=yes"


def base_environment() -> dict[str, str]:
    """Return what every process of a node finds in its environment."""
    return {
        "PATH": layout.SEARCH_PATH,
        "HOME": "/root",
        "USER": "root",
        "LOGNAME": "root",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PACELINE_BOOT_ID_FILE": str(layout.NODE_RUN / "boot-id"),
        "PACELINE_COROSYNC_SYSTEM": _COROSYNC_SYSTEM,
        "PACELINE_LAB": "1",
    }


@dataclass(slots=True)
class _Asker:
    """One connection: what came in, the open files beside it, and the command it waits for."""

    connection: socket.socket
    number: int
    pending: bytes = b""
    files: list[int] = field(default_factory=list)
    pid: int = 0


class Init:
    """The loop and its state."""

    def __init__(self, member: str) -> None:
        """Bind nothing yet; `main` does it in order."""
        self._member = member
        self._runner = Runner()
        self._selector = selectors.DefaultSelector()
        self._askers: dict[int, _Asker] = {}
        self._next_asker = 1
        self._services: dict[int, Unit] = {}
        self._commands: dict[int, _Asker] = {}
        self._timers: list[tuple[int, int, Due]] = []
        self._exit: int | None = None
        self._shutdown_code = EXIT_OFF
        self._wake_in, self._wake_out = os.pipe()

    # ---- the loop ----

    def serve(self, ready: Callable[[], None]) -> int:
        """Run until the node goes down; return init's exit code."""
        self._watch_signals()
        listener = _listen(layout.NODE_RUN / "init.sock", socket.SOCK_STREAM)
        listener.listen(_CONNECTIONS_MAX)
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
        if self._member != layout.CLIENT:
            self._open_notify_sockets()
            enabled = tuple(unit for unit in units.UNITS if unit.name in enabled_units())
            self._handle(Wanted(asker=_BOOT, verb="start", units=enabled))
        ready()
        while self._exit is None:
            for key, _ in self._selector.select(self._wait_s()):
                action: Callable[[], None] = key.data
                action()
            self._fire_timers()
        self._end_everything()
        return self._exit

    def _end_everything(self) -> None:
        """Give what still runs the time that a machine gives it, and tell who waits for it.

        What does not end dies with us.
        """
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGTERM)
        deadline = time.monotonic() + _TERM_WAIT_S
        while self._reap() and time.monotonic() < deadline:
            time.sleep(0.005)

    def _wait_s(self) -> float | None:
        return max(0.0, (self._timers[0][0] - _now_ms()) / 1000) if self._timers else None

    def _fire_timers(self) -> None:
        late_ms = _now_ms() - self._timers[0][0] if self._timers else 0
        if late_ms > _FROZEN_MS:
            # We were frozen, and all that the timers watch with us: they go on where they were.
            self._timers = [(at + late_ms, number, due) for at, number, due in self._timers]
        while self._timers and self._timers[0][0] <= _now_ms():
            self._handle(heapq.heappop(self._timers)[2])

    def _watch_signals(self) -> None:
        os.set_blocking(self._wake_in, False)
        os.set_blocking(self._wake_out, False)
        signal.set_wakeup_fd(self._wake_out, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        self._selector.register(self._wake_in, selectors.EVENT_READ, self._on_signal)

    def _on_signal(self) -> None:
        numbers = os.read(self._wake_in, 4096)
        if signal.SIGTERM in numbers:
            self._shut_down(EXIT_OFF)
        if signal.SIGINT in numbers:
            self._shut_down(EXIT_REBOOT)
        self._reap()

    def _reap(self) -> bool:
        """Take note of every child that ended; say whether others live."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            code = os.waitstatus_to_exitcode(status)
            if pid in self._services:
                self._service_gone(pid, code)
            elif pid in self._commands:
                self._command_gone(pid, code)

    # ---- services ----

    def _handle(self, event: services.Event) -> None:
        for effect in self._runner.handle(event, now_ms=_now_ms()):
            match effect:
                case Spawn():
                    self._start_service(effect.unit)
                case End():
                    self._end_service(effect)
                case Timer():
                    due = Due(unit=effect.unit, number=effect.number)
                    entry = (_now_ms() + effect.wait_ms, effect.number, due)
                    heapq.heappush(self._timers, entry)
                case Done():
                    self._done(effect)
                case _:
                    assert_never(effect)

    def _start_service(self, unit: Unit) -> None:
        environment = base_environment()
        if unit.is_notifying:
            environment["NOTIFY_SOCKET"] = str(_notify_path(unit))
        if unit.watchdog_ms:
            environment["WATCHDOG_USEC"] = str(unit.watchdog_ms * 1000)
        log = _open_log(unit.name)
        try:
            with open(os.devnull, "rb") as nothing:
                pid = spawn(
                    unit.command, environment=environment, files=(nothing.fileno(), log, log)
                )
            self._services[pid] = unit
        except OSError as error:
            with contextlib.suppress(OSError):
                os.write(log, f"{unit.command[0]}: {error.strerror}\n".encode())
            self._handle(Gone(unit=unit.name, code=127))
        finally:
            os.close(log)

    def _end_service(self, effect: End) -> None:
        number = signal.SIGKILL if effect.is_kill else signal.SIGTERM
        for pid, unit in self._services.items():
            if unit == effect.unit:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def _service_gone(self, pid: int, code: int) -> None:
        unit = self._services.pop(pid)
        if unit.ends_group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        self._handle(Gone(unit=unit.name, code=code))

    def _open_notify_sockets(self) -> None:
        for unit in units.UNITS:
            if unit.is_notifying:
                listener = _listen(_notify_path(unit), socket.SOCK_DGRAM)
                self._selector.register(
                    listener, selectors.EVENT_READ, self._notified(unit, listener)
                )

    def _notified(self, unit: Unit, listener: socket.socket) -> Callable[[], None]:
        def read() -> None:
            try:
                words = listener.recv(4096).decode(errors="replace").splitlines()
            except OSError:
                return
            if "READY=1" in words:
                self._handle(Ready(unit=unit.name))
            if "WATCHDOG=1" in words:
                self._handle(Alive(unit=unit.name))

        return read

    def _done(self, effect: Done) -> None:
        if effect.asker == _SHUTDOWN:
            self._exit = self._shutdown_code
        asker = self._askers.get(effect.asker)
        if asker is not None:
            err = f"{effect.message}\n" if effect.message else ""
            self._answer(asker, Answer(code=effect.code, err=err))

    def _shut_down(self, code: int) -> None:
        self._shutdown_code = code
        self._handle(Wanted(asker=_SHUTDOWN, verb="stop", units=units.UNITS))

    # ---- who asks ----

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        if len(self._askers) >= _CONNECTIONS_MAX:
            connection.close()
            return
        connection.setblocking(False)
        asker = _Asker(connection, self._next_asker)
        self._next_asker += 1
        self._askers[asker.number] = asker
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._read(asker))

    def _read(self, asker: _Asker) -> None:
        try:
            chunk, files, _, _ = socket.recv_fds(asker.connection, 65536, wire.FILES_MAX)
        except BlockingIOError:
            return
        except OSError:
            chunk, files = b"", []
        for number in files:
            # They are for the command's own three; what it leaves behind must not hold them.
            os.set_inheritable(number, False)
        asker.files += files
        asker.pending += chunk
        if not chunk or len(asker.pending) > wire.LINE_BYTES_MAX:
            self._forget(asker)
            return
        while b"\n" in asker.pending and asker.number in self._askers:
            line, _, asker.pending = asker.pending.partition(b"\n")
            try:
                self._answer_request(asker, wire.parse_request(line))
            except WireError as error:
                self._answer(asker, Answer(code=1, err=f"{error}\n"))

    def _forget(self, asker: _Asker) -> None:
        self._selector.unregister(asker.connection)
        asker.connection.close()
        del self._askers[asker.number]
        self._close_files(asker)
        if asker.pid:
            _kill_session(asker.pid)

    def _close_files(self, asker: _Asker) -> None:
        for number in asker.files:
            os.close(number)
        asker.files.clear()

    def _answer(self, asker: _Asker, answer: Answer) -> None:
        # An answer is far smaller than a socket's buffer; who does not read it loses it.
        with contextlib.suppress(OSError):
            asker.connection.send(answer.line())

    def _answer_request(self, asker: _Asker, request: Request) -> None:
        match request.verb:
            case "exec":
                self._execute(asker, request)
            case "signal" if asker.pid and request.words:
                with contextlib.suppress(ProcessLookupError, ValueError):
                    os.killpg(asker.pid, int(request.words[0]))
            case "reboot" | "poweroff":
                self._go_down(asker, request)
            case "start" | "stop" | "restart" | "reset-failed":
                self._change_services(asker, request)
            case _:
                self._answer(asker, self._look(request))

    def _go_down(self, asker: _Asker, request: Request) -> None:
        code = EXIT_REBOOT if request.verb == "reboot" else EXIT_OFF
        self._answer(asker, Answer())
        if "now" in request.words:
            self._exit = code
        else:
            self._shut_down(code)

    def _change_services(self, asker: _Asker, request: Request) -> None:
        wanted, unknown = _find_units(request.words)
        if unknown:
            self._answer(asker, Answer(code=5, err=f"Unit {unknown}.service not found.\n"))
            return
        if request.verb == "reset-failed" and not wanted:
            wanted = units.UNITS
        self._handle(Wanted(asker=asker.number, verb=request.verb, units=wanted))

    def _look(self, request: Request) -> Answer:
        wanted, unknown = _find_units(request.words)
        match request.verb:
            case "daemon-reload":
                return Answer()
            case "is-active":
                return self._is_active(request.words)
            case "is-enabled":
                return say_enabled(request.words)
            case _ if unknown:
                return Answer(code=4, err=f"Unit {unknown}.service could not be found.\n")
            case "enable" | "disable":
                return change_enabled(wanted, is_enabled=request.verb == "enable")
            case "reload":
                return self._reload(wanted)
            case "status":
                return self._status(wanted or units.UNITS)
            case _:
                return Answer(code=1, err=f"Unknown command verb {request.verb}.\n")

    def _reload(self, wanted: tuple[Unit, ...]) -> Answer:
        """Have the units read their settings anew, where they can."""
        lines = []
        for unit in wanted:
            pid = next((pid for pid, known in self._services.items() if known == unit), 0)
            if not unit.is_reloadable:
                lines.append(f"Job type reload is not applicable for unit {unit.name}.service.\n")
            elif not pid:
                lines.append(f"{unit.name}.service is not active, cannot reload.\n")
            else:
                os.kill(pid, signal.SIGHUP)
        return Answer(code=1 if lines else 0, err="".join(lines))

    def _is_active(self, words: tuple[str, ...]) -> Answer:
        lines = []
        for word in words:
            unit = units.find_unit(word)
            lines.append(State.INACTIVE if unit is None else self._runner.state(unit.name))
        code = 0 if State.ACTIVE in lines else 3
        return Answer(code=code, out="".join(f"{line}\n" for line in lines))

    def _status(self, wanted: tuple[Unit, ...]) -> Answer:
        enabled = enabled_units()
        lines, code = [], 0
        for unit in wanted:
            state = self._runner.state(unit.name)
            has_changed = self._runner.since_ms(unit.name) > 0
            since_s = (_now_ms() - self._runner.since_ms(unit.name)) // 1000
            pid = next((pid for pid, known in self._services.items() if known == unit), 0)
            word = "enabled" if unit.name in enabled else "disabled"
            lines += [
                f"{unit.name}.service - {unit.description}",
                f"     Loaded: loaded (lab; {word})",
                f"     Active: {state}" + (f" for {since_s}s" if has_changed else ""),
            ]
            if pid:
                lines.append(f"   Main PID: {pid} ({unit.command[0]})")
            elif self._runner.last_code(unit.name) is not None:
                lines.append(f"  Last exit: {self._runner.last_code(unit.name)}")
            lines += [*_log_tail(unit.name), ""]
            code = code or (0 if state is State.ACTIVE else 3)
        return Answer(code=code, out="\n".join(lines))

    # ---- commands from outside ----

    def _execute(self, asker: _Asker, request: Request) -> None:
        if len(asker.files) != wire.FILES_MAX or not request.words or asker.pid:
            self._answer(asker, Answer(code=125, err="exec wants a command and three open files\n"))
            return
        environment = {**base_environment(), **dict(request.environment)}
        argv = list(request.words)
        if request.folder:
            argv = ["env", "-C", request.folder, *argv]
        try:
            pid = spawn(
                argv,
                environment=environment,
                files=(asker.files[0], asker.files[1], asker.files[2]),
            )
        except OSError as error:
            code = 127 if isinstance(error, FileNotFoundError) else 126
            self._answer(asker, Answer(code=code, err=f"{argv[0]}: {error.strerror}\n"))
            return
        finally:
            self._close_files(asker)
        asker.pid = pid
        self._commands[pid] = asker

    def _command_gone(self, pid: int, code: int) -> None:
        asker = self._commands.pop(pid)
        asker.pid = 0
        if asker.number in self._askers:
            self._answer(asker, Answer(code=code if code >= 0 else 128 - code))


def _kill_session(pid: int) -> None:
    """Hang up on a command whose asker is gone, and end it: TERM is for those who wait."""
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)


def _find_units(words: tuple[str, ...]) -> tuple[tuple[Unit, ...], str]:
    found = []
    for word in words:
        unit = units.find_unit(word)
        if unit is None:
            return (), word.removesuffix(".service")
        found.append(unit)
    return tuple(found), ""


def _notify_path(unit: Unit) -> Path:
    return layout.NODE_RUN / f"notify-{unit.name}.sock"


def _listen(path: Path, kind: socket.SocketKind) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(str(path))
    listener.setblocking(False)
    return listener


def _open_log(name: str) -> int:
    """Open a service's log; when the disk does not even take that, its words are lost."""
    path = layout.NODE_LOG / f"{name}.log"
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        if path.exists() and path.stat().st_size > _LOG_BYTES_MAX:
            path.replace(path.with_suffix(".log.1"))
        return os.open(path, flags, 0o644)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


def _log_tail(name: str, lines_max: int = 10) -> list[str]:
    try:
        with open(layout.NODE_LOG / f"{name}.log", "rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 4096))
            text = log.read().decode(errors="replace")
    except OSError:
        return []
    return [f"    {line}" for line in text.splitlines()[-lines_max:]]


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def main() -> int:
    """Boot: `paceline-lab-init MEMBER READY_FILE_NUMBER [MAJOR MINOR]` (the shared disk's)."""
    member, ready_file = sys.argv[1], int(sys.argv[2])
    os.set_inheritable(ready_file, False)
    os.environ.clear()
    os.environ.update(base_environment())
    os.umask(0o022)
    booting.prepare()
    if len(sys.argv) > 4:
        booting.make_shared_disk(int(sys.argv[3]), int(sys.argv[4]))
    booting.set_up_network(member, base_environment())
    os.chdir("/root")
    init = Init(member)

    def ready() -> None:
        os.write(ready_file, b"1")
        os.close(ready_file)

    return init.serve(ready)
