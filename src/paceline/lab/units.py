"""The services of a node, as its runner knows them. Pure.

The quorum device's two can be started only where their packages are installed.
"""

from dataclasses import dataclass

# What a real unit file of a cluster manager allows for leaving cleanly: moving services away takes
# as long as their agents take.
_CLEAN_LEAVE_MS = 1_800_000
_WATCHDOG_MS = 30_000
# With this exit code the daemon says that it must not be started again.
_STAYS_DOWN = 100
_START_MS = 90_000
_STOP_MS = 90_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One service.

    `is_notifying`: it is up when it says READY=1, else as soon as it runs. `is_restarted`: started
    again when it fails. `is_reloadable`: HUP makes it read its settings anew. `ends_group`: what it
    leaves behind is killed with it (a cluster daemon's services must run on, so not there).
    `watchdog_ms`: it must say WATCHDOG=1 at least so often, else it is killed (and restarted); 0
    for never. `good_codes`: exit codes that are no failure.
    """

    name: str
    description: str
    command: tuple[str, ...]
    requires: tuple[str, ...] = ()
    is_notifying: bool = False
    is_restarted: bool = False
    is_reloadable: bool = False
    ends_group: bool = False
    start_ms: int = _START_MS
    stop_ms: int = _STOP_MS
    watchdog_ms: int = 0
    good_codes: tuple[int, ...] = (0,)


COROSYNC = Unit(
    name="corosync",
    description="Corosync Cluster Engine",
    command=("corosync", "-f"),
    is_notifying=True,
)
PACELINE = Unit(
    name="paceline",
    description="Paceline cluster manager",
    command=("paceline-daemon",),
    requires=("corosync",),
    is_notifying=True,
    is_restarted=True,
    is_reloadable=True,
    watchdog_ms=_WATCHDOG_MS,
    good_codes=(0, _STAYS_DOWN),
    stop_ms=_CLEAN_LEAVE_MS,
)
NODE_SERVICE = Unit(
    name="paceline-api",
    description="Paceline node service",
    command=("paceline-api",),
    is_notifying=True,
    is_restarted=True,
    ends_group=True,
)
QDEVICE = Unit(
    name="corosync-qdevice",
    description="Corosync Qdevice daemon",
    command=("corosync-qdevice", "-f"),
    requires=("corosync",),
    is_notifying=True,
    is_restarted=True,
)
QNETD = Unit(
    name="corosync-qnetd",
    description="Corosync Qdevice Network daemon",
    command=("corosync-qnetd", "-f"),
    is_notifying=True,
    is_restarted=True,
)
# In the order of their start.
UNITS = (COROSYNC, QDEVICE, PACELINE, NODE_SERVICE, QNETD)
ALIASES = {"pacemaker": "paceline", "pcsd": "paceline-api"}
ENABLED_AT_INSTALLATION = ("paceline-api",)


def find_unit(word: str) -> Unit | None:
    """Return the unit a user names: with or without `.service`, by its own name or its alias."""
    name = word.removesuffix(".service")
    name = ALIASES.get(name, name)
    return next((unit for unit in UNITS if unit.name == name), None)


def with_required(units: tuple[Unit, ...]) -> tuple[Unit, ...]:
    """Return the units and all they require, in the order of their start."""
    names = {unit.name for unit in units}
    for unit in reversed(UNITS):
        if unit.name in names:
            names.update(unit.requires)
    return tuple(unit for unit in UNITS if unit.name in names)


def with_requiring(units: tuple[Unit, ...]) -> tuple[Unit, ...]:
    """Return the units and all that require them, in the order of their stop."""
    names = {unit.name for unit in units}
    for unit in UNITS:
        if names.intersection(unit.requires):
            names.add(unit.name)
    return tuple(unit for unit in reversed(UNITS) if unit.name in names)
