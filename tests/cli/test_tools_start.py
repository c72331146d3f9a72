"""What the tools that agents call at every monitor load: nothing that is slow to load."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

HEAVY = frozenset({"lxml", "msgspec", "dataclasses", "socket", "asyncio", "subprocess"})
CALLS = (
    "crm_node -n",
    "crm_node -l",
    "crm_attribute -l reboot -n pingd -v 100",
    "crm_attribute -p A -G",
    "crm_attribute -t status -n pingd -G",
    "crm_master -l reboot -v 100",
    "attrd_updater -n pingd -U 100 -d 5s",
    "attrd_updater -n pingd -Q",
    "crm_failcount -G -r A",
    "crmadmin -D",
    "crm_error -X 105",
)
SERVED = ("cibadmin -Q", "crm_mon -1", "crm_resource -W -r A", "crm_verify -L", "stonith_admin -L")
CODE = """
import sys
from paceline.cli import tools
name, *words = sys.argv[1:]
tools.run_tool(name, words)
print("loaded:", *sys.modules)
"""


def _loaded(call: str, folder: Path) -> set[str]:
    """Run a tool where no daemon is, and return the modules it had loaded at its end."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *call.split()],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PACELINE_RUNTIME_DIR": str(folder)},
    )
    return set(done.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize("call", CALLS)
def test_tool_loads_nothing_slow_when_an_agent_calls_it(call: str, tmp_path: Path) -> None:
    assert not _loaded(call, tmp_path) & HEAVY


@pytest.mark.skipif(os.geteuid() != 0, reason="the service runs tools for root only")
@pytest.mark.parametrize("call", SERVED)
def test_tool_loads_nothing_slow_when_the_service_runs_it(call: str, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "api.sock"))
        listener.listen()
        service = threading.Thread(target=_serve_one, args=(listener,))
        service.start()
        assert not _loaded(call, tmp_path) & HEAVY
        service.join()


def _serve_one(listener: socket.socket) -> None:
    """Answer one client as the node service does when all went well."""
    link, _ = listener.accept()
    with link:
        link.recv(1 << 16)
        link.sendall(b'{"exit":0}\n')
