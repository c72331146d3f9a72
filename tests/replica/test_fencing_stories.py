"""Fence before recovering: stories on two and three nodes."""

from replica_bus import Bus
from replica_plans import keep_running
from replica_stories import started

from paceline.model.identifiers import NodeName
from paceline.model.operation import FenceOperation
from paceline.replica.events import Departure
from paceline.replica.requests import ConfirmOff, FenceNode, ForgetFencing, Outcome


def two_nodes(**more: object) -> Bus:
    bus = Bus(
        "worker1",
        "worker2",
        scheduler=keep_running("IP", fences=True),
        is_two_node=True,
        **more,  # type: ignore[arg-type]
    )
    return started(bus, "worker1", "worker2", fencing=True)


def test_resource_starts_elsewhere_only_after_the_lost_node_is_confirmed_off() -> None:
    bus = two_nodes(fence_agent=lambda operation: None)
    before = len(bus["worker2"].executed)
    bus.crash("worker1")
    bus.settle()
    bus.tick(5000)
    fences = bus["worker2"].fences
    assert [(each.task, each.target) for each in fences] == [("reboot", "worker1")]
    assert len(bus["worker2"].executed) == before
    assert bus.replica("worker2").status().nodes[0].is_unclean
    bus.finish_fence("worker2", fences[0], 0)
    bus.settle()
    assert bus["worker2"].tasks()[before:] == ["start IP", "monitor IP"]
    lost = bus.replica("worker2").status().nodes[0]
    assert lost.is_fenced and not lost.is_unclean and not lost.is_expected
    assert bus.replica("worker2").status().fencing[-1].state == "done"


def test_record_of_fencing_is_forgotten_everywhere_when_somebody_asks() -> None:
    bus = two_nodes()
    bus.ask("worker1", FenceNode(target=NodeName("worker2"), task="off", client="me"))
    bus.settle()
    assert [each.target for each in bus.replica("worker1").status().fencing] == ["worker2"]
    bus.ask("worker1", ForgetFencing(target=NodeName("worker1")))
    bus.settle()
    assert bus.replica("worker1").status().fencing
    bus.ask("worker1", ForgetFencing(target=NodeName("")))
    bus.settle()
    assert bus.replica("worker1").status().fencing == ()


def test_node_says_that_it_was_unfenced_until_it_is_switched_off() -> None:
    bus = two_nodes()
    unfenced = []
    for task in ("on", "off"):
        bus.ask("worker1", FenceNode(target=NodeName("worker2"), task=task, client="me"))
        bus.settle()
        node = bus.replica("worker1").status().nodes[1]
        unfenced.append(dict(node.attributes).get("#node-unfenced", "0") != "0")
    assert unfenced == [True, False]


def test_higher_of_two_nodes_waits_before_it_shoots_when_no_delay_is_configured() -> None:
    bus = two_nodes()
    bus.regroup(["worker1"], ["worker2"])
    bus.settle()
    assert [wait.delay_ms for wait in bus["worker1"].fence_waits] == []
    assert [wait.delay_ms for wait in bus["worker2"].fence_waits] == [1000]


def test_failed_fencing_is_tried_again_with_growing_delay_and_blocks_recovery() -> None:
    bus = two_nodes(fence_agent=lambda operation: 1)
    bus.is_scheduler_slow = True
    before = len(bus["worker2"].executed)
    bus.crash("worker1")
    bus.settle()
    waits = []
    for _ in range(3):
        bus.compute("worker2")
        bus.settle()
        waits = [wait.delay_ms for wait in bus["worker2"].fence_waits]
    assert waits == [1000, 2000, 3000]
    assert len(bus["worker2"].executed) == before
    assert bus.replica("worker2").status().fencing[-1].state == "failed"


def test_late_confirmation_does_not_clear_a_new_life_of_the_node() -> None:
    bus = two_nodes(fence_agent=lambda operation: None)
    bus.crash("worker1")
    bus.settle()
    bus.tick(2000)
    request = bus["worker2"].fences[-1]
    bus.start("worker1")
    bus.settle()
    node = bus.replica("worker2").status().nodes[0]
    assert node.is_online and node.is_unclean, "barred while a request is under way"
    bus.finish_fence("worker2", request, 0)
    bus.settle()
    node = bus.replica("worker2").status().nodes[0]
    assert node.is_online and not node.is_unclean and not node.is_fenced


def test_node_fenced_by_hand_is_answered_when_the_device_confirms() -> None:
    bus = two_nodes(fence_agent=lambda operation: None)
    asked = bus.ask(
        "worker1", FenceNode(target=NodeName("worker2"), task="off", client="stonith_admin")
    )
    bus.settle()
    bus.tick(2000)
    assert asked not in bus["worker1"].replies
    bus.finish_fence("worker1", bus["worker1"].fences[-1], 0)
    bus.settle()
    assert bus["worker1"].replies[asked].outcome is Outcome.ACKNOWLEDGED


def test_person_confirms_off_when_no_device_can() -> None:
    bus = two_nodes(fence_agent=lambda operation: 1)
    bus.is_scheduler_slow = True
    bus.crash("worker1")
    bus.settle()
    asked = bus.ask("worker2", ConfirmOff(target=NodeName("worker1"), user="root"))
    bus.settle()
    bus.is_scheduler_slow = False
    bus.compute("worker2")
    bus.settle()
    assert bus["worker2"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    assert "start IP" in bus["worker2"].tasks()


def test_lost_daemon_is_left_alone_in_its_grace_time_then_fenced() -> None:
    bus = two_nodes()
    bus.crash("worker1", why=Departure.PROCESS_DOWN)
    bus.settle()
    bus.tick(10_000)
    assert bus["worker2"].fences == []
    assert bus.replica("worker2").status().nodes[0].in_maintenance
    bus.tick(25_000)
    assert [each.target for each in bus["worker2"].fences] == ["worker1"]


def test_returning_daemon_adopts_what_runs_within_its_grace_time() -> None:
    bus = two_nodes()
    started_before = bus["worker1"].tasks().count("start IP")
    bus.crash("worker1", why=Departure.PROCESS_DOWN)
    bus.settle()
    bus.agent = lambda operation: 0
    bus.tick(3000)
    bus.start("worker1")
    bus.settle()
    bus.tick(60_000)
    assert bus["worker2"].fences == [] and bus["worker1"].fences == []
    assert bus["worker1"].tasks().count("start IP") == started_before
    assert "start IP" not in bus["worker2"].tasks()


def test_device_is_asked_for_its_list_when_nothing_says_which_nodes_it_knows() -> None:
    asked: list[str] = []

    def agent(operation: FenceOperation) -> int:
        asked.append(operation.task)
        return 1 if operation.task == "list" else 0

    bus = two_nodes(fence_agent=agent)
    from replica_stories import DEVICE, configure

    plain = DEVICE.replace(b'name="pcmk_host_list"', b'name="ipaddr"')
    change = configure(bus, "worker1")
    document = change.configuration.replace(DEVICE, plain)
    assert document != change.configuration
    import msgspec

    bus.ask("worker1", msgspec.structs.replace(change, configuration=document))
    bus.settle()
    bus.crash("worker1")
    bus.settle()
    bus.tick(5000)
    assert asked == ["list", "status", "reboot"]


def test_failed_fencing_is_not_tried_again_when_the_target_is_back_with_a_new_life() -> None:
    bus = two_nodes(fence_agent=lambda operation: None)
    bus.crash("worker1")
    bus.settle()
    bus.tick(2000)
    (first,) = bus["worker2"].fences
    bus.start("worker1")
    bus.settle()
    bus.finish_fence("worker2", first, 1)
    bus.settle()
    bus.tick(10_000)
    assert bus["worker2"].fences == [first]
    assert "came back" in bus.replica("worker2").status().fencing[-1].exit_reason
    assert bus.replica("worker1").is_idle() and bus.replica("worker2").is_idle()
