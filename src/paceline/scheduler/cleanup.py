"""Phase: fail counts that count no more are cleared.

That is so once `failure-timeout` has passed since the last failure, where what failed has other
parameters now, and for resources that were removed. Reading the histories found the first two;
here they become actions.
"""

from paceline.scheduler.actions import cluster_action, tie
from paceline.scheduler.history import HistoryReader
from paceline.scheduler.work import Node, Resource, Tie, Work


def make_cleanup_actions(work: Work, reader: HistoryReader) -> None:
    """Create the clearing of expired fail counts and of those of removed resources."""
    seen = {
        (str(rsc.agent_id), str(action.node.name))
        for rsc in work.primitives()
        for action in rsc.actions
        if action.task == "clear_failcount" and action.node is not None
    }
    counts = reader.counts
    for rsc in work.primitives():
        for node in work.nodes if counts.is_any() else ():
            if not node.is_online or not counts.raw(rsc, node):
                continue
            if rsc.is_removed and rsc.is_managed and not _is_removed(node):
                reader.clear_wanted.append((rsc, node, "it is removed"))
    for rsc, node, entry in reader.unjudged:
        if reader.is_outdated(rsc, node, entry):
            reader.clear_wanted.append((rsc, node, "its parameters have changed"))
    for rsc, node, reason in reader.clear_wanted:
        key = (rsc.agent_id, node.name)
        if key in seen:
            continue
        seen.add(key)
        clear_fail_count(work, rsc, node, reason)


def _is_removed(node: Node) -> bool:
    """Say whether it is a remote node that nothing defines any more: its record goes with it."""
    return node.remote_resource is not None and node.remote_resource.is_removed


def clear_fail_count(work: Work, rsc: Resource, node: Node, reason: str) -> None:
    """Create one clearing; what is removed is stopped (and forgotten) after it."""
    action = cluster_action(work, "clear_failcount", node, rsc)
    action.reason = reason
    if rsc.is_removed:
        for each in rsc.actions_of("stop"):
            tie(action, each, Tie.ORDER)
