"""What a plan means for each resource in one word and place: Start, Move, Recover, ...

The lines of `Transition Summary`, as data; `simulate_report` lays them out.
"""

from collections.abc import Iterator

from msgspec import Struct

from paceline.scheduler.spread import describe, is_required
from paceline.scheduler.work import ROLE_NAMES, Action, Kind, Node, Resource, Role, Work


class Change(Struct, frozen=True, kw_only=True):
    """One line. `source` and `target` are nodes, roles are empty where they say nothing.

    A fencing has `resource` empty, `verb` `Fence (reboot)` and the node in `target`.
    """

    verb: str
    resource: str = ""
    source: str = ""
    target: str = ""
    role_now: str = ""
    role_next: str = ""
    reason: str = ""
    is_blocked: bool = False

    @property
    def place(self) -> str:
        """The line's middle: `n1 -> n2`, `Stopped -> Promoted n1`."""
        now, then = self.role_now, self.role_next
        if self.source and self.target and self.source != self.target:
            if now and then and now != then:
                return f"{now} {self.source} -> {then} {self.target}"
            nodes = f"{self.source} -> {self.target}"
            return f"{now} {nodes}" if now else nodes
        node = self.target or self.source
        if now and then and now != then:
            return f"{now} -> {then} {node}"
        return f"{now or then} {node}".strip()


def changes(work: Work) -> tuple[Change, ...]:
    """Return every change: fencings first, then resources in the order of the configuration."""
    return (*_fencings(work), *_of_resources(work))


def _fencings(work: Work) -> Iterator[Change]:
    """Yield the fencings, of guests too (their containers are stopped), then who is let in."""
    for node in work.nodes:
        container = _container_of_fenced(work, node)
        if container is not None:
            begins = any(not a.is_optional for a in container.actions_of("start"))
            yield Change(
                verb=f"Fence ({'reboot' if begins else 'off'})",
                target=f"{node.name} (resource: {container.id})",
                reason="guest is unclean",
            )
    for node in reversed(work.nodes):
        action = work.fences.get(node.name)
        if action is not None and not action.is_optional:
            reason = "" if action.reason == "unclean" else action.reason
            yield Change(
                verb=f"Fence ({action.task})",
                target=node.name,
                reason=node.fence_reason or reason,
            )
    for action in reversed(work.actions):
        if action.kind != "fence" or action.task != "on" or not is_required(action):
            continue
        wanted = next((then for then, _ in action.before if is_required(then)), None)
        reason = f"required by {describe(wanted)}" if wanted is not None else ""
        yield Change(
            verb="Fence (on)", target=action.node.name if action.node else "", reason=reason
        )


def _container_of_fenced(work: Work, node: Node) -> Resource | None:
    """Return the container whose stop is the fencing of a guest node, None where there is none."""
    if not any(a.task == "guest-fenced" and a.node is node for a in work.actions):
        return None
    connection = node.remote_resource
    return connection.container if connection is not None else None


def _of_resources(work: Work) -> Iterator[Change]:
    for top in sorted(work.resources, key=lambda rsc: (-rsc.priority, rsc.sort_index)):
        for rsc in _parts(top):
            yield from _of_primitive(rsc)


def _parts(top: Resource) -> list[Resource]:
    """Return the primitives in the order in which they are listed."""
    if top.kind is not Kind.BUNDLE:
        return sorted(
            top.primitives(), key=lambda rsc: rsc.instance_number if rsc.clone is top else 0
        )
    found: list[Resource] = []
    for replica in top.replicas:
        held = (replica.address, replica.container, replica.connection, replica.instance)
        found.extend(rsc for each in held if each is not None for rsc in each.primitives())
    return found


def _of_primitive(rsc: Resource) -> Iterator[Change]:
    target = rsc.assigned if rsc.next_role > Role.STOPPED else None
    source = rsc.running_on[0] if rsc.running_on else None
    if source is None and target is not None:
        yield from _begins(rsc, target)
    elif source is not None and target is None:
        for node in rsc.running_on:
            yield from _ends(rsc, node)
    elif source is not None and target is not None:
        yield from _goes_on(rsc, target)


def _begins(rsc: Resource, target: Node) -> Iterator[Change]:
    start = rsc.find_action("start", target)
    if start is None or start.is_optional:
        return
    is_promoted = rsc.next_role is Role.PROMOTED
    reason = "" if start.is_runnable else _reason(start)
    yield Change(
        verb="Promote" if is_promoted else "Start",
        resource=rsc.id,
        target=target.name,
        role_now="Stopped" if is_promoted else "",
        role_next="Promoted" if is_promoted else "",
        reason=reason,
        is_blocked=not start.is_runnable,
    )


def _ends(rsc: Resource, node: Node) -> Iterator[Change]:
    stop = rsc.find_action("stop", node)
    if stop is None or stop.is_optional:
        return
    reason = "" if stop.reason in _LEAVING_REASONS else _reason(stop)
    yield Change(
        verb="Stop",
        resource=rsc.id,
        source=node.name,
        role_now=_role(rsc, rsc.role_on.get(node.name, rsc.role)),
        reason=reason or "node availability",
        is_blocked=not stop.is_runnable,
    )


def _goes_on(rsc: Resource, target: Node) -> Iterator[Change]:
    """Tell what happens to what runs and is to run: here again, elsewhere, in another role."""
    here = next((node for node in rsc.running_on if node is target), rsc.running_on[0])
    verb, action = _verb(rsc, here, target)
    if not verb or rsc.blocked:
        return
    role_now, role_next = _role(rsc, rsc.role), _role(rsc, rsc.next_role)
    if action is not None and action.task == "start" and not action.is_runnable:
        stop = rsc.find_action("stop", here)
        if stop is not None and not stop.is_optional:
            yield Change(
                verb="Stop", resource=rsc.id, source=here.name, role_now=role_now,
                reason=_reason(action), is_blocked=not stop.is_runnable,
            )  # fmt: skip
        return
    has_reason = (
        verb not in ("Recover", "Move", "Promote", "Demote", "Reload") and action is not None
    )
    yield Change(
        verb=verb,
        resource=rsc.id,
        source=here.name,
        target=target.name,
        role_now=role_now,
        role_next=role_next,
        reason=_reason(action) if has_reason and action is not None else "",
        is_blocked=action is not None and not action.is_runnable,
    )


def _verb(rsc: Resource, here: Node, target: Node) -> tuple[str, Action | None]:
    start, stop = rsc.find_action("start", target), rsc.find_action("stop", here)
    arrive = rsc.find_action("migrate_from", target)
    if here is not target:
        if arrive is not None and not arrive.is_optional and arrive.is_runnable:
            return "Migrate", arrive
        return ("Recover" if rsc.failed else "Move"), start
    if (stop is not None and not stop.is_optional) or len(rsc.running_on) > 1:
        return ("Recover" if rsc.failed else "Restart"), start
    for task, verb in (("reload-agent", "Reload"), ("promote", "Promote"), ("demote", "Demote")):
        action = rsc.find_action(task, target)
        if action is not None and not action.is_optional:
            is_again = task == "promote" and _is_required(rsc.find_action("demote", target))
            if is_again:
                return ("Recover" if rsc.failed else "Re-promote"), action
            return verb, action
    return "", None


def _is_required(action: Action | None) -> bool:
    return action is not None and not action.is_optional


def _role(rsc: Resource, role: Role) -> str:
    """Return a role's name where it says something: for what can be promoted."""
    if not rsc.is_promotable:
        return ""
    return ROLE_NAMES[Role.UNPROMOTED if role is Role.STARTED else role]


_PLAIN_REASONS = frozenset({
    "", "its migration was not completed", "stopping", "starting", "role", "moving", "restart",
    "promoting", "active on several nodes",
})  # fmt: skip
"""Reasons that the verb says already."""
_LEAVING_REASONS = _PLAIN_REASONS | {"failed", "fenced"}
"""What ends with these could also go on elsewhere, if a node were available."""


def _stop_reason(action: Action) -> str:
    """Return why the stop of a restart is needed, which is why the start is."""
    if action.task != "start" or action.resource is None or action.node is None:
        return ""
    stop = action.resource.find_action("stop", action.node)
    return stop.reason if stop is not None else ""


def _reason(action: Action) -> str:
    reason = action.reason
    if reason in _PLAIN_REASONS:
        return ""
    changed = _stop_reason(action)
    if "parameters changed" in (reason, changed):
        return "resource definition change"
    if reason.startswith("colocation with "):
        return reason.rpartition(" ")[0]
    if reason.startswith("after ") and reason.endswith(" monitor"):
        # What cannot be asked cannot be started either; that says itself.
        return ""
    for begin in ("after ", "before "):
        if action.resource is not None and reason == f"{begin}{action.resource.id} stop":
            return ""
        if reason.startswith(begin):
            kind = "required" if action.is_runnable else "unrunnable"
            return f"{kind} {reason.removeprefix(begin)}"
    return reason.replace("-", " ")
