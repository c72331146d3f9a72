"""`cibadmin --patch`: a patch of `crm_diff`'s, put into the configuration and the status.

Of a running cluster's status a patch changes transient attributes only, as `crm_attribute` does:
what agents did is not for others to write.
"""

from lxml import etree

from paceline.cib.patches import PatchError, apply_patch, is_meant_for
from paceline.cib.tree import Element, parse_cib
from paceline.commands.tools import EXIT_OLD, Said, ToolError, ToolPorts, ask
from paceline.commands.tools_cib import with_live_status
from paceline.commands.tools_edit import edit

STATUS_PATH = "/cib/status"
FAILED = "Call failed: Application of an update diff failed"
TRANSIENT = "transient_attributes"


def put_patch(patch: Element, ports: ToolPorts) -> Said:
    """Put a patch in, all of it or nothing."""
    if not ports.cib.is_live or patch.find("change") is None:
        return Said(edit(ports, lambda root: _apply(root, patch)))
    rest, of_status = (_part(patch, of_status=wanted) for wanted in (False, True))
    changes = _attribute_changes(of_status, ports)
    if rest.find("change") is not None:
        edit(ports, lambda root: _apply(root, rest))
    for node, values in changes.items():
        ask(ports, {"do": "set-attributes", "node": node, "values": values})
    return Said()


def _part(patch: Element, *, of_status: bool) -> Element:
    """Return the patch with the changes of the status, or with all others."""
    part = etree.fromstring(etree.tostring(patch))
    for change in part.findall("change"):
        if change.get("path", "").startswith(STATUS_PATH) != of_status:
            part.remove(change)
    return part


def _apply(root: Element, patch: Element) -> str:
    if not is_meant_for(root, patch):
        raise ToolError(f"{FAILED}: it is for another version", EXIT_OLD, is_bare=True)
    try:
        apply_patch(root, patch)
    except PatchError as problem:
        raise ToolError(f"{FAILED}: {problem}", is_bare=True) from problem
    return ""


def _attribute_changes(of_status: Element, ports: ToolPorts) -> dict[str, dict[str, str | None]]:
    """Return what becomes of each node's transient attributes; None: it goes.

    Raises ToolError where the patch changes anything else of the status.
    """
    if of_status.find("change") is None:
        return {}
    document = with_live_status(ports.cib.read())
    old, new = parse_cib(document), parse_cib(document)
    _apply(new, of_status)
    before, after = _take_attributes(old), _take_attributes(new)
    if etree.tostring(old) != etree.tostring(new):
        raise ToolError(
            f"{FAILED}: of a running cluster's status, transient attributes can be changed",
            is_bare=True,
        )
    changes: dict[str, dict[str, str | None]] = {}
    for node in sorted({*before, *after}):
        mine, theirs = before.get(node, {}), after.get(node, {})
        values: dict[str, str | None] = {name: None for name in mine if name not in theirs}
        values |= {name: value for name, value in theirs.items() if mine.get(name) != value}
        if values:
            changes[node] = values
    return changes


def _take_attributes(root: Element) -> dict[str, dict[str, str]]:
    """Return each node's transient attributes, and take them out of the tree."""
    found = {}
    for state in root.iterfind("status/node_state"):
        pairs = state.iterfind(f"{TRANSIENT}/instance_attributes/nvpair")
        found[state.get("uname", "")] = {
            each.get("name", ""): each.get("value", "") for each in pairs
        }
        for outer in state.findall(TRANSIENT):
            state.remove(outer)
    return found
