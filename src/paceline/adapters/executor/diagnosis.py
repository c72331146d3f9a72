"""The black box: what an agent's processes were doing when its time was over.

Saved before anything is ended: the process tree with each one's state, kernel wait point and
command line, and the pressure figures of the machine (PSI), so that "it timed out" has a cause.
"""

import contextlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

FILES_MAX = 50
"""How many diagnoses are kept; the oldest go first."""
PROCESSES_MAX = 500
TEXT_BYTES_MAX = 4096
_UNSAFE = re.compile(r"[^A-Za-z0-9_.:-]+")
_PRESSURES = ("cpu", "io", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """One process from /proc: `start_time` in clock ticks since boot."""

    pid: int
    parent: int
    group: int
    session: int
    state: str
    start_time: int
    name: str


class DiagnosisFolder:
    """The folder of diagnoses, each a text file; nothing in it is ever read by us."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`; it is made when first needed."""
        self._folder = folder

    def save(self, name: str, pid: int) -> str:
        """Save the state of the processes below `pid`; return the file's path. Blocks.

        Raises OSError where nothing can be written.
        """
        text = describe_tree(pid)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        path = self._folder / f"{stamp}-{_UNSAFE.sub('_', name)[:100]}-{pid}.txt"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{name}: time limit reached at {stamp} UTC\n\n{text}")
        self._drop_old()
        return str(path)

    def _drop_old(self) -> None:
        files = sorted(entry for entry in self._folder.iterdir() if entry.suffix == ".txt")
        for path in files[:-FILES_MAX]:
            with contextlib.suppress(OSError):
                path.unlink()


def describe_tree(root: int) -> str:
    """Return what the processes below and in the session of `root` do, and the pressures."""
    processes = {facts.pid: facts for facts in list_processes()}
    children: dict[int, list[int]] = {}
    for facts in processes.values():
        children.setdefault(facts.parent, []).append(facts.pid)
    wanted = [root]
    for pid in wanted:
        wanted.extend(child for child in sorted(children.get(pid, ())) if child not in wanted)
    wanted.extend(
        pid for pid, facts in sorted(processes.items())
        if facts.session == root and pid not in wanted
    )  # fmt: skip
    lines = [_describe(processes[pid]) for pid in wanted[:PROCESSES_MAX] if pid in processes]
    lines.extend(_describe_pressure(kind) for kind in _PRESSURES)
    lines.append(f"load: {_read('/proc/loadavg').strip()}")
    return "\n".join(lines) + "\n"


def list_processes() -> list[ProcessFacts]:
    """Return every process that can be seen, by pid."""
    found = (find_process(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return sorted((facts for facts in found if facts), key=lambda facts: facts.pid)


def find_process(pid: int) -> ProcessFacts | None:
    """Return a process's facts, None where it is gone."""
    text = _read(f"/proc/{pid}/stat")
    # The name stands in parentheses and may hold any of them itself.
    name, closing, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    if not closing or len(fields) < 20:
        return None
    return ProcessFacts(
        pid=pid,
        state=fields[0],
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        start_time=int(fields[19]),
        name=name,
    )


def _describe(facts: ProcessFacts) -> str:
    folder = f"/proc/{facts.pid}"
    words = _read(f"{folder}/cmdline").replace("\0", " ").strip()
    return (
        f"pid {facts.pid} parent {facts.parent} state {facts.state}"
        f" waits in {_read(f'{folder}/wchan').strip() or '-'}"
        f" syscall {_read(f'{folder}/syscall').strip() or '-'}: {words or facts.name}"
    )


def _describe_pressure(kind: str) -> str:
    text = _read(f"/proc/pressure/{kind}").strip().replace("\n", "; ")
    return f"pressure {kind}: {text or 'unknown'}"


def _read(path: str) -> str:
    """Return the beginning of a file of /proc, nothing where it is gone; called for each spawn."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, TEXT_BYTES_MAX).decode(errors="replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
