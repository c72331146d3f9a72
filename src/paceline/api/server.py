"""HTTPS on 2224 for the other nodes: bounded in size, time and number; TLS only.

The server decides nothing: it reads a request within its limits, has `NodeCalls` answer it in a
thread (calls block: PAM, services, disks), and sends the answer.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import msgspec
from aiohttp import web

from paceline.api.node_calls import REQUEST_BYTES_MAX, Answer, Caller, NodeCalls
from paceline.api.tls import ServerTls
from paceline.model.errors import PacelineError
from paceline.ports.node_calls import OPEN_CALLS, CallRefused

LOG = logging.getLogger("paceline.api")

CONNECTIONS_MAX = 256
HANDSHAKE_S_MAX = 10.0
BODY_S_MAX = 20.0
IDLE_S_MAX = 15.0
"""How long a connection may say nothing: before its first request and between two."""
CALLS_AT_ONCE_MAX = 32
OPEN_CALLS_WAITING_MAX = 64
"""Calls without a token that may wait for a thread: strangers cannot fill the queue."""
SHUTDOWN_S_MAX = 2.0


class NodeServer:
    """Serves `POST /v1/NAME`."""

    def __init__(
        self,
        calls: NodeCalls,
        tls: ServerTls,
        *,
        idle_s_max: float = IDLE_S_MAX,
        body_s_max: float = BODY_S_MAX,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        """Keep what answers and what encrypts.

        A connection has `idle_s_max` to finish a header and `body_s_max` for the body.
        """
        self._calls, self._tls = calls, tls
        self._idle_s_max, self._body_s_max = idle_s_max, body_s_max
        self._connections_max = connections_max
        self._timers: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}
        self._threads = ThreadPoolExecutor(CALLS_AT_ONCE_MAX, thread_name_prefix="call")
        # Greetings and logins have threads of their own: slow logins do not hold up the cluster.
        self._open_threads = ThreadPoolExecutor(CALLS_AT_ONCE_MAX // 2, thread_name_prefix="open")
        self._open_waiting = 0
        self._connections = 0
        self._runner: web.AppRunner | None = None
        self._servers: list[asyncio.Server] = []

    async def start(self, *, hosts: tuple[str, ...], port: int) -> int:
        """Listen on the addresses (none: on all) and return the port; 0 takes a free one.

        Raises OSError where the port is taken.
        """
        app = web.Application(client_max_size=REQUEST_BYTES_MAX)
        app.router.add_post("/v1/{name}", self._handle)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=self._idle_s_max,
            shutdown_timeout=SHUTDOWN_S_MAX,
        )
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            self._limited(self._runner.server),
            list(hosts) or None,
            port,
            ssl=self._tls.context,
            ssl_handshake_timeout=HANDSHAKE_S_MAX,
            backlog=CONNECTIONS_MAX,
            reuse_address=True,
        )
        self._servers.append(server)
        number: int = server.sockets[0].getsockname()[1]
        return number

    async def stop(self) -> None:
        """Close every connection; what runs in threads ends by itself."""
        for server in self._servers:
            server.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._open_threads.shutdown(wait=False, cancel_futures=True)

    def _limited(
        self, make_handler: Callable[[], asyncio.Protocol] | None
    ) -> Callable[[], asyncio.Protocol]:
        """Return a maker of protocols that counts connections and ends those that say nothing."""
        if make_handler is None:
            raise RuntimeError("the runner was set up before")

        def make() -> asyncio.Protocol:
            return _Connection(make_handler(), self._opened, self._closed)

        return make

    def _opened(self, transport: asyncio.BaseTransport) -> bool:
        """Take a place for a connection, and begin to wait for its first request."""
        if self._connections >= self._connections_max:
            return False
        self._connections += 1
        self._expect_request(transport)
        return True

    def _closed(self, transport: asyncio.BaseTransport) -> None:
        self._connections -= 1
        self._request_came(transport)

    def _expect_request(self, transport: asyncio.BaseTransport) -> None:
        """End the connection unless a whole header comes in time, however slowly it drips."""
        loop = asyncio.get_running_loop()
        self._timers[transport] = loop.call_later(self._idle_s_max, transport.close)

    def _request_came(self, transport: asyncio.BaseTransport | None) -> None:
        timer = self._timers.pop(transport, None) if transport is not None else None
        if timer is not None:
            timer.cancel()

    async def _handle(self, request: web.Request) -> web.Response:
        transport = request.transport
        self._request_came(transport)
        try:
            return await self._read_and_answer(request)
        finally:
            if transport is not None and not transport.is_closing():
                self._expect_request(transport)

    async def _read_and_answer(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if (request.content_length or 0) > REQUEST_BYTES_MAX:
            return _respond(_refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "it is too large"))
        try:
            async with asyncio.timeout(self._body_s_max):
                body = await request.read()
        except TimeoutError:
            return _respond(_refused(HTTPStatus.REQUEST_TIMEOUT, "the request came too slowly"))
        caller = _caller(request)
        answer = await self._answer(name, body, caller)
        LOG.log(logging.DEBUG if name == "hello" else logging.INFO, "%s", answer.note)
        return _respond(answer)

    async def _answer(self, name: str, body: bytes, caller: Caller) -> Answer:
        is_open = name in OPEN_CALLS
        if is_open and self._open_waiting >= OPEN_CALLS_WAITING_MAX:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many callers at once")
        threads = self._open_threads if is_open else self._threads
        self._open_waiting += is_open
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(threads, self._calls.answer, name, body, caller)
        except (PacelineError, OSError):
            LOG.exception("the call '%s' failed", name)
            return _refused(HTTPStatus.INTERNAL_SERVER_ERROR, "the call failed: see the node's log")
        finally:
            self._open_waiting -= is_open


class _Connection(asyncio.Protocol):
    """One connection: it is counted, then everything is handed on to aiohttp's protocol."""

    def __init__(
        self,
        inner: asyncio.Protocol,
        opened: Callable[[asyncio.BaseTransport], bool],
        closed: Callable[[asyncio.BaseTransport], None],
    ) -> None:
        self._inner = inner
        self._opened, self._closed = opened, closed
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._opened(transport):
            transport.close()
            return
        self._transport = transport
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._transport is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._closed(self._transport)
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


def _caller(request: web.Request) -> Caller:
    transport = request.transport
    certificate = transport.get_extra_info("peercert") if transport is not None else None
    return Caller(
        address=request.remote or "",
        authorization=request.headers.get("Authorization", ""),
        certified_name=_common_name(certificate),
    )


def _common_name(certificate: object) -> str:
    """Return the common name of a verified certificate, in the ssl module's shape; "" without."""
    if not isinstance(certificate, dict):
        return ""
    for part in certificate.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return ""


def _refused(status: HTTPStatus, message: str) -> Answer:
    body = msgspec.json.encode(CallRefused(code=status.phrase.lower(), message=message))
    return Answer(status=status, body=body, note=message)


def _respond(answer: Answer) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(
        status=answer.status, body=answer.body, content_type="application/json", headers=headers
    )
