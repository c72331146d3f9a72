"""Resources and nodes as lines: who runs where, with the marks that a status puts behind it.

An entry is a line and the entries below it; `status_text` and `status_classic` indent them.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from paceline.commands.status_bundles import CONTAINER_AGENTS
from paceline.commands.status_view import StatusView, is_active, primitives
from paceline.model.identifiers import NodeName
from paceline.model.state import NodeState, ResourceState


class Entry(Struct, frozen=True):
    """One line and what stands below it; without text, only a level of its own."""

    text: str
    children: tuple["Entry", ...] = ()


class Layout(Struct, frozen=True, kw_only=True):
    """How entries are to be made.

    `is_detailed` shows node ids and every instance, `has_inactive` what is not active too,
    `is_brief` only counts. `colon` joins class and provider (`:` today, `::` then);
    `promoted`/`unpromoted` head the lists of instances; `is_classic` is the notes' layout.
    `hides_nodes` leaves out where a resource runs.
    """

    is_detailed: bool = False
    has_inactive: bool = True
    is_brief: bool = False
    is_classic: bool = False
    hides_nodes: bool = False
    only_node: str = ""

    @property
    def promoted(self) -> str:
        """The heading of promoted instances."""
        return "Masters" if self.is_classic else "Promoted"

    @property
    def unpromoted(self) -> str:
        """The heading of instances that are not promoted."""
        return "Slaves" if self.is_classic else "Unpromoted"


def list_text(names: Iterable[str]) -> str:
    """Return `[ n1 n2 ]`."""
    return f"[ {' '.join(names)} ]"


def count_text(number: int, noun: str) -> str:
    """Return `1 node`, `2 nodes`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def in_natural_order(names: Iterable[str]) -> list[str]:
    """Return names as people sort them: `n2` before `n10`, whatever the case."""
    return sorted(names, key=lambda name: (_natural_key(name), name))


def _natural_key(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def agent_text(resource: ResourceState, layout: Layout) -> str:
    """Return `ocf:heartbeat:IPaddr2`, or with two colons in the classic layout."""
    joint = "::" if layout.is_classic else ":"
    if resource.provider:
        return f"{resource.agent_class}{joint}{resource.provider}:{resource.agent_type}"
    return f"{resource.agent_class}:{resource.agent_type}"


def role_text(resource: ResourceState, layout: Layout) -> str:
    """Return the role as shown, with the failure in front of it."""
    role = {"Promoted": "Master", "Unpromoted": "Slave"}.get(resource.role, resource.role)
    role = role if layout.is_classic else resource.role
    if resource.pending_task in ("Starting", "Stopping", "Promoting", "Demoting", "Migrating"):
        role = resource.pending_task
    if resource.is_failed and resource.role != "Stopped":
        return f"FAILED {role}" if resource.role == "Promoted" else "FAILED"
    return role


def marks(resource: ResourceState, view: StatusView, layout: Layout) -> tuple[str, ...]:
    """Return the marks behind a resource's line."""
    found: list[str] = []
    if not layout.hides_nodes and any(
        not on.is_node_online and _is_unclean(on.node, view) for on in resource.active
    ):
        found.append("UNCLEAN")
    if resource.locked_to:
        found.append("LOCKED")
    if resource.pending_task and resource.pending_task not in (
        "Starting", "Stopping", "Promoting", "Demoting", "Migrating",
    ):  # fmt: skip
        found.append(resource.pending_task)
    if resource.is_disabled:
        found.append("disabled")
    elif resource.target_role in ("Unpromoted", "Slave") and resource.is_promotable:
        found.append(f"target-role:{resource.target_role}")
    if resource.is_blocked:
        found.append("blocked")
    elif resource.is_in_maintenance:
        found.append("maintenance")
    elif not resource.is_managed:
        found.append("unmanaged")
    if resource.is_failure_ignored:
        found.append("failure ignored")
    return tuple(found)


def _is_unclean(name: NodeName, view: StatusView) -> bool:
    node = view.node(name)
    return node is not None and node.is_unclean


def state_text(resource: ResourceState, view: StatusView, layout: Layout) -> str:
    """Return `Started n1 (unmanaged)`: role, where, marks."""
    words = ["ORPHANED"] if resource.is_removed else []
    words.append(role_text(resource, layout))
    nodes = [on.node for on in resource.active]
    if layout.hides_nodes:
        nodes = []
    if len(nodes) == 1:
        words.append(nodes[0])
    elif not nodes and resource.locked_to and not layout.hides_nodes:
        words.append(resource.locked_to)
    found = marks(resource, view, layout)
    if found:
        words.append(f"({', '.join(found)})")
    if len(nodes) > 1:
        words.append(list_text(nodes))
    return " ".join(words)


def primitive_text(
    resource: ResourceState, view: StatusView, layout: Layout, name: str = ""
) -> str:
    """Return a primitive's whole line."""
    agent = f"({agent_text(resource, layout)}):"
    shown = name or _shown_id(resource)
    if layout.is_classic:
        return f"{shown}\t{agent}\t{state_text(resource, view, layout)}"
    return f"{shown}\t{agent}\t {state_text(resource, view, layout)}"


def _shown_id(resource: ResourceState) -> str:
    return resource.id if resource.is_unique else resource.id.partition(":")[0]


def running_on(node: NodeState, view: StatusView, layout: Layout) -> list[ResourceState]:
    """Return what runs on a node, as it was reported; connections to guests in detail only."""
    known = {each.id: each for each in primitives(view.resources)}
    running = [known[name] for name in node.running if name in known]
    has_all = layout.is_detailed or layout.is_brief
    return [each for each in running if has_all or not each.is_internal]


def _marks_of_set(resource: ResourceState) -> list[str]:
    found = []
    if resource.is_in_maintenance:
        found.append("maintenance")
    elif not resource.is_managed:
        found.append("unmanaged")
    if resource.is_disabled:
        found.append("disabled")
    return found


def _heading(text: str, found: list[str], layout: Layout) -> str:
    tail = f" ({', '.join(found)})" if found else ""
    if layout.is_classic:
        return f"{text}{tail}"
    return f"{text}{tail}:"


def resource_entries(view: StatusView, layout: Layout) -> tuple[Entry, ...]:
    """Return the entries of all resources."""
    made = (_entry(each, view, layout) for each in view.resources if _is_shown(each, layout))
    if layout.is_brief:
        return tuple(_brief(view.resources, view, layout, has_totals=layout.has_inactive))
    return tuple(made)


def _is_shown(resource: ResourceState, layout: Layout) -> bool:
    if resource.is_removed and not resource.active and not resource.is_failed:
        return False
    if resource.is_internal and not (layout.is_detailed or layout.is_brief):
        return False
    return layout.has_inactive or is_active(resource)


def _entry(resource: ResourceState, view: StatusView, layout: Layout, name: str = "") -> Entry:
    match resource.kind:
        case "group":
            return _group(resource, view, layout)
        case "clone":
            return _clone(resource, view, layout)
        case "bundle":
            return _bundle(resource, view, layout)
    return Entry(primitive_text(resource, view, layout, name))


def _group(resource: ResourceState, view: StatusView, layout: Layout) -> Entry:
    shown = tuple(each for each in resource.children if _is_shown(each, layout))
    found = _marks_of_set(resource)
    hidden = len(resource.children) - len(shown)
    if hidden and not layout.is_classic:
        found.insert(0, f"{count_text(hidden, 'member')} inactive")
    heading = _heading(f"Resource Group: {resource.id}", found, layout)
    if layout.is_brief:
        members = tuple(_brief(resource.children, view, layout, has_totals=True))
        return Entry(heading, members)
    return Entry(heading, tuple(_entry(each, view, layout) for each in shown))


def _brief(
    resources: tuple[ResourceState, ...], view: StatusView, layout: Layout, *, has_totals: bool
) -> Iterator[Entry]:
    """Yield counts of the primitives by agent and node, then what is more than a primitive."""
    totals: dict[str, int] = {}
    active: dict[str, dict[str, int]] = {}
    for each in resources:
        if each.kind != "primitive":
            continue
        agent = agent_text(each, layout)
        totals[agent] = totals.get(agent, 0) + 1
        for on in each.active:
            nodes = active.setdefault(agent, {})
            nodes[on.node] = nodes.get(on.node, 0) + 1
    for agent in sorted(totals):
        for node, number in sorted(active.get(agent, {}).items()):
            total = f"/{totals[agent]}" if has_totals else ""
            yield Entry(f"{number}{total}\t({agent}):\tActive {node}")
        if agent not in active and layout.has_inactive:
            yield Entry(f"0/{totals[agent]}\t({agent}):\tActive")
    for each in resources:
        if each.kind != "primitive" and _is_shown(each, layout):
            yield _entry(each, view, layout)


def _clone(resource: ResourceState, view: StatusView, layout: Layout) -> Entry:
    found = ["promotable"] if resource.is_promotable else []
    if resource.is_unique:
        found.append("unique")
    found += _marks_of_set(resource)
    child = resource.children[0].id.partition(":")[0] if resource.children else ""
    if layout.is_classic:
        kind = "Master/Slave Set" if resource.is_promotable else "Clone Set"
        found = [mark for mark in found if mark != "promotable"]
        heading = _heading(f"{kind}: {resource.id} [{child}]", found, layout)
    else:
        heading = _heading(f"Clone Set: {resource.id} [{child}]", found, layout)
    if layout.is_detailed or resource.is_unique:
        return Entry(heading, tuple(_instance(each, view, layout) for each in resource.children))
    return Entry(heading, tuple(_folded(resource, view, layout)))


def _instance(resource: ResourceState, view: StatusView, layout: Layout) -> Entry:
    return _entry(resource, view, layout)


def _is_plain(instance: ResourceState, view: StatusView) -> bool:
    """Say whether an instance needs no line of its own: it is as its clone's other ones are."""
    for each in primitives((instance,)):
        online = all(on.is_node_online for on in each.active)
        alike = each.role in ("Started", "Promoted", "Unpromoted", "Stopped")
        if each.is_failed or each.pending_task or not alike or len(each.active) > 1:
            return False
        if not online or (each.active and (each.is_blocked or not each.is_managed)):
            return False
        if each.is_removed:
            return False
    return _common_node(instance) is not None or not is_active(instance)


def _common_node(instance: ResourceState) -> NodeName | None:
    """Return the one node on which all of an instance is active, None where there is none."""
    places = {tuple(on.node for on in each.active) for each in primitives((instance,))}
    if len(places) == 1:
        only = next(iter(places))
        return only[0] if len(only) == 1 else None
    return None


def _folded(resource: ResourceState, view: StatusView, layout: Layout) -> Iterator[Entry]:
    """Yield the instances of a clone: those with something to say, then lists of nodes."""
    nodes: dict[str, list[str]] = {"Promoted": [], "Unpromoted": [], "Started": []}
    stopped = 0
    for instance in resource.children:
        if not is_active(instance) and not any(
            each.is_failed or each.pending_task for each in primitives((instance,))
        ):
            stopped += 1
        elif _is_plain(instance, view):
            role = _role_of(instance, resource)
            nodes[role].append(_common_node(instance) or "")
        elif _is_shown(instance, layout):
            yield _instance(instance, view, layout)
    order = in_natural_order
    if nodes["Promoted"]:
        yield Entry(f"{layout.promoted}: {list_text(order(nodes['Promoted']))}")
    running = nodes["Unpromoted"] + nodes["Started"]
    if running:
        word = layout.unpromoted if resource.is_promotable else "Started"
        yield Entry(f"{word}: {list_text(order(running))}")
    if layout.has_inactive and stopped:
        yield from _stopped(resource, view, stopped)


def _role_of(instance: ResourceState, clone: ResourceState) -> str:
    roles = {each.role for each in primitives((instance,))}
    if "Promoted" in roles:
        return "Promoted"
    return "Unpromoted" if clone.is_promotable else "Started"


def _stopped(resource: ResourceState, view: StatusView, stopped: int) -> Iterator[Entry]:
    """Yield the nodes on which a clone could run and does not."""
    active = {
        on.node for each in primitives(resource.children) for on in each.active
    }  # order comes from the nodes below
    idle = [node.name for node in view.nodes if node.name not in active]
    reasons: dict[str, list[str]] = {}
    failed = {
        (failure.node, failure.resource.partition(":")[0])
        for failure in view.failures
        if failure.rc == 5
    }
    names = {each.id.partition(":")[0] for each in primitives(resource.children)}
    for name in idle:
        is_missing = any((name, each) in failed for each in names)
        word = "Stopped (disabled)" if resource.is_disabled else "Stopped"
        reasons.setdefault("Stopped (not installed)" if is_missing else word, []).append(name)
    for word in sorted(reasons):
        yield Entry(f"{word}: {list_text(in_natural_order(reasons[word]))}")


def _bundle(resource: ResourceState, view: StatusView, layout: Layout) -> Entry:
    found = [*(["unique"] if resource.is_unique else []), *_marks_of_set(resource)]
    kind = "Container bundle set" if len(resource.children) > 1 else "Container bundle"
    heading = _heading(f"{kind}: {resource.id} [{resource.image}]", found, layout)
    return Entry(
        heading,
        tuple(_replica(each, resource, view, layout) for each in resource.children),
    )


def _replica(
    replica: ResourceState, bundle: ResourceState, view: StatusView, layout: Layout
) -> Entry:
    """Return a replica's line: the resource inside it, at the node where its container runs."""
    members = tuple(primitives((replica,)))
    if layout.is_detailed:
        lines = tuple(Entry(primitive_text(each, view, layout)) for each in members)
        title = f"Replica[{max(replica.replica, 0)}]" if len(bundle.children) > 1 else ""
        return Entry(title, lines)
    by_id = {each.id: each for each in members}
    inner = by_id.get(replica.container_child)
    container = next((each for each in members if each.agent_type in CONTAINER_AGENTS), None)
    shown = inner or container
    if shown is None:
        return Entry(f"{bundle.id}-{replica.replica}")
    name = f"{bundle.id}-{max(replica.replica, 0)}" if inner is not None else shown.id
    if replica.address:
        name += f" ({replica.address})"
    if container is not None and inner is not None and container.active:
        shown = _at(inner, container)
    return Entry(primitive_text(shown, view, layout, name))


def _at(inner: ResourceState, container: ResourceState) -> ResourceState:
    """Return the resource inside, shown at the node where its container runs."""
    return replace(inner, active=container.active)


# Nodes

OLDEST_FEATURE_SET = "<3.15.1"
"""What a node that says nothing of its feature set has, by the tools' habit."""


def node_text(node: NodeState, layout: Layout) -> str:
    """Return a node's state in words."""
    if node.is_unclean and node.is_online:
        return "UNCLEAN (online)"
    if node.is_unclean and node.is_pending:
        return "UNCLEAN (pending)"
    if node.is_unclean:
        return "UNCLEAN (offline)"
    if node.is_pending:
        return "pending"
    if node.is_standby_by_failure and node.is_online:
        return _with_active(node, "standby (on-fail)", layout)
    if node.is_standby:
        if not node.is_online:
            return "OFFLINE (standby)"
        return _with_active(node, "standby", layout)
    if node.in_maintenance:
        return "maintenance" if node.is_online else "OFFLINE (maintenance)"
    return "online" if node.is_online else "OFFLINE"


def _with_active(node: NodeState, word: str, layout: Layout) -> str:
    if node.running and word == "standby" and not layout.is_classic:
        return f"{word} (with active resources)"
    return word


NODE_WORDS = {"member": "Node", "remote": "RemoteNode", "guest": "GuestNode"}
LIST_WORDS = {
    "member": ("Online", "OFFLINE"),
    "remote": ("RemoteOnline", "RemoteOFFLINE"),
    "guest": ("GuestOnline", "GuestOFFLINE"),
}


def node_title(node: NodeState, view: StatusView, layout: Layout) -> str:
    """Return a node's name as headings show it: with its id, or where its container runs."""
    if node.kind == "guest" and layout.is_detailed:
        return f"{node.name}@{_host_of(node, view)}"
    has_id = bool(node.node_id) and node.node_id != node.name
    if node.kind == "member" and layout.is_detailed and has_id:
        return f"{node.name} ({node.node_id})"
    return node.name


def _host_of(node: NodeState, view: StatusView) -> str:
    for each in primitives(view.resources):
        if each.id == node.container and each.active:
            return each.active[0].node
    return ""


def node_entries(view: StatusView, layout: Layout) -> tuple[Entry, ...]:
    """Return the node list: nodes with something to say, then those that are plainly on or off."""
    own: list[Entry] = []
    lists: dict[str, list[str]] = {}
    for node in view.nodes:
        word = node_text(node, layout)
        if layout.is_detailed:
            own.append(Entry(node_line(node, view, layout)))
        elif node.kind == "guest" and not node.is_online:
            continue
        elif word in ("online", "OFFLINE"):
            kind = LIST_WORDS[node.kind][0 if word == "online" else 1]
            lists.setdefault(kind, []).append(node.name)
        else:
            own.append(Entry(f"{NODE_WORDS[node.kind]} {node.name}: {word}"))
    order = ("Online", "OFFLINE", "RemoteOnline", "RemoteOFFLINE", "GuestOnline")
    return (
        *own,
        *(Entry(f"{kind}: {list_text(lists[kind])}") for kind in order if kind in lists),
    )


def feature_set_of(node: NodeState, view: StatusView) -> str:
    """Return what a member says it can do; live, what all of them can do."""
    return node.feature_set or view.feature_set or OLDEST_FEATURE_SET


def node_line(node: NodeState, view: StatusView, layout: Layout) -> str:
    """Return `Node n1: online`, in detail with what the node can do."""
    word = node_text(node, layout)
    line = f"{NODE_WORDS[node.kind]} {node_title(node, view, layout)}: {word}"
    if layout.is_detailed and node.is_online and node.kind == "member":
        line += f", feature set {feature_set_of(node, view)}"
    return line
