"""Bundles as a status shows them: replica by replica, with address, container and resource."""

from msgspec.structs import replace

from paceline.model.configuration import Bundle, Configuration
from paceline.model.identifiers import ResourceId
from paceline.model.state import ResourceState

CONTAINER_AGENTS = ("docker", "podman", "rkt")
ADDRESS_MARK = "-ip-"
"""What stands before the address in the id of a replica's address resource."""


def with_replicas(
    resources: tuple[ResourceState, ...], configuration: Configuration
) -> tuple[ResourceState, ...]:
    """Return the resources with each bundle's parts put together replica by replica."""
    bundles = {each.id: each for each in configuration.resources if isinstance(each, Bundle)}
    return tuple(
        _regrouped(each, bundles.get(each.id)) if each.kind == "bundle" else each
        for each in resources
    )


def _regrouped(state: ResourceState, bundle: Bundle | None) -> ResourceState:
    parts: dict[int, list[ResourceState]] = {}
    for each in _parts(state):
        parts.setdefault(max(each.replica, 0), []).append(each)
    replicas = tuple(_replica(state, number, tuple(parts[number])) for number in sorted(parts))
    return replace(state, image=bundle.image if bundle else "", children=replicas)


def _parts(state: ResourceState) -> list[ResourceState]:
    found = []
    for each in state.children:
        found.extend(_parts(each) if each.kind != "primitive" else [each])
    return found


def _replica(bundle: ResourceState, number: int, parts: tuple[ResourceState, ...]) -> ResourceState:
    address = next((each for each in parts if ADDRESS_MARK in each.id), None)
    container = next((each for each in parts if each.agent_type in CONTAINER_AGENTS), None)
    connection = next((each for each in parts if each.agent_type == "remote"), None)
    known = (address, container, connection)
    inner = next((each for each in parts if each not in known), None)
    ordered = (address, inner, container, connection)
    return ResourceState(
        id=ResourceId(f"{bundle.id}-{number}"),
        kind="replica",
        replica=number,
        address=address.id.rpartition(ADDRESS_MARK)[2] if address is not None else "",
        container_child=inner.id if inner is not None else ResourceId(""),
        is_managed=bundle.is_managed,
        children=tuple(each for each in ordered if each is not None),
    )
