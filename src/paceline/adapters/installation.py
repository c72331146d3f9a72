"""Puts Paceline into a real machine's places: units, accounts, folders, the PAM service, links.

Everything that was made is written down in a manifest, so that it can be undone exactly; what was
there before is left alone. `root` is `/` but for tests.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

MANIFEST = "var/lib/paceline/installed.json"
UNIT_FOLDER = "etc/systemd/system"
UNIT_SEARCH = ("etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
PROGRAM_FOLDER = "usr/local/sbin"
PROGRAMS_ALWAYS = ("paceline", "paceline-daemon", "paceline-api")

RunTool = Callable[[tuple[str, ...]], tuple[int, str]]
"""Runs a program of the system: (exit status, what it printed)."""

FOLDERS = (
    ("etc/paceline", 0o750),
    ("var/lib/paceline", 0o700),
    ("var/log/paceline", 0o750),
    ("var/cache/paceline", 0o750),
)

DAEMON_UNIT = """\
[Unit]
Description=Paceline: keeps services running on a group of machines
Documentation=man:paceline(8)
Requires=corosync.service
After=corosync.service network-online.target time-sync.target

[Service]
Type=notify
ExecStart={programs}/paceline-daemon
# Reads /etc/paceline/paceline.conf anew.
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartPreventExitStatus=100
SuccessExitStatus=100
WatchdogSec=30
# Services that agents started live on when the daemon ends: it adopts them when it is back.
KillMode=process
SendSIGKILL=no
# A clean leave stops or moves every resource first.
TimeoutStopSec=30min
TasksMax=infinity

[Install]
WantedBy=multi-user.target
{alias}"""

API_UNIT = """\
[Unit]
Description=Paceline's node service: for the command line and the other nodes
Documentation=man:paceline(8)
After=network-online.target

[Service]
Type=notify
ExecStart={programs}/paceline-api
Restart=on-failure
RuntimeDirectoryPreserve=yes

[Install]
WantedBy=multi-user.target
{alias}"""

PAM_DEBIAN = "@include common-auth\n@include common-account\n"
PAM_OTHER = "auth include system-auth\naccount include system-auth\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit that is written, and the name that people know it by (an alias where it is free)."""

    name: str
    text: str
    alias: str


UNITS = (
    Unit(name="paceline.service", text=DAEMON_UNIT, alias="pacemaker.service"),
    Unit(name="paceline-api.service", text=API_UNIT, alias="pcsd.service"),
)


class Installation:
    """Installs into `root`, or takes away what an earlier installation made."""

    def __init__(self, *, root: Path, programs: Path, run_tool: RunTool) -> None:
        """Keep where to install, where our programs are, and how the system's tools are run."""
        self._root, self._programs, self._run_tool = root, programs, run_tool
        self._made: list[str] = []

    def install(self) -> tuple[str, ...]:
        """Install; return what was done, a line each. Doing it again changes nothing more.

        Raises InvalidRequestError beside a running Pacemaker or pcsd, and where programs miss.
        """
        self._check_programs()
        self._check_strangers()
        self._made = self._read_manifest()
        lines = [*self._accounts(), *self._folders(), *self._units(), *self._pam(), *self._links()]
        self._write_manifest()
        self._run_tool(("systemctl", "daemon-reload"))
        return tuple(lines) or ("Everything is in its place already.",)

    def uninstall(self) -> tuple[str, ...]:
        """Remove every file and link that `install` made; keep configuration, state and logs."""
        made = self._read_manifest()
        lines = []
        for name in reversed(made):
            path = self._root / name
            if path.is_symlink() or path.is_file():
                path.unlink()
                lines.append(f"removed /{name}")
        (self._root / MANIFEST).unlink(missing_ok=True)
        self._run_tool(("systemctl", "daemon-reload"))
        return tuple(lines) or ("Nothing of Paceline's was installed here.",)

    def _check_programs(self) -> None:
        missing = [p for p in PROGRAMS_ALWAYS if not (self._programs / p).exists()]
        if missing:
            raise InvalidRequestError(
                Report(
                    code="programs-missing",
                    message=f"{', '.join(missing)} not found in {self._programs}",
                    advice="run install by the `paceline` of the environment it was installed in",
                )
            )

    def _check_strangers(self) -> None:
        for unit, ours in (("pacemaker.service", UNITS[0]), ("pcsd.service", UNITS[1])):
            if self._is_ours(unit, ours.name):
                continue
            status, _ = self._run_tool(("systemctl", "is-active", "--quiet", unit))
            if status == 0:
                raise InvalidRequestError(
                    Report(
                        code="stranger-running",
                        message=f"{unit} is running on this machine",
                        advice=(
                            f"stop and disable it (systemctl disable --now {unit}); its cib.xml "
                            "can be taken over afterwards with `pcs cluster cib-push FILE`, and "
                            "/etc/corosync/corosync.conf serves as it is"
                        ),
                    )
                )

    def _is_ours(self, alias: str, name: str) -> bool:
        link = self._root / UNIT_FOLDER / alias
        return link.is_symlink() and Path(os.readlink(link)).name == name

    def _accounts(self) -> list[str]:
        lines = []
        if self._run_tool(("getent", "group", "haclient"))[0] != 0:
            self._must("group haclient", ("groupadd", "--system", "haclient"))
            lines.append("made the group haclient")
        if self._run_tool(("getent", "passwd", "hacluster"))[0] != 0:
            words = ("useradd", "--system", "--gid", "haclient", "--home-dir", "/var/lib/paceline")
            self._must("user hacluster", (*words, "--shell", "/usr/sbin/nologin", "hacluster"))
            lines.append("made the user hacluster; give it a password: passwd hacluster")
        return lines

    def _folders(self) -> list[str]:
        lines = []
        for name, mode in FOLDERS:
            folder = self._root / name
            if not folder.is_dir():
                folder.mkdir(parents=True)
                lines.append(f"made /{name}")
            folder.chmod(mode)
        return lines

    def _units(self) -> list[str]:
        lines = []
        for unit in UNITS:
            is_free = not self._has_foreign_unit(unit.alias, unit.name)
            alias = f"Alias={unit.alias}\n" if is_free else ""
            text = unit.text.format(programs=f"/{PROGRAM_FOLDER}", alias=alias)
            lines += self._write(f"{UNIT_FOLDER}/{unit.name}", text, 0o644)
            if is_free:
                lines += self._link(f"{UNIT_FOLDER}/{unit.alias}", unit.name)
            else:
                lines.append(f"{unit.alias} is another package's: left alone, use {unit.name}")
        return lines

    def _has_foreign_unit(self, alias: str, name: str) -> bool:
        if self._is_ours(alias, name):
            return False
        return any((self._root / folder / alias).exists() for folder in UNIT_SEARCH)

    def _pam(self) -> list[str]:
        is_debian = (self._root / "etc/pam.d/common-auth").exists()
        return self._write("etc/pam.d/paceline", PAM_DEBIAN if is_debian else PAM_OTHER, 0o644)

    def _links(self) -> list[str]:
        """Link our programs; a name that another package has in usr/sbin stays with it."""
        lines = []
        for program in sorted(p.name for p in self._programs.iterdir() if is_our_program(p)):
            foreign = shutil.which(program, path=str(self._root / "usr/sbin"))
            if foreign and program not in PROGRAMS_ALWAYS:
                lines.append(f"{program} is another package's: left alone in {foreign}")
                continue
            lines += self._link(f"{PROGRAM_FOLDER}/{program}", str(self._programs / program))
        return lines

    def _write(self, name: str, text: str, mode: int) -> list[str]:
        path = self._root / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return []
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.new")
        aside.write_text(text, encoding="utf-8")
        aside.chmod(mode)
        aside.rename(path)
        self._remember(name)
        return [f"wrote /{name}"]

    def _link(self, name: str, target: str) -> list[str]:
        path = self._root / name
        if path.is_symlink() and os.readlink(path) == target:
            return []
        if path.exists() and not path.is_symlink():
            return [f"/{name} is there and not ours: left alone"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        self._remember(name)
        return [f"linked /{name} to {target}"]

    def _must(self, what: str, words: tuple[str, ...]) -> None:
        status, output = self._run_tool(words)
        if status != 0:
            raise InvalidRequestError(
                Report(
                    code="tool-failed",
                    message=f"{what} could not be made: {output.strip() or f'status {status}'}",
                    advice=f"try by hand: {' '.join(words)}",
                )
            )

    def _remember(self, name: str) -> None:
        if name not in self._made:
            self._made.append(name)

    def _read_manifest(self) -> list[str]:
        try:
            made = json.loads((self._root / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        return [str(name) for name in made["made"]]

    def _write_manifest(self) -> None:
        path = self._root / MANIFEST
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"made": self._made}, indent=1) + "\n", encoding="utf-8")


def is_our_program(path: Path) -> bool:
    """Say whether a file in the environment's `bin` is one of Paceline's programs."""
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError):
        return False
    return "from paceline." in text and os.access(path, os.X_OK)
