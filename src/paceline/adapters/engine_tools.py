"""Corosync's words on membership and quorum, by running `corosync-quorumtool`."""

import shutil
from collections.abc import Mapping

from paceline.adapters.run_command import run_bounded
from paceline.model.errors import UnreachableError

PROGRAM = "corosync-quorumtool"
RELOAD_PROGRAM = "corosync-cfgtool"
MAP_PROGRAM = "corosync-cmapctl"
WAITING_KEY = "runtime.votequorum.wait_for_all_status"
CANCEL_KEY = "quorum.cancel_wait_for_all"
"""Keys of Corosync's map. Source: cmap_keys(7)."""
SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ASK_MS_MAX = 10_000
NOT_QUORATE_RC = 2
"""It answered, and there is no quorum. Source: corosync-quorumtool(8)."""


class QuorumTool:
    """Runs the tool with the environment of the one who asks."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Look for the tool in PATH, then where systems put it."""
        self._path = f"{environment.get('PATH', '')}:{SEARCH_PATH}"
        self._program = shutil.which(PROGRAM, path=self._path)

    def members_text(self) -> str:
        """Return the table of members. Raises UnreachableError."""
        return self._run("-l")

    def quorum_text(self) -> str:
        """Return quorum, votes and members. Raises UnreachableError."""
        return self._run("-s")

    def reload(self) -> None:
        """Run `corosync-cfgtool -R`. Raises UnreachableError with its words where it fails."""
        found = shutil.which(RELOAD_PROGRAM, path=self._path)
        if found is None:
            raise UnreachableError(f"{RELOAD_PROGRAM} is not installed")
        done = run_bounded((found, "-R"), {"LC_ALL": "C"}, ASK_MS_MAX)
        words = " ".join((done.out + done.err).decode(errors="replace").split())
        if done.rc != 0:
            raise UnreachableError(f"Corosync did not reload its configuration: {words}")

    def set_expected_votes(self, votes: int) -> None:
        """Run `corosync-quorumtool -e`. Raises UnreachableError with its words where it fails."""
        self._act(PROGRAM, "-e", str(votes))

    def is_waiting_for_all(self) -> bool:
        """Read it from Corosync's map. Raises UnreachableError."""
        return self._act(MAP_PROGRAM, "-g", WAITING_KEY).rpartition("=")[2].strip() == "1"

    def cancel_waiting_for_all(self) -> None:
        """Set it in Corosync's map. Raises UnreachableError."""
        self._act(MAP_PROGRAM, "-s", CANCEL_KEY, "u8", "1")

    def _act(self, program: str, *words: str) -> str:
        """Run a tool that has to succeed; return what it said."""
        found = shutil.which(program, path=self._path)
        if found is None:
            raise UnreachableError(f"{program} is not installed")
        done = run_bounded((found, *words), {"LC_ALL": "C"}, ASK_MS_MAX)
        said = " ".join((done.out + done.err).decode(errors="replace").split())
        if done.rc != 0:
            raise UnreachableError(f"{program} failed: {said}")
        return said

    def _run(self, option: str) -> str:
        if self._program is None:
            raise UnreachableError(f"{PROGRAM} is not installed")
        done = run_bounded((self._program, option), {"LC_ALL": "C"}, ASK_MS_MAX)
        text = done.out.decode(errors="replace")
        if done.rc not in (0, 1, NOT_QUORATE_RC) or not text.strip():
            raise UnreachableError("cluster is not currently running on this node")
        return text
