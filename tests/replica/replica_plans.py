"""Hand-written plans and a tiny scheduler for one resource, for the replica's stories."""

from paceline.model.identifiers import ActionId, NodeName, ResourceId
from paceline.model.plan import ActionKind, Agent, Plan, PlannedAction
from paceline.model.status import ClusterStatus, NodeStatus

DUMMY = Agent(agent_class="ocf", provider="heartbeat", agent_type="Dummy")


def action(
    number: int,
    task: str,
    resource: str,
    node: str,
    *,
    after: tuple[int, ...] = (),
    target_rc: int = 0,
    interval_ms: int = 0,
) -> PlannedAction:
    """Return a resource action."""
    return PlannedAction(
        id=ActionId(number),
        kind=ActionKind.RESOURCE,
        task=task,
        resource=ResourceId(resource),
        node=NodeName(node),
        agent=DUMMY,
        after=tuple(ActionId(each) for each in after),
        target_rc=target_rc,
        interval_ms=interval_ms,
    )


def fence(number: int, node: str, task: str = "reboot") -> PlannedAction:
    """Return a fencing."""
    return PlannedAction(id=ActionId(number), kind=ActionKind.FENCE, task=task, node=NodeName(node))


def cluster(
    number: int, task: str, node: str, *, resource: str = "", after: tuple[int, ...] = ()
) -> PlannedAction:
    """Return an action of the cluster itself."""
    return PlannedAction(
        id=ActionId(number),
        kind=ActionKind.CLUSTER,
        task=task,
        resource=ResourceId(resource),
        node=NodeName(node),
        after=tuple(ActionId(each) for each in after),
    )


def is_running(node: NodeStatus, resource: str) -> bool:
    """Say whether the node's history says that the resource runs there."""
    rows = sorted(
        (row for row in node.history if row.resource == resource and row.interval_ms == 0),
        key=lambda row: row.call_id,
    )
    for row in reversed(rows):
        if row.entry_id.endswith("_last_failure_0"):
            continue
        if row.task == "monitor":
            return row.rc == 0
        return row.task == "start" and row.rc == 0
    return False


def keep_running(resource: str, *, fences: bool = False) -> "OneResource":
    """Return a scheduler that keeps one resource running on the first usable node."""
    return OneResource(resource, fences=fences)


class OneResource:
    """Probe everywhere, then start on the first usable node; stop for a shutdown; fence."""

    def __init__(self, resource: str, *, fences: bool) -> None:
        self.resource = resource
        self.fences = fences
        self.calls = 0

    def __call__(self, status: ClusterStatus, configuration: bytes) -> Plan:
        self.calls += 1
        actions: list[PlannedAction] = []
        gates: list[int] = []

        def add(made: PlannedAction) -> int:
            actions.append(made)
            return made.id

        for node in status.nodes:
            if self.fences and node.is_unclean and status.is_quorate:
                gates.append(add(fence(len(actions) + 1, node.name)))
        online = [
            node
            for node in status.nodes
            if node.is_online and not node.is_unclean and not node.in_maintenance
        ]
        for node in online:
            if all(row.resource != self.resource for row in node.history):
                gates.append(
                    add(action(len(actions) + 1, "monitor", self.resource, node.name, target_rc=7))
                )
        leaving = [node for node in online if dict(node.attributes).get("shutdown")]
        kept = [node for node in status.nodes if node.in_maintenance and node.is_online]
        if any(is_running(node, self.resource) for node in kept):
            return Plan(actions=tuple(actions))
        usable = [node for node in online if node not in leaving]
        active = [node for node in online if is_running(node, self.resource)]
        for node in [each for each in active if each in leaving or not status.is_quorate]:
            gates.append(add(action(len(actions) + 1, "stop", self.resource, node.name, after=())))
            active = [each for each in active if each is not node]
        if not active and usable and status.is_quorate:
            start = add(
                action(
                    len(actions) + 1,
                    "start",
                    self.resource,
                    usable[0].name,
                    after=tuple(gates),
                )
            )
            add(
                action(
                    len(actions) + 1,
                    "monitor",
                    self.resource,
                    usable[0].name,
                    after=(start,),
                    interval_ms=10_000,
                )
            )
        for node in leaving:
            add(cluster(len(actions) + 1, "do_shutdown", node.name, after=tuple(gates)))
        return Plan(actions=tuple(actions))
