"""Agents as they come, on a real node: broken, hanging, leaving processes behind, init scripts."""

import os
from collections.abc import Iterator

import pytest
from conftest import need_lab

from paceline.lab.cluster import set_up
from paceline.lab.lab import Lab, Member

pytestmark = pytest.mark.lab

AGENTS = "/usr/lib/ocf/resource.d/heartbeat"
AGENT = """#!/bin/sh
state=/run/$OCF_RESOURCE_INSTANCE.state
case $1 in
meta-data) cat <<END
<resource-agent name="{name}"><version>1.1</version><parameters/><actions>
<action name="start" timeout="20s"/><action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s"/><action name="meta-data" timeout="5s"/>
</actions></resource-agent>
END
;;
start) {start} ;;
stop) rm -f $state ;;
monitor) [ -e $state ] || exit 7 ;;
*) exit 3 ;;
esac
"""
STARTS = {
    "Hangs": "echo 'waiting for godot' >&2; trap '' TERM; while :; do sleep 1; done",
    "Lingers": "touch $state; sleep 1234 &",
}
INIT_SCRIPT = """#!/bin/sh
case $1 in
start) touch /run/oldsvc ;;
stop) rm -f /run/oldsvc ;;
status) [ -e /run/oldsvc ] || exit 3 ;;
*) exit 2 ;;
esac
"""


@pytest.fixture(scope="module")
def node() -> Iterator[Member]:
    """A cluster of one node with agents of our own, fencing off."""
    need_lab()
    with Lab(f"agents-{os.getpid()}", nodes=1) as lab:
        set_up(lab, lambda line: None)
        member = lab.node("worker1")
        member.shell("mkdir -p /root/agents").check()
        for name, start in STARTS.items():
            member.write_text(f"/root/agents/{name}", AGENT.format(name=name, start=start))
        member.write_text("/root/agents/Broken", "#!/bin/sh\necho '<resource-agent name=\"x\">'\n")
        member.write_text("/etc/init.d/oldsvc", INIT_SCRIPT)
        member.shell("chmod 755 /root/agents/* /etc/init.d/oldsvc").check()
        member.shell(f"mount --bind /root/agents {AGENTS}").check()
        member.shell("pcs property set stonith-enabled=false").check()
        yield member


def test_agent_with_broken_metadata_is_refused_with_the_reason(node: Member) -> None:
    done = node.shell("pcs resource create A ocf:heartbeat:Broken")
    assert done.code == 1
    assert "does not provide valid metadata: it is not well-formed XML" in done.err
    assert "NO resources" in node.shell("pcs resource").out


def test_agent_that_hangs_is_ended_with_all_it_started_and_its_words_are_kept(node: Member) -> None:
    done = node.shell("pcs resource create A ocf:heartbeat:Hangs op start timeout=1s --wait=60")
    assert done.code == 1
    assert "Resource 'A' is not running on any node" in done.err
    why = node.shell("paceline why A").out
    assert "it did not end within its time limit" in why
    assert "/var/log/paceline/diagnosis on worker1" in why
    assert "waiting for godot" in node.shell("cat /var/log/paceline/paceline.log").out
    assert not node.shell("pgrep -f 'heartbeat/[H]angs'").out
    node.shell("pcs resource delete A").check()


def test_agent_that_leaves_a_process_behind_has_started_at_once(node: Member) -> None:
    done = node.shell("pcs resource create A ocf:heartbeat:Lingers op start timeout=60s --wait=50")
    assert "Resource 'A' is running on node 'worker1'" in done.check().err
    assert node.shell("pgrep -f '[s]leep 1234'").out
    node.shell("pcs resource delete A").check()
    assert node.shell("pgrep -f '[s]leep 1234'").out


@pytest.mark.parametrize("standard", ["lsb", "service"])
def test_init_script_is_a_resource(node: Member, standard: str) -> None:
    create = f"pcs resource create A {standard}:oldsvc op monitor interval=1s --wait=50"
    assert "is running on node 'worker1'" in node.shell(create).check().err
    assert node.shell("test -e /run/oldsvc").is_ok
    # It ends by itself; the monitor sees it, and it is started again.
    node.shell("rm /run/oldsvc").check()
    node.shell("until [ -e /run/oldsvc ]; do sleep 0.1; done").check()
    assert "A\n  worker1: 1" in node.shell("pcs resource failcount").out.replace("'", "")
    assert node.shell("pcs resource disable A --wait=50").is_ok
    assert not node.shell("test -e /run/oldsvc").is_ok
    node.shell("pcs resource delete A").check()


def test_script_that_is_not_there_is_refused(node: Member) -> None:
    done = node.shell("pcs resource create A lsb:nosuch")
    assert done.code == 1
    assert "lsb:nosuch" in done.err
