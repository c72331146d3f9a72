"""Reading `<status>`: what each node reported, its transient attributes, and tickets."""

from sys import intern

from paceline.cib.read_attributes import Element, number_or, parse_flag
from paceline.model.identifiers import NodeId, NodeName, ResourceId
from paceline.model.status import (
    HistoryEntry,
    NodeKind,
    NodeStatus,
    OperationOutcome,
    TicketStatus,
)

STATUS_CODES = {
    -1: OperationOutcome.PENDING,
    0: OperationOutcome.DONE,
    1: OperationOutcome.CANCELLED,
    2: OperationOutcome.TIMED_OUT,
    3: OperationOutcome.NOT_SUPPORTED,
    4: OperationOutcome.ERROR,
    5: OperationOutcome.ERROR,
    6: OperationOutcome.ERROR,
    7: OperationOutcome.NOT_INSTALLED,
    8: OperationOutcome.UNKNOWN,
    10: OperationOutcome.ERROR,
}
"""`op-status` numbers, with what they mean here. Source: pacemaker-doc, `lrm_rsc_op`."""


def read_node_states(
    status: Element, names: dict[str, NodeName], kinds: dict[NodeName, NodeKind]
) -> tuple[NodeStatus, ...]:
    """Return the node states, sorted by name. `names` are node names by id and by name."""
    found: dict[NodeName, NodeStatus] = {}
    for order, element in enumerate(status.iterchildren("node_state")):
        raw = element.get("uname", "") or element.get("id", "")
        name = names.get(raw, names.get(element.get("id", ""), NodeName(raw)))
        found[name] = _read_node(element, name, kinds.get(name), order)
    return tuple(found[name] for name in sorted(found))


def _moment_ms(text: str | None) -> tuple[bool, int]:
    """Return whether a membership word says yes, and since when (0 where it is a plain word)."""
    if text is None:
        return False, 0
    since = number_or(text, -1)
    if since >= 0:
        return since > 0, since * 1000 if since > 1 else 0
    return text in ("true", "online", "yes", "on"), 0


def _read_node(element: Element, name: NodeName, kind: NodeKind | None, order: int) -> NodeStatus:
    is_member, member_since = _moment_ms(element.get("in_ccm"))
    is_online, online_since = _moment_ms(element.get("crmd"))
    join = element.get("join", "")
    cib_id = element.get("id", "")
    is_remote = parse_flag(element.get("remote_node"), False)
    history: list[HistoryEntry] = []
    locks: list[tuple[ResourceId, int]] = []
    for resource in element.iterfind("lrm/lrm_resources/lrm_resource"):
        history.extend(_read_entries(resource))
        since_s = number_or(resource.get("shutdown-lock"), 0)
        if since_s > 0:
            locks.append((ResourceId(resource.get("id", "")), since_s * 1000))
    return NodeStatus(
        name=name,
        node_id=NodeId(number_or(cib_id, 0)),
        cib_id=cib_id,
        file_order=order,
        kind=kind or (NodeKind.REMOTE if is_remote else NodeKind.MEMBER),
        is_member=is_member,
        is_online=is_online,
        is_expected=element.get("expected") == "member",
        is_seen=True,
        is_pending=join != "member",
        is_left_banned=join in ("banned", "nack"),
        is_fenced=_moment_ms(element.get("node_fenced"))[0]
        or element.get("node_fenced", "0") not in ("0", "false", ""),
        in_maintenance=element.get("node_in_maintenance", "0") not in ("0", "false", ""),
        member_since_ms=member_since,
        online_since_ms=online_since,
        attributes=_transient(element),
        history=tuple(history),
        shutdown_locks=tuple(locks),
    )


def _transient(element: Element) -> tuple[tuple[str, str], ...]:
    pairs: dict[str, str] = {}
    for pair in element.iterfind("transient_attributes/instance_attributes/nvpair"):
        name, value = pair.get("name"), pair.get("value")
        if name is not None and value is not None:
            pairs.setdefault(name, value)
    return tuple(sorted(pairs.items()))


def _number(text: str | None, default: int = 0) -> int:
    try:
        return int(text) if text is not None else default
    except ValueError:
        return default


def _read_entries(resource: Element) -> list[HistoryEntry]:
    """Return the rows of a resource. Words that every node's history repeats are kept once."""
    name = ResourceId(intern(resource.get("id", "")))
    fixed = {
        "resource": name,
        "agent_class": intern(resource.get("class", "")),
        "provider": intern(resource.get("provider", "")),
        "agent_type": intern(resource.get("type", "")),
        "container": resource.get("container", ""),
    }
    return [_read_entry(each, fixed) for each in resource.iterchildren("lrm_rsc_op")]


def _read_entry(element: Element, fixed: dict[str, str]) -> HistoryEntry:
    get = element.get
    key, magic = get("transition-key", ""), get("transition-magic", "")
    if not key and ";" in magic:
        key = magic.partition(";")[2]
    rc, status = _number(get("rc-code"), 0), _number(get("op-status"), 0)
    return HistoryEntry(
        entry_id=intern(get("id", "")),
        resource=ResourceId(fixed["resource"]),
        agent_class=fixed["agent_class"],
        provider=fixed["provider"],
        agent_type=fixed["agent_type"],
        container=fixed["container"],
        task=intern(get("operation", "")),
        interval_ms=_number(get("interval")),
        call_id=_number(get("call-id")),
        outcome=STATUS_CODES.get(status, OperationOutcome.ERROR),
        rc=rc,
        target_rc=_target_rc(key),
        exit_reason=get("exit-reason", ""),
        last_run_ms=1000 * _number(get("last-run")),
        last_rc_change_ms=1000 * _number(get("last-rc-change")),
        exec_ms=_number(get("exec-time")),
        queue_ms=_number(get("queue-time")),
        digest=intern(get("op-digest", "")),
        restart_digest=get("op-restart-digest", ""),
        restart_parameters=get("op-force-restart", ""),
        secure_digest=get("op-secure-digest", ""),
        secure_parameters=get("op-secure-params", ""),
        migrate_source=get("migrate_source", ""),
        migrate_target=get("migrate_target", ""),
        transition_key=key,
        operation_key=intern(get("operation_key", "")),
    )


def _target_rc(transition_key: str) -> int:
    """Return the expected exit status in `ACTION:TRANSITION:TARGET:UUID`, -1 if none."""
    parts = transition_key.split(":", 3)
    return _number(parts[2], -1) if len(parts) == 4 else -1


def read_tickets(status: Element) -> tuple[TicketStatus, ...]:
    """Return the tickets' states, sorted by name."""
    found = []
    for element in status.iterfind("tickets/ticket_state"):
        known = ("id", "granted", "standby", "last-granted")
        found.append(
            TicketStatus(
                ticket=element.get("id", ""),
                is_granted=parse_flag(element.get("granted"), False),
                is_standby=parse_flag(element.get("standby"), False),
                last_granted_ms=1000 * _number(element.get("last-granted")),
                attributes=tuple(
                    sorted((str(k), str(v)) for k, v in element.attrib.items() if k not in known)
                ),
            )
        )
    return tuple(sorted(found, key=lambda each: each.ticket))
