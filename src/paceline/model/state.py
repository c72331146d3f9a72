"""The current state of resources and nodes, as the history says it; what status displays show.

`scheduler.current` makes these from a snapshot. Nothing here is a wish or a plan.
"""

from msgspec import Struct

from paceline.model.identifiers import NodeName, ResourceId


class ActiveOn(Struct, frozen=True, gc=False, kw_only=True):
    """Where a resource is active now, and in which role; `pending` is the task under way there."""

    node: NodeName
    role: str
    is_failed: bool = False
    is_node_online: bool = True


class ResourceState(Struct, frozen=True, gc=False, kw_only=True):
    """A resource as it is now.

    `kind` is primitive, group, clone or bundle; children are the members, instances or replicas.
    `role` is Stopped, Starting, Started, Unpromoted, Promoted, Stopping, Migrating ...; `active`
    the nodes it is active on (more than one: a fault, or a migration). `is_blocked`: a failure that
    cannot be recovered holds it. `is_disabled`: its target-role keeps it stopped, and with
    `target_role` says the wish. `is_removed`: it is no longer configured; `is_internal`: nobody
    configured it, it connects to a guest. `pending_task` is what is being done, as a status shows
    it (`Starting`), `locked_to` the node of a shutdown lock, a `migration_threshold` of 0 none.
    """

    id: ResourceId
    kind: str
    agent_class: str = ""
    provider: str = ""
    agent_type: str = ""
    role: str = "Stopped"
    target_role: str = ""
    active: tuple[ActiveOn, ...] = ()
    is_failed: bool = False
    is_failure_ignored: bool = False
    is_blocked: bool = False
    is_managed: bool = True
    is_in_maintenance: bool = False
    is_disabled: bool = False
    is_removed: bool = False
    is_internal: bool = False
    is_unique: bool = False
    is_promotable: bool = False
    pending_task: str = ""
    locked_to: NodeName = NodeName("")
    image: str = ""
    replica: int = -1
    address: str = ""
    container_child: ResourceId = ResourceId("")
    migration_threshold: int = 0
    children: tuple["ResourceState", ...] = ()


class NodeState(Struct, frozen=True, gc=False, kw_only=True):
    """A node as it is now, as a status shows it; `running` is what runs there, as reported."""

    name: NodeName
    node_id: str = ""
    kind: str = "member"
    is_online: bool = False
    is_unclean: bool = False
    is_pending: bool = False
    is_standby: bool = False
    is_standby_by_failure: bool = False
    in_maintenance: bool = False
    is_shutting_down: bool = False
    is_expected: bool = False
    is_coordinator: bool = False
    health: int = 0
    feature_set: str = ""
    running: tuple[ResourceId, ...] = ()
    container: ResourceId = ResourceId("")
    attributes: tuple[tuple[str, str], ...] = ()


class FailedOperation(Struct, frozen=True, gc=False, kw_only=True):
    """An operation that failed and has not been cleaned up. Times in ms since 1970."""

    resource: ResourceId
    node: NodeName
    operation_key: str
    task: str
    interval_ms: int = 0
    call_id: int = 0
    rc: int = 0
    outcome: str = ""
    exit_reason: str = ""
    last_rc_change_ms: int = 0
    exec_ms: int = 0
    queue_ms: int = 0
    is_ignored: bool = False


class FailCount(Struct, frozen=True, gc=False, kw_only=True):
    """How often a resource failed on a node; `threshold` is its migration-threshold (0: none)."""

    resource: ResourceId
    node: NodeName
    count: int
    threshold: int = 0
    last_failure_ms: int = 0


class BannedNode(Struct, frozen=True, gc=False, kw_only=True):
    """A location constraint that keeps a resource off a node."""

    constraint: str
    resource: ResourceId
    node: NodeName
    score: int
    role: str = ""
