"""Phase: the resources, made from the configuration, with their meta attributes worked out.

Collectives get their children here: groups their members, clones as many instances as they may
have, bundles their replicas (`bundles`). What a resource does not say itself it inherits from what
holds it, then from the defaults.
"""

from paceline.cib.read_attributes import duration_ms_or, number_or, parse_flag, score_or
from paceline.model.configuration import (
    AttributeSet,
    Bundle,
    Clone,
    ConfiguredResource,
    Group,
    Operation,
    Primitive,
)
from paceline.model.errors import InvariantError
from paceline.model.identifiers import ResourceId
from paceline.model.plan import Agent
from paceline.model.scores import INFINITY
from paceline.scheduler.rules import RuleContext, pick_values
from paceline.scheduler.work import Colocation, Kind, Resource, Role, Work, role_of_word

INSTANCES_MAX = 10_000
"""The most instances of one clone; a larger clone-max is cut to it."""

GUEST_CONNECT_TIMEOUT = "60s"
FENCE_CLASS = "stonith"


def make_resources(work: Work) -> None:
    """Create every configured resource, and the connections of guest nodes."""
    for configured in work.snapshot.configuration.resources:
        rsc = make_resource(work, configured, None)
        if rsc is None:
            continue
        work.resources.append(rsc)
    for rsc in list(work.primitives()):
        _add_guest_connection(work, rsc)
        adopt_remote_node(work, rsc)
    for rsc in work.resources:
        for each in rsc.walk():
            _link_container(work, each)
    _colocate_with_containers(work)
    number = 0
    for rsc in work.resources:
        for each in rsc.walk():
            each.sort_index = number
            number += 1
    for rsc in work.primitives():
        if rsc.is_fence_device:
            work.has_fence_device = True
    if work.snapshot.status.has_watchdog_fencing:
        work.has_fence_device = True
    sort_resources(work)


def sort_resources(work: Work) -> None:
    """Put the resources in order of assignment: priority, else as configured."""
    work.resources.sort(key=lambda rsc: -rsc.priority)


def make_resource(
    work: Work, configured: ConfiguredResource, parent: Resource | None, number: int = -1
) -> Resource | None:
    """Return a resource with its children; `number` is the instance it belongs to, if any."""
    match configured:
        case Primitive():
            return make_primitive(work, configured, parent, number)
        case Group():
            return _make_group(work, configured, parent, number)
        case Clone():
            return _make_clone(work, configured)
        case Bundle():
            from paceline.scheduler.bundles import make_bundle

            return make_bundle(work, configured)


def instance_id(name: str, number: int) -> ResourceId:
    """Return the name of an instance, or the plain name outside clones."""
    return ResourceId(f"{name}:{number}" if number >= 0 else name)


def make_primitive(
    work: Work, configured: Primitive, parent: Resource | None, number: int = -1
) -> Resource:
    """Return a primitive; `parent` is what it inherits meta attributes from."""
    rsc = Resource(instance_id(configured.id, number), Kind.PRIMITIVE)
    rsc.configured = configured
    rsc.agent = configured.agent
    rsc.agent_id = configured.id
    rsc.parent = parent
    rsc.instance_number = number
    rsc.parameter_sets = configured.parameters
    rsc.operations = configured.operations
    rsc.is_fence_device = configured.agent.agent_class == FENCE_CLASS
    rsc.is_remote_connection = is_remote_agent(configured.agent)
    read_meta(work, rsc, configured.meta, parent)
    context = RuleContext(moment=work.moment, agent=rsc.agent)
    for name, value in pick_values(configured.utilization, context).items():
        rsc.utilization[name] = number_or(value, 0)
    if rsc.is_remote_connection:
        # A guest's goes with its container, which is opened anew wherever that is.
        is_guest = "container" in rsc.meta
        rsc.allow_migrate = parse_flag(rsc.meta.get("allow-migrate"), not is_guest)
    register(work, rsc)
    if rsc.is_fence_device and _provides_unfencing(work, rsc):
        rsc.provides_unfencing = True
        work.has_unfencing = True
    return rsc


def _provides_unfencing(work: Work, rsc: Resource) -> bool:
    return rsc.meta.get("provides") == "unfencing"


def is_remote_agent(agent: Agent) -> bool:
    """Say whether the agent is the connection to a remote node."""
    return (
        agent.agent_class == "ocf"
        and agent.provider == "pacemaker"
        and agent.agent_type == "remote"
    )


def register(work: Work, rsc: Resource) -> None:
    """Make the resource findable by its id."""
    work.by_id.setdefault(rsc.id, rsc)


def _make_group(
    work: Work, configured: Group, parent: Resource | None, number: int = -1
) -> Resource | None:
    if not configured.members:
        return None
    rsc = Resource(instance_id(configured.id, number), Kind.GROUP)
    rsc.configured = configured
    rsc.agent_id = configured.id
    rsc.parent = parent
    rsc.instance_number = number
    read_meta(work, rsc, configured.meta, parent)
    rsc.is_ordered = parse_flag(rsc.meta.get("ordered"), True)
    colocated = parse_flag(rsc.meta.get("collocated"), True)
    register(work, rsc)
    for member in configured.members:
        child = make_primitive(work, member, rsc, number)
        child.parameter_sets = (*member.parameters, *configured.parameters)
        if rsc.children and colocated:
            add_colocation(
                work,
                Colocation(f"group:{rsc.id}", INFINITY, child, rsc.children[-1], influence=None),
            )
        rsc.children.append(child)
    return rsc


def add_colocation(work: Work, colocation: Colocation) -> None:
    """Enter a colocation with both its resources."""
    work.colocations.append(colocation)
    colocation.dependent.this_with.append(colocation)
    colocation.primary.with_this.append(colocation)


def _make_clone(work: Work, configured: Clone) -> Resource | None:
    if isinstance(configured.child, Group) and not configured.child.members:
        return None
    rsc = Resource(configured.id, Kind.CLONE)
    rsc.configured = configured
    read_meta(work, rsc, configured.meta, None)
    read_clone_options(work, rsc, configured)
    register(work, rsc)
    for number in range(rsc.clone_max):
        add_instance(work, rsc, number)
    if rsc.clone_max == 0:
        # Its child must be known all the same: history may still name it.
        child = add_instance(work, rsc, 0)
        for each in child.walk():
            each.is_removed_filler = True
    return rsc


def read_clone_options(work: Work, rsc: Resource, configured: Clone) -> None:
    """Set the counts and habits of a clone from its meta attributes."""
    inner = _child_meta(work, configured)

    def word(name: str, *others: str) -> str | None:
        for each in (name, *others):
            if each in rsc.extra_meta:
                return rsc.extra_meta[each]
        for each in (name, *others):
            if each in inner:
                return inner[each]
        return next((rsc.meta[each] for each in (name, *others) if each in rsc.meta), None)

    def count(default: int, name: str, *others: str) -> int:
        return max(0, number_or(word(name, *others), default))

    rsc.is_promotable = configured.is_master_element or parse_flag(word("promotable"), False)
    rsc.clone_max = min(INSTANCES_MAX, count(max(1, _count_known_nodes(work)), "clone-max"))
    rsc.clone_node_max = count(1, "clone-node-max")
    rsc.is_unique = parse_flag(word("globally-unique"), rsc.clone_node_max > 1)
    if not rsc.is_unique:
        rsc.clone_node_max = min(1, rsc.clone_node_max)
    rsc.clone_min = count(0, "clone-min")
    rsc.is_ordered = parse_flag(word("ordered"), False)
    rsc.is_interleaved = parse_flag(word("interleave"), False)
    rsc.is_notified = parse_flag(word("notify"), False)
    if rsc.is_promotable:
        rsc.promoted_max = count(1, "promoted-max", "master-max")
        rsc.promoted_node_max = count(1, "promoted-node-max", "master-node-max")
    if "resource-stickiness" not in rsc.meta and "resource-stickiness" not in inner:
        rsc.extra_meta["resource-stickiness"] = "1"


def _count_known_nodes(work: Work) -> int:
    """Return how many nodes there are by now, as resources are read one after the other.

    A bundle's guest nodes are known once it was read, where `<nodes>` does not list them. What is
    left over of removed nodes does not count.
    """
    from paceline.scheduler.bundles import guest_names

    configuration = work.snapshot.configuration
    unread = {
        name
        for each in configuration.resources
        if isinstance(each, Bundle) and each.id not in work.by_id
        for name in guest_names(each)
    }
    unread.difference_update(node.name for node in configuration.nodes)
    return sum(not node.is_removed and node.name not in unread for node in work.nodes)


def _child_meta(work: Work, configured: Clone) -> dict[str, str]:
    child = configured.child
    context = RuleContext(moment=work.moment)
    return pick_values(child.meta, context)


def add_instance(work: Work, clone: Resource, number: int) -> Resource:
    """Create one instance of a clone and return it."""
    if not (isinstance(clone.configured, Clone)):
        raise InvariantError("set before this phase")
    child = make_resource(work, clone.configured.child, clone, number)
    if not (child is not None):
        raise InvariantError("set before this phase")
    for each in child.walk():
        each.is_unique = clone.is_unique
        each.is_notified = clone.is_notified
        each.is_promotable = clone.is_promotable
        if each.kind is Kind.PRIMITIVE and not clone.is_unique:
            each.agent_id = ResourceId(each.id.rpartition(":")[0])
        elif each.kind is Kind.PRIMITIVE:
            each.agent_id = each.id
        configured = clone.configured
        if each.kind is Kind.PRIMITIVE:
            each.parameter_sets = (*each.parameter_sets, *configured.parameters)
    clone.children.append(child)
    for each in child.walk():
        name = each.id.rpartition(":")[0]
        work.anon_ids.setdefault(name, clone)
    return child


def read_meta(
    work: Work, rsc: Resource, sets: tuple[AttributeSet, ...], parent: Resource | None
) -> None:
    """Work out the meta attributes: own, inherited, defaults; then what they say."""
    context = RuleContext(moment=work.moment, agent=rsc.agent)
    values = pick_values(sets, context)
    rsc.extra_meta = dict(values)
    holder = parent
    while holder is not None:
        for name, value in holder.extra_meta.items():
            values.setdefault(name, value)
        holder = holder.parent
    pick_values(work.snapshot.configuration.resource_defaults, context, into=values)
    if rsc.kind is Kind.CLONE or (parent is not None and parent.clone is not None):
        values.setdefault("resource-stickiness", "1")
    rsc.meta = values
    _use_meta(work, rsc, parent)


def _use_meta(work: Work, rsc: Resource, parent: Resource | None) -> None:
    get = rsc.meta.get
    rsc.priority = score_or(get("priority"), 0)
    rsc.critical = parse_flag(get("critical"), True)
    # Below zero it would drive the resource from node to node for ever: it counts as none.
    rsc.stickiness = max(0, score_or(get("resource-stickiness"), 0))
    rsc.migration_threshold = max(0, score_or(get("migration-threshold"), INFINITY))
    if rsc.migration_threshold == 0:
        rsc.migration_threshold = 0
    rsc.failure_timeout_ms = duration_ms_or(get("failure-timeout"), 0)
    rsc.allow_migrate = parse_flag(get("allow-migrate"), False)
    managed = get("is-managed")
    rsc.is_managed = parse_flag(managed, True)
    maintenance = parse_flag(get("maintenance"), False)
    if work.options.maintenance_mode:
        maintenance = True
    if maintenance:
        rsc.is_managed = False
        rsc.in_maintenance = True
    word = get("multiple-active", "stop_start")
    words = ("stop_start", "stop_only", "block", "stop_unexpected")
    rsc.multiple_active = word if word in words else "stop_start"
    rsc.target_role_word = get("target-role", "")
    rsc.requires = _requires(work, rsc, get("requires"))


def _requires(work: Work, rsc: Resource, word: str | None) -> str:
    """Return what must hold before it is started: nothing, quorum, fencing or unfencing."""
    if word is not None:
        word = word.lower()
    if rsc.is_fence_device:
        return "nothing" if word == "nothing" else "quorum"
    if word in ("nothing", "quorum"):
        return word
    if rsc.is_remote_connection:
        return "quorum"
    if word == "fencing":
        return "fencing" if work.options.fencing_enabled else "quorum"
    if word == "unfencing":
        return "unfencing" if work.options.fencing_enabled else "quorum"
    return "default"


def settle_requires(work: Work) -> None:
    """Replace the default of `requires`, which depends on whether any device unfences."""
    default = "quorum"
    if work.options.fencing_enabled:
        default = "unfencing" if work.has_unfencing else "fencing"
    for top in work.resources:
        for rsc in top.walk():
            if rsc.requires == "default":
                rsc.requires = default


def wanted_role(rsc: Resource) -> Role:
    """Return the role that `target-role` asks for, UNKNOWN where it asks for nothing special."""
    role = role_of_word(rsc.target_role_word)
    if role is Role.STARTED:
        return Role.UNKNOWN
    if role > Role.STARTED:
        clone = rsc.clone
        is_promotable = clone is not None and clone.is_promotable
        if not is_promotable:
            return Role.UNKNOWN
        if role is Role.PROMOTED:
            return Role.UNKNOWN
    return role


def _add_guest_connection(work: Work, rsc: Resource) -> None:
    """Create the connection resource of a guest node that `remote-node` names."""
    name = rsc.meta.get("remote-node")
    if not name or "remote-node" not in rsc.extra_meta or name in work.by_id:
        return
    get = rsc.meta.get
    timeout = get("remote-connect-timeout", GUEST_CONNECT_TIMEOUT)
    operations = (
        Operation(
            id=f"{name}-monitor-interval-30s",
            name="monitor",
            interval_ms=30_000,
            interval="30s",
            attributes=(("timeout", "30s"),),
        ),
        Operation(id=f"{name}-start-interval-0", name="start", attributes=(("timeout", timeout),)),
    )
    parameters = [("addr", get("remote-addr", "")), ("port", get("remote-port", ""))]
    meta = [("internal_rsc", "true"), ("container", str(rsc.id))]
    if "remote-allow-migrate" in rsc.meta:
        meta.append(("allow-migrate", rsc.meta["remote-allow-migrate"]))
    if "is-managed" in rsc.meta:
        meta.append(("is-managed", rsc.meta["is-managed"]))
    configured = Primitive(
        id=ResourceId(name),
        agent=Agent(agent_class="ocf", provider="pacemaker", agent_type="remote"),
        operations=operations,
        parameters=(
            AttributeSet(id=f"{name}-parameters", pairs=tuple(p for p in parameters if p[1])),
        ),
        meta=(AttributeSet(id=f"{name}-meta", pairs=tuple(meta)),),
    )
    connection = make_primitive(work, configured, None)
    work.resources.append(connection)


def adopt_remote_node(work: Work, rsc: Resource) -> None:
    """Tell a connection, or what holds one, which node it connects to."""
    connections = [rsc]
    name = rsc.meta.get("remote-node")
    if name and "remote-node" in rsc.extra_meta and name in work.by_id:
        connections.append(work.by_id[name])
    for each in connections:
        node = work.node_by_name.get(each.id)
        if each.is_remote_connection and node is not None and node.is_remote:
            node.remote_resource = each
            each.remote_node = node


def _link_container(work: Work, rsc: Resource) -> None:
    name = rsc.meta.get("container")
    if not name or rsc.container is not None:
        return
    if rsc.bundle is not None:
        return
    container = work.by_id.get(name)
    if container is not None and container is not rsc:
        rsc.container = container
        container.fillers.append(rsc)


def _colocate_with_containers(work: Work) -> None:
    """A connection, or what fills a container that is no guest node, goes where that goes."""
    from paceline.scheduler.remote import goes_with_container

    for top in work.resources:
        for rsc in top.walk():
            if rsc.container is None or not goes_with_container(rsc):
                continue
            with_it = Colocation(
                f"container:{rsc.id}", INFINITY, rsc, rsc.container, influence=True
            )
            add_colocation(work, with_it)
