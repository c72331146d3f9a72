"""A quorum device in a cluster: the arbiter on one host, keys and services on the nodes."""

from collections.abc import Iterator

import pytest
from tests.commands.cluster_line import ClusterLine, make_cluster

from paceline.model.corosync_conf import Section, parse_corosync_conf
from paceline.ports.node_calls import FileName, Service

ADD = "quorum device add model net host=arbiter algorithm=ffsplit"


class Tools:
    """Corosync's own tools: reloads are counted."""

    def __init__(self) -> None:
        self.reloads = 0

    def reload(self) -> None:
        self.reloads += 1


@pytest.fixture
def tools() -> Tools:
    """Corosync's tools on n1."""
    return Tools()


@pytest.fixture
def pcs(tools: Tools) -> ClusterLine:
    """The prompt of n1; n1 and n2 run a cluster, the arbiter is set up."""
    network = make_cluster("n1", "n2", others=("arbiter",))
    for name in ("n1", "n2"):
        network.nodes[name].active[Service.COROSYNC] = True
    ClusterLine(network, "arbiter").ok("qdevice setup model net --enable --start")
    network.log.clear()
    return ClusterLine(network, "n1", open_engine_tools=lambda: tools)


def _devices(pcs: ClusterLine, name: str) -> Iterator[Section]:
    conf = parse_corosync_conf(pcs.network.nodes[name].files[FileName.COROSYNC_CONF].decode())
    return (device for quorum in conf.all_named("quorum") for device in quorum.all_named("device"))


def test_each_node_gets_a_certificate_over_its_own_key_and_the_service(
    pcs: ClusterLine, tools: Tools
) -> None:
    pcs.ok(ADD)
    for name in ("n1", "n2"):
        node = pcs.network.nodes[name]
        assert node.device_keys == f"authority of arbiter; arbiter signs {name} of shop"
        assert node.enabled[Service.QDEVICE]
        assert node.active[Service.QDEVICE]
        (device,) = _devices(pcs, name)
        assert next(device.all_named("net")).find_option("host") == "arbiter"
    assert tools.reloads == 1


def test_nothing_is_changed_where_the_arbiter_is_not_set_up(pcs: ClusterLine) -> None:
    ClusterLine(pcs.network, "arbiter").ok("qdevice destroy net --force")
    pcs.network.log.clear()
    assert "quorum device host is not set up here" in pcs.refused(ADD)
    assert pcs.network.log == []
    assert not list(_devices(pcs, "n1"))


def test_an_unknown_arbiter_has_to_be_authenticated_first(pcs: ClusterLine) -> None:
    err = pcs.refused(ADD.replace("arbiter", "elsewhere"))
    assert "pcs host auth elsewhere" in err


def test_a_silent_node_stops_it_before_keys_are_made(pcs: ClusterLine) -> None:
    pcs.network.silent.add("n2")
    assert "all nodes have to answer" in pcs.refused(ADD)
    assert pcs.network.nodes["n1"].device_keys == ""


def test_the_device_is_taken_away_with_keys_and_service(pcs: ClusterLine) -> None:
    pcs.ok(ADD)
    pcs.ok("quorum device remove")
    for name in ("n1", "n2"):
        node = pcs.network.nodes[name]
        assert node.device_keys == ""
        assert not node.enabled[Service.QDEVICE]
        assert not node.active[Service.QDEVICE]
        assert not list(_devices(pcs, name))
    assert "no quorum device is defined" in pcs.refused("quorum device remove")


def test_options_change_only_while_the_cluster_is_stopped(pcs: ClusterLine) -> None:
    pcs.ok(ADD)
    change = "quorum device update model tie_breaker=highest"
    assert "only while the cluster is stopped" in pcs.refused(change)
    for node in pcs.network.nodes.values():
        node.active[Service.COROSYNC] = False
    pcs.ok(change)
    (device,) = _devices(pcs, "n2")
    assert next(device.all_named("net")).find_option("tie_breaker") == "highest"


def test_heuristics_go_and_the_service_reads_it(pcs: ClusterLine) -> None:
    pcs.ok(f"{ADD} heuristics mode=on exec_ping=/bin/true")
    pcs.network.log.clear()
    pcs.ok("quorum device heuristics delete")
    (device,) = _devices(pcs, "n1")
    assert not list(device.all_named("heuristics"))
    assert pcs.network.log[-1] == "n2: start corosync-qdevice"


def test_the_cluster_starts_the_device_between_corosync_and_paceline(pcs: ClusterLine) -> None:
    pcs.ok(ADD)
    pcs.network.log.clear()
    pcs.ok("cluster start")
    assert pcs.network.log == [
        "n1: start corosync",
        "n1: start corosync-qdevice",
        "n1: start paceline",
    ]


def test_dry_run_shows_the_file_and_does_nothing(pcs: ClusterLine) -> None:
    assert "+        host: arbiter" in pcs.ok(f"{ADD} --dry-run").replace(
        "            ", "        "
    )
    assert pcs.network.log == []


def test_a_device_in_use_is_not_stopped_unless_forced(pcs: ClusterLine) -> None:
    pcs.ok(ADD)
    arbiter = ClusterLine(pcs.network, "arbiter")
    assert "used by cluster(s): 'shop'" in arbiter.refused("qdevice stop net")
    arbiter.ok("qdevice stop net --force")
    assert not pcs.network.nodes["arbiter"].active[Service.QNETD]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("setup model net", "Quorum device 'net' has been already initialized"),
        ("setup model disk", "'disk' is not a valid model value, use 'net'"),
        ("start disk", "'disk' is not a valid model value, use 'net'"),
    ],
)
def test_wrong_words_to_the_arbiter_change_nothing(
    pcs: ClusterLine, words: str, message: str
) -> None:
    arbiter = ClusterLine(pcs.network, "arbiter")
    assert arbiter.refused(f"qdevice {words}") == f"Error: {message}\n"
    assert pcs.network.log == []


def test_a_stopped_arbiter_says_so(pcs: ClusterLine) -> None:
    arbiter = ClusterLine(pcs.network, "arbiter")
    arbiter.ok("qdevice stop net")
    assert arbiter.refused("qdevice status net") == "Error: Quorum device 'net' is not running\n"


def test_destroying_a_cluster_stops_the_device_and_removes_its_keys(pcs: ClusterLine) -> None:
    pcs.ok(ADD)
    pcs.network.log.clear()
    pcs.ok("cluster destroy --force")
    assert "n1: stop corosync-qdevice" in pcs.network.log
    assert pcs.network.nodes["n1"].device_keys == ""
