"""Attributes and utilization of nodes, standby and maintenance."""

import json
from collections.abc import Callable, Mapping, Sequence

from paceline.cib.nvsets import add_pair, add_set, pairs_of, update_first_set, update_set
from paceline.cib.remote_nodes import bundle_replicas, node_names
from paceline.cib.rule_parsing import DateCompare
from paceline.cib.rules import add_rule
from paceline.cib.tree import Element, add_element, get_section, nodes, remove, unique_id
from paceline.commands.arguments import parse_pairs
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.export_texts import node_commands
from paceline.commands.lifetimes import end_of_lifetime, read_lifetime_ms
from paceline.commands.output_formats import output_format
from paceline.commands.resource_records import set_records
from paceline.commands.waiting import check_wait, wait_if_asked
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

ATTRIBUTES = "instance_attributes"
UTILIZATION = "utilization"


def get_node(root: Element, name: str) -> Element:
    """Return the node of this name; a remote one is noted where it is not yet.

    Raises InvalidRequestError where there is none.
    """
    for node in nodes(root):
        if node.get("uname") == name:
            return node
    if name in (*node_names(root), *bundle_replicas(root)):
        pairs = (("id", name), ("type", "remote"), ("uname", name))
        return add_element(get_section(root, "nodes"), "node", pairs)
    raise InvalidRequestError(Report(code="node-unknown", message=f"Unable to find a node: {name}"))


def unknown_node(name: str) -> Report:
    """Return the report that there is no such node."""
    message = f"Node '{name}' does not appear to exist in configuration"
    return Report(code="node-unknown", message=message, facts=(("node", name),))


def set_node_attributes(
    request: Request, root: Element, name: str, changes: Mapping[str, str]
) -> str:
    """Set a node's permanent attributes; empty values remove."""
    node = get_node(root, name)
    plain = next((one for one in node.iterfind(ATTRIBUTES) if one.find("rule") is None), None)
    if plain is not None:
        update_set(root, plain, changes)
    elif any(changes.values()):
        set_id = unique_id(root, f"nodes-{node.get('id')}")
        add_set(root, node, ATTRIBUTES, changes.items(), set_id=set_id)
    return ""


def _set_for_a_while(root: Element, name: str, attribute: str, value: str, until: str) -> None:
    """Set one attribute that ends by itself (or, without `until`, take such a one away)."""
    node = get_node(root, name)
    set_id = f"nodes-{node.get('id')}-{attribute}-until"
    for old in [one for one in node.iterfind(ATTRIBUTES) if one.get("id") == set_id]:
        remove(old)
    if not until:
        return
    nvset = add_set(root, node, ATTRIBUTES, (), set_id=set_id)
    add_rule(root, nvset, DateCompare(operation="lt", date=until), f"{set_id}-rule")
    add_pair(root, nvset, attribute, value)


def _set_utilization(request: Request, root: Element, name: str, changes: Mapping[str, str]) -> str:
    node = get_node(root, name)
    check_integers(changes)
    set_id = unique_id(root, f"nodes-{node.get('id')}-utilization")
    update_first_set(root, node, UTILIZATION, changes, set_id=set_id)
    return ""


def check_integers(pairs: Mapping[str, str]) -> None:
    """Raise InvalidRequestError if a utilization value is no integer."""
    for name, value in pairs.items():
        if value and not _is_integer(value):
            message = f"Value of utilization attribute must be integer: '{name}={value}'"
            raise InvalidRequestError(Report(code="utilization-not-integer", message=message))


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def list_pairs(
    title: str,
    owners: Sequence[tuple[str, Mapping[str, str]]],
    only_name: str | None,
    *,
    is_quoted: bool = True,
) -> str:
    """Return a listing: a title, then a line per owner that has pairs, sorted."""
    lines = [title]
    for owner, pairs in sorted(owners):
        chosen = {
            name: value for name, value in pairs.items() if only_name is None or name == only_name
        }
        if chosen:
            show = quote_value if is_quoted else str
            shown = " ".join(f"{name}={show(chosen[name])}" for name in sorted(chosen))
            lines.append(f" {owner}: {shown}")
    return "\n".join(lines)


def quote_value(value: str) -> str:
    """Return the value, in double quotes if it has blanks."""
    return f'"{value}"' if " " in value or not value else value


def _other_format(request: Request, root: Element) -> Outcome | None:
    """Return the nodes as commands or JSON; None where text is wanted. Raises UsageError."""
    match output_format(request):
        case "cmd":
            return Outcome(text=";\n".join(node_commands(root)))
        case "json":
            record = [
                {
                    "id": node.get("id"),
                    "uname": node.get("uname"),
                    "description": node.get("description"),
                    "score": node.get("score"),
                    "type": node.get("type"),
                    "instance_attributes": set_records(node, ATTRIBUTES),
                    "utilization": set_records(node, UTILIZATION),
                }
                for node in nodes(root)
            ]
            return Outcome(text=json.dumps({"nodes": record}))
        case _:
            return None


def _list(request: Request, ports: Ports, tag: str, title: str) -> Outcome:
    root = read_cib(ports)
    if not request.arguments:
        other = _other_format(request, root)
        if other is not None:
            return other
    wanted = request.arguments[0] if request.arguments else None
    if wanted is not None and tag == UTILIZATION:
        get_node(root, wanted)
    owners = []
    for node in nodes(root):
        name = node.get("uname", "")
        nvset = node.find(tag)
        if nvset is not None and wanted in (None, name):
            owners.append((name, pairs_of(nvset)))
    text = list_pairs(title, owners, request.value("name"), is_quoted=tag == UTILIZATION)
    return Outcome(text=text)


def attribute(request: Request, ports: Ports) -> Outcome:
    """Show or set a node's permanent attributes: `node attribute [NODE [NAME=[VALUE]...]]`."""
    if len(request.arguments) < 2:
        return _list(request, ports, ATTRIBUTES, "Node Attributes:")
    name, changes = request.arguments[0], parse_pairs(request.arguments[1:])

    def change(root: Element) -> str:
        _refuse_absent(get_node(root, name), changes, is_forced=request.is_forced)
        return set_node_attributes(request, root, name, changes)

    edit_cib(request, ports, change)
    return Outcome()


def _refuse_absent(node: Element, changes: Mapping[str, str], *, is_forced: bool) -> None:
    """Raise InvalidRequestError, unless forced, for the removal of what is not there."""
    present = {name for nvset in node.iterfind(ATTRIBUTES) for name in pairs_of(nvset)}
    absent = [name for name, value in changes.items() if value == "" and name not in present]
    if absent and not is_forced:
        raise InvalidRequestError(
            *(
                Report(
                    code="attribute-unknown",
                    message=f"attribute: '{name}' doesn't exist for node: '{node.get('uname')}'",
                )
                for name in absent
            )
        )


def utilization(request: Request, ports: Ports) -> Outcome:
    """Show or set what a node offers: `node utilization [NODE [NAME=[VALUE]...]]`."""
    if len(request.arguments) < 2:
        return _list(request, ports, UTILIZATION, "Node Utilization:")
    name, changes = request.arguments[0], parse_pairs(request.arguments[1:])
    edit_cib(request, ports, lambda root: _set_utilization(request, root, name, changes))
    return Outcome()


def _switch(attribute_name: str, value: str) -> Callable[[Request, Ports], Outcome]:
    """Return a handler that sets an attribute on nodes; without names, on this node."""

    def handler(request: Request, ports: Ports) -> Outcome:
        if _named_nodes(request) and request.has("all"):
            raise UsageError("Cannot specify both --all and a list of nodes.")
        check_wait(request, ports)
        lifetime = next((word for word in request.arguments if word.startswith("lifetime=")), "")
        lifetime = lifetime.removeprefix("lifetime=") or request.value("lifetime") or ""
        until = end_of_lifetime(read_lifetime_ms(lifetime)) if lifetime and value else ""
        if until:
            request.findings.inform("lifetime", f"This will be in effect until: {until}")

        def change(root: Element) -> str:
            names = _chosen_nodes(request, ports, root)
            known = {*node_names(root), *bundle_replicas(root)}
            unknown = [name for name in names if name not in known]
            if unknown:
                raise InvalidRequestError(*(unknown_node(name) for name in unknown))
            for name in names:
                plain_value = "" if until else value
                set_node_attributes(request, root, name, {attribute_name: plain_value})
                _set_for_a_while(root, name, attribute_name, value, until)
            return ""

        edit_cib(request, ports, change)
        wait_if_asked(request, ports)
        return Outcome()

    return handler


def _named_nodes(request: Request) -> tuple[str, ...]:
    return tuple(word for word in request.arguments if not word.startswith("lifetime="))


def _chosen_nodes(request: Request, ports: Ports, root: Element) -> tuple[str, ...]:
    if request.has("all"):
        own = [node.get("uname", "") for node in nodes(root)]
        others = {*node_names(root), *bundle_replicas(root)} - set(own)
        return (*own, *sorted(others))
    if _named_nodes(request):
        return _named_nodes(request)
    if not ports.cib.is_live:
        raise UsageError("Node(s) must be specified if -f is used")
    status = ports.cib.read().status
    return (status.local_node,) if status is not None else ()


def _switch_command(
    words: str, attribute_name: str, value: str, text: str, *aliases: str
) -> Command:
    from paceline.commands.contract import Alias

    return Command(
        words=words,
        handler=_switch(attribute_name, value),
        needs=Needs.CIB,
        arguments="[--all | <node>...] [lifetime=<duration>]" if value else "[--all | <node>...]",
        options=("all", "wait", *(("lifetime",) if value else ())),
        help=text,
        aliases=tuple(Alias(words=alias) for alias in aliases),
    )


COMMANDS = (
    Command(
        words="node attribute",
        handler=attribute,
        needs=Needs.CIB,
        arguments="[[<node>] [--name <name>] | <node> <name>=[<value>]...]",
        options=("force", "name", "output-format"),
        help="Show or set permanent attributes of nodes; an empty value removes one.",
    ),
    Command(
        words="node utilization",
        handler=utilization,
        needs=Needs.CIB,
        arguments="[[<node>] [--name <name>] | <node> <name>=[<value>]...]",
        options=("name", "output-format"),
        help="Show or set what nodes offer to resources that have a utilization.",
    ),
    _switch_command(
        "node standby", "standby", "on", "Let no resource run on the nodes.", "cluster standby"
    ),
    _switch_command(
        "node unstandby", "standby", "", "Let resources run on the nodes again.",
        "cluster unstandby",
    ),
    _switch_command(
        "node maintenance", "maintenance", "on", "Leave the nodes' resources alone."
    ),
    _switch_command(
        "node unmaintenance", "maintenance", "", "Manage the nodes' resources again."
    ),
)  # fmt: skip
