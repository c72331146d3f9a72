"""A CIB as a tree of elements that is edited: sections, ids, output.

For editing only. What a CIB means is read by `cib.read`.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from lxml import etree

from paceline.cib.xml_text import XmlTextError, parse_text
from paceline.model.errors import InvalidRequestError

Element: TypeAlias = etree._Element  # lxml gives its class no public name

REFERENCE_TAGS = frozenset({"resource_ref", "obj_ref", "role", "acl_target"})
"""Elements whose `id` names another element, or a user or group of the system."""
ID_SUFFIX_MAX = 100_000
"""How many numbered ids are tried for one name."""
INDENT = "  "


def parse_cib(document: bytes) -> Element:
    """Return the root of a CIB, without comments and blanks.

    Raises InvalidRequestError where it is not well-formed or no `<cib>`.
    """
    try:
        root = parse_text(document)
    except XmlTextError as problem:
        raise _refusal("cib-not-xml", f"unable to get cib: it is not XML: {problem}") from problem
    if root.tag != "cib":
        raise _refusal("cib-wrong-root", f"unable to get cib: its root is '{root.tag}', not 'cib'")
    return root


def serialize(root: Element) -> bytes:
    """Return the XML text of a tree, indented."""
    etree.indent(root, INDENT)
    return etree.tostring(root, encoding="utf-8") + b"\n"


def get_configuration(root: Element) -> Element:
    """Return the `<configuration>`, made where it is missing."""
    found = root.find("configuration")
    if found is None:
        found = etree.Element("configuration")
        root.insert(0, found)
    return found


def find_section(root: Element, name: str) -> Element | None:
    """Return a section of the configuration, or None."""
    return root.find(f"configuration/{name}")


def get_section(root: Element, name: str) -> Element:
    """Return a section of the configuration, made at the end where it is missing."""
    found = find_section(root, name)
    if found is None:
        found = etree.SubElement(get_configuration(root), name)
    return found


def add_element(parent: Element, tag: str, attributes: Iterable[tuple[str, str]]) -> Element:
    """Append a new element with these attributes, in order."""
    element = etree.SubElement(parent, tag)
    for name, value in attributes:
        element.set(name, value)
    return element


def iterate_ids(root: Element) -> Iterator[tuple[str, Element]]:
    """Yield (id, element) of everything in the configuration that has an id of its own."""
    for element in get_configuration(root).iter():
        value = element.get("id")
        if value is not None and element.tag not in REFERENCE_TAGS:
            yield value, element


def find_by_id(root: Element, wanted: str) -> Element | None:
    """Return the element that has this id, or None."""
    for value, element in iterate_ids(root):
        if value == wanted:
            return element
    return None


def has_id(root: Element, wanted: str) -> bool:
    """Say whether the id is taken."""
    return find_by_id(root, wanted) is not None


def unique_id(root: Element, wanted: str, *, reserved: Iterable[str] = ()) -> str:
    """Return `wanted`, or `wanted-1`, `wanted-2`, ... where it is taken or reserved."""
    taken = {value for value, _element in iterate_ids(root)}
    taken.update(reserved)
    if wanted not in taken:
        return wanted
    for number in range(1, ID_SUFFIX_MAX):
        candidate = f"{wanted}-{number}"
        if candidate not in taken:
            return candidate
    raise _refusal("no-free-id", f"no free id begins with '{wanted}'")


def remove(element: Element) -> None:
    """Take an element out of its tree."""
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def remove_if_empty(element: Element) -> None:
    """Take an element out of its tree if it has no children."""
    if len(element) == 0:
        remove(element)


def nodes(root: Element) -> list[Element]:
    """Return the `<node>` elements."""
    section = find_section(root, "nodes")
    return [] if section is None else section.findall("node")


def _refusal(code: str, message: str) -> InvalidRequestError:
    from paceline.model.reports import Report  # slow to load, and rarely needed

    return InvalidRequestError(Report(code=code, message=message))


def attributes_of(element: Element) -> dict[str, str]:
    """Return the element's attributes, in order."""
    return {str(name): str(value) for name, value in element.items()}
