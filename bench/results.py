"""Rows of figures: kept as JSON, and made into a table of medians with the bar and the verdict."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scenarios import SCENARIOS, TOLERANCE_S, Figure, Row, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One scenario's rows by side, and how they were made. `load` is the machine's at the end."""

    scenario: str
    command: str
    date: str
    machine: str
    load: str
    rows: Mapping[str, Sequence[Row]]


def write(folder: Path, measured: Measured) -> None:
    """Keep the rows of a scenario; they replace older ones."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(measured), indent=1) + "\n"
    (folder / f"{measured.scenario}.json").write_text(text, encoding="utf-8")


def read_all(folder: Path) -> list[tuple[Scenario, Measured]]:
    """Return what was measured, in the scenarios' order."""
    found = []
    for scenario in SCENARIOS:
        path = folder / f"{scenario.name}.json"
        if path.exists():
            found.append((scenario, Measured(**json.loads(path.read_text(encoding="utf-8")))))
    return found


def report(measured: Sequence[tuple[Scenario, Measured]]) -> str:
    """Return the text of RESULTS.md."""
    lines = [
        "# Results",
        "",
        "Each cell: shortest / **median** / longest, in seconds, as a client sees it that asks",
        "every 10 ms. Token 1000 ms, two nodes, knet, aes256/sha256, no fencing; both sides on one",
        "machine in one run, in turn. `held`: our median is within the bar, and no value beyond",
        "what is never allowed.",
        "",
        table(measured),
        "Made by:",
        "",
    ]
    for scenario, one in measured:
        pairs = len(one.rows.get(SIDES[0], ()))
        lines.append(
            f"- {scenario.name}: `{one.command}`, {one.date}, {pairs} pairs, {one.machine},"
            f" load average {one.load}"
        )
    return "\n".join(lines) + "\n"


def table(measured: Sequence[tuple[Scenario, Measured]]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| seconds | Paceline | Pacemaker | bar | goal | held |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for scenario, one in measured:
        for figure in scenario.figures:
            ours, peer = (_values(one.rows.get(side, ()), figure.key) for side in SIDES)
            lines.append(
                f"| {figure.title} | {_spread(ours)} | {_spread(peer)} | {_bar(figure, peer)}"
                f" | {figure.goal or '-'} | {verdict(figure, ours, peer)} |"
            )
    return "\n".join(lines) + "\n"


SIDES = ("paceline", "pacemaker")


def verdict(figure: Figure, ours: Sequence[float], peer: Sequence[float]) -> str:
    """Return `yes` or `no`: is our median within the bar, and none beyond the worst allowed."""
    if not ours:
        return "not measured"
    median = statistics.median(ours)
    if figure.bar_s is not None:
        is_held = median <= figure.bar_s
        if figure.worst_s is not None:
            is_held = is_held and max(ours) <= figure.worst_s
        return "yes" if is_held else "no"
    if not peer:
        return "no peer here"
    return "yes" if median <= statistics.median(peer) + TOLERANCE_S else "no"


def _values(rows: Sequence[Row], key: str) -> list[float]:
    return sorted(row[key] for row in rows if key in row)


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{values[0]:.2f} / **{statistics.median(values):.3f}** / {values[-1]:.2f}"


def _bar(figure: Figure, peer: Sequence[float]) -> str:
    if figure.bar_s is None:
        return f"peer + {TOLERANCE_S:g}" if peer else "the peer"
    worst = f", never above {figure.worst_s:g}" if figure.worst_s is not None else ""
    return f"{figure.bar_s:g}{worst}"
