"""A tiny total-order bus for replicas: one component per group, everything by hand or at once.

The bus carries effects out as a driver would: entries in one order to all members of a component,
journals written at once, operations ended with what their action expects unless told otherwise,
plans made by a function. Time moves only by `tick`. Fails on what a test did not expect.
"""

from collections import deque
from collections.abc import Callable

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.operation import FenceOperation, FenceResult, Operation, OperationResult
from paceline.model.plan import Plan
from paceline.model.status import ClusterStatus, HistoryEntry, OperationOutcome
from paceline.replica import Replica
from paceline.replica.effects import (
    CancelRecurring,
    CancelTimer,
    ComputePlan,
    Effect,
    Execute,
    ExecuteFence,
    KeepCib,
    KeepStanding,
    Leave,
    Note,
    RaiseAlert,
    Reply,
    Send,
    SetTimer,
    WaitFenceDelay,
    WriteCib,
    WriteJournal,
)
from paceline.replica.events import (
    Delivered,
    Departure,
    EngineConnected,
    EngineLost,
    Event,
    FenceDelayOver,
    FenceFinished,
    GroupChanged,
    InboxEmpty,
    JournalFailed,
    JournalWritten,
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
from paceline.replica.identity import CibCopy, Identity, Started, Stored
from paceline.replica.packed_plans import pack_plan
from paceline.replica.requests import Request, RequestAnswer

Scheduler = Callable[[ClusterStatus, bytes], Plan]
Agent = Callable[[Operation], OperationOutcome | int | None]
"""An exit status, an outcome, or None where the operation goes on until `finish`."""
FenceAgent = Callable[[FenceOperation], int | None]

WALL_MS = 1_790_000_000_000


class SchedulerFailed(Exception):
    """A test's scheduler gives no plan."""


def as_planned(operation: Operation) -> int:
    """End an operation as its action expects."""
    return max(0, operation.action.target_rc)


def no_plan(status: ClusterStatus, configuration: bytes) -> Plan:
    """Plan nothing."""
    return Plan()


class Node:
    """One node: its replica, its disk, and what its replica asked for."""

    def __init__(self, name: str, node_id: int) -> None:
        self.name = NodeName(name)
        self.node_id = NodeId(node_id)
        self.boot = 1
        self.incarnation = 0
        self.checkpoint: bytes | None = None
        self.records: tuple[bytes, ...] = ()
        self.is_disk_slow = False
        self.is_disk_full = False
        self.is_damaged = False
        self.written: list[int] = []
        self.inbox: deque[Event] = deque()
        self.timers: dict[str, int] = {}
        self.outbox: list[bytes] = []
        self.replies: dict[RequestId, RequestAnswer] = {}
        self.executed: list[Operation] = []
        self.cancelled: list[CancelRecurring] = []
        self.running: dict[str, Operation] = {}
        self.fences: list[FenceOperation] = []
        self.fence_waits: list[WaitFenceDelay] = []
        self.notes: list[Note] = []
        self.alerts: list[RaiseAlert] = []
        self.left: Leave | None = None
        self.computations: list[ComputePlan] = []
        self.replica: Replica | None = None
        self.cibs: list[WriteCib] = []
        self.kept: list[KeepCib] = []
        self.started: tuple[Started, ...] = ()
        self.cib: CibCopy | None = None
        self.standing = 0
        """The boot that took part in an opened view last; 0 where that is over."""

    @property
    def address(self) -> MemberAddress:
        return MemberAddress(self.node_id, 100 + self.incarnation)

    def begin(self) -> Replica:
        self.incarnation += 1
        self.timers.clear()
        self.inbox.clear()
        self.outbox.clear()
        self.running.clear()
        self.left = None
        self.replica = Replica(
            Identity(
                node=self.name,
                node_id=self.node_id,
                boot_id=f"boot-{self.name}-{self.boot}",
                incarnation=self.incarnation,
                version="0.1.0",
            ),
            Stored(
                checkpoint=self.checkpoint,
                records=self.records,
                was_damaged=self.is_damaged,
                was_current=self.standing == self.boot,
                started=self.started,
                cib=self.cib,
            ),
        )
        return self.replica

    def tasks(self) -> list[str]:
        return [f"{op.action.task} {op.action.resource}" for op in self.executed]

    def codes(self) -> list[str]:
        return [note.code for note in self.notes]


class Bus:
    """All nodes and the order of their entries."""

    def __init__(
        self,
        *names: str,
        scheduler: Scheduler = no_plan,
        agent: Agent = as_planned,
        fence_agent: FenceAgent = lambda operation: 0,
        votes: int | None = None,
        is_two_node: bool = False,
    ) -> None:
        self.nodes = {name: Node(name, number) for number, name in enumerate(names, 1)}
        self.groups: list[list[str]] = []
        self.scheduler = scheduler
        self.agent = agent
        self.fence_agent = fence_agent
        self.quorum_votes = votes or (1 if is_two_node else len(names) // 2 + 1)
        self.is_two_node = is_two_node
        self.rings = 0
        self.now_ms = 1000
        self.requests = 0
        self.is_scheduler_slow = False
        self.dropped: Callable[[str, str], bool] = lambda sender, receiver: False

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def replica(self, name: str) -> Replica:
        replica = self.nodes[name].replica
        assert replica is not None
        return replica

    # Membership

    def start(self, *names: str) -> None:
        """Start daemons on these nodes, all in one group."""
        for name in names:
            self.nodes[name].begin()
            self.feed(name, self.configured())
            self.feed(name, EngineConnected(address=self.nodes[name].address))
        others = [member for group in self.groups for member in group if member not in names]
        self.regroup([*others, *names])

    def configured(self) -> NodesConfigured:
        return NodesConfigured(
            cluster_name="baek_cluster",
            nodes=tuple((node.node_id, node.name) for node in self.nodes.values()),
        )

    def ring(self, names: list[str], ring_nodes: list[str] | None = None) -> list[Event]:
        self_ring = RingId(1, self.rings)
        in_ring = sorted(self.nodes[name].node_id for name in (ring_nodes or names))
        return [
            RingChanged(ring_id=self_ring, node_ids=tuple(in_ring)),
            self.quorum(is_quorate=len(in_ring) >= self.quorum_votes),
        ]

    def quorum(self, *, is_quorate: bool) -> QuorumChanged:
        return QuorumChanged(
            ring_id=RingId(1, self.rings),
            is_quorate=is_quorate,
            quorum_votes=self.quorum_votes,
            votes=tuple((node.node_id, 1) for node in self.nodes.values()),
            is_two_node=self.is_two_node,
        )

    def regroup(
        self,
        *groups: list[str],
        why: Departure = Departure.NODE_DOWN,
        ring_of: list[str] | None = None,
    ) -> None:
        """Make these the components; everyone hears of the group, the ring and the quorum."""
        old = {name: set(group) for group in self.groups for name in group}
        self.groups = [list(group) for group in groups]
        for group in groups:
            self.rings += 4
            for name in group:
                before = old.get(name, set())
                addresses = tuple(sorted(self.nodes[each].address for each in group))
                event = GroupChanged(
                    members=addresses,
                    joined=tuple(self.nodes[each].address for each in group if each not in before),
                    left=tuple(
                        (self.nodes[each].address, why)
                        for each in sorted(before)
                        if each not in group
                    ),
                )
                self.feed(name, event)
                for each in self.ring(group, ring_of):
                    self.feed(name, each)

    def crash(self, *names: str, why: Departure = Departure.NODE_DOWN) -> None:
        """These nodes die (or, with PROCESS_DOWN, only their daemons)."""
        rest = [[name for name in group if name not in names] for group in self.groups]
        for name in names:
            node = self.nodes[name]
            node.replica = None
            node.running.clear()
            node.timers.clear()
            if why is Departure.NODE_DOWN:
                node.boot += 1
                node.incarnation = 0
        ring_of = None
        if why is Departure.PROCESS_DOWN:
            ring_of = [name for group in self.groups for name in group]
        self.regroup(*[group for group in rest if group], why=why, ring_of=ring_of)

    # Carrying out

    def feed(self, name: str, event: Event) -> None:
        self.nodes[name].inbox.append(event)

    def handle(self, name: str, event: Event) -> None:
        node = self.nodes[name]
        if node.replica is None:
            return
        effects = node.replica.handle(event, now_ms=self.now_ms, wall_ms=WALL_MS + self.now_ms)
        for effect in effects:
            self._carry_out(node, effect)

    def _carry_out(self, node: Node, effect: Effect) -> None:
        match effect:
            case Send():
                self._send(node, effect.payload)
            case WriteJournal() if node.is_disk_full:
                failed = JournalFailed(sequence=effect.sequence, error="No space left on device")
                node.inbox.append(failed)
            case WriteJournal():
                if effect.checkpoint is not None:
                    node.checkpoint, node.records = effect.checkpoint, ()
                node.records = (*node.records, *effect.records)
                node.written.append(effect.sequence)
                if not node.is_disk_slow:
                    node.inbox.append(JournalWritten(sequence=effect.sequence))
            case WriteCib():
                node.cibs.append(effect)
            case KeepStanding():
                node.standing = node.boot if effect.is_current else 0
            case KeepCib():
                node.kept.append(effect)
            case Execute():
                self._execute(node, effect.operation)
            case CancelRecurring():
                node.cancelled.append(effect)
                for key, operation in list(node.running.items()):
                    action = operation.action
                    if (action.resource, action.task, action.interval_ms) == (
                        effect.resource,
                        effect.task,
                        effect.interval_ms,
                    ):
                        del node.running[key]
            case WaitFenceDelay():
                node.fence_waits.append(effect)
                node.inbox.append(FenceDelayOver(operation_id=effect.operation_id))
            case ExecuteFence():
                node.fences.append(effect.operation)
                rc = self.fence_agent(effect.operation)
                if rc is not None:
                    self.finish_fence(node.name, effect.operation, rc)
            case ComputePlan():
                node.computations.append(effect)
                if not self.is_scheduler_slow:
                    self.compute(node.name)
            case SetTimer():
                node.timers[effect.name] = effect.at_ms
            case CancelTimer():
                node.timers.pop(effect.name, None)
            case Reply():
                node.replies[effect.request_id] = effect.answer
            case Note():
                node.notes.append(effect)
            case RaiseAlert():
                node.alerts.append(effect)
            case Leave():
                node.left = effect

    def _send(self, node: Node, payload: bytes) -> None:
        for group in self.groups:
            if node.name in group:
                for name in group:
                    if not self.dropped(node.name, name):
                        event = Delivered(sender=node.address, payload=payload)
                        self.nodes[name].inbox.append(event)
                return
        node.outbox.append(payload)

    def _execute(self, node: Node, operation: Operation) -> None:
        node.executed.append(operation)
        answer = self.agent(operation)
        if operation.action.interval_ms > 0 or answer is None:
            node.running[operation.operation_id] = operation
        if answer is not None:
            self.finish(node.name, operation, answer)

    def finish(self, name: str, operation: Operation, answer: OperationOutcome | int) -> None:
        """Let an operation end."""
        if operation.action.interval_ms == 0:
            self.nodes[name].running.pop(operation.operation_id, None)
        self.feed(name, OperationFinished(result=result_of(operation, answer, self.now_ms)))

    def finish_fence(self, name: str, operation: FenceOperation, rc: int) -> None:
        """Let a fence agent answer."""
        result = FenceResult(
            operation_id=operation.operation_id, outcome=OperationOutcome.DONE, rc=rc
        )
        self.feed(name, FenceFinished(result=result))

    def compute(self, name: str) -> None:
        """Answer the newest wish for a plan."""
        wish = self.nodes[name].computations[-1]
        try:
            plan = self.scheduler(wish.status, wish.configuration)
        except SchedulerFailed as problem:
            self.feed(name, PlanComputed(token=wish.token, plan=None, error=str(problem)))
            return
        self.feed(name, PlanComputed(token=wish.token, plan=pack_plan(plan)))

    def settle(self, limit: int = 20_000) -> None:
        """Carry everything out until nothing waits anywhere."""
        for _ in range(limit):
            busy = [node for node in self.nodes.values() if node.inbox]
            if not busy:
                return
            for node in busy:
                while node.inbox:
                    self.handle(node.name, node.inbox.popleft())
                self.handle(node.name, InboxEmpty())
        raise AssertionError("it does not settle")

    def tick(self, ms: int) -> None:
        """Let time pass: fire what is due, in order, settling after each."""
        until_ms = self.now_ms + ms
        while True:
            due = sorted(
                (at_ms, node.name, timer)
                for node in self.nodes.values()
                if node.replica is not None
                for timer, at_ms in node.timers.items()
                if at_ms <= until_ms
            )
            if not due:
                break
            at_ms, name, timer = due[0]
            self.now_ms = max(self.now_ms, at_ms)
            del self.nodes[name].timers[timer]
            self.feed(name, TimerFired(name=timer))
            self.settle()
        self.now_ms = until_ms

    def ask(self, name: str, request: Request, request_id: str = "") -> RequestId:
        """Submit a request; its answer is found under the id."""
        self.requests += 1
        asked = RequestId(request_id or f"request-{self.requests}")
        self.feed(name, Submitted(request_id=asked, request=request))
        return asked

    def lose_engine(self, name: str) -> None:
        """A node's Corosync dies under its daemon."""
        for group in self.groups:
            if name in group:
                group.remove(name)
        self.feed(name, EngineLost())


def result_of(operation: Operation, answer: OperationOutcome | int, now_ms: int) -> OperationResult:
    """Make the result that an executor would report."""
    action = operation.action
    agent = action.agent
    is_rc = not isinstance(answer, OperationOutcome)
    return OperationResult(
        operation_id=operation.operation_id,
        action_id=action.id,
        entry=HistoryEntry(
            entry_id="",
            resource=action.resource,
            agent_class=agent.agent_class if agent is not None else "",
            provider=agent.provider if agent is not None else "",
            agent_type=agent.agent_type if agent is not None else "",
            task=action.task,
            interval_ms=action.interval_ms,
            call_id=operation.call_id,
            outcome=OperationOutcome.DONE if is_rc else OperationOutcome(answer),
            rc=int(answer) if is_rc else 1,
            target_rc=action.target_rc,
            last_run_ms=WALL_MS + now_ms,
            last_rc_change_ms=WALL_MS + now_ms,
            exec_ms=10,
        ),
    )
