"""The command line's half of the conformance run: the kit's own oracle against this checkout.

The oracle starts one process per command. So that a run takes seconds, each of them only hands its
words to a server here that forks a warm interpreter, which runs them in place as `pcs` would.
"""

import contextlib
import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import traceback
from importlib import import_module
from pathlib import Path

CLIENT = """#!{python} -SE
import _socket, json, os, sys
link = _socket.socket(1, 1)
link.connect({address!r})
words = {{"words": sys.argv[1:], "cwd": os.getcwd(), "environment": dict(os.environ)}}
link.sendall(json.dumps(words).encode() + b"\\n")
answer = b""
while chunk := link.recv(1 << 16):
    answer += chunk
status, out, err = json.loads(answer)
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(status)
"""
BACKLOG = 64
STEPS = (
    ("exit status and state (0.11)", "rc,state", "0.11"),
    ("exit status (0.9)", "rc", "0.9"),
    ("stdout (0.11)", "stdout", "0.11"),
    ("stderr (0.11)", "stderr", "0.11"),
)
"""What is compared, in which fields, for which dialect."""


def run(kit: Path, failures: int) -> int:
    """Print the share of commands that agree, and those that do not; 0 where the kit is missing."""
    if not (kit / "diff_cli.py").exists():
        print("The command line's conformance kit is not here; nothing to compare.")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        subprocess.run([sys.executable, str(kit / "agents" / "make_root.py"), scratch], check=True)
        server = _start_server(folder)
        try:
            _compare(kit, folder, failures)
        finally:
            os.kill(server, signal.SIGTERM)
            os.waitpid(server, 0)
    return 0


def _compare(kit: Path, folder: Path, failures: int) -> None:
    scenarios = sorted(str(path) for path in (kit / "scenarios").glob("*.scn"))
    environment = {
        **os.environ,
        "PATH": f"{os.environ['PATH']}:{folder / 'sbin'}",
        "PACELINE_CACHE_DIR": str(folder / "cache"),
    }
    for title, fields, dialect in STEPS:
        command = [
            sys.executable, str(kit / "diff_cli.py"), "check", "--candidate", str(folder / "pcs"),
            "--require", fields, "--dialect", dialect, "--min", "0", *scenarios,
        ]  # fmt: skip
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        agree = re.search(r"agree in .*?: (\S+ \(.*?\))", done.stdout)
        print(f"{title:32s} {agree[1] if agree else done.stderr.strip()}")
        differing = re.findall(r"^--- (?!state|stdout|stderr)(.*)$", done.stdout, re.M)
        for line in differing[:failures]:
            print(f"    {line}")


def _start_server(folder: Path) -> int:
    """Fork the server, write the client beside its socket, and return the server's pid."""
    address = str(folder / "socket")
    client = folder / "pcs"
    client.write_text(CLIENT.format(python=sys.executable, address=address))
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(BACKLOG)
    pid = os.fork()
    if pid == 0:
        _serve(listener)
    listener.close()
    return pid


def _serve(listener: socket.socket) -> None:
    """Answer for ever: each request in a process of its own."""
    from paceline.commands.table import all_commands

    import_module("paceline.cli.local")
    all_commands()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        link, _address = listener.accept()
        if os.fork() == 0:
            _answer(link)
            os._exit(0)
        link.close()


def _answer(link: socket.socket) -> None:
    from paceline.cli.local import run_locally

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked = json.loads(link.makefile().readline())
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = run_locally("pcs", asked["words"])
        except Exception:
            traceback.print_exc()
            status = 99
    link.sendall(json.dumps([status, out.getvalue(), err.getvalue()]).encode())
