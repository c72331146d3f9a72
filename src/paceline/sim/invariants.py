"""The judge: looks at what really happened, and knows nothing of how the product decides.

S1  with fencing on, a resource that may run once never runs twice
S2  nothing starts without quorum, of Corosync and of the daemons
S3  "fenced" is said only after a device said so; no retry shoots a boot that joined since
S4  what was acknowledged is never lost
S5  one version has one content; at the end all have the same state
S9  a refused change leaves nothing behind
L1  it settles within a bound once the faults stop, and the next plan is empty
L2  what can run runs, once; what must not run does not
L3  nobody plans on and on
L4  queues and tables stay bounded
raised  the product's program broke
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from msgspec import structs

from paceline.model.identifiers import NodeName
from paceline.replica.effects import Effect, Execute, ExecuteFence
from paceline.replica.events import Event, FenceFinished, PlanComputed
from paceline.replica.requests import Outcome, RequestAnswer
from paceline.sim.cibs import markers, wanted_resources
from paceline.sim.clients import FIRST_WORDS, Administrators, Change, holds, markers_section
from paceline.sim.clock import Clock
from paceline.sim.devices import FenceDevices
from paceline.sim.machine import Machine
from paceline.sim.planner import Planner
from paceline.sim.services import Copy
from paceline.sim.trace import Trace

VIOLATIONS_MAX = 5
"""How many of each rule are kept."""
DEPTH_MAX = 5_000
TIMERS_MAX = 200
SETTLED_RING_US = 20_000_000
"""Without fencing two halves may both run a resource, and a while after they met."""
OFF_TASKS = ("off", "reboot")
STARTING_TASKS = frozenset({"start", "promote", "migrate_to"})


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken."""

    at_us: int
    rule: str
    node: str
    what: str

    def __str__(self) -> str:
        """Return it as a line for people."""
        where = f" on {self.node}" if self.node else ""
        return f"{self.at_us / 1_000_000:.3f} {self.rule}{where}: {self.what}"


class Judge:
    """Watches a run; keeps every broken promise."""

    def __init__(
        self, clock: Clock, trace: Trace, *, is_fencing_on: bool, is_freezing: bool
    ) -> None:
        """Begin with nothing broken."""
        self._clock = clock
        self._trace = trace
        self._is_fencing_on = is_fencing_on
        self.is_freezing = is_freezing
        self._contents: dict[str, bytes] = {}
        self._versions: dict[NodeName, str] = {}
        self.devices: FenceDevices | None = None
        self.together_us: Callable[[NodeName, NodeName], int] = lambda one, other: 0
        self.boots_of: Callable[[NodeName], int] = lambda name: 0
        self.sees: Callable[[NodeName, NodeName], bool] = lambda one, other: False
        self._fenced_boots: dict[str, int] = {}
        self.violations: list[Violation] = []
        self.deepest = 0

    def accuse(self, rule: str, node: str, what: str) -> None:
        """Write a broken promise down."""
        if sum(violation.rule == rule for violation in self.violations) < VIOLATIONS_MAX:
            violation = Violation(self._clock.now_us, rule, node, what)
            self.violations.append(violation)
            self._trace.tell(node, f"*** {rule} BROKEN: {what}")

    # While it runs.

    def saw_start(self, node: NodeName, resource: str, copies: dict[NodeName, Copy]) -> None:
        """S1, at every start that really happened."""
        self._trace.tell(node, f"{resource} runs")
        honest = sorted(name for name, copy in copies.items() if not copy.is_lied_about)
        others = [name for name in honest if name != node]
        if node not in honest or not others:
            return
        if not self._is_fencing_on:
            others = [name for name in others if self.together_us(node, name) > SETTLED_RING_US]
        if others:
            self.accuse("S1", node, f"{resource} runs on {' and '.join(honest)}")

    def saw_event(self, machine: Machine, event: Event, effects: tuple[Effect, ...]) -> None:
        """S2, S4 and S5 at every event that was handled."""
        daemon = machine.daemon
        if daemon is None:
            return
        for effect in effects:
            if isinstance(effect, Execute):
                self._saw_execute(machine, effect)
            elif isinstance(effect, ExecuteFence):
                self._saw_fence(machine, effect)
        depth = daemon.depth()
        self.deepest = max(self.deepest, depth)
        if depth > DEPTH_MAX or daemon.timers() > TIMERS_MAX:
            self.accuse("L4", machine.name, f"{depth} events wait, {daemon.timers()} timers")
        version = daemon.replica.version
        if self._versions.get(machine.name) != version:
            self._versions[machine.name] = version
            self._saw_version(machine, version, daemon.replica.configuration)
        if isinstance(event, FenceFinished | PlanComputed):
            self._check_fenced(machine)

    def saw_answer(self, machine: Machine, change: Change, answer: RequestAnswer) -> None:
        """S4: what is acknowledged is in the configuration of who says so."""
        daemon, devices = machine.daemon, self.devices
        if answer.outcome is not Outcome.ACKNOWLEDGED or daemon is None:
            return
        if change.target and devices is not None and not devices.has_done(change.target):
            self.accuse("S3", machine.name, f"{change.target} fenced without a device's word")
        if not change.marker and change.words != FIRST_WORDS:
            return
        configuration = daemon.replica.configuration
        if not change.marker:
            is_there = markers_section(configuration)
        else:
            is_there = holds(configuration, change.marker)
        if not is_there:
            self.accuse("S4", machine.name, f"{change.marker} is acknowledged and not there")

    def _saw_execute(self, machine: Machine, effect: Execute) -> None:
        action = effect.operation.action
        daemon = machine.daemon
        agent = action.agent
        if action.task not in STARTING_TASKS or daemon is None:
            return
        if agent is not None and agent.agent_class == "stonith":
            return
        quorum = daemon.last_quorum
        if self._may_start_frozen(machine, str(action.resource)):
            return
        if quorum is None or not quorum.is_quorate:
            self.accuse("S2", machine.name, f"{action.task} {action.resource} without quorum")
        elif len(daemon.members) < quorum.quorum_votes:
            members = len(daemon.members)
            self.accuse("S2", machine.name, f"{action.task} {action.resource}: {members} daemons")

    def _saw_fence(self, machine: Machine, effect: ExecuteFence) -> None:
        """S3 by life: what is tried again is meant for the boot that the first try was meant for.

        A boot that the others do not see yet is unknown, and may be fenced with the one before.
        """
        operation, daemon = effect.operation, machine.daemon
        run, _, _ = operation.operation_id.rpartition("-")
        boots = self.boots_of(operation.target)
        wanted = self._fenced_boots.setdefault(run, boots)
        if operation.task not in OFF_TASKS or boots == wanted or daemon is None:
            return
        if self.sees(operation.target, machine.name):
            what = f"boot {boots} of {operation.target} is shot, boot {wanted} was meant"
            self.accuse("S3", machine.name, what)

    def _may_start_frozen(self, machine: Machine, resource: str) -> bool:
        """Say whether `freeze` lets this go on without quorum: it ran among those who are here."""
        if not self.is_freezing or machine.daemon is None:
            return False
        here = {f"node{member.node_id}" for member in machine.daemon.members}
        last = next(
            (w for w in reversed(machine.services.witnessed) if w.resource == resource), None
        )
        return last is not None and last.node in here

    def _saw_version(self, machine: Machine, version: str, configuration: bytes) -> None:
        digest = hashlib.blake2b(configuration, digest_size=16).digest()
        if self._contents.setdefault(version, digest) != digest:
            self.accuse("S5", machine.name, f"version {version} has two contents")

    def _check_fenced(self, machine: Machine) -> None:
        daemon, devices = machine.daemon, self.devices
        if daemon is None or devices is None:
            return
        for record in daemon.replica.status().fencing:
            if record.state != "done" or record.action == "on":
                continue
            if not devices.has_done(record.target):
                self.accuse("S3", machine.name, f"{record.target} fenced without a device's word")

    # When the faults are over.

    def check_history(self, machines: list[Machine], clients: Administrators) -> None:
        """S4 and S9 over all answers, against what the cluster has in the end."""
        for machine in machines:
            if machine.daemon is None:
                continue
            configuration = machine.daemon.replica.configuration
            held = markers(configuration) if markers_section(configuration) else frozenset()
            for change in clients.changes:
                if not change.marker:
                    continue
                if change.outcome is Outcome.ACKNOWLEDGED and change.marker not in held:
                    self.accuse("S4", machine.name, f"{change.marker} was acknowledged and is lost")
                if change.outcome is Outcome.REFUSED and change.marker in held:
                    self.accuse("S9", machine.name, f"{change.marker} was refused and is there")

    def check_answers(self, clients: Administrators) -> None:
        """L5: who asked a daemon that lived on has an answer by now."""
        for change in clients.changes:
            if change.outcome is None and change.asked is not None and change.asked.is_alive:
                words = f"{change.request_id} ({change.words}) was never answered"
                self.accuse("L5", change.node, words)

    def check_same(self, machines: list[Machine]) -> None:
        """S5 at the end: all replicas know the same."""
        seen: dict[bytes, str] = {}
        for machine in machines:
            if machine.daemon is None:
                continue
            status = structs.replace(machine.daemon.replica.status(), now_ms=0, local_node="")
            seen.setdefault(msgspec.json.encode(status), machine.name)
        if len(seen) > 1:
            self.accuse(
                "S5", "", f"{' and '.join(seen.values())} differ: {_difference(list(seen))}"
            )

    def check_nothing_missed(self, machines: list[Machine], planner: Planner) -> None:
        """L2 before anybody cleans up: where all are idle, nothing is left to do by what is known.

        A refresh makes everything be looked at anew, and would hide a result that nobody acted on.
        """
        if any(_why_busy(machine, len(machines)) for machine in machines):
            return
        daemons = [machine.daemon for machine in machines if machine.daemon is not None]
        first = daemons[0].replica
        plan = planner.plan(first.configuration, first.status())
        if plan.actions:
            words = [f"{action.task} {action.resource} {action.node}" for action in plan.actions]
            self.accuse("L2", "", f"all are idle, and nobody did: {', '.join(words[:6])}")

    def unsettled(self, machines: list[Machine], planner: Planner) -> tuple[str, list[str]]:
        """Return the rule that does not hold yet, and why; an empty rule when all is well."""
        waits = [reason for machine in machines if (reason := _why_busy(machine, len(machines)))]
        if waits:
            return "L1", waits
        daemons = [machine.daemon for machine in machines if machine.daemon is not None]
        versions = sorted({daemon.replica.version for daemon in daemons})
        if len(versions) > 1:
            return "L1", [f"versions differ: {', '.join(versions)}"]
        first = daemons[0].replica
        plan = planner.plan(first.configuration, first.status())
        if plan.actions:
            words = [f"{action.task} {action.resource} {action.node}" for action in plan.actions]
            return "L1", [f"the next plan is not empty: {', '.join(words[:6])}"]
        return self._misplaced(machines, first.configuration)

    def _misplaced(self, machines: list[Machine], configuration: bytes) -> tuple[str, list[str]]:
        services = machines[0].services
        wanted, unwanted = wanted_resources(configuration)
        wrong = [
            f"{name} runs on {len(nodes)} nodes {' '.join(nodes)}".rstrip()
            for name in wanted
            if len(nodes := services.nodes_of(name)) != 1
        ]
        wrong += [
            f"{name} must not run and runs on {' '.join(nodes)}"
            for name in unwanted
            if (nodes := services.nodes_of(name))
        ]
        return ("L2", wrong) if wrong else ("", [])


def _why_busy(machine: Machine, count: int) -> str:
    """Return why a machine is not at rest, or nothing."""
    daemon = machine.daemon
    if not machine.is_on:
        return f"{machine.name} is off"
    if daemon is None:
        return f"{machine.name} has no daemon"
    if daemon.last_quorum is None or not daemon.last_quorum.is_quorate:
        return f"{machine.name} has no quorum"
    if len(daemon.members) != count:
        return f"{machine.name} sees {len(daemon.members)} daemons"
    if not daemon.replica.is_idle():
        facts = daemon.replica.internals()
        return f"{machine.name} is not idle: " + ", ".join(f"{k} {v}" for k, v in facts.items())
    return ""


def _difference(texts: list[bytes]) -> str:
    """Return the place where two encoded statuses part."""
    one, two = texts[0].decode(), texts[1].decode()
    place = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), 0)
    return f"...{one[max(0, place - 120) : place + 60]}... / ...{two[place - 20 : place + 60]}..."
