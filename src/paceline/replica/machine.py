"""The replicated half: entries in their order go in, the same state comes out at every member.

No local word decides here (DESIGN 3): what is accepted follows from the entries alone. An exception
while one entry is applied takes that entry back whole and counts as refused, everywhere alike.

forming --last Hello, all in step--> established
forming --last Hello, somebody not in step--> transferring --base's Transfer--> established
established, quorate --enough disks promised its epoch--> opened
any --group changed, or Hellos disagree--> forming
"""

from collections.abc import Sequence

from msgspec.structs import replace

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.status import ChangeOrigin
from paceline.replica.apply_nodes import enter_view
from paceline.replica.apply_plans import PlanApplier
from paceline.replica.apply_requests import apply_request
from paceline.replica.durability import (
    DURABLE_ANSWERS_MAX,
    DurableState,
    Missing,
    forked_members,
    missing_for_safety,
    pick_base,
)
from paceline.replica.entries import (
    AttributesSet,
    Changed,
    ConfirmedOff,
    Digest,
    Durable,
    Entry,
    EntryError,
    FenceReported,
    FenceWanted,
    FencingForgotten,
    GraceOver,
    Halted,
    Hello,
    HistoryCleared,
    Left,
    Lineage,
    NodeForgotten,
    Ping,
    Planned,
    Pong,
    Results,
    SeenDeadline,
    Suspect,
    TicketSet,
    Transfer,
    ViewEntry,
    Vouched,
    decode_entry,
)
from paceline.replica.events import MemberAddress
from paceline.replica.happenings import (
    CopiesAwaited,
    CopyDamaged,
    DigestDue,
    DigestHeard,
    DurabilityMoved,
    EpochRaised,
    Garbled,
    Happening,
    HelloWanted,
    MemberDropped,
    PingHeard,
    PongHeard,
    Refused,
    StateTaken,
    TransferWanted,
    View,
    ViewClosed,
    ViewEstablished,
    ViewOpened,
)
from paceline.replica.steps import Steps, run_through
from paceline.replica.tables import (
    ANSWERS_MAX,
    Answered,
    State,
    decode_photograph,
    encode_photograph,
)
from paceline.replica.views import Hellos, Proposal

DIGEST_EVERY = 1000
"""How many entries lie between two comparisons of the members' states (DESIGN 2)."""


class Machine:
    """State, view and plan of one member, changed by delivered entries only."""

    def __init__(self, state: State, node_id: NodeId) -> None:
        """Begin without a view."""
        self.state = state
        self.node_id = node_id
        self.hellos = Hellos()
        self.view: View | None = None
        self.plans = PlanApplier(state)
        self.durable: dict[NodeId, Durable] = {}
        self.awaited: tuple[NodeName, ...] = ()
        self.last_entry = ""
        """The kind of what was delivered last."""
        self._forming: Proposal | None = None
        self._donor: NodeId | None = None
        self._laggards: tuple[NodeId, ...] = ()
        self._synced: tuple[MemberAddress, ...] = ()
        self._happened: list[Happening] = []

    # What comes in

    def group_changed(self, members: tuple[MemberAddress, ...]) -> tuple[Happening, ...]:
        """The group is another from here on: the view ends, Hellos begin anew."""
        self._happened = []
        self.hellos.begin(members)
        self._synced, self.awaited = (), ()
        self._close()
        return tuple(self._happened)

    def deliver(self, sender: MemberAddress, payload: bytes) -> tuple[Happening, ...]:
        """Apply one delivered entry."""
        return run_through(self.deliver_in_steps(sender, payload))

    def deliver_in_steps(
        self, sender: MemberAddress, payload: bytes
    ) -> Steps[tuple[Happening, ...]]:
        """Apply one delivered entry; the state is of one piece again after the last step."""
        self._happened = []
        entry = decode_entry(payload)
        self.last_entry = type(entry).__name__
        if isinstance(entry, EntryError):
            self._happened.append(Garbled(sender=sender, error=entry))
        else:
            yield from self._apply_whole(sender, entry)
        return tuple(self._happened)

    def _apply_whole(self, sender: MemberAddress, entry: Entry) -> Steps[None]:
        """The one border: an entry is applied as a whole or refused as a whole."""
        undo = self.state.undo
        undo.begin()
        try:
            yield from self._apply(sender, entry)
        except (MemoryError, OSError):
            raise
        except Exception as problem:
            undo.roll_back()
            self._happened = []
            detail = f"{type(problem).__name__}: {problem}"
            if isinstance(entry, Hello | Suspect | Vouched | Transfer):
                self._close()
                error = EntryError(code="internal", detail=f"{type(entry).__name__}: {detail}")
                self._happened.append(Garbled(sender=sender, error=error))
            else:
                self._refuse(sender, entry, "internal", detail)
        else:
            undo.commit()

    def _apply(self, sender: MemberAddress, entry: Entry) -> Steps[None]:
        if isinstance(entry, Hello):
            is_back = self.hellos.is_left_out(sender)
            if self.hellos.take(sender, entry):
                self._take_hello(is_back=is_back)
        elif isinstance(entry, Suspect):
            if self.hellos.suspect(sender, entry):
                self._happened.append(MemberDropped(address=entry.target))
                self._consider()
        elif isinstance(entry, Vouched):
            if self.hellos.vouch(sender, entry):
                self._consider()
        elif isinstance(entry, Transfer):
            self._take_transfer(sender, entry)
        elif self.view is None or entry.view != self.view.id:
            self._refuse(sender, entry, "view-moved")
        elif sender not in self.view.proposal.members:
            self._refuse(sender, entry, "not-in-view")
        else:
            self.state.update_core(position=self.state.core.value.position + 1)
            yield from self._apply_in_view(self.view, sender, entry)

    def _apply_in_view(self, view: View, sender: MemberAddress, entry: ViewEntry) -> Steps[None]:
        before = self.state.core.value
        hello = self.hellos.find_hello(sender)
        node = hello.node if hello is not None else NodeName("")
        match entry:
            case Planned():
                code = yield from self.plans.begin_plan(view, node, entry)
            case Halted() | Results() | FenceReported() | SeenDeadline():
                code = self.plans.apply(view, node, entry)
            case Left() | GraceOver():
                code = self.plans.apply_departure(view, node, entry)
            case Durable():
                self.durable[sender.node_id] = entry
                self._happened.append(DurabilityMoved())
                code = ""
            case Digest():
                self._happened.append(
                    DigestHeard(sender=sender, position=entry.position, digest=entry.digest)
                )
                code = ""
            case Ping():
                if entry.wants_answer:
                    self._happened.append(PingHeard(sender=sender, nonce=entry.nonce))
                code = ""
            case Pong():
                if entry.to == self.node_id:
                    self._happened.append(PongHeard(nonce=entry.nonce))
                code = ""
            case Transfer():
                code = "unexpected"
            case FenceWanted():
                code = self.plans.apply_fence_wanted(view, entry)
            case (
                Changed()
                | AttributesSet()
                | HistoryCleared()
                | TicketSet()
                | FencingForgotten()
                | NodeForgotten()
                | ConfirmedOff()
            ):
                code = apply_request(self.state, view, entry, self._happened)
        self._happened.extend(self.plans.take_happenings())
        after = self.state.core.value
        if (after.lineage.number, after.lineage.forced) != (
            before.lineage.number,
            before.lineage.forced,
        ):
            self._happened.append(StateTaken())
        elif after.electorate != before.electorate:
            self._happened.append(EpochRaised())
        self._open_if_promised(view)
        if code:
            self._refuse(sender, entry, code)
        position = self.state.core.value.position
        if position % DIGEST_EVERY == 0:
            self._happened.append(DigestDue(position=position, digest=self.state.digest()))

    def _refuse(self, sender: MemberAddress, entry: ViewEntry, code: str, detail: str = "") -> None:
        self._happened.append(Refused(sender=sender, entry=entry, code=code, detail=detail))

    # Epochs

    @property
    def is_open(self) -> bool:
        """Say whether changes count in the epoch of an established view."""
        view = self.view
        return view is not None and self.state.core.value.lineage.epoch_id == view.id

    def promised(self) -> tuple[NodeId, ...]:
        """Return the members whose disks have promised this view's epoch."""
        epoch = self.state.core.value.promised
        return tuple(n for n, said in sorted(self.durable.items()) if said.promised >= epoch)

    def missing(self, view: View, durable: Sequence[NodeId]) -> Missing:
        """Return what it takes that something on these disks is safe."""
        witness = view.proposal.hellos[0]
        return missing_for_safety(
            durable=durable,
            synced=[hello.node_id for hello in view.proposal.hellos],
            votes=witness.votes or tuple((node_id, 1) for node_id, _ in witness.nodes),
            nodes=self.state.nodes.values(),
        )

    def _open_if_promised(self, view: View) -> None:
        if not view.is_quorate or self.is_open:
            return
        if not self.missing(view, self.promised()).is_safe:
            return
        core = self.state.core.value
        self.state.update_core(
            lineage=Lineage(epoch=core.promised, number=core.lineage.number, epoch_id=view.id),
            electorate=tuple(sorted(member.node_id for member in view.proposal.members)),
        )
        self._happened.append(EpochRaised())
        self._happened.append(ViewOpened(view=view))

    # Views

    def _close(self) -> None:
        if self.view is not None:
            self._happened.append(ViewClosed())
        self.view = None
        self._forming = None
        self._donor = None
        self._laggards = ()
        self.plans.end_view()

    def _take_hello(self, *, is_back: bool) -> None:
        """Consider what was said; who was left out and is back makes everybody say it anew.

        Their states are still from here on, so that the new Hellos tell what each really has.
        """
        if is_back:
            self._synced = ()
            self._close()
            self.hellos.begin(self.hellos.members)
            self._happened.append(HelloWanted())
            return
        self._consider()

    def _consider(self) -> None:
        proposal = self.hellos.find_proposal()
        if proposal is None or all(m.node_id != self.node_id for m in proposal.members):
            self._close()
            return
        if proposal.awaited:
            self._close()
            self._await_copies(proposal)
            return
        if self.view is not None and self.view.proposal.fits(proposal):
            return
        if (
            self._forming is not None
            and self._forming.fits(proposal)
            and self._same_copies(self._forming, proposal)
        ):
            return
        self._close()
        self._forming = proposal
        base = pick_base(proposal.hellos)
        is_continuing = all(member in self._synced for member in proposal.members)
        self._laggards = () if is_continuing else _not_in_step(proposal, base)
        for hello in proposal.hellos:
            if hello.is_damaged:
                self._happened.append(CopyDamaged(node=hello.node, lineage=hello.lineage))
        if not self._laggards:
            self._establish(proposal, was_replaced=False)
            return
        self._donor = base.node_id
        if base.node_id == self.node_id:
            photograph = self.state.photograph()
            self._happened.append(
                TransferWanted(view=proposal.view, state=encode_photograph(photograph))
            )

    def _await_copies(self, proposal: Proposal) -> None:
        known = {number: name for hello in proposal.hellos for number, name in hello.nodes}
        awaited = tuple(known.get(n, NodeName(f"node {n}")) for n in proposal.awaited)
        if awaited != self.awaited:
            self.awaited = awaited
            self._happened.append(CopiesAwaited(nodes=awaited))

    def _same_copies(self, left: Proposal, right: Proposal) -> bool:
        """Say whether the members' copies are as they were when the base was chosen."""
        return [(h.lineage, h.position, h.digest) for h in left.hellos] == [
            (h.lineage, h.position, h.digest) for h in right.hellos
        ]

    def _take_transfer(self, sender: MemberAddress, entry: Transfer) -> None:
        forming = self._forming
        if forming is None or entry.view != forming.view or sender.node_id != self._donor:
            self._refuse(sender, entry, "view-moved")
            return
        superseded: DurableState | None = None
        why = ""
        is_laggard = self.node_id in self._laggards
        if is_laggard:
            base = pick_base(forming.hellos)
            forked = [hello.node_id for hello in forked_members(forming.hellos, base)]
            if self.node_id in forked:
                superseded = durable_state(self.state)
                why = f"the copy of {base.node} ({_say(base.lineage)}) went on from here"
            photograph = decode_photograph(entry.state)
            if photograph.core.version == self.state.core.value.version:
                superseded, why = None, ""  # Both counted on, and wrote nothing.
            self.state.adopt(photograph)
        self._establish(forming, was_replaced=is_laggard, superseded=superseded, why_superseded=why)

    def _establish(
        self,
        proposal: Proposal,
        *,
        was_replaced: bool,
        superseded: DurableState | None = None,
        why_superseded: str = "",
    ) -> None:
        state = self.state
        core = state.core.value
        coordinator = min(proposal.hellos, key=lambda hello: (hello.level, hello.node_id))
        promised = max(max(h.promised, h.lineage.epoch) for h in proposal.hellos)
        electorate = core.electorate
        if proposal.is_quorate:
            promised += 1
            members = {hello.node_id for hello in proposal.hellos}
            electorate = tuple(sorted(members.union(electorate)))
        state.update_core(
            promised=promised,
            electorate=electorate,
            position=core.position + 1,
            time_ms=max(core.time_ms, coordinator.time_ms),
            level=min(hello.level for hello in proposal.hellos),
            was_quorate=proposal.is_quorate,
            cluster_name=next(
                (h.cluster_name for h in proposal.hellos if h.cluster_name), core.cluster_name
            ),
        )
        is_continuing = all(member in self._synced for member in proposal.members)
        self._happened.extend(enter_view(state, proposal, is_continuing=is_continuing))
        self.view = View(
            proposal=proposal,
            coordinator=coordinator.node,
            nodes=tuple(sorted(hello.node for hello in proposal.hellos)),
            position=state.core.value.position,
        )
        self._forming, self._donor, self._laggards = None, None, ()
        self._synced = proposal.members
        self.durable, self.awaited = {}, ()
        self.plans.begin_view(self.view)
        state.want_plan("a new view")
        self._happened.append(
            ViewEstablished(
                view=self.view,
                was_replaced=was_replaced,
                superseded=superseded,
                why_superseded=why_superseded,
            )
        )

    def holding_up(self, me: MemberAddress) -> tuple[MemberAddress, ...]:
        """Return the members that keep the next view from being established."""
        if self._donor is not None:
            return tuple(m for m in self.hellos.members if m.node_id == self._donor and m != me)
        return self.hellos.holding_up(me)


def _not_in_step(proposal: Proposal, base: Hello) -> tuple[NodeId, ...]:
    """Return who must take over the base's state."""
    return tuple(
        hello.node_id
        for hello in proposal.hellos
        if (hello.lineage, hello.position, hello.digest)
        != (base.lineage, base.position, base.digest)
    )


def durable_state(state: State) -> DurableState:
    """Return the part of the state that the journal keeps."""
    core = state.core.value
    return DurableState(
        lineage=core.lineage,
        promised=core.promised,
        electorate=core.electorate,
        version=core.version,
        configuration=state.configuration.value,
        last_change=core.last_change,
        tickets=tuple(state.tickets.values()),
        cluster_name=core.cluster_name,
        answered=_durable_answers(state),
    )


def _durable_answers(state: State) -> tuple[tuple[RequestId, Answered], ...]:
    newest = state.answer_order.value[-ANSWERS_MAX:]
    pairs = [(request_id, state.answers.get(request_id)) for request_id in newest]
    durable = [
        (request_id, answered)
        for request_id, answered in pairs
        if answered is not None and answered.lineage is not None
    ]
    return tuple(durable[-DURABLE_ANSWERS_MAX:])


def restore(state: State, durable: DurableState) -> None:
    """Begin with what the journal held."""
    state.core.value = replace(
        state.core.value,
        lineage=durable.lineage,
        promised=durable.promised,
        electorate=durable.electorate,
        version=durable.version,
        last_change=durable.last_change or ChangeOrigin(),
        cluster_name=durable.cluster_name,
    )
    state.configuration.value = durable.configuration
    for ticket in durable.tickets:
        state.tickets.put(ticket.ticket, ticket)
    for request_id, answered in durable.answered:
        state.remember_answer(request_id, answered)


def _say(lineage: Lineage) -> str:
    return f"epoch {lineage.epoch}, number {lineage.number}"
