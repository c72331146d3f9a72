"""Plans, results, fencings and departures, as the log decides them (DESIGN 4, 6, 7)."""

from collections import deque
from collections.abc import Sequence

from msgspec.structs import replace

from paceline.model.identifiers import NodeId, NodeName, ResourceId
from paceline.model.plan import ActionKind, PlannedAction
from paceline.model.status import (
    DIGESTS_ATTRIBUTE,
    SECURE_DIGESTS_ATTRIBUTE,
    UNFENCED_ATTRIBUTE,
    FencingRecord,
)
from paceline.replica.apply_nodes import forget_life
from paceline.replica.entries import (
    FenceReported,
    FenceWanted,
    Flight,
    GraceOver,
    Halted,
    Left,
    Planned,
    Reported,
    Results,
    SeenDeadline,
)
from paceline.replica.happenings import (
    BatchApplied,
    FencingEnded,
    FencingTooEarly,
    FlightBegan,
    FlightsHalted,
    Happening,
    NodeChanged,
    NodeLeft,
    PlanBegan,
    PlanEnded,
    RequestApplied,
    ResourceReported,
    ShutdownReached,
    View,
)
from paceline.replica.packed_plans import open_piece
from paceline.replica.planning import CHANGES, Eligible, PlanRun, Subject, executor_of
from paceline.replica.requests import Outcome, RequestAnswer
from paceline.replica.results import counted
from paceline.replica.steps import Steps, in_portions
from paceline.replica.tables import Answered, Cell, NodeRow, Presence, State, Table

PlanEntry = Halted | Results | FenceReported | SeenDeadline
FENCE_OFF_TASKS = ("reboot", "off")
NO_NODE_ID = NodeId(0)
"""Of a node that Corosync does not know; its own begin with 1 (corosync.conf(5))."""


class PlanApplier:
    """What is being done in the view: the plan under way and what moved since it was computed.

    Plans that were replaced while others were still to be told of their work are kept until that is
    done. Each has something in flight that no newer plan took over, so there are never many.
    """

    def __init__(self, state: State) -> None:
        """Begin without a plan."""
        self._state = state
        self._run: Cell[PlanRun | None] = Cell(state.undo, None)
        self._closing: Cell[tuple[PlanRun, ...]] = Cell(state.undo, ())
        self.view: View | None = None
        self.floor: Cell[int] = Cell(state.undo, 0)
        self.based: Cell[int] = Cell(state.undo, -1)
        self._moved: Table[Subject, int] = Table(state.undo)
        self._changed: Table[Subject, int] = Table(state.undo)
        self._ended: Cell[int] = Cell(state.undo, 0)
        self._happened: list[Happening] = []

    # Views

    def begin_view(self, view: View) -> None:
        """A view is established: plans must be computed from here on."""
        self.view = view
        self._run.value = None
        self._closing.value = ()
        self.floor.value = view.position
        self.based.value = -1
        self._moved.clear()
        self._changed.clear()

    def end_view(self) -> None:
        """The view is over: it halted its plan itself, and members that join know nothing of it."""
        if self.run is not None:
            self.run.halt()
        self.view = None

    def take_happenings(self) -> list[Happening]:
        """Return what happened since asked last."""
        happened, self._happened = self._happened, []
        return happened

    @property
    def run(self) -> PlanRun | None:
        """The newest plan of the view."""
        return self._run.value

    @property
    def is_wanted(self) -> bool:
        """Say whether something changed since the newest plan was computed."""
        return self.wanted_at > self.based.value

    @property
    def wanted_at(self) -> int:
        """The position of the last change that may call for another plan."""
        return self._state.core.value.wanted_at

    # Entries

    def apply(self, view: View, sender: NodeName, entry: PlanEntry) -> str:
        """Apply an entry; return why it is refused, or an empty text."""
        self._happened = []
        match entry:
            case Halted():
                code = self._halt(view, sender, entry)
            case Results():
                code = self._take_results(sender, entry)
            case FenceReported():
                code = self._take_fencing(view, sender, entry)
            case SeenDeadline():
                self._state.update_core(is_seen_deadline_over=True)
                self._state.want_plan("the wait for nodes not seen is over")
                code = ""
        self._note_end()
        return code

    def begin_plan(self, view: View, sender: NodeName, entry: Planned) -> Steps[str]:
        """Begin a plan, in steps; the result is why it is refused, or an empty text."""
        self._happened = []
        code = self._plan_refusal(view, sender, entry)
        if not code:
            yield from self._begin_plan(view, entry)
        self._note_end()
        return code

    def _plan_refusal(self, view: View, sender: NodeName, entry: Planned) -> str:
        if sender != view.coordinator:
            return "not-coordinator"
        if entry.based_position < self.floor.value:
            return "plan-outdated"
        if self.run is not None and not (self.run.is_halted.value or self.run.is_complete):
            return "plan-runs"
        return ""

    def _begin_plan(self, view: View, entry: Planned) -> Steps[None]:
        state = self._state
        core = state.core.value
        state.update_core(plans=core.plans + 1, time_ms=max(core.time_ms, entry.time_ms))
        self._keep_closing()
        run = PlanRun(
            state,
            entry.plan.head,
            number=core.plans + 1,
            view=view.id,
            based_position=entry.based_position,
            position=core.position,
        )
        yield from run.prepare(open_piece(piece) for piece in entry.plan.pieces)
        self._run.value = run
        self.based.value = entry.based_position
        since = entry.based_position
        changed = [subject for subject, position in self._changed.items() if position > since]
        first = yield from run.begin(lambda action: self._has_moved(action, since), changed)
        if len(self._moved):
            if run.has_held:
                state.want_plan("results came while the plan was computed")
            self._moved.clear()
            self._changed.clear()
        for old in self._closing.value:
            old.let_go(run)
        self._happened.append(PlanBegan(number=run.number, actions=len(run.actions)))
        for portion in in_portions(first):
            self._start(run, portion)
            yield

    def _keep_closing(self) -> None:
        """Keep the plan that is replaced, while others are to be told of what it has in flight."""
        replaced = () if self.run is None else (self.run,)
        self._closing.value = tuple(
            run for run in (*self._closing.value, *replaced) if run.is_closing
        )

    def _has_moved(self, action: PlannedAction, based_position: int) -> bool:
        return (self._moved.get((action.resource, action.node)) or 0) > based_position

    def _halt(self, view: View, sender: NodeName, entry: Halted) -> str:
        if sender != view.coordinator:
            return "not-coordinator"
        if self.run is None or self.run.number != entry.plan:
            return "plan-moved"
        self._start(self.run, self.run.halt())
        self.floor.value = self._state.core.value.position
        self._happened.append(FlightsHalted())
        return ""

    def _note_end(self) -> None:
        run = self.run
        if run is None or self._ended.value == run.number or run.is_halted.value:
            return
        if run.is_complete:
            self._ended.value = run.number
            self._happened.append(PlanEnded(number=run.number, is_done=run.is_done))

    # What becomes eligible

    def _settle(self, ref: str, *, is_done: bool) -> None:
        """Tell the plans, replaced ones first, of an action's one result."""
        for run in (*self._closing.value, self.run):
            if run is not None:
                self._start(run, run.settle(ref, is_done=is_done))

    def _start(self, run: PlanRun, eligible: Sequence[Eligible]) -> None:
        """Put actions in flight; those that need no agent are applied here and now."""
        queue = deque(eligible)
        while queue:
            each = queue.popleft()
            queue.extend(self._start_one(run, each))

    def _start_one(self, run: PlanRun, each: Eligible) -> tuple[Eligible, ...]:
        action = each.action
        match action.kind:
            case ActionKind.PSEUDO:
                return run.finish_at_once(action)
            case ActionKind.CLUSTER:
                self._apply_cluster_action(action)
                return run.finish_at_once(action)
            case ActionKind.FENCE:
                return self._start_fencing(run, each)
            case ActionKind.RESOURCE if action.task == "delete":
                # Forgetting a removed resource's history needs no agent.
                self._apply_cluster_action(action)
                return run.finish_at_once(action)
            case ActionKind.RESOURCE:
                row = self._present(executor_of(action))
                if row is None:
                    run.hold(each.ref)  # A lost daemon's node: the view that has it plans anew.
                    return ()
                self._put_in_flight(each.ref, action, row)
                return ()

    def _present(self, node: NodeName) -> NodeRow | None:
        row = self._state.nodes.get(node)
        if row is None or self.view is None or node not in self.view.nodes:
            return None
        return row if row.presence is Presence.PRESENT else None

    def _put_in_flight(self, ref: str, action: PlannedAction, executor: NodeRow) -> None:
        flight = Flight(
            ref=ref,
            executor=executor.name,
            action=action,
            boot_id=executor.boot_id,
            incarnation=executor.incarnation,
            position=self._state.core.value.position,
        )
        self._state.flights.put(ref, flight)
        self._happened.append(FlightBegan(flight=flight))

    def _apply_cluster_action(self, action: PlannedAction) -> None:
        state = self._state
        match action.task:
            case "lrm_delete" | "delete":
                table = state.history_of(action.node)
                for key, _row in table.items():
                    if key[0] == action.resource:
                        table.drop(key)
            case "clear_failcount":
                self._clear_failcount(action.node, action.resource)
            case "do_shutdown":
                self._happened.append(ShutdownReached(node=action.node))
            case _:
                pass

    def _clear_failcount(self, node: NodeName, resource: ResourceId) -> None:
        state = self._state
        prefixes = (f"fail-count-{resource}#", f"last-failure-{resource}#")
        kept = {
            name: value
            for name, value in state.attributes.get(node) or ()
            if not name.startswith(prefixes)
        }
        state.set_attributes(node, kept)
        state.history_of(node).drop((resource, f"{resource}_last_failure_0"))

    # Fencing

    def apply_fence_wanted(self, view: View, entry: FenceWanted) -> str:
        """Begin a fencing that a person or a tool asked for."""
        self._happened = []
        state = self._state
        if entry.request_id in state.answers:
            self._happened.append(RequestApplied(request_id=entry.request_id))
            return ""
        target = state.nodes.get(entry.target)
        if target is None:
            return "unknown-node"
        if not view.is_quorate:
            return "no-quorum"
        executor = self._fence_executor(entry.target, entry.task)
        if executor is None:
            return "no-executor"
        core = state.core.value
        state.update_core(fences=core.fences + 1)
        action = PlannedAction(
            id=0,  # type: ignore[arg-type]  # not an action of a plan: no number of one
            kind=ActionKind.FENCE,
            task=entry.task,
            node=entry.target,
            fencing_delay_ms=entry.delay_ms,
            meta=(("client", entry.client), ("origin", entry.origin)),
        )
        ref = f"{view.id}/fence/{core.fences + 1}"
        self._put_in_flight(ref, action, executor)
        self._record(action, executor.name, "pending")
        answer = RequestAnswer(outcome=Outcome.UNKNOWN, code="fencing", version=core.version)
        state.remember_answer(entry.request_id, Answered(answer=answer, fence_ref=ref))
        state.want_plan(f"{entry.target} is being fenced")
        return ""

    def _start_fencing(self, run: PlanRun, each: Eligible) -> tuple[Eligible, ...]:
        action = each.action
        target = self._state.nodes.get(action.node)
        is_early = target is None or target.presence is Presence.UNSEEN
        if is_early and not self._state.core.value.is_seen_deadline_over:
            self._happened.append(FencingTooEarly())
            run.hold(each.ref)
            return ()
        executor = self._fence_executor(action.node, action.task)
        if executor is None or self.view is None or not self.view.is_quorate:
            return run.settle(each.ref, is_done=False)
        self._put_in_flight(each.ref, action, executor)
        self._record(action, executor.name, "pending")
        return ()

    def _fence_executor(self, target: NodeName, task: str) -> NodeRow | None:
        """Return who fences: the coordinator, or the next member; the target itself only alone.

        Unfencing (`on`) is done by the target itself: some devices can be freed only from there.
        """
        view = self.view
        if view is None:
            return None
        if task == "on" and (row := self._present(target)) is not None:
            return row
        rows = [row for name in view.nodes if (row := self._present(name)) is not None]
        rows.sort(key=lambda row: (row.name == target, row.name != view.coordinator, row.node_id))
        return rows[0] if rows else None

    def _record(
        self,
        action: PlannedAction,
        executor: str,
        word: str,
        *,
        device: str = "",
        exit_reason: str = "",
        time_ms: int = 0,
    ) -> None:
        meta = dict(action.meta)
        coordinator = self.view.coordinator if self.view is not None else NodeName("")
        self._state.record_fencing(
            FencingRecord(
                target=action.node,
                action=action.task,
                executor=executor,
                origin=meta.get("origin", coordinator),
                client=meta.get("client", "paceline"),
                state=word,
                device=device,
                completed_ms=time_ms,
                exit_reason=exit_reason,
            )
        )

    def _take_fencing(self, view: View, sender: NodeName, entry: FenceReported) -> str:
        state = self._state
        flight = state.flights.get(entry.ref)
        if flight is None or flight.executor != sender:
            return "not-in-flight"
        state.flights.drop(entry.ref)
        action = flight.action
        self._record(
            action,
            sender,
            "done" if entry.is_done else "failed",
            device=entry.device,
            exit_reason=entry.exit_reason,
            time_ms=entry.time_ms,
        )
        self._happened.append(
            FencingEnded(
                target=entry.target,
                action=action.task,
                executor=sender,
                is_done=entry.is_done,
                device=entry.device,
                exit_reason=entry.exit_reason,
            )
        )
        if entry.is_done:
            self._note_unfencing(entry, is_let_in=action.task not in FENCE_OFF_TASKS)
        if entry.is_done and action.task in FENCE_OFF_TASKS:
            self._clear_life(view, entry)
        self._answer_fencing(entry)
        self._settle(entry.ref, is_done=entry.is_done)
        if not entry.is_done:
            state.want_plan(f"fencing {entry.target} failed")
        return ""

    def _note_unfencing(self, entry: FenceReported, *, is_let_in: bool) -> None:
        """Note that the node was let in, so that it is not done again, or that it is shut out."""
        values = dict(self._state.attributes.get(entry.target) or ())
        for name in (UNFENCED_ATTRIBUTE, DIGESTS_ATTRIBUTE, SECURE_DIGESTS_ATTRIBUTE):
            values.pop(name, None)
        if is_let_in:
            values[UNFENCED_ATTRIBUTE] = str(max(1, entry.time_ms // 1000))
        self._state.set_attributes(entry.target, values)

    def _clear_life(self, view: View, entry: FenceReported) -> None:
        """Clear the life that was fenced, and only that one.

        A node that only the configuration names had none that anybody knew of: it is known as
        fenced from now on, or it would be fenced for ever.
        """
        row = self._state.nodes.get(entry.target)
        if row is None and not entry.boot_id:
            row = NodeRow(name=entry.target, node_id=NO_NODE_ID)
            self._state.nodes.put(entry.target, row)
        if row is None or (row.boot_id, row.incarnation) != (entry.boot_id, entry.incarnation):
            self._state.want_plan(f"{entry.target} is a new life, and not barred any more")
            return
        forget_life(self._state, entry.target, Presence.OFF, is_fenced=True)
        self._happened.append(
            NodeChanged(node=entry.target, before=row.presence.value, after=Presence.OFF.value)
        )

    def _answer_fencing(self, entry: FenceReported) -> None:
        state = self._state
        for request_id, answered in state.answers.items():
            if answered.fence_ref == entry.ref:
                outcome = Outcome.ACKNOWLEDGED if entry.is_done else Outcome.FAILED
                answer = RequestAnswer(
                    outcome=outcome,
                    code="" if entry.is_done else "fencing-failed",
                    detail=entry.exit_reason,
                    version=state.core.value.version,
                )
                state.remember_answer(request_id, Answered(answer=answer))
                state.want_plan(f"{entry.target} was fenced by hand")
                self._happened.append(RequestApplied(request_id=request_id))

    # Results

    def _take_results(self, sender: NodeName, entry: Results) -> str:
        row = self._state.nodes.get(sender)
        if entry.node != sender or row is None:
            return "not-yours"
        if (row.boot_id, row.incarnation) != (entry.boot_id, entry.incarnation):
            return "old-life"
        for reported in entry.results:
            self._take_result(sender, reported)
        self._happened.append(
            BatchApplied(node=sender, incarnation=row.incarnation, number=entry.number)
        )
        return ""

    def _take_result(self, sender: NodeName, reported: Reported) -> None:
        state = self._state
        flight: Flight | None = None
        if reported.ref:
            flight = state.flights.get(reported.ref)
            if flight is None or flight.executor != sender:
                self._doubt(reported)
                return
            state.flights.drop(reported.ref)
            action = flight.action
            subject, position = (action.resource, action.node), state.core.value.position
            self._moved.put(subject, position)
            if action.task in CHANGES:
                self._changed.put(subject, position)
        self._put_rows(sender, reported)
        if reported.failure is not None:
            values = dict(state.attributes.get(reported.node) or ())
            name = reported.failure.name
            values[name] = counted(values.get(name), reported.failure.value)
            values[reported.failure.last_name] = reported.failure.last_value
            state.set_attributes(reported.node, values)
        if flight is not None:
            self._settle(reported.ref, is_done=reported.is_expected)
        if not reported.is_expected:
            what = reported.rows[0].entry_id if reported.rows else "an action"
            state.want_plan(f"{what} on {reported.node} did not end as planned")
        elif flight is not None and self._has_made_room(flight):
            state.want_plan("what the plan had to leave out is settled")

    def _has_made_room(self, flight: Flight) -> bool:
        """Say whether the plan may have left something out for what has ended: older work only."""
        run = self.run
        return run is not None and run.has_held and flight.position < run.position

    def _doubt(self, reported: Reported) -> None:
        """A late result is not applied; what it speaks of is not known any more and is probed."""
        for row in reported.rows:
            table = self._state.history_of(reported.node)
            for key, _row in table.items():
                if key[0] == row.resource:
                    table.drop(key)
            self._state.want_plan(f"a late result of {row.resource} on {reported.node}")

    def _put_rows(self, sender: NodeName, reported: Reported) -> None:
        state = self._state
        table = state.history_of(reported.node)
        if reported.node != sender:
            state.reporters.put(reported.node, sender)
        for key in reported.forgets:
            table.drop(key)
        for row in reported.rows:
            placed = replace(row, position=state.core.value.position)
            table.put((row.resource, row.entry_id), placed)
        if reported.rows:
            self._happened.append(
                ResourceReported(row=reported.rows[0], node=reported.node, executor=sender)
            )

    # Departures

    def apply_departure(self, view: View, sender: NodeName, entry: Left | GraceOver) -> str:
        """A node said goodbye, or its grace time is over."""
        self._happened = []
        row = self._state.nodes.get(entry.node)
        if row is None or (row.boot_id, row.incarnation) != (entry.boot_id, entry.incarnation):
            return "old-life"
        if isinstance(entry, Left):
            if sender != entry.node:
                return "not-yours"
            forget_life(self._state, entry.node, Presence.LEFT, is_fenced=False)
            self._happened.append(
                NodeChanged(node=entry.node, before=row.presence.value, after=Presence.LEFT.value)
            )
            self._happened.append(
                NodeLeft(node=entry.node, boot_id=entry.boot_id, incarnation=entry.incarnation)
            )
            return ""
        if sender != view.coordinator or row.presence is not Presence.MISSING:
            return "moot"
        if not view.is_quorate:
            return "no-quorum"
        self._state.nodes.put(
            entry.node,
            replace(row, presence=Presence.FAILED, since_ms=self._state.core.value.time_ms),
        )
        self._happened.append(
            NodeChanged(node=entry.node, before=row.presence.value, after=Presence.FAILED.value)
        )
        self._state.want_plan(f"the daemon of {entry.node} did not come back")
        return ""
