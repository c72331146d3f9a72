"""Phase: requirement and impossibility spread along the ties until nothing changes.

An action that is required may require others; one that is impossible may make others impossible.
Helper steps of collectives (*summaries*) have no flags of their own: they are as their parts are,
and hand on to the parts what is asked of them.
"""

from collections import deque

from paceline.model.scores import INFINITY
from paceline.scheduler.work import Action, Kind, Node, Role, Tie, Work

VISITS_PER_ACTION_MAX = 200
"""A bound on the work: far more than any real configuration needs; a loop ends here."""


def is_required(action: Action, node: Node | None = None) -> bool:
    """Say whether the action must be done; of a clone, with `node`, by its instances there."""
    if not action.is_summary:
        return not action.is_optional
    if action.always_in_graph:
        return True
    if node is not None and action.resource is not None and action.resource.kind is Kind.CLONE:
        return any(is_required(each) for each in action.children if _is_on(each, node))
    return any(is_required(each) for each in action.children)


def _is_on(action: Action, node: Node) -> bool:
    if not action.is_summary:
        return action.node is node
    return any(_is_on(each, node) for each in action.children)


def asks(action: Action, node: Node | None = None) -> bool:
    """Say whether the action asks something of those tied to it.

    A bundle starts and stops, in the eyes of others, when its containers do: that only what is
    inside starts again is none of their business.
    """
    rsc = action.resource
    is_bundle = action.is_summary and rsc is not None and rsc.kind is Kind.BUNDLE
    if is_bundle and action.task in ("start", "running", "stop", "stopped"):
        return any(is_required(each) for each in action.children if not each.is_summary)
    return is_required(action, node)


def is_possible(action: Action) -> bool:
    """Say whether the action can be done."""
    if not action.is_summary:
        return action.is_runnable
    if not action.is_runnable:
        return False
    if action.min_first:
        return sum(1 for each in action.children if is_possible(each)) >= action.min_first
    if action.needs_all:
        return _all_members_possible(action)
    if not action.children:
        return action.task in ("stop", "stopped", "demote", "demoted") or (
            action.resource is not None
            and action.resource.is_active()
            and not any(c.is_managed for c in action.resource.primitives())
        )
    return any(is_possible(each) for each in action.children)


def _all_members_possible(action: Action) -> bool:
    if not all(is_possible(each) for each in action.children):
        return False
    rsc = action.resource
    if rsc is None or action.task not in ("start", "running", "promote", "promoted"):
        return True
    if action.task in ("promote", "promoted"):
        return bool(action.children)
    return all(child.assigned is not None for child in rsc.children)


class Spreader:
    """Carries out the spreading; the queue holds actions whose flags changed."""

    def __init__(self, work: Work) -> None:
        """Begin with every action, in the order of creation."""
        self._queue: deque[Action] = deque(work.actions)
        for action in work.actions:
            action.is_queued = True
        self._visits_left = VISITS_PER_ACTION_MAX * max(1, len(work.actions))

    def run(self) -> None:
        """Spread until nothing changes."""
        queue = self._queue
        while queue and self._visits_left > 0:
            self._visits_left -= 1
            action = queue.popleft()
            action.is_queued = False
            for then, kind in action.before:
                if kind != Tie.ORDER:
                    self._update(action, then, kind)
            for first, kind in action.after:
                if kind != Tie.ORDER:
                    self._update(first, action, kind)

    def _changed(self, action: Action) -> None:
        if not action.is_queued:
            action.is_queued = True
            self._queue.append(action)
        for parent in action.parents:
            self._changed(parent)

    def require(self, action: Action, reason: str) -> None:
        """Require an action, or all parts of a summary."""
        if action.is_summary:
            for each in action.children:
                self.require(each, reason)
        elif action.is_optional:
            rsc = action.resource
            if (
                rsc is not None
                and not rsc.is_managed
                and not rsc.blocked
                and action.task in ("start", "stop", "promote", "demote")
            ):
                return
            action.require(reason)
            self._changed(action)

    def block(self, action: Action, reason: str) -> None:
        """Make an action impossible, or all parts of a summary."""
        if action.is_summary:
            if not action.children and action.is_runnable:
                action.is_runnable = False
                self._changed(action)
            for each in action.children:
                self.block(each, reason)
        elif action.is_runnable:
            action.block(reason)
            self._changed(action)
            self._block_companions(action)

    def _block_companions(self, action: Action) -> None:
        """What must be with a resource cannot start (or be promoted) where that cannot."""
        rsc = action.resource
        if rsc is None or action.task not in ("start", "promote"):
            return
        role = Role.PROMOTED if action.task == "promote" else Role.UNKNOWN
        holders = [rsc]
        if rsc.parent is not None and rsc.parent.kind is Kind.GROUP:
            holders.append(rsc.parent)
        for holder in holders:
            for c in holder.with_this:
                if c.score < INFINITY or c.primary_role is not role:
                    continue
                if c.dependent.parent is not None and c.dependent.parent is rsc.parent:
                    continue
                task = "promote" if c.dependent_role is Role.PROMOTED else "start"
                for dependent in c.dependent.primitives():
                    for other in dependent.actions_of(task):
                        self.block(other, f"colocation with {describe(action)}")

    def _update(self, first: Action, then: Action, kind: int) -> None:
        if kind & (Tie.SAME_NODE | Tie.SAME_NODE_IF_REQUIRED) and first.node is not then.node:
            return
        if kind & Tie.FIRST_REQUIRES_THEN and asks(first, _place_of(then)):
            self.require(then, f"after {describe(first)}")
            if _is_stuck(first):
                self.block(then, f"after {describe(first)}")
        if kind & Tie.THEN_REQUIRES_FIRST and asks(then, first.node):
            if not first.is_summary and not _is_of_clone(then):
                # Parts of a collective stop because their start is required or impossible; so does
                # who needs a clone: that one of its instances leaves is no reason.
                self.require(first, f"before {describe(then)}")
            if _is_stuck(first):
                self.block(then, f"after {describe(first)}")
        if kind & Tie.THEN_REQUIRES_FIRST_IF_PROMOTED and is_required(then):
            self.require(first, f"before {describe(then)}")
            if _is_stuck(first):
                self.block(then, f"after {describe(first)}")
        if kind & Tie.RESTART:
            self._restart(first, then)
        if kind & Tie.BLOCKS and not is_possible(first) and not _is_harmless(first):
            self.block(then, f"after {describe(first)}")
        if kind & Tie.ASYMMETRIC:
            self._asymmetric(first, then)

    def _restart(self, stop: Action, start: Action) -> None:
        rsc = start.resource
        is_repeat = rsc is not None and rsc.start_pending and start.node is stop.node
        if not start.is_optional and not is_repeat:
            self.require(stop, start.reason or "restart")
        if not start.is_runnable and rsc is not None and rsc.is_managed:
            self.require(stop, start.reason or "cannot stay")
        if not stop.is_optional and not stop.is_runnable:
            self.block(start, f"after {describe(stop)}")

    def _asymmetric(self, first: Action, then: Action) -> None:
        rsc = then.resource
        if rsc is None or is_possible(first):
            return
        if then.task in ("start", "running") and rsc.is_active():
            return
        self.block(then, f"after {describe(first)}")


def _place_of(action: Action) -> Node | None:
    """Return where an action is done; a group starts where all its members were placed."""
    rsc = action.resource
    if action.node is None and action.task == "start" and rsc and rsc.kind is Kind.GROUP:
        nodes = [child.assigned for child in rsc.children]
        return nodes[0] if all(node is nodes[0] for node in nodes) else None
    return action.node


def _is_of_clone(action: Action) -> bool:
    return action.resource is not None and action.resource.kind is Kind.CLONE


def _is_harmless(first: Action) -> bool:
    """An optional stop that cannot be done hinders nobody."""
    return first.task in ("stop", "demote") and not is_required(first)


def _is_stuck(first: Action) -> bool:
    """Say whether it is a required stop or demote that cannot happen."""
    return (
        first.task in ("stop", "demote", "stopped", "demoted")
        and is_required(first)
        and (not all(each.is_runnable for each in leaves(first) if not each.is_optional))
    )


def leaves(action: Action) -> list[Action]:
    """Return the real actions of a summary, or the action itself."""
    if not action.is_summary:
        return [action]
    return [leaf for child in action.children for leaf in leaves(child)]


def describe(action: Action) -> str:
    """Name an action in a reason: resource and task."""
    who = action.resource.id if action.resource is not None else ""
    if action.kind == "fence" and action.node is not None:
        who = action.node.name
    return f"{who} {action.task}".strip()


def spread(work: Work) -> None:
    """Spread flags along the ties."""
    Spreader(work).run()


__all__ = ["Kind", "is_possible", "is_required", "spread"]
