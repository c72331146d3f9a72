"""`status`, `resource status`, `stonith status`: how the cluster is, in either layout."""

from collections.abc import Callable, Sequence

import msgspec

from paceline.cib.read import read_configuration, read_status
from paceline.cib.tree import parse_cib
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.status_classic import classic_resources, classic_status
from paceline.commands.status_entries import Entry, Layout, resource_entries
from paceline.commands.status_sections import nodes as node_section
from paceline.commands.status_sections import notices, summary
from paceline.commands.status_text import Shown, lines_of, status_text
from paceline.commands.status_view import StatusView, is_true, primitives, view_of
from paceline.commands.status_xml import status_xml
from paceline.model.corosync_conf import parse_corosync_conf, read_cluster_name
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.model.reports import Report
from paceline.model.state import NodeState, ResourceState
from paceline.model.status import ClusterStatus
from paceline.ports.node_calls import Service

NOT_RUNNING = "cluster is not currently running on this node"
SERVICES = (
    (Service.COROSYNC, "corosync"),
    (Service.PACELINE, "pacemaker"),
    (Service.NODE_SERVICE, "pcsd"),
)
"""Our services, and the labels that people know them by."""
FENCING_OFF = (
    "Fencing is disabled: a lost node counts as down. If it still lives, what runs there runs twice"
)
"""Said with `--full` only: people who chose this know it, and scripts compare the short form."""
LOST_UNFENCED = (
    "Lost, and counted as down because fencing is disabled: {nodes}. "
    "If it still lives, what runs there runs twice"
)
AWAITED = (
    "This node waits for the Paceline daemon of {nodes}: changes may be acknowledged there that "
    "are not known here. Where that is off for good, go on without it:  pcs quorum unblock"
)
NO_DEVICES = "No stonith devices and stonith-enabled is not false"
WATCHDOG_IGNORED = (
    "have-watchdog is set, and this cluster has no watchdog fencing: only a fence device fences"
)


def read_view(request: Request, ports: Ports, *, has_bans: bool = False) -> StatusView:
    """Return the view of the cluster or of the file.

    Raises UnreachableError where no cluster runs on this node.
    """
    try:
        snapshot = ports.cib.read()
    except UnreachableError as error:
        raise UnreachableError(NOT_RUNNING) from error
    root = parse_cib(snapshot.document)
    status = snapshot.status or read_status(root) or ClusterStatus(now_ms=0, is_quorate=False)
    view = view_of(read_configuration(root), status, has_bans=has_bans)
    if not ports.cib.is_live and request.has("corosync_conf"):
        text = ports.files.read(ports.corosync_conf_path)
        name = read_cluster_name(parse_corosync_conf(text))
        view = msgspec.structs.replace(view, cluster_name=name)
    return view


def no_arguments(request: Request) -> None:
    """Refuse words after the command. Raises UsageError."""
    if request.arguments:
        raise UsageError()


def status(request: Request, ports: Ports) -> Outcome:
    """Show everything."""
    if request.has("internals"):
        return _internals(ports)
    no_arguments(request)
    if request.has("full") and request.has("hide-inactive"):
        raise UsageError("Only one of '--full', '--hide-inactive' can be used")
    view = read_view(request, ports)
    is_full = request.has("full")
    if request.is_classic:
        layout = Layout(
            is_classic=True, is_detailed=is_full, has_inactive=not request.has("hide-inactive")
        )
        body = classic_status(view, layout)
    else:
        body = status_text(
            view,
            Shown(
                has_inactive=not request.has("hide-inactive"),
                is_detailed=is_full,
                has_attributes=is_full,
                has_fail_counts=is_full,
                has_fencing=is_full,
            ),
        )
        if is_full:
            body += "\n\n" + "\n".join(["Tickets:", *_ticket_lines(view)])
    head = f"Cluster name: {view.cluster_name}"
    found = _warnings(view, is_full=is_full, is_live=ports.cib.is_live)
    blocks = [f"{head}\n\nWARNINGS:\n" + "\n".join(found) + "\n"] if found else [head]
    blocks.append(body)
    text = "\n".join(blocks)
    if ports.cib.is_live:
        text += "\n\n" + "\n".join(["Daemon Status:", *_daemon_lines(ports)])
    return Outcome(text=text)


def _ticket_lines(view: StatusView) -> list[str]:
    return [
        f"  * {each.ticket}\t{'granted' if each.is_granted else 'revoked'}"
        f"{' [standby]' if each.is_standby else ''}"
        for each in view.tickets
    ]


def _warnings(view: StatusView, *, is_full: bool, is_live: bool) -> list[str]:
    found = []
    if view.awaited:
        found.append(AWAITED.format(nodes=", ".join(view.awaited)))
    if view.lost and not view.is_fencing_enabled:
        found.append(LOST_UNFENCED.format(nodes=", ".join(view.lost)))
    elif is_full and not view.is_fencing_enabled:
        found.append(FENCING_OFF)
    if view.is_fencing_enabled and not view.has_devices:
        found.append(NO_DEVICES)
    if is_live and is_true(view.option("have-watchdog")):
        found.append(WATCHDOG_IGNORED)
    return found


def _daemon_lines(ports: Ports) -> list[str]:
    states = {
        state.service: state
        for state in ports.open_node().services.states([service for service, _ in SERVICES])
    }
    return [
        f"  {label}: {states[service].active}/{states[service].enabled}"
        for service, label in SERVICES
        if service in states
    ]


def _internals(ports: Ports) -> Outcome:
    try:
        answer = ports.daemon.ask({"do": "internals"})
    except UnreachableError as error:
        raise UnreachableError(NOT_RUNNING) from error
    figures = answer.get("internals")
    if not isinstance(figures, dict):
        raise UnreachableError(str(answer.get("message") or NOT_RUNNING))
    return Outcome(text="\n".join(f"{name}: {value}" for name, value in figures.items()))


def _chosen(
    view: StatusView, wants: Callable[[ResourceState], bool], nothing: str, request: Request
) -> Outcome:
    """Show the top resources that `wants` says yes to, without any heading."""
    kept = tuple(each for each in view.resources if wants(each))
    if not kept:
        return Outcome(text=nothing)
    chosen = msgspec.structs.replace(view, resources=kept)
    has_inactive = not request.has("hide-inactive")
    if request.is_classic:
        layout = Layout(is_classic=True, has_inactive=has_inactive)
        return Outcome(text=classic_resources(chosen, layout) or "No active resources")
    entries = resource_entries(chosen, Layout(has_inactive=has_inactive))
    return Outcome(text="\n".join(lines_of(entries, 1)) or "No active resources")


def _is_device(resource: ResourceState) -> bool:
    return all(each.agent_class == "stonith" for each in primitives((resource,)))


def status_resources(request: Request, ports: Ports) -> Outcome:
    """Show the resources that are no fence devices; of one id or node where named."""
    return _listing(request, ports, lambda each: not _is_device(each), "NO resources configured")


def status_stonith(request: Request, ports: Ports) -> Outcome:
    """Show the fence devices and the levels."""
    view = read_view(request, ports)
    found = _listing(request, ports, _is_device, "NO stonith devices configured")
    if not view.levels or request.arguments:
        return found
    lines = [found.text, "", "Fencing Levels:"]
    last = ""
    for target, index, devices in view.levels:
        if target != last:
            lines.append(f" {target}")
            last = target
        lines.append(f"   Level {index} - {','.join(devices)}")
    return Outcome(text="\n".join(lines))


def _listing(
    request: Request, ports: Ports, wants: Callable[[ResourceState], bool], nothing: str
) -> Outcome:
    view = read_view(request, ports)
    names = [word for word in request.arguments if not word.startswith("node=")]
    nodes = [word.removeprefix("node=") for word in request.arguments if word.startswith("node=")]
    if len(names) > 1 or len(nodes) > 1:
        raise UsageError()
    if names:
        found = _find(view.resources, names[0])
        if found is None:
            report = Report(
                code="no-such-resource", message=f"resource or tag id '{names[0]}' not found"
            )
            raise InvalidRequestError(report)
        view = msgspec.structs.replace(view, resources=(found,))
        return _chosen(view, lambda each: True, nothing, request)
    if nodes:
        kept = tuple(node for node in view.nodes if node.name == nodes[0])
        view = msgspec.structs.replace(view, nodes=kept)
    return _chosen(view, wants, nothing, request)


def _find(resources: tuple[ResourceState, ...], name: str) -> ResourceState | None:
    for each in resources:
        if each.id == name:
            return each
        inner = _find(each.children, name)
        if inner is not None:
            return inner
    return None


def status_nodes(request: Request, ports: Ports) -> Outcome:
    """Show which nodes are online, in standby, in maintenance or off."""
    which = request.arguments[0] if request.arguments else ""
    if len(request.arguments) > 1 or which not in ("", "corosync", "both", "config"):
        raise UsageError()
    if which and not ports.cib.is_live:
        raise UsageError("Specified option '-f' is not supported in this command")
    view = read_view(request, ports)
    lines: list[str] = []
    if which in ("corosync", "both"):
        lines += _engine_nodes(ports)
    if which == "config":
        names = " ".join(node.name for node in view.nodes if node.kind == "member")
        return Outcome(text=f"Corosync Nodes:\n {names}\nPacemaker Nodes:\n {names}")
    if which != "corosync":
        lines += _node_lists("Pacemaker Nodes:", [n for n in view.nodes if n.kind == "member"])
        remote = [node for node in view.nodes if node.kind != "member"]
        lines += _node_lists("Pacemaker Remote Nodes:", remote)
    return Outcome(text="\n".join(lines))


def _engine_nodes(ports: Ports) -> list[str]:
    known = ports.cib.read().status
    nodes = () if known is None else known.nodes
    online = [node.name for node in nodes if node.is_member]
    offline = [node.name for node in nodes if not node.is_member]
    return ["Corosync Nodes:", _words(" Online:", online), _words(" Offline:", offline)]


def _node_lists(title: str, nodes: list[NodeState]) -> list[str]:
    lists: dict[str, list[str]] = {
        "Online": [], "Standby": [], "Standby with resource(s) running": [], "Maintenance": [],
        "Offline": [],
    }  # fmt: skip
    for node in nodes:
        if not node.is_online:
            lists["Offline"].append(node.name)
        elif node.is_standby:
            word = "Standby with resource(s) running" if node.running else "Standby"
            lists[word].append(node.name)
        elif node.in_maintenance:
            lists["Maintenance"].append(node.name)
        else:
            lists["Online"].append(node.name)
    return [title, *(_words(f" {word}:", names) for word, names in lists.items())]


def _words(head: str, names: Sequence[str]) -> str:
    return " ".join((head, *names))


def status_cluster(request: Request, ports: Ports) -> Outcome:
    """Show the summary and the nodes."""
    no_arguments(request)
    view = read_view(request, ports)
    if request.is_classic:
        lines = classic_status(msgspec.structs.replace(view, resources=(), failures=()))
        head = lines.partition("\n\nNo resources")[0].replace("\n\n", "\n").splitlines()
        return Outcome(text="\n".join(["Cluster Status:", *(f" {line}" for line in head)]))
    layout = Layout()
    found: list[Entry | None] = [summary(view, layout)]
    text = lines_of([each for each in found if each is not None]) + list(notices(view))
    nodes = node_section(view, layout)
    if nodes is not None:
        text += lines_of([nodes])
    return Outcome(text="\n".join(["Cluster Status:", *(f" {line}" for line in text)]))


def status_document(request: Request, ports: Ports) -> Outcome:
    """Show everything as XML."""
    no_arguments(request)
    view = read_view(request, ports, has_bans=True)
    return Outcome(
        text=status_xml(view, request="/usr/sbin/crm_mon --one-shot --inactive --output-as xml")
    )


def status_corosync(request: Request, ports: Ports) -> Outcome:
    """Show Corosync's members, as Corosync says it now."""
    no_arguments(request)
    return Outcome(text=ports.open_engine_tools().members_text().rstrip("\n"))


def status_quorum(request: Request, ports: Ports) -> Outcome:
    """Show Corosync's quorum, as Corosync says it now."""
    no_arguments(request)
    return Outcome(text=ports.open_engine_tools().quorum_text().rstrip("\n"))


COMMANDS = (
    Command(
        words="status",
        handler=status,
        needs=Needs.CIB_AND_COROSYNC_CONF,
        options=("full", "hide-inactive", "internals", "request-timeout"),
        help="View all information about the cluster and resources.",
        details="--full shows more; --hide-inactive hides what does not run; --internals shows "
        "the daemon's own figures. With --classic the layout is that of CentOS 7.",
        aliases=(Alias(words="status status"),),
    ),
    Command(
        words="status resources",
        handler=status_resources,
        needs=Needs.CIB,
        arguments="[<resource id | tag id>] [node=<node>]",
        options=("hide-inactive",),
        help="Show status of all currently configured resources.",
        aliases=(Alias(words="resource status"), Alias(words="resource", takes_arguments=False)),
    ),
    Command(
        words="stonith status",
        handler=status_stonith,
        needs=Needs.CIB,
        arguments="[<resource id | tag id>] [node=<node>]",
        options=("hide-inactive",),
        help="Show status of all currently configured fence devices.",
        aliases=(Alias(words="stonith", takes_arguments=False),),
    ),
    Command(
        words="status nodes",
        handler=status_nodes,
        needs=Needs.CIB,
        arguments="[corosync | both | config]",
        help="View current status of nodes.",
    ),
    Command(
        words="status cluster",
        handler=status_cluster,
        needs=Needs.CIB,
        options=("request-timeout",),
        help="View current cluster status.",
        aliases=(Alias(words="cluster status"),),
    ),
    Command(
        words="status xml",
        handler=status_document,
        needs=Needs.CIB,
        help="View xml version of status (output from crm_mon -r -1 -X).",
    ),
    Command(
        words="status corosync",
        handler=status_corosync,
        needs=Needs.CLUSTER,
        help="View current membership information as seen by corosync.",
    ),
    Command(
        words="status quorum",
        handler=status_quorum,
        needs=Needs.CLUSTER,
        help="View current quorum status.",
        aliases=(Alias(words="quorum status"),),
    ),
)
