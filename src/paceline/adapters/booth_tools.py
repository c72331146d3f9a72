"""booth's tickets and peers, by running `booth`."""

import shutil
from collections.abc import Mapping

from paceline.adapters.run_command import run_bounded
from paceline.model.errors import UnreachableError

PROGRAM = "booth"
SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ASK_MS_MAX = 60_000
"""A grant waits for the other sites' answers, and asks again."""


class BoothProgram:
    """Runs the program with the environment of the one who asks."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Look for the program in PATH, then where systems put it."""
        self._path = f"{environment.get('PATH', '')}:{SEARCH_PATH}"

    def ask(self, command: str, name: str, *, ticket: str = "", site: str = "") -> str:
        """Run `booth COMMAND -c NAME [-s SITE] [TICKET]`."""
        found = shutil.which(PROGRAM, path=self._path)
        if found is None:
            raise UnreachableError(f"{PROGRAM} is not installed")
        at_site = ("-s", site) if site else ()
        words = (found, command, "-c", name, *at_site, *((ticket,) if ticket else ()))
        done = run_bounded(words, {"LC_ALL": "C", "PATH": self._path}, ASK_MS_MAX)
        if done.rc != 0:
            said = "\n".join((done.err or done.out).decode(errors="replace").splitlines())
            raise UnreachableError(said or f"{PROGRAM} failed with exit status {done.rc}")
        return done.out.decode(errors="replace")
