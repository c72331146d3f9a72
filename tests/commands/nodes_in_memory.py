"""Nodes without machines: services, files and tokens in memory, joined without a network.

The nodes do what `commands.node_actions` does on real ones; only their ports are made up.
"""

import errno
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields

from paceline.commands.contract import Findings, Ports, Request, Style, UsageError
from paceline.commands.node_actions import perform
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.ports.node import (
    LoginAnswer,
    LoginVerdict,
    Node,
    TokenHolder,
)
from paceline.ports.node_calls import (
    CLUSTER_SERVICES,
    DatagramsTried,
    FileName,
    Interface,
    KnownHost,
    NodeFacts,
    NodeRequest,
    PeerSeen,
    PeersSeen,
    Service,
    ServiceAction,
    ServiceState,
    TryDatagrams,
)
from paceline.ports.peers import CALL_MS_MAX, AnswerT, Greeting, PeerProblem, Place, Trouble

PASSWORD = "correct horse"


@dataclass(slots=True, kw_only=True)
class MemoryNode:
    """One node; every port of its `Node` is this object."""

    name: str
    addresses: tuple[str, str]
    network: "MemoryNetwork"
    active: dict[Service, bool] = field(default_factory=dict)
    enabled: dict[Service, bool] = field(default_factory=dict)
    files: dict[FileName, bytes] = field(default_factory=dict)
    more_files: dict[tuple[FileName, str], bytes] = field(default_factory=dict)
    """Files of kinds that have instances."""
    issued: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, KnownHost] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    """What fails here: names of files and services, `removal`."""
    arbiter: str = ""
    """The authority of a quorum device provider here."""
    device_clusters: set[str] = field(default_factory=set)
    device_keys: str = ""
    disks: dict[str, str] = field(default_factory=dict)
    """Block devices and watchdogs by path, and what is written there."""
    clock_ms: int = 0
    links: tuple[tuple[int, int, str], ...] = ()
    resolves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names that lead elsewhere on this node than the network has them."""

    # ---- services ----

    def act(self, action: ServiceAction, service: Service, instance: str = "") -> str:
        if service.value in self.broken and action is ServiceAction.START:
            return "it does not start"
        match action:
            case ServiceAction.START:
                self.active[service] = True
            case ServiceAction.STOP | ServiceAction.KILL:
                self.active[service] = False
            case ServiceAction.ENABLE:
                self.enabled[service] = True
            case ServiceAction.DISABLE:
                self.enabled[service] = False
        unit = f"{service.value}@{instance}" if instance else service.value
        self.network.log.append(f"{self.name}: {action.value} {unit}")
        return ""

    def states(self, services: Sequence[Service]) -> tuple[ServiceState, ...]:
        return tuple(
            ServiceState(
                service=service,
                active="active" if self.active.get(service) else "inactive",
                enabled="enabled" if self.enabled.get(service) else "disabled",
            )
            for service in services
        )

    # ---- files ----

    def read(self, name: FileName, instance: str = "") -> bytes | None:
        return self.more_files.get((name, instance)) if instance else self.files.get(name)

    def write(self, name: FileName, content: bytes, instance: str = "") -> None:
        if name.value in self.broken:
            raise OSError(28, "No space left on device")
        if instance:
            self.more_files[name, instance] = content
        else:
            self.files[name] = content

    def remove(self, name: FileName, instance: str = "") -> None:
        if instance:
            self.more_files.pop((name, instance), None)
        else:
            self.files.pop(name, None)

    def instances(self, name: FileName) -> tuple[str, ...]:
        return tuple(sorted(instance for kind, instance in self.more_files if kind is name))

    def has_cluster_state(self) -> bool:
        return bool(self.files)

    def remove_cluster(self) -> None:
        if "removal" in self.broken:
            raise OSError(errno.EROFS, "Read-only file system", "/etc/corosync/authkey")
        self.network.log.append(f"{self.name}: removed")
        self.files.clear()

    # ---- login and tokens ----

    def check(self, user: str, password: str, *, source: str) -> LoginAnswer:
        is_right = (user, password) == ("hacluster", PASSWORD)
        return LoginAnswer(verdict=LoginVerdict.ACCEPTED if is_right else LoginVerdict.WRONG)

    def issue(self, holder: str) -> str:
        token = f"{self.name}-for-{holder}"
        self.issued[token] = holder
        return token

    def find(self, token: str) -> TokenHolder | None:
        holder = self.issued.get(token)
        return None if holder is None else TokenHolder(name=holder, is_bound=False)

    def bind(self, token: str) -> None:
        raise AssertionError("nobody shows a certificate here")

    def revoke(self, holders: Sequence[str]) -> None:
        self.issued = {t: h for t, h in self.issued.items() if h not in holders}

    def known_hosts(self) -> Mapping[str, KnownHost]:
        return self.hosts

    def remember(self, hosts: Sequence[KnownHost]) -> None:
        self.hosts.update({host.name: host for host in hosts})

    def forget(self, names: Sequence[str]) -> None:
        self.hosts = {name: host for name, host in self.hosts.items() if name not in names}

    # ---- look ----

    def facts(self, names: Sequence[str]) -> NodeFacts:
        return NodeFacts(
            name=self.name,
            time_ms=self.clock_ms,
            version="1",
            corosync_version="3.1.7",
            interfaces=(
                Interface(
                    name="ens33", mtu=1500, is_up=True, addresses=(f"{self.addresses[0]}/24",)
                ),
                Interface(
                    name="ens37", mtu=1500, is_up=True, addresses=(f"{self.addresses[1]}/24",)
                ),
            ),
            services=self.states(CLUSTER_SERVICES),
            resolved=tuple(
                (name, self.resolves.get(name, (self.network.nodes[name].addresses[0],)))
                for name in names
                if name in self.network.nodes
            ),
            is_in_cluster=self.has_cluster_state(),
            disk_free=1 << 40,
            agents=1,
            links=self.links,
        )

    def resolve(self, name: str) -> tuple[str, ...]:
        node = self.network.nodes.get(name)
        return node.addresses if node else ()

    def probe(self, targets: Sequence[tuple[str, str, int]]) -> PeersSeen:
        return PeersSeen(
            seen=tuple(
                PeerSeen(
                    name=name,
                    address=address,
                    port=port,
                    state="silent" if address in self.network.unreached else "ok",
                )
                for name, address, port in targets
            )
        )

    def try_datagrams(self, request: TryDatagrams) -> DatagramsTried:
        others = [n for n in self.network.nodes.values() if n is not self]
        heard = tuple((address, 1472) for node in others for address in node.addresses)
        return DatagramsTried(heard=heard)

    def time_ms(self) -> int:
        return self.clock_ms

    def version(self) -> str:
        return "1"

    # ---- quorum device ----

    def is_arbiter_set_up(self) -> bool:
        return bool(self.arbiter)

    def set_up_arbiter(self) -> None:
        self.arbiter = f"authority of {self.name}"

    def remove_arbiter(self) -> None:
        self.arbiter = ""

    def arbiter_text(self, *, is_full: bool, cluster: str = "") -> str:
        if not self.active.get(Service.QNETD):
            raise UnreachableError("it does not run")
        return "".join(f'Cluster "{name}":\n' for name in self.device_clusters)

    def authority(self) -> bytes:
        return self.arbiter.encode()

    def sign_request(self, request: bytes, cluster: str) -> bytes:
        self.device_clusters.add(cluster)
        return f"{self.name} signs {request.decode()}".encode()

    def make_request(self, authority: bytes, cluster: str) -> bytes:
        self.device_keys = authority.decode()
        return f"{self.name} of {cluster}".encode()

    def accept(self, certificate: bytes, cluster: str) -> None:
        self.device_keys += f"; {certificate.decode()}"

    def forget_device(self) -> None:
        self.device_keys = ""

    def device_text(self, *, is_full: bool) -> str:
        raise UnreachableError("it does not run")

    # ---- sbd ----

    def is_installed(self) -> bool:
        return "sbd" not in self.broken

    def is_watchdog(self, path: str) -> bool:
        return path in self.disks

    def is_block_device(self, path: str) -> bool:
        return path in self.disks

    def create(self, device: str, timeouts_s: Sequence[tuple[str, str]]) -> None:
        if device not in self.disks:
            raise UnreachableError("sbd failed; please check the logs.")
        self.disks[device] = " ".join(f"{letter}={value}" for letter, value in timeouts_s)

    def send(self, device: str, node: str, message: str) -> None:
        self.disks[device] = f"0\t{node}\t{message}\n"

    def messages(self, device: str) -> str:
        return self.disks[device]

    def header(self, device: str) -> str:
        return f"==Dumping header on disk {device}\n"

    def watchdogs(self) -> tuple[str, ...]:
        return tuple(path for path in self.disks if "watchdog" in path)

    def test_watchdog(self, path: str) -> None:
        self.network.log.append(f"{self.name}: reset by {path}")

    # ---- cluster text ----

    def status(self, *, is_full: bool, hides_inactive: bool) -> str:
        if not self.active.get(Service.PACELINE):
            raise UnreachableError("cluster is not currently running on this node")
        return f"Status as {self.name} sees it{', in full' * is_full}\n"

    # ---- booth ----

    def ask(self, command: str, name: str, *, ticket: str = "", site: str = "") -> str:
        self.network.log.append(f"{self.name}: booth {command} {name} {ticket} {site}".rstrip())
        if "booth" in self.broken:
            raise UnreachableError("it does not answer")
        return f"{command} of {name}\n"

    # ---- certificates ----

    def make_authority(self, cluster_name: str) -> tuple[bytes, bytes]:
        return f"authority of {cluster_name}".encode(), b"authority key"

    def sign(self, request: bytes, *, authority: bytes, key: bytes, name: str) -> bytes:
        return b"certificate of " + name.encode()

    def request(self) -> bytes:
        return b"request of " + self.name.encode()


class _Look:
    """The node's look: `name` is a method there, and a field of the node."""

    def __init__(self, node: MemoryNode) -> None:
        self._node = node
        self.facts, self.probe, self.resolve = node.facts, node.probe, node.resolve
        self.try_datagrams, self.time_ms, self.version = (
            node.try_datagrams,
            node.time_ms,
            node.version,
        )

    def name(self) -> str:
        return self._node.name


class _QuorumDevice:
    """The node's quorum device: `sign` and `forget` are methods of other ports of the node, too."""

    def __init__(self, node: MemoryNode) -> None:
        self.is_arbiter_set_up, self.set_up_arbiter = node.is_arbiter_set_up, node.set_up_arbiter
        self.remove_arbiter, self.arbiter_text = node.remove_arbiter, node.arbiter_text
        self.authority, self.sign = node.authority, node.sign_request
        self.make_request, self.accept = node.make_request, node.accept
        self.forget, self.device_text = node.forget_device, node.device_text


def _random_bytes(size: int, /) -> bytes:
    return hashlib.shake_256(b"seed").digest(size)


@dataclass(slots=True, kw_only=True)
class MemoryNetwork:
    """Nodes by name. `silent` do not answer; addresses in `unreached` are not reached by probes."""

    nodes: dict[str, MemoryNode] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    unreached: set[str] = field(default_factory=set)
    misled: dict[str, str] = field(default_factory=dict)
    """A name that leads to another node."""
    log: list[str] = field(default_factory=list)

    def add(self, *names: str) -> None:
        for number, name in enumerate(names, start=len(self.nodes) + 1):
            addresses = (f"192.168.222.3{number}", f"172.16.1.3{number}")
            self.nodes[name] = MemoryNode(name=name, addresses=addresses, network=self)

    def node(self, name: str) -> Node:
        found = self.nodes[name]
        return Node(
            services=found,
            files=found,
            login=found,
            tokens=found,
            certificates=found,
            look=_Look(found),
            random_bytes=_random_bytes,
            quorum_device=_QuorumDevice(found),
            sbd=found,
            cluster_text=found,
            booth=found,
        )


class MemoryPeers:
    """`Peers` of one node of the network; tokens are checked as the node service checks them."""

    def __init__(self, network: MemoryNetwork, local: str) -> None:
        self._network, self._local = network, local

    def local_name(self) -> str:
        return self._local

    def known_hosts(self) -> tuple[KnownHost, ...]:
        return tuple(self._network.nodes[self._local].hosts.values())

    def forget_hosts(self, names: Sequence[str]) -> None:
        self._network.nodes[self._local].forget(names)

    def greet(self, places: Sequence[Place]) -> Iterator[tuple[Place, Greeting | PeerProblem]]:
        for place in places:
            name = self._network.misled.get(place.name, place.name)
            node = self._network.nodes.get(name)
            if node is None:
                yield place, PeerProblem(trouble=Trouble.UNKNOWN_NAME, address=place.address)
            elif name in self._network.silent:
                yield place, PeerProblem(trouble=Trouble.SILENT, address=node.addresses[0])
            else:
                yield (
                    place,
                    Greeting(
                        name=node.name,
                        version="1",
                        address=node.addresses[0],
                        port=place.port,
                        fingerprint=f"key of {node.name}",
                        clock_ms=node.clock_ms,
                        clock_error_ms=1,
                    ),
                )

    def authenticate(
        self, greetings: Sequence[Greeting], *, user: str, password: str, holder: str
    ) -> Iterator[tuple[Greeting, KnownHost | PeerProblem]]:
        for greeting in greetings:
            node = self._network.nodes[greeting.name]
            if node.check(user, password, source="").verdict is not LoginVerdict.ACCEPTED:
                wrong = "Username and/or password is incorrect"
                yield (
                    greeting,
                    PeerProblem(trouble=Trouble.REFUSED_CALL, code="wrong-password", detail=wrong),
                )
                continue
            yield (
                greeting,
                KnownHost(
                    name=greeting.name,
                    address=greeting.address,
                    port=greeting.port,
                    token=node.issue(holder),
                    fingerprint=greeting.fingerprint,
                ),
            )

    def ask(
        self,
        requests: Sequence[tuple[str, NodeRequest]],
        answer: type[AnswerT],
        *,
        hosts: Sequence[KnownHost] = (),
        wait_ms_max: int = CALL_MS_MAX,
    ) -> Iterator[tuple[str, AnswerT | PeerProblem]]:
        known = {host.name: host for host in (*self.known_hosts(), *hosts)}
        results: list[tuple[str, AnswerT | PeerProblem]] = []
        for name, request in requests:
            results.append((name, self._ask(name, request, answer, known.get(name))))
        return iter(results)

    def _ask(
        self, name: str, request: NodeRequest, answer: type[AnswerT], host: KnownHost | None
    ) -> AnswerT | PeerProblem:
        if name != self._local:
            if host is None:
                return PeerProblem(trouble=Trouble.NOT_KNOWN)
            if name in self._network.silent:
                return PeerProblem(trouble=Trouble.SILENT, address=host.address)
            if self._network.nodes[name].find(host.token) is None:
                return PeerProblem(trouble=Trouble.NOT_AUTHORIZED)
        try:
            given = perform(request, self._network.node(name))
        except InvalidRequestError as error:
            first = error.reports[0]
            return PeerProblem(trouble=Trouble.REFUSED_CALL, code=first.code, detail=first.message)
        assert isinstance(given, answer)
        return given


class _Unexpected:
    """A port that this test does not expect to be used."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"unexpected use of a port: {name}")


class Stopped:
    """The daemon and the configuration of a cluster that does not run here."""

    is_live = True

    def ask(self, request: object, *, timeout_ms: int = 0) -> Mapping[str, object]:
        raise UnreachableError("cluster is not currently running on this node")

    def read(self) -> object:
        raise UnreachableError("cluster is not currently running on this node")


class MemoryFiles:
    """Text files of the local node: its corosync.conf."""

    def __init__(self, node: MemoryNode) -> None:
        self._node = node

    def read(self, path: str) -> str:
        content = self._node.files.get(FileName.COROSYNC_CONF)
        if content is None:
            raise FileNotFoundError(path)
        return content.decode()

    def write(self, path: str, text: str) -> None:
        raise AssertionError("unexpected write")

    def exists(self, path: str) -> bool:
        return FileName.COROSYNC_CONF in self._node.files


def ports_of(network: MemoryNetwork, local: str) -> Ports:
    """Return the ports of a command that runs on a node."""
    known = {
        "files": MemoryFiles(network.nodes[local]),
        "cib": Stopped(),
        "daemon": Stopped(),
        "corosync_conf_path": "/etc/corosync/corosync.conf",
        "open_node": lambda: network.node(local),
        "open_peers": lambda: MemoryPeers(network, local),
    }
    others = {port.name: _Unexpected() for port in fields(Ports) if port.name not in known}
    return Ports(**known, **others)


@dataclass(slots=True, kw_only=True)
class Asked:
    """A request, and what was shown for it."""

    request: Request
    shown: list[str]


def ask(
    words: str, *arguments: str, answers: Sequence[str] = (), classic: bool = False, **options: str
) -> Asked:
    """Return a request as the router would make it; options' `_` are `-`."""
    shown: list[str] = []
    left = list(answers)

    def answer(prompt: str, is_secret: bool) -> str:
        shown.append(prompt)
        if not left:
            raise UsageError("there is nobody to answer")
        return left.pop(0)

    request = Request(
        program="pcs",
        words=tuple(words.split()),
        arguments=arguments,
        options=options,
        findings=Findings(is_forced="force" in options),
        style=Style.CLASSIC if classic else Style.TODAY,
        user="root",
        cwd="/",
        environment={},
        is_terminal=bool(answers),
        progress=shown.append,
        ask=answer,
    )
    return Asked(request=request, shown=shown)
