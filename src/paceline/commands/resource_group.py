"""`resource group`: members that run together, in order."""

from paceline.cib.constraints import references, remove_from_sets
from paceline.cib.names import check_id_form
from paceline.cib.resources import (
    find_resource,
    inner_resources,
    outer_clone,
    parent_resource,
)
from paceline.cib.tags import drop_from_tags, tags_naming
from paceline.cib.tree import Element, add_element, get_section, has_id, remove
from paceline.cib.wording import quoted_sorted
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.commands.resource_create import insert_into_group
from paceline.commands.resource_words import note_other_kind
from paceline.commands.waiting import check_wait, wait_if_asked
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report


def add(request: Request, ports: Ports) -> Outcome:
    """Put resources into a group: `resource group add GROUP R... [--before R | --after R]`."""
    if len(request.arguments) < 2:
        raise UsageError
    if request.has("before") and request.has("after"):
        raise UsageError("you cannot specify both --before and --after")
    check_wait(request, ports)
    group_id, *members = request.arguments
    edit_cib(request, ports, lambda root: _add(request, root, group_id, members))
    wait_if_asked(request, ports, [group_id])
    return Outcome()


def _add(request: Request, root: Element, group_id: str, members: list[str]) -> str:
    neighbour = request.value("after") or request.value("before") or ""
    if neighbour and find_resource(root, neighbour) is None:
        request.findings.error("id-unknown", f"'{neighbour}' does not exist")
        request.findings.stop_if_errors()
    group, found = _check_addition(request, root, group_id, members, neighbour)
    if group is None:
        group = add_element(get_section(root, "resources"), "group", (("id", group_id),))
    _refuse_dangling(request, root, found, group_id)
    goes_after = request.has("after")
    for element in reversed(found) if goes_after else found:
        old = parent_resource(element)
        remove(element)
        insert_into_group(group, element, neighbour, goes_after=goes_after)
        if old is not None and old.tag == "group" and not inner_resources(old) and old is not group:
            remove_group(root, old)
    return ""


def _check_addition(
    request: Request, root: Element, group_id: str, members: list[str], neighbour: str
) -> tuple[Element | None, list[Element]]:
    """Return the group, None where it is to be made, and what goes into it; end on errors."""
    findings = request.findings
    group = find_resource(root, group_id, ("group",))
    form = check_id_form(group_id, "group name") if group is None else ()
    findings.extend(form)
    found = _groupable(request, root, members)
    if group is None and not form and has_id(root, group_id):
        findings.error("not-a-group", f"'{group_id}' is not a group")
        findings.stop_if_errors()
    doubles = {one for one in members if members.count(one) > 1}
    if doubles:
        findings.error(
            "resource-twice",
            "Resources to add or remove must be unique, duplicate resources: "
            f"{quoted_sorted(doubles)}",
        )
    if not found and not any(has_id(root, one) for one in members):
        findings.error("nothing-to-do", _nothing_to_add(group_id))
    if group is not None and not neighbour:
        _refuse_present(request, group, found)
    if neighbour:
        _check_neighbour(request, group, group_id, neighbour, members)
        if not found:
            findings.error(
                "nothing-to-place",
                f"Cannot specify adjacent resource '{neighbour}' without resources to add",
            )
    findings.stop_if_errors()
    return group, found


def _groupable(request: Request, root: Element, members: list[str]) -> list[Element]:
    """Return the members that can go into a group; report the others."""
    found: list[Element] = []
    for member in dict.fromkeys(members):
        element = find_resource(root, member)
        if element is None:
            kind = "is not a resource" if has_id(root, member) else "does not exist"
            request.findings.error("id-unknown", f"'{member}' {kind}")
        elif _check_member(request, element):
            note_other_kind(request, element, device="stonith resource")
            found.append(element)
    return found


def _refuse_present(request: Request, group: Element, found: list[Element]) -> None:
    """Report the members that are in the group already, and are not to be moved in it."""
    present = {one.get("id", "") for one in found if parent_resource(one) is group}
    if present:
        noun, verb = ("resource", "it is") if len(present) == 1 else ("resources", "they are")
        request.findings.error(
            "already-there",
            f"Cannot add {noun} {quoted_sorted(present)}, {verb} already present in group "
            f"'{group.get('id')}'",
        )


def _refuse_dangling(request: Request, root: Element, moved: list[Element], group_id: str) -> None:
    """Refuse to take the last member out of a group that a tag or a constraint names."""
    names = {one.get("id") for one in moved}
    for parent in {one: None for one in map(parent_resource, moved) if one is not None}:
        members = {one.get("id", "") for one in inner_resources(parent)}
        parent_id = parent.get("id", "")
        if parent.tag != "group" or parent_id == group_id or members - names:
            continue
        if tags_naming(root, frozenset({parent_id})):
            request.findings.error(
                "group-emptied",
                f"Unable to move resources {quoted_sorted(members)} as it would leave group "
                f"'{parent_id}' empty. Please, use the '{request.program} resource ungroup "
                f"{parent_id}' command first.",
            )
    request.findings.stop_if_errors()


def _nothing_to_add(group_id: str) -> str:
    return f"Cannot modify group '{group_id}', no resources to add or remove specified"


def _check_neighbour(
    request: Request, group: Element | None, group_id: str, neighbour: str, members: list[str]
) -> None:
    in_group = [] if group is None else [one.get("id") for one in inner_resources(group)]
    if neighbour not in in_group:
        request.findings.error(
            "not-in-group",
            f"There is no resource '{neighbour}' in the group '{group_id}', cannot add resources "
            "next to it",
        )
    if neighbour in members:
        request.findings.error(
            "next-to-itself", f"Cannot put resource '{neighbour}' next to itself"
        )


def _check_member(request: Request, element: Element) -> bool:
    """Say whether a resource can go into a group; report what speaks against it."""
    findings = request.findings
    member = element.get("id")
    if element.tag != "primitive":
        kind = "clone" if element.tag == "master" else element.tag
        findings.error(
            "cannot-be-grouped",
            f"'{member}' is a {kind} resource, {kind} resources cannot be put into a group",
        )
        return False
    parent = parent_resource(element)
    if parent is not None and parent.tag != "group":
        kind = "bundle" if parent.tag == "bundle" else "clone"
        findings.error(
            "cannot-be-grouped",
            f"'{member}' cannot be put into a group because its parent '{parent.get('id')}' is a "
            f"{kind} resource",
        )
        return False
    return True


def remove_group(root: Element, group: Element) -> None:
    """Remove an empty group with the constraints on it, and a clone around it."""
    clone = parent_resource(group)
    for one in references(root, group.get("id", "")):
        if one.find("resource_set") is not None:
            remove_from_sets(one, group.get("id", ""))
        else:
            remove(one)
    drop_from_tags(root, group.get("id", ""))
    remove(group)
    if clone is not None:
        for one in references(root, clone.get("id", "")):
            remove(one)
        remove(clone)


def ungroup(request: Request, ports: Ports) -> Outcome:
    """Take resources, or all of them, out of a group: `resource ungroup GROUP [R...]`."""
    if not request.arguments:
        raise UsageError
    check_wait(request, ports)
    group_id, *members = request.arguments
    edit_cib(request, ports, lambda root: _ungroup(request, root, group_id, members))
    wait_if_asked(request, ports)
    return Outcome()


def _ungroup(request: Request, root: Element, group_id: str, members: list[str]) -> str:
    group = find_resource(root, group_id, ("group",))
    if group is None:
        raise _refuse(f"Group '{group_id}' does not exist")
    inside = inner_resources(group)
    names = [one.get("id", "") for one in inside]
    for member in members:
        if member not in names:
            raise _refuse(f"Resource '{member}' does not exist in group '{group_id}'")
    chosen = [one for one in inside if not members or one.get("id") in members]
    if outer_clone(group) is not None and len(chosen) == len(inside) > 1:
        raise _refuse("Cannot remove all resources from a cloned group")
    place = get_section(root, "resources")
    parent = parent_resource(group)
    for one in chosen:
        remove(one)
        if parent is not None and len(chosen) == len(inside):
            group.addprevious(one)
        else:
            place.append(one)
    if not inner_resources(group):
        if parent is not None:
            remove(group)
        else:
            for one in sorted(references(root, group_id), key=lambda one: one.get("id", "")):
                request.findings.inform(
                    "removing-constraint", f"Removing Constraint - {one.get('id')}"
                )
            remove_group(root, group)
    return ""


def _refuse(message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code="group-refused", message=message))


COMMANDS = (
    Command(
        words="resource group add",
        handler=add,
        needs=Needs.CIB,
        arguments="<group id> <resource id>... [--before <resource id> | --after <resource id>]",
        options=("after", "before", "wait"),
        help="Put resources into a group, which is made if there is none.",
    ),
    Command(
        words="resource group delete",
        handler=ungroup,
        needs=Needs.CIB,
        arguments="<group id> [<resource id>...]",
        options=("wait",),
        help="Take resources, or all of them, out of a group; an empty group goes.",
        aliases=(Alias(words="resource group remove"), Alias(words="resource ungroup")),
    ),
)
