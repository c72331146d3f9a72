"""This machine's clocks, and the life of this node's daemon: boot id, incarnation, single run."""

import contextlib
import fcntl
import os
import time
from pathlib import Path

from paceline.model.errors import UnreachableError
from paceline.model.identifiers import NodeId, NodeName

KERNEL_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
FIRST_PROCESS_STAT = Path("/proc/1/stat")
START_TIME_FIELD = 19
"""Where the start time stands in /proc/PID/stat after the name. Source: proc(5), field 22."""
BOOT_ID_FILE_VARIABLE = "PACELINE_BOOT_ID_FILE"
"""Names a file to read instead."""
BOOT_ID_CHARACTERS_MAX = 64


class SystemClock:
    """The boot-time clock (it counts suspended time too) and the wall clock."""

    def now_ms(self) -> int:
        """Return the boot-time clock, in milliseconds."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def wall_ms(self) -> int:
        """Return milliseconds since 1970."""
        return time.time_ns() // 1_000_000


def read_boot_id() -> str:
    """Return the name of this node's boot; equal as long as it runs, never equal to another.

    The kernel's own, and when the node's first process began: where a node is a container or a
    namespace of a lab, the kernel outlives it, and the end of its first process is its power cut.

    Raises UnreachableError where it cannot be read: without it no life can be told from another.
    """
    named = os.environ.get(BOOT_ID_FILE_VARIABLE)
    path = Path(named or KERNEL_BOOT_ID)
    try:
        boot_id = path.read_text(encoding="ascii").strip()[:BOOT_ID_CHARACTERS_MAX]
        if boot_id and not named:
            first = FIRST_PROCESS_STAT.read_text(encoding="ascii").rpartition(")")[2].split()
            boot_id = f"{boot_id}.{first[START_TIME_FIELD]}"
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise UnreachableError(f"cannot read the boot id from {path}: {error}") from error
    if not boot_id:
        raise UnreachableError(f"the boot id in {path} is empty")
    return boot_id


class DaemonLife:
    """The right to be this node's daemon, and the number of this life within the boot.

    The lock is the kernel's (flock): it ends with the process, however that ends.
    """

    def __init__(self, folder: Path, boot_id: str) -> None:
        """Take the lock in `folder` (made where absent) and count this life.

        Raises UnreachableError where another daemon holds the lock, or the folder cannot be used.
        """
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._lock = os.open(folder / "daemon.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UnreachableError(f"cannot use {folder}: {error}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise UnreachableError("another daemon runs on this node already") from error
        os.truncate(self._lock, 0)
        os.write(self._lock, f"{os.getpid()}\n".encode())
        self.incarnation = _next_incarnation(folder / "incarnation", boot_id)
        self._boot_id = boot_id
        self._node = folder / "node"
        self._standing = folder / "standing"
        self.was_current = _says(self._standing, boot_id)

    def find_node(self) -> tuple[NodeId, NodeName] | None:
        """Return who this node was for a daemon of this boot that did not leave cleanly.

        None where there was none: then nothing of ours runs here.
        """
        try:
            boot_id, number, name = self._node.read_text(encoding="utf-8").split()
            return (NodeId(int(number)), NodeName(name)) if boot_id == self._boot_id else None
        except (OSError, ValueError):
            return None

    def keep_node(self, node_id: NodeId, node: NodeName) -> None:
        """Keep who this node is, for a daemon that starts when Corosync cannot say it."""
        aside = self._node.with_suffix(".new")
        aside.write_text(f"{self._boot_id} {node_id} {node}\n", encoding="utf-8")
        aside.rename(self._node)

    def forget_node(self) -> None:
        """We left cleanly: nothing of ours runs here."""
        self._node.unlink(missing_ok=True)

    def keep_standing(self, is_current: bool) -> None:
        """Keep, until this boot ends, whether its daemon took part in an opened view.

        Where it cannot be kept, the next daemon of this boot waits for the others' copies.
        """
        self._standing.unlink(missing_ok=True)
        if not is_current:
            return
        with contextlib.suppress(OSError):
            self._standing.write_text(f"{self._boot_id}\n", encoding="ascii")

    def close(self) -> None:
        """Let the lock go."""
        os.close(self._lock)


def _says(path: Path, boot_id: str) -> bool:
    """Say whether a file is there and is of this boot."""
    try:
        return path.read_text(encoding="ascii").strip() == boot_id
    except (FileNotFoundError, ValueError):
        return False


def _next_incarnation(path: Path, boot_id: str) -> int:
    """Return one more than the number kept for this boot, and keep it; 1 in a new boot."""
    try:
        kept_boot_id, _, number = path.read_text(encoding="ascii").strip().partition(" ")
        last = int(number) if kept_boot_id == boot_id else 0
    except (FileNotFoundError, ValueError):
        last = 0
    aside = path.with_suffix(".new")
    aside.write_text(f"{boot_id} {last + 1}\n", encoding="ascii")
    aside.rename(path)
    return last + 1
