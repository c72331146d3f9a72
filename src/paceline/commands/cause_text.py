"""Causes as sentences: why something is stopped, moved, restarted, fenced or left alone.

Each code of a `Cause` has one sentence, with its facts in braces; a fact that is missing leaves its
part out. `{at}` is ` on NODE`, where a node is named.
"""

from collections.abc import Callable

from paceline.commands.score_text import contribution_text
from paceline.commands.shown_date import date_text
from paceline.model.exit_status import rc_text
from paceline.model.explanation import Cause, ScoreReason

HELD = (
    "blocked", "blocked-several", "blocked-companion", "frozen", "maintenance", "maintenance-mode",
    "maintenance-node", "unmanaged", "no-fence-device", "removed-kept",
)  # fmt: skip
"""Causes that keep a resource as it is, whatever the scores say."""

_SIMPLE = {
    "removed": "It is no longer configured, so it is stopped and forgotten.",
    "removed-kept": "It is no longer configured, and stop-orphan-resources=false leaves it alone.",
    "surplus": "It is one instance of {clone} too many: clone-max is {max}.",
    "blocked-several": "It runs on {nodes}, and multiple-active=block: the cluster does not touch"
    " it. Stop it by hand where it should not be, then `pcs resource refresh {resource}`.",
    "blocked-companion": "It is left alone because another member of group {group} is blocked.",
    "frozen": "It is frozen: its ticket is gone and loss-policy=freeze.",
    "maintenance-mode": "It is in maintenance (maintenance-mode=true), so it is left alone.",
    "maintenance-node": "It is in maintenance, as all on {node}, so it is left alone.",
    "maintenance": "It is in maintenance (maintenance=true of {by}), so it is left alone.",
    "unmanaged": "It is unmanaged: the cluster leaves it as it is (is-managed=false of {by}).",
    "no-fence-device": "Fencing is enabled and there is no fence device, so nothing is started or"
    " stopped. Create one, or set stonith-enabled=false (then a lost node may run things twice).",
    "stop-all-resources": "The cluster option stop-all-resources keeps everything stopped.",
    "target-role": "It is disabled: its target-role is Stopped (set at {by}). `pcs resource enable`"
    " ends that.",
    "stopped-several": "It was active on {nodes}, and multiple-active=stop_only leaves it stopped.",
    "shutdown-lock": "It is locked to {node}, which was shut down: it waits for that node"
    " (shutdown-lock).",
    "several": "It is active on several nodes ({nodes}): multiple-active={policy}.",
    "migration-incomplete": "Its last migration was not completed, so it begins anew.",
    "migration-dangles": "A migration away from {node} arrived and was not finished there.",
    "better": "{node} is better for it: score {score}, on {source} {source_score}.",
    "less-loaded": "{node} is as good as {source} and has fewer resources; with stickiness it would"
    " stay.",
    "migrates": "It migrates live from {source} to {node}, without a stop.",
    "does-not-migrate": "It is not migrated live: that needs a healthy resource, {source} online,"
    " and nothing that it starts after to be restarted meanwhile.",
    "parameters-changed": "Its parameters have changed{at} since it was started: it restarts.",
    "reload": "Its parameters have changed{at}: the agent is told, without a restart.",
    "other-agent": "Another agent ran under this name{at}: that is stopped and forgotten.",
    "fenced": "The fencing of {node} ends it there.",
    "container-restarts": "Its guest node {node} ends with the container {container}.",
    "unfenced": "{node} is let in by its fence device (unfencing) before it starts.",
    "waits-for-fencing": "It starts only when {node} is confirmed off.",
    "guest-fenced": "Its guest node {node} must be fenced, by restarting it: {why}.",
    "no-node": "No node may run it; the reasons follow node by node.",
    "no-room": "On {node} it needs {needs}; left there is {left}.",
    "not-critical": "It is not critical (critical=false): what it goes with does not move for it.",
    "cannot-ask": "It cannot {task}{at} yet: it is not known whether it runs on a node that cannot"
    " be asked.",
    "promoted": "It is promoted on {node} with promotion score {score}{rivals}.",
    "outranked": "It is not promoted: its promotion score on {node} is {score}; promoted is the one"
    " with {rivals}.",
    "may-not-be-promoted": "It is not promoted: its target-role is Unpromoted (set at {by}).",
    "promotion-score-negative": "It is not promoted: its promotion score on {node} is {score}.",
    "by-container": "A guest is fenced by stopping its container {container}.",
    "delayed": "That waits {delay_ms} ms (priority-fencing-delay): the node is the heavier one.",
    "fencing-off": "It cannot be fenced: fencing is off (stonith-enabled=false).",
    "host-not-fenced": "It cannot be fenced: the host of its container is lost, and cannot be"
    " fenced either.",
    "nothing-managed": "It is not fenced: no resource is managed.",
    "unclean": "It is unclean: {why}.",
}

_WHY_NOT = {
    "no-quorum": "there is no quorum",
    "quorum-freeze": "there is no quorum",
    "no-node": "no node may run it",
    "node-offline": "the node is offline",
    "node-unclean": "the node is unclean",
    "node-pending": "the node has not joined completely",
    "blocked": "a failure blocks it",
    "no partner on its node": "what it must start after has no instance there (interleave)",
}
_SHORT = {
    "target-role": "it is disabled (target-role=Stopped)",
    "stop-all-resources": "stop-all-resources is set",
    "on-fail-stop": "a failure stopped it (on-fail=stop)",
    "blocked": "a failure blocks it",
    "blocked-several": "it is active on several nodes",
    "unmanaged": "it is unmanaged",
    "maintenance": "it is in maintenance",
    "maintenance-mode": "the cluster is in maintenance",
    "maintenance-node": "its node is in maintenance",
    "no-quorum": "there is no quorum",
    "ticket": "its ticket is missing",
    "shutdown-lock": "it waits for a node that was shut down",
    "no-fence-device": "there is no fence device",
    "removed": "it is no longer configured",
    "no-node": "no node may run it",
}
"""Why another resource does not run, in few words."""
_LEAVES = {
    "offline": "is offline",
    "unclean": "is unclean (not confirmed off)",
    "standby": "is in standby",
    "standby-after-failure": "was put in standby after a failure (on-fail=standby)",
    "maintenance": "is in maintenance",
    "shutting-down": "is shutting down",
    "pending": "has not joined completely yet",
    "closed": "cannot be reached: its connection is, or will be, closed",
    "banned": "bans it",
    "not-allowed": "is named by no constraint, and the cluster is asymmetric",
}
"""What a node does or is that a resource cannot stay there."""
_FOLLOWED = {
    "start": "{other} is started anew{order}: it starts again after that",
    "running": "{other} is started anew{order}: it starts again after that",
    "stop": "{other} is to be stopped{order}: it stops before that, and starts again after it",
    "demote": "{other} is to be demoted{order}: it stops before that, and starts again after it",
    "promote": "{other} is promoted anew{order}: it starts again after that",
}


def cause_text(cause: Cause, resource: str = "") -> str:
    """Return the sentence of a cause; `resource` is whose it is."""
    facts = {"resource": resource, **dict(cause.facts)}
    special = _SPECIAL.get(cause.code)
    if special is not None:
        return special(facts)
    text = _SIMPLE[cause.code]
    known = {"at": _at(facts), "by": "it", **facts}
    if cause.code == "promoted":
        known["rivals"] = f" (others: {facts['rivals']})" if "rivals" in facts else ""
    return text.format(**known)


def leaving_text(why: str) -> str:
    """Return what a node is or does that a resource cannot be there."""
    return _LEAVES[why]


def failure_text(facts: dict[str, str], owner: str = "") -> str:
    """Return what failed, where and how, without a full stop: `its monitor failed on a1 with ...`.

    With an `owner`: `the monitor of OWNER failed ...`. What is only counted, because a later
    operation took its place on record, is told as that.
    """
    every = f" (every {_interval(facts['interval_ms'])})" if facts.get("interval_ms") else ""
    name = facts.get("task", "operation")
    if name == "monitor" and not every:
        name = "probe"
    task = f"the {name}{every} of {owner}" if owner else f"its {name}{every}"
    if "count" in facts:
        times = {"1": "once", "2": "twice"}.get(facts["count"], f"{facts['count']} times")
        if facts["count"] == "INFINITY":
            times = "for good"
        when = f", last at {date_text(int(facts['when_ms']))}" if facts.get("when_ms") else ""
        expired = ", and that counts no more (failure-timeout)" if "expired" in facts else ""
        return f"{task} failed {times} on {facts['node']}{when}{expired}"
    rc = facts.get("rc", "")
    text = f"{task} failed on {facts.get('node')} with exit status {rc}"
    if rc.isdigit() and rc_text(int(rc)):
        text += f" ({rc_text(int(rc))})"
    if facts.get("outcome") == "timed-out":
        text = f"{task} on {facts.get('node')} took too long"
    if facts.get("exit_reason"):
        text += f": {facts['exit_reason']}"
    return text


def _interval(interval_ms: str) -> str:
    seconds, rest = divmod(int(interval_ms), 1000)
    return f"{interval_ms} ms" if rest else f"{seconds} s"


def _at(facts: dict[str, str]) -> str:
    return f" on {facts['node']}" if facts.get("node") else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _blocked(facts: dict[str, str]) -> str:
    return (
        f"It is blocked: {failure_text(facts)}, and the cluster may not recover that"
        f" (on-fail=block). Look at it, then `pcs resource cleanup {facts['resource']}`."
    )


def _on_fail_stop(facts: dict[str, str]) -> str:
    what = f": {failure_text(facts)}" if "task" in facts else ""
    return f"A failure stopped it for good (on-fail=stop) until it is cleaned up{what}."


def _no_quorum(facts: dict[str, str]) -> str:
    return f"The cluster has no quorum (no-quorum-policy={facts['policy']})."


def _ticket(facts: dict[str, str]) -> str:
    is_missing = facts["state"] == "missing"
    state = "is not granted here" if is_missing else "is in standby"
    role = f" in the role {facts['role']}" if facts.get("role") else ""
    policy = f", loss-policy={facts['policy']}" if is_missing else ""
    return (
        f"Ticket {facts['ticket']} {state}, and it needs that to run{role}"
        f" (constraint {facts['id']}{policy})."
    )


def _failed(facts: dict[str, str]) -> str:
    return f"{_capital(failure_text(facts))} (on-fail={facts['on_fail']})."


def _failed_first(facts: dict[str, str]) -> str:
    return f"It began when {failure_text(facts)}."


def _inside_failed(facts: dict[str, str]) -> str:
    if "task" not in facts:
        return f"{facts['inside']}, which runs inside, failed: the container restarts."
    return f"It restarts because {failure_text(facts, facts['inside'])}."


def _fail_count(facts: dict[str, str]) -> str:
    count, node = facts["count"], facts["node"]
    limit = f" of {facts['threshold']}" if "threshold" in facts else ""
    text = f"Its fail count on {node} is {count}{limit}"
    if "reached" in facts:
        text += ", so it may not run there (migration-threshold)"
    if "expires_ms" in facts:
        text += f"; that is forgotten at {date_text(int(facts['expires_ms']))} (failure-timeout)"
    elif "reached" in facts:
        text += f" until `pcs resource cleanup {facts['resource']}`"
    return f"{text}."


def _leaves(facts: dict[str, str]) -> str:
    node = facts["node"]
    if "ban" in facts:
        reason = ScoreReason(code=facts["ban"], source=facts["source"], score=0, total=0)
        return f"It leaves {node}, where it is banned: {contribution_text(reason)}."
    return f"It leaves {node}, which {_LEAVES[facts['why']]}."


def _follows(facts: dict[str, str]) -> str:
    order = f" ({facts['order']})" if "order" in facts else ""
    text = _FOLLOWED.get(facts["task"], "{other} comes first{order}")
    return f"{text.format(other=facts['other'], order=order)}."


def _cannot(facts: dict[str, str]) -> str:
    why = facts.get("why", "")
    words = _WHY_NOT.get(why, why or "something before it is not possible")
    return f"It cannot {facts['task']}{_at(facts)} now: {words}."


def _cannot_after(facts: dict[str, str]) -> str:
    order = f" ({facts['order']})" if "order" in facts else ""
    done = {"running": "start", "stopped": "stop", "promoted": "promote", "demoted": "demote"}
    task = done.get(facts["other_task"], facts["other_task"])
    why = f": {_SHORT[facts['why']]}" if facts.get("why") in _SHORT else ""
    return (
        f"It cannot {facts['task']}{_at(facts)} now: {facts['other']} would have to {task} first"
        f"{order}, and cannot{why}."
    )


def _cannot_with(facts: dict[str, str]) -> str:
    name = f" (colocation {facts['colocation']})" if "colocation" in facts else ""
    return (
        f"It cannot {facts['task']}{_at(facts)} now: it must be with {facts['other']}{name}, which"
        f" cannot {facts['other_task']} there."
    )


def _failure(facts: dict[str, str]) -> str:
    return f"It is unclean: {failure_text(facts, facts['resource'])}."


_SPECIAL: dict[str, Callable[[dict[str, str]], str]] = {
    "blocked": _blocked,
    "on-fail-stop": _on_fail_stop,
    "no-quorum": _no_quorum,
    "ticket": _ticket,
    "failed": _failed,
    "failed-first": _failed_first,
    "inside-failed": _inside_failed,
    "fail-count": _fail_count,
    "leaves": _leaves,
    "follows": _follows,
    "cannot": _cannot,
    "cannot-after": _cannot_after,
    "cannot-with": _cannot_with,
    "failure": _failure,
}
CODES = frozenset({*_SIMPLE, *_SPECIAL})
"""Every code that has a sentence."""

__all__ = ["CODES", "HELD", "cause_text", "failure_text", "leaving_text"]
