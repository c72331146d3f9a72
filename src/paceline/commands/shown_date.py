"""How a moment is shown. On its own, because small tools show moments and no status."""

import time


def date_text(time_ms: int) -> str:
    """Return a moment as `Mon Jun  1 12:00:00 2026`, in the local zone."""
    return time.ctime(time_ms // 1000)
