"""The command line's socket and those who may not use it."""

import json
import os
import socket
import stat
from pathlib import Path

import pytest
from tests.api.test_command_server import server as server
from tests.daemon.test_strangers import _as_stranger

from paceline.adapters.node_paths import NodePaths
from paceline.api.command_server import Asker
from paceline.api.main import _listen

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def test_socket_is_for_root_and_the_group_only(tmp_path: Path) -> None:
    paths = NodePaths(
        state=tmp_path,
        runtime=tmp_path / "run",
        corosync=tmp_path,
        uidgid=tmp_path / "uidgid.d",
        booth=tmp_path / "booth",
        sbd_config=tmp_path / "etc" / "sbd",
    )
    before = os.umask(0)
    try:
        with _listen(paths):
            mode = stat.S_IMODE(paths.command_socket.stat().st_mode)
    finally:
        os.umask(before)
    assert mode in (0o600, 0o660)


def test_user_outside_of_the_group_is_not_allowed() -> None:
    assert Asker(uid=0, gid=0, name="root", groups=()).is_allowed
    assert not Asker(uid=64_999, gid=64_999, name="64999", groups=()).is_allowed


@root_only
def test_stranger_is_refused_even_where_the_file_would_let_him_in(
    server: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    server.chmod(0o666)
    line = json.dumps({"words": ["resource", "standards"]}).encode()
    how, said = _as_stranger(tmp_path, server.name, line)
    assert how == "answered"
    assert b"neither root nor in the group" in said
    assert b"ocf" not in said


@root_only
def test_line_without_end_is_not_kept_beyond_its_limit(server: Path) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(20)
        link.connect(str(server))
        try:
            for _ in range(64):
                link.sendall(b"x" * (1 << 16))
        except OSError:
            return
        assert b'"exit":1' in link.recv(1 << 16)
