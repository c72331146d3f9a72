"""`pcs cluster start|stop|enable|disable|kill|destroy`, `pcsd status`: services of the nodes.

Without nodes a command works on this node alone, in place: no other node and no authentication is
needed. Paceline is stopped on all nodes before Corosync is on any, so that services move or stop
while there still is a quorum.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.node_foresight import deed, show_deeds
from paceline.commands.node_trouble import report_problem, wait_limit_ms
from paceline.model.corosync_conf import TWO_NODES, ConfNode, parse_corosync_conf, read_nodes
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.model.reports import Report
from paceline.ports.node_calls import (
    ControlServices,
    DestroyCluster,
    Done,
    FilesRead,
    GetFiles,
    NodeRequest,
    ReadServices,
    Service,
    ServiceAction,
    ServicesRead,
)
from paceline.ports.peers import PeerProblem, Peers, Trouble

START_MS_MAX = 180_000
STOP_MS_MAX = 1_900_000
"""A clean leave takes as long as the agents' stops (unit: 30 min), and a minute."""
STATE_MS_MAX = 10_000
WAIT_S_DEFAULT = 60
WAIT_S_MAX = 3600
POLL_MS = 200
STARTED_IN_ORDER = (Service.COROSYNC, Service.PACELINE)
STARTED_WITH_DEVICE = (Service.COROSYNC, Service.QDEVICE, Service.PACELINE)
"""Where the cluster has a quorum device; its end stops with Corosync."""
SHOWN = {
    Service.COROSYNC: "corosync",
    Service.QDEVICE: "corosync-qdevice",
    Service.PACELINE: "pacemaker",
}


def start(request: Request, ports: Ports) -> Outcome:
    """`cluster start [--all | NODE...] [--wait[=N]]`."""
    names = _wanted(request, ports)
    if request.has("dry-run"):
        where = names or (ports.open_peers().local_name(),)
        cluster_nodes(ports)  # without a configuration there is nothing to start
        deeds = [deed("start", _shown(services_of(ports)), where)]
        show_deeds(request, ports, deeds, starting=where)
        return Outcome()
    if not names:
        _start_here(request, ports)
    else:
        start_nodes(request, ports.open_peers(), names, services_of(ports))
    request.findings.stop_if_errors()
    if request.has("wait"):
        wait_for_nodes(request, ports, names)
    return Outcome()


def stop(request: Request, ports: Ports) -> Outcome:
    """`cluster stop [--all | NODE...]`."""
    names = _wanted(request, ports)
    services = _chosen(request)
    peers = ports.open_peers()
    where = names or (peers.local_name(),)
    if not request.has("all") and not request.is_forced:
        _check_quorum_stays(request, ports, where)
    if request.has("dry-run"):
        deeds = [deed("stop", _shown(services), where)]
        leaving = where if Service.PACELINE in services else ()
        show_deeds(request, ports, deeds, leaving=leaving)
    elif not names:
        _stop_here(request, ports, services)
    else:
        stop_nodes(request, peers, names, services)
    return Outcome()


def enable(request: Request, ports: Ports) -> Outcome:
    """`cluster enable [--all | NODE...]`."""
    return _switch(request, ports, ServiceAction.ENABLE)


def disable(request: Request, ports: Ports) -> Outcome:
    """`cluster disable [--all | NODE...]`."""
    return _switch(request, ports, ServiceAction.DISABLE)


def kill(request: Request, ports: Ports) -> Outcome:
    """`cluster kill`: end the daemons of this node at once. Its services run on."""
    if request.has("dry-run"):
        here = (ports.open_peers().local_name(),)
        show_deeds(request, ports, [deed("kill", _shown(STARTED_IN_ORDER), here)], fenced=here)
        return Outcome()
    services = ports.open_node().services
    for service in reversed(STARTED_IN_ORDER):
        services.act(ServiceAction.KILL, service)
    return Outcome()


def destroy(request: Request, ports: Ports) -> Outcome:
    """`cluster destroy [--all]`."""
    if request.arguments:
        raise UsageError
    names = cluster_names(ports) if request.has("all") else ()
    if request.has("dry-run"):
        where = names or (ports.open_peers().local_name(),)
        deeds = [
            deed("stop", _shown(reversed(STARTED_IN_ORDER)), where),
            deed("remove", "configuration, keys and state of the cluster", where),
        ]
        show_deeds(request, ports, deeds, leaving=where)
        return Outcome()
    if not (request.is_forced or request.has("yes")):
        _confirm_destroy(request, names)
    if not names:
        _destroy_here(request, ports)
    else:
        _destroy_all(request, ports.open_peers(), names)
    return Outcome()


def show_node_services(request: Request, ports: Ports) -> Outcome:
    """`pcsd status [NODE...]`: which node services answer, and accept this node."""
    names = request.arguments or cluster_names(ports)
    peers = ports.open_peers()
    lines = []
    status = 0
    # Asking for nothing shows that the node answers and accepts our token.
    asked: list[tuple[str, NodeRequest]] = [(name, GetFiles(names=())) for name in names]
    limit_ms = wait_limit_ms(request, STATE_MS_MAX)
    for name, answer in peers.ask(asked, FilesRead, wait_ms_max=limit_ms):
        lines.append(f"{name}: {_online(answer)}")
        status = 1 if isinstance(answer, PeerProblem) else status
    return Outcome(text="\n".join(lines), status=status)


def services_of(ports: Ports) -> tuple[Service, ...]:
    """Return the services of this node's cluster in the order of their start."""
    try:
        conf = parse_corosync_conf(ports.files.read(ports.corosync_conf_path))
    except (OSError, ValueError):
        return STARTED_IN_ORDER
    devices = (one for quorum in conf.all_named("quorum") for one in quorum.all_named("device"))
    return STARTED_IN_ORDER if next(devices, None) is None else STARTED_WITH_DEVICE


def start_nodes(
    request: Request,
    peers: Peers,
    names: Sequence[str],
    services: Sequence[Service] = STARTED_IN_ORDER,
) -> None:
    """Start the cluster on nodes, all at once; in the notes' layout service by service."""
    if not request.is_classic:
        for name in names:
            request.progress(f"{name}: Starting Cluster...")
        _control(request, peers, names, ServiceAction.START, services, START_MS_MAX)
        return
    left = list(names)
    for service in services:
        for name in left:
            request.progress(f"{name}: Starting Cluster ({SHOWN[service]})...")
        left = _control(request, peers, left, ServiceAction.START, (service,), START_MS_MAX)


def stop_nodes(
    request: Request, peers: Peers, names: Sequence[str], services: Sequence[Service]
) -> None:
    """Stop Paceline on all nodes at once, then Corosync; a node that fails keeps its Corosync."""
    left = list(names)
    for service in services:
        for name in left:
            request.progress(f"{name}: Stopping Cluster ({SHOWN[service]})...")
        left = _control(request, peers, left, ServiceAction.STOP, (service,), STOP_MS_MAX)


def enable_nodes(request: Request, peers: Peers, names: Sequence[str]) -> None:
    """Let the cluster start when these nodes boot."""
    for name in _control(
        request, peers, names, ServiceAction.ENABLE, STARTED_IN_ORDER, START_MS_MAX
    ):
        request.progress(f"{name}: Cluster Enabled")


def wait_for_nodes(request: Request, ports: Ports, names: Sequence[str]) -> None:
    """Wait until these nodes are online and the cluster has nothing more to do.

    It is seen from this node's daemon. A time limit that passes is an error.
    """
    text = request.value("wait") or str(WAIT_S_DEFAULT)
    if not text.isdigit() or int(text) > WAIT_S_MAX:
        raise UsageError(f"{text} is not a valid number of seconds to wait")
    request.progress("Waiting for node(s) to start...")
    deadline = time.monotonic() + int(text)
    while (left_ms := int((deadline - time.monotonic()) * 1000)) > 0:
        try:
            if _are_ready(ports, names, left_ms):
                request.progress("Cluster is running")
                return
        except UnreachableError:
            # The daemon here is still starting.
            pass
        time.sleep(min(left_ms, POLL_MS) / 1000)
    raise InvalidRequestError(
        Report(
            code="not-started-in-time",
            message=f"the cluster is not ready after {text} s, as seen from this node",
            advice="  look:  pcs status; paceline doctor",
        )
    )


def _are_ready(ports: Ports, names: Sequence[str], left_ms: int) -> bool:
    """Say whether the cluster is settled and the nodes are online. Raises UnreachableError."""
    settled = ports.daemon.ask(
        {"do": "wait", "until": "settled", "timeout_ms": left_ms}, timeout_ms=left_ms
    )
    if not settled.get("is_reached"):
        return False
    answer = ports.daemon.ask({"do": "state", "parts": ["status"]}, timeout_ms=left_ms)
    status = answer.get("status")
    nodes = status.get("nodes", ()) if isinstance(status, Mapping) else ()
    online = {
        node.get("name")
        for node in (nodes if isinstance(nodes, Sequence) else ())
        if isinstance(node, Mapping) and node.get("is_online") and not node.get("is_pending")
    }
    return online.issuperset(names)


def cluster_nodes(ports: Ports) -> tuple[ConfNode, ...]:
    """Return the nodes of this node's corosync.conf. Raises InvalidRequestError without one."""
    path = ports.corosync_conf_path
    try:
        return read_nodes(parse_corosync_conf(ports.files.read(path)))
    except FileNotFoundError as error:
        raise InvalidRequestError(
            Report(
                code="no-cluster",
                message=f"Unable to read {path}: this node is in no cluster",
                advice="  make one:  pcs cluster setup NAME NODE NODE",
            )
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidRequestError(
            Report(code="bad-corosync-conf", message=f"Unable to read {path}: {error}")
        ) from error


def cluster_names(ports: Ports) -> tuple[str, ...]:
    """Return the names of the cluster's nodes."""
    return tuple(node.name for node in cluster_nodes(ports))


def _wanted(request: Request, ports: Ports) -> tuple[str, ...]:
    """Return the nodes that the words name; empty for this node alone."""
    if request.has("all"):
        if request.arguments:
            raise UsageError("Cannot specify both --all and a list of nodes.")
        return cluster_names(ports)
    return tuple(dict.fromkeys(request.arguments))


def _control(
    request: Request,
    peers: Peers,
    names: Sequence[str],
    action: ServiceAction,
    services: Sequence[Service],
    wait_ms_max: int,
) -> list[str]:
    """Do one thing on nodes, all at once; report those that failed, return the others."""
    what = ControlServices(action=action, services=tuple(services))
    asked: list[tuple[str, NodeRequest]] = [(name, what) for name in names]
    done = []
    limit_ms = wait_limit_ms(request, wait_ms_max)
    for name, answer in peers.ask(asked, Done, wait_ms_max=limit_ms):
        if isinstance(answer, PeerProblem):
            request.findings.add(report_problem(name, answer))
        else:
            done.append(name)
    return done


def _start_here(request: Request, ports: Ports) -> None:
    cluster_nodes(ports)  # without a configuration there is nothing to start
    if not request.is_classic:
        request.progress("Starting Cluster...")
    services = ports.open_node().services
    for service in services_of(ports):
        if request.is_classic:
            request.progress(f"Starting Cluster ({SHOWN[service]})...")
        problem = services.act(ServiceAction.START, service)
        if problem:
            request.findings.error(
                "service-failed",
                f"unable to start {SHOWN[service]}: {problem}",
                advice=f"  look:  systemctl status {service.value}; "
                f"journalctl -u {service.value} -e",
            )
            return


def _stop_here(request: Request, ports: Ports, services: Sequence[Service]) -> None:
    control = ports.open_node().services
    for service in services:
        request.progress(f"Stopping Cluster ({SHOWN[service]})...")
        problem = control.act(ServiceAction.STOP, service)
        if problem:
            request.findings.error("service-failed", f"unable to stop {SHOWN[service]}: {problem}")
            return


def _chosen(request: Request) -> tuple[Service, ...]:
    """Return what to stop, in order: both, unless one is named."""
    both = tuple(reversed(STARTED_IN_ORDER))
    if request.has("pacemaker") == request.has("corosync"):
        return both
    return (Service.PACELINE,) if request.has("pacemaker") else (Service.COROSYNC,)


def _check_quorum_stays(request: Request, ports: Ports, stopped: Sequence[str]) -> None:
    """Report an error where the nodes that stay would have no quorum; `--force` overrides it.

    Two nodes keep it with either one (two_node). Stopping all of them is nobody's loss.
    """
    names = cluster_names(ports)
    if len(names) == TWO_NODES:
        return
    running = _running(ports, names)
    active = [name for name in names if name in running]
    staying = [name for name in active if name not in stopped]
    if not staying or len(active) * 2 <= len(names):
        return
    if len(staying) * 2 <= len(names):
        request.findings.error(
            "quorum-lost",
            "Stopping the node(s) will cause a loss of the quorum: "
            f"{len(staying)} of {len(names)} would stay",
            is_forceable=True,
            advice="  stop the whole cluster:  pcs cluster stop --all",
        )
    request.findings.stop_if_errors()


def _running(ports: Ports, names: Sequence[str]) -> set[str]:
    """Return the nodes that run Corosync, as far as they answer."""
    asked: list[tuple[str, NodeRequest]] = [(name, ReadServices()) for name in names]
    answers = ports.open_peers().ask(asked, ServicesRead, wait_ms_max=STATE_MS_MAX)
    return {
        name
        for name, answer in answers
        if not isinstance(answer, PeerProblem) and answer.is_active(Service.COROSYNC)
    }


def _switch(request: Request, ports: Ports, action: ServiceAction) -> Outcome:
    names = _wanted(request, ports)
    if request.has("dry-run"):
        where = names or (ports.open_peers().local_name(),)
        show_deeds(request, ports, [deed(action.value, _shown(services_of(ports)), where)])
        return Outcome()
    word = "Enabled" if action is ServiceAction.ENABLE else "Disabled"
    if names:
        peers = ports.open_peers()
        for name in _control(request, peers, names, action, services_of(ports), START_MS_MAX):
            request.progress(f"{name}: Cluster {word}")
        return Outcome()
    services = ports.open_node().services
    for service in services_of(ports):
        problem = services.act(action, service)
        if problem:
            request.findings.error(
                "service-failed", f"unable to {action.value} {SHOWN[service]}: {problem}"
            )
    return Outcome()


def _confirm_destroy(request: Request, names: Sequence[str]) -> None:
    """Ask; raise unless the answer is yes."""
    what = f"nodes {', '.join(names)}" if names else "this node"
    if not request.is_terminal:
        raise InvalidRequestError(
            Report(
                code="not-confirmed",
                message=f"This would remove the cluster from {what}",
                is_forceable=True,
            )
        )
    answer = request.ask(
        f"WARNING: This will remove the cluster's configuration from {what}, "
        "for good. Type 'yes' to go on: ",
        False,
    )
    if answer.strip().lower() not in ("y", "yes"):
        raise InvalidRequestError(Report(code="not-confirmed", message="Cancelled by user"))


def _destroy_here(request: Request, ports: Ports) -> None:
    peers = ports.open_peers()
    request.progress("Shutting down pacemaker/corosync services...")
    for name, answer in peers.ask([(peers.local_name(), DestroyCluster())], Done):
        if isinstance(answer, PeerProblem):
            request.findings.add(report_problem(name, answer))
            return
    request.progress("Killing any remaining services...")
    request.progress("Removing all cluster configuration files...")


def _destroy_all(request: Request, peers: Peers, names: Sequence[str]) -> None:
    """Stop Paceline everywhere, then remove; here last: our certificate opens the others."""
    for name in names:
        request.progress(f"{name}: Stopping Cluster (pacemaker)...")
    silent = partial(peers.ask, answer=Done, wait_ms_max=STOP_MS_MAX)
    stop_all = ControlServices(action=ServiceAction.STOP, services=(Service.PACELINE,))
    tuple(silent([(name, stop_all) for name in names]))
    local = [name for name in names if name == peers.local_name()]
    for group in ([name for name in names if name not in local], local):
        for name, answer in silent([(name, DestroyCluster()) for name in group]):
            if isinstance(answer, PeerProblem):
                request.findings.add(report_problem(name, answer))
            else:
                request.progress(f"{name}: Successfully destroyed cluster")


def _shown(services: Iterable[Service]) -> str:
    return ", ".join(SHOWN[service] for service in services)


def _online(answer: FilesRead | PeerProblem) -> str:
    if not isinstance(answer, PeerProblem):
        return "Online"
    if answer.trouble in (Trouble.NOT_KNOWN, Trouble.NOT_AUTHORIZED):
        return "Unable to authenticate"
    return "Offline"


_NODES = "[--all | <node>...]"
_FOR_NODES = ("all", "request-timeout", "dry-run")

COMMANDS = (
    Command(
        words="cluster start",
        handler=start,
        needs=Needs.CLUSTER,
        arguments=f"{_NODES} [--wait[=<n>]]",
        options=(*_FOR_NODES, "wait"),
        help="Start the cluster on this node, the nodes named, or all.",
    ),
    Command(
        words="cluster stop",
        handler=stop,
        needs=Needs.CLUSTER,
        arguments=_NODES,
        options=(*_FOR_NODES, "force", "pacemaker", "corosync", "wait"),
        help="Stop the cluster on this node, the nodes named, or all; services move or stop first.",
    ),
    Command(
        words="cluster enable",
        handler=enable,
        needs=Needs.CLUSTER,
        arguments=_NODES,
        options=_FOR_NODES,
        help="Let the cluster start when the nodes boot.",
    ),
    Command(
        words="cluster disable",
        handler=disable,
        needs=Needs.CLUSTER,
        arguments=_NODES,
        options=_FOR_NODES,
        help="Do not start the cluster when the nodes boot.",
    ),
    Command(
        words="cluster kill",
        handler=kill,
        needs=Needs.CLUSTER,
        options=("dry-run",),
        help="End Corosync and Paceline on this node at once (SIGKILL).",
    ),
    Command(
        words="cluster destroy",
        handler=destroy,
        needs=Needs.CLUSTER,
        arguments="[--all]",
        options=(*_FOR_NODES, "force", "yes"),
        help="Stop the cluster on this node (or all) and remove its configuration for good.",
    ),
    Command(
        words="pcsd status",
        handler=show_node_services,
        needs=Needs.CLUSTER,
        arguments="[<node>]...",
        options=("request-timeout",),
        help="Show whether the node services answer.",
        aliases=(Alias(words="status pcsd"), Alias(words="cluster pcsd-status")),
    ),
)
