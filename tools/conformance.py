"""Compare with the conformance kits beside the checkout, where they are present.

    tools/conformance.py [scheduler|cli] [--out DIR] [--failures N] [CASE ...]

The kits are not part of the product and nothing of them is copied here.
"""

import argparse
import collections
import importlib.util
import json
import sys
import tarfile
import tempfile
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
REPO = HERE.parent
KITS = REPO.parent / "shared" / "conformance"
DEFAULT_NOW_MS = 1_798_761_600_000
"""2027-01-01: the kit asks for any time from 2026 on where a case names none."""

sys.path.insert(0, str(REPO / "src"))


def main() -> int:
    """Run the halves that were asked for; 0 only if all that were run found no difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="scheduler, cli, or cases of the scheduler")
    parser.add_argument("--out", type=Path, help="keep the JSON files here")
    parser.add_argument("--failures", type=int, default=1000, help="how many failures to list")
    arguments = parser.parse_args()
    halves = [name for name in arguments.names if name in HALVES] or list(HALVES)
    cases = [name for name in arguments.names if name not in HALVES]
    if cases:
        halves = ["scheduler"]
    status = 0
    for half in halves:
        status = max(status, HALVES[half](cases, arguments))
    return status


# The scheduler


def scheduler_half(cases: list[str], arguments: argparse.Namespace) -> int:
    """Run every case in this process and print the totals by level and feature."""
    kit = KITS / "scheduler"
    if not (kit / "cases.tar.xz").exists():
        print("The scheduler's conformance kit is not here; nothing to compare.")
        return 0
    compare = _load(kit / "compare_transition.py")
    rows = _features(kit / "features.tsv")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with tarfile.open(kit / "cases.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        out = arguments.out or folder / "out"
        out.mkdir(parents=True, exist_ok=True)
        for stale in out.glob("*.json"):
            stale.unlink()
        names = cases or sorted(rows)
        began = time.process_time()
        broken = _run_cases(folder, out, names, rows)
        seconds = time.process_time() - began
        verdicts = {name: _judge(compare, folder, out, name) for name in names}
        unexplained = _unexplained_scores(folder, [name for name in names if name not in broken])
    _print_table(verdicts, rows, seconds, arguments.failures)
    print(f"\nscores that `--scores` does not add up to: {len(unexplained)}")
    for line in unexplained[: arguments.failures]:
        print(f"  {line}")
    for name, problem in sorted(broken.items()):
        print(f"crashed: {name}: {problem}")
    return 0 if all(all(levels.values()) for levels in verdicts.values()) else 1


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _features(path: Path) -> dict[str, dict[str, str]]:
    lines = path.read_text().splitlines()
    head = lines[0].split("\t")
    rows = [dict(zip(head, line.split("\t"), strict=False)) for line in lines[1:]]
    return {row["case"]: row for row in rows}


def _run_cases(
    folder: Path, out: Path, names: list[str], rows: dict[str, dict[str, str]]
) -> dict[str, str]:
    from paceline.cib.dates import parse_date_ms
    from paceline.cib.read import snapshot_of_file
    from paceline.commands.simulate import conformance_json

    broken: dict[str, str] = {}
    for name in names:
        now_ms = DEFAULT_NOW_MS
        words = rows.get(name, {}).get("args", "")
        if words.startswith("-t "):
            now_ms = parse_date_ms(words[3:].strip("'"))
        xml = (folder / "xml" / f"{name}.xml").read_bytes()
        try:
            text = conformance_json(name, snapshot_of_file(xml, now_ms))
        except Exception as problem:
            where = traceback.extract_tb(problem.__traceback__)[-1]
            place = f"{Path(where.filename).name}:{where.lineno}"
            broken[name] = f"{type(problem).__name__}: {problem} ({place})"
            continue
        (out / f"{name}.json").write_text(text)
    return broken


def _unexplained_scores(folder: Path, names: list[str]) -> list[str]:
    """Return the scores (case, resource, node) whose listed contributions are not their sum."""
    from paceline.cib.read import snapshot_of_file
    from paceline.model.scores import add_scores
    from paceline.scheduler.explain import score_tables

    found = []
    for name in names:
        xml = (folder / "xml" / f"{name}.xml").read_bytes()
        for table in score_tables(snapshot_of_file(xml, DEFAULT_NOW_MS)):
            total = 0
            for reason in table.reasons:
                total = add_scores(total, reason.score)
            if total != table.score:
                found.append(f"{name}: {table.resource} on {table.node}")
    return found


def _judge(compare: ModuleType, folder: Path, out: Path, name: str) -> dict[str, bool]:
    path = out / f"{name}.json"
    if not path.exists():
        return dict.fromkeys(("L0", "L1", "L2", "L3", "L4"), False)
    expected: Any = json.loads((folder / "expected" / f"{name}.json").read_text())
    candidate: Any = json.loads(path.read_text())
    result = compare.compare(expected, candidate)
    return {level: result[level]["verdict"] != "fail" for level in ("L0", "L1", "L2", "L3", "L4")}


def _print_table(
    verdicts: dict[str, dict[str, bool]],
    rows: dict[str, dict[str, str]],
    seconds: float,
    failures_max: int,
) -> None:
    levels = ("L1", "L2", "L3", "L4")
    total = len(verdicts)
    print(f"{total} cases in {seconds:.1f} CPU s")
    for level in ("L0", *levels):
        passed = sum(1 for each in verdicts.values() if each[level])
        print(f"  {level}  {passed:4d} of {total}  {100 * passed / max(1, total):5.1f} %")
    by_feature: dict[str, list[dict[str, bool]]] = collections.defaultdict(list)
    for name, verdict in verdicts.items():
        for feature in rows.get(name, {}).get("features", "").split(","):
            by_feature[feature].append(verdict)
    print(f"\n{'feature':32s} {'cases':>5s} " + " ".join(f"{level:>6s}" for level in levels))
    for feature, found in sorted(by_feature.items(), key=lambda each: (-len(each[1]), each[0])):
        shares = [100 * sum(v[level] for v in found) / len(found) for level in levels]
        print(f"{feature:32s} {len(found):5d} " + " ".join(f"{s:5.1f}%" for s in shares))
    failed = {name: [x for x in levels if not v[x]] for name, v in verdicts.items()}
    failed = {name: found for name, found in failed.items() if found}
    print(f"\n{len(failed)} cases differ somewhere:")
    for name in sorted(failed)[:failures_max]:
        print(f"  {name}: {' '.join(failed[name])}")


# The command line


def cli_half(_cases: list[str], arguments: argparse.Namespace) -> int:
    """Run the kit's oracle on `pcs` and print the shares that agree."""
    from conformance_cli import run

    return run(KITS / "cli", arguments.failures)


HALVES = {"scheduler": scheduler_half, "cli": cli_half}
"""Each half by name."""


if __name__ == "__main__":
    sys.exit(main())
