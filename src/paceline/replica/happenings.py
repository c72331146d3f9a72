"""What an applied entry means for this member: the closed union that `Machine` gives back.

Happenings are read by `Replica` after the entry was committed; they never change replicated state.
"""

from msgspec import Struct

from paceline.model.identifiers import NodeName, RequestId
from paceline.model.status import HistoryEntry
from paceline.replica.durability import DurableState
from paceline.replica.entries import EntryError, Flight, Lineage, ViewEntry
from paceline.replica.events import MemberAddress
from paceline.replica.views import Proposal


class View(Struct, frozen=True, gc=False, kw_only=True):
    """The established view. `coordinator` plans; `position` is where it was established."""

    proposal: Proposal
    coordinator: NodeName
    nodes: tuple[NodeName, ...]
    position: int

    @property
    def id(self) -> str:
        """The name that entries carry."""
        return self.proposal.view

    @property
    def is_quorate(self) -> bool:
        """Whether everybody said so and the daemons hold the votes."""
        return self.proposal.is_quorate


class ViewClosed(Struct, frozen=True, gc=False, kw_only=True):
    """No view is established; nothing but Hello, Suspect and state transfer is applied."""


class HelloWanted(Struct, frozen=True, gc=False, kw_only=True):
    """Somebody who was left out is back: everybody says Hello anew."""


class TransferWanted(Struct, frozen=True, gc=False, kw_only=True):
    """This member is the base: it sends its whole state, as it was here."""

    view: str
    state: bytes


class ViewEstablished(Struct, frozen=True, gc=False, kw_only=True):
    """A view is established. `was_replaced`: this member took over the base's state.

    `superseded` is this member's own copy, where it lost something by that.
    """

    view: View
    was_replaced: bool
    superseded: DurableState | None = None
    why_superseded: str = ""


class ViewOpened(Struct, frozen=True, gc=False, kw_only=True):
    """Enough disks have promised the view's epoch: changes count in it from here on."""

    view: View


class CopiesAwaited(Struct, frozen=True, gc=False, kw_only=True):
    """These have quorum, and go on only with the copies of `nodes`, which may be newer."""

    nodes: tuple[NodeName, ...]


class StateTaken(Struct, frozen=True, gc=False, kw_only=True):
    """The durable part of the state changed: it must go to the journal."""


class EpochRaised(Struct, frozen=True, gc=False, kw_only=True):
    """How far the copy is has moved, the content has not: that must go to the journal."""


class FlightBegan(Struct, frozen=True, gc=False, kw_only=True):
    """An action is in flight from here on."""

    flight: Flight


class FlightsHalted(Struct, frozen=True, gc=False, kw_only=True):
    """Nothing more of the plan becomes eligible; what was not begun is dropped."""


class FencingTooEarly(Struct, frozen=True, gc=False, kw_only=True):
    """A node that was never seen is to be fenced, and may yet come: it is given its time."""


class BatchApplied(Struct, frozen=True, gc=False, kw_only=True):
    """A batch of results of this life of a node took effect."""

    node: NodeName
    incarnation: int
    number: int


class RequestApplied(Struct, frozen=True, gc=False, kw_only=True):
    """A request has its answer in the state (or its fencing ended, or more disks have it)."""

    request_id: RequestId


class DurabilityMoved(Struct, frozen=True, gc=False, kw_only=True):
    """A member's disk has more: what waits for it may be safe now."""


class ShutdownReached(Struct, frozen=True, gc=False, kw_only=True):
    """The plan lets a node go: everything there is stopped or moved."""

    node: NodeName


class NodeLeft(Struct, frozen=True, gc=False, kw_only=True):
    """A node's goodbye was delivered."""

    node: NodeName
    boot_id: str
    incarnation: int


class NodeChanged(Struct, frozen=True, gc=False, kw_only=True):
    """A node stands elsewhere than before, for alerts and the log."""

    node: NodeName
    before: str
    after: str


class PlanBegan(Struct, frozen=True, gc=False, kw_only=True):
    """A plan was accepted."""

    number: int
    actions: int


class PlanEnded(Struct, frozen=True, gc=False, kw_only=True):
    """Everything of the plan that can happen has happened."""

    number: int
    is_done: bool


class Refused(Struct, frozen=True, gc=False, kw_only=True):
    """An entry was not applied, the same at every member: `code` says why."""

    sender: MemberAddress
    entry: ViewEntry
    code: str
    detail: str = ""


class Garbled(Struct, frozen=True, gc=False, kw_only=True):
    """Bytes that are no entry came from the ring."""

    sender: MemberAddress
    error: EntryError


class DigestDue(Struct, frozen=True, gc=False, kw_only=True):
    """It is time to compare: this member says what its state came to here."""

    position: int
    digest: str


class DigestHeard(Struct, frozen=True, gc=False, kw_only=True):
    """A member said what its state came to."""

    sender: MemberAddress
    position: int
    digest: str


class PingHeard(Struct, frozen=True, gc=False, kw_only=True):
    """A member wants an answer in this view."""

    sender: MemberAddress
    nonce: int


class PongHeard(Struct, frozen=True, gc=False, kw_only=True):
    """A member answered this node's Ping."""

    nonce: int


class MemberDropped(Struct, frozen=True, gc=False, kw_only=True):
    """A silent daemon is left out of the view until it says Hello."""

    address: MemberAddress


class CopyDamaged(Struct, frozen=True, gc=False, kw_only=True):
    """A member's journal was damaged: what is proved of it counts when the base is chosen."""

    node: NodeName
    lineage: Lineage


class FencingEnded(Struct, frozen=True, gc=False, kw_only=True):
    """A fencing was reported."""

    target: NodeName
    action: str
    executor: NodeName
    is_done: bool
    device: str
    exit_reason: str


class ResourceReported(Struct, frozen=True, gc=False, kw_only=True):
    """An operation ended, as alerts tell it."""

    row: HistoryEntry
    node: NodeName
    executor: NodeName


Happening = (
    ViewClosed
    | HelloWanted
    | TransferWanted
    | ViewEstablished
    | ViewOpened
    | CopiesAwaited
    | StateTaken
    | EpochRaised
    | FlightBegan
    | FlightsHalted
    | FencingTooEarly
    | BatchApplied
    | RequestApplied
    | DurabilityMoved
    | ShutdownReached
    | NodeLeft
    | NodeChanged
    | PlanBegan
    | PlanEnded
    | Refused
    | Garbled
    | DigestDue
    | DigestHeard
    | PingHeard
    | PongHeard
    | MemberDropped
    | CopyDamaged
    | FencingEnded
    | ResourceReported
)
