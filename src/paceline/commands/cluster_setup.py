"""`pcs cluster setup`: every check on every node first, then a new cluster on all of them.

    look (nothing changes) -> destroy -> keys -> corosync.conf -> certificates -> (enable, start)

Until destroying begins nothing changes. What fails afterwards names each node's state and the
command that repeats the whole; corosync.conf comes after the keys, so that a node that got only
a part of it starts nothing.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from paceline.commands.cluster_links import find_second_link
from paceline.commands.cluster_options import LINK_NAMES_IN_FILE
from paceline.commands.cluster_services import enable_nodes, start_nodes, wait_for_nodes
from paceline.commands.cluster_setup_words import (
    OLD_OPTIONS,
    SetupNode,
    SetupWords,
    parse_setup,
)
from paceline.commands.contract import (
    Command,
    ErrorsHaveOccurredError,
    Needs,
    Outcome,
    Ports,
    Request,
    UsageError,
)
from paceline.commands.host_auth import introduce
from paceline.commands.node_checks import (
    check_fitness,
    check_greetings,
    check_names_agree,
    check_not_in_cluster,
    check_versions_agree,
    read_facts,
)
from paceline.commands.node_trouble import report_problem, wait_limit_ms
from paceline.model.corosync_conf import UDP_PORT, ClusterConf, ConfNode, build_corosync_conf
from paceline.ports.node import Node
from paceline.ports.node_calls import (
    CertificateRequested,
    ControlServices,
    DestroyCluster,
    Done,
    File,
    FileName,
    MakeCertificateRequest,
    NodeFacts,
    NodeRequest,
    PeersSeen,
    ProbePeers,
    PutFiles,
    ReadServices,
    Service,
    ServiceAction,
    ServicesRead,
)
from paceline.ports.peers import PORT, PeerProblem, Peers

LIVE_ONLY = ("enable", "no-keys-sync", "start", "wait")
"""Options that mean nothing where only a file is written."""
CHECKED = "All checks have passed on all nodes; nothing was changed. They would get:"
AUTHKEY_BYTES = 256
"""corosync-keygen's size."""
DESTROY_MS_MAX = 1_900_000
"""A clean leave of the old cluster takes as long as its agents' stops."""
TODAY_KEYS = (FileName.COROSYNC_AUTHKEY, FileName.REMOTE_AUTHKEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCluster:
    """Everything that goes to the nodes."""

    names: tuple[str, ...]
    keys: tuple[File, ...]
    conf: File
    certificates: tuple[tuple[str, tuple[File, ...]], ...]


def set_up(request: Request, ports: Ports) -> Outcome:
    """`cluster setup`, both dialects."""
    words = parse_setup(request)
    if request.has("corosync_conf") and not words.is_old:
        live_only = [name for name in LIVE_ONLY if request.has(name)]
        if live_only:
            shown = ", ".join(f"'--{name}'" for name in LIVE_ONLY)
            raise UsageError(f"Cannot specify any of {shown} when '--corosync_conf' is specified")
    request.findings.stop_if_errors()
    if request.has("corosync_conf"):
        return _write_local_conf(request, ports, words)
    peers, node = ports.open_peers(), ports.open_node()
    names = tuple(found.name for found in words.nodes)
    facts = _look(request, peers, names)
    nodes = _addressed(request, peers, words, facts)
    requests = _certificate_requests(request, peers, names)
    request.findings.stop_if_errors()
    cluster = _prepare(words, nodes, facts, requests, node)
    if request.has("no-keys-sync"):
        cluster = replace(cluster, keys=())
    if request.has("dry-run"):
        request.progress(f"{CHECKED}\n\n{_conf_text(words, nodes, uuid='')}")
        return Outcome()
    _carry_out(request, peers, cluster)
    if request.has("enable"):
        enable_nodes(request, peers, names)
    if request.has("start"):
        start_nodes(request, peers, names)
        if request.has("wait"):
            wait_for_nodes(request, ports, names)
    return Outcome()


def _look(request: Request, peers: Peers, names: Sequence[str]) -> dict[str, NodeFacts]:
    """Make every check on every node; raise if anything speaks against it."""
    known = {host.name for host in peers.known_hosts()}
    unknown = [name for name in names if name not in known]
    if unknown:
        shown = ", ".join(f"'{name}'" for name in unknown)
        request.findings.error(
            "unknown-host",
            f"not authenticated: {shown}",
            advice=f"  first:  pcs host auth {' '.join(names)}",
        )
        request.findings.stop_if_errors()
    check_greetings(request, peers, names)
    facts = read_facts(request, peers, names)
    for name, found in facts.items():
        check_fitness(request.findings, name, found)
        check_not_in_cluster(request.findings, name, found)
    check_versions_agree(request.findings, facts)
    if len(facts) == len(names):
        check_names_agree(request.findings, facts)
    request.findings.stop_if_errors()
    return facts


def _addressed(
    request: Request, peers: Peers, words: SetupWords, facts: dict[str, NodeFacts]
) -> tuple[SetupNode, ...]:
    """Return the nodes with the addresses of their links; say what was chosen."""
    if all(node.addresses for node in words.nodes):
        _check_reach(request, peers, words.nodes)
        return words.nodes
    first = {
        node.name: node.addresses[0] if node.addresses else _address_of(node.name, peers, facts)
        for node in words.nodes
    }
    second = None
    if words.is_knet and not any(node.addresses for node in words.nodes):
        second = find_second_link({n: f.interfaces for n, f in facts.items()}, first)
    nodes = tuple(_node(name, first, second) for name in first)
    if second is not None and _unreached(peers, nodes, link=1):
        request.findings.warn(
            "second-network-unused",
            "the nodes have a second network in common, but do not reach each other there; it is "
            "not used. Name both addresses to use it:  NODE addr=A addr=B",
        )
        nodes = tuple(_node(name, first, None) for name in first)
    _check_reach(request, peers, nodes)
    # pcs 0.9 did not say it.
    for node in () if request.is_classic else nodes:
        shown = " and ".join(f"'{address}'" for address in node.addresses)
        request.progress(f"No addresses specified for host '{node.name}', using {shown}")
    return nodes


def _node(name: str, first: dict[str, str], second: dict[str, str] | None) -> SetupNode:
    more = (second[name],) if second is not None else ()
    return SetupNode(name=name, addresses=(first[name], *more))


def _address_of(name: str, peers: Peers, facts: dict[str, NodeFacts]) -> str:
    """Return the address that the node's name, or what was given at `host auth`, leads to."""
    known = {host.name: host.address for host in peers.known_hosts()}
    if name in known and known[name] != name:
        return known[name]
    others = [found for other, found in facts.items() if other != name] or list(facts.values())
    addresses = [dict(found.resolved).get(name, ()) for found in others]
    return next((found[0] for found in addresses if found), name)


def _unreached(
    peers: Peers, nodes: Sequence[SetupNode], *, link: int
) -> tuple[tuple[str, str, str], ...]:
    """Return (observer, target, address) wherever a node is not reached over a link."""
    asked: list[tuple[str, NodeRequest]] = []
    for node in nodes:
        others = tuple((o.name, o.addresses[link], PORT) for o in nodes if o.name != node.name)
        asked.append((node.name, ProbePeers(targets=others)))
    found = []
    for observer, answer in peers.ask(asked, PeersSeen):
        if isinstance(answer, PeerProblem):
            continue
        found += [(observer, s.name, s.address) for s in answer.seen if s.state != "ok"]
    return tuple(found)


def _check_reach(request: Request, peers: Peers, nodes: Sequence[SetupNode]) -> None:
    """Report each node that another does not reach at an address that its link will use."""
    for link in range(len(nodes[0].addresses)):
        for observer, target, address in _unreached(peers, nodes, link=link):
            request.findings.error(
                "node-not-reached",
                f"{observer} does not reach {target} at {address} (link {link}, port {PORT}/tcp)",
                is_forceable=True,
                advice=f"  see more:  paceline doctor {observer} {target}",
            )


def _certificate_requests(request: Request, peers: Peers, names: Sequence[str]) -> dict[str, bytes]:
    asked: list[tuple[str, NodeRequest]] = [(name, MakeCertificateRequest()) for name in names]
    requests: dict[str, bytes] = {}
    for name, answer in peers.ask(asked, CertificateRequested):
        if isinstance(answer, PeerProblem):
            request.findings.add(report_problem(name, answer))
        else:
            requests[name] = answer.request.encode()
    return requests


def _prepare(
    words: SetupWords,
    nodes: Sequence[SetupNode],
    facts: dict[str, NodeFacts],
    requests: dict[str, bytes],
    node: Node,
) -> NewCluster:
    """Make keys, certificates and corosync.conf."""
    authority, key = node.certificates.make_authority(words.name)
    certificates = tuple(
        (
            name,
            (
                File(name=FileName.CLUSTER_CA, content=authority),
                File(name=FileName.CLUSTER_CA_KEY, content=key),
                File(
                    name=FileName.NODE_CERTIFICATE,
                    content=node.certificates.sign(asked, authority=authority, key=key, name=name),
                ),
            ),
        )
        for name, asked in requests.items()
    )
    system = next((f.corosync_system for f in facts.values() if f.corosync_system), "")
    return NewCluster(
        names=tuple(found.name for found in nodes),
        keys=tuple(
            File(name=name, content=node.random_bytes(AUTHKEY_BYTES)) for name in TODAY_KEYS
        ),
        conf=File(
            name=FileName.COROSYNC_CONF,
            content=_conf_text(words, nodes, system=_pairs(system)).encode(),
        ),
        certificates=certificates,
    )


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Return `a=b c=d` as pairs."""
    parts = (word.partition("=") for word in text.split())
    return tuple((name, value) for name, equals, value in parts if equals and value)


def _conf_text(
    words: SetupWords,
    nodes: Sequence[SetupNode],
    *,
    system: tuple[tuple[str, str], ...] = (),
    uuid: str = "",
) -> str:
    crypto = {"cipher": "aes256", "hash": "sha256", **words.crypto}
    return build_corosync_conf(
        ClusterConf(
            name=words.name,
            nodes=tuple(
                ConfNode(name=node.name, nodeid=number, addresses=node.addresses or (node.name,))
                for number, node in enumerate(nodes, start=1)
            ),
            transport=words.transport,
            transport_options=tuple(sorted(words.transport_options.items())),
            crypto=tuple(sorted(crypto.items())),
            compression=tuple(sorted(words.compression.items())),
            links=_links(words, nodes),
            totem=tuple(sorted(words.totem.items())),
            quorum=tuple(sorted(words.quorum.items())),
            system=system,
            uuid=uuid,
        )
    )


def _links(
    words: SetupWords, nodes: Sequence[SetupNode]
) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return the options of links; a second link that was found here gets the first one's port.

    Corosync would give it 5406, which the firewall rules that people have do not open.
    """
    links = [dict(link) for link in words.links]
    is_found_here = not any(node.addresses for node in words.nodes)
    if is_found_here and words.is_knet and len(nodes[0].addresses) > 1 and not links:
        links = [{"linknumber": "1", "mcastport": str(UDP_PORT)}]
    return tuple(_link_options(number, link) for number, link in enumerate(links))


def _link_options(number: int, link: dict[str, str]) -> tuple[tuple[str, str], ...]:
    link.setdefault("linknumber", str(number))
    return tuple(sorted((LINK_NAMES_IN_FILE.get(key, key), value) for key, value in link.items()))


def _carry_out(request: Request, peers: Peers, cluster: NewCluster) -> None:
    """Change the nodes. Raises ErrorsHaveOccurredError after the phase in which one failed."""
    names = cluster.names
    plain, quoted = ", ".join(names), ", ".join(f"'{name}'" for name in names)
    if request.is_classic:
        request.progress(f"Destroying cluster on nodes: {plain}...")
        for name in names:
            request.progress(f"{name}: Stopping Cluster (pacemaker)...")
    else:
        request.progress(f"Destroying cluster on hosts: {quoted}...")
    _destroy(request, peers, names)
    # They may have been authenticated one by one: now each gets to drive each.
    introduce(request, peers, [host for host in peers.known_hosts() if host.name in names])
    if request.findings.has_errors():
        raise _incomplete(request, f"{plain}: the old cluster is removed, nothing is sent yet. ")
    if request.is_classic:
        _send_classic(request, peers, cluster, plain, quoted)
    else:
        _send_today(request, peers, cluster, quoted)


def _destroy(request: Request, peers: Peers, names: Sequence[str]) -> None:
    """Stop all at once; then remove the old cluster, here last: our key opens the others."""
    stop = ControlServices(action=ServiceAction.STOP, services=(Service.PACELINE, Service.COROSYNC))
    # A service that does not stop is killed when its node is destroyed.
    tuple(peers.ask([(name, stop) for name in names], Done, wait_ms_max=DESTROY_MS_MAX))
    local = [name for name in names if name == peers.local_name()]
    others = [name for name in names if name not in local]
    state = "the old cluster is stopped, and not (wholly) removed"
    for group, rest, rest_state in (
        (others, local, "the old cluster is stopped, and still there"),
        (local, others, "the old cluster is removed"),
    ):
        asked: list[tuple[str, NodeRequest]] = [(name, DestroyCluster()) for name in group]
        more = f"{', '.join(rest)}: {rest_state}. " if rest else ""
        _phase(request, peers, asked, "", state, rest=more, wait_ms_max=DESTROY_MS_MAX)
    for name in names:
        request.progress(f"{name}: Successfully destroyed cluster")


def _send_classic(
    request: Request, peers: Peers, cluster: NewCluster, plain: str, quoted: str
) -> None:
    remote = FileName.REMOTE_AUTHKEY.value
    request.progress(f"\nSending '{remote}' to {quoted}")
    _phase(
        request, peers, [(name, PutFiles(files=cluster.keys)) for name in cluster.names],
        f"{{name}}: successful distribution of the file '{remote}'", "it has no keys",
    )  # fmt: skip
    request.progress("Sending cluster config files to the nodes...")
    _phase(
        request, peers, [(name, PutFiles(files=(cluster.conf,))) for name in cluster.names],
        "{name}: Succeeded", "it has no corosync.conf",
    )  # fmt: skip
    request.progress(f"\nSynchronizing pcsd certificates on nodes {plain}...")
    _send_certificates(request, peers, cluster, "{name}: Success")
    request.progress("Restarting pcsd on the nodes in order to reload the certificates...")
    _phase(
        request, peers, [(name, ReadServices()) for name in cluster.names], "{name}: Success",
        "its node service does not answer with the new certificate", answer=ServicesRead,
    )  # fmt: skip


def _send_today(request: Request, peers: Peers, cluster: NewCluster, quoted: str) -> None:
    if cluster.keys:
        request.progress(f"Sending 'corosync authkey', 'pacemaker authkey' to {quoted}")
        _phase(
            request, peers, [(name, PutFiles(files=cluster.keys)) for name in cluster.names],
            "{name}: successful distribution of the file 'corosync authkey'\n"
            "{name}: successful distribution of the file 'pacemaker authkey'", "it has no keys",
        )  # fmt: skip
    request.progress(f"Synchronizing pcsd SSL certificates on nodes {quoted}...")
    _send_certificates(request, peers, cluster, "{name}: Success")
    request.progress(f"Sending 'corosync.conf' to {quoted}")
    _phase(
        request, peers, [(name, PutFiles(files=(cluster.conf,))) for name in cluster.names],
        "{name}: successful distribution of the file 'corosync.conf'", "it has no corosync.conf",
    )  # fmt: skip
    request.progress("Cluster has been successfully set up.")


def _send_certificates(request: Request, peers: Peers, cluster: NewCluster, words: str) -> None:
    sent: list[tuple[str, NodeRequest]] = [
        (name, PutFiles(files=files)) for name, files in cluster.certificates
    ]
    _phase(request, peers, sent, words, "it has no certificate of the cluster")


def _phase(
    request: Request,
    peers: Peers,
    asked: Sequence[tuple[str, NodeRequest]],
    words: str,
    state: str,
    *,
    rest: str = "",
    answer: type[Done] | type[ServicesRead] = Done,
    wait_ms_max: int = 60_000,
) -> None:
    """Have one thing done on nodes, and say `words` of each where there are any.

    `state` says what is true of a node that failed, `rest` what is true of those not asked here.
    """
    failed, done = [], []
    limit_ms = wait_limit_ms(request, wait_ms_max)
    for name, found in peers.ask(asked, answer, wait_ms_max=limit_ms):
        if isinstance(found, PeerProblem):
            request.findings.keep(report_problem(name, found))
            failed.append(name)
        else:
            done.append(name)
            if words:
                request.progress(words.format(name=name))
    if not failed:
        return
    raise _incomplete(
        request,
        f"{', '.join(failed)}: {state}. "
        + (f"{', '.join(done)}: done up to here. " if done else "")
        + rest,
    )


def _incomplete(request: Request, states: str) -> ErrorsHaveOccurredError:
    """Report what state each node was left in, and the command that repeats the whole."""
    request.findings.error(
        "setup-incomplete",
        f"the cluster is not set up. {states}No node has been started",
        advice=f"  mend what is named above, then repeat:  {_repeat(request)}",
    )
    return ErrorsHaveOccurredError()


def _repeat(request: Request) -> str:
    """Return the command that repeats this one, by force: half-made nodes are taken anew."""
    options = {name: value for name, value in request.options.items() if name != "force"}
    words = [request.program, *request.words, *request.arguments]
    words += [f"--{name}={value}" if value else f"--{name}" for name, value in options.items()]
    return shlex.join([*words, "--force"])


def _check_resolved(request: Request, ports: Ports, words: SetupWords) -> None:
    """Report names that have no address here, where the names are used as addresses."""
    names = [node.name for node in words.nodes if not node.addresses]
    for name in names:
        request.findings.inform(
            "name-as-address", f"No addresses specified for host '{name}', using '{name}'"
        )
    look = ports.open_node().look
    unknown = [f"'{name}'" for name in names if not look.resolve(name)]
    if unknown:
        request.findings.error(
            "unknown-name", f"Unable to resolve addresses: {', '.join(unknown)}", is_forceable=True
        )


def _write_local_conf(request: Request, ports: Ports, words: SetupWords) -> Outcome:
    """Write corosync.conf to a file; no node is asked."""
    path = request.value("corosync_conf") or ""
    if ports.files.exists(path) and not (request.is_forced or request.has("overwrite")):
        request.findings.error(
            "file-exists", f"Corosync config file '{path}' already exists", is_forceable=True
        )
    _check_resolved(request, ports, words)
    request.findings.stop_if_errors()
    is_named = request.has("no-cluster-uuid") or words.is_old
    uuid = "" if is_named else ports.open_node().random_bytes(16).hex()
    text = _conf_text(words, words.nodes, uuid=uuid)
    if request.has("dry-run"):
        request.progress(text)
        return Outcome()
    ports.files.write(path, text)
    return Outcome()


COMMANDS = (
    Command(
        words="cluster setup",
        handler=set_up,
        needs=Needs.COROSYNC_CONF,
        arguments="<cluster name> (<node name> [addr=<node address>]...)... "
        "[transport knet|udp|udpu [<transport options>] [link <link options>]... "
        "[compression <compression options>] [crypto <crypto options>]] "
        "[totem <totem options>] [quorum <quorum options>] "
        "[--enable] [--start [--wait[=<n>]]] [--no-cluster-uuid] [--no-keys-sync] "
        "[--corosync_conf <path>]",
        options=(
            "force",
            "overwrite",
            "enable",
            "start",
            "wait",
            "no-cluster-uuid",
            "no-keys-sync",
            "local",
            "request-timeout",
            *OLD_OPTIONS,
        ),
        unlisted_options=("local", *OLD_OPTIONS),
        help="Make a cluster of the nodes, which have to be authenticated before.",
        details="Every check is made on every node before anything changes. Where no addresses are "
        "given, the names' are used, and a second network that all nodes have in common becomes a "
        "second link. With --no-keys-sync no keys are made: they have to be brought to the nodes "
        "before the start. The words of pcs 0.9 (--name, NODE,ALTERNATE, --token, ...) are taken "
        "too.",
    ),
)
