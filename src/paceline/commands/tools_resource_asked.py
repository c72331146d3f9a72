"""`crm_resource`: the questions. Where a resource runs and why not, its values, its operations."""

from collections.abc import Iterable, Iterator

from lxml import etree
from msgspec import structs

from paceline.cib.read import read_configuration, read_status
from paceline.cib.tree import Element, parse_cib
from paceline.commands.shown_date import date_text
from paceline.commands.status_entries import Layout, primitive_text, resource_entries
from paceline.commands.status_text import Shown, lines_of, status_text
from paceline.commands.status_view import StatusView, primitives, view_of
from paceline.commands.status_xml import add_resource
from paceline.commands.tools import EXIT_ERROR, EXIT_NO_SUCH, EXIT_USAGE, Given, ToolPorts
from paceline.commands.tools_answers import (
    Answer,
    element_of,
    failed,
    list_element,
    with_children,
)
from paceline.commands.tools_monitor import view_of_snapshot
from paceline.model.snapshot import Snapshot
from paceline.model.state import ResourceState
from paceline.model.status import ClusterStatus, HistoryEntry
from paceline.scheduler.calls import agent_call, resource_values

ELEMENT_TAGS = ("primitive", "group", "clone", "master", "bundle", "template")


def resource_name(given: Given, ports: ToolPorts) -> str:
    """Return the resource that is meant. Raises ToolError where none is named."""
    name = given.get("resource") or ports.environment.get("OCF_RESOURCE_INSTANCE", "")
    if not name:
        raise failed(EXIT_USAGE, "Must supply a resource id with -r")
    return name


def snapshot_of(ports: ToolPorts) -> tuple[Element, Snapshot]:
    """Return the configuration's tree, and the snapshot that the scheduler takes."""
    read = ports.cib.read()
    root = parse_cib(read.document)
    status = read.status or structs.replace(
        read_status(root) or ClusterStatus(now_ms=0, is_quorate=False), now_ms=ports.now_ms()
    )
    return root, Snapshot(configuration=read_configuration(root), status=status)


def find_states(name: str, resources: tuple[ResourceState, ...]) -> list[ResourceState]:
    """Return the resource of that name, or all instances that go by it. Empty where none is."""
    for each in resources:
        if each.id == name:
            return [each]
    found = []
    for each in resources:
        if each.kind == "primitive" and each.id.partition(":")[0] == name:
            found.append(each)
        found.extend(find_states(name, each.children))
    return found


def get_states(name: str, view: StatusView) -> list[ResourceState]:
    """Return the resource or its instances. Raises ToolError where there is none."""
    states = find_states(name, view.resources)
    if not states:
        raise failed(EXIT_NO_SUCH, f"Resource '{name}' not found")
    return states


def find_element(name: str, root: Element) -> Element:
    """Return the resource's element, of an instance that of all. Raises ToolError."""
    base = name.partition(":")[0]
    for each in root.iterfind("configuration/resources//*"):
        if each.get("id") == base and each.tag in ELEMENT_TAGS:
            return each
    raise failed(EXIT_NO_SUCH, f"Resource '{name}' not found")


def list_all(_given: Given, ports: ToolPorts) -> Answer:
    """Answer with every resource and its state."""
    view = view_of_snapshot(ports.cib.read())
    shown = Shown(summary=frozenset(), has_nodes=False, has_failures=False, has_inactive=True)
    resources = element_of("resources")
    for each in view.resources:
        add_resource(resources, each, view)
    return Answer(status_text(view, shown, hides_nodes=True), (resources,))


def list_raw(_given: Given, ports: ToolPorts) -> Answer:
    """Answer with the names of all primitives and instances."""
    names = [each.id for each in primitives(view_of_snapshot(ports.cib.read()).resources)]
    return Answer("\n".join(names), (list_element("resource names", names, item="resource"),))


def locate(given: Given, ports: ToolPorts) -> Answer:
    """Answer with the nodes that a resource is active on, promoted ones marked."""
    resource = resource_name(given, ports)
    states = get_states(resource, view_of_snapshot(ports.cib.read()))
    places: dict[tuple[str, str], None] = {}
    for each in reversed(list(primitives(tuple(states)))):
        for on in each.active:
            places[(on.node, "promoted" if on.role == "Promoted" else "")] = None
    nodes = element_of("nodes", resource=resource)
    for node, state in places:
        child = etree.SubElement(nodes, "node", {"state": state} if state else {})
        child.text = node
    if given.has("quiet"):
        return Answer("\n".join(node for node, _ in places), (nodes,))
    if not places:
        is_xml = given.get("output-as") == "xml"
        return Answer("", (nodes,), "" if is_xml else f"resource {resource} is NOT running")
    lines = [
        f"resource {resource} is running on: {node}{' Promoted' if state else ''}"
        for node, state in places
    ]
    return Answer("\n".join(lines), (nodes,))


def operations(given: Given, ports: ToolPorts) -> Answer:
    """Answer with the operations that nodes remember."""
    view = view_of_snapshot(ports.cib.read())
    known: dict[str, ResourceState] = {}
    for state in primitives(view.resources):
        known.setdefault(state.id.partition(":")[0], state)
    lines, elements = [], []
    for node, entry, state in _selected(given, view, known):
        key = f"{entry.resource}_{entry.task}_{entry.interval_ms}"
        status = "complete" if entry.outcome == "done" else entry.outcome
        when = date_text(entry.last_rc_change_ms)
        lines.append(
            f"{primitive_text(state, view, Layout(hides_nodes=True))}: {key} "
            f"(node={node}, call={entry.call_id}, rc={entry.rc}, "
            f"last-rc-change='{when}', exec={entry.exec_ms}ms): {status}"
        )
        agent = f"{state.agent_class}:{state.provider}:{state.agent_type}"
        elements.append(
            element_of(
                "operation",
                op=key,
                node=node,
                call=str(entry.call_id),
                rc=str(entry.rc),
                status=status,
                rsc=state.id.partition(":")[0],
                agent=agent,
                last__rc__change=when,
                exec__time=str(entry.exec_ms),
            )
        )
    whole = with_children(element_of("operations"), elements)
    return Answer("\n".join(lines), (whole,))


def _selected(
    given: Given, view: StatusView, known: dict[str, ResourceState]
) -> Iterator[tuple[str, HistoryEntry, ResourceState]]:
    """Yield the operations that were asked for."""
    for node, history in view.history:
        if given.has("node") and given.get("node") != node:
            continue
        for entry in history:
            name = entry.resource.partition(":")[0]
            state = known.get(name)
            if state is None or (given.has("resource") and given.get("resource") != name):
                continue
            yield node, entry, state


def get_parameter(given: Given, ports: ToolPorts) -> Answer:
    """Answer with one value that holds for the resource now."""
    resource, name = resource_name(given, ports), given.get("get-parameter")
    root, snapshot = snapshot_of(ports)
    find_element(resource, root)
    values = resource_values(snapshot, resource)
    if values is None:
        raise failed(EXIT_NO_SUCH, f"Resource '{resource}' not found")
    pairs = dict(
        values.meta
        if given.has("meta")
        else values.utilization
        if given.has("utilization")
        else values.parameters
    )
    if name not in pairs:
        return Answer(err=f"Attribute '{name}' not found for '{resource}'")
    return Answer(pairs[name], (list_element("attributes", [pairs[name]], item=name),))


def query_xml(given: Given, ports: ToolPorts) -> Answer:
    """Answer with the state and the XML of a resource, templates put in unless `-w`."""
    resource = resource_name(given, ports)
    read = ports.cib.read()
    root, view = parse_cib(read.document), view_of_snapshot(read)
    state = get_states(resource, view)[0]
    element = find_element(resource, root)
    if not given.has("query-xml-raw"):
        element = with_template(element, root)
    text = _xml_text(element)
    whole = element_of("resource_config")
    add_resource(whole, state, view)
    etree.SubElement(whole, "xml").text = etree.CDATA(f"{text}\n")
    return Answer("\n".join([*_state_lines(state, view), "Resource XML:", text]), (whole,))


def _state_lines(state: ResourceState, view: StatusView) -> list[str]:
    if state.kind == "primitive":
        return [primitive_text(state, view, Layout())]
    alone = structs.replace(view, resources=(state,))
    (entry,) = resource_entries(alone, Layout(has_inactive=False))
    return lines_of(entry.children)


def _xml_text(element: Element) -> str:
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    etree.indent(copy)
    return etree.tostring(copy, encoding="unicode")


def with_template(element: Element, root: Element) -> Element:
    """Return a primitive with its template's parts in it, or the element itself."""
    name = element.get("template")
    template = None
    for each in root.iterfind("configuration/resources/template"):
        template = each if each.get("id") == name else template
    if element.tag != "primitive" or template is None:
        return element
    whole = etree.Element("primitive")
    for source in (template, element):
        for key, value in source.attrib.items():
            if key != "template":
                whole.set(key, value)
    own_operations = {
        (op.get("name"), op.get("interval", "0")) for op in element.iterfind("operations/op")
    }
    for child in (*element, *template):
        copy = etree.fromstring(etree.tostring(child, with_tail=False))
        existing = whole.find("operations") if child.tag == "operations" else None
        if existing is None:
            whole.append(copy)
            continue
        existing.extend(
            op for op in copy if (op.get("name"), op.get("interval", "0")) not in own_operations
        )
    return whole


def why(given: Given, ports: ToolPorts) -> Answer:
    """Answer whether resources run, and what in the configuration keeps them from it."""
    root, snapshot = snapshot_of(ports)
    view = view_of(snapshot.configuration, snapshot.status)
    node, resource = given.get("node"), given.get("resource")
    if resource:
        states: Iterable[ResourceState] = get_states(resource, view)[:1]
    elif node:
        states = [each for each in primitives(view.resources) if _is_on(each, node)]
    else:
        states = view.resources
    lines: list[str] = []
    elements: list[Element] = []
    for state in states:
        is_running = _is_on(state, node)
        where = f" on host {node}" if node else ""
        verb = "is" if is_running else "is not"
        lines.append(f"Resource {state.id} {verb} running{where}")
        check = element_of("check", id=state.id)
        for text, key in () if is_running else _hindrances(state, root, snapshot):
            lines.append(text)
            check.set(key, "true")
        elements.append(_why_element(state.id, is_running, check, node, is_one=bool(resource)))
    return Answer("\n".join(lines), (_reason(elements, is_one=bool(resource)),))


def _is_on(state: ResourceState, node: str) -> bool:
    return any(on.node == node or not node for each in primitives((state,)) for on in each.active)


def _why_element(
    name: str, is_running: bool, check: Element, node: str, *, is_one: bool
) -> Element:
    running = "true" if is_running else "false"
    if is_one:
        return with_children(element_of("reason", running=running), [check])
    whole = element_of("resource", id=name, running=running)
    if node:
        whole.set("host", node)
    return with_children(whole, [check])


def _reason(elements: list[Element], *, is_one: bool) -> Element:
    if is_one:
        return elements[0]
    return with_children(element_of("reason"), [with_children(element_of("resources"), elements)])


def _hindrances(
    state: ResourceState, root: Element, snapshot: Snapshot
) -> Iterator[tuple[str, str]]:
    """Yield what keeps a resource from running, as text and as the name of a flag."""
    name = state.id
    values = resource_values(snapshot, name)
    meta = dict(values.meta) if values else {}
    if meta.get("target-role", "").lower() == "stopped":
        yield f"Configuration specifies '{name}' should remain stopped", "remain_stopped"
    if meta.get("target-role", "").lower() in ("unpromoted", "slave") and state.is_promotable:
        yield f"Configuration specifies '{name}' should not be promoted", "promotable"
    if not state.is_managed:
        text = f"Configuration prevents cluster from stopping or starting unmanaged '{name}'"
        yield text, "unmanaged"
    if state.locked_to:
        yield f"'{name}' is locked to node {state.locked_to} due to shutdown", "locked-to"


def digests(given: Given, ports: ToolPorts) -> Answer:
    """Answer with what tells a changed configuration from the one that a resource runs with."""
    from paceline.scheduler.digests import digest_of

    node = given.get("node")
    if not node:
        raise failed(EXIT_USAGE, "Must supply a node name with -N")
    resource = resource_name(given, ports)
    root, snapshot = snapshot_of(ports)
    element = find_element(resource, root)
    task = "start"
    call = agent_call(snapshot, resource, node, task) if element.tag == "primitive" else None
    if call is None:
        raise failed(EXIT_ERROR, f"'{resource}' is no primitive")
    parameters = dict(call.parameters)
    for word in given.words:
        name, equals, value = word.partition("=")
        if not equals:
            raise failed(EXIT_USAGE, f"'{word}' is no NAME=VALUE")
        parameters[name] = value
    digest = digest_of(parameters)
    whole = element_of("digests", resource=resource, node=node, task=task, interval="0ms")
    for kind in ("all", "nonprivate"):
        child = etree.SubElement(whole, "digest", {"type": kind, "hash": digest})
        etree.SubElement(child, "parameters", parameters)
    text = f"{digest} (all parameters)\n{digest} (non-private parameters)"
    return Answer(text, (whole,))
