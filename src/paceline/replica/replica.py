"""One member: local words become entries, delivered entries become effects.

The replicated half is `Machine`; around it stands what only this member knows: what Corosync told
it (`Speaking`), its own operations (`Execution`, `FenceRuns`), its clients (`Answering`), its disk
(`JournalKeeper`), its way out (`Leaving`) and, where it is the coordinator, the planning
(`Planner`). Nothing here decides whether an entry is accepted.
"""

from collections.abc import Iterable, Iterator
from typing import assert_never

from paceline.model.identifiers import RequestId
from paceline.model.operation import OperationResult
from paceline.model.plan import ActionKind
from paceline.model.status import ClusterStatus
from paceline.replica.answering import T_DISKS, T_REQUESTS, Answering
from paceline.replica.cib_root import EMPTY_CIB
from paceline.replica.durability import recover
from paceline.replica.effects import Effect, KeepCib, KeepStanding, WriteCib
from paceline.replica.entries import Reported, Results, Transfer
from paceline.replica.events import (
    Delivered,
    EngineConnected,
    EngineLost,
    Event,
    FenceDelayOver,
    FenceFinished,
    GroupChanged,
    InboxEmpty,
    JournalFailed,
    JournalWritten,
    LoopStalled,
    MemberAddress,
    NodesConfigured,
    OperationFinished,
    PlanComputed,
    QuorumChanged,
    RingChanged,
    Submitted,
    TimerFired,
)
from paceline.replica.execution import PROBE_BATCH_MS, Execution
from paceline.replica.fence_runs import FenceRuns
from paceline.replica.happenings import (
    BatchApplied,
    CopiesAwaited,
    CopyDamaged,
    DigestDue,
    DigestHeard,
    DurabilityMoved,
    EpochRaised,
    FencingEnded,
    FencingTooEarly,
    FlightBegan,
    FlightsHalted,
    Garbled,
    Happening,
    HelloWanted,
    MemberDropped,
    NodeChanged,
    NodeLeft,
    PingHeard,
    PlanBegan,
    PlanEnded,
    PongHeard,
    Refused,
    RequestApplied,
    ResourceReported,
    ShutdownReached,
    StateTaken,
    TransferWanted,
    View,
    ViewClosed,
    ViewEstablished,
    ViewOpened,
)
from paceline.replica.identity import Identity, Stored
from paceline.replica.journal import RETRY_MS, JournalKeeper
from paceline.replica.leaving import T_NO_VIEW, T_SHUTDOWN, Leaving
from paceline.replica.left_behind import find_left_behind
from paceline.replica.liveness import Liveness
from paceline.replica.machine import Machine, durable_state, restore
from paceline.replica.outlet import Outlet
from paceline.replica.planner import T_CALM, T_CLOSING, T_RECHECK, T_RETRY, Planner
from paceline.replica.reading import read_internals, read_status
from paceline.replica.requests import Outcome, Request, RequestAnswer, Shutdown
from paceline.replica.settings import SettingsReader
from paceline.replica.speaking import T_ALIVE, T_SETTLE, T_SILENT, Speaking
from paceline.replica.steps import Steps, in_portions
from paceline.replica.tables import State
from paceline.replica.telling import tell, tell_view
from paceline.replica.watching import T_DEADLINE, T_GRACE, Watching

LOOP_DEPTH_MAX = 10_000
"""Entries to ourselves in one event without an engine: more would be an endless loop."""
T_PROBES, T_JOURNAL = "probe-batch", "journal"


class Replica:
    """The replicated state machine of one life of one node's daemon."""

    def __init__(self, identity: Identity, stored: Stored) -> None:
        """Begin with what the disk held; nothing happens before the first event."""
        self._identity = identity
        self._stored = recover(stored)
        self._state = State(EMPTY_CIB)
        if self._stored.state is not None:
            restore(self._state, self._stored.state)
        self._machine = Machine(self._state, identity.node_id)
        self._settings = SettingsReader(self._state)
        self._journal = JournalKeeper(
            is_empty=self._stored.state is None or self._stored.is_from_cib,
            superseded=self._stored.superseded,
        )
        self._liveness = Liveness()
        self._outlet = outlet = Outlet(self._state, self._liveness)
        self._speaking = Speaking(
            identity,
            self._machine,
            outlet,
            self._liveness,
            self._is_copy_damaged,
            lambda: self._is_current,
        )
        self._execution = Execution(identity)
        self._fencing = FenceRuns(identity, self._state)
        self._answering = Answering(identity, self._machine, outlet, self._settings)
        self._planner = Planner(identity, self._machine, outlet)
        self._leaving = Leaving(
            identity, outlet, self._execution, lambda: self._keep_standing(is_current=False)
        )
        self._watching = Watching(identity, self._state, outlet)
        self._has_begun = False
        self._started = stored.started
        has_journal = self._stored.state is not None and not self._stored.is_from_cib
        self._is_current = stored.was_current and has_journal

    # What may be read between events

    @property
    def configuration(self) -> bytes:
        """The `<cib>` document without status."""
        return self._state.configuration.value

    @property
    def version(self) -> str:
        """The version of the configuration's content, as `Configure.based_on` names it."""
        return self._state.core.value.version

    @property
    def last_entry(self) -> str:
        """The kind of the entry that was delivered last, for figures."""
        return self._machine.last_entry

    def status(self) -> ClusterStatus:
        """Return what is known now."""
        view = self._machine.view
        awaited = self._machine.awaited
        has_quorum = self._speaking.word.is_quorate and self._outlet.is_engine_up
        return read_status(
            self._state,
            view,
            self._settings.read(),
            local_node=self._identity.node,
            is_quorate=has_quorum and (view is None or view.is_quorate) and not awaited,
            awaited=awaited,
            now_ms=self._outlet.wall_ms,
        )

    def is_idle(self) -> bool:
        """Say whether no plan runs, none is wanted, and nothing is in flight."""
        return (
            self._machine.view is not None
            and self._planner.is_idle
            and not len(self._state.flights)
            and self._execution.is_quiet
            and not self._fencing.is_busy
            and not self._answering.waiting
        )

    def internals(self) -> dict[str, str]:
        """Return figures for people."""
        return read_internals(self._state, self._machine.view, self._machine.plans.run) | {
            "on-disk": "writing" if self._journal.is_writing else "yes",
            "superseded-copies": self._journal.superseded_in_words(),
            **self._planner.internals(),
            "operations": str(self._execution.counts()),
            "requests": str(len(self._answering.waiting)),
            "barred": "after a stall" if self._speaking.is_barred else "",
            "awaited-copies": ", ".join(self._machine.awaited),
        }

    # Events

    def handle(self, event: Event, *, now_ms: int, wall_ms: int) -> tuple[Effect, ...]:
        """Return what to do next, in order."""
        parts = self.steps(event, now_ms=now_ms, wall_ms=wall_ms)
        return tuple(effect for part in parts for effect in part)

    def steps(self, event: Event, *, now_ms: int, wall_ms: int) -> Iterator[tuple[Effect, ...]]:
        """Yield what to do next, in order, step by step.

        No other event may be handled before the last step, and what may be read between events
        may not be read before it.
        """
        self._outlet.begin(now_ms, wall_ms)
        if self._leaving.is_over:
            return
        self._begin_once()
        for _ in self._work(event):
            yield self._outlet.take()
        yield self._outlet.take()

    def _work(self, event: Event) -> Steps[None]:
        yield from self._take(event)
        self._go_on()
        for _ in range(LOOP_DEPTH_MAX):
            payload = self._outlet.next_to_self()
            address = self._speaking.word.address
            if payload is None or address is None:
                break
            yield from self._deliver(address, payload)
            self._go_on()

    def _deliver(self, sender: MemberAddress, payload: bytes) -> Steps[None]:
        happenings = yield from self._machine.deliver_in_steps(sender, payload)
        for portion in in_portions(happenings):
            self._happen(portion)
            yield

    def _begin_once(self) -> None:
        if self._has_begun:
            return
        self._has_begun = True
        if self._stored.is_damaged:
            text = f"the journal was damaged: {self._stored.detail}"
            self._outlet.note("error", "journal-damaged", text)
        if self._stored.is_from_cib:
            text = (
                f"the journal holds nothing: cib.xml, version {self.version}, is taken for it, "
                "unless another node has a newer copy; tickets are not in it"
            )
            self._outlet.note("error", "cib-taken", text)
        self._write_cib()

    def _take(self, event: Event) -> Steps[None]:
        match event:
            case Delivered():
                self._liveness.heard(event.sender, self._outlet.now_ms)
                yield from self._deliver(event.sender, event.payload)
            case GroupChanged():
                self._speaking.group_changed(event)
                self._happen(self._machine.group_changed(self._speaking.word.members))
            case RingChanged() | QuorumChanged():
                self._speaking.callback_came(event)
            case EngineConnected():
                self._outlet.switch(is_engine_up=True)
                self._speaking.engine_connected(event)
                self._happen(self._machine.group_changed(()))
            case EngineLost():
                self._outlet.switch(is_engine_up=False)
                self._happen(self._machine.group_changed(self._speaking.engine_lost()))
            case NodesConfigured():
                self._speaking.word.configured = event
            case Submitted():
                self._submitted(event.request_id, event.request)
            case OperationFinished():
                self._operation_finished(event.result)
            case FenceDelayOver() | FenceFinished():
                self._fencing.hear(event)
            case PlanComputed():
                self._planner.computed(event)
            case JournalWritten():
                state = self._journal.written(event.sequence)
                if state is not None:
                    self._answering.disk_has(state)
            case JournalFailed():
                self._outlet.note("error", "journal-failed", f"the disk refused: {event.error}")
                self._outlet.set_timer(T_JOURNAL, RETRY_MS)
            case TimerFired():
                if self._outlet.fired(event.name):
                    self._timer_fired(event.name)
            case InboxEmpty():
                self._release()
            case LoopStalled():
                self._speaking.stalled(event.stalled_ms)
            case _:
                assert_never(event)

    def _go_on(self) -> None:
        """After each event: say what is new, tell results, answer, leave, plan."""
        if self._leaving.is_over:
            return
        self._speaking.say_hello()
        self._tell_results(is_time_over=False)
        self._tell_fencing()
        self._answering.send()
        self._leaving.go_on(self._machine.view)
        if self._planner.wanted_status():
            self._planner.ask_scheduler(self.status())

    def _timer_fired(self, name: str) -> None:
        view = self._machine.view
        if name in (T_SETTLE, T_SILENT, T_ALIVE):
            self._speaking.timer_fired(name)
        elif name in (T_RECHECK, T_CALM, T_RETRY, T_CLOSING):
            self._planner.timer_fired(name)
        elif name in (T_SHUTDOWN, T_NO_VIEW):
            self._leaving.timer_fired(name, view)
        elif name == T_DEADLINE or name.startswith(T_GRACE):
            self._watching.timer_fired(name, view, self._settings.read())
        elif name == T_PROBES:
            self._tell_results(is_time_over=True)
        elif name in (T_REQUESTS, T_DISKS):
            self._answering.timer_fired(name)
        elif name == T_JOURNAL:
            again = self._journal.write_again()
            if again is not None:
                self._outlet.emit(again)

    def _submitted(self, request_id: RequestId, request: Request) -> None:
        if isinstance(request, Shutdown):
            self._leaving.begin(self._settings.read().shutdown_escalation_ms)
            answer = RequestAnswer(outcome=Outcome.ACKNOWLEDGED, version=self.version)
            self._answering.reply(request_id, answer)
        else:
            self._answering.submit(request_id, request)

    # What applied entries mean here

    def _happen(self, happenings: Iterable[Happening]) -> None:
        for happening in happenings:
            self._happened(happening)

    def _happened(self, happening: Happening) -> None:
        match happening:
            case ViewClosed():
                self._planner.begin_view()
                self._speaking.view_closed()
            case HelloWanted():
                self._speaking.hello_wanted()
            case MemberDropped():
                self._speaking.member_dropped(happening.address)
            case TransferWanted():
                self._outlet.send(Transfer(view=happening.view, state=happening.state))
            case ViewEstablished():
                self._view_established(happening)
            case StateTaken():
                self._outlet.emit(self._journal.write_state(durable_state(self._state)))
                self._write_cib()
            case ViewOpened():
                if not self._leaving.has_said_goodbye(happening.view):
                    self._keep_standing(is_current=True)
            case EpochRaised():
                view = self._machine.view
                nodes = view.nodes if view is not None else ()
                self._outlet.emit(self._journal.write_epoch(durable_state(self._state), nodes))
            case FlightBegan():
                self._flight_began(happening)
            case FlightsHalted():
                self._execution.drop_waiting()
            case FencingTooEarly():
                self._watching.wait_for_unseen(self._settings.read())
            case BatchApplied():
                me = self._identity
                if (happening.node, happening.incarnation) == (me.node, me.incarnation):
                    self._execution.batch_delivered(happening.number)
            case RequestApplied():
                self._answering.answer(happening.request_id)
            case DurabilityMoved():
                self._answering.answer_all()
            case ShutdownReached():
                if happening.node == self._identity.node:
                    self._leaving.allow()
            case NodeLeft():
                self._leaving.node_left(happening)
            case Refused():
                tell(self._outlet, happening)
                self._refused(happening)
            case PlanBegan():
                tell(self._outlet, happening)
                self._planner.plan_began(self._settings.read().recheck_ms)
                self._leaving.plan_began()
            case ResourceReported():
                if happening.executor == self._identity.node:
                    tell(self._outlet, happening)
            case NodeChanged() | PlanEnded() | Garbled() | FencingEnded():
                tell(self._outlet, happening)
            case CopiesAwaited() | CopyDamaged():
                tell(self._outlet, happening)
            case PingHeard():
                self._speaking.ping_heard(happening)
            case PongHeard():
                self._speaking.pong_heard(happening.nonce)
            case DigestDue():
                self._speaking.digest_due(happening)
            case DigestHeard():
                if self._speaking.is_alone_with_state(happening):
                    text = "this member's state is not that of the others"
                    self._outlet.note("error", "state-differs", text)
                    self._leaving.leave("its state differs: it begins anew", exit_status=1)
            case _:
                assert_never(happening)

    def _view_established(self, happening: ViewEstablished) -> None:
        view = happening.view
        self._planner.begin_view()
        self._keep_durable(happening)
        tell_view(self._outlet, view)
        self._execution.drop_waiting()
        self._execution.send_again()
        self._fencing.forget(lambda ref: ref in self._state.flights)
        self._outlet.emit(*self._fencing.resume(view))
        self._speaking.view_established(view)
        settings = self._settings.read()
        self._watching.begin_view(view, settings)
        self._tell_left_behind()
        self._answering.answer_all()

    def _keep_durable(self, happening: ViewEstablished) -> None:
        """Bring the disk to what the view begins with: the base's state, or the new epoch."""
        durable = durable_state(self._state)
        lost = happening.superseded
        if lost is not None:
            text = f"{happening.why_superseded}; version {lost.version} is kept, and not used"
            self._outlet.note("error", "copy-superseded", text)
            self._outlet.emit(KeepCib(configuration=lost.configuration, version=lost.version))
        if happening.was_replaced:
            self._outlet.emit(
                self._journal.write_state(durable, happening.superseded, happening.why_superseded)
            )
            self._write_cib()
        elif happening.view.is_quorate:
            self._outlet.emit(self._journal.write_epoch(durable, happening.view.nodes))

    def _refused(self, happening: Refused) -> None:
        """An entry of ours was refused; in another view it is sent again if it is still meant."""
        entry = happening.entry
        if happening.sender != self._speaking.word.address or happening.code == "view-moved":
            return
        self._planner.refused(happening)
        if isinstance(entry, Results):
            self._execution.batch_delivered(entry.number)
        request_id: RequestId | None = getattr(entry, "request_id", None)
        if request_id and self._machine.view is not None:
            self._answering.refuse(happening, request_id)

    # Own operations

    def _tell_left_behind(self) -> None:
        """In the first view: what an earlier daemon of this boot started, and is gone since."""
        started, self._started = self._started, ()
        configuration = self._settings.whole() if started else None
        if configuration is not None:
            found = find_left_behind(started, configuration)
            self._execution.left_behind(found, self._outlet.wall_ms)

    def _flight_began(self, happening: FlightBegan) -> None:
        flight = happening.flight
        me = self._identity
        life = (flight.executor, flight.boot_id, flight.incarnation)
        view = self._machine.view
        if life != (me.node, me.boot_id, me.incarnation) or view is None:
            return
        settings = self._settings.read()
        if flight.action.kind is ActionKind.FENCE:
            text = f"{flight.action.task} of {flight.action.node}"
            self._outlet.note("notice", "fencing-began", text)
            self._outlet.emit(*self._fencing.begin(flight, view, self._settings.whole(), settings))
            return
        self._execution.is_start_failure_fatal = settings.start_failure_is_fatal
        self._outlet.emit(*self._execution.accept(flight))

    def _release(self) -> None:
        """The inbox is empty: begin what waited, unless something says that it may be over."""
        self._outlet.emit(*self._fencing.go_on(self._machine.view))
        view = self._own_view()
        if view is None or not self._execution.has_waiting or self._speaking.is_barred:
            return
        has_quorum = view.is_quorate and self._speaking.word.is_quorate
        is_ignored = not view.is_quorate and self._settings.read().no_quorum_policy == "ignore"
        self._outlet.emit(*self._execution.release(has_quorum=has_quorum or is_ignored))

    def _operation_finished(self, result: OperationResult) -> None:
        flight = self._execution.find_flight(result.operation_id)
        if flight is None:
            text = f"{result.operation_id} is not awaited any more"
            self._outlet.note("info", "result-late", text)
            return
        recurring: tuple[str, ...] = ()
        if flight.action.task == "stop":
            resource = flight.action.resource
            recurring = tuple(  # What failed last is kept for people to see.
                row.entry_id
                for row in self._state.history_of(flight.action.node).values()
                if row.resource == resource
                and row.interval_ms > 0
                and row.entry_id != f"{resource}_last_failure_0"
            )
        self._execution.finish(result, recurring)

    def _tell_results(self, *, is_time_over: bool) -> None:
        view = self._own_view()
        if view is None:
            return
        batch = self._execution.next_batch(is_time_over=is_time_over)
        if batch is not None:
            self._outlet.cancel_timer(T_PROBES)
            self._send_batch(view, *batch)
        elif self._execution.has_delayed_reports:
            self._outlet.set_timer_once(T_PROBES, PROBE_BATCH_MS)

    def _send_batch(self, view: View, number: int, results: tuple[Reported, ...]) -> None:
        me = self._identity
        self._outlet.send(
            Results(
                view=view.id,
                node=me.node,
                boot_id=me.boot_id,
                incarnation=me.incarnation,
                number=number,
                results=results,
            )
        )

    def _tell_fencing(self) -> None:
        view = self._own_view()
        if view is not None:
            for report in self._fencing.reports(view, self._outlet.wall_ms):
                self._outlet.send(report)

    # Small things

    def _keep_standing(self, *, is_current: bool) -> None:
        """Note whether this boot's copy is one that nobody left behind."""
        if is_current != self._is_current:
            self._is_current = is_current
            self._outlet.emit(KeepStanding(is_current=is_current))

    def _own_view(self) -> View | None:
        """Return the established view, if this member is in it."""
        view = self._machine.view
        return view if view is not None and self._identity.node in view.nodes else None

    def _is_copy_damaged(self) -> bool:
        return self._stored.is_damaged and self._journal.on_disk is None

    def _write_cib(self) -> None:
        self._outlet.emit(WriteCib(configuration=self.configuration, version=self.version))
