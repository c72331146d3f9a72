"""Phase: fail counts ban nodes; and what a failure leads to (`on-fail`).

A resource may not run where it has failed as often as its `migration-threshold`, until the count is
cleared: by hand, or `failure-timeout` after the last failure.

The scheduler counts nothing: whoever records results keeps `fail-count-RSC#OP_INTERVAL` and
`last-failure-RSC#OP_INTERVAL` as transient attributes of the node. Here they are read.
"""

import re
from collections.abc import Iterator

from paceline.cib.read_attributes import duration_ms_or, number_or, score_or
from paceline.model.configuration import Operation
from paceline.model.scores import MINUS_INFINITY, add_scores, format_score
from paceline.scheduler.rules import RuleContext, pick_values
from paceline.scheduler.work import Kind, Node, OnFail, Resource, Work

_ATTRIBUTE = re.compile(r"(fail-count|last-failure)-(.+?)(?:#([a-z_-]+)_(\d+))?")

ON_FAIL_WORDS = {
    "ignore": OnFail.IGNORE,
    "nothing": OnFail.IGNORE,
    "demote": OnFail.DEMOTE,
    "restart": OnFail.RESTART,
    "block": OnFail.BLOCK,
    "stop": OnFail.STOP,
    "standby": OnFail.STANDBY,
    "fence": OnFail.FENCE,
    "restart-container": OnFail.RESTART_CONTAINER,
}
"""The values of `on-fail`."""


class FailCounts:
    """The fail counts of all nodes, looked up by node and resource."""

    def __init__(self, work: Work) -> None:
        """Read them from the nodes' attributes."""
        self._counts: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
        self._last: dict[tuple[str, str], int] = {}
        self._forgiven: set[tuple[str, str]] = set()
        for node in work.nodes:
            for name, value in sorted(node.attributes.items()):
                self._add(node, name, value)

    def _add(self, node: Node, name: str, value: str) -> None:
        if not name.startswith(("fail-count-", "last-failure-")):
            return
        found = _ATTRIBUTE.fullmatch(name)
        if not found:
            return
        key = (node.name, found[2])
        if found[1] == "fail-count":
            count = score_or(value, 0)
            self._counts.setdefault(key, []).append((found[3] or "", number_or(found[4], 0), count))
        else:
            self._last[key] = max(self._last.get(key, 0), number_or(value, 0))

    def forgive(self, rsc: Resource, node: Node) -> None:
        """Let a resource's failures on a node count no more: they were of other parameters."""
        self._forgiven.add((node.name, str(rsc.agent_id)))

    def is_forgiven(self, rsc: Resource, node: Node) -> bool:
        """Say whether the failures count no more."""
        return (node.name, str(rsc.agent_id)) in self._forgiven

    def is_any(self) -> bool:
        """Say whether anything failed anywhere."""
        return bool(self._counts)

    def names(self, node: Node) -> Iterator[str]:
        """Give the resources that have a fail count on the node."""
        for where, name in sorted(self._counts):
            if where == node.name:
                yield name

    def raw(self, rsc: Resource, node: Node) -> int:
        """Return the count as recorded, expired or not, over all operations."""
        total = 0
        for name in _history_names(rsc):
            for _task, _interval, count in self._counts.get((node.name, name), ()):
                total = add_scores(total, count)
        return total

    def last_failure_s(self, rsc: Resource, node: Node) -> int:
        """Return when the resource last failed there, in seconds, 0 where unknown."""
        return max(
            (self._last.get((node.name, name), 0) for name in _history_names(rsc)), default=0
        )

    def operations(self, rsc: Resource, node: Node) -> list[tuple[str, int, int]]:
        """Return task, interval and count of each operation that has one."""
        return [
            each for name in _history_names(rsc) for each in self._counts.get((node.name, name), ())
        ]


def _history_names(rsc: Resource) -> list[str]:
    names = [str(rsc.agent_id)]
    if rsc.id != rsc.agent_id:
        names.append(str(rsc.id))
    return names


def effective_count(
    work: Work, counts: FailCounts, rsc: Resource, node: Node, *, with_fillers: bool = True
) -> int:
    """Return the fail count that counts now: 0 once all of it has expired."""
    total = 0 if counts.is_forgiven(rsc, node) else counts.raw(rsc, node)
    last_s = counts.last_failure_s(rsc, node)
    if total and last_s and rsc.failure_timeout_ms and not _blocks_expiry(work, rsc, node):
        end_ms = last_s * 1000 + rsc.failure_timeout_ms
        if work.moment.now_ms > end_ms:
            total = 0
        else:
            work.moment.note_change_at(end_ms + 1000)
    if with_fillers:
        for filler in rsc.fillers:
            if filler.kind is Kind.PRIMITIVE:
                total = add_scores(
                    total, effective_count(work, counts, filler, node, with_fillers=False)
                )
    return total


def _blocks_expiry(work: Work, rsc: Resource, node: Node) -> bool:
    """Say whether a failure that is on record has on-fail=block: that never expires by itself."""
    for entry in rsc.history.get(node.name, ()):
        operation = find_operation(rsc, entry.task, entry.interval_ms)
        if operation is None or dict(operation.attributes).get("on-fail") != "block":
            continue
        if entry.rc != entry.target_rc and entry.rc not in (0, 7, 8):
            return True
    return False


def find_operation(
    rsc: Resource, task: str, interval_ms: int, *, also_disabled: bool = False
) -> Operation | None:
    """Return the configured operation, None where the configuration does not name it."""
    for each in rsc.operations:
        if each.name == task and each.interval_ms == interval_ms:
            if not also_disabled and dict(each.attributes).get("enabled", "true").lower() in (
                "false",
                "no",
                "0",
                "off",
            ):
                continue
            return each
    return None


def operation_meta(work: Work, rsc: Resource, operation: Operation | None, task: str,
                   interval_ms: int) -> dict[str, str]:  # fmt: skip
    """Return what the configuration says of an operation: attributes, meta sets, then defaults."""
    context = RuleContext(
        moment=work.moment, agent=rsc.agent, operation=task, interval_ms=interval_ms
    )
    values: dict[str, str] = {}
    if operation is not None:
        pick_values(operation.meta, context, into=values)
        for name, value in operation.attributes:
            if name not in ("description",):
                values.setdefault(name, value)
    pick_values(work.snapshot.configuration.operation_defaults, context, into=values)
    return values


def on_fail_of(work: Work, rsc: Resource, task: str, interval_ms: int) -> tuple[OnFail, bool]:
    """Return what a failure of that operation leads to, and whether the configuration said so."""
    operation = find_operation(rsc, task, interval_ms, also_disabled=True)
    meta = operation_meta(work, rsc, operation, task, interval_ms)
    word = meta.get("on-fail", "").lower()
    is_stop = task == "stop"
    if task == "demote" and not word:
        word = _promoted_monitor_word(work, rsc)
    if word == "demote" and not _may_demote(task, interval_ms, meta):
        word = ""
    if word in ON_FAIL_WORDS:
        value = ON_FAIL_WORDS[word]
        if value is OnFail.FENCE and not work.options.fencing_enabled:
            value = OnFail.STOP
        if value is OnFail.RESTART_CONTAINER and rsc.container is None:
            value = OnFail.RESTART
        return value, True
    is_probe = task == "monitor" and interval_ms == 0
    if rsc.container is not None:
        return OnFail.RESTART_CONTAINER, False
    if rsc.is_remote_connection and not is_stop and not is_probe and task != "start":
        if not rsc.is_managed:
            return OnFail.STOP, False
        return OnFail.RESET_REMOTE, False
    if is_stop:
        if work.options.fencing_enabled:
            return OnFail.FENCE, False
        return OnFail.BLOCK, False
    return OnFail.RESTART, False


def _may_demote(task: str, interval_ms: int, meta: dict[str, str]) -> bool:
    """Say whether on-fail=demote makes sense: for promote, demote and promoted monitors."""
    if task in ("promote", "demote"):
        return True
    return (
        task == "monitor"
        and interval_ms > 0
        and meta.get("role", "").lower()
        in (
            "promoted",
            "master",
        )
    )


def _promoted_monitor_word(work: Work, rsc: Resource) -> str:
    """A demote without on-fail of its own does as the promoted role's monitor says, if demote."""
    for each in rsc.operations:
        attributes = dict(each.attributes)
        if (
            each.name == "monitor"
            and attributes.get("role", "").lower() in ("promoted", "master")
            and attributes.get("on-fail") not in (None, "demote")
            and each.interval_ms > 0
        ):
            return attributes["on-fail"]
    return ""


def ban_by_failures(work: Work, counts: FailCounts) -> None:
    """Ban each resource from nodes where it failed as often as its migration-threshold."""
    from paceline.scheduler.constraints import add_location_score

    if not counts.is_any():
        return
    for rsc in work.primitives():
        if rsc.migration_threshold == 0:
            continue
        for node in work.nodes:
            if not counts.raw(rsc, node) and not rsc.fillers:
                continue
            if _are_ignored(work, counts, rsc, node):
                continue
            total = effective_count(work, counts, rsc, node)
            if total and total >= rsc.migration_threshold:
                clone = rsc.clone
                is_anonymous = clone is not None and not clone.is_unique
                add_location_score(
                    work,
                    clone if clone is not None and is_anonymous else rsc,
                    node.name,
                    MINUS_INFINITY,
                    "failures",
                    f"fail-count={format_score(total)}",
                )


def _are_ignored(work: Work, counts: FailCounts, rsc: Resource, node: Node) -> bool:
    """Say whether all that failed was of operations whose failures are ignored."""
    found = counts.operations(rsc, node)
    return bool(found) and all(
        task and on_fail_of(work, rsc, task, interval_ms)[0] is OnFail.IGNORE
        for task, interval_ms, _ in found
    )


def reconnect_interval_ms(rsc: Resource) -> int:
    """Return a remote connection's reconnect_interval, 0 where it has none."""
    for each in rsc.parameter_sets:
        for name, value in each.pairs:
            if name == "reconnect_interval":
                return duration_ms_or(value, 0)
    return 0
