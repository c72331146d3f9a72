"""Sets of name and value pairs: attributes of resources and nodes, properties, defaults."""

from collections.abc import Iterable, Mapping

from lxml import etree

from paceline.cib.names import clean_id
from paceline.cib.tree import Element, add_element, unique_id

SHORT_NAME_CHARACTERS = 20
"""How much of a name is in the ids of cluster options and defaults, as pcs has it."""


def find_set(owner: Element, tag: str) -> Element | None:
    """Return the first set of this kind, or None."""
    return owner.find(tag)


def set_values(owner: Element, tag: str) -> dict[str, str]:
    """Return the pairs of the first set of this kind, in order."""
    found = find_set(owner, tag)
    return {} if found is None else pairs_of(found)


def pairs_of(nvset: Element) -> dict[str, str]:
    """Return the pairs of a set, in order."""
    return {pair.get("name", ""): pair.get("value", "") for pair in nvset.findall("nvpair")}


def add_set(
    root: Element,
    owner: Element,
    tag: str,
    pairs: Iterable[tuple[str, str]],
    *,
    set_id: str = "",
    position: int | None = None,
) -> Element:
    """Add a set with these pairs (empty values left out) and return it.

    Its id is `OWNER-TAG` unless `set_id` says otherwise; `position` is a place among the owner's
    children, its end by default.
    """
    wanted = set_id or unique_id(root, f"{owner.get('id')}-{tag}")
    nvset = etree.Element(tag)
    nvset.set("id", wanted)
    if position is None:
        owner.append(nvset)
    else:
        owner.insert(position, nvset)
    for name, value in pairs:
        if value != "":
            add_pair(root, nvset, name, value)
    return nvset


def add_pair(
    root: Element, nvset: Element, name: str, value: str, *, has_short_id: bool = False
) -> None:
    """Add one pair to a set; with `has_short_id` only the name's beginning is in its id."""
    shown = name[:SHORT_NAME_CHARACTERS] if has_short_id else name
    pair_id = unique_id(root, clean_id(f"{nvset.get('id')}-{shown}"))
    add_element(nvset, "nvpair", (("id", pair_id), ("name", name), ("value", value)))


def update_set(
    root: Element, nvset: Element, changes: Mapping[str, str], *, has_short_ids: bool = False
) -> None:
    """Change, add, or (with an empty value) remove pairs."""
    for name, value in changes.items():
        existing = [pair for pair in nvset.findall("nvpair") if pair.get("name") == name]
        if value == "":
            for pair in existing:
                nvset.remove(pair)
        elif existing:
            existing[0].set("value", value)
            for pair in existing[1:]:
                nvset.remove(pair)
        else:
            add_pair(root, nvset, name, value, has_short_id=has_short_ids)


def update_first_set(
    root: Element,
    owner: Element,
    tag: str,
    changes: Mapping[str, str],
    *,
    set_id: str = "",
    position: int | None = None,
) -> None:
    """Change the first set of this kind; one is made where there is none and something to set."""
    nvset = find_set(owner, tag)
    if nvset is None:
        if any(changes.values()):
            add_set(root, owner, tag, changes.items(), set_id=set_id, position=position)
        return
    update_set(root, nvset, changes)
