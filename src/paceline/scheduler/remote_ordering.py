"""Phase: what happens on a remote or guest node is tied to the connection to that node.

Everything on such a node goes through its connection, so it needs the connection up. What is
stopped there is stopped before the connection is closed, if the connection works now; if it works
only after it was opened elsewhere, the stop waits for that; if it never will work again, only
fencing stops what runs there. A guest node adds its container: what ran inside comes back when the
container comes back, and counts as stopped when the container failed.
"""

from paceline.scheduler.actions import tie
from paceline.scheduler.remote import ConnectionState, connection_state
from paceline.scheduler.work import Action, Node, Resource, Role, Tie, Work


def order_remote_actions(work: Work) -> None:
    """Tie every action on a remote or guest node to the node's connection."""
    if not any(node.is_remote for node in work.nodes):
        return
    states = {
        node.name: connection_state(node.remote_resource)
        for node in work.nodes
        if node.remote_resource is not None
    }
    for rsc in work.primitives():
        for action in list(rsc.actions):
            node = action.node
            if action.task == "clear_failcount" and rsc.is_remote_connection:
                for start in rsc.actions_of("start"):
                    tie(action, start, Tie.ORDER)
                continue
            if node is None or node.remote_resource is None or node.remote_resource is rsc:
                continue
            if action.task == "cancel":
                continue
            if action.task == "start":
                _stay_until_connected(rsc, node)
            if node.is_guest:
                _order_inside_guest(node, action)
            else:
                _order_on_remote(node, action, states[node.name])


def _stay_until_connected(rsc: Resource, node: Node) -> None:
    """What moves to the node leaves its old one only when the connection is there."""
    connection = node.remote_resource
    if connection is None:
        return
    for stop in rsc.actions_of("stop"):
        if stop.node is not node:
            for start in connection.actions_of("start"):
                tie(start, stop, Tie.ORDER)


def _after_start(of: Resource, action: Action, flags: int = 0) -> None:
    for start in of.actions_of("start"):
        # While it migrates it is not interrupted, so nothing has to be done again.
        kind = 0 if start.is_migratable else flags
        tie(start, action, Tie.ORDER | Tie.BLOCKS | kind)


def _before_stop(action: Action, connection: Resource, flags: int = 0) -> None:
    for stop in connection.actions_of("stop"):
        kind = 0 if stop.is_migratable else flags
        tie(action, stop, Tie.ORDER | kind)


def _order_inside_guest(node: Node, action: Action) -> None:
    connection = node.remote_resource
    if connection is None or connection.container is None:
        return
    container = connection.container
    match action.task:
        case "start" | "promote":
            _after_start(container, action, Tie.FIRST_REQUIRES_THEN)
            _after_start(connection, action)
        case "stop" | "demote":
            if not container.failed:
                _before_stop(action, connection)
        case _:
            _after_start(connection, action, Tie.FIRST_REQUIRES_THEN if action.interval_ms else 0)


def _order_on_remote(node: Node, action: Action, state: ConnectionState) -> None:
    connection = node.remote_resource
    if connection is None:
        return
    match action.task:
        case "start" | "promote":
            is_failed = state is ConnectionState.FAILED
            _after_start(connection, action, Tie.FIRST_REQUIRES_THEN if is_failed else 0)
        case "stop" if state is ConnectionState.FAILED:
            # Only fencing stops it, and fencing needs no connection.
            return
        case "stop":
            if state is ConnectionState.ALIVE or connection.next_role is Role.STOPPED:
                _before_stop(action, connection, Tie.THEN_REQUIRES_FIRST)
            else:
                _after_start(connection, action)
        case "demote":
            if state in (ConnectionState.MIGRATING, ConnectionState.UNKNOWN):
                _after_start(connection, action)
        case _ if action.interval_ms:
            _after_start(connection, action, Tie.FIRST_REQUIRES_THEN)
        case _:
            if state is ConnectionState.STOPPED and connection.running_on:
                _before_stop(action, connection, Tie.BLOCKS)
            else:
                _after_start(connection, action)


__all__ = ["order_remote_actions"]
