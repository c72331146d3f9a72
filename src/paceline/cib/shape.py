"""What each element of a configuration must have and may say: attributes, words, references.

Only what is wrong for certain is told. What is not in these tables is left alone: other elements
and attributes may be newer than we are.
Source: Pacemaker Explained, each element's table of attributes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from paceline.cib.tree import Element
from paceline.model.reports import Report

_ID = re.compile(r"[^\W\d][\w.\-]*")
ROLES = ("Stopped", "Started", "Slave", "Master", "Unpromoted", "Promoted")
ACTIONS = ("start", "promote", "demote", "stop")
BOOLEANS = ("true", "false", "1", "0", "yes", "no", "on", "off", "y", "n")
SETS = (
    "cluster_property_set", "instance_attributes", "meta_attributes", "utilization",
)  # fmt: skip
NEEDS_ID = frozenset({
    "alert", "bundle", "clone", "expression", "fencing-level", "group", "master",
    "node", "nvpair", "op", "primitive", "recipient", "resource_set", "rsc_colocation",
    "rsc_location", "rsc_order", "rsc_ticket", "rule", "tag", "template", "acl_role", "acl_target",
    "acl_group", "acl_permission", *SETS,
})  # fmt: skip
"""Elements that have an id, or an `id-ref` that names another."""
REQUIRED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "nvpair": (("name",),),
    "op": (("name",), ("interval",)),
    "rsc_location": (("rsc", "rsc-pattern", "<resource_set>"), ("score", "<rule>", "<lifetime>")),
    "rsc_colocation": (("rsc", "<resource_set>"), ("with-rsc", "<resource_set>")),
    "rsc_order": (("first", "<resource_set>"), ("then", "<resource_set>")),
    "rsc_ticket": (("ticket",), ("rsc", "<resource_set>")),
    "fencing-level": (("target", "target-pattern", "target-attribute"), ("index",), ("devices",)),
    "alert": (("path",),),
    "recipient": (("value",),),
    "resource_set": (("<resource_ref>",),),
    "tag": (("<obj_ref>",),),
    "rule": (
        ("<expression>", "<date_expression>", "<rule>", "<rsc_expression>", "<op_expression>"),
    ),
    "bundle": (("<docker>", "<podman>", "<rkt>"),),
    "expression": (("attribute",), ("operation",)),
}
"""What must be there: of each group one; `<x>` is a child. An `id-ref` stands for all of it."""
WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("primitive", "class"): (
        "ocf", "lsb", "heartbeat", "stonith", "upstart", "service", "systemd", "nagios",
    ),
    ("op", "role"): ROLES,
    ("op", "on-fail"): (
        "ignore", "block", "stop", "restart", "standby", "fence", "demote", "restart-container",
    ),
    ("rsc_location", "role"): ROLES,
    ("rsc_location", "resource-discovery"): ("always", "never", "exclusive"),
    ("rsc_colocation", "rsc-role"): ROLES,
    ("rsc_colocation", "with-rsc-role"): ROLES,
    ("rsc_order", "kind"): ("Optional", "Mandatory", "Serialize"),
    ("rsc_order", "first-action"): ACTIONS,
    ("rsc_order", "then-action"): ACTIONS,
    ("rsc_order", "symmetrical"): BOOLEANS,
    ("rsc_order", "require-all"): BOOLEANS,
    ("rsc_ticket", "rsc-role"): ROLES,
    ("rsc_ticket", "loss-policy"): ("stop", "demote", "fence", "freeze"),
    ("rule", "boolean-op"): ("or", "and"),
    ("expression", "operation"): (
        "lt", "gt", "lte", "gte", "eq", "ne", "defined", "not_defined",
    ),
    ("acl_permission", "kind"): ("read", "write", "deny"),
}  # fmt: skip
"""Attributes that are one of a few words, whatever their case."""
CHILDREN: Mapping[str, frozenset[str]] = {
    "resources": frozenset({"primitive", "template", "group", "clone", "master", "bundle"}),
    "constraints": frozenset({"rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket"}),
    "primitive": frozenset({"operations", *SETS}),
    "fencing-topology": frozenset({"fencing-level"}),
    "tags": frozenset({"tag"}),
}
"""Elements whose children are these only."""


class Problem(NamedTuple):
    """What is wrong with an element, and what to do."""

    code: str
    element: Element
    message: str
    advice: str = ""


_CONTAINER = frozenset({
    "image", "replicas", "replicas-per-host", "masters", "promoted-max", "run-command", "options",
    "network",
})  # fmt: skip
_SET = frozenset({"id", "id-ref", "score"})
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "docker": _CONTAINER,
    "podman": _CONTAINER,
    "rkt": _CONTAINER,
    "network": frozenset(
        {"ip-range-start", "control-port", "host-interface", "host-netmask", "add-host"}
    ),
    "port-mapping": frozenset({"id", "port", "internal-port", "range"}),
    "storage-mapping": frozenset({"id", "source-dir", "source-dir-root", "target-dir", "options"}),
    **dict.fromkeys(SETS, _SET),
}
"""Elements that have these attributes only."""


def find_misshapen(root: Element) -> Iterator[Problem]:
    """Yield what is wrong with single elements of the configuration, in the order of the file."""
    configuration = root.find("configuration")
    if configuration is None:
        return
    ids = {(str(element.tag), element.get("id", "")) for element in configuration.iter()}
    for element in configuration.iter():
        if not isinstance(element.tag, str):
            continue
        yield from _identity(element, ids)
        if element.get("id-ref") is None:
            yield from _required(element)
        yield from _words(element)
        yield from _children(element)
        yield from _attributes(element)
        yield from _references(element, ids)


def _identity(element: Element, ids: set[tuple[str, str]]) -> Iterator[Problem]:
    own, other = element.get("id"), element.get("id-ref")
    if element.tag in NEEDS_ID and own is None and other is None:
        yield Problem("no-id", element, "it has no id", "give it one that nothing else has")
    if own and element.tag in NEEDS_ID - {"node", "acl_target"} and not _ID.fullmatch(own):
        yield Problem(
            "bad-id", element, f"'{own}' is no id",
            "begin with a letter; letters, digits, '.', '-' and '_' may follow",
        )  # fmt: skip
    if other is not None and (element.tag, other) not in ids:
        yield Problem(
            "no-such-id", element, f"it refers to '{other}', and there is no <{element.tag}> of "
            "that id", "name one that exists, or write it out here",
        )  # fmt: skip


def _required(element: Element) -> Iterator[Problem]:
    for group in REQUIRED.get(element.tag, ()):
        if not any(_has(element, name) for name in group):
            shown = " or ".join(name if name.startswith("<") else f"'{name}'" for name in group)
            yield Problem("incomplete", element, f"it has no {shown}", "add it")


def _has(element: Element, name: str) -> bool:
    if name.startswith("<"):
        return element.find(name.strip("<>")) is not None
    return element.get(name) is not None


def _words(element: Element) -> Iterator[Problem]:
    for (tag, attribute), words in WORDS.items():
        value = element.get(attribute) if tag == element.tag else None
        if value is not None and value.lower() not in {word.lower() for word in words}:
            yield Problem(
                "bad-word", element, f"{attribute}='{value}' means nothing",
                f"use {', '.join(words)}",
            )  # fmt: skip
    index = element.get("index") if element.tag == "fencing-level" else None
    if index is not None and not (index.isdecimal() and int(index) >= 1):
        yield Problem("bad-level", element, f"'{index}' is no level", "use 1 to 9")


def _children(element: Element) -> Iterator[Problem]:
    known = CHILDREN.get(element.tag)
    for child in element if known is not None else ():
        if isinstance(child.tag, str) and child.tag not in (known or ()):
            yield Problem(
                "unknown-element", child, f"there is no such element in <{element.tag}>",
                "remove it, or look for a misspelling",
            )  # fmt: skip


def _attributes(element: Element) -> Iterator[Problem]:
    known = ATTRIBUTES.get(element.tag)
    for name in map(str, element.attrib if known is not None else ()):
        if name not in (known or ()):
            yield Problem(
                "unknown-attribute", element, f"there is no attribute '{name}' of it",
                "remove it, or look for a misspelling",
            )  # fmt: skip


def _references(element: Element, ids: set[tuple[str, str]]) -> Iterator[Problem]:
    template = element.get("template") if element.tag == "primitive" else None
    if template is not None and ("template", template) not in ids:
        yield Problem(
            "no-such-template", element, f"there is no template '{template}'", "create it before"
        )
    parent = element.getparent()
    if element.tag == "role" and parent is not None and parent.tag in ("acl_target", "acl_group"):
        name = element.get("id", "")
        if not any(role.get("id") == name for role in element.getroottree().iter("acl_role")):
            yield Problem(
                "no-such-role", element, f"there is no ACL role '{name}'",
                "create it, or remove it from the user",
            )  # fmt: skip


def report_of(problem: Problem) -> Report:
    """Return a problem as a report that names the element."""
    element = problem.element
    name = element.get("id")
    shown = f"<{element.tag}>" if name is None else f"<{element.tag} id='{name}'>"
    line = (("line", str(element.sourceline)),) if element.sourceline else ()
    return Report(
        code=problem.code, message=f"{shown}: {problem.message}", advice=problem.advice, facts=line
    )
