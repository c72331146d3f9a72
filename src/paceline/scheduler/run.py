"""One run: the phases in their order. `Work` carries what they make from one to the next."""

from paceline.model.scores import INFINITY
from paceline.model.snapshot import Snapshot
from paceline.scheduler.anti_colocation import order_anti_colocations
from paceline.scheduler.cleanup import make_cleanup_actions
from paceline.scheduler.constraints import (
    apply_exclusive_discovery,
    apply_stickiness,
    read_colocations,
    read_locations,
    start_scores,
)
from paceline.scheduler.failures import FailCounts, ban_by_failures
from paceline.scheduler.fencing import make_fence_actions, make_unfence_actions
from paceline.scheduler.history import HistoryReader
from paceline.scheduler.history_effects import finish_state
from paceline.scheduler.migration import mark_migratable, settle_migrations
from paceline.scheduler.nodes import apply_health, make_nodes, read_node_states
from paceline.scheduler.notifications import make_notifications
from paceline.scheduler.options import read_options
from paceline.scheduler.ordering import (
    apply_orders,
    make_collective_actions,
)
from paceline.scheduler.placement import place_all
from paceline.scheduler.primitives import make_primitive_actions
from paceline.scheduler.probe_ordering import order_probes_of_firsts
from paceline.scheduler.probes import make_probes
from paceline.scheduler.reasons import Reasons
from paceline.scheduler.recurring import check_history, make_recurring, reload_agents
from paceline.scheduler.remote import (
    is_connected,
    keep_fillers_inside,
    settle_remote_node,
    suspect_lost_remotes,
)
from paceline.scheduler.remote_ordering import order_remote_actions
from paceline.scheduler.resources import (
    make_resources,
    settle_requires,
    sort_resources,
    wanted_role,
)
from paceline.scheduler.rules import Moment
from paceline.scheduler.shutdown_lock import apply_shutdown_locks
from paceline.scheduler.spread import spread
from paceline.scheduler.tickets import apply_tickets
from paceline.scheduler.work import Kind, Resource, Role, Work


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
    for node in work.nodes:
        if not node.in_maintenance:
            continue
        for rsc in node.running:
            if rsc.is_managed:
                work.score(rsc, node.name, INFINITY, "unmanaged", rsc.id)
            rsc.is_managed = False
            rsc.in_maintenance = True


def decide(work: Work, reader: HistoryReader) -> None:
    """Carry out the phases that decide: wishes, placement, actions, ties, spreading."""
    for top in work.resources:
        for rsc in top.walk():
            _want_role(rsc)
    apply_tickets(work)
    apply_shutdown_locks(work)
    for top in work.resources:
        for rsc in top.walk():
            rsc.base_role = rsc.next_role
    read_locations(work)
    keep_fillers_inside(work)
    # After the locations: in an asymmetric cluster only they make a node known.
    apply_stickiness(work)
    apply_health(work)
    apply_exclusive_discovery(work)
    read_colocations(work)
    sort_resources(work)
    place_all(work)
    suspect_lost_remotes(work)
    for rsc in work.primitives():
        make_primitive_actions(work, rsc)
        mark_migratable(work, rsc)
    for rsc in work.resources:
        make_collective_actions(work, rsc)
    for rsc in work.primitives():
        make_recurring(work, rsc, reader.expired_monitors)
    for rsc in work.primitives():
        check_history(work, rsc, reader.counts)
    apply_orders(work)
    make_probes(work)
    order_anti_colocations(work)
    make_cleanup_actions(work, reader)
    order_remote_actions(work)
    make_fence_actions(work)
    make_unfence_actions(work)
    order_probes_of_firsts(work)
    spread(work)
    reload_agents(work)
    spread(work)
    settle_migrations(work)
    make_notifications(work)


def _want_role(rsc: Resource) -> None:
    role = wanted_role(rsc)
    if role is not Role.UNKNOWN and rsc.next_role is not Role.STOPPED:
        rsc.next_role = role
    if rsc.is_removed and (rsc.is_managed or rsc.kind is not Kind.PRIMITIVE):
        rsc.next_role = Role.STOPPED
    if rsc.is_removed_filler and rsc.clone is not None:
        rsc.next_role = Role.STOPPED


def run(snapshot: Snapshot, *, with_reasons: bool = False) -> Work:
    """Carry out everything and return the work as it stands at the end."""
    work, reader = read_state(snapshot, with_reasons=with_reasons)
    decide(work, reader)
    return work


__all__ = ["decide", "read_state", "run"]
