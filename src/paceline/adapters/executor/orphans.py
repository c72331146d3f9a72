"""What an earlier daemon of this boot left running: waited for, or ended, before anything else.

An agent that lives on after its daemon would finish behind the new daemon's back: probed as
stopped here, started elsewhere, and then started here as well (DESIGN 6).
"""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from paceline.adapters.executor.diagnosis import ProcessFacts, find_process, list_processes
from paceline.adapters.executor.environment import OPERATION_VARIABLE
from paceline.adapters.executor.operation_log import OpenOperation
from paceline.adapters.executor.processes import has_living_members, signal_group
from paceline.ports.clock import Clock

WAIT_SECONDS_MAX = 10.0
"""An orphan may finish by itself this long, or until its own time limit if that is nearer."""
TERM_SECONDS_MAX = 2.0
KILL_SECONDS_MAX = 2.0
POLL_SECONDS = 0.02
ENVIRONMENT_BYTES_MAX = 256 * 1024
_READ_ONLY_TASKS = frozenset({"monitor", "status", "meta-data", "validate-all", "list"})
"""These change nothing: they are ended at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Orphan:
    operation: OpenOperation
    facts: ProcessFacts


async def settle_processes(operations: tuple[OpenOperation, ...], clock: Clock) -> tuple[str, ...]:
    """Wait for or end the processes of these operations, all at once; return lines for the log."""
    orphans = find_orphans(operations)
    return tuple(await asyncio.gather(*(_settle(orphan, clock) for orphan in orphans)))


def find_orphans(operations: tuple[OpenOperation, ...]) -> tuple[_Orphan, ...]:
    """Return those of the operations whose own process is still there.

    A process is known by its pid and its start time, or, where the daemon died before it noted
    these, as the leader of a session with the operation's id in its environment and the
    operation's words. A leader that is gone has ended its operation by itself: what it left in
    its group (a service it started) is then nobody's to end.
    """
    found = []
    nameless = [one for one in operations if not one.pid and one.argv]
    for one in operations:
        facts = find_process(one.pid) if one.pid else None
        if facts and facts.start_time == one.start_time and facts.state != "Z":
            found.append(_Orphan(operation=one, facts=facts))
    if nameless:
        leaders = [facts for facts in list_processes() if facts.pid == facts.session]
        for one in nameless:
            found.extend(
                _Orphan(operation=one, facts=facts) for facts in leaders if _is_of(facts.pid, one)
            )
    return tuple(found)


def _is_of(pid: int, operation: OpenOperation) -> bool:
    words = _read(pid, "cmdline").rstrip(b"\0").split(b"\0")
    wanted = [os.fsencode(word) for word in operation.argv]
    if words[-len(wanted) :] != wanted:
        return False
    mark = os.fsencode(f"{OPERATION_VARIABLE}={operation.operation_id}")
    return mark in _read(pid, "environ").split(b"\0")


def _read(pid: int, name: str) -> bytes:
    try:
        with Path(f"/proc/{pid}/{name}").open("rb") as file:
            return file.read(ENVIRONMENT_BYTES_MAX)
    except OSError:
        return b""


async def _settle(orphan: _Orphan, clock: Clock) -> str:
    """Wait for one orphan, then TERM, then KILL; return what came of it."""
    operation, pid = orphan.operation, orphan.facts.pid
    name = f"{operation.operation_id} ({' '.join(operation.argv) or operation.task}, pid {pid})"
    if operation.task not in _READ_ONLY_TASKS:
        left_seconds = (operation.until_ms - clock.now_ms()) / 1000
        if await _is_ended_within(orphan, min(WAIT_SECONDS_MAX, max(0.0, left_seconds))):
            return f"an earlier daemon's operation finished by itself: {name}"
    for number, seconds in ((signal.SIGTERM, TERM_SECONDS_MAX), (signal.SIGKILL, KILL_SECONDS_MAX)):
        signal_group(pid, number)
        if await _is_ended_within(orphan, seconds, is_whole_group=True):
            return f"an earlier daemon's operation was ended by {number.name}: {name}"
    return f"an earlier daemon's operation outlives SIGKILL: {name}"


async def _is_ended_within(
    orphan: _Orphan, seconds: float, *, is_whole_group: bool = False
) -> bool:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        facts = find_process(orphan.facts.pid)
        is_ended = (
            facts is None or facts.start_time != orphan.facts.start_time or facts.state == "Z"
        )
        if is_ended and not (is_whole_group and has_living_members(orphan.facts.pid)):
            return True
        if loop.time() >= until:
            return False
        await asyncio.sleep(POLL_SECONDS)
