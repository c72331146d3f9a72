"""Labs as a whole: nothing is left behind, several live side by side, users have theirs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import need_lab, wait_until

from paceline.lab.lab import Lab, LabError, all_labs
from paceline.lab.places import end_process, labs_folder, read_record

pytestmark = pytest.mark.lab

# Makes an ordinary user with a range of ids, seen in this mount namespace only, and becomes him.
# Python may live where only root goes: the folder is laid open to him here, and nowhere else.
AS_USER = """
set -eu
printf 'labtester:500000:65536\\n' > "$1/subid"
{ cat /etc/passwd; echo 'labtester:x:20001:20001::/tmp/labtester:/bin/sh'; } > "$1/passwd"
mount --bind "$1/subid" /etc/subuid
mount --bind "$1/subid" /etc/subgid
mount --bind "$1/passwd" /etc/passwd
python=$2 home=$1/home
mkdir -p "$1/python" "$home"
mount --bind "$python" "$1/python"
case $python in /root/*) mount -t tmpfs -o mode=755 tmpfs /root ;; esac
mkdir -p "$python"
mount --bind "$1/python" "$python"
mount -t tmpfs -o mode=755 tmpfs /tmp
mkdir -p /tmp/labtester
chown 20001:20001 /tmp/labtester
shift 2
cd /
exec setpriv --reuid 20001 --regid 20001 --clear-groups env -i HOME=/tmp/labtester \\
    PATH=/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$1" "$2" -c "$3"
"""
USER_STORY = """
import time
from paceline.lab import cluster
from paceline.lab.lab import Lab
with Lab("mine", nodes=2) as lab:
    one, two = lab.nodes
    assert one.run(["id", "-u"]).out == "0\\n"
    one.run(["chpasswd"], text="hacluster:secret\\n").check()
    one.shell("chown hacluster:haclient /var/lib/paceline").check()
    lab.crash("worker2"); lab.boot("worker2")
    lab.cut("worker1"); lab.heal()
    lab.freeze("worker1"); lab.thaw("worker1")
    lab.fill("worker1")
    assert not one.shell("head -c 1M /dev/zero > /var/lib/more").is_ok
    lab.heal()
    assert two.run(["fence_lab", "-o", "reboot", "-n", "worker1"]).code == 0
    assert lab.state.shared_disk == ""
    while lab.state.power("worker1") != "on":
        time.sleep(0.02)
    cluster.set_up(lab, lambda line: None)
    assert "Online: [ worker1 worker2 ]" in one.run(["pcs", "status"]).out
assert not lab.paths.root.exists()
print("all of it")
"""


def traces(name: str) -> list[str]:
    """Return everything on this machine that still tells of a lab."""
    found = []
    folder = name if name.startswith("/") else str(labs_folder() / name)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if folder in words:
                found.append(words)
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if folder in line]
    loops = Path("/sys/block").glob("loop*/loop/backing_file")
    for file in loops:
        try:
            found += [line for line in file.read_text().splitlines() if folder in line]
        except OSError:
            continue
    if folder != name and Path(folder).exists():
        found.append(folder)
    return found


def links() -> set[str]:
    """Return the machine's own network interfaces."""
    return set(os.listdir("/sys/class/net"))


def test_nothing_is_left_when_a_lab_is_down() -> None:
    need_lab()
    name = f"left-{os.getpid()}"
    before = links()
    lab = Lab(name, nodes=1)
    lab.up()
    assert traces(name)
    assert links() == before
    lab.down()
    wait_until(lambda: not traces(name), "the kernel to let go of the lab's disk")
    assert links() == before


def test_nothing_is_left_when_a_node_was_frozen() -> None:
    need_lab()
    name = f"froze-{os.getpid()}"
    lab = Lab(name, nodes=1)
    lab.up()
    lab.freeze("worker1")
    lab.down()
    wait_until(lambda: not traces(name), "everything to end")
    lab.down()


def test_lab_ends_with_its_keeper_and_the_next_list_removes_its_files() -> None:
    need_lab()
    name = f"kill-{os.getpid()}"
    lab = Lab(name, nodes=1)
    lab.up()
    record = read_record(lab.paths)
    assert record is not None
    assert end_process(record.pid)
    assert not lab.is_up
    with pytest.raises(LabError, match="is not up"):
        lab.crash("worker1")
    assert name not in {known.spec.name for known in all_labs()}
    wait_until(lambda: not traces(name), "everything to end")


def test_up_says_why_when_a_node_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(LabError) as refused:
        Lab(f"none-{os.getpid()}").up()
    assert "apt-get install" in str(refused.value)
    assert "bubblewrap" in str(refused.value)


def test_disks_in_a_folder_are_real_and_leave_nothing_there(tmp_path: Path) -> None:
    need_lab()
    if os.geteuid() != 0:
        pytest.skip("loop devices need root")
    name = f"real-{os.getpid()}"
    with Lab(name, nodes=1, disk_mib=64, disk_folder=str(tmp_path)) as lab:
        node = lab.node("worker1")
        assert node.run(["stat", "-f", "-c", "%T", "/var"]).out == "ext2/ext3\n"
        assert list(tmp_path.iterdir()) == []
        lab.fill("worker1")
        assert "No space left" in node.shell("head -c 64k /dev/zero > /var/lib/more").err
        lab.heal()
        assert node.shell("head -c 1M /dev/zero > /var/lib/more && sync").is_ok
        lab.crash("worker1")
        lab.boot("worker1")
        assert node.run(["stat", "-c", "%s", "/var/lib/more"]).out == "1048576\n"
    wait_until(lambda: not traces(str(tmp_path)), "the kernel to let go of the images")


def test_second_up_of_one_name_is_refused() -> None:
    need_lab()
    with Lab(f"twice-{os.getpid()}", nodes=1) as lab, pytest.raises(LabError, match="up already"):
        Lab(lab.spec.name).up()


def test_labs_live_side_by_side_with_the_same_addresses() -> None:
    need_lab()
    names = (f"one-{os.getpid()}", f"two-{os.getpid()}")
    with Lab(names[0], nodes=1) as one, Lab(names[1], nodes=3) as two:
        assert set(names) <= {lab.spec.name for lab in all_labs()}
        one.node("worker1").write_text("/root/word", "one")
        assert not two.node("worker1").run(["test", "-e", "/root/word"]).is_ok
        assert two.node("worker3").address == "192.168.222.33"
        with pytest.raises(LabError, match="no 'worker2'"):
            one.node("worker2")


def test_ordinary_user_has_a_whole_lab(tmp_path: Path) -> None:
    need_lab()
    if os.geteuid() != 0:
        pytest.skip("the other tests run as an ordinary user already")
    tmp_path.chmod(0o755)
    source = str(Path(__file__).resolve().parents[2] / "src")
    words = [str(tmp_path), sys.base_prefix, source, sys.executable, USER_STORY]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", AS_USER, "sh", *words],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout == "all of it\n", done.stderr
