"""Differences between two configurations as a patch, and patches put into a configuration.

The form is the one that `crm_diff` and `cibadmin --patch` exchange (`<diff format="2">`): a list of
changes, each naming an element by a path of tags and ids. Deletions come first, then what is
modified in place, then what is new or moved, in the order of the new document.
"""

import re
from collections import Counter
from collections.abc import Iterator

from lxml import etree

from paceline.cib.tree import Element

FORMAT = "2"
VERSION_NAMES = ("admin_epoch", "epoch", "num_updates")
_STEP = re.compile(r"([^/\[]+)(?:\[@id='([^']*)'\])?(?:\[(\d+)\])?")


class PatchError(ValueError):
    """The patch cannot be read, or does not fit the configuration."""


def make_patch(old: Element, new: Element, *, has_versions: bool = True) -> Element | None:
    """Return the patch that makes `new` of `old`, None where they are equal.

    Without `has_versions` the version of the configuration is neither compared nor named.
    """
    ignored = () if has_versions else VERSION_NAMES
    deleted: list[Element] = []
    modified: list[Element] = []
    placed: list[Element] = []
    _compare(old, new, f"/{old.tag}", ignored, (deleted, modified, placed))
    if not deleted and not modified and not placed:
        return None
    patch = etree.Element("diff", {"format": FORMAT})
    if has_versions:
        versions = etree.SubElement(patch, "version")
        for tag, root in (("source", old), ("target", new)):
            names = {name: root.get(name, "0") for name in VERSION_NAMES}
            etree.SubElement(versions, tag, names)
    patch.extend((*deleted, *modified, *placed))
    return patch


def _compare(
    old: Element,
    new: Element,
    path: str,
    ignored: tuple[str, ...],
    found: tuple[list[Element], list[Element], list[Element]],
) -> None:
    deleted, modified, placed = found
    change = _attribute_change(old, new, path, ignored)
    if change is not None:
        modified.append(change)
    pairs = _pair(old, new)
    old_of = {id(theirs): ours for ours, theirs in pairs}
    kept = {id(ours) for ours, _ in pairs}
    for step, child in _steps(old):
        if id(child) not in kept:
            deleted.append(_change("delete", f"{path}/{step}"))
    steps = {id(child): step for step, child in _steps(old)}
    order = [child for child in old if id(child) in kept]
    for place, child in enumerate(_elements(new)):
        ours = old_of.get(id(child))
        if ours is None:
            made = _change("create", path, position=place)
            made.append(_copy(child))
            placed.append(made)
            order.insert(place, child)
            continue
        if order[place] is not ours:
            at = next(number for number, each in enumerate(order) if each is ours)
            placed.append(_change("move", f"{path}/{steps[id(ours)]}", position=place))
            order.insert(place, order.pop(at))
        if _text(ours) != _text(child):
            _compare(ours, child, f"{path}/{steps[id(ours)]}", ignored, found)


def _text(element: Element) -> bytes:
    return etree.tostring(element, with_tail=False)


def _attribute_change(
    old: Element, new: Element, path: str, ignored: tuple[str, ...]
) -> Element | None:
    if old.items() == new.items():
        return None
    names = sorted({*old.attrib, *new.attrib} - set(ignored), key=str)
    listed = etree.Element("change-list")
    for name in names:
        before, after = old.get(name), new.get(name)
        if after is None:
            etree.SubElement(listed, "change-attr", {"name": str(name), "operation": "unset"})
        elif after != before:
            pairs = {"name": str(name), "operation": "set", "value": after}
            etree.SubElement(listed, "change-attr", pairs)
    if not len(listed):
        return None
    change = _change("modify", path)
    change.append(listed)
    bare = etree.SubElement(etree.SubElement(change, "change-result"), new.tag)
    bare.attrib.update(new.attrib)
    return change


def _change(operation: str, path: str, *, position: int | None = None) -> Element:
    change = etree.Element("change", {"operation": operation, "path": path})
    if position is not None:
        change.set("position", str(position))
    return change


def _elements(parent: Element) -> list[Element]:
    return [child for child in parent if isinstance(child.tag, str)]


def _pair(old: Element, new: Element) -> list[tuple[Element, Element]]:
    """Return which children stand for one another: the same tag and id, else the same place."""
    waiting: dict[tuple[str, str], list[Element]] = {}
    for child in _elements(old):
        waiting.setdefault((child.tag, child.get("id", "")), []).append(child)
    pairs = []
    for child in _elements(new):
        same = waiting.get((child.tag, child.get("id", "")))
        if same:
            pairs.append((same.pop(0), child))
    return pairs


def _steps(parent: Element) -> Iterator[tuple[str, Element]]:
    """Yield each child with the step of a path that names it."""
    seen: dict[str, int] = {}
    children = _elements(parent)
    numbers = Counter(child.tag for child in children)
    for child in children:
        name = child.get("id")
        if name is not None:
            yield f"{child.tag}[@id='{name}']", child
            continue
        seen[child.tag] = seen.get(child.tag, 0) + 1
        yield child.tag if numbers[child.tag] == 1 else f"{child.tag}[{seen[child.tag]}]", child


def _copy(element: Element) -> Element:
    return etree.fromstring(_text(element))


def apply_patch(root: Element, patch: Element) -> None:
    """Put a patch into a configuration. Raises PatchError where it does not fit; then `root` is
    half done and must be thrown away.
    """
    if patch.tag != "diff" or patch.get("format") != FORMAT:
        raise PatchError('a patch is <diff format="2">, as crm_diff makes it')
    for change in patch.iterfind("change"):
        _apply(root, change)


def is_meant_for(root: Element, patch: Element) -> bool:
    """Say whether the patch was made from this version; one without versions fits any."""
    source = patch.find("version/source")
    if source is None:
        return True
    return all(source.get(name, "0") == root.get(name, "0") for name in VERSION_NAMES[:2])


def _apply(root: Element, change: Element) -> None:
    operation, path = change.get("operation", ""), change.get("path", "")
    target = find_by_path(root, path)
    if target is None:
        if operation == "delete":
            return
        raise PatchError(f"there is no {path}")
    match operation:
        case "modify":
            _modify(target, change)
        case "create":
            for new in _elements(change):
                target.insert(_position(change, target), _copy(new))
        case "delete" | "move":
            holder = target.getparent()
            if holder is None:
                raise PatchError(f"{path} is the whole configuration")
            holder.remove(target)
            if operation == "move":
                holder.insert(_position(change, holder), target)
        case _:
            raise PatchError(f"'{operation}' is no change: create, delete, modify, move")


def _modify(target: Element, change: Element) -> None:
    for each in change.iterfind("change-list/change-attr"):
        name = each.get("name", "")
        if each.get("operation") == "unset":
            target.attrib.pop(name, "")
        else:
            target.set(name, each.get("value", ""))


def _position(change: Element, holder: Element) -> int:
    text = change.get("position", "")
    return int(text) if text.isdecimal() else len(holder)


def find_by_path(root: Element, path: str) -> Element | None:
    """Return what `/cib/configuration/resources/primitive[@id='A']` names, None where it is not."""
    steps = path.strip("/").split("/")
    if not steps or steps[0] != root.tag:
        raise PatchError(f"'{path}' does not begin with /{root.tag}")
    at = root
    for step in steps[1:]:
        found = _STEP.fullmatch(step)
        if found is None:
            raise PatchError(f"'{path}' is no path")
        tag, name, number = found.groups()
        same = [child for child in _elements(at) if child.tag == tag]
        if name is not None:
            same = [child for child in same if child.get("id") == name]
        place = int(number or 1) - 1
        if not 0 <= place < len(same):
            return None
        at = same[place]
    return at
