"""sbd's devices, messages and watchdogs, by running `sbd`."""

import re
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from paceline.adapters.run_command import run_bounded
from paceline.model.errors import UnreachableError

PROGRAM = "sbd"
SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ASK_MS_MAX = 30_000
"""A shared disk that answers slowly is no reason to give up at once."""
TEST_MS_MAX = 120_000
_FOUND = re.compile(r"^\[\d+\] (/\S+)", re.MULTILINE)


class SbdProgram:
    """Runs the program with the environment of the one who asks."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Look for the program in PATH, then where systems put it."""
        self._path = f"{environment.get('PATH', '')}:{SEARCH_PATH}"

    def is_installed(self) -> bool:
        """Say whether the program is there."""
        return shutil.which(PROGRAM, path=self._path) is not None

    def is_watchdog(self, path: str) -> bool:
        """Say whether there is a character device."""
        mode = _mode(path)
        return mode is not None and stat.S_ISCHR(mode)

    def is_block_device(self, path: str) -> bool:
        """Say whether there is a block device."""
        mode = _mode(path)
        return mode is not None and stat.S_ISBLK(mode)

    def create(self, device: str, timeouts_s: Sequence[tuple[str, str]]) -> None:
        """Run `sbd create`."""
        options = [word for letter, value in timeouts_s for word in (f"-{letter}", value)]
        self._run("-d", device, *options, "create")

    def send(self, device: str, node: str, message: str) -> None:
        """Run `sbd message`."""
        self._run("-d", device, "message", node, message)

    def messages(self, device: str) -> str:
        """Run `sbd list`."""
        return self._run("-d", device, "list")

    def header(self, device: str) -> str:
        """Run `sbd dump`."""
        return self._run("-d", device, "dump")

    def watchdogs(self) -> tuple[str, ...]:
        """Run `sbd query-watchdog`."""
        return tuple(_FOUND.findall(self._run("query-watchdog")))

    def test_watchdog(self, path: str) -> None:
        """Run `sbd test-watchdog`, which asks for a confirming line."""
        chosen = ("-w", path) if path else ()
        self._run(*chosen, "test-watchdog", limit_ms=TEST_MS_MAX, stdin=b"PROCEED\n")

    def _run(self, *words: str, limit_ms: int = ASK_MS_MAX, stdin: bytes = b"") -> str:
        found = shutil.which(PROGRAM, path=self._path)
        if found is None:
            raise UnreachableError(f"{PROGRAM} is not installed")
        environment = {"LC_ALL": "C", "PATH": self._path}
        done = run_bounded((found, *words), environment, limit_ms, stdin)
        if done.rc != 0:
            said = " ".join((done.err or done.out).decode(errors="replace").split())
            raise UnreachableError(said or f"{PROGRAM} failed with exit status {done.rc}")
        return done.out.decode(errors="replace")


def _mode(path: str) -> int | None:
    try:
        return Path(path).stat().st_mode
    except OSError:
        return None
