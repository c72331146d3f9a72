"""One simulation: a snapshot, what happens to it, what is decided, and what becomes of it."""

from collections.abc import Sequence

from msgspec import Struct

from paceline.commands.simulate_events import Events, OperationResult, apply_events
from paceline.commands.simulate_summary import Change, changes
from paceline.commands.simulate_world import World, carry_out
from paceline.commands.status_view import StatusView, view_of
from paceline.model.plan import Plan
from paceline.model.snapshot import Snapshot
from paceline.scheduler.plan import make_plan
from paceline.scheduler.run import run
from paceline.scheduler.work import Work


class Decision(Struct, frozen=True, kw_only=True):
    """What was decided for a snapshot, and the scheduler's work behind it."""

    work: Work
    plan: Plan
    changes: tuple[Change, ...]


class Simulation(Struct, frozen=True, kw_only=True):
    """All of it: `snapshot` is after the events, `start` before them.

    `decision` is None where only the status was asked for, `world` where the plan was not carried
    out.
    """

    start: Snapshot
    snapshot: Snapshot
    event_lines: tuple[str, ...] = ()
    decision: Decision | None = None
    world: World | None = None


def simulate(
    snapshot: Snapshot,
    events: Events,
    *,
    is_decided: bool,
    is_carried_out: bool,
    failing: Sequence[OperationResult] = (),
) -> Simulation:
    """Return a simulation. Raises BadEventError."""
    start = snapshot
    snapshot, lines = apply_events(snapshot, events)
    if not is_decided and not is_carried_out:
        return Simulation(start=start, snapshot=snapshot, event_lines=lines)
    work = run(snapshot)
    plan = make_plan(work)
    return Simulation(
        start=start,
        snapshot=snapshot,
        event_lines=lines,
        decision=Decision(work=work, plan=plan, changes=changes(work)),
        world=carry_out(snapshot, plan, failing) if is_carried_out else None,
    )


def status_of(snapshot: Snapshot) -> StatusView:
    """Return the status that a report shows."""
    return view_of(snapshot.configuration, snapshot.status, updated_ms=snapshot.status.now_ms)
