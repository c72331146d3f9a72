"""Views: a membership that its members agreed on, in the log (DESIGN 3).

`LocalWord` is what Corosync told this member; it is only ever *said*, in a Hello, and never decides
by itself whether an entry is accepted. `Hellos` is what all members said, in delivery order, the
same everywhere; when the last Hello with one ring id and one member list is delivered, it yields a
`Proposal`, and the view is established there.

forming --last Hello--> established;  any group change, or a Hello that differs--> forming
"""

import hashlib

from msgspec import Struct

from paceline.model.identifiers import NodeId, NodeName
from paceline.replica.durability import pick_base
from paceline.replica.entries import Hello, Suspect, Vouched
from paceline.replica.events import (
    Departure,
    GroupChanged,
    MemberAddress,
    NodesConfigured,
    QuorumChanged,
    RingChanged,
    RingId,
)

VIEW_ID_LENGTH = 16
NO_RING = RingId(0, 0)


class Word(Struct, frozen=True, gc=False, kw_only=True):
    """What this member would say now; a Hello goes out whenever it is another than said last."""

    members: tuple[MemberAddress, ...]
    ring_id: RingId
    ring_nodes: tuple[NodeId, ...]
    is_quorate: bool
    quorum_votes: int
    votes: tuple[tuple[NodeId, int], ...]
    device_votes: int
    is_two_node: bool
    cluster_name: str
    nodes: tuple[tuple[NodeId, NodeName], ...]


class LocalWord:
    """The newest of each of Corosync's callbacks, and whether they speak of one membership.

    Group, ring and quorum come from three sockets, each at its own pace. They fit together when
    the ring has every member's node, has none that the group lost with its node, and the quorum
    callback names that ring. Rings can be skipped, so this is never awaited for ever: after the
    settle time the newest of each counts as it is.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self.address: MemberAddress | None = None
        self.members: tuple[MemberAddress, ...] = ()
        self.ring: RingChanged | None = None
        self.quorum: QuorumChanged | None = None
        self.newest_ring = NO_RING
        self.configured: NodesConfigured | None = None
        self.is_settled = False
        self._gone: tuple[NodeId, ...] = ()

    def connect(self, address: MemberAddress) -> None:
        """Forget what was known of the ring before."""
        self.address = address
        self.members = ()
        self.ring = None
        self.quorum = None
        self.newest_ring = NO_RING
        self.is_settled = False
        self._gone = ()

    def take_group(self, event: GroupChanged) -> None:
        """The group is another from here on."""
        self.members = tuple(sorted(event.members))
        present = [member.node_id for member in self.members]
        downed = [address.node_id for address, why in event.left if why is Departure.NODE_DOWN]
        in_ring = self.ring.node_ids if self.ring is not None else ()
        self._gone = tuple(
            sorted(
                {
                    node_id
                    for node_id in (*self._gone, *downed)
                    if node_id not in present and node_id in in_ring
                }
            )
        )
        self.is_settled = False

    def take_ring(self, event: RingChanged) -> None:
        """Corosync's membership is another."""
        self.ring = event
        self.is_settled = False
        self.newest_ring = event.ring_id
        self._gone = tuple(node_id for node_id in self._gone if node_id in event.node_ids)

    def take_quorum(self, event: QuorumChanged) -> None:
        """Corosync's word on quorum is another."""
        self.quorum = event
        self.is_settled = False
        self.newest_ring = event.ring_id

    def settle(self) -> None:
        """The settle time is over: the newest of each counts."""
        self.is_settled = True
        self._gone = ()

    @property
    def is_quorate(self) -> bool:
        """What Corosync said last."""
        return self.quorum is not None and self.quorum.is_quorate

    def find_word(self) -> Word | None:
        """Return what to say, or None while the callbacks do not fit together."""
        ring, quorum = self.ring, self.quorum
        if self.address is None or self.address not in self.members:
            return None
        if ring is None or quorum is None:
            return None
        nodes_fit = not self._gone and all(
            member.node_id in ring.node_ids for member in self.members
        )
        if not self.is_settled and not (nodes_fit and quorum.ring_id == ring.ring_id):
            return None
        configured = self.configured
        return Word(
            members=self.members,
            ring_id=self.newest_ring,
            ring_nodes=tuple(sorted({*ring.node_ids, *(m.node_id for m in self.members)})),
            is_quorate=quorum.is_quorate,
            quorum_votes=quorum.quorum_votes,
            votes=tuple(sorted(quorum.votes)),
            device_votes=quorum.device_votes,
            is_two_node=quorum.is_two_node,
            cluster_name=configured.cluster_name if configured is not None else "",
            nodes=tuple(sorted(configured.nodes)) if configured is not None else (),
        )


class Proposal(Struct, frozen=True, gc=False, kw_only=True):
    """A view that everybody's Hellos agree on; the same at every member.

    `hellos` are in order of node id. `is_quorate`: all say so and the daemons hold the votes.
    `awaited` are the nodes without whose copies it may not be established.
    """

    view: str
    members: tuple[MemberAddress, ...]
    ring_id: RingId
    ring_nodes: tuple[NodeId, ...]
    is_quorate: bool
    hellos: tuple[Hello, ...]
    left_out: tuple[MemberAddress, ...] = ()
    awaited: tuple[NodeId, ...] = ()

    def fits(self, other: "Proposal") -> bool:
        """Say whether the other is the same view (its members merely said Hello again)."""
        return (
            self.members == other.members
            and self.ring_id == other.ring_id
            and self.ring_nodes == other.ring_nodes
            and self.is_quorate == other.is_quorate
            and lives(self) == lives(other)
        )


def lives(proposal: Proposal) -> tuple[tuple[NodeId, str, int], ...]:
    """Return which life of each node is in the view."""
    return tuple((h.node_id, h.boot_id, h.incarnation) for h in proposal.hellos)


class Hellos:
    """Who said what since the group changed last, and who is suspected of being silent."""

    def __init__(self) -> None:
        """Begin without a group."""
        self.members: tuple[MemberAddress, ...] = ()
        self._said: dict[MemberAddress, Hello] = {}
        self._suspicions: dict[MemberAddress, tuple[MemberAddress, ...]] = {}
        self._left_out: tuple[MemberAddress, ...] = ()
        self._vouched: tuple[NodeId, ...] = ()

    def begin(self, members: tuple[MemberAddress, ...]) -> None:
        """A new group: what was said before it does not count."""
        self.members = tuple(sorted(members))
        self._said.clear()
        self._suspicions.clear()
        self._left_out = ()
        self._vouched = ()

    def take(self, sender: MemberAddress, hello: Hello) -> bool:
        """Note a Hello; False where it speaks of another group and is passed over."""
        if sender not in self.members or hello.members != self.members:
            return False
        self._said[sender] = hello
        self._suspicions.pop(sender, None)
        return True

    def is_left_out(self, member: MemberAddress) -> bool:
        """Say whether a member was silent, and the others go on without it."""
        return member in self._left_out

    def find_hello(self, member: MemberAddress) -> Hello | None:
        """Return what a member said last."""
        return self._said.get(member)

    def suspect(self, sender: MemberAddress, suspicion: Suspect) -> bool:
        """Note a suspicion; True where it leaves its target out from here on.

        That takes the votes for quorum among the suspecting daemons. Where quorum is less than a
        majority (two nodes, a quorum device), one of them must come from a quorate view: a daemon
        that has just started may not go on with an old copy while the other is only slow.
        """
        target = suspicion.target
        if suspicion.members != self.members or sender not in self.members:
            return False
        if target not in self.members or target in self._left_out or sender == target:
            return False
        senders = tuple(sorted({*self._suspicions.get(target, ()), sender}))
        self._suspicions[target] = senders
        hellos = [self._said[member] for member in senders if member in self._said]
        if not hellos or not holds_votes(hellos, senders):
            return False
        if not holds_majority(hellos, senders) and not any(h.was_quorate for h in hellos):
            return False
        self._left_out = tuple(sorted((*self._left_out, target)))
        self._said.pop(target, None)
        return True

    def vouch(self, sender: MemberAddress, vouched: Vouched) -> bool:
        """Note that a person vouches for a node being off; True where that is news."""
        if vouched.members != self.members or sender not in self.members:
            return False
        if vouched.target in self._vouched:
            return False
        self._vouched = (*self._vouched, vouched.target)
        return True

    def find_node_id(self, node: NodeName) -> NodeId | None:
        """Return the id of a configured node, as the members know it."""
        for hello in self._said.values():
            for node_id, name in hello.nodes:
                if name == node:
                    return node_id
        return None

    def holding_up(self, me: MemberAddress) -> tuple[MemberAddress, ...]:
        """Return the others of whom no Hello came, or one of another ring than ours."""
        mine = self._said.get(me)
        found: list[MemberAddress] = []
        for member in self.members:
            said = self._said.get(member)
            if member == me or member in self._left_out:
                continue
            if said is None or (mine is not None and said.ring_id != mine.ring_id):
                found.append(member)
        return tuple(found)

    def find_proposal(self) -> Proposal | None:
        """Return the view that all considered members agree on, or None."""
        considered = tuple(m for m in self.members if m not in self._left_out)
        hellos = [self._said.get(member) for member in considered]
        known = [hello for hello in hellos if hello is not None]
        if not known or len(known) != len(considered):
            return None
        first = known[0]
        if any(
            hello.ring_id != first.ring_id or hello.ring_nodes != first.ring_nodes
            for hello in known
        ):
            return None
        is_quorate = all(hello.is_quorate for hello in known) and holds_votes(known, considered)
        return Proposal(
            view=_view_id(known),
            members=considered,
            ring_id=first.ring_id,
            ring_nodes=first.ring_nodes,
            is_quorate=is_quorate,
            hellos=tuple(sorted(known, key=lambda hello: hello.node_id)),
            left_out=self._left_out,
            awaited=self._find_awaited(known, considered) if is_quorate else (),
        )

    def _find_awaited(
        self, hellos: list[Hello], members: tuple[MemberAddress, ...]
    ) -> tuple[NodeId, ...]:
        """Return the nodes without whose copies these may not go on, though they have quorum.

        A majority may always: it has all that was acknowledged. So may who took part in an opened
        view in this very boot: nobody can have counted it as gone since. Else, less than a majority
        may have been left behind (a node that was fenced and boots, whose Corosync met the other's
        but whose daemon did not): all whose copies may be newer must be there.
        """
        if holds_majority(hellos, members) or any(hello.is_current for hello in hellos):
            return ()
        present = [member.node_id for member in members]
        electorate = pick_base(hellos).electorate
        if not electorate:  # A copy that never was in an opened view knows nothing at all.
            electorate = tuple(node_id for node_id, _ in _votes(hellos))
        return tuple(n for n in electorate if n not in present and n not in self._vouched)


def holds_votes(hellos: list[Hello], members: tuple[MemberAddress, ...]) -> bool:
    """Say whether these daemons, and not only their Corosyncs, hold the votes for quorum.

    The votes are as the lowest node says them; a quorum device's own count as Corosync gave them.
    """
    witness = min(hellos, key=lambda hello: hello.node_id)
    present = [member.node_id for member in members]
    held = sum(count for node_id, count in witness.votes if node_id in present)
    if not witness.votes:
        held = len(present)
    return held + witness.device_votes >= max(1, witness.quorum_votes)


def holds_majority(hellos: list[Hello], members: tuple[MemberAddress, ...]) -> bool:
    """Say whether these daemons hold more than half of all configured votes."""
    votes = _votes(hellos)
    present = [member.node_id for member in members]
    held = sum(count for node_id, count in votes if node_id in present)
    return held * 2 > sum(count for _, count in votes)


def _votes(hellos: list[Hello]) -> tuple[tuple[NodeId, int], ...]:
    """Return each configured node's votes, as the lowest of these knows them."""
    witness = min(hellos, key=lambda hello: hello.node_id)
    return witness.votes or tuple((node_id, 1) for node_id, _ in witness.nodes)


def _view_id(hellos: list[Hello]) -> str:
    """Return an id that no other view has: made of lives and their Hello numbers only."""
    text = ";".join(
        f"{h.node_id}/{h.boot_id}/{h.incarnation}/{h.number}"
        for h in sorted(hellos, key=lambda hello: hello.node_id)
    )
    return hashlib.sha256(text.encode()).hexdigest()[:VIEW_ID_LENGTH]
