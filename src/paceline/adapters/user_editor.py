"""The editor that EDITOR names, on the user's terminal."""

import os
import shlex
import tempfile
from collections.abc import Mapping

from paceline.adapters.run_command import run_on_terminal


class UserEditor:
    """Starts the editor on a file of its own and waits until it has ended."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take the editor from the environment (VISUAL, EDITOR)."""
        self._environment = environment

    def edit(self, text: str, *, ending: str) -> str:
        """Return the text as the user leaves it. Raises OSError."""
        named = self._environment.get("VISUAL") or self._environment.get("EDITOR")
        if not named:
            raise OSError("no editor is named: set the environment variable EDITOR")
        descriptor, path = tempfile.mkstemp(prefix="paceline-", suffix=ending)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            status = run_on_terminal([*shlex.split(named), path], self._environment)
            if status != 0:
                raise OSError(f"the editor ended with status {status}")
            with open(path, encoding="utf-8") as file:
                return file.read()
        finally:
            os.unlink(path)
