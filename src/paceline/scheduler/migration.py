"""Phase: live migration, where stop and start would be needed only because of a move.

Instead: migrate_to on the source, migrate_from on the target, a stop on the source, and the start
becomes a helper step that others can wait for. It is possible only if the resource is healthy at
both ends, and nothing it must start after moves too without being able to migrate itself.
"""

from msgspec import Struct

from paceline.model.errors import InvariantError
from paceline.scheduler.actions import get_action, tie
from paceline.scheduler.spread import leaves
from paceline.scheduler.utilization import LOAD_STOPPED
from paceline.scheduler.work import Action, Node, Resource, Role, Tie, Work


def mark_migratable(work: Work, rsc: Resource) -> None:
    """Create the migration's actions beside stop and start, for `settle_migrations` to choose."""
    source, target = rsc.partial_source, rsc.assigned
    is_partial = rsc.partial_target is not None and rsc.partial_target is target
    if not is_partial:
        source = rsc.running_on[0] if len(rsc.running_on) == 1 else None
    if source is None or target is None or source is target or not can_migrate(rsc, source):
        return
    start = rsc.find_action("start", target)
    stop = rsc.find_action("stop", source)
    if start is None or stop is None or start.is_optional:
        return
    start.is_migratable = stop.is_migratable = True
    start.migrate_source = source


def can_migrate(rsc: Resource, source: Node) -> bool:
    """Say whether the resource as it is now may leave `source` by live migration."""
    return (
        rsc.allow_migrate
        and rsc.is_managed
        and not rsc.failed
        and not rsc.start_pending
        and not rsc.wants_stop
        and not rsc.dangling_on
        and not source.is_unclean
        and source.is_online
        and rsc.next_role > Role.STOPPED
        and rsc.role > Role.STOPPED
    )


def settle_migrations(work: Work) -> None:
    """Make the moves that can be migrations so."""
    starts = [
        action
        for rsc in work.primitives()
        for action in rsc.actions
        if action.task == "start" and action.is_migratable and not action.is_optional
    ]
    _exclude(starts)
    moves = [move for move in (_begin(work, start) for start in starts) if move is not None]
    for move in moves:
        _tie_move(move)


def _exclude(starts: list[Action]) -> None:
    """A resource cannot migrate if something it must start after starts otherwise meanwhile."""
    changed = True
    while changed:
        changed = False
        for start in starts:
            if start.is_migratable and _waits_for_start(start):
                start.is_migratable = False
                changed = True


def _waits_for_start(start: Action) -> bool:
    for first, kind in start.after:
        if not kind & (Tie.FIRST_REQUIRES_THEN | Tie.BLOCKS) or first.resource is start.resource:
            continue
        if first.task not in ("start", "running"):
            continue
        if any(
            leaf.task == "start" and not leaf.is_optional and not leaf.is_migratable
            for leaf in leaves(first)
        ):
            return True
    return False


class _Move(Struct):
    """The actions of one migration; `leave` is None where it was begun already."""

    start: Action
    stop: Action
    arrive: Action
    leave: Action | None


def _begin(work: Work, start: Action) -> _Move | None:
    rsc, source, target = start.resource, start.migrate_source, start.node
    if not (rsc is not None and source is not None and target is not None):
        raise InvariantError("set before this phase")
    stop = rsc.find_action("stop", source)
    if stop is None or not start.is_migratable or not start.is_runnable or not stop.is_runnable:
        return None
    if stop.is_pseudo:
        return None
    arrive = get_action(work, rsc, "migrate_from", target)
    arrive.migrate_source, arrive.migrate_target = source, target
    arrive.require("moving")
    leave: Action | None = None
    if rsc.partial_target is None:
        leave = get_action(work, rsc, "migrate_to", source)
        leave.migrate_source, leave.migrate_target = source, target
        leave.require("moving")
    start.is_pseudo = start.is_migrating = stop.is_migrating = True
    if rsc.partial_target is not None:
        here = rsc.find_action("stop", target)
        if here is not None:
            here.is_optional = True
    return _Move(start, stop, arrive, leave)


def _tie_move(move: _Move) -> None:
    start, stop, arrive, leave = move.start, move.stop, move.arrive, move.leave
    begin = leave or arrive
    rsc = start.resource
    for first, kind in list(start.after):
        if first is stop or (first.is_summary and _holds(first, start)):
            continue
        if kind & Tie.SERIALIZE and not first.is_migrating:
            continue
        if first.is_migrating:
            other = (
                first.resource.find_action("migrate_from", first.node) if first.resource else None
            )
            if other is not None:
                tie(other, begin, Tie.ORDER)
            continue
        if first.task == LOAD_STOPPED:
            # Room is needed where it goes, and only if it is not on its way already.
            if leave is not None:
                tie(first, leave, Tie.ORDER | Tie.IF_NO_LOOP)
            continue
        tie(first, begin, kind & _CARRIED | Tie.ORDER)
        if begin is not arrive:
            tie(first, arrive, kind & _CARRIED | Tie.ORDER)
    for first, kind in list(stop.after):
        if first.resource is rsc or first.is_migrating or kind & Tie.IF_FIRST_UNMIGRATABLE:
            continue
        if first.is_summary and _holds(first, stop):
            continue
        tie(first, begin, kind & _CARRIED | Tie.ORDER)
    _untie(stop, start)
    if leave is not None:
        tie(leave, arrive, Tie.ORDER)
    tie(arrive, stop, Tie.ORDER)
    tie(arrive, start, Tie.ORDER)
    tie(stop, start, Tie.ORDER)


def _holds(outer: Action, inner: Action) -> bool:
    """Say whether a helper step is of a collective that the action's resource belongs to."""
    each = inner.resource
    while each is not None:
        if each is outer.resource:
            return True
        each = each.parent
    return False


_CARRIED = Tie.ORDER | Tie.BLOCKS | Tie.PROBE


def _untie(first: Action, then: Action) -> None:
    first.before = [(each, kind) for each, kind in first.before if each is not then]
    then.after = [(each, kind) for each, kind in then.after if each is not first]
