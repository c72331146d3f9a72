"""`pcs cluster node add|remove`, `cluster sync`, `cluster authkey`: members and files change.

Nodes are added one at a time and only while every other node answers (or with --skip-offline): a
node that does not know of a new member would count votes wrongly (DESIGN 5).
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from ipaddress import ip_address, ip_interface

from paceline.cib.tree import Element
from paceline.cib.tree import nodes as cib_nodes
from paceline.commands.cluster_services import (
    cluster_nodes,
    enable_nodes,
    services_of,
    start_nodes,
    wait_for_nodes,
)
from paceline.commands.contract import (
    Alias,
    Command,
    Findings,
    Needs,
    Outcome,
    Ports,
    Request,
    UsageError,
)
from paceline.commands.corosync_file import show_difference
from paceline.commands.edit import edit_cib
from paceline.commands.host_auth import introduce
from paceline.commands.node_checks import (
    check_fitness,
    check_greetings,
    check_not_in_cluster,
    check_versions_agree,
    read_facts,
)
from paceline.commands.node_foresight import deed, show_deeds
from paceline.commands.node_trouble import report_problem, wait_limit_ms
from paceline.model.corosync_conf import (
    TWO_NODES,
    ConfNode,
    Section,
    node_section,
    parse_corosync_conf,
    read_nodes,
    render_corosync_conf,
)
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.model.reports import Report
from paceline.ports.node_calls import (
    CertificateRequested,
    DestroyCluster,
    Done,
    File,
    FileName,
    MakeCertificateRequest,
    NodeFacts,
    NodeRequest,
    PutFiles,
    Service,
)
from paceline.ports.peers import PeerProblem, Peers

DESTROY_MS_MAX = 1_900_000
NODES_MAX = 16
FORGET_MS_MAX = 10_000
"""From a node's stop until the others have a view without it: some tokens."""
POLL_MS = 200
# What of the cluster's files a new node gets beside its own certificate and corosync.conf.
_KEYS = (
    FileName.COROSYNC_AUTHKEY,
    FileName.REMOTE_AUTHKEY,
    FileName.CLUSTER_CA,
    FileName.CLUSTER_CA_KEY,
)


def add_node(request: Request, ports: Ports) -> Outcome:
    """`cluster node add NAME [addr=A]... [--start] [--enable] [--wait]`."""
    name, addresses, sbd_words = _parse_node(request)
    peers = ports.open_peers()
    root = read_conf(ports)
    members = read_nodes(root)
    if any(node.name == name for node in members):
        raise invalid("node-exists", f"Node '{name}' is in the cluster already")
    if len(members) >= NODES_MAX:
        raise invalid("too-many-nodes", f"a cluster has at most {NODES_MAX} nodes")
    present = check_all_present(request, peers, [node.name for node in members])
    check_greetings(request, peers, (name,))
    facts = read_facts(request, peers, (name,))
    request.findings.stop_if_errors()
    check_fitness(request.findings, name, facts[name])
    check_not_in_cluster(request.findings, name, facts[name])
    check_versions_agree(request.findings, {**present, name: facts[name]})
    if not addresses:
        addresses = _addresses_like(request.findings, members, present, name, facts[name])
    if len(addresses) != len(members[0].addresses):
        request.findings.error(
            "address-count",
            f"the cluster has {len(members[0].addresses)} link(s), so '{name}' needs as many "
            f"addresses, not {len(addresses)}:  {name} addr=A addr=B",
        )
    request.findings.stop_if_errors()
    new = ConfNode(
        name=name, nodeid=max(node.nodeid for node in members) + 1, addresses=tuple(addresses)
    )
    changed = _with_nodes(root, (*members, new))
    from paceline.commands import stonith_sbd  # it needs this module

    sbd_settings = stonith_sbd.prepare_node(
        request,
        ports,
        name,
        watchdog="".join(sbd_words["watchdog"][-1:]),
        devices=sbd_words["device"],
    )
    if request.has("dry-run"):
        show_difference(request, ports, changed, ())
        what = "what is left of a cluster, and bring keys and certificates"
        show_deeds(request, ports, [deed("remove", what, (name,))])
        return Outcome()
    files = _files_for(request, ports, peers, name)
    ask_all(request, peers, [(name, DestroyCluster())], wait_ms_max=DESTROY_MS_MAX)
    hosts = [host for host in peers.known_hosts() if host.name in (*present, name)]
    introduce(request, peers, hosts)
    request.progress(f"Sending keys and certificates to '{name}'")
    ask_all(request, peers, [(name, PutFiles(files=files))])
    if sbd_settings:
        stonith_sbd.bring_to_node(request, ports, name, sbd_settings)
    if next((s for q in root.all_named("quorum") for s in q.all_named("device")), None):
        from paceline.commands.quorum_device_live import add_to_node  # it needs this module

        add_to_node(request, ports, root, name)
    spread(request, ports, peers, changed, (*present, name))
    if request.has("enable"):
        enable_nodes(request, peers, (name,))
    if request.has("start"):
        start_nodes(request, peers, (name,), services_of(ports))
        if request.has("wait"):
            wait_for_nodes(request, ports, (name,))
    return Outcome()


def remove_nodes(request: Request, ports: Ports) -> Outcome:
    """`cluster node remove NAME...`."""
    if not request.arguments:
        raise UsageError
    peers = ports.open_peers()
    root = read_conf(ports)
    members = read_nodes(root)
    names = tuple(dict.fromkeys(request.arguments))
    for name in names:
        if all(node.name != name for node in members):
            request.findings.error("no-such-node", f"Node '{name}' does not appear to exist")
    staying = tuple(node for node in members if node.name not in names)
    if not staying:
        request.findings.error(
            "last-node", "All nodes would be removed: use  pcs cluster destroy --all"
        )
    if peers.local_name() in names:
        request.findings.error(
            "local-node",
            "this node cannot remove itself; on another:  "
            f"pcs cluster node remove {peers.local_name()}",
        )
    request.findings.stop_if_errors()
    present = check_all_present(request, peers, [node.name for node in staying])
    if request.has("dry-run"):
        show_difference(request, ports, _with_nodes(root, staying), ())
        deeds = [deed("stop and remove", "the cluster", names)]
        show_deeds(request, ports, deeds, leaving=names)
        return Outcome()
    for name in names:
        request.progress(f"{name}: Stopping Cluster (pacemaker)...")
    asked: list[tuple[str, NodeRequest]] = [(name, DestroyCluster()) for name in names]
    for name, answer in peers.ask(asked, Done, wait_ms_max=DESTROY_MS_MAX):
        if not isinstance(answer, PeerProblem):
            request.progress(f"{name}: Successfully destroyed cluster")
        elif request.has("skip-offline"):
            request.findings.warn(
                "node-not-destroyed",
                f"{name} does not answer: destroy it there before it runs again: "
                "pcs cluster destroy",
            )
        else:
            request.findings.add(report_problem(name, answer))
    request.findings.stop_if_errors()
    spread(request, ports, peers, _with_nodes(root, staying), tuple(present))
    _forget(request, ports, names)
    return Outcome()


def _parse_node(request: Request) -> tuple[str, list[str], dict[str, list[str]]]:
    """Return name and addresses of a new node, and its watchdogs and devices for sbd."""
    if not request.arguments or "=" in request.arguments[0]:
        raise UsageError
    given: dict[str, list[str]] = {"addr": [], "watchdog": [], "device": []}
    for word in request.arguments[1:]:
        key, equals, value = word.partition("=")
        if key not in given or not equals:
            raise UsageError(f"Unknown options '{key}' for node '{request.arguments[0]}'")
        given[key].append(value)
    name, *alternates = request.arguments[0].split(",")
    addresses = given.pop("addr")
    # pcs 0.9 wrote NODE,ALTERNATE for two links.
    return name, [name, *alternates] if alternates else addresses, given


def read_conf(ports: Ports) -> Section:
    """Return this node's corosync.conf. Raises InvalidRequestError without one."""
    cluster_nodes(ports)  # raises with the reason where there is none that can be read
    return parse_corosync_conf(ports.files.read(ports.corosync_conf_path))


def check_all_present(request: Request, peers: Peers, names: Sequence[str]) -> dict[str, NodeFacts]:
    """Return the facts of the nodes; one that does not answer is an error, or left out."""
    if request.has("skip-offline"):
        present = read_facts(replace(request, findings=Findings(is_forced=True)), peers, names)
        for name in names:
            if name not in present:
                request.findings.warn(
                    "node-skipped",
                    f"{name} does not answer and is skipped; when it is back, run there or here: "
                    "pcs cluster sync",
                )
        return present
    present = read_facts(request, peers, names)
    if len(present) < len(names):
        request.findings.error(
            "nodes-missing",
            "all nodes have to answer while members change; --skip-offline leaves out those that "
            "are off for certain",
        )
    request.findings.stop_if_errors()
    return present


def _addresses_like(
    findings: Findings,
    nodes: Sequence[ConfNode],
    present: dict[str, NodeFacts],
    name: str,
    facts: NodeFacts,
) -> list[str]:
    """Return the new node's address in each link's network, where it has exactly one there."""
    chosen = []
    own = [
        ip_interface(address)
        for interface in facts.interfaces
        if interface.is_up
        for address in interface.addresses
    ]
    for link, address in enumerate(nodes[0].addresses):
        network = _network_of(address, present)
        fitting = [str(found.ip) for found in own if str(found.network) == network]
        if len(fitting) != 1:
            findings.error(
                "no-address",
                f"'{name}' has no single address in the network of link {link} "
                f"({network or address}); name its addresses:  {name} addr=A addr=B",
            )
            return []
        chosen += fitting
    return chosen


def _network_of(address: str, present: dict[str, NodeFacts]) -> str:
    """Return the network in which a member has this address (or this name), or ""."""
    for facts in present.values():
        names = dict(facts.resolved)
        wanted = {address, *names.get(address, ())}
        for interface in facts.interfaces:
            for text in interface.addresses:
                found = ip_interface(text)
                if str(ip_address(found.ip)) in wanted:
                    return str(found.network)
    return ""


def _files_for(request: Request, ports: Ports, peers: Peers, name: str) -> tuple[File, ...]:
    """Return the cluster's keys and the new node's certificate. Raises where one is missing."""
    node = ports.open_node()
    contents = {key: node.files.read(key) for key in _KEYS}
    missing = [key.value for key, content in contents.items() if content is None]
    if missing:
        raise invalid("keys-missing", f"this node does not have: {', '.join(missing)}")
    files = [File(name=key, content=content or b"") for key, content in contents.items()]
    asked: list[tuple[str, NodeRequest]] = [(name, MakeCertificateRequest())]
    for _, answer in peers.ask(asked, CertificateRequested):
        if isinstance(answer, PeerProblem):
            raise InvalidRequestError(report_problem(name, answer))
        certificate = node.certificates.sign(
            answer.request.encode(),
            authority=contents[FileName.CLUSTER_CA] or b"",
            key=contents[FileName.CLUSTER_CA_KEY] or b"",
            name=name,
        )
        files.append(File(name=FileName.NODE_CERTIFICATE, content=certificate))
    return tuple(files)


def _with_nodes(root: Section, nodes: Sequence[ConfNode]) -> Section:
    """Return the configuration with these nodes, and `two_node` as it has to be for them."""
    node_list = Section(name="nodelist", sections=tuple(node_section(node) for node in nodes))
    quorum = next(root.all_named("quorum"), Section(name="quorum"))
    has_tie_breaker = quorum.find_option("auto_tie_breaker") == "1"
    has_device = next(quorum.all_named("device"), None) is not None
    is_two = len(nodes) == TWO_NODES and not has_tie_breaker and not has_device
    quorum = quorum.with_options((("two_node", "1" if is_two else ""),))
    return root.with_sections("nodelist", (node_list,)).with_sections("quorum", (quorum,))


def spread(
    request: Request, ports: Ports, peers: Peers, root: Section, names: Sequence[str]
) -> None:
    """Send corosync.conf to nodes, and let a running Corosync read it."""
    content = render_corosync_conf(root).encode()
    conf = File(name=FileName.COROSYNC_CONF, content=content)
    request.progress(f"Sending 'corosync.conf' to {quoted(names)}")
    done = ask_all(request, peers, [(name, PutFiles(files=(conf,))) for name in names])
    for name in done:
        request.progress(f"{name}: successful distribution of the file 'corosync.conf'")
    request.findings.stop_if_errors()
    states = ports.open_node().services.states((Service.COROSYNC,))
    if states[0].active == "active":
        ports.open_engine_tools().reload()
        request.progress("Corosync configuration reloaded")


def ask_all(
    request: Request,
    peers: Peers,
    asked: Sequence[tuple[str, NodeRequest]],
    *,
    wait_ms_max: int = 60_000,
) -> list[str]:
    """Have requests done; report what failed and raise, return the others."""
    done = []
    limit_ms = wait_limit_ms(request, wait_ms_max)
    for name, answer in peers.ask(asked, Done, wait_ms_max=limit_ms):
        if isinstance(answer, PeerProblem):
            request.findings.keep(report_problem(name, answer))
        else:
            done.append(name)
    request.findings.stop_if_errors()
    return done


def clear(request: Request, ports: Ports) -> Outcome:
    """Forget a node that is no longer there: `cluster node clear NODE`."""
    if len(request.arguments) != 1:
        raise UsageError
    name = request.arguments[0]
    if any(node.name == name for node in cluster_nodes(ports)):
        request.findings.error(
            "node-present",
            f"node '{name}' is still a node of the cluster; use 'cluster node remove'",
            is_forceable=True,
        )
    request.findings.stop_if_errors()
    _forget(request, ports, [name])
    return Outcome()


def _forget(request: Request, ports: Ports, names: Sequence[str]) -> None:
    """Drop removed nodes from the configuration and from what the daemons know.

    A cluster that does not run here knows nothing of nodes; it reads corosync.conf when it starts.
    """
    for name in names:
        try:
            # First from the configuration: a node that is in it and unknown counts as unclean.
            edit_cib(request, ports, partial(_drop_node, name))
            problem = forget_in_daemon(ports, name)
        except UnreachableError:
            return
        if problem:
            request.findings.warn(
                "node-not-forgotten", f"the cluster still remembers {name}: {problem}"
            )


def forget_in_daemon(ports: Ports, name: str) -> str:
    """Ask until the view without the node is there; return what is wrong at the end, or ""."""
    deadline = time.monotonic() + FORGET_MS_MAX / 1000
    while True:
        answer = ports.daemon.ask({"do": "forget-node", "node": name})
        if answer.get("outcome") in ("acknowledged", "not-yet-safe"):
            return ""
        if answer.get("code") != "node-present" or time.monotonic() > deadline:
            return str(answer.get("detail") or answer.get("message") or answer.get("code"))
        time.sleep(POLL_MS / 1000)


def _drop_node(name: str, root: Element) -> str:
    """Take the node out of `<nodes>`."""
    for node in cib_nodes(root):
        parent = node.getparent()
        if node.get("uname") == name and parent is not None:
            parent.remove(node)
    return ""


def quoted(names: Sequence[str]) -> str:
    """Return names as `'a', 'b'`."""
    return ", ".join(f"'{name}'" for name in names)


def invalid(code: str, message: str) -> InvalidRequestError:
    """Return the error of a request with one thing wrong."""
    return InvalidRequestError(Report(code=code, message=message))


COMMANDS = (
    Command(
        words="cluster node add",
        handler=add_node,
        needs=Needs.CLUSTER,
        arguments="<node name> [addr=<node address>]... [watchdog=<path>] [device=<path>]... "
        "[--start [--wait[=<n>]]] [--enable]",
        options=(
            "force",
            "skip-offline",
            "start",
            "wait",
            "enable",
            "request-timeout",
            "dry-run",
            "no-watchdog-validation",
        ),
        help="Add a node, which has to be authenticated before, to the cluster.",
        details="Where sbd is enabled its settings are brought there too, with the watchdog and "
        "devices named, or those of this node.",
    ),
    Command(
        words="cluster node remove",
        handler=remove_nodes,
        needs=Needs.CLUSTER,
        arguments="<node name>...",
        options=("force", "skip-offline", "request-timeout", "dry-run"),
        help="Stop nodes and take them out of the cluster.",
        aliases=(Alias(words="cluster node delete"),),
    ),
    Command(
        words="cluster node clear",
        handler=clear,
        needs=Needs.CLUSTER,
        arguments="<node name>",
        options=("force",),
        help="Let the cluster forget a node that is no longer there.",
    ),
)
