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
_TARGETED = frozenset({"on", "off", "reboot", "status"})
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
    """Return how to run a fence agent for this task and, where it has one, target."""
    return Command(
        argv=(str(path),),
        environment={**base, OPERATION_VARIABLE: operation_id},
        timeout_ms=timeout_ms,
        name=f"{path.name}_{task}_{target or 'device'}",
        input=_input(agent_options(task, target, dict(parameters))),
    )


def agent_options(task: str, target: NodeName, parameters: dict[str, str]) -> dict[str, str]:
    """Return the options that the agent reads: its parameters, the action, and the target.

    `pcmk_<task>_action` replaces the action, `pcmk_host_map` the target's name for the device,
    `pcmk_host_argument` the option that carries it (`plug` by default; `none`: no option).
    """
    options = {
        name: value
        for name, value in parameters.items()
        if not name.startswith(CONTROL_PREFIX) and not _LINE_BREAK.search(name + value)
    }
    action = parameters.get(f"{CONTROL_PREFIX}{task}_action") or task
    options["action"] = action
    if target and task in _TARGETED:
        options["nodename"] = target
        argument = parameters.get(f"{CONTROL_PREFIX}host_argument", "plug")
        has_own = any(name in options for name in ("plug", "port", argument))
        if argument != "none" and not has_own:
            options[argument] = host_map(parameters.get(f"{CONTROL_PREFIX}host_map", "")).get(
                target, target
            )
    return options


def host_map(text: str) -> dict[str, str]:
    """Return `node:port` pairs, separated by semicolons or spaces, as a table."""
    pairs = (pair.partition(":") for pair in re.split(r"[;\s]+", text) if ":" in pair)
    return {node: port for node, _, port in pairs}


def _input(options: Mapping[str, str]) -> bytes:
    return "".join(f"{name}={value}\n" for name, value in sorted(options.items())).encode()
