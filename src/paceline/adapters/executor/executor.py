"""The executor: this node's operations in turn, and what is said of them."""

import asyncio
import os
from collections import deque
from collections.abc import Callable

from paceline.adapters.executor.environment import AgentFolders
from paceline.adapters.executor.lanes import Lanes, Turn
from paceline.adapters.executor.recurring import Recurring, RecurringKey, wait_ms
from paceline.adapters.executor.results import Answer, operation_result
from paceline.adapters.executor.runner import AgentRunner
from paceline.model.identifiers import NodeId, ResourceId
from paceline.model.operation import FenceOperation, FenceResult, Operation
from paceline.model.status import OperationOutcome
from paceline.ports.clock import Clock
from paceline.ports.executor import ExecutorEventHandler
from paceline.replica.events import FenceDelayOver, FenceFinished, OperationFinished
from paceline.replica.identity import Started

SLOTS_PER_CORE = 4
SLOTS_MIN = 8
BEGIN_SECONDS_MAX = 0.01
"""How long processes are started before the loop turns: each start waits until its program is
loaded, some milliseconds where the processors are busy."""


class AgentExecutor:
    """Runs agents of all classes on one asyncio loop; see `ports.executor.Executor`.

    one-time:  asked --turn--> running --answer--> said
    recurring: asked --turn--> running --answer--> said if new --next place--> asked ...
               any --cancelled--> a run under way ends unsaid
    """

    def __init__(
        self,
        handler: ExecutorEventHandler,
        *,
        folders: AgentFolders,
        clock: Clock,
        incarnation: int,
        node_id: NodeId = NodeId(0),  # noqa: B008  # a number, by another name
        loop: asyncio.AbstractEventLoop | None = None,
        slots: int = 0,
    ) -> None:
        """Give events to `handler`. `slots` operations run at once (0: by the number of cores).

        Raises OSError where the runtime folder cannot be used.
        """
        self._handler = handler
        self._clock = clock
        self._loop = loop or asyncio.get_running_loop()
        slots = slots or max(SLOTS_MIN, SLOTS_PER_CORE * (os.cpu_count() or 1))
        self._lanes = Lanes(slots=slots, reserved=max(1, slots // 4))
        self._runner = AgentRunner(
            folders=folders, clock=clock, incarnation=incarnation, node_id=node_id, loop=self._loop
        )
        self._recurring: dict[RecurringKey, Recurring] = {}
        self._is_closing = False
        self._beginning: deque[Callable[[], None]] = deque()

    async def settle_orphans(self) -> tuple[str, ...]:
        """End or wait for everything that an earlier daemon of this boot began; once."""
        return await self._runner.settle_orphans()

    def started(self) -> tuple[Started, ...]:
        """Return what this boot has started and not stopped since."""
        return self._runner.started()

    def execute(self, operation: Operation) -> None:
        """Begin an operation as soon as its resource and the limit of concurrent ones allow."""
        action = operation.action
        wait = action.start_delay_ms + operation.first_after_ms
        if action.task == "cancel":
            self.cancel_recurring(action.resource, action.cancels, action.interval_ms)
            self._loop.call_soon(self._say_cancelled, operation)
        elif action.interval_ms:
            recurring = Recurring(operation)
            self.cancel_recurring(*recurring.key)
            self._recurring[recurring.key] = recurring
            self._loop.call_later(wait / 1000, self._ask_recurring, recurring)
        elif wait:
            self._loop.call_later(wait / 1000, self._ask_once, operation)
        else:
            self._ask_once(operation)

    def cancel_recurring(self, resource: ResourceId, task: str, interval_ms: int) -> None:
        """End a recurring operation; a run under way is let finish and not reported."""
        recurring = self._recurring.pop((resource, task, interval_ms), None)
        if recurring is not None:
            recurring.is_cancelled = True

    def cancel_all_recurring(self) -> None:
        """End every recurring operation (a daemon that leaves)."""
        for key in tuple(self._recurring):
            self.cancel_recurring(*key)

    def wait_fence_delay(self, operation_id: str, delay_ms: int) -> None:
        """Say `FenceDelayOver` after the delay."""
        event = FenceDelayOver(operation_id=operation_id)
        self._loop.call_later(delay_ms / 1000, self._handler, event)

    def fence(self, operation: FenceOperation) -> None:
        """Run a fence agent at once, beside all others; `FenceFinished` follows."""

        def answered(answer: Answer) -> None:
            result = FenceResult(
                operation_id=operation.operation_id,
                outcome=answer.outcome,
                rc=answer.rc,
                output=answer.output,
                exit_reason=answer.exit_reason,
            )
            self._handler(FenceFinished(result=result))

        self._runner.fence(operation, answered)

    def internals(self) -> dict[str, str]:
        """Return figures for people."""
        return {
            "operations-running": str(self._lanes.running),
            "recurring-operations": str(len(self._recurring)),
        }

    async def close(self, *, wait_ms_max: int) -> None:
        """Begin nothing more and wait for what runs, at most this long; agents are not ended."""
        self._is_closing = True
        self.cancel_all_recurring()
        await self._runner.close(wait_ms_max=wait_ms_max)

    def _begin_soon(self, begin: Callable[[], None]) -> None:
        """Begin what has its turn, after what had it before."""
        self._beginning.append(begin)
        if len(self._beginning) == 1:
            self._loop.call_soon(self._begin_some)

    def _begin_some(self) -> None:
        until = self._loop.time() + BEGIN_SECONDS_MAX
        while self._beginning:
            self._beginning[0]()
            self._beginning.popleft()
            if self._loop.time() >= until:
                break
        if self._beginning:
            self._loop.call_soon(self._begin_some)

    def _ask_once(self, operation: Operation) -> None:
        asked_ms = self._clock.now_ms()

        def begin() -> None:
            queue_ms, began_ms = self._clock.now_ms() - asked_ms, self._clock.wall_ms()

            def ended(answer: Answer) -> None:
                self._lanes.done(turn)
                self._say(operation, answer, began_ms, began_ms, queue_ms)

            self._runner.run(operation, ended)

        turn = Turn(
            operation.action.resource,
            False,
            operation.action.priority,
            lambda: self._begin_soon(begin),
        )
        self._lanes.ask(turn)

    def _ask_recurring(self, recurring: Recurring) -> None:
        operation, asked_ms = recurring.operation, self._clock.now_ms()
        if recurring.is_cancelled or self._is_closing:
            return

        def begin() -> None:
            if recurring.is_cancelled or self._is_closing:
                self._lanes.done(turn)
                return
            queue_ms, began_ms = self._clock.now_ms() - asked_ms, self._clock.wall_ms()

            def ended(answer: Answer) -> None:
                self._lanes.done(turn)
                if recurring.is_cancelled:
                    return
                if recurring.take(answer.outcome, answer.rc, run_ms=began_ms):
                    changed_ms = recurring.last_rc_change_ms
                    self._say(operation, answer, began_ms, changed_ms, queue_ms)
                wait = wait_ms(recurring.key, self._clock.now_ms())
                self._loop.call_later(wait / 1000, self._ask_recurring, recurring)

            self._runner.run(operation, ended)

        turn = Turn(
            operation.action.resource,
            True,
            operation.action.priority,
            lambda: self._begin_soon(begin),
        )
        self._lanes.ask(turn)

    def _say_cancelled(self, operation: Operation) -> None:
        now_ms = self._clock.wall_ms()
        self._say(operation, Answer(outcome=OperationOutcome.DONE, rc=0), now_ms, now_ms, 0)

    def _say(
        self,
        operation: Operation,
        answer: Answer,
        last_run_ms: int,
        last_rc_change_ms: int,
        queue_ms: int,
    ) -> None:
        result = operation_result(
            operation,
            answer,
            last_run_ms=last_run_ms,
            last_rc_change_ms=last_rc_change_ms,
            queue_ms=queue_ms,
        )
        self._handler(OperationFinished(result=result))
