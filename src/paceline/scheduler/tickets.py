"""Phase: tickets. A site may run a resource only while it holds the resource's ticket.

Without the ticket the resource stops, is demoted, freezes, or its node is fenced, as the
constraint's `loss-policy` says; in standby it is held, but what needs it is stopped all the same.
"""

from msgspec import Struct

from paceline.model.configuration import TicketConstraint
from paceline.model.scores import MINUS_INFINITY
from paceline.scheduler.constraints import add_location_score, find_resource
from paceline.scheduler.work import Kind, Resource, Role, Work, role_of_word


class TicketState(Struct, frozen=True, kw_only=True):
    """A ticket constraint of a resource, and how its ticket is."""

    constraint: TicketConstraint
    role: str
    policy: str
    is_missing: bool
    is_standby: bool


def ticket_states(work: Work, names: set[str]) -> list[TicketState]:
    """Return the ticket constraints that name one of `names`, for whoever explains them."""
    states = {each.ticket: each for each in work.snapshot.status.tickets}
    found = []
    for each in work.snapshot.configuration.constraints:
        if not isinstance(each, TicketConstraint):
            continue
        state = states.get(each.ticket)
        for name, role in _named(each):
            if name in names:
                found.append(
                    TicketState(
                        constraint=each,
                        role=role,
                        policy=each.loss_policy or _default_policy(role_of_word(role)),
                        is_missing=state is None or not state.is_granted,
                        is_standby=state is not None and state.is_standby,
                    )
                )
    return found


def _default_policy(role: Role) -> str:
    return "demote" if role is Role.PROMOTED else "stop"


def apply_tickets(work: Work) -> None:
    """Apply every ticket constraint to the resources it names."""
    states = {each.ticket: each for each in work.snapshot.status.tickets}
    for each in work.snapshot.configuration.constraints:
        if not isinstance(each, TicketConstraint):
            continue
        state = states.get(each.ticket)
        is_granted = state is not None and state.is_granted
        is_standby = state is not None and state.is_standby
        for name, role in _named(each):
            rsc = find_resource(work, name)
            if rsc is not None:
                _apply(work, each, rsc, role_of_word(role), is_granted, is_standby)


def _named(constraint: TicketConstraint) -> list[tuple[str, str]]:
    found = [(str(constraint.resource), constraint.role)] if constraint.resource else []
    for each in constraint.sets:
        found.extend((str(name), each.role or constraint.role) for name in each.resources)
    return found


def _apply(
    work: Work,
    constraint: TicketConstraint,
    rsc: Resource,
    role: Role,
    is_granted: bool,
    is_standby: bool,
) -> None:
    if rsc.kind is not Kind.PRIMITIVE and rsc.kind is not Kind.CLONE:
        for child in rsc.children:
            _apply(work, constraint, child, role, is_granted, is_standby)
        return
    for each in rsc.children:
        _apply(work, constraint, each, role, is_granted, is_standby)
    is_promoted_only = role is Role.PROMOTED
    policy = constraint.loss_policy or _default_policy(role)
    if policy == "fence" and not work.options.fencing_enabled:
        policy = "stop"
    if not is_granted:
        _on_loss(work, constraint, rsc, is_promoted_only, policy)
    elif is_standby:
        if is_promoted_only and policy != "stop":
            _forbid_promotion(rsc)
        else:
            _ban(work, constraint, rsc)


def _on_loss(
    work: Work, constraint: TicketConstraint, rsc: Resource, is_promoted_only: bool, policy: str
) -> None:
    if (policy == "freeze" and rsc.kind is Kind.PRIMITIVE and rsc.running_on) and (
        not is_promoted_only or rsc.role is Role.PROMOTED
    ):
        rsc.is_managed, rsc.blocked, rsc.is_frozen = False, True, True
        return
    if is_promoted_only and policy != "stop":
        _forbid_promotion(rsc)
    else:
        _ban(work, constraint, rsc)
    if policy != "fence":
        return
    for node in rsc.running_on:
        if is_promoted_only and rsc.role_on.get(node.name) is not Role.PROMOTED:
            continue
        if not node.is_unclean:
            node.is_unclean = True
            node.fence_reason = f"deadman ticket {constraint.ticket} was lost"


def _ban(work: Work, constraint: TicketConstraint, rsc: Resource) -> None:
    if rsc.kind is Kind.CLONE:
        return
    for node in work.nodes:
        add_location_score(work, rsc, node.name, MINUS_INFINITY, "ticket", constraint.ticket)


def _forbid_promotion(rsc: Resource) -> None:
    if rsc.kind is Kind.PRIMITIVE and rsc.next_role is not Role.STOPPED:
        rsc.next_role = Role.UNPROMOTED
