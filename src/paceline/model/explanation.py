"""Why a resource is where it is: the reasons as values. Front ends make the sentences."""

from msgspec import Struct

from paceline.model.identifiers import NodeName, ResourceId


class ScoreReason(Struct, frozen=True, gc=False, kw_only=True):
    """One contribution to a score: `code` says the kind, `source` the id of what gave it.

    `total` is the score after it. Codes are words such as location, rule, stickiness, colocation,
    colocated-dependents, failures, stop-failed, node-unusable, exclusive-discovery.
    """

    code: str
    source: str
    score: int
    total: int


Facts = tuple[tuple[str, str], ...]
"""Names and values, sorted by name."""


class Cause(Struct, frozen=True, gc=False, kw_only=True):
    """Why a resource or node is treated as it is: `code` says the kind, `facts` the details.

    Codes and their facts are listed in `commands.cause_text`, which makes the sentences.
    """

    code: str
    facts: Facts = ()


class ScoreTable(Struct, frozen=True, gc=False, kw_only=True):
    """What a score is made of: `reasons`, added in their order from 0, are `score`.

    `is_promotion` tells the score by which the promoted are chosen from that of the placement.
    """

    resource: ResourceId
    node: NodeName
    score: int
    is_promotion: bool = False
    reasons: tuple[ScoreReason, ...] = ()


class NodeVerdict(Struct, frozen=True, gc=False, kw_only=True):
    """One node for one resource: may it run there, with which score, made of what.

    `refusal` is empty where the node was possible; else why not (offline, unclean, standby,
    maintenance, shutting-down, pending, closed, banned, not-allowed).
    """

    node: NodeName
    score: int
    refusal: str = ""
    reasons: tuple[ScoreReason, ...] = ()


class StepReason(Struct, frozen=True, gc=False, kw_only=True):
    """One action that touches the resource: planned, or wanted and not possible."""

    task: str
    node: NodeName
    is_possible: bool
    interval_ms: int = 0
    cancels: str = ""


class Explanation(Struct, frozen=True, gc=False, kw_only=True):
    """All that was weighed for one primitive or instance.

    `role_now`/`nodes_now` is the state, `role_next`/`node_next` the decision. `causes` are why it
    is stopped, moved, restarted, promoted or left alone, most important first; `verdicts` the
    nodes, best first; `steps` the actions. `failures` are its failed operations, oldest first, as
    facts (`node`, `task`, `rc`, `outcome`, `exit_reason`, `ignored`).
    """

    resource: ResourceId
    role_now: str
    nodes_now: tuple[NodeName, ...]
    role_next: str
    node_next: NodeName
    is_managed: bool = True
    is_blocked: bool = False
    causes: tuple[Cause, ...] = ()
    verdicts: tuple[NodeVerdict, ...] = ()
    steps: tuple[StepReason, ...] = ()
    failures: tuple[Facts, ...] = ()


class NodeExplanation(Struct, frozen=True, gc=False, kw_only=True):
    """Why a node is fenced, let in, shut down, or cannot be helped.

    `task` is what is done (reboot, off, on, do_shutdown, container for a guest), empty for nothing.
    """

    node: NodeName
    task: str
    causes: tuple[Cause, ...] = ()
