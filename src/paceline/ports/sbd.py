"""sbd's own program on this machine: its devices, their messages, watchdogs.

Everything that runs the program raises UnreachableError, with its words, where it is missing or
fails.
"""

from collections.abc import Sequence
from typing import Protocol


class SbdTools(Protocol):
    """What sbd can be asked, beside its service and its file of settings."""

    def is_installed(self) -> bool:
        """Say whether the program is there."""
        ...

    def is_watchdog(self, path: str) -> bool:
        """Say whether there is a character device at the path; it is not opened."""
        ...

    def is_block_device(self, path: str) -> bool:
        """Say whether there is a block device at the path."""
        ...

    def create(self, device: str, timeouts_s: Sequence[tuple[str, str]]) -> None:
        """Write sbd's structures on a device; timeouts by the tool's own option letters."""
        ...

    def send(self, device: str, node: str, message: str) -> None:
        """Put a message into a node's slot of a device."""
        ...

    def messages(self, device: str) -> str:
        """Return the table of slots and messages of a device."""
        ...

    def header(self, device: str) -> str:
        """Return the header of a device as the tool prints it."""
        ...

    def watchdogs(self) -> tuple[str, ...]:
        """Return the paths of the watchdogs that sbd finds: it opens them."""
        ...

    def test_watchdog(self, path: str) -> None:
        """Let a watchdog ("" for the usual one) reset this machine; returns only where it fails."""
        ...
