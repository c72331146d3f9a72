"""Which order constraint, group or container ties two resources: found anew when reasons are asked.

The ties between actions do not name what made them: there are millions of them, and nobody asks.
"""

from collections.abc import Iterator

from paceline.model.configuration import OrderConstraint
from paceline.scheduler.work import Kind, Resource, Work


def own_names(rsc: Resource) -> set[str]:
    """Return the names by which constraints may mean a resource: its own and those that hold it."""
    found: set[str] = set()
    holder: Resource | None = rsc
    while holder is not None:
        found.update((holder.id, holder.agent_id))
        holder = holder.parent
    return found


def names_of_order(work: Work, rsc: Resource, other_name: str) -> str:
    """Return what orders two resources: the ids of constraints, `group g`, or empty if unknown."""
    other = work.by_id.get(other_name) or work.anon_ids.get(other_name)
    if other is None:
        return ""
    mine, others = own_names(rsc), own_names(other)
    for each in other.walk():
        others.update((each.id, each.agent_id))
    found = [
        f"order {each.id}"
        for each in work.snapshot.configuration.constraints
        if isinstance(each, OrderConstraint) and _is_between(each, mine, others)
    ]
    return ", ".join(found or _belonging(rsc, other))


def _is_between(constraint: OrderConstraint, mine: set[str], others: set[str]) -> bool:
    names = set(_named(constraint))
    return bool(names & mine) and bool(names & others) and len(names) > 1


def _named(constraint: OrderConstraint) -> Iterator[str]:
    if constraint.first:
        yield constraint.first
        yield constraint.then
    for each in constraint.sets:
        yield from each.resources


def _belonging(rsc: Resource, other: Resource) -> list[str]:
    if rsc.bundle is not None and rsc.bundle is other.bundle:
        return [f"bundle {rsc.bundle.id}"]
    if rsc.container is other or other.container is rsc:
        return [f"container of {rsc.id if rsc.container is other else other.id}"]
    if rsc.parent is not None and rsc.parent.kind is Kind.GROUP:
        return [f"group {rsc.parent.agent_id}"]
    return []
