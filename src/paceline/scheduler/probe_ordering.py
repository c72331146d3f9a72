"""Phase: what waits for probes, because they may find something running.

A probe's answer can turn a start that seemed needed into one that is not, and can make a stop
needed that nobody planned. So whoever waits for a start also waits for the probes that may find the
first running already, and a stop waits for the probes that may find something to be stopped before
it.
"""

from paceline.scheduler.actions import INVERSE, tie
from paceline.scheduler.ordering import then_actions
from paceline.scheduler.work import Action, Kind, Resource, Tie, Work

_FORWARD_TASKS = ("start", "running", "promote", "promoted", "one-or-more")


def order_probes_of_firsts(work: Work) -> None:
    """Whoever waits for a start also waits for the probes that may find it running already.

    And whoever waits for a stop waits for the probes that may find something to stop.
    """
    for first, first_task, then, then_task in work.orders:
        if then is first.container or first.bundle is not None:
            # A container's restart may need the probe's answer after it, not before.
            continue
        if first_task == "stop" and first.kind is Kind.PRIMITIVE:
            for probe in _probes(first):
                for action in then_actions(then, then_task):
                    tie(probe, action, Tie.ORDER | Tie.PROBE)
    for top in work.resources:
        for rsc in top.walk():
            if rsc.kind is Kind.GROUP and rsc.is_ordered:
                _probes_before_stops_of_group(rsc)
    for action in list(work.actions):
        if action.task != "monitor" or action.interval_ms or action.is_optional:
            continue
        _pass_on_probe(action)


def _probes_before_stops_of_group(group: Resource) -> None:
    """A member that stops for good waits for the probes of all before it: it could not start."""
    probes: list[Action] = []
    for child in group.children:
        if child.assigned is None:
            for stop in child.actions_of("stop"):
                for probe in probes:
                    tie(probe, stop, Tie.ORDER | Tie.PROBE)
        probes.extend(_probes(child))


def _probes(rsc: Resource) -> list[Action]:
    return [
        action
        for each in rsc.primitives()
        for action in each.actions
        if action.task == "monitor" and not action.interval_ms and not action.is_optional
    ]


def _pass_on_probe(probe: Action) -> None:
    parent = rsc.parent if (rsc := probe.resource) is not None else None
    while parent is not None and parent.kind is not Kind.BUNDLE:
        stopped = parent.find_action("stopped")
        if stopped is not None:
            tie(probe, stopped, Tie.ORDER)
        begin = parent.find_action("start")
        if begin is not None and parent.kind is Kind.CLONE:
            tie(probe, begin, Tie.ORDER)
        parent = parent.parent
    if probe.resource is None:
        return
    for stop in probe.resource.actions_of("stop"):
        for after, _ in list(stop.before):
            if after.resource is probe.resource or after.resource is probe.resource.container:
                # A container's restart may need the probe's answer after it, not before.
                continue
            if after.task in ("stop", "demote"):
                tie(probe, after, Tie.ORDER | Tie.PROBE)
    for stop in _stops_before_in_group(probe.resource):
        tie(probe, stop, Tie.ORDER | Tie.PROBE)
    seen: set[int] = {id(probe)}
    for then, kind in list(probe.before):
        if then.task == "start" and kind & Tie.BLOCKS:
            _pass_on(probe, then, seen)


def _stops_before_in_group(member: Resource) -> list[Action]:
    """Return the stops that would come after a member's own, should its probe find it running."""
    group = member.parent
    if group is None or group.kind is not Kind.GROUP or not group.is_ordered:
        return []
    if member.is_active():
        return []
    earlier = group.children[: group.children.index(member)]
    before = next((each for each in reversed(earlier) if each.is_active()), None)
    return before.actions_of("stop") if before is not None else []


def _pass_on(probe: Action, action: Action, seen: set[int]) -> None:
    """Whoever waits for `action` may have to restart after it: its stop waits for the probe.

    A start needs no tie of its own: it waits for `action` anyway, where that happens at all. A stop
    that fencing implies happens whatever the probe finds.
    """
    if id(action) in seen:
        return
    seen.add(id(action))
    for then, kind in list(action.before):
        if then.kind in ("fence", "cluster") or then.task not in _FORWARD_TASKS:
            continue
        if not then.is_summary:
            if not kind & Tie.FIRST_REQUIRES_THEN:
                continue
            if then.resource is not None and then.resource is not probe.resource:
                for down in then.resource.actions_of(INVERSE.get(then.task, "")):
                    if not down.is_pseudo:
                        tie(probe, down, Tie.ORDER | Tie.PROBE)
        _pass_on(probe, then, seen)
