"""`pcs dr`: two clusters that stand in for each other, the primary site and the recovery site.

Each node of both keeps who is who, in pcs's own form (JSON). Nothing else depends on it: it says
whose status `dr status` shows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from paceline.cib.wording import quoted
from paceline.commands.cluster_nodes import ask_all, invalid
from paceline.commands.cluster_services import cluster_names
from paceline.commands.contract import (
    Command,
    ErrorsHaveOccurredError,
    Needs,
    Outcome,
    Ports,
    Request,
    UsageError,
)
from paceline.commands.node_trouble import report_problem, wait_limit_ms
from paceline.model.corosync_conf import parse_corosync_conf, read_nodes
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.ports.node_calls import (
    Done,
    File,
    FileName,
    FilesRead,
    GetFiles,
    NodeRequest,
    PutFiles,
    ReadStatus,
    RemoveFiles,
    StatusRead,
)
from paceline.ports.peers import PeerProblem, Peers

STATE_MS_MAX = 40_000
SHOWN = "disaster-recovery config"
NOT_THERE = "Disaster-recovery is not configured"


class SiteRole(Enum):
    """Which of the two a site is."""

    PRIMARY = "PRIMARY"
    RECOVERY = "RECOVERY"

    @property
    def shown(self) -> str:
        """The word for people."""
        return self.value.capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A cluster that is not this one: its role, and the names of its nodes."""

    role: SiteRole
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """What a node knows: the role of its own cluster, and the others."""

    local: SiteRole
    remote: tuple[Site, ...]


def parse_sites(content: bytes) -> Sites:
    """Read the file. Raises ValueError where it is not as it has to be."""
    try:
        whole = json.loads(content)
        remote = tuple(
            Site(
                role=SiteRole(site["role"]),
                nodes=tuple(str(node["name"]) for node in site["nodes"]),
            )
            for site in whole["remote_sites"]
        )
        return Sites(local=SiteRole(whole["local"]["role"]), remote=remote)
    except (KeyError, TypeError, UnicodeDecodeError) as problem:
        raise ValueError(f"{problem} is missing or wrong") from problem


def render_sites(sites: Sites) -> bytes:
    """Return the file."""
    whole = {
        "local": {"role": sites.local.value},
        "remote_sites": [
            {"role": site.role.value, "nodes": [{"name": name} for name in site.nodes]}
            for site in sites.remote
        ],
    }
    return json.dumps(whole, indent=4).encode() + b"\n"


def show(request: Request, ports: Ports) -> Outcome:
    """`dr config`: what this node knows."""
    if request.arguments:
        raise UsageError
    sites = _get_sites(request, ports)
    lines = ["Local site:", f"  Role: {sites.local.shown}"]
    for site in sites.remote:
        lines += ["Remote site:", f"  Role: {site.role.shown}", "  Nodes:"]
        lines += [f"    {name}" for name in sorted(site.nodes)]
    return Outcome(text="\n".join(lines))


def set_recovery_site(request: Request, ports: Ports) -> Outcome:
    """`dr set-recovery-site NODE`: this cluster is the primary site, NODE's the recovery site."""
    if len(request.arguments) != 1:
        raise UsageError
    (node,) = request.arguments
    names, peers = cluster_names(ports), ports.open_peers()
    if ports.open_node().files.read(FileName.DR_CONFIG) is not None:
        request.findings.error("dr-exists", "Disaster-recovery already configured")
    if node in names:
        message = f"Node '{node}' cannot be used because it is from the local cluster"
        request.findings.error("node-is-local", message)
    elif node not in {host.name for host in peers.known_hosts()}:
        _say_unknown(request, [node])
    request.findings.stop_if_errors()
    there = _nodes_of(request, peers, node)
    unknown = sorted(set(there) - {host.name for host in peers.known_hosts()})
    if unknown:
        _say_unknown(request, unknown)
    both = sorted(set(there) & set(names))
    if both:
        message = f"The clusters have nodes of the same names: {quoted(both)}"
        request.findings.error("same-names", message)
    request.findings.stop_if_errors()
    primary = Sites(local=SiteRole.PRIMARY, remote=(Site(role=SiteRole.RECOVERY, nodes=there),))
    recovery = Sites(local=SiteRole.RECOVERY, remote=(Site(role=SiteRole.PRIMARY, nodes=names),))
    # The other site first: where it cannot be reached, nothing here says that it stands in.
    for sites, where in ((recovery, there), (primary, names)):
        _send(request, peers, sites, where)
    return Outcome()


def _send(request: Request, peers: Peers, sites: Sites, names: Sequence[str]) -> None:
    request.progress(f"Sending '{SHOWN}' to {quoted(names)}")
    file = File(name=FileName.DR_CONFIG, content=render_sites(sites))
    for name in ask_all(request, peers, [(name, PutFiles(files=(file,))) for name in names]):
        request.progress(f"{name}: successful distribution of the file '{SHOWN}'")


def _nodes_of(request: Request, peers: Peers, node: str) -> tuple[str, ...]:
    """Return the nodes of another cluster. Raises InvalidRequestError, also where it has a site."""
    wanted = GetFiles(names=(FileName.COROSYNC_CONF, FileName.DR_CONFIG))
    asked: list[tuple[str, NodeRequest]] = [(node, wanted)]
    limit_ms = wait_limit_ms(request, STATE_MS_MAX)
    contents: dict[FileName, bytes] = {}
    for name, answer in peers.ask(asked, FilesRead, wait_ms_max=limit_ms):
        if isinstance(answer, PeerProblem):
            raise InvalidRequestError(report_problem(name, answer))
        contents = {file.name: file.content for file in answer.files}
    if FileName.DR_CONFIG in contents:
        raise invalid("dr-exists", f"{node}: Disaster-recovery already configured")
    try:
        conf = parse_corosync_conf(contents[FileName.COROSYNC_CONF].decode())
    except (KeyError, ValueError) as problem:
        raise invalid("no-cluster", f"{node} is a node of no cluster") from problem
    return tuple(each.name for each in read_nodes(conf))


def _say_unknown(request: Request, names: Sequence[str]) -> None:
    hosts = "Host" if len(names) == 1 else "Hosts"
    verb, them = ("is", "host") if len(names) == 1 else ("are", "hosts")
    request.findings.error(
        "host-unknown",
        f"{hosts} {quoted(names)} {verb} not known to pcs, try to authenticate the {them} using "
        f"'pcs host auth {' '.join(names)}' command",
    )


def status(request: Request, ports: Ports) -> Outcome:
    """`dr status [--full] [--hide-inactive]`: of this cluster, then of the other site's."""
    if request.arguments:
        raise UsageError
    sites = _get_sites(request, ports)
    wanted = ReadStatus(is_full=request.has("full"), hides_inactive=request.has("hide-inactive"))
    blocks = [f"--- Local cluster - {sites.local.shown} site ---"]
    is_whole = True
    try:
        text = ports.open_node().cluster_text.status(
            is_full=wanted.is_full, hides_inactive=wanted.hides_inactive
        )
        blocks.append(text.rstrip("\n"))
    except UnreachableError as error:
        blocks.append(f"Error: Unable to get status of the cluster: {error}")
        is_whole = False
    for site in sites.remote:
        blocks += ["", "", f"--- Remote cluster - {site.role.shown} site ---"]
        found = _ask_site(request, ports.open_peers(), site, wanted)
        blocks.append(found or "Error: Unable to get status of the cluster from any node")
        is_whole = is_whole and bool(found)
    return Outcome(text="\n".join(blocks), status=0 if is_whole else 1)


def _ask_site(request: Request, peers: Peers, site: Site, wanted: ReadStatus) -> str:
    """Return the first status that a node of the site gives; "" where none does."""
    limit_ms = wait_limit_ms(request, STATE_MS_MAX)
    asked: list[tuple[str, NodeRequest]] = [(name, wanted) for name in site.nodes]
    for name, answer in peers.ask(asked, StatusRead, wait_ms_max=limit_ms):
        if not isinstance(answer, PeerProblem):
            return answer.text.rstrip("\n")
        problem = report_problem(name, answer)
        request.findings.warn(problem.code, problem.message)
    return ""


def destroy(request: Request, ports: Ports) -> Outcome:
    """`dr destroy`: on all nodes of both sites."""
    if request.arguments:
        raise UsageError
    sites = _get_sites(request, ports)
    peers = ports.open_peers()
    names = (*(name for site in sites.remote for name in site.nodes), *cluster_names(ports))
    request.progress(f"Removing '{SHOWN}' from {quoted(names)}")
    remove = RemoveFiles(names=(FileName.DR_CONFIG,))
    asked: list[tuple[str, NodeRequest]] = [(name, remove) for name in names]
    for name, answer in peers.ask(asked, Done, wait_ms_max=wait_limit_ms(request, STATE_MS_MAX)):
        if not isinstance(answer, PeerProblem):
            request.progress(f"{name}: successful removal of the file '{SHOWN}'")
        elif request.has("skip-offline"):
            request.findings.warn("node-skipped", report_problem(name, answer).message)
        else:
            request.findings.add(report_problem(name, answer))
    return Outcome()


def _get_sites(request: Request, ports: Ports) -> Sites:
    """Return what this node knows. Raises ErrorsHaveOccurredError."""
    content = ports.open_node().files.read(FileName.DR_CONFIG)
    if content is None:
        request.findings.error("dr-not-there", NOT_THERE)
        raise ErrorsHaveOccurredError
    try:
        return parse_sites(content)
    except ValueError as problem:
        message = f"Unable to parse {SHOWN}: {problem}"
        request.findings.error("dr-broken", message)
        raise ErrorsHaveOccurredError from problem


COMMANDS = (
    Command(
        words="dr config",
        handler=show,
        needs=Needs.CLUSTER,
        help="Show which cluster is the primary site and which the recovery site.",
    ),
    Command(
        words="dr status",
        handler=status,
        needs=Needs.CLUSTER,
        options=("full", "hide-inactive", "request-timeout"),
        help="Show the status of this cluster and of the other site's.",
    ),
    Command(
        words="dr set-recovery-site",
        handler=set_recovery_site,
        needs=Needs.CLUSTER,
        arguments="<recovery site node>",
        options=("request-timeout",),
        help="Let this cluster be the primary site, and that of a node the recovery site.",
        details="All nodes of the other site have to be authenticated here by 'host auth', and "
        "those of this one there, so that 'dr status' works from both.",
    ),
    Command(
        words="dr destroy",
        handler=destroy,
        needs=Needs.CLUSTER,
        options=("skip-offline", "request-timeout"),
        help="Forget on all nodes of both sites which is which.",
    ),
)
