"""The daemon's socket: who may ask, how much at once, how long.

Every connection's credentials are checked (SO_PEERCRED): root, hacluster, and the members of the
group haclient may come in; only the first two may act for others, fence or stop the cluster.
"""

import asyncio
import grp
import os
import pwd
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from paceline.daemon.answers import Answerer, Peer, encode_line, refusal
from paceline.daemon.requests import CONFIGURATION_BYTES_MAX, AskSubscribe, parse_request
from paceline.model.errors import InvalidRequestError

SOCKET_NAME = "daemon.sock"
SOCKET_MODE = 0o660
LINE_BYTES_MAX = 2 * CONFIGURATION_BYTES_MAX
"""A request: the largest configuration with its JSON escapes."""
CONNECTIONS_MAX = 200
CONNECTIONS_OF_OTHERS_MAX = 100
"""How many of them users beside root and hacluster may have together."""
CONNECTIONS_OF_USER_MAX = 30
"""How many one of those users may have."""
LINE_MS_MAX = 600_000
"""How long a connection may stay silent."""
WRITE_MS_MAX = 30_000
"""How long a client may take to read an answer."""
CLUSTER_USER = "hacluster"
CLUSTER_GROUP = "haclient"

NoteSink = Callable[[str, str, str], None]
"""Takes level, code and message."""


class SocketServer:
    """Serves `daemon.sock` until it is closed."""

    def __init__(self, folder: Path, answerer: Answerer, on_note: NoteSink) -> None:
        """Serve in `folder`, once `open` was called."""
        self._path = folder / SOCKET_NAME
        self._answerer = answerer
        self._on_note = on_note
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], Peer | None] = {}

    async def open(self) -> None:
        """Begin to serve; an older socket is replaced. Raises OSError."""
        self._server = await asyncio.start_unix_server(
            self._begin, sock=bind_socket(self._path), limit=LINE_BYTES_MAX
        )

    async def close(self) -> None:
        """Serve no more and end what is open."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        peer = find_peer(writer.get_extra_info("socket"))
        if task is None or not self._has_place(peer):
            writer.close()
            return
        self._connections[task] = peer
        try:
            await self._serve(reader, writer, peer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # the client went away, was too slow, or the daemon ends: nothing to answer
        finally:
            del self._connections[task]
            writer.close()

    def _has_place(self, peer: Peer | None) -> bool:
        """Say whether one more may come in; no user but root and hacluster takes every place."""
        if len(self._connections) >= CONNECTIONS_MAX:
            return False
        if peer is not None and peer.is_trusted:
            return True
        others = [each for each in self._connections.values() if not (each and each.is_trusted)]
        own = [each for each in others if peer and each and each.uid == peer.uid]
        return len(own) < CONNECTIONS_OF_USER_MAX and len(others) < CONNECTIONS_OF_OTHERS_MAX

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer | None
    ) -> None:
        if peer is None:
            await _write(
                writer, encode_line(refusal("not-permitted", "you may not ask the daemon"))
            )
            return
        while True:
            try:
                async with asyncio.timeout(LINE_MS_MAX / 1000):
                    line = await reader.readline()
            except ValueError:
                message = f"a request may have {LINE_BYTES_MAX} bytes"
                await _write(writer, encode_line(refusal("too-large", message)))
                return
            if not line.endswith(b"\n"):
                return
            await self._answer(line, peer, writer)

    async def _answer(self, line: bytes, peer: Peer, writer: asyncio.StreamWriter) -> None:
        try:
            ask = parse_request(line)
        except InvalidRequestError as problem:
            await _write(writer, encode_line(refusal("bad-request", str(problem))))
            return
        if isinstance(ask, AskSubscribe):
            async for each in self._answerer.follow(ask):
                await _write(writer, each)
            return
        await _write(writer, await self._answerer.answer(ask, peer))


def bind_socket(path: Path) -> socket.socket:
    """Return the bound socket, which does not listen yet; an older one is replaced.

    It is for its owner only from its first moment on, and for the group once that is set.
    Raises OSError.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(mask)
    group = _group_id(CLUSTER_GROUP)
    if group is not None and os.geteuid() == 0:
        os.chown(path, 0, group)
    path.chmod(SOCKET_MODE)
    return listener


def find_peer(link: socket.socket) -> Peer | None:
    """Return who is at the other end, None if they may not ask."""
    size = struct.calcsize("3i")
    pid, uid, gid = struct.unpack(
        "3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    is_trusted = uid in (0, os.geteuid(), _user_id(CLUSTER_USER))
    if not is_trusted and not _is_in_group(uid, gid, CLUSTER_GROUP):
        return None
    return Peer(uid=uid, pid=pid, is_trusted=is_trusted)


async def _write(writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line)
    async with asyncio.timeout(WRITE_MS_MAX / 1000):
        await writer.drain()


def _user_id(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _group_id(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _is_in_group(uid: int, gid: int, group: str) -> bool:
    """Say whether the user is a member of the group, as its main group or another one."""
    try:
        entry = grp.getgrnam(group)
        return gid == entry.gr_gid or pwd.getpwuid(uid).pw_name in entry.gr_mem
    except KeyError:
        return False
