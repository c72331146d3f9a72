"""The low-level tools as programs. Only what the tool at hand needs is imported."""

import os
import sys
from importlib import import_module

from paceline.adapters.daemon_client import DaemonClient
from paceline.commands.tools import Said, Tool, ToolPorts, guard
from paceline.ports.cib_store import CibStore

INPUT_BYTES_MAX = 64 * 1024 * 1024
MODULES = {
    "crm_node": "tools_node",
    "crm_attribute": "tools_attributes",
    "crm_master": "tools_attributes",
    "attrd_updater": "tools_attributes",
    "crm_failcount": "tools_attributes",
    "crm_standby": "tools_attributes",
    "cibadmin": "tools_cib",
    "crm_verify": "tools_verify",
    "crm_mon": "tools_monitor",
    "crm_resource": "tools_resource",
    "stonith_admin": "tools_fence",
}


def main() -> int:
    """Run the tool that this program is called as."""
    return run_tool(os.path.basename(sys.argv[0]), sys.argv[1:])


def run_tool(name: str, words: list[str]) -> int:
    """Run one tool and show what it says; return its exit status."""
    if "--version" in words or "-$" in words:
        from paceline import __version__

        sys.stdout.write(f"Paceline {__version__}\n")
        return 0
    tool: Tool = getattr(import_module(f"paceline.commands.{MODULES[name]}"), name)
    daemon = DaemonClient()
    ports = ToolPorts(
        daemon=daemon,
        cib=_store(daemon, name),
        environment=os.environ,
        read_file=_read_file,
        read_input=lambda: sys.stdin.buffer.read(INPUT_BYTES_MAX),
        write_err=lambda text: print(text, file=sys.stderr, flush=True),
    )
    try:
        return _show(guard(tool, name, words, ports))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _show(said: Said) -> int:
    if said.out:
        sys.stdout.write(f"{said.out}\n")
        sys.stdout.flush()
    if said.err:
        sys.stderr.write(f"{said.err}\n")
    return said.status


def _read_file(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(INPUT_BYTES_MAX)


def _store(daemon: DaemonClient, name: str) -> CibStore:
    """Return the file that CIB_file names, or the running cluster."""
    path = os.environ.get("CIB_file")  # noqa: SIM112  # Pacemaker's tools spell it so
    if path:
        from paceline.adapters.cib_file import CibFile

        return CibFile(path, shown_path=path)
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
