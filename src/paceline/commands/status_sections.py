"""The sections of today's status: each is a title and the entries below it."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from paceline.commands.shown_date import date_text
from paceline.commands.status_entries import (
    Entry,
    Layout,
    agent_text,
    count_text,
    node_entries,
    node_line,
    node_title,
    primitive_text,
    resource_entries,
    running_on,
)
from paceline.commands.status_history import (
    MIGRATION_THRESHOLD_DEFAULT,
    ResourceHistory,
    node_histories,
    task_text,
)
from paceline.commands.status_view import StatusView, count_instances, is_true, is_wholly_active
from paceline.model.exit_status import rc_text
from paceline.model.identifiers import NodeName
from paceline.model.state import FailCount, FailedOperation, ResourceState
from paceline.model.status import HistoryEntry, OperationOutcome

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


SUMMARY = frozenset(("stack", "dc", "times", "counts"))


def summary(view: StatusView, layout: Layout, parts: frozenset[str] = SUMMARY) -> Entry:
    """Return `Cluster Summary`, those parts of it."""
    chief = view.coordinator
    if chief is None:
        leader = "Current DC: NONE"
    else:
        leader = f"Current DC: {node_title(chief, view, layout)} {version_text(view)}"
    lines = (
        ("stack", f"Stack: {view.stack or 'unknown'}"),
        ("dc", leader),
        ("times", f"Last updated: {date_text(view.updated_ms)}"),
        ("times", f"Last change:  {change_text(view)}"),
        ("counts", nodes_count_text(view)),
        ("counts", instances_count_text(view)),
    )
    return Entry("Cluster Summary:", tuple(Entry(line) for part, line in lines if part in parts))


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
    return f"{count_text(len(view.nodes), 'node')} configured"


def instances_count_text(view: StatusView) -> str:
    """Return `5 resource instances configured (1 DISABLED)`."""
    total, disabled, blocked = count_instances(view.resources)
    marks = []
    if disabled:
        marks.append(f"{disabled} DISABLED")
    if blocked:
        marks.append(f"{blocked} BLOCKED from further action due to failure")
    tail = f" ({', '.join(marks)})" if marks else ""
    return f"{count_text(total, 'resource instance')} configured{tail}"


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
    here = replace(layout, hides_nodes=True)
    found = []
    for node in view.nodes:
        shown = running_on(node, view, layout)
        if layout.is_brief and not shown:
            continue
        lines = (
            (Entry(f"{number}\t({agent}):\tActive ") for agent, number in _by_agent(shown, here))
            if layout.is_brief
            else (Entry(primitive_text(each, view, here)) for each in shown)
        )
        title = node_line(node, view, layout)
        found.append(Entry(f"{title}:", (Entry("Resources:", tuple(lines)),)))
    yield Entry("Node List:", tuple(found))
    if layout.has_inactive:
        rest = tuple(each for each in view.resources if not is_wholly_active(each))
        idle = resource_entries(replace(view, resources=rest), layout)
        yield Entry("Inactive Resources:", idle or (Entry("No inactive resources"),))


def _by_agent(resources: list[ResourceState], layout: Layout) -> list[tuple[str, int]]:
    agents = [agent_text(each, layout) for each in resources]
    return [(agent, agents.count(agent)) for agent in sorted(set(agents))]


def attributes(view: StatusView, layout: Layout) -> Entry | None:
    """Return `Node Attributes` of the nodes that are up."""
    found = []
    for node in view.nodes:
        if not node.is_online:
            continue
        lines = tuple(
            Entry(f"{name:<32}\t: {value:<10}{_connectivity_text(view, node.name, name, value)}")
            for name, value in sorted(node.attributes)
            if is_shown_attribute(name)
        )
        if lines:
            found.append(Entry(f"Node: {node_title(node, view, layout)}:", lines))
    return Entry("Node Attributes:", tuple(found)) if found else None


def _connectivity_text(view: StatusView, node: NodeName, name: str, value: str) -> str:
    """Return what the value of a ping resource's attribute means, "" where all is well."""
    expected = view.connectivity.get((node, name))
    reached = int(value) if value.isdecimal() else 0
    if expected is None or reached >= expected:
        return ""
    if not reached:
        return "\t: Connectivity is lost"
    return f"\t: Connectivity is degraded (Expected={expected})"


def is_shown_attribute(name: str) -> bool:
    """Say whether a status lists this node attribute."""
    return not name.startswith(("fail-count", "last-failure", "#")) and name not in (
        "shutdown", "terminate", "standby", "maintenance", "probe_complete_",
    )  # fmt: skip


def failcount_text(count: FailCount) -> str:
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
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds > size:
            number, seconds = divmod(seconds, size)
            parts.append(f"{number}{unit}")
    if rest:
        parts.append(f"{seconds}.{rest:03}s")
    elif seconds:
        parts.append(f"{seconds}s")
    return "".join(parts)


def failures(view: StatusView, *, is_detailed: bool) -> Entry | None:
    """Return `Failed Resource Actions`."""
    lines = tuple(Entry(failure_text(each, is_detailed=is_detailed)) for each in view.failures)
    return Entry("Failed Resource Actions:", lines) if lines else None


def operations(view: StatusView, layout: Layout, *, has_timing: bool) -> Entry:
    """Return `Operations`: the history of each resource on each node that is up."""
    found = []
    for name, histories in node_histories(view):
        node = view.node(name)
        title = node_title(node, view, layout) if node is not None else name
        lines = tuple(_history(each, has_timing=has_timing) for each in histories)
        found.append(Entry(f"Node: {title}:", lines))
    return Entry("Operations:", tuple(found))


def _history(history: ResourceHistory, *, has_timing: bool) -> Entry:
    if history.count is not None:
        figures = failcount_text(history.count).partition(": ")[2]
    else:
        figures = f"migration-threshold={history.threshold}"
    mark = " orphan:" if history.is_orphan else ""
    lines = tuple(_operation_text(each, has_timing=has_timing) for each in history.operations)
    return Entry(f"{history.resource}:{mark} {figures}:", tuple(Entry(line) for line in lines))


def _operation_text(entry: HistoryEntry, *, has_timing: bool) -> str:
    line = f"({entry.call_id}) {task_text(entry)}"
    words = [f'interval="{entry.interval_ms}ms"'] if entry.interval_ms else []
    if has_timing:
        if entry.last_rc_change_ms:
            words.append(f'last-rc-change="{date_text(entry.last_rc_change_ms)}"')
        if entry.last_rc_change_ms or entry.exec_ms:
            words.append(f'exec-time="{entry.exec_ms}ms" queue-time="{entry.queue_ms}ms"')
        words.append(f"rc={entry.rc} ({rc_text(entry.rc)})")
    return f"{line}: {' '.join(words)}" if words else line


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


def fencing(view: StatusView, *, has_open: bool, has_done: bool) -> Iterator[Entry]:
    """Yield the fencing that failed, waits, and, if wanted, that succeeded."""
    failed = tuple(each for each in view.fencing if each.state == "failed")
    if failed and has_open:
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
    if pending and has_open:
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
