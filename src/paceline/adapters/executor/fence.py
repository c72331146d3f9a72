"""Fence agents: options on standard input as `name=value`, answers by exit status and output.

Source: "Fence Agent API" (FenceAgentAPI.md of ClusterLabs/fence-agents) and the `pcmk_*`
parameters in pacemaker-fenced(7).
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from paceline.adapters.executor.environment import OPERATION_VARIABLE
from paceline.adapters.executor.processes import Command
from paceline.model.identifiers import NodeName

CONTROL_PREFIX = "pcmk_"
"""Parameters for the manager, not for the agent."""
_CONTROL_NAMES = frozenset({"priority", "provides", "stonith-timeout"})
_LINE_BREAK = re.compile(r"[\r\n]")
_AGENT_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def find_fence_agent(folders: Iterable[Path], agent_type: str) -> Path | None:
    """Return where the agent is; None where it is not installed or no name for a program."""
    if not _AGENT_NAME.fullmatch(agent_type):
        return None
    return next((f / agent_type for f in folders if (f / agent_type).is_file()), None)


def fence_command(
    path: Path,
    *,
    operation_id: str,
    task: str,
    target: NodeName,
    parameters: tuple[tuple[str, str], ...],
    timeout_ms: int,
    base: Mapping[str, str],
) -> Command:
    """Return how to run a fence agent for this task; `target` is for the diagnosis."""
    return Command(
        argv=(str(path),),
        environment={**base, OPERATION_VARIABLE: operation_id},
        timeout_ms=timeout_ms,
        name=f"{path.name}_{task}_{target or 'device'}",
        input=_input(agent_options(task, dict(parameters))),
    )


def agent_options(task: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the options that the agent reads: its own parameters and the action.

    Who fences has put the target among the parameters. Those for the manager do not go to the
    agent; `pcmk_<task>_action` replaces the action. What would be two lines is left out.
    """
    options = {
        name: value
        for name, value in parameters.items()
        if not name.startswith(CONTROL_PREFIX)
        and name not in _CONTROL_NAMES
        and not _LINE_BREAK.search(name + value)
    }
    options["action"] = parameters.get(f"{CONTROL_PREFIX}{task}_action") or task
    return options


def _input(options: Mapping[str, str]) -> bytes:
    return "".join(f"{name}={value}\n" for name, value in sorted(options.items())).encode()
