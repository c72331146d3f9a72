"""Many resources: how fast they start and fail over, beside the real Pacemaker on this machine.

    bench/scale.py [COUNT[xNODES] ...] [--without-peer] [--peer-lab FOLDER]

Each cell makes a cluster of its own (two nodes without an `xNODES`), loads COUNT `ocf:pacemaker:
Dummy` with a monitor every 60 s at once, waits until all run, takes the power of a node, and waits
until all run again. Ours are counted from outside of the product, by the files that the agents
make; the peer's as its lab does, by crm_mon. The peer is measured on two nodes only.

Rows go to bench/results/scale.json and into their own section of bench/RESULTS.md.
"""

import argparse
import json
import os
import shlex
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from peer import FOLDER_DEFAULT, PeerCluster, why_absent

from paceline.lab import Lab
from paceline.lab.cluster import set_up
from paceline.lab.lab import Member
from paceline.lab.members import member_python

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src"
RESULTS = HERE / "results" / "scale.json"
HEADING = "## Many resources"
CELLS_DEFAULT = ("200", "1000")
LIMIT_SECONDS = 600.0
POLL_SECONDS = 0.1
IDLE_SECONDS = 20.0
WRITES = 40
COUNT_FILES = "ls /run | grep -c '^Dummy-s.*state$'"
# Paceline's own processes of a node, without the lab's and without Corosync.
OWN = "pgrep -f 'paceline-daemon|paceline-api|paceline.adapters|paceline.api'"
MEMORY = (
    f"cat $({OWN} | sed 's#.*#/proc/&/smaps_rollup#') | awk '/^Pss:/ {{s += $2}} END {{print s}}'"
)
PROCESSOR = f"cat $({OWN} | sed 's#.*#/proc/&/stat#') | awk '{{s += $14 + $15}} END {{print s}}'"
PACKETS = "awk '/ens33|ens37/ {s += $3 + $11} END {print s}' /proc/net/dev"
WRITE = """
import sys, time
from paceline.adapters.daemon_client import DaemonClient
client = DaemonClient()
for number in range(int(sys.argv[1])):
    state = client.ask({"do": "state", "parts": ["configuration"]})
    text = state["configuration"].replace("<crm_config/>", "<crm_config></crm_config>")
    name = 'name="scale-written" value="'
    if name in text:
        head, _, rest = text.partition(name)
        text = head + name + str(number) + rest[rest.index('"'):]
    else:
        row = f'<nvpair id="scale-written" {name}{number}"/></cluster_property_set>'
        text = text.replace("</cluster_property_set>", row, 1)
    begun = time.monotonic()
    done = client.ask({"do": "configure", "configuration": text, "based_on": state["version"]})
    assert done.get("outcome") == "acknowledged", done
    print((time.monotonic() - begun) * 1000)
"""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster. Seconds; `write_*` in milliseconds; `idle_*` of one node; 0 is not measured."""

    count: int
    nodes: int
    started: float
    failed_over: float
    moved: int
    memory_mib: float = 0.0
    stall_ms: int = 0
    work_ms: int = 0
    write_median_ms: float = 0.0
    write_p99_ms: float = 0.0
    idle_cpu_percent: float = 0.0
    idle_packets: float = 0.0
    peer_started: float = 0.0
    peer_failed_over: float = 0.0
    peer_moved: int = 0
    peer_memory_mib: float = 0.0
    load: str = ""
    command: str = ""


def main(words: list[str]) -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="bench/scale.py", description=__doc__.split("\n")[0])
    parser.add_argument("cells", nargs="*", metavar="COUNT[xNODES]", default=list(CELLS_DEFAULT))
    parser.add_argument("--peer-lab", type=Path, default=FOLDER_DEFAULT)
    parser.add_argument("--without-peer", action="store_true")
    given = parser.parse_args(words)
    absent = "left out by --without-peer" if given.without_peer else why_absent(given.peer_lab)
    if absent:
        print(f"Without the peer: {absent}")
    for text in given.cells:
        count, _, nodes = text.partition("x")
        command = shlex.join(["bench/scale.py", *words])
        cell = measure_ours(int(count), int(nodes or 2))
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        cell = msgspec.structs.replace(cell, load=load, command=command)
        record(cell)
        if not absent and cell.nodes == 2:
            cell = with_peer(cell, given.peer_lab)
            record(cell)
        print(row(cell), flush=True)
    return 0


# Ours


def measure_ours(count: int, nodes: int) -> Cell:
    """Make a cluster, load it, cut a node's power; the lab is removed in any case."""
    lab = Lab(f"scale-{os.getpid()}"[:16], nodes=nodes)
    lab.up()
    try:
        set_up(lab, lambda line: None)
        first = lab.nodes[0]
        first.shell("pcs property set stonith-enabled=false").check()
        first.write_text("/root/resources.xml", dummies(count))
        began = time.monotonic()
        load = "cibadmin --replace -o resources --xml-file /root/resources.xml"
        first.shell(load).check()
        started = wait_for(began, lambda: sum(map(running, lab.nodes)) >= count)
        wait_idle(first)
        writes = write_times(first)
        cpu, packets = idle(first)
        memory = statistics.mean(number(node, MEMORY) for node in lab.nodes) / 1024
        stalls = [longest_stall(node) for node in lab.nodes]
        # The coordinator's: the hardest case.
        victim, *rest = lab.nodes
        moved = running(victim)
        began = time.monotonic()
        lab.crash(victim.name)
        failed_over = wait_for(began, lambda: sum(map(running, rest)) >= count)
        stalls += [longest_stall(node) for node in rest]
    finally:
        lab.down()
    return Cell(
        count=count,
        nodes=nodes,
        started=started,
        failed_over=failed_over,
        moved=moved,
        memory_mib=memory,
        stall_ms=max(stall for stall, _ in stalls),
        work_ms=max(work for _, work in stalls),
        write_median_ms=statistics.median(writes),
        write_p99_ms=statistics.quantiles(writes, n=100)[98],
        idle_cpu_percent=cpu,
        idle_packets=packets,
    )


def dummies(count: int) -> str:
    """Return the resources' section."""
    return "<resources>" + "".join(
        f'<primitive id="s{i:04d}" class="ocf" provider="pacemaker" type="Dummy"><operations>'
        f'<op id="s{i:04d}-m" name="monitor" interval="60s" timeout="20s"/></operations>'
        "</primitive>"
        for i in range(count)
    ) + "</resources>"  # fmt: skip


def running(node: Member) -> int:
    """Return how many Dummies run on a node."""
    return int(node.shell(COUNT_FILES).out or 0)


def number(node: Member, line: str) -> float:
    """Return the number that a line prints in a node."""
    return float(node.shell(line).out or 0)


def wait_for(began: float, is_so: Callable[[], bool]) -> float:
    """Wait until it is so; return the seconds since `began`."""
    while not is_so():
        if time.monotonic() - began > LIMIT_SECONDS:
            raise TimeoutError(f"not done after {LIMIT_SECONDS:g} s")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def wait_idle(node: Member) -> None:
    """Wait until the cluster has nothing left to do."""
    line = f"crm_resource --wait --timeout {LIMIT_SECONDS:.0f}"
    node.shell(line, timeout_s=LIMIT_SECONDS).check()


def write_times(node: Member) -> list[float]:
    """Return how long each of some changes of the configuration took to be acknowledged, in ms."""
    command = [*member_python(), "-c", WRITE, str(WRITES)]
    done = node.run(command, environment={"PYTHONPATH": str(SOURCE)}, timeout_s=LIMIT_SECONDS)
    return [float(line) for line in done.check().out.split()]


def idle(node: Member) -> tuple[float, float]:
    """Return a node's idle percent of one processor (Paceline's), and its packets a second."""
    wait_idle(node)
    before = number(node, PROCESSOR), number(node, PACKETS)
    time.sleep(IDLE_SECONDS)
    after = number(node, PROCESSOR), number(node, PACKETS)
    ticks = os.sysconf("SC_CLK_TCK")
    cpu = (after[0] - before[0]) / ticks / IDLE_SECONDS * 100
    return cpu, (after[1] - before[1]) / IDLE_SECONDS


def internal(node: Member, wanted: str) -> str:
    """Return one figure of the daemon's inside, 0 where it says none."""
    for line in node.shell("paceline status --internals").check().out.splitlines():
        name, _, value = line.partition(": ")
        if name == wanted:
            return value
    return "0"


def longest_stall(node: Member) -> tuple[int, int]:
    """Return the daemon's longest stall so far, and the longest work of one turn; ms."""
    stall, work = (internal(node, f"loop-longest-{what}-ms") for what in ("stall", "work"))
    return int(stall), int(work)


# The peer


def with_peer(cell: Cell, folder: Path) -> Cell:
    """Return the cell with the peer's figures beside ours."""
    cluster = PeerCluster(folder, "full", "1min")
    try:
        found = cluster.scale(cell.count)
    finally:
        cluster.close()
    return msgspec.structs.replace(
        cell,
        peer_started=found["all_started"],
        peer_failed_over=found["all_failed_over"],
        peer_moved=found["failed_over"],
        peer_memory_mib=statistics.mean(found["pss_kb"].values()) / 1024,
    )


# What is kept


def record(cell: Cell) -> None:
    """Keep a cell beside the others, and rewrite the section of RESULTS.md."""
    kept = [each for each in recorded() if (each.count, each.nodes) != (cell.count, cell.nodes)]
    kept = sorted([*kept, cell], key=lambda each: (each.nodes, each.count))
    RESULTS.parent.mkdir(exist_ok=True)
    text = json.dumps(msgspec.to_builtins(kept), indent=1) + "\n"
    RESULTS.write_text(text, encoding="utf-8")


def recorded() -> list[Cell]:
    """Return what was measured last."""
    if not RESULTS.exists():
        return []
    return msgspec.json.decode(RESULTS.read_bytes(), type=list[Cell])


def section() -> str:
    """Return the section of RESULTS.md; empty where nothing was measured."""
    found = recorded()
    if not found:
        return ""
    lines = [
        HEADING,
        "",
        "`ocf:pacemaker:Dummy` with a monitor every 60 s, loaded at once; seconds, ours / peer.",
        "*Failed over*: from the power cut of the coordinator until all run again; token 1000 ms,",
        "so about 2.1 s of it are Corosync's. Writes: acknowledged changes of this configuration,",
        "milliseconds. Idle: one node, Paceline's lasting processes without agents. Memory:",
        "proportional, MiB a node (the peer's with Corosync and without pcsd; ours without",
        "Corosync and with its API service). The machine had other work: preliminary.",
        "",
        "| resources x nodes | all started | failed over | of | write median / p99 | longest turn"
        " (of processor), ms | idle: CPU %, packets/s | memory |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(row, found),
        "",
        "Made by:",
        "",
        *(
            f"- {each.count} x {each.nodes}: `{each.command}`, {os.cpu_count()} cores, load average"
            f" {each.load}"
            for each in found
        ),
    ]
    return "\n".join(lines) + "\n"


def row(cell: Cell) -> str:
    """Return a cell's line of the table."""
    stall = f"{cell.stall_ms} ({cell.work_ms})" if cell.work_ms else str(cell.stall_ms)
    peer_memory = f" / {cell.peer_memory_mib:.0f}" if cell.peer_memory_mib else ""
    return (
        f"| {cell.count} x {cell.nodes} | {beside(cell.started, cell.peer_started)}"
        f" | {beside(cell.failed_over, cell.peer_failed_over)} | {cell.moved}"
        f" | {cell.write_median_ms:.0f} / {cell.write_p99_ms:.0f} | {stall}"
        f" | {cell.idle_cpu_percent:.1f}, {cell.idle_packets:.0f}"
        f" | {cell.memory_mib:.0f}{peer_memory} |"
    )


def beside(ours: float, peer: float) -> str:
    """Return ours and, where there is one, the peer's."""
    return f"**{ours:.1f}** / {peer:.1f}" if peer else f"**{ours:.1f}**"


if __name__ == "__main__":
    status = main(sys.argv[1:])
    from run import rewrite_report

    rewrite_report(HERE)
    sys.exit(status)
