"""Views: when this member speaks, and when what all said makes a view."""

from paceline.model.identifiers import NodeId, NodeName
from paceline.replica.entries import Hello, Lineage, Suspect
from paceline.replica.events import (
    Departure,
    GroupChanged,
    MemberAddress,
    QuorumChanged,
    RingChanged,
    RingId,
)
from paceline.replica.views import Hellos, LocalWord

A, B, C = (MemberAddress(NodeId(number), 10) for number in (1, 2, 3))


def ring(sequence: int, *nodes: int) -> RingChanged:
    return RingChanged(ring_id=RingId(1, sequence), node_ids=tuple(NodeId(n) for n in nodes))


def quorum(sequence: int, *, quorate: bool = True) -> QuorumChanged:
    votes = tuple((NodeId(number), 1) for number in (1, 2, 3))
    return QuorumChanged(
        ring_id=RingId(1, sequence), is_quorate=quorate, quorum_votes=2, votes=votes
    )


def word_of(*events: GroupChanged | RingChanged | QuorumChanged) -> LocalWord:
    word = LocalWord()
    word.connect(A)
    for event in events:
        match event:
            case GroupChanged():
                word.take_group(event)
            case RingChanged():
                word.take_ring(event)
            case QuorumChanged():
                word.take_quorum(event)
    return word


def test_nothing_is_said_until_all_three_callbacks_fit() -> None:
    group = GroupChanged(members=(A, B))
    assert word_of(group).find_word() is None
    assert word_of(group, ring(8, 1, 2)).find_word() is None
    said = word_of(group, ring(8, 1, 2), quorum(8)).find_word()
    assert said is not None and said.ring_id == RingId(1, 8) and said.is_quorate


def test_old_quorum_is_not_said_when_a_node_was_lost() -> None:
    before = (GroupChanged(members=(A, B, C)), ring(8, 1, 2, 3), quorum(8))
    lost = GroupChanged(members=(A, B), left=((C, Departure.NODE_DOWN),))
    word = word_of(*before, lost)
    assert word.find_word() is None
    word.take_ring(ring(12, 1, 2))
    assert word.find_word() is None
    word.take_quorum(quorum(12))
    assert word.find_word() is not None


def test_lost_daemon_on_a_living_node_is_said_at_once() -> None:
    before = (GroupChanged(members=(A, B, C)), ring(8, 1, 2, 3), quorum(8))
    lost = GroupChanged(members=(A, B), left=((C, Departure.PROCESS_DOWN),))
    said = word_of(*before, lost).find_word()
    assert said is not None and said.ring_nodes == (1, 2, 3)


def test_quorum_callback_may_come_before_the_group_change() -> None:
    before = (GroupChanged(members=(A, B, C)), ring(8, 1, 2, 3), quorum(8))
    lost = GroupChanged(members=(A, B), left=((C, Departure.NODE_DOWN),))
    word = word_of(*before, quorum(12), ring(12, 1, 2), lost)
    assert word.find_word() is not None


def test_newest_callbacks_count_when_they_never_fit() -> None:
    word = word_of(GroupChanged(members=(A, B)), ring(8, 1, 2), quorum(12))
    assert word.find_word() is None
    word.settle()
    said = word.find_word()
    assert said is not None and said.ring_id == RingId(1, 12)
    word.take_ring(ring(16, 1, 2))
    assert word.find_word() is None, "news must fit again, or settle again"


def hello(member: MemberAddress, *members: MemberAddress, **more: object) -> Hello:
    words: dict[str, object] = {
        "node": NodeName(f"node{member.node_id}"),
        "node_id": member.node_id,
        "boot_id": "b",
        "incarnation": 1,
        "number": 1,
        "version": "0.1.0",
        "members": members,
        "ring_id": RingId(1, 8),
        "ring_nodes": (NodeId(1), NodeId(2), NodeId(3)),
        "is_quorate": True,
        "quorum_votes": 2,
        "votes": tuple((NodeId(number), 1) for number in (1, 2, 3)),
        "lineage": Lineage(),
    }
    return Hello(**(words | more))  # type: ignore[arg-type]


def heard(group: tuple[MemberAddress, ...], *hellos: tuple[MemberAddress, Hello]) -> Hellos:
    known = Hellos()
    known.begin(group)
    for member, said in hellos:
        known.take(member, said)
    return known


def test_view_is_found_when_the_last_hello_of_one_ring_came() -> None:
    group = (A, B)
    known = heard(group, (A, hello(A, A, B)))
    assert known.find_proposal() is None
    known.take(B, hello(B, A, B, ring_id=RingId(1, 4)))
    assert known.find_proposal() is None
    known.take(B, hello(B, A, B, number=2))
    proposal = known.find_proposal()
    assert proposal is not None and proposal.members == group and proposal.is_quorate


def test_view_is_not_quorate_when_one_says_no() -> None:
    known = heard((A, B), (A, hello(A, A, B)), (B, hello(B, A, B, is_quorate=False)))
    proposal = known.find_proposal()
    assert proposal is not None and not proposal.is_quorate


def test_view_is_not_quorate_when_only_the_corosyncs_hold_the_votes() -> None:
    proposal = heard((A,), (A, hello(A, A))).find_proposal()
    assert proposal is not None and not proposal.is_quorate


def test_hello_of_another_group_is_passed_over() -> None:
    assert heard((A, B), (A, hello(A, A, B)), (B, hello(B, A, B, C))).find_proposal() is None


def test_view_has_another_name_when_somebody_said_hello_again() -> None:
    first = heard((A,), (A, hello(A, A))).find_proposal()
    second = heard((A,), (A, hello(A, A, number=2))).find_proposal()
    assert first is not None and second is not None
    assert first.view != second.view and first.fits(second)


def test_silent_member_is_left_out_when_a_majority_says_so() -> None:
    group = (A, B, C)
    known = heard(group, (A, hello(A, *group)), (B, hello(B, *group)))
    assert not known.suspect(A, Suspect(target=C, members=group))
    assert known.suspect(B, Suspect(target=C, members=group))
    proposal = known.find_proposal()
    assert proposal is not None and proposal.members == (A, B) and proposal.is_quorate


def test_beginner_leaves_nobody_out_when_quorum_is_no_majority() -> None:
    two: dict[str, object] = {"quorum_votes": 1, "votes": ((NodeId(1), 1), (NodeId(2), 1))}
    beginner = heard((A, B), (A, hello(A, A, B, **two)))
    assert not beginner.suspect(A, Suspect(target=B, members=(A, B)))
    veteran = heard((A, B), (A, hello(A, A, B, was_quorate=True, **two)))
    assert veteran.suspect(A, Suspect(target=B, members=(A, B)))


def test_members_that_hold_the_view_up_are_the_silent_and_those_of_another_ring() -> None:
    group = (A, B, C)
    known = heard(group, (A, hello(A, *group)), (B, hello(B, *group, ring_id=RingId(1, 4))))
    assert known.holding_up(A) == (B, C)
