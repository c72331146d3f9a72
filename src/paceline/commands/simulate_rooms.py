"""What nodes have room for, and what resources use of it: for reports of utilization."""

from collections.abc import Mapping

from msgspec import Struct

from paceline.scheduler.utilization import is_used
from paceline.scheduler.work import Work


class Room(Struct, frozen=True, kw_only=True):
    """What a node has in all, and what is left of it after the plan."""

    node: str
    original: Mapping[str, int]
    remaining: Mapping[str, int]


class Use(Struct, frozen=True, kw_only=True):
    """What a resource uses, and where."""

    node: str
    amounts: Mapping[str, int]


class Rooms(Struct, frozen=True, kw_only=True):
    """All nodes in their order, and the resources that use something by their ids."""

    nodes: tuple[Room, ...]
    uses: Mapping[str, Use]


def rooms_of(work: Work) -> Rooms:
    """Return who uses what; also where the strategy does not care."""
    uses = {
        str(rsc.id): Use(node=str(rsc.assigned.name), amounts=rsc.utilization)
        for rsc in work.primitives()
        if rsc.utilization and rsc.assigned is not None
    }
    used: dict[str, dict[str, int]] = {}
    for use in uses.values():
        there = used.setdefault(use.node, {})
        for name, amount in use.amounts.items():
            there[name] = there.get(name, 0) + amount
    rooms = []
    for node in work.nodes:
        taken = used.get(node.name, {})
        left = node.free if is_used(work) else _minus(node.free, taken)
        whole = _minus(left, {name: -amount for name, amount in taken.items()})
        rooms.append(Room(node=str(node.name), original=whole, remaining=left))
    return Rooms(nodes=tuple(rooms), uses=uses)


def _minus(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {name: amount - right.get(name, 0) for name, amount in left.items()}


def amounts_text(amounts: Mapping[str, int]) -> str:
    """Return `cpu=4 memory=512`, by name."""
    return " ".join(f"{name}={amount}" for name, amount in sorted(amounts.items()))
