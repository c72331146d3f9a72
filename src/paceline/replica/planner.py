"""The coordinator at work: Halt, ask the scheduler, send the plan, complete the configuration."""

from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.model.status import ChangeOrigin, ClusterStatus
from paceline.replica.cib_root import (
    BOOTSTRAP_CLIENT,
    BOOTSTRAP_USER,
    EpochError,
    bootstrap,
    stamp,
)
from paceline.replica.coordination import CLOSING_MS_MAX, Coordination
from paceline.replica.effects import ComputePlan
from paceline.replica.entries import Changed, Halted, Planned
from paceline.replica.events import PlanComputed
from paceline.replica.happenings import Refused, View
from paceline.replica.identity import Identity
from paceline.replica.machine import Machine
from paceline.replica.outlet import Outlet

CALM_MS = 1000
"""How long planning pauses where plan follows plan."""
T_RECHECK, T_CALM, T_RETRY = "recheck", "calm", "scheduler-retry"
T_CLOSING = "closing"


class Planner:
    """Planning on this member: idle unless it is the coordinator."""

    def __init__(self, identity: Identity, machine: Machine, outlet: Outlet) -> None:
        """Begin with nothing wanted."""
        self._identity = identity
        self._machine = machine
        self._outlet = outlet
        self._coordination = Coordination()
        self._completing: tuple[str, str] = ("", "")
        self._complete_for: tuple[bytes, tuple[tuple[NodeId, NodeName], ...]] = (b"", ())

    @property
    def is_wanted(self) -> bool:
        """Say whether another plan is wanted."""
        return self._coordination.is_wanted(self._machine.plans)

    @property
    def is_idle(self) -> bool:
        """Say whether no plan is wanted, asked for or under way."""
        coordination = self._coordination
        run = self._machine.plans.run
        is_asking = coordination.computing is not None or coordination.is_plan_sent
        return not is_asking and not self.is_wanted and (run is None or run.is_complete)

    def begin_view(self) -> None:
        """What was computed for another view is void, and so are its timers."""
        self._coordination.begin_view()
        self._outlet.cancel_timer(T_RECHECK)
        self._outlet.cancel_timer(T_CLOSING)

    def wanted_status(self) -> bool:
        """Say whether the scheduler is to be asked now; do what must come before."""
        view = self._machine.view
        plans = self._machine.plans
        planning = self._coordination
        if view is None or view.coordinator != self._identity.node or not self.is_wanted:
            return False
        if self._completes_configuration(view):
            return False
        number = planning.plan_to_halt(plans)
        if number is not None:
            planning.halt_sent = number
            self._outlet.send(Halted(view=view.id, plan=number))
            return False
        if not planning.may_compute(plans) or planning.is_resting(self._outlet.now_ms):
            return False
        if planning.is_closing(plans):
            self._outlet.set_timer_once(T_CLOSING, CLOSING_MS_MAX)
            return False
        self._outlet.cancel_timer(T_CLOSING)
        if planning.is_too_busy(self._outlet.now_ms):
            if not self._outlet.has_timer(T_CALM):
                why = self._machine.state.core.value.wanted_why
                self._outlet.note("warning", "planning-often", f"plan after plan: {why}")
                self._outlet.set_timer(T_CALM, CALM_MS)
            return False
        return True

    def ask_scheduler(self, status: ClusterStatus) -> None:
        """Ask for a plan of the state as it is now."""
        core = self._machine.state.core.value
        self._outlet.emit(
            ComputePlan(
                token=self._coordination.begin_computing(core.position, self._outlet.now_ms),
                version=core.version,
                configuration=self._machine.state.configuration.value,
                status=status,
            )
        )

    def computed(self, event: PlanComputed) -> None:
        """The scheduler answered."""
        view = self._machine.view
        is_awaited = self._coordination.is_awaited(event.token)
        based = self._coordination.take_plan(event.token, event.plan, self._machine.plans)
        if event.plan is None and is_awaited:
            self._failed(event.error or "the scheduler gave no plan")
        elif event.plan is not None and based is not None and view is not None:
            self._outlet.send(
                Planned(
                    view=view.id,
                    number=self._machine.state.core.value.plans + 1,
                    based_position=based,
                    plan=event.plan,
                    time_ms=self._outlet.wall_ms,
                )
            )

    def _failed(self, why: str) -> None:
        wait_ms = self._coordination.failed(why, self._outlet.now_ms)
        text = f"{why}; tried again in {wait_ms // 1000} s"
        self._outlet.note("error", "scheduler-failed", text)
        self._outlet.set_timer(T_RETRY, wait_ms)

    def internals(self) -> dict[str, str]:
        """Return figures for people."""
        planning = self._coordination
        words = f"{planning.failures} in a row: {planning.last_error}" if planning.failures else ""
        return {"plan-wanted": self._wanted_why(), "scheduler-failures": words}

    def _wanted_why(self) -> str:
        return self._machine.state.core.value.wanted_why if self.is_wanted else ""

    def plan_began(self, recheck_ms: int) -> None:
        """A plan was accepted: look again when time alone could change it."""
        self._coordination.plan_came_back()
        run = self._machine.plans.run
        view = self._machine.view
        if run is None or view is None or view.coordinator != self._identity.node:
            return
        waits = [recheck_ms] if recheck_ms else []
        if run.head.recheck_at_ms:
            now_ms = max(self._outlet.wall_ms, self._machine.state.core.value.time_ms)
            waits.append(max(0, run.head.recheck_at_ms - now_ms))
        if waits:
            self._outlet.set_timer(T_RECHECK, min(waits))

    def timer_fired(self, name: str) -> None:
        """Time passed: decide anew, or go on after a pause."""
        view = self._machine.view
        is_coordinator = view is not None and view.coordinator == self._identity.node
        if name == T_RECHECK and is_coordinator:
            self._coordination.is_recheck_due = True
        elif name == T_CLOSING:
            self._coordination.is_closing_over = True

    def refused(self, happening: Refused) -> None:
        """An entry of ours was refused in its own view: what it was for may be tried again."""
        entry = happening.entry
        if isinstance(entry, Planned):
            self._coordination.plan_came_back()
        elif isinstance(entry, Halted):
            self._coordination.halt_sent = None
        elif isinstance(entry, Changed) and not entry.request_id:
            self._completing = ("", "")  # Somebody was faster: look again.

    def _completes_configuration(self, view: View) -> bool:
        """Say whether the configuration lacks nodes or our own properties, and send it if so."""
        if not view.is_quorate:
            return False
        version = self._machine.state.core.value.version
        if self._completing[0] == view.id:
            return self._completing[1] == version  # It is on its way.
        self._completing = (view.id, "")
        nodes = tuple(
            sorted({pair for hello in view.proposal.hellos for pair in hello.nodes})
        ) or tuple((hello.node_id, hello.node) for hello in view.proposal.hellos)
        configuration = self._machine.state.configuration.value
        if self._complete_for[0] is configuration and self._complete_for[1] == nodes:
            return False
        changed = self._complete(configuration, nodes)
        if changed is None:
            self._complete_for = (configuration, nodes)
            return False
        self._completing = (view.id, version)
        self._outlet.send(
            Changed(
                view=view.id,
                request_id=RequestId(""),
                based_on=version,
                configuration=changed,
                origin=self._origin(),
                time_ms=self._outlet.wall_ms,
            )
        )
        return True

    def _origin(self) -> ChangeOrigin:
        return ChangeOrigin(
            time_ms=self._outlet.wall_ms,
            user=BOOTSTRAP_USER,
            client=BOOTSTRAP_CLIENT,
            node=self._identity.node,
        )

    def _complete(
        self, configuration: bytes, nodes: tuple[tuple[NodeId, NodeName], ...]
    ) -> bytes | None:
        try:
            wanted = bootstrap(
                configuration,
                nodes=nodes,
                cluster_name=self._machine.state.core.value.cluster_name,
                version=self._identity.version,
            )
            if wanted is None:
                return None
            return stamp(wanted, configuration, self._origin(), self._outlet.wall_ms)
        except EpochError as problem:
            self._outlet.note("error", "configuration-unreadable", str(problem))
            return None
