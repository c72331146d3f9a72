"""The status as displays need it: nodes, resources, failures and counts, ready to be laid out.

`view_of` makes it from a configuration and a status; the layouts (`status_text`, `status_classic`,
`status_xml`) only arrange it. Times are milliseconds since 1970.
"""

import time
from collections.abc import Iterator, Mapping

from msgspec import Struct

from paceline.commands.status_bundles import with_replicas
from paceline.commands.status_connectivity import expected_connectivity
from paceline.model.configuration import Configuration
from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.snapshot import Snapshot
from paceline.model.state import BannedNode, FailCount, FailedOperation, NodeState, ResourceState
from paceline.model.status import (
    ChangeOrigin,
    ClusterStatus,
    FencingRecord,
    HistoryEntry,
    TicketStatus,
)
from paceline.scheduler.current import bans, read_current


class StatusView(Struct, frozen=True, kw_only=True):
    """Everything a status shows. `updated_ms` is when it was asked for."""

    cluster_name: str
    stack: str
    version: str
    is_quorate: bool
    updated_ms: int
    last_change: ChangeOrigin
    nodes: tuple[NodeState, ...]
    resources: tuple[ResourceState, ...]
    failures: tuple[FailedOperation, ...] = ()
    fail_counts: tuple[FailCount, ...] = ()
    bans: tuple[BannedNode, ...] = ()
    tickets: tuple[TicketStatus, ...] = ()
    fencing: tuple[FencingRecord, ...] = ()
    history: tuple[tuple[NodeName, tuple[HistoryEntry, ...]], ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    levels: tuple[tuple[str, int, tuple[ResourceId, ...]], ...] = ()
    has_devices: bool = False
    lost: tuple[NodeName, ...] = ()
    """Nodes that went without a goodbye."""
    awaited: tuple[NodeName, ...] = ()
    """Nodes without whose copies of the configuration nothing goes on here."""
    feature_set: str = ""
    connectivity: Mapping[tuple[NodeName, str], int] = {}
    """What an attribute of a node would be if all that a ping resource tries answered."""

    def option(self, *names: str, default: str = "") -> str:
        """Return the first of these cluster options that is set."""
        given = dict(self.options)
        return next((given[name] for name in names if name in given), default)

    @property
    def coordinator(self) -> NodeState | None:
        """The node that decides, if there is one."""
        return next((node for node in self.nodes if node.is_coordinator), None)

    @property
    def is_fencing_enabled(self) -> bool:
        """Say whether fencing is switched on."""
        return is_true(self.option("stonith-enabled", "fencing-enabled", default="true"))

    def node(self, name: str) -> NodeState | None:
        """Return the node of that name, if it is known."""
        return next((node for node in self.nodes if node.name == name), None)


def is_true(word: str) -> bool:
    """Say whether an option's word means yes."""
    return word.strip().lower() in ("true", "yes", "on", "1", "y")


def find_resources(resources: tuple[ResourceState, ...], name: str) -> tuple[ResourceState, ...]:
    """Return the resource of that name, or the instances that go by it."""
    for each in resources:
        if each.id == name:
            return (each,)
        inner = find_resources(each.children, name)
        if inner:
            return inner
    return tuple(each for each in primitives(resources) if each.id.partition(":")[0] == name)


def primitives(resources: tuple[ResourceState, ...]) -> Iterator[ResourceState]:
    """Yield every primitive and instance, in order."""
    for resource in resources:
        if resource.kind == "primitive":
            yield resource
        else:
            yield from primitives(resource.children)


def is_active(resource: ResourceState) -> bool:
    """Say whether anything of it is active somewhere."""
    if resource.kind == "primitive":
        return bool(resource.active)
    return any(is_active(child) for child in resource.children)


def is_wholly_active(resource: ResourceState) -> bool:
    """Say whether all of it is active somewhere."""
    return all(each.active for each in primitives((resource,)))


def count_instances(resources: tuple[ResourceState, ...]) -> tuple[int, int, int]:
    """Return how many instances there are, how many are disabled, how many blocked."""
    every = [each for each in primitives(resources) if not each.is_removed or each.active]
    return (
        len(every),
        sum(each.is_disabled for each in every),
        sum(each.is_blocked for each in every),
    )


def view_of(
    configuration: Configuration,
    status: ClusterStatus,
    *,
    updated_ms: int | None = None,
    has_bans: bool = False,
) -> StatusView:
    """Return the view of a configuration and the status that goes with it.

    Bans are looked for only with `has_bans`: they cost a whole decision of the scheduler.
    """
    snapshot = Snapshot(configuration=configuration, status=status)
    now = read_current(snapshot)
    resources = with_replicas(now.resources, configuration)
    options: dict[str, str] = {}
    for each in configuration.options:
        for name, value in each.pairs:
            options.setdefault(name, value)
    change = status.last_change if status.last_change.time_ms else _written(configuration)
    return StatusView(
        cluster_name=status.cluster_name or options.get("cluster-name", ""),
        stack=options.get("cluster-infrastructure") or (status.stack if status.dc_version else ""),
        version=status.dc_version or options.get("dc-version", "") or "unknown",
        is_quorate=status.is_quorate,
        updated_ms=int(time.time() * 1000) if updated_ms is None else updated_ms,
        last_change=change,
        feature_set=status.feature_set if status.local_node else "",
        nodes=now.nodes,
        resources=resources,
        failures=now.failures,
        fail_counts=now.fail_counts,
        bans=bans(snapshot) if has_bans else (),
        tickets=status.tickets,
        fencing=status.fencing,
        history=tuple(
            (node.name, node.history)
            for node in sorted(status.nodes, key=lambda each: each.file_order)
            if node.history
        ),
        options=tuple(options.items()),
        levels=_levels(configuration),
        has_devices=any(each.agent_class == "stonith" for each in primitives(resources)),
        awaited=status.awaited,
        connectivity=expected_connectivity(configuration, now.nodes),
        lost=tuple(node.name for node in status.nodes if node.is_lost and not node.is_online),
    )  # fmt: skip


def _levels(configuration: Configuration) -> tuple[tuple[str, int, tuple[ResourceId, ...]], ...]:
    """Return target, index and devices of all levels: nodes first, then patterns, attributes."""
    found = []
    for level in configuration.fencing_levels:
        if level.target:
            rank, shown = 0, f"Target: {level.target}"
        elif level.target_pattern:
            rank, shown = 1, f"Target (regexp): {level.target_pattern}"
        else:
            rank, shown = 2, f"Target: {level.target_attribute}={level.target_value}"
        found.append((rank, shown, level.index, level.devices))
    return tuple((shown, index, devices) for _rank, shown, index, devices in sorted(found))


def _written(configuration: Configuration) -> ChangeOrigin:
    """Return who changed a configuration last, as its root says."""
    text = configuration.find_root("cib-last-written")
    try:
        time_ms = int(time.mktime(time.strptime(text))) * 1000 if text else 0
    except ValueError:
        time_ms = 0
    return ChangeOrigin(
        time_ms=time_ms,
        user=configuration.find_root("update-user") or "",
        client=configuration.find_root("update-client") or "",
        node=configuration.find_root("update-origin") or "",
    )
