"""`cibadmin`: the configuration as XML, read and changed directly."""

from collections.abc import Sequence

from lxml import etree

from paceline.cib.patches import VERSION_NAMES
from paceline.cib.tree import Element, parse_cib
from paceline.cib.xml_text import XmlTextError, parse_text
from paceline.commands.tools import (
    DANGEROUS,
    EXIT_CONFIGURATION,
    EXIT_EXISTS,
    EXIT_NO_SUCH,
    EXIT_OLD,
    EXIT_UNSAFE,
    EXIT_USAGE,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
    parse_options,
)
from paceline.commands.tools_edit import edit
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
SECTION_TAGS = frozenset({
    "crm_config", "nodes", "resources", "constraints", "rsc_defaults", "op_defaults", "acls",
    "fencing-topology", "tags", "alerts",
})  # fmt: skip
NO_SUCH = "Call failed: No such device or address"
EMPTY = (
    b'<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" '
    b'admin_epoch="0"><configuration><crm_config/><nodes/><resources/><constraints/>'
    b"</configuration><status/></cib>"
)


def cibadmin(words: Sequence[str], ports: ToolPorts) -> Said:
    """Query or change the configuration's XML."""
    given = parse_options(words, OPTIONS)
    command = next((name for name in COMMANDS if given.has(name)), "")
    match command:
        case "empty":
            return Said(xml_text(etree.fromstring(EMPTY)))
        case "query":
            return _query(given, ports)
        case "md5-sum" | "md5-sum-versioned":
            # The module is slow to load, and rarely needed.
            from paceline.cib.digests import configuration_digest

            is_versioned = command == "md5-sum-versioned"
            document = _needed_input(given, ports)
            return Said(configuration_digest(document, is_versioned=is_versioned))
        case "bump":
            edit(ports, _bump)
            return Said()
        case "upgrade":
            _check_forced(given)
            edit(ports, _upgrade)
            return Said()
        case "erase":
            _check_forced(given)
            edit(ports, _erase)
            return Said()
        case "patch":
            # Loaded only then: most calls ask.
            from paceline.commands.tools_patch import put_patch

            return put_patch(_needed_input(given, ports), ports)
        case "create" | "modify" | "replace":
            return _put(command, given, ports)
        case "delete" | "delete-all":
            return _delete(given, ports, is_every=command == "delete-all")
    raise ToolError("give a command: -Q, -C, -M, -R, -D, ...", EXIT_USAGE)


def _check_forced(given: Given) -> None:
    """Raise ToolError where a command that may destroy much has no --force."""
    if not given.has("force"):
        raise ToolError(DANGEROUS, EXIT_UNSAFE, is_bare=True)


def _no_such() -> ToolError:
    return ToolError(NO_SUCH, EXIT_NO_SUCH, is_bare=True)


def xml_text(element: Element) -> str:
    """Return an element as indented text."""
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
    from paceline.cib.write_status import cib_with_status  # slow to load; files need none of it

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
            return Said(xml_text(found[0]))
        whole = etree.Element("xpath-query")
        whole.extend(etree.fromstring(etree.tostring(each, with_tail=False)) for each in found)
        return Said(xml_text(whole))
    scope = given.get("scope")
    target = root if not scope or scope == "cib" else _section(root, scope)
    if target is None:
        return Said(status=EXIT_NO_SUCH, err=NO_SUCH)
    return Said(xml_text(_bare(target) if given.has("no-children") else target))


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
            name = given.get("xml-file")
            raise ToolError(f"Couldn't parse input from {name}.", EXIT_CONFIGURATION) from problem
    elif given.has("xml-pipe"):
        content = ports.read_input()
    else:
        return None
    return parse_xml(content)


def parse_xml(content: bytes) -> Element:
    """Return the element that the text holds. Raises ToolError where it is none."""
    try:
        return parse_text(content)
    except XmlTextError as problem:
        raise ToolError(f"Couldn't parse input: {problem}", EXIT_CONFIGURATION) from problem


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
        if _version(new) < _version(root):
            message = "Call failed: Update was older than existing configuration"
            raise ToolError(message, EXIT_OLD, is_bare=True)
        for name in ("validate-with", "admin_epoch", "epoch"):
            if new.get(name) is not None:
                root.set(name, new.get(name, ""))
    elif command == "modify":
        for key, new_value in ((str(name), str(value)) for name, value in new.attrib.items()):
            if new_value == f"{key}++":
                new_value = str(int(root.get(key, "0")) + 1)
            root.set(key, new_value)
    if configuration is not None:
        _put_configuration(command, root, configuration)


def _version(root: Element) -> tuple[int, ...]:
    texts = (root.get(name, "0") for name in VERSION_NAMES[:2])
    return tuple(int(text) if text.isdigit() else 0 for text in texts)


def _put_configuration(command: str, root: Element, new: Element) -> None:
    old = root.find("configuration")
    if old is None:
        root.insert(0, new)
    elif command == "replace":
        root.replace(old, new)
    else:
        _merge(old, new)


def _failed_text(new: Element) -> str:
    """Return what could not be created, in the form that other tools show."""
    whole = etree.Element("failed")
    update = etree.SubElement(
        whole,
        "failed_update",
        {
            "id": new.get("id", ""),
            "object_type": new.tag,
            "operation": "cib_create",
            "reason": "File exists",
        },
    )
    update.append(etree.fromstring(etree.tostring(new)))
    return xml_text(whole)


def _put_element(command: str, root: Element, new: Element, given: Given) -> None:
    existing = _find_same(root, new, given)
    if command == "create":
        if existing is not None and existing.get("id") is not None:
            raise ToolError(
                "Call failed: File exists", EXIT_EXISTS, is_bare=True, out=_failed_text(new)
            )
        _parent(root, new, given).append(new)
    elif existing is None:
        if not given.has("allow-create"):
            raise _no_such()
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
        raise _no_such()
    scope = given.get("scope")
    if new.tag == scope or (not scope and new.tag in SECTION_TAGS):
        scope = "configuration"
    if not scope:
        raise _no_such()
    target = _section(root, scope)
    if target is None:
        configuration = root.find("configuration")
        if configuration is None or scope not in SECTION_TAGS:
            raise ToolError(f"there is no section '{scope}'", EXIT_NO_SUCH)
        target = etree.SubElement(configuration, scope)
    return target


def _find_same(root: Element, new: Element, given: Given) -> Element | None:
    """Return the element with the same tag and id; a section by its tag alone.

    An XPath may name it too, unless something new is wanted (then it names the parent).
    """
    if given.has("xpath") and not given.has("create"):
        return next(iter(_select(root, given.get("xpath"))), None)
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
    if is_every:
        _check_forced(given)
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


def _upgrade(root: Element) -> str:
    """Name the newest schema; older configurations are read as they are."""
    newest = etree.fromstring(EMPTY).get("validate-with", "")
    old = root.get("validate-with", "")
    if _schema(old) < _schema(newest):
        root.set("validate-with", newest)
    return ""


def _schema(name: str) -> tuple[int, ...]:
    """Return a schema's version, lowest for what is none."""
    parts = name.removeprefix("pacemaker-").split(".")
    return tuple(int(part) if part.isdigit() else 0 for part in parts)


def _bump(root: Element) -> str:
    root.set("epoch", str(int(root.get("epoch", "0")) + 1))
    return ""


def _erase(root: Element) -> str:
    for each in list(root):
        root.remove(each)
    root.extend(list(etree.fromstring(EMPTY)))
    root.set("admin_epoch", str(int(root.get("admin_epoch", "0")) + 1))
    return ""
