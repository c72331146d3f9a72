"""The status of a cluster: what is known of its nodes and of what ran on them.

These records are what the daemon hands to the scheduler's process, to the command line and to the
low-level tools, and what a CIB's `<status>` section is read into and written from. They are
msgspec structs because thousands of them cross process borders at a time.

Times are milliseconds since 1970 unless a name says otherwise.
"""

from enum import StrEnum

from msgspec import Struct

from paceline.model.identifiers import NodeId, NodeName, ResourceId

UNFENCED_ATTRIBUTE = "#node-unfenced"
"""The transient node attribute that says when the node was unfenced, in seconds since 1970."""

DIGESTS_ATTRIBUTE = "#digests-all"
SECURE_DIGESTS_ATTRIBUTE = "#digests-secure"
"""Transient attributes `device:agent:digest,...`: what the devices were when they unfenced it."""


class NodeKind(StrEnum):
    """What sort of place a node is. Only a `member` has a daemon in the group."""

    MEMBER = "member"
    REMOTE = "remote"
    GUEST = "guest"


class OperationOutcome(StrEnum):
    """How one run of an operation ended, apart from the agent's own exit status."""

    PENDING = "pending"
    DONE = "done"
    TIMED_OUT = "timed-out"
    CANCELLED = "cancelled"
    NOT_INSTALLED = "not-installed"
    NOT_SUPPORTED = "not-supported"
    ERROR = "error"
    """It could not be run at all (no agent, no fork); `exit_reason` says why."""
    UNKNOWN = "unknown"
    """It was begun and nobody can say how it ended; unknown counts as running."""


class HistoryEntry(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The last known result of one operation of one resource on one node (`lrm_rsc_op`).

    `entry_id` is the row's id within the node, unique per resource, by Pacemaker's habit:
    `RSC_last_0`, `RSC_last_failure_0`, `RSC_monitor_10000`. `task` is the operation
    (`start`, `monitor`, ...), `interval_ms` 0 for one-time operations. `call_id` orders the results
    of one node (-1 for pending). `target_rc` is the exit status that was expected. Digests and
    `reload_*` are as the scheduler's planned action named them. `position` is the log position at
    which the result was delivered, 0 where it came from a file.
    """

    entry_id: str
    resource: ResourceId
    agent_class: str
    provider: str = ""
    agent_type: str
    task: str
    interval_ms: int = 0
    call_id: int = 0
    outcome: OperationOutcome = OperationOutcome.DONE
    rc: int = 0
    target_rc: int = 0
    exit_reason: str = ""
    last_run_ms: int = 0
    last_rc_change_ms: int = 0
    exec_ms: int = 0
    queue_ms: int = 0
    digest: str = ""
    restart_digest: str = ""
    restart_parameters: str = ""
    secure_digest: str = ""
    secure_parameters: str = ""
    migrate_source: str = ""
    migrate_target: str = ""
    container: str = ""
    transition_key: str = ""
    operation_key: str = ""
    """Pacemaker's `operation_key`, when it differs from RSC_TASK_INTERVAL (a failure's row)."""
    position: int = 0


class NodeStatus(Struct, frozen=True, gc=False, kw_only=True):
    """What is known of one node.

    `is_member`: Corosync counts it as a member. `is_online`: its daemon is in the group (a *view*).
    `is_expected`: it is expected to be up (it joined and has not left cleanly): a node that is
    expected and not online is unclean. `is_unclean`: known to need fencing whatever else holds.
    `member_since_ms`/`online_since_ms` are 0 where unknown. For a remote or guest node
    only `is_fenced`, `attributes` and `history` say something: the scheduler knows where it runs.
    """

    name: NodeName
    node_id: NodeId = NodeId(0)
    kind: NodeKind = NodeKind.MEMBER
    is_member: bool = False
    is_online: bool = False
    is_expected: bool = False
    is_unclean: bool = False
    is_seen: bool = False
    """It was seen in this cluster life, or left a trace; never seen means start-up fencing."""
    is_lost: bool = False
    """It went without a goodbye. With fencing off it counts as down all the same."""
    is_fenced: bool = False
    in_maintenance: bool = False
    member_since_ms: int = 0
    online_since_ms: int = 0
    boot_id: str = ""
    incarnation: int = 0
    is_pending: bool = False
    """Its daemon is in the group but has not joined fully (or came back and is still joining)."""
    is_left_banned: bool = False
    """Its join was refused: it is there and must not be used."""
    file_order: int = 0
    """Its place in the file it was read from, so that a file is read as its maker did; else 0."""
    shutdown_locks: tuple[tuple[ResourceId, int], ...] = ()
    """Resources kept for this node while it is shut down cleanly, with since when."""
    cib_id: str = ""
    """The node's id as the CIB has it, where that is not a number."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Transient attributes, sorted by name: `shutdown`, `fail-count-*`, `last-failure-*`, ..."""
    history: tuple[HistoryEntry, ...] = ()


class TicketStatus(Struct, frozen=True, gc=False, kw_only=True):
    """One ticket: `attributes` are all others than these, sorted."""

    ticket: str
    is_granted: bool = False
    is_standby: bool = False
    last_granted_ms: int = 0
    attributes: tuple[tuple[str, str], ...] = ()


class FencingRecord(Struct, frozen=True, gc=False, kw_only=True):
    """One fencing that was wanted: `state` is pending, done, failed; `device` what did it."""

    target: NodeName
    action: str
    executor: str
    origin: str
    client: str
    state: str
    device: str = ""
    completed_ms: int = 0
    exit_reason: str = ""


class ChangeOrigin(Struct, frozen=True, gc=False, kw_only=True):
    """Who changed the configuration last: `by USER via CLIENT on NODE`."""

    time_ms: int = 0
    user: str = ""
    client: str = ""
    node: str = ""


class ClusterStatus(Struct, frozen=True, gc=False, kw_only=True):
    """The whole status at one position of the log.

    `now_ms` is the cluster's time. `coordinator` is empty where no view is established. `nodes` are
    sorted by name and include remote and guest nodes of which anything is known. `awaited` are the
    nodes without whose copies of the configuration nothing goes on here.
    """

    now_ms: int
    is_quorate: bool
    coordinator: str = ""
    local_node: str = ""
    nodes: tuple[NodeStatus, ...] = ()
    tickets: tuple[TicketStatus, ...] = ()
    fencing: tuple[FencingRecord, ...] = ()
    last_change: ChangeOrigin = ChangeOrigin()
    cluster_name: str = ""
    stack: str = "corosync"
    has_watchdog_fencing: bool = False
    """Nodes are fenced by their own watchdogs: what the scheduler counts as a way to fence."""
    dc_version: str = ""
    feature_set: str = ""
    awaited: tuple[NodeName, ...] = ()
