"""`resource delete`, `stonith delete`: a resource goes, with everything that names it."""

from paceline.cib.constraints import ORDER, has_sets, references, remove_from_sets
from paceline.cib.resources import (
    find_resource,
    inner_resources,
    is_stonith,
    parent_resource,
    primitives_of,
)
from paceline.cib.tags import drop_from_tags, tags_naming
from paceline.cib.tree import Element, find_section, remove
from paceline.cib.wording import quoted
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.commands.resource_state import set_meta
from paceline.commands.resource_words import note_other_kind, warn_if_unmanaged
from paceline.commands.waiting import wait_limit_ms
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.ports.daemon import JsonRecord

STOP_WAIT_MS = 60_000


def delete(request: Request, ports: Ports) -> Outcome:
    """Delete resources with what is inside them: `resource delete ID...`.

    On a live cluster they are stopped first, unless forced: what is deleted while it runs would
    have to be stopped as an orphan.
    """
    if not request.arguments:
        raise UsageError
    if ports.cib.is_live and not request.is_forced and not request.has("no-stop"):
        _stop_first(request, ports)

    def change(root: Element) -> str:
        _refuse_unknown(request, root)
        for wanted in request.arguments:
            element = find_resource(root, wanted)
            if element is not None:  # else it went with one that was named before it
                note_other_kind(request, element, "delete")
                delete_resource(request, root, element)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def delete_resource(request: Request, root: Element, element: Element) -> None:
    """Delete a resource with what is inside it and what names it."""
    group = element if element.tag == "group" else element.find("group")
    if group is not None:
        _delete_group(request, root, group)
    elif element.tag == "bundle":
        _delete_bundle(request, root, element)
    else:
        for one in primitives_of(element):
            _delete_one(request, root, one)


def _refuse_unknown(request: Request, root: Element) -> None:
    """Raise InvalidRequestError where there is no such resource."""
    missing = sorted({one for one in request.arguments if find_resource(root, one) is None})
    if not missing:
        return
    message = f"Resource '{missing[0]}' does not exist."
    if len(request.arguments) > 1:
        noun = "resource" if len(missing) == 1 else "resources"
        message = f"Unable to find {noun}: {quoted(missing)}"
    raise InvalidRequestError(Report(code="id-unknown", message=message))


def _stop_first(request: Request, ports: Ports) -> None:
    """Disable the resources and wait until they have stopped."""

    def disable(root: Element) -> str:
        _refuse_unknown(request, root)
        for wanted in request.arguments:
            element = find_resource(root, wanted)
            if element is not None:
                set_meta(root, element, {"target-role": "Stopped"})
        return ""

    edit_cib(request, ports, disable)
    if request.has("dry-run"):
        return
    limit_ms = wait_limit_ms(request) if request.has("wait") else STOP_WAIT_MS
    question: JsonRecord = {"do": "wait", "timeout_ms": limit_ms}
    answer = ports.daemon.ask(question, timeout_ms=limit_ms)
    if answer.get("ok") is not True:
        raise InvalidRequestError(
            Report(
                code="not-stopped",
                message=f"Unable to stop: {' '.join(request.arguments)} before deleting "
                "(re-run with --force to force deletion)",
            )
        )


def _delete_group(request: Request, root: Element, group: Element) -> None:
    name = group.get("id")
    request.findings.inform(
        "removing-group", f"Removing group: {name} (and all resources within group)"
    )
    request.findings.inform("stopping-group", f"Stopping all resources in group: {name}...")
    warn_if_unmanaged(request, group)
    for member in inner_resources(group):
        _delete_one(request, root, member)


def _delete_one(request: Request, root: Element, element: Element) -> None:
    """Delete a primitive, and the containers that would be empty then."""
    name = element.get("id", "")
    emptied = _emptied_containers(element)
    for one in (element, *emptied):
        _drop_references(request, root, one)
    tags = {one.tag for one in emptied}
    label = "Deleting Resource"
    if "group" in tags:
        label += " (and group and clone)" if len(tags) > 1 else " (and group)"
    request.findings.inform("deleting", f"{label} - {name}")
    if is_stonith(element):
        _drop_from_levels(root, name)
    remove(emptied[-1] if emptied else element)


def _emptied_containers(element: Element) -> list[Element]:
    """Return the groups and clones that hold nothing but this, inner ones first."""
    found: list[Element] = []
    inner, parent = element, parent_resource(element)
    while parent is not None and parent.tag != "bundle" and inner_resources(parent) == [inner]:
        found.append(parent)
        inner, parent = parent, parent_resource(parent)
    return found


def _delete_bundle(request: Request, root: Element, bundle: Element) -> None:
    inner = inner_resources(bundle)
    what = f"bundle '{bundle.get('id')}'"
    if inner:
        what += f" and its inner resource '{inner[0].get('id')}'"
    request.findings.inform("deleting", f"Deleting {what}")
    for one in (*inner, bundle):
        _drop_references(request, root, one)
    for one in inner:
        request.findings.inform("deleting", f"Deleting Resource - {one.get('id')}")
    remove(bundle)


def _drop_references(request: Request, root: Element, element: Element) -> None:
    """Remove the constraints on the resource, and it from tags, and say so."""
    name = element.get("id", "")
    for tag in tags_naming(root, frozenset({name})):
        request.findings.inform("removing-from-tag", f"Removing {name} from tag {tag}")
    drop_from_tags(root, name)
    for permission in list(root.iterfind("configuration/acls/acl_role/acl_permission")):
        if permission.get("reference") == name:
            request.findings.inform(
                "removing-permission", f"Removing ACL permission {permission.get('id')}"
            )
            remove(permission)
    found = references(root, name)
    for one in sorted(found, key=_removal_rank):
        if not has_sets(one):
            request.findings.inform("removing-constraint", f"Removing Constraint - {one.get('id')}")
            remove(one)
            continue
        for member_set in one.iterfind("resource_set"):
            if any(ref.get("id") == name for ref in member_set.iterfind("resource_ref")):
                _tell_set(request, name, member_set)
        if not remove_from_sets(one, name):
            request.findings.inform("removing-constraint", f"Removing constraint {one.get('id')}")


def _removal_rank(constraint: Element) -> tuple[bool, str]:
    """Return what sorts constraints as they are told of: plain ones, then sets, each by kind."""
    is_order_of_sets = has_sets(constraint) and constraint.tag == ORDER
    return has_sets(constraint), "" if is_order_of_sets else constraint.tag


def _tell_set(request: Request, name: str, member_set: Element) -> None:
    """Say that a resource leaves a set, and that the set goes if it was the only one."""
    set_id = member_set.get("id")
    request.findings.inform("removing-from-set", f"Removing {name} from set {set_id}")
    if all(ref.get("id") == name for ref in member_set.iterfind("resource_ref")):
        request.findings.inform("removing-set", f"Removing set {set_id}")


def _drop_from_levels(root: Element, device: str) -> None:
    """Take a fence device out of the levels; a level without devices goes."""
    section = find_section(root, "fencing-topology")
    for level in list(() if section is None else section):
        devices = level.get("devices", "").split(",")
        if device not in devices:
            continue
        left = [one for one in devices if one != device]
        if left:
            level.set("devices", ",".join(left))
        else:
            remove(level)
    if section is not None and len(section) == 0:
        remove(section)


def _command(area: str, what: str) -> Command:
    return Command(
        words=f"{area} delete",
        handler=delete,
        needs=Needs.CIB,
        arguments=f"<{area} id>...",
        options=("force", "no-stop", "wait"),
        help=f"Delete {what}, with what is inside and what names them.",
        aliases=(Alias(words=f"{area} remove"),),
    )


COMMANDS = (
    _command("resource", "resources, groups, clones or bundles"),
    _command("stonith", "fence devices"),
)
