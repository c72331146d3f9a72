"""`why RESOURCE [NODE]`: an explanation in sentences, the short answer first."""

from collections.abc import Iterator, Sequence

from paceline.commands.cause_text import HELD, cause_text, failure_text, leaving_text
from paceline.commands.score_text import contribution_text
from paceline.model.explanation import Explanation, NodeExplanation, NodeVerdict, StepReason
from paceline.model.scores import format_score

SCORES_MAX = 12
"""How many contributions of one node are listed; `simulate --scores` has all."""

_FAILURES = ("hard-failure", "not-configured", "probe-failed", "stop-failed")
_ROLE_VERBS = {"Promoted": "promoted", "Unpromoted": "demoted", "Stopped": "stopped"}
_TASKS = {
    "clear_failcount": "forget the failures",
    "delete": "forget it",
    "lrm_delete": "forget it",
    "reload-agent": "reload",
    "migrate_to": "migrate away",
    "migrate_from": "take the migration in",
}
"""What a task is called in the list of what comes next; others have their own names."""
_NODE_TASKS = {
    "on": "is to be let in by its fence device (unfencing)",
    "do_shutdown": "is to be shut down, once all on it has stopped",
    "container": "is to be fenced",
}


def why_text(explanation: Explanation, resource: str, node: str | None = None) -> list[str]:
    """Return the lines that say why `resource` is where it is, or not on `node`."""
    lines = [_answer(explanation, resource)]
    lines.extend(_causes(explanation, resource))
    lines.extend(_failures(explanation))
    lines.extend(_steps(explanation.steps))
    for verdict in explanation.verdicts:
        if node is None or verdict.node == node:
            lines.extend(_verdict(verdict, explanation))
    return lines


def node_text(explanation: NodeExplanation) -> str:
    """Return why a node is fenced, let in or shut down, or cannot be."""
    node, task = explanation.node, explanation.task
    if not task:
        first = f"{node} should be fenced, and is not."
    elif task in _NODE_TASKS:
        first = f"{node} {_NODE_TASKS[task]}."
    else:
        first = f"{node} is to be fenced ({task})."
    return " ".join([first, *(cause_text(each) for each in explanation.causes)])


def is_worth_telling(explanation: Explanation) -> bool:
    """Say whether something happens to the resource, or should happen and cannot."""
    return bool(explanation.steps or explanation.failures) or any(
        each.code not in ("promoted", "outranked") for each in explanation.causes
    )


def _answer(explanation: Explanation, resource: str) -> str:
    where = ", ".join(explanation.nodes_now)
    role = explanation.role_now.lower()
    now = f"{role} on {where}" if where else "stopped"
    if any(each.code in HELD for each in explanation.causes):
        return f"{resource} is {now}, and the cluster leaves it so."
    stops = any(each.task == "stop" and each.is_possible for each in explanation.steps)
    starts = [each for each in explanation.steps if each.task == "start"]
    if not explanation.node_next or (starts and not starts[0].is_possible):
        why = "it may run on no node" if not explanation.node_next else "it cannot start now"
        if where:
            verb = "is to be stopped" if stops else "should be stopped"
            return f"{resource} is {now} and {verb}: {why}."
        return f"{resource} is stopped: {why}."
    if not where:
        return f"{resource} is stopped and is to be started on {explanation.node_next}."
    stops = any(s.task == "stop" and s.node == explanation.node_next for s in explanation.steps)
    if explanation.nodes_now == (explanation.node_next,):
        return _answer_there(explanation, f"{resource} is {now}", where, stops, bool(starts))
    if explanation.node_next in explanation.nodes_now:
        return f"{resource} is {now} and is to run on {explanation.node_next} only."
    return f"{resource} is {now} and is to move to {explanation.node_next}."


def _answer_there(
    explanation: Explanation, begin: str, where: str, stops: bool, starts: bool
) -> str:
    if stops:
        return f"{begin} and is to be restarted there."
    if explanation.role_next != explanation.role_now:
        verb = _ROLE_VERBS.get(explanation.role_next, explanation.role_next.lower())
        return f"{begin} and is to be {verb} there."
    if starts:
        return f"{begin.partition(' is ')[0]} is starting on {where}, and that is where it belongs."
    if any(each.task == "reload-agent" for each in explanation.steps):
        return f"{begin} and stays there; the agent is told its new parameters."
    return f"{begin}, and that is where it belongs."


def _causes(explanation: Explanation, resource: str) -> list[str]:
    lines = [cause_text(each, resource) for each in explanation.causes]
    return list(dict.fromkeys(lines))


def _failures(explanation: Explanation) -> Iterator[str]:
    """Yield the failures that no cause has told already."""
    told = " ".join(_causes(explanation, ""))
    for each in explanation.failures:
        facts = dict(each)
        text = failure_text(facts)
        if text.removeprefix("its ") in told:
            continue
        ignored = " (ignored)" if facts.get("ignored") else ""
        yield f"{text[:1].upper()}{text[1:]}{ignored}."


def _steps(steps: Sequence[StepReason]) -> list[str]:
    told = [_step(each) for each in steps if each.is_possible and each.task != "notify"]
    return ["Next: " + ", ".join(dict.fromkeys(told)) + "."] if told else []


def _step(step: StepReason) -> str:
    at = f" on {step.node}" if step.node else ""
    if step.task == "monitor" and not step.interval_ms:
        return f"probe{at}"
    if step.task == "cancel":
        return f"end the {step.cancels}{at}"
    return f"{_TASKS.get(step.task, step.task)}{at}"


def _verdict(verdict: NodeVerdict, explanation: Explanation) -> list[str]:
    is_chosen = verdict.node == explanation.node_next
    if is_chosen and verdict.refusal and not explanation.is_managed:
        head = f"{verdict.node}: it stays there, as it is not managed."
    elif is_chosen:
        head = f"{verdict.node} was chosen, with score {format_score(verdict.score)}."
    elif verdict.refusal == "banned":
        head = f"Not {verdict.node}: it is banned there."
    elif verdict.refusal == "not-allowed":
        head = f"Not {verdict.node}: no constraint allows it there, and the cluster is asymmetric."
    elif verdict.refusal:
        head = f"Not {verdict.node}: it {leaving_text(verdict.refusal)}."
    else:
        head = f"{verdict.node} is possible, with score {format_score(verdict.score)}."
    return [head, *_contributions(verdict)]


def _contributions(verdict: NodeVerdict) -> Iterator[str]:
    told: set[str] = set()
    for each in verdict.reasons[:SCORES_MAX]:
        # A failure stands in the history twice: as the last one, and as the last of its operation.
        if each.score == 0 or (each.code in _FAILURES and each.code in told):
            continue
        told.add(each.code)
        yield f"  {format_score(each.score)}: {contribution_text(each)}"
    if len(verdict.reasons) > SCORES_MAX:
        yield f"  and {len(verdict.reasons) - SCORES_MAX} more: `paceline simulate --scores`"
