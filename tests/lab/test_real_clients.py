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


CONFIGURE = """
rsc_defaults resource-stickiness=5
op_defaults timeout=30s
primitive a1 ocf:heartbeat:Dummy op monitor interval=20s timeout=20s
primitive a2 ocf:heartbeat:Dummy
group ag a1 a2
primitive c1 ocf:pacemaker:Dummy
clone c1-clone c1 meta interleave=true
order o1 Mandatory: ag c1-clone
colocation co1 50: ag c1-clone
location l1 ag rule 10: '#uname' eq worker1
rsc_ticket tick1 T: c1-clone
tag t1 a1 c1-clone
modgroup ag remove a2
modgroup ag add a2
verify
save /root/saved.crm
load update /root/saved.crm
"""
SHOWN = (
    "primitive a1 Dummy", "group ag a1 a2", "clone c1-clone c1", "order o1 Mandatory: ag c1-clone",
    "colocation co1 50: ag c1-clone", "location l1 ag", "rsc_ticket tick1 T: c1-clone", "tag t1",
    "resource-stickiness=5",
)  # fmt: skip


def test_crmsh_describes_a_whole_configuration(lab: Lab, node: Member) -> None:
    for line in CONFIGURE.strip().splitlines():
        crm(node, f"-F configure {line}")
    shown = crm(node, "configure show")
    assert [text for text in SHOWN if text not in shown] == []
    assert "<rsc_order id=" in crm(node, "configure show xml")
    for line in ("grant", "standby", "activate", "revoke", "delete"):
        crm(node, f"-F site ticket {line} T")
    crm(node, "-F configure delete tick1 o1 co1 l1 t1")
    crm(node, "-F configure delete c1-clone c1")
    assert "c1" not in run(node, "cibadmin -Q -o resources")
    wait_until(lambda: place(node, "ag") != "", lambda: status(lab))


def test_crmsh_runs_resources_by_every_verb(lab: Lab, node: Member) -> None:
    wait_until(lambda: place(node, "a1") != "", lambda: status(lab))
    other = "worker2" if place(node, "a1") == "worker1" else "worker1"
    crm(node, f"resource move ag {other}")
    wait_until(lambda: place(node, "a1") == other, lambda: status(lab))
    crm(node, "resource clear ag")
    for line in ("stop a1", "start a1", "unmanage a1", "manage a1", "maintenance a1 on",
                 "maintenance a1 off", "meta a1 set is-managed true", "meta a1 delete is-managed",
                 "utilization a1 set cpu 1", "utilization a1 delete cpu", "cleanup a1 worker1",
                 "refresh a1", "constraints a1", "operations a1", "locate st-clone", "status a1",
                 "scores", "trace a1 monitor", "untrace a1 monitor"):  # fmt: skip
        crm(node, f"resource {line}")
    assert "s3cret" not in run(node, "cibadmin -Q")
    crm(node, "resource secret a1 set fake s3cret")
    assert crm(node, "resource secret a1 show fake").strip() == "s3cret"
    crm(node, "resource secret a1 check fake")
    assert "s3cret" not in run(node, "cibadmin -Q")
    for member in ("worker1", "worker2"):
        kept = lab.node(member).shell("cat /var/lib/paceline/cluster/secrets/a1:fake").check()
        assert kept.out == "s3cret"
    crm(node, "resource secret a1 delete fake")


def test_crmsh_speaks_to_nodes_by_every_verb(lab: Lab, node: Member) -> None:
    crm(node, "node standby worker2 reboot")
    wait_until(lambda: place(node, "vip") == "worker1", lambda: status(lab))
    assert run(node, "crm_attribute -N worker2 -l reboot -n standby -G -q").strip() == "on"
    for line in ("online worker2", "maintenance worker2", "ready worker2", "show",
                 "utilization worker1 set cpu 4", "utilization worker1 show cpu",
                 "utilization worker1 delete cpu", "status-attr worker1 set x 1",
                 "status-attr worker1 show x", "status-attr worker1 delete x"):  # fmt: skip
        crm(node, f"node {line}")
    for line in ("status full", "status bynode inactive", "status xml", "cluster status",
                 "cib new test", "cib list", "cib delete test", "ra classes",
                 "ra validate ocf:heartbeat:Dummy fake=a"):  # fmt: skip
        crm(node, line)
    crm(node, "-F configure delete ag")


def test_real_pcs_shows_the_cluster(node: Member) -> None:
    shown = real_pcs(node, "status")
    assert "Online: [ worker1 worker2 ]" in shown
    assert "st-clone [st] (promotable)" in shown
    assert "Node Attributes:" in real_pcs(node, "status --full")
    assert "vip" in real_pcs(node, "resource status")
    assert "ip=192.168.222.30" in real_pcs(node, "config")
    assert "Dummy" in real_pcs(node, "resource list ocf:pacemaker")
    assert real_pcs(node, "cluster verify") == ""
    assert '<node name="worker1" id="1" online="true"' in real_pcs(node, "status xml")
    for words in ("status nodes", "status resources --hide-inactive", "status cluster",
                  "status corosync", "cluster status", "quorum status", "constraint config --full",
                  "property config", "stonith history", "stonith history cleanup",
                  "stonith history update", "resource config --output-format json",
                  "resource describe ocf:pacemaker:Dummy", "tag config", "alert"):  # fmt: skip
        real_pcs(node, words)


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


def test_real_pcs_edits_a_configuration(node: Member) -> None:
    for words in ("resource create p1 ocf:heartbeat:Dummy --group pg",
                  "resource create p2 ocf:heartbeat:Dummy clone",
                  "constraint location pg prefers worker1=50",
                  "constraint location pg avoids worker2", "constraint order pg then p2-clone",
                  "constraint colocation add pg with p2-clone 10",
                  "constraint location pg rule score=1 '#uname' eq worker1",
                  "resource op defaults update timeout=21s", "resource utilization p1 cpu=1",
                  "resource restart p1", "resource relations p1", "resource debug-start p1",
                  "node standby worker2 --wait=60", "node unstandby worker2 --wait=60",
                  "node maintenance worker2", "node unmaintenance worker2",
                  "node attribute worker1 a=b", "node attribute worker1 a=",
                  "node utilization worker1 cpu=3", "node utilization worker1 cpu=",
                  "constraint ticket add T p2-clone loss-policy=freeze",
                  "constraint ticket remove T p2-clone", "tag create tg p1", "tag delete tg",
                  "alert create id=al path=/bin/true", "alert remove al", "cluster cib /root/x.xml",
                  "cluster cib-push /root/x.xml diff-against=/root/x.xml",
                  "cluster cib-push /root/x.xml"):  # fmt: skip
        real_pcs(node, words)
    shown = real_pcs(node, "constraint config --full")
    for text in ("(score:50)", "start pg then start p2-clone", "pg with p2-clone (score:10)"):
        assert text in shown
    for words in ("resource delete p2", "resource delete pg"):
        real_pcs(node, words)


def test_real_pcs_moves_and_cleans(lab: Lab, node: Member) -> None:
    other = "worker2" if place(node, "vip") == "worker1" else "worker1"
    real_pcs(node, f"resource move-with-constraint g {other}")
    wait_until(lambda: place(node, "vip") == other, lambda: status(lab))
    real_pcs(node, "resource clear g")
    assert "Cleaned up" in real_pcs(node, "resource cleanup")
    assert real_pcs(node, "resource failcount show").startswith("No failcounts")
