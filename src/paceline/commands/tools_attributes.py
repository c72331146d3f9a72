"""`crm_attribute`, `crm_master`, `crm_standby`: values of nodes and of the cluster.

Transient attributes (`-l reboot`) live in the daemon's status, permanent ones and cluster options
in the configuration.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from paceline.commands.tools import (
    EXIT_NO_SUCH,
    EXIT_USAGE,
    Facts,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
    own_node,
    parse_options,
)
from paceline.commands.tools_edit import edit
from paceline.commands.tools_transient import set_transient, transient_attributes

if TYPE_CHECKING:
    from paceline.cib.tree import Element

NOT_FOUND = "Error performing operation: No such device or address"
SECTIONS = {
    "crm_config": ("cluster_property_set", "cib-bootstrap-options"),
    "rsc_defaults": ("meta_attributes", "rsc_defaults-meta_attributes"),
    "op_defaults": ("meta_attributes", "op_defaults-meta_attributes"),
}
"""Where cluster-wide values stand: the tag of their sets, the id of the first one."""
LIFETIMES = ("", "reboot", "forever")

ATTRIBUTE_OPTIONS = (
    Option("name", "n", "value"),
    Option("id", "i", "value"),
    Option("pattern", "P", "value"),
    Option("promotion", "p", "maybe"),
    Option("set-name", "s", "value"),
    Option("delete", "D"),
    Option("query", "G"),
    Option("update", "v", "value"),
    Option("default", "d", "value"),
    Option("lifetime", "l", "value"),
    Option("node", "NU", "value"),
    Option("type", "t", "value"),
    Option("utilization", "z"),
    Option("quiet", "qQ"),
    Option("inhibit-policy-engine", "!"),
)
ALIASES = {
    "--attr-name": "--name", "--attr-value": "--update", "--attr-id": "--id",
    "--delete-attr": "--delete", "--get-value": "--query", "--node-uname": "--node",
    "--uname": "--node", "--set": "--set-name", "--query-default": "--default",
}  # fmt: skip
"""Older words that scripts still use."""


class Found(NamedTuple):
    """One value that was asked for."""

    name: str
    value: str
    id: str = ""


def crm_attribute(words: Sequence[str], ports: ToolPorts) -> Said:
    """Query, set or delete a cluster option or a node attribute."""
    given = parse_options([_modern(word) for word in words], ATTRIBUTE_OPTIONS)
    if given.has("help"):
        return Said(
            "Usage: crm_attribute -n NAME [-N NODE] [-l reboot|forever] [-v VALUE | -G | -D]"
        )
    if given.get("output-as", "text") == "xml":
        return _as_xml(given, words, ports)
    return _said(given, ports)


def _modern(word: str) -> str:
    name, equals, value = word.partition("=")
    return f"{ALIASES.get(name, name)}{equals}{value}"


def _said(given: Given, ports: ToolPorts) -> Said:
    scope, found, text = _worked(given, ports)
    if found is None:
        return Said(text)
    if not found:
        raise ToolError(NOT_FOUND, EXIT_NO_SUCH)
    if given.has("quiet"):
        return Said("\n".join(each.value for each in found))
    return Said("\n".join(_line(scope, each, given) for each in found))


def _line(scope: str, found: Found, given: Given) -> str:
    shown = f"id={found.id} " if given.has("id") else " "
    return f"scope={scope} {shown}name={found.name} value={found.value}"


def _as_xml(given: Given, words: Sequence[str], ports: ToolPorts) -> Said:
    """Answer as XML; what draws it is loaded here only."""
    from paceline.commands.tools_answers import Answer, element_of, run_act

    def act(given: Given, ports: ToolPorts) -> Answer:
        scope, found, _ = _worked(given, ports)
        if found is not None and not found:
            raise ToolError(NOT_FOUND, EXIT_NO_SUCH)
        return Answer(
            elements=tuple(
                element_of("attribute", name=each.name, value=each.value, scope=scope)
                for each in found or ()
            )
        )

    return run_act("crm_attribute", act, given, words, ports)


def _worked(given: Given, ports: ToolPorts) -> tuple[str, Sequence[Found] | None, str]:
    """Do what was asked: return the scope, what was found (None: nothing was asked), and a text."""
    name, lifetime = given.get("name"), given.get("lifetime")
    if given.has("promotion"):
        name = promotion_name(given.get("promotion"), ports)
        lifetime = lifetime or "reboot"
    is_change = given.has("update") or given.has("delete")
    if is_change and not name and not given.has("id") and not given.has("pattern"):
        raise ToolError("an attribute's name is needed (-n)", EXIT_USAGE)
    if lifetime not in LIFETIMES:
        raise ToolError(f"'{lifetime}' is no lifetime: reboot or forever", EXIT_USAGE)
    section = given.get("type") or _default_section(given, lifetime)
    if section == "status" or (section == "nodes" and lifetime == "reboot"):
        return "status", *_transient(name, given, ports)
    return section, *_permanent(section, name, given, ports)


def _default_section(given: Given, lifetime: str) -> str:
    if lifetime == "reboot":
        return "status"
    is_of_node = given.has("node") or lifetime == "forever" or given.has("utilization")
    return "nodes" if is_of_node else "crm_config"


def promotion_name(resource: str, ports: ToolPorts) -> str:
    """Return the name of a resource's promotion score. Raises ToolError where none is named."""
    wanted = resource or ports.environment.get("OCF_RESOURCE_INSTANCE", "")
    if not wanted:
        raise ToolError(
            "the resource is needed: -p RESOURCE, or OCF_RESOURCE_INSTANCE in the environment",
            EXIT_USAGE,
        )
    return f"master-{wanted}"


def _is_meant(name: str, wanted: str, given: Given) -> bool:
    """Say whether an attribute is one that the words mean: by name, by pattern, or any."""
    if given.has("pattern"):
        return re.search(given.get("pattern"), name) is not None
    return not wanted or name == wanted


def _with_default(found: list[Found], name: str, given: Given) -> list[Found]:
    if found or not given.has("default"):
        return found
    return [Found(name, given.get("default"))]


def _transient(name: str, given: Given, ports: ToolPorts) -> tuple[Sequence[Found] | None, str]:
    node = given.get("node") or own_node(ports)
    if not given.has("update") and not given.has("delete"):
        known = transient_attributes(node, ports)
        found = [Found(key, known[key]) for key in sorted(known) if _is_meant(key, name, given)]
        return _with_default(found, name, given), ""
    names = [name]
    if given.has("pattern"):
        names = [key for key in transient_attributes(node, ports) if _is_meant(key, name, given)]
    value = None if given.has("delete") else given.get("update")
    return None, set_transient(node, dict.fromkeys(names, value), ports) if names else ""


def _permanent(
    section: str, name: str, given: Given, ports: ToolPorts
) -> tuple[Sequence[Found] | None, str]:
    """Work on the configuration."""
    if not given.has("update") and not given.has("delete"):
        return _query(section, name, given, ports), ""

    def change(root: "Element") -> str:
        owner = _owner(root, section, given, ports)
        if owner is None:
            node = given.get("node")
            raise ToolError(f"Could not map name={node or 'this node'} to a UUID", EXIT_NO_SUCH)
        tag = _tag(section, given)
        if given.has("delete"):
            return _delete(section, name, owner.findall(tag), given)
        return _update(root, owner, section, name, given)

    return None, edit(ports, change)


def _tag(section: str, given: Given) -> str:
    if section == "nodes":
        return "utilization" if given.has("utilization") else "instance_attributes"
    return SECTIONS[section][0]


def _owner(root: "Element", section: str, given: Given, ports: ToolPorts) -> "Element | None":
    """Return what holds the sets of values. Raises ToolError for a section that has none."""
    if section == "nodes":
        return _find_node(root, given.get("node"), ports)
    if section not in SECTIONS:
        raise ToolError(f"'{section}' is no section: crm_config, nodes, ...", EXIT_USAGE)
    from paceline.cib.tree import get_section

    return get_section(root, section)


def _query(section: str, name: str, given: Given, ports: ToolPorts) -> list[Found]:
    from paceline.cib.tree import parse_cib

    owner = _owner(parse_cib(ports.cib.read().document), section, given, ports)
    sets = () if owner is None else owner.iterfind(_tag(section, given))
    found: dict[str, Found] = {}
    for each in sets:
        if given.get("set-name") not in ("", each.get("id")):
            continue
        for pair in each.iterfind("nvpair"):
            key = pair.get("name", "")
            if not _is_meant(key, name, given) or given.get("id") not in ("", pair.get("id")):
                continue
            found.setdefault(key, Found(key, pair.get("value", ""), pair.get("id", "")))
    return _with_default(list(found.values()), name, given)


def _update(root: "Element", owner: "Element", section: str, name: str, given: Given) -> str:
    from paceline.cib.nvsets import add_set, update_set

    tag, first_id = _tag(section, given), SECTIONS.get(section, ("", ""))[1]
    value, named = given.get("update"), given.get("set-name")
    if given.has("id"):
        for pair in owner.iterfind(f"{tag}/nvpair"):
            if pair.get("id") == given.get("id") and pair.get("name") == (name or pair.get("name")):
                pair.set("value", value)
                return ""
    wanted = named or first_id
    sets = owner.findall(tag)
    chosen = next((each for each in sets if not wanted or each.get("id") == wanted), None)
    if chosen is None and not named:
        holds = (each for each in sets if name in [p.get("name") for p in each.iter("nvpair")])
        chosen = next(holds, None)
    if chosen is None:
        suffix = "-utilization" if tag == "utilization" else ""
        made = wanted or f"nodes-{owner.get('id')}{suffix}"
        add_set(root, owner, tag, ((name, value),), set_id=made)
    else:
        update_set(root, chosen, {name: value})
    return ""


def _delete(section: str, name: str, sets: "Sequence[Element]", given: Given) -> str:
    for each in sets:
        for pair in each.findall("nvpair"):
            key = pair.get("name", "")
            if _is_meant(key, name, given) and given.get("id") in ("", pair.get("id")):
                each.remove(pair)
                if not len(each):
                    each.text = None
                what = "option" if section != "nodes" else "attribute"
                return f"Deleted {section} {what}: id={pair.get('id')} name={key}"
    return ""


def _find_node(root: "Element", node: str, ports: ToolPorts) -> "Element | None":
    wanted = node or own_node(ports)
    if not wanted and ports.cib.is_live:
        wanted = Facts(ports).local_node
    found = (
        each
        for each in root.iterfind("configuration/nodes/node")
        if wanted in (each.get("uname"), each.get("id"))
    )
    return next(found, None)


MASTER_OPTIONS = (
    Option("query", "G"),
    Option("update", "v", "value"),
    Option("delete", "D"),
    Option("quiet", "qQ"),
    Option("node", "NU", "value"),
    Option("lifetime", "l", "value"),
    Option("resource", "r", "value"),
    Option("id", "i", "value"),
)


def crm_master(words: Sequence[str], ports: ToolPorts) -> Said:
    """Query, set or delete a resource's promotion score."""
    given = parse_options(words, MASTER_OPTIONS)
    passed = [] if given.has("lifetime") else ["-l", "forever"]
    passed += ["-p", given.get("resource") or ports.environment.get("OCF_RESOURCE_INSTANCE", "")]
    for name, flag in (("update", "-v"), ("node", "-N"), ("lifetime", "-l")):
        if given.has(name):
            passed += [flag, given.get(name)]
    for name, flag in (("query", "-G"), ("delete", "-D"), ("quiet", "-q")):
        if given.has(name):
            passed.append(flag)
    return crm_attribute(passed, ports)


STANDBY_OPTIONS = (
    Option("query", "G"),
    Option("update", "v", "value"),
    Option("delete", "D"),
    Option("node", "NU", "value"),
    Option("lifetime", "l", "value"),
    Option("id", "i", "value"),
    Option("quiet", "qQ"),
)


def crm_standby(words: Sequence[str], ports: ToolPorts) -> Said:
    """Query, set or delete a node's standby."""
    given = parse_options(words, STANDBY_OPTIONS)
    node = given.get("node") or own_node(ports) or (Facts(ports).local_node)
    quiet = ["-q"] if given.has("quiet") else []
    lifetime = given.get("lifetime")
    if given.has("update") or given.has("delete"):
        what = ["-D"] if given.has("delete") else ["-v", given.get("update")]
        return crm_attribute(
            ["-n", "standby", "-N", node, "-l", lifetime or "forever", *what], ports
        )
    if lifetime != "reboot":
        try:
            return crm_attribute(
                ["-n", "standby", "-N", node, "-l", "forever", "-G", *quiet], ports
            )
        except ToolError:
            if lifetime == "forever":
                raise
    return crm_attribute(
        ["-n", "standby", "-N", node, "-l", "reboot", "-G", "-d", "off", *quiet], ports
    )
