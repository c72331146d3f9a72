"""Text files that a user names: `corosync.conf`, a saved CIB, a checkpoint."""

from typing import Protocol


class TextFiles(Protocol):
    """Files by path; a relative path is taken from where the user stands."""

    def read(self, path: str) -> str:
        """Return the text. Raises FileNotFoundError or OSError, ValueError where it is no UTF-8."""
        ...

    def write(self, path: str, text: str) -> None:
        """Replace the file as a whole, keeping its mode. Raises OSError."""
        ...

    def names_in(self, path: str) -> tuple[str, ...] | None:
        """Return the names in a folder, sorted; None where the path is no folder."""
        ...

    def exists(self, path: str) -> bool:
        """Say whether there is such a file."""
        ...
