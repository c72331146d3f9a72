"""The replicated half at its border: bad entries change nothing and end nothing."""

from msgspec.structs import replace
from replica_plans import action

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.plan import Plan
from paceline.replica.entries import (
    AttributesSet,
    Hello,
    Lineage,
    Planned,
    Transfer,
    encode_entry,
)
from paceline.replica.events import MemberAddress, RingId
from paceline.replica.happenings import Garbled, Refused, TransferWanted, ViewEstablished
from paceline.replica.machine import Machine
from paceline.replica.packed_plans import PackedPlan, pack_plan
from paceline.replica.tables import State, encode_photograph

A, B = MemberAddress(NodeId(1), 10), MemberAddress(NodeId(2), 10)


def hello(member: MemberAddress, state: State, **more: object) -> bytes:
    words: dict[str, object] = {
        "node": NodeName(f"node{member.node_id}"),
        "node_id": member.node_id,
        "boot_id": "b",
        "incarnation": 1,
        "number": 1,
        "version": "0.1.0",
        "members": (A, B),
        "ring_id": RingId(1, 8),
        "ring_nodes": (NodeId(1), NodeId(2)),
        "is_quorate": True,
        "quorum_votes": 2,
        "votes": ((NodeId(1), 1), (NodeId(2), 1)),
        "lineage": state.core.value.lineage,
        "digest": state.digest(),
    }
    return encode_entry(Hello(**(words | more)))  # type: ignore[arg-type]


def machine() -> Machine:
    made = Machine(State(b"<cib/>"), NodeId(1))
    made.group_changed((A, B))
    return made


def established() -> Machine:
    made = machine()
    for member in (A, B):
        made.deliver(member, hello(member, made.state))
    assert made.view is not None
    return made


def test_garbled_bytes_are_told_and_change_nothing() -> None:
    made = established()
    digest = made.state.digest()
    (told,) = made.deliver(B, b"anything")
    assert isinstance(told, Garbled) and made.state.digest() == digest


def test_entry_of_another_view_is_refused_and_does_not_count() -> None:
    made = established()
    position = made.state.core.value.position
    entry = AttributesSet(
        view="old", request_id=RequestId("r"), node=NodeName("node1"), values=(("a", "1"),)
    )
    (told,) = made.deliver(B, encode_entry(entry))
    assert isinstance(told, Refused) and told.code == "view-moved"
    assert made.state.core.value.position == position


def test_plan_of_a_member_that_does_not_coordinate_is_refused() -> None:
    made = established()
    assert made.view is not None
    entry = Planned(view=made.view.id, number=1, based_position=9, plan=PackedPlan(), time_ms=0)
    (told,) = made.deliver(B, encode_entry(entry))
    assert isinstance(told, Refused) and told.code == "not-coordinator"


def test_plan_with_a_garbled_piece_is_refused_whole() -> None:
    made = established()
    assert made.view is not None
    digest, plans = made.state.digest(), made.state.core.value.plans
    good = pack_plan(Plan(actions=(action(1, "start", "A", "node1"),)))
    spoiled = replace(good, pieces=(*good.pieces, b"anything"))
    position = made.state.core.value.position
    entry = Planned(view=made.view.id, number=1, based_position=position, plan=spoiled, time_ms=0)
    (told,) = made.deliver(A, encode_entry(entry))
    assert isinstance(told, Refused) and told.code == "internal"
    assert made.plans.run is None and made.state.core.value.plans == plans
    assert made.state.digest() == digest
    assert made.deliver(A, encode_entry(replace(entry, plan=good)))
    assert made.plans.run is not None and not made.plans.run.is_complete


def test_plan_from_before_the_view_is_refused() -> None:
    made = established()
    assert made.view is not None
    entry = Planned(view=made.view.id, number=1, based_position=0, plan=PackedPlan(), time_ms=0)
    (told,) = made.deliver(A, encode_entry(entry))
    assert isinstance(told, Refused) and told.code == "plan-outdated"


def forming(lineage: Lineage) -> tuple[Machine, str]:
    made = machine()
    made.deliver(A, hello(A, made.state))
    happened = made.deliver(B, hello(B, made.state, lineage=lineage))
    assert not any(isinstance(each, ViewEstablished | TransferWanted) for each in happened)
    proposal = made.hellos.find_proposal()
    assert proposal is not None
    return made, proposal.view


def test_state_is_taken_over_from_who_has_more() -> None:
    made, view = forming(Lineage(epoch=4, number=2, epoch_id="w"))
    other = State(b"<better/>")
    entry = Transfer(view=view, state=encode_photograph(other.photograph()))
    happened = made.deliver(B, encode_entry(entry))
    assert any(isinstance(each, ViewEstablished) for each in happened)
    assert made.state.configuration.value == b"<better/>"
    assert made.state.core.value.promised == 5


def test_garbled_state_transfer_ends_nothing_but_the_forming() -> None:
    made, view = forming(Lineage(epoch=4, number=2, epoch_id="w"))
    digest = made.state.digest()
    (told,) = made.deliver(B, encode_entry(Transfer(view=view, state=b"garbage")))
    assert isinstance(told, Garbled) and told.error.code == "internal"
    assert made.view is None and made.state.digest() == digest


def test_state_transfer_of_another_than_the_base_is_refused() -> None:
    made, view = forming(Lineage(epoch=4, number=2, epoch_id="w"))
    (told,) = made.deliver(A, encode_entry(Transfer(view=view, state=b"")))
    assert isinstance(told, Refused)
