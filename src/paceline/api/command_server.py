"""The command line's side of the node service: a warm process that forks for each command.

One process has everything imported, waits on the unix socket, and forks a child for each
connection. So a command starts within milliseconds, has its own memory, working folder and rights,
and nothing it leaves behind reaches the next one. It is single-threaded, so forking is safe.

A connection: one JSON line `{"words", "program", "cwd", "environment", "is_terminal"}` in; then
lines `{"out"}`, `{"err"}`, `{"ask", "secret"}` out, where each `ask` is answered by `{"answer"}`;
last `{"exit"}`, or `{"in_place"}` where a low-level tool needs something of its user's own.
"""

import contextlib
import gc
import grp
import logging
import os
import pkgutil
import pwd
import select
import signal
import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import NoReturn

import msgspec
from msgspec import Struct

from paceline.adapters.as_user import UserFiles, UserIds
from paceline.api.tool_runs import run_served_tool
from paceline.api.wiring import make_node, make_peers, make_ports
from paceline.commands.contract import Ports, UsageError
from paceline.commands.options import parse_words
from paceline.commands.run import Places, Session, run_words
from paceline.commands.table import all_commands
from paceline.commands.tools_table import MODULES as TOOLS

LOG = logging.getLogger("paceline.api")

GROUP = "haclient"
LINE_BYTES_MAX = 1 << 20
WORDS_MAX = 10_000
REQUEST_S_MAX = 10.0
ANSWER_S_MAX = 3600.0
"""How long a person may take to answer a question."""
SEND_S_MAX = 600.0
"""How long a reader may stand still (`pcs status | less`)."""
CHILDREN_MAX = 32
WARM_PACKAGES = ("paceline.model", "paceline.cib", "paceline.scheduler", "paceline.commands")
FILE_OPTIONS = frozenset({"f", "corosync_conf"})
PROGRAMS = frozenset({"pcs", "paceline"})
FROM_CLIENT = frozenset({"COLUMNS", "LANG", "LC_ALL", "TZ", "PACELINE_STYLE"})
"""What of the client's environment counts: only how things look. A path of his would let a member
of haclient run his own programs as root."""
_CREDENTIALS = struct.Struct("3i")


class CommandRequest(Struct, frozen=True, kw_only=True):
    """The words of one command."""

    words: tuple[str, ...]
    program: str = "pcs"
    cwd: str = "/"
    environment: dict[str, str] = {}
    is_terminal: bool = False


class CommandAnswer(Struct, frozen=True, kw_only=True):
    """What the user answered; None at end of input."""

    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who is at the other end of the socket, as the kernel says."""

    uid: int
    gid: int
    name: str
    groups: tuple[int, ...]

    @property
    def is_allowed(self) -> bool:
        """Say whether he may use the service: root and the members of haclient."""
        if self.uid == 0:
            return True
        try:
            return grp.getgrnam(GROUP).gr_gid in (self.gid, *self.groups)
        except KeyError:
            return False


class SocketTerminal:
    """The user's end, over the socket."""

    def __init__(self, link: socket.socket, *, is_interactive: bool) -> None:
        """Write to `link`; nobody is asked unless `is_interactive`."""
        self._link, self._is_interactive = link, is_interactive
        self._rest = b""

    def out(self, text: str) -> None:
        """Show text on standard output."""
        self.send({"out": text})

    def err(self, text: str) -> None:
        """Show text on standard error."""
        self.send({"err": text})

    def ask(self, prompt: str, *, is_secret: bool) -> str:
        """Ask, and wait for the answer. Raises UsageError at end of input."""
        self.send({"ask": prompt, "secret": is_secret})
        line = self.read_line(ANSWER_S_MAX)
        answer = msgspec.json.decode(line, type=CommandAnswer).answer if line else None
        if answer is None:
            raise UsageError("there is nobody to answer the question; give the answer as an option")
        return answer

    def send(self, record: Mapping[str, str | int | bool]) -> None:
        """Send one line. Raises OSError where the client is gone."""
        self._link.settimeout(SEND_S_MAX)
        self._link.sendall(msgspec.json.encode(record) + b"\n")

    def read_line(self, wait_s_max: float) -> bytes:
        """Return the next line; b"" where none comes."""
        self._link.settimeout(wait_s_max)
        while b"\n" not in self._rest:
            chunk = self._link.recv(1 << 16)
            if not chunk or len(self._rest) > LINE_BYTES_MAX:
                return b""
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line


def serve_commands(listener: socket.socket, environment: Mapping[str, str]) -> NoReturn:
    """Serve until the process is ended, or the service that forked it is gone. Never returns."""
    _warm_up(environment)
    service = os.getppid()
    gc.collect()
    gc.freeze()
    children = 0
    while os.getppid() == service:
        children -= _reap(wait=children >= CHILDREN_MAX)
        ready, _, _ = select.select([listener], [], [], 1.0)
        if not ready:
            continue
        try:
            link, _ = listener.accept()
        except OSError:
            continue
        pid = os.fork()
        if pid == 0:
            listener.close()
            _serve_one(link, environment)
        children += 1
        link.close()
    os._exit(1)


def _warm_up(environment: Mapping[str, str]) -> None:
    """Import everything that a command may use, so that no child has to."""
    all_commands()
    for package in WARM_PACKAGES:
        folder = import_module(package).__path__
        for found in pkgutil.iter_modules(folder, f"{package}."):
            import_module(found.name)
    make_node(environment)
    make_peers(environment)


def _reap(*, wait: bool) -> int:
    """Take the exit of children that ended; with `wait` at least of one. Return how many."""
    ended = 0
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, 0 if wait and not ended else os.WNOHANG)[0]:
            ended += 1
    return ended


def _serve_one(link: socket.socket, environment: Mapping[str, str]) -> NoReturn:
    """Serve one connection in a child process, and end the process."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    status = 1
    try:
        status = _run_one(link, environment)
    except OSError:
        # The client is gone: nobody is left to tell.
        pass
    except Exception:
        LOG.exception("a command failed")
        with contextlib.suppress(OSError):
            words = "Error: the command failed by a fault of Paceline; the node's log tells more\n"
            link.sendall(msgspec.json.encode({"err": words}) + b'\n{"exit":1}\n')
    finally:
        # No clean-up of the parent's things, and no wait for threads that watch.
        os._exit(status)


def _run_one(link: socket.socket, environment: Mapping[str, str]) -> int:
    asker = _asker(link)
    terminal = SocketTerminal(link, is_interactive=True)
    line = terminal.read_line(REQUEST_S_MAX)
    try:
        asked = msgspec.json.decode(line, type=CommandRequest)
    except msgspec.DecodeError:
        return _refuse(terminal, "the request is not understood")
    if not asker.is_allowed:
        return _refuse(terminal, f"user '{asker.name}' is neither root nor in the group '{GROUP}'")
    if asked.program in TOOLS and len(asked.words) <= WORDS_MAX:
        _end_with(link)
        last = run_served_tool(
            asked.program,
            asked.words,
            terminal,
            ours=environment,
            theirs=asked.environment,
            is_root=asker.uid == 0,
        )
        terminal.send(last)
        return 0
    if len(asked.words) > WORDS_MAX or _names_a_file(asked.words):
        return _refuse(terminal, "this command works on a file and has to run in place")
    _end_with(link)
    session = Session(
        program=asked.program if asked.program in PROGRAMS else "pcs",
        user=asker.name,
        cwd=asked.cwd,
        environment=_environment(environment, asked.environment),
        is_terminal=asked.is_terminal,
    )

    def ports_for(places: Places) -> Ports:
        ports = make_ports(places)
        if asker.uid == 0:
            return ports
        ids = UserIds(uid=asker.uid, gid=asker.gid, groups=asker.groups)
        return replace(
            ports, files=UserFiles(ports.files, ids), open_report_files=_refuse_report_files
        )

    status = run_words(asked.words, session=session, terminal=terminal, make_ports=ports_for)
    terminal.send({"exit": status})
    return status


def _names_a_file(words: Sequence[str]) -> bool:
    """Say whether a file stands for the cluster: it would be read and written with our rights."""
    try:
        given = parse_words(words).options
    except UsageError:
        return False
    return not given.keys().isdisjoint(FILE_OPTIONS)


def _refuse_report_files() -> NoReturn:
    raise UsageError("an archive is read and written by the user himself: run the command in place")


def _refuse(terminal: SocketTerminal, why: str) -> int:
    terminal.err(f"Error: {why}\n")
    terminal.send({"exit": 1})
    return 1


def _environment(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in ours.items() if name not in FROM_CLIENT}
    return {**kept, **{name: value for name, value in theirs.items() if name in FROM_CLIENT}}


def _asker(link: socket.socket) -> Asker:
    raw = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _pid, uid, gid = _CREDENTIALS.unpack(raw)
    try:
        account = pwd.getpwuid(uid)
    except KeyError:
        return Asker(uid=uid, gid=gid, name=str(uid), groups=())
    groups = tuple(os.getgrouplist(account.pw_name, account.pw_gid))
    return Asker(uid=uid, gid=gid, name=account.pw_name, groups=groups)


def _end_with(link: socket.socket) -> None:
    """End this process when the client goes away (Ctrl-C there ends the command here)."""

    def watch() -> None:
        poller = select.poll()
        poller.register(link, select.POLLRDHUP | select.POLLHUP)
        poller.poll()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
