"""What this member says of itself and of the others' silence: Hello, Suspect, signs of life.

quiet --Corosync's word changed--> Hello;  left out --> Hello again
stalled --Ping--> barred --another member's Pong in this view--> free
"""

from collections.abc import Callable

from paceline.replica.entries import Digest, Hello, Ping, Pong, Suspect
from paceline.replica.events import (
    EngineConnected,
    GroupChanged,
    MemberAddress,
    QuorumChanged,
    RingChanged,
    RingId,
)
from paceline.replica.happenings import DigestDue, DigestHeard, PingHeard, View
from paceline.replica.identity import Identity
from paceline.replica.liveness import ALIVE_MS, Liveness
from paceline.replica.machine import Machine
from paceline.replica.outlet import Outlet
from paceline.replica.views import LocalWord, Word

SETTLE_MS = 2000
"""How long Corosync's callbacks may disagree before the newest of each counts as it is."""
SILENT_MS = 2 * SETTLE_MS
"""How long a daemon may hold a view up before the others go on without it."""
STALL_MS_MIN = 400
"""A loop that stood this long may act on what is over: half a token of one second, and less."""
T_SETTLE, T_SILENT, T_ALIVE = "settle", "silent", "alive"


class Speaking:
    """This member's own word, and its ear for the others."""

    def __init__(
        self,
        identity: Identity,
        machine: Machine,
        outlet: Outlet,
        liveness: Liveness,
        is_copy_damaged: Callable[[], bool],
        is_current: Callable[[], bool],
    ) -> None:
        """Begin with nothing heard and nothing said."""
        self._identity = identity
        self._machine = machine
        self._outlet = outlet
        self._liveness = liveness
        self._is_copy_damaged = is_copy_damaged
        self._is_current = is_current
        self._said: Word | None = None
        self._hellos = 0
        self._has_joined_since_view = True
        self._last_view: View | None = None
        self._pings = 0
        self._bar: int | None = None
        self.word = LocalWord()

    # Corosync's words

    def engine_connected(self, event: EngineConnected) -> None:
        """The group is joined (again)."""
        self._begin_anew(event.address)
        self._outlet.note("notice", "engine-connected", "joined the group")

    def engine_lost(self) -> tuple[MemberAddress, ...]:
        """Quorum is lost at once; return the group of one in which this node goes on alone."""
        me = self._identity.node_id
        quorum = self.word.quorum
        address = MemberAddress(me, 0)
        self._begin_anew(address)
        ring_id = RingId(0, 0)
        self.word.take_group(GroupChanged(members=(address,)))
        self.word.take_ring(RingChanged(ring_id=ring_id, node_ids=(me,)))
        self.word.take_quorum(
            QuorumChanged(
                ring_id=ring_id,
                is_quorate=False,
                quorum_votes=quorum.quorum_votes if quorum is not None else 1,
                votes=quorum.votes if quorum is not None else (),
            )
        )
        self._outlet.note("error", "engine-lost", "Corosync cannot be reached: quorum is lost")
        return (address,)

    def _begin_anew(self, address: MemberAddress) -> None:
        self.word.connect(address)
        self._said = None
        self._has_joined_since_view = True

    def group_changed(self, event: GroupChanged) -> None:
        """The group is another."""
        old = self.word.members
        self.word.take_group(event)
        if event.joined or any(member not in old for member in self.word.members):
            self._has_joined_since_view = True
        self._said = None
        self._outlet.set_timer(T_SETTLE, SETTLE_MS)
        self._outlet.set_timer(T_SILENT, SILENT_MS)

    def callback_came(self, event: RingChanged | QuorumChanged) -> None:
        """Corosync's membership or its word on quorum is another; they may not fit for a while."""
        if isinstance(event, RingChanged):
            self.word.take_ring(event)
        else:
            self.word.take_quorum(event)
        if self.word.find_word() is None:
            self._outlet.set_timer_once(T_SETTLE, SETTLE_MS)

    # Hello

    def say_hello(self) -> None:
        """Say Hello, where there is something new to say."""
        word = self.word.find_word()
        if word is None or word == self._said:
            return
        self._said = word
        self._hellos += 1
        state, me, view = self._machine.state, self._identity, self._last_view
        core = state.core.value
        is_new = (
            self._has_joined_since_view
            or view is None
            or self.word.address not in view.proposal.members
        )
        self._outlet.send(
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
                lineage=core.lineage,
                promised=core.promised,
                electorate=core.electorate,
                is_current=self._is_current(),
                is_damaged=self._is_copy_damaged(),
                position=core.position,
                digest=state.digest(),
                last_view=view.id if view is not None else "",
                was_quorate=view is not None and view.is_quorate,
                owned=state.owned_by(me.node) if is_new else None,
                time_ms=self._outlet.wall_ms,
            )
        )

    def hello_wanted(self) -> None:
        """Somebody who was left out is back: everybody says Hello anew."""
        self._said = None
        self._has_joined_since_view = True

    def member_dropped(self, address: MemberAddress) -> None:
        """A silent daemon is left out; if it is this one, it was not: it says Hello."""
        self._outlet.note(
            "warning", "member-silent", f"node {address.node_id} is left out of the view"
        )
        if address == self.word.address:
            self._said = None

    def view_closed(self) -> None:
        """No view: somebody may be too silent to agree on the next one."""
        self._outlet.set_timer_once(T_SILENT, SILENT_MS)

    def view_established(self, view: View) -> None:
        """Everybody said Hello."""
        self._last_view = view
        self._has_joined_since_view = False
        self._outlet.cancel_timer(T_SILENT)
        self._outlet.set_timer(T_ALIVE, ALIVE_MS)
        self._liveness.begin_view(view.proposal.members, self._outlet.now_ms)
        self._ask_after_stall()

    # Silence

    def timer_fired(self, name: str) -> None:
        """Callbacks had their time, or somebody holds the view up, or life is to be shown."""
        if name == T_SETTLE:
            self.word.settle()
        elif name == T_SILENT:
            self._suspect_silent()
        elif name == T_ALIVE:
            self._show_life()

    def _suspect_silent(self) -> None:
        """Members without a Hello that fits ours, or the base without its state, hold it up."""
        me = self.word.address
        if self._machine.view is not None or me is None:
            return
        for target in self._machine.holding_up(me):
            self._outlet.send(Suspect(target=target, members=self.word.members))
        self._outlet.set_timer(T_SILENT, SILENT_MS)

    def _show_life(self) -> None:
        """Say that we are there, and name those of whom nothing was heard for too long."""
        view = self._machine.view
        if view is None:
            return
        now_ms = self._outlet.now_ms
        if self._liveness.is_quiet(now_ms):
            position = self._machine.state.core.value.position
            self._outlet.send(Ping(view=view.id, nonce=0, wants_answer=False, position=position))
        for target in self._liveness.silent(self.word.address, now_ms):
            self._outlet.send(Suspect(target=target, members=self.word.members))
        self._outlet.set_timer(T_ALIVE, ALIVE_MS)

    # After a stall

    @property
    def is_barred(self) -> bool:
        """Say whether nothing may start: what is known may be over."""
        return self._bar is not None

    def stalled(self, stalled_ms: int) -> None:
        """Start nothing until another member answered in this view (DESIGN 11)."""
        if stalled_ms < STALL_MS_MIN:
            return
        self._outlet.note("warning", "loop-stalled", f"the loop stood for {stalled_ms} ms")
        self._liveness.forgive(self._outlet.now_ms)
        self._bar = 0
        self._ask_after_stall()

    def _ask_after_stall(self) -> None:
        view = self._machine.view
        if self._bar is None or view is None:
            return
        self._pings += 1
        self._bar = self._pings
        self._outlet.send(Ping(view=view.id, nonce=self._pings, wants_answer=True))

    def ping_heard(self, happening: PingHeard) -> None:
        """The lowest other member answers; alone, the own entry's delivery must do."""
        view = self._machine.view
        if view is None:
            return
        others = [m for m in view.proposal.members if m != happening.sender]
        if not others:
            self.pong_heard(happening.nonce)
        elif min(others) == self.word.address:
            self._outlet.send(
                Pong(view=view.id, to=happening.sender.node_id, nonce=happening.nonce)
            )

    def pong_heard(self, nonce: int) -> None:
        """What this node knows is of now."""
        if nonce == self._bar:
            self._bar = None

    # Digests

    def digest_due(self, happening: DigestDue) -> None:
        """Say what our state came to."""
        view = self._machine.view
        if view is not None and self._identity.node in view.nodes:
            self._outlet.send(
                Digest(view=view.id, position=happening.position, digest=happening.digest)
            )

    def is_alone_with_state(self, happening: DigestHeard) -> bool:
        """Say whether this member's state differs from the others'."""
        view = self._machine.view
        if view is None:
            return False
        self._liveness.note_digest(happening.sender, happening.position, happening.digest)
        members = sorted(view.proposal.members)
        first = next(
            member
            for member, hello in zip(members, view.proposal.hellos, strict=True)
            if hello.node == view.coordinator
        )
        return self._liveness.is_alone(self.word.address, happening.position, first)
