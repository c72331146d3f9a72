"""A plan as a graph: as Pacemaker's `transition_graph` XML, and in the language of `dot`."""

from lxml import etree

from paceline.cib.tree import Element
from paceline.model.plan import ActionKind, Plan, PlannedAction
from paceline.model.snapshot import Snapshot

FEATURE_SET = "3.16.1"
_TAGS = {
    ActionKind.RESOURCE: "rsc_op",
    ActionKind.FENCE: "crm_event",
    ActionKind.CLUSTER: "crm_event",
    ActionKind.PSEUDO: "pseudo_event",
}


def operation_key(action: PlannedAction, name: str = "") -> str:
    """Return the name that graphs give an action: `A_start_0`, `stonith-n1-reboot`.

    `name` is the resource's, where it goes by another than in the plan.
    """
    name = name or action.resource
    if action.kind is ActionKind.FENCE:
        return f"stonith-{action.node}-{action.task}"
    if action.notify:
        when, _dash, what = action.notify.partition("-")
        return f"{name}_{when}_notify_{what}_0"
    if action.task == "cancel":
        return f"{name}_{action.cancels}_{action.interval_ms}"
    if action.kind in (ActionKind.CLUSTER, ActionKind.PSEUDO) and not name:
        return action.task
    return f"{name}_{action.task}_{action.interval_ms}"


def graph_xml(plan: Plan, snapshot: Snapshot) -> bytes:
    """Return the `transition_graph` document: an action and what it waits for in each synapse."""
    ids = {str(node.name): str(node.id) for node in snapshot.configuration.nodes}
    root = etree.Element(
        "transition_graph",
        {
            "cluster-delay": "60s",
            "stonith-timeout": f"{plan.stonith_timeout_ms // 1000}s",
            "failed-stop-offset": "INFINITY",
            "failed-start-offset": "INFINITY",
            "batch-limit": str(plan.batch_limit),
            "transition_id": "0",
        },
    )
    by_id = {action.id: action for action in plan.actions}
    for number, action in enumerate(plan.actions):
        synapse = etree.SubElement(root, "synapse", id=str(number))
        if action.priority:
            synapse.set("priority", str(action.priority))
        _whole(etree.SubElement(synapse, "action_set"), action, ids)
        inputs = etree.SubElement(synapse, "inputs")
        for first in action.after:
            _named(etree.SubElement(inputs, "trigger"), by_id[first], ids)
    etree.indent(root)
    return etree.tostring(root) + b"\n"


def _named(parent: Element, action: PlannedAction, ids: dict[str, str]) -> Element:
    task = "stonith" if action.kind is ActionKind.FENCE else action.task
    element = etree.SubElement(
        parent, _TAGS[action.kind], id=str(action.id), operation=task,
        operation_key=operation_key(action),
    )  # fmt: skip
    if action.node:
        element.set("on_node", action.node)
        element.set("on_node_uuid", ids.get(action.node, action.node))
    if action.router:
        element.set("router_node", action.router)
    return element


def _whole(parent: Element, action: PlannedAction, ids: dict[str, str]) -> None:
    element = _named(parent, action, ids)
    if action.resource and action.kind is not ActionKind.PSEUDO:
        primitive = etree.SubElement(element, "primitive", id=action.resource)
        if action.agent is not None:
            primitive.set("class", action.agent.agent_class)
            if action.agent.provider:
                primitive.set("provider", action.agent.provider)
            primitive.set("type", action.agent.agent_type)
    attributes = etree.SubElement(element, "attributes")
    for name, value in sorted(_attributes(action, ids).items()):
        attributes.set(name, value)
    if action.downed:
        downed = etree.SubElement(element, "downed")
        for node in action.downed:
            etree.SubElement(downed, "node", id=ids.get(node, node))


def _attributes(action: PlannedAction, ids: dict[str, str]) -> dict[str, str]:
    values = {name: value for name, value in action.parameters if _is_name(name)}
    values.update({f"CRM_meta_{name}": value for name, value in action.meta if _is_name(name)})
    values["crm_feature_set"] = FEATURE_SET
    if action.node:
        values["CRM_meta_on_node"] = action.node
        values["CRM_meta_on_node_uuid"] = ids.get(action.node, action.node)
    if action.kind is ActionKind.FENCE:
        values["CRM_meta_stonith_action"] = action.task
        return values
    values["CRM_meta_timeout"] = str(action.timeout_ms)
    optional = {
        "CRM_meta_interval": str(action.interval_ms or ""),
        "CRM_meta_op_target_rc": str(action.target_rc or ""),
        "CRM_meta_start_delay": str(action.start_delay_ms or ""),
        "CRM_meta_migrate_source": str(action.migrate_source),
        "CRM_meta_migrate_target": str(action.migrate_target),
        "CRM_meta_operation": action.cancels,
    }
    values.update({name: value for name, value in optional.items() if value})
    return values


def _is_name(name: str) -> bool:
    """Say whether XML allows it as an attribute's name: parameters may be called anything."""
    return name.replace("_", "a").replace("-", "a").isalnum() and not name[0].isdecimal()


def dot_text(plan: Plan) -> str:
    """Return the graph for `dot`: helper steps in orange letters."""
    names = {action.id: _dot_name(action) for action in plan.actions}
    lines = [' digraph "g" {']
    for action in plan.actions:
        letters = "orange" if action.kind is ActionKind.PSEUDO else "black"
        lines.append(f'"{names[action.id]}" [ style=bold color="green" fontcolor="{letters}"]')
    lines.extend(
        f'"{names[first]}" -> "{names[action.id]}" [ style = bold]'
        for action in plan.actions
        for first in action.after
    )
    return "\n".join([*lines, "}"]) + "\n"


def _dot_name(action: PlannedAction) -> str:
    if action.kind is ActionKind.FENCE:
        return f"stonith '{action.task}' {action.node}"
    return f"{operation_key(action)} {action.node}".rstrip()
