"""What the coordinator does beside applying: Halt, ask the scheduler, send the plan (DESIGN 4).

quiet --something changed--> halting (only while a plan runs) --Halt delivered--> closing
closing --all were told of what is under way, or this took too long--> computing
computing --plan, nothing changed meanwhile--> sent --delivered--> quiet
computing --something changed meanwhile--> computing (a few times, then it is sent as it is)
"""

from collections import deque

from paceline.replica.apply_plans import PlanApplier
from paceline.replica.packed_plans import PackedPlan

COMPUTE_AGAIN_MAX = 3
"""How often a plan is computed anew because the state moved; then it goes out and is replaced."""
PLANS_MAX = 150
PLANS_WINDOW_MS = 10_000
"""More plans than this in so short a time say that planning chases its own tail: it slows down."""
CLOSING_MS_MAX = 10_000
"""How long the next plan waits for what a halted plan has to tell of: it would tell it worse.

Pacemaker waits for all that is in flight, whatever it takes; here only notifications are waited
for, and not so long that the recovery of other resources would suffer much.
"""
RETRY_MS_MIN, RETRY_MS_MAX = 1000, 60_000
"""How long the scheduler is left alone after it failed: doubled with each failure in a row."""


class Coordination:
    """The planning of one view, on every member ready, on the coordinator at work."""

    def __init__(self) -> None:
        """Begin quiet."""
        self._token = 0
        self._again = 0
        self._begun_ms: deque[int] = deque(maxlen=PLANS_MAX)
        self.computing: int | None = None
        self.halt_sent: int | None = None
        self.is_plan_sent = False
        self.is_recheck_due = False
        self.is_closing_over = False
        self.failures = 0
        self.last_error = ""
        self._retry_at_ms = 0

    def begin_view(self) -> None:
        """A new view: what was computed for another is void, and a new attempt is worth it."""
        self._retry_at_ms = 0
        self.computing = None
        self.halt_sent = None
        self.is_plan_sent = False
        self.is_recheck_due = False
        self.is_closing_over = False
        self._again = 0

    def is_wanted(self, plans: PlanApplier) -> bool:
        """Say whether another plan is wanted."""
        return plans.is_wanted or self.is_recheck_due

    def plan_to_halt(self, plans: PlanApplier) -> int | None:
        """Return the number of the plan that must be halted first and was not asked to."""
        run = plans.run
        if run is None or run.is_halted.value or run.is_complete:
            return None
        return run.number if self.halt_sent != run.number else None

    def may_compute(self, plans: PlanApplier) -> bool:
        """Say whether the scheduler can be asked now."""
        run = plans.run
        is_free = run is None or run.is_halted.value or run.is_complete
        return is_free and self.computing is None and not self.is_plan_sent

    def is_closing(self, plans: PlanApplier) -> bool:
        """Say whether a halted plan's last words are to be waited for."""
        run = plans.run
        return run is not None and run.is_closing and not self.is_closing_over

    def is_too_busy(self, now_ms: int) -> bool:
        """Say whether so many plans were asked for that the next one should wait."""
        times = self._begun_ms
        return len(times) == PLANS_MAX and now_ms - times[0] < PLANS_WINDOW_MS

    def failed(self, error: str, now_ms: int) -> int:
        """The scheduler gave no plan: return how long it is left alone."""
        wait_ms: int = min(RETRY_MS_MIN << min(self.failures, 10), RETRY_MS_MAX)
        self.failures += 1
        self.last_error = error
        self._retry_at_ms = now_ms + wait_ms
        return wait_ms

    def is_resting(self, now_ms: int) -> bool:
        """Say whether the scheduler failed so lately that it is left alone."""
        return now_ms < self._retry_at_ms

    def is_awaited(self, token: int) -> bool:
        """Say whether this is the computation that is awaited."""
        return token == self._token and self.computing is not None

    def begin_computing(self, position: int, now_ms: int) -> int:
        """Return the token of the next computation."""
        self._token += 1
        self._begun_ms.append(now_ms)
        self.computing = position
        self.is_recheck_due = False
        self.is_closing_over = False
        return self._token

    def take_plan(self, token: int, plan: PackedPlan | None, plans: PlanApplier) -> int | None:
        """Return the position that the plan was computed from where it is to be sent now."""
        if not self.is_awaited(token) or self.computing is None:
            return None
        based, self.computing = self.computing, None
        if plan is None:
            return None
        self.failures, self.last_error = 0, ""
        if plans.is_wanted and self._moved_since(plans, based) and self._again < COMPUTE_AGAIN_MAX:
            self._again += 1
            return None
        self._again = 0
        self.is_plan_sent = True
        return based

    def plan_came_back(self) -> None:
        """Our plan was delivered, accepted or not."""
        self.is_plan_sent = False

    def _moved_since(self, plans: PlanApplier, position: int) -> bool:
        return plans.wanted_at > position
