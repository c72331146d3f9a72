"""Access control lists: what a user may read of a configuration, and which change he may make.

`<acls>` holds roles (permissions) and the users and groups that have them. A permission counts for
the elements that it names and for all below, until a nearer one says otherwise; on one element deny
comes before write, write before read, and write includes read. Where nothing is said, nothing is
allowed. Without `enable-acl` nobody is asked for these permissions.
"""

from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass
from enum import IntEnum

from lxml import etree

from paceline.cib.xml_text import Element

STAMPS = frozenset({
    "epoch", "num_updates", "cib-last-written", "update-origin", "update-client", "update-user",
    "have-quorum", "dc-uuid", "execution-date",
})  # fmt: skip
"""Attributes of the root that count and sign changes: everybody's change changes them."""
TRUE_WORDS = frozenset({"true", "yes", "on", "1", "y"})


class Access(IntEnum):
    """What is allowed on an element; of several on one element the highest counts."""

    READ = 1
    WRITE = 2
    DENY = 3


_KINDS = {"read": Access.READ, "write": Access.WRITE, "deny": Access.DENY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One permission; `path` is an XPath, empty where it cannot be understood."""

    access: Access
    path: str


def is_enabled(root: Element) -> bool:
    """Say whether the cluster's permissions are to be looked at."""
    for pair in root.iterfind("configuration/crm_config//nvpair[@name='enable-acl']"):
        if pair.get("value", "").lower() in TRUE_WORDS:
            return True
    return False


def permissions_of(root: Element, user: str, groups: Collection[str]) -> tuple[Permission, ...]:
    """Return the permissions of a user and his groups."""
    section = root.find("configuration/acls")
    if section is None:
        return ()
    roles: set[str] = set()
    for holder in section.iterchildren("acl_target", "acl_group"):
        name = holder.get("name") or holder.get("id", "")
        is_his = name == user if holder.tag == "acl_target" else name in groups
        if is_his:
            roles.update(role.get("id", "") for role in holder.iterchildren("role"))
    return tuple(
        _permission(each)
        for role in section.iterchildren("acl_role")
        if role.get("id") in roles
        for each in role.iterchildren("acl_permission")
    )


def _permission(element: Element) -> Permission:
    """Return what the element allows. What is not understood denies: it may have been meant so."""
    access = _KINDS.get(element.get("kind", ""), Access.DENY)
    attribute = element.get("attribute")
    condition = f"[@{attribute}]" if attribute else ""
    if element.get("xpath"):
        return Permission(access=access, path=element.get("xpath", ""))
    reference = element.get("reference", "")
    if reference and "'" not in reference:
        return Permission(access=access, path=f"//*[@id='{reference}']{condition}")
    if element.get("object-type"):
        return Permission(access=access, path=f"//{element.get('object-type')}{condition}")
    return Permission(access=access, path="")


class View:
    """A document as one user may see and change it."""

    def __init__(self, root: Element, permissions: Collection[Permission]) -> None:
        """Find what each permission names; one that is not understood denies everything.

        The document must not be changed afterwards.
        """
        self._root = root
        self._named: dict[Element, Access] = {}
        self._is_void = False
        for permission in permissions:
            found = _find(root, permission.path)
            if found is None:
                self._is_void = True
                return
            for element in found:
                known = self._named.get(element, Access.READ)
                self._named[element] = max(known, permission.access)

    def may(self, element: Element, wanted: Access) -> bool:
        """Say whether the user may read or write this element."""
        current: Element | None = None if self._is_void else element
        while current is not None:
            access = self._named.get(current)
            if access is not None:
                return access is not Access.DENY and access >= wanted
            current = current.getparent()
        return False

    def may_everywhere(self, wanted: Access) -> bool:
        """Say whether the user may read or write every element."""
        if not self.may(self._root, wanted):
            return False
        return all(
            access is not Access.DENY and access >= wanted for access in self._named.values()
        )

    def may_in_status(self, wanted: Access) -> bool:
        """Say whether the user may read or change the status: what runs, attributes, failures."""
        status = self._root.find("status")
        return self.may(self._root if status is None else status, wanted)

    def readable(self) -> Element | None:
        """Return a copy with what the user may read, None where that is nothing.

        What holds something readable stays with its id alone.
        """
        shown = {element for element in self._root.iter() if self.may(element, Access.READ)}
        holders = set(shown)
        for element in shown:
            holders.update(element.iterancestors())
        if self._root not in holders:
            return None
        pairs = list(zip(self._root.iter(), deepcopy(self._root).iter(), strict=True))
        for original, copy in pairs:
            parent = copy.getparent()
            if original not in holders:
                if parent is not None:
                    parent.remove(copy)
            elif original not in shown:
                for name in [name for name in copy.attrib if name != "id"]:
                    del copy.attrib[name]
                copy.text = None
        return pairs[0][1]


def with_status_place(root: Element) -> Element:
    """Return a copy with a `<status>`, so that permissions can name it."""
    copy = deepcopy(root)
    if copy.find("status") is None:
        etree.SubElement(copy, "status")
    return copy


def find_denied(old: Element, new: Element, permissions: Collection[Permission]) -> str:
    """Return the first part of a change that is not allowed, in words; "" where all of it is.

    `permissions` are those of the old document: nobody gives himself rights.
    """
    before, after = View(old, permissions), View(new, permissions)
    waiting = [(old, new)]
    while waiting:
        was, is_now = waiting.pop()
        if _own(was) != _own(is_now) and not (
            before.may(was, Access.WRITE) and after.may(is_now, Access.WRITE)
        ):
            return f"change {_shown(was)}"
        old_children, new_children = _children(was), _children(is_now)
        for key, child in old_children.items():
            if key not in new_children:
                for each in child.iter():
                    if not before.may(each, Access.WRITE):
                        return f"remove {_shown(each)}"
        for key, child in new_children.items():
            if key in old_children:
                waiting.append((old_children[key], child))
            else:
                for each in child.iter():
                    if not after.may(each, Access.WRITE) and not _is_bare_container(each):
                        return f"add {_shown(each)}"
        kept = [key for key in old_children if key in new_children]
        if kept != [key for key in new_children if key in old_children] and not (
            before.may(was, Access.WRITE) and after.may(is_now, Access.WRITE)
        ):
            return f"change the order in {_shown(was)}"
    return ""


def _find(root: Element, path: str) -> list[Element] | None:
    """Return the elements that an XPath names (of an attribute its element); None if it is none."""
    try:
        found = etree.XPath(path, regexp=False)(root.getroottree())
    except (etree.XPathError, ValueError):
        return None
    if not isinstance(found, list):
        return None
    elements: list[Element] = []
    for each in found:
        holder = getattr(each, "getparent", lambda: None)
        element = each if isinstance(each, etree._Element) else holder()
        if element is not None:
            elements.append(element)
    return elements


def _own(element: Element) -> tuple[object, ...]:
    """Return what belongs to the element itself."""
    ignored = STAMPS if element.getparent() is None else frozenset()
    attributes = sorted((k, v) for k, v in element.attrib.items() if k not in ignored)
    return element.tag, tuple(attributes), (element.text or "").strip()


def _children(element: Element) -> dict[tuple[str, str, int], Element]:
    """Return the children by tag and id, or by tag and place where they have none."""
    found: dict[tuple[str, str, int], Element] = {}
    for child in element:
        place = 0
        key = (str(child.tag), child.get("id", ""), place)
        while key in found:
            place += 1
            key = (*key[:2], place)
        found[key] = child
    return found


def _is_bare_container(element: Element) -> bool:
    """Say whether it only holds others: without attributes but an id, and without text."""
    only_id = not set(element.attrib) - {"id"}
    return only_id and len(element) > 0 and not (element.text or "").strip()


def _shown(element: Element) -> str:
    name = element.get("id")
    return f"<{element.tag}>" if name is None else f"<{element.tag} id='{name}'>"
