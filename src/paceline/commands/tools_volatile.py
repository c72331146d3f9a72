"""`attrd_updater` and `crm_failcount`: what nodes remember only while they run."""

from collections.abc import Sequence

from paceline.commands.tools import (
    EXIT_NO_SUCH,
    EXIT_USAGE,
    Facts,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
    ask,
    own_node,
    parse_options,
)
from paceline.commands.tools_transient import relative, transient_attributes
from paceline.ports.daemon import JsonRecord

INFINITY = 1_000_000

UPDATER_OPTIONS = (
    Option("name", "n", "value"),
    Option("update", "Uv", "value"),
    Option("update-both", "B", "value"),
    Option("update-delay", "Y"),
    Option("query", "Q"),
    Option("delete", "D"),
    Option("refresh", "R"),
    Option("delay", "d", "value"),
    Option("set", "sS", "value"),
    Option("node", "N", "value"),
    Option("all", "A"),
    Option("lifetime", "l", "value"),
    Option("private", "p"),
    Option("quiet", "q"),
)


def attrd_updater(words: Sequence[str], ports: ToolPorts) -> Said:
    """Query, set or delete a transient attribute.

    There is no dampening: every change is told at once, and changes that come together are one
    decision anyway. A private attribute is as visible as any other.
    """
    given = parse_options(words, UPDATER_OPTIONS)
    if given.has("refresh") or given.has("update-delay"):
        return Said()
    name = given.get("name")
    if not name:
        raise ToolError("an attribute's name is needed (-n)", EXIT_USAGE)
    if given.has("query"):
        return _query_updater(name, given, ports)
    value = _new_value(given)
    if value is None and not given.has("delete"):
        raise ToolError("give -U VALUE, -Q or -D", EXIT_USAGE)
    node = given.get("node") or own_node(ports)
    told = None if value is None else relative(value, name)
    ask(ports, {"do": "set-attributes", "node": node, "values": {name: told}})
    return Said()


def _new_value(given: Given) -> str | None:
    for option in ("update", "update-both"):
        if given.has(option):
            return given.get(option)
    return None


def _query_updater(name: str, given: Given, ports: ToolPorts) -> Said:
    facts = Facts(ports)
    wanted = given.get("node") or own_node(ports) or facts.local_node
    nodes = [str(node["name"]) for node in facts.nodes] if given.has("all") else [wanted]
    lines = []
    for node in nodes:
        value = facts.attributes(node).get(name)
        if value is not None:
            lines.append(f'name="{name}" host="{node}" value="{value}"')
    if not lines:
        message = f"Could not query value of {name}: attribute does not exist"
        return Said(status=EXIT_NO_SUCH, err=message)
    return Said("\n".join(lines))


FAILCOUNT_OPTIONS = (
    Option("query", "G"),
    Option("delete", "D"),
    Option("resource", "r", "value"),
    Option("operation", "n", "value"),
    Option("interval", "I", "value"),
    Option("node", "N", "value"),
    Option("quiet", "qQ"),
)


def crm_failcount(words: Sequence[str], ports: ToolPorts) -> Said:
    """Query or delete a resource's fail count on a node."""
    given = parse_options(words, FAILCOUNT_OPTIONS)
    resource = given.get("resource") or ports.environment.get("OCF_RESOURCE_INSTANCE", "")
    if not resource:
        raise ToolError("the resource is needed (-r)", EXIT_USAGE)
    from paceline.model.durations import parse_duration_ms

    interval_ms = parse_duration_ms(given.get("interval")) if given.has("interval") else None
    if given.has("delete"):
        node = given.get("node") or own_node(ports) or Facts(ports).local_node
        request: JsonRecord = {
            "do": "clear-history", "resources": [resource], "nodes": [node], "only_failed": True,
            "task": given.get("operation"), "interval_ms": interval_ms,
        }  # fmt: skip
        ask(ports, request)
        return Said(f"Cleaned up {resource} on {node}")
    if not given.has("query"):
        raise ToolError("give -G or -D", EXIT_USAGE)
    node = given.get("node") or own_node(ports)
    attributes = transient_attributes(node, ports)
    total = fail_count(attributes, resource, given.get("operation"), interval_ms)
    shown = "INFINITY" if total >= INFINITY else str(total)
    operation = f"#{given.get('operation')}_{interval_ms or 0}" if given.has("operation") else ""
    name = f"fail-count-{resource}{operation}"
    return Said(shown if given.has("quiet") else f"scope=status  name={name} value={shown}")


def fail_count(
    attributes: dict[str, str], resource: str, task: str = "", interval_ms: int | None = None
) -> int:
    """Return the sum of a resource's fail counts among a node's attributes."""
    total = 0
    for name, value in attributes.items():
        if not name.startswith("fail-count-"):
            continue
        of, _, operation = name.removeprefix("fail-count-").partition("#")
        failed_task, _, failed_interval = operation.rpartition("_")
        if of.partition(":")[0] != resource.partition(":")[0] or (task and failed_task != task):
            continue
        if interval_ms is not None and failed_interval != str(interval_ms):
            continue
        total += INFINITY if value == "INFINITY" else int(value) if value.isdigit() else 0
    return min(total, INFINITY)
