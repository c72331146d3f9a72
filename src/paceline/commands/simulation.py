"""One simulation: a snapshot, what happens to it, what is decided, and what becomes of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from paceline.commands.simulate_events import Events, OperationResult, apply_events
from paceline.commands.simulate_summary import Change, changes
from paceline.commands.simulate_world import World, carry_out
from paceline.commands.status_view import StatusView, view_of
from paceline.model.plan import Plan
from paceline.model.snapshot import Snapshot
from paceline.scheduler.plan import make_plan
from paceline.scheduler.run import run
from paceline.scheduler.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided for a snapshot, and the scheduler's work behind it."""

    work: Work
    plan: Plan
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """All of it. `decision` is None where only the status was asked for, `world` and `after`
    where the plan was not carried out.
    """

    snapshot: Snapshot
    before: StatusView
    event_lines: tuple[str, ...] = ()
    decision: Decision | None = None
    world: World | None = None
    after: StatusView | None = None


def simulate(
    snapshot: Snapshot,
    events: Events,
    *,
    is_decided: bool,
    is_carried_out: bool,
    failing: Sequence[OperationResult] = (),
) -> Simulation:
    """Return a simulation. Raises BadEventError."""
    before = _view(snapshot)
    snapshot, lines = apply_events(snapshot, events)
    if not is_decided and not is_carried_out:
        return Simulation(snapshot=snapshot, before=before, event_lines=lines)
    work = run(snapshot)
    plan = make_plan(work)
    decision = Decision(work=work, plan=plan, changes=changes(work))
    world = after = None
    if is_carried_out:
        world = carry_out(snapshot, plan, failing)
        after = _view(world.snapshot)
    return Simulation(
        snapshot=snapshot, before=before, event_lines=lines, decision=decision, world=world,
        after=after,
    )  # fmt: skip


def _view(snapshot: Snapshot) -> StatusView:
    return view_of(snapshot.configuration, snapshot.status, updated_ms=snapshot.status.now_ms)
