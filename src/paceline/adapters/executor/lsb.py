"""LSB init scripts: the command, and what their answers mean in OCF's numbers.

Source: Linux Standard Base Core 5.0, section 22.2 "Init Script Actions".
"""

from collections.abc import Mapping
from pathlib import Path

from paceline.adapters.executor.environment import OPERATION_VARIABLE
from paceline.adapters.executor.processes import Command
from paceline.model.operation import Operation

_NOT_RUNNING = 7
_GENERIC = 1
_STATUS_MEANINGS = {0: 0, 1: _NOT_RUNNING, 2: _NOT_RUNNING, 3: _NOT_RUNNING}
"""`status`: running; dead with a pid file; dead with a lock file; stopped. Others: unknown."""
_ACTION_CODES = range(8)
"""Other actions use the numbers that OCF took over."""
_PROBE_TASKS = frozenset({"monitor", "status"})


def lsb_command(operation: Operation, folder: Path, base: Mapping[str, str]) -> Command:
    """Return how to run this operation's init script."""
    action = operation.action
    if action.agent is None:
        raise ValueError(f"operation {operation.operation_id} names no agent")
    task = "status" if action.task in _PROBE_TASKS else action.task
    return Command(
        argv=(str(folder / action.agent.agent_type), task),
        environment={**base, OPERATION_VARIABLE: operation.operation_id},
        timeout_ms=action.timeout_ms,
        name=f"{action.resource}_{action.task}_{action.interval_ms}",
    )


def ocf_status(task: str, status: int) -> int:
    """Return the OCF exit status for an init script's."""
    if task in _PROBE_TASKS:
        return _STATUS_MEANINGS.get(status, _GENERIC)
    return status if status in _ACTION_CODES else _GENERIC
