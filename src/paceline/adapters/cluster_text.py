"""The status of this node's cluster, by running our own command line."""

import sys
from collections.abc import Mapping
from pathlib import Path

from paceline.adapters.run_command import run_bounded
from paceline.model.errors import UnreachableError

STATUS_MS_MAX = 30_000


class StatusProgram:
    """Runs the `pcs` that stands beside the interpreter, with the settings of this process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Keep what the program is to know: nothing but PATH and our own settings."""
        self._environment = {
            "PATH": environment.get("PATH", ""),
            "LC_ALL": "C",
            **{k: v for k, v in environment.items() if k.startswith("PACELINE_")},
        }

    def status(self, *, is_full: bool, hides_inactive: bool) -> str:
        """Return the text of `pcs status`."""
        program = str(Path(sys.executable).with_name("pcs"))
        options = (*(["--full"] * is_full), *(["--hide-inactive"] * hides_inactive))
        words = (program, "status", *options)
        done = run_bounded(words, self._environment, STATUS_MS_MAX)
        if done.rc != 0:
            said = " ".join((done.err or done.out).decode(errors="replace").split())
            raise UnreachableError(said or f"pcs status failed with exit status {done.rc}")
        return done.out.decode(errors="replace")
