"""From rows of figures to a table: medians, the bar, and whether it was held."""

import statistics
from collections.abc import Mapping, Sequence

from scenarios import TOLERANCE_S, Figure, Row, Scenario

Rows = Mapping[str, Sequence[Row]]
"""The rows of each side (`paceline`, `pacemaker`)."""


def table(measured: Sequence[tuple[Scenario, Rows]]) -> str:
    """Return the results as a Markdown table, times in seconds: min / median / max."""
    lines = [
        "| seconds | Paceline | Pacemaker | bar | goal | held |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for scenario, rows in measured:
        for figure in scenario.figures:
            ours, peer = (_values(rows.get(side, ()), figure.key) for side in SIDES)
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
