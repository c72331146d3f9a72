"""Phase: fencing. Nodes that may still run things although we cannot ask them are switched off.

Nothing that may run there starts elsewhere before that is confirmed. Without a way to fence, what
ran there is blocked. Fences run side by side unless `concurrent-fencing` says one by one; the
coordinator's own node comes last.
"""

import itertools

from paceline.scheduler.actions import cluster_action, pseudo, tie
from paceline.scheduler.primitives import order_shutdown
from paceline.scheduler.work import Action, Kind, Node, OnFail, Resource, Role, Tie, Work


def can_fence(work: Work, node: Node) -> bool:
    """Say whether the node may be fenced: fencing is on, there is a device, and we have the say."""
    if node.is_guest:
        return _can_stop_container(work, node)
    options = work.options
    if not options.fencing_enabled or not work.has_fence_device:
        return False
    if work.has_quorum or options.no_quorum_policy == "ignore":
        return True
    return node.is_online


def _can_stop_container(work: Work, node: Node) -> bool:
    """Say whether a guest can be fenced: its container's host is there, or is fenced itself."""
    connection = node.remote_resource
    container = connection.container if connection is not None else None
    if container is None:
        return False
    return all(host.is_online or can_fence(work, host) for host in container.running_on)


def make_fence_actions(work: Work) -> None:
    """Create the fencing of unclean nodes and the shutdown of leaving ones, and order them."""
    has_managed = any(rsc.is_managed for top in work.resources for rsc in top.walk())
    delays = _delays_ms(work)
    fences: list[Action] = []
    dc_fence: Action | None = None
    for node in work.nodes:
        if node.is_guest:
            if (node.is_unclean or node.remote_needs_reset) and can_fence(work, node):
                _fence_guest(work, node)
            continue
        if node.is_unclean:
            if not has_managed:
                continue
            if not can_fence(work, node):
                work.is_blocked = True
                continue
            fence = fence_action(work, node, work.options.fencing_action, node.fence_reason)
            fence.fence_delay_ms = delays.get(node.name, 0)
            _imply_stops(work, node, fence)
            if node.is_dc:
                dc_fence = fence
            else:
                fences.append(fence)
        elif node.is_online and node.is_shutting_down and not node.is_remote:
            order_shutdown(work, node)
    _order_fences(work, fences, dc_fence)
    _note_unclean(work)


def _delays_ms(work: Work) -> dict[str, int]:
    """Return whose fencing is delayed by `priority-fencing-delay`, and by how much.

    When half of the members or more are out of reach, the others may be about to fence us: the
    delay gives the side with the more significant resources the better chance. A node weighs what
    the priorities of the resources on it add up to, 1 more for each that is promoted and has one;
    what failed counts nothing. The heaviest of the lost is shot late, if nobody here is heavier.
    """
    delay_ms = work.options.fencing_delay_ms
    members = [node for node in work.nodes if not node.is_remote]
    lost = [node for node in members if not node.is_online or node.is_unclean]
    if delay_ms <= 0 or 2 * len(lost) < len(members):
        return {}
    weights = _weights(work, members)
    heaviest = max(weights.values())
    if heaviest == min(weights.values()):
        return {}
    return {
        node.name: delay_ms
        for node in members
        if not node.is_online and weights[node.name] >= heaviest
    }


def _weights(work: Work, members: list[Node]) -> dict[str, int]:
    """Return by node what is active on it adds up to; what is in a guest counts for its host."""
    weights = {str(node.name): 0 for node in members}
    for rsc in work.primitives():
        if not rsc.priority:
            continue
        for node in rsc.running_on:
            if rsc.failed_nodes.get(node.name, OnFail.IGNORE) is not OnFail.IGNORE:
                continue
            is_promoted = rsc.role_on.get(node.name) is Role.PROMOTED
            connection = node.remote_resource
            container = connection.container if connection is not None else None
            for host in container.running_on if container is not None else [node]:
                if host.name in weights:
                    weights[host.name] += rsc.priority + is_promoted
    return weights


def _fence_guest(work: Work, node: Node) -> None:
    """A guest node is fenced by stopping its container; what ran inside is then stopped."""
    connection = node.remote_resource
    container = connection.container if connection is not None else None
    if container is None:
        return
    stops = [each for each in container.actions_of("stop") if not each.is_optional]
    if not stops and container.running_on:
        stops = container.actions_of("stop")
    if not stops and connection is not None:
        # The container is down already: then the connection's end is all there is to wait for.
        stops = connection.actions_of("stop")
    point = pseudo(work, "guest-fenced")
    point.node = node
    point.always_in_graph = True
    point.require("container stopped")
    for stop in stops:
        # A fencing of its host, where that was looked at before, stands for the container's stop.
        fence = work.fences.get(stop.node.name) if stop.node is not None else None
        tie(fence or stop, point, Tie.ORDER)
    for rsc in work.primitives():
        for action in rsc.actions:
            if action.node is node and action.task in ("stop", "demote"):
                _imply(action, point)
            elif (
                action.task in ("start", "promote")
                and action.node is not None
                and (rsc is not container and rsc is not connection)
            ):
                _wait_for_fence(work, rsc, action, node, point)


def fence_action(work: Work, node: Node, task: str, reason: str) -> Action:
    """Return the fencing of a node."""
    known = work.fences.get(node.name)
    if known is not None:
        return known
    action = Action(task, None, node, 0, "fence")
    action.require(reason or "unclean")
    action.facts = (("why", reason),)
    work.fences[node.name] = action
    work.actions.append(action)
    return action


def _imply_stops(work: Work, node: Node, fence: Action) -> None:
    """What ran on the node counts as stopped once it is fenced; starts wait for that."""
    for rsc in work.primitives():
        for action in rsc.actions:
            if action.node is node and action.task in ("stop", "demote"):
                _imply(action, fence)
            elif action.task in ("start", "promote") and action.node is not None:
                _wait_for_fence(work, rsc, action, node, fence)


def _imply(action: Action, fence: Action) -> None:
    action.is_pseudo = True
    rsc = action.resource
    if (rsc is not None and rsc.is_managed) or (rsc is not None and rsc.blocked):
        action.is_runnable = True
        action.require("fenced")
    elif not action.is_optional:
        action.is_runnable = True
    if action.reason in ("node-unclean", "node-offline"):
        action.reason = "fenced"
    if rsc is not None and rsc.bundle is not None and action.task == "demote":
        # Inside a bundle the stop that follows waits; being demoted changes nothing there.
        return
    if (
        rsc is None
        or rsc.requires in ("fencing", "unfencing")
        or action.node is None
        or (action.node.is_guest)
    ):
        tie(fence, action, Tie.ORDER)
        if action.task == "stop" and rsc is not None:
            # A bundle begins with its container's stop, which is what fences the guest.
            inside = rsc.clone if rsc.bundle is not None else None
            _begin_after_fence(inside or rsc.top, fence)


def _begin_after_fence(top: Resource, fence: Action) -> None:
    """A collective begins to stop when all its parts can: after the fencing that stops one."""
    begin = top.find_action("stop")
    if begin is not None:
        tie(fence, begin, Tie.ORDER)


def _wait_for_fence(work: Work, rsc: Resource, action: Action, node: Node, fence: Action) -> None:
    # What needs only quorum waits where the target may run it and was never asked.
    is_unknown_there = (
        rsc.requires == "quorum"
        and node.name not in rsc.known_on
        and node.name in rsc.scores
        and not _is_known_sibling(rsc, node)
    )
    if rsc.requires in ("fencing", "unfencing") or is_unknown_there:
        tie(fence, action, Tie.ORDER | Tie.BLOCKS)


def _is_known_sibling(rsc: Resource, node: Node) -> bool:
    clone = rsc.clone
    if clone is None or clone.is_unique:
        return False
    return any(
        node.name in each.known_on for each in clone.primitives() if each.agent_id == rsc.agent_id
    )


def _order_fences(work: Work, fences: list[Action], dc_fence: Action | None) -> None:
    if not work.options.is_fencing_concurrent:
        for first, then in itertools.pairwise(fences):
            tie(first, then, Tie.ORDER)
        if dc_fence is not None and fences:
            tie(fences[-1], dc_fence, Tie.ORDER)
    elif dc_fence is not None:
        for fence in fences:
            tie(fence, dc_fence, Tie.ORDER)
    dc = work.dc
    if dc is None:
        return
    shutdowns = [a for a in work.actions if a.task == "do_shutdown" and a.kind == "cluster"]
    for shutdown in shutdowns:
        if shutdown.node is dc:
            for fence in fences:
                tie(fence, shutdown, Tie.ORDER)
            for other in shutdowns:
                if other is not shutdown:
                    tie(other, shutdown, Tie.ORDER)
        elif dc_fence is not None:
            tie(shutdown, dc_fence, Tie.ORDER)


def _note_unclean(work: Work) -> None:
    for node in work.nodes:
        if node.is_unclean and not node.is_remote and node.name not in work.fences:
            work.note(
                "warning", "node-unclean", f"Node {node.name} is unclean and cannot be fenced",
                node=node.name,
            )  # fmt: skip


__all__ = ["Kind", "cluster_action", "make_fence_actions"]
