"""What commands about resources and about fence devices share."""

from paceline.cib.nvsets import set_values
from paceline.cib.resources import (
    RESOURCE_TAGS,
    find_resource,
    inner_resources,
    is_stonith,
    outer_clone,
    parent_resource,
)
from paceline.cib.tree import Element, find_section
from paceline.commands.contract import Request
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report


def unknown_resource(wanted: str) -> InvalidRequestError:
    """Return the refusal that there is no such resource."""
    message = f"Unable to find resource: {wanted}"
    return InvalidRequestError(
        Report(code="id-unknown", message=message, facts=(("resource", wanted),))
    )


def note_other_kind(
    request: Request, element: Element, words: str = "", *, device: str = "stonith resources"
) -> None:
    """Say that a fence device was named to `resource ...`, or a resource to `stonith ...`.

    `words` are what the other area has for the same; `device` is how a fence device is called.
    """
    if request.is_classic:
        return
    area = request.words[0]
    is_device = is_stonith(element)
    if is_device == (area == "stonith"):
        return
    what = device if is_device else "resources"
    right = "stonith" if is_device else "resource"
    instead = f" Please use '{request.program} {right} {words}' instead." if words else ""
    request.findings.deprecate(
        "wrong-area",
        f"Ability of this command to accept {what} is deprecated and will be removed in a future "
        f"release.{instead}",
    )


def is_unmanaged(element: Element) -> bool:
    """Say whether the cluster leaves a resource, or something in it, alone."""
    around = [element]
    parent = parent_resource(element)
    while parent is not None:
        around.append(parent)
        parent = parent_resource(parent)
    inside = element.iterdescendants(*RESOURCE_TAGS)
    return any(
        set_values(one, "meta_attributes").get("is-managed", "true").lower()
        in ("false", "no", "off", "0", "n")
        for one in (*around, *inside)
    )


def warn_if_unmanaged(request: Request, element: Element) -> None:
    """Say that what is asked for will not be done, because nobody cares for the resource."""
    if is_unmanaged(element) and not request.is_classic:
        request.findings.warn("unmanaged", f"'{element.get('id')}' is unmanaged")


def find_many(request: Request, root: Element, wanted: tuple[str, ...]) -> list[Element]:
    """Return the resources of these ids, tags standing for what they name; report the unknown."""
    found: list[Element] = []
    for one in wanted:
        element = find_resource(root, one)
        if element is not None:
            found.append(element)
            continue
        members = _tagged(root, one)
        if not members:
            request.findings.error(
                "id-unknown", f"bundle/clone/group/resource/tag '{one}' does not exist"
            )
        found += members
    request.findings.stop_if_errors()
    return found


def _tagged(root: Element, tag_id: str) -> list[Element]:
    section = find_section(root, "tags")
    names = (
        ref.get("id", "")
        for tag in (() if section is None else section)
        if tag.get("id") == tag_id
        for ref in tag.iterfind("obj_ref")
    )
    return [one for one in (find_resource(root, name) for name in names) if one is not None]


def enabled_together(element: Element) -> list[Element]:
    """Return what has to be enabled for this resource to run: itself and what it cannot do without.

    A clone's or a bundle's only member, or the clone around a member; a group stands for itself.
    """
    clone = outer_clone(element)
    found = [element]
    if element.tag in ("clone", "master", "bundle"):
        found += inner_resources(element)
    elif clone is not None and (element.tag == "group" or element.getparent() is clone):
        found.append(clone)
    elif element.tag == "primitive":
        parent = element.getparent()
        if parent is not None and parent.tag == "bundle":
            found.append(parent)
    return found
