"""Make a CIB that shows something as small as can be, still showing it."""

import re
from collections.abc import Callable

from lxml import etree

TRIES_MAX = 1500
_NEVER = frozenset({
    "cib", "configuration", "crm_config", "nodes", "resources", "constraints", "status", "lrm",
    "lrm_resources", "docker", "podman",
})  # fmt: skip
_KEPT_OPTIONS = frozenset({"stonith-enabled", "concurrent-fencing"})
"""Without them the answers differ for other reasons (releases have other defaults)."""
_REFERRING = ("rsc", "with-rsc", "first", "then")


def shrink(cib: bytes, still_shows: Callable[[bytes], bool]) -> bytes:
    """Return the CIB without every element and attribute that is not needed to show it."""
    tries = 0
    has_changed = True
    while has_changed and tries < TRIES_MAX:
        has_changed = False
        for path in _paths(cib):
            tries += 1
            smaller = _without(cib, path)
            if smaller is not None and tries < TRIES_MAX and still_shows(smaller):
                cib, has_changed = smaller, True
    return cib


def _paths(cib: bytes) -> list[str]:
    """Return the elements that may go, the larger and later first."""
    root = etree.fromstring(cib)
    tree = root.getroottree()
    paths = [
        (sum(1 for _ in each.iter()), tree.getpath(each)) for each in root.iter() if _may_go(each)
    ]
    return [path for _size, path in sorted(paths, key=lambda item: -item[0])]


def _may_go(each: etree._Element) -> bool:
    if not isinstance(each.tag, str) or each.tag in _NEVER:
        return False
    if each.get("class") == "stonith":
        return False
    names = {each.get("name")} | {pair.get("name") for pair in each.iterfind("nvpair")}
    return not names & _KEPT_OPTIONS


def _without(cib: bytes, path: str) -> bytes | None:
    """Return the CIB without one element and what refers to it; None where it is gone already."""
    root = etree.fromstring(cib)
    found = root.xpath(path)
    if not isinstance(found, list) or not found:
        return None
    element = found[0]
    if not isinstance(element, etree._Element):
        return None
    parent = element.getparent()
    if parent is None:
        return None
    names = {str(each.get("id")) for each in element.iter() if each.tag in _RESOURCES}
    if element.tag != "lrm_resource":
        names |= _guests_of(element)
    if element.tag == "node":
        uname = element.get("uname")
        for state in root.xpath("status/node_state"):  # type: ignore[union-attr]
            if isinstance(state, etree._Element) and state.get("uname") == uname:
                _drop(state)
    _drop(element)
    if names and element.tag != "lrm_resource":
        _drop_traces(root, names)
    _drop_empty(root)
    _drop_dangling(root)
    return etree.tostring(root)


_RESOURCES = frozenset({"primitive", "group", "clone", "bundle", "lrm_resource"})


def _guests_of(element: etree._Element) -> set[str]:
    """Return the guest nodes that the resources in an element define."""
    pairs = element.iter("nvpair")
    return {str(each.get("value")) for each in pairs if each.get("name") == "remote-node"}


def _drop(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _drop_dangling(root: etree._Element) -> None:
    """Take away the constraints that name what is not configured any more."""
    left = {str(each.get("id")) for each in root.iterfind("configuration/resources//*")}
    for constraint in list(root.iterfind("configuration/constraints/*")):
        words = [constraint.get(key) for key in _REFERRING]
        words += [each.get("id") for each in constraint.iter("resource_ref")]
        if any(word and word not in left for word in words):
            _drop(constraint)


def _drop_traces(root: etree._Element, names: set[str]) -> None:
    """Take away the history of resources that are gone: a removed resource is another story."""
    parts = re.compile(
        "|".join(rf"{re.escape(name)}(-(docker|podman|ip)-.*|-\d+)?" for name in names)
    )
    for history in list(root.iterfind("status//lrm_resource")):
        if parts.fullmatch(str(history.get("id")).partition(":")[0]):
            _drop(history)
    for state in list(root.iterfind("status/node_state")):
        if state.get("remote_node") and parts.fullmatch(str(state.get("uname"))):
            _drop(state)
    for pair in list(root.iterfind("status//nvpair")):
        if str(pair.get("name")).partition("-count-")[2].partition("#")[0] in names:
            _drop(pair)


def _drop_empty(root: etree._Element) -> None:
    """Take away what may not stand empty."""
    for tag in ("resource_set", "operations", "group", "clone"):
        for each in list(root.iter(tag)):
            if not any(True for child in each if child.tag != "meta_attributes"):
                _drop(each)
