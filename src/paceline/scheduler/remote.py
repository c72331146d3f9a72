"""Phase: remote and guest nodes are as their connection is.

A guest's connection lives in a container resource; the node is online while the connection runs
and neither it nor its container failed.
"""

from enum import Enum, auto

from paceline.model.scores import MINUS_INFINITY
from paceline.scheduler.failures import reconnect_interval_ms
from paceline.scheduler.nodes import counts_as_unclean_unseen, read_wishes, wants_shutdown
from paceline.scheduler.work import Node, Resource, Role, Work


def is_connected(node: Node) -> bool:
    """Say whether the node's connection is known to be active, and the container if it has one."""
    connection = node.remote_resource
    if connection is None or connection.role <= Role.STOPPED:
        return False
    return connection.container is None or connection.container.role > Role.STOPPED


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
    if wants_shutdown(node):
        # It leaves when its connection is closed, after all on it was stopped.
        node.is_shutting_down = True
        rsc.next_role = Role.STOPPED
    if state is None and container is None and counts_as_unclean_unseen(work):
        # It may run anything: unless a connection finds out, it is fenced.
        node.is_unclean = True
        node.is_unseen = not rsc.failed
        node.fence_reason = "node has not been seen by the cluster"
    elif is_active:
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


def want_fencing(node: Node, reason: str) -> None:
    """Note that the node must be fenced; of a guest, that its container must restart."""
    node.is_unclean = True
    node.fence_reason = node.fence_reason or reason
    connection = node.remote_resource
    container = connection.container if connection is not None else None
    if container is not None:
        node.remote_needs_reset = True
        if container.is_managed:
            container.failed = True


def goes_with_container(rsc: Resource) -> bool:
    """Say whether it is beside its container: a connection, or a filler of what is no guest node.

    What fills a guest node is inside it instead; the parts of a bundle have rules of their own.
    """
    if rsc.container is None or rsc.bundle is not None:
        return False
    return rsc.is_remote_connection or guest_of(rsc.container) is None


def keep_fillers_inside(work: Work) -> None:
    """What says that its `container` is a guest node's runs inside that guest and nowhere else."""
    for top in work.resources:
        for rsc in top.walk():
            guest = None if rsc.is_remote_connection else guest_of(rsc.container)
            if guest is None:
                continue
            for name in rsc.scores:
                if name != guest.name:
                    work.score(rsc, name, MINUS_INFINITY, "container", guest.name)


def guest_of(container: Resource | None) -> Node | None:
    """Return the guest node that a container is, None where it is none."""
    if container is None:
        return None
    for filler in container.fillers:
        if filler.is_remote_connection and filler.remote_node is not None:
            return filler.remote_node
    return None


def expect_connected(node: Node) -> None:
    """The node's connection was placed: from here on it counts as online.

    What is active there can be asked then, so that alone is no reason to fence it.
    """
    node.is_online = True
    if node.is_unseen:
        node.is_unclean = False


class ConnectionState(Enum):
    """What can be done over the connection to a remote node, now that it is placed.

    ALIVE      it works, and goes on or moves
    MIGRATING  it is half-way through a migration
    UNKNOWN    it is not up, but will be
    STOPPED    it is closed for good
    FAILED     it, or the node it runs on, failed, and nobody can open it again
    """

    ALIVE = auto()
    MIGRATING = auto()
    UNKNOWN = auto()
    STOPPED = auto()
    FAILED = auto()


def connection_state(connection: Resource) -> ConnectionState:
    """Return what can be done over a connection."""
    host = connection.running_on[0] if connection.running_on else None
    if connection.next_role is Role.STOPPED or connection.assigned is None:
        if host is not None and host.is_unclean:
            return ConnectionState.FAILED
        if not connection.failed:
            return ConnectionState.STOPPED
        if _awaits_reconnection(connection):
            return ConnectionState.UNKNOWN
        return ConnectionState.FAILED
    if host is None or host.is_unclean or not host.is_online:
        return ConnectionState.UNKNOWN
    if connection.partial_target is not None and len(connection.running_on) > 1:
        return ConnectionState.MIGRATING
    return ConnectionState.ALIVE


def _awaits_reconnection(connection: Resource) -> bool:
    """Say whether its node was fenced and the time of the next attempt has not come yet."""
    node = connection.remote_node
    return (
        node is not None
        and node.is_remote_fenced
        and not node.is_shutting_down
        and reconnect_interval_ms(connection) > 0
    )


def suspect_lost_remotes(work: Work) -> None:
    """A remote node that nobody can connect to any more may still run things: it needs fencing."""
    if not work.options.fencing_enabled:
        return
    for node in work.nodes:
        connection = node.remote_resource
        if node.is_guest or connection is None or not node.is_remote:
            continue
        if connection_state(connection) is not ConnectionState.FAILED:
            continue
        node.remote_needs_reset = connection.is_managed
        if not node.is_unclean:
            node.is_unclean = True
            node.fence_reason = "the connection is unrecoverable"
