"""Which life of this node this daemon is: its boot, and the count of daemons within it."""

import json
import os
from pathlib import Path

INIT_STAT = Path("/proc/1/stat")
KERNEL_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
START_TIME_FIELD = 19
"""Where the start time stands in /proc/PID/stat after the name. Source: proc(5), field 22."""


def read_boot_id(kernel: Path = KERNEL_BOOT_ID, init: Path = INIT_STAT) -> str:
    """Return an id for the node's boot.

    The kernel's own, and when the node's first process began: where a node is a container or a
    namespace, the kernel outlives it, and the end of its first process is its power cut.
    """
    after_name = init.read_text().rpartition(")")[2].split()
    return f"{kernel.read_text().strip()}.{after_name[START_TIME_FIELD]}"


def next_incarnation(file: Path, boot_id: str, *, now_ms: int) -> int:
    """Return the number of this daemon within its boot, from 1, and keep it on disk.

    Where the file is damaged, the boot-time clock `now_ms` is the number: it is above all that
    were counted in this boot. Raises OSError where the file cannot be written.
    """
    last = _last_incarnation(file, boot_id)
    number = now_ms if last is None else last + 1
    aside = file.with_name(f"{file.name}.new")
    with aside.open("w") as out:
        json.dump({"boot_id": boot_id, "incarnation": number}, out)
        out.flush()
        os.fsync(out.fileno())
    aside.rename(file)
    return number


def _last_incarnation(file: Path, boot_id: str) -> int | None:
    """Return the number that was kept, 0 where there is none, None where the file is damaged."""
    try:
        kept = json.loads(file.read_text())
        return int(kept["incarnation"]) if kept["boot_id"] == boot_id else 0
    except FileNotFoundError:
        return 0
    except (ValueError, KeyError, TypeError):
        return None
