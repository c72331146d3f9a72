"""The sections of today's status: each is a title and the entries below it."""

from collections.abc import Iterable, Iterator, Mapping

from paceline.commands.status_entries import (
    Entry,
    Layout,
    node_entries,
    node_title,
    primitive_text,
    resource_entries,
)
from paceline.commands.status_view import (
    StatusView,
    count_instances,
    date_text,
    is_true,
    primitives,
)
from paceline.model.exit_status import rc_text
from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.state import FailCount, FailedOperation, ResourceState
from paceline.model.status import HistoryEntry, OperationOutcome

MIGRATION_THRESHOLD_DEFAULT = 1_000_000
OUTCOME_WORDS: Mapping[str, str] = {
    OperationOutcome.DONE: "complete",
    OperationOutcome.TIMED_OUT: "Timed Out",
    OperationOutcome.CANCELLED: "Cancelled",
    OperationOutcome.NOT_INSTALLED: "Not installed",
    OperationOutcome.NOT_SUPPORTED: "Not Supported",
    OperationOutcome.ERROR: "Error",
    OperationOutcome.PENDING: "pending",
    OperationOutcome.UNKNOWN: "unknown",
}


def version_text(view: StatusView) -> str:
    """Return `(version X) - partition with quorum`."""
    quorum = "partition with quorum" if view.is_quorate else "partition WITHOUT quorum"
    return f"(version {view.version}) - {quorum}"


def summary(view: StatusView, layout: Layout) -> Entry:
    """Return `Cluster Summary`."""
    chief = view.coordinator
    if chief is None:
        leader = "Current DC: NONE"
    else:
        leader = f"Current DC: {node_title(chief, view, layout)} {version_text(view)}"
    return Entry(
        "Cluster Summary:",
        (
            Entry(f"Stack: {view.stack or 'unknown'}"),
            Entry(leader),
            Entry(f"Last updated: {date_text(view.updated_ms)}"),
            Entry(f"Last change:  {change_text(view)}"),
            Entry(nodes_count_text(view)),
            Entry(instances_count_text(view)),
        ),
    )


def change_text(view: StatusView) -> str:
    """Return when the configuration was changed, by whom via what on which node."""
    change = view.last_change
    if not change.time_ms:
        return ""
    words = [date_text(change.time_ms)]
    words += [f"by {change.user}"] if change.user else []
    words += [f"via {change.client}"] if change.client else []
    words += [f"on {change.node}"] if change.node else []
    return " ".join(words)


def nodes_count_text(view: StatusView) -> str:
    """Return `2 nodes configured`."""
    number = len(view.nodes)
    return f"{number} node{'' if number == 1 else 's'} configured"


def instances_count_text(view: StatusView) -> str:
    """Return `5 resource instances configured (1 DISABLED)`."""
    total, disabled, blocked = count_instances(view.resources)
    marks = []
    if disabled:
        marks.append(f"{disabled} DISABLED")
    if blocked:
        marks.append(f"{blocked} BLOCKED from further action due to failure")
    tail = f" ({', '.join(marks)})" if marks else ""
    return f"{total} resource instance{'' if total == 1 else 's'} configured{tail}"


def notices(view: StatusView) -> tuple[str, ...]:
    """Return the lines about options that stop the cluster from acting."""
    if is_true(view.option("maintenance-mode")):
        return (
            "",
            "              *** Resource management is DISABLED ***",
            "  The cluster will not attempt to start, stop or recover services",
        )
    if is_true(view.option("stop-all-resources")):
        return (
            "",
            "    *** Resource management is DISABLED ***",
            "  The cluster will keep all resources stopped",
        )
    return ()


def nodes(view: StatusView, layout: Layout) -> Entry | None:
    """Return `Node List`."""
    entries = node_entries(view, layout)
    return Entry("Node List:", entries) if entries else None


def resources(view: StatusView, layout: Layout) -> Entry:
    """Return the resources, all or the active ones."""
    title = "Full List of Resources:" if layout.has_inactive else "Active Resources:"
    entries = resource_entries(view, layout)
    if not entries:
        entries = (Entry("No resources" if layout.has_inactive else "No active resources"),)
    return Entry(title, entries)


def resources_by_node(view: StatusView, layout: Layout) -> Iterator[Entry]:
    """Yield `Node List` with what runs on each node, and what runs nowhere."""
    here = Layout(is_detailed=layout.is_detailed, hides_nodes=True)
    found = []
    for node in view.nodes:
        lines = tuple(
            Entry(primitive_text(each, view, here))
            for each in primitives(view.resources)
            if any(on.node == node.name for on in each.active)
        )
        head = node_entries(
            StatusView(
                cluster_name="", stack="", version="", is_quorate=True, updated_ms=0,
                last_change=view.last_change, nodes=(node,), resources=view.resources,
            ),
            Layout(is_detailed=True),
        )[0].text  # fmt: skip
        word = head.split(": ", 1)[1]
        title = head.split(": ", 1)[0] if layout.is_detailed else head.split(" (", 1)[0]
        if not layout.is_detailed:
            title = f"{head.split(' ', 1)[0]} {node.name}"
            word = word.partition(", feature set")[0]
        found.append(Entry(f"{title}: {word}:", (Entry("Resources:", lines),)))
    yield Entry("Node List:", tuple(found))
    if layout.has_inactive:
        idle = tuple(each for each in resource_entries(view, layout) if _has_inactive(each, view))
        yield Entry("Inactive Resources:", idle or (Entry("No inactive resources"),))


def _has_inactive(entry: Entry, view: StatusView) -> bool:
    """Say whether an entry tells of something that is not active."""
    if not entry.children:
        return "\t Stopped" in entry.text or entry.text.startswith("Stopped")
    return any(_has_inactive(child, view) for child in entry.children)


def attributes(view: StatusView, layout: Layout) -> Entry | None:
    """Return `Node Attributes` of the nodes that are up."""
    found = []
    for node in view.nodes:
        if not node.is_online:
            continue
        lines = tuple(
            Entry(f"{name:<32}\t: {value:<10}")
            for name, value in sorted(node.attributes)
            if is_shown_attribute(name)
        )
        if lines:
            found.append(Entry(f"Node: {node_title(node, view, layout)}:", lines))
    return Entry("Node Attributes:", tuple(found)) if found else None


def is_shown_attribute(name: str) -> bool:
    """Say whether a status lists this node attribute."""
    return not name.startswith(("fail-count", "last-failure", "#")) and name not in (
        "shutdown", "terminate", "standby", "maintenance", "probe_complete_",
    )  # fmt: skip


def failcount_text(count: FailCount, *, has_always_threshold: bool = True) -> str:
    """Return `G2: migration-threshold=1000000 fail-count=1 last-failure='DATE'`."""
    threshold = count.threshold or MIGRATION_THRESHOLD_DEFAULT
    words = [f"{count.resource}: migration-threshold={score_text(threshold)}"]
    if count.count:
        words.append(f"fail-count={score_text(count.count, is_count=True)}")
    if count.last_failure_ms:
        words.append(f"last-failure='{date_text(count.last_failure_ms)}'")
    return " ".join(words)


def score_text(value: int, *, is_count: bool = False) -> str:
    """Return a number of failures; a million and more is written INFINITY for counts only."""
    return "INFINITY" if is_count and value >= MIGRATION_THRESHOLD_DEFAULT else str(value)


def migration(view: StatusView, layout: Layout) -> Entry:
    """Return `Migration Summary`: the fail counts, node by node."""
    found = []
    for node in view.nodes:
        counts = [count for count in view.fail_counts if count.node == node.name and count.count]
        if counts and node.is_online:
            lines = tuple(Entry(failcount_text(count)) for count in counts)
            found.append(Entry(f"Node: {node_title(node, view, layout)}:", lines))
    return Entry("Migration Summary:", tuple(found))


def outcome_text(outcome: str) -> str:
    """Return how a run of an agent ended, in the words that a status has for it."""
    return OUTCOME_WORDS.get(outcome, outcome or "complete")


def failed_name(failure: FailedOperation) -> str:
    """Return the name that the history has for what failed, without its operation."""
    tail = f"_{failure.task}_{failure.interval_ms}"
    if failure.operation_key.endswith(tail):
        return failure.operation_key.removesuffix(tail)
    return failure.resource


def failure_text(failure: FailedOperation, *, is_detailed: bool) -> str:
    """Return one failed operation in words, or with all its figures."""
    outcome = outcome_text(failure.outcome)
    when = date_text(failure.last_rc_change_ms) if failure.last_rc_change_ms else ""
    if is_detailed:
        line = (
            f"{failure.operation_key} on {failure.node} '{rc_text(failure.rc)}' ({failure.rc}): "
            f"call={failure.call_id}, status='{outcome}'"
        )
        if failure.exit_reason:
            line += f", exitreason='{failure.exit_reason}'"
        if when:
            line += (
                f", last-rc-change='{when}', queued={failure.queue_ms}ms, exec={failure.exec_ms}ms"
            )
        return line
    interval = f"{_interval(failure.interval_ms)}-interval " if failure.interval_ms else ""
    what = f"{failed_name(failure)} {interval}{task_text(failure)} on {failure.node}"
    if outcome == "complete":
        result = f"returned '{rc_text(failure.rc)}'"
    elif outcome == "Timed Out":
        result = "could not be executed (Timed Out"
    else:
        result = f"could not be executed ({outcome}"
    if outcome != "complete":
        result += f": {failure.exit_reason})" if failure.exit_reason else ")"
    elif failure.exit_reason:
        result += f" ({failure.exit_reason})"
    at = f" at {when}" if when else ""
    after = f" after {_interval(failure.exec_ms)}" if failure.exec_ms else ""
    return f"{what} {result}{at}{after}"


def _interval(ms: int) -> str:
    """Return a span as the tools write it: `500ms`, `10s`, `60s`, `2m`; a unit holds its whole."""
    if ms <= 1000:
        return f"{ms}ms"
    seconds, rest = divmod(ms, 1000)
    if rest:
        return f"{seconds}.{rest:03}s"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds > size:
            number, seconds = divmod(seconds, size)
            parts.append(f"{number}{unit}")
    if seconds:
        parts.append(f"{seconds}s")
    return "".join(parts)


def failures(view: StatusView, *, is_detailed: bool) -> Entry | None:
    """Return `Failed Resource Actions`."""
    lines = tuple(
        Entry(failure_text(each, is_detailed=is_detailed))
        for each in view.failures
        if not each.is_ignored
    )
    return Entry("Failed Resource Actions:", lines) if lines else None


def operations(view: StatusView, layout: Layout, *, has_timing: bool) -> Entry:
    """Return `Operations`: the history of each resource on each node that is up."""
    counts = {(count.node, count.resource): count for count in view.fail_counts}
    known = {each.id.partition(":")[0]: each for each in primitives(view.resources)}
    found = []
    for name, history in view.history:
        node = view.node(name)
        if node is None or not node.is_online:
            continue
        lines = tuple(_histories(name, history, counts, known, has_timing=has_timing))
        if lines:
            found.append(Entry(f"Node: {node_title(node, view, layout)}:", lines))
    return Entry("Operations:", tuple(found))


def _histories(
    node: NodeName,
    history: tuple[HistoryEntry, ...],
    counts: Mapping[tuple[NodeName, ResourceId], FailCount],
    known: dict[str, ResourceState],
    *,
    has_timing: bool,
) -> Iterator[Entry]:
    for resource, entries in by_resource(history):
        shown = shown_operations(entries)
        if not shown:
            continue
        count = next(
            (each for (on, name), each in counts.items() if on == node and name == resource),
            None,
        )
        text = (
            failcount_text(count)
            if count is not None
            else f"{resource}: migration-threshold={MIGRATION_THRESHOLD_DEFAULT}"
        )
        mark = "" if resource.partition(":")[0] in known else " (orphan)"
        head, _, tail = text.partition(": ")
        lines = tuple(Entry(_operation_text(each, has_timing=has_timing)) for each in shown)
        yield Entry(f"{head}:{' orphan:' if mark else ''} {tail}:", lines)


def by_resource(
    history: tuple[HistoryEntry, ...],
) -> Iterable[tuple[str, tuple[HistoryEntry, ...]]]:
    """Return a node's history grouped by resource, in order of first appearance."""
    groups: dict[str, list[HistoryEntry]] = {}
    for entry in history:
        groups.setdefault(entry.resource, []).append(entry)
    return [(name, tuple(entries)) for name, entries in groups.items()]


def shown_operations(entries: tuple[HistoryEntry, ...]) -> tuple[HistoryEntry, ...]:
    """Return what a history shows, in the order of the calls: no notifications, no plain probes."""
    ordered = sorted(entries, key=lambda each: (each.call_id, each.entry_id))
    found = [each for each in ordered if each.task != "notify" and each.outcome != "pending"]
    probes_only = all(each.task == "monitor" and not each.interval_ms for each in found)
    if probes_only and all(each.rc == 7 or each.rc == 5 for each in found):
        return ()
    return tuple(
        each
        for each in found
        if not (each.task == "monitor" and not each.interval_ms and each.rc == 7)
    )


def task_text(entry: HistoryEntry | FailedOperation) -> str:
    """Return the operation's name; a monitor that does not recur is a probe."""
    return "probe" if entry.task == "monitor" and not entry.interval_ms else entry.task


def _operation_text(entry: HistoryEntry, *, has_timing: bool) -> str:
    line = f"({entry.call_id}) {task_text(entry)}:"
    if entry.interval_ms:
        line += f' interval="{entry.interval_ms}ms"'
    if has_timing:
        if entry.last_rc_change_ms:
            line += f' last-rc-change="{date_text(entry.last_rc_change_ms)}"'
        if entry.last_rc_change_ms or entry.exec_ms:
            line += f' exec-time="{entry.exec_ms}ms" queue-time="{entry.queue_ms}ms"'
    return f"{line} rc={entry.rc} ({rc_text(entry.rc)})"


def tickets(view: StatusView) -> Entry | None:
    """Return `Tickets`."""
    lines = []
    for each in view.tickets:
        words = [f"{each.ticket}\t{'granted' if each.is_granted else 'revoked'}"]
        words += ["[standby]"] if each.is_standby else []
        if each.last_granted_ms:
            words.append(f"last-granted='{date_text(each.last_granted_ms)}'")
        lines.append(Entry(" ".join(words)))
    return Entry("Tickets:", tuple(lines)) if lines else None


def bans(view: StatusView, layout: Layout) -> Entry | None:
    """Return `Negative Location Constraints`."""
    lines = []
    for ban in view.bans:
        node = view.node(ban.node)
        title = node_title(node, view, layout) if node is not None else ban.node
        role = " as Promoted" if ban.role == "Promoted" else ""
        text = f"{ban.constraint}\tprevents {ban.resource} from running{role} on {title}"
        lines.append(Entry(text))
    return Entry("Negative Location Constraints:", tuple(lines)) if lines else None


def fencing(view: StatusView, *, has_done: bool) -> Iterator[Entry]:
    """Yield the fencing that failed, waits, and, if wanted, that succeeded."""
    failed = tuple(each for each in view.fencing if each.state == "failed")
    if failed:
        lines = tuple(
            Entry(
                f"{each.action} of {each.target} failed"
                f"{f' ({each.exit_reason})' if each.exit_reason else ''}: "
                f"delegate={each.executor or each.device}, client={each.client}, "
                f"origin={each.origin}, last-failed='{date_text(each.completed_ms)}'"
            )
            for each in failed
        )
        yield Entry("Failed Fencing Actions:", lines)
    pending = tuple(each for each in view.fencing if each.state == "pending")
    if pending:
        lines = tuple(
            Entry(
                f"{each.action} of {each.target} pending: client={each.client}, "
                f"origin={each.origin}"
            )
            for each in pending
        )
        yield Entry("Pending Fencing Actions:", lines)
    done = tuple(each for each in view.fencing if each.state == "done")
    if done and has_done:
        lines = tuple(
            Entry(
                f"{each.action} of {each.target} successful: "
                f"delegate={each.executor or each.device}, "
                f"client={each.client}, origin={each.origin}, "
                f"last-successful='{date_text(each.completed_ms)}'"
            )
            for each in done
        )
        yield Entry("Fencing History:", lines)
