"""Phase history: which resource the name in a node's operation history stands for.

Instances of an anonymous clone have no lasting numbers: the name without its number says which
primitive it is, and the instance is chosen while reading. A name that is not configured any more
gets a resource made for it, so that what runs there can be stopped.
"""

from paceline.model.identifiers import ResourceId
from paceline.model.plan import Agent
from paceline.model.status import HistoryEntry
from paceline.scheduler.resources import add_instance, adopt_remote_node
from paceline.scheduler.work import Kind, Node, Resource, Work


class HistoryNames:
    """Finds resources by their names in histories, and makes those that were removed."""

    def __init__(self, work: Work) -> None:
        """Begin with the configured resources."""
        self._work = work
        self._contained: list[tuple[Resource, str]] = []
        """Removed resources and their containers' names; those may come later in the history."""

    def find(self, node: Node, name: str, entries: list[HistoryEntry]) -> Resource | None:
        """Return the resource that the history's name stands for; make one if it was removed."""
        work = self._work
        rsc = work.by_id.get(name)
        if rsc is not None and rsc.kind is Kind.PRIMITIVE:
            clone = rsc.clone
            if clone is None or clone.is_unique:
                return rsc
        base = name
        stem, colon, number = name.rpartition(":")
        if colon and number.isdecimal():
            base = stem
        clone = work.anon_ids.get(base)
        if clone is not None and clone.kind is Kind.CLONE:
            inside = _replica_on(clone, node)
            if inside is not None:
                return inside
            if not clone.is_unique:
                return self._instance_on(clone, base, node, name)
        return self._removed(name, entries[0])

    def _instance_on(self, clone: Resource, base: str, node: Node, name: str) -> Resource:
        """Return the instance of an anonymous clone that stands for the one on this node.

        If a sibling in the same cloned group was found on the node already, it is the same
        instance; else the first that is active nowhere. A second one on the same node, and one
        that a lost node need not be fenced for, must not use up an instance that others could be:
        it is one too many.
        """
        free: Resource | None = None
        for child in clone.children:
            member = next((m for m in child.primitives() if m.agent_id == base), None)
            if member is None:
                continue
            known = member.history.get(node.name)
            if node in member.running_on and known and known[0].resource != name:
                return self._surplus(clone, base)
            if any(node is each for m in child.primitives() for each in m.running_on):
                return member
            if (free is None and not child.is_active() and not child.is_removed) and (
                all(not m.pending_node or m.pending_node is node for m in child.primitives())
            ):
                free = member
        is_lost = node.is_unclean or not node.is_online
        if free is not None and not (is_lost and free.requires in ("nothing", "quorum")):
            return free
        return self._surplus(clone, base)

    def _surplus(self, clone: Resource, base: str) -> Resource:
        """Return a new instance beyond those that there may be, so that it is stopped."""
        child = add_instance(self._work, clone, len(clone.children))
        for each in child.walk():
            each.is_removed = True
            each.is_removed_filler = False
            each.sort_index = clone.sort_index
        return next(m for m in child.primitives() if m.agent_id == base)

    def _removed(self, name: str, entry: HistoryEntry) -> Resource | None:
        """Return a resource that is not configured any more, so that it can be stopped."""
        if not entry.agent_class or not entry.agent_type:
            return None
        rsc = Resource(ResourceId(name), Kind.PRIMITIVE)
        rsc.agent = Agent(
            agent_class=entry.agent_class, provider=entry.provider, agent_type=entry.agent_type
        )
        rsc.is_removed = True
        rsc.is_fence_device = entry.agent_class == "stonith"
        options = self._work.options
        rsc.requires = "quorum"
        if options.fencing_enabled and not rsc.is_fence_device:
            rsc.requires = "unfencing" if self._work.has_unfencing else "fencing"
        rsc.is_remote_connection = entry.provider == "pacemaker" and entry.agent_type == "remote"
        if not options.stop_removed or (
            options.fencing_enabled and not self._work.has_fence_device
        ):
            rsc.is_managed = False
        if entry.container:
            self._contained.append((rsc, entry.container))
            rsc.is_removed_filler = True
        if options.maintenance_mode:
            rsc.is_managed, rsc.in_maintenance = False, True
        rsc.sort_index = len(self._work.by_id)
        self._work.by_id[name] = rsc
        self._work.resources.append(rsc)
        adopt_remote_node(self._work, rsc)
        for filler, container_name in self._contained:
            container = self._work.by_id.get(container_name)
            if container is not None and filler.container is None:
                filler.container = container
                container.fillers.append(filler)
        return rsc


def _replica_on(clone: Resource, node: Node) -> Resource | None:
    """Return what a bundle runs inside the container that the node is, under whatever number."""
    if node.bundle is None or node.bundle is not clone.bundle:
        return None
    return next(each.instance for each in node.bundle.replicas if each.node is node)
