"""Phase: what each primitive must do to get from its current state to the decided one.

Staying resources get an optional stop and start too: if something they depend on restarts, those
become required (`spread`), and that is the restart.
"""

from paceline.scheduler.actions import cluster_action, get_action, tie
from paceline.scheduler.work import Action, Kind, Node, OnFail, Resource, Role, Tie, Work


def make_primitive_actions(work: Work, rsc: Resource) -> None:
    """Create the actions of one primitive, tied in their natural order."""
    chosen = rsc.assigned
    if rsc.next_role is Role.UNKNOWN:
        rsc.next_role = Role.STARTED if chosen is not None else Role.STOPPED
    if rsc.partial_target is not None and not _continues_migration(rsc):
        rsc.partial_source = rsc.partial_target = None
    needs_stop, reason = _needs_stop(work, rsc)
    stops, demotes = _down(work, rsc, needs_stop, reason)
    start, promote = _up(work, rsc, needs_stop, reason)
    _tie_own(stops, demotes, start, promote)
    if rsc.is_removed:
        _delete_removed(work, rsc)


def _continues_migration(rsc: Resource) -> bool:
    return (
        rsc.partial_target is rsc.assigned
        and rsc.partial_source in rsc.running_on
        and rsc.partial_target in rsc.running_on
        and len(rsc.running_on) == 2
    )


def _needs_stop(work: Work, rsc: Resource) -> tuple[bool, str]:
    """Return whether it must be stopped whatever comes then, and why."""
    chosen = rsc.assigned
    if not rsc.running_on:
        return False, ""
    if not rsc.is_managed and (not rsc.blocked or rsc.in_maintenance):
        return False, ""
    if rsc.wants_stop:
        return True, "its migration was not completed"
    nodes = rsc.running_on
    if _is_multiple(rsc) and rsc.multiple_active != "stop_unexpected":
        return True, "active on several nodes"
    current = rsc.partial_source or nodes[0]
    if chosen in nodes and not _is_multiple(rsc) and rsc.partial_target is None:
        current = chosen or current
    if chosen is not None and rsc.next_role > Role.STOPPED and current is not chosen:
        if rsc.multiple_active == "stop_unexpected" and chosen in nodes:
            return False, ""
        return True, "moving"
    if _is_unexpected_only(rsc):
        return False, ""
    if rsc.failed and rsc.on_fail not in (OnFail.IGNORE, OnFail.DEMOTE):
        return True, "failed"
    if rsc.failed and rsc.on_fail is OnFail.IGNORE and rsc.stop_failed:
        return True, "failed"
    if rsc.failed and rsc.on_fail is OnFail.IGNORE and rsc.container is None and rsc.fillers:
        return True, "failed"
    if rsc.blocked:
        return True, "blocked"
    return False, ""


def _is_unexpected_only(rsc: Resource) -> bool:
    """Say whether only activity where it should not be failed: that is stopped anyway."""
    node = rsc.assigned
    return (
        rsc.multiple_active == "stop_unexpected"
        and len(rsc.running_on) > 1
        and node is not None
        and rsc.failed_nodes.get(node.name) is OnFail.IGNORE
    )


def _is_multiple(rsc: Resource) -> bool:
    """Say whether it is active more than once; what needs no fencing counts clean nodes only."""
    if rsc.partial_target is not None:
        return False
    nodes = rsc.running_on
    if rsc.requires in ("nothing", "quorum"):
        nodes = [node for node in nodes if node.is_online and not node.is_unclean]
    return len(nodes) > 1


def _down(
    work: Work, rsc: Resource, needs_stop: bool, reason: str
) -> tuple[list[Action], list[Action]]:
    stops: list[Action] = []
    demotes: list[Action] = []
    if rsc.role <= Role.STOPPED and not rsc.dangling_on:
        return stops, demotes
    is_stopped_next = rsc.next_role <= Role.STOPPED or (
        needs_stop and rsc.multiple_active == "stop_only" and len(rsc.running_on) > 1
    )
    for node in rsc.running_on:
        must = needs_stop or is_stopped_next
        if (rsc.multiple_active == "stop_unexpected" and len(rsc.running_on) > 1) or (
            len(rsc.running_on) > 1 and rsc.partial_target is None
        ):
            must = must or node is not rsc.assigned
        if not rsc.is_managed and not rsc.blocked:
            must = False
        if rsc.role is Role.PROMOTED:
            demote = get_action(work, rsc, "demote", node)
            if (must or rsc.next_role < Role.PROMOTED or rsc.on_fail is OnFail.DEMOTE) and (
                rsc.is_managed or rsc.blocked
            ):
                demote.require(reason or "role")
            demotes.append(demote)
        stop = get_action(work, rsc, "stop", node)
        stop.is_extra = not needs_stop and len(rsc.running_on) > 1 and node is not rsc.assigned
        if must:
            stop.require(reason or "stopping")
        stops.append(stop)
    for node in rsc.dangling_on:
        if node not in rsc.running_on and rsc.is_managed:
            stop = get_action(work, rsc, "stop", node)
            stop.require("dangling migration")
            stop.is_dangle = True
            stops.append(stop)
    return stops, demotes


def _up(
    work: Work, rsc: Resource, needs_stop: bool, reason: str
) -> tuple[Action | None, Action | None]:
    chosen = rsc.assigned
    if rsc.next_role <= Role.STOPPED or chosen is None:
        return None, None
    if needs_stop and rsc.multiple_active == "stop_only" and len(rsc.running_on) > 1:
        return None, None
    start = get_action(work, rsc, "start", chosen)
    promote: Action | None = None
    is_here = chosen in rsc.running_on
    if rsc.is_managed:
        if rsc.role <= Role.STOPPED or needs_stop:
            start.require(reason or "starting")
        elif rsc.start_pending and is_here:
            start.require("start pending")
    if rsc.next_role is Role.PROMOTED:
        promote = get_action(work, rsc, "promote", chosen)
        if rsc.is_managed:
            was_promoted = rsc.role_on.get(chosen.name) is Role.PROMOTED
            if not was_promoted or needs_stop or (rsc.failed and rsc.on_fail is OnFail.DEMOTE):
                promote.require(reason or "promoting")
    return start, promote


def _tie_own(
    stops: list[Action], demotes: list[Action], start: Action | None, promote: Action | None
) -> None:
    for demote in demotes:
        for stop in stops:
            tie(demote, stop, Tie.ORDER | Tie.THEN_REQUIRES_FIRST_IF_PROMOTED)
        if promote is not None:
            tie(demote, promote, Tie.ORDER | Tie.FIRST_REQUIRES_THEN)
        if start is not None:
            tie(demote, start, Tie.ORDER)
    for stop in stops:
        if start is not None:
            kind = (
                Tie.ORDER
                if stop.is_dangle or stop.is_extra
                else (Tie.ORDER | Tie.FIRST_REQUIRES_THEN | Tie.RESTART | Tie.BLOCKS)
            )
            tie(stop, start, kind)
    if start is not None and promote is not None:
        tie(start, promote, Tie.ORDER | Tie.BLOCKS | Tie.FIRST_REQUIRES_THEN)


def _delete_removed(work: Work, rsc: Resource) -> None:
    """After a removed resource was stopped its history goes too.

    What failed keeps it until the stop has cleared that.
    """
    if not work.options.stop_removed or not rsc.is_managed or rsc.agent_id != rsc.id:
        return
    if rsc.failed:
        return
    for name in rsc.history:
        node = work.node_by_name[name]
        if not _keeps_history(node):
            continue
        delete = get_action(work, rsc, "delete", node)
        delete.require("removed")
        # Forgotten anywhere only once it runs nowhere, where that can be brought about.
        for stop in rsc.actions_of("stop"):
            tie(stop, delete, Tie.ORDER | (Tie.BLOCKS if stop.node is node else 0))


def _keeps_history(node: Node) -> bool:
    """Say whether the node is there to forget something, and will be after this plan."""
    if not node.is_online or node.is_unclean or node.is_pending:
        return False
    if node.is_standby or node.is_shutting_down:
        return False
    connection = node.remote_resource
    return connection is None or connection.assigned is not None


def order_shutdown(work: Work, node: Node) -> None:
    """A node that leaves is shut down after everything on it was stopped."""
    action = cluster_action(work, "do_shutdown", node)
    for rsc in work.primitives():
        for each in rsc.actions:
            if each.node is node and each.task in ("stop", "delete"):
                tie(each, action, Tie.ORDER | Tie.BLOCKS)


__all__ = ["Kind", "make_primitive_actions", "order_shutdown"]
