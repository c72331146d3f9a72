"""What a report on this node is made of, and archives that a user names."""

from typing import Protocol


class ReportFiles(Protocol):
    """Logs and configuration of this node; keys and passwords are never among them."""

    def collect(self, since_ms: int, until_ms: int) -> tuple[tuple[str, bytes], ...]:
        """Return (name, content) of every log touched since then, and of corosync.conf.

        Times are ms since 1970. Of our own log only the lines between the two are taken. What is
        too large is cut at its beginning; what cannot be read is named with the reason.
        """
        ...

    def write(self, path: str, content: bytes, *, replaces: bool = False) -> None:
        """Write a report or a backup, readable by its owner only.

        Raises OSError where it exists already, unless it `replaces` what is there.
        """
        ...

    def read(self, path: str, *, bytes_max: int) -> bytes:
        """Return an archive. Raises OSError, ValueError where it is larger than `bytes_max`."""
        ...
