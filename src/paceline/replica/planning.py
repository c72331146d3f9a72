"""A delivered plan under way: what is in flight, done, held; a pure function of the log (DESIGN 4).

waiting --last result it waits for--> in flight --expected result--> done
                                      in flight --failed, not begun--> failed (its followers stay)
waiting --> held, where something moved on that resource and node since the plan was computed

After a Halt, or in another view, nothing new is begun; what is in flight stays so until its one
result. Only what tells of work that is done or in flight goes on (`_find_closing`): a service that
was promoted counts on its partners being told, and no later plan knows that they were not.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from heapq import heapify, heappop, heappush

from msgspec import Struct

from paceline.model.identifiers import ActionId, NodeName
from paceline.model.plan import ActionKind, Plan, PlannedAction
from paceline.replica.entries import Flight
from paceline.replica.steps import Steps, in_portions
from paceline.replica.tables import Cell, State, Table

BATCH_LIMIT_MAX = 1000
"""How many actions may be in flight where the plan sets no limit."""
UNLIMITED = -(2**63)
"""The rank of what the limit is not for: fencing, and what needs no agent."""
START_LIKE = ("start", "promote", "migrate_to", "migrate_from")
"""Tasks that can make a resource active somewhere: released with an empty inbox only."""
SHUTDOWN_TASK = "do_shutdown"
POST_NOTIFY = "post-"
"""What a notification announces when it comes after the work."""
MIGRATIONS = ("migrate_to", "migrate_from")
CHANGES = (*START_LIKE, "stop", "demote")
"""Tasks after which a resource stands elsewhere than before."""
Subject = tuple[str, str]
"""A resource and the node that something is done to it on."""


class ActionState(StrEnum):
    """Where one action of a plan stands."""

    WAITING = "waiting"
    IN_FLIGHT = "in-flight"
    DONE = "done"
    FAILED = "failed"
    HELD = "held"


class Eligible(Struct, frozen=True, gc=False, kw_only=True):
    """An action whose dependencies are done, at this position."""

    action: PlannedAction
    ref: str


def executor_of(action: PlannedAction) -> NodeName:
    """Return the member that carries a resource action out: a remote node's is its router."""
    return action.router or action.node


def is_same_work(left: PlannedAction, right: PlannedAction) -> bool:
    """Say whether an action in flight is what a new plan asks for, so that it is carried over."""
    return (
        left.kind == right.kind
        and left.task == right.task
        and left.resource == right.resource
        and left.node == right.node
        and left.router == right.router
        and left.interval_ms == right.interval_ms
        and left.cancels == right.cancels
        and left.notify == right.notify
        and left.digest == right.digest
    )


class PlanRun:
    """One delivered plan."""

    def __init__(
        self,
        state: State,
        head: Plan,
        *,
        number: int,
        view: str,
        based_position: int,
        position: int,
    ) -> None:
        """Begin without actions; `prepare` takes them in, `begin` makes the first eligible."""
        undo = state.undo
        self._state = state
        self.head = head
        self.number = number
        self.view = view
        self.based_position = based_position
        self.position = position
        self.is_halted: Cell[bool] = Cell(undo, False)
        self.has_failed: Cell[bool] = Cell(undo, False)
        self.actions: dict[ActionId, PlannedAction] = {}
        self._states: Table[ActionId, ActionState] = Table(undo)
        self._open: Table[ActionId, int] = Table(undo)
        self._queue: list[tuple[int, int]] = []
        self._by_ref: Table[str, ActionId] = Table(undo)
        self._count: Cell[int] = Cell(undo, 0)
        self._held: Cell[int] = Cell(undo, 0)
        self._done: Cell[int] = Cell(undo, 0)
        self._closing: Cell[tuple[ActionId, ...]] = Cell(undo, ())
        self._before: dict[ActionId, tuple[ActionId, ...]] = {}
        self._next: dict[ActionId, list[ActionId]] = {}

    def prepare(self, pieces: Iterable[Sequence[PlannedAction]]) -> Steps[None]:
        """Take the actions in, and note what waits for what."""
        for piece in pieces:
            for action in piece:
                self.actions[action.id] = action
            yield
        for portion in in_portions(self.actions.values()):
            for action in portion:
                before = self._before[action.id] = self._waits_for(action)
                for other in before:
                    self._next.setdefault(other, []).append(action.id)
            yield

    def _waits_for(self, action: PlannedAction) -> tuple[ActionId, ...]:
        """Return what must be done first, each once.

        A node is let go only when all else that the plan does there is done: a probe may find
        what nobody knew of, and `Left` promises that nothing runs.
        """
        before = dict.fromkeys(other for other in action.after if other in self.actions)
        if action.task == SHUTDOWN_TASK:
            before |= dict.fromkeys(
                other.id
                for other in self.actions.values()
                if other.kind is ActionKind.RESOURCE and executor_of(other) == action.node
            )
        return tuple(before)

    def begin(
        self, moved: Callable[[PlannedAction], bool], changed: Iterable[Subject] = ()
    ) -> Steps[tuple[Eligible, ...]]:
        """Return the actions that are eligible at once.

        An action that is in flight already is carried over; one on a resource and node where
        something is in flight, or `moved` since the plan was computed, is held.

        A resource that is on its way (a stop in flight that this plan does not want any more), or
        was and has `changed` since, stands elsewhere than the plan takes it to. Nothing is started
        then, as it might be on top of it, and its result brings another plan.
        """
        flights = _Flights(self._state.flights.values())
        on_the_way = {*flights.changing(), *changed}
        is_mistaken = bool(on_the_way) and not on_the_way <= {
            _place(action) for action in self.actions.values() if action.task in CHANGES
        }
        self._held.value += is_mistaken
        states: dict[ActionId, ActionState] = {}
        still_open: dict[ActionId, int] = {}
        for portion in in_portions(self.actions.values()):
            for action in portion:
                same = flights.find_same(action)
                if same is not None:
                    states[action.id] = ActionState.IN_FLIGHT
                    self._by_ref.put(same.ref, action.id)
                    self._count.value += 1
                elif (
                    moved(action)
                    or flights.is_busy(action)
                    or self._leaves_early(action)
                    or (is_mistaken and action.task in START_LIKE)
                ):
                    states[action.id] = ActionState.HELD
                    self._held.value += 1
                else:
                    states[action.id] = ActionState.WAITING
                    still_open[action.id] = len(self._before[action.id])
            yield
        self._states.load(states)
        self._open.load(still_open)
        # The run is new: there is no way back to note.
        self._queue = [self._rank(action) for action, count in still_open.items() if not count]
        heapify(self._queue)
        return self._make_eligible([])

    def _rank(self, action_id: ActionId) -> tuple[int, int]:
        action = self.actions[action_id]
        is_limited = action.kind is ActionKind.RESOURCE
        return (-action.priority if is_limited else UNLIMITED, action_id)

    def _leaves_early(self, action: PlannedAction) -> bool:
        """Say whether a node would be let go while something else is in flight there."""
        return action.task == SHUTDOWN_TASK and any(
            flight.action.kind is ActionKind.RESOURCE
            and flight.executor == action.node
            and not any(is_same_work(flight.action, other) for other in self.actions.values())
            for flight in self._state.flights.values()
        )

    def halt(self) -> tuple[Eligible, ...]:
        """Begin nothing new; return what tells of work that is done, and only waited for room."""
        if self.is_halted.value:
            return ()
        self._closing.value = self._find_closing()
        self.is_halted.value = True
        return self._make_eligible([])

    def _find_closing(self) -> tuple[ActionId, ...]:
        """Return what tells of work that is done or in flight, and what of it is in flight.

        These are the notifications after the work that wait, step by step, for nothing that was
        not begun; the points on the way to them; and what all these wait for.
        """
        ends = [action.id for action in self.actions.values() if _is_told_after(action)]
        if not ends:
            return ()
        begun = self._only_after_begun()
        closing: dict[ActionId, None] = {}
        ways = [end for end in ends if end in begun or self._is_in_flight(end)]
        while ways:
            action_id = ways.pop()
            if action_id in closing or not (action_id in begun or self._is_in_flight(action_id)):
                continue
            closing[action_id] = None
            ways.extend(self._before[action_id])
        return tuple(closing)

    def _only_after_begun(self) -> frozenset[ActionId]:
        """Return the waiting points and late notifications that only begun work leads to."""
        begun = (ActionState.DONE, ActionState.IN_FLIGHT)
        missing = {
            action.id: sum(self._states.get(i) not in begun for i in self._before[action.id])
            for action in self.actions.values()
            if self._states.get(action.id) is ActionState.WAITING
            and (action.kind is ActionKind.PSEUDO or _is_told_after(action))
        }
        found = [action_id for action_id, count in missing.items() if not count]
        for action_id in found:  # It grows while it is looked through.
            for follower in self._next.get(action_id, ()):
                if follower in missing:
                    missing[follower] -= 1
                    if not missing[follower]:
                        found.append(follower)
        return frozenset(found)

    def _is_in_flight(self, action_id: ActionId) -> bool:
        return self._states.get(action_id) is ActionState.IN_FLIGHT

    def settle(self, ref: str, *, is_done: bool) -> tuple[Eligible, ...]:
        """An action's one result: return what became eligible by it."""
        action_id = self._by_ref.get(ref)
        if action_id is None or not self._is_in_flight(action_id):
            return ()
        self._count.value -= 1
        if not is_done:
            self._states.put(action_id, ActionState.FAILED)
            self.has_failed.value = True
            return self._make_eligible([])
        return self._make_eligible(self._finish(action_id))

    def hold(self, ref: str) -> None:
        """Leave out an action that may not be done yet; another plan will have it."""
        action_id = self._by_ref.get(ref)
        if action_id is not None and self._is_in_flight(action_id):
            self._count.value -= 1
            self._held.value += 1
            self._states.put(action_id, ActionState.HELD)

    def let_go(self, newer: "PlanRun") -> None:
        """What a newer plan carries over is its own: it tells of it, too."""
        for ref, _ in newer._by_ref.items():
            self.hold(ref)

    def finish_at_once(self, action: PlannedAction) -> tuple[Eligible, ...]:
        """An action that needs no agent was applied where it became eligible."""
        self._count.value -= 1
        return self._make_eligible(self._finish(action.id))

    @property
    def is_closing(self) -> bool:
        """Say whether it was halted, and something may still be told of what it has in flight."""
        return any(map(self._is_in_flight, self._closing.value))

    @property
    def is_complete(self) -> bool:
        """Say whether nothing of it is in flight and nothing can follow."""
        if self._count.value:
            return False
        return self.is_halted.value or not self._queue

    @property
    def is_done(self) -> bool:
        """Say whether every action was done."""
        return self._done.value == len(self.actions)

    @property
    def has_held(self) -> bool:
        """Say whether something was held, so that another plan is needed."""
        return self._held.value > 0

    def counts(self) -> dict[str, int]:
        """Return how many actions stand where."""
        counted = {state.value: 0 for state in ActionState}
        for state in self._states.values():
            counted[state.value] += 1
        return counted

    def _finish(self, action_id: ActionId) -> list[ActionId]:
        self._states.put(action_id, ActionState.DONE)
        self._done.value += 1
        opened: list[ActionId] = []
        for follower in self._next.get(action_id, ()):
            left = self._open.get(follower)
            if left is None:
                continue
            self._open.put(follower, left - 1)
            if left == 1:
                opened.append(follower)
        return opened

    def _make_eligible(self, ready: Sequence[ActionId]) -> tuple[Eligible, ...]:
        """Queue what is ready and return what the limits let go, highest priority first."""
        for action_id in ready:
            self._push(self._rank(action_id))
        limit = self.head.batch_limit or BATCH_LIMIT_MAX
        let_go: list[Eligible] = []
        aside: list[tuple[int, int]] = []
        while self._queue and (self._count.value < limit or self._queue[0][0] == UNLIMITED):
            key = self._pop()
            action = self.actions[ActionId(key[1])]
            if self.is_halted.value and action.id not in self._closing.value:
                continue
            if action.task in MIGRATIONS and self._is_migration_full(action):
                aside.append(key)
                continue
            self._count.value += 1
            self._states.put(action.id, ActionState.IN_FLIGHT)
            ref = f"{self.view}/{self.number}/{action.id}"
            self._by_ref.put(ref, action.id)
            let_go.append(Eligible(action=action, ref=ref))
        for key in aside:
            self._push(key)
        return tuple(let_go)

    def _push(self, key: tuple[int, int]) -> None:
        heappush(self._queue, key)
        self._state.undo.note(lambda: self._take_out(key))

    def _pop(self) -> tuple[int, int]:
        key = heappop(self._queue)
        self._state.undo.note(lambda: heappush(self._queue, key))
        return key

    def _take_out(self, key: tuple[int, int]) -> None:
        self._queue.remove(key)
        heapify(self._queue)

    def _is_migration_full(self, action: PlannedAction) -> bool:
        """Say whether the node has as many migrations as the limit allows (-1: no limit)."""
        if self.head.migration_limit < 0:
            return False
        running = [
            flight
            for flight in self._state.flights.values()
            if flight.action.task in MIGRATIONS and flight.action.node == action.node
        ]
        return len(running) >= self.head.migration_limit


class _Flights:
    """What is in flight when a plan begins, by the resource or the target that it is about."""

    def __init__(self, flights: Sequence[Flight]) -> None:
        self._about: dict[tuple[bool, str], list[Flight]] = {}
        for flight in flights:
            self._about.setdefault(_subject(flight.action), []).append(flight)

    def changing(self) -> set[Subject]:
        """Return where a resource is about to stand elsewhere than it did."""
        return {
            _place(flight.action)
            for flights in self._about.values()
            for flight in flights
            if flight.action.kind is ActionKind.RESOURCE and flight.action.task in CHANGES
        }

    def find_same(self, action: PlannedAction) -> Flight | None:
        """Return the flight that is what the plan asks for, if there is one."""
        if not self._about or action.kind not in (ActionKind.RESOURCE, ActionKind.FENCE):
            return None
        about = self._about.get(_subject(action), ())
        return next((each for each in about if is_same_work(each.action, action)), None)

    def is_busy(self, action: PlannedAction) -> bool:
        """Say whether something else is in flight for this resource on this node."""
        if (
            not self._about
            or action.kind is ActionKind.PSEUDO
            or (action.kind is not ActionKind.FENCE and not action.resource)
        ):
            return False
        for flight in self._about.get(_subject(action), ()):
            other = flight.action
            if action.node == other.node:
                return True
            if other.task in MIGRATIONS and action.node in (
                other.migrate_target,
                other.migrate_source,
            ):
                return True
        return False


def _is_told_after(action: PlannedAction) -> bool:
    return action.kind is ActionKind.RESOURCE and action.notify.startswith(POST_NOTIFY)


def _place(action: PlannedAction) -> Subject:
    return action.resource, action.node


def _subject(action: PlannedAction) -> tuple[bool, str]:
    is_fencing = action.kind is ActionKind.FENCE
    return is_fencing, action.node if is_fencing else action.resource
