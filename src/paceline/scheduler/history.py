"""Phase: the current state, rebuilt from each node's operation history.

For each resource and node the entries are looked at in the order in which they happened. The last
successful start, stop, promote, demote or migration decides the role there; a failure is judged
against the exit status that was expected, and what it leads to (`on-fail`) is kept until a later
success clears it.
"""

from dataclasses import dataclass, field

from paceline.model.identifiers import ResourceId
from paceline.model.plan import Agent
from paceline.model.scores import INFINITY, MINUS_INFINITY
from paceline.model.status import HistoryEntry, OperationOutcome
from paceline.scheduler.failures import (
    FailCounts,
    effective_count,
    on_fail_of,
    reconnect_interval_ms,
)
from paceline.scheduler.remote import want_fencing
from paceline.scheduler.resources import add_instance, adopt_remote_node
from paceline.scheduler.work import Kind, Node, OnFail, Resource, Role, Work, role_of_word

OK, ERROR, INVALID, NOT_IMPLEMENTED, NO_PRIVILEGE, NOT_INSTALLED, NOT_CONFIGURED = range(7)
NOT_RUNNING, RUNNING_PROMOTED, FAILED_PROMOTED = 7, 8, 9
DEGRADED, DEGRADED_PROMOTED = 190, 191
HARD = (INVALID, NOT_IMPLEMENTED, NO_PRIVILEGE, NOT_INSTALLED)
"""Exit statuses after which the same node is not tried again."""
STATES = (OK, NOT_RUNNING, RUNNING_PROMOTED)
"""Exit statuses that say how the resource is; any other is a failure, whatever was expected."""

LAST = 2**62
"""Sorts an operation under way after all that have ended."""


@dataclass(slots=True)
class Found:
    """What the entries of one resource on one node say."""

    role: Role = Role.STOPPED
    on_fail: OnFail = OnFail.IGNORE
    is_failed: bool = False
    is_failure_ignored: bool = False
    has_stop_failed: bool = False
    next_role: Role = Role.UNKNOWN
    is_start_pending: bool = False
    pending_task: str = ""
    is_known: bool = False
    last_failure: HistoryEntry | None = None
    is_dangling: bool = False
    partial_target: Node | None = None
    also_on: list[Node] = field(default_factory=list)
    is_blocked: bool = False
    reschedule: list[HistoryEntry] = field(default_factory=list)


class HistoryReader:
    """Reads the histories of nodes; kept through the phase because migrations look at two nodes."""

    def __init__(self, work: Work, counts: FailCounts) -> None:
        """Index the histories of all nodes by node and by the resource's name there."""
        self._work = work
        self._counts = counts
        self.counts = counts
        self.expired_monitors: set[tuple[str, str, str]] = set()
        self.clear_wanted: list[tuple[Resource, Node, str]] = []
        self.unjudged: list[tuple[Resource, Node, HistoryEntry]] = []
        self._index: dict[str, dict[str, list[HistoryEntry]]] = {}
        for node in work.nodes:
            by_name: dict[str, list[HistoryEntry]] = {}
            if node.status is not None:
                for entry in node.status.history:
                    by_name.setdefault(entry.resource, []).append(entry)
                for entries in by_name.values():
                    if len(entries) > 1:
                        entries.sort(key=_order)
            self._index[node.name] = by_name
        self._free: dict[tuple[str, str], int] = {}
        self._contained: list[tuple[Resource, str]] = []
        """Removed resources and their containers' names; those may come later in the history."""

    def read_node(self, node: Node) -> None:
        """Take in the whole history of one node."""
        work = self._work
        for name, entries in self._index[node.name].items():
            target = self._find(node, name, entries)
            if target is not None:
                self._take(target, node, entries)
        if node.status is not None:
            for name, since_ms in node.status.shutdown_locks:
                rsc = work.by_id.get(name)
                if rsc is not None:
                    rsc.lock_node, rsc.lock_ms = node, since_ms

    def _find(self, node: Node, name: str, entries: list[HistoryEntry]) -> Resource | None:
        """Return the resource that the history's name stands for; make one if it was removed."""
        work = self._work
        rsc = work.by_id.get(name)
        if rsc is not None and rsc.kind is Kind.PRIMITIVE:
            clone = rsc.clone
            if clone is None or clone.is_unique:
                return rsc
        base = name
        stem, colon, number = name.rpartition(":")
        if colon and number.isdigit():
            base = stem
        clone = work.anon_ids.get(base)
        if clone is not None and clone.kind is Kind.CLONE and not clone.is_unique:
            return self._instance_on(clone, base, node, name)
        return self._removed(name, entries[0])

    def _instance_on(self, clone: Resource, base: str, node: Node, name: str) -> Resource:
        """Return the instance of an anonymous clone that stands for the one on this node.

        If a sibling in the same cloned group was found on the node already, it is the same
        instance; else the first that is active nowhere. A second one on the same node, and one
        that a lost node need not be fenced for, must not use up an instance that others could be:
        it is one too many.
        """
        free: Resource | None = None
        if node.bundle is not None and node.bundle is clone.bundle:
            replica = next(each for each in node.bundle.replicas if each.node is node)
            if replica.instance is not None:
                return replica.instance
        for child in clone.children:
            member = next((m for m in child.primitives() if m.agent_id == base), None)
            if member is None:
                continue
            if node in member.running_on and member.history[node.name][0].resource != name:
                return self._surplus(clone, base)
            if any(node is each for m in child.primitives() for each in m.running_on):
                return member
            if (free is None and not child.is_active() and not child.is_removed) and (
                all(not m.pending_node or m.pending_node is node for m in child.primitives())
            ):
                free = member
        is_lost = node.is_unclean or not node.is_online
        if free is not None and not (is_lost and free.requires in ("nothing", "quorum")):
            return free
        return self._surplus(clone, base)

    def _surplus(self, clone: Resource, base: str) -> Resource:
        """Return a new instance beyond those that there may be, so that it is stopped."""
        child = add_instance(self._work, clone, len(clone.children))
        for each in child.walk():
            each.is_removed = True
            each.is_removed_filler = False
            each.sort_index = clone.sort_index
        return next(m for m in child.primitives() if m.agent_id == base)

    def _removed(self, name: str, entry: HistoryEntry) -> Resource | None:
        """Return a resource that is not configured any more, so that it can be stopped."""
        if not entry.agent_class or not entry.agent_type:
            return None
        rsc = Resource(ResourceId(name), Kind.PRIMITIVE)
        rsc.agent = Agent(
            agent_class=entry.agent_class, provider=entry.provider, agent_type=entry.agent_type
        )
        rsc.is_removed = True
        rsc.is_fence_device = entry.agent_class == "stonith"
        rsc.requires = "quorum"
        rsc.is_remote_connection = entry.provider == "pacemaker" and entry.agent_type == "remote"
        if not self._work.options.stop_removed:
            rsc.is_managed = False
        if entry.container:
            self._contained.append((rsc, entry.container))
            rsc.is_removed_filler = True
        if self._work.options.maintenance_mode:
            rsc.is_managed, rsc.in_maintenance = False, True
        rsc.sort_index = len(self._work.by_id)
        self._work.by_id[name] = rsc
        self._work.resources.append(rsc)
        adopt_remote_node(self._work, rsc)
        for filler, container_name in self._contained:
            container = self._work.by_id.get(container_name)
            if container is not None and filler.container is None:
                filler.container = container
                container.fillers.append(filler)
        return rsc

    # One resource on one node

    def _take(self, rsc: Resource, node: Node, entries: list[HistoryEntry]) -> None:
        rsc.history[node.name] = entries
        found = Found()
        for entry in entries:
            self._entry(found, rsc, node, entry, entries)
        if found.is_known:
            rsc.known_on[node.name] = node
        self._settle(found, rsc, node)

    def _entry(
        self,
        found: Found,
        rsc: Resource,
        node: Node,
        entry: HistoryEntry,
        entries: list[HistoryEntry],
    ) -> None:
        task, is_probe = entry.task, entry.task == "monitor" and entry.interval_ms == 0
        if task in ("notify", "cancel", "delete", "meta-data"):
            return
        if entry.outcome is OperationOutcome.PENDING:
            self._pending(found, rsc, node, entry, is_probe)
            return
        if entry.outcome is OperationOutcome.CANCELLED:
            return
        rc, is_ok = self._judge(found, rsc, node, entry, is_probe)
        if rsc.is_remote_connection and rsc.bundle is not None:
            # Where the container will be is part of its parameters, and not known yet.
            self.unjudged.append((rsc, node, entry))
        elif self.is_outdated(rsc, node, entry):
            self.clear_wanted.append((rsc, node, "its parameters have changed"))
        is_expired = self._is_expired(rsc, node, entry, is_ok=is_ok, is_probe=is_probe)
        if is_expired and not is_ok:
            if entry.interval_ms and node.is_online and not node.is_unclean:
                self.expired_monitors.add((rsc.id, node.name, entry.entry_id))
            return
        found.is_known = True
        if is_ok:
            self._success(found, rsc, node, entry, rc, entries)
        else:
            self._failure(found, rsc, node, entry, rc, is_probe)

    def _judge(
        self, found: Found, rsc: Resource, node: Node, entry: HistoryEntry, is_probe: bool
    ) -> tuple[int, bool]:
        """Return the exit status that counts, and whether it is as good as expected."""
        rc, target = entry.rc, entry.target_rc
        if entry.outcome is OperationOutcome.TIMED_OUT and rc in (OK, NOT_RUNNING):
            rc = ERROR
        if rc == DEGRADED and entry.task == "monitor":
            rc = OK
        elif rc == DEGRADED_PROMOTED and entry.task == "monitor":
            rc = RUNNING_PROMOTED
        if target < 0:
            target = OK
            if is_probe and rc in (OK, NOT_RUNNING, RUNNING_PROMOTED):
                target = rc
        if is_probe and rc in (OK, RUNNING_PROMOTED, NOT_RUNNING):
            return rc, True
        if rc == NOT_RUNNING and not rsc.is_managed and entry.task == "monitor":
            return rc, True
        if entry.outcome is OperationOutcome.NOT_SUPPORTED and entry.interval_ms:
            return rc, True
        if rc == target and rc in STATES:
            return rc, True
        if entry.target_rc == DEGRADED and rc == OK:
            return rc, True
        return rc, False

    def is_outdated(self, rsc: Resource, node: Node, entry: HistoryEntry) -> bool:
        """Say whether the failure was with parameters that have changed since."""
        from paceline.scheduler.parameters import operation_parameters
        from paceline.scheduler.recurring import is_changed

        if "_last_failure_" not in entry.entry_id or not entry.digest or rsc.is_removed:
            return False
        if entry.task not in ("start", "monitor"):
            return False
        if rsc.is_bundle_container:
            return False
        parameters = operation_parameters(self._work, rsc, node, entry.task, entry.interval_ms)
        return is_changed(parameters, entry)

    def _is_expired(
        self, rsc: Resource, node: Node, entry: HistoryEntry, *, is_ok: bool, is_probe: bool
    ) -> bool:
        """Say whether a result is so old that a failure counts no more; wish the count away.

        The count goes with any old result, for the failure's own may be overwritten by now.
        """
        work, timeout_ms = self._work, rsc.failure_timeout_ms
        if timeout_ms <= 0 or not entry.last_rc_change_ms:
            return False
        end_ms = entry.last_rc_change_ms + timeout_ms
        last_ms = self._counts.last_failure_s(rsc, node) * 1000
        is_expired = work.moment.now_ms >= end_ms
        if not is_expired:
            if not is_ok:
                work.moment.note_change_at(end_ms)
            return False
        if self._counts.raw(rsc, node):
            if effective_count(work, self._counts, rsc, node):
                return False
            if rsc.is_remote_connection and not node.is_remote and not self._remote_cleared(rsc):
                return False
            if rsc.is_managed:
                self.clear_wanted.append((rsc, node, "it expired"))
        elif rsc.is_remote_connection and reconnect_interval_ms(rsc) and last_ms:
            self.clear_wanted.append((rsc, node, "reconnect interval is set"))
        return not (is_probe and entry.rc in (OK, NOT_RUNNING, RUNNING_PROMOTED))

    def _remote_cleared(self, rsc: Resource) -> bool:
        """A remote connection's failure counts until its node was fenced (or needs no fencing)."""
        work = self._work
        node = work.node_by_name.get(rsc.id)
        if not work.options.fencing_enabled or node is None:
            return True
        return node.status is not None and node.status.is_fenced

    def _pending(
        self, found: Found, rsc: Resource, node: Node, entry: HistoryEntry, is_probe: bool
    ) -> None:
        task = entry.task
        match task:
            case "start":
                found.is_start_pending = True
                found.role = _active_role(rsc, found.role)
                found.is_known = True
            case "promote":
                found.role = Role.PROMOTED
            case "demote":
                found.role = max(found.role, Role.UNPROMOTED)
            case "migrate_to":
                self._pending_migration(found, rsc, node, entry)
            case "stop" | "migrate_from":
                pass
        if task == "migrate_from":
            found.role = max(found.role, Role.STARTED)
            found.is_start_pending = False
        found.pending_task = task
        if is_probe:
            found.pending_task = "monitor"
            rsc.pending_node = node

    def _pending_migration(
        self, found: Found, rsc: Resource, node: Node, entry: HistoryEntry
    ) -> None:
        found.role = max(found.role, Role.STARTED)
        target = self._work.node_by_name.get(entry.migrate_target)
        if (target is not None and not self._has_newer(rsc, target, entry)) and (
            not self._is_finished_on(rsc, target)
        ):
            found.partial_target = target if target.is_online else None

    # Successes

    def _success(
        self,
        found: Found,
        rsc: Resource,
        node: Node,
        entry: HistoryEntry,
        rc: int,
        entries: list[HistoryEntry],
    ) -> None:
        clears = False
        found.pending_task = ""
        match entry.task:
            case _ if rc == NOT_RUNNING:
                found.role, clears = Role.STOPPED, True
            case "monitor":
                if rc == RUNNING_PROMOTED:
                    found.role = Role.PROMOTED
                elif entry.interval_ms == 0 or found.role < Role.STARTED:
                    if found.role < Role.STARTED:
                        found.role = _active_role(rsc, found.role)
                    if entry.interval_ms == 0 and found.role is Role.STARTED:
                        found.role = _active_role(rsc, found.role)
                last = found.last_failure
                if (
                    last is not None
                    and last.task == "monitor"
                    and (last.interval_ms == entry.interval_ms)
                ):
                    clears = True
            case "start":
                found.role, clears = Role.STARTED, True
                if rsc.is_promotable:
                    found.role = Role.UNPROMOTED
                found.is_start_pending = False
                found.also_on = []
            case "stop":
                found.role, clears = Role.STOPPED, True
                found.is_start_pending = False
                found.is_dangling = False
                found.partial_target = None
                found.also_on = []
            case "promote":
                found.role, clears = Role.PROMOTED, True
            case "demote":
                found.role, clears = Role.UNPROMOTED, True
            case "migrate_from":
                found.role, clears = Role.STARTED, True
            case "migrate_to":
                self._migrated_to(found, rsc, node, entry, entries)
        if clears and found.on_fail not in (OnFail.STOP, OnFail.FENCE, OnFail.STANDBY):
            if found.on_fail is OnFail.RESET_REMOTE and reconnect_interval_ms(rsc):
                return
            found.on_fail = OnFail.IGNORE
            found.is_failed = False
            found.next_role = Role.UNKNOWN
            found.is_blocked = False

    def _entries(self, rsc: Resource, node: Node) -> list[HistoryEntry]:
        index = self._index[node.name]
        own = index.get(rsc.agent_id) or index.get(rsc.id)
        return own or []

    def _has_newer(self, rsc: Resource, node: Node, entry: HistoryEntry) -> bool:
        """Say whether something on another node happened after `entry`, so that it is outdated."""
        for each in self._entries(rsc, node):
            if each.task == "migrate_from":
                continue
            when = each.last_rc_change_ms
            if when and entry.last_rc_change_ms and when > entry.last_rc_change_ms:
                return True
        return False

    def _is_finished_on(self, rsc: Resource, target: Node) -> bool:
        return False

    def _migrated_to(
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
            if not is_over and not has_arrived and not self._state_after(there, entry, None):
                # It was sent there and nothing is known of it since: it must begin anew.
                self._add_running(rsc, target, Role.STARTED)
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
        newer = self._state_after(there, entry, arrival)
        if any(e.task == "monitor" and e.rc == NOT_RUNNING and e.interval_ms == 0 for e in later):
            # Seen stopped here later: nothing dangles.
            found.role = Role.STOPPED
            return
        if arrival is not None and arrival.outcome is not OperationOutcome.PENDING:
            if arrival.rc == OK:
                found.role = Role.STOPPED
                if not self._was_started_again(later):
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

    def _was_started_again(self, later: list[HistoryEntry]) -> bool:
        return any(e.task == "start" for e in later)

    def _state_after(
        self, there: list[HistoryEntry], entry: HistoryEntry, arrival: HistoryEntry | None
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

    # Failures

    def _failure(
        self,
        found: Found,
        rsc: Resource,
        node: Node,
        entry: HistoryEntry,
        rc: int,
        is_probe: bool,
    ) -> None:
        work, task = self._work, entry.task
        on_fail, _ = on_fail_of(work, rsc, task, entry.interval_ms)
        is_ignored = on_fail is OnFail.IGNORE
        work.failed_entries.append((rsc, node, entry, is_ignored))
        found.pending_task = ""
        is_timeout = entry.outcome is OperationOutcome.TIMED_OUT
        if is_ignored and (is_timeout or rc not in HARD):
            # The failure does not count: the operation is taken as done.
            found.is_failure_ignored = True
            self._success(found, rsc, node, entry, _expected(entry), [])
            found.is_failed = False
            return
        if is_probe and rc in (INVALID, NOT_INSTALLED):
            # What cannot even be asked for does not run.
            found.role = Role.STOPPED
            self._ban(rsc, node, "probe-failed", entry)
            return
        if is_timeout:
            # Whatever the exit status says, it is only that nobody waited for the real one.
            pass
        elif rc == NOT_CONFIGURED and task != "stop":
            for each in work.nodes:
                self._ban(rsc, each, "not-configured", entry)
        elif rc in HARD and not (rc == NOT_IMPLEMENTED and entry.interval_ms):
            self._ban(rsc, node, "hard-failure", entry)
        found.last_failure = entry
        found.is_failed = True
        match task:
            case "stop":
                if on_fail is OnFail.RESTART_CONTAINER:
                    # The container's restart takes it down.
                    found.role = Role.STOPPED
                    found.on_fail = on_fail
                    found.is_failed = False
                    return
                found.has_stop_failed = True
                self._ban(rsc, node, "stop-failed", entry)
            case "promote":
                found.role = Role.PROMOTED
            case "demote":
                if on_fail is OnFail.BLOCK:
                    found.role = Role.PROMOTED
                elif rc == NOT_RUNNING:
                    found.role = Role.STOPPED
                else:
                    found.role = Role.UNPROMOTED
            case "migrate_from" | "migrate_to":
                self._failed_migration(found, rsc, node, entry)
        if rc == FAILED_PROMOTED:
            found.role = Role.PROMOTED
        if task != "migrate_to" and found.role < Role.STARTED:
            found.role = _active_role(rsc, found.role)
        if on_fail >= found.on_fail:
            found.on_fail = on_fail
        if on_fail is OnFail.STOP:
            found.next_role = Role.STOPPED

    def _failed_migration(
        self, found: Found, rsc: Resource, node: Node, entry: HistoryEntry
    ) -> None:
        """A migration failed: unless newer history says otherwise it may run on both sides."""
        if entry.task == "migrate_to":
            found.role = max(found.role, Role.STARTED)
            target = self._work.node_by_name.get(entry.migrate_target)
            if target is not None and target.is_online:
                there = self._entries(rsc, target)
                arrival = next((e for e in reversed(there) if e.task == "migrate_from"), None)
                if not self._state_after(there, entry, None) and arrival is None:
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

    def _ban(self, rsc: Resource, node: Node, code: str, entry: HistoryEntry) -> None:
        from paceline.scheduler.constraints import add_location_score

        clone = rsc.clone
        target = clone if clone is not None and not clone.is_unique else rsc
        add_location_score(
            self._work,
            target,
            node.name,
            MINUS_INFINITY,
            code,
            entry.operation_key or entry.entry_id,
        )

    # What the findings mean for resource and node

    def _settle(self, found: Found, rsc: Resource, node: Node) -> None:
        role = found.role
        if found.pending_task:
            rsc.pending_task = found.pending_task
        if (role > Role.STOPPED and not node.is_online and not node.in_maintenance) and (
            rsc.is_managed and not self._settle_offline(rsc, node)
        ):
            return
        if found.is_start_pending and role > Role.STOPPED:
            rsc.start_pending = True
        if found.is_failure_ignored:
            rsc.failure_ignored = True
        if found.is_dangling:
            rsc.dangling_on.append(node)
        if role > Role.STOPPED:
            self._active(found, rsc, node)
        elif found.on_fail is not OnFail.IGNORE:
            self._on_fail(found, rsc, node)
        if found.next_role is not Role.UNKNOWN:
            rsc.next_role = found.next_role

    def _settle_offline(self, rsc: Resource, node: Node) -> bool:
        """Something is thought to be active on a node that is not online: say whether it counts."""
        work = self._work
        if node.is_remote:
            if node.is_guest:
                # Whatever ran inside ends with the container.
                want_fencing(node, f"{rsc.id} is thought to be active there")
                return True
            if not work.options.fencing_enabled:
                return node.is_unclean
            connection = node.remote_resource
            if connection is not None and not connection.failed:
                # Taken back if the connection is placed: then it can be stopped in the usual way.
                node.is_unseen = True
            if not node.is_unclean:
                node.is_unclean = True
                node.fence_reason = f"{rsc.id} is thought to be active there"
            return True
        if work.options.fencing_enabled:
            if not node.is_unclean and not node.is_unseen:
                node.is_unclean = True
                node.fence_reason = node.fence_reason or f"{rsc.id} is thought to be active there"
            return True
        return node.is_unclean

    def _active(self, found: Found, rsc: Resource, node: Node) -> None:
        self._add_running(rsc, node, found.role)
        for other in found.also_on:
            self._add_running(rsc, other, Role.STARTED)
        if found.partial_target is not None:
            rsc.partial_source, rsc.partial_target = node, found.partial_target
            self._add_running(rsc, found.partial_target, Role.STARTED)
        rsc.failed_nodes[node.name] = found.on_fail
        if found.has_stop_failed:
            rsc.stop_failed = True
        if found.is_failed and found.on_fail is not OnFail.IGNORE:
            rsc.failed = True
        self._on_fail(found, rsc, node)

    def _add_running(self, rsc: Resource, node: Node, role: Role) -> None:
        if node not in rsc.running_on:
            rsc.running_on.append(node)
            node.running.append(rsc)
        rsc.role_on[node.name] = role
        rsc.role = max(rsc.role, role)

    def _on_fail(self, found: Found, rsc: Resource, node: Node) -> None:
        if node.is_unclean and found.on_fail is not OnFail.FENCE:
            # It will be fenced, which recovers whatever failed there.
            return
        rsc.on_fail = max(rsc.on_fail, found.on_fail)
        match found.on_fail:
            case OnFail.DEMOTE | OnFail.RESTART:
                if found.role > Role.STOPPED:
                    rsc.failed = True
            case OnFail.BLOCK:
                rsc.is_managed = False
                rsc.blocked = True
            case OnFail.STOP:
                rsc.next_role = Role.STOPPED
                rsc.failed = rsc.failed or found.role > Role.STOPPED
            case OnFail.STANDBY:
                node.is_standby = node.is_standby_by_failure = True
            case OnFail.FENCE:
                if rsc.is_managed or found.role > Role.STOPPED:
                    want_fencing(node, f"{rsc.id} failed there")
            case OnFail.RESTART_CONTAINER:
                if rsc.container is not None:
                    rsc.container.failed = True
                    rsc.failed = found.role > Role.STOPPED
                    if rsc.bundle is not None:
                        rsc.container.restart_reason = f"{rsc.id} failed"
            case OnFail.RESET_REMOTE:
                self._reset_remote(rsc, node)

    def _reset_remote(self, rsc: Resource, node: Node) -> None:
        """The connection is lost: fence the node behind it, and wait before connecting again."""
        rsc.failed = True
        if reconnect_interval_ms(rsc):
            rsc.next_role = Role.STOPPED
        remote = self._work.node_by_name.get(rsc.id)
        if remote is None or not self._work.options.fencing_enabled:
            return
        if remote.status is not None and remote.status.is_fenced:
            return
        if not remote.is_unclean:
            remote.is_unclean = True
            remote.fence_reason = "remote connection is unrecoverable"
        remote.remote_needs_reset = True


def _active_role(rsc: Resource, role: Role) -> Role:
    if role > Role.STARTED:
        return role
    return Role.UNPROMOTED if rsc.is_promotable else Role.STARTED


def _expected(entry: HistoryEntry) -> int:
    if entry.task == "monitor" and entry.target_rc in (OK, RUNNING_PROMOTED, NOT_RUNNING):
        return entry.target_rc
    return OK


def _order(entry: HistoryEntry) -> tuple[int, int, int]:
    """Sort by call id; what is under way comes by its time, at the end."""
    call = entry.call_id if entry.call_id >= 0 else LAST
    is_last_failure = 0 if "_last_failure_" in entry.entry_id else 1
    return (call, entry.last_rc_change_ms, is_last_failure)


def finish_state(work: Work) -> None:
    """Decide what several activities of one resource mean, after all histories were read."""
    for top in work.resources:
        for rsc in top.primitives():
            if not rsc.is_managed:
                for where in rsc.running_on:
                    work.score(rsc, where.name, INFINITY, "unmanaged", rsc.id)
            if rsc.is_fence_device or rsc.is_remote_connection or rsc.fillers:
                _keep_off_remote_nodes(work, rsc)
            if _is_to_be_stopped_everywhere(rsc):
                rsc.next_role = Role.STOPPED
            if rsc.partial_target is not None and len(rsc.running_on) > 2:
                rsc.partial_source = rsc.partial_target = None
            if (len(rsc.running_on) > 1 and rsc.partial_target is None and rsc.is_managed) and (
                rsc.multiple_active == "block" and not rsc.is_remote_connection
            ):
                rsc.is_managed = False
                rsc.blocked = True
                _block_companions(rsc)


def _is_to_be_stopped_everywhere(rsc: Resource) -> bool:
    """Say whether it runs more than once and is not wanted back after the stops."""
    return (
        rsc.multiple_active == "stop_only"
        and len(rsc.running_on) > 1
        and rsc.partial_target is None
        and rsc.is_managed
    )


def _keep_off_remote_nodes(work: Work, rsc: Resource) -> None:
    """Fence devices and connections run on cluster members only, and so do guest nodes.

    The containers of a bundle are no guests of that kind: they may run on remote nodes.
    """
    is_guest = rsc.bundle is None and any(each.is_remote_connection for each in rsc.fillers)
    if not (rsc.is_fence_device or rsc.is_remote_connection or is_guest):
        return
    for node in work.nodes:
        if node.is_remote and node.name in rsc.scores:
            work.score(rsc, node.name, MINUS_INFINITY, "members-only", rsc.id)


def _block_companions(rsc: Resource) -> None:
    """In a group or bundle the others are left alone too."""
    parent = rsc.parent
    if parent is not None and parent.kind is Kind.GROUP:
        for child in parent.children:
            child.is_managed = False
            child.blocked = True


__all__ = ["Found", "HistoryReader", "finish_state", "role_of_word"]
