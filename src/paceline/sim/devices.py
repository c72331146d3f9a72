"""Fence devices, which cut power, and their own ledger of what they were asked and did.

A request once sent is carried out whatever becomes of him who asked. A trouble changes a device:

    fail       says that it failed, and did nothing
    dead       does not answer: the time limit ends it, and nothing was done
    slow       takes long
    late       acts at once, and answers long after its target is back
    half       acts, and says that it failed
    wrong      is wired to another machine: that one loses its power, and all is said to be well
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from paceline.model.identifiers import NodeName
from paceline.model.operation import FenceOperation, FenceResult
from paceline.model.status import OperationOutcome
from paceline.sim.chance import Chance
from paceline.sim.clock import MS, Clock

SENT_US = 60_000
"""How long an agent needs until its request is with the device."""


class Power(Protocol):
    """The power switch of a machine."""

    @property
    def is_on(self) -> bool:
        """Say whether it has power."""
        ...

    def power_off(self, why: str) -> None:
        """Cut the power; harmless where it is off."""
        ...

    def power_on(self) -> None:
        """Give power: the machine boots."""
        ...


@dataclass(slots=True)
class LedgerEntry:
    """One request to a device: `acted_us` is when power was cut, `said` what it answered."""

    asked_us: int
    device: str
    executor: NodeName
    task: str
    target: NodeName
    acted_us: int = 0
    said_us: int = 0
    said: str = ""


class FenceDevices:
    """All devices; every one reaches every machine's power switch."""

    def __init__(self, clock: Clock, chance: Chance, machines: dict[NodeName, Power]) -> None:
        """Begin with all devices well."""
        self._clock = clock
        self._chance = chance
        self._machines = machines
        self.trouble = ""
        self.ledger: list[LedgerEntry] = []
        self.lied_about: set[NodeName] = set()
        """Nodes that were said to be off, and were not; until their power really goes."""
        self.on_lie: Callable[[NodeName], None] = lambda node: None

    def execute(
        self,
        operation: FenceOperation,
        executor: NodeName,
        is_alive: Callable[[], bool],
        report: Callable[[FenceResult], None],
    ) -> None:
        """Run a fence agent; `report` gets its answer, unless the one who asked is gone."""
        entry = LedgerEntry(
            self._clock.now_us, str(operation.device), executor, operation.task, operation.target
        )
        self.ledger.append(entry)
        trouble = self.trouble
        acts_us = SENT_US + self._chance.between(200, 3_000) * MS
        if trouble == "slow":
            acts_us += self._chance.between(5_000, 40_000) * MS
        answers_us = acts_us + self._chance.between(20, 1_000) * MS
        if trouble == "late":
            answers_us += self._chance.between(15_000, 60_000) * MS
        limit_us = operation.timeout_ms * MS
        if trouble == "dead":
            answers_us = limit_us + 1

        def send() -> None:
            if is_alive() and trouble == "wrong" and operation.task in ("off", "reboot"):
                self._clock.after_us(acts_us - SENT_US, lambda: self._hit_another(entry))
            elif is_alive() and trouble not in ("fail", "dead"):
                self._clock.after_us(acts_us - SENT_US, lambda: self._act(entry))

        def answer() -> None:
            timed_out = answers_us > limit_us
            ok = not timed_out and trouble not in ("fail", "half", "dead") and self._is_done(entry)
            entry.said_us = self._clock.now_us
            entry.said = "ok" if ok else "timed out" if timed_out else "failed"
            outcome = OperationOutcome.TIMED_OUT if timed_out else OperationOutcome.DONE
            report(
                FenceResult(
                    operation_id=operation.operation_id,
                    outcome=outcome,
                    rc=self._exit_status(entry) if ok else 1,
                    exit_reason="" if ok else "the simulator's device failed",
                )
            )

        self._clock.after_us(SENT_US, send)
        self._clock.after_us(min(answers_us, limit_us), answer)

    def has_done(self, target: NodeName) -> bool:
        """Say whether a device ever said that it cut the power of a node."""
        return any(
            entry.target == target and entry.said == "ok" and entry.task in ("off", "reboot")
            for entry in self.ledger
        )

    def has_said_off(self, target: NodeName, since_us: int) -> bool:
        """Say whether a device said, at this moment or later, that it cut the power of a node."""
        return any(
            entry.target == target
            and entry.said == "ok"
            and entry.said_us >= since_us
            and entry.task in ("off", "reboot")
            for entry in reversed(self.ledger)
        )

    def _act(self, entry: LedgerEntry) -> None:
        machine = self._machines.get(entry.target)
        if machine is None:
            return
        if entry.task in ("off", "reboot"):
            entry.acted_us = self._clock.now_us
            machine.power_off(f"fenced by {entry.executor}")
        if entry.task in ("on", "reboot"):
            entry.acted_us = self._clock.now_us
            machine.power_on()

    def _hit_another(self, entry: LedgerEntry) -> None:
        others = [name for name in sorted(self._machines) if name != entry.target]
        if not others:
            return
        entry.acted_us = self._clock.now_us
        if self._machines[entry.target].is_on:
            self.lied_about.add(entry.target)
            self.on_lie(entry.target)
        self._machines[self._chance.pick(others)].power_off(f"hit instead of {entry.target}")

    def _is_done(self, entry: LedgerEntry) -> bool:
        return entry.acted_us > 0 or entry.task in ("status", "monitor", "list", "metadata")

    def _exit_status(self, entry: LedgerEntry) -> int:
        """Return 0, or 2 where a status asks for a machine that is off."""
        machine = self._machines.get(entry.target)
        return 2 if entry.task == "status" and machine is not None and not machine.is_on else 0
