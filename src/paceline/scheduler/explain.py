"""Why a resource is where it is: the decision is made once more, keeping the reasons."""

from paceline.model.errors import InvariantError
from paceline.model.explanation import (
    Explanation,
    NodeVerdict,
    ScoreReason,
    ScoreTable,
    StepReason,
)
from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.scores import MINUS_INFINITY
from paceline.model.snapshot import Snapshot
from paceline.scheduler.run import run
from paceline.scheduler.spread import is_possible, is_required
from paceline.scheduler.work import ROLE_NAMES, Kind, Node, Resource, Role, Work


def explain(snapshot: Snapshot, resource: str, node: str | None = None) -> Explanation | None:
    """Return the reasons for one resource (of a collective: its first part), None if unknown.

    With `node` the verdicts are of that node only.
    """
    work = run(snapshot, with_reasons=True)
    rsc = _find(work, resource, node)
    if rsc is None:
        return None
    return Explanation(
        resource=rsc.id,
        role_now=ROLE_NAMES[rsc.role],
        nodes_now=tuple(each.name for each in rsc.running_on),
        role_next=ROLE_NAMES[rsc.next_role],
        node_next=NodeName(rsc.assigned.name if rsc.assigned is not None else ""),
        is_managed=rsc.is_managed,
        is_blocked=rsc.blocked,
        causes=_causes(work, rsc),
        verdicts=_verdicts(work, rsc, node),
        steps=_steps(rsc),
        failures=_failures(work, rsc),
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


def _causes(work: Work, rsc: Resource) -> tuple[ScoreReason, ...]:
    found: list[ScoreReason] = []

    def cause(code: str, source: str, **facts: str) -> None:
        found.append(
            ScoreReason(
                code=code, source=source, score=0, total=0, facts=tuple(sorted(facts.items()))
            )
        )

    if rsc.is_removed:
        cause("removed", rsc.id)
    if rsc.blocked:
        cause("blocked", rsc.id, on_fail=rsc.on_fail.name.lower())
    elif rsc.in_maintenance:
        cause("maintenance", rsc.id)
    elif not rsc.is_managed:
        if work.options.fencing_enabled and not work.has_fence_device:
            cause("no-fence-device", "fencing-enabled")
        else:
            cause("unmanaged", rsc.id)
    if work.options.stop_all:
        cause("stop-all-resources", "stop-all-resources")
    if rsc.base_role is Role.STOPPED and not rsc.is_removed:
        if rsc.target_role_word.lower() == "stopped":
            cause("target-role", rsc.id)
        else:
            cause("on-fail-stop", rsc.id)
    if not work.has_quorum:
        cause("no-quorum", "no-quorum-policy", policy=work.options.no_quorum_policy)
    for action in rsc.actions:
        if is_required(action) and not is_possible(action):
            cause("cannot", action.task, why=action.reason, node=_name(action.node))
    if rsc.restart_reason:
        cause("restart", rsc.restart_reason)
    return tuple(found)


def _name(node: Node | None) -> str:
    return str(node.name) if node is not None else ""


def _refusal(work: Work, rsc: Resource, node: Node) -> str:
    if node.is_unclean:
        return "unclean"
    if not node.is_online:
        return "offline"
    if node.is_shutting_down:
        return "shutting-down"
    if node.in_maintenance:
        return "maintenance"
    if node.is_standby:
        return "standby-after-failure" if node.is_standby_by_failure else "standby"
    if node.is_pending:
        return "pending"
    if node.name not in rsc.scores:
        return "not-allowed"
    if rsc.scores[node.name] < 0:
        return "banned"
    return ""


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
                refusal=_refusal(work, rsc, node),
                reasons=work.reasons.of(rsc.id, node.name) if work.reasons is not None else (),
            )
        )
    return tuple(sorted(found, key=lambda each: (bool(each.refusal), -each.score, each.node)))


def _steps(rsc: Resource) -> tuple[StepReason, ...]:
    found = []
    for action in rsc.actions:
        if not is_required(action):
            continue
        found.append(
            StepReason(
                task=action.task,
                node=NodeName(_name(action.node)),
                is_possible=is_possible(action),
                reason_code=action.reason,
                facts=action.facts,
            )
        )
    return tuple(found)


def _failures(work: Work, rsc: Resource) -> tuple[tuple[tuple[str, str], ...], ...]:
    found = []
    for owner, node, entry, is_ignored in work.failed_entries:
        if owner.agent_id != rsc.agent_id:
            continue
        found.append(
            (
                ("node", str(node.name)),
                ("task", entry.task),
                ("rc", str(entry.rc)),
                ("outcome", entry.outcome.value),
                ("exit_reason", entry.exit_reason),
                ("ignored", "true" if is_ignored else "false"),
            )
        )
    return tuple(found)


__all__ = ["explain"]
