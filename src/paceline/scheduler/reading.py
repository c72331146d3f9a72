"""The phases that only read: which nodes and resources there are, and what is so now.

What decides (`run`) goes on from here; what only shows the state needs no more than this.
"""

from paceline.model.scores import INFINITY
from paceline.model.snapshot import Snapshot
from paceline.scheduler.constraints import start_scores
from paceline.scheduler.failures import FailCounts, ban_by_failures
from paceline.scheduler.history import HistoryReader
from paceline.scheduler.history_effects import finish_state
from paceline.scheduler.nodes import make_nodes, read_node_states
from paceline.scheduler.options import read_options
from paceline.scheduler.reasons import Reasons
from paceline.scheduler.remote import is_connected, settle_remote_node
from paceline.scheduler.resources import make_resources, settle_requires
from paceline.scheduler.rules import Moment
from paceline.scheduler.work import Work


def read_state(
    snapshot: Snapshot, *, with_reasons: bool = False, is_shown: bool = False
) -> tuple[Work, HistoryReader]:
    """Carry out the phases that only read: nodes, resources, history, failures.

    With `is_shown` it is for people: what is held for want of a fence device is not unmanaged.
    """
    moment = Moment(snapshot.status.now_ms)
    work = Work(snapshot, read_options(snapshot.configuration, moment), moment)
    if with_reasons:
        work.reasons = Reasons()
    make_nodes(work)
    read_node_states(work)
    make_resources(work)
    settle_requires(work)
    start_scores(work)
    if not is_shown:
        _hold_without_device(work)
    counts = FailCounts(work)
    reader = HistoryReader(work, counts)
    _read_histories(work, reader)
    start_scores(work)
    finish_state(work)
    _settle_nodes(work)
    ban_by_failures(work, counts)
    work.counts = counts
    return work, reader


def _read_histories(work: Work, reader: HistoryReader) -> None:
    """Members first; a remote or guest node once its connection (and container) is found active.

    A container may run on a remote node, whose history is read only then: so look again while
    something new is found. What is left is not reachable, and what ran there needs fencing. What an
    offline node has on record counts where it can be fenced, or keeps what it ran (shutdown-lock).
    """
    options = work.options
    counts_offline = options.fencing_enabled or options.shutdown_lock
    nodes = sorted(work.nodes, key=lambda node: node.status.file_order if node.status else 0)
    for node in nodes:
        if not node.is_remote and (node.is_online or counts_offline):
            reader.read_node(node)
    unread = [node for node in nodes if node.is_remote]
    while True:
        ready = [node for node in unread if is_connected(node)] or unread
        if not ready:
            return
        for node in ready:
            settle_remote_node(work, node)
            if is_connected(node) or node.is_online or counts_offline:
                reader.read_node(node)
        unread = [node for node in unread if node not in ready]


def _hold_without_device(work: Work) -> None:
    """With fencing on and nothing to fence with, nothing is touched."""
    if not work.options.fencing_enabled or work.has_fence_device:
        return
    work.note(
        "error",
        "no-fence-device",
        "Resource start-up disabled since no STONITH resources have been defined",
    )
    for top in work.resources:
        for rsc in top.walk():
            rsc.is_managed = False


def _settle_nodes(work: Work) -> None:
    """What runs on a node in maintenance is left alone.

    Where that is, or would be, the connection to a remote or guest node, so is what runs there.
    """
    for node in sorted(work.nodes, key=lambda each: each.is_remote):
        connection = node.remote_resource
        if connection is not None and not connection.is_managed:
            node.in_maintenance = True
        if not node.in_maintenance:
            continue
        for rsc in node.running:
            if rsc.is_managed:
                work.score(rsc, node.name, INFINITY, "unmanaged", rsc.id)
            rsc.is_managed = False
            rsc.in_maintenance = True
