"""The status as XML, in the form of `crm_mon --output-as=xml`, which programs read."""

import time

from lxml import etree

from paceline.cib.tree import Element
from paceline.commands.shown_date import date_text
from paceline.commands.status_entries import Layout, feature_set_of, running_on
from paceline.commands.status_history import ResourceHistory, node_histories, task_text
from paceline.commands.status_sections import is_shown_attribute, outcome_text, score_text
from paceline.commands.status_view import (
    StatusView,
    count_instances,
    is_true,
    is_wholly_active,
    primitives,
)
from paceline.commands.tools import API_VERSION
from paceline.model.durations import parse_duration_ms
from paceline.model.exit_status import rc_text
from paceline.model.state import NodeState, ResourceState

LEGACY_VERSION = "2.1.5"
"""What the root of the older form (`crm_mon -X`) says."""


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _add(parent: Element, tag: str, **attributes: str) -> Element:
    element = etree.SubElement(parent, tag)
    for name, value in attributes.items():
        element.set(name.rstrip("_").replace("__", "-"), value)
    return element


def status_xml(
    view: StatusView,
    *,
    request: str,
    is_legacy: bool = False,
    is_by_node: bool = False,
    sections: frozenset[str] | None = None,
) -> str:
    """Return the status as a document, all of it or those sections.

    `is_legacy`: with the root that `-X` has.
    """
    root = status_element(view, request=request, is_by_node=is_by_node)
    if sections is not None:
        _keep(root, sections)
    if is_legacy:
        root.tag = "crm_mon"
        root.attrib.clear()
        root.set("version", LEGACY_VERSION)
        root.remove(root[-1])
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


SECTION_OF = {
    "stack": "stack", "current_dc": "dc", "last_update": "times", "last_change": "times",
    "nodes_configured": "counts", "resources_configured": "counts", "cluster_options": "options",
    "nodes": "nodes", "resources": "resources", "node_attributes": "attributes",
    "node_history": "operations", "failures": "failures", "fence_history": "fencing-failed",
    "tickets": "tickets", "bans": "bans",
}  # fmt: skip
"""Which section each element belongs to."""


def _keep(root: Element, sections: frozenset[str]) -> None:
    """Take out what belongs to none of the sections, and a summary that is left empty."""
    summary = root.find("summary")
    for parent in (root,) if summary is None else (summary, root):
        for element in list(parent):
            if SECTION_OF.get(str(element.tag), "") not in {*sections, ""}:
                parent.remove(element)
    if summary is not None and not len(summary):
        root.remove(summary)


def status_element(view: StatusView, *, request: str, is_by_node: bool = False) -> Element:
    """Return the whole status as an element; `is_by_node`, what runs below its node."""
    root = etree.Element("pacemaker-result")
    root.set("api-version", API_VERSION)
    root.set("request", request)
    _summary(root, view)
    add_nodes_and_resources(root, view, is_by_node=is_by_node)
    _attributes(root, view)
    _history(root, view)
    _failures(root, view)
    _fencing(root, view)
    _tickets(root, view)
    _bans(root, view)
    _add(root, "status", code="0", message="OK")
    return root


def add_nodes_and_resources(parent: Element, view: StatusView, *, is_by_node: bool = False) -> None:
    """Add the `nodes` and the `resources` of a view."""
    for element, node in zip(_nodes(parent, view), view.nodes, strict=True):
        if is_by_node:
            for each in running_on(node, view, Layout(is_detailed=True)):
                add_resource(element, each, view)
    shown = [each for each in view.resources if not (is_by_node and is_wholly_active(each))]
    if shown:
        resources = _add(parent, "resources")
        for each in shown:
            add_resource(resources, each, view)


def _summary(root: Element, view: StatusView) -> None:
    summary = _add(root, "summary")
    _add(summary, "stack", type=view.stack or "unknown")
    chief = view.coordinator
    if chief is None:
        _add(summary, "current_dc", present="false")
    else:
        _add(
            summary, "current_dc", present="true", version=view.version.replace("unknown", ""),
            name=chief.name, id=chief.node_id, with_quorum=_flag(view.is_quorate),
            mixed_version="false",
        )  # fmt: skip
    _add(summary, "last_update", time=date_text(view.updated_ms))
    change = view.last_change
    when = date_text(change.time_ms) if change.time_ms else ""
    _add(
        summary, "last_change", time=when, user=change.user, client=change.client,
        origin=change.node,
    )  # fmt: skip
    _add(summary, "nodes_configured", number=str(len(view.nodes)))
    total, disabled, blocked = count_instances(view.resources)
    _add(
        summary, "resources_configured", number=str(total), disabled=str(disabled),
        blocked=str(blocked),
    )  # fmt: skip
    policy = view.option("no-quorum-policy", default="stop")
    _add(
        summary, "cluster_options",
        stonith__enabled=_flag(view.is_fencing_enabled),
        symmetric__cluster=_flag(is_true(view.option("symmetric-cluster", default="true"))),
        no__quorum__policy="suicide" if policy == "fence" else policy,
        maintenance__mode=_flag(is_true(view.option("maintenance-mode"))),
        stop__all__resources=_flag(is_true(view.option("stop-all-resources"))),
        stonith__timeout__ms=_ms(view.option("stonith-timeout", "fencing-timeout"), 60_000),
        priority__fencing__delay__ms=_ms(view.option("priority-fencing-delay"), 0),
    )  # fmt: skip


def _ms(text: str, default: int) -> str:
    try:
        return str(parse_duration_ms(text)) if text else str(default)
    except ValueError:
        return str(default)


def _nodes(root: Element, view: StatusView) -> Element:
    nodes = _add(root, "nodes")
    for node in view.nodes:
        element = _add(
            nodes, "node", name=node.name, id=node.node_id or node.name,
            online=_flag(node.is_online), standby=_flag(node.is_standby),
            standby_onfail=_flag(node.is_standby_by_failure),
            maintenance=_flag(node.in_maintenance), pending=_flag(node.is_pending),
            unclean=_flag(node.is_unclean), health=_health(node),
        )  # fmt: skip
        if node.is_online and node.kind == "member":
            element.set("feature_set", feature_set_of(node, view))
        rest = {
            "shutdown": _flag(node.is_shutting_down), "expected_up": _flag(node.is_expected),
            "is_dc": _flag(node.is_coordinator), "resources_running": str(len(node.running)),
            "type": "remote" if node.kind != "member" else "member",
        }  # fmt: skip
        for name, value in rest.items():
            element.set(name, value)
        if node.kind == "guest":
            element.set("id_as_resource", node.container)
    return nodes


def _health(node: NodeState) -> str:
    if node.health < 0:
        return "red"
    return "green" if node.health == 0 else "yellow"


def add_resource(parent: Element, resource: ResourceState, view: StatusView) -> None:
    """Add a resource with all its parts."""
    managed = _flag(resource.is_managed)
    match resource.kind:
        case "group":
            group = _add(
                parent, "group", id=resource.id, number_resources=str(len(resource.children)),
                managed=managed, disabled=_flag(resource.is_disabled),
            )  # fmt: skip
            for child in resource.children:
                add_resource(group, child, view)
        case "clone":
            clone = _add(
                parent, "clone", id=resource.id, multi_state=_flag(resource.is_promotable),
                unique=_flag(resource.is_unique), managed=managed,
                disabled=_flag(resource.is_disabled), failed=_flag(resource.is_failed),
                failure_ignored=_flag(resource.is_failure_ignored),
            )  # fmt: skip
            if resource.target_role:
                clone.set("target_role", resource.target_role)
            for child in resource.children:
                add_resource(clone, child, view)
        case "bundle":
            bundle = _add(
                parent, "bundle", id=resource.id, type=_engine(resource), image=resource.image,
                unique=_flag(resource.is_unique), managed=managed, failed=_flag(resource.is_failed),
            )  # fmt: skip
            for child in resource.children:
                replica = _add(bundle, "replica", id=str(max(child.replica, 0)))
                for each in primitives((child,)):
                    add_resource(replica, each, view)
        case _:
            _primitive(parent, resource, view)


def _engine(bundle: ResourceState) -> str:
    for each in primitives((bundle,)):
        if each.agent_type in ("docker", "podman", "rkt"):
            return each.agent_type
    return bundle.agent_type or "docker"


def _primitive(parent: Element, resource: ResourceState, view: StatusView) -> None:
    joint = ":".join(
        word for word in (resource.agent_class, resource.provider, resource.agent_type) if word
    )
    shown = resource.id if resource.is_unique else resource.id.partition(":")[0]
    element = _add(parent, "resource", id=shown, resource_agent=joint, role=resource.role)
    if resource.target_role:
        element.set("target_role", resource.target_role)
    rest = {
        "active": _flag(bool(resource.active)), "orphaned": _flag(resource.is_removed),
        "blocked": _flag(resource.is_blocked), "managed": _flag(resource.is_managed),
        "failed": _flag(resource.is_failed),
        "failure_ignored": _flag(resource.is_failure_ignored),
        "nodes_running_on": str(len(resource.active)),
    }  # fmt: skip
    for name, value in rest.items():
        element.set(name, value)
    if resource.pending_task:
        element.set("pending", resource.pending_task)
    for on in resource.active:
        node = view.node(on.node)
        node_id = node.node_id if node is not None and node.node_id else on.node
        _add(element, "node", name=on.node, id=node_id, cached=_flag(on.is_node_online))


def _attributes(root: Element, view: StatusView) -> None:
    section = _add(root, "node_attributes")
    for node in view.nodes:
        shown = [pair for pair in sorted(node.attributes) if is_shown_attribute(pair[0])]
        if shown and node.is_online:
            element = _add(section, "node", name=node.name)
            for name, value in shown:
                line = _add(element, "attribute", name=name, value=value)
                if (node.name, name) in view.connectivity:
                    line.set("expected", str(view.connectivity[node.name, name]))
    if not len(section):
        root.remove(section)


def _history(root: Element, view: StatusView) -> None:
    section = _add(root, "node_history")
    for name, histories in node_histories(view):
        element = _add(section, "node", name=name)
        for each in histories:
            _resource_history(element, each)


def _resource_history(parent: Element, history: ResourceHistory) -> None:
    line = _add(
        parent, "resource_history", id=history.resource, orphan=_flag(history.is_orphan),
        migration__threshold=str(history.threshold),
    )  # fmt: skip
    count = history.count
    if count is not None:
        line.set("fail-count", score_text(count.count, is_count=True))
        if count.last_failure_ms:
            line.set("last-failure", date_text(count.last_failure_ms))
    for each in history.operations:
        operation = _add(
            line, "operation_history", call=str(each.call_id), task=task_text(each),
            rc=str(each.rc), rc_text=rc_text(each.rc),
        )  # fmt: skip
        if each.interval_ms:
            operation.set("interval", f"{each.interval_ms}ms")
        if each.last_rc_change_ms:
            operation.set("last-rc-change", date_text(each.last_rc_change_ms))
        if each.last_rc_change_ms or each.exec_ms:
            operation.set("exec-time", f"{each.exec_ms}ms")
            operation.set("queue-time", f"{each.queue_ms}ms")


def _moment(time_ms: int) -> str:
    """Return a moment as `2026-11-23 00:09:14Z`, or with the zone's offset."""
    at = time.localtime(time_ms // 1000)
    offset = time.strftime("%z", at)
    zone = "Z" if offset in ("+0000", "") else f" {offset[:3]}:{offset[3:]}"
    return time.strftime("%Y-%m-%d %H:%M:%S", at) + zone


def _failures(root: Element, view: StatusView) -> None:
    if not view.failures:
        return
    section = _add(root, "failures")
    for each in view.failures:
        element = _add(
            section, "failure", op_key=each.operation_key, node=each.node,
            exitstatus=rc_text(each.rc), exitreason=each.exit_reason or "none",
            exitcode=str(each.rc), call=str(each.call_id), status=outcome_text(each.outcome),
        )  # fmt: skip
        if each.last_rc_change_ms:
            rest = {
                "last-rc-change": _moment(each.last_rc_change_ms), "queued": str(each.queue_ms),
                "exec": str(each.exec_ms), "interval": str(each.interval_ms), "task": each.task,
            }  # fmt: skip
            for name, value in rest.items():
                element.set(name, value)


def _fencing(root: Element, view: StatusView) -> None:
    if not view.fencing:
        return
    section = _add(root, "fence_history", status="0")
    for each in view.fencing:
        _add(
            section, "fence_event", action=each.action, target=each.target, client=each.client,
            origin=each.origin, status={"done": "success"}.get(each.state, each.state),
            delegate=each.executor, completed=date_text(each.completed_ms),
        )  # fmt: skip


def _tickets(root: Element, view: StatusView) -> None:
    if not view.tickets:
        return
    section = _add(root, "tickets")
    for each in view.tickets:
        element = _add(
            section, "ticket", id=each.ticket,
            status="granted" if each.is_granted else "revoked", standby=_flag(each.is_standby),
        )  # fmt: skip
        if each.last_granted_ms:
            element.set("last-granted", date_text(each.last_granted_ms))


def _bans(root: Element, view: StatusView) -> None:
    if not view.bans:
        return
    section = _add(root, "bans")
    for each in view.bans:
        is_promoted = _flag(each.role == "Promoted")
        element = _add(
            section, "ban", id=each.constraint, resource=each.resource, node=each.node,
            weight=str(each.score),
        )  # fmt: skip
        element.set("promoted-only", is_promoted)
        element.set("master_only", is_promoted)
