"""Phase history: migrations of which the histories of both nodes must be read.

`migrate_to` stands in the history of the node that a resource leaves, `migrate_from` in that of the
node it comes to. Both done: it runs on the target, and the source still wants a stop (it *dangles*
there) unless something newer was recorded. Only the first done: the migration is *partial* and may
be gone on with. The second failed: it may run on both.
"""

from paceline.model.status import HistoryEntry, OperationOutcome
from paceline.scheduler.history_effects import Found, add_running
from paceline.scheduler.work import Node, Resource, Role, Work

OK, NOT_RUNNING = 0, 7
HistoryIndex = dict[str, dict[str, list[HistoryEntry]]]
"""The histories by node and by the resource's name there."""


class Migrations:
    """Judges migrations, with the histories of all nodes at hand."""

    def __init__(self, work: Work, index: HistoryIndex) -> None:
        """Keep what all of them look at."""
        self._work = work
        self._index = index

    def _entries(self, rsc: Resource, node: Node) -> list[HistoryEntry]:
        index = self._index[node.name]
        own = index.get(rsc.agent_id) or index.get(rsc.id)
        return own or []

    def take_departure(
        self,
        found: Found,
        rsc: Resource,
        node: Node,
        entry: HistoryEntry,
        entries: list[HistoryEntry],
    ) -> None:
        """A migration away succeeded here: what became of it on the target decides."""
        target = self._work.node_by_name.get(entry.migrate_target)
        if target is None:
            found.role = max(found.role, Role.STARTED)
            return
        later = [e for e in entries if e.call_id > entry.call_id and e.task != "migrate_to"]
        there = self._entries(rsc, target)
        if any(e.task in ("stop", "start", "migrate_from") for e in later):
            is_over = any(e.task != "stop" for e in later) or not there or not target.is_online
            has_arrived = any(e.task == "migrate_from" for e in there)
            if not is_over and not has_arrived and not _state_after(there, entry, None):
                # It was sent there and nothing is known of it since: it must begin anew.
                add_running(rsc, target, Role.STARTED)
                rsc.wants_stop = True
            return
        arrival = next(
            (
                e
                for e in reversed(there)
                if e.task == "migrate_from" and e.migrate_source in (node.name, "")
            ),
            None,
        )
        newer = _state_after(there, entry, arrival)
        if any(e.task == "monitor" and e.rc == NOT_RUNNING and e.interval_ms == 0 for e in later):
            # Seen stopped here later: nothing dangles.
            found.role = Role.STOPPED
            return
        if arrival is not None and arrival.outcome is not OperationOutcome.PENDING:
            if arrival.rc == OK:
                found.role = Role.STOPPED
                if not _was_started_again(later):
                    found.is_dangling = True
            else:
                found.role = Role.STARTED
                if not newer and target.is_online:
                    found.also_on.append(target)
            return
        if newer:
            found.role = Role.STARTED
            return
        found.role = Role.STARTED
        if target.is_online:
            found.partial_target = target
        else:
            found.is_failed = True

    def take_failure(self, found: Found, rsc: Resource, node: Node, entry: HistoryEntry) -> None:
        """A migration failed: unless newer history says otherwise it may run on both sides."""
        if entry.task == "migrate_to":
            found.role = max(found.role, Role.STARTED)
            target = self._work.node_by_name.get(entry.migrate_target)
            if target is not None and target.is_online:
                there = self._entries(rsc, target)
                arrival = next((e for e in reversed(there) if e.task == "migrate_from"), None)
                if not _state_after(there, entry, None) and arrival is None:
                    found.also_on.append(target)
            return
        found.role = max(found.role, Role.STARTED)
        source = self._work.node_by_name.get(entry.migrate_source)
        if source is not None and source.is_online:
            here = self._entries(rsc, source)
            departure = next((e for e in reversed(here) if e.task == "migrate_to"), None)
            later = [
                e
                for e in here
                if departure is not None
                and e.call_id > departure.call_id
                and e.task in ("stop", "start", "monitor")
            ]
            if departure is not None and not later:
                found.also_on.append(source)


def _was_started_again(later: list[HistoryEntry]) -> bool:
    return any(e.task == "start" for e in later)


def _state_after(
    there: list[HistoryEntry], entry: HistoryEntry, arrival: HistoryEntry | None
) -> str:
    """Return what the target's history says after the migration: active, inactive or ''."""
    result = ""
    for each in there:
        if each is arrival:
            continue
        if arrival is not None and each.call_id > arrival.call_id > 0:
            pass
        elif not (
            each.last_rc_change_ms
            and entry.last_rc_change_ms
            and each.last_rc_change_ms > entry.last_rc_change_ms
        ):
            continue
        if each.task == "stop" or each.rc == NOT_RUNNING:
            result = "inactive"
        elif each.rc == OK:
            result = "active"
    return result
