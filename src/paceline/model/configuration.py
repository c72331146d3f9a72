"""The configuration as typed values: a CIB's `<configuration>`, references resolved.

`cib.read` makes these from XML; the scheduler and the commands read them. Order is the order of the
file throughout, because it decides ties. Words are kept as written where the scheduler interprets
them (meta attributes, options); scores and times that have one meaning are parsed.
"""

from msgspec import Struct

from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.plan import Agent


class NodeExpression(Struct, frozen=True, gc=False, kw_only=True):
    """A condition on a node attribute; `value_source` is literal, param or meta."""

    attribute: str
    operation: str
    value: str | None = None
    value_type: str = ""
    value_source: str = "literal"


class DateSpec(Struct, frozen=True, gc=False, kw_only=True):
    """Calendar fields with the range each must be in, as (field, lowest, highest or None)."""

    ranges: tuple[tuple[str, int, int | None], ...]


class DateExpression(Struct, frozen=True, gc=False, kw_only=True):
    """A condition on the time. `operation` is gt, lt, in_range or date_spec."""

    operation: str
    start_ms: int | None = None
    end_ms: int | None = None
    spec: DateSpec | None = None


class ResourceExpression(Struct, frozen=True, gc=False, kw_only=True):
    """A condition on the agent that defaults are for; None matches any."""

    agent_class: str | None = None
    provider: str | None = None
    agent_type: str | None = None


class OperationExpression(Struct, frozen=True, gc=False, kw_only=True):
    """A condition on the operation that defaults are for; an interval of None matches any."""

    name: str
    interval_ms: int | None = None


class Rule(Struct, frozen=True, gc=False, kw_only=True):
    """Conditions joined by `and` or `or` (`is_and`); for locations also a score and a role."""

    id: str
    is_and: bool = True
    expressions: tuple["Expression", ...] = ()
    score: int | None = None
    score_attribute: str = ""
    role: str = ""


Expression = NodeExpression | DateExpression | ResourceExpression | OperationExpression | Rule


class AttributeSet(Struct, frozen=True, gc=False, kw_only=True):
    """One set of name and value pairs; it counts only while `rule` holds; higher score first."""

    id: str
    pairs: tuple[tuple[str, str], ...]
    score: int = 0
    rule: Rule | None = None


class ConfiguredNode(Struct, frozen=True, gc=False, kw_only=True):
    """A `<node>`: `kind` is member or remote; `score` is what every resource starts with there."""

    id: str
    name: NodeName
    kind: str = "member"
    score: int = 0
    attributes: tuple[AttributeSet, ...] = ()
    utilization: tuple[AttributeSet, ...] = ()


class Operation(Struct, frozen=True, gc=False, kw_only=True):
    """An `<op>`: `attributes` are all XML attributes other than id, name and interval."""

    id: str
    name: str
    interval_ms: int = 0
    interval: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    meta: tuple[AttributeSet, ...] = ()
    parameters: tuple[AttributeSet, ...] = ()


class Primitive(Struct, frozen=True, gc=False, kw_only=True):
    """A `<primitive>` with its template, if any, merged in (its own values first)."""

    id: ResourceId
    agent: Agent
    template: str = ""
    parameters: tuple[AttributeSet, ...] = ()
    meta: tuple[AttributeSet, ...] = ()
    utilization: tuple[AttributeSet, ...] = ()
    operations: tuple[Operation, ...] = ()


class Group(Struct, frozen=True, gc=False, kw_only=True):
    """A `<group>`: members in order, each colocated with and started after the one before."""

    id: ResourceId
    members: tuple[Primitive, ...]
    parameters: tuple[AttributeSet, ...] = ()
    meta: tuple[AttributeSet, ...] = ()


class Clone(Struct, frozen=True, gc=False, kw_only=True):
    """A `<clone>` (or the old `<master>`, then `is_master_element`) of a primitive or a group."""

    id: ResourceId
    child: "Primitive | Group"
    parameters: tuple[AttributeSet, ...] = ()
    meta: tuple[AttributeSet, ...] = ()
    is_master_element: bool = False


class BundlePort(Struct, frozen=True, gc=False, kw_only=True):
    """A `<port-mapping>`: a port, or a range, of the container reached from outside."""

    id: str
    port: str = ""
    internal_port: str = ""
    port_range: str = ""


class BundleStorage(Struct, frozen=True, gc=False, kw_only=True):
    """A `<storage-mapping>`; with `source_root` each replica has a folder of its own below it."""

    id: str
    source: str = ""
    source_root: str = ""
    target: str = ""
    options: str = ""


class Bundle(Struct, frozen=True, gc=False, kw_only=True):
    """A `<bundle>`: replicas of a container, each with an address and a primitive inside, if given.

    `engine` is docker, podman or rkt; counts are 0 where the file does not say.
    """

    id: ResourceId
    engine: str
    image: str = ""
    replicas: int = 0
    replicas_per_host: int = 0
    promoted_max: int = 0
    run_command: str = ""
    options: str = ""
    network: str = ""
    has_network: bool = False
    address_start: str = ""
    netmask: str = ""
    control_port: str = ""
    host_interface: str = ""
    add_host: bool = True
    ports: tuple[BundlePort, ...] = ()
    storage: tuple[BundleStorage, ...] = ()
    child: Primitive | None = None
    meta: tuple[AttributeSet, ...] = ()


ConfiguredResource = Primitive | Group | Clone | Bundle


class ResourceSet(Struct, frozen=True, gc=False, kw_only=True):
    """A `<resource_set>` of a constraint, with tags resolved to resources."""

    id: str
    resources: tuple[ResourceId, ...]
    is_sequential: bool = True
    requires_all: bool = True
    action: str = ""
    role: str = ""
    score: int | None = None
    ordering: str = ""


class LocationConstraint(Struct, frozen=True, gc=False, kw_only=True):
    """A `<rsc_location>`: which nodes resources like. Either node and score, or rules."""

    id: str
    resources: tuple[ResourceId, ...]
    pattern: str = ""
    sets: tuple[ResourceSet, ...] = ()
    role: str = ""
    node: NodeName = NodeName("")
    score: int = 0
    rules: tuple[Rule, ...] = ()
    discovery: str = ""


class ColocationConstraint(Struct, frozen=True, gc=False, kw_only=True):
    """A `<rsc_colocation>`: `dependent` goes where `primary` is; or sets."""

    id: str
    dependent: ResourceId = ResourceId("")
    primary: ResourceId = ResourceId("")
    dependent_role: str = ""
    primary_role: str = ""
    score: int = 0
    node_attribute: str = ""
    influence: str = ""
    sets: tuple[ResourceSet, ...] = ()


class OrderConstraint(Struct, frozen=True, gc=False, kw_only=True):
    """A `<rsc_order>`: `first` before `then`; or sets. Words are empty where not given."""

    id: str
    first: ResourceId = ResourceId("")
    then: ResourceId = ResourceId("")
    first_action: str = ""
    then_action: str = ""
    kind: str = ""
    score: str = ""
    symmetrical: str = ""
    requires_all: bool = True
    sets: tuple[ResourceSet, ...] = ()


class TicketConstraint(Struct, frozen=True, gc=False, kw_only=True):
    """A `<rsc_ticket>`: what happens to the resource when the site does not hold the ticket."""

    id: str
    ticket: str
    resource: ResourceId = ResourceId("")
    role: str = ""
    loss_policy: str = ""
    sets: tuple[ResourceSet, ...] = ()


Constraint = LocationConstraint | ColocationConstraint | OrderConstraint | TicketConstraint


class FencingLevel(Struct, frozen=True, gc=False, kw_only=True):
    """A `<fencing-level>`: devices tried together for a target; exactly one target form is set."""

    id: str
    index: int
    devices: tuple[ResourceId, ...]
    target: str = ""
    target_pattern: str = ""
    target_attribute: str = ""
    target_value: str = ""


class Tag(Struct, frozen=True, gc=False, kw_only=True):
    """A `<tag>`: a name for several elements."""

    id: str
    references: tuple[str, ...]


class Configuration(Struct, frozen=True, gc=False, kw_only=True):
    """A whole configuration.

    `options` are the cluster properties' sets, the one Pacemaker prefers first. `epoch` is
    (admin_epoch, epoch, num_updates). `root` holds the attributes of the `<cib>` element.
    """

    epoch: tuple[int, int, int] = (0, 0, 0)
    root: tuple[tuple[str, str], ...] = ()
    options: tuple[AttributeSet, ...] = ()
    resource_defaults: tuple[AttributeSet, ...] = ()
    operation_defaults: tuple[AttributeSet, ...] = ()
    nodes: tuple[ConfiguredNode, ...] = ()
    resources: tuple[ConfiguredResource, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    fencing_levels: tuple[FencingLevel, ...] = ()
    tags: tuple[Tag, ...] = ()
    templates: tuple[ResourceId, ...] = ()

    def find_root(self, name: str) -> str | None:
        """Return an attribute of the `<cib>` element, None where it has none."""
        return next((value for key, value in self.root if key == name), None)
