"""The clocks, and the right to be this node's daemon."""

import fcntl
import os
from pathlib import Path

import pytest

from paceline.adapters.clock import DaemonLife, SystemClock
from paceline.model.errors import UnreachableError
from paceline.model.identifiers import NodeId, NodeName


def test_boot_clock_does_not_go_back() -> None:
    clock = SystemClock()
    first = clock.now_ms()
    assert clock.now_ms() >= first
    assert clock.wall_ms() > 1_700_000_000_000


def test_lives_of_one_boot_are_counted(tmp_path: Path) -> None:
    numbers = []
    for boot in ("a", "a", "b"):
        life = DaemonLife(tmp_path / "run", boot)
        numbers.append(life.incarnation)
        life.close()
    assert numbers == [1, 2, 1]


def test_second_daemon_is_refused_while_one_lives(tmp_path: Path) -> None:
    life = DaemonLife(tmp_path, "a")
    with pytest.raises(UnreachableError, match="another daemon"):
        DaemonLife(tmp_path, "a")
    life.close()
    DaemonLife(tmp_path, "a").close()


def test_lock_is_not_inherited(tmp_path: Path) -> None:
    life = DaemonLife(tmp_path, "a")
    held = [
        int(name)
        for name in os.listdir("/proc/self/fd")
        if os.path.realpath(f"/proc/self/fd/{name}") == str((tmp_path / "daemon.lock").resolve())
    ]
    assert held
    assert all(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC for fd in held)
    life.close()


def test_damaged_counter_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "incarnation").write_text("nonsense")
    life = DaemonLife(tmp_path, "a")
    assert life.incarnation == 1
    life.close()


def test_node_is_remembered_within_the_boot_until_a_clean_leave(tmp_path: Path) -> None:
    life = DaemonLife(tmp_path, "a")
    assert life.find_node() is None
    life.keep_node(NodeId(2), NodeName("worker2"))
    life.close()
    life = DaemonLife(tmp_path, "a")
    assert life.find_node() == (2, "worker2")
    life.close()
    life = DaemonLife(tmp_path, "b")
    assert life.find_node() is None, "in a new boot nothing runs"
    life.close()
    life = DaemonLife(tmp_path, "a")
    life.forget_node()
    assert life.find_node() is None
    life.close()
