"""Calls to other nodes' services: whom to trust, with which token, all nodes at once."""

import hmac
import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import msgspec

from paceline.adapters.certificates import fingerprint, is_signed_by, name_of
from paceline.adapters.node_link import (
    LinkError,
    NodeLink,
    client_context,
    decode_answer,
    greet,
    open_link,
)
from paceline.adapters.node_paths import NodePaths
from paceline.model.errors import InvalidRequestError, check
from paceline.ports.node import NodeFiles, TokenBook
from paceline.ports.node_calls import (
    CALLS,
    Authenticate,
    Authenticated,
    FileName,
    KnownHost,
    NodeAnswer,
    NodeRequest,
)
from paceline.ports.peers import CALL_MS_MAX, Greeting, PeerProblem, Place, Trouble

CALLS_AT_ONCE_MAX = 32
CALL_NAMES = {request: name for name, request, _ in CALLS}

AnswerT = TypeVar("AnswerT", bound=NodeAnswer)
Perform = Callable[[NodeRequest], NodeAnswer]
"""Does a call of the local node in place; raises InvalidRequestError with the reason."""


class NodePeers:
    """The other nodes, over HTTPS; the local one in place."""

    def __init__(
        self,
        *,
        local_name: str,
        paths: NodePaths,
        files: NodeFiles,
        tokens: TokenBook,
        perform: Perform,
    ) -> None:
        """Keep what is needed; nothing is opened yet."""
        self._local_name = local_name
        self._paths, self._files, self._tokens = paths, files, tokens
        self._perform = perform
        self._pool = ThreadPoolExecutor(max_workers=CALLS_AT_ONCE_MAX)

    def local_name(self) -> str:
        """Return this node's name."""
        return self._local_name

    def known_hosts(self) -> tuple[KnownHost, ...]:
        """Return the hosts that this node may drive."""
        return tuple(self._tokens.known_hosts().values())

    def forget_hosts(self, names: Sequence[str]) -> None:
        """Drop hosts from those that this node may drive."""
        self._tokens.forget(names)

    def greet(self, places: Sequence[Place]) -> Iterator[tuple[Place, Greeting | PeerProblem]]:
        """Ask each for its name, all at once."""
        futures = [(place, self._pool.submit(_greet, place)) for place in places]
        return ((place, future.result()) for place, future in futures)

    def authenticate(
        self, greetings: Sequence[Greeting], *, user: str, password: str, holder: str
    ) -> Iterator[tuple[Greeting, KnownHost | PeerProblem]]:
        """Ask each greeted node for a token, all at once."""
        body = msgspec.json.encode(Authenticate(user=user, password=password, holder=holder))
        futures = [(found, self._pool.submit(_authenticate, found, body)) for found in greetings]
        return ((found, future.result()) for found, future in futures)

    def ask(
        self,
        requests: Sequence[tuple[str, NodeRequest]],
        answer: type[AnswerT],
        *,
        hosts: Sequence[KnownHost] = (),
        wait_ms_max: int = CALL_MS_MAX,
    ) -> Iterator[tuple[str, AnswerT | PeerProblem]]:
        """Send each named node its request, all at once; answers come in the order asked."""
        known = {**self._tokens.known_hosts(), **{host.name: host for host in hosts}}
        futures: list[tuple[str, Future[AnswerT | PeerProblem]]] = []
        for name, request in requests:
            if name == self._local_name:
                future = self._pool.submit(self._ask_here, request, answer)
            else:
                future = self._pool.submit(
                    self._ask_there, known.get(name), request, answer, wait_ms_max
                )
            futures.append((name, future))
        return ((name, future.result()) for name, future in futures)

    def _ask_here(self, request: NodeRequest, answer: type[AnswerT]) -> AnswerT | PeerProblem:
        try:
            given = self._perform(request)
        except InvalidRequestError as error:
            first = error.reports[0]
            return PeerProblem(trouble=Trouble.REFUSED_CALL, code=first.code, detail=first.message)
        check(isinstance(given, answer), "a call gets the answer that is listed for it")
        return given  # type: ignore[return-value]  # checked above

    def _ask_there(
        self,
        host: KnownHost | None,
        request: NodeRequest,
        answer: type[AnswerT],
        wait_ms_max: int,
    ) -> AnswerT | PeerProblem:
        if host is None:
            return PeerProblem(trouble=Trouble.NOT_KNOWN)
        place = Place(name=host.name, address=host.address, port=host.port)
        body = msgspec.json.encode(request)
        try:
            try:
                context, is_certified = self._context()
                return self._call(
                    host, place, request, body, answer, wait_ms_max, context, is_certified
                )
            except LinkError as error:
                if not error.is_handshake:
                    raise
            # It does not know our cluster's authority (any more): then without a certificate.
            context, is_certified = client_context(), False
            return self._call(
                host, place, request, body, answer, wait_ms_max, context, is_certified
            )
        except LinkError as error:
            return error.problem

    def _call(
        self,
        host: KnownHost,
        place: Place,
        request: NodeRequest,
        body: bytes,
        answer: type[AnswerT],
        wait_ms_max: int,
        context: ssl.SSLContext,
        is_certified: bool,
    ) -> AnswerT:
        link = open_link(place, context)
        try:
            if not (_is_pinned(link, host.fingerprint) or self._is_certified(link, host.name)):
                raise _refuse_key(place, link)
            if is_certified:
                link.confirm()
            status, content = link.call(
                CALL_NAMES[type(request)], body, token=host.token, wait_ms_max=wait_ms_max
            )
            return decode_answer(place, status, content, answer)
        finally:
            link.close()

    def _is_certified(self, link: NodeLink, name: str) -> bool:
        """Say whether our cluster's authority vouches for that node."""
        authority = self._files.read(FileName.CLUSTER_CA)
        if authority is None:
            return False
        pem = ssl.DER_cert_to_PEM_cert(link.certificate).encode()
        return is_signed_by(pem, authority) and name_of(pem) == name

    def _context(self) -> tuple[ssl.SSLContext, bool]:
        """Return a context that shows our certificate where we are in a cluster; say if it does."""
        context = client_context()
        certificate = self._paths.cluster / "node.crt"
        if not certificate.exists():
            return context, False
        context.load_cert_chain(certificate, self._paths.node_key)
        return context, True


def _greet(place: Place) -> Greeting | PeerProblem:
    try:
        return greet(place)
    except LinkError as error:
        return error.problem


def _authenticate(greeting: Greeting, body: bytes) -> KnownHost | PeerProblem:
    """Ask one node for a token. The password goes to the key that greeted, and to no other."""
    place = Place(name=greeting.name, address=greeting.address, port=greeting.port)
    try:
        link = open_link(place, client_context())
        try:
            if not _is_pinned(link, greeting.fingerprint):
                raise _refuse_key(place, link)
            status, content = link.call("authenticate", body, token="", wait_ms_max=CALL_MS_MAX)
            token = decode_answer(place, status, content, Authenticated).token
        finally:
            link.close()
    except LinkError as error:
        return error.problem
    return KnownHost(
        name=greeting.name,
        address=greeting.address,
        port=greeting.port,
        token=token,
        fingerprint=greeting.fingerprint,
    )


def _is_pinned(link: NodeLink, wanted: str) -> bool:
    return hmac.compare_digest(fingerprint(link.certificate), wanted)


def _refuse_key(place: Place, link: NodeLink) -> LinkError:
    return LinkError(PeerProblem(trouble=Trouble.OTHER_KEY, address=link.address, port=place.port))
