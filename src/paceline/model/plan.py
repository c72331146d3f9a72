"""The plan: what the scheduler decided, as actions with the actions they wait for, and why.

A plan crosses process borders and the ring, so these are msgspec structs. Action numbers are
unique within the plan and start at 1; `after` names the actions that must be done first.
"""

from enum import StrEnum

from msgspec import Struct

from paceline.model.identifiers import ActionId, NodeName, ResourceId


class ActionKind(StrEnum):
    """Who carries an action out."""

    RESOURCE = "resource"
    """An agent's operation on `node` (through `router` where the node is a remote one)."""
    FENCE = "fence"
    """`task` is reboot, off or on; `node` is the target."""
    CLUSTER = "cluster"
    """`task` is do_shutdown, clear_failcount or lrm_delete."""
    PSEUDO = "pseudo"
    """Nothing happens: a point that orders others."""


class Agent(Struct, frozen=True, gc=False, kw_only=True):
    """Which agent: class (`ocf`, `systemd`, `lsb`, `service`, `stonith`), provider, type."""

    agent_class: str
    provider: str = ""
    agent_type: str


class PlannedAction(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One action of a plan.

    `resource` is the name for the agent and the history (`R`, or `R:1` of a unique clone);
    `parameters` are the agent's own (OCF_RESKEY_* without the prefix), `meta` the CRM_meta_*
    variables without their prefix, both sorted by name. `target_rc` is the exit status that counts
    as expected (a probe: 7; -1 where any will do). `notify` is what a notify announces
    (`pre-start`, ...). A cancel names what it cancels in `cancels` with `interval_ms`.
    `reason_code` and `facts` say why, as data for the log. `priority`: higher first.
    """

    id: ActionId
    kind: ActionKind
    task: str
    resource: ResourceId = ResourceId("")
    node: NodeName = NodeName("")
    router: NodeName = NodeName("")
    interval_ms: int = 0
    timeout_ms: int = 20_000
    start_delay_ms: int = 0
    target_rc: int = 0
    agent: Agent | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    notify: str = ""
    cancels: str = ""
    migrate_source: NodeName = NodeName("")
    migrate_target: NodeName = NodeName("")
    digest: str = ""
    restart_digest: str = ""
    restart_parameters: str = ""
    secure_digest: str = ""
    secure_parameters: str = ""
    on_fail: str = ""
    downed: tuple[NodeName, ...] = ()
    fencing_delay_ms: int = 0
    priority: int = 0
    reason_code: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    after: tuple[ActionId, ...] = ()


class Finding(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Something about the configuration or state that the scheduler could not do or had to bend."""

    severity: str
    code: str
    message: str
    resource: ResourceId = ResourceId("")
    node: NodeName = NodeName("")


class Placement(Struct, frozen=True, gc=False, kw_only=True):
    """Where a resource (instance) will be after the plan: `role` is Started, Promoted, ..."""

    resource: ResourceId
    node: NodeName
    role: str


class Plan(Struct, frozen=True, gc=False, kw_only=True):
    """What is to be done: every action that is both wanted and possible now.

    `recheck_at_ms` is the earliest moment at which time alone could change the decision (0: never).
    `blocked` is true where something wanted could not be planned.
    """

    actions: tuple[PlannedAction, ...] = ()
    placements: tuple[Placement, ...] = ()
    findings: tuple[Finding, ...] = ()
    recheck_at_ms: int = 0
    blocked: bool = False
    batch_limit: int = 0
    migration_limit: int = -1
    stonith_timeout_ms: int = 60_000
