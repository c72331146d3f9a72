"""One member: local words become entries, delivered entries become effects.

The replicated half is `Machine`; here is what only this member knows: what Corosync told it, its
own operations, its clients, its disk, and, where it is the coordinator, the planning. Nothing here
decides whether an entry is accepted.
"""

from typing import assert_never

from paceline.model.configuration import Configuration
from paceline.model.errors import check
from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.operation import OperationResult
from paceline.model.plan import ActionKind
from paceline.model.status import ChangeOrigin, ClusterStatus
from paceline.replica.cib_root import (
    BOOTSTRAP_CLIENT,
    BOOTSTRAP_USER,
    EMPTY_CIB,
    EpochError,
    bootstrap,
    stamp,
)
from paceline.replica.clients import REFUSALS, Clients, make_entry, refused
from paceline.replica.coordination import Coordination
from paceline.replica.durability import missing_for_safety, recover
from paceline.replica.effects import (
    CancelTimer,
    ComputePlan,
    Effect,
    Leave,
    Note,
    RaiseAlert,
    Reply,
    Send,
    SetTimer,
    WriteCib,
)
from paceline.replica.entries import (
    AttributesSet,
    Changed,
    Digest,
    Durable,
    Entry,
    Flight,
    GraceOver,
    Halted,
    Hello,
    Left,
    Lineage,
    Ping,
    Planned,
    Pong,
    Results,
    SeenDeadline,
    Suspect,
    Transfer,
    encode_entry,
)
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
    RingId,
    Submitted,
    TimerFired,
)
from paceline.replica.execution import PROBE_BATCH_MS, Execution
from paceline.replica.fence_runs import FenceRuns
from paceline.replica.happenings import (
    BatchApplied,
    CopyDamaged,
    DigestDue,
    DigestHeard,
    DurabilityMoved,
    EpochRaised,
    FencingEnded,
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
)
from paceline.replica.identity import Identity, Stored
from paceline.replica.journal import RETRY_MS, JournalKeeper
from paceline.replica.liveness import ALIVE_MS, Liveness
from paceline.replica.machine import Machine, durable_state, restore
from paceline.replica.reading import read_status
from paceline.replica.requests import Outcome, Request, RequestAnswer, Shutdown
from paceline.replica.settings import Settings, settings_of
from paceline.replica.tables import Presence, State
from paceline.replica.views import LocalWord, Word

SETTLE_MS = 2000
"""How long Corosync's callbacks may disagree, and a daemon be silent, before others go on."""
STALL_MS_MIN = 400
"""A loop that stood this long may act on what is over: half a token of one second, and less."""
SCHEDULER_RETRY_MS = 5000
FLIGHTS_SHOWN_MAX = 10
LOOP_DEPTH_MAX = 10_000
"""Entries to ourselves in one event without an engine: more would be an endless loop."""
T_SETTLE, T_SILENT, T_RECHECK, T_PROBES = "settle", "silent", "recheck", "probe-batch"
T_DEADLINE, T_SHUTDOWN, T_REQUESTS, T_JOURNAL = "dc-deadtime", "shutdown", "requests", "journal"
T_ALIVE, T_CALM = "alive", "calm"
CALM_MS = 1000
"""How long planning pauses where plan follows plan."""
T_GRACE = "grace "


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
        self._word = LocalWord()
        self._said: Word | None = None
        self._hellos = 0
        self._execution = Execution(identity)
        self._liveness = Liveness()
        self._fencing = FenceRuns(identity, self._state)
        self._clients = Clients(identity.node)
        self._journal = JournalKeeper(
            is_empty=self._stored.state is None, superseded=self._stored.superseded
        )
        self._coordination = Coordination()
        self._is_engine_up = False
        self._has_joined_since_view = True
        self._last_view: View | None = None
        self._pings = 0
        self._bar: int | None = None
        self._is_leaving = False
        self._may_leave = False
        self._shutdown_sent_in = ""
        self._left_sent_in = ""
        self._bootstrap: tuple[str, str] = ("", "")
        self._complete_for: tuple[bytes, tuple[tuple[NodeId, NodeName], ...]] = (b"", ())
        self._is_over = False
        self._has_begun = False
        self._settings_for = b""
        self._settings = Settings()
        self._values: Configuration | None = None
        self._timers: dict[str, int] = {}
        self._loop: list[bytes] = []
        self._effects: list[Effect] = []
        self._now_ms = 0
        self._wall_ms = 0

    # What may be read between events

    @property
    def configuration(self) -> bytes:
        """The `<cib>` document without status."""
        return self._state.configuration.value

    @property
    def version(self) -> str:
        """The version of the configuration's content, as `Configure.based_on` names it."""
        return self._state.core.value.version

    def status(self) -> ClusterStatus:
        """Return what is known now."""
        view = self._machine.view
        is_quorate = (view.is_quorate if view is not None else True) and self._word.is_quorate
        return read_status(
            self._state,
            view,
            self._read_settings(),
            local_node=self._identity.node,
            is_quorate=is_quorate and self._is_engine_up,
            now_ms=self._wall_ms,
        )

    def is_idle(self) -> bool:
        """Say whether no plan runs, none is wanted, and nothing is in flight."""
        plans = self._machine.plans
        run = plans.run
        return (
            self._machine.view is not None
            and not self._coordination.is_wanted(plans)
            and self._coordination.computing is None
            and not self._coordination.is_plan_sent
            and not len(self._state.flights)
            and (run is None or run.is_complete)
            and self._execution.is_quiet
            and not self._fencing.is_busy
            and not self._clients.waiting()
        )

    def internals(self) -> dict[str, str]:
        """Return figures for people."""
        core = self._state.core.value
        view = self._machine.view
        run = self._machine.plans.run
        lineage = core.lineage
        return {
            "view": view.id if view is not None else "none",
            "view-members": ", ".join(view.nodes) if view is not None else "",
            "view-quorate": str(view.is_quorate) if view is not None else "",
            "coordinator": view.coordinator if view is not None else "",
            "position": str(core.position),
            "epoch": f"{lineage.era}.{lineage.epoch}.{lineage.number}.{lineage.epoch_id}"
            + (f" +{lineage.forced} forced" if lineage.forced else ""),
            "version": core.version,
            "on-disk": "yes" if not self._journal.is_writing else "writing",
            "feature-level": str(core.level),
            "plan": f"{run.number}: {run.counts()}" if run is not None else "none",
            "plan-wanted": core.wanted_why
            if self._coordination.is_wanted(self._machine.plans)
            else "",
            "in-flight": ", ".join(
                f"{flight.action.task} {flight.action.resource or flight.action.node} by "
                f"{flight.executor}"
                for flight in self._state.flights.values()[:FLIGHTS_SHOWN_MAX]
            ),
            "operations": str(self._execution.counts()),
            "requests": str(len(self._clients.waiting())),
            "barred": "after a stall" if self._bar is not None else "",
        }

    # Events

    def handle(self, event: Event, *, now_ms: int, wall_ms: int) -> tuple[Effect, ...]:
        """Return what to do next, in order."""
        self._now_ms, self._wall_ms = now_ms, wall_ms
        self._effects = []
        if self._is_over:
            return ()
        self._begin_once()
        self._take(event)
        self._go_on()
        for _ in range(LOOP_DEPTH_MAX):
            if not self._loop:
                break
            self._deliver_to_self(self._loop.pop(0))
            self._go_on()
        return tuple(self._effects)

    def _begin_once(self) -> None:
        if self._has_begun:
            return
        self._has_begun = True
        stored = self._stored
        if stored.is_damaged:
            self._note("error", "journal-damaged", f"the journal was damaged: {stored.detail}")
        self._emit(WriteCib(configuration=self.configuration, version=self.version))

    def _take(self, event: Event) -> None:
        match event:
            case Delivered():
                self._liveness.heard(event.sender, self._now_ms)
                self._happen(self._machine.deliver(event.sender, event.payload))
            case GroupChanged():
                self._group_changed(event)
            case RingChanged():
                self._word.take_ring(event)
            case QuorumChanged():
                self._word.take_quorum(event)
            case EngineConnected():
                self._engine_connected(event)
            case EngineLost():
                self._engine_lost()
            case NodesConfigured():
                self._word.configured = event
            case Submitted():
                self._submitted(event.request_id, event.request)
            case OperationFinished():
                self._operation_finished(event.result)
            case FenceDelayOver() | FenceFinished():
                self._fence_event(event)
            case PlanComputed():
                self._plan_computed(event)
            case JournalWritten():
                self._journal_written(event.sequence)
            case JournalFailed():
                self._note("error", "journal-failed", f"the disk refused: {event.error}")
                self._set_timer(T_JOURNAL, RETRY_MS)
            case TimerFired():
                self._timer_fired(event.name)
            case InboxEmpty():
                self._release()
            case LoopStalled():
                self._stalled(event.stalled_ms)
            case _:
                assert_never(event)

    def _go_on(self) -> None:
        """After each event: say what is new, tell results, plan, answer, leave."""
        self._say_hello()
        self._tell_results()
        self._tell_fencing()
        self._send_requests()
        self._keep_leaving()
        self._plan()

    # Corosync's words

    def _engine_connected(self, event: EngineConnected) -> None:
        self._is_engine_up = True
        self._loop.clear()
        self._word.connect(event.address)
        self._said = None
        self._has_joined_since_view = True
        self._happen(self._machine.group_changed(()))
        self._note("notice", "engine-connected", "joined the group")

    def _engine_lost(self) -> None:
        """Quorum is lost at once; this node goes on alone, without it, in a view of its own."""
        self._is_engine_up = False
        self._loop.clear()
        me = self._identity.node_id
        address = MemberAddress(me, 0)
        quorum = self._word.quorum
        self._word.connect(address)
        self._said = None
        self._has_joined_since_view = True
        ring_id = RingId(0, 0)
        group = GroupChanged(members=(address,))
        self._word.take_group(group)
        self._word.take_ring(RingChanged(ring_id=ring_id, node_ids=(me,)))
        self._word.take_quorum(
            QuorumChanged(
                ring_id=ring_id,
                is_quorate=False,
                quorum_votes=quorum.quorum_votes if quorum is not None else 1,
                votes=quorum.votes if quorum is not None else (),
            )
        )
        self._happen(self._machine.group_changed(group.members))
        self._note("error", "engine-lost", "Corosync cannot be reached: quorum is lost")

    def _group_changed(self, event: GroupChanged) -> None:
        old = self._word.members
        self._word.take_group(event)
        if event.joined or any(member not in old for member in self._word.members):
            self._has_joined_since_view = True
        self._said = None
        self._happen(self._machine.group_changed(self._word.members))
        self._set_timer(T_SETTLE, SETTLE_MS)
        self._set_timer(T_SILENT, 2 * SETTLE_MS)

    def _say_hello(self) -> None:
        word = self._word.find_word()
        if word is None or word == self._said:
            return
        self._said = word
        self._hellos += 1
        state, me = self._state, self._identity
        view = self._last_view
        is_new = (
            self._has_joined_since_view
            or view is None
            or self._word.address not in view.proposal.members
        )
        self._send(
            Hello(
                node=me.node,
                node_id=me.node_id,
                boot_id=me.boot_id,
                incarnation=me.incarnation,
                number=self._hellos,
                version=me.version,
                members=word.members,
                ring_id=word.ring_id,
                ring_nodes=word.ring_nodes,
                is_quorate=word.is_quorate,
                quorum_votes=word.quorum_votes,
                votes=word.votes,
                device_votes=word.device_votes,
                is_two_node=word.is_two_node,
                cluster_name=word.cluster_name,
                nodes=word.nodes,
                lineage=state.core.value.lineage,
                is_damaged=self._stored.is_damaged and self._journal.on_disk is None,
                position=state.core.value.position,
                digest=state.digest(),
                last_view=view.id if view is not None else "",
                was_quorate=view is not None and view.is_quorate,
                owned=state.owned_by(me.node) if is_new else None,
                time_ms=self._wall_ms,
            )
        )

    def _stalled(self, stalled_ms: int) -> None:
        """Start nothing until another member answered in this view (DESIGN 11)."""
        if stalled_ms < STALL_MS_MIN:
            return
        self._note("warning", "loop-stalled", f"the loop stood for {stalled_ms} ms")
        self._liveness.forgive(self._now_ms)
        self._bar = 0
        self._ask_after_stall()

    def _ask_after_stall(self) -> None:
        view = self._machine.view
        if self._bar is None or view is None:
            return
        self._pings += 1
        self._bar = self._pings
        self._send(Ping(view=view.id, nonce=self._pings, wants_answer=True))

    # What applied entries mean here

    def _deliver_to_self(self, payload: bytes) -> None:
        address = self._word.address
        check(address is not None, "entries to ourselves need the address of a lost engine")
        if address is not None:
            self._happen(self._machine.deliver(address, payload))

    def _happen(self, happenings: tuple[Happening, ...]) -> None:
        for happening in happenings:
            self._happened(happening)

    def _happened(self, happening: Happening) -> None:
        match happening:
            case ViewClosed():
                self._coordination.begin_view()
            case HelloWanted():
                self._said = None
                self._has_joined_since_view = True
                self._set_timer(T_SILENT, 2 * SETTLE_MS)
            case TransferWanted():
                self._send(Transfer(view=happening.view, state=happening.state))
            case ViewEstablished():
                self._view_established(happening)
            case StateTaken():
                self._emit(self._journal.write_state(durable_state(self._state)))
                self._emit(WriteCib(configuration=self.configuration, version=self.version))
            case EpochRaised():
                view = self._machine.view
                nodes = view.nodes if view is not None else ()
                self._emit(self._journal.write_epoch(durable_state(self._state), nodes))
            case FlightBegan():
                self._flight_began(happening)
            case FlightsHalted():
                self._execution.drop_waiting()
            case BatchApplied():
                me = self._identity
                if (happening.node, happening.incarnation) == (me.node, me.incarnation):
                    self._execution.batch_delivered(happening.number)
            case RequestApplied():
                self._answer(happening.request_id)
            case DurabilityMoved():
                for request_id in self._clients.waiting():
                    self._answer(request_id)
            case ShutdownReached():
                if happening.node == self._identity.node:
                    self._is_leaving = True
                    self._may_leave = True
            case NodeLeft():
                self._node_left(happening)
            case NodeChanged():
                self._node_changed(happening)
            case PlanBegan():
                self._plan_began(happening)
            case PlanEnded():
                word = "done" if happening.is_done else "incomplete"
                self._note("info", "plan-ended", f"plan {happening.number} is {word}")
            case Refused():
                self._refused(happening)
            case Garbled():
                self._note(
                    "warning",
                    "entry-garbled",
                    f"{happening.error.code} from node {happening.sender.node_id}: "
                    f"{happening.error.detail}",
                )
            case DigestDue():
                view = self._machine.view
                if view is not None and self._identity.node in view.nodes:
                    self._send(
                        Digest(view=view.id, position=happening.position, digest=happening.digest)
                    )
            case DigestHeard():
                self._digest_heard(happening)
            case PingHeard():
                self._ping_heard(happening)
            case PongHeard():
                if happening.nonce == self._bar:
                    self._bar = None
            case MemberDropped():
                self._member_dropped(happening.address)
            case CopyDamaged():
                self._note(
                    "error",
                    "copy-damaged",
                    f"the journal of {happening.node} was damaged; its copy counts as absent",
                )
            case FencingEnded():
                self._fencing_ended(happening)
            case ResourceReported():
                if happening.executor == self._identity.node:
                    self._resource_reported(happening)
            case _:
                assert_never(happening)

    def _resource_reported(self, happening: ResourceReported) -> None:
        """Tell alert agents, of all but what merely went on as it was."""
        row = happening.row
        if row.task == "monitor" and row.rc == row.target_rc:
            return
        facts = (
            ("resource", row.resource),
            ("task", row.task),
            ("interval_ms", str(row.interval_ms)),
            ("rc", str(row.rc)),
            ("target_rc", str(row.target_rc)),
            ("outcome", row.outcome.value),
            ("exit_reason", row.exit_reason),
            ("exec_ms", str(row.exec_ms)),
        )
        self._alert("resource", happening.node, facts)

    def _view_established(self, happening: ViewEstablished) -> None:
        view = happening.view
        self._last_view = view
        self._has_joined_since_view = False
        self._coordination.begin_view()
        self._emit(CancelTimer(name=T_SETTLE))
        self._emit(CancelTimer(name=T_SILENT))
        if happening.superseded is not None:
            self._note("error", "copy-superseded", happening.why_superseded)
        durable = durable_state(self._state)
        if happening.was_replaced:
            self._emit(
                self._journal.write_state(durable, happening.superseded, happening.why_superseded)
            )
            self._emit(WriteCib(configuration=self.configuration, version=self.version))
        elif view.is_quorate:
            self._emit(self._journal.write_epoch(durable, view.nodes))
        quorum = "with quorum" if view.is_quorate else "WITHOUT quorum"
        self._note(
            "notice",
            "view-established",
            f"{', '.join(view.nodes)} {quorum}; {view.coordinator} coordinates",
        )
        self._execution.drop_waiting()
        self._execution.send_again()
        self._fencing.forget(lambda ref: ref in self._state.flights)
        for effect in self._fencing.resume(view):
            self._emit(effect)
        self._ask_after_stall()
        self._liveness.begin_view(view.proposal.members, self._now_ms)
        self._set_timer(T_ALIVE, ALIVE_MS)
        self._watch_nodes(view)
        for request_id in self._clients.waiting():
            self._answer(request_id)

    def _watch_nodes(self, view: View) -> None:
        """The coordinator's timers: lost daemons, and nodes not seen since a cold start."""
        rows = self._state.nodes.values()
        settings = self._read_settings()
        for row in rows:
            name = T_GRACE + row.name
            if view.coordinator == self._identity.node and row.presence is Presence.MISSING:
                if name not in self._timers:
                    self._set_timer(name, settings.daemon_grace_ms)
            elif name in self._timers:
                self._cancel_timer(name)
        unseen = any(row.presence is Presence.UNSEEN for row in rows)
        if unseen and view.is_quorate and not self._state.core.value.is_seen_deadline_over:
            if T_DEADLINE not in self._timers:
                self._set_timer(T_DEADLINE, settings.dc_deadtime_ms)
        else:
            self._cancel_timer(T_DEADLINE)

    def _flight_began(self, happening: FlightBegan) -> None:
        flight = happening.flight
        me = self._identity
        if (flight.executor, flight.boot_id, flight.incarnation) != (
            me.node,
            me.boot_id,
            me.incarnation,
        ):
            return
        if flight.action.kind is ActionKind.FENCE:
            self._fence_began(flight)
            return
        self._execution.is_start_failure_fatal = self._read_settings().start_failure_is_fatal
        for effect in self._execution.accept(flight):
            self._emit(effect)

    def _node_left(self, happening: NodeLeft) -> None:
        me = self._identity
        if (happening.node, happening.boot_id, happening.incarnation) == (
            me.node,
            me.boot_id,
            me.incarnation,
        ):
            self._leave("left the cluster")

    def _node_changed(self, happening: NodeChanged) -> None:
        level = "warning" if happening.after in ("lost", "missing", "failed") else "notice"
        self._note(
            level,
            "node-changed",
            f"node {happening.node}: {happening.before or 'new'} -> {happening.after}",
        )
        if happening.after in ("present", "lost", "left", "off", "failed"):
            word = "member" if happening.after == "present" else "lost"
            self._alert("node", happening.node, (("desc", word),))

    def _plan_began(self, happening: PlanBegan) -> None:
        self._coordination.plan_came_back()
        self._note(
            "info", "plan-began", f"plan {happening.number} with {happening.actions} actions"
        )
        run = self._machine.plans.run
        view = self._machine.view
        if run is None or view is None or view.coordinator != self._identity.node:
            return
        wait_ms = self._read_settings().recheck_ms
        if run.plan.recheck_at_ms:
            now_ms = max(self._wall_ms, self._state.core.value.time_ms)
            until_ms = max(0, run.plan.recheck_at_ms - now_ms)
            wait_ms = min(wait_ms, until_ms) if wait_ms else until_ms
        if wait_ms or run.plan.recheck_at_ms:
            self._set_timer(T_RECHECK, wait_ms)

    def _refused(self, happening: Refused) -> None:
        entry = happening.entry
        is_own = happening.sender == self._word.address
        level = "error" if happening.code == "internal" else "debug"
        self._note(
            level,
            "entry-refused",
            f"{type(entry).__name__} of node {happening.sender.node_id}: {happening.code} "
            f"{happening.detail}".rstrip(),
        )
        if not is_own or happening.code == "view-moved":
            return
        view = self._machine.view
        if isinstance(entry, Planned):
            self._coordination.plan_came_back()
        if isinstance(entry, Halted):
            self._coordination.halt_sent = None
        if isinstance(entry, Results):
            self._execution.batch_delivered(entry.number)
        request_id = getattr(entry, "request_id", None)
        if request_id == "" and isinstance(entry, Changed) and view is not None:
            self._bootstrap = ("", "")  # Somebody was faster: look again.
        if request_id and view is not None and self._clients.answered(request_id):
            self._emit(
                Reply(
                    request_id=request_id,
                    answer=refused(
                        happening.code,
                        happening.detail or REFUSALS.get(happening.code, ""),
                        self.version,
                    ),
                )
            )

    def _ping_heard(self, happening: PingHeard) -> None:
        view = self._machine.view
        if view is None:
            return
        others = [m for m in view.proposal.members if m != happening.sender]
        if not others:
            if happening.nonce == self._bar:
                self._bar = None
        elif min(others) == self._word.address:
            self._send(Pong(view=view.id, to=happening.sender.node_id, nonce=happening.nonce))

    def _member_dropped(self, address: MemberAddress) -> None:
        self._note("warning", "member-silent", f"node {address.node_id} is left out of the view")
        if address == self._word.address:
            self._said = None

    # Own operations

    def _release(self) -> None:
        """The inbox is empty: begin what waited, unless something says that it may be over."""
        view = self._machine.view
        if not self._execution.has_waiting or view is None or self._bar is not None:
            return
        if self._identity.node not in view.nodes:
            return
        has_quorum = view.is_quorate and self._word.is_quorate
        is_ignored = not view.is_quorate and self._read_settings().no_quorum_policy == "ignore"
        for effect in self._execution.release(has_quorum=has_quorum or is_ignored):
            self._emit(effect)

    def _operation_finished(self, result: OperationResult) -> None:
        flight = self._execution.find_flight(result.operation_id)
        if flight is None:
            self._note("info", "result-late", f"{result.operation_id} is not awaited any more")
            return
        recurring: tuple[str, ...] = ()
        if flight.action.task == "stop":
            table = self._state.history_of(flight.action.node)
            recurring = tuple(
                row.entry_id
                for row in table.values()
                if row.resource == flight.action.resource and row.interval_ms > 0
            )
        self._execution.finish(result, recurring)

    def _tell_results(self) -> None:
        view = self._machine.view
        me = self._identity
        if view is None or me.node not in view.nodes:
            return
        batch = self._execution.next_batch(is_time_over=False)
        if batch is None:
            if self._execution.has_delayed_reports and T_PROBES not in self._timers:
                self._set_timer(T_PROBES, PROBE_BATCH_MS)
            return
        self._send_batch(view, *batch)

    def _send_batch(self, view: View, number: int, results: tuple[object, ...]) -> None:
        me = self._identity
        self._cancel_timer(T_PROBES)
        self._send(
            Results(
                view=view.id,
                node=me.node,
                boot_id=me.boot_id,
                incarnation=me.incarnation,
                number=number,
                results=results,  # type: ignore[arg-type]
            )
        )

    # Fencing

    def _fence_began(self, flight: Flight) -> None:
        """Begin a fencing of which this member is the executor."""
        view = self._machine.view
        if view is None:
            return
        settings = self._read_settings()
        self._note("notice", "fencing-began", f"{flight.action.task} of {flight.action.node}")
        for effect in self._fencing.begin(flight, view, self._values, settings):
            self._emit(effect)

    def _fence_event(self, event: FenceDelayOver | FenceFinished) -> None:
        for effect in self._fencing.take(event, self._machine.view):
            self._emit(effect)

    def _tell_fencing(self) -> None:
        view = self._machine.view
        if view is None or self._identity.node not in view.nodes:
            return
        for report in self._fencing.reports(view, self._wall_ms):
            self._send(report)

    def _fencing_ended(self, happening: FencingEnded) -> None:
        word = "was fenced" if happening.is_done else "could not be fenced"
        self._note(
            "notice" if happening.is_done else "error",
            "fencing-ended",
            f"{happening.target} {word} ({happening.action} by {happening.executor}"
            f"{', ' + happening.device if happening.device else ''}) "
            f"{happening.exit_reason}".rstrip(),
        )
        self._alert(
            "fencing",
            happening.target,
            (("action", happening.action), ("ok", "1" if happening.is_done else "0")),
        )

    # Clients

    def _submitted(self, request_id: RequestId, request: Request) -> None:
        if isinstance(request, Shutdown):
            self._is_leaving = True
            self._set_timer(T_SHUTDOWN, self._read_settings().shutdown_escalation_ms)
            answer = RequestAnswer(outcome=Outcome.ACKNOWLEDGED, version=self.version)
            self._emit(Reply(request_id=request_id, answer=answer))
            return
        at_once = self._clients.ask(request_id, request, self._now_ms)
        if at_once is not None:
            self._emit(Reply(request_id=request_id, answer=at_once))
            return
        self._answer(request_id)
        self._watch_requests()

    def _watch_requests(self) -> None:
        deadline_ms = self._clients.next_deadline_ms()
        if deadline_ms is not None and T_REQUESTS not in self._timers:
            self._set_timer(T_REQUESTS, max(0, deadline_ms - self._now_ms))

    def _send_requests(self) -> None:
        view = self._machine.view
        if view is None or not self._clients.waiting():
            return
        is_ignored = not view.is_quorate and self._read_settings().no_quorum_policy == "ignore"
        for request_id, request in self._clients.unsent(view.id, is_quorate=view.is_quorate):
            if request_id in self._state.answers:
                continue  # It was applied before this view, and waits for disks or a device.
            made = make_entry(
                request_id,
                request,
                view=view.id,
                node=self._identity.node,
                configuration=self.configuration,
                is_quorum_ignored=is_ignored,
                wall_ms=self._wall_ms,
            )
            if isinstance(made, RequestAnswer):
                self._clients.answered(request_id)
                self._emit(Reply(request_id=request_id, answer=made))
            else:
                self._send(made)

    def _answer(self, request_id: RequestId) -> None:
        """Answer a request if its answer stands: applied, and as safe as it can be now."""
        answered = self._state.answers.get(request_id)
        view = self._machine.view
        if answered is None or answered.fence_ref or self._clients.find(request_id) is None:
            return
        answer: RequestAnswer | None = answered.answer
        if answered.lineage is not None:
            answer = self._safe_answer(answered.answer, answered.lineage, view)
        if answer is not None and self._clients.answered(request_id):
            self._emit(Reply(request_id=request_id, answer=answer))

    def _safe_answer(
        self, answer: RequestAnswer, lineage: Lineage, view: View | None
    ) -> RequestAnswer | None:
        if view is None:
            return None
        if not view.is_quorate:
            return _not_yet_safe(answer, "quorum")
        current = self._state.core.value.lineage
        durable = [
            node_id
            for node_id, on_disk in sorted(self._machine.durable.items())
            if on_disk.epoch_id == current.epoch_id
            and on_disk.era == current.era
            and on_disk.number >= lineage.number
        ]
        witness = view.proposal.hellos[0]
        votes = witness.votes or tuple((node_id, 1) for node_id, _ in witness.nodes)
        missing = missing_for_safety(
            durable=durable,
            synced=[hello.node_id for hello in view.proposal.hellos],
            votes=votes,
            nodes=self._state.nodes.values(),
        )
        if missing is None:
            return None
        return _not_yet_safe(answer, ", ".join(missing)) if missing else answer

    # The disk

    def _journal_written(self, sequence: int) -> None:
        lineage = self._journal.written(sequence)
        view = self._machine.view
        if lineage is None or view is None:
            return
        if lineage.epoch_id == self._state.core.value.lineage.epoch_id:
            self._send(Durable(view=view.id, lineage=lineage))

    # Planning

    def _plan(self) -> None:
        view = self._machine.view
        plans = self._machine.plans
        planning = self._coordination
        core = self._state.core.value
        if view is None or view.coordinator != self._identity.node:
            return
        if not planning.is_wanted(plans) or self._needs_bootstrap(view):
            return
        number = planning.plan_to_halt(plans)
        if number is not None:
            planning.halt_sent = number
            self._send(Halted(view=view.id, plan=number))
            return
        if not planning.may_compute(plans):
            return
        if planning.is_too_busy(self._now_ms):
            if T_CALM not in self._timers:
                self._note("warning", "planning-often", f"plan after plan: {core.wanted_why}")
                self._set_timer(T_CALM, CALM_MS)
            return
        token = planning.begin_computing(core.position, self._now_ms)
        self._emit(
            ComputePlan(
                token=token,
                version=self.version,
                configuration=self.configuration,
                status=self.status(),
            )
        )

    def _plan_computed(self, event: PlanComputed) -> None:
        view = self._machine.view
        based = self._coordination.take_plan(event.token, event.plan, self._machine.plans)
        if event.plan is None:
            self._note("error", "scheduler-failed", event.error or "the scheduler gave no plan")
            self._set_timer(T_RECHECK, SCHEDULER_RETRY_MS)
            return
        if based is None or view is None:
            return
        self._send(
            Planned(
                view=view.id,
                number=self._state.core.value.plans + 1,
                based_position=based,
                plan=event.plan,
                time_ms=self._wall_ms,
            )
        )

    def _needs_bootstrap(self, view: View) -> bool:
        """Say whether the configuration lacks nodes or our own properties, and send it if so."""
        if not view.is_quorate:
            return False
        if self._bootstrap[0] == view.id:
            return self._bootstrap[1] == self.version  # It is on its way.
        nodes = tuple(
            sorted({pair for hello in view.proposal.hellos for pair in hello.nodes})
        ) or tuple((hello.node_id, hello.node) for hello in view.proposal.hellos)
        if self._complete_for[0] is self.configuration and self._complete_for[1] == nodes:
            self._bootstrap = (view.id, "")
            return False
        origin = ChangeOrigin(
            time_ms=self._wall_ms,
            user=BOOTSTRAP_USER,
            client=BOOTSTRAP_CLIENT,
            node=self._identity.node,
        )
        try:
            wanted = bootstrap(
                self.configuration,
                nodes=nodes,
                cluster_name=self._state.core.value.cluster_name,
                version=self._identity.version,
            )
            self._bootstrap = (view.id, "")
            if wanted is None:
                self._complete_for = (self.configuration, nodes)
                return False
            stamped = stamp(wanted, self.configuration, origin, self._wall_ms)
        except EpochError as problem:
            self._note("error", "configuration-unreadable", str(problem))
            return False
        self._bootstrap = (view.id, self.version)
        self._send(
            Changed(
                view=view.id,
                request_id=RequestId(""),
                based_on=self.version,
                configuration=stamped,
                origin=origin,
                time_ms=self._wall_ms,
            )
        )
        return True

    # Leaving

    def _keep_leaving(self) -> None:
        view = self._machine.view
        me = self._identity
        if not self._is_leaving or view is None:
            return
        if self._may_leave:
            if self._left_sent_in != view.id and self._execution.is_quiet:
                self._left_sent_in = view.id
                self._send(
                    Left(
                        view=view.id,
                        node=me.node,
                        boot_id=me.boot_id,
                        incarnation=me.incarnation,
                    )
                )
        elif self._shutdown_sent_in != view.id:
            self._shutdown_sent_in = view.id
            self._send(
                AttributesSet(
                    view=view.id,
                    request_id=RequestId(""),
                    node=me.node,
                    values=(("shutdown", str(self._wall_ms // 1000)),),
                )
            )

    def _leave(self, why: str, *, exit_status: int = 0) -> None:
        self._is_over = True
        self._emit(Leave(exit_status=exit_status, why=why))

    # Timers

    def _timer_fired(self, name: str) -> None:
        self._timers.pop(name, None)
        view = self._machine.view
        if name == T_SETTLE:
            self._word.settle()
        elif name == T_SILENT:
            self._suspect_silent()
        elif name == T_ALIVE:
            self._show_life()
        elif name == T_RECHECK:
            if view is not None and view.coordinator == self._identity.node:
                self._coordination.is_recheck_due = True
        elif name == T_PROBES:
            batch = self._execution.next_batch(is_time_over=True)
            if batch is not None and view is not None and self._identity.node in view.nodes:
                self._send_batch(view, *batch)
        elif name == T_DEADLINE:
            if view is not None and view.coordinator == self._identity.node:
                self._send(SeenDeadline(view=view.id))
        elif name == T_SHUTDOWN:
            self._note("error", "shutdown-escalated", "the resources did not stop in time")
            self._leave("shutdown-escalation is over")
        elif name == T_REQUESTS:
            for request_id, answer in self._clients.overdue(self._now_ms):
                self._emit(Reply(request_id=request_id, answer=answer))
            self._watch_requests()
        elif name == T_JOURNAL:
            again = self._journal.write_again()
            if again is not None:
                self._emit(again)
        elif name.startswith(T_GRACE) and view is not None:
            self._grace_over(view, NodeName(name.removeprefix(T_GRACE)))

    def _suspect_silent(self) -> None:
        """Members without a Hello, or the base without its state, hold the view up: say so."""
        if self._machine.view is not None or self._word.address is None:
            return
        targets = list(self._machine.hellos.silent())
        donor = self._machine.donor
        targets.extend(m for m in self._word.members if m.node_id == donor)
        for target in targets:
            if target != self._word.address:
                self._send(Suspect(target=target, members=self._word.members))
        self._set_timer(T_SILENT, SETTLE_MS)

    def _show_life(self) -> None:
        """Say that we are there, and name those of whom nothing was heard for too long."""
        view = self._machine.view
        if view is None:
            return
        if self._liveness.is_quiet(self._now_ms):
            position = self._state.core.value.position
            self._send(Ping(view=view.id, nonce=0, wants_answer=False, position=position))
        for target in self._liveness.silent(self._word.address, self._now_ms):
            self._send(Suspect(target=target, members=self._word.members))
        self._set_timer(T_ALIVE, ALIVE_MS)

    def _digest_heard(self, happening: DigestHeard) -> None:
        """Begin anew, with the state of the others, where ours alone is different."""
        view = self._machine.view
        if view is None:
            return
        self._liveness.note_digest(happening.sender, happening.position, happening.digest)
        first = next(
            member
            for member, hello in zip(
                sorted(view.proposal.members), view.proposal.hellos, strict=True
            )
            if hello.node == view.coordinator
        )
        if self._liveness.is_alone(self._word.address, happening.position, first):
            self._note("error", "state-differs", "this member's state is not that of the others")
            self._leave("its state differs: it begins anew", exit_status=1)

    def _grace_over(self, view: View, node: NodeName) -> None:
        row = self._state.nodes.get(node)
        if row is None or row.presence is not Presence.MISSING:
            return
        if view.coordinator == self._identity.node:
            self._send(
                GraceOver(view=view.id, node=node, boot_id=row.boot_id, incarnation=row.incarnation)
            )

    # Small things

    def _read_settings(self) -> Settings:
        """Return the settings of the configuration that is there now."""
        if self._settings_for is not self.configuration:
            self._settings_for = self.configuration
            self._values, self._settings = settings_of(self.configuration)
        return self._settings

    def _send(self, entry: Entry) -> None:
        payload = encode_entry(entry)
        self._liveness.said(self._now_ms)
        if self._is_engine_up:
            self._emit(Send(payload=payload))
        else:
            self._loop.append(payload)

    def _emit(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _set_timer(self, name: str, wait_ms: int) -> None:
        self._timers[name] = self._now_ms + wait_ms
        self._emit(SetTimer(name=name, at_ms=self._now_ms + wait_ms))

    def _cancel_timer(self, name: str) -> None:
        if self._timers.pop(name, None) is not None:
            self._emit(CancelTimer(name=name))

    def _note(self, level: str, code: str, message: str) -> None:
        position = self._state.core.value.position
        self._emit(Note(level=level, code=code, message=message, position=position))

    def _alert(self, kind: str, node: NodeName, facts: tuple[tuple[str, str], ...]) -> None:
        position = self._state.core.value.position
        self._emit(RaiseAlert(kind=kind, node=node, facts=facts, position=position))


def _not_yet_safe(answer: RequestAnswer, waits_for: str) -> RequestAnswer:
    return RequestAnswer(
        outcome=Outcome.NOT_YET_SAFE,
        code="not-on-enough-disks",
        detail=f"waits for {waits_for}",
        version=answer.version,
    )
