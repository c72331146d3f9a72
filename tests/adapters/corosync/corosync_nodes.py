"""Nodes with a real Corosync each: namespaces by bubblewrap, joined by one cable. Needs root."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WAIT_SECONDS_MAX = 30.0
TOKEN_MS = 500
SOURCE = Path(__file__).parents[3] / "src"
PROGRAM = Path(__file__).with_name("node_program.py")
_CONFIGURATION = """\
totem {{
    version: 2
    cluster_name: test
    transport: knet
    token: {token}
    token_coefficient: 0
    crypto_cipher: none
    crypto_hash: none
}}
nodelist {{
{nodes}
}}
quorum {{
    provider: corosync_votequorum
    two_node: {two_node}
    wait_for_all: 0
}}
logging {{
    to_syslog: no
    to_logfile: yes
    logfile: /var/log/corosync/corosync.log
}}
system {{
    sched_rr: no
    move_to_root_cgroup: no
    allow_knet_handle_fallback: yes
}}
"""


def can_run() -> bool:
    """Say whether such nodes can be made here."""
    return os.geteuid() == 0 and bool(shutil.which("corosync")) and bool(shutil.which("bwrap"))


class Node:
    """One node: its namespaces, its Corosync, and a program with an engine."""

    def __init__(self, folder: Path, number: int) -> None:
        """Make the namespaces; nothing runs in them yet but their first process."""
        self.number = number
        self.name = f"node{number}"
        for name in ("etc", "lib", "log"):
            (folder / name).mkdir(parents=True)
        self.folder = folder
        read_end, write_end = os.pipe()
        self._holder = subprocess.Popen(
            [
                "bwrap", "--unshare-net", "--unshare-pid", "--unshare-uts", "--unshare-ipc",
                "--hostname", self.name, "--dev-bind", "/", "/", "--proc", "/proc",
                "--bind", str(folder / "etc"), "/etc/corosync",
                "--bind", str(folder / "lib"), "/var/lib/corosync",
                "--bind", str(folder / "log"), "/var/log/corosync",
                "--tmpfs", "/run", "--tmpfs", "/dev/shm", "--cap-add", "ALL",
                "--die-with-parent", "--info-fd", str(write_end), "sleep", "infinity",
            ],
            pass_fds=[write_end],
        )  # fmt: skip
        os.close(write_end)
        with os.fdopen(read_end) as info:
            self.pid = int(json.load(info)["child-pid"])
        self._corosync: subprocess.Popen[bytes] | None = None
        self.program: subprocess.Popen[str] | None = None
        self.events: list[dict[str, Any]] = []

    def enter(self, *words: str) -> list[str]:
        """Return the words that run a command in the node."""
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-u", "-i", "-p", *words]

    def run(self, *words: str) -> str:
        """Run a command in the node; return what it printed."""
        done = subprocess.run(self.enter(*words), capture_output=True, text=True, check=True)
        return done.stdout

    def start_corosync(self) -> None:
        """Start Corosync."""
        self._corosync = subprocess.Popen(
            self.enter("corosync", "-f"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill_corosync(self) -> None:
        """End Corosync at once, and wait until it is gone."""
        self.run("sh", "-c", "kill -9 $(pidof corosync)")
        if self._corosync is not None:
            self._corosync.wait()

    def start_program(self) -> None:
        """Start the program with the engine."""
        self.events = []
        self.program = subprocess.Popen(
            self.enter("env", f"PYTHONPATH={SOURCE}", sys.executable, str(PROGRAM)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        assert self.program.stdout is not None
        os.set_blocking(self.program.stdout.fileno(), False)
        self._rest = ""

    def kill_program(self) -> None:
        """End the program at once."""
        assert self.program is not None
        self.run("pkill", "-9", "-f", PROGRAM.name)
        self.program.wait()

    def say(self, line: str) -> None:
        """Give the program a line of input."""
        assert self.program is not None and self.program.stdin is not None
        self.program.stdin.write(line + "\n")
        self.program.stdin.flush()

    def take(self) -> None:
        """Take what the program printed."""
        assert self.program is not None and self.program.stdout is not None
        while chunk := _read(self.program.stdout.fileno()):
            self._rest += chunk
        *lines, self._rest = self._rest.split("\n")
        self.events.extend(json.loads(line) for line in lines if line)

    def entries(self) -> list[str]:
        """Return what was delivered, in order, with its sender."""
        return [f"{e['from']}:{e['entry']}" for e in self.events if e["event"] == "Delivered"]

    def texts(self, name: str) -> list[str]:
        """Return the events of this name."""
        return [event["text"] for event in self.events if event["event"] == name]

    def close(self) -> None:
        """End everything in the node."""
        os.kill(self.pid, signal.SIGKILL)
        self._holder.wait()
        for process in (self._corosync, self.program):
            if process is not None:
                process.kill()
                process.wait()


def _read(descriptor: int) -> str:
    try:
        return os.read(descriptor, 1 << 20).decode()
    except BlockingIOError:
        return ""


class Nodes:
    """One or two nodes with a cable."""

    def __init__(self, nodes: list[Node]) -> None:
        """Hold these nodes."""
        self.nodes = nodes

    def wait(self, condition: Callable[[], bool]) -> None:
        """Take what the programs print until the condition holds."""
        until = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < until:
            for node in self.nodes:
                if node.program is not None and node.program.poll() is None:
                    node.take()
            if condition():
                return
            time.sleep(0.005)
        raise AssertionError([node.events[-5:] for node in self.nodes])

    def close(self) -> None:
        """End all nodes."""
        for node in self.nodes:
            node.close()


def make_nodes(folder: Path, count: int) -> Nodes:
    """Return running nodes that are in one group."""
    nodes = Nodes([Node(folder / f"n{number}", number) for number in range(1, count + 1)])
    entries = []
    for node in nodes.nodes:
        node.run("ip", "link", "set", "lo", "up")
        entries.append(
            f"    node {{\n        ring0_addr: 10.9.9.{node.number}\n"
            f"        name: {node.name}\n        nodeid: {node.number}\n    }}"
        )
    first = nodes.nodes[0]
    if count == 2:
        # The peer's namespace is named by its first process as the host sees it, so from outside.
        subprocess.run(
            ["nsenter", "-t", str(first.pid), "-n", "ip", "link", "add", "eth0", "type", "veth",
             "peer", "name", "eth0", "netns", str(nodes.nodes[1].pid)], check=True,
        )  # fmt: skip
    else:
        first.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    for node in nodes.nodes:
        node.run("ip", "address", "add", f"10.9.9.{node.number}/24", "dev", "eth0")
        node.run("ip", "link", "set", "eth0", "up")
        text = _CONFIGURATION.format(
            token=TOKEN_MS, nodes="\n".join(entries), two_node=int(count == 2)
        )
        (node.folder / "etc" / "corosync.conf").write_text(text)
        node.start_corosync()
        node.start_program()
    nodes.wait(lambda: all(member_count(node) == count for node in nodes.nodes))
    return nodes


def member_count(node: Node) -> int:
    """Return how many members the node's newest group has."""
    groups = node.texts("GroupChanged")
    if not groups:
        return 0
    return groups[-1].partition(", joined=")[0].count("MemberAddress(")
