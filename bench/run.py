"""The benchmarks: what they are, and running them.

    bench/run.py                          list them
    bench/run.py failover [--pairs N]     every fail-over figure, beside the real Pacemaker
    bench/run.py failover crash stop      only these

Many resources are measured by bench/scale.py, entries, writes and a cluster at rest by
bench/ring.py, the scheduler alone by bench/scheduler.py, the command line by bench/cli.py.

Each pair measures one side and then the other on this machine, in turn, so that what else runs on
it touches both. The rows of each scenario go to bench/results/NAME.json, with the command that made
them, and bench/RESULTS.md is made of all of these.
"""

import argparse
import os
import shlex
import signal
import sys
import time
from pathlib import Path

from peer import FOLDER_DEFAULT, PeerCluster, why_absent
from results import SIDES, Measured, read_all, report, table, write
from ring import section as ring_section
from scale import section as scale_section
from scenarios import SCENARIOS, Row, Scenario, find_scenario

from cli import section as cli_section
from scheduler import section as scheduler_section

HERE = Path(__file__).resolve().parent
PAIRS_DEFAULT = 10


def main(words: list[str]) -> int:
    """Obey the command line; return the exit status."""
    # As an interrupt from the keyboard: the labs are taken down on the way out.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="?", default="")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    parser.add_argument("--pairs", type=int, default=PAIRS_DEFAULT)
    parser.add_argument("--peer-lab", type=Path, default=FOLDER_DEFAULT)
    parser.add_argument("--without-peer", action="store_true")
    parser.add_argument(
        "--output", type=Path, default=HERE, help="folder of results and RESULTS.md"
    )
    given = parser.parse_args(words)
    if not given.what:
        print(listing())
        return 0
    wanted = [*given.scenarios] if given.what == "failover" else [given.what, *given.scenarios]
    unknown = [name for name in wanted if find_scenario(name) is None]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there is\n{listing()}")
    chosen = [find_scenario(name) for name in wanted] if wanted else list(SCENARIOS)
    absent = "left out by --without-peer" if given.without_peer else why_absent(given.peer_lab)
    if absent:
        print(f"Without the peer: {absent}")
    for scenario in filter(None, chosen):
        rows = measure(scenario, given.pairs, None if absent else given.peer_lab)
        measured = Measured(
            scenario=scenario.name,
            command=shlex.join(["./dev", "bench", *words]),
            date=time.strftime("%Y-%m-%d"),
            machine=f"{os.cpu_count()} cores",
            load=", ".join(f"{value:.1f}" for value in os.getloadavg()),
            rows=rows,
        )
        write(given.output / "results", measured)
        print(table([(scenario, measured)]), flush=True)
        rewrite_report(given.output)
    print(f"Written to {given.output / 'RESULTS.md'}")
    return 0


def rewrite_report(folder: Path) -> None:
    """Write RESULTS.md of all that was measured."""
    sections = (
        report(read_all(folder / "results")), scale_section(), ring_section(),
        scheduler_section(), cli_section(),
    )  # fmt: skip
    text = "\n".join(section for section in sections if section)
    (folder / "RESULTS.md").write_text(text, encoding="utf-8")


def listing() -> str:
    """Return what can be run."""
    lines = ["failover: all of these, beside the real Pacemaker where it is installed"]
    for scenario in SCENARIOS:
        titles = "; ".join(figure.title for figure in scenario.figures)
        lines.append(f"  {scenario.name:10} {titles}")
    return "\n".join(lines)


def measure(scenario: Scenario, pairs: int, peer_lab: Path | None) -> dict[str, list[Row]]:
    """Measure one scenario on both sides, in turn; which side begins alternates."""
    # Imported late: listing must not need the lab.
    from ours import OurCluster

    clusters: dict[str, OurCluster | PeerCluster] = {}
    rows: dict[str, list[Row]] = {side: [] for side in SIDES}
    try:
        clusters["paceline"] = OurCluster(scenario.session, scenario.monitor)
        if peer_lab is not None:
            clusters["pacemaker"] = PeerCluster(peer_lab, scenario.session, scenario.monitor)
        for number in range(pairs):
            order = list(clusters) if number % 2 else list(reversed(clusters))
            for side in order:
                row = clusters[side].measure(scenario.act)
                rows[side].append(row)
                shown = ", ".join(f"{key} {value:.3f}" for key, value in row.items())
                print(f"{scenario.name} {number + 1}/{pairs} {side}: {shown}", flush=True)
    finally:
        for cluster in clusters.values():
            cluster.close()
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
