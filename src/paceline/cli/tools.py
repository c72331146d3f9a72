"""The low-level tools as programs. Only what the tool at hand needs is imported."""

import errno
import gc
import os
import sys
import time
from typing import TYPE_CHECKING, BinaryIO

from paceline.adapters.daemon_client import DaemonClient
from paceline.commands.tools import Said, ToolError, ToolPorts, guard
from paceline.commands.tools_table import is_served, load_tool
from paceline.ports.cib_store import CibStore

if TYPE_CHECKING:  # slow to load, and few tools run agents
    from paceline.ports.agents import AgentLibrary, AgentRunner
    from paceline.ports.node import Node
    from paceline.ports.peers import Peers

INPUT_BYTES_MAX = 512 * 1024 * 1024
"""Settled, 5000 resources on 32 nodes are a CIB of 80 MB."""
SENT_PREFIXES = ("OCF_RES", "PACELINE_STYLE")


GARBAGE_THRESHOLD = 100_000
"""To look for garbage takes a tool 5 of its 100 ms, and it rarely has any."""


def main() -> int:
    """Run the tool that this program is called as."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    return run_tool(os.path.basename(sys.argv[0]), sys.argv[1:])


def run_tool(name: str, words: list[str]) -> int:
    """Run one tool, once or again and again; return its exit status."""
    if name == "crm_mon":
        from paceline.cli.watching import watch_if_wanted

        status = watch_if_wanted(words, lambda: run_once(name, words))
        if status is not None:
            return status
    if name == "crm_report":
        from paceline.cli.reporting import crm_report

        return crm_report(words)
    return run_once(name, words)


def run_once(name: str, words: list[str]) -> int:
    """Run one tool and show what it says; return its exit status."""
    if "--version" in words or "-$" in words:
        from paceline import __version__

        sys.stdout.write(f"Paceline {__version__}\n")
        return 0
    if _may_be_served() and is_served(name, words):
        from paceline.cli.main import ask_service

        status = ask_service(name, words, sent_prefixes=SENT_PREFIXES)
        if status is not None:
            return status
    ports = tool_ports(DaemonClient(), name)
    try:
        return _show(guard(load_tool(name), name, words, ports))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def tool_ports(daemon: DaemonClient, name: str) -> ToolPorts:
    """Return the outside as a tool that runs in place reaches it."""
    return ToolPorts(
        daemon=daemon,
        cib=_store(daemon, name),
        environment=os.environ,
        read_file=_read_file,
        read_input=_read_input,
        write_err=lambda text: print(text, file=sys.stderr, flush=True),
        write_file=_write_file,
        remove_file=os.unlink,
        now_ms=lambda: time.time_ns() // 1_000_000,
        load_agents=_load_agents,
        load_runner=_load_runner,
        open_node=_open_node,
        open_peers=_open_peers,
        original_cib=_cluster(daemon, name) if os.environ.get("CIB_shadow") else None,  # noqa: SIM112  # Pacemaker's name
    )


def _load_agents() -> "AgentLibrary":
    from paceline.adapters.agent_metadata import InstalledAgents

    return InstalledAgents(os.environ)


def _load_runner() -> "AgentRunner":
    from paceline.adapters.agent_runs import AgentsByHand

    return AgentsByHand(os.environ)


def _open_node() -> "Node":
    from paceline.api.wiring import make_node

    return make_node(os.environ)


def _open_peers() -> "Peers":
    from paceline.api.wiring import make_peers

    return make_peers(os.environ)


def _write_file(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def _may_be_served() -> bool:
    """Say whether the service would run tools for us on the cluster: it does so for root only."""
    return os.geteuid() == 0 and not _cib_path()


def _show(said: Said) -> int:
    if said.out:
        sys.stdout.write(f"{said.out}\n")
        sys.stdout.flush()
    if said.err:
        sys.stderr.write(f"{said.err}\n")
    return said.status


def _read_file(path: str) -> bytes:
    with open(path, "rb") as file:
        return _read_all(file, path)


def _read_input() -> bytes:
    try:
        return _read_all(sys.stdin.buffer, "standard input")
    except OSError as problem:
        raise ToolError(f"cannot read standard input: {problem.strerror}") from problem


def _read_all(file: BinaryIO, name: str) -> bytes:
    """Return all of a file. Raises OSError where it is larger than is read: half would mislead."""
    size = os.fstat(file.fileno()).st_size
    content = b"" if size > INPUT_BYTES_MAX else file.read(INPUT_BYTES_MAX + 1)
    if max(size, len(content)) > INPUT_BYTES_MAX:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), name)
    return content


def _cib_path() -> str:
    """Return the file that stands for the cluster (CIB_file, CIB_shadow), "" where none does."""
    environment = os.environ
    path = environment.get("CIB_file", "")  # Pacemaker's tools spell it so
    shadow = environment.get("CIB_shadow", "")  # Pacemaker's tools spell it so
    if path or not shadow:
        return path
    from paceline.commands.tools_shadow import shadow_path

    return shadow_path(environment, shadow)


def _store(daemon: DaemonClient, name: str) -> CibStore:
    """Return the file that stands for the cluster, or the running cluster."""
    path = _cib_path()
    if path:
        from paceline.adapters.cib_file import CibFile

        return CibFile(path, shown_path=path)
    return _cluster(daemon, name)


def _cluster(daemon: DaemonClient, name: str) -> CibStore:
    from paceline.adapters.cib_live import LiveCib

    return LiveCib(daemon, user=_user(), client=name)


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


if __name__ == "__main__":
    sys.exit(main())
