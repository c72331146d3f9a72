"""The made-up Corosync keeps Corosync's promises, and breaks what Corosync breaks."""

from dataclasses import dataclass, field

import pytest

from paceline.model.identifiers import NodeId
from paceline.replica.events import (
    Delivered,
    Departure,
    EngineEvent,
    GroupChanged,
    MemberAddress,
    QuorumChanged,
    RingChanged,
)
from paceline.sim.chance import Chance
from paceline.sim.clock import MS, Clock
from paceline.sim.engine import SimulatedEngine


@dataclass
class Listener:
    """Keeps what a daemon would be told."""

    events: list[EngineEvent] = field(default_factory=list)

    def __call__(self, socket: str, event: EngineEvent) -> None:
        self.events.append(event)

    def ordered(self) -> list[EngineEvent]:
        return [event for event in self.events if isinstance(event, Delivered | GroupChanged)]

    def since_first_message(self) -> list[EngineEvent]:
        ordered = self.ordered()
        first = next(n for n, event in enumerate(ordered) if isinstance(event, Delivered))
        return ordered[first:]

    def payloads(self) -> list[bytes]:
        return [event.payload for event in self.events if isinstance(event, Delivered)]

    def group(self) -> tuple[MemberAddress, ...]:
        changes = [event for event in self.events if isinstance(event, GroupChanged)]
        return changes[-1].members if changes else ()

    def is_quorate(self) -> bool:
        changes = [event for event in self.events if isinstance(event, QuorumChanged)]
        return bool(changes) and changes[-1].is_quorate

    def rings(self) -> list[RingChanged]:
        return [event for event in self.events if isinstance(event, RingChanged)]


class Cluster:
    """A few nodes with a listener each, all together from the start."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self.clock = Clock()
        self.chance = Chance(seed, "test")
        self.ids = tuple(NodeId(n) for n in range(1, count + 1))
        self.engine = SimulatedEngine(self.ids, self.clock, Chance(seed, "network"))
        self.listeners = {node_id: Listener() for node_id in self.ids}
        for node_id in self.ids:
            self.engine.start(node_id)
        self.run_ms(5_000)
        for node_id in self.ids:
            self.engine.connect(node_id, 100, self.listeners[node_id])
        self.run_ms(5_000)

    def run_ms(self, ms: int) -> None:
        self.clock.run_until_us(self.clock.now_us + ms * MS)

    def part(self, *ids: int) -> frozenset[NodeId]:
        return frozenset(NodeId(n) for n in ids)


def test_all_receive_one_order_when_all_send() -> None:
    cluster = Cluster(3)
    for n in range(60):
        cluster.engine.send(cluster.ids[n % 3], f"m{n}".encode())
        cluster.run_ms(cluster.chance.between(0, 2))
    cluster.run_ms(1_000)
    first = cluster.listeners[cluster.ids[0]]
    assert len(first.payloads()) == 60
    assert all(cluster.listeners[n].payloads() == first.payloads() for n in cluster.ids)
    assert all(len(cluster.listeners[n].group()) == 3 for n in cluster.ids)


def test_both_halves_are_quorate_with_one_sequence_when_two_nodes_are_cut() -> None:
    cluster = Cluster(2)
    cluster.engine.cut([cluster.part(1), cluster.part(2)])
    cluster.run_ms(2_000)
    assert len(cluster.listeners[cluster.ids[0]].group()) == 2
    cluster.run_ms(4_000)
    one, two = (cluster.listeners[n] for n in cluster.ids)
    assert len(one.group()) == len(two.group()) == 1
    assert one.is_quorate() and two.is_quorate()
    assert one.rings()[-1].ring_id.sequence == two.rings()[-1].ring_id.sequence
    assert one.rings()[-1].ring_id != two.rings()[-1].ring_id


def test_two_nodes_wait_for_all_when_one_starts_alone() -> None:
    cluster = Cluster(2)
    for node_id in cluster.ids:
        cluster.engine.kill(node_id, is_power_loss=True)
    alone = Listener()
    cluster.engine.start(cluster.ids[0])
    cluster.run_ms(3_000)
    cluster.engine.connect(cluster.ids[0], 200, alone)
    cluster.run_ms(5_000)
    assert len(alone.group()) == 1
    assert not alone.is_quorate()


@pytest.mark.parametrize("seed", range(30))
def test_those_who_stay_together_receive_the_same_when_the_ring_is_cut(seed: int) -> None:
    cluster = Cluster(3, seed)
    for n in range(200):
        cluster.engine.send(cluster.ids[n % 3], f"m{n}".encode())
        if n == 100:
            cluster.engine.cut([cluster.part(1, 2), cluster.part(3)])
        cluster.clock.run_until_us(cluster.clock.now_us + cluster.chance.between(0, 800))
    cluster.run_ms(6_000)
    one, two, three = (cluster.listeners[n] for n in cluster.ids)
    assert one.since_first_message() == two.since_first_message()
    prefix = [event for event in three.ordered() if isinstance(event, Delivered)]
    assert one.payloads()[:40] == [event.payload for event in prefix][:40]
    cluster.engine.heal()
    cluster.run_ms(6_000)
    assert all(len(cluster.listeners[n].group()) == 3 for n in cluster.ids)


def test_some_messages_reach_one_side_only_when_the_ring_is_cut_under_load() -> None:
    one_sided = 0
    for seed in range(20):
        cluster = Cluster(2, seed)
        for n in range(300):
            cluster.engine.send(cluster.ids[n % 2], b"x")
            if n == 150:
                cluster.engine.cut([cluster.part(1), cluster.part(2)])
            cluster.clock.run_until_us(cluster.clock.now_us + cluster.chance.between(0, 500))
        cluster.run_ms(5_000)
        one_sided += cluster.engine.one_sided > 0
    assert 5 <= one_sided <= 20


def test_departures_are_told_apart_when_daemons_and_nodes_go() -> None:
    cluster = Cluster(3)
    watcher = cluster.listeners[cluster.ids[0]]
    cluster.engine.disconnect(cluster.ids[1], Departure.PROCESS_DOWN)
    cluster.run_ms(100)
    cluster.engine.disconnect(cluster.ids[2], Departure.LEFT)
    cluster.run_ms(100)
    whys = [
        why for event in watcher.events if isinstance(event, GroupChanged) for _, why in event.left
    ]
    assert whys == [Departure.PROCESS_DOWN, Departure.LEFT]
    other = Listener()
    cluster.engine.connect(cluster.ids[1], 101, other)
    cluster.run_ms(100)
    cluster.engine.kill(cluster.ids[1])
    cluster.run_ms(5_000)
    last = [event for event in watcher.events if isinstance(event, GroupChanged)][-1]
    assert last.left == ((MemberAddress(NodeId(2), 101), Departure.NODE_DOWN),)


def test_ring_changes_without_the_group_when_it_is_formed_again() -> None:
    cluster = Cluster(3)
    before = {n: len(cluster.listeners[n].ordered()) for n in cluster.ids}
    rings = len(cluster.listeners[cluster.ids[0]].rings())
    cluster.engine.reform(cluster.ids[0])
    cluster.run_ms(2_000)
    assert len(cluster.listeners[cluster.ids[0]].rings()) == rings + 1
    assert {n: len(cluster.listeners[n].ordered()) for n in cluster.ids} == before


def test_no_ghost_stays_in_the_group_when_a_daemon_dies_before_its_first_ring() -> None:
    cluster = Cluster(2)
    cluster.engine.kill(cluster.ids[1], is_power_loss=True)
    cluster.run_ms(4_000)
    cluster.engine.start(cluster.ids[1])
    cluster.engine.connect(cluster.ids[1], 200, Listener())
    cluster.engine.disconnect(cluster.ids[1], Departure.PROCESS_DOWN)
    last = Listener()
    cluster.engine.connect(cluster.ids[1], 201, last)
    cluster.run_ms(5_000)
    addresses = (MemberAddress(NodeId(1), 100), MemberAddress(NodeId(2), 201))
    assert last.group() == cluster.listeners[cluster.ids[0]].group() == addresses
