"""The low-level tools (`crm_mon`, `cibadmin`, ...) run in the node service, where all is loaded.

Only for root: the daemon would take what the service asks as root's word. What needs a file, the
input or the terminal of the user is refused before anything is done, and then runs in place.
"""

import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

from paceline.adapters.agent_metadata import InstalledAgents
from paceline.adapters.cib_live import LiveCib
from paceline.adapters.daemon_client import DaemonClient
from paceline.api.wiring import make_node, make_peers
from paceline.commands.run import Terminal
from paceline.commands.tools import InPlaceError, ToolPorts, guard
from paceline.commands.tools_table import load_tool

AGENT_PREFIXES = ("OCF_RES", "PACELINE_STYLE")
"""What agents say to their tools: which resource they act for, on which node."""


def run_served_tool(
    name: str,
    words: Sequence[str],
    terminal: Terminal,
    *,
    ours: Mapping[str, str],
    theirs: Mapping[str, str],
    is_root: bool,
) -> Mapping[str, str | int | bool]:
    """Run the tool, show what it says, and return the last line of the conversation."""
    if not is_root:
        return {"in_place": True}
    daemon = DaemonClient(ours)
    asked = {key: value for key, value in theirs.items() if key.startswith(AGENT_PREFIXES)}
    ports = ToolPorts(
        daemon=daemon,
        cib=LiveCib(daemon, user="root", client=name),
        environment=asked,
        read_file=_refuse_file,
        read_input=_refuse_input,
        write_err=lambda text: terminal.err(f"{text}\n"),
        now_ms=lambda: time.time_ns() // 1_000_000,
        load_agents=lambda: InstalledAgents(ours),
        open_node=lambda: make_node(ours),
        open_peers=lambda: make_peers(ours),
    )
    try:
        said = guard(load_tool(name), name, words, ports)
    except InPlaceError:
        return {"in_place": True}
    if said.out:
        terminal.out(f"{said.out}\n")
    if said.err:
        terminal.err(f"{said.err}\n")
    return {"exit": said.status}


def _refuse_file(path: str) -> NoReturn:
    raise InPlaceError(path)


def _refuse_input() -> NoReturn:
    raise InPlaceError("the input")
