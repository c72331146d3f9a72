"""Phase: shutdown locks. With `shutdown-lock`, what ran on a node that was shut down cleanly stays
stopped until that node is back, or until `shutdown-lock-limit` has passed.
"""

from paceline.cib.read_attributes import number_or
from paceline.model.scores import MINUS_INFINITY
from paceline.scheduler.actions import cluster_action
from paceline.scheduler.constraints import add_location_score
from paceline.scheduler.work import Resource, Work


def apply_shutdown_locks(work: Work) -> None:
    """Find who is locked to which node, and ban the others."""
    if not work.options.shutdown_lock:
        return
    for rsc in work.primitives():
        if not _is_lockable(rsc):
            continue
        _begin_lock(work, rsc)
        _end_lock(work, rsc)
        if rsc.lock_node is None:
            continue
        for node in work.nodes:
            if node is not rsc.lock_node:
                add_location_score(
                    work, rsc, node.name, MINUS_INFINITY, "shutdown-lock", rsc.lock_node.name
                )


def _is_lockable(rsc: Resource) -> bool:
    return not (
        rsc.clone is not None
        or rsc.bundle is not None
        or rsc.is_fence_device
        or rsc.is_remote_connection
        or rsc.container is not None
        or rsc.is_removed
        or not rsc.is_managed
    )


def _begin_lock(work: Work, rsc: Resource) -> None:
    if len(rsc.running_on) != 1:
        return
    node = rsc.running_on[0]
    if node.is_shutting_down and node.is_online and not node.is_unclean:
        since = node.attributes.get("shutdown", "0")
        rsc.lock_node = node
        rsc.lock_ms = 1000 * number_or(since, work.moment.now_ms // 1000)


def _end_lock(work: Work, rsc: Resource) -> None:
    node = rsc.lock_node
    if node is None:
        return
    if node.is_online and not node.is_shutting_down:
        rsc.lock_node = None
        return
    if rsc.running_on and node not in rsc.running_on:
        rsc.lock_node = None
        return
    limit_ms = work.options.shutdown_lock_limit_ms
    if limit_ms <= 0 or not rsc.lock_ms:
        return
    end_ms = rsc.lock_ms + limit_ms
    if work.moment.now_ms >= end_ms:
        rsc.lock_node = None
        if not node.is_online:
            # Its history there must not lock it again.
            action = cluster_action(work, "lrm_delete", node, rsc)
            action.is_runnable = True
    else:
        work.moment.note_change_at(end_ms)
