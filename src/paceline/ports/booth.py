"""booth's own program on this machine."""

from typing import Protocol


class BoothTools(Protocol):
    """What booth can be asked. Raises UnreachableError, with its words, where it is missing."""

    def ask(self, command: str, name: str, *, ticket: str = "", site: str = "") -> str:
        """Run `booth COMMAND` for the formation `name`; return what it printed."""
        ...
