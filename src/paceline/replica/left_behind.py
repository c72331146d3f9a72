"""What runs here and is configured no more: nobody else remembers it (DESIGN 6).

A daemon that starts again probes what is configured. A resource that was deleted meanwhile is not;
it would run on, and twice once it is created again. This boot's own book of starts names it.
"""

from paceline.model.configuration import Bundle, Clone, Configuration, Group, Primitive
from paceline.model.identifiers import NodeName
from paceline.model.status import HistoryEntry
from paceline.replica.entries import Reported
from paceline.replica.identity import Started


def find_left_behind(
    started: tuple[Started, ...], configuration: Configuration
) -> tuple[Started, ...]:
    """Return what of the started resources the configuration does not have."""
    names: set[str] = set()
    bundles: list[str] = []
    for resource in configuration.resources:
        match resource:
            case Primitive():
                names.add(resource.id)
            case Group():
                names.update(member.id for member in resource.members)
            case Clone(child=Primitive() as child):
                names.add(child.id)
            case Clone(child=Group() as child):
                names.update(member.id for member in child.members)
            case Bundle():
                bundles.append(f"{resource.id}-")
                if resource.child is not None:
                    names.add(resource.child.id)
    return tuple(
        each
        for each in started
        if each.resource.partition(":")[0] not in names
        and not any(each.resource.startswith(prefix) for prefix in bundles)
    )


def report_left_behind(started: Started, node: NodeName, call_id: int, wall_ms: int) -> Reported:
    """Return what tells the others that it runs here: the row of its start."""
    return Reported(
        node=node,
        rows=(
            HistoryEntry(
                entry_id=f"{started.resource}_last_0",
                resource=started.resource,
                agent_class=started.agent.agent_class,
                provider=started.agent.provider,
                agent_type=started.agent.agent_type,
                task="start",
                call_id=call_id,
                last_run_ms=wall_ms,
                last_rc_change_ms=wall_ms,
            ),
        ),
        is_expected=False,
    )
