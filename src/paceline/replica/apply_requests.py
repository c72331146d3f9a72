"""What clients' requests do to the state, decided by versions and the view only (DESIGN 2, 5)."""

from msgspec.structs import replace

from paceline.model.identifiers import NodeName
from paceline.model.status import FencingRecord, TicketStatus
from paceline.replica.apply_nodes import forget_life
from paceline.replica.durability import say_version
from paceline.replica.entries import (
    AttributesSet,
    Changed,
    ConfirmedOff,
    FencingForgotten,
    HistoryCleared,
    NodeForgotten,
    TicketSet,
)
from paceline.replica.happenings import Happening, NodeChanged, RequestApplied, View
from paceline.replica.requests import Outcome, RequestAnswer
from paceline.replica.results import counted
from paceline.replica.tables import Answered, Presence, State

TRUE_WORDS = ("true", "1")

ClientEntry = (
    Changed
    | AttributesSet
    | HistoryCleared
    | TicketSet
    | FencingForgotten
    | NodeForgotten
    | ConfirmedOff
)


def apply_request(state: State, view: View, entry: ClientEntry, happened: list[Happening]) -> str:
    """Apply a client's entry; return why it is refused, or an empty text.

    An entry whose request was applied before changes nothing: its answer stands.
    """
    if entry.request_id and entry.request_id in state.answers:
        happened.append(RequestApplied(request_id=entry.request_id))
        return ""
    match entry:
        case Changed():
            code, lineage_moves = _change(state, view, entry), True
        case TicketSet():
            code, lineage_moves = _set_ticket(state, view, entry), True
        case AttributesSet():
            code, lineage_moves = _set_attributes(state, entry), False
        case HistoryCleared():
            code, lineage_moves = _clear_history(state, view, entry), False
        case FencingForgotten():
            state.forget_fencing(entry.target)
            code, lineage_moves = "", False
        case NodeForgotten():
            code, lineage_moves = _forget_node(state, view, entry), False
        case ConfirmedOff():
            code, lineage_moves = _confirm_off(state, view, entry, happened), False
    if not code:
        core = state.core.value
        answer = RequestAnswer(outcome=Outcome.ACKNOWLEDGED, version=core.version)
        state.remember_answer(
            entry.request_id,
            Answered(answer=answer, lineage=core.lineage if lineage_moves else None),
        )
        happened.append(RequestApplied(request_id=entry.request_id))
    return code


def _advance(state: State, view: View, *, is_forced: bool) -> str:
    """Count one more durable change; return why that may not be.

    Before the view is opened nothing is counted in its epoch: it may never be, and then the change
    must not outrank what others acknowledge.
    """
    core = state.core.value
    if view.is_quorate and core.lineage.epoch_id == view.id:
        lineage = replace(core.lineage, number=core.lineage.number + 1)
    elif view.is_quorate or is_forced:
        lineage = replace(core.lineage, forced=core.lineage.forced + 1)
    else:
        return "no-quorum"
    state.update_core(lineage=lineage)
    return ""


def _change(state: State, view: View, entry: Changed) -> str:
    if not view.is_quorate and not entry.is_forced:
        return "no-quorum"
    if entry.based_on != state.core.value.version:
        return "version-moved"
    refused = _advance(state, view, is_forced=entry.is_forced)
    if refused:
        return refused
    state.configuration.value = entry.configuration
    state.update_core(
        version=say_version(state.core.value.lineage, view.id),
        last_change=entry.origin,
    )
    state.want_plan("the configuration changed")
    return ""


def _set_ticket(state: State, view: View, entry: TicketSet) -> str:
    refused = _advance(state, view, is_forced=False)
    if refused:
        return refused
    if entry.is_removed:
        state.tickets.drop(entry.ticket)
    else:
        old = state.tickets.get(entry.ticket) or TicketStatus(ticket=entry.ticket)
        attributes = dict(old.attributes)
        granted, standby, last_ms = old.is_granted, old.is_standby, old.last_granted_ms
        for name, value in entry.values:
            if name == "granted":
                granted = (value or "").lower() in TRUE_WORDS
                last_ms = entry.time_ms if granted else last_ms
            elif name == "standby":
                standby = (value or "").lower() in TRUE_WORDS
            elif value is None:
                attributes.pop(name, None)
            else:
                attributes[name] = value
        state.tickets.put(
            entry.ticket,
            TicketStatus(
                ticket=entry.ticket,
                is_granted=granted,
                is_standby=standby,
                last_granted_ms=last_ms,
                attributes=tuple(sorted(attributes.items())),
            ),
        )
    state.want_plan(f"ticket {entry.ticket} changed")
    return ""


def _set_attributes(state: State, entry: AttributesSet) -> str:
    before = dict(state.attributes.get(entry.node) or ())
    values = dict(before)
    for name, value in entry.values:
        if value is None:
            values.pop(name, None)
        else:
            values[name] = counted(values.get(name), value)
    if values != before:
        state.set_attributes(entry.node, values)
        state.want_plan(f"attributes of {entry.node} changed")
    return ""


def _clear_history(state: State, view: View, entry: HistoryCleared) -> str:
    nodes = entry.nodes or tuple(sorted({*state.history, *state.nodes.keys()}))
    for node in nodes:
        table = state.history_of(node)
        for (resource, entry_id), row in table.items():
            if entry.resources and resource not in entry.resources:
                continue
            if entry.task and row.task != entry.task:
                continue
            if entry.interval_ms is not None and row.interval_ms != entry.interval_ms:
                continue
            if not entry.only_failed or entry_id == f"{resource}_last_failure_0":
                table.drop((resource, entry_id))
                if entry.only_failed:
                    _drop_pair(state, node, resource, entry)
        _clear_counts(state, node, entry)
    state.want_plan("history was cleared")
    return ""


def _drop_pair(state: State, node: NodeName, resource: str, entry: HistoryCleared) -> None:
    """A cleanup makes the pair be probed anew: all its rows go, unless it is narrowed."""
    if entry.task:
        return
    table = state.history_of(node)
    for key, _row in table.items():
        if key[0] == resource:
            table.drop(key)


def _clear_counts(state: State, node: NodeName, entry: HistoryCleared) -> None:
    kept = {
        attribute: value
        for attribute, value in state.attributes.get(node) or ()
        if not _is_count_of(attribute, entry)
    }
    state.set_attributes(node, kept)


def _is_count_of(attribute: str, entry: HistoryCleared) -> bool:
    for prefix in ("fail-count-", "last-failure-"):
        if attribute.startswith(prefix):
            resource, _, operation = attribute[len(prefix) :].partition("#")
            if entry.resources and resource not in entry.resources:
                return False
            task, _, interval = operation.rpartition("_")
            if entry.task and task != entry.task:
                return False
            return entry.interval_ms is None or interval == str(entry.interval_ms)
    return False


def _forget_node(state: State, view: View, entry: NodeForgotten) -> str:
    row = state.nodes.get(entry.node)
    if entry.node in view.nodes or (row is not None and row.is_ring_member):
        return "node-present"
    state.nodes.drop(entry.node)
    state.attributes.drop(entry.node)
    state.history_of(entry.node).clear()
    state.want_plan(f"node {entry.node} was forgotten")
    return ""


def _confirm_off(state: State, view: View, entry: ConfirmedOff, happened: list[Happening]) -> str:
    row = state.nodes.get(entry.target)
    if row is None:
        return "unknown-node"
    if entry.target in view.nodes:
        return "node-present"
    if not view.is_quorate and not entry.is_allowed_without_quorum:
        return "no-quorum"
    forget_life(state, entry.target, Presence.OFF, is_fenced=True)
    happened.append(
        NodeChanged(node=entry.target, before=row.presence.value, after=Presence.OFF.value)
    )
    state.record_fencing(
        FencingRecord(
            target=entry.target,
            action="off",
            executor="a human",
            origin=entry.origin,
            client=f"confirmed by {entry.user}",
            state="done",
            completed_ms=entry.time_ms,
        )
    )
    state.want_plan(f"{entry.target} was confirmed off by {entry.user}")
    return ""
