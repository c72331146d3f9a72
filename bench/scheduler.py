"""How much CPU the scheduler takes, beside the installed crm_simulate.

    bench/scheduler.py [--quick] [--runs N] [--limit SECONDS] [--profile] [CLUSTER ...]

Each state of each cluster is given to both in turn, as whole processes that read a file and decide,
and to ours inside a living process as well. Ratios are ours to the peer's CPU seconds; a process
that goes beyond the limit is ended and counts as "more than". Results go to
bench/results/scheduler.json and into their own section of bench/RESULTS.md.
"""

import argparse
import cProfile
import json
import os
import pstats
import re
import resource
import shlex
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
from scheduler_clusters import CLUSTERS, NOW_MS, QUICK, STATES, Cluster, make_states

from paceline.cib.read import snapshot_of_file
from paceline.scheduler import schedule

HERE = Path(__file__).resolve().parent
HEADING = "## The scheduler beside crm_simulate"
PEER = "crm_simulate"
OURS = """
import sys
from paceline.cli.tools import run_tool
status = run_tool("crm_simulate", sys.argv[1:])
with open("/proc/self/status") as file:
    print(next(line for line in file if line.startswith("VmHWM:")), file=sys.stderr)
sys.exit(status)
"""
"""It says its largest memory itself: what `wait4` gives has the spawning process's in it."""


class Run(NamedTuple):
    """One process: its CPU seconds, what it said on standard error, whether it had to be ended."""

    seconds: float
    said: str
    is_cut: bool = False


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """The medians of one cluster in one state. `peer_s` is 0 where there was no peer."""

    cluster: str
    state: str
    whole_s: float
    living_s: float
    memory_mib: int
    peer_s: float
    is_peer_cut: bool = False


def main(words: list[str]) -> int:
    """Obey the command line; 1 if ours takes more than the peer anywhere."""
    parser = argparse.ArgumentParser(prog="bench/scheduler.py", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("clusters", nargs="*", metavar="CLUSTER")
    parser.add_argument("--quick", action="store_true", help="small clusters")
    parser.add_argument("--runs", type=int, default=1, help="how often each is run")
    parser.add_argument("--limit", type=float, default=120, help="CPU seconds of one process")
    parser.add_argument("--profile", action="store_true", help="show where ours spends its time")
    parser.add_argument("--no-record", action="store_true", help="write no results")
    given = parser.parse_args(words)
    known = {each.name: each for each in (*CLUSTERS, *QUICK)}
    if unknown := [name for name in given.clusters if name not in known]:
        parser.error(f"there is no {', '.join(unknown)}; there is {', '.join(known)}")
    chosen = [known[name] for name in given.clusters] or list(QUICK if given.quick else CLUSTERS)
    if shutil.which(PEER) is None:
        print("Without the peer: crm_simulate is not installed (package pacemaker-cli-utils)")
    cells = []
    for cluster in chosen:
        documents = make_states(cluster)
        for state in STATES:
            if given.profile:
                profile(documents[state], f"{cluster.name} {state}")
                continue
            cell = measure(cluster, state, documents[state], given.runs, given.limit)
            print(row(cell), flush=True)
            cells.append(cell)
            if not given.no_record:
                record(cells, shlex.join(["bench/scheduler.py", *words]))
    return 0 if all(each.whole_s <= each.peer_s for each in cells if each.peer_s) else 1


def measure(cluster: Cluster, state: str, document: bytes, runs: int, limit_s: float) -> Cell:
    """Run both in turn."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        file.write(document)
        file.flush()
        options = ["-x", file.name, "-R", "-Q", "-t", "2027-01-01"]
        ours, peers, living = [], [], []
        for _ in range(runs):
            ours.append(run_process([sys.executable, "-c", OURS, *options], limit_s))
            if shutil.which(PEER) is not None:
                peers.append(run_process([PEER, *options], limit_s))
            living.append(cpu_of(lambda: schedule(snapshot_of_file(document, NOW_MS))))
    return Cell(
        cluster=cluster.name,
        state=state,
        whole_s=statistics.median(each.seconds for each in ours),
        living_s=statistics.median(living),
        memory_mib=max(map(_memory_mib, ours)),
        peer_s=statistics.median(each.seconds for each in peers) if peers else 0.0,
        is_peer_cut=any(each.is_cut for each in peers),
    )


def cpu_of(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a call in this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


def run_process(words: list[str], limit_s: float) -> Run:
    """Run one process to its end, or until it has used the limit. Raises OSError if it fails."""
    with tempfile.TemporaryFile() as errors:
        number = os.posix_spawnp(
            words[0], words, {**os.environ, "LC_ALL": "C"},
            file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                          (os.POSIX_SPAWN_DUP2, errors.fileno(), 2)],
        )  # fmt: skip
        resource.prlimit(number, resource.RLIMIT_CPU, (int(limit_s), int(limit_s) + 1))
        # Other work on the machine may keep it from ever using its limit.
        timer = threading.Timer(4 * limit_s, os.kill, (number, signal.SIGKILL))
        timer.start()
        _pid, status, usage = os.wait4(number, 0)
        timer.cancel()
        errors.seek(0)
        said = errors.read().decode(errors="replace")
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise OSError(f"{words[0]} failed: {said}")
    return Run(
        seconds=usage.ru_utime + usage.ru_stime,
        said=said,
        is_cut=os.WIFSIGNALED(status),
    )


def _memory_mib(run: Run) -> int:
    """Return the largest memory that one of ours named; 0 where it was ended before."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", run.said, re.MULTILINE)
    return int(found[1]) // 1024 if found else 0


def profile(document: bytes, title: str) -> None:
    """Print the functions in which ours spends most time."""
    profiler = cProfile.Profile()
    snapshot = snapshot_of_file(document, NOW_MS)
    profiler.runcall(schedule, snapshot)
    print(f"=== {title}")
    pstats.Stats(profiler).sort_stats("tottime").print_stats(18)


def row(cell: Cell) -> str:
    """Return a cell as a row of the Markdown table."""
    if not cell.peer_s:
        ratios = "- | -"
    else:
        sign = "< " if cell.is_peer_cut else ""
        ratios = f"{sign}{cell.whole_s / cell.peer_s:.2f} | {sign}{cell.living_s / cell.peer_s:.2f}"
    return f"| {cell.cluster} | {cell.state} | {ratios} | {cell.memory_mib} |"


def record(cells: list[Cell], command: str) -> None:
    """Keep the cells beside those of other clusters, and rewrite the section of RESULTS.md."""
    path = HERE / "results" / "scheduler.json"
    path.parent.mkdir(exist_ok=True)
    measured = {each.cluster for each in cells}
    kept = [each for each in _recorded() if each["cluster"] not in measured]
    kept += [{**msgspec.to_builtins(each), "command": command} for each in cells]
    order = {each.name: number for number, each in enumerate((*CLUSTERS, *QUICK))}
    kept.sort(key=lambda each: (order[each["cluster"]], STATES.index(each["state"])))
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    report = HERE / "RESULTS.md"
    text = report.read_text(encoding="utf-8") if report.exists() else "# Results\n"
    before, _, rest = text.partition(HEADING)
    _, found, after = rest.partition("\n## ")
    tail = f"\n## {after}" if found else ""
    report.write_text(f"{before.rstrip()}\n\n{section()}{tail}", encoding="utf-8")


def _recorded() -> list[dict[str, str]]:
    path = HERE / "results" / "scheduler.json"
    found: list[dict[str, str]] = json.loads(path.read_text()) if path.exists() else []
    return found


def section() -> str:
    """Return the section of RESULTS.md, of what was measured last; empty where nothing was."""
    found = _recorded()
    if not found:
        return ""
    cells = [msgspec.convert(each, Cell) for each in found]
    commands = dict.fromkeys(each["command"] for each in found)
    lines = [
        HEADING,
        "",
        "CPU seconds of ours divided by those of crm_simulate 2.1.5, in turn in one run: below 1",
        "is faster. *Whole*: a process that reads the file and decides. *Living*: reading",
        "and deciding in a process that is there already. `<`: the peer was ended at the limit.",
        "",
        "| cluster | state | whole | living | our MiB |",
        "| --- | --- | --- | --- | --- |",
        *(row(each) for each in cells),
        "",
        f"Made by {', '.join(f'`{each}`' for each in commands)}.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
