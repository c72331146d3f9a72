"""`crm_mon`: the status, as text, XML, a page or JSON."""

from collections.abc import Sequence

from msgspec import structs

from paceline.cib.read import read_configuration, read_status
from paceline.cib.tree import parse_cib
from paceline.commands.monitor_options import (
    OPTIONS,
    form_of,
    interval_ms,
    output_path,
    sections_of,
)
from paceline.commands.status_entries import count_text
from paceline.commands.status_text import Shown, status_entries, status_text
from paceline.commands.status_view import StatusView, count_instances, primitives, view_of
from paceline.commands.tools import Given, Said, ToolError, ToolPorts
from paceline.commands.tools import parse_options as parse
from paceline.model.state import ResourceState
from paceline.model.status import ClusterStatus
from paceline.ports.cib_store import CibSnapshot

USAGE = (
    "Usage: crm_mon [-1] [-i SECONDS] [-r] [-n] [-f] [-A] [-o] [-t] [-b] [-D] [-R] [-c] [-m] [-L] "
    "[--node NODE] [--resource RESOURCE]\n"
    "               [-X | --output-as=text|xml|html|json] [--output-to=FILE] [-d -p PIDFILE]"
)
EXIT_OUTPUT = 73


def crm_mon(words: Sequence[str], ports: ToolPorts) -> Said:
    """Show the status once; to watch it is the caller's part."""
    given = parse(words, OPTIONS)
    if given.has("help"):
        return Said(USAGE)
    path = output_path(given)
    text = _said(given, words, ports)
    if not path or text.status:
        return text
    try:
        ports.write_file(path, f"{text.out}\n".encode())
    except OSError as problem:
        raise ToolError(f"cannot write {path}: {problem}", EXIT_OUTPUT) from problem
    return Said()


def _said(given: Given, words: Sequence[str], ports: ToolPorts) -> Said:
    form = form_of(given)
    view = view_of_snapshot(ports.cib.read(), has_bans="bans" in sections_of(given))
    view = _only(view, node=given.get("node"), resource=given.get("resource"))
    if given.has("simple-status"):
        return simple_status(view)
    if form in ("xml", "json"):
        return _document(view, given, form, request=" ".join(("crm_mon", *words)))
    if form == "html":
        return _page(view, given)
    if given.has("classic") or ports.environment.get("PACELINE_STYLE") == "classic":
        return _classic(view, given)
    return Said(status_text(view, shown_of(given)))


# What few ask for is loaded only then: the monitor runs every few seconds somewhere.


def _document(view: StatusView, given: Given, form: str, *, request: str) -> Said:
    from paceline.commands.status_xml import status_element, status_xml

    is_by_node = given.has("group-by-node")
    if form == "xml":
        is_legacy = given.has("as-xml")
        return Said(
            status_xml(
                view,
                request=request,
                is_legacy=is_legacy,
                is_by_node=is_by_node,
                sections=sections_of(given),
            )
        )
    from paceline.commands.status_html import json_of

    return Said(json_of(status_element(view, request=request, is_by_node=is_by_node)))


def _page(view: StatusView, given: Given) -> Said:
    from paceline.commands.status_html import status_html

    seconds = interval_ms(given) // 1000 if given.has("interval") else 0
    return Said(status_html(status_entries(view, shown_of(given)), refresh_s=seconds))


def _classic(view: StatusView, given: Given) -> Said:
    from paceline.commands.status_classic import classic_layout, classic_status

    layout = classic_layout(has_inactive=given.has("inactive"))
    return Said(classic_status(view, layout))


def _only(view: StatusView, *, node: str, resource: str) -> StatusView:
    """Return the view with what concerns the node and the resource, if they are named."""
    nodes, resources = view.nodes, view.resources
    if node:
        nodes = tuple(each for each in nodes if each.name == node)
        resources = tuple(
            each
            for each in resources
            if any(on.node == node for part in primitives((each,)) for on in part.active)
        )
    if resource:
        resources = tuple(each for each in resources if _has_part(each, resource))
    return structs.replace(view, nodes=nodes, resources=resources)


def _has_part(state: ResourceState, name: str) -> bool:
    if name in (state.id, state.id.partition(":")[0]):
        return True
    return any(_has_part(child, name) for child in state.children)


def shown_of(given: Given) -> Shown:
    """Return the sections that the options ask for."""
    wanted = sections_of(given)
    return Shown(
        summary=wanted,
        has_nodes="nodes" in wanted,
        has_resources="resources" in wanted,
        has_failures="failures" in wanted,
        has_open_fencing="fencing-failed" in wanted or "fencing-pending" in wanted,
        has_inactive=given.has("inactive"),
        has_attributes="attributes" in wanted,
        has_fail_counts="failcounts" in wanted,
        has_operations="operations" in wanted,
        has_timing=given.has("timing-details"),
        has_tickets="tickets" in wanted,
        has_bans="bans" in wanted,
        has_fencing="fencing-succeeded" in wanted,
        is_by_node=given.has("group-by-node"),
        is_detailed=given.has("show-detail"),
        is_brief=given.has("brief"),
    )


def view_of_snapshot(snapshot: CibSnapshot, *, has_bans: bool = False) -> StatusView:
    """Return the view of what a CIB store gave, live or from a file."""
    root = parse_cib(snapshot.document)
    status = snapshot.status or read_status(root) or ClusterStatus(now_ms=0, is_quorate=False)
    return view_of(read_configuration(root), status, has_bans=has_bans)


def simple_status(view: StatusView) -> Said:
    """Return the one line that monitoring systems read, with their exit status."""
    down = [f"offline node: {node.name}" for node in view.nodes if not node.is_online]
    problems = ([] if view.coordinator else ["No DC"]) + ([" ".join(down)] if down else [])
    if problems:
        return Said(f"CLUSTER WARN: {', '.join(problems)}", 1)
    standby = [node for node in view.nodes if node.is_standby or node.is_standby_by_failure]
    idle = [node for node in view.nodes if node not in standby and node.in_maintenance]
    online = len(view.nodes) - len(standby) - len(idle)
    words = [f"{count_text(online, 'node')} online"]
    words += [count_text(len(standby), "standby node")] if standby else []
    words += [count_text(len(idle), "maintenance node")] if idle else []
    words.append(
        f"{count_text(count_instances(view.resources)[0], 'resource instance')} configured"
    )
    return Said(f"CLUSTER OK: {', '.join(words)}")
