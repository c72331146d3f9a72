"""Fence one node: devices in order until a level's all have confirmed (DESIGN 7).

new --delay--> delayed --over, view looked at again--> asking --can fence--> acting
acting --ok--> next step
asking --cannot--> next device;  acting --failed--> again (a few times), else next level
asking, acting --failed, and no view or the target's life is over by then--> failed
delayed --no view now--> paused --a view again--> asking
last step ok--> done;  no level left--> failed

A request that was sent to a device is never taken back: only its result ends it.
"""

from msgspec import Struct

from paceline.model.identifiers import NodeName, OperationId
from paceline.model.operation import FenceOperation, FenceResult
from paceline.model.status import OperationOutcome
from paceline.replica.effects import Effect, ExecuteFence, WaitFenceDelay
from paceline.replica.entries import Flight
from paceline.replica.fence_devices import FenceDevice, HostCheck

STATUS_ON, STATUS_OFF = 0, 2
"""Exit statuses of an agent's `status`: both say that the device knows the node."""


class Step(Struct, frozen=True, gc=False, kw_only=True):
    """One thing that a device is to do. An optional one may fail (switching on again)."""

    device: FenceDevice
    task: str
    is_optional: bool = False


class FenceOutcome(Struct, frozen=True, gc=False, kw_only=True):
    """How the run ended."""

    is_done: bool
    device: str = ""
    exit_reason: str = ""


class Life(Struct, frozen=True, gc=False, kw_only=True):
    """Which life of the target is fenced: a confirmation clears only this one."""

    boot_id: str
    incarnation: int


class FenceRun:
    """The fencing of one node by this member."""

    def __init__(
        self,
        flight: Flight,
        life: Life,
        levels: tuple[tuple[FenceDevice, ...], ...],
        *,
        number: int,
        delay_ms: int,
        timeout_ms: int,
    ) -> None:
        """Prepare; `begin` says what to do first."""
        self.flight = flight
        self.life = life
        self.target: NodeName = flight.action.node
        self.is_committed = False
        self.is_paused = False
        self.outcome: FenceOutcome | None = None
        self._task = flight.action.task
        self._levels = [_steps(level, self._task) for level in levels if level]
        self._number = number
        self._delay_ms = delay_ms
        self._timeout_ms = timeout_ms
        self._runs = 0
        self._steps: list[Step] = []
        self._tries = 0
        self._asked: set[str] = set()
        self._asking = ""
        self._current = OperationId("")
        self._used: list[str] = []
        self._reasons: list[str] = []

    def begin(self) -> tuple[Effect, ...]:
        """Wait for the delay, or ask to go on at once."""
        if not self._levels:
            return self._fail(f"no fence device can fence {self.target}")
        if self._delay_ms > 0:
            self._current = self._next_id()
            return (WaitFenceDelay(operation_id=self._current, delay_ms=self._delay_ms),)
        return self._next_level()

    def is_waiting_for(self, operation_id: str) -> bool:
        """Say whether this answer is the one awaited; late ones are passed over."""
        return self.outcome is None and operation_id == self._current

    def delay_over(self, *, may_go: bool) -> tuple[Effect, ...]:
        """The delay is over: go on, where there is still a view that may fence."""
        if not may_go:
            self.is_paused = True
            return ()
        self.is_paused = False
        return self._next_level()

    def abandon(self, why: str) -> None:
        """Nothing was sent to a device yet, and the reason to fence is gone."""
        self.outcome = FenceOutcome(is_done=False, exit_reason=why)

    def finish(self, result: FenceResult, *, why_not: str) -> tuple[Effect, ...]:
        """A device answered; `why_not` says why no device may be asked to act any more."""
        step = self._steps[0]
        is_ok = result.outcome is OperationOutcome.DONE and result.rc == 0
        if self._asking and why_not:
            return self._fail(why_not)
        if self._asking:
            return self._asked_device(step, result, is_ok=is_ok)
        if is_ok or step.is_optional:
            if is_ok:
                self._used.append(step.device.id)
            self._steps.pop(0)
            self._tries = 0
            return self._next_step() if self._steps else self._succeed()
        reason = result.exit_reason or result.output.strip().splitlines()[-1:] or [""]
        text = reason if isinstance(reason, str) else reason[0]
        self._reasons.append(f"{step.device.id}: {text or result.outcome.value}")
        self._tries += 1
        if why_not:
            return self._fail("; ".join((why_not, *self._reasons[-4:])))
        if self._tries < step.device.retries(step.task):
            return self._act(step)
        return self._next_level()

    # Steps

    def _next_level(self) -> tuple[Effect, ...]:
        if not self._levels:
            return self._fail("; ".join(self._reasons[-4:]) or f"no device knows {self.target}")
        self._steps = list(self._levels.pop(0))
        self._used = []
        self._tries = 0
        return self._next_step()

    def _next_step(self) -> tuple[Effect, ...]:
        step = self._steps[0]
        device = step.device
        check = device.host_check
        if device.id in self._asked or check is HostCheck.NONE:
            return self._act(step)
        if check is HostCheck.STATIC:
            if self.target in device.hosts:
                return self._act(step)
            self._reasons.append(f"{device.id}: its host list has no {self.target}")
            return self._next_level()
        self._asking = "list" if check is HostCheck.DYNAMIC else "status"
        return self._run(step, self._asking)

    def _asked_device(self, step: Step, result: FenceResult, *, is_ok: bool) -> tuple[Effect, ...]:
        """A device said which nodes it knows, or whether it knows this one."""
        asked, self._asking = self._asking, ""
        if asked == "list" and not is_ok:
            self._asking = "status"
            return self._run(step, "status")
        is_done = result.outcome is OperationOutcome.DONE
        if asked == "list":
            is_able = step.device.is_listed(self.target, result.output)
        else:
            is_able = is_done and result.rc in (STATUS_ON, STATUS_OFF)
        if is_able:
            self._asked.add(step.device.id)
            return self._act(step)
        self._reasons.append(f"{step.device.id}: it does not know {self.target}")
        return self._next_level()

    def _act(self, step: Step) -> tuple[Effect, ...]:
        self.is_committed = True
        return self._run(step, step.task)

    def _run(self, step: Step, task: str) -> tuple[Effect, ...]:
        device = step.device
        self._current = self._next_id()
        return (
            ExecuteFence(
                operation=FenceOperation(
                    operation_id=self._current,
                    device=device.id,
                    agent_type=device.agent_type,
                    task=device.action_for(task),
                    target=self.target,
                    parameters=device.parameters_for(self.target),
                    timeout_ms=device.timeout_ms(task, self._timeout_ms),
                )
            ),
        )

    def _next_id(self) -> OperationId:
        self._runs += 1
        flight = self.flight
        return OperationId(
            f"{flight.executor}/{flight.boot_id}/{flight.incarnation}/"
            f"fence-{self._number}-{self._runs}"
        )

    def _succeed(self) -> tuple[Effect, ...]:
        self.outcome = FenceOutcome(is_done=True, device=",".join(dict.fromkeys(self._used)))
        return ()

    def _fail(self, why: str) -> tuple[Effect, ...]:
        self.outcome = FenceOutcome(is_done=False, exit_reason=why)
        return ()


def _steps(level: tuple[FenceDevice, ...], task: str) -> tuple[Step, ...]:
    """Return what a level does: several devices reboot by all off, then all on again."""
    if task == "reboot" and len(level) > 1:
        return (
            *(Step(device=device, task="off") for device in level),
            *(Step(device=device, task="on", is_optional=True) for device in level),
        )
    return tuple(Step(device=device, task=task) for device in level)
