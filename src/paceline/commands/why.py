"""`why RESOURCE [NODE]`: an explanation in sentences, the short answer first."""

from paceline.commands.score_text import contribution_text
from paceline.model.explanation import Explanation, NodeVerdict, ScoreReason, StepReason
from paceline.model.scores import format_score

SCORES_MAX = 12
"""How many contributions of one node are listed."""

_REFUSALS = {
    "offline": "it is offline",
    "unclean": "it is unclean (lost, and not confirmed off)",
    "standby": "it is in standby",
    "standby-after-failure": "it was put in standby after a failure (on-fail=standby)",
    "maintenance": "it is in maintenance",
    "shutting-down": "it is shutting down",
    "pending": "it has not joined completely yet",
    "banned": "it is banned there",
    "not-allowed": "no constraint allows it there, and the cluster is asymmetric",
}
_CAUSES = {
    "removed": "It is no longer configured, so it is stopped and forgotten.",
    "maintenance": "It is in maintenance: the cluster leaves it alone.",
    "unmanaged": "It is unmanaged (is-managed=false): the cluster leaves it as it is.",
    "no-fence-device": "Fencing is enabled and there is no fence device, so nothing is started or"
    " stopped. Create one, or set stonith-enabled=false (then a lost node may run things twice).",
    "stop-all-resources": "The cluster option stop-all-resources keeps everything stopped.",
    "target-role": "It is disabled: its target-role is Stopped. `pcs resource enable` ends that.",
    "on-fail-stop": "A failure stopped it for good (on-fail=stop) until it is cleaned up.",
}


def why_text(explanation: Explanation, resource: str, node: str | None = None) -> list[str]:
    """Return the lines that say why `resource` is where it is, or not on `node`."""
    lines = [_answer(explanation, resource)]
    lines.extend(_cause(each, explanation) for each in explanation.causes if _is_told(each))
    lines.extend(_failure(dict(each)) for each in explanation.failures)
    lines.extend(_steps(explanation))
    for verdict in explanation.verdicts:
        if node is None or verdict.node == node:
            lines.extend(_verdict(verdict, explanation))
    return lines


_FAILURES = ("hard-failure", "not-configured", "probe-failed", "stop-failed")

_HELD = ("blocked", "maintenance", "unmanaged", "no-fence-device")
"""Causes that keep a resource as it is, whatever the scores say."""


def _answer(explanation: Explanation, resource: str) -> str:
    where = ", ".join(explanation.nodes_now)
    role = explanation.role_now.lower()
    now = f"{role} on {where}" if where else "stopped"
    if any(each.code in _HELD for each in explanation.causes):
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
    if explanation.nodes_now == (explanation.node_next,):
        if explanation.role_next != explanation.role_now:
            return f"{resource} is {now} and is to be {explanation.role_next.lower()} there."
        if stops:
            return f"{resource} is {now} and is to be restarted there."
        if starts:
            return f"{resource} is starting on {where}, and that is where it belongs."
        return f"{resource} is {now}, and that is where it belongs."
    return f"{resource} is {now} and is to move to {explanation.node_next}."


def _is_told(cause: ScoreReason) -> bool:
    """Say whether the cause is worth a line: a monitor follows from its start."""
    return not (cause.code == "cannot" and cause.source == "monitor")


def _cause(cause: ScoreReason, explanation: Explanation) -> str:
    facts = dict(cause.facts)
    match cause.code:
        case "blocked":
            return (
                f"It is blocked: a failure cannot be recovered (on-fail={facts.get('on_fail')})."
                f" Look at it, then `pcs resource cleanup {explanation.resource}`."
            )
        case "no-quorum":
            return f"The cluster has no quorum (no-quorum-policy={facts.get('policy')})."
        case "cannot":
            at = f" on {facts['node']}" if facts.get("node") else ""
            return f"It cannot {cause.source}{at} now: {_reason(facts.get('why', ''))}."
        case "restart":
            return f"It restarts: {cause.source}."
    return _CAUSES.get(cause.code, cause.code)


def _reason(word: str) -> str:
    if word.startswith("after ") and word.count(" ") == 2:
        _, resource, task = word.split(" ")
        return f"{resource} would have to {task} first, and cannot"
    return {
        "no-quorum": "there is no quorum",
        "no-node": "no node may run it",
        "node-offline": "the node is offline",
        "node-unclean": "the node is unclean",
        "node-pending": "the node has not joined completely",
        "blocked": "a failure blocks it",
    }.get(word, word or "something before it is not possible")


def _failure(facts: dict[str, str]) -> str:
    text = f"Its {facts.get('task')} failed on {facts.get('node')} with exit status {facts['rc']}"
    if facts.get("outcome") == "timed-out":
        text = f"Its {facts.get('task')} on {facts.get('node')} took too long"
    if facts.get("exit_reason"):
        text += f": {facts['exit_reason']}"
    return text + (" (ignored)." if facts.get("ignored") == "true" else ".")


def _steps(explanation: Explanation) -> list[str]:
    possible = [each for each in explanation.steps if each.is_possible]
    if not possible:
        return []
    return ["Next: " + ", ".join(_step(each) for each in possible) + "."]


def _step(step: StepReason) -> str:
    at = f" on {step.node}" if step.node else ""
    why = f" ({step.reason_code})" if step.reason_code else ""
    return f"{step.task}{at}{why}"


def _verdict(verdict: NodeVerdict, explanation: Explanation) -> list[str]:
    is_chosen = verdict.node == explanation.node_next
    if verdict.refusal:
        head = f"Not {verdict.node}: {_REFUSALS.get(verdict.refusal, verdict.refusal)}."
    elif is_chosen:
        head = f"{verdict.node} was chosen, with score {format_score(verdict.score)}."
    else:
        head = f"{verdict.node} is possible, with score {format_score(verdict.score)}."
    lines = [head]
    told: set[str] = set()
    for each in verdict.reasons[:SCORES_MAX]:
        # A failure stands in the history twice: as the last one, and as the last of its operation.
        if each.score == 0 or (each.code in _FAILURES and each.code in told):
            continue
        told.add(each.code)
        lines.append(f"  {format_score(each.score)}: {contribution_text(each)}")
    return lines
