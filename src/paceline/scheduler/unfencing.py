"""Phase: unfencing. A device that unfences lets a node back in before anything there needs it.

That holds for members, remote and guest nodes alike. What runs already on a node that was not let
in restarts around it: it may have lost its disk.
"""

from paceline.model.status import (
    DIGESTS_ATTRIBUTE,
    SECURE_DIGESTS_ATTRIBUTE,
    UNFENCED_ATTRIBUTE,
)
from paceline.scheduler.actions import tie
from paceline.scheduler.digests import digest_of, without
from paceline.scheduler.parameters import resource_parameters
from paceline.scheduler.work import Action, Node, Resource, Tie, Work


def make_unfence_actions(work: Work) -> None:
    """Let in, where it is not yet, every node on which something starts or is probed that asks."""
    if not work.has_unfencing or not work.options.fencing_enabled:
        return
    asking: dict[str, list[Action]] = {}
    stops: dict[str, list[Action]] = {}
    for rsc in work.primitives():
        if not rsc.is_fence_device and rsc.requires != "unfencing":
            continue
        for action in rsc.actions:
            if action.node is None:
                continue
            is_probe = action.task == "monitor" and not action.interval_ms
            if is_probe or action.task == "start":
                asking.setdefault(action.node.name, []).append(action)
            elif action.task == "stop" and not rsc.is_fence_device:
                stops.setdefault(action.node.name, []).append(action)
    for node in work.nodes:
        if node.name in asking and not node.is_unclean:
            actions = asking[node.name]
            if _is_let_in(work, node):
                actions = [each for each in actions if _is_changed_device(each)]
            _unfence(work, node, actions, stops.get(node.name, []))


def _is_let_in(work: Work, node: Node) -> bool:
    """Say whether the node was unfenced since it joined, by the devices as they are now."""
    if node.attributes.get(UNFENCED_ATTRIBUTE, "0") in ("", "0"):
        return False
    return all(_has_digest(work, rsc, node) for rsc in work.primitives() if rsc.provides_unfencing)


def _has_digest(work: Work, device: Resource, node: Node) -> bool:
    """Say whether the device is still as it was then; so it is where nothing was noted."""
    known = node.attributes.get(DIGESTS_ATTRIBUTE)
    if known is None or device.agent is None:
        return True
    parameters = resource_parameters(work, device, node)
    item = f"{device.id}:{device.agent.agent_type}:"
    if item + digest_of(parameters) in known.split(","):
        return True
    plain = without(parameters, _secret_names(device))
    plain = {name: value for name, value in plain.items() if not name.startswith("pcmk_")}
    secure = node.attributes.get(SECURE_DIGESTS_ATTRIBUTE, "")
    return item + digest_of(plain) in secure.split(",")


def _secret_names(device: Resource) -> list[str]:
    """Return which parameters are secret, as the history says."""
    names = {
        name
        for entries in device.history.values()
        for entry in entries
        for name in entry.secure_parameters.split()
    }
    return sorted(names)


def _is_changed_device(start: Action) -> bool:
    rsc = start.resource
    return (
        rsc is not None
        and rsc.is_fence_device
        and start.task == "start"
        and rsc.restart_reason == "parameters changed"
    )


def _unfence(work: Work, node: Node, actions: list[Action], stops: list[Action]) -> None:
    """Unfence the node before these starts and probes there, after these stops."""
    if not any(each.task == "start" or not each.is_optional for each in actions):
        return
    unfence = Action("on", None, node, 0, "fence")
    unfence.require("unfencing")
    work.actions.append(unfence)
    for action in actions:
        tie(unfence, action, Tie.ORDER | Tie.BLOCKS)
        rsc = action.resource
        if action.task == "start" and rsc is not None and rsc.is_managed:
            action.require("unfencing")
    for stop in stops:
        tie(stop, unfence, Tie.ORDER)


__all__ = ["make_unfence_actions"]
