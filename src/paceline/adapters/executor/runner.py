"""The runner: one run of one agent, of whichever class, to one answer."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from paceline.adapters.executor.diagnosis import DiagnosisFolder, find_process
from paceline.adapters.executor.environment import AgentFolders, base_environment
from paceline.adapters.executor.fence import CONTROL_PREFIX, fence_command, find_fence_agent
from paceline.adapters.executor.lsb import lsb_command
from paceline.adapters.executor.ocf import agent_path, ocf_command
from paceline.adapters.executor.operation_log import (
    OpenOperation,
    OperationLog,
    read_open_operations,
)
from paceline.adapters.executor.orphans import settle_processes
from paceline.adapters.executor.processes import (
    Command,
    Ended,
    RunningProcess,
    keep_descriptors_ours,
)
from paceline.adapters.executor.results import (
    Answer,
    answer_of_fence_agent,
    answer_of_process,
    not_installed,
    not_run,
    not_runnable_here,
)
from paceline.adapters.executor.service import resolve_service
from paceline.adapters.executor.started import StartedBook
from paceline.adapters.executor.systemd import SystemdUnits
from paceline.adapters.secret_values import (
    MissingSecretError,
    Pairs,
    with_secret_values,
    without_secrets,
)
from paceline.model.durations import parse_duration_ms
from paceline.model.identifiers import NodeId, NodeName, ResourceId
from paceline.model.operation import FenceOperation, Operation
from paceline.model.plan import Agent
from paceline.model.status import OperationOutcome
from paceline.ports.clock import Clock
from paceline.replica.identity import Started

OPERATIONS_FOLDER = "operations"
STARTED_FOLDER = "started"
ORPHANED_JOB_SECONDS_MAX = 10.0
_NOT_RUNNING = 7
_MONITOR_TASKS = frozenset({"monitor", "status"})
AnswerHandler = Callable[[Answer], None]


class AgentRunner:
    """Runs agents; every run is noted in /run before it begins and after its end.

    Each `on_answer` is called exactly once, later, from the loop.
    """

    def __init__(
        self,
        *,
        folders: AgentFolders,
        clock: Clock,
        incarnation: int,
        node_id: NodeId,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Open this life's log. Raises OSError: without it no orphan could be found again."""
        keep_descriptors_ours()
        self._folders = folders
        self._clock = clock
        self._node_id = node_id
        self._loop = loop
        self._base = base_environment(folders, os.environ)
        self._diagnosis = DiagnosisFolder(folders.diagnosis)
        self._systemd = SystemdUnits(folders.systemd)
        self._devices: set[ResourceId] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        operations = folders.runtime / OPERATIONS_FOLDER
        self._old_logs, self._old_operations = read_open_operations(operations)
        self._log = OperationLog(operations, incarnation)
        self._started = StartedBook(folders.runtime / STARTED_FOLDER)

    async def settle_orphans(self) -> tuple[str, ...]:
        """End or wait for everything that an earlier daemon of this boot began; once."""
        with_process = tuple(one for one in self._old_operations if not one.unit)
        with_unit = tuple(one for one in self._old_operations if one.unit)
        jobs = asyncio.gather(
            *(
                self._systemd.settle(one.unit, wait_seconds=ORPHANED_JOB_SECONDS_MAX)
                for one in with_unit
            )
        )
        processes = await settle_processes(with_process, self._clock)
        units = await jobs
        for path in self._old_logs:
            path.unlink(missing_ok=True)
        self._old_logs, self._old_operations = (), ()
        return (*processes, *units)

    def run(self, operation: Operation, on_answer: AnswerHandler) -> None:
        """Run the agent of an operation once; a resource is stopped as it was started."""
        agent = operation.action.agent
        if agent is None:
            self._later(on_answer, not_run("the operation names no agent"))
            return
        if agent.agent_class == "stonith":
            self._run_device(operation, agent.agent_type, on_answer)
            return
        try:
            self._started.begins(operation.action)
        except OSError as error:
            self._later(on_answer, self._no_room(error))
            return

        def answered(answer: Answer) -> None:
            with contextlib.suppress(OSError):  # then it is stopped as it was noted before
                self._started.ended(operation.action, answer.outcome, answer.rc)
            on_answer(answer)

        self._run_agent(self._started.as_started(operation), agent, answered)

    def started(self) -> tuple[Started, ...]:
        """Return what this boot has started and not stopped since."""
        return self._started.started()

    def _no_room(self, error: OSError) -> Answer:
        return not_run(f"cannot note the operation in {self._folders.runtime}: {error}")

    def _run_agent(self, operation: Operation, agent: Agent, on_answer: AnswerHandler) -> None:
        action = operation.action
        try:
            parameters = self._with_secrets(action.resource, action.task, action.parameters)
        except MissingSecretError as problem:
            self._later(on_answer, not_runnable_here(str(problem)))
            return
        action = msgspec.structs.replace(action, parameters=parameters)
        operation = msgspec.structs.replace(operation, action=action)
        agent_class = agent.agent_class
        if agent_class == "service":
            agent_class = resolve_service(
                agent.agent_type, self._folders.lsb, self._folders.systemd
            )
        match agent_class:
            case "ocf":
                self._run_ocf(operation, agent, on_answer)
            case "lsb":
                self._run_lsb(operation, agent, on_answer)
            case "systemd":
                self._spawn_task(self._run_unit(operation, agent.agent_type, on_answer))
            case _:
                self._later(on_answer, not_run(f"there are no agents of class '{agent_class}'"))

    def fence(self, operation: FenceOperation, on_answer: AnswerHandler) -> None:
        """Run a fence agent against its target."""
        self._run_fence_agent(
            operation.agent_type,
            device=operation.device,
            operation_id=operation.operation_id,
            task=operation.task,
            target=operation.target,
            parameters=operation.parameters,
            timeout_ms=operation.timeout_ms,
            on_answer=on_answer,
        )

    def _with_secrets(self, resource: ResourceId, task: str, parameters: Pairs) -> Pairs:
        """Put the secrets in. A stop does without those that are missing: it has to be tried."""
        try:
            return with_secret_values(self._folders.secrets, resource, parameters)
        except MissingSecretError:
            if task != "stop":
                raise
            return without_secrets(parameters)

    async def close(self, *, wait_ms_max: int) -> None:
        """Wait for what runs, at most this long; agents are not ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_ms_max / 1000):
                await asyncio.gather(*self._tasks)
                await self._idle.wait()
        self._systemd.close()
        self._log.close()

    # The classes

    def _run_ocf(self, operation: Operation, agent: Agent, on_answer: AnswerHandler) -> None:
        root = self._folders.ocf_root
        path = agent_path(root, agent.provider, agent.agent_type)
        if not _is_program(path):
            name = f"agent ocf:{agent.provider}:{agent.agent_type}"
            self._later(on_answer, not_installed(name))
            return
        command = ocf_command(operation, root, self._base, node_id=self._node_id)
        self._run_command(operation, command, on_answer, is_lsb=False)

    def _run_lsb(self, operation: Operation, agent: Agent, on_answer: AnswerHandler) -> None:
        if not _is_program(self._folders.lsb / agent.agent_type):
            self._later(on_answer, not_installed(f"init script {agent.agent_type}"))
            return
        command = lsb_command(operation, self._folders.lsb, self._base)
        self._run_command(operation, command, on_answer, is_lsb=True)

    def _run_command(
        self, operation: Operation, command: Command, on_answer: AnswerHandler, *, is_lsb: bool
    ) -> None:
        task, timeout_ms = operation.action.task, operation.action.timeout_ms

        def ended(how: Ended) -> None:
            on_answer(answer_of_process(how, task=task, timeout_ms=timeout_ms, is_lsb=is_lsb))

        self._start(operation.operation_id, task, command, ended, on_answer)

    async def _run_unit(self, operation: Operation, unit: str, on_answer: AnswerHandler) -> None:
        action, began = operation.action, self._loop.time()
        noted = OpenOperation(
            operation_id=operation.operation_id,
            unit=unit,
            task=action.task,
            until_ms=self._clock.now_ms() + action.timeout_ms,
        )
        try:
            self._log.begun(noted)
        except OSError as error:
            on_answer(self._no_room(error))
            return
        answer = await self._systemd.run(unit, action.task, timeout_ms=action.timeout_ms)
        if answer.outcome is not OperationOutcome.UNKNOWN:
            self._log.ended(operation.operation_id)
        on_answer(
            Answer(
                outcome=answer.outcome,
                rc=answer.rc,
                exit_reason=answer.reason,
                exec_ms=round((self._loop.time() - began) * 1000),
            )
        )

    def _run_device(self, operation: Operation, agent_type: str, on_answer: AnswerHandler) -> None:
        """Run a fence device as a resource: it is active where it is registered.

        A start asks the device first; a probe only looks; a recurring monitor asks again.
        """
        action = operation.action
        resource = action.resource
        done = Answer(outcome=OperationOutcome.DONE, rc=0)
        if action.task == "stop":
            self._devices.discard(resource)
            self._later(on_answer, done)
            return
        if action.task in _MONITOR_TASKS and resource not in self._devices:
            self._later(on_answer, Answer(outcome=OperationOutcome.DONE, rc=_NOT_RUNNING))
            return
        if action.task in _MONITOR_TASKS and not action.interval_ms:
            self._later(on_answer, done)
            return

        def asked(answer: Answer) -> None:
            if action.task == "start" and answer.outcome is OperationOutcome.DONE and not answer.rc:
                self._devices.add(resource)
            on_answer(answer)

        self._run_fence_agent(
            agent_type,
            device=resource,
            operation_id=operation.operation_id,
            task="monitor",
            target=NodeName(""),
            parameters=action.parameters,
            timeout_ms=action.timeout_ms,
            on_answer=asked,
        )

    def _run_fence_agent(
        self,
        agent_type: str,
        *,
        device: ResourceId,
        operation_id: str,
        task: str,
        target: NodeName,
        parameters: tuple[tuple[str, str], ...],
        timeout_ms: int,
        on_answer: AnswerHandler,
    ) -> None:
        path = find_fence_agent(self._folders.fence, agent_type)
        if path is None:
            self._later(on_answer, not_installed(f"fence agent {agent_type}"))
            return
        try:
            parameters = self._with_secrets(device, task, parameters)
        except MissingSecretError as problem:
            self._later(on_answer, not_run(str(problem)))
            return
        own_limit = dict(parameters).get(f"{CONTROL_PREFIX}{task}_timeout", "")
        command = fence_command(
            path,
            operation_id=operation_id,
            task=task,
            target=target,
            parameters=parameters,
            timeout_ms=_duration_ms(own_limit, timeout_ms),
            base=self._base,
        )

        def ended(how: Ended) -> None:
            on_answer(answer_of_fence_agent(how, timeout_ms=command.timeout_ms))

        self._start(operation_id, task, command, ended, on_answer)

    # Processes

    def _start(
        self,
        operation_id: str,
        task: str,
        command: Command,
        on_end: Callable[[Ended], None],
        on_failure: AnswerHandler,
    ) -> None:
        """Start a process, noted in /run before and after; one of the two is called, once."""

        def ended(how: Ended) -> None:
            self._running -= 1
            if not self._running:
                self._idle.set()
            if how.is_gone:
                self._log.ended(operation_id)
            on_end(how)

        noted = OpenOperation(
            operation_id=operation_id,
            argv=command.argv,
            task=task,
            until_ms=self._clock.now_ms() + command.timeout_ms,
        )
        try:
            self._log.begun(noted)
            process = RunningProcess(command, ended, loop=self._loop, diagnosis=self._diagnosis)
        except (OSError, ValueError) as error:
            self._log.ended(operation_id)
            self._later(on_failure, not_run(f"cannot run {command.argv[0]}: {error}"))
            return
        self._running += 1
        self._idle.clear()
        facts = find_process(process.pid)
        self._log.spawned(operation_id, process.pid, facts.start_time if facts else 0)

    def _later(self, on_answer: AnswerHandler, answer: Answer) -> None:
        self._loop.call_soon(on_answer, answer)

    def _spawn_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_program(path: Path) -> bool:
    return os.access(path, os.X_OK) and not path.is_dir()


def _duration_ms(text: str, otherwise_ms: int) -> int:
    """Return the duration that a device parameter says, where it says one."""
    try:
        return parse_duration_ms(text) if text else otherwise_ms
    except ValueError:
        return otherwise_ms
