"""The current state for displays: resources, nodes, failures. Nothing is decided here."""

from collections.abc import Iterator
from typing import NamedTuple

from paceline.model.configuration import Configuration, LocationConstraint
from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.snapshot import Snapshot
from paceline.model.state import (
    ActiveOn,
    BannedNode,
    FailCount,
    FailedOperation,
    NodeState,
    ResourceState,
)
from paceline.scheduler.constraints import read_locations
from paceline.scheduler.failures import FailCounts
from paceline.scheduler.reading import read_state
from paceline.scheduler.resources import wanted_role
from paceline.scheduler.work import ROLE_NAMES, Kind, Node, Resource, Role, Work

PENDING_WORDS = {
    "start": "Starting",
    "stop": "Stopping",
    "promote": "Promoting",
    "demote": "Demoting",
    "migrate_to": "Migrating",
    "migrate_from": "Migrating",
    "monitor": "Monitoring",
}
"""What an operation under way is called in a status."""

_KINDS = {
    Kind.PRIMITIVE: "primitive",
    Kind.GROUP: "group",
    Kind.CLONE: "clone",
    Kind.BUNDLE: "bundle",
}


class Current(NamedTuple):
    """All that a display shows of one moment, from one reading of the state."""

    resources: tuple[ResourceState, ...]
    nodes: tuple[NodeState, ...]
    failures: tuple[FailedOperation, ...]
    fail_counts: tuple[FailCount, ...]


def read_current(snapshot: Snapshot) -> Current:
    """Return what is so now."""
    work, _ = read_state(snapshot, is_shown=True)
    return Current(
        resources=_resources(work),
        nodes=_nodes(work),
        failures=_failures(work),
        fail_counts=_fail_counts(work),
    )


def _resources(work: Work) -> tuple[ResourceState, ...]:
    """Return every resource as it is now, as a tree: by priority, else as configured."""
    tops = sorted(work.resources, key=lambda rsc: (-rsc.priority, rsc.sort_index))
    return tuple(_state(work, rsc) for rsc in tops if _is_shown(rsc))


def _is_shown(rsc: Resource) -> bool:
    return not (rsc.is_removed and not rsc.is_active())


def _state(work: Work, rsc: Resource) -> ResourceState:
    agent = rsc.agent
    children = [child for child in rsc.children if not _is_hidden(child)]
    if rsc.kind is Kind.CLONE:
        children.sort(key=lambda child: child.instance_number)
    return ResourceState(
        id=rsc.id,
        kind=_KINDS[rsc.kind],
        agent_class=agent.agent_class if agent else "",
        provider=agent.provider if agent else "",
        agent_type=agent.agent_type if agent else "",
        role=_role_name(rsc),
        target_role=rsc.target_role_word,
        active=tuple(_active(rsc, node) for node in rsc.running_on),
        is_failed=rsc.failed or rsc.stop_failed,
        is_failure_ignored=rsc.failure_ignored,
        is_blocked=rsc.blocked,
        is_managed=rsc.is_managed or rsc.blocked,
        is_in_maintenance=rsc.in_maintenance,
        is_disabled=wanted_role(rsc) is Role.STOPPED,
        is_removed=rsc.is_removed,
        is_internal=rsc.meta.get("internal_rsc") == "true",
        is_unique=rsc.is_unique and (rsc.kind is Kind.CLONE or rsc.clone is not None),
        is_promotable=rsc.is_promotable,
        pending_task=_pending(rsc),
        locked_to=NodeName(rsc.lock_node.name if rsc.lock_node is not None else ""),
        replica=rsc.replica,
        migration_threshold=rsc.migration_threshold,
        children=tuple(_state(work, child) for child in children),
    )


def _is_hidden(child: Resource) -> bool:
    return child.is_removed_filler or (child.is_removed and not child.is_active())


def _role_name(rsc: Resource) -> str:
    if rsc.kind is not Kind.PRIMITIVE:
        return "Started" if rsc.is_active() else "Stopped"
    if rsc.role is Role.UNPROMOTED and not rsc.is_promotable:
        return "Started"
    return ROLE_NAMES[rsc.role]


def _pending(rsc: Resource) -> str:
    if not rsc.pending_task:
        return ""
    if rsc.pending_task == "monitor" and rsc.role > Role.STOPPED:
        return "Monitoring"
    return PENDING_WORDS.get(rsc.pending_task, rsc.pending_task)


def _active(rsc: Resource, node: Node) -> ActiveOn:
    role = rsc.role_on.get(node.name, rsc.role)
    return ActiveOn(
        node=node.name,
        role=ROLE_NAMES[role],
        is_failed=rsc.failed,
        is_node_online=node.is_online,
    )


def _nodes(work: Work) -> tuple[NodeState, ...]:
    """Return every node as it is now, in natural order of names."""
    return tuple(_node_state(node) for node in work.nodes)


def _node_state(node: Node) -> NodeState:
    connection = node.remote_resource
    container = connection.container if connection is not None else None
    return NodeState(
        name=node.name,
        node_id=node.cib_id,
        kind=node.kind,
        is_online=node.is_online,
        is_unclean=node.is_unclean,
        is_pending=node.is_pending,
        is_standby=node.is_standby and not node.is_standby_by_failure,
        is_standby_by_failure=node.is_standby_by_failure,
        in_maintenance=node.in_maintenance,
        is_shutting_down=node.is_shutting_down,
        is_expected=node.is_expected,
        is_coordinator=node.is_dc,
        health=node.health,
        running=tuple(ResourceId(rsc.id) for rsc in node.running),
        feature_set=node.attributes.get("#feature-set", ""),
        container=ResourceId(container.id if container is not None else ""),
        attributes=tuple(sorted(node.attributes.items())),
    )


def _failures(work: Work) -> tuple[FailedOperation, ...]:
    """Return the failed operations on record that have not expired, newest last per resource."""
    found = []
    for rsc, node, entry, is_ignored in work.failed_entries:
        found.append(
            FailedOperation(
                resource=rsc.id,
                node=node.name,
                operation_key=entry.operation_key
                or f"{entry.resource}_{entry.task}_{entry.interval_ms}",
                task=entry.task,
                interval_ms=entry.interval_ms,
                call_id=entry.call_id,
                rc=entry.rc,
                outcome=entry.outcome.value,
                exit_reason=entry.exit_reason,
                last_rc_change_ms=entry.last_rc_change_ms,
                exec_ms=entry.exec_ms,
                queue_ms=entry.queue_ms,
                is_ignored=is_ignored,
            )
        )
    unique: dict[tuple[str, str, int], FailedOperation] = {}
    for each in found:
        unique.setdefault((each.node, each.operation_key, each.call_id), each)
    return tuple(unique.values())


def _fail_counts(work: Work) -> tuple[FailCount, ...]:
    """Return the fail counts of all resources by node, those that are 0 left out."""
    counts = FailCounts(work)
    found = []
    for node in work.nodes:
        seen: set[str] = set()
        for rsc in work.primitives():
            if rsc.agent_id in seen:
                continue
            total = counts.raw(rsc, node)
            if total:
                seen.add(rsc.agent_id)
                found.append(
                    FailCount(
                        resource=rsc.agent_id,
                        node=node.name,
                        count=total,
                        threshold=rsc.migration_threshold,
                        last_failure_ms=1000 * counts.last_failure_s(rsc, node),
                    )
                )
    return tuple(found)


def bans(snapshot: Snapshot) -> tuple[BannedNode, ...]:
    """Return the location constraints that keep resources off nodes, the last of them first.

    Pacemaker's tools list them so.
    """
    work, _ = read_state(snapshot)
    read_locations(work)
    locations = [
        (rsc, location)
        for top in work.resources
        for rsc in top.walk()
        for location in rsc.location_list
    ]
    order = {id: index for index, id in enumerate(_location_ids(snapshot.configuration))}
    locations.sort(key=lambda pair: order[pair[1].id])
    found = [
        BannedNode(
            constraint=location.id,
            resource=ResourceId(rsc.id),
            node=NodeName(name),
            score=score,
            role=ROLE_NAMES[location.role] if location.role else "",
        )
        for rsc, location in locations
        for name, score in location.scores.items()
        if score < 0
    ]
    return tuple(reversed(found))


def _location_ids(configuration: Configuration) -> Iterator[str]:
    """Yield the ids of the location constraints, and of their rules, as configured."""
    for each in configuration.constraints:
        if isinstance(each, LocationConstraint):
            yield each.id
            yield from (rule.id for rule in each.rules)


__all__ = ["Current", "bans", "read_current"]
