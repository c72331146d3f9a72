"""What an operation is called with: the agent's parameters, and what the digests are made of."""

from paceline.model.durations import parse_duration_ms
from paceline.scheduler.failures import find_operation, operation_meta
from paceline.scheduler.rules import RuleContext, pick_values
from paceline.scheduler.work import Node, Resource, Work

DEFAULT_TIMEOUT_MS = 20_000
"""The time limit of an operation for which nothing says another."""

IGNORED_PARAMETERS = frozenset({"crm_feature_set"})


def resource_parameters(work: Work, rsc: Resource, node: Node | None) -> dict[str, str]:
    """Return the agent's parameters, rules evaluated for the node."""
    context = RuleContext(
        moment=work.moment,
        node=node.attributes.get if node is not None else None,
        agent=rsc.agent,
    )
    values = pick_values(rsc.parameter_sets, context)
    if rsc.is_remote_connection and values.get("addr") == "#uname":
        container = rsc.container
        host = None if container is None else container.assigned
        if container is not None and host is None and container.running_on:
            host = container.running_on[0]
        values["addr"] = str(host.name) if host is not None else rsc.id
    return values


def timeout_ms_of(meta: dict[str, str]) -> int:
    """Return the time limit in milliseconds that an operation's meta attributes say."""
    text = meta.get("timeout")
    if text is None:
        return DEFAULT_TIMEOUT_MS
    try:
        value = parse_duration_ms(text)
    except ValueError:
        return DEFAULT_TIMEOUT_MS
    return value if value > 0 else DEFAULT_TIMEOUT_MS


def operation_parameters(
    work: Work, rsc: Resource, node: Node | None, task: str, interval_ms: int
) -> dict[str, str]:
    """Return what an operation's digest is made of: parameters, for recurring its timeout."""
    operation = find_operation(rsc, task, interval_ms)
    values: dict[str, str] = {}
    if operation is not None and operation.parameters:
        context = RuleContext(
            moment=work.moment,
            node=node.attributes.get if node is not None else None,
            agent=rsc.agent,
            operation=task,
            interval_ms=interval_ms,
        )
        pick_values(operation.parameters, context, into=values)
    for name, value in resource_parameters(work, rsc, node).items():
        values.setdefault(name, value)
    for name in IGNORED_PARAMETERS:
        values.pop(name, None)
    if interval_ms:
        meta = operation_meta(work, rsc, operation, task, interval_ms)
        values["CRM_meta_timeout"] = str(timeout_ms_of(meta))
    return values
