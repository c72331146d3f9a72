"""The command line beside the real pcs and Pacemaker's tools: how long a call takes.

    bench/cli.py [--runs N] [--without-lab]

On files: `pcs -f` and each low-level tool, ours and the installed one in turn, in one run. Live,
in a lab of one node with 200 resources: `pcs status` and the tools that agents call, ours alone,
above what an empty Python takes. Each cell is the shortest of N runs, in milliseconds: CPU (user
and system) and wall; what else runs on the machine can only add to it. The rows go to
bench/results/cli.json and into their own section of bench/RESULTS.md.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import best_of
import msgspec
from best_of import Cell, least, once

from paceline.lab.cluster import set_up
from paceline.lab.lab import Lab

HERE = Path(__file__).resolve().parent
OURS = Path(sys.executable).parent
THEIRS = Path("/usr/sbin")
HEADING = "## The command line"
RESOURCES = 200
RUNS_DEFAULT = 7
LAB = "bench-cli"
COROSYNC_CONF = """totem {
    version: 2
    cluster_name: bench
    transport: knet
}
nodelist {
    node {
        ring0_addr: n1
        name: n1
        nodeid: 1
    }
}
quorum {
    provider: corosync_votequorum
}
"""
FILE_CALLS = (
    ("pcs -f {cib} --corosync_conf {conf} status", None),
    ("pcs -f {cib} resource create new ocf:heartbeat:Dummy", 120.0),
    ("crm_mon -1", 60.0),
    ("crm_mon -1 --output-as=xml", 60.0),
    ("crm_resource -W -r r7", 60.0),
    ("crm_resource -l", 60.0),
    ("cibadmin -Q", 60.0),
    ("cibadmin -Q -A //primitive[@id='r7']", 60.0),
    ("crm_attribute -n stonith-enabled -G", 60.0),
    ("crm_attribute -l reboot -N n1 -n pingd -G", 60.0),
    ("crm_failcount -G -r r7 -N n1", 60.0),
    ("crm_standby -G -N n1", 60.0),
    ("crm_verify -x {cib}", 60.0),
    ("crm_diff -o {cib} -n {other}", 60.0),
    ("crm_ticket -l", 60.0),
    ("crm_rule -c -r rule", 60.0),
    ("crm_shadow -w", 60.0),
    ("crm_error -X 105", 60.0),
    ("iso8601 -d 2020-01-01", 60.0),
    ("crm_simulate -x {cib} -S", None),
)
LIVE_CALLS = (
    ("pcs status", 40.0),
    ("pcs resource status", 40.0),
    ("crm_mon -1", 60.0),
    ("crm_mon -1 --output-as=xml", 60.0),
    ("crm_resource -W -r r7", 60.0),
    ("cibadmin -Q", 60.0),
    ("crm_attribute -l reboot -n x -G -d 1", 60.0),
    ("crm_attribute -n stonith-enabled -G", 60.0),
    ("crm_master -l reboot -r r7 -v 5", 60.0),
    ("attrd_updater -n x -U 4", 60.0),
    ("crm_node -n", 60.0),
    ("crm_failcount -G -r r7", 60.0),
    ("crm_standby -G", 60.0),
    ("crm_verify -L", 60.0),
    ("stonith_admin -L", 60.0),
    ("crmadmin -D", 60.0),
    ("crm_ticket -l", 60.0),
)


class Call(msgspec.Struct, frozen=True):
    """One call measured; times in milliseconds, the peer's 0 where it was not run."""

    words: str
    where: str
    bar_ms: float
    cpu_ms: float
    wall_ms: float
    peer_cpu_ms: float = 0.0
    peer_wall_ms: float = 0.0
    python_ms: float = 0.0
    """What an empty Python takes in the same place (wall)."""


def main(words: list[str]) -> int:
    """Obey the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="bench/cli.py", description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS_DEFAULT)
    parser.add_argument("--without-lab", action="store_true")
    given = parser.parse_args(words)
    calls = measure_files(given.runs)
    if not given.without_lab:
        calls += measure_live(given.runs)
    record(calls, " ".join(("bench/cli.py", *words)))
    return 0


def measure_files(runs: int) -> list[Call]:
    """Measure what works on files, both sides in turn."""
    found = []
    with tempfile.TemporaryDirectory(prefix="bench-cli-") as folder:
        cib, other, conf = (
            Path(folder, name) for name in ("cib.xml", "other.xml", "corosync.conf")
        )
        cib.write_text(document(), encoding="utf-8")
        other.write_text(document().replace('value="3"', 'value="4"'), encoding="utf-8")
        conf.write_text(COROSYNC_CONF, encoding="utf-8")
        environment = {
            **os.environ, "CIB_file": str(cib), "HOME": folder,
            "PACELINE_RUNTIME_DIR": folder, "PACELINE_CACHE_DIR": folder,
        }  # fmt: skip
        # As installed: compiled once. The first of several runs does that.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        python = best([[sys.executable, "-c", "pass"]], runs, environment)[0][1]
        for text, bar in FILE_CALLS:
            name, *rest = text.format(cib=cib, other=other, conf=conf).split()
            sides = [[str(folder / name), *rest] for folder in (OURS, THEIRS)]
            before = cib.read_bytes()
            (ours, theirs) = best(sides, runs, environment, partial(cib.write_bytes, before))
            found.append(
                Call(
                    words=text.format(cib="FILE", other="FILE", conf="FILE"),
                    where="file",
                    bar_ms=bar or 0.0,
                    cpu_ms=ours[0],
                    wall_ms=ours[1],
                    peer_cpu_ms=theirs[0],
                    peer_wall_ms=theirs[1],
                    python_ms=python,
                )
            )
            print(row(found[-1]), flush=True)
    return found


def measure_live(runs: int) -> list[Call]:
    """Measure ours against a daemon with many resources, from within its node."""
    with Lab(LAB, nodes=1, disk_mib=256) as lab:
        set_up(lab, lambda line: None)
        node = lab.node("worker1")
        text = document(is_live=True)
        node.shell(f"cat > /root/resources.xml <<'END'\n{text}\nEND").check()
        node.shell("cibadmin -R -o configuration -x /root/resources.xml").check()
        node.shell("crm_resource --wait --timeout 100s").check()
        program = Path(best_of.__file__).read_text(encoding="utf-8")
        node.shell(f"cat > /root/best_of.py <<'END'\n{program}END").check()
        calls = []
        for words, bar in (("python3 -c pass", 0.0), *LIVE_CALLS):
            line = f"{sys.executable} /root/best_of.py {runs} {words}"
            cpu, wall = map(float, node.shell(line).check().out.split())
            calls.append((words, bar, cpu, wall))
        python = calls[0][3]
    found = [
        Call(words=words, where="live", bar_ms=bar, cpu_ms=cpu, wall_ms=wall, python_ms=python)
        for words, bar, cpu, wall in calls[1:]
    ]
    for each in found:
        print(row(each), flush=True)
    return found


def document(*, is_live: bool = False) -> str:
    """Return a configuration with many resources, for a file also with their status."""
    primitives, reported = [], []
    for number in range(RESOURCES):
        primitives.append(
            f'<primitive id="r{number}" class="ocf" provider="pacemaker" type="Dummy">'
            f'<meta_attributes id="r{number}-m"><nvpair id="r{number}-m-t" '
            f'name="migration-threshold" value="3"/></meta_attributes></primitive>'
        )
        reported.append(
            f'<lrm_resource id="r{number}" class="ocf" provider="pacemaker" type="Dummy">'
            f'<lrm_rsc_op id="r{number}_last_0" operation_key="r{number}_start_0" '
            f'operation="start" call-id="{number + 1}" rc-code="0" op-status="0" interval="0" '
            f'transition-key="{number}:1:0:k" transition-magic="0:0;{number}:1:0:k" '
            'op-digest="0" last-rc-change="1700000000" exec-time="10"/></lrm_resource>'
        )
    options = '<nvpair id="o1" name="stonith-enabled" value="false"/>'
    options += '<nvpair id="o2" name="no-quorum-policy" value="ignore"/>'
    rule = (
        '<rsc_location id="l" rsc="r0"><rule id="rule" score="1">'
        '<date_expression id="d" operation="gt" start="2020-01-01"/></rule></rsc_location>'
    )
    configuration = (
        f'<configuration><crm_config><cluster_property_set id="o">{options}'
        '</cluster_property_set></crm_config><nodes><node id="1" uname="'
        f'{"worker1" if is_live else "n1"}"/></nodes><resources>{"".join(primitives)}</resources>'
        f"<constraints>{rule}</constraints></configuration>"
    )
    if is_live:
        return configuration
    state = (
        '<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" '
        f'expected="member"><lrm id="1"><lrm_resources>{"".join(reported)}</lrm_resources></lrm>'
        "</node_state>"
    )
    return (
        '<cib validate-with="pacemaker-3.9" epoch="3" num_updates="0" admin_epoch="0" '
        f'crm_feature_set="3.16.1" have-quorum="1" dc-uuid="1">{configuration}'
        f"<status>{state}</status></cib>"
    )


def best(
    sides: Sequence[Sequence[str]],
    runs: int,
    environment: Mapping[str, str],
    put_back: Callable[[], object] = lambda: None,
) -> list[Cell]:
    """Run the sides in turn, those that are installed; return the least of each."""
    cells: list[list[Cell]] = [[] for _ in sides]
    for _ in range(runs):
        for words, found in zip(sides, cells, strict=True):
            if Path(words[0]).exists():
                found.append(once(words, environment))
            put_back()
    return [least(found) for found in cells]


def row(call: Call) -> str:
    """Return a line of the table."""
    ratio = f"{call.wall_ms / call.peer_wall_ms:.2f}" if call.peer_wall_ms else "-"
    above = call.wall_ms - call.python_ms
    taken = above if call.words.startswith("pcs") and call.where == "live" else call.cpu_ms
    held = "-" if not call.bar_ms else "yes" if taken <= call.bar_ms else "no"
    return (
        f"| `{call.words}` | {call.where} | {call.cpu_ms:.0f} | {call.wall_ms:.0f} | {above:.0f} "
        f"| {call.peer_wall_ms:.0f} | {ratio} | {call.bar_ms:.0f} | {held} |"
    )


def record(calls: Sequence[Call], command: str) -> None:
    """Keep the rows, and rewrite the section of RESULTS.md; what was not measured now stays."""
    path = HERE / "results" / "cli.json"
    measured = {each.where for each in calls}
    known = json.loads(path.read_text(encoding="utf-8"))["calls"] if path.exists() else []
    rows = [msgspec.to_builtins(each) for each in calls]
    older = [each for each in known if each["where"] not in measured]
    rows += older
    kept: Mapping[str, object] = {"command": command, "calls": rows, "load": os.getloadavg()[0]}
    kept = {**kept, "older": sorted({each["where"] for each in older})}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    report = HERE / "RESULTS.md"
    text = report.read_text(encoding="utf-8") if report.exists() else "# Results\n"
    before, _, rest = text.partition(HEADING)
    after = rest.partition("\n## ")
    tail = f"\n## {after[2]}" if after[1] else ""
    report.write_text(f"{before.rstrip()}\n\n{section()}{tail}", encoding="utf-8")


def section() -> str:
    """Return the section of RESULTS.md, of what was measured last; empty where nothing was."""
    path = HERE / "results" / "cli.json"
    if not path.exists():
        return ""
    kept = json.loads(path.read_text(encoding="utf-8"))
    calls = [msgspec.convert(each, Call) for each in kept["calls"]]
    lines = [
        HEADING,
        "",
        f"{RESOURCES} resources; the shortest of several runs, in milliseconds. *Above Python*:",
        "wall beyond an empty Python's in the same place. *Ratio*: our wall by that of the",
        "installed pcs 0.11.5 and Pacemaker 2.1.5 on the same file, in turn; below 1 is faster.",
        "The bar is for CPU, for live `pcs` for what it takes above Python.",
        "",
        "| call | on | CPU | wall | above Python | peer's wall | ratio | bar | held |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(row(each) for each in calls),
        "",
        f"Made by `{kept['command']}`, load average {kept['load']:.1f} on {os.cpu_count()} cores.",
        *(f"The rows `{where}` are of an earlier run." for where in kept.get("older", ())),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
