"""On which nodes a resource has a score at all, as `-s` shows it; compared with crm_simulate."""

from situations import NOW_MS, document

from paceline.cib.read import snapshot_of_file
from paceline.model.scores import MINUS_INFINITY
from paceline.scheduler.run import run


def rows(case: str) -> dict[str, dict[str, int]]:
    """Return the scores of every resource of a case, by node."""
    found: dict[str, dict[str, int]] = {}
    for (rsc, node), scores in run(snapshot_of_file(document(case), NOW_MS)).score_log.items():
        found.setdefault(rsc, {})[node] = scores[-1]
    return found


def test_listed_guest_node_is_banned_for_what_was_read_before_its_bundle() -> None:
    """`b-0` is listed, `b-1` is not: that is known once its replica was read."""
    found = rows("score-rows")
    for rsc in ("early", "F", "c:0", "c:1", "b-podman-0"):
        assert found[rsc]["b-0"] == MINUS_INFINITY, rsc
        assert "b-1" not in found[rsc]
    for rsc in ("late", "d:0", "e:0", "b-0", "b-1", "b-podman-1"):
        assert not {"b-0", "b-1"} & set(found[rsc]), rsc


def test_clone_counts_the_nodes_that_are_known_when_it_is_read() -> None:
    """Four nodes are listed; behind the bundle there is one more."""
    instances = [name.partition(":")[0] for name in rows("score-rows")]
    assert [instances.count(name) for name in ("c", "d", "e")] == [4, 5, 5]


def test_stopped_resource_is_banned_from_every_node() -> None:
    """Also from the guest node that it had no score for."""
    assert rows("score-rows")["idle"] == dict.fromkeys(
        ("n1", "n2", "old", "b-0", "b-1"), MINUS_INFINITY
    )


def test_remote_node_that_is_but_listed_is_banned_for_connections_alone() -> None:
    """A fence device has its ordinary score there, though nothing can run on it."""
    found = rows("score-rows")
    assert found["b-0"]["old"] == MINUS_INFINITY
    assert found["F"]["old"] == 0


def test_removed_remote_node_has_no_scores() -> None:
    """What only the history knows is no candidate for anything."""
    found = rows("removed-remote-node-is-emptied")
    assert found
    assert all(set(nodes) <= {"a1", "a2"} for nodes in found.values())


def test_bundle_goes_with_a_bundle_one_to_one() -> None:
    """The containers of `b` share the two nodes that `a` has, and the third finds no partner."""
    found = rows("bundle-goes-with-bundle")
    allowed = [
        [node for node, score in found[f"b-podman-{n}"].items() if score > MINUS_INFINITY]
        for n in range(3)
    ]
    assert allowed == [["n1"], ["n2"], []]
    nodes = ("n1", "n2", "n3", "a-0", "a-1", "b-0", "b-1", "b-2", "s-0", "t-0")
    assert found["t-podman-0"] == dict.fromkeys(nodes, MINUS_INFINITY)
