"""A real systemd as process 1 of namespaces of its own, with a few made-up units. Needs root.

The machine's files are there read-only, its units are not: /etc/systemd/system is private and the
boot target pulls in D-Bus alone, so nothing of the machine is started.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

SYSTEMD = Path("/lib/systemd/systemd")
BOOT_SECONDS_MAX = 20.0
SOURCE = Path(__file__).parents[3] / "src"
_PLAIN = "[Unit]\nDefaultDependencies=no\n"
_DBUS = "dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation"
_UNITS = {
    "test.target": f"{_PLAIN}Requires=dbus.socket\nAfter=dbus.socket\n",
    "dbus.socket": f"{_PLAIN}[Socket]\nListenStream=/run/dbus/system_bus_socket\n",
    "dbus.service": f"{_PLAIN}Requires=dbus.socket\n[Service]\nExecStart=/usr/bin/{_DBUS}\n",
    "web.service": f"{_PLAIN}[Service]\nExecStart=/bin/sleep 1000\nRestart=always\n",
    "bad.service": f"{_PLAIN}[Service]\nType=oneshot\nExecStart=/bin/false\n",
    "slow.service": f"{_PLAIN}[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n",
}
_BOOT = (
    "mount -t cgroup2 none /sys/fs/cgroup && mkdir -p /run/systemd/system /run/dbus && "
    f"exec env container=bwrap {SYSTEMD} --system --unit=test.target --log-level=err"
)


def can_run() -> bool:
    """Say whether a systemd can be booted here."""
    return os.geteuid() == 0 and SYSTEMD.exists() and bool(shutil.which("bwrap"))


@contextlib.contextmanager
def booted(folder: Path) -> Iterator[list[str]]:
    """Boot a systemd; give the words that run a command beside it."""
    units = folder / "units"
    units.mkdir()
    for name, text in _UNITS.items():
        (units / name).write_text(text)
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [
            "unshare", "--cgroup", "bwrap", "--unshare-net", "--unshare-pid", "--unshare-uts",
            "--unshare-ipc", "--as-pid-1", "--ro-bind", "/", "/", "--dev", "/dev",
            "--proc", "/proc", "--tmpfs", "/run", "--tmpfs", "/tmp", "--tmpfs", "/var/log",
            "--tmpfs", "/var/lib/systemd", "--bind", str(units), "/etc/systemd/system",
            "--ro-bind", "/sys", "/sys", "--tmpfs", "/sys/fs/cgroup", "--cap-add", "ALL",
            "--die-with-parent", "--info-fd", str(write_end), "sh", "-c", _BOOT,
        ],
        pass_fds=[write_end],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write_end)
    with os.fdopen(read_end) as info:
        pid = int(json.load(info)["child-pid"])
    enter = ["nsenter", "-t", str(pid), "-m", "-p", "-n", "-u", "-i"]
    try:
        _wait(enter)
        yield enter
    finally:
        os.kill(pid, signal.SIGKILL)
        process.wait()


def _wait(enter: list[str]) -> None:
    until = time.monotonic() + BOOT_SECONDS_MAX
    check = [*enter, "systemctl", "is-active", "test.target"]
    while subprocess.run(check, capture_output=True).returncode:
        if time.monotonic() > until:
            raise AssertionError("systemd did not come up in its namespaces")
        time.sleep(0.05)
