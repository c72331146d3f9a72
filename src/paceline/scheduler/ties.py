"""Which constraints tie resources to nodes and to each other: for tools that show them."""

from msgspec import Struct

from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.snapshot import Snapshot
from paceline.scheduler.constraints import read_colocations, read_locations
from paceline.scheduler.reading import read_state
from paceline.scheduler.work import Colocation, Resource


class Wish(Struct, frozen=True, kw_only=True):
    """A location constraint's (or rule's) score for one node."""

    id: str
    node: NodeName
    score: int


class Tie(Struct, frozen=True, kw_only=True):
    """A colocation with another resource."""

    id: str
    other: ResourceId
    score: int


class ResourceTies(Struct, frozen=True, kw_only=True):
    """The constraints of one outermost resource.

    `with_it` want to be where it is, it wants to be where `it_with` are. `parts` are the names of
    what it contains.
    """

    resource: ResourceId
    parts: tuple[str, ...]
    wishes: tuple[Wish, ...]
    with_it: tuple[Tie, ...]
    it_with: tuple[Tie, ...]


def resource_ties(snapshot: Snapshot) -> tuple[ResourceTies, ...]:
    """Return the constraints of every outermost resource, in the order of the configuration."""
    work, _ = read_state(snapshot)
    read_locations(work)
    read_colocations(work)
    return tuple(_ties(top) for top in work.resources)


def _ties(top: Resource) -> ResourceTies:
    return ResourceTies(
        resource=ResourceId(top.id),
        parts=tuple(_names(top)),
        wishes=tuple(
            Wish(id=location.id, node=NodeName(node), score=score)
            for location in top.location_list
            for node, score in location.scores.items()
        ),
        with_it=tuple(_tie(each, each.dependent) for each in top.with_this),
        it_with=tuple(_tie(each, each.primary) for each in top.this_with),
    )


def _tie(colocation: Colocation, other: Resource) -> Tie:
    return Tie(id=colocation.id, other=ResourceId(other.id), score=colocation.score)


def _names(resource: Resource) -> list[str]:
    found: list[str] = [resource.id, resource.agent_id]
    for child in resource.children:
        found.extend(_names(child))
    return list(dict.fromkeys(found))
