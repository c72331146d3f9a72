"""The environment of agents: nothing of the daemon's own but what is named here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED_PREFIXES = ("PACELINE_",)
_PASSED = ("TZ",)
OPERATION_VARIABLE = "PACELINE_OPERATION_ID"
"""Names the operation to what it starts: an orphan can be told from a stranger by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFolders:
    """Where things are for agents, and what of ours stands first in their PATH."""

    tools: Path
    """Holds `crm_attribute`, `crm_node`, ... for agents that call them."""
    ocf_root: Path = Path("/usr/lib/ocf")
    lsb: Path = Path("/etc/init.d")
    fence: tuple[Path, ...] = (Path("/usr/sbin"), Path("/sbin"), Path("/usr/local/sbin"))
    runtime: Path = Path("/run/paceline")
    diagnosis: Path = Path("/var/log/paceline/diagnosis")
    secrets: Path = Path("/var/lib/paceline/cluster/secrets")
    systemd: Path = Path("/run/systemd/system")
    """Where systemd keeps what is only for this boot; it exists where systemd is pid 1."""


def base_environment(folders: AgentFolders, own: Mapping[str, str]) -> dict[str, str]:
    """Return what every agent gets: PATH with our tools first, and what is passed on of `own`."""
    passed = {
        name: value
        for name, value in sorted(own.items())
        if name.startswith(_PASSED_PREFIXES) or name in _PASSED
    }
    return {
        **passed,
        "PATH": f"{folders.tools}{os.pathsep}{SYSTEM_PATH}",
        "LC_ALL": "C",
        "HOME": "/root",
    }
