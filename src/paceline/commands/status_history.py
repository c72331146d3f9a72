"""What resources did on a node, as the operations section of a status lists it."""

from collections.abc import Iterator

from msgspec import Struct

from paceline.commands.status_view import StatusView, primitives
from paceline.model.identifiers import NodeName
from paceline.model.state import FailCount, FailedOperation
from paceline.model.status import HistoryEntry

MIGRATION_THRESHOLD_DEFAULT = 1_000_000
RC_NOT_INSTALLED = 5
RC_NOT_RUNNING = 7


class ResourceHistory(Struct, frozen=True, kw_only=True):
    """The operations of one resource on one node, in the order of their calls."""

    resource: str
    is_orphan: bool
    threshold: int
    count: FailCount | None
    operations: tuple[HistoryEntry, ...]


def node_histories(view: StatusView) -> Iterator[tuple[NodeName, tuple[ResourceHistory, ...]]]:
    """Yield what each node that is up has to tell."""
    for name, history in view.history:
        node = view.node(name)
        if node is not None and node.is_online:
            found = tuple(_histories(view, name, history))
            if found:
                yield name, found


def _histories(
    view: StatusView, node: NodeName, history: tuple[HistoryEntry, ...]
) -> Iterator[ResourceHistory]:
    known = {}
    for each in primitives(view.resources):
        known[each.id if each.is_unique else each.id.partition(":")[0]] = each
    groups: dict[str, list[HistoryEntry]] = {}
    for entry in history:
        groups.setdefault(entry.resource, []).append(entry)
    counts = {each.resource: each for each in view.fail_counts if each.node == node}
    for name, entries in groups.items():
        shown = _shown_operations(entries)
        if not shown:
            continue
        resource = name if name in known else name.partition(":")[0]
        state = known.get(resource)
        threshold = state.migration_threshold if state is not None else 0
        yield ResourceHistory(
            resource=resource if state is not None else name,
            is_orphan=state is None or state.is_removed,
            threshold=threshold or MIGRATION_THRESHOLD_DEFAULT,
            count=next((each for id, each in counts.items() if id == resource), None),
            operations=shown,
        )


def _shown_operations(entries: list[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Return what a history shows, in the order of the calls: no notifications, no plain probes."""
    ordered = sorted(entries, key=lambda each: (each.call_id, each.entry_id))
    found = [each for each in ordered if each.task != "notify" and each.outcome != "pending"]
    if all(is_probe(each) and each.rc in (RC_NOT_RUNNING, RC_NOT_INSTALLED) for each in found):
        return ()
    return tuple(each for each in found if not (is_probe(each) and each.rc == RC_NOT_RUNNING))


def is_probe(entry: HistoryEntry | FailedOperation) -> bool:
    """Say whether an operation is a monitor that does not recur."""
    return entry.task == "monitor" and not entry.interval_ms


def task_text(entry: HistoryEntry | FailedOperation) -> str:
    """Return the operation's name; a monitor that does not recur is a probe."""
    return "probe" if is_probe(entry) else entry.task
