"""How an agent would be called, and what holds for a resource: for tools that ask."""

from msgspec import Struct

from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.plan import Agent
from paceline.model.snapshot import Snapshot
from paceline.scheduler.failures import find_operation, operation_meta
from paceline.scheduler.parameters import (
    operation_parameters,
    resource_parameters,
    timeout_ms_of,
)
from paceline.scheduler.plan import agent_meta
from paceline.scheduler.reading import read_state
from paceline.scheduler.work import Action, Kind, Resource, Work

Pairs = tuple[tuple[str, str], ...]


class AgentCall(Struct, frozen=True, kw_only=True):
    """One call of an agent: what a plan's action says of it, without a plan."""

    resource: ResourceId
    agent: Agent
    node: NodeName
    task: str
    parameters: Pairs
    meta: Pairs
    timeout_ms: int


class ResourceValues(Struct, frozen=True, kw_only=True):
    """What holds for a resource now, rules, parents and defaults counted in."""

    parameters: Pairs
    meta: Pairs
    utilization: Pairs


def agent_call(snapshot: Snapshot, resource: str, node: str, task: str) -> AgentCall | None:
    """Return how a primitive's agent would be called on a node; None where there is no such."""
    work, _ = read_state(snapshot)
    rsc = _find(work, resource)
    if rsc is None or rsc.agent is None:
        return None
    at = next((each for each in work.nodes if each.name == node), None)
    meta = operation_meta(work, rsc, find_operation(rsc, task, 0), task, 0)
    timeout_ms = timeout_ms_of(meta)
    parameters = operation_parameters(work, rsc, at, task, 0)
    variables = agent_meta(work, Action(task, rsc, at, 0, ""), rsc, at, meta, timeout_ms)
    return AgentCall(
        resource=ResourceId(rsc.agent_id),
        agent=rsc.agent,
        node=NodeName(node),
        task=task,
        parameters=tuple(sorted(parameters.items())),
        meta=tuple(sorted(variables.items())),
        timeout_ms=timeout_ms,
    )


def resource_values(snapshot: Snapshot, resource: str) -> ResourceValues | None:
    """Return a resource's parameters, meta attributes and utilization; None where there is none."""
    work, _ = read_state(snapshot)
    rsc = work.by_id.get(resource) or _find(work, resource)
    if rsc is None:
        return None
    return ResourceValues(
        parameters=tuple(resource_parameters(work, rsc, None).items()),
        meta=tuple(rsc.meta.items()),
        utilization=tuple((name, str(value)) for name, value in rsc.utilization.items()),
    )


def _find(work: Work, name: str) -> Resource | None:
    """Return a primitive, of a clone its first instance."""
    rsc = work.by_id.get(name)
    if rsc is not None:
        return rsc if rsc.kind is Kind.PRIMITIVE else None
    clone = work.anon_ids.get(name)
    instances = () if clone is None else clone.primitives()
    return next((each for each in instances if each.agent_id == name), None)
