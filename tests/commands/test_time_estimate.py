"""How long a plan takes: the longest chain, by what was measured before."""

from paceline.commands.time_estimate import estimate, estimate_line
from paceline.model.identifiers import ActionId, NodeId, NodeName, ResourceId
from paceline.model.plan import ActionKind, Plan, PlannedAction
from paceline.model.status import ClusterStatus, HistoryEntry, NodeStatus


def action(name: str, task: str, resource: str, *after: str) -> PlannedAction:
    """Return an action of at most 20 s that waits for others."""
    return PlannedAction(
        id=ActionId(name), kind=ActionKind.RESOURCE, task=task, resource=ResourceId(resource),
        node=NodeName("n1"), timeout_ms=20_000, after=tuple(ActionId(one) for one in after),
    )  # fmt: skip


def ran(resource: str, task: str, exec_ms: int) -> HistoryEntry:
    """Return the result of an operation that took some time."""
    return HistoryEntry(
        entry_id=f"{resource}_last_0", resource=ResourceId(resource), agent_class="ocf",
        agent_type="x", task=task, interval_ms=0, call_id=1, rc=0, target_rc=0, exec_ms=exec_ms,
    )  # fmt: skip


PLAN = Plan(
    actions=(
        action("1", "stop", "A"),
        action("2", "start", "A", "1"),
        action("3", "stop", "B"),
    )
)


def status(*history: HistoryEntry) -> ClusterStatus:
    """Return the status of one node with this history."""
    node = NodeStatus(name=NodeName("n1"), node_id=NodeId(1), history=history)
    return ClusterStatus(now_ms=0, is_quorate=True, nodes=(node,))


def test_longest_chain_counts_and_not_the_sum() -> None:
    found = estimate(
        PLAN, status(ran("A", "stop", 2_000), ran("A", "start", 3_000), ran("B", "stop", 4_000))
    )
    assert (found.likely_ms, found.limit_ms, found.unknown) == (5_000, 40_000, 0)
    assert estimate_line(found) == (
        "That would take about 5 s, as before; at most 40 s, by the time limits."
    )


def test_what_never_ran_is_said() -> None:
    found = estimate(PLAN, status(ran("B", "stop", 4_000)))
    assert (found.likely_ms, found.unknown) == (4_000, 2)
    assert "not known" in estimate_line(estimate(PLAN, status()))
