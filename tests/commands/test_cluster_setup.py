"""A cluster is made: every check first, then everything on every node."""

import pytest
from tests.commands.command_line import TerminalInMemory
from tests.commands.nodes_in_memory import PASSWORD, Asked, MemoryNetwork, ask, ports_of

from paceline.commands.cluster_setup import set_up
from paceline.commands.contract import ErrorsHaveOccurredError, UsageError
from paceline.commands.host_auth import auth_hosts
from paceline.commands.rendering import render_report
from paceline.commands.run import Session, run_words
from paceline.model.corosync_conf import parse_corosync_conf, read_link_ports, read_nodes
from paceline.ports.node_calls import FileName, Service

NODES = ("worker1", "worker2")


@pytest.fixture
def network() -> MemoryNetwork:
    """Two nodes that know each other."""
    made = MemoryNetwork()
    made.add(*NODES)
    asked = ask("host auth", *NODES, u="hacluster", p=PASSWORD)
    auth_hosts(asked.request, ports_of(made, "worker1"))
    made.log.clear()
    return made


def _errors(asked: Asked) -> str:
    return "\n".join(render_report(report) for report in asked.request.findings.reports)


def _conf(network: MemoryNetwork, name: str) -> str:
    return network.nodes[name].files[FileName.COROSYNC_CONF].decode()


def test_setup_sends_the_same_files_to_all_nodes(network: MemoryNetwork) -> None:
    asked = ask("cluster setup", "demo", *NODES)
    set_up(asked.request, ports_of(network, "worker1"))
    first, second = (network.nodes[name].files for name in NODES)
    assert set(first) == {
        FileName.COROSYNC_CONF,
        FileName.COROSYNC_AUTHKEY,
        FileName.REMOTE_AUTHKEY,
        FileName.CLUSTER_CA,
        FileName.CLUSTER_CA_KEY,
        FileName.NODE_CERTIFICATE,
    }
    for name in set(first) - {FileName.NODE_CERTIFICATE}:
        assert first[name] == second[name]
    assert len(first[FileName.COROSYNC_AUTHKEY]) == 256
    assert second[FileName.NODE_CERTIFICATE] == b"certificate of worker2"
    assert asked.shown[-1] == "Cluster has been successfully set up."


def test_setup_takes_both_networks_when_the_nodes_have_two_in_common(
    network: MemoryNetwork,
) -> None:
    set_up(ask("cluster setup", "demo", *NODES).request, ports_of(network, "worker1"))
    root = parse_corosync_conf(_conf(network, "worker1"))
    assert [node.addresses for node in read_nodes(root)] == [
        ("192.168.222.31", "172.16.1.31"),
        ("192.168.222.32", "172.16.1.32"),
    ]
    assert read_link_ports(root) == (5405, 5405)
    totem = next(root.all_named("totem"))
    assert totem.find_option("transport") == "knet"
    assert totem.find_option("crypto_cipher") == "aes256"
    assert next(root.all_named("quorum")).find_option("two_node") == "1"


def test_setup_leaves_the_second_network_out_when_nodes_do_not_reach_each_other_there(
    network: MemoryNetwork,
) -> None:
    network.unreached.add("172.16.1.32")
    asked = ask("cluster setup", "demo", *NODES)
    set_up(asked.request, ports_of(network, "worker1"))
    nodes = read_nodes(parse_corosync_conf(_conf(network, "worker1")))
    assert [node.addresses for node in nodes] == [("192.168.222.31",), ("192.168.222.32",)]
    assert "Warning: the nodes have a second network in common" in _errors(asked)


def test_setup_says_the_lines_of_the_notes_when_they_are_wanted(network: MemoryNetwork) -> None:
    asked = ask("cluster setup", *NODES, name="baek_cluster", classic=True)
    set_up(asked.request, ports_of(network, "worker1"))
    assert "\n".join(asked.shown).splitlines() == [
        "Destroying cluster on nodes: worker1, worker2...",
        "worker1: Stopping Cluster (pacemaker)...",
        "worker2: Stopping Cluster (pacemaker)...",
        "worker1: Successfully destroyed cluster",
        "worker2: Successfully destroyed cluster",
        "",
        "Sending 'pacemaker_remote authkey' to 'worker1', 'worker2'",
        "worker1: successful distribution of the file 'pacemaker_remote authkey'",
        "worker2: successful distribution of the file 'pacemaker_remote authkey'",
        "Sending cluster config files to the nodes...",
        "worker1: Succeeded",
        "worker2: Succeeded",
        "",
        "Synchronizing pcsd certificates on nodes worker1, worker2...",
        "worker1: Success",
        "worker2: Success",
        "Restarting pcsd on the nodes in order to reload the certificates...",
        "worker1: Success",
        "worker2: Success",
    ]


def test_setup_changes_nothing_when_a_node_is_in_a_cluster(network: MemoryNetwork) -> None:
    network.nodes["worker2"].files[FileName.COROSYNC_CONF] = b"totem {\n}\n"
    network.nodes["worker2"].active[Service.COROSYNC] = True
    asked = ask("cluster setup", "demo", *NODES)
    with pytest.raises(ErrorsHaveOccurredError):
        set_up(asked.request, ports_of(network, "worker1"))
    assert "worker2: Running cluster services: 'corosync'" in _errors(asked)
    assert "use --force to override" in _errors(asked)
    assert network.log == []
    assert not network.nodes["worker1"].files


def test_setup_takes_a_node_out_of_its_cluster_when_forced(network: MemoryNetwork) -> None:
    network.nodes["worker2"].files[FileName.COROSYNC_CONF] = b"totem {\n}\n"
    asked = ask("cluster setup", "demo", *NODES, force="")
    set_up(asked.request, ports_of(network, "worker1"))
    assert "worker2: removed" in network.log
    assert _conf(network, "worker2") == _conf(network, "worker1")


def test_setup_warns_before_it_destroys_when_forced(network: MemoryNetwork) -> None:
    network.nodes["worker2"].files[FileName.COROSYNC_CONF] = b"totem {\n}\n"
    terminal = TerminalInMemory()
    status = run_words(
        ("cluster", "setup", "demo", *NODES, "--force"),
        session=Session(program="pcs", user="root", cwd="/", environment={}),
        terminal=terminal,
        make_ports=lambda _places: ports_of(network, "worker1"),
    )
    lines = terminal.screen.splitlines()
    assert status == 0
    assert lines[0].startswith("Warning: worker2: Cluster configuration files found")
    assert lines[-1] == "Cluster has been successfully set up."


@pytest.mark.parametrize("trouble", ["silent", "unauthorized", "clock", "name", "no name"])
def test_setup_changes_nothing_when_a_node_is_not_fit(network: MemoryNetwork, trouble: str) -> None:
    match trouble:
        case "silent":
            network.silent.add("worker2")
        case "unauthorized":
            network.nodes["worker2"].issued.clear()
        case "clock":
            network.nodes["worker2"].clock_ms = 3_600_000
        case "name":
            network.nodes["worker2"].resolves["worker1"] = ("10.0.0.1",)
        case "no name":
            network.nodes["worker2"].resolves["worker1"] = ()
    asked = ask("cluster setup", "demo", *NODES)
    with pytest.raises(ErrorsHaveOccurredError):
        set_up(asked.request, ports_of(network, "worker1"))
    assert "worker2" in _errors(asked)
    assert network.log == []


def test_setup_names_each_state_and_the_command_that_repeats_it_when_a_node_fails_late(
    network: MemoryNetwork,
) -> None:
    network.nodes["worker2"].broken.add(FileName.COROSYNC_CONF.value)
    asked = ask("cluster setup", "demo", *NODES, start="")
    with pytest.raises(ErrorsHaveOccurredError):
        set_up(asked.request, ports_of(network, "worker1"))
    text = _errors(asked)
    assert "worker2: 'corosync.conf' cannot be written: No space left on device" in text
    assert "worker2: it has no corosync.conf. worker1: done up to here. " in text
    assert "No node has been started" in text
    assert "pcs cluster setup demo worker1 worker2 --start --force" in text
    assert not any("start" in line for line in network.log)


@pytest.mark.parametrize(
    ("broken", "states"),
    [
        (
            "worker2",
            "worker2: the old cluster is stopped, and not (wholly) removed. "
            "worker1: the old cluster is stopped, and still there. No node has been started",
        ),
        (
            "worker1",
            "worker1: the old cluster is stopped, and not (wholly) removed. "
            "worker2: the old cluster is removed. No node has been started",
        ),
    ],
)
def test_setup_names_each_state_when_the_old_cluster_cannot_be_removed(
    network: MemoryNetwork, broken: str, states: str
) -> None:
    network.nodes[broken].broken.add("removal")
    asked = ask("cluster setup", "demo", *NODES)
    with pytest.raises(ErrorsHaveOccurredError):
        set_up(asked.request, ports_of(network, "worker1"))
    text = _errors(asked)
    assert "cannot be removed: Read-only file system (/etc/corosync/authkey)" in text
    assert states in text


def test_setup_starts_and_enables_when_asked(network: MemoryNetwork) -> None:
    asked = ask("cluster setup", "demo", *NODES, start="", enable="")
    set_up(asked.request, ports_of(network, "worker1"))
    for node in network.nodes.values():
        assert node.active == {Service.COROSYNC: True, Service.PACELINE: True}
        assert node.enabled == {Service.COROSYNC: True, Service.PACELINE: True}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("demo", "n1", "totem", "token=abc"), "'abc' is not a valid token value"),
        (("demo", "n1", "totem", "nosuch=1"), "invalid totem option 'nosuch', allowed options"),
        (("demo", "n1", "transport", "nosuch"), "'nosuch' is not a valid transport value"),
        (
            ("demo", "n1", "quorum", "wait_for_all=x"),
            "not a valid wait_for_all value, use '0', '1'",
        ),
        (("demo", "n1", "addr=10.0.0.1", "n2", "addr=10.0.0.1"), "duplicate addresses: '10.0.0.1'"),
        (("demo", "n1", "addr=1", "n2", "addr=2", "addr=3"), "the same number of addresses"),
        (("demo", "n1", "transport", "knet", "crypto", "hash=none"), "'hash' must be enabled"),
    ],
)
def test_setup_refuses_wrong_words_before_asking_any_node(
    words: tuple[str, ...], message: str
) -> None:
    network = MemoryNetwork()
    network.add("worker1")
    asked = ask("cluster setup", *words)
    with pytest.raises(ErrorsHaveOccurredError):
        set_up(asked.request, ports_of(network, "worker1"))
    assert message in _errors(asked)


@pytest.mark.parametrize("words", [(), ("demo",), ("demo", "n1", "n1"), ("demo", "n1", "port=3")])
def test_setup_shows_usage_when_the_words_make_no_sense(words: tuple[str, ...]) -> None:
    network = MemoryNetwork()
    network.add("worker1")
    with pytest.raises(UsageError):
        set_up(ask("cluster setup", *words).request, ports_of(network, "worker1"))


def test_setup_says_what_to_do_when_hosts_are_not_authenticated() -> None:
    network = MemoryNetwork()
    network.add(*NODES)
    asked = ask("cluster setup", "demo", *NODES)
    with pytest.raises(ErrorsHaveOccurredError):
        set_up(asked.request, ports_of(network, "worker1"))
    assert "not authenticated: 'worker1', 'worker2'" in _errors(asked)
    assert "pcs host auth worker1 worker2" in _errors(asked)


def test_setup_lets_nodes_drive_each_other_that_were_authenticated_one_by_one() -> None:
    network = MemoryNetwork()
    network.add(*NODES)
    ports = ports_of(network, "worker1")
    for name in NODES:
        auth_hosts(ask("host auth", name, u="hacluster", p=PASSWORD).request, ports)
    assert "worker1" not in network.nodes["worker2"].hosts
    set_up(ask("cluster setup", "demo", *NODES).request, ports)
    token = network.nodes["worker2"].hosts["worker1"].token
    assert network.nodes["worker1"].issued[token] == "worker2"


def test_setup_sends_no_keys_when_they_are_brought_by_hand(network: MemoryNetwork) -> None:
    asked = ask("cluster setup", "demo", *NODES, **{"no-keys-sync": ""})
    set_up(asked.request, ports_of(network, "worker1"))
    files = network.nodes["worker2"].files
    assert FileName.COROSYNC_CONF in files
    assert FileName.NODE_CERTIFICATE in files
    assert not {FileName.COROSYNC_AUTHKEY, FileName.REMOTE_AUTHKEY} & set(files)
