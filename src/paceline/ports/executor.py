"""The executor: where agents run. The simulator has its own, made-up one."""

from collections.abc import Callable
from typing import Protocol

from paceline.model.identifiers import ResourceId
from paceline.model.operation import FenceOperation, Operation
from paceline.replica.events import FenceDelayOver, FenceFinished, OperationFinished
from paceline.replica.identity import Started

ExecutorEvent = OperationFinished | FenceFinished | FenceDelayOver
ExecutorEventHandler = Callable[[ExecutorEvent], None]
"""Takes one event; it must not block. Never called from inside a method of the executor."""


class Executor(Protocol):
    """Runs operations of this node; each one that is not recurring ends in exactly one event.

    A recurring one says its first result, and then each change of exit status or outcome, until
    it is cancelled.
    """

    async def settle_orphans(self) -> tuple[str, ...]:
        """End or wait for everything that an earlier daemon of this boot began; once, at the start.

        Returns a line for the log for each thing that was found. Takes a bounded time.
        """
        ...

    def started(self) -> tuple[Started, ...]:
        """Return what this boot has started and not stopped since."""
        ...

    def execute(self, operation: Operation) -> None:
        """Begin an operation as soon as its resource and the limit of concurrent ones allow."""
        ...

    def cancel_recurring(self, resource: ResourceId, task: str, interval_ms: int) -> None:
        """End a recurring operation; a run under way is let finish and not reported."""
        ...

    def cancel_all_recurring(self) -> None:
        """End every recurring operation (a daemon that leaves)."""
        ...

    def wait_fence_delay(self, operation_id: str, delay_ms: int) -> None:
        """Say `FenceDelayOver` after the delay."""
        ...

    def fence(self, operation: FenceOperation) -> None:
        """Run a fence agent; `FenceFinished` follows."""
        ...

    async def close(self, *, wait_ms_max: int) -> None:
        """Begin nothing more and wait for what runs, at most this long; agents are not ended."""
        ...
