"""sbd on all nodes: its settings, its service, its devices."""

import pytest
from tests.commands.cluster_line import ClusterLine, make_cluster

from paceline.commands.sbd_settings import parse, read_words, render
from paceline.ports.node_calls import FileName, Service

DISK = "/dev/sdb"
WATCHDOG = "/dev/watchdog"


@pytest.fixture
def pcs() -> ClusterLine:
    """The prompt of n1; both nodes have a disk and a watchdog."""
    network = make_cluster("n1", "n2")
    for node in network.nodes.values():
        node.disks = {DISK: "", WATCHDOG: ""}
    return ClusterLine(network, "n1")


def _settings(pcs: ClusterLine, name: str) -> dict[str, str]:
    return parse(pcs.network.nodes[name].files[FileName.SBD_CONFIG].decode())


def test_enable_writes_the_settings_of_each_node_and_enables_the_service(pcs: ClusterLine) -> None:
    pcs.network.nodes["n2"].disks["/dev/watchdog1"] = ""
    status, _out, err = pcs(
        f"stonith sbd enable device={DISK} watchdog=/dev/watchdog1@n2 SBD_WATCHDOG_TIMEOUT=10"
    )
    assert (status, err) == (
        0, "Warning: Cluster restart is required in order to apply these changes.\n"
    )  # fmt: skip
    assert _settings(pcs, "n1") == {
        "SBD_DELAY_START": "no",
        "SBD_DEVICE": DISK,
        "SBD_OPTS": "-n n1",
        "SBD_PACEMAKER": "no",
        "SBD_STARTMODE": "always",
        "SBD_WATCHDOG_DEV": WATCHDOG,
        "SBD_WATCHDOG_TIMEOUT": "10",
    }
    assert _settings(pcs, "n2")["SBD_WATCHDOG_DEV"] == "/dev/watchdog1"
    assert all(node.enabled[Service.SBD] for node in pcs.network.nodes.values())


def test_without_a_device_it_is_refused(pcs: ClusterLine) -> None:
    assert "name a device" in pcs.refused("stonith sbd enable")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (f"device={DISK} foo=1", "invalid option 'FOO', allowed options are: 'SBD_DELAY_START'"),
        (f"device={DISK} SBD_PACEMAKER=yes", "invalid option 'SBD_PACEMAKER'"),
        (f"device={DISK} SBD_WATCHDOG_TIMEOUT=x", "use a non-negative integer"),
        (f"device={DISK} SBD_TIMEOUT_ACTION=x", "'crashdump,flush', 'crashdump,noflush', 'flush'"),
        (f"device={DISK} SBD_STARTMODE='a b'", "cannot be a value of SBD_STARTMODE"),
        ("device=sdb", "Device path 'sdb' on node 'n2' is not absolute"),
        (f"device={DISK}@n1", "No SBD device specified for node 'n2'"),
        (f"device={DISK}@n9", "Node 'n9' does not appear to exist in configuration"),
        ("device=/a device=/b device=/c device=/d", "At most 3 SBD devices can be specified"),
        ("device='/a;/b'", "'/a;/b' cannot be a path of a device"),
        (f"device={DISK} watchdog=/a watchdog=/b", "Multiple watchdog definitions."),
        (f"device={DISK} watchdog=/a@n1 watchdog=/b@n1", "definitions for node 'n1'"),
        ("device=/dev/none", "SBD device '/dev/none' on node 'n2' is not a block device"),
        (f"device={DISK} watchdog=/dev/w9", "Watchdog '/dev/w9' does not exist on node 'n1'"),
    ],
)
def test_wrong_words_change_nothing(pcs: ClusterLine, words: str, message: str) -> None:
    assert message in pcs.refused(f"stonith sbd enable {words}")
    assert pcs.network.log == []
    assert FileName.SBD_CONFIG not in pcs.network.nodes["n1"].files


def test_a_node_without_sbd_stops_it(pcs: ClusterLine) -> None:
    pcs.network.nodes["n2"].broken.add("sbd")
    assert "SBD is not installed on node 'n2'" in pcs.refused(f"stonith sbd enable device={DISK}")
    assert pcs.network.log == []


def test_dry_run_shows_the_files_and_changes_nothing(pcs: ClusterLine) -> None:
    out = pcs.ok(f"stonith sbd enable device={DISK} --dry-run")
    assert 'SBD_OPTS="-n n2"' in out
    assert pcs.network.log == []


def test_config_shows_what_is_common_and_what_is_each_nodes(pcs: ClusterLine) -> None:
    pcs(f"stonith sbd enable device={DISK}")
    assert pcs.ok("stonith sbd config").splitlines() == [
        "SBD_DELAY_START=no",
        "SBD_STARTMODE=always",
        "SBD_WATCHDOG_TIMEOUT=5",
        "",
        "Watchdogs:",
        "  n1: /dev/watchdog",
        "  n2: /dev/watchdog",
        "",
        "Devices:",
        '  n1: "/dev/sdb"',
        '  n2: "/dev/sdb"',
    ]


def test_status_shows_the_services_and_the_messages_on_the_disk(pcs: ClusterLine) -> None:
    pcs(f"stonith sbd enable device={DISK}")
    pcs.ok(f"stonith sbd device message {DISK} n2 test")
    pcs.network.silent.add("n2")
    _status, out, err = pcs("stonith sbd status")
    assert out.splitlines() == [
        "SBD STATUS",
        "<node name>: <installed> | <enabled> | <running>",
        "n1: YES | YES |  NO",
        "n2: N/A | N/A | N/A",
        "",
        "Messages list on device '/dev/sdb':",
        "0\tn2\ttest",
    ]
    assert err == "Warning: Unable to get status of SBD from node 'n2'\n"


def test_disable_leaves_the_settings(pcs: ClusterLine) -> None:
    pcs(f"stonith sbd enable device={DISK}")
    pcs.ok("stonith sbd disable")
    assert not any(node.enabled[Service.SBD] for node in pcs.network.nodes.values())
    assert _settings(pcs, "n1")["SBD_DEVICE"] == DISK


def test_a_device_is_written_only_when_that_is_confirmed(pcs: ClusterLine) -> None:
    words = f"stonith sbd device setup device={DISK} watchdog-timeout=7 msgwait-timeout=14"
    assert "will be overwritten, use --force to override" in pcs.refused(words)
    assert pcs.network.nodes["n1"].disks[DISK] == ""
    pcs.ok(f"{words} --force")
    assert pcs.network.nodes["n1"].disks[DISK] == "4=14 1=7"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("device setup", "No device defined"),
        (f"device setup device={DISK} foo=1 --force", "invalid option 'foo'"),
        (f"device setup device={DISK} loop-timeout=x --force", "use a non-negative integer"),
        ("device setup device=/dev/none --force", "Initialization of device '/dev/none' failed"),
        (f"device message {DISK} n1 foo", "'foo' is not a valid message value, use 'clear'"),
        ("watchdog test", "force-reboot this system"),
    ],
)
def test_wrong_words_to_the_tools_do_nothing(pcs: ClusterLine, words: str, message: str) -> None:
    assert message in pcs.refused(f"stonith sbd {words}")
    assert pcs.network.nodes["n1"].disks[DISK] == ""
    assert pcs.network.log == []


def test_watchdogs_are_listed_and_tested(pcs: ClusterLine) -> None:
    assert pcs.ok("stonith sbd watchdog list") == "Available watchdog(s):\n  /dev/watchdog\n"
    pcs.ok("stonith sbd watchdog test /dev/watchdog --force")
    assert pcs.network.log == ["n1: reset by /dev/watchdog"]


def test_settings_are_read_as_they_are_written() -> None:
    asked = read_words(["device=/dev/a", "device=/dev/b", "sbd_startmode=clean"])
    settings = parse(render(asked, "n1"))
    assert settings["SBD_DEVICE"] == "/dev/a;/dev/b"
    assert settings["SBD_STARTMODE"] == "clean"


def test_a_new_node_gets_the_settings_and_the_service() -> None:
    network = make_cluster("n1", "n2", others=("n3",))
    for node in network.nodes.values():
        node.disks = {DISK: "", WATCHDOG: ""}
    pcs = ClusterLine(network, "n1")
    pcs(f"stonith sbd enable device={DISK} SBD_WATCHDOG_TIMEOUT=9")
    missing = pcs.refused("cluster node add n3 device=/dev/none")
    assert "SBD device '/dev/none' on node 'n3' is not a block device" in missing
    pcs.ok("cluster node add n3")
    settings = _settings(pcs, "n3")
    assert settings["SBD_WATCHDOG_TIMEOUT"] == "9"
    assert settings["SBD_OPTS"] == "-n n3"
    assert network.nodes["n3"].enabled[Service.SBD]


def test_words_for_sbd_are_refused_where_it_is_not_enabled() -> None:
    pcs = ClusterLine(make_cluster("n1", "n2", others=("n3",)), "n1")
    assert "sbd is not enabled here" in pcs.refused("cluster node add n3 watchdog=/dev/watchdog")
