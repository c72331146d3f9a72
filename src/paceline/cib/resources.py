"""Resources in the tree: finding them, who contains whom, putting them together."""

from collections.abc import Iterator, Mapping, Sequence

from lxml import etree

from paceline.cib.nvsets import add_pair, add_set
from paceline.cib.operations import add_operation
from paceline.cib.tree import Element, add_element, find_section, get_section, unique_id
from paceline.model.agent_name import AgentName

RESOURCE_TAGS = ("primitive", "group", "clone", "master", "bundle")
CLONE_TAGS = ("clone", "master")
WRAPPER_TAGS = ("clone", "master", "bundle")


def iterate_resources(root: Element) -> Iterator[Element]:
    """Yield all resources, containers before what they contain, in the order of the file."""
    section = find_section(root, "resources")
    if section is not None:
        yield from section.iter(*RESOURCE_TAGS)


def find_resource(
    root: Element, wanted: str, tags: Sequence[str] = RESOURCE_TAGS
) -> Element | None:
    """Return the resource with this id, if it is one of these kinds."""
    for element in iterate_resources(root):
        if element.get("id") == wanted:
            return element if element.tag in tags else None
    return None


def is_stonith(element: Element) -> bool:
    """Say whether this is a fence device."""
    return element.tag == "primitive" and element.get("class") == "stonith"


def agent_of(primitive: Element) -> AgentName:
    """Return the agent of a primitive."""
    return AgentName(
        standard=primitive.get("class", ""),
        provider=primitive.get("provider", ""),
        type=primitive.get("type", ""),
    )


def parent_resource(element: Element) -> Element | None:
    """Return the resource that contains this one directly, or None."""
    parent = element.getparent()
    return parent if parent is not None and parent.tag in RESOURCE_TAGS else None


def outer_clone(element: Element) -> Element | None:
    """Return the clone around this resource, also through a group, or None."""
    parent = parent_resource(element)
    while parent is not None:
        if parent.tag in CLONE_TAGS:
            return parent
        parent = parent_resource(parent)
    return None


def inner_resources(element: Element) -> list[Element]:
    """Return the resources directly inside this one."""
    return [child for child in element if child.tag in RESOURCE_TAGS]


def primitives_of(element: Element) -> list[Element]:
    """Return the primitives of a resource; of a primitive, itself."""
    return [element] if element.tag == "primitive" else list(element.iter("primitive"))


def is_promotable_clone(element: Element) -> bool:
    """Say whether this is a clone whose instances can be promoted."""
    if element.tag == "master":
        return True
    if element.tag != "clone":
        return False
    for pair in element.iterfind("meta_attributes/nvpair"):
        if pair.get("name") == "promotable":
            return (pair.get("value") or "").lower() in ("true", "yes", "on", "1", "y")
    return False


def insert_before_sets(resource: Element, new: Element) -> None:
    """Put a set of attributes where the order of a primitive's children wants it."""
    order = ["meta_attributes", "instance_attributes", "utilization", "operations"]
    if resource.tag != "primitive":
        resource.append(new)
        return
    rank = {"instance_attributes": 0, "meta_attributes": 1, "operations": 2, "utilization": 3}
    position = len(resource)
    for index, child in enumerate(resource):
        if child.tag in order and rank[child.tag] > rank.get(new.tag, 4):
            position = index
            break
    resource.insert(position, new)


def create_primitive(
    root: Element,
    place: Element,
    wanted: str,
    agent: AgentName,
    *,
    parameters: Mapping[str, str],
    meta: Mapping[str, str],
    operations: Sequence[Mapping[str, str]],
    is_meta_first: bool = False,
) -> Element:
    """Append a new primitive to `place` and return it."""
    attributes = [("id", wanted), ("class", agent.standard)]
    if agent.provider:
        attributes.append(("provider", agent.provider))
    attributes.append(("type", agent.type))
    primitive = add_element(place, "primitive", attributes)
    if any(parameters.values()):
        add_set(root, primitive, "instance_attributes", sorted(parameters.items()))
    if meta:
        position = 0 if is_meta_first else None
        nvset = add_set(root, primitive, "meta_attributes", (), position=position)
        for name, value in sorted(meta.items()):
            add_pair(root, nvset, name, value)
    for operation in operations:
        add_operation(root, primitive, operation, is_new_resource=True)
    return primitive


def wrap_in_clone(
    root: Element, resource: Element, clone_id: str, meta: Mapping[str, str]
) -> Element:
    """Put a clone around a resource, at the end of the resources, and return the clone."""
    section = get_section(root, "resources")
    clone = etree.SubElement(section, "clone")
    clone.set("id", clone_id or unique_id(root, f"{resource.get('id')}-clone"))
    clone.append(resource)
    if any(meta.values()):
        add_set(root, clone, "meta_attributes", sorted(meta.items()))
    return clone
