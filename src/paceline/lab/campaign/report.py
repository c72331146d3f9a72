"""What a campaign found, as a table. Pure."""

from collections.abc import Sequence
from statistics import median

from paceline.lab.campaign.rounds import RoundResult

TWO_AT_ONCE = "two at once"


def table(results: Sequence[RoundResult]) -> str:
    """Return a line per kind of fault: how often, promises broken, and seconds.

    *dark*: the page did not answer the client. *own*: from the strike until the daemons had started
    the address again, by their own record, in the rounds in which they did. *well*: from the end
    of the faults until all was well. Rounds with two faults have a line of their own: what they
    cost is nobody's alone.
    """
    by_kind: dict[str, list[RoundResult]] = {}
    for result in results:
        alone = len(result.faults) == 1
        title = result.faults[0].kind.name if alone else TWO_AT_ONCE
        by_kind.setdefault(title, []).append(result)
    lines = [
        f"{'':<16} {'':>6} {'':>6}  {'dark, s':^16}  {'own, s':^16}  {'well, s':^16}",
        f"{'fault':<16} {'rounds':>6} {'broken':>6}" + f"  {'median':>8} {'longest':>7}" * 3,
    ]
    lines += [_line(title, rows) for title, rows in sorted(by_kind.items())]
    lines.append(_line("all", results))
    return "\n".join(lines)


def _line(title: str, rows: Sequence[RoundResult]) -> str:
    broken = sum(len(row.violations) for row in rows)
    columns = (
        [sum(outage.duration_ms for outage in row.dark) / 1000 for row in rows],
        [row.own_ms / 1000 for row in rows if row.own_ms is not None],
        [row.settle_ms / 1000 for row in rows],
    )
    return f"{title:<16} {len(rows):>6} {broken:>6}" + "".join(map(_spread, columns))


def _spread(values: Sequence[float]) -> str:
    if not values:
        return f"  {'-':>8} {'-':>7}"
    return f"  {median(values):>8.1f} {max(values):>7.1f}"


def summary(results: Sequence[RoundResult], *, writes: int, acknowledged: int, moves: int) -> str:
    """Return the last words: what was done, and which promises were broken."""
    faults = sum(len(result.faults) for result in results)
    violations = [violation for result in results for violation in result.violations]
    lines = [
        f"{faults} faults in {len(results)} rounds; {writes} writes asked, {acknowledged}"
        f" acknowledged; {moves} moves asked",
    ]
    rules = sorted({violation.rule for violation in violations})
    if not rules:
        lines.append("No promise was broken.")
    for rule in rules:
        told = [violation.what for violation in violations if violation.rule == rule]
        lines.append(f"{rule} broken {len(told)} times; first: {told[0]}")
    return "\n".join(lines)
