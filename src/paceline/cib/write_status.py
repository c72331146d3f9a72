"""Writing a status as a CIB's `<status>`, so that tools which know Pacemaker's can read it."""

from lxml import etree

from paceline.cib.read import parse_xml, read_configuration
from paceline.cib.read_attributes import Element
from paceline.model.configuration import Configuration
from paceline.model.status import (
    ClusterStatus,
    HistoryEntry,
    NodeKind,
    NodeStatus,
    OperationOutcome,
)

FEATURE_SET = "3.20.0"
"""The feature set that results are marked with where the status names none.

Source: the set of Pacemaker 3.0, whose names of options and fail counts are ours.
"""

NO_UUID = "00000000-0000-0000-0000-000000000000"
"""The transition's owner in keys that come from no transition."""

OUTCOME_CODES = {
    OperationOutcome.PENDING: -1,
    OperationOutcome.DONE: 0,
    OperationOutcome.CANCELLED: 1,
    OperationOutcome.TIMED_OUT: 2,
    OperationOutcome.NOT_SUPPORTED: 3,
    OperationOutcome.ERROR: 4,
    OperationOutcome.NOT_INSTALLED: 7,
    OperationOutcome.UNKNOWN: 4,
}
"""What `op-status` says for each outcome."""

PENDING_RC = 193
"""The exit status written for an operation under way."""


def status_element(status: ClusterStatus, configuration: Configuration) -> Element:
    """Return the `<status>` element. Node ids come from the configuration, else the status."""
    root = etree.Element("status")
    ids = {node.name: node.id for node in configuration.nodes}
    for node in status.nodes:
        root.append(_node_state(node, ids.get(node.name, _id_of(node)), status.feature_set))
    if status.tickets:
        tickets = etree.SubElement(root, "tickets")
        for ticket in status.tickets:
            state = etree.SubElement(tickets, "ticket_state", id=ticket.ticket)
            state.set("granted", _flag(ticket.is_granted))
            state.set("standby", _flag(ticket.is_standby))
            if ticket.last_granted_ms:
                state.set("last-granted", str(ticket.last_granted_ms // 1000))
            for name, value in ticket.attributes:
                state.set(name, value)
    return root


def cib_with_status(configuration_xml: bytes, status: ClusterStatus) -> bytes:
    """Return the whole CIB: the configuration as given, with `status` as its status section.

    The root gets have-quorum and dc-uuid, and who changed it last where the status says.
    Raises InvalidRequestError where `configuration_xml` is no CIB.
    """
    root = parse_xml(configuration_xml)
    configuration = read_configuration(root)
    for old in root.findall("status"):
        root.remove(old)
    root.append(status_element(status, configuration))
    root.set("have-quorum", "1" if status.is_quorate else "0")
    if status.coordinator:
        ids = {str(node.name): node.id for node in configuration.nodes}
        root.set("dc-uuid", ids.get(status.coordinator, status.coordinator))
    origin = status.last_change
    for name, value in (
        ("update-origin", origin.node),
        ("update-client", origin.client),
        ("update-user", origin.user),
    ):
        if value:
            root.set(name, value)
    if root.get("crm_feature_set") is None:
        root.set("crm_feature_set", status.feature_set or FEATURE_SET)
    return etree.tostring(root, pretty_print=True)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _id_of(node: NodeStatus) -> str:
    return node.cib_id or (str(node.node_id) if node.node_id else node.name)


def _node_state(node: NodeStatus, cib_id: str, feature_set: str) -> Element:
    state = etree.Element("node_state", id=cib_id, uname=node.name)
    if node.kind is NodeKind.MEMBER:
        is_joined = node.is_online and not node.is_pending
        state.set("in_ccm", _flag(node.is_member))
        state.set("crmd", "online" if node.is_online else "offline")
        state.set("crm-debug-origin", "paceline")
        state.set("join", "member" if is_joined else "pending" if node.is_online else "down")
        state.set("expected", "member" if node.is_expected else "down")
    else:
        state.set("remote_node", "true")
        state.set("in_ccm", _flag(node.is_member))
        state.set("crm-debug-origin", "paceline")
        state.set("node_fenced", "1" if node.is_fenced else "0")
        if node.in_maintenance:
            state.set("node_in_maintenance", "1")
    if node.attributes:
        outer = etree.SubElement(state, "transient_attributes", id=cib_id)
        inner = etree.SubElement(outer, "instance_attributes", id=f"status-{cib_id}")
        for name, value in node.attributes:
            pair_id = _xml_id(f"status-{cib_id}-{name}")
            etree.SubElement(inner, "nvpair", id=pair_id, name=name, value=value)
    resources = etree.SubElement(etree.SubElement(state, "lrm", id=cib_id), "lrm_resources")
    _add_history(resources, node, feature_set or FEATURE_SET)
    return state


def _xml_id(text: str) -> str:
    """Return `text` with what may not stand in an XML id replaced by dots."""
    return "".join(c if c.isalnum() or c in "-_." else "." for c in text)


def _add_history(resources: Element, node: NodeStatus, feature_set: str) -> None:
    boxes: dict[str, Element] = {}
    locks = dict(node.shutdown_locks)
    for entry in node.history:
        box = boxes.get(entry.resource)
        if box is None:
            box = etree.SubElement(resources, "lrm_resource", id=entry.resource)
            box.set("type", entry.agent_type)
            box.set("class", entry.agent_class)
            if entry.provider:
                box.set("provider", entry.provider)
            if entry.container:
                box.set("container", entry.container)
            if entry.resource in locks:
                box.set("shutdown-lock", str(locks[entry.resource] // 1000))
            boxes[entry.resource] = box
        box.append(_entry_element(entry, node.name, feature_set))


def _entry_element(entry: HistoryEntry, node: str, feature_set: str) -> Element:
    is_pending = entry.outcome is OperationOutcome.PENDING
    status = OUTCOME_CODES[entry.outcome]
    if entry.outcome is OperationOutcome.DONE and entry.rc != max(entry.target_rc, 0):
        is_probe = entry.task == "monitor" and entry.interval_ms == 0
        status = 0 if is_probe and entry.rc in (0, 8) else OUTCOME_CODES[OperationOutcome.ERROR]
    rc = PENDING_RC if is_pending else entry.rc
    key = entry.transition_key or f"0:0:{max(entry.target_rc, 0)}:{NO_UUID}"
    element = etree.Element("lrm_rsc_op", id=entry.entry_id)
    default_key = f"{entry.resource}_{entry.task}_{entry.interval_ms}"
    element.set("operation_key", entry.operation_key or default_key)
    element.set("operation", entry.task)
    element.set("crm-debug-origin", "paceline")
    element.set("crm_feature_set", feature_set)
    element.set("transition-key", key)
    element.set("transition-magic", f"{status}:{rc};{key}")
    element.set("exit-reason", entry.exit_reason)
    element.set("on_node", node)
    element.set("call-id", str(entry.call_id))
    element.set("rc-code", str(rc))
    element.set("op-status", str(status))
    element.set("interval", str(entry.interval_ms))
    if entry.last_rc_change_ms:
        element.set("last-rc-change", str(entry.last_rc_change_ms // 1000))
    element.set("exec-time", str(entry.exec_ms))
    element.set("queue-time", str(entry.queue_ms))
    for name, value in (
        ("op-digest", entry.digest),
        ("op-force-restart", entry.restart_parameters),
        ("op-restart-digest", entry.restart_digest),
        ("op-secure-params", entry.secure_parameters),
        ("op-secure-digest", entry.secure_digest),
        ("migrate_source", entry.migrate_source),
        ("migrate_target", entry.migrate_target),
    ):
        if value:
            element.set(name, value)
    return element
