"""`cibadmin`: the configuration as XML, read and changed directly."""

import hashlib
from collections.abc import Sequence

from lxml import etree

from paceline.cib.tree import Element, parse_cib, serialize
from paceline.cib.write_status import cib_with_status
from paceline.cib.xml_text import XmlTextError, parse_text
from paceline.commands.tools import (
    EXIT_EXISTS,
    EXIT_NO_SUCH,
    EXIT_USAGE,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
    parse_options,
)
from paceline.commands.tools_attributes import edit
from paceline.ports.cib_store import CibSnapshot

OPTIONS = (
    Option("query", "Q"), Option("create", "C"), Option("modify", "M"), Option("replace", "R"),
    Option("delete", "D"), Option("delete-all", "d"), Option("patch", "P"), Option("erase", "E"),
    Option("bump", "B"), Option("upgrade", "u"), Option("empty", "a"), Option("md5-sum", "5"),
    Option("md5-sum-versioned", "6"), Option("force", "f"), Option("timeout", "t", "value"),
    Option("user", "U", "value"), Option("sync-call", "s"), Option("local", "l"),
    Option("allow-create", "c"), Option("no-children", "n"), Option("xml-text", "X", "value"),
    Option("xml-file", "x", "value"), Option("xml-pipe", "p"), Option("scope", "o", "value"),
    Option("xpath", "A", "value"), Option("node-path", "e"), Option("node", "N", "value"),
    Option("show-access", "S", "maybe"),
)  # fmt: skip
COMMANDS = (
    "query", "create", "modify", "replace", "delete", "delete-all", "patch", "erase", "bump",
    "upgrade", "empty", "md5-sum", "md5-sum-versioned",
)  # fmt: skip
NO_SUCH = "Call failed: No such device or address"
EMPTY = (
    b'<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="0" num_updates="0" '
    b'admin_epoch="0"><configuration><crm_config/><nodes/><resources/><constraints/>'
    b"</configuration><status/></cib>"
)


def cibadmin(words: Sequence[str], ports: ToolPorts) -> Said:
    """Query or change the configuration's XML."""
    given = parse_options(words, OPTIONS)
    command = next((name for name in COMMANDS if given.has(name)), "")
    match command:
        case "empty":
            return Said(_text(etree.fromstring(EMPTY)))
        case "query":
            return _query(given, ports)
        case "md5-sum" | "md5-sum-versioned":
            document = serialize(_input(given, ports) or parse_cib(ports.cib.read().document))
            return Said(hashlib.md5(document, usedforsecurity=False).hexdigest())
        case "bump" | "upgrade":
            edit(ports, _bump)
            return Said()
        case "erase":
            if not given.has("force"):
                raise ToolError("to erase the configuration, --force is needed", EXIT_USAGE)
            edit(ports, _erase)
            return Said()
        case "patch":
            raise ToolError("patches in crm_diff's form are not taken; use --replace", EXIT_USAGE)
        case "create" | "modify" | "replace":
            return _put(command, given, ports)
        case "delete" | "delete-all":
            return _delete(given, ports, is_every=command == "delete-all")
    raise ToolError("give a command: -Q, -C, -M, -R, -D, ...", EXIT_USAGE)


def _text(element: Element) -> str:
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    etree.indent(copy)
    return etree.tostring(copy, encoding="unicode")


def read_live(ports: ToolPorts) -> Element:
    """Return the whole CIB with its status, wherever it comes from."""
    return parse_cib(with_live_status(ports.cib.read()))


def with_live_status(snapshot: CibSnapshot) -> bytes:
    """Return the whole CIB, with the live status where it came apart from it."""
    if snapshot.status is None:
        return snapshot.document
    return cib_with_status(snapshot.document, snapshot.status)


def _query(given: Given, ports: ToolPorts) -> Said:
    root = read_live(ports)
    if given.has("xpath"):
        found = _select(root, given.get("xpath"))
        if not found:
            return Said(status=EXIT_NO_SUCH, err=NO_SUCH)
        if given.has("node-path"):
            return Said("\n".join(_path(each) for each in found))
        if given.has("no-children"):
            found = [_bare(each) for each in found]
        if len(found) == 1:
            return Said(_text(found[0]))
        whole = etree.Element("xpath-query")
        whole.extend(etree.fromstring(etree.tostring(each, with_tail=False)) for each in found)
        return Said(_text(whole))
    scope = given.get("scope")
    target = root if not scope or scope == "cib" else _section(root, scope)
    if target is None:
        return Said(status=EXIT_NO_SUCH, err=NO_SUCH)
    return Said(_text(_bare(target) if given.has("no-children") else target))


def _bare(element: Element) -> Element:
    copy = etree.Element(element.tag)
    copy.attrib.update(element.attrib)
    return copy


def _section(root: Element, scope: str) -> Element | None:
    if scope in ("configuration", "status"):
        return root.find(scope)
    return root.find(f"configuration/{scope}")


def _select(root: Element, xpath: str) -> list[Element]:
    """Return the elements that an XPath matches; an attribute stands for its element."""
    try:
        found = root.xpath(xpath)
    except etree.XPathError as problem:
        raise ToolError(f"bad XPath '{xpath}': {problem}", EXIT_USAGE) from problem
    matches = found if isinstance(found, list) else []
    elements: list[Element] = []
    for each in matches:
        element = each if isinstance(each, etree._Element) else _owner(each)
        if element is not None:
            elements.append(element)
    return elements


def _owner(match: object) -> Element | None:
    """Return the element that an attribute's or a text's match belongs to."""
    find = getattr(match, "getparent", None)
    owner = find() if callable(find) else None
    return owner if isinstance(owner, etree._Element) else None


def _path(element: Element) -> str:
    steps: list[str] = []
    at: Element | None = element
    while at is not None:
        name = at.get("id")
        steps.append(f"{at.tag}[@id='{name}']" if name else str(at.tag))
        at = at.getparent()
    return "/" + "/".join(reversed(steps))


def _input(given: Given, ports: ToolPorts) -> Element | None:
    """Return the XML that was given, None where none was. Raises ToolError where it is none."""
    if given.has("xml-text"):
        content = given.get("xml-text").encode()
    elif given.has("xml-file"):
        try:
            content = ports.read_file(given.get("xml-file"))
        except OSError as problem:
            raise ToolError(f"cannot read {given.get('xml-file')}: {problem}") from problem
    elif given.has("xml-pipe"):
        content = ports.read_input()
    else:
        return None
    try:
        return parse_text(content)
    except XmlTextError as problem:
        raise ToolError(f"Couldn't parse input: {problem}", EXIT_USAGE) from problem


def _needed_input(given: Given, ports: ToolPorts) -> Element:
    element = _input(given, ports)
    if element is None:
        raise ToolError("give the XML: -X TEXT, -x FILE or -p", EXIT_USAGE)
    return element


def _put(command: str, given: Given, ports: ToolPorts) -> Said:
    new = _needed_input(given, ports)

    def change(root: Element) -> str:
        if new.tag == "cib":
            _put_cib(command, root, new)
        elif new.tag == "configuration":
            _put_configuration(command, root, new)
        else:
            _put_element(command, root, new, given)
        return ""

    return Said(edit(ports, change))


def _put_cib(command: str, root: Element, new: Element) -> None:
    configuration = new.find("configuration")
    if command == "replace":
        for name in ("validate-with", "admin_epoch"):
            if new.get(name) is not None:
                root.set(name, new.get(name, ""))
    elif command == "modify":
        for key, new_value in ((str(name), str(value)) for name, value in new.attrib.items()):
            if new_value == f"{key}++":
                new_value = str(int(root.get(key, "0")) + 1)
            root.set(key, new_value)
    if configuration is not None:
        _put_configuration(command, root, configuration)


def _put_configuration(command: str, root: Element, new: Element) -> None:
    old = root.find("configuration")
    if old is None:
        root.insert(0, new)
    elif command == "replace":
        root.replace(old, new)
    else:
        _merge(old, new)


def _put_element(command: str, root: Element, new: Element, given: Given) -> None:
    existing = _find_same(root, new)
    if command == "create":
        if existing is not None and existing.get("id") is not None:
            raise ToolError(f"Call failed: the id '{new.get('id')}' exists already", EXIT_EXISTS)
        _parent(root, new, given).append(new)
    elif existing is None:
        if command == "modify" and not given.has("allow-create"):
            raise ToolError(NO_SUCH, EXIT_NO_SUCH)
        _parent(root, new, given).append(new)
    elif command == "replace":
        holder = existing.getparent()
        if holder is not None:
            holder.replace(existing, new)
    else:
        _merge(existing, new)


def _parent(root: Element, new: Element, given: Given) -> Element:
    """Return where a new element belongs. Raises ToolError where nobody says."""
    if given.has("xpath"):
        found = _select(root, given.get("xpath"))
        if found:
            return found[0]
        raise ToolError(NO_SUCH, EXIT_NO_SUCH)
    scope = given.get("scope")
    if new.tag == scope:
        scope = "configuration"
    target = _section(root, scope) if scope else root.find("configuration")
    if target is None:
        configuration = root.find("configuration")
        if configuration is None or not scope:
            raise ToolError(f"there is no section '{scope}'", EXIT_NO_SUCH)
        target = etree.SubElement(configuration, scope)
    return target


def _find_same(root: Element, new: Element) -> Element | None:
    """Return the element with the same tag and id; a section by its tag alone."""
    if new.get("id") is None:
        return root if new.tag == root.tag else root.find(f"configuration//{new.tag}")
    for each in root.iterfind(f"configuration//{new.tag}"):
        if each.get("id") == new.get("id"):
            return each
    return None


def _merge(old: Element, new: Element) -> None:
    """Set the new attributes and merge the children by tag and id."""
    for name, value in new.attrib.items():
        old.set(name, value)
    for child in list(new):
        same = next(
            (each for each in old if each.tag == child.tag and each.get("id") == child.get("id")),
            None,
        )
        if same is None:
            old.append(child)
        else:
            _merge(same, child)


def _delete(given: Given, ports: ToolPorts, *, is_every: bool) -> Said:
    pattern = None if given.has("xpath") else _needed_input(given, ports)

    def change(root: Element) -> str:
        if pattern is None:
            found = _select(root, given.get("xpath"))
        else:
            found = [
                each
                for each in root.iter(str(pattern.tag))
                if all(each.get(name) == value for name, value in pattern.attrib.items())
            ]
        for each in found if is_every else found[:1]:
            holder = each.getparent()
            if holder is not None:
                holder.remove(each)
        return ""

    return Said(edit(ports, change))


def _bump(root: Element) -> str:
    root.set("epoch", str(int(root.get("epoch", "0")) + 1))
    return ""


def _erase(root: Element) -> str:
    for each in list(root):
        root.remove(each)
    empty = etree.fromstring(EMPTY).find("configuration")
    if empty is not None:
        root.insert(0, empty)
    return ""
