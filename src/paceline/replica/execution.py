"""This node's own operations: begin, release, cancel, report (DESIGN 4, 6, 11).

eligible --start-like--> waiting --inbox empty, nothing bars--> begun
eligible --anything else--> begun --result--> outbox --delivered--> settled

A halted plan drops what waits and says so. Results leave in batches: while one batch is on its way
the next collects; expected results of probes wait for the last probe, or a short time.
"""

from msgspec import Struct

from paceline.model.identifiers import OperationId, ResourceId
from paceline.model.operation import Operation, OperationResult
from paceline.model.status import OperationOutcome
from paceline.replica.effects import CancelRecurring, Effect, Execute
from paceline.replica.entries import Flight, Reported
from paceline.replica.identity import Identity, Started
from paceline.replica.left_behind import report_left_behind
from paceline.replica.planning import START_LIKE
from paceline.replica.results import (
    MONITORS,
    is_probe,
    report_cancelled,
    report_dropped,
    report_result,
)

PROBE_BATCH_MS = 200
"""The longest that an expected probe result waits for the node's other probes."""
RESULTS_BATCH_MAX = 100
"""Results in one entry."""


class Begun(Struct, frozen=True, gc=False, kw_only=True):
    """An operation that was handed to the executor."""

    flight: Flight
    operation: Operation
    is_reported: bool = False


class Execution:
    """The operations of one life of one node."""

    def __init__(self, identity: Identity) -> None:
        """Begin with nothing; call ids and operation numbers count from 1."""
        self._identity = identity
        self._numbers = 0
        self._waiting: dict[str, Flight] = {}
        self._begun: dict[OperationId, Begun] = {}
        self._recurring: dict[tuple[ResourceId, str, int], OperationId] = {}
        self._outbox: dict[int, tuple[Reported, bool]] = {}
        self._sent: dict[int, tuple[int, ...]] = {}
        self._reports = 0
        self._batches = 0
        self._probes = 0
        self._urgent = 0
        self.is_start_failure_fatal = True

    # Beginning

    def accept(self, flight: Flight) -> tuple[Effect, ...]:
        """An action of this node became eligible: begin it, or let a start wait for release."""
        action = flight.action
        if action.cancels:
            return self._cancel(flight)
        if action.task in START_LIKE:
            self._waiting[flight.ref] = flight
            return ()
        return self._begin(flight)

    def release(self, *, has_quorum: bool) -> tuple[Effect, ...]:
        """Begin what waited: the inbox is empty and nothing bars.

        Without quorum only fence devices are: whatever a plan says, all else goes on waiting.
        """
        effects: list[Effect] = []
        for ref, flight in list(self._waiting.items()):
            agent = flight.action.agent
            if not has_quorum and (agent is None or agent.agent_class != "stonith"):
                continue
            effects.extend(self._begin(self._waiting.pop(ref)))
        return tuple(effects)

    def drop_waiting(self, keep: tuple[str, ...] = ()) -> None:
        """The plan was halted: what was not begun is not, and the others are told."""
        for ref in [ref for ref in self._waiting if ref not in keep]:
            self._report(report_dropped(self._waiting.pop(ref)), is_urgent=True)

    def _begin(self, flight: Flight) -> tuple[Effect, ...]:
        action = flight.action
        self._numbers += 1
        me = self._identity
        operation = Operation(
            operation_id=OperationId(f"{me.node}/{me.boot_id}/{me.incarnation}/{self._numbers}"),
            action=action,
            call_id=self._numbers,
            node=action.node,
            first_after_ms=action.start_delay_ms,
        )
        effects: list[Effect] = []
        if action.interval_ms == 0 and action.task not in MONITORS and action.task != "notify":
            effects.extend(self._end_recurring(action.resource))
        if action.interval_ms > 0:
            key = (action.resource, action.task, action.interval_ms)
            old = self._recurring.pop(key, None)
            if old is not None:
                self._begun.pop(old, None)
                effects.append(_cancel_effect(key))
            self._recurring[key] = operation.operation_id
        self._probes += is_probe(action)
        self._begun[operation.operation_id] = Begun(flight=flight, operation=operation)
        effects.append(Execute(operation=operation))
        return tuple(effects)

    def _end_recurring(self, resource: ResourceId) -> tuple[Effect, ...]:
        """A resource is about to change: its monitors would only see that it does."""
        effects: list[Effect] = []
        for key in sorted(key for key in self._recurring if key[0] == resource):
            begun = self._begun.pop(self._recurring.pop(key), None)
            if begun is not None and not begun.is_reported:
                self._report(report_dropped(begun.flight), is_urgent=True)
            effects.append(_cancel_effect(key))
        return tuple(effects)

    def _cancel(self, flight: Flight) -> tuple[Effect, ...]:
        action = flight.action
        key = (action.resource, action.cancels, action.interval_ms)
        old = self._recurring.pop(key, None)
        if old is not None:
            self._begun.pop(old, None)
        self._report(report_cancelled(flight), is_urgent=True)
        return (_cancel_effect(key),)

    # Results

    def finish(self, result: OperationResult, recurring_rows: tuple[str, ...]) -> bool:
        """Take a result; False where it belongs to nothing that runs (late, or cancelled)."""
        begun = self._begun.get(result.operation_id)
        if begun is None:
            return False
        action = begun.flight.action
        if action.interval_ms > 0 and result.entry.outcome is not OperationOutcome.CANCELLED:
            self._begun[result.operation_id] = Begun(
                flight=begun.flight, operation=begun.operation, is_reported=True
            )
        else:
            del self._begun[result.operation_id]
            self._probes -= is_probe(action)
            key = (action.resource, action.task, action.interval_ms)
            if self._recurring.get(key) == result.operation_id:
                del self._recurring[key]
        if begun.is_reported and result.entry.outcome is OperationOutcome.CANCELLED:
            return True
        report = report_result(
            begun.flight,
            result,
            is_settling=not begun.is_reported,
            is_start_failure_fatal=self.is_start_failure_fatal,
            recurring=recurring_rows,
        )
        self._report(report, is_urgent=not (is_probe(action) and report.is_expected))
        return True

    def find_flight(self, operation_id: OperationId) -> Flight | None:
        """Return what an operation was begun for, while it runs."""
        begun = self._begun.get(operation_id)
        return begun.flight if begun is not None else None

    def left_behind(self, started: tuple[Started, ...], wall_ms: int) -> None:
        """Tell what runs here and is not configured any more."""
        for each in started:
            self._numbers += 1
            report = report_left_behind(each, self._identity.node, self._numbers, wall_ms)
            self._report(report, is_urgent=True)

    def _report(self, report: Reported, *, is_urgent: bool) -> None:
        self._reports += 1
        self._outbox[self._reports] = (report, is_urgent)
        self._urgent += is_urgent

    # Batches

    def next_batch(self, *, is_time_over: bool) -> tuple[int, tuple[Reported, ...]] | None:
        """Return (number, results) to send now; None: nothing to say, or a batch is under way."""
        if self._sent or not self._outbox:
            return None
        if self.has_running_probes and not is_time_over and not self._urgent:
            return None
        chosen = tuple(self._outbox)[:RESULTS_BATCH_MAX]
        self._batches += 1
        self._sent[self._batches] = chosen
        return self._batches, tuple(self._outbox[number][0] for number in chosen)

    def batch_delivered(self, number: int) -> None:
        """Our batch took effect everywhere."""
        for report in self._sent.pop(number, ()):
            _, is_urgent = self._outbox.pop(report)
            self._urgent -= is_urgent

    def send_again(self) -> None:
        """A new view: what was on its way may have been refused; it is said again."""
        self._sent.clear()

    # Looking

    @property
    def has_waiting(self) -> bool:
        """Say whether something waits to be released."""
        return bool(self._waiting)

    @property
    def has_delayed_reports(self) -> bool:
        """Say whether results wait for more of their kind."""
        return bool(self._outbox) and not self._sent

    @property
    def has_running_probes(self) -> bool:
        """Say whether a probe still runs here."""
        return self._probes > 0

    @property
    def is_quiet(self) -> bool:
        """Say whether no one-time operation runs or waits and every result was delivered."""
        return not self._waiting and not self._outbox and not self.running()

    def running(self) -> tuple[Flight, ...]:
        """Return what was begun and has not ended, without recurring operations that reported."""
        return tuple(begun.flight for begun in self._begun.values() if not begun.is_reported)

    def counts(self) -> dict[str, int]:
        """Return figures for people."""
        return {
            "waiting": len(self._waiting),
            "running": len(self.running()),
            "recurring": len(self._recurring),
            "unreported": len(self._outbox),
        }


def _cancel_effect(key: tuple[ResourceId, str, int]) -> CancelRecurring:
    return CancelRecurring(resource=key[0], task=key[1], interval_ms=key[2])
