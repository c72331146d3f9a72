"""How long a plan would take: by what its operations took before, and at most by their limits.

Actions that do not wait for each other run side by side, so the longest chain counts.
"""

from collections.abc import Callable
from typing import NamedTuple

from paceline.model.plan import ActionKind, Plan, PlannedAction
from paceline.model.status import ClusterStatus

OWN_ACTIONS = frozenset({ActionKind.PSEUDO})
"""Kinds of actions that take no time of their own."""


class Estimate(NamedTuple):
    """Times in milliseconds; `unknown` counts operations that never ran before."""

    likely_ms: int
    limit_ms: int
    unknown: int


def estimate(plan: Plan, status: ClusterStatus) -> Estimate:
    """Return how long a plan would take."""
    known = _durations(status)
    missing = {
        action.id
        for action in plan.actions
        if action.kind not in OWN_ACTIONS and _key(action) not in known
    }
    likely = _longest(plan, lambda action: known.get(_key(action), 0))
    limit = _longest(plan, lambda action: 0 if action.kind in OWN_ACTIONS else action.timeout_ms)
    return Estimate(likely, limit, len(missing))


def _key(action: PlannedAction) -> tuple[str, str]:
    return str(action.resource).partition(":")[0], action.task


def _durations(status: ClusterStatus) -> dict[tuple[str, str], int]:
    """Return what each resource's operations took, the longest of all nodes."""
    found: dict[tuple[str, str], int] = {}
    for node in status.nodes:
        for entry in node.history:
            if entry.exec_ms:
                key = (str(entry.resource).partition(":")[0], entry.task)
                found[key] = max(found.get(key, 0), entry.exec_ms)
    return found


def _longest(plan: Plan, duration_of: Callable[[PlannedAction], int]) -> int:
    """Return the length of the longest chain of actions."""
    by_id = {action.id: action for action in plan.actions}
    ends: dict[object, int] = {}
    waiting = list(plan.actions)
    while waiting:
        action = waiting.pop()
        if action.id in ends:
            continue
        before = [by_id[one] for one in action.after if one in by_id]
        open_ones = [one for one in before if one.id not in ends]
        if open_ones:
            waiting += [action, *open_ones]
            continue
        begins = max((ends[one.id] for one in before), default=0)
        ends[action.id] = begins + duration_of(action)
    return max(ends.values(), default=0)


def estimate_line(found: Estimate) -> str:
    """Return the estimate as people read it."""
    likely, limit = _seconds(found.likely_ms), _seconds(found.limit_ms)
    if not found.limit_ms:
        return "That takes no time worth mentioning."
    if found.unknown and not found.likely_ms:
        return f"How long that takes is not known; at most {limit}, by the operations' time limits."
    text = f"That would take about {likely}, as before; at most {limit}, by the time limits."
    if found.unknown:
        text += f" ({found.unknown} of the operations never ran before.)"
    return text


def _seconds(duration_ms: int) -> str:
    if duration_ms < 1000:
        return f"{duration_ms} ms"
    seconds = -(-duration_ms // 1000)
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min {seconds % 60} s"
