"""Names for things, kept apart by type so that one cannot be passed for another."""

from typing import NewType

NodeName = NewType("NodeName", str)
"""A node's name as in the configuration (`uname`); also remote and guest nodes have one."""

NodeId = NewType("NodeId", int)
"""A cluster member's Corosync node id, 1 to 2**31 - 1."""

ResourceId = NewType("ResourceId", str)
"""The id of a resource; of an instance as in `WebService:0`."""

ActionId = NewType("ActionId", int)
"""A planned action's number, unique within its plan."""

OperationId = NewType("OperationId", str)
"""One run of an agent, unique over all nodes and boots: `NODE/BOOT/INCARNATION/NUMBER`."""

RequestId = NewType("RequestId", str)
"""A client's name for one request; asked again with it, the same answer comes."""
