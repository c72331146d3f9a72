"""The made-up Corosync: what the real one was measured to do, bad luck included.

What is kept of the real one (the facts are measured; DESIGN names them):

- one total order per ring; who goes from one ring to the next together got the same messages;
- a message may be delivered on one side of a cut only, its sender's side or not, with the old
  quorum still standing, and the cut is noticed 2.04 to 2.25 x token later;
- group changes are in the order of messages, ring and quorum callbacks are not, and may be late;
- both halves of a cut count the same next ring number, which may fall back after a power loss;
- a merge tells nothing of the messages that were missed; some members come as left and joined;
- a ring may be formed again by the same nodes without any change of the group;
- where a node hears and is not heard, rings are formed again and again, with it and without it.

One ring:  forming --reform--> whole --connectivity lost--> split --(window over)--> silent
           split or silent --all back--> whole;  any --reform of a component--> the next ring
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from paceline.model.identifiers import NodeId
from paceline.replica.events import (
    Delivered,
    Departure,
    EngineEvent,
    GroupChanged,
    MemberAddress,
    QuorumChanged,
    RingChanged,
    RingId,
)
from paceline.sim.chance import Chance
from paceline.sim.clock import MS, Clock, Moment
from paceline.sim.quorum import Voter

EngineListener = Callable[[str, EngineEvent], None]
"""Takes the name of the socket (`group`, `ring` or `quorum`) and the event."""

SEQUENCE_STEP = 4
"""A new ring's number is the highest that its members know plus this, as totem does."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a ring's log: a message, or a daemon's coming or going."""

    kind: str
    address: MemberAddress
    payload: bytes = b""


@dataclass(slots=True)
class Client:
    """A daemon's connection: its address, where its events go, and whether its join came back."""

    address: MemberAddress
    listener: EngineListener
    is_joined: bool = False


@dataclass(slots=True, eq=False)
class Ring:
    """One membership and its log.

    `senders` are those who can still add to the log; `limits` says for each node of a split ring
    how far the log reaches for it (None: to its end).
    """

    ring_id: RingId
    members: frozenset[NodeId]
    log: list[Entry] = field(default_factory=list)
    senders: frozenset[NodeId] = frozenset()
    limits: dict[NodeId, int | None] = field(default_factory=dict)
    parts: tuple[frozenset[NodeId], ...] = ()
    splits: int = 0
    formed_us: int = 0


@dataclass(slots=True, eq=False)
class Corosync:
    """One node's Corosync process and what it knows."""

    node_id: NodeId
    voter: Voter
    is_up: bool = False
    is_frozen: bool = False
    is_leaving: bool = False
    sequence: int = 0
    ring: Ring | None = None
    received: int = 0
    group: tuple[MemberAddress, ...] = ()
    client: Client | None = None
    pending: deque[Entry] = field(default_factory=deque)
    flush: Moment | None = None
    arrival_us: int = 0
    quorum_us: int = 0
    ring_us: int = 0
    lag_us: int = 0


class SimulatedEngine:
    """All nodes' Corosyncs and the network between them."""

    def __init__(
        self,
        node_ids: tuple[NodeId, ...],
        clock: Clock,
        chance: Chance,
        *,
        token_ms: int = 1000,
        waits_for_all: bool = False,
        tell: Callable[[NodeId, str], None] = lambda node_id, text: None,
    ) -> None:
        """Lay the network; every Corosync is down and all links are well."""
        self._clock = clock
        self._chance = chance
        self._token_us = token_ms * MS
        self._waits_for_all = waits_for_all
        self._tell = tell
        self._node_ids = node_ids
        self._part: dict[NodeId, int] = dict.fromkeys(node_ids, 0)
        self._reforms: dict[frozenset[NodeId], Moment] = {}
        self._shaken: set[NodeId] = set()
        self._alone: set[NodeId] = set()
        self.nodes = {
            node_id: Corosync(node_id, Voter(node_ids, waits_for_all=waits_for_all))
            for node_id in node_ids
        }
        self.on_ring: list[Callable[[], None]] = []
        """What the world wants to do when the next ring is formed; each once."""
        self.one_sided = 0
        """How many messages were delivered on one side of a cut only."""

    # What the world does to it.

    def configure(self, node_ids: tuple[NodeId, ...]) -> None:
        """Let every node read another node list; votequorum judges anew by it."""
        self._node_ids = node_ids
        for node_id in node_ids:
            if node_id not in self.nodes:
                voter = Voter(node_ids, waits_for_all=self._waits_for_all)
                self.nodes[node_id] = Corosync(node_id, voter)
                self._part[node_id] = 0
        for corosync in self.nodes.values():
            corosync.voter.configure(node_ids)
            if corosync.is_up and corosync.ring is not None:
                self._post_quorum(corosync, corosync.voter.judge())

    def start(self, node_id: NodeId) -> None:
        """Start a node's Corosync; it will find its ring after a while."""
        corosync = self.nodes[node_id]
        if corosync.is_up or node_id not in self._node_ids:
            return
        corosync.voter = Voter(self._node_ids, waits_for_all=self._waits_for_all)
        corosync.is_up, corosync.is_leaving, corosync.is_frozen = True, False, False
        corosync.ring, corosync.received, corosync.group = None, 0, ()
        self._reconsider()

    def kill(self, node_id: NodeId, *, is_power_loss: bool = False) -> None:
        """End a node's Corosync at once; after a power loss its ring number may be gone."""
        corosync = self.nodes[node_id]
        corosync.is_up, corosync.is_frozen = False, False
        corosync.client = None
        corosync.pending.clear()
        if is_power_loss and self._chance.percent(30):
            corosync.sequence = 0
        self._reconsider()

    def stop(self, node_id: NodeId) -> None:
        """End a node's Corosync cleanly: the others know within a tenth of a second."""
        self.nodes[node_id].is_leaving = True
        self.kill(node_id)

    def freeze(self, node_id: NodeId) -> None:
        """Stop a node's Corosync from doing anything; it does not know."""
        self.nodes[node_id].is_frozen = True
        self._reconsider()

    def thaw(self, node_id: NodeId) -> None:
        """Let a frozen Corosync go on where it stood."""
        self.nodes[node_id].is_frozen = False
        self._wake_flush(self.nodes[node_id])
        self._reconsider()

    def cut(self, parts: list[frozenset[NodeId]]) -> None:
        """Cut the network into these parts; nodes that no part names are one more."""
        self._part = {
            node_id: next((n for n, part in enumerate(parts, 1) if node_id in part), 0)
            for node_id in self.nodes
        }
        self._reconsider()

    def lag(self, node_ids: Iterable[NodeId], lag_us: int) -> None:
        """Let messages from elsewhere reach these nodes later by so much: links that go bad."""
        for node_id in node_ids:
            self.nodes[node_id].lag_us = lag_us

    def heal(self) -> None:
        """Mend all links."""
        self.cut([])

    def shake(self, node_id: NodeId) -> None:
        """Let a node hear and not be heard (or the other way): its rings do not last."""
        if node_id not in self._shaken:
            self._shaken.add(node_id)
            self._shake(node_id)

    def calm(self, node_id: NodeId) -> None:
        """Let it be heard again."""
        self._shaken.discard(node_id)
        self._alone.discard(node_id)
        self._reconsider()

    def _shake(self, node_id: NodeId) -> None:
        """Drop the node from the ring, take it back, or form the same ring again; and so on."""
        if node_id not in self._shaken:
            return
        draw = self._chance.weighted([("again", 35), ("away", 65)])
        if node_id in self._alone:
            self._alone.discard(node_id)
            self._reconsider()
        elif draw == "away":
            self._alone.add(node_id)
            self._reconsider()
        else:
            self.reform(node_id)
        pause = self._chance.weighted([((20, 400), 30), ((400, 2_400), 30), ((2_400, 6_000), 40)])
        self._clock.after_ms(self._chance.between(*pause), lambda: self._shake(node_id))

    def reform(self, node_id: NodeId) -> None:
        """Let a node's ring be formed again, by the nodes that are in reach."""
        part = next((part for part in self._components() if node_id in part), None)
        if part and part not in self._reforms:
            self._plan_reform(part, self._chance.between(5, 400) * MS)

    def veto(self, node_id: NodeId, *, is_vetoed: bool) -> None:
        """Let a node's votequorum change its mind without any change of the ring."""
        corosync = self.nodes[node_id]
        corosync.voter.is_vetoed = is_vetoed
        if corosync.is_up and corosync.ring is not None:
            self._post_quorum(corosync, corosync.voter.judge())

    # What a daemon does.

    def connect(self, node_id: NodeId, pid: int, listener: EngineListener) -> MemberAddress | None:
        """Join the group; None where no Corosync answers. The first callbacks follow."""
        corosync = self.nodes[node_id]
        if not corosync.is_up or corosync.is_frozen:
            return None
        address = MemberAddress(node_id, pid)
        corosync.client = Client(address, listener)
        self._queue(corosync, Entry("join", address))
        if corosync.ring is not None:
            self._post_ring(corosync)
            self._post_quorum(corosync, corosync.voter.judge())
        return address

    def disconnect(self, node_id: NodeId, departure: Departure) -> None:
        """A daemon is gone, by its own wish (LEFT) or not."""
        corosync = self.nodes[node_id]
        if corosync.client is None:
            return
        self._queue(corosync, Entry(departure.value, corosync.client.address))
        corosync.client = None

    def send(self, node_id: NodeId, payload: bytes) -> bool:
        """Take a message for the group; False where no Corosync takes it."""
        corosync = self.nodes[node_id]
        if not corosync.is_up or corosync.client is None:
            return False
        self._queue(corosync, Entry("message", corosync.client.address, payload))
        return True

    def drain(self, node_id: NodeId) -> int:
        """Return how many messages wait for a ring at a node."""
        return len(self.nodes[node_id].pending)

    def together_us(self, one: NodeId, other: NodeId) -> int:
        """Return for how long two nodes have been in one whole ring; 0 where they are not."""
        ring = self.nodes[one].ring
        if ring is None or self.nodes[other].ring is not ring or ring.parts != (ring.members,):
            return 0
        return self._clock.now_us - ring.formed_us

    # Order and delivery within a ring.

    def _queue(self, corosync: Corosync, entry: Entry) -> None:
        corosync.pending.append(entry)
        self._wake_flush(corosync)

    def _wake_flush(self, corosync: Corosync) -> None:
        if corosync.flush is None and corosync.pending:
            delay = self._chance.between(30, 1200)
            corosync.flush = self._clock.after_us(delay, lambda: self._flush(corosync))

    def _flush(self, corosync: Corosync) -> None:
        """Give what waits at a node its place in the order, where the token still goes round."""
        corosync.flush = None
        ring = corosync.ring
        if not corosync.is_up or corosync.is_frozen or ring is None:
            return
        if corosync.node_id not in ring.senders:
            return
        ring.log.extend(corosync.pending)
        corosync.pending.clear()
        for node_id in sorted(ring.members):
            self._plan_arrival(ring, self.nodes[node_id], is_own=node_id == corosync.node_id)

    def _plan_arrival(self, ring: Ring, corosync: Corosync, *, is_own: bool = False) -> None:
        latency = self._chance.between(30, 250 if is_own else 700)
        if not is_own and self._chance.percent(2):
            latency += self._chance.between(2_000, 20_000)
        if not is_own:
            latency += corosync.lag_us
        corosync.arrival_us = max(corosync.arrival_us, self._clock.now_us + latency)
        end = len(ring.log)
        self._clock.at_us(corosync.arrival_us, lambda: self._arrive(ring, corosync, end))

    def _arrive(self, ring: Ring, corosync: Corosync, end: int) -> None:
        if corosync.ring is ring and corosync.is_up and not corosync.is_frozen:
            limit = ring.limits.get(corosync.node_id)
            self._deliver(ring, corosync, end if limit is None else min(end, limit))

    def _deliver(self, ring: Ring, corosync: Corosync, end: int) -> None:
        while corosync.received < end and corosync.ring is ring:
            entry = ring.log[corosync.received]
            corosync.received += 1
            if entry.kind == "message":
                if all(member.node_id != entry.address.node_id for member in corosync.group):
                    continue  # Corosync drops what comes from a node that the group does not know.
                self._post(corosync, Delivered(sender=entry.address, payload=entry.payload))
            elif entry.kind == "join":
                self._deliver_join(corosync, entry.address)
            else:
                self._deliver_leave(corosync, entry.address, Departure(entry.kind))

    def _deliver_join(self, corosync: Corosync, address: MemberAddress) -> None:
        client = corosync.client
        if client is not None and client.address == address:
            client.is_joined = True
        if address not in corosync.group:
            corosync.group = tuple(sorted((*corosync.group, address)))
        self._post(corosync, GroupChanged(members=corosync.group, joined=(address,)))

    def _deliver_leave(self, corosync: Corosync, address: MemberAddress, why: Departure) -> None:
        if address in corosync.group:
            corosync.group = tuple(member for member in corosync.group if member != address)
            self._post(corosync, GroupChanged(members=corosync.group, left=((address, why),)))

    # Callbacks. Those of the group are in order; the other two sockets are late as they like.

    def _post(self, corosync: Corosync, event: EngineEvent) -> None:
        client = corosync.client
        if client is not None and client.is_joined:
            client.listener("group", event)

    def _post_ring(self, corosync: Corosync) -> None:
        ring = corosync.ring
        if ring is None:
            return
        event = RingChanged(ring_id=ring.ring_id, node_ids=tuple(sorted(ring.members)))
        late = self._chance.weighted([((0, 300), 85), ((300, 20_000), 10), ((20_000, 400_000), 5)])
        corosync.ring_us = max(
            corosync.ring_us, self._clock.now_us + self._chance.between(late[0], late[1])
        )
        self._post_late(corosync, corosync.ring_us, "ring", event)

    def _post_quorum(self, corosync: Corosync, event: QuorumChanged) -> None:
        late = self._chance.weighted(
            [((0, 0), 15), ((0, 5_000), 30), ((5_000, 60_000), 40), ((60_000, 1_500_000), 15)]
        )
        corosync.quorum_us = max(
            corosync.quorum_us, self._clock.now_us + self._chance.between(late[0], late[1])
        )
        self._post_late(corosync, corosync.quorum_us, "quorum", event)

    def _post_late(self, corosync: Corosync, at_us: int, socket: str, event: EngineEvent) -> None:
        client = corosync.client
        if client is not None:
            self._clock.at_us(at_us, lambda: self._post_if_same(corosync, client, socket, event))

    def _post_if_same(
        self, corosync: Corosync, client: Client, socket: str, event: EngineEvent
    ) -> None:
        if corosync.is_up and corosync.client is client:
            client.listener(socket, event)

    # Connectivity, splits and new rings.

    def _is_alive(self, node_id: NodeId) -> bool:
        corosync = self.nodes[node_id]
        return corosync.is_up and not corosync.is_frozen

    def _components(self) -> list[frozenset[NodeId]]:
        """Return the sets of running Corosyncs that reach each other."""
        parts: dict[int, list[NodeId]] = {}
        for node_id in self.nodes:
            if self._is_alive(node_id):
                is_alone = node_id in self._alone
                place = -int(node_id) if is_alone else self._part[node_id]
                parts.setdefault(place, []).append(node_id)
        return [frozenset(part) for _, part in sorted(parts.items())]

    def _reconsider(self) -> None:
        """After any change: split rings whose members lost each other, plan the next rings."""
        components = self._components()
        rings: list[Ring] = []
        for corosync in self.nodes.values():
            if corosync.is_up and corosync.ring is not None and corosync.ring not in rings:
                rings.append(corosync.ring)
        for ring in rings:
            self._update_ring(ring, components)
        for part, moment in list(self._reforms.items()):
            if part not in components:
                moment.cancel()
                del self._reforms[part]
        for part in components:
            if part not in self._reforms and self._needs_reform(part):
                self._plan_reform(part, self._detection_us(part))

    def _needs_reform(self, part: frozenset[NodeId]) -> bool:
        rings = {id(self.nodes[node_id].ring): self.nodes[node_id].ring for node_id in part}
        ring = next(iter(rings.values()))
        return len(rings) != 1 or ring is None or ring.members != part

    def _detection_us(self, part: frozenset[NodeId]) -> int:
        """Return how long it takes until these nodes have a ring of their own."""
        rings = {id(self.nodes[node_id].ring) for node_id in part}
        lost = [
            self.nodes[node_id]
            for member in part
            if (ring := self.nodes[member].ring) is not None
            for node_id in ring.members - part
        ]
        if len(rings) == 1 and lost:
            if all(corosync.is_leaving for corosync in lost):
                return self._chance.between(70, 105) * MS
            return self._token_us * self._chance.between(204, 225) // 100
        return self._token_us * self._chance.between(90, 190) // 100

    def _update_ring(self, ring: Ring, components: list[frozenset[NodeId]]) -> None:
        parts = tuple(
            part
            for component in components
            if (
                part := frozenset(
                    node_id
                    for node_id in component & ring.members
                    if self.nodes[node_id].ring is ring
                )
            )
        )
        if parts == ring.parts:
            return
        ring.parts = parts
        ring.splits += 1
        if len(parts) == 1 and parts[0] == ring.members:
            ring.senders, ring.limits = ring.members, {}
            for node_id in sorted(ring.members):
                self._plan_arrival(ring, self.nodes[node_id])
                self._wake_flush(self.nodes[node_id])
            return
        self._split(ring, parts)

    def _split(self, ring: Ring, parts: tuple[frozenset[NodeId], ...]) -> None:
        """Decide how much of the log each side has, and which side, if any, still adds to it."""
        end = len(ring.log)
        reach: dict[frozenset[NodeId], int] = {}
        for part in parts:
            limits = [ring.limits.get(node_id) for node_id in sorted(part)]
            reach[part] = end if None in limits else max(limit or 0 for limit in limits)
        able = [part for part in parts if reach[part] == end and part & ring.senders]
        holder = self._chance.pick([*able, frozenset()]) if able else frozenset()
        for part in parts:
            low = max(self.nodes[node_id].received for node_id in part)
            limit = None if part == holder else self._chance.between(low, reach[part])
            ring.limits.update(dict.fromkeys(part, limit))
        ring.senders = holder
        if holder:
            splits = ring.splits
            window = self._chance.weighted([(0, 30), (2_000, 30), (30_000, 30), (300_000, 10)])
            self._clock.after_us(
                self._chance.between(0, window), lambda: self._silence(ring, splits)
            )

    def _silence(self, ring: Ring, splits: int) -> None:
        """The token is lost at last: nobody adds to a split ring any more."""
        if ring.splits == splits:
            ring.senders = frozenset()

    def _plan_reform(self, part: frozenset[NodeId], delay_us: int) -> None:
        self._reforms[part] = self._clock.after_us(delay_us, lambda: self._reform(part))

    def _reform(self, part: frozenset[NodeId]) -> None:
        """Form a ring: those who come together level what they received, then the group changes."""
        self._reforms.pop(part, None)
        nodes = [self.nodes[node_id] for node_id in sorted(part)]
        old_rings = {node.node_id: node.ring for node in nodes}
        for node in nodes:
            if node.ring is not None:
                self._deliver(node.ring, node, self._final(node.ring, part))
        joined = {
            node.node_id: node.client.address
            for node in nodes
            if node.client is not None and node.client.is_joined
        }
        sequence = max(node.sequence for node in nodes) + SEQUENCE_STEP
        ring = Ring(RingId(min(part), sequence), part, senders=part, parts=(part,))
        ring.formed_us = self._clock.now_us
        together = self._chance.percent(50)
        for node in nodes:
            node.ring, node.received, node.sequence = ring, 0, sequence
            node.arrival_us = self._clock.now_us
            self._change_group(node, old_rings, joined, together=together)
        self._tell(nodes[0].node_id, f"ring {ring.ring_id.node_id}.{sequence} of {sorted(part)}")
        for node in nodes:
            node.voter.meet(ring.ring_id, [other.voter for other in nodes])
        for node in nodes:
            self._post_ring(node)
            self._post_quorum(node, node.voter.judge())
            self._wake_flush(node)
        self._forget_left(part)
        waiting, self.on_ring = self.on_ring, []
        for act in waiting:
            act()

    def _final(self, ring: Ring, part: frozenset[NodeId]) -> int:
        """Return how far the old ring's log reaches for those who leave it together."""
        mates = [node_id for node_id in sorted(part) if self.nodes[node_id].ring is ring]
        limits = [ring.limits.get(node_id) for node_id in mates]
        final = len(ring.log) if None in limits else max(limit or 0 for limit in limits)
        self.one_sided += len(ring.log) - final
        return final

    def _change_group(
        self,
        node: Corosync,
        old_rings: dict[NodeId, Ring | None],
        joined: dict[NodeId, MemberAddress],
        *,
        together: bool,
    ) -> None:
        """Tell a node's daemon who is gone and who is new, as one change or as two."""
        own = old_rings[node.node_id]
        stay, left = [], []
        for member in node.group:
            is_mate = own is not None and old_rings.get(member.node_id) is own
            if is_mate and joined.get(member.node_id) == member:
                stay.append(member)
            else:
                gone = not is_mate and not self.nodes[member.node_id].is_leaving
                left.append((member, Departure.NODE_DOWN if gone else Departure.PROCESS_DOWN))
        members = tuple(sorted(joined.values()))
        new = tuple(member for member in members if member not in stay)
        node.group = members
        if left and new and not together:
            self._post(node, GroupChanged(members=tuple(stay), left=tuple(left)))
            self._post(node, GroupChanged(members=members, joined=new))
        elif left or new:
            self._post(node, GroupChanged(members=members, joined=new, left=tuple(left)))

    def _forget_left(self, part: frozenset[NodeId]) -> None:
        """Drop goings that the new group says already."""
        for node_id in part:
            corosync = self.nodes[node_id]
            coming = [entry.address for entry in corosync.pending if entry.kind == "join"]
            corosync.pending = deque(
                entry
                for entry in corosync.pending
                if entry.kind in ("message", "join")
                or entry.address in corosync.group
                or entry.address in coming
            )
