"""One process: its end, its time limit, its input."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from paceline.adapters.executor.diagnosis import DiagnosisFolder
from paceline.adapters.executor.processes import Command, Ended, RunningProcess
from paceline.adapters.executor.urgency import DAEMON_NICE, go_first


def run(folder: Path, script: str, *, timeout_ms: int = 10_000, content: bytes = b"") -> Ended:
    """Run a shell script to its end."""

    async def play() -> Ended:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Ended] = loop.create_future()
        command = Command(
            argv=("/bin/sh", "-c", script),
            environment={"PATH": "/usr/bin:/bin"},
            timeout_ms=timeout_ms,
            name="test",
            input=content,
        )
        RunningProcess(
            command,
            ended.set_result,
            loop=loop,
            diagnosis=DiagnosisFolder(folder),
            kill_after_seconds=0.2,
        )
        return await ended

    return asyncio.run(play())


def test_exit_status_and_output_are_told(tmp_path: Path) -> None:
    ended = run(tmp_path, "echo out; echo err >&2; exit 3")
    assert (ended.status, ended.signal, ended.output) == (3, 0, b"out\nerr\n")
    assert not ended.has_timed_out


def test_signal_is_told_when_one_ended_it(tmp_path: Path) -> None:
    ended = run(tmp_path, "kill -9 $$")
    assert (ended.status, ended.signal) == (-1, 9)


def test_input_is_read_to_its_end(tmp_path: Path) -> None:
    assert run(tmp_path, "cat", content=b"a=1\nb=2\n").output == b"a=1\nb=2\n"


def test_group_is_killed_when_term_is_ignored(tmp_path: Path) -> None:
    ended = run(tmp_path, "trap '' TERM; sleep 1000; sleep 1000", timeout_ms=100)
    assert ended.has_timed_out
    assert ended.is_gone
    assert ended.exec_ms < 5000


def test_sigpipe_ends_a_writer(tmp_path: Path) -> None:
    """Python ignores SIGPIPE; an agent must not inherit that."""
    assert run(tmp_path, "yes | head -1; echo done").output == b"y\ndone\n"


def test_command_keeps_secrets_out_of_its_repr() -> None:
    command = Command(
        argv=("/bin/true",), environment={"PASSWORD": "x"}, timeout_ms=1, name="n", input=b"secret"
    )
    assert "secret" not in repr(command)
    assert "PASSWORD" not in repr(command)


def test_input_is_refused_when_it_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="input"):
        run(tmp_path, "cat", content=b"x" * 70_000)


def test_processes_are_no_more_urgent_than_others_when_their_parent_is(tmp_path: Path) -> None:
    """The thread of the test would keep what it was given: a thread of its own ends with it."""
    told: list[str] = []

    def in_a_thread() -> None:
        if go_first():
            look = "for i in 1 2 3 4 5 6 7 8 9; do [ $(nice) = 0 ] || sleep 0.5; done; nice"
            told.append(run(tmp_path, look).output.decode().strip())
            told.append(str(os.getpriority(os.PRIO_PROCESS, 0)))

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    if not told:
        pytest.skip("nobody may go first here")
    assert told == ["0", str(DAEMON_NICE)]
