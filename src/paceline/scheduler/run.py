"""One run: the phases in their order. `Work` carries what they make from one to the next."""

from paceline.model.snapshot import Snapshot
from paceline.scheduler.anti_colocation import order_anti_colocations
from paceline.scheduler.cleanup import make_cleanup_actions
from paceline.scheduler.constraints import (
    apply_exclusive_discovery,
    apply_stickiness,
    read_colocations,
    read_locations,
)
from paceline.scheduler.fencing import make_fence_actions
from paceline.scheduler.history import HistoryReader
from paceline.scheduler.migration import mark_migratable, settle_migrations
from paceline.scheduler.nodes import apply_health
from paceline.scheduler.notifications import make_notifications
from paceline.scheduler.ordering import (
    apply_orders,
    make_collective_actions,
)
from paceline.scheduler.placement import place_all
from paceline.scheduler.primitives import make_primitive_actions
from paceline.scheduler.probe_ordering import order_probes_of_firsts
from paceline.scheduler.probes import make_probes
from paceline.scheduler.reading import read_state
from paceline.scheduler.recurring import check_history, make_recurring, reload_agents
from paceline.scheduler.remote import (
    keep_fillers_inside,
    suspect_lost_remotes,
)
from paceline.scheduler.remote_ordering import order_remote_actions
from paceline.scheduler.resources import (
    sort_resources,
    wanted_role,
)
from paceline.scheduler.shutdown_lock import apply_shutdown_locks
from paceline.scheduler.spread import spread
from paceline.scheduler.tickets import apply_tickets
from paceline.scheduler.unfencing import make_unfence_actions
from paceline.scheduler.utilization import order_by_capacity, sort_by_wishes
from paceline.scheduler.work import Kind, Resource, Role, Work


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
    sort_by_wishes(work)
    place_all(work)
    suspect_lost_remotes(work)
    for rsc in work.primitives():
        make_primitive_actions(work, rsc)
        mark_migratable(work, rsc)
    for rsc in work.resources:
        make_collective_actions(work, rsc)
    order_by_capacity(work)
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


__all__ = ["decide", "run"]
