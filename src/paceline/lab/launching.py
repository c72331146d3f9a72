"""How a lab's keeper is started: the right namespaces for root and for an ordinary user."""

import os
import pwd
import select
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from paceline.lab.layout import LabPaths

READY_TIMEOUT_S = 120
# As useradd gives them.
_RANGE_FIRST = 100_000
_RANGE_SIZE = 65_536
_NEEDED = {
    "bwrap": "bubblewrap",
    "ip": "iproute2",
    "nft": "nftables",
    "unshare": "util-linux",
    "mount": "mount",
    "corosync": "corosync",
}
_NEEDED_BY_USERS = {"newuidmap": "uidmap", "newgidmap": "uidmap"}
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_CLONE = Path("/proc/sys/kernel/unprivileged_userns_clone")
_MAX = Path("/proc/sys/user/max_user_namespaces")


class LaunchError(Exception):
    """The lab cannot be made here; the text says why and what to do."""


def check_machine() -> None:
    """Raise LaunchError naming everything that is missing, with the command that brings it."""
    is_user = os.geteuid() != 0
    needed = {**_NEEDED, **(_NEEDED_BY_USERS if is_user else {})}
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = {
        name: package for name, package in needed.items() if not shutil.which(name, path=path)
    }
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise LaunchError(
            f"missing programs: {', '.join(sorted(missing))}\n"
            f"Install them with: sudo apt-get install --no-install-recommends {packages}"
        )
    if is_user:
        _check_user_namespaces()


def check_disks(folder: str) -> None:
    """Raise LaunchError if the disks cannot be images in this folder."""
    if folder and os.geteuid() != 0:
        raise LaunchError("disks in a folder are loop devices, which need root")
    if folder and not Path(folder).is_dir():
        raise LaunchError(f"there is no folder {folder} for the disks")


def _check_user_namespaces() -> None:
    if _reads(_CLONE) == "0":
        raise LaunchError(
            "this kernel keeps user namespaces from ordinary users\n"
            "Allow them with: sudo sysctl -w kernel.unprivileged_userns_clone=1\n"
            "or run the lab as root."
        )
    if _reads(_MAX) == "0":
        raise LaunchError(
            "user namespaces are switched off here\n"
            "Allow them with: sudo sysctl -w user.max_user_namespaces=15000\n"
            "or run the lab as root."
        )
    if _reads(_APPARMOR) == "1" and not _may_mount():
        raise LaunchError(
            "AppArmor keeps user namespaces from ordinary users here (Ubuntu 24.04 and later)\n"
            "Allow them with: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n"
            "or run the lab as root."
        )
    for name in ("/etc/subuid", "/etc/subgid"):
        if not _has_range(Path(name)):
            user, first = _user_name(), _free_range(_reads(Path(name)))
            last = first + _RANGE_SIZE - 1
            raise LaunchError(
                f"{user} has no range of ids in {name}, which a lab needs (hacluster, www-data)\n"
                f"Give one with: sudo usermod --add-subuids {first}-{last}"
                f" --add-subgids {first}-{last} {user}\n"
                "or run the lab as root."
            )


def _free_range(text: str) -> int:
    """Return where the next range of ids can begin: after all that are given already."""
    ends = [_RANGE_FIRST]
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) == 3 and fields[1].isdigit() and fields[2].isdigit():
            ends.append(int(fields[1]) + int(fields[2]))
    return max(ends)


def _may_mount() -> bool:
    """Say whether a user namespace of ours is good for anything."""
    command = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "mount",
        "-t",
        "tmpfs",
        "x",
        "/mnt",
    ]
    done = subprocess.run(command, capture_output=True, timeout=10, check=False)
    return done.returncode == 0


def _reads(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _has_range(path: Path) -> bool:
    names = {_user_name(), str(os.geteuid())}
    return any(line.split(":")[0] in names for line in _reads(path).splitlines())


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A keeper that was started: what holds it (`unshare`), and where it says that it is ready."""

    held: subprocess.Popen[bytes]
    ready_file: int

    @property
    def pid(self) -> int:
        """The process whose end is the lab's end."""
        return self.held.pid


def start_keeper(paths: LabPaths) -> Launch:
    """Start the keeper in its namespaces; `wait_ready` follows."""
    ready_in, ready_out = os.pipe()
    namespaces = ["--net", "--mount", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        namespaces = ["--user", "--map-root-user", "--map-auto", *namespaces]
    command = [
        "unshare", *namespaces, "--",
        sys.executable, "-m", "paceline.lab.keeper", str(paths.root), str(ready_out),
    ]  # fmt: skip
    with open(paths.log, "ab") as log:
        held = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            pass_fds=(ready_out,), start_new_session=True, cwd="/", env=_environment(),
        )  # fmt: skip
    os.close(ready_out)
    return Launch(held=held, ready_file=ready_in)


def wait_ready(launch: Launch, paths: LabPaths) -> None:
    """Wait until the lab is up. Raises LaunchError with the keeper's own words."""
    poller = select.poll()
    poller.register(launch.ready_file, select.POLLIN)
    with os.fdopen(launch.ready_file, "rb") as ready:
        if not poller.poll(READY_TIMEOUT_S * 1000):
            raise LaunchError(f"the lab was not up after {READY_TIMEOUT_S} s\n{_explain(paths)}")
        answer = ready.readline().decode(errors="replace").strip()
        if answer != "ready":
            answer = "\n".join((answer, ready.read().decode(errors="replace"))).strip()
            raise LaunchError(answer or _explain(paths))


def _environment() -> dict[str, str]:
    source = str(Path(__file__).resolve().parents[2])
    path = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"
    return {"PATH": path, "PYTHONPATH": source, "LANG": "C.UTF-8"}


def _explain(paths: LabPaths) -> str:
    words = paths.log.read_text(errors="replace").strip()
    return f"the lab did not come up:\n{words}"
