"""Phase: ties from collectives and from order constraints.

A collective has helper steps: *start* before its parts start, *running* after; the same for stop,
promote and demote. What is required of a helper step is required of the parts, and it is required
or possible itself as its parts are (`spread`).
"""

import itertools

from paceline.model.configuration import OrderConstraint, ResourceSet
from paceline.scheduler.actions import DONE_TASK, INVERSE, get_action, pseudo, tie
from paceline.scheduler.constraints import find_resource, is_symmetrical, order_kind
from paceline.scheduler.remote import goes_with_container
from paceline.scheduler.work import Action, Kind, Node, Resource, Role, Tie, Work

TASKS = ("start", "stop", "promote", "demote")


def make_collective_actions(work: Work, rsc: Resource) -> None:
    """Create the helper steps of a collective, innermost first, and tie the parts to them."""
    for child in rsc.children:
        if child.kind is not Kind.PRIMITIVE:
            make_collective_actions(work, child)
    if rsc.kind is Kind.PRIMITIVE:
        return
    tasks = TASKS if rsc.is_promotable or rsc.kind is Kind.BUNDLE else TASKS[:2]
    for task in tasks:
        begin, done = _helper(work, rsc, task), _helper(work, rsc, DONE_TASK[task])
        tie(begin, done, Tie.ORDER)
        for child in rsc.children:
            if (rsc.kind is Kind.BUNDLE and child.kind is Kind.PRIMITIVE) and (
                not child.is_bundle_container
            ):
                continue
            for part_begin, part_done in _parts(child, task):
                _adopt(begin, part_begin)
                if part_done is not part_begin:
                    _adopt(done, part_done)
                else:
                    _adopt(done, part_begin)
                tie(begin, part_begin, Tie.ORDER)
                tie(part_done, done, Tie.ORDER)
    if rsc.kind is Kind.GROUP:
        _tie_group(work, rsc)
    elif rsc.kind is Kind.CLONE or rsc.is_promotable:
        _tie_clone(work, rsc)


def _helper(work: Work, rsc: Resource, task: str) -> Action:
    action = get_action(work, rsc, task, None)
    action.is_summary = True
    # A group is up when all of it is; it begins with whatever part can.
    action.needs_all = rsc.kind is Kind.GROUP and task not in TASKS
    if rsc.kind is Kind.CLONE and task in ("running", "promoted", "start", "promote"):
        action.min_first = rsc.clone_min
    return action


def _parts(child: Resource, task: str) -> list[tuple[Action, Action]]:
    if child.kind is Kind.PRIMITIVE:
        return [(each, each) for each in child.actions_of(task)]
    begin, done = child.find_action(task), child.find_action(DONE_TASK[task])
    return [(begin, done)] if begin is not None and done is not None else []


def _adopt(collective: Action, part: Action) -> None:
    if part not in collective.children:
        collective.children.append(part)
        part.parents.append(collective)


def _tie_group(work: Work, rsc: Resource) -> None:
    """Members start after, and stop before, the one before them."""
    stopped, begin = rsc.find_action("stopped"), rsc.find_action("start")
    if stopped is not None and begin is not None:
        tie(stopped, begin, Tie.ORDER)
    if not rsc.is_ordered:
        return
    forward = Tie.ORDER | Tie.FIRST_REQUIRES_THEN | Tie.BLOCKS
    backward = Tie.ORDER | Tie.THEN_REQUIRES_FIRST
    last_active: Resource | None = None
    before: Resource | None = None
    for child in rsc.children:
        if before is not None:
            work.orders.append((child, "stop", before, "stop"))
            for task in ("start", "promote"):
                if task == "promote" and not rsc.is_promotable:
                    continue
                for first in first_actions(work, before, task):
                    for then in child.actions_of(task):
                        tie(first, then, forward)
        if last_active is not None:
            for task in ("stop", "demote"):
                for first in child.actions_of(task):
                    for then in last_active.actions_of(task):
                        tie(first, then, backward)
        before = child
        if child.is_active():
            last_active = child


def _tie_clone(work: Work, rsc: Resource) -> None:
    def chain(*names: str) -> None:
        first, then = rsc.find_action(names[0]), rsc.find_action(names[1])
        if first is not None and then is not None:
            tie(first, then, Tie.ORDER)

    chain("stopped", "start")
    if rsc.is_promotable:
        chain("demoted", "stop")
        chain("demoted", "start")
        chain("demoted", "promote")
        chain("stopped", "promote")
        chain("running", "promote")
    if rsc.is_ordered:
        _tie_ordered_instances(rsc)


def _tie_ordered_instances(rsc: Resource) -> None:
    """Each instance rises after the one before it, and goes down before it."""
    instances = sorted(rsc.children, key=lambda child: child.instance_number)
    for task in ("start", "promote"):
        rising = [done for child in instances for _, done in _parts(child, task)]
        for first, then in itertools.pairwise(rising):
            tie(first, then, Tie.ORDER)
    for task in ("stop", "demote"):
        falling = [begin for child in instances for begin, _ in _parts(child, task)]
        for first, then in itertools.pairwise(falling):
            tie(then, first, Tie.ORDER)


# Order constraints


def apply_orders(work: Work) -> None:
    """Tie actions as the order constraints say, and what is in a container to the container."""
    for top in work.resources:
        if top.kind is Kind.BUNDLE:
            _order_replicas(work, top)
        for rsc in top.walk():
            if rsc.container is not None and goes_with_container(rsc):
                order_pair(work, rsc.container, "start", rsc, "start", "mandatory", True)
    for each in work.snapshot.configuration.constraints:
        if not isinstance(each, OrderConstraint):
            continue
        kind = order_kind(each)
        symmetrical = is_symmetrical(each, kind)
        if each.sets:
            _order_sets(work, each, kind, symmetrical)
            continue
        first, then = find_resource(work, each.first), find_resource(work, each.then)
        if first is None or then is None:
            continue
        first_task = each.first_action or "start"
        order_pair(
            work,
            first,
            first_task,
            then,
            each.then_action or first_task,
            kind,
            symmetrical,
            requires_all=each.requires_all,
        )


def _order_replicas(work: Work, bundle: Resource) -> None:
    """Address, then container, then connection; stops the other way round.

    What is inside follows the connection as on every guest node (`remote_ordering`). A container
    needs its address to start, but runs on while the address is restarted.
    """
    for replica in bundle.replicas:
        container = replica.container
        if replica.address is not None:
            _order(work, replica.address, "start", container, "start", Tie.ORDER | Tie.BLOCKS, True)
            _order(work, container, "stop", replica.address, "stop", Tie.ORDER, True)
        if replica.connection is not None:
            order_pair(work, container, "start", replica.connection, "start", "mandatory", True)


def order_pair(
    work: Work,
    first: Resource,
    first_task: str,
    then: Resource,
    then_task: str,
    kind: str,
    symmetrical: bool,
    *,
    requires_all: bool = True,
) -> None:
    """Tie one resource's action before another's, and the inverse actions the other way round."""
    if first is then:
        return
    work.orders.append((first, first_task, then, then_task))
    _order(
        work,
        first,
        first_task,
        then,
        then_task,
        _forward(kind, symmetrical, then_task),
        requires_all,
    )
    if symmetrical and first_task in INVERSE and then_task in INVERSE:
        flags = Tie.ORDER | Tie.IF_FIRST_UNMIGRATABLE
        if kind == "mandatory":
            flags = Tie.ORDER | Tie.THEN_REQUIRES_FIRST
        work.orders.append((then, INVERSE[then_task], first, INVERSE[first_task]))
        _order(work, then, INVERSE[then_task], first, INVERSE[first_task], flags, True)


def _forward(kind: str, symmetrical: bool, then_task: str) -> int:
    match kind:
        case "optional":
            return Tie.ORDER
        case "serialize":
            return Tie.ORDER | Tie.SERIALIZE
    if not symmetrical:
        return Tie.ORDER | Tie.ASYMMETRIC
    flags = Tie.ORDER | Tie.FIRST_REQUIRES_THEN
    if then_task in ("start", "promote"):
        flags |= Tie.BLOCKS
    return flags


def first_actions(work: Work, rsc: Resource, task: str) -> list[Action]:
    """Return the actions that are done when `rsc` did `task`; an impossible one if it will not."""
    if rsc.kind is not Kind.PRIMITIVE:
        name = task if _is_notified_bundle(rsc) else DONE_TASK.get(task, task)
        done = rsc.find_action(name)
        return [done] if done is not None else []
    found = rsc.actions_of(task)
    if found or task not in ("start", "promote"):
        return found
    if task == "start" and rsc.next_role > Role.STOPPED and rsc.assigned is not None:
        return []
    if task == "promote" and not rsc.is_promotable:
        return []
    return [get_action(work, rsc, task, None)]


def _is_notified_bundle(rsc: Resource) -> bool:
    """Say whether it is a bundle whose instances are told of each other.

    Who is ordered after such a bundle waits for it to begin, not to be done: a weaker promise than
    of any other resource, but what Pacemaker makes of it.
    """
    return rsc.kind is Kind.BUNDLE and any(child.is_notified for child in rsc.children)


def then_actions(rsc: Resource, task: str) -> list[Action]:
    """Return the actions with which `rsc` begins `task`."""
    if rsc.kind is not Kind.PRIMITIVE:
        begin = rsc.find_action(task)
        return [begin] if begin is not None else []
    return rsc.actions_of(task)


def _order(
    work: Work,
    first: Resource,
    first_task: str,
    then: Resource,
    then_task: str,
    flags: int,
    requires_all: bool,
) -> None:
    is_some = first.kind is Kind.CLONE and first_task in ("start", "promote")
    if is_some and (first.clone_min or not requires_all) and flags & Tie.FIRST_REQUIRES_THEN:
        flags = Tie.ORDER | Tie.BLOCKS
    elif _interleaves(first, first_task, then):
        _order_interleaved(work, first, first_task, then, then_task, flags)
        # The helper steps are ordered all the same; only what is required goes by instance.
        flags = Tie.ORDER
    for one in first_actions(work, first, first_task):
        for other in then_actions(then, then_task):
            tie(one, other, flags)


def _interleaves(first: Resource, first_task: str, then: Resource) -> bool:
    """Say whether the order goes by node; the clone that needs the other one decides."""
    has_instances = (Kind.CLONE, Kind.BUNDLE)
    if first.kind not in has_instances or then.kind not in has_instances:
        return False
    return (first if first_task in ("stop", "demote") else then).is_interleaved


def _order_interleaved(
    work: Work, first: Resource, first_task: str, then: Resource, then_task: str, flags: int
) -> None:
    """Each instance waits for the one on its own node only."""
    is_current = first_task in ("stop", "demote")
    by_node: dict[str, list[Resource]] = {}
    for child in _instances(first, first_task):
        for node in _where(child, is_current):
            by_node.setdefault(node.name, []).append(child)
    for child in _instances(then, then_task):
        is_here = then_task in ("stop", "demote")
        for node in _where(child, is_here):
            partners = by_node.get(node.name, [])
            for partner in partners:
                for one in first_actions(work, partner, first_task):
                    if one.node is not None and one.node is not node and one.node.bundle is None:
                        continue
                    for other in then_actions(child, then_task):
                        tie(one, other, flags)
            if not partners and flags & Tie.BLOCKS and then_task in ("start", "promote"):
                for other in then_actions(child, then_task):
                    for part in _leaves(other):
                        part.block("no partner on its node")


def _instances(rsc: Resource, task: str) -> list[Resource]:
    """Return the instances that do a task: of a bundle its containers, or what is inside them."""
    if rsc.kind is not Kind.BUNDLE:
        return rsc.children
    if task in ("promote", "demote"):
        return [each.instance for each in rsc.replicas if each.instance is not None]
    return [each.container for each in rsc.replicas]


def _leaves(action: Action) -> list[Action]:
    if not action.is_summary:
        return [action]
    return [leaf for child in action.children for leaf in _leaves(child)]


def _where(child: Resource, is_current: bool) -> list[Node]:
    """Return the nodes an instance is on; what is in a bundle's container is where that is."""
    if child.bundle is not None and child.replica >= 0:
        child = child.bundle.replicas[child.replica].container
    if is_current:
        return child.active_nodes()
    nodes: dict[str, Node] = {}
    for each in child.primitives():
        if each.assigned is not None:
            nodes.setdefault(each.assigned.name, each.assigned)
    return list(nodes.values())


# Sets


def _order_sets(work: Work, constraint: OrderConstraint, kind: str, symmetrical: bool) -> None:
    previous: ResourceSet | None = None
    for each in constraint.sets:
        _order_inside(work, each, kind, symmetrical)
        if previous is not None:
            _order_between(work, previous, each, kind, symmetrical)
        previous = each


def _order_inside(work: Work, each: ResourceSet, kind: str, symmetrical: bool) -> None:
    if not each.is_sequential:
        return
    task = each.action or "start"
    members = _members(work, each)
    for first, then in itertools.pairwise(members):
        order_pair(work, first, task, then, task, kind, symmetrical)


def _members(work: Work, each: ResourceSet) -> list[Resource]:
    found = (find_resource(work, name) for name in each.resources)
    return [rsc for rsc in found if rsc is not None]


def _order_between(
    work: Work, first_set: ResourceSet, then_set: ResourceSet, kind: str, symmetrical: bool
) -> None:
    first_task, then_task = first_set.action or "start", then_set.action or "start"
    firsts, thens = _members(work, first_set), _members(work, then_set)
    if not first_set.requires_all:
        _order_some(work, firsts, first_task, thens, then_task)
        if symmetrical and first_task in INVERSE and then_task in INVERSE:
            for first in firsts:
                for then in thens:
                    _order(
                        work, then, INVERSE[then_task], first, INVERSE[first_task], Tie.ORDER, True
                    )
        return
    if first_set.is_sequential:
        firsts = firsts[-1:]
    if then_set.is_sequential:
        thens_forward = thens[:1]
    else:
        thens_forward = thens
    for first in firsts:
        for then in thens_forward:
            order_pair(work, first, first_task, then, then_task, kind, symmetrical)


def _order_some(
    work: Work, firsts: list[Resource], first_task: str, thens: list[Resource], then_task: str
) -> None:
    """Any one of the first set will do."""
    point = pseudo(work, "one-or-more")
    point.is_summary = True
    point.min_first = 1
    for first in firsts:
        for action in first_actions(work, first, first_task):
            _adopt(point, action)
            tie(action, point, Tie.ORDER)
    for then in thens:
        for action in then_actions(then, then_task):
            tie(point, action, Tie.ORDER | Tie.BLOCKS)
