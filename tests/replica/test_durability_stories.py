"""Nothing acknowledged is lost: epochs, bases, merges, restarts, damaged disks."""

import msgspec
from replica_bus import Bus, Scheduler, no_plan
from replica_plans import OneResource
from replica_stories import configure, options, started

from paceline.model.identifiers import NodeName, RequestId
from paceline.replica.clients import DISKS_WAIT_MS
from paceline.replica.events import Departure, JournalWritten
from paceline.replica.identity import CibCopy
from paceline.replica.journal import RETRY_MS
from paceline.replica.requests import Configure, ConfirmOff, Outcome, Shutdown


def three_nodes(scheduler: Scheduler = no_plan) -> Bus:
    bus = Bus("worker1", "worker2", "worker3", scheduler=scheduler)
    return started(bus, "worker1", "worker2", "worker3")


def ask(bus: Bus, name: str, value: str, *, forced: bool = False) -> RequestId:
    return bus.ask(
        name,
        configure(
            bus, name, properties=options(stonith_enabled="false", word=value), forced=forced
        ),
    )


def test_majority_takes_over_the_change_when_a_member_missed_it() -> None:
    bus = three_nodes()
    bus.regroup(["worker1"], ["worker2", "worker3"])
    bus.settle()
    asked = ask(bus, "worker2", "majority")
    refused = ask(bus, "worker1", "minority")
    bus.settle()
    assert bus["worker2"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    assert bus["worker1"].replies[refused].code == "no-quorum"
    bus.regroup(["worker1", "worker2", "worker3"])
    bus.settle()
    assert b"majority" in bus.replica("worker1").configuration
    assert len({bus.replica(name)._state.digest() for name in bus.nodes}) == 1


def test_change_without_quorum_is_marked_and_loses_to_the_quorate_side() -> None:
    bus = three_nodes()
    bus.regroup(["worker1"], ["worker2", "worker3"])
    bus.settle()
    asked = ask(bus, "worker1", "emergency", forced=True)
    bus.settle()
    assert bus["worker1"].replies[asked].outcome is Outcome.NOT_YET_SAFE
    assert b"emergency" in bus.replica("worker1").configuration
    bus.regroup(["worker1", "worker2", "worker3"])
    bus.settle()
    assert b"emergency" not in bus.replica("worker1").configuration
    assert "copy-superseded" in bus["worker1"].codes()


def test_change_is_not_yet_safe_when_the_other_of_two_is_lost() -> None:
    bus = Bus("worker1", "worker2", is_two_node=True)
    started(bus, "worker1", "worker2")
    bus.crash("worker2")
    bus.settle()
    asked = ask(bus, "worker1", "alone")
    bus.settle()
    answer = bus["worker1"].replies[asked]
    assert answer.outcome is Outcome.NOT_YET_SAFE
    assert "worker2" in answer.detail


def test_both_halves_of_two_nodes_change_and_the_loser_is_kept_when_they_merge() -> None:
    bus = Bus("worker1", "worker2", is_two_node=True)
    started(bus, "worker1", "worker2")
    bus.regroup(["worker1"], ["worker2"])
    bus.settle()
    one, two = ask(bus, "worker1", "left"), ask(bus, "worker2", "right")
    bus.settle()
    outcomes = {bus["worker1"].replies[one].outcome, bus["worker2"].replies[two].outcome}
    assert outcomes == {Outcome.NOT_YET_SAFE}
    bus.regroup(["worker1", "worker2"])
    bus.settle()
    first, second = bus.replica("worker1"), bus.replica("worker2")
    assert first.configuration == second.configuration
    codes = bus["worker1"].codes() + bus["worker2"].codes()
    assert codes.count("copy-superseded") == 1
    loser = bus["worker2"] if bus["worker2"].kept else bus["worker1"]
    (kept,) = loser.kept
    assert kept.configuration not in (first.configuration, second.configuration)
    assert b"left" in kept.configuration or b"right" in kept.configuration
    shown = bus.replica(loser.name).internals()["superseded-copies"]
    assert kept.version in shown and "went on from here" in shown


def test_acknowledged_change_survives_when_all_nodes_lose_power() -> None:
    bus = three_nodes()
    bus.crash("worker3")
    bus.settle()
    asked = ask(bus, "worker1", "kept")
    bus.settle()
    assert bus["worker1"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    bus.crash("worker1", "worker2")
    bus.settle()
    bus.rings = 0
    bus.start("worker2", "worker3")
    bus.settle()
    assert b"kept" in bus.replica("worker3").configuration
    assert bus.replica("worker3").status().is_quorate


def test_newer_copy_wins_when_its_unconfirmed_end_is_torn_and_it_is_said() -> None:
    bus = three_nodes()
    bus.crash("worker3")
    bus.settle()
    asked = ask(bus, "worker1", "newer")
    bus.settle()
    assert bus["worker1"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    bus.crash("worker1", "worker2")
    bus.settle()
    bus["worker2"].is_damaged = True
    bus.start("worker2", "worker3")
    bus.settle()
    assert b"newer" in bus.replica("worker3").configuration
    assert "copy-damaged" in bus["worker3"].codes()


def test_older_copy_wins_when_nothing_of_the_newer_one_can_be_read() -> None:
    bus = three_nodes()
    bus.crash("worker3")
    bus.settle()
    ask(bus, "worker1", "newer")
    bus.settle()
    bus.crash("worker1", "worker2")
    bus.settle()
    bus["worker2"].checkpoint, bus["worker2"].records = None, ()
    bus["worker2"].is_damaged = True
    bus.start("worker2", "worker3")
    bus.settle()
    assert b"newer" not in bus.replica("worker3").configuration
    assert b"stonith-enabled" in bus.replica("worker2").configuration
    assert "copy-damaged" in bus["worker3"].codes()


def lose_journals(bus: Bus) -> None:
    """Every node loses its power and its journal; cib.xml is what was written there last."""
    bus.crash(*bus.nodes)
    bus.settle()
    for node in bus.nodes.values():
        node.checkpoint, node.records, node.is_damaged = None, (), True
        newest = node.cibs[-1]
        node.cib = CibCopy(configuration=newest.configuration, version=newest.version)


def test_newest_cib_is_taken_and_it_is_said_when_all_journals_are_lost() -> None:
    bus = three_nodes()
    bus.regroup(["worker1"], ["worker2", "worker3"])
    bus.settle()
    ask(bus, "worker2", "newest")
    bus.settle()
    assert b"newest" not in bus["worker1"].cibs[-1].configuration
    lose_journals(bus)
    bus.start("worker1", "worker2", "worker3")
    bus.settle()
    assert all(b"newest" in bus.replica(name).configuration for name in bus.nodes)
    assert all("cib-taken" in node.codes() for node in bus.nodes.values())
    asked = ask(bus, "worker1", "later")
    bus.settle()
    assert bus["worker1"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    for node in bus.nodes.values():
        node.is_damaged, node.cib = False, None
    bus.crash(*bus.nodes)
    bus.start("worker1", "worker2")
    bus.settle()
    assert b"later" in bus.replica("worker2").configuration, "the journals are whole again"


def test_cib_of_a_lost_journal_yields_to_a_journal_that_is_there() -> None:
    bus = three_nodes()
    bus.crash("worker3")
    bus.settle()
    ask(bus, "worker1", "newer")
    bus.settle()
    lose = bus["worker3"]
    lose.checkpoint, lose.records, lose.is_damaged = None, (), True
    lose.cib = CibCopy(configuration=lose.cibs[-1].configuration, version=lose.cibs[-1].version)
    bus.start("worker3")
    bus.settle()
    assert all(b"newer" in bus.replica(name).configuration for name in bus.nodes)


def test_file_without_a_version_of_ours_is_not_taken_for_a_journal() -> None:
    bus = three_nodes()
    lose_journals(bus)
    for node in bus.nodes.values():
        node.cib = CibCopy(configuration=b"<cib/>", version="0.0")
    bus.start("worker1", "worker2", "worker3")
    bus.settle()
    assert all("cib-taken" not in node.codes() for node in bus.nodes.values())


def test_request_asked_again_gets_the_same_answer() -> None:
    bus = three_nodes()
    asked = ask(bus, "worker1", "once")
    bus.settle()
    version = bus.replica("worker1").version
    first = bus["worker1"].replies.pop(asked)
    change = Configure(
        based_on="nonsense", configuration=b"<cib/>", origin=configure(bus, "worker1").origin
    )
    bus.ask("worker1", change, request_id=asked)
    bus.ask("worker2", change, request_id=asked)
    bus.settle()
    assert bus["worker1"].replies[asked] == first
    assert bus["worker2"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    assert bus.replica("worker1").version == version


def test_change_waits_for_the_majority_of_disks_even_over_a_new_view() -> None:
    bus = three_nodes()
    for name in ("worker2", "worker3"):
        bus[name].is_disk_slow = True
    asked = ask(bus, "worker1", "slow")
    bus.settle()
    assert asked not in bus["worker1"].replies
    bus.crash("worker3")
    bus.settle()
    assert asked not in bus["worker1"].replies
    bus.feed("worker2", JournalWritten(sequence=bus["worker2"].written[-1]))  # The promise.
    bus.settle()
    assert asked not in bus["worker1"].replies
    bus.feed("worker2", JournalWritten(sequence=bus["worker2"].written[-1]))
    bus.settle()
    assert bus["worker1"].replies[asked].outcome is Outcome.ACKNOWLEDGED


def two_nodes(scheduler: Scheduler = no_plan) -> Bus:
    bus = Bus("worker1", "worker2", is_two_node=True, scheduler=scheduler)
    return started(bus, "worker1", "worker2")


def test_change_is_accepted_and_named_not_yet_safe_when_a_disk_is_full() -> None:
    bus = two_nodes()
    bus["worker1"].is_disk_full = True
    asked = ask(bus, "worker1", "full")
    bus.settle()
    assert asked not in bus["worker1"].replies
    bus.tick(DISKS_WAIT_MS)
    answer = bus["worker1"].replies[asked]
    assert (answer.outcome, answer.detail) == (Outcome.NOT_YET_SAFE, "the disk of worker1")


def test_other_node_goes_on_with_changes_when_a_disk_is_full() -> None:
    bus = two_nodes()
    bus["worker1"].is_disk_full = True
    for value in ("one", "two"):
        asked = ask(bus, "worker2", value)
        bus.settle()
        bus.tick(DISKS_WAIT_MS)
        assert bus["worker2"].replies[asked].outcome is Outcome.NOT_YET_SAFE
        assert value.encode() in bus.replica("worker1").configuration


def test_change_is_acknowledged_when_asked_again_after_the_disk_has_room() -> None:
    bus = two_nodes()
    bus["worker1"].is_disk_full = True
    asked = ask(bus, "worker2", "kept")
    change = configure(bus, "worker2")
    bus.settle()
    bus.tick(DISKS_WAIT_MS)
    assert bus["worker2"].replies.pop(asked).outcome is Outcome.NOT_YET_SAFE
    bus["worker1"].is_disk_full = False
    bus.tick(2 * RETRY_MS)
    bus.ask("worker2", change, request_id=asked)
    bus.settle()
    assert bus["worker2"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    bus.crash("worker1", "worker2")
    bus.start("worker1")
    bus.settle()
    assert b"kept" in bus.replica("worker1").configuration


def test_full_disk_of_one_of_three_is_not_waited_for() -> None:
    bus = three_nodes()
    bus["worker1"].is_disk_full = True
    asked = ask(bus, "worker1", "majority")
    bus.settle()
    assert bus["worker1"].replies[asked].outcome is Outcome.ACKNOWLEDGED


def test_version_stays_when_only_the_view_changes() -> None:
    bus = three_nodes()
    version = bus.replica("worker1").version
    bus.crash("worker3")
    bus.settle()
    assert bus.replica("worker1").version == version


def test_entry_delivered_on_one_side_only_is_taken_back_when_the_other_side_is_the_base() -> None:
    bus = three_nodes()
    bus.dropped = lambda sender, receiver: sender == "worker1" and receiver != "worker1"
    asked = ask(bus, "worker1", "onesided")
    bus.settle()
    assert b"onesided" in bus.replica("worker1").configuration
    assert asked not in bus["worker1"].replies
    bus.dropped = lambda sender, receiver: False
    bus.regroup(["worker1"], ["worker2", "worker3"])
    bus.settle()
    bus.regroup(["worker1", "worker2", "worker3"])
    bus.settle()
    assert b"onesided" not in bus.replica("worker1").configuration
    outcome = bus["worker1"].replies[asked].outcome
    assert outcome in (Outcome.REFUSED, Outcome.NOT_YET_SAFE)


def test_side_that_fenced_the_other_wins_when_two_nodes_merge() -> None:
    bus = Bus("worker1", "worker2", is_two_node=True)
    started(bus, "worker1", "worker2")
    bus.regroup(["worker1"], ["worker2"])
    bus.settle()
    for value in ("one", "two", "three"):
        ask(bus, "worker2", value)
        bus.settle()
    bus.ask("worker1", ConfirmOff(target=NodeName("worker2"), user="root"))
    bus.settle()
    asked = ask(bus, "worker1", "winner")
    bus.settle()
    assert bus["worker1"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    bus.regroup(["worker1", "worker2"])
    bus.settle()
    assert b"winner" in bus.replica("worker2").configuration


def test_majority_wins_over_who_saw_a_node_leave_when_quorum_is_a_majority() -> None:
    bus = three_nodes(OneResource("web", fences=False))
    bus.regroup(["worker1", "worker2"], ["worker3"])
    bus.settle()
    bus.ask("worker2", Shutdown())
    bus.settle()
    assert bus["worker2"].left is not None and bus["worker2"].left.is_clean
    bus.crash("worker2", why=Departure.LEFT)
    bus.settle()
    bus.start("worker2")
    bus.regroup(["worker1"], ["worker2", "worker3"])
    bus.settle()
    asked = ask(bus, "worker2", "majority")
    bus.settle()
    assert bus["worker2"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    bus.regroup(["worker1", "worker2", "worker3"])
    bus.settle()
    assert b"majority" in bus.replica("worker1").configuration


def test_acknowledged_change_wins_over_epochs_that_one_member_counted_alone() -> None:
    bus = three_nodes()
    bus.dropped = lambda sender, receiver: sender == "worker1" and receiver != "worker1"
    for _ in range(3):
        bus.regroup(["worker1", "worker2", "worker3"])
        bus.settle()
    bus.dropped = lambda sender, receiver: False
    bus.regroup(["worker1"], ["worker2", "worker3"])
    bus.settle()
    asked = ask(bus, "worker2", "majority")
    bus.settle()
    assert bus["worker2"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    bus.regroup(["worker1", "worker2", "worker3"])
    bus.settle()
    assert b"majority" in bus.replica("worker1").configuration


def old_and_new() -> tuple[Bus, RequestId]:
    """worker2 crashed and was confirmed off; worker1 acknowledged a change alone; worker2 boots."""
    bus = two_nodes()
    bus.crash("worker2")
    bus.settle()
    bus.ask("worker1", ConfirmOff(target=NodeName("worker2"), user="root"))
    asked = ask(bus, "worker1", "newer")
    bus.settle()
    assert bus["worker1"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    return bus, asked


def boot_apart(bus: Bus, name: str) -> None:
    """Boot a node whose Corosync has met the others', and whose daemon has not."""
    bus.start(name)
    bus.regroup(*[[each] for group in bus.groups for each in group])
    bus.settle()


def test_freshly_booted_node_of_two_waits_for_the_copy_that_may_be_newer() -> None:
    bus, _ = old_and_new()
    boot_apart(bus, "worker2")
    assert not bus.replica("worker2").status().is_quorate
    assert bus.replica("worker2").status().awaited == ("worker1",)
    assert "copies-awaited" in bus["worker2"].codes()
    bus.regroup(["worker1", "worker2"])
    bus.settle()
    assert b"newer" in bus.replica("worker2").configuration
    assert bus.replica("worker2").status().is_quorate


def test_waiting_node_goes_on_when_a_person_vouches_for_the_other() -> None:
    bus, _ = old_and_new()
    boot_apart(bus, "worker2")
    bus.crash("worker1")
    asked = bus.ask("worker2", ConfirmOff(target=NodeName("worker1"), user="root"))
    bus.settle()
    assert bus["worker2"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    assert bus.replica("worker2").status().is_quorate
    again = ask(bus, "worker2", "older")
    bus.settle()
    assert bus["worker2"].replies[again].outcome is Outcome.ACKNOWLEDGED


def test_node_whose_disk_says_that_the_other_is_off_goes_on_alone_after_a_boot() -> None:
    bus, _ = old_and_new()
    bus.crash("worker1")
    bus.settle()
    bus.start("worker1")
    bus.settle()
    assert bus.replica("worker1").status().is_quorate


def test_daemon_that_starts_again_in_the_same_boot_goes_on_alone() -> None:
    bus = two_nodes()
    bus.regroup(["worker1"], ["worker2"])
    bus.settle()
    bus.crash("worker1", why=Departure.PROCESS_DOWN)
    boot_apart(bus, "worker1")
    assert bus.replica("worker1").status().is_quorate


def test_daemon_that_said_goodbye_waits_for_the_other_when_it_starts_again() -> None:
    bus = two_nodes(OneResource("web", fences=False))
    bus.ask("worker2", Shutdown())
    bus.settle()
    assert bus["worker2"].left is not None and bus["worker2"].left.is_clean
    bus.crash("worker2", why=Departure.PROCESS_DOWN)
    boot_apart(bus, "worker2")
    assert bus.replica("worker2").status().awaited == ("worker1",)


def test_copy_that_never_was_in_a_cluster_does_not_go_on_alone() -> None:
    bus = Bus("worker1", "worker2", is_two_node=True)
    bus.start("worker1")
    bus.settle()
    assert bus.replica("worker1").status().awaited == ("worker2",)


def test_view_that_no_disk_has_promised_counts_changes_as_not_safe() -> None:
    bus = three_nodes()
    for name in ("worker1", "worker2", "worker3"):
        bus[name].is_disk_slow = True
    bus.regroup(["worker1", "worker2"], ["worker3"])
    asked = ask(bus, "worker1", "early")
    bus.settle()
    assert "+1 forced" in bus.replica("worker2").internals()["epoch"]
    assert asked not in bus["worker1"].replies
    for _ in range(2):  # The promise, then the epoch with what was changed before it.
        for name in ("worker1", "worker2"):
            bus.feed(name, JournalWritten(sequence=bus[name].written[-1]))
        bus.settle()
    assert bus["worker1"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    assert "forced" not in bus.replica("worker2").internals()["epoch"]


def test_request_asked_again_is_not_refused_by_half_of_two_nodes_who_cannot_know_of_it() -> None:
    bus = two_nodes()
    bus.regroup(["worker1"], ["worker2"])
    bus.settle()
    change = configure(bus, "worker1", properties=options(word="apart"))
    ask(bus, "worker2", "other")
    bus.settle()
    again = msgspec.structs.replace(change, is_repeated=True)
    asked = bus.ask("worker2", again)
    bus.settle()
    assert bus["worker2"].replies[asked].outcome is Outcome.UNKNOWN
    fresh = bus.ask("worker2", change)
    bus.settle()
    assert bus["worker2"].replies[fresh].code == "version-moved"
