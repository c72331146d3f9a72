"""Why a node is fenced, let in or shut down, and why it cannot be: as data."""

from collections.abc import Iterator

from paceline.model.explanation import Cause, NodeExplanation
from paceline.scheduler.causes import cause
from paceline.scheduler.failure_facts import failure_facts
from paceline.scheduler.fencing import can_fence
from paceline.scheduler.spread import is_possible, is_required
from paceline.scheduler.work import Action, Node, OnFail, Work


def node_explanations(work: Work) -> tuple[NodeExplanation, ...]:
    """Return an explanation for each node to which something happens, or should."""
    found = []
    for node in work.nodes:
        actions = [each for each in work.actions if _is_of(each, node)]
        if node.is_unclean:
            found.append(_of_unclean(work, node))
        for action in actions:
            if action.task in ("on", "do_shutdown"):
                found.append(
                    NodeExplanation(
                        node=node.name, task=action.task, causes=tuple(_obstacle(action))
                    )
                )
    return tuple(found)


def _is_of(action: Action, node: Node) -> bool:
    is_ours = action.kind == "fence" or (action.kind == "cluster" and action.resource is None)
    return is_ours and action.node is node and is_required(action)


def _obstacle(action: Action) -> Iterator[Cause]:
    if not is_possible(action):
        yield cause("cannot", task=action.task, why=action.reason)


def _of_unclean(work: Work, node: Node) -> NodeExplanation:
    fence = work.fences.get(node.name)
    task = fence.task if fence is not None else ""
    causes = list(_why_unclean(work, node))
    if node.is_guest:
        connection = node.remote_resource
        container = connection.container if connection is not None else None
        if container is not None and can_fence(work, node):
            task = "container"
            causes.append(cause("by-container", container=container.id))
    if fence is not None and fence.fence_delay_ms:
        causes.append(cause("delayed", delay_ms=str(fence.fence_delay_ms)))
    if not task:
        causes.extend(_why_not_fenced(work, node))
    return NodeExplanation(node=node.name, task=task, causes=tuple(causes))


def _why_unclean(work: Work, node: Node) -> Iterator[Cause]:
    for owner, where, entry, is_ignored in work.failed_entries:
        is_cause = owner.failed_nodes.get(node.name) is OnFail.FENCE or owner.remote_node is node
        if is_cause and not is_ignored and (where is node or owner.remote_node is node):
            yield cause("failure", resource=owner.id, **failure_facts(owner, where, entry))
            return
    yield cause("unclean", why=node.fence_reason or "it was lost, and is not confirmed off")


def _why_not_fenced(work: Work, node: Node) -> Iterator[Cause]:
    options = work.options
    if not options.fencing_enabled:
        yield cause("fencing-off")
    elif not work.has_fence_device:
        yield cause("no-fence-device")
    elif node.is_guest:
        yield cause("host-not-fenced")
    elif not work.has_quorum and options.no_quorum_policy != "ignore":
        yield cause("no-quorum", policy=options.no_quorum_policy)
    elif not any(rsc.is_managed for rsc in work.primitives()):
        yield cause("nothing-managed")


__all__ = ["node_explanations"]
