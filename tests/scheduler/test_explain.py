"""An explanation holds what was weighed, and becomes sentences with the short answer first."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from paceline.cib.read import snapshot_of_file
from paceline.commands.cause_text import CODES
from paceline.commands.why import node_text, why_text
from paceline.model.snapshot import Snapshot
from paceline.scheduler.current import read_current
from paceline.scheduler.explain import explain, explain_all, explain_nodes

CASES = Path(__file__).parent / "cases"

STORIES = (
    # It stays, or goes elsewhere.
    ("keep-what-runs", "web", "web is started on a1, and that is where it belongs."),
    ("node-standby", "web", "It leaves a1, which is in standby."),
    ("node-shuts-down", "web", "It leaves a1, which is shutting down."),
    ("on-fail-standby", "web", "was put in standby after a failure (on-fail=standby)."),
    ("lost-node-is-fenced", "web", "It leaves a2, which is unclean (not confirmed off)."),
    ("lost-node-is-fenced", "web", "It starts only when a2 is confirmed off."),
    ("remote-connection-closes", "A", "its connection is, or will be, closed."),
    ("location-ban", "web", "It leaves a1, where it is banned: location constraint l."),
    ("health-migrate-on-red", "web", "where it is banned: node health (migrate-on-red)."),
    ("location-infinity-moves", "web", "a2 is better for it: score INFINITY, on a1 60."),
    ("guest-moves-with-container", "B", "g1 is as good as n2 and has fewer resources;"),
    ("live-migration", "vm", "It migrates live from a1 to a2, without a stop."),
    ("migration-with-order", "vm", "It is not migrated live: that needs"),
    ("migration-arrived-unrecorded", "p", "Its last migration was not completed"),
    ("migration-dangles", "vm", "A migration away from a1 arrived and was not finished there."),
    # Nodes that are not possible.
    ("asymmetric-cluster", "web", "Not a1: no constraint allows it there"),
    ("pending-node", "web", "Not a2: it has not joined completely yet."),
    ("maintenance-of-a-node", "r2", "Not a1: it is in maintenance."),
    ("lost-node-without-fencing", "web", "Not a2: it is offline."),
    ("capacity-refuses", "web", "On a1 it needs cpu=4; left there is cpu=2."),
    ("utilization", "web", "No node may run it; the reasons follow node by node."),
    ("not-critical-member", "m2", "It is not critical (critical=false)"),
    # It is left alone.
    ("on-fail-block", "web", "It is blocked: its monitor (every 10 s) failed on a1 with exit"),
    ("active-twice-block", "web", "It runs on a1, a2, and multiple-active=block"),
    ("group-member-blocked", "m2", "because another member of group g is blocked."),
    ("unmanaged", "web", "It is unmanaged: the cluster leaves it as it is (is-managed=false of"),
    ("unmanaged-by-defaults", "web", "(is-managed=false of rsc_defaults)."),
    ("maintenance-mode", "web", "It is in maintenance (maintenance-mode=true), so it is left"),
    ("maintenance-of-a-node", "web", "It is in maintenance, as all on a1, so it is left alone."),
    ("maintenance-of-a-resource", "web", "(maintenance=true of web), so it is left alone."),
    ("no-fence-device", "web", "Fencing is enabled and there is no fence device"),
    ("ticket-freeze", "r", "It is frozen: its ticket is gone and loss-policy=freeze."),
    ("removed-resource-kept", "old", "stop-orphan-resources=false leaves it alone."),
    # It is stopped.
    ("target-role-stopped", "web", "It is disabled: its target-role is Stopped (set at web)."),
    ("stop-all-resources", "web", "The cluster option stop-all-resources keeps everything"),
    ("on-fail-stop", "web", "A failure stopped it for good (on-fail=stop) until it is cleaned up:"),
    ("active-twice-stop-only", "p", "and multiple-active=stop_only leaves it stopped."),
    ("removed-resource", "old", "It is no longer configured, so it is stopped and forgotten."),
    ("clone-max-shrinks", "r:1", "It is one instance of c too many: clone-max is 1."),
    ("no-quorum-stop", "web", "The cluster has no quorum (no-quorum-policy=stop)."),
    ("ticket-lost", "web", "Ticket site is not granted here, and it needs that to run (constraint"),
    ("ticket-standby", "web", "Ticket T is in standby, and it needs that to run (constraint t)."),
    ("shutdown-lock", "web", "It is locked to a1, which was shut down: it waits for that node"),
    ("bundle-host-dies", "b-podman-1", "The fencing of n2 ends it there."),
    # It is restarted, or told.
    ("monitor-failure-recovers", "web", "Its monitor (every 10 s) failed on a1 with exit status 7"),
    ("monitor-failure-recovers", "web", "(not running) (on-fail=restart)."),
    ("lost-promoted-demote-fails", "db", "It began when its monitor (every 10 s) failed once on"),
    ("lost-promoted-demote-fails", "db", "Its demote failed on a1 with exit status 1 (error)"),
    ("group-member-fails", "g3", "g2 is to be stopped (group g): it stops before that"),
    ("order-restart", "web", "vip is to be stopped (order o): it stops before that"),
    ("parameters-changed", "web", "Its parameters have changed on a1 since it was started"),
    ("agent-reloads", "web", "the agent is told, without a restart."),
    ("other-agent-under-the-name", "web", "Another agent ran under this name on a1"),
    ("active-twice", "web", "It is active on several nodes (a1, a2): multiple-active=stop_start."),
    ("guest-container-fails", "A", "Its guest node g1 ends with the container V."),
    ("guest-connection-fails", "V", "It restarts because the monitor (every 30 s) of g1 failed on"),
    ("guest-fenced-by-its-container", "V", "Its guest node g1 must be fenced, by restarting it"),
    ("unfencing", "web", "a2 is let in by its fence device (unfencing) before it starts."),
    # What failed counts.
    ("migration-threshold", "web", "Its fail count on a1 is 3 of 3, so it may not run there"),
    ("fail-count-below-threshold", "web", "Its fail count on a1 is 2 of 3."),
    ("failure-timeout-pending", "web", "that is forgotten at "),
    ("failure-expired", "web", "and that counts no more (failure-timeout)."),
    ("on-fail-ignore", "web", "(not running) (ignored)."),
    # Nothing can be done now.
    ("no-quorum-freeze", "new", "It cannot start on a2 now: there is no quorum."),
    ("order-first-cannot-start", "web", "vip would have to start first (order o), and cannot: it"),
    ("group-member-twice", "m2", "m1 would have to start first (group g), and cannot: it is"),
    ("colocated-with-what-cannot-start", "web", "it must be with vip (colocation c), which cannot"),
    ("interleave-no-partner", "y", "what it must start after has no instance there (interleave)."),
    ("pending-node", "web", "it is not known whether it runs on a node that cannot be asked."),
    ("guest-host-cannot-be-fenced", "A", "It cannot stop on g1 now: the node is unclean."),
    # Who is promoted.
    ("promotable-clone", "db:1", "It is promoted on a2 with promotion score 10 (others: 5 on a1)."),
    ("anti-colocation-with-promoted", "st:0", "on a1 is 10; promoted is the one with 20 on a2."),
    ("promotable-role-unpromoted", "db", "It is not promoted: its target-role is Unpromoted (set"),
    ("clone-follows-several-promoted", "st:2", "It is not promoted: its promotion score on a3 is"),
    # Nodes.
    ("lost-node-is-fenced", "@a2", "a2 is to be fenced (reboot). It is unclean: peer is no longer"),
    ("on-fail-fence", "@a1", "It is unclean: the monitor (every 10 s) of web failed on a1"),
    ("stop-failed-with-fencing", "@a1", "It is unclean: the stop of web failed on a1"),
    ("startup-fencing", "@a2", "It is unclean: node has not been seen by the cluster."),
    ("ticket-fence", "@a1", "It is unclean: deadman ticket T was lost."),
    ("fencing-delay-for-the-heavier-node", "@a2", "(priority-fencing-delay): the node is the"),
    ("guest-host-dies", "@g1", "A guest is fenced by stopping its container V."),
    ("guest-host-cannot-be-fenced", "@g1", "It cannot be fenced: the host of its container is"),
    ("guest-host-cannot-be-fenced", "@n1", "n1 should be fenced, and is not."),
    ("daemon-gone-without-fencing", "@a2", "It cannot be fenced: fencing is off"),
    ("unfencing", "@a1", "a1 is to be let in by its fence device (unfencing)."),
    ("fencing-nothing-managed", "@a2", "It is not fenced: no resource is managed."),
    ("node-shuts-down", "@a1", "a1 is to be shut down, once all on it has stopped."),
)  # fmt: skip
"""Case, resource (or @node), and what is said of it."""


def _snapshot(case: str) -> Snapshot:
    return snapshot_of_file((CASES / case / "cib.xml").read_bytes(), 1_798_761_600_000)


def _lines(case: str, name: str) -> list[str]:
    snapshot = _snapshot(case)
    if name.startswith("@"):
        return [node_text(each) for each in explain_nodes(snapshot) if f"@{each.node}" == name]
    explanation = next((e for e in explain_all(snapshot) if e.resource == name), None)
    explanation = explanation or explain(snapshot, name)
    assert explanation is not None
    return why_text(explanation, name)


@pytest.mark.parametrize(("case", "name", "sentence"), STORIES)
def test_reason_is_told_when_asked_why(case: str, name: str, sentence: str) -> None:
    """The sentence stands in the answer, in one line."""
    lines = _lines(case, name)
    assert any(sentence in line for line in lines), "\n".join(lines)


def _codes() -> Iterator[str]:
    for folder in CASES.iterdir():
        if folder.is_dir():
            snapshot = _snapshot(folder.name)
            for node in explain_nodes(snapshot):
                yield from (cause.code for cause in node.causes)
            for resource in explain_all(snapshot):
                assert why_text(resource, resource.resource)
                yield from (cause.code for cause in resource.causes)


def test_every_cause_has_a_sentence_and_a_case() -> None:
    """No code without words, and no words that no case shows."""
    assert set(_codes()) == CODES


@pytest.mark.parametrize(
    ("case", "answer", "detail"),
    [
        ("keep-what-runs", "that is where it belongs", "was chosen"),
        ("location-ban", "is to move to a2", "location constraint l"),
        ("migration-threshold", "is to move to a2", "failed there too often"),
        ("no-quorum-stop", "is to be stopped", "no quorum"),
        ("target-role-stopped", "is to be stopped", "target-role is Stopped"),
        ("no-fence-device", "leaves it so", "there is no fence device"),
        ("on-fail-block", "leaves it so", "It is blocked"),
        ("order-first-cannot-start", "is to be stopped", "vip would have to start first"),
        ("lost-node-is-fenced", "is to move to a1", "it is unclean"),
    ],
)
def test_short_answer_comes_first_when_asked_why(case: str, answer: str, detail: str) -> None:
    """The first line answers; the cause is in the lines below."""
    lines = _lines(case, "web")
    assert answer in lines[0]
    assert any(detail in line for line in lines[1:])


def test_nothing_is_explained_when_resource_is_unknown() -> None:
    """An unknown name gives None; the command says so."""
    assert explain(_snapshot("keep-what-runs"), "nobody") is None


def test_failure_is_shown_when_history_has_one() -> None:
    """The current state, the failed operations and the counts tell of the same failure."""
    snapshot = _snapshot("migration-threshold")
    now = read_current(snapshot)
    (state,) = now.resources
    assert (state.role, state.is_failed, state.active[0].node) == ("Started", True, "a1")
    (failed,) = now.failures
    assert (failed.resource, failed.task, failed.rc) == ("web", "monitor", 7)
    (count,) = now.fail_counts
    assert (count.resource, count.node, count.count, count.threshold) == ("web", "a1", 3, 3)
