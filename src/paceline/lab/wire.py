"""How the lab's processes talk: one JSON line a message on unix sockets, open files beside it.

One request and one answer serve the keeper, a node's init and the power switch. The standard
library only: the small programs of a node start often.
"""

import array
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LINE_BYTES_MAX = 1 << 20
FILES_MAX = 3
_CHUNK_BYTES = 65536


class WireError(Exception):
    """The other side said something that is not a message, or went away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked. `environment` and `folder` matter to `exec` only."""

    verb: str
    words: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    folder: str = ""

    def line(self) -> bytes:
        """Return the message as a line."""
        return _line(
            {
                "verb": self.verb,
                "words": list(self.words),
                "environment": dict(self.environment),
                "folder": self.folder,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The outcome: `code` 0 is good; `out` and `err` are text for the asker's two outputs."""

    code: int = 0
    out: str = ""
    err: str = ""

    def line(self) -> bytes:
        """Return the message as a line."""
        return _line({"code": self.code, "out": self.out, "err": self.err})


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def parse_request(line: bytes) -> Request:
    """Return the request of a line. Raises WireError."""
    value = _parse(line)
    words, environment = value.get("words", []), value.get("environment", {})
    if not isinstance(words, list) or not isinstance(environment, dict):
        raise WireError("a request's words are a list and its environment is an object")
    return Request(
        verb=str(value.get("verb", "")),
        words=tuple(str(word) for word in words),
        environment=tuple((str(name), str(text)) for name, text in environment.items()),
        folder=str(value.get("folder", "")),
    )


def parse_answer(line: bytes) -> Answer:
    """Return the answer of a line. Raises WireError."""
    value = _parse(line)
    code = value.get("code")
    if not isinstance(code, int):
        raise WireError("an answer has a code")
    return Answer(code=code, out=str(value.get("out", "")), err=str(value.get("err", "")))


def _parse(line: bytes) -> dict[str, object]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise WireError(f"not a message: {error}") from error
    if not isinstance(value, dict):
        raise WireError("a message is an object")
    return value


class Channel:
    """A blocking connection. `close` it, or use it in a `with`."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over a connected socket."""
        self.socket = connection
        self._pending = b""

    @classmethod
    def connect(cls, path: Path, *, timeout_s: float) -> "Channel":
        """Connect to a socket file. Raises OSError; TimeoutError is one."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout_s)
            connection.connect(str(path))
        except OSError:
            connection.close()
            raise
        return cls(connection)

    def __enter__(self) -> "Channel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def send(self, line: bytes, files: Sequence[int] = ()) -> None:
        """Send a line, with open files beside its first byte."""
        if not files:
            self.socket.sendall(line)
            return
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files).tobytes())]
        sent = self.socket.sendmsg([line], rights)
        self.socket.sendall(line[sent:])

    def receive(self) -> bytes:
        """Wait for the next line. Raises WireError when the other side is gone."""
        while b"\n" not in self._pending:
            chunk = self.socket.recv(_CHUNK_BYTES)
            if not chunk:
                raise WireError("the other side closed the connection")
            self._pending += chunk
            if len(self._pending) > LINE_BYTES_MAX:
                raise WireError("a message is too long")
        line, _, self._pending = self._pending.partition(b"\n")
        return line


def ask(path: Path, request: Request, *, timeout_s: float) -> Answer:
    """Ask once and return the answer. Raises OSError or WireError."""
    with Channel.connect(path, timeout_s=timeout_s) as channel:
        channel.send(request.line())
        return parse_answer(channel.receive())
