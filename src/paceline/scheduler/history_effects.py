"""Phase history: what the findings about one resource on one node mean for both.

The role becomes the resource's, an unreachable node on which something is thought to be active is
unclean, and the failure that was found leads to what its `on-fail` says. At the end, when all
histories were read, `finish_state` looks at resources that are active more than once.
"""

from msgspec import Struct

from paceline.model.scores import INFINITY, MINUS_INFINITY
from paceline.model.status import HistoryEntry
from paceline.scheduler.failures import reconnect_interval_ms
from paceline.scheduler.remote import want_fencing
from paceline.scheduler.work import Kind, Node, OnFail, Resource, Role, Work


class Found(Struct):
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
    also_on: list[Node] = []


def settle(work: Work, found: Found, rsc: Resource, node: Node) -> None:
    """Take what was found over into the resource and the node."""
    role = found.role
    if found.pending_task:
        rsc.pending_task = found.pending_task
    if (role > Role.STOPPED and not node.is_online and not node.in_maintenance) and (
        rsc.is_managed and not _settle_offline(work, rsc, node)
    ):
        return
    if found.is_start_pending and role > Role.STOPPED:
        rsc.start_pending = True
    if found.is_failure_ignored:
        rsc.failure_ignored = True
    if found.is_dangling:
        rsc.dangling_on.append(node)
    if role > Role.STOPPED:
        _active(work, found, rsc, node)
    elif found.on_fail is not OnFail.IGNORE:
        _on_fail(work, found, rsc, node)
    if found.next_role is not Role.UNKNOWN:
        rsc.next_role = found.next_role


def _settle_offline(work: Work, rsc: Resource, node: Node) -> bool:
    """Something is thought to be active on a node that is not online: say whether it counts."""
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


def _active(work: Work, found: Found, rsc: Resource, node: Node) -> None:
    add_running(rsc, node, found.role)
    for other in found.also_on:
        add_running(rsc, other, Role.STARTED)
    if found.partial_target is not None:
        rsc.partial_source, rsc.partial_target = node, found.partial_target
        add_running(rsc, found.partial_target, Role.STARTED)
    rsc.failed_nodes[node.name] = found.on_fail
    if found.has_stop_failed:
        rsc.stop_failed = True
    if found.is_failed and found.on_fail is not OnFail.IGNORE:
        rsc.failed = True
    _on_fail(work, found, rsc, node)


def add_running(rsc: Resource, node: Node, role: Role) -> None:
    """Note that the resource is active on a node."""
    if node not in rsc.running_on:
        rsc.running_on.append(node)
        node.running.append(rsc)
    rsc.role_on[node.name] = role
    rsc.role = max(rsc.role, role)


def _on_fail(work: Work, found: Found, rsc: Resource, node: Node) -> None:
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
            _reset_remote(work, rsc)


def _reset_remote(work: Work, rsc: Resource) -> None:
    """The connection is lost: fence the node behind it, and wait before connecting again."""
    rsc.failed = True
    if reconnect_interval_ms(rsc):
        rsc.next_role = Role.STOPPED
    remote = work.node_by_name.get(rsc.id)
    if remote is None or not work.options.fencing_enabled:
        return
    if remote.status is not None and remote.status.is_fenced:
        return
    if not remote.is_unclean:
        remote.is_unclean = True
        remote.fence_reason = "remote connection is unrecoverable"
    remote.remote_needs_reset = True


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
        # A remote node that is but listed, as no connection leads there, is never usable anyway.
        is_mere_entry = rsc.is_fence_device and node.remote_resource is None
        if node.is_remote and node.name in rsc.scores and not is_mere_entry:
            work.score(rsc, node.name, MINUS_INFINITY, "members-only", rsc.id)


def _block_companions(rsc: Resource) -> None:
    """Where the whole group asks for that, its other members are left alone too."""
    parent = rsc.parent
    if parent is not None and parent.kind is Kind.GROUP and parent.multiple_active == "block":
        for child in parent.children:
            child.is_managed = False
            child.blocked = True
