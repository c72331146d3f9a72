"""Other nodes' node services, as commands reach them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from paceline.ports.node_calls import KnownHost, NodeAnswer, NodeRequest

PORT = 2224
"""TCP port of the node service, as pcsd's."""
CALL_MS_MAX = 60_000
"""The longest that one call may take, unless the caller says more."""
CONNECT_MS_MAX = 5_000
"""How long a connection may take before a node counts as silent."""

AnswerT = TypeVar("AnswerT", bound=NodeAnswer)


class Trouble(StrEnum):
    """Why a node gave no answer."""

    UNKNOWN_NAME = "unknown-name"
    REFUSED = "refused"
    REJECTED = "rejected"
    """An ICMP message came back: firewalld's way to reject, or there is no route."""
    SILENT = "silent"
    BROKEN = "broken"
    """The connection was there, and broke or timed out; nobody knows whether the call was done."""
    OTHER_KEY = "other-key"
    """The answering host has another key than the one that was pinned."""
    NOT_KNOWN = "not-known"
    """We hold no token for this host."""
    NOT_AUTHORIZED = "not-authorized"
    """It does not accept our token (any more)."""
    NO_SPEAKER = "no-speaker"
    """Something answers there, but it is no Paceline node service."""
    REFUSED_CALL = "refused-call"
    """It answered with a refusal; `code` and `detail` are its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerProblem:
    """A node that gave no answer: where it was looked for, and what came.

    With `UNKNOWN_NAME`, `address` is the word that has no address; "" is the node's own name.
    """

    trouble: Trouble
    address: str = ""
    port: int = PORT
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a host listens; an empty address means that its name is resolved."""

    name: str
    address: str = ""
    port: int = PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """A node's answer to `hello` before any trust: name, clock, key.

    `clock_ms` is its clock minus ours, off by at most `clock_error_ms`.
    """

    name: str
    version: str
    address: str
    port: int
    fingerprint: str
    clock_ms: int
    clock_error_ms: int


class Peers(Protocol):
    """Calls to several nodes at once; answers come in the order of the nodes asked.

    The calls are under way when a method returns, before the first answer is taken. The local
    node's calls are done in place, without network or token.
    """

    def local_name(self) -> str:
        """Return this node's name."""
        ...

    def known_hosts(self) -> tuple[KnownHost, ...]:
        """Return the hosts that this node may drive."""
        ...

    def forget_hosts(self, names: Sequence[str]) -> None:
        """Drop hosts from those that this node may drive."""
        ...

    def greet(self, places: Sequence[Place]) -> Iterator[tuple[Place, Greeting | PeerProblem]]:
        """Ask each for its name; nothing is trusted, nothing secret is sent."""
        ...

    def authenticate(
        self, greetings: Sequence[Greeting], *, user: str, password: str, holder: str
    ) -> Iterator[tuple[Greeting, KnownHost | PeerProblem]]:
        """Ask each for a token; only hosts with the greetings' keys are spoken to. Not kept yet."""
        ...

    def ask(
        self,
        requests: Sequence[tuple[str, NodeRequest]],
        answer: type[AnswerT],
        *,
        hosts: Sequence[KnownHost] = (),
        wait_ms_max: int = CALL_MS_MAX,
    ) -> Iterator[tuple[str, AnswerT | PeerProblem]]:
        """Send each named node its request, all at once.

        `hosts` are used before what is kept (while authenticating).
        """
        ...
