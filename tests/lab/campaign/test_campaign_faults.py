"""What a campaign draws from its seed, what it hears from clients and on the wire."""

import json
import struct
from pathlib import Path

import pytest

from paceline.lab.campaign import arp
from paceline.lab.campaign.clients import judge_answer
from paceline.lab.campaign.evidence import Outcome, read_marks, read_owners
from paceline.lab.campaign.faults import KINDS, draw_rounds, find_kinds
from paceline.lab.layout import PUBLIC, LabSpec, hardware_address
from paceline.lab.members import Completed

NODES = ("worker1", "worker2", "worker3")
ADDRESS = bytes((192, 168, 222, 30))


def test_the_same_seed_gives_the_same_story_with_as_many_faults_as_asked() -> None:
    one, two = (list(draw_rounds(5, NODES, 40, kinds=KINDS, is_fencing_on=True)) for _ in range(2))
    assert one == two
    assert sum(map(len, one)) == 40
    assert one != list(draw_rounds(6, NODES, 40, kinds=KINDS, is_fencing_on=True))


def test_faults_that_must_come_alone_do_and_those_of_fencing_wait_for_it() -> None:
    for seed in range(20):
        for faults in draw_rounds(seed, NODES, 40, kinds=KINDS, is_fencing_on=False):
            assert len(faults) == 1 or not any(fault.kind.is_alone for fault in faults)
            assert not any(fault.kind.needs_fencing for fault in faults)


def test_a_cut_leaves_somebody_on_each_side() -> None:
    for faults in draw_rounds(1, NODES, 60, kinds=find_kinds(["cut"]), is_fencing_on=True):
        assert all(0 < len(fault.targets) < len(NODES) for fault in faults)


def test_unknown_fault_is_named() -> None:
    with pytest.raises(ValueError, match="earthquake"):
        find_kinds(["crash", "earthquake"])


@pytest.mark.parametrize(
    ("code", "err", "outcome"),
    [
        (0, "", Outcome.ACKNOWLEDGED),
        (0, "Warning: The change is accepted, but not yet safe: ...", Outcome.NOT_YET_SAFE),
        (1, "Error: Unable to update cib\nno quorum", Outcome.REFUSED),
        (1, "Error: unable to get cib: not running", Outcome.REFUSED),
        (1, "Error: nobody can say whether the change took effect", Outcome.UNKNOWN),
    ],
)
def test_answers_promise_what_they_say(code: int, err: str, outcome: Outcome) -> None:
    assert judge_answer(Completed(code=code, out="", err=err)) is outcome


def reply(mac: str, *, target: bytes, operation: int = 2) -> bytes:
    raw = bytes.fromhex(mac.replace(":", ""))
    head = struct.pack("!6s6sHHHBBH", b"\xff" * 6, raw, 0x0806, 1, 0x0800, 6, 4, operation)
    return head + raw + ADDRESS + b"\xff" * 6 + target


def test_claims_of_an_address_are_told_from_other_frames() -> None:
    mac = "02:00:c0:a8:de:1f"
    assert arp.parse(reply(mac, target=bytes(4)), ADDRESS) == (mac, False)
    assert arp.parse(reply(mac, target=ADDRESS, operation=1), ADDRESS) == (mac, True)
    assert arp.parse(reply(mac, target=bytes(4), operation=1), ADDRESS) is None
    assert arp.parse(reply(mac, target=bytes(4)), bytes(4)) is None
    assert arp.parse(b"short", ADDRESS) is None


def test_books_are_read_up_to_the_line_that_a_crash_cut_off(tmp_path: Path) -> None:
    book = tmp_path / "witness.log"
    book.write_text("100 boot-1 R starting\n150 boot-1 R started\n170 boot-1 R sto")
    assert [mark.event for mark in read_marks(book, "worker1")] == ["starting", "started"]
    assert read_marks(tmp_path / "none", "worker1") == []


def test_owners_are_named_by_their_nodes(tmp_path: Path) -> None:
    spec = LabSpec(name="lab", nodes=2)
    mac = hardware_address("worker2", PUBLIC)
    book = tmp_path / "address.log"
    lines = [{"at_ms": 5, "owners": [mac]}, {"at_ms": 6, "announced": mac}]
    book.write_text("".join(json.dumps(line) + "\n" for line in lines))
    owners, announced = read_owners(book, spec)
    assert [(seen.at_ms, seen.nodes) for seen in owners] == [(5, ("worker2",))]
    assert [(seen.at_ms, seen.nodes) for seen in announced] == [(6, ("worker2",))]
