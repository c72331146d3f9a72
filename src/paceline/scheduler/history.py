"""Phase: the current state, rebuilt from each node's operation history.

For each resource and node the entries are looked at in the order in which they happened. The last
successful start, stop, promote, demote or migration decides the role there; a failure is judged
against the exit status that was expected, and what it leads to (`on-fail`) is kept until a later
success clears it.

Which resource a name in the history stands for is decided in `history_names`, what half-done
migrations mean in `history_migrations`, what a finding means for resource and node in
`history_effects`.
"""

from paceline.model.scores import MINUS_INFINITY
from paceline.model.status import HistoryEntry, OperationOutcome
from paceline.scheduler.digests import digest_of
from paceline.scheduler.failures import (
    FailCounts,
    effective_count,
    on_fail_of,
    reconnect_interval_ms,
)
from paceline.scheduler.history_effects import Found, settle
from paceline.scheduler.history_migrations import HistoryIndex, Migrations
from paceline.scheduler.history_names import HistoryNames
from paceline.scheduler.work import Node, OnFail, Resource, Role, Work

OK, ERROR, INVALID, NOT_IMPLEMENTED, NO_PRIVILEGE, NOT_INSTALLED, NOT_CONFIGURED = range(7)
NOT_RUNNING, RUNNING_PROMOTED, FAILED_PROMOTED = 7, 8, 9
DEGRADED, DEGRADED_PROMOTED = 190, 191
HARD = (INVALID, NOT_IMPLEMENTED, NO_PRIVILEGE, NOT_INSTALLED)
"""Exit statuses after which the same node is not tried again."""
STATES = (OK, NOT_RUNNING, RUNNING_PROMOTED)
"""Exit statuses that say how the resource is; any other is a failure, whatever was expected."""

LAST = 2**62
"""Sorts an operation under way after all that have ended."""


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
        self._index: HistoryIndex = {}
        for node in work.nodes:
            by_name: dict[str, list[HistoryEntry]] = {}
            if node.status is not None:
                for entry in node.status.history:
                    by_name.setdefault(entry.resource, []).append(entry)
                for entries in by_name.values():
                    if len(entries) > 1:
                        entries.sort(key=_order)
            self._index[node.name] = by_name
        self._names = HistoryNames(work)
        self._migrations = Migrations(work, self._index)

    def read_node(self, node: Node) -> None:
        """Take in the whole history of one node."""
        work = self._work
        for name, entries in self._index[node.name].items():
            target = self._names.find(node, name, entries)
            if target is not None:
                self._take(target, node, entries)
        if node.status is not None:
            for name, since_ms in node.status.shutdown_locks:
                rsc = work.by_id.get(name)
                if rsc is not None:
                    rsc.lock_node, rsc.lock_ms = node, since_ms

    # One resource on one node

    def _take(self, rsc: Resource, node: Node, entries: list[HistoryEntry]) -> None:
        rsc.history[node.name] = entries
        found = Found()
        for entry in entries:
            self._entry(found, rsc, node, entry, entries)
        if found.is_known:
            rsc.known_on[node.name] = node
        settle(self._work, found, rsc, node)

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
            self.counts.forgive(rsc, node)
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
        """Say whether the failure was with parameters that have changed since, secret ones too."""
        from paceline.scheduler.parameters import operation_parameters

        if "_last_failure_" not in entry.entry_id or not entry.digest or rsc.is_removed:
            return False
        if not rsc.is_managed:
            return False
        if entry.task not in ("start", "monitor"):
            return False
        if rsc.is_bundle_container:
            return False
        parameters = operation_parameters(self._work, rsc, node, entry.task, entry.interval_ms)
        return digest_of(parameters) != entry.digest

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
            if not is_ok or self._counts.raw(rsc, node):
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
                # Until its end is known it runs here.
                found.role = max(found.role, Role.STARTED)
            case "stop" | "migrate_from":
                pass
        if task == "migrate_from":
            found.role = max(found.role, Role.STARTED)
            found.is_start_pending = False
        found.pending_task = task
        if is_probe:
            found.pending_task = "monitor"
            rsc.pending_node = node

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
                self._migrations.take_departure(found, rsc, node, entry, entries)
        if clears and found.on_fail not in (OnFail.STOP, OnFail.FENCE, OnFail.STANDBY):
            if found.on_fail is OnFail.RESET_REMOTE and reconnect_interval_ms(rsc):
                return
            found.on_fail = OnFail.IGNORE
            found.is_failed = False
            found.next_role = Role.UNKNOWN

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
                self._migrations.take_failure(found, rsc, node, entry)
        if rc == FAILED_PROMOTED:
            found.role = Role.PROMOTED
        if task != "migrate_to" and found.role < Role.STARTED:
            found.role = _active_role(rsc, found.role)
        if on_fail >= found.on_fail:
            found.on_fail = on_fail
        if on_fail is OnFail.STOP:
            found.next_role = Role.STOPPED

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
