"""The judge: looks at what really happened, and knows nothing of how the product decides.

S1  with fencing on, a resource that may run once never runs twice, nor is it promoted twice
S2  nothing starts without quorum, of Corosync and of the daemons
S3  "fenced" is said only after a device said so; no retry shoots a boot that joined since
S4  what was acknowledged is never lost, and all readers see one order of it
S5  one version has one content; at the end all have the same state
S6  the same input gives the same plan
S7  a damaged file is told, and nothing is used that nobody wrote
S8  nothing of a lost node is recovered before a device said that it is off, or it is back
S9  a refused change leaves nothing behind
S10 a late result changes nothing
L1  it settles within a bound once the faults stop, and the next plan is empty
L2  what can run runs, once; what must not run does not, and what does not run has a reason
L3  nobody plans on and on
L4  queues and tables stay bounded
L5  every request is answered by a daemon that lives on
raised  the product's program broke
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from msgspec import structs

from paceline.model.identifiers import NodeName
from paceline.model.operation import FenceOperation
from paceline.model.plan import ActionKind, Plan
from paceline.model.status import ClusterStatus
from paceline.replica.effects import ComputePlan, Effect, Execute, ExecuteFence, Note
from paceline.replica.events import Event, FenceFinished, GroupChanged, PlanComputed
from paceline.replica.requests import Outcome, RequestAnswer
from paceline.sim.agents import LATE_REASON
from paceline.sim.cibs import (
    CLONE,
    PROMOTABLE,
    TICKETED,
    configured_resources,
    content,
    markers,
    needs_ticket,
    wanted_clones,
    wanted_resources,
)
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
TOLD_LEVELS = frozenset({"warning", "error"})
CLONES = frozenset({CLONE, PROMOTABLE})
OFF_TASKS = ("off", "reboot")
STARTING_TASKS = frozenset({"start", "promote", "migrate_to"})
STATUS_BYTES_MAX = 400_000
"""What a status may come to: some dozen operations of eight resources on five nodes."""


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


@dataclass(frozen=True, slots=True)
class Lost:
    """When something ended with its machine's power, and in which boot."""

    at_us: int
    boot: int


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
        self.node_count = 0
        self.spoiled: NodeName | None = None
        """The node whose disk went bad."""
        self._asked: set[bytes] = set()
        self._has_questions = False
        self._orders: dict[str, tuple[str, ...]] = {}
        self._shown: dict[str, set[NodeName]] = {}
        self._lost: dict[str, dict[NodeName, Lost]] = {}
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
        """S1 and S8, at every start that really happened."""
        self._trace.tell(node, f"{resource} runs")
        if resource in CLONES:
            return
        self._check_recovery(node, resource)
        self._check_once(node, resource, copies, "runs")

    def saw_promote(self, node: NodeName, resource: str, copies: dict[NodeName, Copy]) -> None:
        """S1 for the promoted role."""
        self._trace.tell(node, f"{resource} is promoted")
        promoted = {name: copy for name, copy in copies.items() if copy.is_promoted}
        self._check_recovery(node, f"{resource} promoted")
        self._check_once(node, resource, promoted, "is promoted")

    def saw_end(self, node: NodeName, resource: str, what: str, was_promoted: bool) -> None:
        """Keep what a machine without power had, for S8."""
        if what != "power lost" or resource.startswith("device:"):
            return
        lost = Lost(self._clock.now_us, self.boots_of(node))
        if resource not in CLONES:
            self._lost.setdefault(resource, {})[node] = lost
        elif was_promoted:
            self._lost.setdefault(f"{resource} promoted", {})[node] = lost

    def _check_recovery(self, node: NodeName, what: str) -> None:
        """S8: what a lost node had may only run elsewhere when the node is known to be off."""
        lost, devices = self._lost.pop(what, {}), self.devices
        if not self._is_fencing_on or devices is None:
            return
        for name, when in sorted(lost.items()):
            is_back = self.boots_of(name) > when.boot and self.sees(node, name)
            if name != node and not is_back and not devices.has_said_off(name, when.at_us):
                self.accuse("S8", node, f"{what} is recovered, and nobody said that {name} is off")

    def _saw_group(self, machine: Machine, event: GroupChanged) -> None:
        """Who sees a node with a new boot knows that the one before is over."""
        names = [f"node{m.node_id}" for m in event.members if m.node_id != machine.node_id]
        for losses in self._lost.values():
            for name, when in list(losses.items()):
                if name in names and self.boots_of(name) > when.boot:
                    del losses[name]

    def _check_once(
        self, node: NodeName, resource: str, copies: dict[NodeName, Copy], does: str
    ) -> None:
        lied_about = self.devices.lied_about if self.devices is not None else set()
        honest = sorted(
            name
            for name, copy in copies.items()
            if not copy.is_lied_about and name not in lied_about
        )
        others = [name for name in honest if name != node]
        if node not in honest or not others:
            return
        if not self._is_fencing_on:
            others = [name for name in others if self.together_us(node, name) > SETTLED_RING_US]
        if others:
            self.accuse("S1", node, f"{resource} {does} on {' and '.join(honest)}")

    def saw_question(self, configuration: bytes) -> None:
        """Keep what clients asked for: nothing else may ever be in use."""
        self._has_questions = True
        self._asked.add(content(configuration))

    def saw_spoiled(self, node: NodeName) -> None:
        """A node's disk goes bad."""
        self.spoiled = node

    def saw_event(self, machine: Machine, event: Event, effects: tuple[Effect, ...]) -> None:
        """S2 to S5, S7 and S10 at every event that was handled."""
        daemon = machine.daemon
        if daemon is None:
            return
        if isinstance(event, GroupChanged):
            self._saw_group(machine, event)
        for effect in effects:
            if isinstance(effect, Execute):
                self._saw_execute(machine, effect)
            elif isinstance(effect, ExecuteFence):
                self._saw_fence(machine, effect)
            elif isinstance(effect, ComputePlan):
                self._check_late(machine, effect.status)
        if daemon.handled == 1 and machine.disk.is_worn and not _tells(effects):
            self.accuse("S7", machine.name, "its disk is damaged, and nobody is told")
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
        if not daemon.is_fresh and len(daemon.members) > 1:
            what = f"{action.task} {action.resource} after a freeze, and nobody else was heard"
            self.accuse("S2", machine.name, what)
        if daemon.has_unheard_loss():
            what = f"{action.task} {action.resource} while the loss of quorum waits to be heard"
            self.accuse("S2", machine.name, what)
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
        self._check_quorum_to_fence(machine, operation)
        run, _, _ = operation.operation_id.rpartition("-")
        boots = self.boots_of(operation.target)
        wanted = self._fenced_boots.setdefault(run, boots)
        if operation.task not in OFF_TASKS or boots == wanted or daemon is None:
            return
        if self.sees(operation.target, machine.name):
            what = f"boot {boots} of {operation.target} is shot, boot {wanted} was meant"
            self.accuse("S3", machine.name, what)

    def _check_quorum_to_fence(self, machine: Machine, operation: FenceOperation) -> None:
        """S2 for fencing: nobody is shot by daemons that do not hold the votes."""
        daemon = machine.daemon
        quorum = daemon.last_quorum if daemon is not None else None
        if daemon is None or operation.task not in OFF_TASKS:
            return
        if quorum is None or not quorum.is_quorate or len(daemon.members) < quorum.quorum_votes:
            what = f"{len(daemon.members)} daemons fence {operation.target}"
            self.accuse("S2", machine.name, what)

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
        digest = _digest(configuration)
        if version not in self._orders:
            held = content(configuration)
            if not self._has_questions:
                self._asked.add(held)  # What the product begins with.
            if held not in self._asked:
                what = f"version {version} is nothing that anybody asked for"
                self.accuse("S7", machine.name, what)
            self._orders[version] = markers(configuration) if markers_section(configuration) else ()
        for marker in self._orders[version]:
            self._shown.setdefault(marker, set()).add(machine.name)
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

    def _check_late(self, machine: Machine, status: ClusterStatus) -> None:
        """S10: no status ever shows what a late result said."""
        late = [
            f"{row.task} of {row.resource} on {node.name}"
            for node in status.nodes
            for row in node.history
            if row.exit_reason == LATE_REASON
        ]
        late += [
            f"{r.action} of {r.target}" for r in status.fencing if r.exit_reason == LATE_REASON
        ]
        if late:
            self.accuse("S10", machine.name, f"a late result counts: {', '.join(late[:3])}")

    # When the faults are over.

    def check_tables(self, machines: list[Machine]) -> None:
        """L4: what is known of a small cluster is small."""
        for machine in machines:
            if machine.daemon is not None:
                size = len(msgspec.json.encode(machine.daemon.replica.status()))
                if size > STATUS_BYTES_MAX:
                    self.accuse("L4", machine.name, f"its status has {size} bytes")

    def _is_excused(self, marker: str) -> bool:
        """Say whether a bad disk had one of so few copies of a change that no rule can keep it."""
        shown = self._shown.get(marker, set())
        left = shown - {self.spoiled}
        return self.spoiled in shown and len(left) * 2 <= self.node_count

    def _check_order(self, clients: Administrators, final: tuple[str, ...]) -> None:
        """S4: all configurations ever shown have the acknowledged changes in one order."""
        kept = [
            change
            for change in clients.changes
            if change.outcome is Outcome.ACKNOWLEDGED and change.marker in final
        ]
        acknowledged = {change.marker for change in kept}
        order = [marker for marker in final if marker in acknowledged]
        for version, shown in self._orders.items():
            seen = [marker for marker in shown if marker in acknowledged]
            if seen != order[: len(seen)]:
                words = f"version {version} shows {' '.join(seen[-3:])} in another order"
                self.accuse("S4", "", words)
        place = {marker: n for n, marker in enumerate(order)}
        for one in kept:
            for other in kept:
                is_before = one.answered_us < other.asked_us
                if is_before and place[one.marker] > place[other.marker]:
                    words = f"{one.marker} was acknowledged before {other.marker} was asked for"
                    self.accuse("S4", "", f"{words}, and comes after it")

    def check_history(self, machines: list[Machine], clients: Administrators) -> None:
        """S4 and S9 over all answers, against what the cluster has in the end."""
        for machine in machines:
            if machine.daemon is None:
                continue
            configuration = machine.daemon.replica.configuration
            held = markers(configuration) if markers_section(configuration) else ()
            self._check_order(clients, held)
            for change in clients.changes:
                if not change.marker:
                    continue
                if (
                    change.outcome is Outcome.ACKNOWLEDGED
                    and change.marker not in held
                    and not self._is_excused(change.marker)
                ):
                    self.accuse("S4", machine.name, f"{change.marker} was acknowledged and is lost")
                if change.outcome is Outcome.REFUSED and change.marker in held:
                    self.accuse("S9", machine.name, f"{change.marker} was refused and is there")

    def check_answers(self, clients: Administrators) -> None:
        """L5: who asked a daemon that lived on has an answer by now."""
        for change in clients.changes:
            if change.outcome is None and change.asked is not None and change.asked.is_alive:
                words = f"{change.request_id} ({change.words}) was never answered"
                self.accuse("L5", change.node, words)

    def check_reasons(self, machines: list[Machine], planner: Planner) -> None:
        """L2 at the end: for what does not run there is a reason."""
        replica = next(machine.daemon.replica for machine in machines if machine.daemon is not None)
        configuration, status = replica.configuration, replica.status()
        for name in configured_resources(configuration):
            is_running = machines[0].services.nodes_of(name)
            if not is_running and not planner.has_reason(configuration, status, name):
                self.accuse("L2", "", f"{name} does not run, and there is no reason")

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
        words = _left_to_do(planner.plan(first.configuration, first.status()))
        if words:
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
        status = first.status()
        self._check_late(machines[0], status)
        words = _left_to_do(planner.plan(first.configuration, status))
        if words:
            return "L1", [f"the next plan is not empty: {', '.join(words[:6])}"]
        wrong = self._misplaced(machines, first.configuration, status)
        return ("L2", wrong) if wrong else ("", [])

    def _misplaced(
        self, machines: list[Machine], configuration: bytes, status: ClusterStatus
    ) -> list[str]:
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
        for name in wanted_clones(configuration):
            count = len(services.nodes_of(name))
            if count != len(machines):
                wrong.append(f"{name} runs on {count} of {len(machines)} nodes")
            if name == PROMOTABLE and len(services.promoted_nodes(name)) != 1:
                wrong.append(f"{name} is promoted on {len(services.promoted_nodes(name))} nodes")
        if needs_ticket(configuration):
            is_granted = any(t.is_granted and not t.is_standby for t in status.tickets)
            nodes = services.nodes_of(TICKETED)
            if len(nodes) > is_granted:
                wrong.append(f"{TICKETED} runs on {' '.join(nodes)}, granted: {is_granted}")
        return wrong


def _left_to_do(plan: Plan) -> list[str]:
    """Return what a plan does; steps that only order others do nothing by themselves."""
    return [
        f"{action.task} {action.resource} {action.node}"
        for action in plan.actions
        if action.kind is not ActionKind.PSEUDO
    ]


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


def _tells(effects: tuple[Effect, ...]) -> bool:
    return any(isinstance(each, Note) and each.level in TOLD_LEVELS for each in effects)


def _digest(configuration: bytes) -> bytes:
    return hashlib.blake2b(configuration, digest_size=16).digest()


def _difference(texts: list[bytes]) -> str:
    """Return the place where two encoded statuses part."""
    one, two = texts[0].decode(), texts[1].decode()
    place = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), 0)
    return f"...{one[max(0, place - 120) : place + 60]}... / ...{two[place - 20 : place + 60]}..."
