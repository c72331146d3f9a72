"""Where processes start: one module, never through a shell.

Each runs in a session and group of its own. It has ended when it exited, even if a daemon it left
behind still holds its output (an agent's `send_arp`, a service that it started). What it prints is
read always and kept in bounds. At its time limit its tree is looked at and saved, then its group
gets TERM, then KILL; only when the group is gone is it certain that nothing more comes of it.

    running --exit--> ended
    running --time limit--> examined --TERM--> ending --exit and group gone--> ended (timed out)
                                               ending --5 s, KILL, 5 s--> ended (not gone)
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from paceline.adapters.executor.diagnosis import DiagnosisFolder, list_processes
from paceline.adapters.executor.urgency import make_ordinary

OUTPUT_BYTES_MAX = 64 * 1024
"""How much of the end of an output is kept."""
INPUT_BYTES_MAX = 60 * 1024
"""What a pipe takes at once, with room: the input is written before the process reads."""
READ_BYTES = 64 * 1024
DRAIN_READS_MAX = 16
"""How often the pipe is read after the exit: a daemon left behind may go on writing."""
KILL_AFTER_SECONDS = 5.0
GONE_AFTER_SECONDS = 5.0
"""After KILL; a process in an uninterruptible wait may outlast it."""
GROUP_POLL_SECONDS = 0.05
EXAMINE_SECONDS_MAX = 1.0
_RESET_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those that Python ignores or a service runner may have ignored: an agent gets the defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run: a program by its full path, its words, its whole environment, its input.

    `name` is for the diagnosis. The input may hold passwords, so it is in no `repr`.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    timeout_ms: int
    name: str
    input: bytes = b""

    def __repr__(self) -> str:
        """Return the words only: input and environment may hold secrets."""
        return f"Command({self.argv!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended: its exit status, or -1 and the signal that ended it.

    `is_gone` is false where members of its group outlived KILL: then it may still do something.
    """

    status: int
    signal: int = 0
    has_timed_out: bool = False
    is_gone: bool = True
    output: bytes = b""
    exec_ms: int = 0
    diagnosis: str = ""


class RunningProcess:
    """One process, from its start to its end. The loop's thread only."""

    def __init__(
        self,
        command: Command,
        on_end: Callable[[Ended], None],
        *,
        loop: asyncio.AbstractEventLoop,
        diagnosis: DiagnosisFolder,
        kill_after_seconds: float = KILL_AFTER_SECONDS,
    ) -> None:
        """Start it; `on_end` is called once, later. Raises OSError where it cannot be started."""
        self._command = command
        self._on_end = on_end
        self._loop = loop
        self._diagnosis_folder = diagnosis
        self._kill_after_seconds = kill_after_seconds
        self._diagnosis = ""
        self._output = bytearray()
        self._status: tuple[int, int] | None = None
        self._has_timed_out = False
        self._is_ending = False
        self._is_finished = False
        self._began = loop.time()
        self.pid, self._pipe = _spawn(command)
        self._pidfd = _watch(self.pid, self._pipe)
        loop.add_reader(self._pipe, self._read)
        loop.add_reader(self._pidfd, self._exited)
        self._timer = loop.call_later(command.timeout_ms / 1000, self._time_is_over)

    def _read(self) -> None:
        try:
            chunk = os.read(self._pipe, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._loop.remove_reader(self._pipe)
            return
        self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        self._output += chunk
        if len(self._output) > 2 * OUTPUT_BYTES_MAX:
            del self._output[:-OUTPUT_BYTES_MAX]

    def _exited(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self._status = _collect(self._pidfd)
        os.close(self._pidfd)
        self._drain()
        if self._has_timed_out:
            self._wait_for_group()
        else:
            self._finish(True)

    def _drain(self) -> None:
        self._loop.remove_reader(self._pipe)
        with contextlib.suppress(OSError):
            for _ in range(DRAIN_READS_MAX):
                chunk = os.read(self._pipe, READ_BYTES)
                if not chunk:
                    break
                self._keep(chunk)
        os.close(self._pipe)

    # The time limit.

    def _time_is_over(self) -> None:
        """Save what the tree does, in a thread: reading /proc can block on a stuck process."""
        self._has_timed_out = True
        saving = self._loop.run_in_executor(
            None, self._diagnosis_folder.save, self._command.name, self.pid
        )
        saving.add_done_callback(self._examined)
        self._timer = self._loop.call_later(EXAMINE_SECONDS_MAX, self._end_group)

    def _examined(self, saving: "asyncio.Future[str]") -> None:
        if not saving.cancelled() and saving.exception() is None:
            self._diagnosis = saving.result()
        self._end_group()

    def _end_group(self) -> None:
        if self._is_ending or self._is_finished:
            return
        self._is_ending = True
        self._timer.cancel()
        signal_group(self.pid, signal.SIGTERM)
        self._timer = self._loop.call_later(self._kill_after_seconds, self._kill_group)

    def _kill_group(self) -> None:
        signal_group(self.pid, signal.SIGKILL)
        self._timer = self._loop.call_later(GONE_AFTER_SECONDS, self._finish, False)

    def _wait_for_group(self) -> None:
        """The process itself is gone; wait for the rest of its group, or for the timer."""
        if self._is_finished:
            return
        if not has_living_members(self.pid):
            self._finish(True)
            return
        self._end_group()
        self._loop.call_later(GROUP_POLL_SECONDS, self._wait_for_group)

    def _finish(self, is_gone: bool) -> None:
        self._timer.cancel()
        self._is_finished = True
        status, ended_by = self._status or (-1, 0)
        self._on_end(
            Ended(
                status=status,
                signal=ended_by,
                has_timed_out=self._has_timed_out,
                is_gone=is_gone,
                output=bytes(self._output[-OUTPUT_BYTES_MAX:]),
                exec_ms=round((self._loop.time() - self._began) * 1000),
                diagnosis=self._diagnosis,
            )
        )


def keep_descriptors_ours() -> None:
    """Mark every open descriptor so that no agent inherits it; Python does so with its own.

    What the daemon was started with, or a library opened without the mark, would else live on in
    every service that an agent starts.
    """
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            with contextlib.suppress(OSError):  # the listing's own is closed already
                os.set_inheritable(int(name), False)


def signal_group(group: int, number: int) -> bool:
    """Send a signal (0: none) to a process group; say whether it has members."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def has_living_members(group: int) -> bool:
    """Say whether a process group has members that are more than zombies."""
    if not signal_group(group, 0):
        return False
    return any(facts.group == group and facts.state != "Z" for facts in list_processes())


def _spawn(command: Command) -> tuple[int, int]:
    """Start the process; return its id and the reading end of its output. Raises OSError."""
    if len(command.input) > INPUT_BYTES_MAX:
        raise OSError(f"an input of {len(command.input)} bytes is more than {INPUT_BYTES_MAX}")
    with contextlib.ExitStack() as unneeded:
        reading, writing = os.pipe2(os.O_CLOEXEC)
        unneeded.callback(os.close, writing)
        failed = unneeded.enter_context(contextlib.ExitStack())
        failed.callback(os.close, reading)
        os.set_blocking(reading, False)
        source = _open_input(command.input)
        unneeded.callback(os.close, source)
        pid = os.posix_spawn(
            command.argv[0],
            command.argv,
            command.environment,
            file_actions=(
                (os.POSIX_SPAWN_DUP2, source, 0),
                (os.POSIX_SPAWN_DUP2, writing, 1),
                (os.POSIX_SPAWN_DUP2, writing, 2),
            ),
            setsid=True,
            setsigmask=(),
            setsigdef=_RESET_SIGNALS,
        )
        make_ordinary(pid)
        failed.pop_all()
    return pid, reading


def _watch(pid: int, pipe: int) -> int:
    """Return a descriptor for the process; where none is left, end what cannot be watched.

    Raises OSError.
    """
    try:
        return os.pidfd_open(pid)
    except OSError:
        signal_group(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(pipe)
        raise


def _open_input(content: bytes) -> int:
    """Return a descriptor from which the process reads `content`, or nothing."""
    if not content:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        os.write(writing, content)
    finally:
        os.close(writing)
    return reading


def _collect(pidfd: int) -> tuple[int, int]:
    """Reap the process; return its exit status (-1 if by a signal) and the signal."""
    result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    if result is None:
        return -1, 0
    if result.si_code == os.CLD_EXITED:
        return result.si_status, 0
    return -1, result.si_status


def spawn_worker(argv: tuple[str, ...], environment: Mapping[str, str]) -> tuple[int, int, int]:
    """Start a helper of the daemon's own, with pipes at both ends and the daemon's errors.

    Returns its pid, the descriptor it reads from and the one it writes to. Raises OSError.
    """
    with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
        their_input, our_output = os.pipe2(os.O_CLOEXEC)
        theirs.callback(os.close, their_input)
        ours.callback(os.close, our_output)
        our_input, their_output = os.pipe2(os.O_CLOEXEC)
        theirs.callback(os.close, their_output)
        ours.callback(os.close, our_input)
        pid = os.posix_spawn(
            argv[0],
            argv,
            environment,
            file_actions=(
                (os.POSIX_SPAWN_DUP2, their_input, 0),
                (os.POSIX_SPAWN_DUP2, their_output, 1),
            ),
            setsid=True,
            setsigmask=(),
            setsigdef=_RESET_SIGNALS,
        )
        make_ordinary(pid)
        ours.pop_all()
    os.set_blocking(our_output, False)
    os.set_blocking(our_input, False)
    return pid, our_output, our_input
