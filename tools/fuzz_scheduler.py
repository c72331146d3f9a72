"""Ask our scheduler and the installed crm_simulate about random small clusters, and compare.

    ./dev fuzz-scheduler --seed S --count N     N clusters, from seed S on
    ./dev fuzz-scheduler --containers           with bundles, guest nodes and remote nodes
    ./dev fuzz-scheduler --cib FILE             one CIB of your own

Compared are where everything will be (L1), what is done (L2) and, where both do the same, what
waits for what (L3). What differs is shrunk to a small CIB, and both answers are shown.
"""

import argparse
import collections
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPO / "src"), str(Path(__file__).resolve().parent)]

from fuzz_answers import Answer, NoAnswerError, ask_ours, ask_peer, is_peer_installed  # noqa: E402  # needs the paths
from fuzz_cib import NOW_S, make_cib  # noqa: E402
from fuzz_containers import make_container_cib  # noqa: E402
from fuzz_shrink import shrink  # noqa: E402

LINES_MAX = 12
"""How many differing waits are listed."""


def main(words: list[str]) -> int:
    """Obey the command line; 0 if nothing differs (or there is no peer), else 1."""
    parser = argparse.ArgumentParser(prog="./dev fuzz-scheduler", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--count", type=int, default=100, help="how many clusters")
    parser.add_argument("--containers", action="store_true", help="clusters with containers")
    parser.add_argument("--cib", type=Path, help="compare this CIB instead")
    parser.add_argument("--no-shrink", action="store_true", help="only name the seeds")
    parser.add_argument("--out", type=Path, help="keep the small CIBs here, as SEED-LEVEL.xml")
    given = parser.parse_args(words)
    if not is_peer_installed():
        print("crm_simulate is not installed (package pacemaker-cli-utils): nothing to compare.")
        return 0
    if given.cib is not None:
        cib = given.cib.read_bytes()
        level = level_of(cib)
        print(report(cib) if level not in ("", "none") else f"No difference{level and ' to see'}.")
        return 1 if level not in ("", "none") else 0
    make = make_container_cib if given.containers else make_cib
    return fuzz(make, given.seed, given.count, is_shrunk=not given.no_shrink, out=given.out)


def fuzz(
    make: Callable[[int], bytes], first: int, count: int, *, is_shrunk: bool, out: Path | None
) -> int:
    """Compare `count` clusters; show each that differs and the totals."""
    print(f"Seeds {first} to {first + count - 1}")
    totals: collections.Counter[str] = collections.Counter()
    began = time.monotonic()
    for seed in range(first, first + count):
        cib = make(seed)
        level = level_of(cib)
        totals[level] += 1
        if level in ("", "none"):
            continue
        print(f"\n=== seed {seed}: {level} differs", flush=True)
        if is_shrunk:
            cib = shrink(cib, partial(_shows, shape=shape_of(cib)))
            print(report(cib), flush=True)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{seed}-{level}.xml").write_bytes(cib)
    seconds = time.monotonic() - began
    compared = count - totals["none"]
    parts = [f"{level} {totals[level]}" for level in ("crash", "L1", "L2", "L3") if totals[level]]
    print(
        f"\n{count} clusters in {seconds:.0f} s: {totals['']} of {compared} alike, "
        f"first difference at {', '.join(parts) or 'none'}; not answered by the peer: "
        f"{totals['none']}"
    )
    return 0 if totals[""] == compared else 1


def level_of(cib: bytes) -> str:
    """Return the first level that differs, "" where all agree, "none" where no peer answers."""
    try:
        peer = ask_peer(cib, NOW_S)
    except NoAnswerError:
        return "none"
    try:
        ours = ask_ours(cib, NOW_S)
    except Exception:
        return "crash"
    return first_difference(ours, peer)


def _shows(cib: bytes, shape: tuple[str, ...]) -> bool:
    return shape_of(cib) == shape


def shape_of(cib: bytes) -> tuple[str, ...]:
    """Return how the answers differ, without names, so that one difference shrinks to itself."""
    level = level_of(cib)
    if level in ("", "none", "crash"):
        return (level,)
    ours, peer = ask_ours(cib, NOW_S), ask_peer(cib, NOW_S)
    if level == "L3":
        found = {
            f"{side} {first.split()[0]} {then.split()[0]}"
            for side, more, fewer in (("ours", ours, peer), ("peer", peer, ours))
            for first, then in more.waits - fewer.waits
        }
        return (level, min(found))
    left, right = collections.Counter(ours.actions), collections.Counter(peer.actions)
    found = {f"ours {each.split()[0]}" for each in left - right}
    found |= {f"peer {each.split()[0]}" for each in right - left}
    return (level, *sorted(found))


def first_difference(ours: Answer, peer: Answer) -> str:
    """Return the first level at which two answers differ, or ""."""
    if ours.places != peer.places:
        return "L1"
    if ours.actions != peer.actions:
        return "L2"
    return "L3" if ours.waits != peer.waits else ""


def report(cib: bytes) -> str:
    """Return the CIB and how the answers differ."""
    lines = [cib.decode(), ""]
    peer = ask_peer(cib, NOW_S)
    try:
        ours = ask_ours(cib, NOW_S)
    except Exception:
        return "\n".join([*lines, traceback.format_exc()])
    for title, left, right in (
        ("place", [_place(each) for each in ours.places], [_place(each) for each in peer.places]),
        ("action", list(ours.actions), list(peer.actions)),
    ):
        lines.extend(_difference(title, left, right))
    if ours.actions == peer.actions:
        waits = (
            [f"{then}  after  {first}" for first, then in sorted(answer.waits)]
            for answer in (ours, peer)
        )
        lines.extend(_difference("wait", *waits)[:LINES_MAX])
    else:
        lines.append("  all that crm_simulate does: " + "; ".join(peer.actions))
    return "\n".join(lines)


def _place(place: tuple[str, str, bool]) -> str:
    return f"{place[0]} on {place[1]}{' promoted' if place[2] else ''}"


def _difference(title: str, ours: list[str], peer: list[str]) -> list[str]:
    left, right = collections.Counter(ours), collections.Counter(peer)
    return [
        *(f"  {title} only of ours: {each}" for each in sorted((left - right).elements())),
        *(f"  {title} only of crm_simulate: {each}" for each in sorted((right - left).elements())),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
