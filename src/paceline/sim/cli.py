"""`paceline sim`: run seeds, tell what broke, as a story that is as short as it could be made."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from paceline.sim.cibs import SHAPES
from paceline.sim.faults import KINDS, read_kinds
from paceline.sim.run import run_seed, shrink_seed
from paceline.sim.trace import format_story
from paceline.sim.wiring import KEEPS_ALL, PLANTS
from paceline.sim.world import RunOptions, RunResult

STORY_BEFORE_S = 60
"""How much of the story before the first broken promise is printed, in virtual seconds."""


def main(words: Sequence[str]) -> int:
    """Run what the words say. Returns 0 if every promise held, 1 if not, 2 for bad words."""
    parser = _parser()
    try:
        chosen = parser.parse_args(list(words))
        first, last = _seeds(chosen.seeds)
        options = _options(chosen)
    except SystemExit as wrong:
        return 0 if wrong.code in (0, None) else 2
    except ValueError as wrong:
        print(f"paceline sim: {wrong}", file=sys.stderr)
        return 2
    totals: Counter[str] = Counter()
    failed: list[int] = []
    for seed in range(first, last + 1):
        result = run_seed(seed, options)
        _add(totals, result)
        print(_line(result), flush=True)
        if result.violations:
            failed.append(seed)
            _tell_failure(result, options, is_whole=chosen.whole, is_shrunk=not chosen.no_shrink)
            if chosen.stop:
                break
        elif chosen.story:
            print(format_story(result.lines, result.names))
    figures = ", ".join(f"{count} {name}" for name, count in totals.items())
    print(f"{len(failed)} of {last - first + 1} seeds broke a promise; {figures}")
    if failed:
        print(f"failing seeds: {' '.join(str(seed) for seed in failed)}")
    return 1 if failed else 0


def read_seed(text: str) -> tuple[int, RunOptions]:
    """Return the seed and the options that words like `17 --nodes 2` stand for.

    Raises ValueError where they are wrong.
    """
    chosen = _parser().parse_args(["--seeds", *text.split()])
    return _seeds(chosen.seeds)[0], _options(chosen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="paceline sim",
        description="Run the replica and the scheduler in a made-up world with faults.",
    )
    add = parser.add_argument
    add("--seeds", default="1..10", metavar="A..B", help="which seeds to run (one: A)")
    add("--nodes", type=int, default=0, help="how many nodes, 2 to 5 (else by the seed)")
    add("--count", type=int, default=RunOptions().count, help="how many faults a seed")
    add("--faults", default="", metavar="LIST", help=f"only these kinds: classic,{','.join(KINDS)}")
    add("--plant", default="", metavar="NAME", help=f"take a rule out: {', '.join(PLANTS)}")
    add("--fencing", choices=("on", "off"), help="fencing on or off (else by the seed)")
    add(
        "--shapes",
        metavar="LIST",
        help=f"what is configured: none or {','.join(SHAPES)} (else by seed)",
    )
    add("--story", action="store_true", help="print the story of seeds that hold, too")
    add("--whole", action="store_true", help="print the whole story of a failing seed")
    add("--no-shrink", action="store_true", help="do not make a failing seed shorter")
    add("--stop", action="store_true", help="stop at the first failing seed")
    return parser


def _seeds(text: str) -> tuple[int, int]:
    """Return the first and the last seed. Raises ValueError where the text is no range."""
    first, dots, last = text.partition("..")
    if not first.isdigit() or (dots and not last.isdigit()):
        raise ValueError(f"'{text}' is no range of seeds, like 1..200")
    return int(first), int(last) if dots else int(first)


def _options(chosen: argparse.Namespace) -> RunOptions:
    """Return the run's options. Raises ValueError where a name or number cannot be."""
    kinds = read_kinds(chosen.faults)
    shapes = None if chosen.shapes is None else _shapes(chosen.shapes)
    strange = [shape for shape in shapes or () if shape not in SHAPES]
    if strange:
        raise ValueError(f"no such shape: {', '.join(strange)} (there are: {', '.join(SHAPES)})")
    if chosen.plant and chosen.plant not in PLANTS:
        raise ValueError(f"no such plant: {chosen.plant} (there are: {', '.join(PLANTS)})")
    if chosen.nodes and not 2 <= chosen.nodes <= 5:
        raise ValueError(f"{chosen.nodes} nodes: the simulator makes 2 to 5")
    plant = PLANTS.get(chosen.plant)
    return RunOptions(
        nodes=chosen.nodes,
        count=chosen.count,
        kinds=kinds or (plant.kinds if plant else ()),
        wiring=plant.wiring if plant else KEEPS_ALL,
        shapes=shapes,
        fencing=None if chosen.fencing is None else chosen.fencing == "on",
    )


def _shapes(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(shape for shape in text.split(",") if shape)


def _line(result: RunResult) -> str:
    verdict = "; ".join(sorted({violation.rule for violation in result.violations})) or "held"
    return (
        f"seed {result.seed}: {verdict} ({result.nodes} nodes, {len(result.faults)} faults, "
        f"{result.virtual_ms // 1000} s, {result.events} events, {result.starts} starts, "
        f"{result.fencings} fencings, {result.acknowledged}/{result.changes} changes) "
        f"{result.digest}"
    )


def _add(totals: Counter[str], result: RunResult) -> None:
    totals["faults"] += len(result.faults)
    totals["starts"] += result.starts
    totals["fencings"] += result.fencings
    totals["changes acknowledged"] += result.acknowledged
    totals["messages on one side only"] += result.one_sided
    totals["virtual seconds"] += result.virtual_ms // 1000


def _tell_failure(
    result: RunResult, options: RunOptions, *, is_whole: bool, is_shrunk: bool
) -> None:
    """Print the broken promises, the faults that are needed, and the story before the first."""
    if is_shrunk:
        result = shrink_seed(result, options)
    print(f"seed {result.seed} breaks:")
    for violation in result.violations:
        print(f"  {violation}")
    print("with these faults:" if result.faults else "without any fault")
    for fault in result.faults:
        print(f"  {fault.at_ms / 1000:.3f} {fault}")
    until_us = result.violations[0].at_us
    from_us = 0 if is_whole else until_us - STORY_BEFORE_S * 1_000_000
    lines = [
        line for line in result.lines if from_us <= line[0] and (is_whole or line[0] <= until_us)
    ]
    print(format_story(lines, result.names))
    print(f"seed {result.seed}: end of its story")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
