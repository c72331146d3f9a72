"""Phase: where two may never be together, the one leaving stops before the one coming starts.

A colocation of minus INFINITY decides where they go (`colocation`). It says nothing of the moment
in between, when one has not left yet and the other could already come: that is tied here.
"""

from paceline.model.scores import MINUS_INFINITY
from paceline.scheduler.actions import tie
from paceline.scheduler.work import Action, Kind, Resource, Role, Tie, Work

_ENTERS = {Role.PROMOTED: "promote", Role.UNPROMOTED: "demote"}
_LEAVES = {Role.PROMOTED: "demote", Role.UNPROMOTED: "promote"}
"""The actions by which an instance comes to a role, and leaves it; else start and stop."""


def order_anti_colocations(work: Work) -> None:
    """Where two may never be together, the one leaving stops before the one coming starts.

    If only a role is unwanted, what counts is coming to that role and leaving it. A probe may find
    one of them, so it comes before the other's start there too.
    """
    for c in work.colocations:
        if c.score <= MINUS_INFINITY:
            dependent_role = _role_to_meet(c.dependent, c.dependent_role)
            primary_role = _role_to_meet(c.primary, c.primary_role)
            _leave_before_coming(c.dependent, dependent_role, c.primary, primary_role)
            _leave_before_coming(c.primary, primary_role, c.dependent, dependent_role)


def _role_to_meet(rsc: Resource, role: Role) -> Role:
    """Return the role that is unwanted; what is never promoted is met by running at all."""
    return role if rsc.is_promotable else Role.UNKNOWN


def _leave_before_coming(one: Resource, one_role: Role, other: Resource, other_role: Role) -> None:
    comings: dict[str, list[Action]] = {}
    for coming in other.primitives():
        for action in coming.actions_of(_ENTERS.get(other_role, "start")):
            if action.node is not None:
                comings.setdefault(action.node.name, []).append(action)
    has_roles = one_role is not Role.UNKNOWN or other_role is not Role.UNKNOWN
    is_plain = one.kind is Kind.PRIMITIVE and other.kind is Kind.PRIMITIVE and not has_roles
    leave = _LEAVES.get(one_role, "stop")
    for leaving in one.primitives():
        for action in leaving.actions:
            if action.node is None or action.interval_ms or action.node.name not in comings:
                continue
            if action.task == leave or (action.task == "monitor" and is_plain):
                for come in comings[action.node.name]:
                    tie(action, come, Tie.ORDER | Tie.SAME_NODE_IF_REQUIRED)
