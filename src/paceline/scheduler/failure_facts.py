"""What is on record of a resource's failures: the failed operations, and the counts of others.

The history keeps one failed operation of a resource and node, the last. An earlier one, such as the
monitor that failed before the demote that failed too, is known by its fail count only.
"""

from paceline.cib.read_attributes import number_or
from paceline.model.explanation import Facts
from paceline.model.scores import INFINITY, format_score
from paceline.model.status import HistoryEntry
from paceline.scheduler.failures import FailCounts, effective_count
from paceline.scheduler.work import Node, Resource, Work

Failure = tuple[Resource, Node, HistoryEntry, bool]
"""A resource, the node, what failed there, and whether that is ignored."""


def failures_of(work: Work, rsc: Resource) -> list[Failure]:
    """Return the failed operations of a resource that still count, oldest first, each once."""
    found: dict[tuple[str, str, int, int], Failure] = {}
    for each in work.failed_entries:
        owner, node, entry, _ = each
        if owner is rsc:
            key = (node.name, entry.task, entry.interval_ms, entry.call_id)
            found.setdefault(key, each)
    return sorted(found.values(), key=lambda each: (each[2].last_rc_change_ms, each[2].call_id))


def failure_facts(owner: Resource, node: Node, entry: HistoryEntry) -> dict[str, str]:
    """Return what to say of one failed operation."""
    return {
        "node": str(node.name),
        "task": entry.task,
        "interval_ms": str(entry.interval_ms or ""),
        "rc": str(entry.rc),
        "outcome": entry.outcome.value,
        "exit_reason": entry.exit_reason,
    }


def told_failures(work: Work, rsc: Resource) -> tuple[Facts, ...]:
    """Return all failures in order of time: those on record, then by their counts the others."""
    rows: list[tuple[int, dict[str, str]]] = []
    recorded: set[tuple[str, str, int]] = set()
    for owner, node, entry, is_ignored in failures_of(work, rsc):
        facts = failure_facts(owner, node, entry)
        facts["ignored"] = "true" if is_ignored else ""
        facts["when_ms"] = str(entry.last_rc_change_ms or "")
        rows.append((entry.last_rc_change_ms, facts))
        recorded.add((node.name, entry.task, entry.interval_ms))
    counts = FailCounts(work)
    for node in nodes_of(work, rsc):
        is_expired = not effective_count(work, counts, rsc, node)
        for task, interval_ms, count in counts.operations(rsc, node):
            if not task or not count or (node.name, task, interval_ms) in recorded:
                continue
            when = node.attributes.get(f"last-failure-{rsc.agent_id}#{task}_{interval_ms}", "")
            when_ms = 1000 * number_or(when, 0)
            facts = {
                "node": str(node.name),
                "task": task,
                "interval_ms": str(interval_ms or ""),
                "count": format_score(count),
                "when_ms": str(when_ms or ""),
                "expired": "true" if is_expired else "",
            }
            rows.append((when_ms, facts))
    rows.sort(key=lambda each: each[0])
    return tuple(tuple(sorted((k, v) for k, v in facts.items() if v)) for _, facts in rows)


def nodes_of(work: Work, rsc: Resource) -> list[Node]:
    """Return the nodes whose fail counts are its own: of a clone's instance, those it is on."""
    clone = rsc.clone
    if clone is None or clone.is_unique or (rsc.assigned is None and not rsc.running_on):
        return work.nodes
    return [node for node in work.nodes if node is rsc.assigned or node in rsc.running_on]


def count_facts(work: Work, counts: FailCounts, rsc: Resource, node: Node) -> dict[str, str]:
    """Return what to say of the fail count on a node, nothing where there is none."""
    count = effective_count(work, counts, rsc, node)
    if not count:
        return {}
    last_s = counts.last_failure_s(rsc, node)
    expires = ""
    if rsc.failure_timeout_ms and last_s:
        expires = str(last_s * 1000 + rsc.failure_timeout_ms)
    threshold = rsc.migration_threshold
    return {
        "node": str(node.name),
        "count": format_score(count),
        "threshold": format_score(threshold) if threshold < INFINITY else "",
        "reached": "true" if threshold and count >= threshold else "",
        "expires_ms": expires,
    }
