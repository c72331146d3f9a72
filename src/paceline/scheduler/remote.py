"""Phase: remote and guest nodes are as their connection is.

A guest's connection lives in a container resource; the node is online while the connection runs
and neither it nor its container failed.
"""

from paceline.scheduler.nodes import read_wishes
from paceline.scheduler.work import Node, Role, Work


def settle_remote_node(work: Work, node: Node) -> None:
    """Set a remote or guest node's state from the history of its connection."""
    rsc = node.remote_resource
    state = node.status
    if state is not None:
        node.is_remote_fenced = state.is_fenced
        node.remote_maintenance = state.in_maintenance
    node.is_unseen = False
    if rsc is None:
        node.is_online = False
        return
    container = rsc.container
    is_active = bool(rsc.running_on) and rsc.role > Role.STOPPED
    node.is_online = is_active
    if is_active:
        if not node.remote_needs_reset:
            node.is_unclean = False
        host = rsc.running_on[0]
        if not host.is_online and not host.is_unclean:
            node.is_online = False
    if rsc.next_role is Role.STOPPED and is_active:
        node.is_shutting_down = True
    if rsc.failed or (container is not None and container.failed):
        node.is_online = False
        if container is not None and container.failed:
            node.remote_needs_reset = True
    elif not is_active and not rsc.start_pending:
        node.is_online = False
    elif container is not None and container.role is Role.STOPPED:
        node.is_online = False
        node.remote_needs_reset = False
    elif rsc.running_on and rsc.running_on[0].is_unclean and len(rsc.running_on) == 1:
        node.is_online = False
        node.remote_needs_reset = True
    read_wishes(node)


def suspect_lost_remotes(work: Work) -> None:
    """A remote node whose connection cannot be had again, with things active there, is unclean."""
    if not work.options.fencing_enabled:
        return
    for node in work.nodes:
        rsc = node.remote_resource
        if not node.is_remote or node.is_guest or rsc is None:
            continue
        if rsc.assigned is not None or node.is_unclean or node.is_remote_fenced:
            continue
        lost = [each for each in rsc.running_on if each.is_unclean or not each.is_online]
        if lost and not node.running:
            node.is_unclean = True
            node.fence_reason = "resources are in unknown state and connection is unrecoverable"
        elif node.running and (lost or rsc.failed or not rsc.running_on):
            node.is_unclean = True
            node.fence_reason = "resources are active but connection is unrecoverable"
