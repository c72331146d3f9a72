"""What can be done to the nodes of a lab, on real ones."""

import os
import time

import pytest
from conftest import wait_until

from paceline.lab.lab import Lab, LabError, Member
from paceline.lab.layout import CLIENT, NODE_SHARED_DISK

pytestmark = pytest.mark.lab

ALL_NODES = ("worker1", "worker2")


def reaches(member: Member, address: str) -> bool:
    """Say whether a connection gets an answer, were it a refusal, within half a second."""
    probe = f"exec 3<>/dev/tcp/{address}/9"
    return member.run(["timeout", "0.5", "bash", "-c", probe]).code != 124


def test_node_has_names_addresses_and_accounts_of_the_notes(lab: Lab) -> None:
    node = lab.node("worker1")
    assert node.run(["hostname"]).out == "worker1\n"
    addresses = node.run(["ip", "-brief", "addr"]).out
    assert "192.168.222.31/24" in addresses
    assert "172.16.1.31/24" in addresses
    assert "192.168.222.30  worker\n" in node.read_text("/etc/hosts")
    assert node.run(["id", "-gn", "hacluster"]).out == "haclient\n"


def test_command_passes_input_outputs_and_exit_status(lab: Lab) -> None:
    done = lab.node("worker1").run(["sh", "-c", "cat; echo bad >&2; exit 7"], text="good\n")
    assert (done.code, done.out, done.err) == (7, "good\n", "bad\n")


def test_command_that_does_not_exist_is_127(lab: Lab) -> None:
    assert lab.node("worker1").run(["no-such-program"]).code == 127


def test_command_has_its_three_files_and_no_others(lab: Lab) -> None:
    assert lab.node("worker1").run(["ls", "/proc/self/fd"]).out.split() == ["0", "1", "2", "3"]


def test_command_ends_with_its_process_when_it_leaves_one_behind(lab: Lab) -> None:
    begun = time.monotonic()
    assert lab.node("worker1").shell("setsid sleep 20 & exit 0").is_ok
    assert time.monotonic() - begun < 10


def test_command_is_ended_when_its_time_is_over(lab: Lab) -> None:
    node = lab.node("worker1")
    with pytest.raises(LabError, match="did not end"):
        node.run(["sleep", "61.5"], timeout_s=0.2)
    wait_until(lambda: not node.run(["pgrep", "-f", "sleep 61.5"]).is_ok, "the command to end")


def test_disk_survives_a_crash_and_what_is_volatile_does_not(lab: Lab) -> None:
    node = lab.node("worker1")
    node.write_text("/var/lib/kept", "kept")
    node.write_text("/run/lost", "lost")
    boot_id = node.read_text("/run/paceline-lab/boot-id")
    lab.crash("worker1")
    assert lab.state.power("worker1") == "off"
    with pytest.raises(LabError, match="not running"):
        node.run(["true"])
    lab.boot("worker1")
    assert node.read_text("/var/lib/kept") == "kept"
    assert not node.run(["test", "-e", "/run/lost"]).is_ok
    assert node.read_text("/run/paceline-lab/boot-id") != boot_id


SERVER = """
import socket
listener = socket.create_server(("", 9000))
held = listener.accept()
print("accepted", flush=True)
listener.accept()
"""
CLIENT_OF_SERVER = """
import socket, time
while True:
    try:
        link = socket.create_connection(("192.168.222.31", 9000), timeout=5)
        break
    except ConnectionRefusedError:
        time.sleep(0.02)
print("connected", flush=True)
link.settimeout(1.5)
try:
    print("goodbye" if link.recv(1) == b"" else "bytes")
except TimeoutError:
    print("silence")
except OSError as error:
    print(error)
"""


def test_crash_says_no_goodbye_to_those_who_are_connected(lab: Lab) -> None:
    with (
        lab.node("worker1").start(["python3", "-c", SERVER]) as server,
        lab.client.start(["python3", "-c", CLIENT_OF_SERVER]) as client,
    ):
        assert os.read(server.stdout, 100) == b"accepted\n"
        lab.crash("worker1")
        done = client.communicate("", timeout_s=10)
    assert done.out == "connected\nsilence\n"


def test_cut_drops_everything_and_leaves_the_link_up(lab: Lab) -> None:
    one, client = lab.node("worker1"), lab.client
    lab.cut("worker1")
    assert not reaches(one, "192.168.222.32")
    assert not reaches(client, "172.16.1.31")
    assert "state UP" in one.run(["ip", "link", "show", "ens33"]).out
    lab.heal("worker1")
    # A neighbour that was asked for in vain is asked for again after a second only.
    wait_until(lambda: reaches(one, "192.168.222.32"), "worker2 to be reached again")
    wait_until(lambda: reaches(client, "172.16.1.31"), "worker1 to be reached again")


def test_cut_between_two_leaves_the_client(lab: Lab) -> None:
    lab.cut("worker1", "worker2")
    assert not reaches(lab.node("worker1"), "192.168.222.32")
    assert not reaches(lab.node("worker2"), "172.16.1.31")
    wait_until(lambda: reaches(lab.client, "192.168.222.31"), "the client to reach worker1")


def test_cut_of_one_link_leaves_the_other(lab: Lab) -> None:
    lab.cut("worker1", device="ens33")
    assert not reaches(lab.node("worker1"), "192.168.222.32")
    wait_until(lambda: reaches(lab.node("worker1"), "172.16.1.32"), "the other link")


def test_freeze_stops_everything_until_thaw(lab: Lab) -> None:
    node = lab.node("worker2")
    with node.start(["sh", "-c", "while sleep 0.05; do date +%s%N > /run/beat; done"]):
        wait_until(lambda: node.run(["test", "-s", "/run/beat"]).is_ok, "the first beat")
        lab.freeze("worker2")
        assert lab.state.power("worker2") == "frozen"
        frozen_at_ns = time.time_ns()
        with pytest.raises(LabError):
            node.run(["true"], timeout_s=0.5)
        lab.thaw("worker2")
        beat = node.shell("sleep 0.2; cat /run/beat").out
    assert int(beat) > frozen_at_ns
    assert lab.state.power("worker2") == "on"


def test_frozen_node_can_be_crashed(lab: Lab) -> None:
    lab.freeze("worker2")
    lab.crash("worker2")
    assert lab.state.power("worker2") == "off"


def test_fill_leaves_no_room_on_this_node_only(lab: Lab) -> None:
    lab.fill("worker1")
    done = lab.node("worker1").shell("head -c 1M /dev/zero > /var/lib/more")
    assert "No space left" in done.err
    assert lab.node("worker2").shell("head -c 1M /dev/zero > /var/lib/more").is_ok
    lab.heal("worker1")
    assert lab.node("worker1").shell("head -c 1M /dev/zero > /var/lib/more").is_ok


def test_spoil_loses_all_when_the_loss_is_whole(lab: Lab) -> None:
    lab.spoil("worker1", loss_percent=100)
    assert not reaches(lab.client, "192.168.222.31")


def test_spoil_delays_each_way(lab: Lab) -> None:
    probe = "exec 3<>/dev/tcp/192.168.222.31/9"
    # The neighbour is known first: its own question would be delayed too.
    wait_until(lambda: reaches(lab.client, "192.168.222.31"), "worker1 to be reached")
    lab.spoil("worker1", delay_ms=100)
    begun = time.monotonic()
    assert lab.client.run(["timeout", "5", "bash", "-c", probe]).code == 1
    assert time.monotonic() - begun >= 0.2
    lab.heal()
    begun = time.monotonic()
    lab.client.run(["timeout", "5", "bash", "-c", probe])
    assert time.monotonic() - begun < 0.2


def test_delay_stays_over_a_crash_of_the_node(lab: Lab) -> None:
    lab.spoil("worker1", delay_ms=100)
    lab.crash("worker1")
    lab.boot("worker1")
    begun = time.monotonic()
    probe = "exec 3<>/dev/tcp/192.168.222.31/9"
    assert lab.client.run(["timeout", "5", "bash", "-c", probe]).code == 1
    assert time.monotonic() - begun >= 0.2


def test_cut_holds_when_the_node_is_delayed(lab: Lab) -> None:
    lab.spoil("worker1", delay_ms=20)
    wait_until(lambda: reaches(lab.client, "192.168.222.31"), "worker1 to be reached, slowly")
    lab.cut("worker1")
    assert not reaches(lab.client, "192.168.222.31")


def test_probe_measures_a_cut(lab: Lab) -> None:
    with lab.client.probe("192.168.222.31") as probe:
        lab.cut("worker1")
        reaches(lab.node("worker1"), "192.168.222.1")
        lab.heal()
        wait_until(lambda: reaches(lab.client, "192.168.222.31"), "the healed network")
        lab.client.run(["sleep", "0.2"])
    (outage,) = probe.outages
    assert outage.is_over
    assert 450 <= outage.duration_ms <= 5000


def test_reboot_from_inside_comes_back_by_itself(lab: Lab) -> None:
    boots = dict(lab.state.boots)["worker1"]
    lab.node("worker1").run(["reboot"])
    wait_until(
        lambda: dict(lab.state.boots)["worker1"] > boots and lab.state.power("worker1") == "on",
        "the node to be back",
    )


def test_poweroff_from_inside_stays_off(lab: Lab) -> None:
    lab.node("worker1").run(["poweroff"])
    wait_until(lambda: lab.state.power("worker1") == "off", "the node to be off")


def test_fence_agent_switches_power_and_the_ledger_knows_who(lab: Lab) -> None:
    two = lab.node("worker2")
    before = len(lab.ledger())
    options = "plug=worker1\nnodename=worker1\n"
    assert two.run(["fence_lab"], text=f"action=status\n{options}").code == 0
    assert two.run(["fence_lab"], text=f"action=off\n{options}").code == 0
    assert two.run(["fence_lab"], text=f"action=status\n{options}").code == 2
    assert lab.state.power("worker1") == "off"
    assert two.run(["fence_lab", "-o", "on", "-n", "worker1"]).code == 0
    entries = lab.ledger()[before:]
    assert [(entry.asker, entry.verb, entry.plug) for entry in entries] == [
        ("worker2", "off", "worker1"),
        ("worker2", "on", "worker1"),
    ]


def test_fence_agent_fails_when_the_switch_is_broken(lab: Lab) -> None:
    lab.break_power("worker1")
    done = lab.node("worker2").run(["fence_lab", "-o", "off", "-n", "worker1"])
    assert done.code == 1
    assert "does not answer" in done.err
    assert lab.state.power("worker1") == "on"


def test_shared_disk_is_one_for_all_nodes(lab: Lab) -> None:
    if not lab.state.shared_disk:
        pytest.skip("a shared disk needs root")
    one, two = (lab.node(name) for name in ALL_NODES)
    # Its node is no mount: the Filesystem agent unmounts what is mounted at its device.
    assert NODE_SHARED_DISK not in one.read_text("/proc/mounts")
    one.shell(f"mkfs.ext4 -q -F {NODE_SHARED_DISK} && mount {NODE_SHARED_DISK} /mnt").check()
    one.shell("echo one > /mnt/word && umount /mnt").check()
    assert two.shell(f"mount {NODE_SHARED_DISK} /mnt && cat /mnt/word; umount /mnt").out == "one\n"


def test_unknown_names_are_refused_with_what_there_is(lab: Lab) -> None:
    with pytest.raises(LabError, match="worker1, worker2, client"):
        lab.node("worker9")
    with pytest.raises(LabError, match="no 'worker9'"):
        lab.crash("worker9")
    with pytest.raises(LabError, match="ens33, ens37"):
        lab.cut("worker1", device="eth7")


def test_client_can_be_watched_from_and_has_no_services(lab: Lab) -> None:
    assert lab.node(CLIENT).run(["hostname"]).out == "client\n"
    assert lab.client.run(["systemctl", "is-active", "paceline-api"]).code == 3
