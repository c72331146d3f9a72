"""A quorum device on a third machine: two nodes go on when either of them dies.

Needs Corosync's own packages of both ends; `./dev test --all` installs them.
"""

import os
from collections.abc import Iterator

import pytest
from conftest import need_lab
from real_things import need_programs, run, status, wait_until

from paceline.lab.cluster import set_password
from paceline.lab.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.large]

SETUP = (
    "pcs host auth worker1 worker2 worker3 -u hacluster -p paceline",
    "pcs cluster setup shop worker1 worker2 --start --wait=30",
    "pcs property set stonith-enabled=false",
    "pcs resource create A ocf:lab:Witness op monitor interval=10s --wait",
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A cluster of two nodes, and a third machine that arbitrates."""
    need_lab()
    need_programs("/usr/bin/corosync-qnetd", "/usr/sbin/corosync-qdevice")
    with Lab(f"qdevice-{os.getpid()}", nodes=3) as lab:
        lab.wait_for_node_services()
        set_password(lab)
        run(lab.node("worker3"), "pcs qdevice setup model net --enable --start")
        for line in SETUP:
            run(lab.node("worker1"), line)
        run(lab.node("worker1"), "pcs quorum device add model net host=worker3 algorithm=ffsplit")
        yield lab


def _quorum(lab: Lab) -> str:
    return lab.node("worker1").shell("pcs quorum status 2>&1").out


def test_either_node_goes_on_alone_with_the_devices_vote(lab: Lab) -> None:
    wait_until(lambda: "Total votes:      3" in _quorum(lab), lambda: _quorum(lab))
    lab.crash("worker2")
    wait_until(lambda: "Total votes:      2" in _quorum(lab), lambda: _quorum(lab))
    assert "Quorate:          Yes" in _quorum(lab)
    where = "crm_resource --locate --resource A"
    wait_until(
        lambda: "worker1" in lab.node("worker1").shell(where).out,
        lambda: status(lab),
    )
    refused = lab.node("worker3").shell("pcs qdevice stop net")
    assert "used by cluster(s): 'shop'" in refused.err
    lab.boot("worker2")
    lab.wait_for_node_services()
    run(lab.node("worker1"), "pcs cluster start worker2 --wait=30")
    wait_until(lambda: "Total votes:      3" in _quorum(lab), lambda: _quorum(lab))


def test_the_device_is_taken_away_while_the_cluster_runs(lab: Lab) -> None:
    run(lab.node("worker1"), "pcs quorum device remove")
    wait_until(lambda: "2Node" in _quorum(lab), lambda: _quorum(lab))
    assert "inactive" in lab.node("worker2").shell("systemctl is-active corosync-qdevice").out
    run(lab.node("worker3"), "pcs qdevice destroy net")
