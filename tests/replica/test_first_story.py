"""The first vertical: views, configuration, plan, results, a lost node."""

from replica_bus import Bus
from replica_plans import is_running, keep_running

from paceline.model.identifiers import NodeName
from paceline.model.status import ChangeOrigin
from paceline.replica.events import JournalWritten
from paceline.replica.requests import Configure, Outcome, SetAttributes

ORIGIN = ChangeOrigin(user="root", client="cibadmin", node="worker1")


def change(bus: Bus, name: str, text: bytes = b"<configuration/>") -> Configure:
    replica = bus.replica(name)
    option = (
        b'<cluster_property_set id="x"><nvpair id="x-s" name="stonith-enabled" value="false"/>'
        b"</cluster_property_set><!-- " + text + b" -->"
    )
    document = replica.configuration.replace(b"</crm_config>", option + b"</crm_config>", 1)
    document = document.replace(b"<crm_config/>", b"<crm_config>" + option + b"</crm_config>", 1)
    return Configure(based_on=replica.version, configuration=document, origin=ORIGIN)


def test_single_node_establishes_a_view_and_bootstraps_when_started_alone() -> None:
    bus = Bus("worker1")
    bus.start("worker1")
    bus.settle()
    status = bus.replica("worker1").status()
    assert status.coordinator == "worker1"
    assert status.is_quorate
    assert b'uname="worker1"' in bus.replica("worker1").configuration
    assert bus.replica("worker1").is_idle()


def test_two_nodes_agree_on_state_and_coordinator_when_started_together() -> None:
    bus = Bus("worker1", "worker2", is_two_node=True)
    bus.start("worker1", "worker2")
    bus.settle()
    one, two = bus.replica("worker1"), bus.replica("worker2")
    assert one.status().coordinator == two.status().coordinator == "worker1"
    assert one.version == two.version
    assert one.configuration == two.configuration
    assert one._state.digest() == two._state.digest()


def test_change_is_acknowledged_when_both_disks_have_it() -> None:
    bus = Bus("worker1", "worker2", is_two_node=True)
    bus.start("worker1", "worker2")
    bus.settle()
    bus["worker2"].is_disk_slow = True
    asked = bus.ask("worker1", change(bus, "worker1"))
    bus.settle()
    assert asked not in bus["worker1"].replies
    bus["worker2"].is_disk_slow = False
    bus.feed("worker2", JournalWritten(sequence=bus["worker2"].written[-1]))
    bus.settle()
    answer = bus["worker1"].replies[asked]
    assert answer.outcome is Outcome.ACKNOWLEDGED
    assert answer.version == bus.replica("worker2").version
    assert b'update-user="root"' in bus.replica("worker2").configuration


def test_change_is_refused_when_its_version_moved() -> None:
    bus = Bus("worker1", "worker2", is_two_node=True)
    bus.start("worker1", "worker2")
    bus.settle()
    first, second = change(bus, "worker1", b"a"), change(bus, "worker2", b"b")
    one, two = bus.ask("worker1", first), bus.ask("worker2", second)
    bus.settle()
    outcomes = sorted([bus["worker1"].replies[one].outcome, bus["worker2"].replies[two].outcome])
    assert outcomes == [Outcome.ACKNOWLEDGED, Outcome.REFUSED]


def test_resource_is_probed_and_started_once_when_the_cluster_forms() -> None:
    bus = Bus("worker1", "worker2", scheduler=keep_running("IP"), is_two_node=True)
    bus.agent = lambda op: op.action.target_rc
    bus.start("worker1", "worker2")
    bus.settle()
    bus.tick(1000)
    assert bus["worker1"].tasks() == ["monitor IP", "start IP", "monitor IP"]
    assert bus["worker2"].tasks() == ["monitor IP"]
    assert bus.replica("worker1").is_idle() and bus.replica("worker2").is_idle()
    assert is_running(bus.replica("worker2").status().nodes[0], "IP")


def test_resource_moves_when_its_node_is_lost_and_fencing_is_off() -> None:
    bus = Bus("worker1", "worker2", scheduler=keep_running("IP"), is_two_node=True)
    bus.start("worker1", "worker2")
    bus.settle()
    bus.tick(1000)
    bus.ask("worker1", change(bus, "worker1"))
    bus.settle()
    bus.crash("worker1")
    bus.settle()
    assert bus["worker2"].tasks()[-2:] == ["start IP", "monitor IP"]
    status = bus.replica("worker2").status()
    assert not status.nodes[0].is_online and not status.nodes[0].is_unclean


def test_attribute_is_known_everywhere_when_set_on_one_node() -> None:
    bus = Bus("worker1", "worker2", is_two_node=True)
    bus.start("worker1", "worker2")
    bus.settle()
    asked = bus.ask("worker2", SetAttributes(node=NodeName("worker1"), values=(("a", "++"),)))
    bus.settle()
    assert bus["worker2"].replies[asked].outcome is Outcome.ACKNOWLEDGED
    assert bus.replica("worker1").status().nodes[0].attributes == (("a", "1"),)


def test_second_of_two_writers_hears_that_the_version_moved_when_its_document_is_older() -> None:
    bus = Bus("worker1", "worker2")
    bus.start("worker1", "worker2")
    bus.settle()
    first, second = change(bus, "worker1", b"one"), change(bus, "worker2", b"two")
    bus.ask("worker1", first)
    bus.settle()
    asked = bus.ask("worker2", second)
    bus.settle()
    assert bus["worker2"].replies[asked].code == "version-moved"
