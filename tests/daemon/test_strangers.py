"""The daemon's socket and those who may not: rights of the file, the kernel's word on who asks."""

import asyncio
import contextlib
import grp
import json
import os
import socket
import stat
from pathlib import Path

import pytest
from tests.cib.test_acl import CIB
from tests.daemon.test_server import Echo, ask, talk

from paceline.daemon.notes import NoteLog
from paceline.daemon.server import (
    CONNECTIONS_MAX,
    CONNECTIONS_OF_OTHERS_MAX,
    CONNECTIONS_OF_USER_MAX,
    SOCKET_NAME,
    bind_socket,
    find_peer,
)
from paceline.replica.events import Submitted

STRANGER = 64_999
"""A user who has no account."""

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def test_socket_has_its_rights_before_anyone_can_connect(tmp_path: Path) -> None:
    path = tmp_path / SOCKET_NAME
    before = os.umask(0)
    try:
        with bind_socket(path):
            found = path.stat()
            assert stat.S_IMODE(found.st_mode) == 0o660
            with socket.socket(socket.AF_UNIX) as early, pytest.raises(ConnectionRefusedError):
                early.connect(str(path))
    finally:
        os.umask(before)
    if os.geteuid() == 0 and _has_group("haclient"):
        assert found.st_gid == grp.getgrnam("haclient").gr_gid


def _has_group(name: str) -> bool:
    return any(each.gr_name == name for each in grp.getgrall())


def _as_stranger(folder: Path, name: str, line: bytes) -> tuple[str, bytes]:
    """Ask as a user without an account; return how it ended and what was answered."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.chdir(folder)
            os.setgroups([])
            os.setgid(STRANGER)
            os.setuid(STRANGER)
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(10)
                link.connect(name)
                with contextlib.suppress(BrokenPipeError):  # it may be refused before it speaks
                    link.sendall(line + b"\n")
                os.write(write, b"answered\0" + link.recv(4096))
        except OSError as error:
            os.write(write, type(error).__name__.encode() + b"\0")
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answers:
        how, _, said = answers.read().partition(b"\0")
    os.waitpid(pid, 0)
    return how.decode(), said


@root_only
def test_stranger_cannot_connect(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    async def say(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: NoteLog
    ) -> None:
        how, _ = await asyncio.to_thread(_as_stranger, tmp_path, SOCKET_NAME, b'{"do":"state"}')
        assert how == "PermissionError"

    talk(tmp_path, say)


@root_only
def test_stranger_is_refused_by_his_number_even_where_the_file_would_let_him_in(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o755)

    async def say(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: NoteLog
    ) -> None:
        os.chmod(tmp_path / SOCKET_NAME, 0o666)
        for line in (b'{"do":"state"}', b'{"do":"shutdown"}', b'{"do":"state","user":"root"}'):
            how, said = await asyncio.to_thread(_as_stranger, tmp_path, SOCKET_NAME, line)
            assert how == "answered"
            assert json.loads(said)["code"] == "not-permitted"

    assert not any(isinstance(event, Submitted) for event in talk(tmp_path, say).heard)


def test_we_ourselves_are_trusted() -> None:
    one, other = socket.socketpair()
    with one, other:
        peer = find_peer(one)
    assert peer is not None and peer.is_trusted


def test_members_cannot_take_the_places_of_root() -> None:
    assert CONNECTIONS_OF_USER_MAX < CONNECTIONS_OF_OTHERS_MAX < CONNECTIONS_MAX


def test_more_connections_than_there_are_places_are_closed(tmp_path: Path) -> None:
    async def say(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: NoteLog
    ) -> None:
        links = [
            await asyncio.open_unix_connection(str(tmp_path / SOCKET_NAME))
            for _ in range(CONNECTIONS_MAX)
        ]
        assert await links[-1][0].read() == b""
        assert (await ask(reader, writer, {"do": "state"}))["ok"] is True
        for _, each in links:
            each.close()

    talk(tmp_path, say)


class Guarded(Echo):
    """A replica whose configuration has access control lists."""

    configuration = CIB


def test_permissions_of_the_user_for_whom_is_asked_count(tmp_path: Path) -> None:
    async def say(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: NoteLog
    ) -> None:
        own = await ask(reader, writer, {"do": "state", "parts": ["configuration"]})
        assert "secret" in str(own["configuration"])
        bobs = await ask(reader, writer, {"do": "state", "user": "bob"})
        assert "web-port" in str(bobs["configuration"])
        assert "secret" not in str(bobs["configuration"])
        assert "status" not in bobs
        nobodys = await ask(reader, writer, {"do": "state", "user": "nobody-here"})
        assert nobodys["code"] == "not-permitted"
        change = {"do": "configure", "configuration": "<good/>", "based_on": "7", "user": "bob"}
        assert (await ask(reader, writer, change))["code"] == "not-permitted"
        late = {**change, "based_on": "6"}
        assert (await ask(reader, writer, late))["code"] == "version-moved"
        clear = {"do": "clear-history", "user": "ann"}
        assert (await ask(reader, writer, clear))["code"] == "not-permitted"
        for do in ("shutdown", "fence", "forget-node", "forget-fencing", "confirm-off"):
            asked = {"do": do, "node": "n1", "user": "ann"}
            assert (await ask(reader, writer, asked))["code"] == "not-permitted"

    heard = talk(tmp_path, say, Guarded()).heard
    assert not any(isinstance(event, Submitted) for event in heard)
