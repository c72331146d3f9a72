"""Bundles: replicas of a container, each with an address, a connection and an instance inside.

A bundle of N replicas becomes N containers, N addresses (where it has a range of them), and, if
something runs inside, N connections to the guest nodes that the containers are, and a clone whose
instance number i may run only on guest node i. Containers are placed like a clone's instances; the
address goes with its container, the connection prefers it, the instance goes inside.
"""

from msgspec import Struct

from paceline.cib.read_attributes import parse_flag
from paceline.model.configuration import AttributeSet, Bundle, Clone, Operation, Primitive
from paceline.model.errors import InvariantError
from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.plan import Agent
from paceline.model.scores import INFINITY, MINUS_INFINITY
from paceline.scheduler.clones import place_instances
from paceline.scheduler.colocation import apply_one_to_one, apply_to_dependent, this_with
from paceline.scheduler.placement import place
from paceline.scheduler.resources import (
    add_colocation,
    add_instance,
    make_primitive,
    read_clone_options,
    read_meta,
    register,
)
from paceline.scheduler.work import Colocation, Kind, Node, Resource, Role, Work

CONTROL_PORT = "3121"
REMOTE_COMMAND = "/usr/sbin/pacemaker-remoted"
"""What runs in a container that brings no command of its own: the name is part of old digests."""
AUTHKEY = "/etc/pacemaker/authkey"
LOGS = "/var/log/pacemaker/bundles"
CONNECTION_SCORE = 10_000
"""How much a connection prefers its container's own node."""
INSTANCE_SCORE = 500
REPLICAS_MAX = 1000


class Replica(Struct):
    """One replica; address, connection, instance and node are None where it has none."""

    number: int
    container: Resource
    address: Resource | None
    connection: Resource | None
    instance: Resource | None
    node: Node | None


def make_bundle(work: Work, configured: Bundle) -> Resource | None:
    """Return the bundle with its replicas, None where its engine is not known."""
    if not configured.engine:
        return None
    bundle = Resource(configured.id, Kind.BUNDLE)
    bundle.configured = configured
    read_meta(work, bundle, configured.meta, None)
    register(work, bundle)
    count = replica_count(configured)
    bundle.clone_max = count
    bundle.clone_node_max = per_host(configured)
    bundle.is_unique = bundle.clone_node_max > 1
    bundle.is_interleaved = parse_flag(bundle.meta.get("interleave"), False)
    clone: Resource | None = None
    if configured.child is not None and has_connection(configured):
        clone = _inner_clone(work, bundle, configured, count)
    addresses = _addresses(configured, count)
    for number in range(count):
        bundle.replicas.append(_replica(work, bundle, configured, clone, number, addresses))
    if clone is not None:
        bundle.children.append(clone)
        bundle.is_promotable = clone.is_promotable
    return bundle


def replica_count(configured: Bundle) -> int:
    """Return how many replicas: as said, else as many as may be promoted, else one."""
    return min(REPLICAS_MAX, configured.replicas or configured.promoted_max or 1)


def per_host(configured: Bundle) -> int:
    """Return how many replicas a node may run.

    Only one, where they would be spoken to at the same address.
    """
    if configured.child is not None and not configured.address_start:
        return 1
    return max(1, configured.replicas_per_host)


def has_connection(configured: Bundle) -> bool:
    """Say whether the containers are guest nodes."""
    return bool(
        configured.child is not None and (configured.address_start or configured.control_port)
    )


def guest_names(configured: Bundle) -> list[NodeName]:
    """Return the names of the guest nodes that the bundle's containers are."""
    if not has_connection(configured):
        return []
    return [NodeName(f"{configured.id}-{n}") for n in range(replica_count(configured))]


def _inner_clone(work: Work, bundle: Resource, configured: Bundle, count: int) -> Resource:
    if not (configured.child is not None):
        raise InvariantError("set before this phase")
    is_promotable = configured.promoted_max > 0
    name = ResourceId(f"{configured.id}-{'master' if is_promotable else 'clone'}")
    pairs = [
        ("clone-max", str(count)),
        ("clone-node-max", str(per_host(configured))),
        ("globally-unique", "true" if per_host(configured) > 1 else "false"),
        ("ordered", "true"),
    ]
    if is_promotable:
        pairs += [("promotable", "true"), ("promoted-max", str(configured.promoted_max))]
    inner = Clone(
        id=name,
        child=configured.child,
        meta=(AttributeSet(id=f"{name}-meta", pairs=tuple(pairs)), *configured.meta),
    )
    clone = Resource(name, Kind.CLONE)
    clone.configured = inner
    clone.parent = bundle
    clone.bundle = bundle
    read_meta(work, clone, inner.meta, None)
    read_clone_options(work, clone, inner)
    register(work, clone)
    return clone


def _addresses(configured: Bundle, count: int) -> list[str]:
    start = configured.address_start
    if not start:
        return []
    head, dot, last = start.rpartition(".")
    if not dot or not last.isdecimal():
        return [start] * count
    return [f"{head}.{int(last) + n}" for n in range(count)]


def _monitor(id: str, interval: str, interval_ms: int) -> Operation:
    return Operation(
        id=f"{id}-monitor-{interval}", name="monitor", interval_ms=interval_ms, interval=interval
    )


def _replica(
    work: Work,
    bundle: Resource,
    configured: Bundle,
    clone: Resource | None,
    number: int,
    addresses: list[str],
) -> Replica:
    container = _container(work, bundle, configured, number, addresses)
    bundle.children.append(container)
    address: Resource | None = None
    if addresses:
        address = _address(work, bundle, configured, addresses[number])
        address.replica = number
        bundle.children.append(address)
        add_colocation(
            work, Colocation(f"bundle:{bundle.id}", INFINITY, address, container, influence=True)
        )
    connection: Resource | None = None
    instance: Resource | None = None
    node: Node | None = None
    if clone is not None:
        connection = _connection(work, bundle, configured, container, number, addresses)
        bundle.children.append(connection)
        wish = Colocation(
            f"bundle:{connection.id}", CONNECTION_SCORE, connection, container, influence=False
        )
        add_colocation(work, wish)
        instance = add_instance(work, clone, number)
        node = work.node_by_name.get(connection.id)
        for each in instance.walk():
            each.bundle = bundle
            each.replica = number
            # What it needs is needed where its container is.
            container.utilization, each.utilization = each.utilization, {}
        if node is not None:
            node.bundle = bundle
            node.remote_resource = connection
            connection.remote_node = node
            clone.scores[node.name] = 0
            instance.scores[node.name] = INSTANCE_SCORE
            work.explain_score(instance, node.name, INSTANCE_SCORE, "own-container", container.id)
    for part in (container, address, connection):
        if part is not None:
            part.bundle, part.replica = bundle, number
    return Replica(number, container, address, connection, instance, node)


def _container(
    work: Work, bundle: Resource, configured: Bundle, number: int, addresses: list[str]
) -> Resource:
    name = ResourceId(f"{configured.id}-{configured.engine}-{number}")
    primitive = Primitive(
        id=name,
        agent=Agent(agent_class="ocf", provider="heartbeat", agent_type=configured.engine),
        parameters=(
            AttributeSet(
                id=f"{name}-parameters",
                pairs=tuple(_container_parameters(configured, number, addresses)),
            ),
        ),
        operations=(_monitor(name, "60s", 60_000),),
    )
    return make_primitive(work, primitive, bundle)


def _container_parameters(
    configured: Bundle, number: int, addresses: list[str]
) -> list[tuple[str, str]]:
    """Return the container agent's parameters, word for word as old digests know them."""
    name = f"{configured.id}-{number}"
    options = " --restart=no" if configured.engine == "docker" else ""
    mounts: list[str] = []
    port = configured.control_port or CONTROL_PORT
    if addresses:
        options += f" -h {name}"
    options += " -e PCMK_stderr=1"
    if configured.network:
        options += f" --net={configured.network}"
    options += f" -e PCMK_remote_port={port}"
    storage = [(s.source, s.source_root, s.target, s.options) for s in configured.storage]
    if configured.child is not None:
        storage.append((AUTHKEY, "", AUTHKEY, ""))
        storage.append(("", LOGS, "/var/log", ""))
    for source, root, target, how in storage:
        if root:
            source = f"{root}/{name}"
            mounts.append(source)
        options += f" -v {source}:{target}" + (f":{how}" if how else "")
    options += _port_options(configured, number, addresses, port)
    if configured.options:
        options += f" {configured.options}"
    options += " "
    if addresses and configured.add_host:
        options += "".join(
            f" --add-host={configured.id}-{n}:{each}" for n, each in enumerate(addresses)
        )
    pairs = [
        ("image", configured.image),
        ("allow_pull", "true"),
        ("force_kill", "false"),
        ("reuse", "false"),
        ("run_opts", options),
    ]
    pairs.append(("mount_points", ",".join(mounts)))
    if configured.child is not None:
        pairs.append(("run_cmd", configured.run_command or REMOTE_COMMAND))
    elif configured.run_command:
        pairs.append(("run_cmd", configured.run_command))
    pairs.append(("monitor_cmd", "/bin/true"))
    return pairs


def _port_options(configured: Bundle, number: int, addresses: list[str], control: str) -> str:
    found = []
    mappings = [
        (each.port_range or each.port, each.port_range or each.internal_port or each.port)
        for each in configured.ports
    ]
    if configured.child is not None:
        mappings.append((control, control))
    for outer, inner in mappings:
        if addresses:
            found.append(f" -p {addresses[number]}:{outer}:{inner}")
        elif configured.network != "host":
            found.append(f" -p {outer}:{inner}")
    return "".join(found)


def _address(work: Work, bundle: Resource, configured: Bundle, address: str) -> Resource:
    name = ResourceId(f"{configured.id}-ip-{address}")
    pairs = [("ip", address)]
    if configured.host_interface:
        pairs.append(("nic", configured.host_interface))
    pairs.append(("cidr_netmask", configured.netmask or "32"))
    primitive = Primitive(
        id=name,
        agent=Agent(agent_class="ocf", provider="heartbeat", agent_type="IPaddr2"),
        parameters=(AttributeSet(id=f"{name}-parameters", pairs=tuple(pairs)),),
        operations=(_monitor(name, "60s", 60_000),),
    )
    return make_primitive(work, primitive, bundle)


def _connection(
    work: Work,
    bundle: Resource,
    configured: Bundle,
    container: Resource,
    number: int,
    addresses: list[str],
) -> Resource:
    name = ResourceId(f"{configured.id}-{number}")
    primitive = Primitive(
        id=name,
        agent=Agent(agent_class="ocf", provider="pacemaker", agent_type="remote"),
        parameters=(
            AttributeSet(
                id=f"{name}-parameters",
                pairs=(
                    ("addr", addresses[number] if addresses else "#uname"),
                    ("port", configured.control_port or CONTROL_PORT),
                ),
            ),
        ),
        meta=(
            AttributeSet(
                id=f"{name}-meta",
                pairs=(("internal_rsc", "true"), ("container", str(container.id))),
            ),
        ),
        operations=(
            Operation(
                id=f"{name}-monitor-30s",
                name="monitor",
                interval_ms=30_000,
                interval="30s",
                attributes=(("timeout", "30s"),),
            ),
            Operation(id=f"{name}-start-0", name="start", attributes=(("timeout", "60s"),)),
        ),
    )
    connection = make_primitive(work, primitive, bundle)
    connection.container = container
    connection.allow_migrate = False
    container.fillers.append(connection)
    return connection


# Placement


def place_bundle(work: Work, bundle: Resource) -> None:
    """Place all replicas: containers, what goes with them, and what is inside."""
    if not bundle.is_provisional or bundle.is_allocating:
        return
    bundle.is_allocating = True
    for each in this_with(bundle):
        if each.primary.is_provisional:
            place(work, each.primary)
    containers = [replica.container for replica in bundle.replicas]
    place_instances(work, bundle, containers, bundle.clone_max, bundle.clone_node_max)
    clone = next((child for child in bundle.children if child.kind is Kind.CLONE), None)
    for replica in bundle.replicas:
        _place_companions(work, replica)
    if clone is not None:
        place(work, clone)
    bundle.is_provisional = False
    bundle.is_allocating = False
    bundle.next_role = max((child.next_role for child in containers), default=Role.STOPPED)


def _place_companions(work: Work, replica: Replica) -> None:
    host = replica.container.assigned
    if replica.address is not None:
        place(work, replica.address)
    connection = replica.connection
    if connection is None:
        return
    if host is not None and host.remote_resource is not None:
        # A remote node is spoken to from one member only, also about the containers on it.
        nested = Colocation(
            f"nested:{connection.id}", INFINITY, connection, host.remote_resource, influence=True
        )
        add_colocation(work, nested)
    place(work, connection)
    if replica.instance is not None and replica.node is not None:
        # Where the container will not run the start inside is impossible (`ordering`).
        for each in replica.instance.walk():
            if replica.node.name in each.scores:
                work.score(each, replica.node.name, INFINITY, "container", replica.container.id)


def apply_bundle_colocation(
    work: Work, dependent: Resource, primary: Resource, c: Colocation
) -> None:
    """Apply a colocation with a bundle: with the nodes that its containers run on."""
    if primary.is_provisional or not dependent.is_provisional:
        return
    if c.dependent_role is Role.PROMOTED and dependent.is_bundle_container:
        # Who is promoted inside is decided later, among those that were placed.
        return
    if dependent.is_bundle_container:
        containers = [replica.container for replica in primary.replicas]
        apply_one_to_one(work, dependent, containers, c)
        return
    hosts: list[Resource] = []
    for replica in primary.replicas:
        if c.primary_role is Role.PROMOTED:
            inside = replica.instance
            if inside is None or inside.next_role is not Role.PROMOTED:
                continue
        if replica.container.assigned is not None:
            hosts.append(replica.container)
    if c.score >= INFINITY:
        allowed = {each.assigned.name for each in hosts if each.assigned is not None}
        for name in dependent.scores:
            if name not in allowed:
                dependent.scores[name] = MINUS_INFINITY
                work.explain_score(dependent, name, MINUS_INFINITY, "colocation", c.id)
        return
    for each in hosts:
        # The containers of the promoted were chosen already.
        role = Role.UNKNOWN if c.primary_role is Role.PROMOTED else c.primary_role
        plain = Colocation(
            c.id,
            c.score,
            c.dependent,
            each,
            dependent_role=c.dependent_role,
            primary_role=role,
            node_attribute=c.node_attribute,
            influence=c.influence,
        )
        apply_to_dependent(work, dependent, each, plain)
