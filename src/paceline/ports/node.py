"""This node itself: services, files, facts, accounts, keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from paceline.ports.booth import BoothTools
from paceline.ports.cluster_text import ClusterText
from paceline.ports.node_calls import (
    DatagramsTried,
    FileName,
    KnownHost,
    NodeFacts,
    PeersSeen,
    Service,
    ServiceAction,
    ServiceState,
    TryDatagrams,
)
from paceline.ports.quorum_device import QuorumDeviceTools
from paceline.ports.sbd import SbdTools


class ServiceControl(Protocol):
    """The node's service runner: systemd, or the lab's, which answers the same words."""

    def act(self, action: ServiceAction, service: Service, instance: str = "") -> str:
        """Do it and wait for its end; return "" or, in one line, why it failed."""
        ...

    def states(self, services: Sequence[Service]) -> tuple[ServiceState, ...]:
        """Return whether each runs and is enabled."""
        ...


class NodeFiles(Protocol):
    """The files of the fixed list, and the cluster's state.

    Where a kind of file has instances, `instance` is which one: a name that is no path, else
    ValueError is raised.
    """

    def read(self, name: FileName, instance: str = "") -> bytes | None:
        """Return the content; None where there is no such file. Raises OSError."""
        ...

    def write(self, name: FileName, content: bytes, instance: str = "") -> None:
        """Replace the file as a whole, with its own owner and mode. Raises OSError."""
        ...

    def remove(self, name: FileName, instance: str = "") -> None:
        """Remove the file; one that is not there is no error. Raises OSError."""
        ...

    def instances(self, name: FileName) -> tuple[str, ...]:
        """Return which files of a kind are there, sorted. Raises OSError."""
        ...

    def has_cluster_state(self) -> bool:
        """Say whether a cluster's configuration or state is on this node."""
        ...

    def remove_cluster(self) -> None:
        """Remove the cluster's configuration, keys and state; the node's own key stays."""
        ...


class LoginVerdict(StrEnum):
    """What PAM and the group say of a user."""

    ACCEPTED = "accepted"
    WRONG = "wrong"
    """User name and/or password."""
    NOT_A_CLUSTER_USER = "not-a-cluster-user"
    """The password is right; the user is not in the group haclient."""
    ACCOUNT_REFUSED = "account-refused"
    """The password is right; the account is expired, locked, or wants a new password."""
    BUSY = "busy"
    """Too many failures or too many at once; to be asked again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAnswer:
    """The verdict, and PAM's own words where it was neither accepted nor wrong."""

    verdict: LoginVerdict
    detail: str = ""


class Login(Protocol):
    """Who may speak for the cluster: users of the group haclient, checked through PAM."""

    def check(self, user: str, password: str, *, source: str) -> LoginAnswer:
        """Look at once, never from a memory; takes up to seconds. `source` is who asks."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHolder:
    """Who holds a token, and whether it counts only with the holder's cluster certificate."""

    name: str
    is_bound: bool


class TokenBook(Protocol):
    """The tokens this node gave out, hashed, and the hosts it may drive."""

    def issue(self, holder: str) -> str:
        """Make a token for a host and return it; only its hash is kept."""
        ...

    def find(self, token: str) -> TokenHolder | None:
        """Return who holds this token; None where nobody does, or it is expired."""
        ...

    def bind(self, token: str) -> None:
        """From now on the token counts only together with its holder's cluster certificate."""
        ...

    def revoke(self, holders: Sequence[str]) -> None:
        """Forget every token of these hosts."""
        ...

    def known_hosts(self) -> Mapping[str, KnownHost]:
        """Return the hosts this node may drive, by name."""
        ...

    def remember(self, hosts: Sequence[KnownHost]) -> None:
        """Keep hosts; an entry of the same name is replaced."""
        ...

    def forget(self, names: Sequence[str]) -> None:
        """Drop hosts."""
        ...


class Certificates(Protocol):
    """Keys and certificates. Every argument and result is PEM."""

    def make_authority(self, cluster_name: str) -> tuple[bytes, bytes]:
        """Make a cluster's authority; return its certificate and its key."""
        ...

    def sign(self, request: bytes, *, authority: bytes, key: bytes, name: str) -> bytes:
        """Return a certificate for the node `name` over the request's key.

        Raises ValueError where the request is none or not signed by its own key.
        """
        ...

    def request(self) -> bytes:
        """Return a signing request over this node's own key, which is made when missing."""
        ...


class HostLook(Protocol):
    """What can be seen of this machine and from it."""

    def name(self) -> str:
        """Return the node's name: its host name, without the domain."""
        ...

    def time_ms(self) -> int:
        """Return this machine's clock: milliseconds since 1970."""
        ...

    def version(self) -> str:
        """Return the version of Paceline here."""
        ...

    def resolve(self, name: str) -> tuple[str, ...]:
        """Return the addresses that a name has here; empty where it has none."""
        ...

    def facts(self, names: Sequence[str]) -> NodeFacts:
        """Return everything; `names` are resolved. Takes up to some seconds."""
        ...

    def probe(self, targets: Sequence[tuple[str, str, int]]) -> PeersSeen:
        """Look at other nodes' services: (name, address or "", port) each, all at once."""
        ...

    def try_datagrams(self, request: TryDatagrams) -> DatagramsTried:
        """Do one end of a test of UDP."""
        ...


class RandomBytes(Protocol):
    """The system's source of keys."""

    def __call__(self, size: int, /) -> bytes:
        """Return `size` bytes fit for keys."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """This node, all of it."""

    services: ServiceControl
    files: NodeFiles
    login: Login
    tokens: TokenBook
    certificates: Certificates
    look: HostLook
    random_bytes: RandomBytes
    quorum_device: QuorumDeviceTools
    sbd: SbdTools
    cluster_text: ClusterText
    booth: BoothTools
