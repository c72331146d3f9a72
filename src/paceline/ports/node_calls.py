"""What one node may ask of another's node service: a small set of named calls, typed.

`POST /v1/NAME` with the request as JSON, answered with the call's answer as JSON, or with a
`CallRefused`. Only `hello` and `authenticate` are open to those who hold no token. Times are
milliseconds, sizes bytes. Fields may be added with a default; that is how two releases talk.
"""

from enum import StrEnum

from msgspec import Struct

INSTANCE_LENGTH_MAX = 128
"""The name of one file among several of a kind."""
NAMES_MAX = 64
"""Names in one request: four times the nodes of the largest cluster."""
FILE_BYTES_MAX = 1 << 20
"""One file of the fixed list: the largest, corosync.conf, has some KB."""


class FileName(StrEnum):
    """The only files that may be sent to a node or fetched from it, by what people call them."""

    COROSYNC_CONF = "corosync.conf"
    COROSYNC_AUTHKEY = "corosync authkey"
    REMOTE_AUTHKEY = "pacemaker_remote authkey"
    CLUSTER_CA = "cluster authority"
    CLUSTER_CA_KEY = "cluster authority key"
    NODE_CERTIFICATE = "node certificate"
    COROSYNC_UIDGID = "corosync uidgid"
    """Who else may speak to Corosync; one file an entry: has instances."""
    SBD_CONFIG = "sbd configuration"
    DR_CONFIG = "disaster-recovery configuration"
    BOOTH_CONFIG = "booth configuration"
    """Has instances: `booth` is `booth.conf`."""
    BOOTH_KEY = "booth key"
    """Has instances: the file's name (`booth.key`)."""
    RESOURCE_SECRET = "resource secret"
    """Has instances: see `secret_instance`."""


SECRET_WORD = "lrm://"
"""What a parameter's value is in the configuration while a file of each node has the true one."""


def secret_instance(resource: str, parameter: str) -> str:
    """Return which file has a parameter's secret; no id contains a colon."""
    return f"{resource}:{parameter}"


class Service(StrEnum):
    """The services of a node that may be asked about or changed."""

    COROSYNC = "corosync"
    PACELINE = "paceline"
    NODE_SERVICE = "paceline-api"
    SBD = "sbd"
    QDEVICE = "corosync-qdevice"
    QNETD = "corosync-qnetd"
    BOOTH = "booth"
    """Has instances: `booth@NAME`."""


CLUSTER_SERVICES = (Service.COROSYNC, Service.PACELINE, Service.NODE_SERVICE)
"""Those that every node has."""


class ServiceAction(StrEnum):
    """What may be done to a service."""

    START = "start"
    STOP = "stop"
    ENABLE = "enable"
    DISABLE = "disable"
    KILL = "kill"


class ServiceState(Struct, frozen=True, kw_only=True):
    """What the service runner says of one service, in its words (`active`, `disabled`, ...)."""

    service: Service
    active: str = "unknown"
    enabled: str = "unknown"


class Interface(Struct, frozen=True, kw_only=True):
    """A network interface; its addresses as `192.168.222.31/24`, without link-local ones."""

    name: str
    mtu: int
    is_up: bool
    addresses: tuple[str, ...] = ()


class CallRefused(Struct, frozen=True, kw_only=True):
    """The node answers, but not with what was asked. `code` is a stable word."""

    code: str
    message: str


class SayHello(Struct, frozen=True, kw_only=True):
    """Who are you? Open to all: it tells no more than a mail server's greeting."""


class Hello(Struct, frozen=True, kw_only=True):
    """The node's own name and clock, and the version of its Paceline."""

    name: str
    time_ms: int
    version: str


class Authenticate(Struct, frozen=True, kw_only=True):
    """Ask for a token for the host `holder`, with the name and password of a cluster user."""

    user: str
    password: str
    holder: str

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"Authenticate(user={self.user!r}, holder={self.holder!r})"


class Authenticated(Struct, frozen=True, kw_only=True):
    """The token, which only the holder keeps in clear."""

    token: str

    def __repr__(self) -> str:
        """Leave the token out."""
        return "Authenticated()"


class IssueTokens(Struct, frozen=True, kw_only=True):
    """Make a token for each of these hosts, so that they too can drive this node."""

    holders: tuple[str, ...]


class TokensIssued(Struct, frozen=True, kw_only=True):
    """Holder and token, in the order asked."""

    tokens: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        """Leave the tokens out."""
        return f"TokensIssued({len(self.tokens)})"


class KnownHost(Struct, frozen=True, kw_only=True):
    """A host this one may drive: where it listens, its token for us, its key's fingerprint."""

    name: str
    address: str
    port: int
    token: str
    fingerprint: str

    def __repr__(self) -> str:
        """Leave the token out."""
        return f"KnownHost({self.name!r}, {self.address!r}, {self.port})"


class RememberHosts(Struct, frozen=True, kw_only=True):
    """Keep these hosts; an entry of the same name is replaced."""

    hosts: tuple[KnownHost, ...]


class RevokeTokens(Struct, frozen=True, kw_only=True):
    """Forget every token that was given to these hosts."""

    holders: tuple[str, ...]


class Done(Struct, frozen=True, kw_only=True):
    """It is done; `detail` may say more."""

    detail: str = ""


class ReadFacts(Struct, frozen=True, kw_only=True):
    """Look at the node. `names` are resolved there."""

    names: tuple[str, ...] = ()


class NodeFacts(Struct, frozen=True, kw_only=True):
    """What a node says about itself.

    `missing` names what is not installed, `resolved` the addresses of each name that was asked
    for ("" where there is none), `disk_free` the bytes free where the state is kept, `watchdog` the
    device or "". `cluster_name` is corosync.conf's; `is_in_cluster` also where only state is left.
    """

    name: str
    time_ms: int
    version: str
    corosync_version: str = ""
    system: str = ""
    missing: tuple[str, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    services: tuple[ServiceState, ...] = ()
    resolved: tuple[tuple[str, tuple[str, ...]], ...] = ()
    is_in_cluster: bool = False
    cluster_name: str = ""
    cluster_nodes: tuple[str, ...] = ()
    disk_free: int = 0
    watchdog: str = ""
    agents: int = 0
    corosync_system: str = ""
    links: tuple[tuple[int, int, str], ...] = ()
    """Link, node id and state as Corosync says (`connected`, ...), where it runs; not to itself."""
    drives: tuple[str, ...] = ()
    """The hosts that this node holds a token for."""
    firewall: str = ""
    """`firewalld`, `ufw`, `nft`, or "" where none was found."""


class File(Struct, frozen=True, kw_only=True):
    """One file of the fixed list; `instance` tells files of one kind apart where there are more."""

    name: FileName
    content: bytes
    instance: str = ""

    def __repr__(self) -> str:
        """Leave the content out: it may be a key."""
        return f"File({self.name.value!r}, {len(self.content)} bytes)"


class PutFiles(Struct, frozen=True, kw_only=True):
    """Write these files, each as a whole, in this order."""

    files: tuple[File, ...]


class GetFiles(Struct, frozen=True, kw_only=True):
    """Fetch these files; those that are not there are left out."""

    names: tuple[FileName, ...]
    instance: str = ""


class RemoveFiles(Struct, frozen=True, kw_only=True):
    """Remove these files; one that is not there is no error."""

    names: tuple[FileName, ...]
    instance: str = ""


class FilesRead(Struct, frozen=True, kw_only=True):
    """The files that are there."""

    files: tuple[File, ...]


class MakeCertificateRequest(Struct, frozen=True, kw_only=True):
    """Ask for a signing request over the node's own key, which never leaves the node."""


class CertificateRequested(Struct, frozen=True, kw_only=True):
    """The signing request, PEM."""

    request: str


class ControlServices(Struct, frozen=True, kw_only=True):
    """Do one thing to these services, in this order."""

    action: ServiceAction
    services: tuple[Service, ...]
    instance: str = ""


class ReadServices(Struct, frozen=True, kw_only=True):
    """How are the services that every node has? Cheaper than all facts.

    With `others` it is asked for these instead.
    """

    others: tuple[Service, ...] = ()


class ServicesRead(Struct, frozen=True, kw_only=True):
    """The state of each service."""

    states: tuple[ServiceState, ...]

    def is_active(self, service: Service) -> bool:
        """Say whether a service runs."""
        return any(s.service is service and s.active == "active" for s in self.states)


class DestroyCluster(Struct, frozen=True, kw_only=True):
    """Stop the cluster on the node and remove its configuration, keys and state."""


class DeviceStep(StrEnum):
    """The steps in which a node gets its certificate for a quorum device."""

    AUTHORITY = "authority"
    """At the arbiter: give the authority's certificate."""
    REQUEST = "request"
    """At the node, with the authority's certificate: make a key, give a signing request."""
    SIGN = "sign"
    """At the arbiter, with the request: give the certificate."""
    ACCEPT = "accept"
    """At the node, with the certificate: keep it."""
    FORGET = "forget"
    """At the node: remove key and certificates."""


class HandleDeviceKeys(Struct, frozen=True, kw_only=True):
    """Do one step; `content` is what the step before gave."""

    step: DeviceStep
    cluster: str = ""
    content: bytes = b""


class DeviceKeysHandled(Struct, frozen=True, kw_only=True):
    """What the step gives to the next one; no key is ever among it."""

    content: bytes = b""


class ReadSbd(Struct, frozen=True, kw_only=True):
    """How is sbd here? `watchdog` ("": none) and `devices` are paths that are to be looked at."""

    watchdog: str = ""
    devices: tuple[str, ...] = ()


class SbdRead(Struct, frozen=True, kw_only=True):
    """sbd's service, and what of the paths is not what it has to be."""

    is_installed: bool
    is_enabled: bool
    is_running: bool
    watchdog_is_missing: bool = False
    missing_devices: tuple[str, ...] = ()


class ReadStatus(Struct, frozen=True, kw_only=True):
    """What does `pcs status` say there?"""

    is_full: bool = False
    hides_inactive: bool = False


class StatusRead(Struct, frozen=True, kw_only=True):
    """The text, for people."""

    text: str


class ProbePeers(Struct, frozen=True, kw_only=True):
    """Look from this node at others: name and port 2224 of each, its clock, and its UDP port.

    `udp` asks whether Corosync's datagrams get through: (name, address) pairs; it is tried only
    where Corosync does not hold the port on either side.
    """

    targets: tuple[tuple[str, str, int], ...]
    """Name, address ("" means: resolve the name), port."""


class PeerSeen(Struct, frozen=True, kw_only=True):
    """One target as seen from the node that was asked.

    `state` is ok, unknown-name, refused, rejected, silent, broken or wrong-node; `clock_ms` its
    clock minus the observer's, `clock_error_ms` how far that may be off.
    """

    name: str
    address: str = ""
    port: int = 0
    state: str = "ok"
    detail: str = ""
    clock_ms: int = 0
    clock_error_ms: int = 0


class PeersSeen(Struct, frozen=True, kw_only=True):
    """Every target, in the order asked."""

    seen: tuple[PeerSeen, ...]


class Datagrams(StrEnum):
    """The two ends of the test of Corosync's UDP port."""

    LISTEN = "listen"
    SEND = "send"


class TryDatagrams(Struct, frozen=True, kw_only=True):
    """One end of a test of UDP between nodes, done only while Corosync is down on both.

    listen: wait `wait_ms` on `port` for datagrams that begin with `token`; the answer's `heard`
    holds each sender's address and the largest size that came. send: send `token` to each address
    in datagrams of `sizes` bytes that may not be fragmented.
    """

    role: Datagrams
    port: int
    token: str
    addresses: tuple[str, ...] = ()
    wait_ms: int = 1500
    sizes: tuple[int, ...] = (64,)


class DatagramsTried(Struct, frozen=True, kw_only=True):
    """What was heard, and why nothing could be tried ("" where it could)."""

    heard: tuple[tuple[str, int], ...] = ()
    problem: str = ""


NodeRequest = (
    SayHello
    | Authenticate
    | IssueTokens
    | RememberHosts
    | RevokeTokens
    | ReadFacts
    | PutFiles
    | GetFiles
    | RemoveFiles
    | MakeCertificateRequest
    | ControlServices
    | ReadServices
    | DestroyCluster
    | ProbePeers
    | TryDatagrams
    | HandleDeviceKeys
    | ReadSbd
    | ReadStatus
)
NodeAnswer = (
    Hello
    | Authenticated
    | TokensIssued
    | Done
    | NodeFacts
    | FilesRead
    | CertificateRequested
    | ServicesRead
    | PeersSeen
    | DatagramsTried
    | DeviceKeysHandled
    | SbdRead
    | StatusRead
)

CALLS: tuple[tuple[str, type[NodeRequest], type[NodeAnswer]], ...] = (
    ("hello", SayHello, Hello),
    ("authenticate", Authenticate, Authenticated),
    ("issue-tokens", IssueTokens, TokensIssued),
    ("remember-hosts", RememberHosts, Done),
    ("revoke-tokens", RevokeTokens, Done),
    ("facts", ReadFacts, NodeFacts),
    ("put-files", PutFiles, Done),
    ("get-files", GetFiles, FilesRead),
    ("remove-files", RemoveFiles, Done),
    ("certificate-request", MakeCertificateRequest, CertificateRequested),
    ("services", ControlServices, Done),
    ("services-state", ReadServices, ServicesRead),
    ("destroy", DestroyCluster, Done),
    ("probe-peers", ProbePeers, PeersSeen),
    ("try-datagrams", TryDatagrams, DatagramsTried),
    ("device-keys", HandleDeviceKeys, DeviceKeysHandled),
    ("sbd", ReadSbd, SbdRead),
    ("status", ReadStatus, StatusRead),
)
"""Name on the wire, request, answer."""

OPEN_CALLS = frozenset({"hello", "authenticate"})
"""Calls that need no token."""
