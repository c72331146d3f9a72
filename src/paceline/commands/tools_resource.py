"""`crm_resource`: where resources run, their parameters, cleanup, moves by constraint."""

from collections.abc import Sequence

from lxml import etree

from paceline.cib.names import clean_id
from paceline.cib.nvsets import update_first_set
from paceline.cib.tree import Element, get_section, parse_cib
from paceline.commands.status_entries import Layout, primitive_text
from paceline.commands.status_text import Shown, status_text
from paceline.commands.status_view import StatusView, date_text, primitives
from paceline.commands.tools import (
    EXIT_NO_SUCH,
    EXIT_USAGE,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
    ask,
    parse_options,
)
from paceline.commands.tools_attributes import edit
from paceline.commands.tools_monitor import view_of_snapshot
from paceline.model.durations import parse_duration_ms
from paceline.model.state import ResourceState
from paceline.ports.daemon import JsonRecord

OPTIONS = (
    Option("list", "L"), Option("list-raw", "l"), Option("list-operations", "O"),
    Option("list-all-operations", "o"), Option("query-xml", "q"), Option("query-xml-raw", "w"),
    Option("get-parameter", "g", "value"), Option("locate", "W"), Option("cleanup", "C"),
    Option("refresh", "RP"), Option("set-parameter", "p", "value"),
    Option("delete-parameter", "d", "value"), Option("move", "M"), Option("ban", "B"),
    Option("clear", "U"), Option("lifetime", "u", "value"), Option("promoted"),
    Option("master"), Option("delete", "D"), Option("fail", "F"), Option("wait"),
    Option("node", "NH", "value"), Option("resource", "r", "value"),
    Option("resource-type", "t", "value"), Option("parameter-value", "v", "value"),
    Option("meta", "m"), Option("utilization", "z"), Option("set-name", "s", "value"),
    Option("nvpair", "i", "value"), Option("operation", "n", "value"),
    Option("interval", "I", "value"), Option("recursive"), Option("force", "f"),
    Option("quiet", "Q"), Option("timeout", "T", "value"), Option("why", "Y"),
    Option("expired", "e"),
)  # fmt: skip
SETTLE_MS = 60_000
WAIT_MS_DEFAULT = 3_600_000
BAN_WARNING = (
    "WARNING: Creating rsc_location constraint 'cli-ban-{resource}-on-{node}' with a score of "
    "-INFINITY for resource {resource} on {node}.\n"
    "\tThis will prevent {resource} from running on {node} until the constraint is removed using "
    "the clear option or by editing the CIB with an appropriate tool\n"
    "\tThis will be the case even if {node} is the last node in the cluster"
)
"""What administrators' scripts look for in the tool's output."""
SET_TAGS = {"meta": "meta_attributes", "utilization": "utilization"}


def crm_resource(words: Sequence[str], ports: ToolPorts) -> Said:
    """Do one thing with resources."""
    given = parse_options(words, OPTIONS)
    if given.has("help"):
        return Said(
            "Usage: crm_resource -L | -l | -W -r R | -C [-r R] [-N NODE] | -R | -g P -r R | ..."
        )
    if given.has("wait"):
        return _wait(given, ports)
    if given.has("cleanup") or given.has("refresh"):
        return _clear_history(given, ports)
    if given.has("set-parameter") or given.has("delete-parameter"):
        return _set_parameter(given, ports)
    if given.has("move") or given.has("ban") or given.has("clear"):
        return _constrain(given, ports)
    if given.has("delete"):
        return _delete(given, ports)
    snapshot = ports.cib.read()
    root = parse_cib(snapshot.document)
    view = view_of_snapshot(snapshot)
    if given.has("list"):
        shown = Shown(has_summary=False, has_nodes=False, has_failures=False, has_inactive=True)
        return Said(status_text(view, shown, hides_nodes=True))
    if given.has("list-raw"):
        return Said("\n".join(each.id for each in primitives(view.resources)))
    if given.has("list-operations") or given.has("list-all-operations"):
        return Said("\n".join(_operations(view, given)))
    resource = _resource_name(given, ports)
    if given.has("locate"):
        return _locate(resource, view, given)
    if given.has("get-parameter"):
        return _get_parameter(resource, root, given)
    if given.has("query-xml") or given.has("query-xml-raw"):
        return _query_xml(resource, root, view)
    raise ToolError("nothing to do; see --help", EXIT_USAGE)


def _resource_name(given: Given, ports: ToolPorts) -> str:
    name = given.get("resource") or ports.environment.get("OCF_RESOURCE_INSTANCE", "")
    if not name:
        raise ToolError("Must supply a resource id with -r", EXIT_USAGE)
    return name


def _find_state(name: str, resources: tuple[ResourceState, ...]) -> list[ResourceState]:
    """Return the resource of that name, or all instances that go by it."""
    for each in resources:
        if each.id == name:
            return [each]
    found = []
    for each in resources:
        if each.kind == "primitive" and each.id.partition(":")[0] == name:
            found.append(each)
        found.extend(_find_state(name, each.children))
    return found


def _locate(resource: str, view: StatusView, given: Given) -> Said:
    states = _find_state(resource, view.resources)
    if not states:
        raise ToolError(
            f"Resource '{resource}' not found\nError performing operation: No such object",
            EXIT_NO_SUCH,
        )
    lines: list[str] = []
    seen: set[tuple[str, str]] = set()
    for each in primitives(tuple(states)):
        for on in each.active:
            if (on.node, on.role) in seen:
                continue
            seen.add((on.node, on.role))
            role = " Promoted" if on.role == "Promoted" else ""
            if given.has("quiet"):
                lines.append(on.node)
            else:
                lines.append(f"resource {resource} is running on: {on.node}{role}")
    if not lines:
        return Said(err="" if given.has("quiet") else f"resource {resource} is NOT running")
    return Said("\n".join(lines))


def _operations(view: StatusView, given: Given) -> list[str]:
    lines = []
    every = tuple(primitives(view.resources))
    for node, history in view.history:
        known = {each.id.partition(":")[0]: each for each in every}
        known |= {
            each.id.partition(":")[0]: each
            for each in every
            if any(on.node == node for on in each.active)
        }
        if given.has("node") and given.get("node") != node:
            continue
        for entry in history:
            name = entry.resource.partition(":")[0]
            state = known.get(name)
            if state is None or (given.has("resource") and given.get("resource") != name):
                continue
            is_probe_only = entry.task == "monitor" and not entry.interval_ms
            if given.has("list-operations") and is_probe_only and entry.rc == 7 and state.active:
                continue
            key = f"{entry.resource}_{entry.task}_{entry.interval_ms}"
            status = "complete" if entry.outcome == "done" else entry.outcome
            when = date_text(entry.last_rc_change_ms)
            lines.append(
                f"{primitive_text(state, view, Layout(hides_nodes=True))}: {key} "
                f"(node={node}, call={entry.call_id}, rc={entry.rc}, "
                f"last-rc-change='{when}', exec={entry.exec_ms}ms): {status}"
            )
    return lines


def _find_element(name: str, root: Element) -> Element:
    base = name.partition(":")[0]
    for each in root.iterfind("configuration/resources//*"):
        if each.get("id") == base and each.tag in (
            "primitive", "group", "clone", "master", "bundle", "template",
        ):  # fmt: skip
            return each
    raise ToolError(f"Resource '{name}' not found", EXIT_NO_SUCH)


def _tag(given: Given) -> str:
    kind = next((kind for kind in SET_TAGS if given.has(kind)), "")
    return SET_TAGS.get(kind, "instance_attributes")


def _get_parameter(resource: str, root: Element, given: Given) -> Said:
    name = given.get("get-parameter")
    element = _find_element(resource, root)
    for pair in element.iterfind(f"{_tag(given)}/nvpair"):
        if pair.get("name") == name:
            return Said(pair.get("value", ""))
    return Said(err=f"Attribute '{name}' not found for '{resource}'")


def _query_xml(resource: str, root: Element, view: StatusView) -> Said:
    element = etree.fromstring(etree.tostring(_find_element(resource, root), with_tail=False))
    etree.indent(element)
    states = list(primitives(tuple(_find_state(resource, view.resources))))
    lines = [primitive_text(each, view, Layout()) for each in states]
    return Said("\n".join([*lines, "Resource XML:", etree.tostring(element, encoding="unicode")]))


def _set_parameter(given: Given, ports: ToolPorts) -> Said:
    resource = _resource_name(given, ports)
    name = given.get("set-parameter") or given.get("delete-parameter")
    value = given.get("parameter-value") if given.has("set-parameter") else ""
    if given.has("set-parameter") and not given.has("parameter-value"):
        raise ToolError("a value is needed (-v)", EXIT_USAGE)

    def change(root: Element) -> str:
        element = _find_element(resource, root)
        old = next(
            (p for p in element.iterfind(f"{_tag(given)}/nvpair") if p.get("name") == name), None
        )
        gone = "" if old is None else old.get("id", "")
        update_first_set(root, element, _tag(given), {name: value})
        for pair in element.iterfind(f"{_tag(given)}/nvpair"):
            if pair.get("name") == name:
                set_id = "" if old is not None or pair.getparent() is None else _set_words(pair)
                told = f"id={pair.get('id')}{set_id} name={name} value={value}"
                return f"Set '{resource}' option: {told}"
        return f"Deleted '{resource}' option: id={gone} name={name}" if gone else ""

    return Said(edit(ports, change))


def _set_words(pair: Element) -> str:
    holder = pair.getparent()
    return "" if holder is None else f" set={holder.get('id')}"


def _clear_history(given: Given, ports: ToolPorts) -> Said:
    """Forget failures (cleanup) or everything (refresh), and wait until it was looked again."""
    resources: list[str] = []
    if given.has("resource"):
        view = view_of_snapshot(ports.cib.read())
        states = _find_state(given.get("resource"), view.resources)
        if not states:
            name = given.get("resource")
            raise ToolError(
                f"Resource '{name}' not found\nError performing operation: No such object",
                EXIT_NO_SUCH,
            )
        resources = sorted({each.id.partition(":")[0] for each in primitives(tuple(states))})
    nodes = [given.get("node")] if given.has("node") else []
    interval = parse_duration_ms(given.get("interval")) if given.has("interval") else None
    request: JsonRecord = {
        "do": "clear-history", "resources": resources, "nodes": nodes,
        "only_failed": given.has("cleanup"), "task": given.get("operation"),
        "interval_ms": interval,
    }  # fmt: skip
    ask(ports, request)
    ports.daemon.ask({"do": "wait", "timeout_ms": SETTLE_MS}, timeout_ms=SETTLE_MS)
    what = ", ".join(resources) or "all resources"
    where = nodes[0] if nodes else "all nodes"
    return Said(f"Cleaned up {what} on {where}")


def _wait(given: Given, ports: ToolPorts) -> Said:
    limit_ms = parse_duration_ms(given.get("timeout")) if given.has("timeout") else WAIT_MS_DEFAULT
    ask(ports, {"do": "wait", "until": "idle", "timeout_ms": limit_ms}, timeout_ms=limit_ms)
    return Said()


def _constrain(given: Given, ports: ToolPorts) -> Said:
    """Move, ban or clear by the constraints that Pacemaker's tool makes."""
    resource = _resource_name(given, ports)
    node = given.get("node")
    view = view_of_snapshot(ports.cib.read())
    here = [on.node for each in primitives(tuple(_find_state(resource, view.resources)))
            for on in each.active]  # fmt: skip
    if not node and not given.has("clear"):
        if len(set(here)) != 1:
            raise ToolError(
                f"Resource '{resource}' not moved: active in {len(set(here))} locations; "
                "name the node with -N",
                EXIT_USAGE,
            )
        node = here[0]
    is_ban = given.has("ban") or (given.has("move") and not given.has("node"))

    def change(root: Element) -> str:
        _find_element(resource, root)
        section = get_section(root, "constraints")
        for each in list(section):
            if _is_replaced(each.get("id", ""), resource, node):
                section.remove(each)
        if given.has("clear"):
            return ""
        made = etree.SubElement(section, "rsc_location")
        role = "Promoted" if given.has("promoted") or given.has("master") else "Started"
        name = f"cli-ban-{resource}-on-{node}" if is_ban else f"cli-prefer-{resource}"
        for key, value in (
            ("id", clean_id(name)), ("rsc", resource), ("role", role), ("node", node),
            ("score", "-INFINITY" if is_ban else "INFINITY"),
        ):  # fmt: skip
            made.set(key, value)
        return ""

    edit(ports, change)
    if not is_ban or given.has("clear"):
        return Said()
    return Said(BAN_WARNING.format(resource=resource, node=node))


def _is_replaced(name: str, resource: str, node: str) -> bool:
    """Say whether a constraint of that id goes: of any node where none is named."""
    begin = clean_id(f"cli-ban-{resource}-on-")
    return name == f"cli-prefer-{resource}" or name.startswith(begin + clean_id(node or ""))


def _delete(given: Given, ports: ToolPorts) -> Said:
    resource = _resource_name(given, ports)

    def change(root: Element) -> str:
        element = _find_element(resource, root)
        holder = element.getparent()
        if holder is not None:
            holder.remove(element)
        return ""

    edit(ports, change)
    return Said()
