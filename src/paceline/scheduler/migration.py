"""Phase: live migration, where stop and start would be needed only because of a move.

Instead: migrate_to on the source, migrate_from on the target, a stop on the source, and the start
becomes a helper step that others can wait for. It is possible only if the resource is healthy at
both ends, and nothing it must start after moves too without being able to migrate itself.
"""

from paceline.scheduler.actions import get_action, tie
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
        and not source.is_unclean
        and source.is_online
        and rsc.next_role > Role.STOPPED
        and rsc.role > Role.STOPPED
    )


def settle_migrations(work: Work) -> None:
    """Make the moves that can be migrations so."""
    for rsc in work.primitives():
        for action in list(rsc.actions):
            if action.task == "start" and action.is_migratable and not action.is_optional:
                _migrate(work, rsc, action)


def _migrate(work: Work, rsc: Resource, start: Action) -> None:
    source, target = start.migrate_source, start.node
    assert source is not None and target is not None  # noqa: S101 - set with the mark
    stop = rsc.find_action("stop", source)
    if stop is None or not stop.is_migratable or not start.is_runnable or not stop.is_runnable:
        return
    if stop.is_pseudo:
        return
    arrive = get_action(work, rsc, "migrate_from", target)
    arrive.migrate_source, arrive.migrate_target = source, target
    arrive.require("moving")
    is_partial = rsc.partial_target is not None
    begin: Action = arrive
    if not is_partial:
        leave = get_action(work, rsc, "migrate_to", source)
        leave.migrate_source, leave.migrate_target = source, target
        leave.require("moving")
        tie(leave, arrive, Tie.ORDER)
        begin = leave
    start.is_pseudo = True
    for first, kind in list(start.after):
        if first is stop:
            continue
        if first.task in ("monitor",) and first.interval_ms == 0 and first.resource is rsc:
            tie(first, begin, Tie.ORDER)
        else:
            for each in {id(begin): begin, id(arrive): arrive}.values():
                tie(first, each, kind & _CARRIED | Tie.ORDER)
    _untie(stop, start)
    tie(arrive, stop, Tie.ORDER)
    tie(arrive, start, Tie.ORDER)
    tie(stop, start, Tie.ORDER)
    for first, kind in list(stop.after):
        if first.resource is not rsc:
            for each in {id(begin): begin}.values():
                tie(first, each, kind & _CARRIED | Tie.ORDER)


_CARRIED = Tie.ORDER | Tie.BLOCKS | Tie.PROBE


def _untie(first: Action, then: Action) -> None:
    first.before = [(each, kind) for each, kind in first.before if each is not then]
    then.after = [(each, kind) for each, kind in then.after if each is not first]
