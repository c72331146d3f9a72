"""`pcs cluster auth`, `pcs host auth`, `host deauth`: nodes get to know each other.

The password goes to each node once, over TLS, to the key that answered. What it buys is a token
for every named node against every other, so that afterwards any of them can drive the others; the
keys are pinned.
"""

from collections.abc import Sequence

from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.node_trouble import (
    clock_apart,
    is_clock_apart,
    report_problem,
    wrong_node,
)
from paceline.model.corosync_conf import parse_corosync_conf, read_nodes
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.ports.node_calls import (
    NAMES_MAX,
    Done,
    IssueTokens,
    KnownHost,
    NodeRequest,
    RememberHosts,
    RevokeTokens,
    TokensIssued,
)
from paceline.ports.peers import PORT, Greeting, PeerProblem, Peers, Place

PORT_MAX = 65_535


def auth_hosts(request: Request, ports: Ports) -> Outcome:
    """`host auth (NAME [addr=A[:PORT]])...`."""
    places = parse_places(request.arguments)
    if not places:
        raise UsageError
    return _authenticate(request, ports.open_peers(), places)


def auth_cluster(request: Request, ports: Ports) -> Outcome:
    """`cluster auth [NODE...]`: the nodes named, or all of the local cluster."""
    if request.arguments:
        places = tuple(_parse_old_place(word) for word in request.arguments)
    else:
        places = _cluster_places(ports)
    return _authenticate(request, ports.open_peers(), places)


def deauth_hosts(request: Request, ports: Ports) -> Outcome:
    """`host deauth [NAME...]`: forget hosts, and tell them to forget our tokens."""
    peers = ports.open_peers()
    known = {host.name for host in peers.known_hosts()}
    names = request.arguments or tuple(sorted(known))
    for name in names:
        if name not in known:
            request.findings.error("unknown-host", f"host '{name}' is not known here")
    request.findings.stop_if_errors()
    revoke = RevokeTokens(holders=(peers.local_name(),))
    others = [name for name in names if name != peers.local_name()]
    for name, answer in peers.ask([(name, revoke) for name in others], Done):
        if isinstance(answer, PeerProblem):
            request.findings.warn(
                "token-not-revoked",
                f"{name} could not be told to forget this node's token ({answer.trouble.value}); "
                f"revoke it there: pcs pcsd deauth {peers.local_name()}",
            )
    peers.forget_hosts(names)
    return Outcome()


def deauth_holders(request: Request, ports: Ports) -> Outcome:
    """`pcsd deauth HOST...`: void the tokens that this node gave to hosts."""
    if not request.arguments:
        raise UsageError
    ports.open_node().tokens.revoke(request.arguments)
    return Outcome()


def parse_places(words: Sequence[str]) -> tuple[Place, ...]:
    """Return hosts from `NAME [addr=A[:PORT]]...`. Raises UsageError, InvalidRequestError."""
    places: list[Place] = []
    unknown: dict[str, list[str]] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            places.append(Place(name=word))
        elif not places:
            raise UsageError
        elif key != "addr":
            unknown.setdefault(places[-1].name, []).append(key)
        else:
            address, port = _parse_address(value)
            places[-1] = Place(name=places[-1].name, address=address, port=port)
    if unknown:
        raise InvalidRequestError(
            *(
                Report(
                    code="unknown-option",
                    message=f"Unknown options {', '.join(keys)} for host '{name}'",
                )
                for name, keys in unknown.items()
            )
        )
    return _check_names(tuple(places))


def _parse_old_place(word: str) -> Place:
    """Return a host from pcs 0.9's `NAME[:PORT]`."""
    name, port = _parse_address(word)
    return Place(name=name, port=port)


def _parse_address(word: str) -> tuple[str, int]:
    """Return address and port of `A`, `A:PORT`, `[V6]:PORT`."""
    if word.startswith("[") and "]" in word:
        address, _, rest = word[1:].partition("]")
        port = rest.removeprefix(":")
    elif word.count(":") == 1:
        address, _, port = word.partition(":")
    else:
        address, port = word, ""
    if not port:
        return address, PORT
    if not port.isdigit() or not 0 < int(port) <= PORT_MAX:
        raise _invalid("bad-port", f"Invalid port number '{port}', use 1..{PORT_MAX}")
    return address, int(port)


def _check_names(places: tuple[Place, ...]) -> tuple[Place, ...]:
    names = [place.name for place in places]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        shown = ", ".join(f"'{name}'" for name in twice)
        raise _invalid("duplicate-name", f"Names must be unique; used more than once: {shown}")
    if len(places) > NAMES_MAX:
        raise _invalid("too-many", f"more than {NAMES_MAX} hosts at once")
    return places


def _cluster_places(ports: Ports) -> tuple[Place, ...]:
    try:
        root = parse_corosync_conf(ports.files.read(ports.corosync_conf_path))
    except FileNotFoundError as error:
        raise InvalidRequestError(
            Report(
                code="no-cluster",
                message=f"Unable to read {ports.corosync_conf_path}: this node is in no cluster",
                advice="  name the nodes: pcs host auth NODE NODE",
            )
        ) from error
    return tuple(Place(name=node.name) for node in read_nodes(root))


def _invalid(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message))


def _authenticate(request: Request, peers: Peers, places: tuple[Place, ...]) -> Outcome:
    user = request.value("u") or request.ask("Username: ", False)
    password = request.value("p")
    if password is None:
        password = request.ask("Password: ", True)
    accepted = _look(request, peers, places)
    hosts: list[KnownHost] = []
    greetings = [greeting for _, greeting in accepted]
    asked = {greeting.address: place for place, greeting in accepted}
    for greeting, answer in peers.authenticate(
        greetings, user=user, password=password, holder=peers.local_name()
    ):
        place = asked[greeting.address]
        if isinstance(answer, PeerProblem):
            request.findings.add(report_problem(place.name, answer))
            continue
        # The name is kept, not the address it led to today: /etc/hosts may change.
        hosts.append(
            KnownHost(
                name=place.name,
                address=place.address or place.name,
                port=place.port,
                token=answer.token,
                fingerprint=answer.fingerprint,
            )
        )
        request.progress(f"{place.name}: Authorized")
    if hosts:
        introduce(request, peers, hosts)
    return Outcome()


def _look(
    request: Request, peers: Peers, places: Sequence[Place]
) -> tuple[tuple[Place, Greeting], ...]:
    """Greet every host; return those that are who they should be. The rest become findings."""
    pinned = {host.name: host.fingerprint for host in peers.known_hosts()}
    accepted = []
    for place, greeting in peers.greet(places):
        if isinstance(greeting, PeerProblem):
            request.findings.add(report_problem(place.name, greeting))
            continue
        if is_clock_apart(greeting.clock_ms, greeting.clock_error_ms):
            request.findings.warn("clock-apart", clock_apart(place.name, greeting.clock_ms))
        found = _find_stranger(place, greeting, pinned.get(place.name, ""))
        if found is not None:
            request.findings.add(found)
            if not request.is_forced:
                continue
        accepted.append((place, greeting))
    return tuple(accepted)


def _find_stranger(place: Place, greeting: Greeting, pinned: str) -> Report | None:
    """Return why the host that answered may not be the one that was meant."""
    # With an address given, the name is the user's choice.
    if not place.address and greeting.name != place.name:
        return wrong_node(place.name, greeting.name, greeting.address, greeting.port)
    if pinned and pinned != greeting.fingerprint:
        return Report(
            code="other-key",
            message=f"{place.name}: the host that answers at {greeting.address}:{greeting.port} "
            "has another key than when it was authenticated before",
            is_forceable=True,
            advice="  it was installed anew, or somebody stands in between; its key now: "
            f"sha256:{greeting.fingerprint}",
        )
    return None


def introduce(request: Request, peers: Peers, hosts: Sequence[KnownHost]) -> None:
    """Let every host drive every other: each makes tokens for the others, and keeps its own."""
    local = peers.local_name()
    names = [host.name for host in hosts]
    # Ours first: what follows may fail half-way and be repeated.
    issue: list[tuple[str, NodeRequest]] = []
    for name in names:
        holders = tuple(other for other in names if other not in (name, local))
        issue.append((name, IssueTokens(holders=holders)))
    kept: dict[str, list[KnownHost]] = {name: [] for name in names}
    kept[local] = list(hosts)
    by_name = {host.name: host for host in hosts}
    for name, answer in peers.ask(issue, TokensIssued, hosts=hosts):
        if isinstance(answer, PeerProblem):
            request.findings.add(report_problem(name, answer))
            continue
        target = by_name[name]
        for holder, token in answer.tokens:
            kept[holder].append(
                KnownHost(
                    name=name,
                    address=target.address,
                    port=target.port,
                    token=token,
                    fingerprint=target.fingerprint,
                )
            )
    remember: list[tuple[str, NodeRequest]] = [
        (name, RememberHosts(hosts=tuple(known))) for name, known in kept.items()
    ]
    for name, done in peers.ask(remember, Done, hosts=hosts):
        if isinstance(done, PeerProblem):
            request.findings.add(report_problem(name, done))


_OPTIONS = ("u", "p", "force", "local", "request-timeout")

COMMANDS = (
    Command(
        words="host auth",
        handler=auth_hosts,
        needs=Needs.CLUSTER,
        arguments="(<host name> [addr=<address>[:<port>]])... [-u <username>] [-p <password>]",
        options=_OPTIONS,
        help="Authenticate this node against hosts, and the hosts against each other.",
        details="Asks for user name and password of a member of haclient where they are not given.",
    ),
    Command(
        words="host deauth",
        handler=deauth_hosts,
        needs=Needs.CLUSTER,
        arguments="[<host name>]...",
        options=("request-timeout",),
        help="Forget hosts (all, where none is named), and void this node's tokens there.",
    ),
    Command(
        words="cluster auth",
        handler=auth_cluster,
        needs=Needs.CLUSTER,
        arguments="[<node>[:<port>]]... [-u <username>] [-p <password>]",
        options=_OPTIONS,
        help="Authenticate nodes (of the local cluster, where none is named) against each other.",
    ),
    Command(
        words="pcsd deauth",
        handler=deauth_holders,
        needs=Needs.CLUSTER,
        arguments="<host name>...",
        options=("force",),
        help="Void the tokens that this node gave to hosts.",
        aliases=(Alias(words="pcsd clear-auth"),),
    ),
)
