"""Services in real nodes: Corosync, the web server, accounts, boot."""

import pytest
from conftest import wait_until

from paceline.lab.lab import Lab, Member
from paceline.lab.layout import NETWORKS, address

pytestmark = pytest.mark.lab

AGENT = "/usr/lib/ocf/resource.d/heartbeat/apache"
STATUS_CONF = """<Location /server-status>
   SetHandler server-status
   Require local
</Location>
"""


def corosync_conf(lab: Lab) -> str:
    """Return a configuration of all nodes on both links, unencrypted: the lab is its own world."""
    nodes = "".join(
        f"node {{\n name: {name}\n nodeid: {number}\n"
        + "".join(
            f" ring{link}_addr: {address(name, network)}\n" for link, network in enumerate(NETWORKS)
        )
        + "}\n"
        for number, name in enumerate(lab.spec.node_names, 1)
    )
    return (
        "totem {\nversion: 2\ncluster_name: test\ntransport: knet\ntoken: 1000\n"
        "token_coefficient: 0\ncrypto_cipher: none\ncrypto_hash: none\n}\n"
        f"nodelist {{\n{nodes}}}\n"
        "quorum {\nprovider: corosync_votequorum\ntwo_node: 1\n}\n"
        "logging {\nto_logfile: yes\nlogfile: /var/log/corosync/corosync.log\nto_syslog: no\n}\n"
        "system {\nsched_rr: no\nmove_to_root_cgroup: no\nallow_knet_handle_fallback: yes\n}\n"
    )


def members(node: Member) -> int:
    """Return how many members Corosync sees."""
    return node.run(["corosync-cmapctl", "-m", "stats"]).is_ok and sum(
        "status (str) = joined" in line
        for line in node.run(["corosync-cmapctl"]).out.splitlines()
        if line.startswith("runtime.members.")
    )


def test_corosync_forms_a_membership_and_notices_a_crash(lab: Lab) -> None:
    for node in lab.nodes:
        node.write_text("/etc/corosync/corosync.conf", corosync_conf(lab))
        node.run(["systemctl", "start", "corosync"]).check()
    one = lab.node("worker1")
    wait_until(lambda: members(one) == 2, "two members")
    assert "connected" in one.run(["corosync-cfgtool", "-s"]).check().out
    lab.crash("worker2")
    wait_until(lambda: members(one) == 1, "the crash to be seen")
    lab.boot("worker2")
    assert lab.node("worker2").run(["systemctl", "is-active", "corosync"]).out == "inactive\n"


def test_stop_of_corosync_waits_until_it_is_gone(lab: Lab) -> None:
    one = lab.node("worker1")
    one.write_text("/etc/corosync/corosync.conf", corosync_conf(lab))
    one.run(["systemctl", "start", "corosync"]).check()
    one.run(["systemctl", "stop", "corosync"]).check()
    assert not one.run(["pidof", "corosync"]).is_ok


def test_enabled_service_starts_at_boot(lab: Lab) -> None:
    two = lab.node("worker2")
    two.write_text("/etc/corosync/corosync.conf", corosync_conf(lab))
    two.run(["systemctl", "enable", "corosync"]).check()
    lab.crash("worker2")
    lab.boot("worker2")
    wait_until(
        lambda: two.run(["systemctl", "is-active", "corosync"]).out == "active\n", "corosync"
    )
    two.run(["systemctl", "disable", "corosync"]).check()
    two.run(["systemctl", "stop", "corosync"]).check()


def test_systemctl_knows_the_aliases_and_refuses_what_it_does_not_know(lab: Lab) -> None:
    one = lab.node("worker1")
    assert one.run(["systemctl", "is-enabled", "pcsd"]).out == "enabled\n"
    assert one.run(["systemctl", "is-active", "pacemaker"]).out == "inactive\n"
    done = one.run(["systemctl", "start", "sshd"])
    assert (done.code, done.err) == (5, "Unit sshd.service not found.\n")


def test_failed_start_says_where_to_look(lab: Lab) -> None:
    one = lab.node("worker1")
    one.write_text("/etc/corosync/corosync.conf", "nonsense {\n")
    done = one.run(["systemctl", "start", "corosync"])
    assert done.code == 1
    assert "systemctl status corosync.service" in done.err
    assert one.run(["systemctl", "is-active", "corosync"]).out == "failed\n"


def test_passwords_are_real(lab: Lab) -> None:
    one = lab.node("worker1")
    one.run(["passwd", "hacluster"], text="first\nfirst\n").check()
    before = one.read_text("/etc/shadow")
    one.run(["chpasswd"], text="hacluster:second\n").check()
    assert one.read_text("/etc/shadow") != before
    assert "$" in before.split("hacluster:")[1].split(":")[0]


def test_web_server_is_served_to_the_client(lab: Lab) -> None:
    one = lab.node("worker1")
    one.write_text("/etc/httpd/conf.d/status.conf", STATUS_CONF)
    one.write_text("/var/www/html/index.html", "<p> hello world <p>\n")
    environment = {
        "OCF_ROOT": "/usr/lib/ocf",
        "OCF_RESOURCE_INSTANCE": "WebService",
        "OCF_RESKEY_configfile": "/etc/httpd/conf/httpd.conf",
        "OCF_RESKEY_statusurl": "http://localhost/server-status",
    }
    one.run([AGENT, "start"], environment=environment).check()
    one.run([AGENT, "monitor"], environment=environment).check()
    page = lab.client.run(["curl", "-sS", "http://worker1/"]).check()
    assert page.out == "<p> hello world <p>\n"
    one.run([AGENT, "stop"], environment=environment).check()
