"""sbd's file of settings: `NAME=value` lines that systemd and shells read; and the words for it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from paceline.cib.wording import bad_value, check_option_names
from paceline.commands.cluster_options import Kind, choice
from paceline.commands.contract import Findings, UsageError

WATCHDOG_DEFAULT = "/dev/watchdog"
DEVICES_MAX = 3
TIMEOUT = "SBD_WATCHDOG_TIMEOUT"
_ACTIONS = ("crashdump", "off", "reboot")
_FLUSHES = ("flush", "noflush")
_PAIRS = tuple(
    pair
    for action in _ACTIONS
    for flush in _FLUSHES
    for pair in (f"{action},{flush}", f"{flush},{action}")
)
NOT_NEGATIVE = Kind(is_valid=str.isdecimal, words="a non-negative integer")
TIMEOUT_ACTION = choice(*sorted((*_ACTIONS, *_FLUSHES, *_PAIRS)))
OPTIONS = ("SBD_DELAY_START", "SBD_STARTMODE", "SBD_TIMEOUT_ACTION", TIMEOUT)
OWN = ("SBD_DEVICE", "SBD_OPTS", "SBD_PACEMAKER", "SBD_WATCHDOG_DEV")
"""What is decided by the command, so that nobody can choose it."""
DEFAULTS: Mapping[str, str] = {"SBD_DELAY_START": "no", "SBD_STARTMODE": "always", TIMEOUT: "5"}
HEAD = "# This file was written by 'pcs stonith sbd enable'; it is replaced as a whole."
_PLAIN = re.compile(r"[A-Za-z0-9_./:@,+-]*")
_UNWRITABLE = re.compile("[\"'`$\\\\\\s]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SbdWords:
    """What was asked: options, and watchdogs and devices by node ("" for the others)."""

    options: Mapping[str, str]
    watchdogs: Mapping[str, str]
    devices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def watchdog_of(self, node: str) -> str:
        """Return a node's watchdog."""
        return self.watchdogs.get(node) or self.watchdogs.get("") or WATCHDOG_DEFAULT

    def devices_of(self, node: str) -> tuple[str, ...]:
        """Return a node's devices."""
        return self.devices.get(node, self.devices.get("", ()))


def read_words(words: Sequence[str]) -> SbdWords:
    """Read `[watchdog=PATH[@NODE]]... [device=PATH[@NODE]]... [OPTION=VALUE]...`.

    Raises UsageError.
    """
    options: dict[str, str] = {}
    watchdogs: dict[str, str] = {}
    devices: dict[str, tuple[str, ...]] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"missing value of '{word}' option")
        path, _, node = value.partition("@")
        if name == "watchdog":
            if node in watchdogs:
                whose = f" for node '{node}'" if node else ""
                raise UsageError(f"Multiple watchdog definitions{whose}" + ("" if node else "."))
            watchdogs[node] = path
        elif name == "device":
            devices[node] = tuple(dict.fromkeys((*devices.get(node, ()), path)))
        else:
            options[name.upper()] = value
    return SbdWords(options=options, watchdogs=watchdogs, devices=devices)


def check_words(findings: Findings, asked: SbdWords, nodes: Sequence[str]) -> None:
    """Report everything that is wrong with what was asked."""
    named = dict.fromkeys((*asked.watchdogs, *asked.devices))
    for node in sorted(set(named) - {"", *nodes}):
        findings.error("node-unknown", f"Node '{node}' does not appear to exist in configuration")
    for node in nodes:
        _check_paths(findings, asked, node)
    own = [name for name in asked.options if name in OWN]
    findings.extend(check_option_names(own, OPTIONS))
    others = [name for name in asked.options if name not in OWN]
    findings.extend(check_option_names(others, OPTIONS, is_forceable=True))
    timeout = asked.options.get(TIMEOUT)
    if timeout is not None and not NOT_NEGATIVE.is_valid(timeout):
        findings.add(bad_value(TIMEOUT, timeout, NOT_NEGATIVE.words))
    action = asked.options.get("SBD_TIMEOUT_ACTION")
    if action is not None and not TIMEOUT_ACTION.is_valid(action):
        words = TIMEOUT_ACTION.words
        findings.add(bad_value("SBD_TIMEOUT_ACTION", action, words, is_forceable=True))
    for name, value in asked.options.items():
        if _UNWRITABLE.search(value):
            findings.error("bad-value", f"'{value}' cannot be a value of {name}")


def _check_paths(findings: Findings, asked: SbdWords, node: str) -> None:
    devices = asked.devices_of(node)
    if not devices:
        findings.error("no-device", f"No SBD device specified for node '{node}'")
    if len(devices) > DEVICES_MAX:
        listed = ", ".join(f"'{one}'" for one in devices)
        findings.error(
            "too-many-devices",
            f"At most {DEVICES_MAX} SBD devices can be specified for a node, {listed} specified "
            f"for node '{node}'",
        )
    for device in devices:
        if not device.startswith("/"):
            message = f"Device path '{device}' on node '{node}' is not absolute"
            findings.error("path-relative", message)
    if not asked.watchdog_of(node).startswith("/"):
        path = asked.watchdog_of(node)
        findings.error("path-relative", f"Watchdog path '{path}' on node '{node}' is not absolute")
    for path in (*devices, asked.watchdog_of(node)):
        if _UNWRITABLE.search(path) or ";" in path:
            findings.error("bad-path", f"'{path}' cannot be a path of a device")


def render(asked: SbdWords, node: str) -> str:
    """Return the file for one node.

    SBD_PACEMAKER is off: sbd asks Pacemaker's own daemons for their health, which are not there.
    """
    settings = {
        **DEFAULTS,
        **asked.options,
        "SBD_DEVICE": ";".join(asked.devices_of(node)),
        "SBD_OPTS": f"-n {node}",
        "SBD_PACEMAKER": "no",
        "SBD_WATCHDOG_DEV": asked.watchdog_of(node),
    }
    lines = [HEAD, *(f"{name}={_quoted(value)}" for name, value in sorted(settings.items()))]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else f'"{value}"'


def parse(text: str) -> dict[str, str]:
    """Return the settings of a file, whoever wrote it."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = value.strip().strip("\"'")
    return found


def devices_in(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Return the devices that a file names."""
    return tuple(one.strip() for one in settings.get("SBD_DEVICE", "").split(";") if one.strip())
