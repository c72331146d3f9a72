"""The engine: Corosync as everything above sees it. The simulator is the only other one."""

from collections.abc import Callable
from typing import Protocol

from paceline.model.identifiers import NodeId, NodeName
from paceline.replica.events import EngineEvent, NodesConfigured


class Engine(Protocol):
    """A connection to the distributed engine, kept up by itself.

    Events go to the handler given at construction, in the engine's order, never from inside
    `send`. When the engine dies it says `EngineLost`, tries again with its own pace, and says
    `EngineConnected` when it is back.
    """

    def send(self, payload: bytes) -> bool:
        """Queue one entry for the group; False where the bounded queue is full.

        Entries of any size up to `ENTRY_BYTES_MAX` go; larger ones raise ValueError.
        """
        ...

    def nodes(self) -> NodesConfigured:
        """Return the node list that the engine has (cmap `nodelist.node.*`, `totem.cluster_name`).

        Raises UnreachableError where the engine does not answer.
        """
        ...

    def local_node(self) -> tuple[NodeId, NodeName]:
        """Return this node's id and name. Raises UnreachableError."""
        ...

    def close(self) -> None:
        """Leave the group and let the connection go."""
        ...


EngineEventHandler = Callable[[EngineEvent | NodesConfigured], None]
"""Takes one engine event; it must not block."""

ENTRY_BYTES_MAX = 64 * 1024 * 1024
"""The largest entry: a state transfer of a cluster of 5000 resources, compressed, with room."""
