"""Transient attributes of nodes: read and set, in the cluster or in a file's status section."""

import re
from typing import TYPE_CHECKING

from paceline.commands.tools import EXIT_NO_SUCH, Facts, ToolError, ToolPorts, ask

if TYPE_CHECKING:
    from paceline.cib.tree import Element

SET_PATH = "transient_attributes/instance_attributes"
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_.-]")


def relative(value: str, name: str) -> str:
    """Return `NAME++` and `NAME+=N` as the daemon takes them: `++`, `+=N`."""
    if value in (f"{name}++", "value++", "++"):
        return "++"
    for begin in (f"{name}+=", "value+=", "+="):
        if value.startswith(begin):
            return f"+={value[len(begin) :]}"
    return value


def transient_attributes(node: str, ports: ToolPorts) -> dict[str, str]:
    """Return a node's transient attributes (no name: this node's), live or from a file.

    Raises ToolError where there is no such node.
    """
    if ports.cib.is_live:
        facts = Facts(ports)
        if node and all(each.get("name") != node for each in facts.nodes):
            raise _unknown(node)
        return facts.attributes(node or facts.local_node)
    from paceline.cib.tree import parse_cib

    state = _state(parse_cib(ports.cib.read().document), node)
    pairs = state.iterfind(f"{SET_PATH}/nvpair")
    return {pair.get("name", ""): pair.get("value", "") for pair in pairs}


def set_transient(node: str, values: dict[str, str | None], ports: ToolPorts) -> str:
    """Set (or with None delete) transient attributes; return what was deleted, in words."""
    if ports.cib.is_live:
        told = {
            name: None if value is None else relative(value, name) for name, value in values.items()
        }
        ask(ports, {"do": "set-attributes", "node": node, "values": told})
        return ""
    from paceline.commands.tools_edit import edit

    return edit(ports, lambda root: _set_in_file(_state(root, node), values))


def _state(root: "Element", node: str) -> "Element":
    """Return a node's state in a file. Raises ToolError where there is none."""
    for state in root.iterfind("status/node_state"):
        if node and node in (state.get("uname"), state.get("id")):
            return state
    raise _unknown(node)


def _unknown(node: str) -> ToolError:
    return ToolError(f"Could not map name={node or 'this node'} to a UUID", EXIT_NO_SUCH)


def _set_in_file(state: "Element", values: dict[str, str | None]) -> str:
    from paceline.cib.tree import add_element

    cib_id = state.get("id", "")
    holder = state.find(SET_PATH)
    if holder is None:
        outer = state.find("transient_attributes")
        if outer is None:
            outer = add_element(state, "transient_attributes", (("id", cib_id),))
        holder = add_element(outer, "instance_attributes", (("id", f"status-{cib_id}"),))
    deleted = []
    for name, value in values.items():
        pair = next((each for each in holder if each.get("name") == name), None)
        if value is None:
            if pair is not None:
                holder.remove(pair)
                deleted.append(f"Deleted status attribute: id={pair.get('id')} name={name}")
            continue
        if pair is None:
            made = f"{holder.get('id')}-{_NOT_IN_ID.sub('_', name)}"
            pair = add_element(holder, "nvpair", (("id", made), ("name", name)))
        pair.set("value", _counted(value, name, pair.get("value", "")))
    return "\n".join(deleted)


def _counted(value: str, name: str, old: str) -> str:
    """Return the value, `NAME++` and `NAME+=N` worked out."""
    told = relative(value, name)
    begin = int(old) if old.lstrip("-").isdigit() else 0
    if told == "++":
        return str(begin + 1)
    step = told.removeprefix("+=")
    if told.startswith("+=") and step.lstrip("-").isdigit():
        return str(begin + int(step))
    return value
