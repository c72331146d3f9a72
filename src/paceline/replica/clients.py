"""Local clients' requests: made entries of, sent again in a new view, answered once (DESIGN 5).

asked --view--> sent --applied--> applied --safe, or known not to be--> answered
applied --disks take too long--> answered (not yet safe; asked again, acknowledged once it is)
sent --another view--> sent again;   asked --no view in time--> answered (refused or unknown)
"""

from msgspec import Struct

from paceline.model.errors import check
from paceline.model.identifiers import NodeName, RequestId
from paceline.replica.cib_root import EpochError, stamp
from paceline.replica.entries import (
    AttributesSet,
    Changed,
    ConfirmedOff,
    FenceWanted,
    FencingForgotten,
    HistoryCleared,
    NodeForgotten,
    RequestEntry,
    TicketSet,
)
from paceline.replica.requests import (
    ClearHistory,
    Configure,
    ConfirmOff,
    FenceNode,
    ForgetFencing,
    ForgetNode,
    Outcome,
    Request,
    RequestAnswer,
    SetAttributes,
    SetTicket,
    Shutdown,
)

REQUESTS_MAX = 1000
REFUSALS = {
    "version-moved": "somebody else changed the configuration first: read it again",
    "no-quorum": "the cluster has no quorum; a forced change is accepted, and not safe",
    "unknown-node": "no such node is known",
    "node-present": "the node is in the cluster",
    "no-executor": "no member can carry it out",
    "internal": "an internal error; the log has it",
}
"""What the codes of refused entries mean."""
REQUEST_WAIT_MS = 60_000
"""How long a request waits for a view before it is given up."""
DISKS_WAIT_MS = 4000
"""How long an applied change waits for members' disks before it is answered as not yet safe.

Longer than a disk takes that is merely busy, and than it takes to detect with a token of 1 s that
a member is lost; a disk that is full takes as long as it takes.
"""


class Asked(Struct, kw_only=True):
    """One request that has no answer yet. `sent_in` is the view it was sent in last."""

    request: Request
    until_ms: int
    sent_in: str = ""
    was_sent: bool = False
    disks_until_ms: int | None = None
    """Until when an applied change waits for members' disks; None before it was applied."""


class Clients:
    """The requests of this node's clients."""

    def __init__(self, node: NodeName) -> None:
        """Begin without requests."""
        self._node = node
        self._asked: dict[RequestId, Asked] = {}

    def ask(self, request_id: RequestId, request: Request, now_ms: int) -> RequestAnswer | None:
        """Take a request; an answer at once means that it cannot be taken."""
        if request_id in self._asked:
            return None
        if len(self._asked) >= REQUESTS_MAX:
            return refused("busy", f"{REQUESTS_MAX} requests wait already")
        self._asked[request_id] = Asked(request=request, until_ms=now_ms + REQUEST_WAIT_MS)
        return None

    def waiting(self) -> tuple[RequestId, ...]:
        """Return the requests without an answer, oldest first."""
        return tuple(self._asked)

    def unsent(self, view: str, *, is_quorate: bool) -> tuple[tuple[RequestId, Request], ...]:
        """Return what was not sent in this view, and note that it is.

        What was sent in an earlier view may have been applied there. Only a quorate view knows;
        in another it waits, as a refusal there could be untrue.
        """
        found: list[tuple[RequestId, Request]] = []
        for request_id, asked in self._asked.items():
            if asked.sent_in != view and (is_quorate or not asked.was_sent):
                asked.sent_in, asked.was_sent = view, True
                found.append((request_id, asked.request))
        return tuple(found)

    def answered(self, request_id: RequestId) -> bool:
        """Forget a request that has its answer; False where nobody here asked it."""
        return self._asked.pop(request_id, None) is not None

    def find(self, request_id: RequestId) -> Request | None:
        """Return a request without an answer."""
        asked = self._asked.get(request_id)
        return asked.request if asked is not None else None

    def wait_for_disks(self, request_id: RequestId, now_ms: int) -> int:
        """Note that a request was applied; return how long it waits for disks from now on."""
        asked = self._asked[request_id]
        if asked.disks_until_ms is None:
            asked.disks_until_ms = now_ms + DISKS_WAIT_MS
        return max(0, asked.disks_until_ms - now_ms)

    def overdue(self, now_ms: int) -> tuple[tuple[RequestId, RequestAnswer], ...]:
        """Return the answers of what waited too long for a view."""
        found: list[tuple[RequestId, RequestAnswer]] = []
        for request_id, asked in list(self._asked.items()):
            if asked.until_ms > now_ms or isinstance(asked.request, FenceNode):
                continue
            del self._asked[request_id]
            if asked.was_sent:
                answer = unknown("it was sent and may still take effect")
            else:
                answer = refused("no-view", "the members have not agreed on a view")
            found.append((request_id, answer))
        return tuple(found)

    def next_deadline_ms(self) -> int | None:
        """Return when the oldest request has waited too long."""
        return min((asked.until_ms for asked in self._asked.values()), default=None)


def refused(code: str, detail: str = "", version: str = "") -> RequestAnswer:
    """Return a refusal."""
    return RequestAnswer(outcome=Outcome.REFUSED, code=code, detail=detail, version=version)


def unknown(detail: str) -> RequestAnswer:
    """Return the answer of somebody who cannot know what became of a request."""
    detail = f"{detail}; ask again with the same id"
    return RequestAnswer(outcome=Outcome.UNKNOWN, code="no-answer", detail=detail)


def refusal_of(request: Request | None, refusal: RequestAnswer, *, is_open: bool) -> RequestAnswer:
    """Return how a refusal is told: as unknown, where the request may have been applied elsewhere.

    Only an opened view knows of all that counts.
    """
    if isinstance(request, Configure) and request.is_repeated and not is_open:
        return unknown("it was asked before, and may have taken effect among other members")
    return refusal


def make_entry(
    request_id: RequestId,
    request: Request,
    *,
    view: str,
    node: NodeName,
    configuration: bytes,
    version: str,
    is_quorate: bool,
    is_quorum_ignored: bool,
    wall_ms: int,
) -> RequestEntry | RequestAnswer:
    """Return the entry that a request becomes in this view, or why it cannot become one."""
    match request:
        case Configure():
            if not (is_quorate or request.is_forced or is_quorum_ignored):
                return refused("no-quorum", REFUSALS["no-quorum"], version)
            if request.based_on != version:
                return refused("version-moved", REFUSALS["version-moved"], version)
            try:
                stamped = stamp(request.configuration, configuration, request.origin, wall_ms)
            except EpochError as problem:
                return refused(problem.code, str(problem))
            return Changed(
                view=view,
                request_id=request_id,
                based_on=request.based_on,
                configuration=stamped,
                origin=request.origin,
                is_forced=request.is_forced or is_quorum_ignored,
                time_ms=wall_ms,
            )
        case SetAttributes():
            return AttributesSet(
                view=view, request_id=request_id, node=request.node, values=request.values
            )
        case ClearHistory():
            return HistoryCleared(
                view=view,
                request_id=request_id,
                resources=request.resources,
                nodes=request.nodes,
                only_failed=request.only_failed,
                task=request.task,
                interval_ms=request.interval_ms,
            )
        case SetTicket():
            return TicketSet(
                view=view,
                request_id=request_id,
                ticket=request.ticket,
                values=request.values,
                is_removed=request.is_removed,
                time_ms=wall_ms,
            )
        case FenceNode():
            return FenceWanted(
                view=view,
                request_id=request_id,
                target=request.target,
                task=request.task,
                client=request.client,
                origin=node,
                delay_ms=request.delay_ms,
            )
        case ConfirmOff():
            return ConfirmedOff(
                view=view,
                request_id=request_id,
                target=request.target,
                user=request.user,
                origin=node,
                time_ms=wall_ms,
                is_allowed_without_quorum=is_quorum_ignored,
            )
        case ForgetFencing():
            return FencingForgotten(view=view, request_id=request_id, target=request.target)
        case ForgetNode():
            return NodeForgotten(view=view, request_id=request_id, node=request.node)
        case Shutdown():
            check(False, "a shutdown is no entry: it is answered where it is asked")
            return refused("shutdown")
