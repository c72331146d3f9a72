"""What runs on a node and is configured no more, when the daemon that knew it is gone."""

from replica_bus import Bus
from replica_stories import configure, started

from paceline.model.configuration import Bundle, Clone, Configuration, Group, Primitive
from paceline.model.identifiers import ResourceId
from paceline.model.plan import Agent
from paceline.replica.events import Departure
from paceline.replica.identity import Started
from paceline.replica.left_behind import find_left_behind

DUMMY = Agent(agent_class="ocf", provider="heartbeat", agent_type="Dummy")


def ran(*names: str) -> tuple[Started, ...]:
    return tuple(Started(resource=ResourceId(name), agent=DUMMY) for name in names)


def primitive(name: str) -> Primitive:
    return Primitive(id=ResourceId(name), agent=DUMMY)


def test_only_what_is_not_configured_in_any_form_is_left_behind() -> None:
    configuration = Configuration(
        resources=(
            primitive("alone"),
            Group(id=ResourceId("group"), members=(primitive("member"),)),
            Clone(id=ResourceId("clone"), child=primitive("copied")),
            Clone(
                id=ResourceId("groups"),
                child=Group(id=ResourceId("inner"), members=(primitive("deep"),)),
            ),
            Bundle(id=ResourceId("box"), engine="podman", child=primitive("boxed")),
        )
    )
    here = ran("alone", "member", "copied:1", "deep:0", "box-podman-0", "boxed:0", "gone", "old:2")
    found = find_left_behind(here, configuration)
    assert [each.resource for each in found] == ["gone", "old:2"]


def test_returning_daemon_tells_what_was_cut_out_of_the_configuration_meanwhile() -> None:
    bus = started(Bus("worker1", "worker2", is_two_node=True), "worker1", "worker2")
    web = b'<primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/>'
    bus.ask("worker2", configure(bus, "worker2", resources=web))
    bus.settle()
    bus.crash("worker1", why=Departure.PROCESS_DOWN)
    bus["worker1"].started = ran("web", "cut-out")
    bus.start("worker1")
    bus.settle()
    for name in bus.nodes:
        node = bus.replica(name).status().nodes[0]
        assert [(row.resource, row.task, row.rc) for row in node.history] == [
            ("cut-out", "start", 0)
        ]
