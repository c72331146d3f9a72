"""`pcs stonith sbd`: fencing by poison pills on a shared disk, with a watchdog on every node.

sbd is another program's daemon: it is set up here, and fences by the agent `fence_sbd`. It needs a
device: without one sbd depends on Pacemaker's own daemons, and a node would reset itself.
"""

from collections.abc import Sequence

from paceline.cib.wording import bad_value, check_option_names
from paceline.commands.arguments import parse_pairs
from paceline.commands.cluster_nodes import ask_all, check_all_present, invalid
from paceline.commands.cluster_options import choice
from paceline.commands.cluster_services import cluster_names
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.node_trouble import report_problem, wait_limit_ms
from paceline.commands.sbd_settings import (
    NOT_NEGATIVE,
    OPTIONS,
    OWN,
    SbdWords,
    check_words,
    devices_in,
    parse,
    read_words,
    render,
)
from paceline.model.errors import UnreachableError
from paceline.ports.node_calls import (
    ControlServices,
    File,
    FileName,
    FilesRead,
    GetFiles,
    NodeRequest,
    PutFiles,
    ReadSbd,
    SbdRead,
    Service,
    ServiceAction,
)
from paceline.ports.peers import PeerProblem

STATE_MS_MAX = 20_000
RESTART_NEEDED = "Cluster restart is required in order to apply these changes."
MESSAGES = ("clear", "crashdump", "exit", "off", "reset", "test")
_MESSAGE_WORDS = 3
_LETTERS = {
    "watchdog-timeout": "1",
    "allocate-timeout": "2",
    "loop-timeout": "3",
    "msgwait-timeout": "4",
}
"""Timeouts of a device, and the tool's options for them. Source: sbd(8)."""


def enable(request: Request, ports: Ports) -> Outcome:
    """`stonith sbd enable [watchdog=PATH[@NODE]]... device=PATH[@NODE]... [OPTION=VALUE]...`."""
    asked = read_words(request.arguments)
    names = cluster_names(ports)
    if not asked.devices:
        raise invalid(
            "no-device",
            "SBD without a shared device relies on Pacemaker's own daemons and is not possible "
            "here: name a device, e.g. device=/dev/disk/by-id/...",
        )
    check_words(request.findings, asked, names)
    request.findings.stop_if_errors()
    peers = ports.open_peers()
    present = tuple(check_all_present(request, peers, names))
    request.progress("Running SBD pre-enabling checks...")
    _check_nodes(request, ports, asked, present)
    if request.has("dry-run"):
        for name in present:
            request.progress(f"{name}:\n{render(asked, name)}".rstrip("\n"))
        return Outcome()
    request.progress("Distributing SBD config...")
    puts: list[tuple[str, NodeRequest]] = []
    for name in present:
        content = render(asked, name).encode()
        puts.append((name, PutFiles(files=(File(name=FileName.SBD_CONFIG, content=content),))))
    for name in ask_all(request, peers, puts):
        request.progress(f"{name}: SBD config saved")
    _switch(request, ports, present, ServiceAction.ENABLE)
    return Outcome()


def disable(request: Request, ports: Ports) -> Outcome:
    """`stonith sbd disable`."""
    if request.arguments:
        raise UsageError
    names = cluster_names(ports)
    present = tuple(check_all_present(request, ports.open_peers(), names))
    _switch(request, ports, present, ServiceAction.DISABLE)
    return Outcome()


def prepare_node(
    request: Request, ports: Ports, name: str, *, watchdog: str, devices: Sequence[str]
) -> str:
    """Return the settings of a node that is added, "" where the cluster has no sbd.

    What is not said is as on this node. Raises ErrorsHaveOccurredError where the node does not fit.
    """
    node = ports.open_node()
    if node.services.states((Service.SBD,))[0].enabled != "enabled":
        if watchdog or devices:
            request.findings.error("sbd-off", "watchdog and device: sbd is not enabled here")
        request.findings.stop_if_errors()
        return ""
    here = parse((node.files.read(FileName.SBD_CONFIG) or b"").decode(errors="replace"))
    asked = SbdWords(
        options={key: value for key, value in here.items() if key in OPTIONS},
        watchdogs={name: watchdog or here.get("SBD_WATCHDOG_DEV", "")},
        devices={name: tuple(devices) or devices_in(here)},
    )
    check_words(request.findings, asked, (name,))
    request.findings.stop_if_errors()
    request.progress("Running SBD pre-enabling checks...")
    _check_nodes(request, ports, asked, (name,))
    return render(asked, name)


def bring_to_node(request: Request, ports: Ports, name: str, settings: str) -> None:
    """Write a new node's settings, and let sbd start there with Corosync."""
    file = File(name=FileName.SBD_CONFIG, content=settings.encode())
    enabling = ControlServices(action=ServiceAction.ENABLE, services=(Service.SBD,))
    peers = ports.open_peers()
    ask_all(request, peers, [(name, PutFiles(files=(file,)))])
    request.progress(f"{name}: SBD config saved")
    ask_all(request, peers, [(name, enabling)])
    request.progress(f"{name}: sbd enabled")


def _switch(request: Request, ports: Ports, names: Sequence[str], action: ServiceAction) -> None:
    word, done = ("Enabling", "enabled")
    if action is ServiceAction.DISABLE:
        word, done = ("Disabling", "disabled")
    request.progress(f"{word} sbd...")
    what = ControlServices(action=action, services=(Service.SBD,))
    for name in ask_all(request, ports.open_peers(), [(name, what) for name in names]):
        request.progress(f"{name}: sbd {done}")
    request.findings.warn("restart-needed", RESTART_NEEDED)


def _check_nodes(request: Request, ports: Ports, asked: SbdWords, names: Sequence[str]) -> None:
    """Have every node look at its watchdog and devices; report what does not fit."""
    validates = not request.has("no-watchdog-validation")
    looks: list[tuple[str, NodeRequest]] = []
    for name in names:
        watchdog = asked.watchdog_of(name) if validates else ""
        looks.append((name, ReadSbd(watchdog=watchdog, devices=asked.devices_of(name))))
    for name, answer in ports.open_peers().ask(looks, SbdRead, wait_ms_max=STATE_MS_MAX):
        if isinstance(answer, PeerProblem):
            request.findings.keep(report_problem(name, answer))
            continue
        if not answer.is_installed:
            request.findings.error("sbd-missing", f"SBD is not installed on node '{name}'")
        if answer.watchdog_is_missing:
            path = asked.watchdog_of(name)
            message = f"Watchdog '{path}' does not exist on node '{name}'"
            request.findings.error("watchdog-missing", message)
        for device in answer.missing_devices:
            message = f"SBD device '{device}' on node '{name}' is not a block device"
            request.findings.error("not-a-block-device", message)
        if not request.findings.has_errors():
            request.progress(f"{name}: SBD pre-enabling checks done")
    request.findings.stop_if_errors()


def show(request: Request, ports: Ports) -> Outcome:
    """`stonith sbd config`: the settings of all nodes; what differs by design is shown by node."""
    if request.arguments:
        raise UsageError
    names = cluster_names(ports)
    asked: list[tuple[str, NodeRequest]] = [
        (name, GetFiles(names=(FileName.SBD_CONFIG,))) for name in names
    ]
    found: dict[str, dict[str, str]] = {}
    limit_ms = wait_limit_ms(request, STATE_MS_MAX)
    for name, answer in ports.open_peers().ask(asked, FilesRead, wait_ms_max=limit_ms):
        if isinstance(answer, PeerProblem):
            request.findings.warn(
                "config-unread", f"Unable to get SBD configuration from node '{name}'"
            )
        else:
            found[name] = parse("".join(file.content.decode() for file in answer.files))
    if not found:
        raise invalid("config-unread", "No node has told its SBD configuration")
    common = next(iter(found.values()))
    lines = [f"{name}={value}" for name, value in sorted(common.items()) if name not in OWN]
    lines += ["", "Watchdogs:"]
    for name, settings in found.items():
        lines.append(f"  {name}: {settings.get('SBD_WATCHDOG_DEV') or '<unknown>'}")
    if any(devices_in(settings) for settings in found.values()):
        lines += ["", "Devices:"]
        for name, settings in found.items():
            listed = " ".join(f'"{one}"' for one in devices_in(settings))
            lines.append(f"  {name}: {listed}")
    return Outcome(text="\n".join(lines))


def status(request: Request, ports: Ports) -> Outcome:
    """`stonith sbd status [--full]`: the service on all nodes, the devices of this one."""
    if request.arguments:
        raise UsageError
    names = cluster_names(ports)
    asked: list[tuple[str, NodeRequest]] = [(name, ReadSbd()) for name in names]
    lines = ["SBD STATUS", "<node name>: <installed> | <enabled> | <running>"]
    limit_ms = wait_limit_ms(request, STATE_MS_MAX)
    for name, answer in ports.open_peers().ask(asked, SbdRead, wait_ms_max=limit_ms):
        if isinstance(answer, PeerProblem):
            message = f"Unable to get status of SBD from node '{name}'"
            request.findings.warn("status-unread", message)
            lines.append(f"{name}: N/A | N/A | N/A")
        else:
            flags = (answer.is_installed, answer.is_enabled, answer.is_running)
            lines.append(f"{name}: " + " | ".join("YES" if flag else " NO" for flag in flags))
    node = ports.open_node()
    content = node.files.read(FileName.SBD_CONFIG) or b""
    for device in devices_in(parse(content.decode(errors="replace"))):
        try:
            text = node.sbd.messages(device).rstrip("\n")
            lines += ["", f"Messages list on device '{device}':", text]
            if request.has("full"):
                lines += ["", f"SBD header on device '{device}':", node.sbd.header(device).rstrip()]
        except UnreachableError as error:
            request.findings.warn(
                "device-unread", f"Unable to get the state of device '{device}': {error}"
            )
    return Outcome(text="\n".join(lines))


def set_up_device(request: Request, ports: Ports) -> Outcome:
    """`stonith sbd device setup device=PATH... [TIMEOUT=SECONDS]...`."""
    devices = [w.partition("=")[2] for w in request.arguments if w.startswith("device=")]
    timeouts = parse_pairs([w for w in request.arguments if not w.startswith("device=")])
    if not devices:
        raise invalid("no-device", "No device defined")
    listed = ", ".join(f"'{device}'" for device in devices)
    danger = f"All current content on device(s) {listed} will be overwritten"
    findings = request.findings
    if request.is_forced or request.has("yes"):
        findings.warn("overwritten", danger)
    elif request.is_terminal:
        answer = request.ask(f"WARNING: {danger}. Type 'yes' to go on: ", False)
        if answer.strip().lower() not in ("y", "yes"):
            raise invalid("not-confirmed", "Canceled")
    else:
        findings.error("overwritten", danger, is_forceable=True)
        findings.refuse_if_errors()
    findings.extend(check_option_names(timeouts, _LETTERS))
    for name, value in timeouts.items():
        if name in _LETTERS and not NOT_NEGATIVE.is_valid(value):
            findings.add(bad_value(name, value, NOT_NEGATIVE.words))
    findings.stop_if_errors()
    chosen = [(_LETTERS[name], value) for name, value in sorted(timeouts.items())]
    sbd = ports.open_node().sbd
    for device in devices:
        request.progress(f"Initializing device '{device}'...")
        try:
            sbd.create(device, chosen)
        except UnreachableError as error:
            raise invalid(
                "device-not-made", f"Initialization of device '{device}' failed: {error}"
            ) from error
        request.progress(f"Device '{device}' initialized successfully")
    return Outcome()


def send_message(request: Request, ports: Ports) -> Outcome:
    """`stonith sbd device message DEVICE NODE MESSAGE`."""
    if len(request.arguments) != _MESSAGE_WORDS:
        raise UsageError
    device, node, message = request.arguments
    if not device:
        request.findings.error("no-device", "Device is not specified")
    if not node:
        request.findings.error("no-node", "Node is not specified")
    if message not in MESSAGES:
        request.findings.add(bad_value("message", message, choice(*MESSAGES).words))
    request.findings.stop_if_errors()
    try:
        ports.open_node().sbd.send(device, node, message)
    except UnreachableError as error:
        text = f"Unable to set message '{message}' for node '{node}' on device '{device}': {error}"
        raise invalid("message-not-sent", text) from error
    return Outcome(text=f"Message '{message}' for node '{node}' set on device '{device}'")


def list_watchdogs(request: Request, ports: Ports) -> Outcome:
    """`stonith sbd watchdog list`."""
    if request.arguments:
        raise UsageError
    try:
        found = ports.open_node().sbd.watchdogs()
    except UnreachableError as error:
        raise invalid("watchdogs-unread", f"Unable to list available watchdogs: {error}") from error
    if not found:
        return Outcome(text="No available watchdog")
    return Outcome(text="\n".join(("Available watchdog(s):", *(f"  {path}" for path in found))))


def test_watchdog(request: Request, ports: Ports) -> Outcome:
    """`stonith sbd watchdog test [PATH]`: reset this machine."""
    if len(request.arguments) > 1:
        raise UsageError
    danger = (
        "This operation is expected to force-reboot this system without following any shutdown "
        "procedures"
    )
    if request.is_forced or request.has("yes"):
        request.findings.warn("reboots", danger)
    elif request.is_terminal:
        answer = request.ask(f"WARNING: {danger}. Type 'yes' to go on: ", False)
        if answer.strip().lower() not in ("y", "yes"):
            raise invalid("not-confirmed", "Canceled")
    else:
        request.findings.error("reboots", danger, is_forceable=True)
        request.findings.refuse_if_errors()
    path = "".join(request.arguments)
    try:
        ports.open_node().sbd.test_watchdog(path)
    except UnreachableError as error:
        raise invalid(
            "watchdog-failed", f"Unable to initialize test of the watchdog: {error}"
        ) from error
    return Outcome()


_TIMEOUTS = " ".join(f"[{name}=<integer>]" for name in _LETTERS)
_LIVE = ("request-timeout",)

COMMANDS = (
    Command(
        words="stonith sbd enable",
        handler=enable,
        needs=Needs.CLUSTER,
        arguments="[watchdog=<path>[@<node>]]... device=<path>[@<node>]... "
        "[<SBD_OPTION>=<value>]...",
        options=("force", "skip-offline", "no-watchdog-validation", "dry-run", *_LIVE),
        help="Write sbd's settings on all nodes and let sbd start with Corosync.",
        details="Options: SBD_WATCHDOG_TIMEOUT (5), SBD_DELAY_START (no), SBD_STARTMODE (always), "
        "SBD_TIMEOUT_ACTION; up to 3 devices a node. Devices are prepared by 'stonith sbd device "
        "setup', and the cluster fences by a resource of the agent fence_sbd.",
    ),
    Command(
        words="stonith sbd disable",
        handler=disable,
        needs=Needs.CLUSTER,
        options=("force", "skip-offline", *_LIVE),
        help="Do not start sbd on any node.",
    ),
    Command(
        words="stonith sbd device setup",
        handler=set_up_device,
        needs=Needs.NOTHING,
        arguments=f"device=<path> [device=<path>]... {_TIMEOUTS}",
        options=("force", "yes"),
        help="Write sbd's structures on devices; what is on them is lost.",
    ),
    Command(
        words="stonith sbd device message",
        handler=send_message,
        needs=Needs.NOTHING,
        arguments="<device-path> <node> <message-type>",
        help="Put a message for a node on a device: test, reset, off, crashdump, exit or clear.",
    ),
    Command(
        words="stonith sbd status",
        handler=status,
        needs=Needs.CLUSTER,
        options=("full", *_LIVE),
        help="Show sbd on all nodes, and the messages on this node's devices.",
    ),
    Command(
        words="stonith sbd config",
        handler=show,
        needs=Needs.CLUSTER,
        options=_LIVE,
        help="Show sbd's settings, watchdogs and devices of all nodes.",
    ),
    Command(
        words="stonith sbd watchdog list",
        handler=list_watchdogs,
        needs=Needs.NOTHING,
        help="Show the watchdogs of this node.",
        details="They are opened for it: one that cannot be closed again resets the machine.",
    ),
    Command(
        words="stonith sbd watchdog test",
        handler=test_watchdog,
        needs=Needs.NOTHING,
        arguments="[<watchdog-path>]",
        options=("force", "yes"),
        help="Let a watchdog reset this machine.",
    ),
)
