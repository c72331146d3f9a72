"""Where labs are on this machine, whose they are, and whether they live. Host side."""

import contextlib
import json
import os
import select
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from paceline.lab.layout import NODES_MAX, LabPaths, LabSpec

_GONE_TIMEOUT_S = 15.0
_SOCKET_PATH_BYTES_MAX = 107


def labs_folder() -> Path:
    """Return the folder of this user's labs."""
    if os.geteuid() == 0:
        return Path("/run/paceline-labs")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK):
        return Path(runtime, "paceline-labs")
    return Path.home() / ".local/state/paceline-labs"


def problems(paths: LabPaths) -> tuple[str, ...]:
    """Return why a lab cannot be at this place."""
    longest = str(paths.init_socket(f"worker{NODES_MAX}"))
    if len(longest.encode()) > _SOCKET_PATH_BYTES_MAX:
        return (f"the path {longest} is too long for a socket; give the lab a shorter name",)
    if any(character in longest for character in ":,\\"):
        return (f"the folder {paths.root} has a character that a mount cannot take (: , \\)",)
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a lab's file says: what was asked, and the process that holds it.

    The pid counts only with its start time and the boot it was written in: pids come again.
    """

    spec: LabSpec
    pid: int = 0
    started: int = 0
    boot: str = ""

    def write(self, paths: LabPaths) -> None:
        """Write the record in place of the one before."""
        told = {
            "name": self.spec.name, "nodes": self.spec.nodes, "token_ms": self.spec.token_ms,
            "disk_mib": self.spec.disk_mib, "disk_folder": self.spec.disk_folder,
            "pid": self.pid, "started": self.started, "boot": self.boot,
        }  # fmt: skip
        aside = paths.spec.with_suffix(".new")
        aside.write_text(json.dumps(told))
        aside.replace(paths.spec)


def read_record(paths: LabPaths) -> Record | None:
    """Return a lab's record; None if there is no lab, or no whole record."""
    try:
        told = json.loads(paths.spec.read_text())
        spec = LabSpec(
            name=told["name"], nodes=told["nodes"], token_ms=told["token_ms"],
            disk_mib=told["disk_mib"], disk_folder=told.get("disk_folder", ""),
        )  # fmt: skip
        return Record(spec=spec, pid=told["pid"], started=told["started"], boot=told["boot"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_alive(record: Record) -> bool:
    """Say whether the lab's process still is the one that was recorded."""
    return (
        record.pid > 0
        and record.boot == host_boot()
        and process_start(record.pid) == record.started
    )


def host_boot() -> str:
    """Return this boot's identifier."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def process_start(pid: int) -> int:
    """Return when a process was started, in the kernel's ticks; 0 if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = text.rpartition(")")[2].split()
    return 0 if fields[0] == "Z" else int(fields[19])


def end_process(pid: int) -> bool:
    """Kill the children of `unshare`, which ends with them; say whether it has gone.

    Its child is process 1 of the lab's pid namespace: when it is gone, all of the lab is.
    """
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in [int(word) for word in children] or [pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return wait_gone(watched)
    except OSError:
        return wait_gone(watched)
    finally:
        os.close(watched)


def wait_gone(watched: int, timeout_s: float = _GONE_TIMEOUT_S) -> bool:
    """Wait until the process behind a pidfd has ended."""
    poller = select.poll()
    poller.register(watched, select.POLLIN)
    return bool(poller.poll(int(timeout_s * 1000)))


def remove_folder(paths: LabPaths) -> None:
    """Remove what a lab left on the host's file system."""
    shutil.rmtree(paths.root, ignore_errors=True)
    with contextlib.suppress(OSError):
        paths.root.parent.rmdir()
