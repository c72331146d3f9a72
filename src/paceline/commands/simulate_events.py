"""Events that a simulation begins with: nodes that come and go, failures, tickets, quorum.

Each changes a snapshot and says so in the words that `crm_simulate` uses.
"""

import re
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from paceline.cib.read_attributes import parse_flag, score_or
from paceline.model.configuration import (
    Bundle,
    Clone,
    Configuration,
    ConfiguredResource,
    Group,
    Primitive,
)
from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.scores import INFINITY, add_scores, format_score
from paceline.model.snapshot import Snapshot
from paceline.model.status import HistoryEntry, NodeStatus, OperationOutcome, TicketStatus

_TASKS = "monitor|start|stop|promote|demote|migrate_to|migrate_from|notify|reload-agent|reload"
_OPERATION = re.compile(rf"(.+)_({_TASKS})_(\d+)@(.+)=(\d+)")
RC_NOT_RUNNING = 7


class BadEventError(ValueError):
    """An event names what does not exist, or is not understood; the message says which."""


class OperationResult(Struct, frozen=True, kw_only=True):
    """One operation's exit status, as `RESOURCE_TASK_INTERVAL@NODE=RC` says it."""

    resource: str
    task: str
    interval_ms: int
    node: NodeName
    rc: int

    @property
    def text(self) -> str:
        """The words that it was read from."""
        return f"{self.resource}_{self.task}_{self.interval_ms}@{self.node}={self.rc}"


class Events(Struct, frozen=True, kw_only=True):
    """What happens before the scheduler is asked. `quorum` and `watchdog` None: as they are."""

    quorum: bool | None = None
    watchdog: bool | None = None
    nodes_up: tuple[str, ...] = ()
    nodes_down: tuple[str, ...] = ()
    nodes_failed: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    in_standby: tuple[str, ...] = ()
    activated: tuple[str, ...] = ()
    results: tuple[OperationResult, ...] = ()


def parse_result(text: str) -> OperationResult:
    """Read `RESOURCE_TASK_INTERVAL@NODE=RC`. Raises BadEventError."""
    found = _OPERATION.fullmatch(text)
    if found is None:
        raise BadEventError(
            f"'{text}' does not say RESOURCE_TASK_INTERVAL@NODE=RC (A_monitor_10000@node1=7)"
        )
    resource, task, interval, node, rc = found.groups()
    return OperationResult(
        resource=resource, task=task, interval_ms=int(interval), node=NodeName(node), rc=int(rc)
    )


def apply_events(snapshot: Snapshot, events: Events) -> tuple[Snapshot, tuple[str, ...]]:
    """Return the snapshot after the events, and a line for each. Raises BadEventError."""
    lines: list[str] = []
    status = snapshot.status
    if events.quorum is not None:
        status = replace(status, is_quorate=events.quorum)
        lines.append(f"Setting quorum: {int(events.quorum)}")
    if events.watchdog is not None:
        status = replace(status, has_watchdog_fencing=events.watchdog)
        lines.append(f"Setting watchdog: {int(events.watchdog)}")
    snapshot = replace(snapshot, status=status)
    for names, text, change in (
        (events.nodes_up, "Bringing node {} online", _up),
        (events.nodes_down, "Taking node {} offline", _down),
        (events.nodes_failed, "Failing node {}", _failed),
    ):
        for name in names:
            snapshot = change_node(snapshot, name, change)
            lines.append(text.format(name))
    snapshot = _apply_tickets(snapshot, events, lines)
    for result in events.results:
        lines.append(f"Injecting {result.text} into the configuration")
        snapshot, more = inject(snapshot, result)
        lines.extend(more)
    return snapshot, tuple(lines)


def change_node(
    snapshot: Snapshot, name: str, change: Callable[[NodeStatus], NodeStatus]
) -> Snapshot:
    """Return the snapshot with one node's status changed. Raises BadEventError for no node."""
    nodes = {node.name: node for node in snapshot.status.nodes}
    known = NodeName(name)
    if known not in nodes:
        configured = {node.name for node in snapshot.configuration.nodes}
        if known not in configured:
            raise BadEventError(f"there is no node '{name}'")
        nodes[known] = NodeStatus(name=known)
    nodes[known] = change(nodes[known])
    kept = tuple(nodes[each] for each in sorted(nodes))
    return replace(snapshot, status=replace(snapshot.status, nodes=kept))


def _up(node: NodeStatus) -> NodeStatus:
    return replace(
        node, is_member=True, is_online=True, is_expected=True, is_seen=True, is_pending=False,
        is_unclean=False,
    )  # fmt: skip


def _down(node: NodeStatus) -> NodeStatus:
    return replace(
        node, is_member=False, is_online=False, is_expected=False, is_seen=True, is_pending=False,
        is_unclean=False, history=(),
    )  # fmt: skip


def _failed(node: NodeStatus) -> NodeStatus:
    return replace(
        node, is_member=False, is_online=False, is_expected=True, is_seen=True, is_pending=False
    )


def _apply_tickets(snapshot: Snapshot, events: Events, lines: list[str]) -> Snapshot:
    tickets = {each.ticket: each for each in snapshot.status.tickets}
    now_ms = snapshot.status.now_ms
    for names, text in (
        (events.granted, "Granting ticket {}"), (events.revoked, "Revoking ticket {}"),
        (events.in_standby, "Making ticket {} standby"), (events.activated, "Activating ticket {}"),
    ):  # fmt: skip
        for name in names:
            ticket = tickets.get(name, TicketStatus(ticket=name))
            match text.split()[0]:
                case "Granting":
                    ticket = replace(ticket, is_granted=True, last_granted_ms=now_ms)
                case "Revoking":
                    ticket = replace(ticket, is_granted=False)
                case "Making":
                    ticket = replace(ticket, is_standby=True)
                case _:
                    ticket = replace(ticket, is_standby=False)
            tickets[name] = ticket
            lines.append(text.format(name))
    found = tuple(tickets[name] for name in sorted(tickets))
    return replace(snapshot, status=replace(snapshot.status, tickets=found))


def inject(snapshot: Snapshot, result: OperationResult) -> tuple[Snapshot, tuple[str, ...]]:
    """Return the snapshot with a result recorded, and the lines for its fail count."""
    primitive = _find_primitive(snapshot.configuration, result.resource)
    is_probe = result.task == "monitor" and result.interval_ms == 0
    target_rc = RC_NOT_RUNNING if is_probe else 0
    node = next((each for each in snapshot.status.nodes if each.name == result.node), None)
    if node is None:
        raise BadEventError(f"there is no node '{result.node}'")
    name = _history_name(node, result.resource)
    entry = HistoryEntry(
        entry_id=f"{name}_last_failure_0" if result.rc != target_rc else (
            f"{name}_monitor_{result.interval_ms}" if result.interval_ms else f"{name}_last_0"
        ),
        resource=ResourceId(name), agent_class=primitive.agent.agent_class,
        provider=primitive.agent.provider, agent_type=primitive.agent.agent_type,
        task=result.task, interval_ms=result.interval_ms,
        call_id=1 + max((each.call_id for each in node.history), default=0),
        outcome=OperationOutcome.DONE, rc=result.rc, target_rc=target_rc,
        last_rc_change_ms=snapshot.status.now_ms, last_run_ms=snapshot.status.now_ms,
    )  # fmt: skip
    lines: tuple[str, ...] = ()
    changed = replace(node, history=with_entry(node.history, entry))
    if result.rc != target_rc:
        changed, lines = count_failure(
            changed,
            result.resource.partition(":")[0],
            result,
            snapshot.status.now_ms,
            is_fatal=is_fatal(snapshot.configuration, result.task),
        )
    return change_node(snapshot, result.node, lambda _: changed), lines


def with_entry(history: Iterable[HistoryEntry], entry: HistoryEntry) -> tuple[HistoryEntry, ...]:
    """Return a node's history with one row written: it replaces the row of its name."""
    kept = [
        each
        for each in history
        if (each.resource, each.entry_id) != (entry.resource, entry.entry_id)
    ]
    return (*kept, entry)


def is_fatal(configuration: Configuration, task: str) -> bool:
    """Say whether a failure counts for good: the node is not tried again until a clean-up."""
    if task == "stop":
        return True
    sets = (each.pairs for each in configuration.options)
    values = {name: value for pairs in sets for name, value in pairs}
    return task == "start" and parse_flag(values.get("start-failure-is-fatal"), True)


def count_failure(
    node: NodeStatus, resource: str, result: OperationResult, now_ms: int, *, is_fatal: bool
) -> tuple[NodeStatus, tuple[str, ...]]:
    """Return the node with one more failure counted, and the lines that say so."""
    suffix = f"{resource}#{result.task}_{result.interval_ms}"
    values = dict(node.attributes)
    before = values.get(f"fail-count-{suffix}", "0")
    count = add_scores(score_or(before, 0), INFINITY if is_fatal else 1)
    values[f"fail-count-{suffix}"] = format_score(count)
    values[f"last-failure-{suffix}"] = str(now_ms // 1000)
    where = f"into /node_state '{node.cib_id or node.node_id or node.name}'"
    return replace(node, attributes=tuple(sorted(values.items()))), (
        f"Injecting attribute fail-count-{suffix}={values[f'fail-count-{suffix}']} {where}",
        f"Injecting attribute last-failure-{suffix}={now_ms // 1000} {where}",
    )


def _history_name(node: NodeStatus, resource: str) -> str:
    """Return the name under which the node knows it: an instance may go by its plain name."""
    known = {each.resource for each in node.history}
    plain = resource.partition(":")[0]
    return plain if ResourceId(resource) not in known and ResourceId(plain) in known else resource


def _find_primitive(configuration: Configuration, name: str) -> Primitive:
    wanted = (name, name.partition(":")[0])
    for top in configuration.resources:
        for each in _primitives(top):
            if each.id in wanted:
                return each
    raise BadEventError(f"Invalid resource name: {name}")


def _primitives(resource: ConfiguredResource) -> tuple[Primitive, ...]:
    match resource:
        case Group():
            return resource.members
        case Clone():
            return _primitives(resource.child)
        case Bundle():
            return () if resource.child is None else (resource.child,)
        case _:
            return (resource,)
