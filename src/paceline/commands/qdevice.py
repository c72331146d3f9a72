"""`pcs qdevice`: the arbiter of quorum devices (corosync-qnetd) on this machine."""

from collections.abc import Callable

from paceline.commands.cluster_nodes import invalid
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.model.errors import UnreachableError
from paceline.ports.node import Node
from paceline.ports.node_calls import Service, ServiceAction

MODELS = ("net",)
_SETUP_WORDS = 2
_DOING = {
    ServiceAction.START: ("Starting quorum device...", "quorum device started"),
    ServiceAction.STOP: ("Stopping quorum device...", "quorum device stopped"),
    ServiceAction.KILL: ("", "quorum device killed"),
    ServiceAction.ENABLE: ("", "quorum device enabled"),
    ServiceAction.DISABLE: ("", "quorum device disabled"),
}


def status(request: Request, ports: Ports) -> Outcome:
    """`qdevice status net [--full] [CLUSTER]`."""
    if not 1 <= len(request.arguments) <= len(("model", "cluster")):
        raise UsageError
    _check_model(request.arguments[0])
    cluster = "".join(request.arguments[1:])
    tools = ports.open_node().quorum_device
    try:
        text = tools.arbiter_text(is_full=request.has("full"), cluster=cluster)
    except UnreachableError as error:
        if not _is_running(ports.open_node()):
            raise invalid("device-not-running", "Quorum device 'net' is not running") from error
        raise invalid("device-status", f"Unable to get status of the device: {error}") from error
    return Outcome(text=text.rstrip("\n"))


def set_up(request: Request, ports: Ports) -> Outcome:
    """`qdevice setup model net [--enable] [--start]`."""
    if len(request.arguments) != _SETUP_WORDS or request.arguments[0] != "model":
        raise UsageError
    _check_model(request.arguments[1])
    node = ports.open_node()
    if node.quorum_device.is_arbiter_set_up():
        raise invalid("device-exists", "Quorum device 'net' has been already initialized")
    try:
        node.quorum_device.set_up_arbiter()
    except UnreachableError as error:
        message = f"Unable to initialize quorum device 'net': {error}"
        raise invalid("device-not-set-up", message) from error
    request.progress("Quorum device 'net' initialized")
    if request.has("enable"):
        _act(request, node, ServiceAction.ENABLE)
    if request.has("start"):
        _act(request, node, ServiceAction.START)
    return Outcome()


def destroy(request: Request, ports: Ports) -> Outcome:
    """`qdevice destroy net`."""
    node = _node(request, ports)
    _check_unused(request, node)
    _act(request, node, ServiceAction.STOP)
    _act(request, node, ServiceAction.DISABLE)
    node.quorum_device.remove_arbiter()
    request.progress("Quorum device 'net' configuration files removed")
    return Outcome()


def stop(request: Request, ports: Ports) -> Outcome:
    """`qdevice stop net [--force]`."""
    node = _node(request, ports)
    _check_unused(request, node)
    _act(request, node, ServiceAction.STOP)
    return Outcome()


def _doer(action: ServiceAction) -> Callable[[Request, Ports], Outcome]:
    """Return the handler that does one thing to the arbiter's service."""

    def handler(request: Request, ports: Ports) -> Outcome:
        _act(request, _node(request, ports), action)
        return Outcome()

    return handler


def _node(request: Request, ports: Ports) -> Node:
    if len(request.arguments) != 1:
        raise UsageError
    _check_model(request.arguments[0])
    return ports.open_node()


def _check_model(model: str) -> None:
    if model not in MODELS:
        raise invalid("bad-model", f"'{model}' is not a valid model value, use 'net'")


def _act(request: Request, node: Node, action: ServiceAction) -> None:
    beginning, done = _DOING[action]
    if beginning:
        request.progress(beginning)
    problem = node.services.act(action, Service.QNETD)
    if problem:
        raise invalid("service-failed", f"Unable to {action.value} corosync-qnetd: {problem}")
    request.progress(done)


def _is_running(node: Node) -> bool:
    return node.services.states((Service.QNETD,))[0].active == "active"


def _check_unused(request: Request, node: Node) -> None:
    """Refuse, unless forced, what takes the device away from clusters that use it."""
    if not _is_running(node):
        return
    try:
        text = node.quorum_device.arbiter_text(is_full=False)
    except UnreachableError as error:
        request.findings.error(
            "device-unknown-use",
            f"Unable to get clusters that use the quorum device: {error}",
            is_forceable=True,
        )
    else:
        found = [
            line.removeprefix("Cluster ").rstrip(":").strip('"')
            for line in text.splitlines()
            if line.startswith("Cluster ")
        ]
        if found:
            listed = ", ".join(f"'{name}'" for name in sorted(found))
            request.findings.error(
                "device-in-use",
                f"Quorum device is currently being used by cluster(s): {listed}",
                is_forceable=True,
            )
    request.findings.refuse_if_errors()


_MODEL = "<device model>"

COMMANDS = (
    Command(
        words="qdevice status",
        handler=status,
        needs=Needs.NOTHING,
        arguments=f"{_MODEL} [<cluster name>]",
        options=("full",),
        help="Show the quorum device provider of this machine, and the clusters that it serves.",
        aliases=(Alias(words="status qdevice"),),
    ),
    Command(
        words="qdevice setup",
        handler=set_up,
        needs=Needs.NOTHING,
        arguments=f"model {_MODEL}",
        options=("enable", "start"),
        help="Make this machine a quorum device provider; the only model is net.",
        details="Clusters then use it by 'quorum device add'. It needs the package "
        "corosync-qnetd, a node service, and no cluster.",
    ),
    Command(
        words="qdevice destroy",
        handler=destroy,
        needs=Needs.NOTHING,
        arguments=_MODEL,
        options=("force",),
        help="Stop the quorum device provider and remove its keys.",
    ),
    Command(
        words="qdevice start",
        handler=_doer(ServiceAction.START),
        needs=Needs.NOTHING,
        arguments=_MODEL,
        help="Start the quorum device provider.",
    ),
    Command(
        words="qdevice stop",
        handler=stop,
        needs=Needs.NOTHING,
        arguments=_MODEL,
        options=("force",),
        help="Stop the quorum device provider, unless a cluster uses it.",
    ),
    Command(
        words="qdevice kill",
        handler=_doer(ServiceAction.KILL),
        needs=Needs.NOTHING,
        arguments=_MODEL,
        help="End the quorum device provider at once (SIGKILL).",
    ),
    Command(
        words="qdevice enable",
        handler=_doer(ServiceAction.ENABLE),
        needs=Needs.NOTHING,
        arguments=_MODEL,
        help="Let the quorum device provider start when this machine boots.",
    ),
    Command(
        words="qdevice disable",
        handler=_doer(ServiceAction.DISABLE),
        needs=Needs.NOTHING,
        arguments=_MODEL,
        help="Do not start the quorum device provider when this machine boots.",
    ),
)
