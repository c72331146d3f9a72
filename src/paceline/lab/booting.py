"""What a machine does before its first service: mounts, folders in /run, the network."""

import contextlib
import ctypes
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import run

from paceline.lab import layout, network

_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND = 1, 2, 4, 8, 4096
_MS_REMOUNT = 32
_MNT_DETACH = 2


def _mount(source: str, target: str, kind: str, flags: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    text = (part.encode() for part in (source, target, kind))
    return bool(libc.mount(*text, ctypes.c_ulong(flags), None) == 0)


def prepare() -> None:
    """Make what a booted machine has: /sys of this namespace, folders in /run, the network."""
    _mount("sysfs", "/sys", "sysfs", _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _open_network_settings()
    for name, mode in (
        ("lock", 0o1777), ("lock/subsys", 0o755), ("resource-agents", 0o1755), ("httpd", 0o755),
        ("apache2", 0o755), ("lock/apache2", 0o755), ("user", 0o755), ("paceline", 0o755),
        ("corosync-qdevice", 0o770), ("corosync-qnetd", 0o770), ("booth", 0o755),
    ):  # fmt: skip
        folder = Path("/run", name)
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)
    layout.NODE_LOG.mkdir(parents=True, exist_ok=True)


def _open_network_settings() -> None:
    """Make /proc/sys/net writable, and nothing else there: the rest is the host's."""
    aside = Path("/run/proc")
    aside.mkdir()
    if _mount("proc", str(aside), "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC):
        _mount(f"{aside}/sys/net", "/proc/sys/net", "", _MS_BIND)
        ctypes.CDLL(None).umount2(str(aside).encode(), _MNT_DETACH)
    aside.rmdir()


def make_shared_disk(major: int, minor: int) -> None:
    """Make the device node of the disk that all nodes share.

    A node of its own, not the host's bound there: a bound one is a mount, and the Filesystem agent
    unmounts whatever is mounted from or at its device.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount(None, b"/dev", None, ctypes.c_ulong(_MS_REMOUNT | _MS_NOSUID), b"mode=755")
    try:
        os.mknod(layout.NODE_SHARED_DISK, stat.S_IFBLK | 0o660, os.makedev(major, minor))
    except OSError as error:
        # A container that forbids it: the node is good for all else.
        print(f"no shared disk: {error}", file=sys.stderr)


def set_up_network(member: str, environment: Mapping[str, str]) -> None:
    """Give the member its addresses; what `ip` says goes to the console."""
    for setting in ("accept_dad", "router_solicitations", "autoconf"):
        with contextlib.suppress(OSError):
            Path("/proc/sys/net/ipv6/conf/default", setting).write_text("0")
    for device in layout.NETWORKS:
        with contextlib.suppress(OSError):
            Path("/proc/sys/net/ipv6/conf", device.device, "accept_dad").write_text("0")
    commands = network.member_commands(member)
    done = run(
        ["ip", "-batch", "-"],
        input=commands.encode(), capture_output=True, env=dict(environment), check=False,
    )  # fmt: skip
    sys.stderr.write(done.stderr.decode(errors="replace"))
