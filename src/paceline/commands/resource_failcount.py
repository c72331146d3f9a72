"""`resource failcount show`: how often resources failed, where, and in which operation."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from paceline.cib.read import read_status
from paceline.cib.tree import parse_cib
from paceline.cib.wording import quoted
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.model.durations import parse_duration_ms
from paceline.model.scores import parse_score

FILTERS = ("interval", "node", "operation")
INFINITY = 1_000_000
_COUNTER = re.compile(r"fail-count-(?P<resource>.+?)(#(?P<operation>.+)_(?P<interval>\d+))?")


class Count(NamedTuple):
    """A fail count; `operation` is empty in counters of old Pacemakers."""

    resource: str
    node: str
    operation: str
    interval_ms: int
    failures: int


class Wanted(NamedTuple):
    """Which counts are asked for; empty fields mean all."""

    resource: str = ""
    node: str = ""
    operation: str = ""
    interval: str = ""

    def takes(self, count: Count) -> bool:
        """Say whether a count is asked for."""
        interval_ms = parse_duration_ms(self.interval) if self.interval else count.interval_ms
        return (
            self.resource in ("", count.resource)
            and self.node in ("", count.node)
            and self.operation in ("", count.operation)
            and interval_ms == count.interval_ms
        )

    def __str__(self) -> str:
        """Say what is asked for: ` for operation 'monitor' of resource 'A' on node 'n1'`."""
        parts = []
        if self.operation:
            interval = f" with interval '{self.interval}'" if self.interval else ""
            parts.append(f" for operation '{self.operation}'{interval}")
        if self.resource:
            parts.append(f" {'of' if self.operation else 'for'} resource '{self.resource}'")
        if self.node:
            parts.append(f" on node '{self.node}'")
        return "".join(parts)


def show(request: Request, ports: Ports) -> Outcome:
    """Show counts: `resource failcount show [RESOURCE] [node=N] [operation=OP [interval=I]]`."""
    wanted = _read(request)
    counts = [one for one in _counts(ports) if one.failures and wanted.takes(one)]
    if not counts:
        return Outcome(text=f"No failcounts{wanted}")
    lines = []
    for resource in sorted({one.resource for one in counts}):
        own = [one for one in counts if one.resource == resource]
        lines.append(f"Failcounts for resource '{resource}'")
        for node in sorted({one.node for one in own}):
            here = sorted(one for one in own if one.node == node)
            lines += _node_lines(node, here, is_full=request.has("full"))
    return Outcome(text="\n".join(lines))


def _read(request: Request) -> Wanted:
    """Return what the words ask for. Raises UsageError."""
    names = [word for word in request.arguments if "=" not in word]
    limits = dict(word.split("=", 1) for word in request.arguments if "=" in word)
    if len(names) > 1:
        raise UsageError(f"missing value of '{names[1]}' option")
    unknown = sorted(set(limits) - set(FILTERS))
    if unknown:
        noun = "option" if len(unknown) == 1 else "options"
        raise UsageError(f"Unknown {noun} {quoted(unknown)}")
    if "interval" in limits and "operation" not in limits:
        raise UsageError(
            "If option 'interval' is specified, option 'operation' must be specified as well"
        )
    return Wanted(resource=names[0] if names else "", **limits)


def _counts(ports: Ports) -> list[Count]:
    """Return all fail counts of the cluster, or of the file."""
    snapshot = ports.cib.read()
    status = snapshot.status or read_status(parse_cib(snapshot.document))
    found = []
    for node in () if status is None else status.nodes:
        for name, value in node.attributes:
            counter = _COUNTER.fullmatch(name)
            if counter is None:
                continue
            found.append(
                Count(
                    resource=counter["resource"],
                    node=str(node.name),
                    operation=counter["operation"] or "",
                    interval_ms=int(counter["interval"] or 0),
                    failures=_number(value),
                )
            )
    return found


def _number(value: str) -> int:
    try:
        return parse_score(value)
    except ValueError:
        return 0


def _shown(count: int) -> str:
    return "INFINITY" if count >= INFINITY else str(count)


def _node_lines(node: str, counts: Sequence[Count], *, is_full: bool) -> list[str]:
    if not is_full:
        return [f"  {node}: {_shown(sum(one.failures for one in counts))}"]
    lines = [f"  {node}:"]
    lines += [
        f"    {one.operation} {one.interval_ms}ms: {_shown(one.failures)}"
        if one.operation
        else f"    {_shown(one.failures)}"
        for one in counts
    ]
    return lines


COMMANDS = tuple(
    Command(
        words=f"{area} failcount show",
        handler=show,
        needs=Needs.CIB,
        arguments=f"[<{area} id>] [node=<node>] [operation=<operation> [interval=<interval>]]",
        options=("full",),
        help="Show the fail counts of resources; with --full by operation.",
        aliases=(Alias(words=f"{area} failcount", takes_arguments=False),),
    )
    for area in ("resource", "stonith")
)
