"""The engine on a real Corosync: one and two nodes."""

import hashlib
from collections.abc import Iterator

import pytest
from corosync_nodes import Nodes, can_run, make_nodes, member_count
from node_program import big

pytestmark = [
    pytest.mark.real_corosync,
    pytest.mark.skipif(not can_run(), reason="needs root, corosync and bubblewrap"),
]
LARGE = 5_000_000


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Return two nodes in one group."""
    nodes = make_nodes(tmp_path_factory.mktemp("nodes"), 2)
    yield nodes
    nodes.close()


def test_nodes_quorum_and_ring_are_told_at_the_start(pair: Nodes) -> None:
    for node in pair.nodes:
        assert (
            "NodesConfigured(cluster_name='test', nodes=((1, 'node1'), (2, 'node2')))"
            in (node.texts("NodesConfigured")[0])
        )
        pair.wait(lambda node=node: "node_ids=(1, 2)" in "".join(node.texts("RingChanged")[-1:]))
        pair.wait(lambda node=node: "is_quorate=True" in "".join(node.texts("QuorumChanged")[-1:]))
        quorum = node.texts("QuorumChanged")[-1]
        assert "votes=((1, 1), (2, 1))" in quorum
        assert "is_two_node=True" in quorum


def test_both_see_one_order_when_both_send(pair: Nodes) -> None:
    count = 3000
    starts = [len(node.entries()) for node in pair.nodes]
    for node in pair.nodes:
        node.say(f"burst {count} x")
    pair.wait(
        lambda: all(
            len(node.entries()) - start == 2 * count
            for node, start in zip(pair.nodes, starts, strict=True)
        )
    )
    first, second = (node.entries()[start:] for node, start in zip(pair.nodes, starts, strict=True))
    assert first == second
    for number in (1, 2):
        own = [entry for entry in first if entry.startswith(f"{number}:")]
        assert own == [f"{number}:x{i}" for i in range(count)]


def test_large_entry_arrives_whole_and_in_its_place(pair: Nodes) -> None:
    first, second = pair.nodes
    starts = [len(node.entries()) for node in pair.nodes]
    first.say("send before")
    first.say(f"big {LARGE} 7")
    first.say("send after")
    second.say("burst 100 y")
    pair.wait(
        lambda: all(
            len(node.entries()) - start == 103
            for node, start in zip(pair.nodes, starts, strict=True)
        )
    )
    digest = hashlib.sha256(big(LARGE, 7)).hexdigest()[:16]
    for node, start in zip(pair.nodes, starts, strict=True):
        own = [entry for entry in node.entries()[start:] if entry.startswith("1:")]
        assert own == ["1:before", f"1:{LARGE} {digest}", "1:after"]


def test_killed_daemon_is_process_down(pair: Nodes) -> None:
    first, second = pair.nodes
    second.kill_program()
    pair.wait(lambda: member_count(first) == 1)
    assert "process-down" in first.texts("GroupChanged")[-1]
    second.start_program()
    pair.wait(lambda: member_count(first) == 2 and member_count(second) == 2)


def test_left_daemon_is_told_as_left(pair: Nodes) -> None:
    first, second = pair.nodes
    second.say("close")
    pair.wait(lambda: member_count(first) == 1)
    assert "Departure.LEFT" in first.texts("GroupChanged")[-1]
    assert second.program is not None
    second.program.wait()
    second.start_program()
    pair.wait(lambda: member_count(first) == 2 and member_count(second) == 2)


def test_entry_counts_for_all_or_none_when_someone_joins_in_its_midst(pair: Nodes) -> None:
    first, second = pair.nodes
    second.kill_program()
    pair.wait(lambda: member_count(first) == 1)
    second.start_program()
    start = len(first.entries())
    for seed in range(20):
        first.say(f"big {LARGE} {seed}")
    first.say("send end")
    pair.wait(lambda: "1:end" in first.entries()[start:] and "1:end" in second.entries())
    after_join = _entries_since_members(first, 2)
    assert after_join == second.entries()
    assert len(first.entries()) - start == 21


def _entries_since_members(node: object, count: int) -> list[str]:
    """Return what was delivered since the group last came to have so many members."""
    found: list[str] = []
    for event in node.events:  # type: ignore[attr-defined]  # a Node
        if event["event"] == "GroupChanged":
            if event["text"].partition(", joined=")[0].count("MemberAddress(") == count:
                found = []
        elif event["event"] == "Delivered":
            found.append(f"{event['from']}:{event['entry']}")
    return found


def test_engine_comes_back_when_corosync_was_killed(pair: Nodes) -> None:
    first, second = pair.nodes
    second.kill_corosync()
    pair.wait(lambda: bool(second.texts("EngineLost")) and member_count(first) == 1)
    assert "node-down" in first.texts("GroupChanged")[-1]
    second.start_corosync()
    pair.wait(lambda: len(second.texts("EngineConnected")) == 2)
    pair.wait(lambda: member_count(first) == 2 and member_count(second) == 2)
    second.say("send back again")
    pair.wait(lambda: "2:back again" in first.entries())


def test_changed_node_list_is_told_after_a_reload(pair: Nodes) -> None:
    for node in pair.nodes:
        path = node.folder / "etc" / "corosync.conf"
        third = (
            "nodelist {\n    node {\n        ring0_addr: 10.9.9.3\n"
            "        name: node3\n        nodeid: 3\n    }\n"
        )
        path.write_text(path.read_text().replace("nodelist {\n", third))
    pair.nodes[0].run("corosync-cfgtool", "-R")
    wanted = "nodes=((1, 'node1'), (2, 'node2'), (3, 'node3'))"
    pair.wait(lambda: all(wanted in node.texts("NodesConfigured")[-1] for node in pair.nodes))
