"""The planner: the scheduler at work outside the daemon's loop."""

from collections.abc import Callable
from typing import Protocol

from paceline.replica.effects import ComputePlan
from paceline.replica.events import PlanComputed

PlannerEventHandler = Callable[[PlanComputed], None]
"""Takes one event; it must not block. Never called from inside a method of the planner."""


class Planner(Protocol):
    """Computes plans, one at a time; a newer request replaces one that has not begun."""

    def compute(self, request: ComputePlan) -> None:
        """Compute a plan; `PlanComputed` with the request's token follows.

        A request that a newer one replaced is not answered.
        """
        ...

    async def close(self) -> None:
        """End the planner's process."""
        ...
