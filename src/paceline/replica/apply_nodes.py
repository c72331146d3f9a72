"""What a new view says of the nodes: who is there, who is lost, who never came (DESIGN 6, 7)."""

from msgspec.structs import replace

from paceline.model.identifiers import NodeName
from paceline.model.plan import ActionKind
from paceline.model.status import FencingRecord
from paceline.replica.happenings import Happening, NodeChanged
from paceline.replica.requests import Outcome, RequestAnswer
from paceline.replica.results import pending_row
from paceline.replica.tables import Answered, NodeRow, Presence, State
from paceline.replica.views import Proposal

SHUTDOWN_ATTRIBUTE = "shutdown"


def enter_view(state: State, proposal: Proposal, *, is_continuing: bool) -> list[Happening]:
    """Bring the nodes to what the view says; return what changed, in node order.

    Where all members only continue (quorum or the ring changed, not the group) nothing that they
    own is taken from their Hellos: the log has moved on since those were said.
    """
    before = {row.name: row for row in state.nodes.values()}
    _add_configured(state, proposal)
    for hello in proposal.hellos:
        row = state.nodes.get(hello.node) or NodeRow(name=hello.node, node_id=hello.node_id)
        is_new_life = (row.boot_id, row.incarnation) != (hello.boot_id, hello.incarnation)
        if row.boot_id != hello.boot_id:
            state.attributes.drop(hello.node)
        elif is_new_life:
            _drop_attribute(state, hello.node, SHUTDOWN_ATTRIBUTE)
        if is_continuing:
            pass
        elif hello.owned is not None:
            state.replace_owned(hello.node, hello.owned)
        elif is_new_life:
            state.drop_flights(hello.node)
            state.history_of(hello.node).clear()
        was_present = row.presence is Presence.PRESENT and not is_new_life
        state.nodes.put(
            hello.node,
            replace(
                row,
                node_id=hello.node_id,
                presence=Presence.PRESENT,
                boot_id=hello.boot_id,
                incarnation=hello.incarnation,
                is_fenced=False,
                since_ms=row.since_ms if was_present else state.core.value.time_ms,
                version=hello.version,
            ),
        )
    present = [hello.node for hello in proposal.hellos]
    for row in state.nodes.values():
        in_ring = row.node_id in proposal.ring_nodes
        updated = _ring_membership(state, row, in_ring)
        if row.name not in present:
            updated = _absent(state, updated, in_ring)
        if updated != row:
            state.nodes.put(row.name, updated)
    _end_forgotten_fencings(state)
    return [
        NodeChanged(
            node=row.name,
            before=before[row.name].presence.value if row.name in before else "",
            after=row.presence.value,
        )
        for row in state.nodes.values()
        if row.name not in before or before[row.name].presence is not row.presence
    ]


def forget_life(state: State, node: NodeName, presence: Presence, *, is_fenced: bool) -> None:
    """A node's life is over for certain: nothing runs there, its volatile state goes.

    It can acknowledge nothing without the others any more, so that they need not hear from it.
    """
    row = state.nodes.get(node)
    if row is None:
        return
    others = tuple(n for n in state.core.value.electorate if n != row.node_id)
    if others:
        state.update_core(electorate=others)
    state.drop_flights(node)
    state.history_of(node).clear()
    for place, via in state.reporters.items():
        if via == node:
            state.reporters.drop(place)
    state.attributes.drop(node)
    state.nodes.put(
        node,
        replace(row, presence=presence, is_fenced=is_fenced, since_ms=state.core.value.time_ms),
    )


def abandon_fencings(state: State, executor: NodeName) -> None:
    """Nobody will hear how the fencings of a lost executor end: they count as failed."""
    for flight in state.flights.values():
        if flight.executor != executor or flight.action.kind is not ActionKind.FENCE:
            continue
        reason = f"{executor} was lost while it fenced"
        meta = dict(flight.action.meta)
        state.record_fencing(
            FencingRecord(
                target=flight.action.node,
                action=flight.action.task,
                executor=executor,
                origin=meta.get("origin", executor),
                client=meta.get("client", "paceline"),
                state="failed",
                completed_ms=state.core.value.time_ms,
                exit_reason=reason,
            )
        )
        for request_id, answered in state.answers.items():
            if answered.fence_ref == flight.ref:
                answer = RequestAnswer(outcome=Outcome.UNKNOWN, code="executor-lost", detail=reason)
                state.remember_answer(request_id, Answered(answer=answer))


def _end_forgotten_fencings(state: State) -> None:
    """A fencing by hand whose executor knows nothing of it any more is answered: unknown."""
    for request_id, answered in state.answers.items():
        if answered.fence_ref and answered.fence_ref not in state.flights:
            answer = RequestAnswer(
                outcome=Outcome.UNKNOWN,
                code="executor-lost",
                detail="the member that fenced began anew or was cut off",
            )
            state.remember_answer(request_id, Answered(answer=answer))


def _keep_unknown(state: State, executor: NodeName) -> None:
    """What was in flight at a lost member may have happened: unknown counts as running."""
    for flight in state.flights.values():
        row = pending_row(flight) if flight.executor == executor else None
        if row is not None:
            table = state.history_of(flight.action.node)
            table.put((row.resource, row.entry_id), row)


def _add_configured(state: State, proposal: Proposal) -> None:
    for hello in proposal.hellos:
        for node_id, name in hello.nodes:
            if state.nodes.get(name) is None:
                state.nodes.put(name, NodeRow(name=name, node_id=node_id))


def _ring_membership(state: State, row: NodeRow, in_ring: bool) -> NodeRow:
    if row.is_ring_member == in_ring:
        return row
    since_ms = state.core.value.time_ms if in_ring else 0
    return replace(row, is_ring_member=in_ring, ring_since_ms=since_ms)


def _absent(state: State, row: NodeRow, in_ring: bool) -> NodeRow:
    """Say what becomes of a node that is not in the view.

    Lost without its goodbye it is lost, or its daemon is missing while its Corosync lives.
    """
    now_ms = state.core.value.time_ms
    match row.presence:
        case Presence.PRESENT:
            abandon_fencings(state, row.name)
            _keep_unknown(state, row.name)
            state.drop_flights(row.name)
            lost = Presence.MISSING if in_ring else Presence.LOST
            return replace(row, presence=lost, since_ms=now_ms)
        case Presence.MISSING | Presence.FAILED if not in_ring:
            return replace(row, presence=Presence.LOST, since_ms=now_ms)
        case _:
            return row


def _drop_attribute(state: State, node: NodeName, name: str) -> None:
    values = dict(state.attributes.get(node) or ())
    if values.pop(name, None) is not None:
        state.set_attributes(node, values)
