"""A simulation as XML, in the form of `crm_simulate --output-as=xml`."""

from collections.abc import Callable, Mapping

from lxml import etree

from paceline.cib.tree import Element
from paceline.commands.simulate_graph import operation_key
from paceline.commands.simulate_names import Names, action_names
from paceline.commands.simulate_report import Asked
from paceline.commands.simulate_rooms import Room, rooms_of
from paceline.commands.simulate_summary import Change
from paceline.commands.simulate_world import Step
from paceline.commands.simulation import Simulation, status_of
from paceline.commands.status_xml import add_nodes_and_resources
from paceline.commands.tools import API_VERSION
from paceline.model.plan import ActionKind
from paceline.model.scores import format_score
from paceline.scheduler.work import Work


def simulation_xml(simulation: Simulation, *, request: str, asked: Asked) -> str:
    """Return the whole report as a document."""
    root = etree.Element("pacemaker-result")
    root.set("api-version", API_VERSION)
    root.set("request", request)
    add_nodes_and_resources(etree.SubElement(root, "cluster_status"), status_of(simulation.start))
    if simulation.event_lines:
        modifications = etree.SubElement(root, "modifications")
        for line in simulation.event_lines:
            etree.SubElement(modifications, "modification", text=line)
    decision = simulation.decision
    if decision is not None:
        if asked.has_scores:
            _scores(etree.SubElement(root, "allocations"), decision.work)
        if asked.has_utilization:
            _rooms(etree.SubElement(root, "utilizations"), decision.work)
        actions = etree.SubElement(root, "actions")
        for change in decision.changes:
            _change(actions, change)
    if simulation.world is not None:
        transition = etree.SubElement(root, "transition")
        names = action_names(decision.work) if decision is not None else {}
        for step in simulation.world.steps:
            _step(transition, step, names)
        add_nodes_and_resources(
            etree.SubElement(root, "revised_cluster_status"), status_of(simulation.world.snapshot)
        )
    etree.SubElement(root, "status", code="0", message="OK")
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def _scores(parent: Element, work: Work) -> None:
    for (resource, node), scores in work.score_log.items():
        etree.SubElement(
            parent, "node_weight", function="pcmk__primitive_assign", node=node,
            score=format_score(scores[-1]), id=resource,
        )  # fmt: skip
    for resource, node, value in work.promotion_log:
        element = etree.SubElement(
            parent, "promotion_score", id=resource, score=format_score(value)
        )
        if node and node != "none":
            element.set("node", node)


def _change(parent: Element, change: Change) -> None:
    if not change.resource:
        element = etree.SubElement(parent, "node_action", task=change.verb, node=change.target)
    else:
        element = etree.SubElement(
            parent, "rsc_action", action=change.verb.lower(), resource=change.resource
        )
        _place(element, change)
    if change.reason:
        element.set("reason", change.reason)
    if change.is_blocked:
        element.set("blocked", "true")


def _place(element: Element, change: Change) -> None:
    if change.role_now and change.role_next and change.role_now != change.role_next:
        element.set("role", change.role_now)
        element.set("next-role", change.role_next)
        if change.source and change.source != change.target:
            element.set("source", change.source)
            element.set("dest", change.target)
        else:
            element.set("source" if change.source else "dest", change.target or change.source)
        return
    if change.role_now:
        element.set("role", change.role_now)
    if change.source and change.target and change.source != change.target:
        element.set("source", change.source)
        element.set("dest", change.target)
    else:
        element.set("node", change.target or change.source)


def _rooms(parent: Element, work: Work) -> None:
    rooms = rooms_of(work)

    def capacities(comment: str, amounts: Callable[[Room], Mapping[str, int]]) -> None:
        for room in rooms.nodes:
            element = etree.SubElement(parent, "capacity", node=room.node, comment=comment)
            _amounts(element, amounts(room))

    capacities("Original", lambda room: room.original)
    for resource, use in rooms.uses.items():
        element = etree.SubElement(
            parent, "utilization", resource=resource, node=use.node,
            function="pcmk__finalize_assignment",
        )  # fmt: skip
        _amounts(element, use.amounts)
    capacities("Remaining", lambda room: room.remaining)


def _amounts(parent: Element, amounts: Mapping[str, int]) -> None:
    for name, amount in sorted(amounts.items()):
        etree.SubElement(parent, name).text = str(amount)


def _step(parent: Element, step: Step, names: Names) -> None:
    action = step.action
    name = names.get(action.id, action.resource)
    match action.kind:
        case ActionKind.FENCE:
            etree.SubElement(parent, "fencing_action", target=action.node, op=action.task)
        case ActionKind.PSEUDO:
            etree.SubElement(parent, "pseudo_action", task=operation_key(action, name))
        case ActionKind.CLUSTER:
            element = etree.SubElement(parent, "cluster_action", task=action.task, node=action.node)
            if action.resource:
                element.set("id", action.resource)
        case ActionKind.RESOURCE:
            element = etree.SubElement(
                parent, "rsc_action", resource=name, op=action.task, node=action.node
            )
            if action.interval_ms:
                element.set("interval", str(action.interval_ms))
