"""Why things are as they are: the decision is made once more, keeping the reasons."""

from paceline.model.errors import InvariantError
from paceline.model.explanation import (
    Explanation,
    NodeExplanation,
    NodeVerdict,
    ScoreTable,
    StepReason,
)
from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.scores import MINUS_INFINITY
from paceline.model.snapshot import Snapshot
from paceline.scheduler.causes import causes_of, refusal
from paceline.scheduler.failure_facts import told_failures
from paceline.scheduler.node_causes import node_explanations
from paceline.scheduler.run import run
from paceline.scheduler.spread import is_possible, is_required
from paceline.scheduler.work import ROLE_NAMES, Kind, Resource, Work

STEP_ORDER = ("clear_failcount", "cancel", "demote", "migrate_to", "migrate_from", "stop",
              "lrm_delete", "delete", "start", "promote", "reload-agent", "monitor")  # fmt: skip
"""In which order steps are told; what is not named comes last."""


def explain(snapshot: Snapshot, resource: str, node: str | None = None) -> Explanation | None:
    """Return the reasons for one resource (of a collective: its first part), None if unknown.

    With `node` the verdicts are of that node only.
    """
    work = run(snapshot, with_reasons=True)
    rsc = _find(work, resource, node)
    return None if rsc is None else _explanation(work, rsc, node)


def explain_all(snapshot: Snapshot) -> tuple[Explanation, ...]:
    """Return the reasons for every primitive, in the order of the configuration."""
    work = run(snapshot, with_reasons=True)
    tops = sorted(work.resources, key=lambda rsc: rsc.sort_index)
    return tuple(_explanation(work, rsc, None) for top in tops for rsc in top.primitives())


def explain_nodes(snapshot: Snapshot) -> tuple[NodeExplanation, ...]:
    """Return the reasons for every node that is fenced, let in, shut down, or cannot be."""
    return node_explanations(run(snapshot, with_reasons=True))


def _explanation(work: Work, rsc: Resource, node: str | None) -> Explanation:
    return Explanation(
        resource=rsc.id,
        role_now=ROLE_NAMES[rsc.role],
        nodes_now=tuple(each.name for each in rsc.running_on),
        role_next=ROLE_NAMES[rsc.next_role],
        node_next=NodeName(rsc.assigned.name if rsc.assigned is not None else ""),
        is_managed=rsc.is_managed,
        is_blocked=rsc.blocked,
        causes=causes_of(work, rsc),
        verdicts=_verdicts(work, rsc, node),
        steps=_steps(rsc),
        failures=told_failures(work, rsc),
    )


def score_tables(snapshot: Snapshot) -> tuple[ScoreTable, ...]:
    """Return every score that counted, with what it is made of: placements, then promotions."""
    work = run(snapshot, with_reasons=True)
    reasons = work.reasons
    if reasons is None:
        raise InvariantError("the run was asked for reasons")
    placed = [
        ScoreTable(
            resource=ResourceId(rsc),
            node=NodeName(node),
            score=logged[-1],
            reasons=reasons.table(rsc, node),
        )
        for (rsc, node), logged in work.score_log.items()
    ]
    promoted = [
        ScoreTable(
            resource=ResourceId(rsc),
            node=NodeName(node),
            score=score,
            is_promotion=True,
            reasons=reasons.promotion(rsc),
        )
        for rsc, node, score in work.promotion_log
    ]
    return (*placed, *promoted)


def _find(work: Work, name: str, node: str | None) -> Resource | None:
    rsc = work.by_id.get(name) or work.anon_ids.get(name)
    if rsc is None:
        return None
    parts = [
        each
        for each in rsc.primitives()
        if rsc.kind is not Kind.CLONE or name == rsc.id or each.agent_id == name
    ]
    if not parts:
        return None
    here = [
        each
        for each in parts
        if node is not None
        and (
            (each.assigned is not None and each.assigned.name == node)
            or any(n.name == node for n in each.running_on)
        )
    ]
    return (here or parts)[0]


def _verdicts(work: Work, rsc: Resource, only_node: str | None) -> tuple[NodeVerdict, ...]:
    found = []
    for node in work.nodes:
        if only_node is not None and node.name != only_node:
            continue
        if node.is_remote and node.name not in rsc.scores:
            continue
        found.append(
            NodeVerdict(
                node=node.name,
                score=rsc.scores.get(node.name, MINUS_INFINITY),
                refusal=refusal(work, rsc, node),
                reasons=work.reasons.of(rsc.id, node.name) if work.reasons is not None else (),
            )
        )
    return tuple(sorted(found, key=lambda each: (bool(each.refusal), -each.score, each.node)))


def _steps(rsc: Resource) -> tuple[StepReason, ...]:
    """Return the required actions, those of one kind in the order in which they were made."""
    required = [action for action in rsc.actions if is_required(action)]

    def place(task: str, interval_ms: int) -> int:
        if task == "monitor" and not interval_ms:
            return -1
        return STEP_ORDER.index(task) if task in STEP_ORDER else len(STEP_ORDER)

    required.sort(key=lambda action: place(action.task, action.interval_ms))
    return tuple(
        StepReason(
            task=action.task,
            node=NodeName(action.node.name if action.node is not None else ""),
            is_possible=is_possible(action),
            interval_ms=action.interval_ms,
            cancels=action.cancels,
        )
        for action in required
    )


__all__ = ["explain", "explain_all", "explain_nodes", "score_tables"]
