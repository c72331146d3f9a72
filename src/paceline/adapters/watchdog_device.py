"""A hardware watchdog: it resets the machine unless it hears something in time.

Opening it arms it. The letter V before it is closed disarms it again; closed without, or with its
owner dead, it goes on counting, and only who opens it anew in time keeps the machine alive.

Source: the kernel's Documentation/watchdog/watchdog-api.rst.
"""

import os
from pathlib import Path

_ANYTHING, _MAGIC_CLOSE = b".", b"V"


class WatchdogDevice:
    """The device while it is open."""

    def __init__(self, path: Path) -> None:
        """Open, and so arm it. Raises OSError: it is not there, or another has it."""
        self._file = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK)

    def feed(self) -> None:
        """Let it count from the beginning. Raises OSError."""
        os.write(self._file, _ANYTHING)

    def close(self, *, is_clean: bool) -> None:
        """Let it go; disarm it only where nothing is left here that it should guard."""
        try:
            if is_clean:
                os.write(self._file, _MAGIC_CLOSE)
        finally:
            os.close(self._file)
