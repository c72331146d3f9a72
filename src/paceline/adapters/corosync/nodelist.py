"""The node list of corosync.conf, read from cmap."""

import re
from dataclasses import dataclass

from paceline.adapters.corosync.cmap import Cmap
from paceline.model.identifiers import NodeId, NodeName
from paceline.replica.events import NodesConfigured

NODE_PREFIX = "nodelist.node."
RELOAD_KEY = "config.totemconfig_reload_in_progress"
_NODE_KEY = re.compile(r"nodelist\.node\.(\d+)\.(nodeid|name|ring0_addr|quorum_votes)")
_ADDRESS = re.compile(r"[0-9.]+|[0-9a-fA-F:.%]*:[0-9a-fA-F:.%a-z]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeList:
    """The configured nodes with their votes, sorted by node id."""

    configured: NodesConfigured
    votes: tuple[tuple[NodeId, int], ...]
    device_votes: int
    is_two_node: bool


def is_reloading(cmap: Cmap) -> bool:
    """Say whether Corosync is in the midst of reading its configuration again."""
    return bool(cmap.find(RELOAD_KEY))


def read_node_list(cmap: Cmap, local: NodeId, host_name: str) -> NodeList:
    """Return the node list. Raises CorosyncError.

    A node's name is its `name`, else its first address where that is a name, else (for the local
    node) the host's, else `Node` and its id: as Pacemaker names them.
    """
    entries: dict[int, dict[str, str]] = {}
    for key in cmap.keys(NODE_PREFIX):
        matched = _NODE_KEY.fullmatch(key)
        if matched:
            value = cmap.find(key)
            entries.setdefault(int(matched[1]), {})[matched[2]] = str(value or "")
    nodes: dict[NodeId, NodeName] = {}
    votes: dict[NodeId, int] = {}
    for _, entry in sorted(entries.items()):
        if not entry.get("nodeid", "").isdigit():
            continue
        node_id = NodeId(int(entry["nodeid"]))
        nodes[node_id] = _name(entry, host_name if node_id == local else "")
        votes[node_id] = int(entry.get("quorum_votes") or 1)
    return NodeList(
        configured=NodesConfigured(
            cluster_name=str(cmap.find("totem.cluster_name") or ""),
            nodes=tuple(sorted(nodes.items())),
        ),
        votes=tuple(sorted(votes.items())),
        device_votes=_number(cmap.find("quorum.device.votes")),
        is_two_node=_number(cmap.find("quorum.two_node")) == 1,
    )


def _name(entry: dict[str, str], host_name: str) -> NodeName:
    address = entry.get("ring0_addr", "")
    if entry.get("name"):
        return NodeName(entry["name"])
    if address and not _ADDRESS.fullmatch(address):
        return NodeName(address)
    return NodeName(host_name or f"Node{entry['nodeid']}")


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
