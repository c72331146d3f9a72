"""The small programs laid over /usr/sbin in the nodes: the product's own and the lab's."""

import sys
import tomllib
from importlib import metadata
from pathlib import Path

_PACKAGE = "paceline"
_SOURCE = Path(__file__).resolve().parents[2]
_AGENTS = {"Witness": "witness_agent.sh", "Stateful": "stateful_agent.sh"}
"""The lab's own OCF agents: name to file beside this module."""

# name -> module with a `main() -> int`. Standard library only: they start without site packages.
_LAB_PROGRAMS = {
    "paceline-lab-init": "paceline.lab.init",
    "systemctl": "paceline.lab.systemctl",
    "reboot": "paceline.lab.systemctl",
    "poweroff": "paceline.lab.systemctl",
    "halt": "paceline.lab.systemctl",
    "shutdown": "paceline.lab.systemctl",
    "fence_lab": "paceline.lab.fence",
}


def product_programs() -> dict[str, str]:
    """Return the product's programs, name to `module:function`.

    A checkout's pyproject.toml is newer than what was installed from it.
    """
    project = _SOURCE.parent / "pyproject.toml"
    if project.is_file():
        table = tomllib.loads(project.read_text(encoding="utf-8"))
        declared = table.get("project", {}).get("scripts", {})
        return {str(name): str(target) for name, target in declared.items()}
    try:
        points = metadata.distribution(_PACKAGE).entry_points
    except metadata.PackageNotFoundError:
        return {}
    return {point.name: point.value for point in points if point.group == "console_scripts"}


def write_programs(folder: Path) -> None:
    """Write every program into `folder`, which is made."""
    folder.mkdir(parents=True)
    for name, module in _LAB_PROGRAMS.items():
        _write(folder / name, flags="-IS", module=module, function="main")
    for name, target in product_programs().items():
        module, _, function = target.partition(":")
        _write(folder / name, flags="-I", module=module, function=function)


def write_agents(folder: Path) -> None:
    """Write the lab's own OCF agents into `folder`, which is made, below the provider `lab`."""
    provider = folder / "lab"
    provider.mkdir(parents=True)
    for name, source in _AGENTS.items():
        agent = provider / name
        agent.write_bytes(Path(__file__).with_name(source).read_bytes())
        agent.chmod(0o755)


def _write(file: Path, *, flags: str, module: str, function: str) -> None:
    file.write_text(
        f"#!{sys.executable} {flags}\n"
        "import sys\n"
        f"sys.path.insert(0, {str(_SOURCE)!r})\n"
        f"from {module} import {function}\n"
        f"sys.exit({function}())\n"
    )
    file.chmod(0o755)
