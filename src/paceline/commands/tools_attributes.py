"""`crm_attribute`, `crm_master`, `attrd_updater`, `crm_failcount`, `crm_standby`: values of nodes.

Transient attributes (`-l reboot`) live in the daemon's status, permanent ones and cluster options
in the configuration.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
from paceline.commands.tools_edit import edit
from paceline.ports.daemon import JsonRecord

if TYPE_CHECKING:
    from paceline.cib.tree import Element

INFINITY = 1_000_000
NOT_FOUND = "Error performing operation: No such device or address"
SECTIONS = {
    "crm_config": ("cluster_property_set", "cib-bootstrap-options"),
    "rsc_defaults": ("meta_attributes", "rsc_defaults-meta_attributes"),
    "op_defaults": ("meta_attributes", "op_defaults-meta_attributes"),
}
"""Where cluster-wide values stand: the tag of their sets, the id of the first one."""

ATTRIBUTE_OPTIONS = (
    Option("name", "n", "value"),
    Option("id", "i", "value"),
    Option("pattern", "P", "value"),
    Option("promotion", "p", "maybe"),
    Option("set-name", "s", "value"),
    Option("delete", "D"),
    Option("query", "G"),
    Option("update", "v", "value"),
    Option("default", "d", "value"),
    Option("lifetime", "l", "value"),
    Option("node", "NU", "value"),
    Option("type", "t", "value"),
    Option("utilization", "z"),
    Option("quiet", "qQ"),
    Option("inhibit-policy-engine", "!"),
)


def crm_attribute(words: Sequence[str], ports: ToolPorts) -> Said:
    """Query, set or delete a cluster option or a node attribute."""
    given = parse_options(words, ATTRIBUTE_OPTIONS)
    if given.has("help"):
        return Said(
            "Usage: crm_attribute -n NAME [-N NODE] [-l reboot|forever] [-v VALUE | -G | -D]"
        )
    name, lifetime = given.get("name"), given.get("lifetime")
    if given.has("promotion"):
        name = promotion_name(given.get("promotion"), ports)
        lifetime = lifetime or "reboot"
    if not name and not given.has("id"):
        raise ToolError("an attribute's name is needed (-n)", EXIT_USAGE)
    if lifetime not in ("", "reboot", "forever"):
        raise ToolError(f"'{lifetime}' is no lifetime: reboot or forever", EXIT_USAGE)
    section = given.get("type") or _default_section(given, lifetime)
    if section == "status" or (section == "nodes" and lifetime == "reboot"):
        return _transient(name, given, ports)
    return _permanent(section, name, given, ports)


def _default_section(given: Given, lifetime: str) -> str:
    if lifetime == "reboot":
        return "status"
    is_of_node = given.has("node") or lifetime == "forever" or given.has("utilization")
    return "nodes" if is_of_node else "crm_config"


def promotion_name(resource: str, ports: ToolPorts) -> str:
    """Return the name of a resource's promotion score. Raises ToolError where none is named."""
    wanted = resource or ports.environment.get("OCF_RESOURCE_INSTANCE", "")
    if not wanted:
        raise ToolError(
            "the resource is needed: -p RESOURCE, or OCF_RESOURCE_INSTANCE in the environment",
            EXIT_USAGE,
        )
    return f"master-{wanted}"


def _transient(name: str, given: Given, ports: ToolPorts) -> Said:
    node = given.get("node") or own_node(ports)
    if given.has("update") or given.has("delete"):
        value = None if given.has("delete") else _relative(given.get("update"), name)
        ask(ports, {"do": "set-attributes", "node": node, "values": {name: value}})
        return Said()
    return _show("status", name, transient_attributes(node, ports).get(name), given)


def _relative(value: str, name: str) -> str:
    """Return `NAME++` and `NAME+=N` as the daemon takes them: `++`, `+=N`."""
    if value in (f"{name}++", "value++", "++"):
        return "++"
    for begin in (f"{name}+=", "value+=", "+="):
        if value.startswith(begin):
            return f"+={value[len(begin) :]}"
    return value


def transient_attributes(node: str, ports: ToolPorts) -> dict[str, str]:
    """Return a node's transient attributes (no name: this node's), live or from a file."""
    if ports.cib.is_live:
        facts = Facts(ports)
        return facts.attributes(node or facts.local_node)
    from paceline.cib.tree import parse_cib

    root = parse_cib(ports.cib.read().document)
    for state in root.iterfind("status/node_state"):
        if node in (state.get("uname"), state.get("id")):
            pairs = state.iterfind("transient_attributes/instance_attributes/nvpair")
            return {pair.get("name", ""): pair.get("value", "") for pair in pairs}
    return {}


def _show(scope: str, name: str, value: str | None, given: Given) -> Said:
    if value is None and given.has("default"):
        value = given.get("default")
    if value is None:
        return Said(status=EXIT_NO_SUCH, err=f"crm_attribute: {NOT_FOUND}")
    return Said(value if given.has("quiet") else f"scope={scope}  name={name} value={value}")


def _permanent(section: str, name: str, given: Given, ports: ToolPorts) -> Said:
    """Work on the configuration."""

    def locate(root: "Element") -> "Element | None":
        if section == "nodes":
            return _find_node(root, given.get("node"), ports)
        if section not in SECTIONS:
            raise ToolError(f"'{section}' is no section: crm_config, nodes, ...", EXIT_USAGE)
        from paceline.cib.tree import get_section

        return get_section(root, section)

    tag, first_id = SECTIONS.get(section, ("instance_attributes", ""))
    if section == "nodes" and given.has("utilization"):
        tag = "utilization"
    if not given.has("update") and not given.has("delete"):
        from paceline.cib.tree import parse_cib

        owner = locate(parse_cib(ports.cib.read().document))
        pairs = () if owner is None else owner.iterfind(f"{tag}/nvpair")
        value = next((pair.get("value") for pair in pairs if pair.get("name") == name), None)
        return _show(section, name, value, given)

    def change(root: "Element") -> str:
        from paceline.cib.nvsets import add_set, update_set

        owner = locate(root)
        if owner is None:
            node = given.get("node")
            raise ToolError(f"Could not map name={node or 'this node'} to a UUID", EXIT_NO_SUCH)
        wanted = given.get("set-name") or first_id
        sets = owner.findall(tag)
        chosen = next((each for each in sets if not wanted or each.get("id") == wanted), None)
        if given.has("delete"):
            return _delete(section, name, sets)
        if chosen is None:
            holder = next(
                (each for each in sets if name in [p.get("name") for p in each.iter("nvpair")]),
                None,
            )
            chosen = holder if holder is not None and not given.get("set-name") else None
        if chosen is None:
            made = (
                wanted or f"nodes-{owner.get('id')}{'-utilization' if tag == 'utilization' else ''}"
            )
            add_set(root, owner, tag, ((name, given.get("update")),), set_id=made)
        else:
            update_set(root, chosen, {name: given.get("update")})
        return ""

    return Said(edit(ports, change))


def _delete(section: str, name: str, sets: "Sequence[Element]") -> str:
    for each in sets:
        for pair in each.findall("nvpair"):
            if pair.get("name") == name:
                each.remove(pair)
                what = "option" if section != "nodes" else "attribute"
                return f"Deleted {section} {what}: id={pair.get('id')} name={name}"
    return ""


def _find_node(root: "Element", node: str, ports: ToolPorts) -> "Element | None":
    wanted = node or own_node(ports)
    if not wanted and ports.cib.is_live:
        wanted = Facts(ports).local_node
    found = (
        each
        for each in root.iterfind("configuration/nodes/node")
        if wanted in (each.get("uname"), each.get("id"))
    )
    return next(found, None)


MASTER_OPTIONS = (
    Option("query", "G"),
    Option("update", "v", "value"),
    Option("delete", "D"),
    Option("quiet", "qQ"),
    Option("node", "NU", "value"),
    Option("lifetime", "l", "value"),
    Option("resource", "r", "value"),
    Option("id", "i", "value"),
)


def crm_master(words: Sequence[str], ports: ToolPorts) -> Said:
    """Query, set or delete a resource's promotion score."""
    given = parse_options(words, MASTER_OPTIONS)
    passed = ["-p", given.get("resource") or ports.environment.get("OCF_RESOURCE_INSTANCE", "")]
    for name, flag in (("update", "-v"), ("node", "-N"), ("lifetime", "-l")):
        if given.has(name):
            passed += [flag, given.get(name)]
    for name, flag in (("query", "-G"), ("delete", "-D"), ("quiet", "-q")):
        if given.has(name):
            passed.append(flag)
    return crm_attribute(passed, ports)


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
    told = None if value is None else _relative(value, name)
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
    node = given.get("node") or own_node(ports)
    attributes = transient_attributes(node, ports)
    total = fail_count(attributes, resource, given.get("operation"), interval_ms)
    shown = "INFINITY" if total >= INFINITY else str(total)
    text = (
        shown if given.has("quiet") else f"scope=status  name=fail-count-{resource} value={shown}"
    )
    return Said(text)


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


STANDBY_OPTIONS = (
    Option("query", "G"),
    Option("update", "v", "value"),
    Option("delete", "D"),
    Option("node", "NU", "value"),
    Option("lifetime", "l", "value"),
    Option("id", "i", "value"),
    Option("quiet", "qQ"),
)


def crm_standby(words: Sequence[str], ports: ToolPorts) -> Said:
    """Query, set or delete a node's standby."""
    given = parse_options(words, STANDBY_OPTIONS)
    node = given.get("node") or own_node(ports) or (Facts(ports).local_node)
    quiet = ["-q"] if given.has("quiet") else []
    lifetime = given.get("lifetime")
    if given.has("update") or given.has("delete"):
        what = ["-D"] if given.has("delete") else ["-v", given.get("update")]
        return crm_attribute(
            ["-n", "standby", "-N", node, "-l", lifetime or "forever", *what], ports
        )
    if lifetime != "reboot":
        said = crm_attribute(["-n", "standby", "-N", node, "-l", "forever", "-G", *quiet], ports)
        if said.status == 0 or lifetime == "forever":
            return said
    return crm_attribute(
        ["-n", "standby", "-N", node, "-l", "reboot", "-G", "-d", "off", *quiet], ports
    )
