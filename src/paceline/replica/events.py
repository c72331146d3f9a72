"""What can happen to a replica: the closed union of events that `handle` takes.

Engine events come from Corosync (or the simulator) in the order in which it gave them. The ring's
own order holds for `Delivered` and `GroupChanged` only: `RingChanged` and `QuorumChanged` come from
other sockets, at any place between them (measured: up to 9,900 messages late).
"""

from enum import StrEnum

from msgspec import Struct

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.operation import FenceResult, OperationResult
from paceline.replica.packed_plans import PackedPlan
from paceline.replica.requests import Request


class MemberAddress(Struct, frozen=True, gc=False, order=True):
    """A daemon in the process group: Corosync's node id and the daemon's process id."""

    node_id: NodeId
    pid: int


class RingId(Struct, frozen=True, gc=False, order=True):
    """Corosync's name for one membership. Compared for equality only: it is no order."""

    node_id: int
    sequence: int


class Departure(StrEnum):
    """Why a member is out of the group, as Corosync says it."""

    LEFT = "left"
    PROCESS_DOWN = "process-down"
    NODE_DOWN = "node-down"


class EngineConnected(Struct, frozen=True, gc=False, kw_only=True):
    """This daemon joined the group (again); what was known of the ring before is void."""

    address: MemberAddress


class EngineLost(Struct, frozen=True, gc=False, kw_only=True):
    """Corosync died or cannot be reached: quorum is lost at once."""


class Delivered(Struct, frozen=True, gc=False, kw_only=True):
    """One entry, whole, in the ring's order; also our own."""

    sender: MemberAddress
    payload: bytes


class GroupChanged(Struct, frozen=True, gc=False, kw_only=True):
    """The members of the process group from here on, in the ring's order."""

    members: tuple[MemberAddress, ...]
    joined: tuple[MemberAddress, ...] = ()
    left: tuple[tuple[MemberAddress, Departure], ...] = ()


class RingChanged(Struct, frozen=True, gc=False, kw_only=True):
    """Corosync's own membership: the nodes whose Corosync is in this ring."""

    ring_id: RingId
    node_ids: tuple[NodeId, ...]


class QuorumChanged(Struct, frozen=True, gc=False, kw_only=True):
    """Corosync's word on quorum, as of this ring id. `votes` are those configured, node by node."""

    ring_id: RingId
    is_quorate: bool
    quorum_votes: int
    votes: tuple[tuple[NodeId, int], ...] = ()
    device_votes: int = 0
    is_two_node: bool = False


class NodesConfigured(Struct, frozen=True, gc=False, kw_only=True):
    """The node list of corosync.conf, at the start and after each reload."""

    cluster_name: str
    nodes: tuple[tuple[NodeId, NodeName], ...]


class Submitted(Struct, frozen=True, gc=False, kw_only=True):
    """A local client wants something; exactly one `Answer` with this id follows."""

    request_id: RequestId
    request: Request


class OperationFinished(Struct, frozen=True, gc=False, kw_only=True):
    """An operation ended, or a recurring one changed its result."""

    result: OperationResult


class FenceDelayOver(Struct, frozen=True, gc=False, kw_only=True):
    """The delay of a fencing is over; the replica looks at the view again before it goes on."""

    operation_id: str


class FenceFinished(Struct, frozen=True, gc=False, kw_only=True):
    """A fence agent answered, or its time was over."""

    result: FenceResult


class PlanComputed(Struct, frozen=True, gc=False, kw_only=True):
    """The scheduler's answer to `ComputePlan` with this token; `error` where it failed."""

    token: int
    plan: PackedPlan | None
    error: str = ""


class JournalWritten(Struct, frozen=True, gc=False, kw_only=True):
    """Everything up to this sequence number is on disk."""

    sequence: int


class JournalFailed(Struct, frozen=True, gc=False, kw_only=True):
    """The disk refused; what was not confirmed is not on it. Writing is tried again later."""

    sequence: int
    error: str


class TimerFired(Struct, frozen=True, gc=False, kw_only=True):
    """A timer set by `SetTimer` is due."""

    name: str


class InboxEmpty(Struct, frozen=True, gc=False, kw_only=True):
    """Nothing more waits to be dispatched: starts and promotes may be released."""


class LoopStalled(Struct, frozen=True, gc=False, kw_only=True):
    """The loop did not turn for this long (boot-time clock)."""

    stalled_ms: int


EngineEvent = EngineConnected | EngineLost | Delivered | GroupChanged | RingChanged | QuorumChanged
Event = (
    EngineEvent
    | NodesConfigured
    | Submitted
    | OperationFinished
    | FenceDelayOver
    | FenceFinished
    | PlanComputed
    | JournalWritten
    | JournalFailed
    | TimerFired
    | InboxEmpty
    | LoopStalled
)
