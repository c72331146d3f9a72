"""One HTTPS connection to another node's service: resolve, connect, look at the key, call.

Nothing is sent before the caller has looked at the key. Plain text is never spoken.
"""

import contextlib
import errno
import http
import http.client
import queue
import socket
import ssl
import threading
import time
from typing import TypeVar

import msgspec

from paceline.adapters.certificates import fingerprint
from paceline.ports.node_calls import CallRefused, Hello, NodeAnswer
from paceline.ports.peers import CONNECT_MS_MAX, Greeting, PeerProblem, Place, Trouble

ANSWER_BYTES_MAX = 8 * 1024 * 1024
RESOLVE_MS_MAX = 4_000

AnswerT = TypeVar("AnswerT", bound=NodeAnswer)

_UNREACHED = {
    errno.ECONNREFUSED: Trouble.REFUSED,
    errno.EHOSTUNREACH: Trouble.REJECTED,
    errno.ENETUNREACH: Trouble.REJECTED,
    errno.EACCES: Trouble.REJECTED,
    errno.EPERM: Trouble.REJECTED,
    errno.ECONNRESET: Trouble.REJECTED,
    errno.ETIMEDOUT: Trouble.SILENT,
}


class LinkError(Exception):
    """There is no connection, or no answer on it.

    `is_handshake`: TLS itself failed, so the other side did nothing with what was sent.
    """

    def __init__(self, problem: PeerProblem, *, is_handshake: bool = False) -> None:
        """Keep the problem."""
        super().__init__(problem.trouble.value)
        self.problem, self.is_handshake = problem, is_handshake


class NodeLink:
    """An open connection. `certificate` is the other side's (DER), not yet judged by anyone."""

    def __init__(self, place: Place, address: str, connection: ssl.SSLSocket) -> None:
        """Take a connection that did its handshake."""
        self._place, self._socket = place, connection
        self.address = address
        self._connection = http.client.HTTPConnection(address, place.port)
        self._connection.sock = connection
        # Calls are never sent twice: a connection that broke stays broken.
        self._connection.auto_open = 0
        self.certificate = connection.getpeercert(binary_form=True) or b""

    def call(self, name: str, body: bytes, *, token: str, wait_ms_max: int) -> tuple[int, bytes]:
        """Send one call; return the HTTP status and the answer. Raises LinkError."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = self._connection
        try:
            self._socket.settimeout(wait_ms_max / 1000)
            connection.request("POST", f"/v1/{name}", body=body, headers=headers)
            response = connection.getresponse()
            content = response.read(ANSWER_BYTES_MAX + 1)
        except ssl.SSLError as error:
            refused = self._error(Trouble.NO_SPEAKER, str(error.reason or error))
            raise LinkError(refused.problem, is_handshake=True) from error
        except (TimeoutError, OSError, http.client.HTTPException) as error:
            words = f"no answer within {wait_ms_max / 1000:g} s"
            detail = (
                words if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            )
            raise self._error(Trouble.BROKEN, detail) from error
        if len(content) > ANSWER_BYTES_MAX:
            raise self._error(Trouble.NO_SPEAKER, "its answer is too long")
        return response.status, content

    def confirm(self, *, wait_ms_max: int = CONNECT_MS_MAX) -> None:
        """Say hello, to learn whether the certificate that we showed was accepted.

        With TLS 1.3 the handshake is over for us before the other side has judged it, and a refusal
        may come as nothing but an end of the connection. Raises LinkError, `is_handshake`.
        """
        try:
            self.call("hello", b"{}", token="", wait_ms_max=wait_ms_max)
        except LinkError as error:
            raise LinkError(error.problem, is_handshake=True) from error

    def close(self) -> None:
        """Let the connection go."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _error(self, trouble: Trouble, detail: str) -> LinkError:
        return LinkError(
            PeerProblem(trouble=trouble, address=self.address, port=self._place.port, detail=detail)
        )


def client_context() -> ssl.SSLContext:
    """Return a context that takes any certificate: the caller judges the key by itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def open_link(
    place: Place, context: ssl.SSLContext, *, wait_ms_max: int = CONNECT_MS_MAX
) -> NodeLink:
    """Connect and do the handshake. Raises LinkError with what came of each address."""
    address = resolve(place.address or place.name)
    if not address:
        raise LinkError(
            PeerProblem(trouble=Trouble.UNKNOWN_NAME, address=place.address, port=place.port)
        )
    problem: dict[str, str | int] = {"address": address, "port": place.port}
    try:
        plain = socket.create_connection((address, place.port), timeout=wait_ms_max / 1000)
    except TimeoutError as error:
        raise LinkError(_problem(Trouble.SILENT, problem, "")) from error
    except OSError as error:
        trouble = _UNREACHED.get(error.errno or 0, Trouble.REJECTED)
        raise LinkError(_problem(trouble, problem, error.strerror or str(error))) from error
    try:
        return NodeLink(place, address, context.wrap_socket(plain))
    except (ssl.SSLError, OSError) as error:
        plain.close()
        is_silent = isinstance(error, TimeoutError)
        trouble = Trouble.SILENT if is_silent else Trouble.NO_SPEAKER
        detail = (
            "it takes the connection and then says nothing" if is_silent else f"no TLS: {error}"
        )
        found = _problem(trouble, problem, detail)
        raise LinkError(found, is_handshake=not is_silent) from error


def _problem(trouble: Trouble, where: dict[str, str | int], detail: str) -> PeerProblem:
    return PeerProblem(
        trouble=trouble, address=str(where["address"]), port=int(where["port"]), detail=detail
    )


def greet(place: Place, *, wait_ms_max: int = CONNECT_MS_MAX) -> Greeting:
    """Ask a node for its name. Its clock is compared with the middle of the call.

    Raises LinkError.
    """
    link = open_link(place, client_context(), wait_ms_max=wait_ms_max)
    try:
        begin, begin_ms = time.monotonic(), time.time_ns() // 1_000_000
        status, content = link.call("hello", b"{}", token="", wait_ms_max=wait_ms_max)
        took_ms = int((time.monotonic() - begin) * 1000)
        hello = decode_answer(place, status, content, Hello)
        return Greeting(
            name=hello.name,
            version=hello.version,
            address=link.address,
            port=place.port,
            fingerprint=fingerprint(link.certificate),
            clock_ms=hello.time_ms - (begin_ms + took_ms // 2),
            clock_error_ms=took_ms // 2 + 1,
        )
    finally:
        link.close()


def decode_answer(place: Place, status: int, content: bytes, answer: type[AnswerT]) -> AnswerT:
    """Return the answer. Raises LinkError where it is a refusal, or no answer of a node service."""
    where: dict[str, str | int] = {"address": place.address, "port": place.port}
    try:
        if status == http.HTTPStatus.OK:
            return msgspec.json.decode(content, type=answer)
        refused = msgspec.json.decode(content, type=CallRefused)
    except msgspec.DecodeError as error:
        detail = f"HTTP status {status}, and no answer that a Paceline node gives"
        raise LinkError(_problem(Trouble.NO_SPEAKER, where, detail)) from error
    is_auth = status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN)
    raise LinkError(
        PeerProblem(
            trouble=Trouble.NOT_AUTHORIZED if is_auth else Trouble.REFUSED_CALL,
            address=place.address,
            port=place.port,
            code=refused.code,
            detail=refused.message,
        )
    )


def resolve(name: str) -> str:
    """Return the first address of a name, or "" where it has none (or none in time)."""
    return next(iter(resolve_all(name)), "")


def resolve_all(name: str) -> tuple[str, ...]:
    """Return the addresses of a name in the resolver's order, each once; empty if it has none.

    A resolver that hangs is left behind after the time limit.
    """
    answers: queue.SimpleQueue[tuple[str, ...]] = queue.SimpleQueue()
    thread = threading.Thread(target=lambda: answers.put(_look_up(name)), daemon=True)
    thread.start()
    try:
        return answers.get(timeout=RESOLVE_MS_MAX / 1000)
    except queue.Empty:
        return ()


def _look_up(name: str) -> tuple[str, ...]:
    try:
        rows = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(row[4][0]) for row in rows))
