"""Telling systemd how the daemon is: ready, alive, stopping (sd_notify's datagrams).

Source: systemd's sd_notify(3) and sd_watchdog_enabled(3).
"""

from collections.abc import Mapping
from socket import AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, socket


class ServiceNotifier:
    """Sends states to the socket that NOTIFY_SOCKET names; does nothing where there is none."""

    def __init__(self, environment: Mapping[str, str], pid: int) -> None:
        """Read where to send to and how often the watchdog wants to hear."""
        self._address = environment.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        interval = environment.get("WATCHDOG_USEC", "")
        is_ours = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
        self.watchdog_ms = int(interval) // 1000 if interval.isdigit() and is_ours else 0
        """How often the watchdog must hear something, 0 for never."""

    def tell(self, state: str) -> bool:
        """Send one state such as `READY=1`; say whether it went."""
        if not self._address:
            return False
        with socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK) as link:
            try:
                link.sendto(state.encode(), self._address)
            except OSError:
                return False
        return True
