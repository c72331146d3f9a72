"""A node or the client as Python sees it: commands in it, files of it, probes from it."""

import os
import selectors
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from paceline.lab import wire
from paceline.lab.layout import NETWORKS, PUBLIC, LabPaths, address
from paceline.lab.outages import SILENCE_MS, Outage, parse_event
from paceline.lab.wire import Answer, Channel, Request, WireError

_CONNECT_TIMEOUT_S = 2.0
RUN_TIMEOUT_S = 120.0
_OUTPUT_BYTES_MAX = 64 << 20


class LabError(Exception):
    """The lab cannot do what was asked; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a command in a node ended: its exit status and both outputs."""

    code: int
    out: str
    err: str

    @property
    def is_ok(self) -> bool:
        """Say whether the exit status is 0."""
        return self.code == 0

    def check(self) -> "Completed":
        """Return this; raise LabError with both outputs if the exit status is not 0."""
        if self.code:
            raise LabError(f"exit status {self.code}\n{self.out}{self.err}")
        return self


class Member:
    """A node, or the client."""

    def __init__(self, name: str, paths: LabPaths) -> None:
        """Describe it; whether it is on is seen when it is used."""
        self.name = name
        self._paths = paths

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its addresses: on ens33, on ens37."""
        return tuple(address(self.name, network) for network in NETWORKS)

    @property
    def address(self) -> str:
        """Its address on ens33."""
        return address(self.name, PUBLIC)

    def run(
        self,
        argv: Sequence[str],
        *,
        text: str = "",
        environment: Mapping[str, str] | None = None,
        folder: str = "",
        timeout_s: float = RUN_TIMEOUT_S,
    ) -> Completed:
        """Run a command and wait; `text` is its input. Raises LabError at the time limit."""
        with self.start(argv, environment=environment, folder=folder) as running:
            return running.communicate(text, timeout_s=timeout_s)

    def shell(self, script: str, *, timeout_s: float = RUN_TIMEOUT_S) -> Completed:
        """Run a bash script, for a line that wants pipes."""
        return self.run(["bash", "-c", script], timeout_s=timeout_s)

    def start(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: str = "",
    ) -> "Running":
        """Start a command and return at once; use it in a `with`, its end ends the command."""
        inputs, outputs, errors = os.pipe(), os.pipe(), os.pipe()
        given = (inputs[0], outputs[1], errors[1])
        try:
            channel = self.begin(argv, files=given, environment=environment, folder=folder)
        except LabError:
            for number in (inputs[1], outputs[0], errors[0]):
                os.close(number)
            raise
        finally:
            for number in given:
                os.close(number)
        return Running(self.name, channel, inputs[1], outputs[0], errors[0])

    def begin(
        self,
        argv: Sequence[str],
        *,
        files: tuple[int, int, int],
        environment: Mapping[str, str] | None = None,
        folder: str = "",
    ) -> Channel:
        """Start a command on three open files; its exit code is the channel's answer."""
        request = Request(
            verb="exec",
            words=tuple(argv),
            environment=tuple(sorted((environment or {}).items())),
            folder=folder,
        )
        try:
            channel = Channel.connect(
                self._paths.init_socket(self.name), timeout_s=_CONNECT_TIMEOUT_S
            )
            channel.send(request.line(), files)
        except OSError as error:
            raise LabError(f"{self.name} is not running ({error.strerror or error})") from error
        return channel

    def read_text(self, path: str) -> str:
        """Return a file's text. Raises LabError."""
        return self.run(["cat", "--", path]).check().out

    def write_text(self, path: str, text: str, *, mode: str = "0644") -> None:
        """Write a file, with its folder, through the node. Raises LabError."""
        self.run(["mkdir", "-p", "--", str(Path(path).parent)]).check()
        self.run(["tee", "--", path], text=text).check()
        self.run(["chmod", mode, "--", path]).check()

    def probe(
        self, target: str, *, interval_ms: int = 10, silence_ms: float = SILENCE_MS
    ) -> "Probe":
        """Start watching a URL or an address from here; use it in a `with`.

        An outage is a time without a good answer, once an attempt failed or `silence_ms` passed.
        """
        return Probe(self, target, interval_ms, silence_ms)


class Running:
    """A command at work in a node. Leaving its `with` ends the command if it has not ended."""

    def __init__(self, name: str, channel: Channel, stdin: int, stdout: int, stderr: int) -> None:
        """Take over the channel and our ends of the pipes."""
        self._name = name
        self._channel = channel
        self._stdin = stdin
        self.stdout = stdout
        self._stderr = stderr

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()
        self.close_input()
        for number in (self.stdout, self._stderr):
            os.close(number)

    def close_input(self) -> None:
        """Give the command the end of its input."""
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1

    def signal(self, number: int) -> None:
        """Send a signal to the command's process group."""
        self._channel.send(Request(verb="signal", words=(str(number),)).line())

    def communicate(self, text: str, *, timeout_s: float) -> Completed:
        """Feed the input, collect both outputs, wait for the end.

        The end is the process's exit, not the end of its output: what it left behind in the node
        may hold the pipe for long.
        """
        deadline = time.monotonic() + timeout_s
        pending, pieces = text.encode(), {self.stdout: bytearray(), self._stderr: bytearray()}
        os.set_blocking(self._stdin, False)
        with selectors.DefaultSelector() as selector:
            for number in pieces:
                os.set_blocking(number, False)
                selector.register(number, selectors.EVENT_READ)
            selector.register(self._channel.socket, selectors.EVENT_READ)
            selector.register(self._stdin, selectors.EVENT_WRITE)
            while True:
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise LabError(f"{self._name}: the command did not end in {timeout_s:g} s")
                for key, _ in ready:
                    if key.fd == self._stdin:
                        pending = _feed(self._stdin, pending)
                        if not pending:
                            selector.unregister(self._stdin)
                            self.close_input()
                    elif key.fd in pieces and not _drain(key.fd, pieces[key.fd]):
                        selector.unregister(key.fd)
                if any(key.fileobj is self._channel.socket for key, _ in ready):
                    break
        answer = self.wait()
        for number, piece in pieces.items():
            while _drain(number, piece):
                pass
        out, err = (piece.decode(errors="replace") for piece in pieces.values())
        return Completed(code=answer.code, out=out, err=err + answer.err)

    def wait(self) -> Answer:
        """Wait for the command's end, without a limit of its own."""
        self._channel.socket.settimeout(None)
        try:
            return wire.parse_answer(self._channel.receive())
        except (OSError, WireError) as error:
            raise LabError(f"{self._name} went down under the command") from error


def _feed(number: int, pending: bytes) -> bytes:
    try:
        return pending[os.write(number, pending) :] if pending else b""
    except BrokenPipeError:
        return b""


def _drain(number: int, piece: bytearray) -> bool:
    """Read what is there; say whether there was something."""
    try:
        chunk = os.read(number, 65536)
    except BlockingIOError:
        return False
    room = _OUTPUT_BYTES_MAX - len(piece)
    piece += chunk[: max(0, room)]
    return bool(chunk)


class Probe:
    """A watch from outside the nodes on a URL or an address."""

    def __init__(self, member: Member, target: str, interval_ms: int, silence_ms: float) -> None:
        """Start watching; returns when the first answer, good or bad, is in."""
        self._running = member.start(
            [*member_python(), "-m", "paceline.lab.probe", "--json",
             "--interval-ms", str(interval_ms), "--silence-ms", str(silence_ms), target],
            environment={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )  # fmt: skip
        self._text = b""
        self._is_stopped = False
        self.outages: tuple[Outage, ...] = ()
        while b"\n" not in self._text:
            chunk = os.read(self._running.stdout, 65536)
            if not chunk:
                raise LabError(f"the probe of {target} did not start")
            self._text += chunk

    def __enter__(self) -> "Probe":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> tuple[Outage, ...]:
        """End the watch; return every outage it saw, one that lasts until now included."""
        if self._is_stopped:
            return self.outages
        self._is_stopped = True
        with self._running:
            self._running.signal(signal.SIGTERM)
            while chunk := os.read(self._running.stdout, 65536):
                self._text += chunk
        events = (parse_event(line) for line in self._text.decode().splitlines())
        self.outages = tuple(event for event in events if event is not None)
        return self.outages


def member_python() -> list[str]:
    """Return the interpreter as a node sees it."""
    return [sys.executable]
