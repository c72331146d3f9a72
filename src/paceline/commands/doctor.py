"""`paceline doctor [NODE...]`: every precondition from each node to each, with the fix."""

from collections.abc import Sequence

from paceline.commands.contract import Command, Needs, Outcome, Ports, Request
from paceline.commands.doctor_checks import (
    Check,
    Examined,
    State,
    examine,
    is_broken,
    shared_addresses,
)
from paceline.commands.rendering import with_program
from paceline.model.corosync_conf import (
    UDP_PORT,
    Section,
    parse_corosync_conf,
    read_link_ports,
    read_nodes,
)
from paceline.ports.node_calls import (
    Datagrams,
    DatagramsTried,
    NodeFacts,
    NodeRequest,
    PeerSeen,
    PeersSeen,
    ProbePeers,
    ReadFacts,
    TryDatagrams,
)
from paceline.ports.peers import PORT, PeerProblem, Peers

ANSWER_MS_MAX = 9_000
"""How long a node may take: its own looking at a silent node takes up to 5 s."""
LISTEN_MS = 1_200
TOKEN_BYTES = 16
SIZE_SMALL = 64
SIZE_HEADERS = 28
"""IPv4 and UDP: what of the MTU is not payload."""
MTU_USUAL = 1500
_OTHER_PORTS = (
    "Other ports of the firewall lists are needed only with what uses them: 3121/tcp (remote "
    "nodes), 5403/tcp (quorum device), 21064/tcp (DLM), 9929/tcp+udp (booth)."
)


def examine_nodes(request: Request, ports: Ports) -> Outcome:
    """Look at the nodes named, else at the cluster's, else at the known hosts, else at this one."""
    peers = ports.open_peers()
    names = tuple(dict.fromkeys(request.arguments)) or _default_names(ports, peers)
    token = ports.open_node().random_bytes(TOKEN_BYTES).hex()
    found = _look(peers, names, token, _conf(ports))
    checks = examine(found)
    status = 1 if is_broken(checks) else 0
    text = with_program(_text(checks), request.program)
    return Outcome(text=text, status=status)


def _default_names(ports: Ports, peers: Peers) -> tuple[str, ...]:
    nodes = read_nodes(_conf(ports))
    if nodes:
        return tuple(node.name for node in nodes)
    return tuple(host.name for host in peers.known_hosts()) or (peers.local_name(),)


def _conf(ports: Ports) -> Section:
    """Return this node's corosync.conf; an empty one where there is none that can be read."""
    try:
        return parse_corosync_conf(ports.files.read(ports.corosync_conf_path))
    except (OSError, ValueError):
        return Section()


def _udp_ports(conf: Section) -> tuple[tuple[int, frozenset[str]], ...]:
    """Return the links' UDP ports, each with the addresses that use it; none means all."""
    nodes = read_nodes(conf)
    if not nodes:
        return ((UDP_PORT, frozenset()),)
    users: dict[int, set[str]] = {}
    for link, port in enumerate(read_link_ports(conf)):
        users.setdefault(port, set()).update(
            node.addresses[link] for node in nodes if link < len(node.addresses)
        )
    return tuple((port, frozenset(users[port])) for port in sorted(users))


def _look(
    peers: Peers,
    names: tuple[str, ...],
    token: str,
    conf: Section,
) -> Examined:
    """Ask all nodes at once for facts and for what they see, then try datagrams between them."""
    reads: list[tuple[str, NodeRequest]] = [(name, ReadFacts(names=names)) for name in names]
    observers = tuple(dict.fromkeys((peers.local_name(), *names)))
    probes: list[tuple[str, NodeRequest]] = [
        (name, ProbePeers(targets=tuple((other, "", PORT) for other in names if other != name)))
        for name in observers
    ]
    facts_coming = peers.ask(reads, NodeFacts, wait_ms_max=ANSWER_MS_MAX)
    seen_coming = peers.ask(probes, PeersSeen, wait_ms_max=ANSWER_MS_MAX)
    facts: dict[str, NodeFacts] = {}
    problems: dict[str, PeerProblem] = {}
    for name, answer in facts_coming:
        if isinstance(answer, PeerProblem):
            problems[name] = answer
        else:
            facts[name] = answer
    seen: dict[str, tuple[PeerSeen, ...]] = {
        name: answer.seen for name, answer in seen_coming if not isinstance(answer, PeerProblem)
    }
    ports = _udp_ports(conf)
    numbers = tuple(port for port, _ in ports)
    return Examined(
        names=names,
        local=peers.local_name(),
        facts=facts,
        problems=problems,
        seen=seen,
        heard=_try_datagrams(peers, facts, token, numbers),
        ports=ports,
        node_names={node.nodeid: node.name for node in read_nodes(conf)},
    )


def _try_datagrams(
    peers: Peers, facts: dict[str, NodeFacts], token: str, ports: tuple[int, ...]
) -> dict[tuple[str, int], DatagramsTried]:
    """Let all nodes whose Corosync is down listen on its ports, and all send to all."""
    names = [name for name, found in facts.items() if not found.links]
    if len(names) < 2:
        return {}
    where = [(name, port) for port in ports for name in names]
    listens: list[tuple[str, NodeRequest]] = [
        (
            name,
            TryDatagrams(role=Datagrams.LISTEN, port=port, token=token, wait_ms=LISTEN_MS),
        )
        for name, port in where
    ]
    hearing = peers.ask(listens, DatagramsTried)
    sends: list[tuple[str, NodeRequest]] = []
    for name, port in where:
        targets = tuple(
            address
            for other in names
            if other != name
            for address in shared_addresses(facts[other], facts[name])
        )
        sizes = (SIZE_SMALL, _size_max(facts[name]))
        send = TryDatagrams(
            role=Datagrams.SEND,
            port=port,
            token=token,
            addresses=targets,
            sizes=sizes,
            wait_ms=LISTEN_MS // 2,
        )
        sends.append((name, send))
    tuple(peers.ask(sends, DatagramsTried))
    heard = zip(where, (answer for _, answer in hearing), strict=True)
    return {at: answer for at, answer in heard if isinstance(answer, DatagramsTried)}


def _size_max(facts: NodeFacts) -> int:
    mtus = [interface.mtu for interface in facts.interfaces if interface.is_up and interface.mtu]
    return min([*mtus, MTU_USUAL]) - SIZE_HEADERS


def _text(checks: Sequence[tuple[str, Sequence[Check]]]) -> str:
    lines: list[str] = []
    for name, of_node in checks:
        lines.append(f"{name}:")
        for check in of_node:
            lines.append(f"  {check.state.value:<5} {check.what:<13} {check.detail}")
            lines += [f"{'':<22}-> {line}" for line in check.fix]
    broken = sum(c.state is State.BROKEN for _, of_node in checks for c in of_node)
    warned = sum(c.state is State.WARNING for _, of_node in checks for c in of_node)
    lines += ["", _OTHER_PORTS]
    lines.append(
        f"{broken} broken, {warned} warning(s)." if broken or warned else "Everything holds."
    )
    return "\n".join(lines)


COMMANDS = (
    Command(
        words="doctor",
        handler=examine_nodes,
        needs=Needs.CLUSTER,
        arguments="[<node>]...",
        help="Check every precondition from each node to each, and print the fix for each.",
        details="Names, ports, clocks, packages, versions, disk, MTU, services, Corosync's links. "
        "Exit status 1 where something is broken.",
    ),
)
