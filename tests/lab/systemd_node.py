"""A node whose first process is a real systemd: root only, its own namespaces and cgroup.

Everything that systemd writes (/etc, /var, /usr/local, /tmp) goes to an overlay in a folder of the
test; /run and /dev/shm are its own. Killing its first process ends it.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

BOOT_SECONDS = 30
BOOT = r"""
set -e
mount --make-rprivate /
mkdir "$2"
echo $$ > "$2/cgroup.procs"
exec unshare --cgroup bash -c '
set -e
mount --bind "$1" /mnt
for name in etc var usr/local opt tmp; do
    own=/mnt/$name
    mkdir -p "$own/up" "$own/work"
    mount -t overlay overlay -o "lowerdir=/$name,upperdir=$own/up,workdir=$own/work" "/$name"
done
if mountpoint -q /sys/fs/cgroup; then umount -R /sys/fs/cgroup; fi
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mount -t proc proc /proc
[ ! -e /proc/sysrq-trigger ] || mount --bind /dev/null /proc/sysrq-trigger
hostname "$2"
echo "$2" > /etc/hostname
echo "127.0.0.1 localhost
192.168.77.1 sdnode
192.168.77.31 worker1
192.168.77.32 worker2" > /etc/hosts
rm -f /etc/machine-id && : > /etc/machine-id
find /etc/systemd/system -name "*.service" -path "*.wants/*" -delete
for unit in getty@tty1 serial-getty@ttyS0 console-getty systemd-tmpfiles-setup-dev \
    systemd-udevd systemd-udev-trigger systemd-sysctl systemd-modules-load; do
    ln -sf /dev/null "/etc/systemd/system/$unit.service"
done
ip link set lo up
ip link add service0 type bridge
ip link set service0 up
ip addr add "$3/24" dev service0
export container=paceline-test
exec /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal
' boot "$1" "$3" "$4"
"""
NAME = "sdnode"
ADDRESSES = {NAME: "192.168.77.1", "worker1": "192.168.77.31", "worker2": "192.168.77.32"}


def why_not() -> str:
    """Return why no such node can be made here; empty where one can."""
    if os.geteuid() != 0:
        return "a node with systemd needs root"
    if not Path("/lib/systemd/systemd").exists():
        return "systemd is not installed"
    if find_cgroup2() is None:
        return "no cgroup2 is mounted"
    return ""


def find_cgroup2() -> Path | None:
    """Return where this machine has its cgroup2."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(folder)
    return None


class SystemdNode:
    """One node; use it in a `with`."""

    def __init__(self, folder: Path, name: str = NAME) -> None:
        """Describe it; `folder` holds what it writes, `name` is one of ADDRESSES."""
        self._folder = folder
        self.name = name
        cgroup = find_cgroup2()
        assert cgroup is not None
        self._cgroup = cgroup / f"paceline-test-{os.getpid()}-{name}"
        self._outer: subprocess.Popen[bytes] | None = None
        self._first = 0

    def __enter__(self) -> "SystemdNode":
        """Boot it and wait until its jobs are done."""
        words = ["unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--net"]
        self._outer = subprocess.Popen(
            [
                *words,
                "bash",
                "-c",
                BOOT,
                "boot",
                str(self._folder),
                str(self._cgroup),
                self.name,
                ADDRESSES[self.name],
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "boot.log").open("wb"),
        )
        self._first = self._find_first(time.monotonic() + BOOT_SECONDS)
        deadline = time.monotonic() + BOOT_SECONDS
        while self.run("systemctl is-system-running").stdout.strip() not in ("running", "degraded"):
            assert time.monotonic() < deadline, self.run("systemctl list-jobs").stdout
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        """End it and everything in it."""
        if self._first:
            os.kill(self._first, signal.SIGKILL)
        assert self._outer is not None
        self._outer.wait(timeout=BOOT_SECONDS)
        remove_cgroup(self._cgroup)
        shutil.rmtree(self._folder, ignore_errors=True)

    def connect(self, other: "SystemdNode") -> None:
        """Plug a cable in: both are in one network from now on."""
        ends = f"cable netns {self._first} type veth peer name cable netns {other._first}"
        subprocess.run(["ip", "link", "add", *ends.split()], check=True)
        for node in (self, other):
            node.run("ip link set cable master service0 up")

    def run(self, line: str) -> "subprocess.CompletedProcess[str]":
        """Run a line in the node."""
        enter = ["nsenter", "-t", str(self._first), "-m", "-p", "-u", "-i", "-n", "-C"]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        return subprocess.run(
            [*enter, "bash", "-c", line],
            capture_output=True,
            text=True,
            timeout=120,
            env=environment,
            check=False,
        )

    def _find_first(self, deadline: float) -> int:
        assert self._outer is not None
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        while time.monotonic() < deadline:
            for child in children.read_text().split():
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
            time.sleep(0.1)
        raise AssertionError((self._folder / "boot.log").read_text())


def remove_cgroup(folder: Path) -> None:
    """Remove a cgroup and those below it, once they are empty."""
    deadline = time.monotonic() + 5
    while folder.exists() and time.monotonic() < deadline:
        for each in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
            try_to_remove(each)
        try_to_remove(folder)
        time.sleep(0.1)


def try_to_remove(folder: Path) -> None:
    """Remove a cgroup if it is empty by now."""
    try:
        folder.rmdir()
    except OSError:
        return
