"""`pcs cluster sync|corosync|authkey|reload`, `pcsd sync-certificates`: the cluster's files."""

from pathlib import PurePosixPath

from paceline.commands.cluster_nodes import (
    ask_all,
    check_all_present,
    invalid,
    quoted,
    read_conf,
    spread,
)
from paceline.commands.cluster_services import cluster_nodes
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.node_trouble import report_problem
from paceline.model.corosync_conf import parse_corosync_conf, read_cluster_name
from paceline.model.errors import InvalidRequestError
from paceline.ports.node_calls import (
    CertificateRequested,
    File,
    FileName,
    FilesRead,
    GetFiles,
    MakeCertificateRequest,
    NodeFacts,
    NodeRequest,
    PutFiles,
    Service,
)
from paceline.ports.peers import PeerProblem

AUTHKEY_BYTES = 256
"""corosync-keygen's size."""
AUTHKEY_BYTES_MIN, AUTHKEY_BYTES_MAX = 128, 4096
"""What Corosync takes with knet. Source: corosync.conf(5), corosync-keygen(8)."""


def sync_files(request: Request, ports: Ports) -> Outcome:
    """`cluster sync [corosync]`: send this node's corosync.conf to all nodes."""
    if request.arguments not in ((), ("corosync",)):
        raise UsageError
    names = tuple(node.name for node in cluster_nodes(ports))
    spread(request, ports, ports.open_peers(), read_conf(ports), names)
    return Outcome()


def renew_authkey(request: Request, ports: Ports) -> Outcome:
    """`cluster authkey corosync [PATH]`: a key for Corosync on all nodes, while it is down."""
    if len(request.arguments) > 1:
        raise UsageError
    given = _read_key(request, ports)
    peers, node = ports.open_peers(), ports.open_node()
    names = tuple(found.name for found in cluster_nodes(ports))
    present = check_all_present(request, peers, names)
    running = [name for name, facts in present.items() if _runs_corosync(facts)]
    if running:
        request.findings.error(
            "cluster-running",
            f"Corosync runs on {', '.join(running)}: a new key would split the cluster",
            advice="  stop it first:  pcs cluster stop --all",
        )
    request.findings.stop_if_errors()
    key = File(name=FileName.COROSYNC_AUTHKEY, content=given or node.random_bytes(AUTHKEY_BYTES))
    request.progress(f"Sending 'corosync authkey' to {quoted(names)}")
    done = ask_all(request, peers, [(name, PutFiles(files=(key,))) for name in names])
    for name in done:
        request.progress(f"{name}: successful distribution of the file 'corosync authkey'")
    return Outcome()


def _read_key(request: Request, ports: Ports) -> bytes:
    """Return the key of the file that is named, b"" where none is. Raises InvalidRequestError."""
    if not request.arguments:
        return b""
    name = request.arguments[0]
    path = str(PurePosixPath(request.cwd, name))
    try:
        key = ports.open_report_files().read(path, bytes_max=AUTHKEY_BYTES_MAX)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        message = f"Unable to read Corosync authkey '{name}': {reason}"
        raise invalid("key-unreadable", message) from problem
    if len(key) != AUTHKEY_BYTES:
        request.findings.error(
            "key-length",
            f"Corosync authkey '{name}' has {len(key)} bytes, {AUTHKEY_BYTES} are wanted",
            is_forceable=len(key) >= AUTHKEY_BYTES_MIN,
        )
    request.findings.stop_if_errors()
    return key


def reload_conf(request: Request, ports: Ports) -> Outcome:
    """`cluster reload corosync`."""
    if request.arguments not in ((), ("corosync",)):
        raise UsageError
    ports.open_engine_tools().reload()
    return Outcome(text="Corosync reloaded")


def show_conf(request: Request, ports: Ports) -> Outcome:
    """`cluster corosync [NODE]`: print a node's corosync.conf."""
    if len(request.arguments) > 1:
        raise UsageError
    if not request.arguments:
        cluster_nodes(ports)  # raises with the reason where there is none
        return Outcome(text=ports.files.read(ports.corosync_conf_path).rstrip("\n"))
    (name,) = request.arguments
    asked: list[tuple[str, NodeRequest]] = [(name, GetFiles(names=(FileName.COROSYNC_CONF,)))]
    for _, answer in ports.open_peers().ask(asked, FilesRead):
        if isinstance(answer, PeerProblem):
            raise InvalidRequestError(report_problem(name, answer))
        for file in answer.files:
            return Outcome(text=file.content.decode(errors="replace").rstrip("\n"))
    raise invalid("no-cluster", f"{name}: there is no corosync.conf")


def renew_certificates(request: Request, ports: Ports) -> Outcome:
    """`pcsd sync-certificates`: a new authority, and certificates of it for all nodes."""
    if request.arguments:
        raise UsageError
    peers, node = ports.open_peers(), ports.open_node()
    names = tuple(check_all_present(request, peers, [n.name for n in cluster_nodes(ports)]))
    asked: list[tuple[str, NodeRequest]] = [(name, MakeCertificateRequest()) for name in names]
    conf = parse_corosync_conf(ports.files.read(ports.corosync_conf_path))
    authority, key = node.certificates.make_authority(read_cluster_name(conf))
    puts: list[tuple[str, NodeRequest]] = []
    for name, answer in peers.ask(asked, CertificateRequested):
        if isinstance(answer, PeerProblem):
            raise InvalidRequestError(report_problem(name, answer))
        certificate = node.certificates.sign(
            answer.request.encode(), authority=authority, key=key, name=name
        )
        files = (
            File(name=FileName.CLUSTER_CA, content=authority),
            File(name=FileName.CLUSTER_CA_KEY, content=key),
            File(name=FileName.NODE_CERTIFICATE, content=certificate),
        )
        puts.append((name, PutFiles(files=files)))
    request.progress(f"Synchronizing pcsd certificates on nodes {', '.join(names)}...")
    local = peers.local_name()
    # Here last: a node with the new authority knows our old certificate no more and is
    # reached again when ours is new; what fails half-way is put right by repeating.
    for group in ([p for p in puts if p[0] != local], [p for p in puts if p[0] == local]):
        for name in ask_all(request, peers, group):
            request.progress(f"{name}: Success")
    return Outcome()


def _runs_corosync(facts: NodeFacts) -> bool:
    states = {found.service: found.active for found in facts.services}
    return states.get(Service.COROSYNC) == "active"


COMMANDS = (
    Command(
        words="cluster sync",
        handler=sync_files,
        needs=Needs.CLUSTER,
        arguments="[corosync]",
        options=("request-timeout",),
        help="Send this node's corosync.conf to all nodes of the cluster.",
    ),
    Command(
        words="cluster authkey corosync",
        handler=renew_authkey,
        needs=Needs.CLUSTER,
        arguments="[<path>]",
        options=("request-timeout", "force"),
        help="Send a new key for Corosync, or a file's, to all nodes while the cluster is down.",
    ),
    Command(
        words="cluster corosync",
        handler=show_conf,
        needs=Needs.CLUSTER,
        arguments="[<node>]",
        options=("request-timeout",),
        help="Print corosync.conf of this node, or of another.",
    ),
    Command(
        words="pcsd sync-certificates",
        handler=renew_certificates,
        needs=Needs.CLUSTER,
        options=("skip-offline", "request-timeout"),
        help="Make new certificates for the node services of the cluster and send them.",
    ),
    Command(
        words="cluster reload corosync",
        handler=reload_conf,
        needs=Needs.CLUSTER,
        help="Let Corosync on all nodes read corosync.conf again.",
    ),
)
