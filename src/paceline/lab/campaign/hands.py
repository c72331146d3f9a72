"""Strikes and mends faults in a lab. What is struck already, or gone by now, is left as it is."""

import contextlib
import signal
from collections.abc import Callable

from paceline.lab.campaign.faults import Strike
from paceline.lab.lab import Lab, LabError

_DAEMON = "$(pgrep -o -f bin/paceline-daemon)"
_COROSYNC = "$(pgrep -x corosync)"
_NODE_TIMEOUT_S = 10.0
_START_TIMEOUT_S = 60.0
# The daemon stands still meanwhile, so that it writes nothing more; then it is killed.
_TEAR = """
daemon={daemon}
kill -STOP $daemon
cd /var/lib/paceline
{tear}
kill -9 $daemon
"""
_TEARS = {
    "cut-off": "truncate -s -5 journal",
    "garbled": "size=$(stat -c %s journal); printf '%s' garbage |"
    " dd of=journal bs=1 seek=$((size / 2)) conv=notrunc status=none",
    "emptied": "truncate -s 0 journal",
    "cib-torn": "truncate -s -20 cib.xml",
    "cib-empty": "truncate -s 0 cib.xml",
    "cib-digest": "sed -i 's/^./x/' cib.xml.sha256",
}


class Hands:
    """Breaks a lab, and mends it."""

    def __init__(self, lab: Lab, say: Callable[[str], None]) -> None:
        """Work on `lab`; `say` gets what could not be done, and why."""
        self._lab = lab
        self._say = say

    def strike(self, strike: Strike) -> None:
        """Let a fault begin."""
        lab, nodes = self._lab, self._lab.spec.node_names
        others = [node for node in nodes if node not in strike.targets]
        match strike.kind.name:
            case "crash" | "blackout":
                self._each(strike, lab.crash)
            case "cut":
                for one in strike.targets:
                    for other in others:
                        lab.cut(one, other)
            case "one-way-cut":
                first, *second = strike.targets
                for other in second or others:
                    lab.cut(first, other, is_one_way=True)
            case "loss":
                percent = float(strike.detail.removesuffix(" %"))
                self._each(strike, lambda node: lab.spoil(node, loss_percent=percent))
            case "freeze":
                self._each(strike, lab.freeze)
            case "freeze-daemon":
                self._each(strike, lambda node: self._signal(node, _DAEMON, signal.SIGSTOP))
            case "freeze-corosync":
                self._each(strike, lambda node: self._signal(node, _COROSYNC, signal.SIGSTOP))
            case "kill-daemon" | "kill-daemons":
                self._each(strike, lambda node: self._signal(node, _DAEMON, signal.SIGKILL))
            case "kill-corosync":
                self._each(strike, lambda node: self._signal(node, _COROSYNC, signal.SIGKILL))
            case "disk-full":
                self._each(strike, lab.fill)
            case "disk-torn":
                script = _TEAR.format(daemon=_DAEMON, tear=_TEARS[strike.detail])
                self._each(strike, lambda node: self._run(node, script))
            case "agent":
                self._each(strike, lambda node: self._misbehave(node, strike.detail))
            case "device-dead":
                self._each(strike, lab.break_power)
                self._each(strike, lab.crash if strike.detail == "crash" else lab.cut)
            case name:
                raise LabError(f"nobody knows how to strike '{name}'")

    def mend_all(self) -> None:
        """Undo every fault there is; nodes that are off are booted."""
        lab = self._lab
        lab.heal()
        for node in lab.spec.node_names:
            self._try(node, self._mend_node)
        for node in lab.spec.node_names:
            for resource in lab.paths.misbehaviour(node, "any").parent.glob("*"):
                resource.unlink(missing_ok=True)

    def _mend_node(self, node: str) -> None:
        power = self._lab.state.power(node)
        if power == "frozen":
            self._lab.thaw(node)
        elif power == "off":
            self._lab.boot(node)
        else:
            self._run(node, f"kill -CONT {_DAEMON} {_COROSYNC}")

    def start_corosync(self, node: str) -> None:
        """Start a killed Corosync again, as a person does: nobody else does it."""
        with contextlib.suppress(LabError):
            words = ["systemctl", "start", "corosync", "paceline"]
            self._lab.node(node).run(words, timeout_s=_START_TIMEOUT_S)

    def _each(self, strike: Strike, act: Callable[[str], object]) -> None:
        for node in strike.targets:
            self._try(node, act)

    def _try(self, node: str, act: Callable[[str], object]) -> None:
        try:
            act(node)
        except LabError as error:
            self._say(f"  {node}: {error}")

    def _signal(self, node: str, processes: str, number: signal.Signals) -> None:
        self._run(node, f"kill -{number.value} {processes}")

    def _run(self, node: str, script: str) -> None:
        """Run a line in a node that runs; one that is frozen would not answer."""
        power = self._lab.state.power(node)
        if power != "on":
            raise LabError(f"is {power}")
        self._lab.node(node).shell(script, timeout_s=_NODE_TIMEOUT_S)

    def _misbehave(self, node: str, detail: str) -> None:
        """Let an agent misbehave, and its service die so that it is asked for something."""
        trouble, task, resource = detail.split()
        file = self._lab.paths.misbehaviour(node, resource)
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{trouble} {task}\n")
        self._run(node, f"rm -f /run/witness/{resource}")
