"""Run one program to its end and wait for it: for callers that may block (the command line).

The program gets its own process group and a time limit; its outputs are kept up to a size. It is
over when its process exits, not at end of file: what it leaves behind may hold the pipes open.
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

OUTPUT_BYTES_MAX = 4 * 1024 * 1024
TERM_GRACE_MS = 2_000
"""How long a program may take after TERM before it is killed."""
CHUNK_BYTES = 1 << 16
RC_NOT_STARTED = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What came of a program: exit status (negative: the signal) and what it printed."""

    rc: int
    out: bytes = b""
    err: bytes = b""
    has_timed_out: bool = False


@dataclass(slots=True, kw_only=True)
class _Stream:
    """One output being collected."""

    descriptor: int
    chunks: list[bytes] = field(default_factory=list)
    size: int = 0

    def take(self) -> bool:
        """Read what is there; False at end of file."""
        chunk = os.read(self.descriptor, CHUNK_BYTES)
        if self.size < OUTPUT_BYTES_MAX:
            self.chunks.append(chunk[: OUTPUT_BYTES_MAX - self.size])
            self.size += len(chunk)
        return bool(chunk)


def run_bounded(
    argv: Sequence[str],
    env: Mapping[str, str],
    timeout_ms: int,
    stdin: bytes = b"",
) -> Completed:
    """Run `argv` (the first word is a path) and return what came of it.

    What cannot be started at all ends with 127 and the reason in `err`. Input is limited to what a
    pipe holds (64 KB): raises ValueError beyond.
    """
    if len(stdin) >= CHUNK_BYTES:
        raise ValueError("more input than a pipe holds")
    in_read, in_write = os.pipe2(os.O_CLOEXEC)
    out_read, out_write = os.pipe2(os.O_CLOEXEC)
    err_read, err_write = os.pipe2(os.O_CLOEXEC)
    ours = [in_read, out_read, out_write, err_read, err_write]
    try:
        os.write(in_write, stdin)
        os.close(in_write)
        pid = os.posix_spawn(
            argv[0],
            list(argv),
            dict(env),
            file_actions=(
                (os.POSIX_SPAWN_DUP2, in_read, 0),
                (os.POSIX_SPAWN_DUP2, out_write, 1),
                (os.POSIX_SPAWN_DUP2, err_write, 2),
            ),
            setpgroup=0,
        )
        for descriptor in (out_write, err_write):
            os.close(descriptor)
            ours.remove(descriptor)
        out, err = _Stream(descriptor=out_read), _Stream(descriptor=err_read)
        rc, has_timed_out = _wait(pid, (out, err), timeout_ms)
        return Completed(
            rc=rc, out=b"".join(out.chunks), err=b"".join(err.chunks), has_timed_out=has_timed_out
        )
    except OSError as error:
        return Completed(rc=RC_NOT_STARTED, err=f"{argv[0]}: {error.strerror or error}".encode())
    finally:
        for descriptor in ours:
            os.close(descriptor)


def _wait(pid: int, streams: Sequence[_Stream], timeout_ms: int) -> tuple[int, bool]:
    """Collect outputs until the process exits; return its status and whether it ran out of time."""
    pidfd = os.pidfd_open(pid)
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    by_descriptor = {stream.descriptor: stream for stream in streams}
    for descriptor in by_descriptor:
        poller.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + timeout_ms / 1000
    signals = [signal.SIGTERM, signal.SIGKILL]
    has_timed_out = False
    try:
        while True:
            left_ms = max(0, int((deadline - time.monotonic()) * 1000))
            ready = [descriptor for descriptor, _event in poller.poll(left_ms)]
            for descriptor in ready:
                if descriptor in by_descriptor and not by_descriptor[descriptor].take():
                    poller.unregister(descriptor)
            if pidfd in ready:
                _drain(streams)
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), has_timed_out
            if not ready and time.monotonic() >= deadline:
                has_timed_out = True
                _signal_group(pid, signals.pop(0) if signals else signal.SIGKILL)
                deadline = time.monotonic() + TERM_GRACE_MS / 1000
    finally:
        os.close(pidfd)


def _drain(streams: Sequence[_Stream]) -> None:
    """Take what the process printed before it exited, without waiting for those it left behind."""
    for stream in streams:
        os.set_blocking(stream.descriptor, False)
        with contextlib.suppress(BlockingIOError):
            while stream.take():
                pass


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def run_on_terminal(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Run a program that talks to the user, with our own input and output; return its status.

    Raises OSError where it cannot be started.
    """
    pid = os.posix_spawnp(argv[0], list(argv), dict(env))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
