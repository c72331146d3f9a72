"""What a cluster of three nodes carries, and what it costs while it does nothing.

    bench/ring.py [--nodes N] [--seconds S] [--clients C]

C clients on each node set transient attributes for S seconds, each waiting for its answer: entries
that all members accepted, by the log's position, and how long a client waits. Then changes of a
small configuration, one by one, until they are acknowledged. Then the cluster is left alone.

The row goes to bench/results/ring.json and into its own section of bench/RESULTS.md.
"""

import argparse
import concurrent.futures
import json
import os
import shlex
import statistics
import sys
import time
from pathlib import Path

import msgspec
from scale import MEMORY, SOURCE, idle, internal, number, wait_idle, write_times

from paceline.lab import Lab
from paceline.lab.cluster import set_up
from paceline.lab.lab import Member
from paceline.lab.members import member_python

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "ring.json"
HEADING = "## Entries, writes, and a cluster at rest"
NODES_DEFAULT, SECONDS_DEFAULT, CLIENTS_DEFAULT = 3, 10.0, 16
SLACK_SECONDS = 60.0
PCSD = "/usr/sbin/pcsd"
PCSD_SECONDS = 15.0
"""How long the real pcsd is given to come up, and to come to rest."""
RUN_PCSD = (
    "mkdir -p /var/log/pcsd /run/pcsd /var/lib/pcsd;"
    f" PCSD_PORT=2299 setsid {PCSD} >/dev/null 2>&1 </dev/null &"
)
PCSD_MEMORY = (
    f"cat $(pgrep -f '^[^ ]*python3 -Es {PCSD}' | sed 's#.*#/proc/&/smaps_rollup#')"
    " | awk '/^Pss:/ {s += $2} END {print s}'"
)
SET = """
import sys, threading, time
from paceline.adapters.daemon_client import DaemonClient
node, seconds, clients = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
until = time.monotonic() + seconds
waited = []
def work(number):
    client, value = DaemonClient(), 0
    while time.monotonic() < until:
        value += 1
        begun = time.monotonic()
        ask = {"do": "set-attributes", "node": node, "values": {f"bench-{number}": str(value)}}
        assert client.ask(ask).get("outcome") == "acknowledged"
        waited.append((time.monotonic() - begun) * 1000)
threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(" ".join(map(str, waited)))
"""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured: `*_ms` in milliseconds, `idle_*` and `memory_mib` of one node."""

    nodes: int
    clients: int
    entries_per_second: float
    answers_per_second: float
    answer_median_ms: float
    answer_p99_ms: float
    write_median_ms: float
    write_p99_ms: float
    stall_ms: int
    work_ms: int
    idle_cpu_percent: float
    idle_packets: float
    memory_mib: float
    pcsd_mib: float = 0.0
    load: str = ""
    command: str = ""


def main(words: list[str]) -> int:
    """Measure, and write the results down."""
    parser = argparse.ArgumentParser(prog="bench/ring.py", description=__doc__.split("\n")[0])
    parser.add_argument("--nodes", type=int, default=NODES_DEFAULT)
    parser.add_argument("--seconds", type=float, default=SECONDS_DEFAULT)
    parser.add_argument("--clients", type=int, default=CLIENTS_DEFAULT)
    given = parser.parse_args(words)
    found = measure(given.nodes, given.seconds, given.clients)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    found = msgspec.structs.replace(found, load=load, command=shlex.join(["bench/ring.py", *words]))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(msgspec.to_builtins(found), indent=1) + "\n", encoding="utf-8")
    print(section())
    return 0


def measure(nodes: int, seconds: float, clients: int) -> Found:
    """Make a cluster, load it, leave it alone; the lab is removed in any case."""
    lab = Lab(f"ring-{os.getpid()}"[:16], nodes=nodes)
    lab.up()
    try:
        set_up(lab, lambda line: None)
        first = lab.nodes[0]
        first.shell("pcs property set stonith-enabled=false").check()
        wait_idle(first)
        position = int(internal(first, "position"))
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(nodes) as threads:
            parts = threads.map(lambda node: set_attributes(node, seconds, clients), lab.nodes)
            waited = [each for part in parts for each in part]
        took = time.monotonic() - began
        entries = int(internal(first, "position")) - position
        wait_idle(first)
        writes = write_times(first)
        cpu, packets = idle(first)
        return Found(
            nodes=nodes,
            clients=clients,
            entries_per_second=entries / took,
            answers_per_second=len(waited) / took,
            answer_median_ms=statistics.median(waited),
            answer_p99_ms=statistics.quantiles(waited, n=100)[98],
            write_median_ms=statistics.median(writes),
            write_p99_ms=statistics.quantiles(writes, n=100)[98],
            stall_ms=max(int(internal(node, "loop-longest-stall-ms")) for node in lab.nodes),
            work_ms=max(int(internal(node, "loop-longest-work-ms")) for node in lab.nodes),
            idle_cpu_percent=cpu,
            idle_packets=packets,
            memory_mib=statistics.mean(number(node, MEMORY) for node in lab.nodes) / 1024,
            pcsd_mib=pcsd_memory(first),
        )
    finally:
        lab.down()


def set_attributes(node: Member, seconds: float, clients: int) -> list[float]:
    """Let clients of a node set attributes; return how long each answer took, in ms."""
    done = node.run(
        [*member_python(), "-c", SET, node.name, str(seconds), str(clients)],
        environment={"PYTHONPATH": str(SOURCE)},
        timeout_s=seconds + SLACK_SECONDS,
    )
    return [float(word) for word in done.check().out.split()]


def pcsd_memory(node: Member) -> float:
    """Return what the machine's real pcsd alone takes, in MiB; 0 where there is none."""
    if not Path(PCSD).exists():
        return 0.0
    node.shell(RUN_PCSD).check()
    time.sleep(PCSD_SECONDS)
    return number(node, PCSD_MEMORY) / 1024


def section() -> str:
    """Return the section of RESULTS.md; empty where nothing was measured."""
    if not RESULTS.exists():
        return ""
    found = msgspec.json.decode(RESULTS.read_bytes(), type=Found)
    of_clients = f"{found.clients} clients on each node"
    waits = both(found.answer_median_ms, found.answer_p99_ms)
    writes = both(found.write_median_ms, found.write_p99_ms)
    turn = f"{found.stall_ms} ({found.work_ms})"
    rows = [
        (f"entries accepted by {found.nodes} members, a second", f"{found.entries_per_second:.0f}"),
        (f"answers to {of_clients}, a second", f"{found.answers_per_second:.0f}"),
        ("a client's wait for one, median / p99, ms", waits),
        ("a change of a small configuration, median / p99, ms", writes),
        ("longest turn of a loop meanwhile, ms (of processor)", turn),
        ("at rest: processor of a node's daemon and API, %", f"{found.idle_cpu_percent:.1f}"),
        ("at rest: packets of a node, a second", f"{found.idle_packets:.0f}"),
        ("at rest: memory of daemon and API (proportional), MiB", f"{found.memory_mib:.0f}"),
        ("beside it: memory of the installed pcsd alone, MiB", f"{found.pcsd_mib:.0f}"),
    ]
    return "\n".join(
        [
            HEADING,
            "",
            "Transient attributes are set. All nodes share one machine. At rest Corosync's packets",
            "are counted, its memory is not.",
            "",
            "| what | figure |",
            "| --- | --- |",
            *(f"| {what} | {figure} |" for what, figure in rows),
            "",
            f"Made by `{found.command}`, {os.cpu_count()} cores, load average {found.load}.",
            "",
        ]
    )


def both(median: float, p99: float) -> str:
    """Return two figures as one cell."""
    return f"{median:.1f} / {p99:.1f}"


if __name__ == "__main__":
    status = main(sys.argv[1:])
    from run import rewrite_report

    rewrite_report(HERE)
    sys.exit(status)
