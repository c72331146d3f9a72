"""A whole cluster in a lab, made by the commands a person types."""

from collections.abc import Iterator

import pytest
from conftest import wait_until

from paceline.lab import cluster
from paceline.lab.lab import Lab

pytestmark = pytest.mark.lab

ADDRESS = "192.168.222.30"


@pytest.fixture(scope="module")
def running(lab: Lab) -> Iterator[Lab]:
    """Return the lab with a started cluster, fencing through the lab's power switch, an address."""
    cluster.set_up(lab, lambda line: None)
    one = lab.node("worker1")
    for name in lab.spec.node_names:
        words = ["pcs", "stonith", "create", f"fence-{name}", "fence_lab"]
        one.run([*words, f"plug={name}", f"pcmk_host_list={name}"]).check()
    address = ["ocf:heartbeat:IPaddr2", f"ip={ADDRESS}", "cidr_netmask=24"]
    one.run(["pcs", "resource", "create", "VirtualIP", *address]).check()
    wait_until(lambda: holder(lab) != "", "the address to be somewhere")
    yield lab


def holder(lab: Lab) -> str:
    """Return the node that has the address; "" if none has."""
    for node in lab.nodes:
        if lab.state.power(node.name) == "on" and ADDRESS in node.run(["ip", "addr"]).out:
            return node.name
    return ""


def online(lab: Lab, seen_from: str) -> bool:
    """Say whether a node's status shows both nodes online."""
    out = lab.node(seen_from).run(["pcs", "status"]).out
    return "Online: [ worker1 worker2 ]" in out


def test_cluster_runs_and_is_enabled_when_set_up(running: Lab) -> None:
    wait_until(lambda: online(running, "worker2"), "both nodes to be online")
    enabled = running.node("worker2").run(["systemctl", "is-enabled", "corosync", "pacemaker"])
    assert enabled.out == "enabled\nenabled\n"


def test_daemon_takes_over_another_log_level_when_it_is_reloaded(running: Lab) -> None:
    one = running.node("worker1")
    log = "/var/log/paceline/paceline.log"
    one.write_text("/etc/paceline/paceline.conf", "PACELINE_LOG_LEVEL=loud\n")
    one.run(["systemctl", "reload", "paceline"]).check()
    wait_until(lambda: "loud is none of debug" in one.read_text(log), "the wrong level to be named")
    one.write_text("/etc/paceline/paceline.conf", "PACELINE_LOG_LEVEL=debug\n")
    one.run(["systemctl", "reload", "pacemaker"]).check()
    wait_until(lambda: "notes from level debug on" in one.read_text(log), "the level to be taken")
    one.run(["rm", "/etc/paceline/paceline.conf"]).check()
    refused = one.run(["systemctl", "reload", "corosync"])
    assert (refused.code, "not applicable for unit corosync" in refused.err) == (1, True)


def test_enabled_node_leaves_cleanly_and_rejoins_when_it_reboots(running: Lab) -> None:
    wait_until(lambda: online(running, "worker1"), "both nodes to be online")
    boots, fenced = dict(running.state.boots)["worker2"], len(running.ledger())
    running.node("worker2").run(["reboot"])
    wait_until(lambda: dict(running.state.boots)["worker2"] > boots, "worker2 to boot again")
    wait_until(
        lambda: running.state.power("worker2") == "on" and online(running, "worker2"),
        "worker2 to be back",
        seconds=30,
    )
    assert len(running.ledger()) == fenced


def test_crashed_node_is_fenced_before_its_address_is_elsewhere(running: Lab) -> None:
    wait_until(lambda: online(running, "worker1"), "both nodes to be online")
    wait_until(lambda: holder(running) != "", "the address to be somewhere")
    active, fenced = holder(running), len(running.ledger())
    other = next(name for name in running.spec.node_names if name != active)
    with running.client.probe(ADDRESS) as probe:
        running.crash(active)
        wait_until(lambda: ADDRESS in running.node(other).run(["ip", "addr"]).out, "the address")
        wait_until(
            lambda: running.client.run(["bash", "-c", f"exec 3<>/dev/tcp/{ADDRESS}/2224"]).is_ok,
            "an answer",
        )
    (entry, *_) = running.ledger()[fenced:]
    assert (entry.asker, entry.plug, entry.is_done) == (other, active, True)
    (outage,) = probe.outages
    assert outage.ended_ms >= entry.ended_ms
    wait_until(lambda: online(running, other), "the fenced node to be back", seconds=30)
