"""The doctor names what is broken, and only that."""

from tests.commands.nodes_in_memory import PASSWORD, MemoryNetwork, ask, ports_of

from paceline.commands.cluster_setup import set_up
from paceline.commands.doctor import examine_nodes
from paceline.commands.host_auth import auth_hosts
from paceline.ports.node_calls import DatagramsTried, NodeFacts, TryDatagrams

NODES = ("worker1", "worker2")


def _network() -> MemoryNetwork:
    network = MemoryNetwork()
    network.add(*NODES)
    asked = ask("host auth", *NODES, u="hacluster", p=PASSWORD)
    auth_hosts(asked.request, ports_of(network, "worker1"))
    return network


def test_doctor_finds_nothing_broken_when_everything_holds() -> None:
    outcome = examine_nodes(ask("doctor", *NODES).request, ports_of(_network(), "worker1"))
    assert outcome.status == 0
    assert "FAIL" not in outcome.text
    assert "datagrams of 1472 bytes arrive from worker2 (172.16.1.32)" in outcome.text


def test_doctor_names_port_and_fix_when_a_node_is_silent() -> None:
    network = _network()
    network.silent.add("worker2")
    outcome = examine_nodes(ask("doctor", *NODES).request, ports_of(network, "worker1"))
    assert outcome.status == 1
    assert "FAIL  node service  worker1 gets no answer (silent)" in outcome.text
    assert "firewall-cmd --permanent --add-port=2224/tcp" in outcome.text


def test_doctor_says_how_to_authenticate_when_that_is_missing() -> None:
    network = _network()
    network.nodes["worker1"].hosts.clear()
    outcome = examine_nodes(ask("doctor", *NODES).request, ports_of(network, "worker1"))
    assert "-> pcs host auth worker2" in outcome.text
    assert outcome.status == 1


def test_doctor_names_sender_and_port_when_datagrams_do_not_arrive() -> None:
    network = _network()
    deaf = network.nodes["worker2"]

    class Deaf(type(deaf)):  # type: ignore[misc]
        def try_datagrams(self, request: TryDatagrams) -> DatagramsTried:
            return DatagramsTried()

    network.nodes["worker2"] = Deaf(
        name=deaf.name,
        addresses=deaf.addresses,
        network=network,
        issued=deaf.issued,
        hosts=deaf.hosts,
    )
    outcome = examine_nodes(ask("doctor", *NODES).request, ports_of(network, "worker1"))
    assert "FAIL  5405/udp      nothing arrives from worker1 (192.168.222.31)" in outcome.text
    assert "--add-port=5405/udp" in outcome.text


def _running() -> MemoryNetwork:
    """Two nodes in a cluster that runs; worker1's Corosync has lost worker2."""
    network = _network()
    set_up(ask("cluster setup", "demo", *NODES, start="").request, ports_of(network, "worker1"))
    network.nodes["worker1"].links = ((0, 2, "disconnected"), (1, 2, "disconnected"))
    return network


def test_doctor_takes_links_as_cut_when_both_nodes_run() -> None:
    outcome = examine_nodes(ask("doctor").request, ports_of(_running(), "worker1"))
    assert outcome.status == 1
    assert "link 0 to worker2, link 1 to worker2 not connected" in outcome.text
    assert "--add-port=5405/udp" in outcome.text


def test_doctor_blames_no_firewall_when_the_other_nodes_corosync_is_stopped() -> None:
    network = _running()
    network.nodes["worker2"].active.clear()
    outcome = examine_nodes(ask("doctor").request, ports_of(network, "worker1"))
    assert outcome.status == 0
    assert "note  links         none to worker2: Corosync does not run there" in outcome.text
    assert "firewall-cmd" not in outcome.text


def test_doctor_names_what_is_missing_and_too_old() -> None:
    network = _network()
    bad = network.nodes["worker2"]

    class Bad(type(bad)):  # type: ignore[misc]
        def facts(self, names: tuple[str, ...]) -> NodeFacts:
            found = super().facts(names)
            fields = {name: getattr(found, name) for name in found.__struct_fields__}
            changed = {"missing": ("resource-agents",), "corosync_version": "2.4.5"}
            return NodeFacts(**{**fields, **changed})

    network.nodes["worker2"] = Bad(
        name=bad.name, addresses=bad.addresses, network=network, issued=bad.issued, hosts=bad.hosts
    )
    outcome = examine_nodes(ask("doctor", *NODES).request, ports_of(network, "worker1"))
    assert "on worker2: apt-get install resource-agents" in outcome.text
    assert "Corosync 2.4.5 is too old: 3.1 or later is needed" in outcome.text
    assert outcome.status == 1


def test_doctor_names_the_nodes_that_do_not_agree_on_a_name() -> None:
    network = _network()
    network.nodes["worker2"].resolves["worker1"] = ("192.168.222.30",)
    outcome = examine_nodes(ask("doctor", *NODES).request, ports_of(network, "worker1"))
    assert (
        "FAIL  name          the name 'worker1' leads to different addresses: "
        "192.168.222.31 on worker1; 192.168.222.30 on worker2"
    ) in outcome.text


def test_doctor_takes_a_nodes_own_loopback_name_as_it_is() -> None:
    network = _network()
    network.nodes["worker1"].resolves["worker1"] = ("127.0.1.1",)
    outcome = examine_nodes(ask("doctor", *NODES).request, ports_of(network, "worker1"))
    assert outcome.status == 0
