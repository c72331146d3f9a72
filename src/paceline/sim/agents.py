"""The agents of one machine: they start, stop and watch services, slowly, badly, and some lie.

An agent is a process: it outlives the daemon that began it, and its effect may come at any moment
of its run. A trouble (a fault) changes what the next runs do:

    fail    says 1; a start may have happened all the same, a stop has not
    hang    does not end before its time limit; its effect may have happened
    lie     says that all is done, and does nothing; a monitor says the opposite of the truth
    slow    takes many times as long, though not longer than its time limit

Agents of promotable resources set their node's promotion score, as real ones do; a migration moves
the service in one moment of `migrate_to`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.operation import Operation, OperationResult
from paceline.model.plan import Agent
from paceline.model.status import HistoryEntry, OperationOutcome
from paceline.replica.identity import Started
from paceline.sim.chance import Chance
from paceline.sim.clock import MS
from paceline.sim.disk import After
from paceline.sim.services import Services
from paceline.sim.wiring import KEEPS_ALL, Wiring

OCF_OK, OCF_ERROR, OCF_NOT_RUNNING, OCF_RUNNING_PROMOTED = 0, 1, 7, 8
KILL_GRACE_US = 500_000
"""How long after its time limit an agent's process group may still be there."""

DURATIONS_MS = {"start": (10, 1500), "stop": (10, 1500), "monitor": (5, 120)}
LATE_REASON = "a late result"
"""What a result says that was told a second time, long after; it must never be believed."""
STONITH_CLASS = "stonith"


@dataclass(slots=True)
class Trouble:
    """What is wrong with an agent's task, for this many more runs."""

    kind: str
    runs: int


@dataclass(slots=True)
class Run:
    """One agent process: what it will do when, unless it is killed before.

    It begins when no other process of its resource runs; one-time operations go before others.
    """

    operation: Operation
    began_us: int
    life: str
    effect: Callable[[], None] | None
    is_over: bool = False
    has_begun: bool = False
    on_end: Callable[[OperationOutcome, int], None] | None = None


Report = Callable[[OperationResult], None]


class AgentHost:
    """The agents' processes of one machine."""

    def __init__(self, node: NodeName, services: Services, chance: Chance) -> None:
        """Begin with no process."""
        self._node = node
        self._services = services
        self._chance = chance
        self._runs: list[Run] = []
        self._recurring: dict[tuple[str, str, int], Recurring] = {}
        self._started: dict[str, Agent] = {}
        self.troubles: dict[tuple[str, str], Trouble] = {}
        self.after: After = lambda delay_us, act: None
        self.now_us: Callable[[], int] = lambda: 0
        self.wall_ms: Callable[[], int] = lambda: 0
        self.reaches: Callable[[NodeName], bool] = lambda node: False
        """Whether a migration gets to a node."""
        self.on_result: Callable[[Operation, OperationResult], None] = lambda what, result: None
        """Sees every one-time result before the daemon does."""
        self.set_score: Callable[[str], None] = lambda resource: None
        """Lets an agent set the promotion score of its resource here."""
        self.wiring: Wiring = KEEPS_ALL

    def execute(self, operation: Operation, life: str, report: Report) -> None:
        """Begin an operation; `report` gets its result, for a recurring one each change."""
        action = operation.action
        if action.interval_ms > 0:
            key = (str(action.resource), action.task, action.interval_ms)
            self._recurring[key] = Recurring(self, operation, life, report)
            return
        began_wall_ms, began_us = self.wall_ms(), self.now_us()
        agent = action.agent
        if action.task == "start" and agent is not None and agent.agent_class != STONITH_CLASS:
            self._started[str(action.resource)] = agent

        def end(outcome: OperationOutcome, rc: int) -> None:
            if (outcome, action.task, rc) == (OperationOutcome.DONE, "stop", OCF_OK):
                self._started.pop(str(action.resource), None)
            took_ms = (self.now_us() - began_us) // MS
            result = make_result(operation, outcome, rc, began_wall_ms, took_ms)
            self.on_result(operation, result)
            report(result)

        self.run(operation, life, end)

    def cancel(self, resource: str, task: str, interval_ms: int) -> None:
        """End a recurring operation."""
        self._recurring.pop((resource, task, interval_ms), None)

    def is_recurring(self, recurring: "Recurring") -> bool:
        """Say whether it was not cancelled or replaced."""
        return self._recurring.get(recurring.key) is recurring

    def drop_daemon(self) -> None:
        """The daemon is gone: nobody hears the agents' ends any more, and nothing recurs."""
        self._recurring.clear()
        self._runs = [run for run in self._runs if run.has_begun]
        for run in self._runs:
            run.on_end = None

    def lose_power(self) -> None:
        """Every process is gone."""
        self._started.clear()
        self._recurring.clear()
        for run in self._runs:
            run.is_over = True
        self._runs.clear()

    def started(self) -> tuple[Started, ...]:
        """Return what this boot started and did not stop since, as its book in /run has it."""
        return tuple(
            Started(resource=ResourceId(resource), agent=agent)
            for resource, agent in sorted(self._started.items())
        )

    def has_orphans(self) -> bool:
        """Say whether processes of an earlier daemon still run."""
        return any(run.on_end is None for run in self._runs)

    def kill_orphans(self) -> None:
        """End them; what they were about to do may have happened just before."""
        for run in [run for run in self._runs if run.on_end is None]:
            if run.effect is not None and self._chance.percent(40):
                run.effect()
            self._finish(run)

    def run(
        self, operation: Operation, life: str, on_end: Callable[[OperationOutcome, int], None]
    ) -> None:
        """Queue one process; it begins as soon as its resource has no other."""
        run = Run(operation, self.now_us(), life, None, on_end=on_end)
        self._runs.append(run)
        self._begin_next(str(operation.action.resource))

    def _begin_next(self, resource: str) -> None:
        mine = [run for run in self._runs if str(run.operation.action.resource) == resource]
        if not mine or any(run.has_begun and run.on_end is not None for run in mine):
            return
        waiting = [run for run in mine if not run.has_begun]
        if waiting:
            self._begin(min(waiting, key=lambda run: run.operation.action.interval_ms > 0))

    def _begin(self, run: Run) -> None:
        operation = run.operation
        task, limit_us = operation.action.task, operation.action.timeout_ms * MS
        run.has_begun, run.began_us = True, self.now_us()
        trouble = self._take_trouble(str(operation.action.resource), task)
        low, high = DURATIONS_MS.get(task, (5, 200))
        took_us = self._chance.between(low * MS, high * MS)
        if trouble == "slow":
            took_us = self._chance.between(min(took_us, limit_us), max(took_us, limit_us - MS))
        effect_us = self._chance.between(0, took_us)
        run.effect = lambda: self._take_effect(run, trouble)
        if trouble == "hang":
            took_us = limit_us + self._chance.between(0, KILL_GRACE_US)
            effect_us = self._chance.between(0, 2 * took_us)
            if not self.wiring.kills_at_limit:
                self.after(effect_us, lambda: self._take_effect(run, trouble))
                run.effect, effect_us = None, took_us
        if effect_us <= took_us:
            self.after(effect_us, lambda: self._effect_now(run))
        self.after(took_us, lambda: self._end(run, trouble, is_hung=trouble == "hang"))

    def _effect_now(self, run: Run) -> None:
        if not run.is_over and run.effect is not None:
            effect, run.effect = run.effect, None
            effect()

    def _take_effect(self, run: Run, trouble: str) -> None:
        action = run.operation.action
        resource = self._service(run.operation)
        is_done = trouble in ("", "slow", "hang")
        match action.task:
            case "start":
                if is_done or (trouble == "fail" and self._chance.percent(30)):
                    self._services.start(resource, self._node, run.life)
                    self.set_score(resource)
            case "stop":
                if is_done:
                    self._services.stop(resource, self._node)
                elif trouble == "lie":
                    self._services.lie(resource, self._node)
            case "promote":
                if is_done or (trouble == "fail" and self._chance.percent(30)):
                    self._services.promote(resource, self._node)
            case "demote":
                if is_done:
                    self._services.demote(resource, self._node)
                elif trouble == "lie":
                    self._services.lie(resource, self._node)
            case "migrate_to":
                target = action.migrate_target
                if (is_done or trouble == "fail") and self.reaches(target):
                    self._services.move(resource, self._node, target, run.life)
            case _:
                pass

    def _end(self, run: Run, trouble: str, *, is_hung: bool) -> None:
        if run.is_over:
            return
        rc = self._exit_status(run, trouble)
        on_end = run.on_end
        self._finish(run)
        if on_end is not None:
            on_end(OperationOutcome.TIMED_OUT if is_hung else OperationOutcome.DONE, rc)

    def _finish(self, run: Run) -> None:
        run.is_over = True
        run.effect = None
        self._runs.remove(run)
        self._begin_next(str(run.operation.action.resource))

    def _exit_status(self, run: Run, trouble: str) -> int:
        if trouble in ("fail", "hang"):
            return OCF_ERROR
        action = run.operation.action
        resource = self._service(run.operation)
        is_running = self._services.is_running(resource, self._node)
        if trouble == "":
            if action.task in ("promote", "demote", "migrate_from") and not is_running:
                return OCF_NOT_RUNNING if action.task == "demote" else OCF_ERROR
            if action.task == "migrate_to" and is_running:
                return OCF_ERROR  # The target was out of reach.
        if action.task != "monitor":
            return OCF_OK
        if action.interval_ms == 0 and not self.wiring.probes_truly:
            return OCF_NOT_RUNNING
        if trouble == "lie":
            if is_running:
                self._services.lie(resource, self._node)
            is_running = not is_running
        if not is_running:
            return OCF_NOT_RUNNING
        self.set_score(resource)
        is_promoted = self._services.is_promoted(resource, self._node)
        return OCF_RUNNING_PROMOTED if is_promoted else OCF_OK

    def _service(self, operation: Operation) -> str:
        """Return the name of what runs; a fence device may run on many nodes at once."""
        agent = operation.action.agent
        if agent is not None and agent.agent_class == STONITH_CLASS:
            return f"device:{operation.action.resource}:{self._node}"
        return str(operation.action.resource)

    def _take_trouble(self, resource: str, task: str) -> str:
        trouble = self.troubles.get((resource, task))
        if trouble is None:
            return ""
        trouble.runs -= 1
        if trouble.runs <= 0:
            del self.troubles[(resource, task)]
        return trouble.kind


class Recurring:
    """A recurring operation: runs until it is cancelled, reports its first result and changes."""

    def __init__(self, host: AgentHost, operation: Operation, life: str, report: Report) -> None:
        """Begin after the operation's own first delay."""
        action = operation.action
        self.key = (str(action.resource), action.task, action.interval_ms)
        self._host = host
        self._operation = operation
        self._life = life
        self._report = report
        self._last: tuple[OperationOutcome, int] | None = None
        self._changed_ms = 0
        host.after(operation.first_after_ms * MS, self._begin)

    def _begin(self) -> None:
        if self._host.is_recurring(self):
            began_ms, began_us = self._host.wall_ms(), self._host.now_us()
            self._host.run(
                self._operation,
                self._life,
                lambda outcome, rc: self._end(outcome, rc, began_ms, began_us),
            )

    def _end(self, outcome: OperationOutcome, rc: int, began_ms: int, began_us: int) -> None:
        if not self._host.is_recurring(self):
            return
        if (outcome, rc) != self._last:
            self._last = (outcome, rc)
            took_ms = (self._host.now_us() - began_us) // MS
            self._report(make_result(self._operation, outcome, rc, began_ms, took_ms))
        self._host.after(self._operation.action.interval_ms * MS, self._begin)


def make_result(
    operation: Operation, outcome: OperationOutcome, rc: int, began_ms: int, took_ms: int
) -> OperationResult:
    """Return the result as an executor makes it; the replica names its rows."""
    action = operation.action
    agent = action.agent or Agent(agent_class="ocf", provider="heartbeat", agent_type="Dummy")
    return OperationResult(
        operation_id=operation.operation_id,
        action_id=int(action.id),
        entry=HistoryEntry(
            entry_id=f"{action.resource}_{action.task}_{action.interval_ms}",
            resource=action.resource,
            agent_class=agent.agent_class,
            provider=agent.provider,
            agent_type=agent.agent_type,
            task=action.task,
            interval_ms=action.interval_ms,
            call_id=operation.call_id,
            outcome=outcome,
            rc=rc,
            target_rc=action.target_rc,
            exit_reason="the simulator's agent failed" if rc == OCF_ERROR else "",
            last_run_ms=began_ms,
            last_rc_change_ms=began_ms,
            exec_ms=took_ms,
            digest=action.digest,
            restart_digest=action.restart_digest,
            restart_parameters=action.restart_parameters,
            secure_digest=action.secure_digest,
            secure_parameters=action.secure_parameters,
        ),
    )
