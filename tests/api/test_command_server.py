"""The command line's side: words in, lines out, from a warm process that forks."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVER = """
import os, socket, sys
from paceline.api.command_server import serve_commands
if os.fork() == 0:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen()
    print("ready", flush=True)
    serve_commands(listener, {"PATH": "/usr/bin", "PACELINE_RUNTIME_DIR": "/nonexistent"})
sys.stdin.read()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    """A server in a process of its own; it ends when its parent does."""
    path = tmp_path / "api.sock"
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield path
        process.stdin.close()
        process.wait(timeout=10)


def _run(path: Path, line: bytes) -> list[dict[str, object]]:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(str(path))
        link.sendall(line + b"\n")
        with link.makefile("rb") as answers:
            return [json.loads(answer) for answer in answers]


def _words(*words: str, **more: object) -> bytes:
    return json.dumps({"words": words, "program": "pcs", "cwd": "/", **more}).encode()


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="the service serves root and haclient")


@root_only
def test_words_are_run_and_their_status_comes_last(server: Path) -> None:
    answers = _run(server, _words("resource", "standards"))
    assert "ocf" in str(answers[0]["out"])
    assert answers[-1] == {"exit": 0}


@root_only
def test_several_commands_are_served_one_after_another(server: Path) -> None:
    first = _run(server, _words("nonsense"))
    assert first[-1] == {"exit": 1}
    assert _run(server, _words("nonsense")) == first


@root_only
@pytest.mark.parametrize(
    "words", [("-f", "/etc/shadow"), ("--corosync_conf=/etc/x",), ("--corosync_c", "/etc/x")]
)
def test_what_works_on_files_is_refused(server: Path, words: tuple[str, ...]) -> None:
    answers = _run(server, _words(*words, "resource"))
    assert "has to run in place" in str(answers[0]["err"])
    assert answers[-1] == {"exit": 1}


@root_only
def test_the_clients_paths_do_not_count(server: Path) -> None:
    environment = {"PATH": "/tmp/evil", "OCF_ROOT": "/tmp/evil", "COLUMNS": "80"}
    answers = _run(server, _words("resource", "providers", environment=environment))
    assert "heartbeat" in str(answers)


def test_a_line_that_is_no_request_is_refused(server: Path) -> None:
    answers = _run(server, b"{")
    assert "not understood" in str(answers[0]["err"])
    assert answers[-1] == {"exit": 1}


@root_only
def test_low_level_tools_are_run_and_answer_with_their_own_status(server: Path) -> None:
    answers = _run(server, _words("-1", "-f", program="crm_mon"))
    assert "cluster is not currently running" in str(answers[0]["err"])
    assert answers[-1] == {"exit": 102}


@root_only
def test_low_level_tool_is_left_to_its_user_when_it_needs_a_file(server: Path) -> None:
    asked = _words("-R", "-x", "/etc/shadow", program="cibadmin")
    assert _run(server, asked) == [{"in_place": True}]
