"""Bad days on two real nodes: daemons killed, links cut, nodes started apart, wrong words typed.

One cluster serves all stories; each leaves it as it found it: both nodes online, the address up.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import paceline
from paceline.lab.campaign.evidence import read_owners
from paceline.lab.cluster import set_up
from paceline.lab.lab import Lab, LabError, Member
from paceline.lab.members import member_python

pytestmark = pytest.mark.lab

ADDRESS = "192.168.222.30"
SETTLED_SECONDS = 40
POLL_SECONDS = 0.1
LONG_BYTES = 10_000
BOOK = "address.log"
LOG_TAIL = "tail -20 /var/log/paceline/paceline.log"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Two nodes with a virtual address, fencing off."""
    with Lab(f"bad-{os.getpid()}", nodes=2) as lab:
        set_up(lab, lambda line: None)
        pcs(lab, "worker1", "property set stonith-enabled=false")
        pcs(
            lab,
            "worker1",
            f"resource create VirtualIP ocf:heartbeat:IPaddr2 ip={ADDRESS} cidr_netmask=24 "
            "op monitor interval=10s",
        )
        settle(lab)
        yield lab


def pcs(lab: Lab, node: str, words: str) -> str:
    return lab.node(node).shell(f"pcs {words}").check().out


def status(lab: Lab, node: str) -> str:
    return lab.node(node).shell("pcs status --classic 2>&1").out


def owners(lab: Lab) -> list[str]:
    return [node.name for node in lab.nodes if has_address(node)]


def has_address(node: Member) -> bool:
    return f" {ADDRESS}/" in node.shell("ip -4 -brief addr show dev ens33").out


def wait_until(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait for a condition with the real cluster's own pace; fail with what is there instead."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while not holds(condition):
        assert time.monotonic() < deadline, what()
        time.sleep(POLL_SECONDS)


def holds(condition: Callable[[], bool]) -> bool:
    """Look; a node that is off or boots answers nothing, so it does not hold yet."""
    try:
        return condition()
    except LabError:
        return False


def settle(lab: Lab) -> None:
    """Wait until both nodes are online and the address has one owner."""

    def is_settled() -> bool:
        told = [status(lab, node.name) for node in lab.nodes]
        online = all("Online: [ worker1 worker2 ]" in text for text in told)
        return online and all("Started worker" in text for text in told) and len(owners(lab)) == 1

    wait_until(is_settled, lambda: status(lab, "worker1") + status(lab, "worker2"))


@contextlib.contextmanager
def watch_address(lab: Lab) -> Iterator[None]:
    """Watch from the client who announces the address."""
    book(lab).unlink(missing_ok=True)
    words = ["-m", "paceline.lab.campaign.arp", ADDRESS, "ens33", f"/run/paceline-lab/{BOOK}"]
    source = str(Path(paceline.__file__).parents[1])
    command = [*member_python(), *words]
    with lab.client.start(command, environment={"PYTHONPATH": source}):
        wait_until(book(lab).exists, lambda: "the watcher does not start")
        yield


def announced(lab: Lab) -> list[str]:
    return [owner for seen in read_owners(book(lab), lab.spec)[1] for owner in seen.nodes]


def book(lab: Lab) -> Path:
    return lab.paths.run("client") / BOOK


def log_of(lab: Lab, node: str) -> str:
    return lab.node(node).read_text("/var/log/paceline/paceline.log")


def daemon_pid(node: Member) -> str:
    return node.shell("pgrep -o -f bin/paceline-daemon").out.strip()


def test_services_run_on_and_nobody_is_lost_when_the_daemon_is_killed(lab: Lab) -> None:
    owner = owners(lab)[0]
    node = lab.node(owner)
    killed = daemon_pid(node)
    with lab.client.probe(ADDRESS) as probe:
        node.shell(f"kill -9 {killed}").check()
        wait_until(
            lambda: daemon_pid(node) not in ("", killed) and "Started" in status(lab, owner),
            lambda: status(lab, owner),
        )
        settle(lab)
    assert probe.outages == ()
    assert owners(lab) == [owner]
    assert "OFFLINE" not in status(lab, owner)


def test_the_other_node_takes_over_when_corosync_is_killed(lab: Lab) -> None:
    owner = owners(lab)[0]
    other = "worker2" if owner == "worker1" else "worker1"
    lab.node(owner).shell("kill -9 $(pgrep -x corosync)").check()
    wait_until(lambda: f"Started {other}" in status(lab, other), lambda: status(lab, other))
    lab.node(owner).shell("pcs cluster start").check()
    settle(lab)
    assert owners(lab) == [other]


def test_services_stop_when_the_daemon_comes_back_and_corosync_does_not(lab: Lab) -> None:
    owner = owners(lab)[0]
    other = "worker2" if owner == "worker1" else "worker1"
    node = lab.node(owner)
    node.shell("kill -9 $(pgrep -x corosync) $(pgrep -o -f bin/paceline-daemon)").check()
    wait_until(lambda: owners(lab) == [other], lambda: node.shell(LOG_TAIL).out)
    node.shell("pcs cluster start").check()
    settle(lab)


def test_nothing_starts_before_both_were_seen_when_nodes_start_apart(lab: Lab) -> None:
    pcs(lab, "worker1", "cluster stop --all")
    assert owners(lab) == []
    pcs(lab, "worker1", "cluster start")
    wait_until(lambda: "WITHOUT quorum" in status(lab, "worker1"), lambda: status(lab, "worker1"))
    assert owners(lab) == []
    pcs(lab, "worker2", "cluster start")
    settle(lab)


SECOND = "192.168.222.{}"


def addresses(lab: Lab) -> list[str]:
    """The addresses of these nodes that the stories here may have set."""
    told = [node.shell("ip -4 -brief addr show dev ens33").out for node in lab.nodes]
    return [
        each for each in (SECOND.format(n) for n in (41, 42)) if any(f" {each}/" in t for t in told)
    ]


def test_old_address_goes_when_a_resource_gets_another(lab: Lab) -> None:
    pcs(lab, "worker1", "resource create Second ocf:heartbeat:IPaddr2 ip=192.168.222.41")
    wait_until(lambda: addresses(lab) == [SECOND.format(41)], lambda: status(lab, "worker1"))
    pcs(lab, "worker1", "resource update Second ip=192.168.222.42")
    wait_until(lambda: addresses(lab) == [SECOND.format(42)], lambda: status(lab, "worker1"))


def test_resource_is_stopped_when_it_is_cut_out_of_the_configuration(lab: Lab) -> None:
    """Even where the daemon that knew it was killed meanwhile."""
    assert addresses(lab) == [SECOND.format(42)]
    owner = next(node for node in lab.nodes if SECOND.format(42) in node.shell("ip addr").out)
    other = next(node for node in lab.nodes if node is not owner)
    owner.shell(f"kill -STOP {daemon_pid(owner)}; kill -9 {daemon_pid(owner)}").check()
    cut_out = "cibadmin --delete --xpath '//primitive[@id=\"Second\"]'"
    other.shell(cut_out).check()
    wait_until(lambda: addresses(lab) == [], lambda: status(lab, other.name))
    settle(lab)


def test_one_owner_is_left_when_a_cut_without_fencing_is_healed(lab: Lab) -> None:
    lab.cut("worker1", "worker2")
    wait_until(
        lambda: all("OFFLINE" in status(lab, node.name) for node in lab.nodes),
        lambda: status(lab, "worker1"),
    )
    wait_until(lambda: len(owners(lab)) == 2, lambda: str(owners(lab)))
    with watch_address(lab):
        lab.heal()
        settle(lab)
        # Whoever the neighbours believed, they know better now.
        owner = owners(lab)[0]
        wait_until(lambda: announced(lab)[-1:] == [owner], lambda: str(announced(lab)))


def test_services_run_on_when_a_daemon_that_stands_still_is_restarted(lab: Lab) -> None:
    owner = owners(lab)[0]
    node = lab.node(owner)
    standing = daemon_pid(node)
    with lab.client.probe(ADDRESS) as probe:
        node.shell(f"kill -STOP {standing}").check()
        # Its supervisor's watchdog ends it, 20 to 30 s later; its Corosync lives all the time.
        wait_until(lambda: daemon_pid(node) not in ("", standing), lambda: status(lab, owner))
        settle(lab)
    assert probe.outages == ()
    assert owners(lab) == [owner]


def test_one_owner_is_left_when_a_frozen_node_thaws(lab: Lab) -> None:
    owner = owners(lab)[0]
    other = "worker2" if owner == "worker1" else "worker1"
    lab.freeze(owner)
    try:
        wait_until(lambda: has_address(lab.node(other)), lambda: status(lab, other))
    finally:
        lab.thaw(owner)
    settle(lab)


DAMAGE = (
    ("truncate -s -5 journal", "journal-damaged"),
    ("truncate -s 0 journal", "journal-damaged"),
    ("printf garbage | dd of=journal bs=1 seek=400 conv=notrunc status=none", "journal-damaged"),
    ("truncate -s -20 cib.xml", "cib-file"),
    ("truncate -s 0 cib.xml", "cib-file"),
    ("sed -i 's/^./x/' cib.xml.sha256", "cib-file"),
)


@pytest.mark.parametrize(("damage", "told"), DAMAGE, ids=[damage for damage, _ in DAMAGE])
def test_nothing_acknowledged_is_lost_when_a_file_is_damaged(
    lab: Lab, damage: str, told: str
) -> None:
    node = lab.node("worker2")
    value = f"written-before-{damage.split()[0]}-{told}"
    done = node.shell(f"pcs node attribute worker1 kept={value}").check()
    assert "not yet safe" not in done.err
    tellings = log_of(lab, "worker2").count(f" {told}: ")
    node.shell("systemctl reset-failed paceline").check()  # Nobody kills it so often for fun.
    killed = daemon_pid(node)
    # It stands still while the file is damaged, so that it writes nothing more.
    line = f"kill -STOP {killed}; cd /var/lib/paceline; {damage}; kill -9 {killed}"
    node.shell(line)
    wait_until(lambda: daemon_pid(node) not in ("", killed), lambda: log_of(lab, "worker2"))
    settle(lab)
    assert value in pcs(lab, "worker2", "node attribute")
    assert log_of(lab, "worker2").count(f" {told}: ") > tellings


def test_cib_is_taken_and_it_is_said_when_all_journals_are_lost(lab: Lab) -> None:
    owner = owners(lab)[0]
    pcs(lab, "worker2", "node attribute worker1 kept=without-a-journal")
    settle(lab)
    killed = {node.name: daemon_pid(node) for node in lab.nodes}
    for node in lab.nodes:
        node.shell("systemctl reset-failed paceline").check()  # Nobody kills it so often for fun.
        node.shell(f"kill -STOP {killed[node.name]}; rm /var/lib/paceline/journal").check()
    for node in lab.nodes:
        node.shell(f"kill -9 {killed[node.name]}").check()
    wait_until(
        lambda: all(daemon_pid(node) not in ("", killed[node.name]) for node in lab.nodes),
        lambda: log_of(lab, "worker2"),
    )
    settle(lab)
    for node in lab.nodes:
        assert "without-a-journal" in pcs(lab, node.name, "node attribute")
        assert " cib-taken: " in log_of(lab, node.name)
    pcs(lab, "worker1", "node attribute worker1 kept=again")
    assert owners(lab) == [owner]


def test_watchdog_is_fed_while_the_daemon_turns_and_disarmed_when_it_leaves(lab: Lab) -> None:
    node = lab.node("worker2")
    settings, device = "/etc/paceline/paceline.conf", "/run/watchdog-for-a-test"

    def fed() -> str:
        return node.shell(f"cat {device}").out

    node.shell(f"touch {device}; echo PACELINE_WATCHDOG={device} >> {settings}").check()
    try:
        pcs(lab, "worker1", "cluster stop worker2")
        pcs(lab, "worker1", "cluster start worker2 --wait=60")
        wait_until(lambda: len(fed()) > 1, lambda: log_of(lab, "worker2"))
        standing = daemon_pid(node)
        node.shell(f"kill -STOP {standing}").check()
        before = fed()
        node.shell("sleep 2.5")  # Longer than two meals.
        assert fed() == before
        node.shell(f"kill -CONT {standing}").check()
        wait_until(lambda: len(fed()) > len(before), lambda: log_of(lab, "worker2"))
        assert "V" not in fed()
        pcs(lab, "worker1", "cluster stop worker2")
        assert fed().endswith("V")
    finally:
        node.shell(f"sed -i '/PACELINE_WATCHDOG/d' {settings}").check()
        pcs(lab, "worker1", "cluster start worker2 --wait=60")
    settle(lab)


def test_all_goes_on_when_a_stranger_talks_on_the_ring(lab: Lab) -> None:
    owner = owners(lab)[0]
    program = Path(__file__).with_name("ring_stranger.py").read_text()
    source = str(Path(paceline.__file__).parents[1])
    with lab.client.probe(ADDRESS) as probe:
        said = lab.node("worker2").run(
            [*member_python(), "-c", program], environment={"PYTHONPATH": source}
        )
        assert said.out == "said\n", said.err
        settle(lab)
        pcs(lab, "worker1", "node attribute worker1 after=stranger")
        wait_until(
            lambda: "stranger" in pcs(lab, "worker2", "node attribute"),
            lambda: log_of(lab, "worker2"),
        )
    assert probe.outages == ()
    assert owners(lab) == [owner]


def test_the_cluster_stays_whole_when_one_link_is_cut(lab: Lab) -> None:
    owner = owners(lab)[0]
    lab.cut("worker1", "worker2", device="ens37")
    try:
        wait_until(
            lambda: "disconnected" in lab.node("worker1").shell("corosync-cfgtool -s").out,
            lambda: lab.node("worker1").shell("corosync-cfgtool -s").out,
        )
        assert "Online: [ worker1 worker2 ]" in status(lab, "worker1")
        assert owners(lab) == [owner]
    finally:
        lab.heal()
    settle(lab)


def test_an_enabled_node_leaves_cleanly_and_rejoins_when_it_reboots(lab: Lab) -> None:
    owner = owners(lab)[0]
    other = "worker2" if owner == "worker1" else "worker1"
    lab.node(owner).shell("reboot")
    wait_until(lambda: has_address(lab.node(other)), lambda: status(lab, other))
    settle(lab)
    log = lab.node(other).read_text("/var/log/paceline/paceline.log")
    assert "left" in log
    assert owners(lab) == [other]


@contextlib.contextmanager
def fencing_on(lab: Lab) -> Iterator[None]:
    """Give each node a fence device, and take all of it away again."""
    for name in lab.spec.node_names:
        words = f"fence-{name} fence_lab plug={name} pcmk_host_list={name}"
        pcs(lab, "worker1", f"stonith create {words}")
    pcs(lab, "worker1", "property set stonith-enabled=true")
    settle(lab)
    try:
        yield
        lab.heal()
        settle(lab)
    finally:
        pcs(lab, "worker1", "property set stonith-enabled=false")
        for name in lab.spec.node_names:
            pcs(lab, "worker1", f"stonith delete fence-{name}")


def fenced(lab: Lab, seen: int) -> list[str]:
    """Return whom the power switch cut off after its first `seen` lines."""
    return [entry.plug for entry in lab.ledger()[seen:] if entry.is_done]


def test_a_cut_node_is_fenced_before_its_address_is_taken_when_fencing_is_on(lab: Lab) -> None:
    with fencing_on(lab):
        booted = dict(lab.state.boots)
        seen = len(lab.ledger())
        lab.cut("worker1", "worker2")
        wait_until(lambda: bool(fenced(lab, seen)), lambda: str(lab.ledger()))
        lab.heal()
        settle(lab)
        for name in fenced(lab, seen):
            assert dict(lab.state.boots)[name] > booted[name]


def test_nothing_of_a_lost_node_is_recovered_before_its_power_switch_answers(lab: Lab) -> None:
    with fencing_on(lab):
        owner = owners(lab)[0]
        other = "worker2" if owner == "worker1" else "worker1"
        seen = len(lab.ledger())
        lab.break_power(owner)
        lab.crash(owner)
        # Tried, and tried again.
        wait_until(lambda: len(lab.ledger()) > seen + 1, lambda: status(lab, other))
        assert not has_address(lab.node(other))
        assert "UNCLEAN" in status(lab, other)
        lab.mend_power(owner)
        wait_until(lambda: has_address(lab.node(other)), lambda: status(lab, other))
        assert fenced(lab, seen) == [owner]


def fail_to_stop(lab: Lab) -> str:
    """Let a service fail to stop; return the node where it does."""
    pcs(lab, "worker1", "resource create Stuck ocf:lab:Witness")
    wait_until(
        lambda: any(runs(node, "Stuck") for node in lab.nodes), lambda: status(lab, "worker1")
    )
    place = next(node for node in lab.nodes if runs(node, "Stuck"))
    file = lab.paths.misbehaviour(place.name, "Stuck")
    file.parent.mkdir(exist_ok=True)
    file.write_text("fail stop\n")
    pcs(lab, "worker1", "resource disable Stuck")
    return place.name


def runs(node: Member, resource: str) -> bool:
    return node.shell(f"test -e /run/witness/{resource}").is_ok


def test_node_is_fenced_when_a_service_does_not_stop_there(lab: Lab) -> None:
    with fencing_on(lab):
        seen = len(lab.ledger())
        place = fail_to_stop(lab)
        wait_until(lambda: fenced(lab, seen) == [place], lambda: status(lab, "worker1"))
        lab.paths.misbehaviour(place, "Stuck").unlink()
        other = "worker2" if place == "worker1" else "worker1"
        pcs(lab, other, "resource delete Stuck")


def test_service_is_blocked_and_shown_when_it_does_not_stop_without_fencing(lab: Lab) -> None:
    place = fail_to_stop(lab)
    wait_until(lambda: "blocked" in status(lab, "worker1"), lambda: status(lab, "worker1"))
    assert runs(lab.node(place), "Stuck")
    lab.paths.misbehaviour(place, "Stuck").unlink()
    pcs(lab, "worker1", "resource cleanup Stuck")
    wait_until(lambda: not runs(lab.node(place), "Stuck"), lambda: status(lab, "worker1"))
    pcs(lab, "worker1", "resource delete Stuck")
    settle(lab)


def test_change_is_taken_with_a_warning_that_names_the_disk_when_one_is_full(lab: Lab) -> None:
    lab.fill("worker1")
    try:
        for name, value in (("worker1", "one"), ("worker2", "two")):
            # More than what is left of the journal's last page, and not to be compressed.
            long = f"{value}-{os.urandom(LONG_BYTES).hex()}"
            done = lab.node(name).shell(f"pcs node attribute worker1 note={long}").check()
            assert "not yet safe" in done.err and "the disk of worker1" in done.err, done.err
            for node in lab.nodes:
                assert value in pcs(lab, node.name, "node attribute")
    finally:
        lab.heal()

    def is_acknowledged() -> bool:
        return (
            "not yet safe" not in lab.node("worker2").shell("pcs node attribute worker1 note=").err
        )

    wait_until(is_acknowledged, lambda: status(lab, "worker1"))
    settle(lab)


def test_bad_address_is_told_in_the_agents_words(lab: Lab) -> None:
    node = lab.node("worker1")
    try:
        made = node.shell("pcs resource create Bad ocf:heartbeat:IPaddr2 ip=999.1.1.1 --wait=60")
        assert made.code == 1
        assert "Resource 'Bad' is not running on any node" in made.err
        why = node.shell("paceline why Bad").out
        assert "Its start on" in why and "the agent said: " in why, why
    finally:
        pcs(lab, "worker1", "resource delete Bad")


BAD_INPUT = (
    ("pcs resorce create A ocf:heartbeat:Dummy", "resorce"),
    ("pcs resource create A ocf:heartbeat:Dummy --no-such-option", "no-such-option"),
    ("pcs resource create VirtualIP ocf:heartbeat:Dummy", "VirtualIP"),
    ("pcs resource create A ocf:heartbeat:NoSuchAgent", "NoSuchAgent"),
    ("pcs resource create A ocf:heartbeat:IPaddr2", "ip"),
    ("pcs resource create A ocf:heartbeat:IPaddr2 ip=192.168.222.99 nicc=ens33", "nicc"),
    ("pcs constraint location VirtualIP prefers worker1=much", "much"),
    ("pcs constraint location NoSuch prefers worker1=50", "NoSuch"),
    ("pcs constraint order VirtualIP then NoSuch", "NoSuch"),
    ("pcs constraint colocation add NoSuch with VirtualIP", "NoSuch"),
    ("pcs constraint remove no-such-constraint", "no-such-constraint"),
    ("pcs property set no-such-property=1", "no-such-property"),
    ("pcs resource delete NoSuch", "NoSuch"),
    ("pcs cluster setup again worker1 worker2", "worker"),
    ("pcs cluster start worker9", "worker9"),
    ("pcs stonith fence worker9", "worker9"),
    ("pcs host auth worker2 addr=1.2.3.x -u hacluster -p x", "1.2.3.x"),
    ("pcs host auth worker2 port=1 -u hacluster -p x", "port"),
    ("paceline why NoSuch", "NoSuch"),
)


@pytest.mark.parametrize(("command", "named"), BAD_INPUT, ids=[words for words, _ in BAD_INPUT])
def test_bad_input_is_named_and_changes_nothing(lab: Lab, command: str, named: str) -> None:
    node = lab.node("worker1")
    before = node.shell("pcs cluster cib | sed '/<status/,$d'").out
    done = node.shell(command)
    assert done.code == 1, done.out + done.err
    assert named in done.out + done.err
    assert "Traceback" not in done.err
    assert node.shell("pcs cluster cib | sed '/<status/,$d'").out == before
