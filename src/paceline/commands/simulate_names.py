"""How reports name what an action is for: instances by the name that their node knows."""

from paceline.model.identifiers import ActionId
from paceline.scheduler.work import Resource, Work

Names = dict[ActionId, str]
"""The resources' names by action."""


def action_names(work: Work) -> Names:
    """Return the name of each planned action's resource."""
    return {
        ActionId(action.number): history_name(action.resource)
        for action in work.actions
        if action.in_graph and action.resource is not None
    }


def history_name(rsc: Resource) -> str:
    """Return the name under which nodes know a resource; in a new clone that with its number."""
    for entries in rsc.history.values():
        if entries:
            return str(entries[0].resource)
    clone = rsc.clone
    if clone is not None and not clone.is_unique:
        siblings = (each for each in clone.primitives() if each.agent_id == rsc.agent_id)
        if any(each.history for each in siblings):
            return str(rsc.agent_id)
    return str(rsc.id)
