"""Why a resource is where it is: the reasons as values. Front ends make the sentences."""

from msgspec import Struct

from paceline.model.identifiers import NodeName, ResourceId


class ScoreReason(Struct, frozen=True, kw_only=True):
    """One contribution to a score: `code` says the kind, `source` the id of what gave it.

    `total` is the score after it. Codes are words such as location, rule, stickiness, colocation,
    colocated-dependents, failures, stop-failed, node-unusable, exclusive-discovery.
    """

    code: str
    source: str
    score: int
    total: int
    facts: tuple[tuple[str, str], ...] = ()


class ScoreTable(Struct, frozen=True, kw_only=True):
    """What a score is made of: `reasons`, added in their order from 0, are `score`.

    `is_promotion` tells the score by which the promoted are chosen from that of the placement.
    """

    resource: ResourceId
    node: NodeName
    score: int
    is_promotion: bool = False
    reasons: tuple[ScoreReason, ...] = ()


class NodeVerdict(Struct, frozen=True, kw_only=True):
    """One node for one resource: may it run there, with which score, made of what.

    `refusal` is empty where the node was possible; else why not (offline, unclean, standby,
    maintenance, shutting-down, banned, no-quorum, stopped ...).
    """

    node: NodeName
    score: int
    refusal: str = ""
    reasons: tuple[ScoreReason, ...] = ()


class StepReason(Struct, frozen=True, kw_only=True):
    """One action that touches the resource: planned, or wanted and not possible."""

    task: str
    node: NodeName
    is_possible: bool
    reason_code: str
    facts: tuple[tuple[str, str], ...] = ()


class Explanation(Struct, frozen=True, kw_only=True):
    """All that was weighed for one primitive or instance.

    `role_now`/`nodes_now` is the state, `role_next`/`node_next` the decision. `causes` are why it
    is stopped, kept or unmanaged, most important first; `verdicts` the nodes, best first; `steps`
    the actions. `failures` are its failed operations as facts (`node`, `task`, `rc`,
    `exit_reason`).
    """

    resource: ResourceId
    role_now: str
    nodes_now: tuple[NodeName, ...]
    role_next: str
    node_next: NodeName
    is_managed: bool = True
    is_blocked: bool = False
    causes: tuple[ScoreReason, ...] = ()
    verdicts: tuple[NodeVerdict, ...] = ()
    steps: tuple[StepReason, ...] = ()
    failures: tuple[tuple[tuple[str, str], ...], ...] = ()
