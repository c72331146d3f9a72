"""What this node has begun and not ended, in /run: so that the next daemon can settle it.

One file for each life of the daemon, one JSON line for each step of an operation: begun (before
the spawn), its process (right after), ended. /run is gone after a boot, and so are the processes.
"""

import contextlib
import os
from pathlib import Path

import msgspec

LOG_BYTES_MAX = 256 * 1024
"""When the file is larger, it is written anew with what is open only."""
OPEN_MAX = 10_000


class OpenOperation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An operation that was begun: what would run, and by when (boot-time clock) it should end.

    `pid` and `start_time` (clock ticks since boot) are 0 until its process is known. `unit` names
    the systemd unit whose job it is, where there is no process.
    """

    operation_id: str
    argv: tuple[str, ...] = ()
    unit: str = ""
    task: str = ""
    until_ms: int = 0
    pid: int = 0
    start_time: int = 0


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step: `begun` the first time, later steps name the operation only."""

    operation_id: str
    begun: OpenOperation | None = None
    pid: int = 0
    start_time: int = 0
    is_ended: bool = False


class OperationLog:
    """The log of this life. Its steps cost a few microseconds: /run is memory."""

    def __init__(self, folder: Path, incarnation: int) -> None:
        """Begin a log in `folder` (made where absent). Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / f"{incarnation}.log"
        self._encoder = msgspec.json.Encoder()
        self._open: dict[str, OpenOperation] = {}
        self._bytes = 0
        self._file = os.open(
            self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )

    def begun(self, operation: OpenOperation) -> None:
        """Note what will run; before it does. Raises OSError: then it must not run."""
        self._write(_Line(operation_id=operation.operation_id, begun=operation))
        self._open[operation.operation_id] = operation

    def spawned(self, operation_id: str, pid: int, start_time: int) -> None:
        """Note the process of a begun operation."""
        known = self._open[operation_id]
        self._open[operation_id] = msgspec.structs.replace(known, pid=pid, start_time=start_time)
        with contextlib.suppress(OSError):  # the operation can be found by its words too
            self._write(_Line(operation_id=operation_id, pid=pid, start_time=start_time))

    def ended(self, operation_id: str) -> None:
        """Note that nothing of the operation is left."""
        self._open.pop(operation_id, None)
        with contextlib.suppress(OSError):  # then the next daemon finds its process gone
            self._write(_Line(operation_id=operation_id, is_ended=True))
            if self._bytes > LOG_BYTES_MAX:
                self._write_anew()

    def close(self) -> None:
        """Let the file go; it stays where operations are open."""
        os.close(self._file)
        if not self._open:
            self._path.unlink(missing_ok=True)

    def _write(self, line: _Line) -> None:
        encoded = self._encoder.encode(line) + b"\n"
        os.write(self._file, encoded)
        self._bytes += len(encoded)

    def _write_anew(self) -> None:
        """Write what is open to a new file, renamed over the old one."""
        aside = self._path.with_suffix(".new")
        file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        lines = b"".join(
            self._encoder.encode(_Line(operation_id=one.operation_id, begun=one)) + b"\n"
            for one in self._open.values()
        )
        os.write(file, lines)
        aside.rename(self._path)
        os.close(self._file)
        os.close(file)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._bytes = len(lines)


def read_open_operations(folder: Path) -> tuple[tuple[Path, ...], tuple[OpenOperation, ...]]:
    """Return the logs of earlier lives in `folder`, and what they say is open, oldest first.

    A last line that is torn (the daemon was killed in it) is skipped.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in (".log", ".new"))
    except FileNotFoundError:
        return (), ()
    found: dict[str, OpenOperation] = {}
    decoder = msgspec.json.Decoder(_Line)
    for path in paths:
        for text in path.read_bytes().splitlines():
            try:
                line = decoder.decode(text)
            except msgspec.DecodeError:
                continue
            _apply(found, line)
    return tuple(paths), tuple(found.values())[:OPEN_MAX]


def _apply(found: dict[str, OpenOperation], line: _Line) -> None:
    if line.begun is not None:
        found[line.operation_id] = line.begun
    elif line.is_ended:
        found.pop(line.operation_id, None)
    elif line.operation_id in found:
        found[line.operation_id] = msgspec.structs.replace(
            found[line.operation_id], pid=line.pid, start_time=line.start_time
        )
