"""The working data of one run: nodes, resources, actions and the ties between actions.

Everything here is mutable and lives for one `schedule` only; what leaves the scheduler is a value.
Phases fill and change it in the order that `scheduler/__init__` lists.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from paceline.model.configuration import (
    AttributeSet,
    ConfiguredResource,
    Operation,
    Primitive,
)
from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.plan import Agent, Finding
from paceline.model.scores import INFINITY, MINUS_INFINITY, add_scores
from paceline.model.snapshot import Snapshot
from paceline.model.status import HistoryEntry, NodeStatus
from paceline.scheduler.options import Options
from paceline.scheduler.reasons import Marks, Reasons
from paceline.scheduler.rules import Moment

if TYPE_CHECKING:
    from paceline.scheduler.bundles import Replica


class Role(IntEnum):
    """What a resource is on a node; the order is that of how much it does."""

    UNKNOWN = 0
    STOPPED = 1
    STARTED = 2
    UNPROMOTED = 3
    PROMOTED = 4


ROLE_NAMES = {
    Role.UNKNOWN: "Unknown",
    Role.STOPPED: "Stopped",
    Role.STARTED: "Started",
    Role.UNPROMOTED: "Unpromoted",
    Role.PROMOTED: "Promoted",
}
_ROLES_BY_WORD = {
    "stopped": Role.STOPPED,
    "started": Role.STARTED,
    "unpromoted": Role.UNPROMOTED,
    "slave": Role.UNPROMOTED,
    "promoted": Role.PROMOTED,
    "master": Role.PROMOTED,
}


def role_of_word(word: str | None) -> Role:
    """Return the role that a configuration's word names, UNKNOWN where it names none."""
    return _ROLES_BY_WORD.get((word or "").lower(), Role.UNKNOWN)


class OnFail(IntEnum):
    """What follows a failure; the more severe of several wins."""

    IGNORE = 0
    DEMOTE = 1
    RESTART = 2
    BAN = 3
    BLOCK = 4
    STOP = 5
    STANDBY = 6
    FENCE = 7
    RESTART_CONTAINER = 8
    RESET_REMOTE = 9


class Kind(IntEnum):
    """The four shapes of resource."""

    PRIMITIVE = 0
    GROUP = 1
    CLONE = 2
    BUNDLE = 3


class Node:
    """A node during scheduling. `index` is its place in the natural order of names."""

    __slots__ = (
        "assigned_count", "attributes", "base_score", "bundle", "cib_id", "fence_reason",
        "free", "has_status", "health", "in_maintenance", "index", "is_dc",
        "is_expected", "is_online", "is_pending", "is_remote_fenced", "is_removed",
        "is_shutting_down", "is_standby", "is_standby_by_failure", "is_unclean", "is_unseen",
        "kind", "name", "remote_maintenance", "remote_needs_reset", "remote_resource", "running",
        "status",
    )  # fmt: skip

    def __init__(self, name: NodeName, cib_id: str, kind: str) -> None:
        """Make a node of which nothing is known yet."""
        self.name = name
        self.cib_id = cib_id
        self.kind = kind
        self.index = 0
        self.base_score = 0
        self.attributes: dict[str, str] = {}
        self.free: dict[str, int] = {}
        self.status: NodeStatus | None = None
        self.has_status = False
        self.is_online = False
        self.is_unclean = False
        self.is_unseen = True
        self.is_pending = False
        self.is_standby = False
        self.is_standby_by_failure = False
        self.is_shutting_down = False
        self.in_maintenance = False
        self.is_expected = False
        self.is_dc = False
        self.is_remote_fenced = False
        self.is_removed = False
        """It is known from the history alone: nothing is placed here."""
        self.remote_maintenance = False
        self.remote_needs_reset = False
        self.remote_resource: Resource | None = None
        self.health = 0
        self.assigned_count = 0
        self.running: list[Resource] = []
        self.fence_reason = ""
        self.bundle: Resource | None = None

    def __repr__(self) -> str:
        """Name it, for debugging."""
        return f"<{self.name}>"

    @property
    def is_remote(self) -> bool:
        """Say whether it is a remote or a guest node."""
        return self.kind != "member"

    @property
    def is_guest(self) -> bool:
        """Say whether it lives inside a resource."""
        return self.remote_resource is not None and self.remote_resource.container is not None

    @property
    def host(self) -> "Node":
        """The node that a bundle's container, if this is one, is placed on; else itself."""
        if self.bundle is None or self.remote_resource is None:
            return self
        container = self.remote_resource.container
        if container is None:
            return self
        return container.assigned or (container.running_on or [self])[0]

    def can_run(self) -> bool:
        """Say whether resources may be placed here at all.

        A remote or guest node will be up if its connection will run, whatever it is now.
        """
        if (
            self.is_shutting_down
            or (self.is_unclean and not self.is_guest)
            or self.is_standby
            or self.is_pending
            or self.in_maintenance
        ):
            return False
        connection = self.remote_resource
        if connection is None or connection.is_provisional:
            return self.is_online
        container = connection.container
        if (container is not None and container.assigned is None) and (
            self.bundle is None and not container.is_provisional
        ):
            return False
        # What is inside a bundle's container keeps its place: the lost start is what stops it.
        return connection.assigned is not None or (self.bundle is not None and self.is_online)


class Colocation:
    """A wish that `dependent` be where `primary` is (or not, if the score is negative)."""

    __slots__ = (
        "dependent", "dependent_role", "id", "influence", "node_attribute", "primary",
        "primary_role", "score",
    )  # fmt: skip

    def __init__(
        self,
        id: str,
        score: int,
        dependent: "Resource",
        primary: "Resource",
        *,
        dependent_role: Role = Role.UNKNOWN,
        primary_role: Role = Role.UNKNOWN,
        node_attribute: str = "",
        influence: bool | None = None,
    ) -> None:
        """Make one; `influence` None means that the dependent's `critical` decides."""
        self.id = id
        self.score = score
        self.dependent = dependent
        self.primary = primary
        self.dependent_role = dependent_role
        self.primary_role = primary_role
        self.node_attribute = node_attribute or "#uname"
        self.influence = influence

    @property
    def is_mandatory(self) -> bool:
        """Say whether it may never be broken."""
        return self.score >= INFINITY or self.score <= MINUS_INFINITY


class Location:
    """A location constraint after its rules were looked at: scores by node."""

    __slots__ = ("discovery", "id", "role", "scores", "source")

    def __init__(
        self, id: str, scores: dict[str, int], role: Role = Role.UNKNOWN, discovery: str = ""
    ) -> None:
        """Make one; `role` UNKNOWN means any role."""
        self.id = id
        self.scores = scores
        self.role = role
        self.discovery = discovery
        self.source = id


class Resource:
    """A resource during scheduling: a primitive, or a collective with children."""

    __slots__ = (
        "action_index", "actions", "agent", "agent_id", "allow_migrate", "assigned", "base_role",
        "blocked", "bundle", "children", "clone_counts", "clone_max", "clone_min",
        "clone_node_max", "configured", "container", "critical", "dangling_on", "discovery",
        "exclusive_discovery", "extra_meta", "failed", "failed_nodes", "failure_ignored",
        "failure_timeout_ms", "fillers", "history", "id", "in_maintenance", "instance_number",
        "is_allocating", "is_fence_device", "is_frozen", "is_interleaved", "is_managed",
        "is_merging", "is_notified", "is_ordered", "is_promotable", "is_provisional",
        "is_remote_connection", "is_removed", "is_removed_filler", "is_unique", "kind", "known_on",
        "location_list", "lock_ms", "lock_node", "meta", "migration_threshold", "multiple_active",
        "next_role", "on_fail", "operations", "parameter_sets", "parent",
        "partial_source", "partial_target", "pending_node", "pending_task", "priority",
        "promoted_max", "promoted_node_max", "promotion", "provides_unfencing",
        "reload_on", "remote_node", "replica", "replicas", "requires", "restart_reason", "role",
        "role_on", "running_on", "scores", "sort_index", "start_pending", "stickiness",
        "stop_failed", "target_role_word", "template", "this_with", "tickets",
        "utilization", "wants_stop", "with_this",
    )  # fmt: skip

    def __init__(self, id: ResourceId, kind: Kind) -> None:
        """Make a resource with no history and no wishes."""
        self.id = id
        self.kind = kind
        self.agent_id = id
        self.agent: Agent | None = None
        self.configured: ConfiguredResource | None = None
        self.parent: Resource | None = None
        self.children: list[Resource] = []
        self.instance_number = -1
        self.meta: dict[str, str] = {}
        self.parameter_sets: tuple[AttributeSet, ...] = ()
        self.operations: tuple[Operation, ...] = ()
        self.utilization: dict[str, int] = {}
        self.priority = 0
        self.stickiness = 0
        self.migration_threshold = INFINITY
        self.failure_timeout_ms = 0
        self.multiple_active = "stop_start"
        self.requires = "fencing"
        self.target_role_word = ""
        self.is_managed = True
        self.in_maintenance = False
        self.blocked = False
        self.is_frozen = False
        self.critical = True
        self.allow_migrate = False
        self.is_fence_device = False
        self.is_removed = False
        self.is_removed_filler = False
        self.is_unique = True
        self.is_notified = False
        self.is_promotable = False
        self.is_ordered = False
        self.is_interleaved = False
        self.clone_max = 0
        self.clone_node_max = 1
        self.clone_min = 0
        self.promoted_max = 0
        self.promoted_node_max = 0
        self.scores: dict[str, int] = {}
        self.discovery: dict[str, str] = {}
        self.exclusive_discovery = False
        self.location_list: list[Location] = []
        self.this_with: list[Colocation] = []
        self.with_this: list[Colocation] = []
        self.tickets: list[tuple[str, str, Role]] = []
        self.running_on: list[Node] = []
        self.dangling_on: list[Node] = []
        self.role_on: dict[str, Role] = {}
        self.known_on: dict[str, Node] = {}
        self.role = Role.STOPPED
        self.next_role = Role.UNKNOWN
        self.base_role = Role.UNKNOWN
        self.assigned: Node | None = None
        self.is_provisional = True
        self.is_allocating = False
        self.is_merging = False
        self.failed = False
        self.failure_ignored = False
        self.failed_nodes: dict[str, OnFail] = {}
        self.stop_failed = False
        self.start_pending = False
        self.pending_task = ""
        self.pending_node: Node | None = None
        self.partial_source: Node | None = None
        self.partial_target: Node | None = None
        self.container: Resource | None = None
        self.fillers: list[Resource] = []
        self.remote_node: Node | None = None
        self.is_remote_connection = False
        self.bundle: Resource | None = None
        self.replica = -1
        self.replicas: list[Replica] = []
        self.history: dict[str, list[HistoryEntry]] = {}
        self.actions: list[Action] = []
        self.action_index: dict[tuple[str, int, str], Action] = {}
        self.lock_node: Node | None = None
        self.lock_ms = 0
        self.restart_reason = ""
        self.reload_on: Node | None = None
        self.clone_counts: dict[str, int] = {}
        self.sort_index = 0
        self.on_fail = OnFail.IGNORE
        self.provides_unfencing = False
        self.wants_stop = False
        self.promotion: dict[str, int] = {}
        self.extra_meta: dict[str, str] = {}
        self.template: Primitive | None = None

    def __repr__(self) -> str:
        """Name it, for debugging."""
        return f"<{self.id}>"

    @property
    def top(self) -> "Resource":
        """The outermost resource that holds it (a bundle counts)."""
        rsc = self
        while rsc.parent is not None:
            rsc = rsc.parent
        return rsc

    @property
    def clone(self) -> "Resource | None":
        """The clone that it is an instance of, directly or inside a group."""
        rsc: Resource | None = self
        while rsc is not None and rsc.kind is not Kind.CLONE:
            rsc = rsc.parent
        return rsc

    @property
    def is_bundle_container(self) -> bool:
        """Say whether it is the container of a bundle's replica."""
        bundle = self.bundle
        return bundle is not None and any(each.container is self for each in bundle.replicas)

    @property
    def is_instance(self) -> bool:
        """Say whether it is directly below a clone."""
        return self.parent is not None and self.parent.kind is Kind.CLONE

    def primitives(self) -> "Iterator[Resource]":
        """Give all primitives in it, itself included."""
        if self.kind is Kind.PRIMITIVE:
            yield self
        for child in self.children:
            yield from child.primitives()

    def walk(self) -> "Iterator[Resource]":
        """Give it and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def is_active(self) -> bool:
        """Say whether any part of it runs anywhere."""
        if self.children:
            return any(child.is_active() for child in self.children)
        return bool(self.running_on)

    def active_nodes(self) -> "list[Node]":
        """Return where it, or any part of it, runs now, in order of finding."""
        if not self.children:
            return self.running_on
        seen: dict[str, Node] = {}
        for child in self.children:
            for node in child.active_nodes():
                seen.setdefault(node.name, node)
        return list(seen.values())

    def score_on(self, name: str) -> int:
        """Return its score on a node; minus INFINITY where it is not known at all."""
        return self.scores.get(name, MINUS_INFINITY)

    def find_action(
        self, task: str, node: "Node | None" = None, interval_ms: int = 0
    ) -> "Action | None":
        """Return an action of it that exists already."""
        return self.action_index.get((task, interval_ms, node.name if node else ""))

    def actions_of(self, task: str, interval_ms: int = 0) -> "list[Action]":
        """Return its actions with that name on any node."""
        return [a for a in self.actions if a.task == task and a.interval_ms == interval_ms]


class Tie:
    """What an ordering between two actions means, beyond that they go in that order.

    Plain integers to be or-ed, not an IntFlag: they are tested millions of times.
    """

    ORDER: Final = 1
    """Only if both happen anyway."""
    FIRST_REQUIRES_THEN: Final = 2
    THEN_REQUIRES_FIRST: Final = 4
    THEN_REQUIRES_FIRST_IF_PROMOTED: Final = 8
    BLOCKS: Final = 16
    """`then` cannot happen if `first` cannot."""
    RESTART: Final = 32
    """`first` is the stop within a restart and `then` the start."""
    SAME_NODE: Final = 64
    SAME_NODE_IF_REQUIRED: Final = 128
    """Only where `first` is required, and on the same node."""
    IF_NO_LOOP: Final = 256
    """Only where `first` does not wait for `then` (two migrations that want each other's room)."""
    IF_FIRST_UNMIGRATABLE: Final = 512
    UNMIGRATABLE_THEN_UNMIGRATES_FIRST: Final = 1024
    SERIALIZE: Final = 2048
    ASYMMETRIC: Final = 4096
    """`then` may only be done if `first` is done in this same plan or was already."""
    MIN_RUNNABLE: Final = 8192
    """Enough of several `first` must be possible."""
    GRAPH_THEN: Final = 16384
    GRAPH_FIRST: Final = 32768
    PROBE: Final = 65536
    """A probe that only matters if what it waits for is not active yet."""
    FIRST_REQUIRES_THEN_ON_NODE: Final = 131072
    """The `then` is a collective: only its part on the node of `first` is required."""
    UNRUNNABLE_FIRST_FREES_THEN: Final = 262144
    """If `first` cannot happen the helper step `then` becomes a real action (migration)."""


class Action:
    """One thing that could be done. It enters the plan if it is required and possible."""

    __slots__ = (
        "after", "always_in_graph", "before", "cancels", "children", "downed",
        "facts", "fence_delay_ms", "in_graph", "interval_ms", "is_dangle", "is_extra",
        "is_migratable", "is_migrating", "is_optional", "is_pseudo", "is_queued",
        "is_runnable", "is_summary", "kind", "meta", "migrate_source", "migrate_target",
        "min_first", "needs_all", "node", "notify", "notify_meta", "number", "operation",
        "parents", "priority", "reason", "resource", "target_rc", "task",
    )  # fmt: skip

    def __init__(
        self, task: str, resource: Resource | None, node: Node | None, interval_ms: int, kind: str
    ) -> None:
        """Make an action that is optional and possible."""
        self.task = task
        self.resource = resource
        self.node = node
        self.interval_ms = interval_ms
        self.kind = kind
        self.number = 0
        self.is_optional = True
        self.is_runnable = True
        self.is_pseudo = False
        self.is_migratable = False
        self.is_queued = False
        self.is_summary = False
        self.always_in_graph = False
        self.is_dangle = False
        self.is_extra = False
        self.is_migrating = False
        self.children: list[Action] = []
        self.parents: list[Action] = []
        self.needs_all = False
        self.after: list[tuple[Action, int]] = []
        self.before: list[tuple[Action, int]] = []
        self.min_first = 0
        self.target_rc: int | None = None
        self.notify = ""
        self.notify_meta: dict[str, str] = {}
        self.cancels = ""
        self.migrate_source: Node | None = None
        self.migrate_target: Node | None = None
        self.operation: Operation | None = None
        self.meta: dict[str, str] = {}
        self.reason = ""
        self.facts: tuple[tuple[str, str], ...] = ()
        self.fence_delay_ms = 0
        self.priority = 0
        self.in_graph = False
        self.downed: list[str] = []

    def __repr__(self) -> str:
        """Name it, for debugging."""
        where = self.node.name if self.node else "-"
        who = self.resource.id if self.resource else ""
        marks = (
            ("o" if self.is_optional else "R")
            + ("" if self.is_runnable else "!")
            + ("p" if self.is_pseudo else "")
        )
        return f"<{who}_{self.task}_{self.interval_ms}@{where} {marks}>"

    def require(self, reason: str) -> bool:
        """Make it required; say whether that is news."""
        if not self.is_optional:
            return False
        self.is_optional = False
        if not self.reason:
            self.reason = reason
        return True

    def block(self, reason: str) -> bool:
        """Make it impossible; say whether that is news."""
        if not self.is_runnable:
            return False
        self.is_runnable = False
        self.reason = reason
        return True


class Work:
    """One run of the scheduler: its input and everything it has made so far."""

    def __init__(self, snapshot: Snapshot, options: Options, moment: Moment) -> None:
        """Begin with nothing but the input."""
        self.snapshot = snapshot
        self.options = options
        self.moment = moment
        self.nodes: list[Node] = []
        self.node_by_name: dict[str, Node] = {}
        self.resources: list[Resource] = []
        self.by_id: dict[str, Resource] = {}
        self.colocations: list[Colocation] = []
        self.actions: list[Action] = []
        self.fences: dict[str, Action] = {}
        self.orders: list[tuple[Resource, str, Resource, str]] = []
        """What each order constraint says: first resource, its task, then resource, its task."""
        self.findings: list[Finding] = []
        self.failed_entries: list[tuple[Resource, Node, HistoryEntry, bool]] = []
        self.has_quorum = snapshot.status.is_quorate
        self.has_fence_device = False
        self.has_unfencing = False
        self.dc: Node | None = None
        self.tickets: dict[str, tuple[bool, bool]] = {}
        self.score_log: dict[tuple[str, str], list[int]] = {}
        self.promotion_log: list[tuple[str, str, int]] = []
        self.reasons: Reasons | None = None
        self.is_blocked = False
        self.counts: object | None = None
        self.anon_ids: dict[str, Resource] = {}

    def note(self, severity: str, code: str, message: str, rsc: str = "", node: str = "") -> None:
        """Report something about the configuration or the state."""
        self.findings.append(
            Finding(
                severity=severity,
                code=code,
                message=message,
                resource=ResourceId(rsc),
                node=NodeName(node),
            )
        )

    def score(self, rsc: Resource, node: str, score: int, code: str, source: str) -> None:
        """Add to a score, keeping the reason if reasons are wanted."""
        total = add_scores(rsc.scores.get(node, 0), score)
        rsc.scores[node] = total
        if self.reasons is not None:
            self.reasons.add(rsc.id, node, code, source, score, total)

    def explain_score(self, rsc: Resource, node: str, score: int, code: str, source: str) -> None:
        """Keep the reason of a score that was changed already, if reasons are wanted."""
        if self.reasons is not None:
            self.reasons.add(rsc.id, node, code, source, score, rsc.scores.get(node, 0))

    def keep_scores(self, rsc: Resource) -> tuple[dict[str, int], Marks]:
        """Return the scores as they are, for `take_scores_back`."""
        marks = self.reasons.marks(rsc.id, rsc.scores) if self.reasons is not None else {}
        return dict(rsc.scores), marks

    def take_scores_back(self, rsc: Resource, kept: tuple[dict[str, int], Marks]) -> None:
        """Undo what was only tried: the scores, and the reasons noted since they were kept."""
        rsc.scores = kept[0]
        if self.reasons is not None:
            self.reasons.forget_since(rsc.id, kept[1])

    def primitives(self) -> Iterator[Resource]:
        """Give every primitive, in the order of the configuration."""
        for rsc in self.resources:
            yield from rsc.primitives()
