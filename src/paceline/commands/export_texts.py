"""A configuration as the commands that make it again: `--output-format cmd`, `cluster export`.

Every function takes the root of a CIB and returns commands, without the program's name in front of
options that it needs; ids are given wherever a command takes them, so that the result is the same.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence

from paceline.cib.constraints import (
    COLOCATION,
    LOCATION,
    ORDER,
    TAGS,
    TICKET,
    has_sets,
    iterate_constraints,
    sets_of,
)
from paceline.cib.nvsets import pairs_of, set_values
from paceline.cib.tree import Element, attributes_of, find_section, nodes
from paceline.commands.expression_texts import rule_expression

Commands = list[str]


def words(pairs: Iterable[tuple[str, str]]) -> str:
    """Return `name=value` words as a shell needs them."""
    return " ".join(shlex.quote(f"{name}={value}") for name, value in pairs)


def joined(lines: Sequence[str]) -> str:
    """Return the lines of one command, which goes on at each line's end."""
    return " \\\n".join(lines)


def _children(root: Element, section: str, tag: str) -> list[Element]:
    found = find_section(root, section)
    return [] if found is None else found.findall(tag)


def property_commands(root: Element, *, skipped: frozenset[str] = frozenset()) -> Commands:
    """Return what sets the cluster's options."""
    pairs: dict[str, str] = {}
    for nvset in _children(root, "crm_config", "cluster_property_set")[:1]:
        pairs.update(pairs_of(nvset))
    chosen = sorted((name, value) for name, value in pairs.items() if name not in skipped)
    if not chosen:
        return []
    lines = [f" {words((pair,))}" for pair in chosen]
    return [joined(("pcs property set --force --", *lines))]


def defaults_commands(root: Element, section: str, prefix: str) -> Commands:
    """Return what makes the sets of defaults; `prefix` is `resource defaults`, or `... op ...`."""
    commands = []
    for nvset in _children(root, section, "meta_attributes"):
        own = [("id", nvset.get("id", ""))]
        if nvset.get("score"):
            own.append(("score", nvset.get("score", "")))
        lines = [f"pcs -- {prefix} set create {words(own)}"]
        pairs = sorted(pairs_of(nvset).items())
        if pairs:
            lines.append(f"  meta {words(pairs)}")
        lines += [f"  rule {shlex.quote(rule_expression(rule))}" for rule in nvset.iterfind("rule")]
        commands.append(joined(lines))
    return commands


def node_commands(root: Element, *, skipped: frozenset[str] = frozenset()) -> Commands:
    """Return what sets the nodes' permanent attributes (those in `skipped` not) and utilization."""
    commands = []
    for node in nodes(root):
        host = shlex.quote(node.get("uname", ""))
        for tag, verb in (("instance_attributes", "attribute"), ("utilization", "utilization")):
            pairs = sorted(
                (name, value)
                for name, value in set_values(node, tag).items()
                if name not in skipped
            )
            if pairs:
                commands.append(joined((f"pcs -- node {verb} {host}", f"  {words(pairs)}")))
    return commands


def level_commands(root: Element) -> Commands:
    """Return what adds the fencing levels."""
    commands = []
    for level in _children(root, "fencing-topology", "fencing-level"):
        if level.get("target-pattern") is not None:
            target = f"regexp%{level.get('target-pattern')}"
        elif level.get("target-attribute") is not None:
            target = f"attrib%{level.get('target-attribute')}={level.get('target-value')}"
        else:
            target = level.get("target", "")
        devices = " ".join(shlex.quote(one) for one in level.get("devices", "").split(","))
        commands.append(
            f"pcs stonith level add --force -- {level.get('index')} {shlex.quote(target)} "
            f"{devices} {words((('id', level.get('id', '')),))}"
        )
    return commands


def tag_commands(tags: Iterable[Element]) -> Commands:
    """Return what makes these tags."""
    commands = []
    for tag in tags:
        members = " ".join(shlex.quote(ref.get("id", "")) for ref in tag.iterfind("obj_ref"))
        head = f"pcs -- tag create {shlex.quote(tag.get('id', ''))}"
        commands.append(joined((head, f"  {members}")))
    return commands


def alert_commands(root: Element) -> Commands:
    """Return what makes the alerts and their recipients."""
    commands = []
    for alert in _children(root, "alerts", "alert"):
        own = _named(alert, ("path", "id", "description"))
        commands.append(joined((f"pcs -- alert create {words(own)}", *_set_lines(alert))))
        for one in alert.iterfind("recipient"):
            own = _named(one, ("value", "id", "description"))
            head = f"pcs -- alert recipient add {shlex.quote(alert.get('id', ''))} {words(own)}"
            commands.append(joined((head, *_set_lines(one))))
    return commands


def _named(element: Element, names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, element.get(name, "")) for name in names if element.get(name)]


def _set_lines(element: Element) -> list[str]:
    lines = []
    for keyword, tag in (("options", "instance_attributes"), ("meta", "meta_attributes")):
        pairs = sorted(set_values(element, tag).items())
        if pairs:
            lines.append(f"  {keyword} {words(pairs)}")
    return lines


def acl_commands(root: Element) -> Commands:
    """Return what makes ACL roles, users and groups."""
    commands = []
    for role in _children(root, "acls", "acl_role"):
        lines = [f"pcs -- acl role create {shlex.quote(role.get('id', ''))}"]
        if role.get("description"):
            lines.append(f"  {words((('description', role.get('description', '')),))}")
        for one in role.iterfind("acl_permission"):
            scope = "xpath" if one.get("xpath") else "id"
            where = one.get("xpath") or one.get("reference") or ""
            lines.append(f"  {one.get('kind')} {scope} {shlex.quote(where)}")
        commands.append(joined(lines))
    for tag, kind in (("acl_target", "user"), ("acl_group", "group")):
        for holder in _children(root, "acls", tag):
            names = [holder, *holder.iterfind("role")]
            listed = " ".join(shlex.quote(one.get("id", "")) for one in names)
            commands.append(f"pcs -- acl {kind} create {listed}")
    return commands


def constraint_commands(
    root: Element, kinds: Sequence[str] = TAGS, *, skipped: frozenset[str] = frozenset()
) -> Commands:
    """Return what adds the constraints of these kinds, plain ones and rules first, then sets.

    Those whose ids are in `skipped` are left out.
    """
    makers = {LOCATION: _location, COLOCATION: _colocation, ORDER: _order, TICKET: _ticket}
    commands: Commands = []
    for kind in kinds:
        found = [one for one in iterate_constraints(root, (kind,)) if one.get("id") not in skipped]
        for one in found:
            if not has_sets(one):
                commands += makers[kind](one)
        commands += [_with_sets(one) for one in found if has_sets(one)]
    return commands


def _location(one: Element) -> Commands:
    pattern = one.get("rsc-pattern")
    subject = f"regexp%{pattern}" if pattern is not None else f"resource%{one.get('rsc')}"
    discovery = one.get("resource-discovery")
    extra = [("resource-discovery", discovery)] if discovery else []
    rules = one.findall("rule")
    if rules:
        return [_location_rule(one, rule, subject, extra) for rule in rules[:1]]
    head = f"pcs -- constraint location add {shlex.quote(one.get('id', ''))}"
    pairs = [("score", one.get("score", "INFINITY")), *extra]
    return [f"{head} {shlex.quote(subject)} {shlex.quote(one.get('node', ''))} {words(pairs)}"]


def _location_rule(one: Element, rule: Element, subject: str, extra: list[tuple[str, str]]) -> str:
    options = [("id", rule.get("id", "")), ("constraint-id", one.get("id", "")), *extra]
    options += _named(rule, ("role", "score", "score-attribute"))
    return joined(
        (
            f"pcs -- constraint location {shlex.quote(subject)} rule",
            f"  {words(options)}",
            f"  {shlex.quote(rule_expression(rule))}",
        )
    )


def _with_role(role: str | None, name: str | None) -> str:
    text = shlex.quote(name or "")
    return f"{role} {text}" if role else text


def _colocation(one: Element) -> Commands:
    source = _with_role(one.get("rsc-role"), one.get("rsc"))
    target = _with_role(one.get("with-rsc-role"), one.get("with-rsc"))
    pairs = _named(one, ("score", "id", "influence", "node-attribute"))
    return [
        joined((f"pcs -- constraint colocation add {source} with {target}", f"  {words(pairs)}"))
    ]


def _order(one: Element) -> Commands:
    first = f"{one.get('first-action', 'start')} {shlex.quote(one.get('first', ''))}"
    then = f"{one.get('then-action', 'start')} {shlex.quote(one.get('then', ''))}"
    pairs = _named(one, ("id", "kind", "score", "require-all", "symmetrical"))
    return [joined((f"pcs -- constraint order {first} then {then}", f"  {words(pairs)}"))]


def _ticket(one: Element) -> Commands:
    subject = _with_role(one.get("rsc-role"), one.get("rsc"))
    pairs = _named(one, ("id", "loss-policy"))
    head = f"pcs -- constraint ticket add {shlex.quote(one.get('ticket', ''))} {subject}"
    return [joined((head, f"  {words(pairs)}"))]


_SET_WORDS: Mapping[str, str] = {COLOCATION: "colocation", ORDER: "order", TICKET: "ticket"}


def _with_sets(one: Element) -> str:
    lines = [f"pcs -- constraint {_SET_WORDS.get(one.tag, one.tag)}"]
    for members, options in sets_of(one):
        lines.append(f"  set {' '.join(shlex.quote(member) for member in members)}")
        if options:
            lines.append(f"    {words(sorted(options.items()))}")
    own = sorted(attributes_of(one).items())
    lines.append(f"  setoptions {words(own)}")
    return joined(lines)
