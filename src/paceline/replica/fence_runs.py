"""All fencings that this member executes, and the delays before them (DESIGN 7)."""

from collections.abc import Callable

from paceline.model.configuration import Configuration
from paceline.model.identifiers import NodeName
from paceline.replica.effects import Effect
from paceline.replica.entries import FenceReported, Flight
from paceline.replica.events import FenceDelayOver, FenceFinished
from paceline.replica.fence_devices import FenceDevice, levels_for
from paceline.replica.fencing import FenceRun, Life
from paceline.replica.happenings import View
from paceline.replica.identity import Identity
from paceline.replica.settings import Settings
from paceline.replica.tables import Presence, State

TWO_NODE_DELAY_MS = 1000
"""What the higher of two nodes waits where no delay is configured: a double shot gets unlikely.

It should exceed the time that the device needs to take effect; nothing can exclude the rest.
"""
BACKOFF_MS = 1000
BACKOFF_MS_MAX = 60_000
OFF_TASKS = ("off", "reboot")


class FenceRuns:
    """The fencings under way here."""

    def __init__(self, identity: Identity, state: State) -> None:
        """Begin without any."""
        self._identity = identity
        self._state = state
        self._runs: dict[str, FenceRun] = {}
        self._reports: dict[str, tuple[FenceRun, int]] = {}
        self._sent: dict[str, str] = {}
        self._heard: list[FenceDelayOver | FenceFinished] = []
        self._numbers = 0

    @property
    def is_busy(self) -> bool:
        """Say whether a fencing goes on or was not yet told."""
        return bool(self._runs or self._reports or self._heard)

    def begin(
        self,
        flight: Flight,
        view: View,
        configuration: Configuration | None,
        settings: Settings,
    ) -> tuple[Effect, ...]:
        """Begin a fencing; its first effects."""
        target = flight.action.node
        row = self._state.nodes.get(target)
        attributes = self._state.attributes.get(target) or ()
        levels = levels_for(configuration, target, attributes) if configuration else ()
        self._numbers += 1
        run = FenceRun(
            flight,
            Life(
                boot_id=row.boot_id if row is not None else "",
                incarnation=row.incarnation if row is not None else 0,
            ),
            levels,
            number=self._numbers,
            delay_ms=self._delay_ms(flight, view, levels),
            timeout_ms=settings.fence_timeout_ms,
        )
        self._runs[flight.ref] = run
        return run.begin()

    def _delay_ms(
        self, flight: Flight, view: View, levels: tuple[tuple[FenceDevice, ...], ...]
    ) -> int:
        """Return the sum of the device's, the plan's and the failures' delays."""
        action = flight.action
        delay_ms = self._backoff_ms(action.node)
        if action.task not in OFF_TASKS:
            return delay_ms
        rows = self._state.nodes.values()
        node_ids = sorted(row.node_id for row in rows)
        me = self._identity.node_id
        rank = node_ids.index(me) if me in node_ids else 0
        delay_ms += max(0, action.fencing_delay_ms)
        first = levels[0][0] if levels and levels[0] else None
        if first is not None:
            delay_ms += first.delay_ms(action.node, rank, len(node_ids))
        is_duel = len(node_ids) == 2 and len(view.nodes) == 1 and self._is_doubtful(action.node)
        if is_duel and rank > 0 and first is not None and not first.has_delay:
            delay_ms += TWO_NODE_DELAY_MS
        return delay_ms

    def _is_doubtful(self, target: NodeName) -> bool:
        """Say whether the other may be alive and shoot back: it was cut off, not seen to die."""
        row = self._state.nodes.get(target)
        return row is not None and row.presence is Presence.LOST

    def _backoff_ms(self, target: NodeName) -> int:
        """Return how long to wait after failures: it doubles with each one in a row."""
        failures = 0
        for record in reversed(self._state.fencing.value):
            if record.target == target and record.state != "pending":
                if record.state != "failed":
                    break
                failures += 1
        return min(BACKOFF_MS_MAX, BACKOFF_MS << min(failures - 1, 10)) if failures else 0

    def hear(self, event: FenceDelayOver | FenceFinished) -> None:
        """A delay is over, or a device answered: that is looked at once the inbox is empty.

        What waits there may say that the target is back with another life, which is not to be shot.
        """
        self._heard.append(event)

    def go_on(self, view: View | None) -> tuple[Effect, ...]:
        """The inbox is empty: go on with what was heard."""
        heard, self._heard = self._heard, []
        return tuple(effect for event in heard for effect in self._go_on_with(event, view))

    def _go_on_with(
        self, event: FenceDelayOver | FenceFinished, view: View | None
    ) -> tuple[Effect, ...]:
        """Go on with the fencing that the event belongs to; late answers are passed over."""
        name = (
            event.operation_id if isinstance(event, FenceDelayOver) else event.result.operation_id
        )
        for run in self._runs.values():
            if run.is_waiting_for(name):
                return self._take(run, event, view)
        return ()

    def _take(
        self, run: FenceRun, event: FenceDelayOver | FenceFinished, view: View | None
    ) -> tuple[Effect, ...]:
        may_go = view is not None and view.is_quorate
        if isinstance(event, FenceFinished):
            why_not = "" if may_go else "the view that wanted it is over"
            if self._is_moot(run):
                why_not = f"{run.target} came back"
            return run.finish(event.result, why_not=why_not)
        if may_go and self._is_moot(run):
            run.abandon(f"{run.target} came back")
            return ()
        return run.delay_over(may_go=may_go)

    def _is_moot(self, run: FenceRun) -> bool:
        """Say whether the life to be fenced is over: another one of the node was seen."""
        if run.flight.action.task not in OFF_TASKS:
            return False
        row = self._state.nodes.get(run.target)
        if row is None:
            return False
        return (row.boot_id, row.incarnation) != (run.life.boot_id, run.life.incarnation)

    def resume(self, view: View) -> tuple[Effect, ...]:
        """A view is established: fencings whose delay ended without one look at it now."""
        effects: list[Effect] = []
        self._sent.clear()
        for run in list(self._runs.values()):
            if run.is_paused and view.is_quorate:
                if self._is_moot(run):
                    run.is_paused = False
                    run.abandon(f"{run.target} came back")
                else:
                    effects.extend(run.delay_over(may_go=True))
        return tuple(effects)

    def forget(self, is_known: Callable[[str], bool]) -> None:
        """Drop runs that nobody awaits, where no device was asked yet."""
        for ref in [ref for ref in self._runs if not is_known(ref)]:
            if not self._runs[ref].is_committed:
                del self._runs[ref]

    def reports(self, view: View, wall_ms: int) -> tuple[FenceReported, ...]:
        """Return the results to be told in this view, each once per view until it took effect."""
        for ref in [ref for ref, run in self._runs.items() if run.outcome is not None]:
            self._reports[ref] = (self._runs.pop(ref), wall_ms)
        made: list[FenceReported] = []
        for ref, (run, ended_ms) in list(self._reports.items()):
            if ref not in self._state.flights:
                del self._reports[ref]
                continue
            if self._sent.get(ref) == view.id or run.outcome is None:
                continue
            self._sent[ref] = view.id
            made.append(
                FenceReported(
                    view=view.id,
                    ref=ref,
                    target=run.target,
                    boot_id=run.life.boot_id,
                    incarnation=run.life.incarnation,
                    is_done=run.outcome.is_done,
                    device=run.outcome.device,
                    exit_reason=run.outcome.exit_reason,
                    time_ms=ended_ms,
                )
            )
        return tuple(made)
