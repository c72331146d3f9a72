"""The Python interface of a lab, for tests, the demo and the benchmarks.

    with Lab("mine", nodes=2) as lab:             # up, and down at the end
        lab.node("worker1").run(["systemctl", "start", "corosync"])
        with lab.client.probe("http://192.168.222.30/") as probe:
            lab.crash("worker1")
        print(probe.outages)

Every call blocks. Errors of the lab itself are LabError; what a command in a node answers is in its
`Completed`.
"""

import json
import os
import selectors
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from paceline.lab import launching, places, wire
from paceline.lab.launching import LaunchError
from paceline.lab.layout import (
    CLIENT,
    LAB_NAME_DEFAULT,
    NETWORKS,
    PUBLIC,
    TOKEN_MS_DEFAULT,
    LabPaths,
    LabSpec,
    address,
)
from paceline.lab.outages import Outage, parse_event
from paceline.lab.places import Record
from paceline.lab.wire import Answer, Channel, Request, WireError

_CONTROL_TIMEOUT_S = 60.0
_CONNECT_TIMEOUT_S = 2.0
_RUN_TIMEOUT_S = 120.0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One thing the power switch did, or failed to do, and who asked. Times are Unix time."""

    begun_ms: int
    ended_ms: int
    asker: str
    verb: str
    plug: str
    is_done: bool
    error: str


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
        timeout_s: float = _RUN_TIMEOUT_S,
    ) -> Completed:
        """Run a command and wait; `text` is its input. Raises LabError at the time limit."""
        with self.start(argv, environment=environment, folder=folder) as running:
            return running.communicate(text, timeout_s=timeout_s)

    def shell(self, script: str, *, timeout_s: float = _RUN_TIMEOUT_S) -> Completed:
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

    def probe(self, target: str, *, interval_ms: int = 10) -> "Probe":
        """Start watching a URL or an address from here; use it in a `with`."""
        return Probe(self, target, interval_ms)


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

    def __init__(self, member: Member, target: str, interval_ms: int) -> None:
        """Start watching; returns when the first answer, good or bad, is in."""
        self._running = member.start(
            [*member_python(), "-m", "paceline.lab.probe", "--json",
             "--interval-ms", str(interval_ms), target],
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
            self._running.signal(15)
            while chunk := os.read(self._running.stdout, 65536):
                self._text += chunk
        events = (parse_event(line) for line in self._text.decode().splitlines())
        self.outages = tuple(event for event in events if event is not None)
        return self.outages


def member_python() -> list[str]:
    """Return the interpreter as a node sees it."""
    import sys

    return [sys.executable]


class Lab:
    """A lab by its name. Making the object does nothing; `up` does."""

    def __init__(
        self,
        name: str = LAB_NAME_DEFAULT,
        *,
        nodes: int = 2,
        token_ms: int = TOKEN_MS_DEFAULT,
        disk_mib: int = 256,
    ) -> None:
        """Describe the lab; one that is up already is what it was made as."""
        wanted = LabSpec(name=name, nodes=nodes, token_ms=token_ms, disk_mib=disk_mib)
        self.paths = LabPaths(places.labs_folder() / name)
        record = places.read_record(self.paths)
        self.spec = record.spec if record is not None and places.is_alive(record) else wanted
        self._wanted = wanted

    def __enter__(self) -> "Lab":
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    # ---- the whole lab ----

    @property
    def is_up(self) -> bool:
        """Say whether the lab lives."""
        record = places.read_record(self.paths)
        return record is not None and places.is_alive(record)

    def up(self) -> None:
        """Make the lab and boot its nodes; no cluster is made (`cluster.set_up` does).

        Raises LabError if it is up, if the request is wrong, or if this machine cannot.
        """
        problems = [*self._wanted.problems(), *places.problems(self.paths)]
        if problems:
            raise LabError("\n".join(problems))
        if self.is_up:
            raise LabError(
                f"lab '{self._wanted.name}' is up already; end it with 'paceline lab down', or"
                " give another name"
            )
        try:
            launching.check_machine()
            self._launch()
        except LaunchError as error:
            raise LabError(str(error)) from error
        self._wait_for_node_services()

    def _launch(self) -> None:
        self._clear_remains()
        self.spec = self._wanted
        Record(spec=self.spec).write(self.paths)
        launch = launching.start_keeper(self.paths)
        try:
            # At once: whatever happens to us now, `down` must find the lab.
            Record(
                spec=self.spec,
                pid=launch.pid,
                started=places.process_start(launch.pid),
                boot=places.host_boot(),
            ).write(self.paths)
            launching.wait_ready(launch, self.paths)
        except BaseException:
            places.end_process(launch.pid)
            launch.held.wait()
            places.remove_folder(self.paths)
            raise

    def _wait_for_node_services(self) -> None:
        """Wait until every node's service answers; one that cannot start is the user's to see."""
        started = [node.start(["systemctl", "start", "paceline-api"]) for node in self.nodes]
        for running in started:
            with running:
                running.communicate("", timeout_s=_RUN_TIMEOUT_S)

    def _clear_remains(self) -> None:
        """Remove what a lab of this name left when the machine went down under it."""
        places.remove_folder(self.paths)
        self.paths.root.mkdir(mode=0o700, parents=True)

    def down(self) -> None:
        """End everything of the lab and remove its files; a lab that is not up is fine."""
        record = places.read_record(self.paths)
        if record is not None and places.is_alive(record) and not places.end_process(record.pid):
            raise LabError(f"lab '{self.spec.name}' does not end (process {record.pid})")
        places.remove_folder(self.paths)

    @property
    def state(self) -> "LabState":
        """What the keeper knows now."""
        return LabState.parse(self._ask("status").out)

    # ---- its members ----

    @property
    def nodes(self) -> tuple[Member, ...]:
        """All nodes, in order."""
        return tuple(Member(name, self.paths) for name in self.spec.node_names)

    @property
    def client(self) -> Member:
        """The client: on the networks, not in the cluster."""
        return Member(CLIENT, self.paths)

    def node(self, name: str) -> Member:
        """Return a node or the client. Raises LabError."""
        if name not in self.spec.member_names:
            known = ", ".join(self.spec.member_names)
            raise LabError(f"there is no '{name}' in lab '{self.spec.name}' (it has {known})")
        return Member(name, self.paths)

    # ---- what can be done to them ----

    def crash(self, name: str) -> None:
        """Take a node's power away: cables first, then everything killed at once."""
        self._ask("crash", name)

    def boot(self, name: str) -> None:
        """Give a node its power back; returns when its init runs."""
        self._ask("boot", name)

    def freeze(self, name: str) -> None:
        """Stop all of a node's processes; its links stay up."""
        self._ask("freeze", name)

    def thaw(self, name: str) -> None:
        """Let a frozen node go on."""
        self._ask("thaw", name)

    def cut(self, first: str, second: str = "", *, device: str = "") -> None:
        """Drop all packets between two members, or one and all, on one link or on both."""
        self._ask("cut", first, second, device)

    def spoil(self, name: str, *, loss_percent: float = 0.0, delay_ms: int = 0) -> None:
        """Lose packets of a member by chance, and hold them, each way."""
        self._ask("spoil", name, str(round(loss_percent * 10)), str(delay_ms))

    def fill(self, name: str) -> None:
        """Fill a node's disk; `heal` gives it room again."""
        self._ask("fill", name)

    def heal(self, name: str = "") -> None:
        """Undo cuts, spoils, full disks and broken plugs, of one member or of all."""
        self._ask("heal", name)

    def break_power(self, name: str) -> None:
        """Make the power switch fail for a node's plug, until `heal` or `mend_power`."""
        self._ask("break-power", name)

    def mend_power(self, name: str) -> None:
        """Make the power switch work for a node's plug again."""
        self._ask("mend-power", name)

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Return what the power switch did, oldest first."""
        try:
            lines = self.paths.ledger.read_text().splitlines()
        except FileNotFoundError:
            return ()
        return tuple(LedgerEntry(**json.loads(line)) for line in lines)

    def _ask(self, verb: str, *words: str) -> Answer:
        request = Request(verb=verb, words=words)
        try:
            answer = wire.ask(self.paths.control, request, timeout_s=_CONTROL_TIMEOUT_S)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise LabError(f"lab '{self.spec.name}' is not up") from error
        except (OSError, WireError) as error:
            raise LabError(f"lab '{self.spec.name}' does not answer: {error}") from error
        if answer.code:
            raise LabError(answer.err)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """What the keeper knows: each member's power state and boots, the faults.

    `shared_disk` is the device that all nodes share, as they see it; "" if there is none.
    """

    members: tuple[tuple[str, str], ...]
    boots: tuple[tuple[str, int], ...]
    cuts: tuple[tuple[str, ...], ...]
    spoils: tuple[tuple[str, int, int], ...]
    full: tuple[str, ...]
    shared_disk: str

    @classmethod
    def parse(cls, text: str) -> "LabState":
        """Return the state of the keeper's JSON."""
        told = json.loads(text)
        return cls(
            members=tuple((name, member["state"]) for name, member in told["members"].items()),
            boots=tuple((name, member["boots"]) for name, member in told["members"].items()),
            cuts=tuple(tuple(cut) for cut in told["cuts"]),
            spoils=tuple((spoil[0], spoil[1], spoil[2]) for spoil in told["spoils"]),
            full=tuple(told["full"]),
            shared_disk=told["shared_disk"],
        )

    def power(self, name: str) -> str:
        """Return a member's power state: off, booting, on, frozen."""
        return dict(self.members)[name]


def all_labs() -> tuple[Lab, ...]:
    """Return this user's labs that live; what dead ones left is removed."""
    folder = places.labs_folder()
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        record = places.read_record(LabPaths(path))
        if record is not None and places.is_alive(record):
            found.append(Lab(path.name))
        elif record is not None and record.pid:
            places.remove_folder(LabPaths(path))
    return tuple(found)
