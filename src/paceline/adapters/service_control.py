"""Services through `systemctl`: systemd's, or that of a lab's node, which answers the same."""

import contextlib
import os
import re
import shutil
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from paceline.adapters.run_command import Completed, run_bounded
from paceline.ports.node_calls import Service, ServiceAction, ServiceState

ASK_MS_MAX = 10_000
START_MS_MAX = 120_000
STOP_MS_MAX = 1_860_000
"""A clean leave takes as long as the agents' stops: the unit's own limit (30 min) and a minute."""
MESSAGE_LENGTH_MAX = 500
SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"

_INSTANCE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_WORDS: dict[ServiceAction, tuple[str, ...]] = {
    ServiceAction.START: ("start",),
    ServiceAction.STOP: ("stop",),
    ServiceAction.ENABLE: ("enable",),
    ServiceAction.DISABLE: ("disable",),
    ServiceAction.KILL: ("kill", "--signal=KILL"),
}
_PROCESSES: dict[Service, str] = {
    Service.COROSYNC: "corosync",
    Service.PACELINE: "paceline-daemon",
    Service.NODE_SERVICE: "paceline-api",
    Service.SBD: "sbd",
    Service.QDEVICE: "corosync-qdevic",
    Service.QNETD: "corosync-qnetd",
    Service.BOOTH: "boothd",
}
"""What the kernel calls each service's process (`/proc/PID/comm`, at most 15 characters)."""
_LIMITS_MS: dict[ServiceAction, int] = {
    ServiceAction.START: START_MS_MAX,
    ServiceAction.STOP: STOP_MS_MAX,
}


class SystemctlServices:
    """Service control by calling `systemctl`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Find the program. Only PATH and the lab's own variables are passed on to it."""
        path = environment.get("PATH") or SEARCH_PATH
        self._program = shutil.which("systemctl", path=path) or "systemctl"
        self._environment = {
            "PATH": path,
            "LC_ALL": "C",
            **{k: v for k, v in environment.items() if k.startswith("PACELINE_")},
        }

    def act(self, action: ServiceAction, service: Service, instance: str = "") -> str:
        """Do it; return "" or why it failed."""
        if instance and not _INSTANCE.fullmatch(instance):
            return f"'{instance}' cannot be a part of a service's name"
        limit = _LIMITS_MS.get(action, ASK_MS_MAX)
        unit = f"{service.value}@{instance}" if instance else service.value
        done = self._run((*_WORDS[action], f"{unit}.service"), limit)
        if done.has_timed_out:
            return (
                f"'systemctl {action.value} {service.value}' did not end within {limit // 1000} s"
            )
        if done.rc != 0 and action is ServiceAction.KILL and _kill_by_name(_PROCESSES[service]):
            # A runner that knows no `kill`; where the service does not run, its words are kept.
            return ""
        return "" if done.rc == 0 else _words_of(done)

    def states(self, services: Sequence[Service]) -> tuple[ServiceState, ...]:
        """Return the states; "unknown" where the runner does not answer."""
        units = tuple(f"{service.value}.service" for service in services)
        # Side by side: every status asks, and starting the program is most of the time.
        with ThreadPoolExecutor(max_workers=2) as pool:
            coming = pool.submit(self._lines, ("is-active", *units), len(units))
            enabled = self._lines(("is-enabled", *units), len(units))
            active = coming.result()
        return tuple(
            ServiceState(service=service, active=active[place], enabled=enabled[place])
            for place, service in enumerate(services)
        )

    def _lines(self, words: tuple[str, ...], count: int) -> list[str]:
        """Return one word for each unit: the exit status says only whether all are."""
        lines = self._run(words, ASK_MS_MAX).out.decode(errors="replace").split("\n")
        return [(lines[place] if place < len(lines) else "") or "unknown" for place in range(count)]

    def _run(self, words: tuple[str, ...], limit_ms: int) -> Completed:
        return run_bounded((self._program, *words), self._environment, limit_ms)


def _kill_by_name(name: str) -> int:
    """Send KILL to every process of that name, and return to how many."""
    killed = 0
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and Path(entry.path, "comm").read_text().strip() == name:
                os.kill(int(entry.name), signal.SIGKILL)
                killed += 1
    return killed


def _words_of(done: Completed) -> str:
    """Return what the program said, in one line."""
    text = (done.err or done.out).decode(errors="replace")
    line = " ".join(part.strip() for part in text.splitlines() if part.strip())
    return line[:MESSAGE_LENGTH_MAX] or f"exit status {done.rc}"
