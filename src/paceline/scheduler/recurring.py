"""Phase: recurring monitors, in the role and on the node they are for; and what has changed.

A monitor without a role, or for the role that was decided, runs where the resource will be, after
its start or promotion; one for the role Stopped runs on all other nodes. What does not fit any more
is cancelled: another role, another interval, disabled, not configured.

Then what ran is compared with what is configured, by digests of its parameters: a start with other
parameters means a restart, or a reload where the agent can do that (`reload_agents`, once it is
known that nothing restarts); a monitor with others is begun anew. Where another agent ran under the
name, that is stopped and forgotten first.
"""

from collections.abc import Sequence

from paceline.model.status import HistoryEntry
from paceline.scheduler.actions import get_action, tie
from paceline.scheduler.cleanup import clear_fail_count
from paceline.scheduler.digests import digest_of, only, without
from paceline.scheduler.failures import FailCounts, effective_count, find_operation, operation_meta
from paceline.scheduler.parameters import operation_parameters
from paceline.scheduler.work import Action, Kind, Node, Resource, Role, Tie, Work, role_of_word

FAKE_RESCHEDULE = "failure expired"


def make_recurring(work: Work, rsc: Resource, expired: set[tuple[str, str, str]]) -> None:
    """Create the recurring operations of one primitive and cancel those that do not fit now."""
    node = rsc.assigned
    if rsc.in_maintenance or (node is not None and node.in_maintenance):
        if (node is not None and rsc.next_role > Role.STOPPED) and (
            node.in_maintenance or node.can_run()
        ):
            _cancel_all(work, rsc, node)
        return
    if rsc.blocked:
        # It is left as it is: no new watch either.
        return
    counts: dict[tuple[str, int], int] = {}
    for operation in rsc.operations:
        key = (operation.name, operation.interval_ms)
        counts[key] = counts.get(key, 0) + 1
    for operation in rsc.operations:
        key = (operation.name, operation.interval_ms)
        if operation.interval_ms <= 0:
            continue
        if counts[key] > 1:
            # Nobody could tell their results apart, so neither runs.
            work.note("error", "duplicate-operation", f"{operation.id} is not unique", rsc=rsc.id)
            continue
        if operation.name in ("start", "stop", "promote", "demote", "migrate_to", "migrate_from"):
            continue
        meta = operation_meta(work, rsc, operation, operation.name, operation.interval_ms)
        is_enabled = meta.get("enabled", "true").lower() not in ("false", "no", "0", "off", "n")
        role = role_of_word(meta.get("role"))
        if role is Role.STOPPED:
            if is_enabled:
                _monitor_stopped(work, rsc, operation.name, operation.interval_ms)
            continue
        if is_enabled and node is not None and rsc.next_role > Role.STOPPED:
            _monitor_active(work, rsc, node, operation.name, operation.interval_ms, role, expired)
        elif is_enabled is False:
            for where in rsc.running_on:
                if find_entry(rsc, where, operation.name, operation.interval_ms) is not None:
                    action = cancel(
                        work, rsc, where, operation.name, operation.interval_ms, "disabled"
                    )
                    _order_cancel(rsc, action)


def _cancel_all(work: Work, rsc: Resource, node: Node) -> None:
    """In maintenance nothing is watched where it is to stay."""
    for operation in rsc.operations:
        if operation.interval_ms <= 0:
            continue
        if find_entry(rsc, node, operation.name, operation.interval_ms) is not None:
            cancel(work, rsc, node, operation.name, operation.interval_ms, "maintenance")


def _fits(rsc: Resource, role: Role) -> bool:
    """Say whether an operation for `role` runs in the role that was decided."""
    if role is Role.UNKNOWN:
        return rsc.next_role is not Role.PROMOTED
    if role is Role.STARTED:
        return not rsc.is_promotable
    return rsc.next_role is role


def _monitor_active(
    work: Work,
    rsc: Resource,
    node: Node,
    task: str,
    interval_ms: int,
    role: Role,
    expired: set[tuple[str, str, str]],
) -> None:
    entry = find_entry(rsc, node, task, interval_ms)
    if not _fits(rsc, role):
        start = rsc.find_action("start", node)
        # A restart ends it anyway; what is demoted first is not to be watched as promoted then.
        is_demoted = rsc.role is Role.PROMOTED and rsc.next_role is not Role.PROMOTED
        is_over = start is not None and not start.is_optional and not is_demoted
        if entry is not None and node in rsc.running_on and not is_over:
            action = cancel(work, rsc, node, task, interval_ms, "role")
            _order_cancel(rsc, action)
        return
    if not node.is_online and not node.is_remote:
        return
    action = get_action(work, rsc, task, node, interval_ms)
    if rsc.next_role is Role.PROMOTED:
        action.target_rc = 8
    if entry is None:
        action.require("not running yet")
    elif rsc.multiple_active == "stop_unexpected" and len(rsc.running_on) > 1:
        # The stops elsewhere may have hurt it: look again.
        action.require("unexpected activity elsewhere")
        for stop in rsc.actions_of("stop"):
            tie(stop, action, Tie.ORDER)
    elif (rsc.id, node.name, entry.entry_id) in expired:
        action.require(FAKE_RESCHEDULE)
    start = rsc.find_action("start", node)
    promote = rsc.find_action("promote", node)
    demote = rsc.find_action("demote", node)
    if start is not None:
        tie(start, action, Tie.ORDER | Tie.FIRST_REQUIRES_THEN | Tie.BLOCKS)
    if promote is not None and rsc.next_role is Role.PROMOTED:
        # Promoted anew it is watched as before.
        tie(promote, action, Tie.ORDER | Tie.BLOCKS)
    elif demote is not None:
        tie(demote, action, Tie.ORDER | Tie.BLOCKS)
    for each in rsc.actions:
        if each.task == "stop" and each.node is node:
            tie(each, action, Tie.ORDER)


def _order_cancel(rsc: Resource, action: Action) -> None:
    """Put a cancellation before what changes the role that the operation was for."""
    if rsc.role is Role.PROMOTED:
        task = "demote"
    else:
        task = {Role.PROMOTED: "promote", Role.STOPPED: "stop"}.get(rsc.next_role, "")
    for each in rsc.actions_of(task):
        tie(action, each, Tie.ORDER)


def _monitor_stopped(work: Work, rsc: Resource, task: str, interval_ms: int) -> None:
    """Monitors for the role Stopped run on every usable node where the resource is not to be."""
    if rsc.clone is not None and not rsc.is_unique:
        return
    for node in work.nodes:
        is_here = node is rsc.assigned
        entry = find_entry(rsc, node, task, interval_ms)
        if is_here:
            if entry is not None and node.is_online:
                action = cancel(work, rsc, node, task, interval_ms, "role")
                start = rsc.find_action("start", node)
                if start is not None:
                    tie(action, start, Tie.ORDER)
            continue
        if not node.is_online or node.is_unclean or node.is_pending:
            continue
        action = get_action(work, rsc, task, node, interval_ms)
        action.target_rc = 7
        if entry is None:
            action.require("not running yet")
        probe = rsc.find_action("monitor", node)
        if probe is not None and rsc.is_managed:
            tie(probe, action, Tie.ORDER | Tie.BLOCKS)
        for each in rsc.actions:
            if each.task == "stop" and each.node is node:
                tie(each, action, Tie.ORDER | Tie.FIRST_REQUIRES_THEN | Tie.BLOCKS)


def find_entry(rsc: Resource, node: Node, task: str, interval_ms: int) -> HistoryEntry | None:
    """Return the history's entry of a recurring operation, None where it does not run."""
    entries = rsc.history.get(node.name, ())
    found: HistoryEntry | None = None
    for each in entries[_first_of_this_life(entries) :] if entries else ():
        if each.task == task and each.interval_ms == interval_ms:
            if each.outcome in ("cancelled", "pending"):
                continue
            if "_last_failure_" in each.entry_id and found is not None:
                continue
            found = each
    return found


def _first_of_this_life(entries: Sequence[HistoryEntry]) -> int:
    """Return the index of the first entry since the resource was started there.

    Where the history has forgotten the start, a promotion or demotion stands for it. After a stop
    everything before it is over.
    """
    started = stopped = changed = -1
    for index, each in enumerate(entries):
        if each.task == "stop" and each.rc == 0:
            stopped = index
        elif each.task in ("start", "migrate_from"):
            started = index
        elif each.task in ("promote", "demote"):
            changed = index
    begun = started if started >= 0 else changed
    return max(0, begun, stopped + 1)


def cancel(
    work: Work, rsc: Resource, node: Node, task: str, interval_ms: int, reason: str
) -> Action:
    """Return the cancellation of a recurring operation."""
    key = ("cancel", interval_ms, f"{node.name}\0{task}")
    known = rsc.action_index.get(key)
    if known is not None:
        return known
    action = Action("cancel", rsc, node, interval_ms, "resource")
    action.cancels = task
    action.require(reason)
    rsc.action_index[key] = action
    rsc.actions.append(action)
    work.actions.append(action)
    if not node.is_online or node.is_unclean:
        action.block("node-offline")
    return action


def check_history(work: Work, rsc: Resource, counts: FailCounts) -> None:
    """Compare what ran with what is configured: changed parameters restart or reschedule."""
    if rsc.kind is not Kind.PRIMITIVE or not rsc.history:
        return
    _replace_other_agent(work, rsc)
    if rsc.next_role is Role.STOPPED and not rsc.is_removed:
        return
    for node in rsc.running_on:
        if rsc.is_removed or node.can_run() or (node.in_maintenance and node.is_online):
            _check_on(work, rsc, node, counts)


def _replace_other_agent(work: Work, rsc: Resource) -> None:
    """Where another agent ran under this name it is stopped, forgotten, and started anew."""
    if (rsc.is_removed and rsc.clone is None) or rsc.agent is None or rsc.in_maintenance:
        return
    for name, entries in rsc.history.items():
        node, entry = work.node_by_name[name], entries[0]
        same = (
            entry.agent_class == rsc.agent.agent_class
            and entry.provider == rsc.agent.provider
            and entry.agent_type == rsc.agent.agent_type
        )
        if same or not node.is_online or node.is_unclean or node.is_shutting_down:
            continue
        stop = rsc.find_action("stop", node)
        if not rsc.is_managed:
            continue
        delete = get_action(work, rsc, "delete", node)
        delete.require("another agent ran there")
        if stop is not None:
            stop.require("another agent ran there")
            tie(stop, delete, Tie.ORDER | Tie.BLOCKS)
        for each in _interchangeable(rsc):
            for elsewhere in each.actions_of("stop"):
                tie(elsewhere, delete, Tie.ORDER)
        for start in rsc.actions_of("start"):
            tie(delete, start, Tie.ORDER)


def _interchangeable(rsc: Resource) -> list[Resource]:
    """Return the resource, or all instances that it might as well be."""
    clone = rsc.clone
    if clone is None or clone.is_unique:
        return [rsc]
    return [each for each in clone.primitives() if each.agent_id == rsc.agent_id]


def _check_on(work: Work, rsc: Resource, node: Node, counts: FailCounts) -> None:
    entries = rsc.history.get(node.name, ())
    started = -1
    stopped = -1
    for each in entries:
        if each.task == "start" and each.rc == 0:
            started = each.call_id
        if each.task in ("migrate_from",) and each.rc == 0:
            started = each.call_id
        if each.task == "stop" and each.rc == 0:
            stopped = each.call_id
    for each in entries:
        is_changed_now = False
        if each.call_id < stopped and each.call_id >= 0:
            continue
        if each.interval_ms > 0:
            is_changed_now = _check_recurring(work, rsc, node, each)
        elif each.task in ("start", "promote", "migrate_from") or (
            each.task == "monitor"
            and each.rc in (0, 8)
            and started < each.call_id
            and each.rc != each.target_rc
        ):
            is_changed_now = _check_once(work, rsc, node, each)
        if is_changed_now and effective_count(work, counts, rsc, node):
            # What failed was another definition: the new one begins with a clean record.
            clear_fail_count(work, rsc, node, "its definition has changed")


def _check_recurring(work: Work, rsc: Resource, node: Node, entry: HistoryEntry) -> bool:
    """Cancel or reschedule a recurring operation; say whether its definition has changed."""
    operation = find_operation(rsc, entry.task, entry.interval_ms)
    if operation is None:
        if work.options.cancel_removed and not rsc.is_removed and node.is_online:
            gone = cancel(work, rsc, node, entry.task, entry.interval_ms, "not configured any more")
            for stop in rsc.actions_of("stop"):
                # If it restarts or moves, the stop has ended the operation already.
                tie(stop, gone, Tie.ORDER)
            return True
        return False
    action = rsc.find_action(entry.task, node, entry.interval_ms)
    if action is None or not action.is_optional:
        return False
    parameters = operation_parameters(work, rsc, node, entry.task, entry.interval_ms)
    if is_changed(parameters, entry):
        if _is_newest(rsc, node, entry):
            action.require("parameters changed")
        return True
    return False


def _is_newest(rsc: Resource, node: Node, entry: HistoryEntry) -> bool:
    """Say whether nothing later is on record of the operation: a failure may have passed."""
    return all(
        each.call_id <= entry.call_id
        for each in rsc.history.get(node.name, ())
        if each.task == entry.task and each.interval_ms == entry.interval_ms
    )


def is_changed(parameters: dict[str, str], entry: HistoryEntry) -> bool:
    """Say whether the operation's parameters differ from those it ran with."""
    if not entry.digest:
        return True
    if digest_of(parameters) == entry.digest:
        return False
    if entry.secure_digest and entry.position == 0:
        names = entry.secure_parameters.split()
        plain = without(_without_meta(parameters), names)
        if entry.agent_class == "stonith":
            plain = {n: v for n, v in plain.items() if not n.startswith("pcmk_")}
        return digest_of(plain) != entry.secure_digest
    return True


def _without_meta(parameters: dict[str, str]) -> dict[str, str]:
    return {n: v for n, v in parameters.items() if not n.startswith("CRM_meta_")}


def operation_only(rsc: Resource, task: str) -> list[str]:
    """Return the names of parameters that an operation alone has."""
    operation = find_operation(rsc, task, 0)
    if operation is None:
        return []
    return [name for each in operation.parameters for name, _ in each.pairs]


def _check_once(work: Work, rsc: Resource, node: Node, entry: HistoryEntry) -> bool:
    """Restart or reload what started with other parameters; say whether there are others."""
    if rsc.is_removed or "_last_failure_" in entry.entry_id:
        return False
    parameters = operation_parameters(work, rsc, node, entry.task, 0)
    if not is_changed(parameters, entry):
        return False
    if entry.restart_digest:
        names = [*entry.restart_parameters.split(), *operation_only(rsc, entry.task)]
        if digest_of(only(parameters, names)) == entry.restart_digest:
            if not rsc.failed and rsc.role > Role.STOPPED:
                rsc.reload_on = node
            return True
    rsc.restart_reason = "parameters changed"
    stop = rsc.find_action("stop", node)
    if stop is not None and rsc.is_managed:
        stop.require("parameters changed")
    return True


def reload_agents(work: Work) -> None:
    """Where only reloadable parameters changed and nothing restarts, reload instead."""
    for rsc in work.primitives():
        node = rsc.reload_on
        if node is None or not rsc.is_managed or rsc.assigned is not node:
            continue
        stop = rsc.find_action("stop", node)
        start = rsc.find_action("start", node)
        if rsc.failed or rsc.start_pending:
            # What may not be up yet cannot be told: it restarts.
            if stop is not None:
                stop.require("parameters changed")
            continue
        if (stop is not None and not stop.is_optional) or start is None or not start.is_optional:
            continue
        action = get_action(work, rsc, "reload-agent", node)
        action.require("parameters changed")
        for probe in rsc.actions_of("monitor"):
            tie(probe, action, Tie.ORDER)
        for each in rsc.actions:
            if each.task in ("stop",) or (each.task == "demote"):
                tie(action, each, Tie.ORDER)
            if each.interval_ms and each.task == "monitor" and each.node is node:
                tie(action, each, Tie.ORDER)
            if each.task == "start" and each.node is node:
                tie(action, each, Tie.ORDER)
