"""Where a resource runs, from what is known of the operations."""

from typing import TYPE_CHECKING

from paceline.ports.cib_store import CibSnapshot

if TYPE_CHECKING:
    from paceline.model.status import HistoryEntry


def running_on(snapshot: CibSnapshot, resource_id: str) -> tuple[str, ...]:
    """Return the nodes that a resource, or any instance or member of it, is active on, sorted.

    Source: for each node the newest result of a start, stop, promote, demote, migration or probe.
    """
    from paceline.cib.read import read_status  # loads slowly, and few commands need it
    from paceline.cib.resources import find_resource, primitives_of
    from paceline.cib.tree import parse_cib

    root = parse_cib(snapshot.document)
    element = find_resource(root, resource_id)
    names = set() if element is None else {one.get("id", "") for one in primitives_of(element)}
    status = snapshot.status or read_status(root)
    places = []
    for node in () if status is None else status.nodes:
        by_resource: dict[str, list[HistoryEntry]] = {}
        for entry in node.history:
            if str(entry.resource).partition(":")[0] in names:
                by_resource.setdefault(str(entry.resource), []).append(entry)
        if any(_is_active(entries) for entries in by_resource.values()):
            places.append(str(node.name))
    return tuple(sorted(places))


_ACTIVE_AFTER = {"start": True, "promote": True, "demote": True, "migrate_from": True}
_INACTIVE_AFTER = {"stop": True, "migrate_to": True}
OCF_NOT_RUNNING = 7


def _is_active(entries: "list[HistoryEntry]") -> bool:
    """Say whether the newest telling result leaves the resource active."""
    active = False
    for entry in sorted(entries, key=lambda entry: entry.call_id):
        if entry.task == "monitor":
            active = entry.rc != OCF_NOT_RUNNING
        elif entry.rc != 0 or entry.task in _ACTIVE_AFTER:
            active = True
        elif entry.task in _INACTIVE_AFTER:
            active = False
    return active
