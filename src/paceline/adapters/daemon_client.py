"""Ask the daemon of this node: one JSON line to its unix socket, one JSON line back.

Only what starts fast is imported here: the command line and the tools that agents call use it.
"""

import json
import os
from _socket import AF_UNIX, SOCK_STREAM
from _socket import socket as RawSocket
from collections.abc import Mapping

from paceline.model.errors import UnreachableError
from paceline.ports.daemon import AnswerLostError, Daemon, JsonRecord

RUNTIME_DIR_DEFAULT = "/run/paceline"
TIMEOUT_MS_DEFAULT = 60_000
ANSWER_BYTES_MAX = 256 * 1024 * 1024
"""A state of 5000 resources on 16 nodes as JSON, with room."""
CHUNK_BYTES = 1 << 16
ANSWER_SLACK_MS = 5_000
"""What the socket waits longer than the daemon itself does."""


def runtime_dir(environment: Mapping[str, str]) -> str:
    """Return the folder of the sockets: PACELINE_RUNTIME_DIR, or the usual one."""
    return environment.get("PACELINE_RUNTIME_DIR") or RUNTIME_DIR_DEFAULT


class DaemonClient:
    """A client of the daemon's socket. Each question uses a connection of its own."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Remember where the socket is; nothing is opened before the first question."""
        folder = runtime_dir(os.environ if environment is None else environment)
        self._path = f"{folder}/daemon.sock"

    def ask(self, request: JsonRecord, *, timeout_ms: int = TIMEOUT_MS_DEFAULT) -> JsonRecord:
        """Send one request and return the answer.

        Raises UnreachableError where nothing listens, AnswerLostError where the connection breaks
        or the time is over once something was sent.
        """
        line = json.dumps(request, separators=(",", ":")).encode() + b"\n"
        link = RawSocket(AF_UNIX, SOCK_STREAM)
        try:
            link.settimeout((timeout_ms + ANSWER_SLACK_MS) / 1000)
            self._connect(link)
            return _exchange(link, line)
        finally:
            link.close()

    def _connect(self, link: RawSocket) -> None:
        try:
            link.connect(self._path)
        except OSError as error:
            raise UnreachableError(f"no daemon answers at {self._path}: {error}") from error


class ActingDaemon:
    """A daemon that is asked for a user: his permissions count, not those of this process."""

    def __init__(self, daemon: Daemon, user: str) -> None:
        """Ask `daemon` for `user`."""
        self._daemon, self._user = daemon, user

    def ask(self, request: JsonRecord, *, timeout_ms: int = TIMEOUT_MS_DEFAULT) -> JsonRecord:
        """Send one request, with the user's name, and return the answer. Raises as the daemon."""
        return self._daemon.ask({**request, "user": self._user}, timeout_ms=timeout_ms)


def _exchange(link: RawSocket, line: bytes) -> JsonRecord:
    """Send a line and return the answer. Raises AnswerLostError."""
    try:
        link.sendall(line)
        return _parse_answer(_read_line(link))
    except OSError as error:
        raise AnswerLostError(f"no answer came from the daemon: {error}") from error


def _read_line(link: RawSocket) -> bytes:
    """Return everything up to the first newline. Raises AnswerLostError where it ends early."""
    chunks: list[bytes] = []
    size = 0
    while True:
        chunk = link.recv(CHUNK_BYTES)
        if not chunk:
            raise AnswerLostError("the daemon closed the connection without an answer")
        chunks.append(chunk)
        size += len(chunk)
        if chunk.endswith(b"\n"):
            return b"".join(chunks)
        if size > ANSWER_BYTES_MAX:
            raise AnswerLostError(f"the daemon's answer is longer than {ANSWER_BYTES_MAX} bytes")


def _parse_answer(line: bytes) -> JsonRecord:
    """Return the answer as a record. Raises AnswerLostError where it is none."""
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise AnswerLostError("the daemon's answer is no JSON") from error
    if not isinstance(answer, dict):
        raise AnswerLostError("the daemon's answer is no record")
    return answer
