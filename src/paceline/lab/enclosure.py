"""What a member sees of the machine, as arguments for bubblewrap.

The host's top folders are there read-only; /etc, /var, /root and the places to mount things are the
member's own disk; /run, /tmp and /dev/shm are empty at each boot. Our programs lie over /usr/sbin
(agents call the cluster's tools there by their full names), so those of an installed Pacemaker are
never found.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from paceline.lab.layout import NODE_RUN, OCF_AGENTS, LabPaths

_FROM_DISK = ("etc", "var", "root", "mnt", "media", "srv")
_EMPTY = ("run", "tmp")
_OTHERS = ("dev", "proc", "sys", "lost+found")
# Read from the host although /var is the member's: `doctor` asks the package manager.
_HOST_VAR = (Path("/var/lib/dpkg"), Path("/var/lib/rpm"))
# Programs that exist outside of /usr/sbin too and must be ours.
_REPLACED = (Path("/usr/bin/systemctl"),)
_SYSRQ = Path("/proc/sysrq-trigger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """One member's view. `top` lists the host's root folder: name and link target ("" if none)."""

    member: str
    paths: LabPaths
    top: tuple[tuple[str, str], ...]
    needed: tuple[Path, ...]
    info_file: int
    block_file: int

    def arguments(self, command: tuple[str, ...]) -> list[str]:
        """Return the whole bwrap command line."""
        return [
            "bwrap",
            "--unshare-net", "--unshare-pid", "--unshare-uts", "--unshare-ipc",
            "--hostname", self.member,
            "--cap-add", "ALL",
            "--as-pid-1", "--die-with-parent",
            "--info-fd", str(self.info_file), "--block-fd", str(self.block_file),
            *self._top(),
            *self._volatile(),
            *self._programs(),
            "--chdir", "/",
            *command,
        ]  # fmt: skip

    def _top(self) -> list[str]:
        disk = self.paths.disk(self.member)
        words = []
        for name, target in self.top:
            if name in (*_FROM_DISK, *_EMPTY, *_OTHERS):
                continue
            words += ["--symlink", target, f"/{name}"] if target else _read_only(Path("/", name))
        for name in _FROM_DISK:
            words += ["--bind", str(disk / name), f"/{name}"]
        for path in _HOST_VAR:
            words += ["--ro-bind-try", str(path), str(path)]
        return words

    def _volatile(self) -> list[str]:
        words = [
            "--perms", "0755", "--tmpfs", "/run",
            "--perms", "1777", "--tmpfs", "/tmp",
            "--dev", "/dev",
            "--perms", "1777", "--tmpfs", "/dev/shm",
            "--proc", "/proc",
            "--bind", str(self.paths.run(self.member)), str(NODE_RUN),
            # Init mounts its own over it; in a user namespace only where one is in sight.
            "--ro-bind", "/sys", "/sys",
        ]  # fmt: skip
        if _SYSRQ.exists():
            # A daemon that panics is known to write there: it would reboot the machine.
            words += _read_only_at(Path("/dev/null"), _SYSRQ)
        # After the empty folders: the checkout or Python may live below one of them.
        for path in self.needed:
            if path.parts[1] in (*_FROM_DISK, *_EMPTY):
                words += _read_only(path)
        return words

    def _programs(self) -> list[str]:
        words = _read_only_at(self.paths.sbin, Path("/usr/sbin").resolve())
        for path in _REPLACED:
            if path.exists():
                # From the joined folder: the lab's own may lie where nothing may be executed.
                words += _read_only_at(self.paths.sbin / path.name, path)
        if OCF_AGENTS.is_dir():
            words += _read_only_at(self.paths.agents, OCF_AGENTS.resolve())
        return words


def _read_only(path: Path) -> list[str]:
    return _read_only_at(path, path)


def _read_only_at(source: Path, target: Path) -> list[str]:
    return ["--ro-bind", str(source), str(target)]


def host_top() -> tuple[tuple[str, str], ...]:
    """Return the entries of the host's root folder that are folders or links to folders."""
    found = []
    for path in sorted(Path("/").iterdir()):
        if path.is_symlink():
            found.append((path.name, str(path.readlink())))
        elif path.is_dir():
            found.append((path.name, ""))
    return tuple(found)


def needed_paths() -> tuple[Path, ...]:
    """Return what our programs need to run: this package, its libraries, the interpreter."""
    package = Path(__file__).resolve().parents[2]
    interpreter = Path(sys.base_prefix)
    libraries = Path(sys.prefix)
    return tuple(sorted({package, interpreter, interpreter.resolve(), libraries}))
