"""Phase: probes. Where nothing at all is known of a resource on a node, it is asked for first.

A probe expects "not running". All probes of a resource (of a whole clone) come before any start of
it, and before the starts that wait for it.
"""

from paceline.cib.read_attributes import parse_flag
from paceline.scheduler.actions import get_action, tie
from paceline.scheduler.ordering import first_actions
from paceline.scheduler.work import Action, Kind, Node, Resource, Role, Tie, Work

NOT_RUNNING = 7
DISCOVERY_ATTRIBUTE = "resource-discovery-enabled"


def make_probes(work: Work) -> None:
    """Create the probes on every usable node, tied before the starts."""
    if not work.options.enable_startup_probes:
        return
    nodes = [node for node in work.nodes if can_probe(node)]
    for rsc in work.resources:
        _probe(work, rsc, nodes)


def can_probe(node: Node) -> bool:
    """Say whether the node is to be asked. A pending one will be, so starts wait for it.

    A remote or guest node may say by an attribute that nothing runs there unasked.
    """
    if node.is_remote and not parse_flag(node.attributes.get(DISCOVERY_ATTRIBUTE), True):
        return False
    return node.is_online and not node.is_unclean


def _probe(work: Work, rsc: Resource, nodes: list[Node]) -> None:
    if rsc.kind is Kind.CLONE and rsc.bundle is not None:
        _probe_replicas(work, rsc.bundle)
        return
    if rsc.kind is Kind.CLONE and not rsc.is_unique:
        _probe_clone(work, rsc, nodes)
        return
    if rsc.kind is Kind.PRIMITIVE:
        for node in nodes:
            if needs_probe(work, rsc, node, [rsc]):
                probe = probe_action(work, rsc, node)
                if rsc.is_remote_connection and rsc.container is not None and rsc.bundle:
                    # A running container that only stops is no reason to wait for its start.
                    waits = rsc.container.assigned is not None or not rsc.container.running_on
                    for start in first_actions(work, rsc.container, "start"):
                        tie(start, probe, Tie.ORDER | (Tie.BLOCKS if waits else 0))
                order_probe(work, probe, rsc.clone or rsc)
                if rsc.is_bundle_container:
                    _order_container_probe(probe, rsc)
        return
    for child in rsc.children:
        _probe(work, child, nodes)


def _order_container_probe(probe: Action, container: Resource) -> None:
    """What is inside starts once all containers to come were asked for; siblings share no node.

    Where several replicas may share a node the sibling need not wait.
    """
    bundle = container.bundle
    if bundle is None:
        return
    for child in bundle.children if container.assigned is not None else ():
        begin = child.find_action("start") if child.kind is Kind.CLONE else None
        if begin is not None:
            tie(probe, begin, Tie.ORDER)
    if bundle.is_unique:
        return
    for replica in bundle.replicas:
        start = replica.container.find_action("start", probe.node)
        if start is not None and replica.container is not container:
            tie(probe, start, Tie.ORDER)


def _probe_clone(work: Work, clone: Resource, nodes: list[Node]) -> None:
    """Of an anonymous clone one instance is probed on each node, whichever would be there."""
    if not clone.children:
        return
    members: dict[str, list[Resource]] = {}
    known_as_surplus: set[str] = set()
    for child in clone.children:
        for each in child.primitives():
            members.setdefault(each.agent_id, []).append(each)
            if child.is_removed:
                known_as_surplus.update(each.known_on)
    for siblings in members.values():
        for node in nodes:
            if node.name in known_as_surplus:
                # An instance beyond the clone's number was there: it is stopped, not asked for.
                continue
            if not needs_probe(work, siblings[0], node, siblings):
                continue
            on_node = [each for each in siblings if each.assigned is node]
            free = [each for each in siblings if each.assigned is None]
            rsc = (on_node or free or siblings)[0]
            probe = probe_action(work, rsc, node)
            order_probe(work, probe, clone)


def _probe_replicas(work: Work, bundle: Resource) -> None:
    """What runs inside a container is asked for only inside, while the container is up."""
    for replica in bundle.replicas:
        node, rsc = replica.node, replica.instance
        if node is None or rsc is None or not node.is_online or not can_probe(node):
            continue
        if node.name in rsc.known_on or rsc.history.get(node.name):
            continue
        connection = replica.connection
        if connection is None or connection.next_role is Role.STOPPED:
            continue
        if replica.container.role is Role.STOPPED:
            continue
        order_probe(work, probe_action(work, rsc, node), rsc)


def needs_probe(work: Work, rsc: Resource, node: Node, siblings: list[Resource]) -> bool:
    """Say whether the resource (any of its interchangeable instances) is unknown on the node."""
    if rsc.is_removed or (rsc.container is not None and not rsc.is_remote_connection):
        return False
    if node.bundle is not None:
        return False
    if node.is_remote and (rsc.is_fence_device or rsc.is_remote_connection):
        return False
    if node.is_guest and any(each.is_remote_connection for each in rsc.fillers):
        # A guest node runs no guest node.
        return False
    mode = rsc.discovery.get(node.name, "")
    if mode == "never" or (rsc.exclusive_discovery and mode != "exclusive"):
        return False
    for each in siblings:
        if node.name in each.known_on or node in each.running_on:
            return False
    if node.is_guest:
        return _guest_may_be_probed(work, rsc, node)
    return True


def _guest_may_be_probed(work: Work, rsc: Resource, node: Node) -> bool:
    connection = node.remote_resource
    if connection is None or connection.container is None:
        return True
    container = connection.container
    if container is rsc or rsc.container is not None:
        return False
    if Role.STOPPED in (container.role, container.next_role) or container.failed:
        return False
    return not (container.running_on and container.assigned not in container.running_on)


def probe_action(work: Work, rsc: Resource, node: Node) -> Action:
    """Return the required probe of a resource on a node."""
    probe = get_action(work, rsc, "monitor", node)
    probe.target_rc = NOT_RUNNING
    probe.require("not known there")
    return probe


def _is_same_member(one: Resource, other: Resource) -> bool:
    """Say whether two instances stand for the same configured primitive."""
    return one.configured is other.configured or one.agent_id == other.agent_id


def order_probe(work: Work, probe: Action, rsc: Resource) -> None:
    """Put the probe before every start of the resource (of all instances of a clone)."""
    for each in rsc.primitives():
        if (rsc.kind is Kind.CLONE and probe.resource is not None) and (
            not _is_same_member(each, probe.resource)
        ):
            continue
        kind = Tie.ORDER | Tie.BLOCKS
        if not probe.is_runnable and each.is_active():
            # What cannot be asked keeps a resource from starting, but stops none.
            kind = Tie.ORDER
        for action in each.actions:
            if action.task == "start":
                tie(probe, action, kind)
            elif (each is probe.resource and each.is_managed) and (
                action.node is probe.node and action.interval_ms
            ):
                tie(probe, action, Tie.ORDER)
