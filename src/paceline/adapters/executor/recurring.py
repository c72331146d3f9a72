"""Recurring operations: when each runs next, and which of its results say something new."""

import zlib
from dataclasses import dataclass

from paceline.model.identifiers import ResourceId
from paceline.model.operation import Operation
from paceline.model.status import OperationOutcome

RecurringKey = tuple[ResourceId, str, int]
"""Resource, task, interval in milliseconds."""


@dataclass(slots=True)
class Recurring:
    """One recurring operation of this node, from its first run until it is cancelled."""

    operation: Operation
    last_rc: int | None = None
    last_outcome: OperationOutcome | None = None
    last_rc_change_ms: int = 0
    is_cancelled: bool = False

    @property
    def key(self) -> RecurringKey:
        """What it is known by."""
        action = self.operation.action
        return action.resource, action.task, action.interval_ms

    def take(self, outcome: OperationOutcome, rc: int, *, run_ms: int) -> bool:
        """Take a run's answer; say whether it is new. `run_ms`: when it ran, since 1970."""
        is_new = (outcome, rc) != (self.last_outcome, self.last_rc)
        if is_new:
            self.last_outcome, self.last_rc, self.last_rc_change_ms = outcome, rc, run_ms
        return is_new


def wait_ms(key: RecurringKey, now_ms: int) -> int:
    """Return how long to wait from now until the next run.

    Each operation has a fixed place in its interval, from its name, so that a thousand of them are
    spread evenly and stay so; the next place that is at least half an interval away is taken.
    """
    resource, task, interval_ms = key
    place = zlib.crc32(f"{resource}_{task}".encode()) % interval_ms
    half = interval_ms // 2
    return half + (place - now_ms - half) % interval_ms
