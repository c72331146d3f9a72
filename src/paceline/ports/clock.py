"""The clocks and the life of this node's daemon."""

from typing import Protocol


class Clock(Protocol):
    """Two clocks: one that never goes back and counts sleep, one that people read."""

    def now_ms(self) -> int:
        """Return the boot-time clock, in milliseconds; for timers and durations."""
        ...

    def wall_ms(self) -> int:
        """Return milliseconds since 1970; it may jump."""
        ...
