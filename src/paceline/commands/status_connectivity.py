"""How well nodes are connected at best: what a ping resource sets where every host answers."""

from collections.abc import Iterator

from paceline.model.configuration import (
    Bundle,
    Clone,
    Configuration,
    ConfiguredResource,
    Group,
    Primitive,
)
from paceline.model.identifiers import NodeName
from paceline.model.state import NodeState

PING_AGENTS = ("ping", "pingd")
ATTRIBUTE_DEFAULT = "pingd"
Expected = dict[tuple[NodeName, str], int]


def expected_connectivity(configuration: Configuration, nodes: tuple[NodeState, ...]) -> Expected:
    """Return the full value of each attribute that a running ping resource sets, by node."""
    known: dict[str, tuple[str, int]] = {}
    for top in configuration.resources:
        for each in _primitives(top):
            if each.agent.agent_type in PING_AGENTS:
                known[each.id] = _full_value(each)
    if not known:
        return {}
    return {
        (node.name, known[name][0]): known[name][1]
        for node in nodes
        for name in (running.partition(":")[0] for running in node.running)
        if name in known
    }


def _full_value(primitive: Primitive) -> tuple[str, int]:
    values: dict[str, str] = {}
    for each in primitive.parameters:
        for name, value in each.pairs:
            values.setdefault(name, value)
    multiplier = values.get("multiplier", "")
    factor = int(multiplier) if multiplier.isdecimal() else 1
    hosts = values.get("host_list", "").split()
    return values.get("name") or ATTRIBUTE_DEFAULT, factor * len(hosts)


def _primitives(resource: ConfiguredResource) -> Iterator[Primitive]:
    match resource:
        case Primitive():
            yield resource
        case Group():
            yield from resource.members
        case Clone():
            yield from _primitives(resource.child)
        case Bundle():
            if resource.child is not None:
                yield resource.child
