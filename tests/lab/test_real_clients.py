"""Other people's command lines on a Paceline cluster: crmsh, and Debian's pcs over our tools."""

from collections.abc import Iterator

import pytest
from conftest import need_lab
from real_things import need_programs, run, settle, status, wait_until

from paceline.lab.cluster import set_up
from paceline.lab.lab import Lab, Member

pytestmark = [pytest.mark.lab, pytest.mark.large]

CRM = "/usr/sbin/crm"
PCS_CODE = "/usr/lib/python3/dist-packages/pcs/app.py"
REAL_PCS = (
    '/usr/bin/python3 -Es -c \'import sys; from pcs import app; sys.argv[0] = "pcs"; '
    "sys.exit(app.main())'"
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Two nodes with an address that follows a group, and a promotable clone."""
    need_lab()
    with Lab("real-clients", nodes=2) as lab:
        set_up(lab, lambda line: None)
        node = lab.node("worker1")
        run(node, "mkdir -p /var/log/crmsh")
        run(node, "pcs property set stonith-enabled=false")
        run(
            node,
            "pcs resource create vip ocf:heartbeat:IPaddr2 ip=192.168.222.30 cidr_netmask=24 "
            "op monitor interval=10s",
        )
        run(node, "pcs resource create d1 ocf:heartbeat:Dummy --group g")
        run(node, "pcs resource create st ocf:pacemaker:Stateful promotable")
        run(node, "pcs constraint colocation add vip with g")
        settle(node)
        yield lab


@pytest.fixture
def node(lab: Lab) -> Member:
    """The node that the commands are typed on."""
    return lab.node("worker1")


def crm(node: Member, words: str) -> str:
    need_programs(CRM)
    done = node.shell(f"crm {words} </dev/null 2>&1")
    assert done.code == 0, f"crm {words}\n{done.out}"
    return done.out


def real_pcs(node: Member, words: str) -> str:
    need_programs(PCS_CODE)
    done = node.shell(f"{REAL_PCS} {words} </dev/null 2>&1")
    assert done.code == 0, f"pcs {words}\n{done.out}"
    return done.out


def place(node: Member, resource: str) -> str:
    return node.shell(f"crm_resource -Q -W -r {resource}").out.strip()


def test_crmsh_shows_the_cluster(node: Member) -> None:
    assert "Online: [ worker1 worker2 ]" in crm(node, "status")
    shown = crm(node, "configure show")
    assert "primitive vip IPaddr2" in shown
    assert "colocation" in shown
    assert "worker1(1): member" in crm(node, "node show")
    assert "Dummy" in crm(node, "ra list ocf heartbeat")
    assert "State file" in crm(node, "ra info ocf:heartbeat:Dummy")


def test_crmsh_configures_and_takes_away(lab: Lab, node: Member) -> None:
    crm(node, "configure primitive mine ocf:heartbeat:Dummy params fake=a op monitor interval=20s")
    crm(node, "configure location here mine 100: worker2")
    wait_until(lambda: place(node, "mine") == "worker2", lambda: status(lab))
    crm(node, "resource param mine set fake b")
    assert crm(node, "resource param mine show fake").strip() == "b"
    assert "fake=b" in crm(node, "configure show mine")
    crm(node, "configure verify")
    crm(node, "resource stop mine")
    wait_until(lambda: place(node, "mine") == "", lambda: status(lab))
    crm(node, "configure delete here mine")
    assert "mine" not in run(node, "pcs resource config")


def test_crmsh_moves_and_clears(lab: Lab, node: Member) -> None:
    other = "worker2" if place(node, "vip") == "worker1" else "worker1"
    crm(node, f"resource ban g {place(node, 'vip')}")
    wait_until(lambda: place(node, "vip") == other, lambda: status(lab))
    crm(node, "resource clear g")
    assert "cli-" not in run(node, "cibadmin -Q -o constraints")


def test_crmsh_puts_a_node_on_standby_and_back(lab: Lab, node: Member) -> None:
    crm(node, "node standby worker2")
    wait_until(lambda: place(node, "vip") == "worker1", lambda: status(lab))
    crm(node, "node online worker2")
    wait_until(lambda: len(place(node, "st-clone").split()) == 2, lambda: status(lab))
    crm(node, "node attribute worker1 set color red")
    assert "value=red" in crm(node, "node attribute worker1 show color")
    crm(node, "node attribute worker1 delete color")


def test_crmsh_counts_cleans_and_restarts(lab: Lab, node: Member) -> None:
    assert "value=0" in crm(node, "resource failcount d1 show worker1")
    crm(node, "resource cleanup d1")
    crm(node, "resource refresh d1")
    crm(node, "resource restart d1")
    wait_until(lambda: place(node, "d1") != "", lambda: status(lab))


def test_real_pcs_shows_the_cluster(node: Member) -> None:
    shown = real_pcs(node, "status")
    assert "Online: [ worker1 worker2 ]" in shown
    assert "st-clone [st] (promotable)" in shown
    assert "Node Attributes:" in real_pcs(node, "status --full")
    assert "vip" in real_pcs(node, "resource status")
    assert "ip=192.168.222.30" in real_pcs(node, "config")
    assert "Dummy" in real_pcs(node, "resource list ocf:pacemaker")
    assert real_pcs(node, "cluster verify") == ""
    real_pcs(node, "stonith history")


def test_real_pcs_makes_changes_and_removes_a_resource(lab: Lab, node: Member) -> None:
    made = real_pcs(node, "resource create theirs ocf:heartbeat:Dummy --wait=60")
    assert "resource 'theirs' is running on node" in made
    real_pcs(node, "resource update theirs fake=x")
    real_pcs(node, "resource disable theirs --wait=60")
    assert place(node, "theirs") == ""
    real_pcs(node, "resource enable theirs --wait=60")
    assert (
        "returned 0 (ok)"
        in lab.node(place(node, "theirs")).shell(f"{REAL_PCS} resource debug-monitor theirs").out
    )
    real_pcs(node, "resource delete theirs")
    assert "theirs" not in run(node, "cibadmin -Q -o resources")


def test_real_pcs_moves_and_cleans(lab: Lab, node: Member) -> None:
    other = "worker2" if place(node, "vip") == "worker1" else "worker1"
    real_pcs(node, f"resource move-with-constraint g {other}")
    wait_until(lambda: place(node, "vip") == other, lambda: status(lab))
    real_pcs(node, "resource clear g")
    assert "Cleaned up" in real_pcs(node, "resource cleanup")
    assert real_pcs(node, "resource failcount show").startswith("No failcounts")
