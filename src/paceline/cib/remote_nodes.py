"""Remote nodes and guest nodes in the tree: which there are, and the names that they take."""

from collections.abc import Iterator
from dataclasses import dataclass

from paceline.cib.nvsets import set_values
from paceline.cib.resources import agent_of, iterate_resources
from paceline.cib.tree import Element, nodes
from paceline.model.agent_name import AgentName

REMOTE_AGENT = AgentName(standard="ocf", provider="pacemaker", type="remote")
GUEST_OPTIONS = ("remote-addr", "remote-connect-timeout", "remote-port")
GUEST_NAME = "remote-node"


@dataclass(frozen=True, slots=True)
class RemoteNode:
    """A node without a daemon of its own: its name, its address, the resource that makes it."""

    name: str
    address: str
    resource: Element


def remote_nodes(root: Element) -> Iterator[RemoteNode]:
    """Yield the nodes that are connections of `ocf:pacemaker:remote`."""
    for element in iterate_resources(root):
        if element.tag == "primitive" and agent_of(element) == REMOTE_AGENT:
            name = element.get("id", "")
            address = set_values(element, "instance_attributes").get("server") or name
            yield RemoteNode(name, address, element)


def guest_nodes(root: Element) -> Iterator[RemoteNode]:
    """Yield the nodes that are resources with the meta attribute `remote-node`."""
    for element in iterate_resources(root):
        if element.tag == "primitive":
            meta = set_values(element, "meta_attributes")
            if name := meta.get(GUEST_NAME):
                yield RemoteNode(name, meta.get("remote-addr") or name, element)


def node_names(root: Element) -> frozenset[str]:
    """Return the names of all nodes, of whatever kind."""
    names = {node.get("uname", "") for node in nodes(root)}
    names.update(one.name for one in (*remote_nodes(root), *guest_nodes(root)))
    return frozenset(names)


def bundle_replicas(root: Element) -> Iterator[str]:
    """Yield the names of the nodes that bundles' replicas are: of those with a resource inside."""
    for bundle in iterate_resources(root):
        inside = bundle.find("primitive") if bundle.tag == "bundle" else None
        container = next((one for one in bundle if one.get("image")), None)
        if inside is None or container is None:
            continue
        count = container.get("replicas") or container.get("promoted-max") or "1"
        for number in range(int(count) if count.isdecimal() else 1):
            yield f"{bundle.get('id')}-{number}"


def taken_names(root: Element) -> frozenset[str]:
    """Return what no new node may be called or addressed by: ids, nodes' names and addresses."""
    known = (*remote_nodes(root), *guest_nodes(root))
    return node_names(root) | {one.address for one in known}
