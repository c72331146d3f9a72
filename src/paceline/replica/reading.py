"""What the state says as a `ClusterStatus`: for the scheduler, for displays, for files."""

from paceline.model.identifiers import NodeName
from paceline.model.plan import ActionKind
from paceline.model.status import ClusterStatus, HistoryEntry, NodeKind, NodeStatus
from paceline.replica.cib_root import FEATURE_SET
from paceline.replica.happenings import View
from paceline.replica.planning import PlanRun
from paceline.replica.results import pending_row
from paceline.replica.settings import Settings
from paceline.replica.tables import NodeRow, Presence, State

FENCE_OFF_TASKS = ("reboot", "off")
FLIGHTS_SHOWN_MAX = 10


def read_status(
    state: State,
    view: View | None,
    settings: Settings,
    *,
    local_node: NodeName,
    is_quorate: bool,
    awaited: tuple[NodeName, ...],
    now_ms: int,
) -> ClusterStatus:
    """Return the whole status at this position."""
    core = state.core.value
    pending = _pending_rows(state)
    barred = [
        flight.action.node
        for flight in state.flights.values()
        if flight.action.kind is ActionKind.FENCE and flight.action.task in FENCE_OFF_TASKS
    ]
    members = [
        _member(state, row, settings, pending, is_barred=row.name in barred)
        for row in state.nodes.values()
    ]
    known = [row.name for row in state.nodes.values()]
    others = sorted(
        {
            name
            for name in (*state.history, *state.attributes.keys())
            if name not in known and (len(state.history_of(name)) or name in state.attributes)
        }
    )
    remotes = [
        NodeStatus(
            name=name,
            kind=NodeKind.REMOTE,
            is_seen=True,
            attributes=state.attributes.get(name) or (),
            history=_rows(state, name, pending),
        )
        for name in others
    ]
    coordinator = view.coordinator if view is not None else NodeName("")
    row = state.nodes.get(coordinator)
    return ClusterStatus(
        now_ms=max(now_ms, core.time_ms),
        is_quorate=is_quorate,
        coordinator=coordinator,
        local_node=local_node,
        nodes=tuple(sorted((*members, *remotes), key=lambda node: node.name)),
        tickets=tuple(state.tickets.values()),
        fencing=state.fencing.value,
        last_change=core.last_change,
        cluster_name=core.cluster_name,
        has_watchdog_fencing=False,
        dc_version=row.version if row is not None else "",
        feature_set=FEATURE_SET,
        awaited=awaited,
    )


def _member(
    state: State,
    row: NodeRow,
    settings: Settings,
    pending: dict[NodeName, dict[tuple[str, str], HistoryEntry]],
    *,
    is_barred: bool,
) -> NodeStatus:
    """Return a member node as the scheduler is to see it.

    A missing daemon's node is shown online and in maintenance: what runs there is left as it is.
    With fencing on it is unclean after the grace time; without, it stays so and blocked. A node not
    seen since the cold start may run anything, also where its Corosync lives: it is unclean with
    fencing on; without, it is kept like a missing one while its Corosync lives: nothing starts
    before it was probed there.
    """
    presence = row.presence
    is_fencing_on = settings.is_fencing_on
    is_doubtful = presence is Presence.FAILED or (
        presence is Presence.UNSEEN and row.is_ring_member
    )
    is_kept = presence is Presence.MISSING or (is_doubtful and not is_fencing_on)
    is_lost = presence is Presence.LOST or (presence is Presence.FAILED and is_fencing_on)
    is_unseen = presence is Presence.UNSEEN and settings.has_startup_fencing
    is_online = presence is Presence.PRESENT or is_kept
    return NodeStatus(
        name=row.name,
        node_id=row.node_id,
        is_member=row.is_ring_member,
        is_online=is_online,
        is_expected=is_online or (is_lost and is_fencing_on),
        is_unclean=is_barred or ((is_lost or is_unseen) and is_fencing_on),
        is_seen=is_kept or presence is not Presence.UNSEEN,
        is_lost=is_lost,
        is_fenced=row.is_fenced,
        in_maintenance=is_kept,
        member_since_ms=row.ring_since_ms,
        online_since_ms=row.since_ms if presence is Presence.PRESENT else 0,
        boot_id=row.boot_id,
        incarnation=row.incarnation,
        attributes=state.attributes.get(row.name) or (),
        history=_rows(state, row.name, pending),
    )


def _pending_rows(state: State) -> dict[NodeName, dict[tuple[str, str], HistoryEntry]]:
    found: dict[NodeName, dict[tuple[str, str], HistoryEntry]] = {}
    for flight in state.flights.values():
        row = pending_row(flight)
        if row is not None:
            found.setdefault(flight.action.node, {})[row.resource, row.entry_id] = row
    return found


def _rows(
    state: State,
    node: NodeName,
    pending: dict[NodeName, dict[tuple[str, str], HistoryEntry]],
) -> tuple[HistoryEntry, ...]:
    table = state.history_of(node)
    extra = pending.get(node)
    if not extra:
        return table.values()
    rows = dict(table.items())
    rows.update(extra)
    return tuple(rows[key] for key in sorted(rows))


def read_internals(state: State, view: View | None, run: PlanRun | None) -> dict[str, str]:
    """Return the replicated half of what people may want to see of the inside."""
    core = state.core.value
    lineage = core.lineage
    forced = f" +{lineage.forced} forced" if lineage.forced else ""
    flights = [
        f"{flight.action.task} {flight.action.resource or flight.action.node} by {flight.executor}"
        for flight in state.flights.values()[:FLIGHTS_SHOWN_MAX]
    ]
    return {
        "view": view.id if view is not None else "none",
        "view-members": ", ".join(view.nodes) if view is not None else "",
        "view-quorate": str(view.is_quorate) if view is not None else "",
        "coordinator": view.coordinator if view is not None else "",
        "position": str(core.position),
        "epoch": f"{lineage.epoch}.{lineage.number}.{lineage.epoch_id}{forced}",
        "promised": str(core.promised),
        "electorate": " ".join(str(node_id) for node_id in core.electorate),
        "version": core.version,
        "feature-level": str(core.level),
        "plan": f"{run.number}: {run.counts()}" if run is not None else "none",
        "in-flight": ", ".join(flights),
    }
