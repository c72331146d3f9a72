"""What votequorum says on one node: its own word, which may differ from another node's."""

from collections.abc import Iterable

from paceline.model.identifiers import NodeId
from paceline.replica.events import QuorumChanged, RingId


class Voter:
    """The votequorum of one Corosync, each node with one vote.

    With two nodes one vote is enough (`two_node`), and then `wait_for_all` holds: after a start,
    and whenever quorum was lost, all must be met once (or someone quorate who met all).
    """

    def __init__(self, node_ids: tuple[NodeId, ...], *, waits_for_all: bool) -> None:
        """Know the node list; nothing is quorate yet."""
        self._always_waits = waits_for_all
        self.configure(node_ids)
        self.must_wait = self._waits
        self.is_quorate = False
        self.is_vetoed = False
        self.ring_id = RingId(0, 0)
        self._present = 0

    def configure(self, node_ids: tuple[NodeId, ...]) -> None:
        """Take another node list, as a reload of corosync.conf brings it."""
        self._node_ids = node_ids
        self._is_two_node = len(node_ids) == 2
        self._quorum = 1 if self._is_two_node else len(node_ids) // 2 + 1
        self._waits = self._always_waits or self._is_two_node

    def meet(self, ring_id: RingId, present: Iterable["Voter"]) -> None:
        """Take in a new membership; `present` are the voters in it, this one too."""
        voters = list(present)
        self.ring_id = ring_id
        self._present = len(voters)
        if self._present == len(self._node_ids) or any(
            voter.is_quorate and not voter.must_wait for voter in voters if voter is not self
        ):
            self.must_wait = False

    def judge(self) -> QuorumChanged:
        """Decide anew and return the callback; who loses quorum waits for all again."""
        was_quorate = self.is_quorate
        self.is_quorate = (
            self._present >= self._quorum and not self.must_wait and not self.is_vetoed
        )
        if was_quorate and not self.is_quorate and not self.is_vetoed:
            self.must_wait = self._waits
        return QuorumChanged(
            ring_id=self.ring_id,
            is_quorate=self.is_quorate,
            quorum_votes=self._quorum,
            votes=tuple((node_id, 1) for node_id in self._node_ids),
            is_two_node=self._is_two_node,
        )
