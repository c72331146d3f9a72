"""A quorum device in a cluster: certificates, corosync.conf and the service on every node.

Each node makes a key of its own and has the arbiter (a host with `pcs qdevice setup`) sign for it.
"""

from collections.abc import Sequence

from paceline.commands.cluster_nodes import check_all_present, spread
from paceline.commands.contract import Ports, Request
from paceline.commands.corosync_file import get_section_of
from paceline.commands.node_trouble import report_problem
from paceline.model.corosync_conf import Section, read_cluster_name, read_nodes
from paceline.model.errors import InvalidRequestError
from paceline.ports.node_calls import (
    ControlServices,
    DeviceKeysHandled,
    DeviceStep,
    Done,
    HandleDeviceKeys,
    NodeFacts,
    NodeRequest,
    Service,
    ServiceAction,
)
from paceline.ports.peers import PeerProblem, Peers

MODEL_NET = "net"
KEYS_MS_MAX = 120_000
SERVICE_MS_MAX = 120_000
_DONE_WORDS = {
    ServiceAction.ENABLE: "enabled",
    ServiceAction.DISABLE: "disabled",
    ServiceAction.START: "started",
    ServiceAction.STOP: "stopped",
}


def device_of(conf: Section) -> Section | None:
    """Return the quorum device of a corosync.conf."""
    return next(get_section_of(conf, "quorum").all_named("device"), None)


def arbiter_of(conf: Section) -> str:
    """Return the host of the quorum device, "" where there is none (of the model net)."""
    device = device_of(conf)
    if device is None:
        return ""
    return get_section_of(device, MODEL_NET).find_option("host") or ""


def bring_device(request: Request, ports: Ports, conf: Section) -> None:
    """Let the cluster have the device that this corosync.conf has. Raises InvalidRequestError."""
    peers = ports.open_peers()
    present = check_all_present(request, peers, [node.name for node in read_nodes(conf)])
    names = tuple(present)
    request.progress("Setting up qdevice certificates on nodes...")
    give_certificates(request, peers, names, arbiter=arbiter_of(conf), conf=conf)
    control_device(request, peers, names, ServiceAction.ENABLE)
    spread(request, ports, peers, conf, names)
    control_device(request, peers, _running(present), ServiceAction.START)


def take_device_away(request: Request, ports: Ports, conf: Section) -> None:
    """Let the cluster have no device, as this corosync.conf says. Raises InvalidRequestError."""
    peers = ports.open_peers()
    present = check_all_present(request, peers, [node.name for node in read_nodes(conf)])
    names = tuple(present)
    spread(request, ports, peers, conf, names)
    control_device(request, peers, names, ServiceAction.DISABLE)
    control_device(request, peers, names, ServiceAction.STOP)
    request.progress("Removing qdevice certificates from nodes...")
    step = HandleDeviceKeys(step=DeviceStep.FORGET)
    for name, _content in _steps(request, peers, [(name, step) for name in names]):
        request.progress(f"{name}: Succeeded")


def bring_settings(request: Request, ports: Ports, conf: Section) -> None:
    """Bring changed settings of the device, which corosync-qdevice reads when it starts."""
    peers = ports.open_peers()
    present = check_all_present(request, peers, [node.name for node in read_nodes(conf)])
    spread(request, ports, peers, conf, tuple(present))
    running = _running(present)
    for action in (ServiceAction.STOP, ServiceAction.START):
        control_device(request, peers, running, action)


def give_certificates(
    request: Request, peers: Peers, names: Sequence[str], *, arbiter: str, conf: Section
) -> None:
    """Let nodes have certificates of the arbiter. Raises InvalidRequestError."""
    cluster = read_cluster_name(conf)
    authority = _ask_arbiter(request, peers, arbiter, [HandleDeviceKeys(step=DeviceStep.AUTHORITY)])
    first = HandleDeviceKeys(step=DeviceStep.REQUEST, cluster=cluster, content=authority[0])
    requests = _steps(request, peers, [(name, first) for name in names])
    signed = _ask_arbiter(
        request,
        peers,
        arbiter,
        [
            HandleDeviceKeys(step=DeviceStep.SIGN, cluster=cluster, content=content)
            for _, content in requests
        ],
    )
    last = [
        (name, HandleDeviceKeys(step=DeviceStep.ACCEPT, cluster=cluster, content=content))
        for (name, _), content in zip(requests, signed, strict=True)
    ]
    for name, _content in _steps(request, peers, last):
        request.progress(f"{name}: Succeeded")


def control_device(
    request: Request, peers: Peers, names: Sequence[str], action: ServiceAction
) -> None:
    """Start, stop, enable or disable corosync-qdevice on nodes. Raises InvalidRequestError."""
    if not names:
        return
    words = {ServiceAction.STOP: "Stopping"}.get(action, f"{action.value.rstrip('e')}ing")
    request.progress(f"{words[0].upper()}{words[1:]} corosync-qdevice...")
    what = ControlServices(action=action, services=(Service.QDEVICE,))
    asked: list[tuple[str, NodeRequest]] = [(name, what) for name in names]
    for name, answer in peers.ask(asked, Done, wait_ms_max=SERVICE_MS_MAX):
        if isinstance(answer, PeerProblem):
            request.findings.keep(report_problem(name, answer))
        else:
            request.progress(f"{name}: corosync-qdevice {_DONE_WORDS[action]}")
    request.findings.stop_if_errors()


def add_to_node(request: Request, ports: Ports, conf: Section, name: str) -> None:
    """Let a new node of a cluster with a quorum device have its part of it."""
    arbiter = arbiter_of(conf)
    if not arbiter:
        return
    peers = ports.open_peers()
    request.progress("Setting up qdevice certificates on nodes...")
    give_certificates(request, peers, (name,), arbiter=arbiter, conf=conf)
    control_device(request, peers, (name,), ServiceAction.ENABLE)


def _ask_arbiter(
    request: Request, peers: Peers, arbiter: str, steps: Sequence[HandleDeviceKeys]
) -> list[bytes]:
    """Have the arbiter do steps, one after the other: its tools write one file a cluster."""
    found = []
    for step in steps:
        asked: list[tuple[str, NodeRequest]] = [(arbiter, step)]
        for name, answer in peers.ask(asked, DeviceKeysHandled, wait_ms_max=KEYS_MS_MAX):
            if isinstance(answer, PeerProblem):
                raise InvalidRequestError(report_problem(name, answer))
            found.append(answer.content)
    return found


def _steps(
    request: Request, peers: Peers, steps: Sequence[tuple[str, HandleDeviceKeys]]
) -> list[tuple[str, bytes]]:
    """Have nodes do a step each; report what failed and raise."""
    done = []
    for name, answer in peers.ask(steps, DeviceKeysHandled, wait_ms_max=KEYS_MS_MAX):
        if isinstance(answer, PeerProblem):
            request.findings.keep(report_problem(name, answer))
        else:
            done.append((name, answer.content))
    request.findings.stop_if_errors()
    return done


def _running(present: dict[str, NodeFacts]) -> tuple[str, ...]:
    """Return the nodes that run Corosync."""
    return tuple(
        name
        for name, facts in present.items()
        if any(s.service is Service.COROSYNC and s.active == "active" for s in facts.services)
    )
