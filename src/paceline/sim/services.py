"""The truth: which resource's processes run on which node. The witness writes down every change."""

from collections.abc import Callable
from dataclasses import dataclass

from paceline.model.identifiers import NodeName
from paceline.sim.clock import Clock


@dataclass(frozen=True, slots=True)
class Witnessed:
    """One change, as a witness outside the nodes saw it. `life` is boot and incarnation."""

    at_us: int
    node: NodeName
    life: str
    what: str
    resource: str


@dataclass(slots=True)
class Copy:
    """Processes of a resource on a node. `is_lied_about`: an agent said that it does not run."""

    since_us: int
    life: str
    is_lied_about: bool = False
    is_promoted: bool = False


class Services:
    """All that runs in the world."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing running."""
        self._clock = clock
        self._running: dict[str, dict[NodeName, Copy]] = {}
        self.witnessed: list[Witnessed] = []
        self.on_start: Callable[[NodeName, str, dict[NodeName, Copy]], None] | None = None
        self.on_promote: Callable[[NodeName, str, dict[NodeName, Copy]], None] | None = None
        self.on_end: Callable[[NodeName, str, str, bool], None] | None = None

    def start(self, resource: str, node: NodeName, life: str) -> None:
        """Processes appear; one that runs already is let be."""
        copies = self._running.setdefault(resource, {})
        if node in copies:
            return
        copies[node] = Copy(self._clock.now_us, life)
        self._witness(node, life, "start", resource)
        if self.on_start is not None:
            self.on_start(node, resource, copies)

    def stop(self, resource: str, node: NodeName, *, what: str = "stop") -> None:
        """Processes are gone."""
        copy = self._running.get(resource, {}).pop(node, None)
        if copy is not None:
            self._witness(node, copy.life, what, resource)
            if self.on_end is not None:
                self.on_end(node, resource, what, copy.is_promoted)

    def promote(self, resource: str, node: NodeName) -> None:
        """A copy that runs takes the promoted role."""
        copies = self._running.get(resource, {})
        copy = copies.get(node)
        if copy is None or copy.is_promoted:
            return
        copy.is_promoted = True
        self._witness(node, copy.life, "promote", resource)
        if self.on_promote is not None:
            self.on_promote(node, resource, copies)

    def demote(self, resource: str, node: NodeName) -> None:
        """A copy gives the promoted role up."""
        copy = self._running.get(resource, {}).get(node)
        if copy is not None and copy.is_promoted:
            copy.is_promoted = False
            self._witness(node, copy.life, "demote", resource)

    def move(self, resource: str, source: NodeName, target: NodeName, life: str) -> None:
        """A copy goes on elsewhere, in one moment, as a live migration's last step does."""
        if source in self._running.get(resource, {}):
            self.stop(resource, source, what="moved away")
            self.start(resource, target, life)

    def is_promoted(self, resource: str, node: NodeName) -> bool:
        """Say whether the copy on the node is promoted."""
        copy = self._running.get(resource, {}).get(node)
        return copy is not None and copy.is_promoted

    def promoted_nodes(self, resource: str) -> tuple[NodeName, ...]:
        """Return where the resource is promoted, sorted."""
        return tuple(
            node
            for node, copy in sorted(self._running.get(resource, {}).items())
            if copy.is_promoted
        )

    def lie_about(self, node: NodeName) -> None:
        """A fence device said that the node is off: what runs there runs on unseen."""
        for copies in self._running.values():
            if node in copies:
                copies[node].is_lied_about = True

    def lie(self, resource: str, node: NodeName) -> None:
        """An agent said that this copy does not run: no product can know better now."""
        copy = self._running.get(resource, {}).get(node)
        if copy is not None:
            copy.is_lied_about = True

    def lose_power(self, node: NodeName) -> None:
        """Everything on a node is gone."""
        for resource in sorted(self._running):
            self.stop(resource, node, what="power lost")

    def is_running(self, resource: str, node: NodeName) -> bool:
        """Say whether the resource's processes run on the node."""
        return node in self._running.get(resource, {})

    def nodes_of(self, resource: str) -> tuple[NodeName, ...]:
        """Return where the resource's processes run, sorted."""
        return tuple(sorted(self._running.get(resource, {})))

    def running(self) -> list[tuple[str, NodeName, Copy]]:
        """Return everything that runs, sorted."""
        return [
            (resource, node, copy)
            for resource, copies in sorted(self._running.items())
            for node, copy in sorted(copies.items())
        ]

    def _witness(self, node: NodeName, life: str, what: str, resource: str) -> None:
        self.witnessed.append(Witnessed(self._clock.now_us, node, life, what, resource))
