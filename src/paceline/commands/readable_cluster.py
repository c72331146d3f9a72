"""A cluster described by mappings and lists, turned into the commands that make it.

The description has no meaning of its own: each part stands for pcs commands, and what has no
shorter way stands among `commands` as it is typed. `docs/description.md` is for its readers,
`readable_export` makes one of commands.
"""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence

from paceline.commands.yaml_text import Tree

Words = list[str]
FORMAT = "1"
EARLY = (("resource", "create"), ("resource", "bundle"), ("stonith", "create"))
"""Beginnings of the commands that make what groups, clones and constraints then name."""
FIRST_SETS = {
    "resource-defaults": ("resource defaults", "rsc_defaults-meta_attributes"),
    "operation-defaults": ("resource op defaults", "op_defaults-meta_attributes"),
}


class DescriptionError(ValueError):
    """A part of the description is not as it has to be; the text says which and why."""


def commands_of_description(tree: Tree) -> list[Words]:
    """Return the commands that make what is described, in an order in which each works.

    Raises DescriptionError.
    """
    whole = _mapping(tree, "the description")
    known = {*READERS, "format", "exact"}
    unknown = [name for name in whole if name not in known]
    if unknown:
        raise DescriptionError(f"'{unknown[0]}' is none of: {', '.join(sorted(known))}")
    if _text(whole.get("format", FORMAT), "format") != FORMAT:
        raise DescriptionError(f"format has to be {FORMAT}")
    is_exact = _is_true(whole.get("exact", "no"), "exact")
    raw = READERS["commands"](whole.get("commands", []), is_exact)
    early = [words for words in raw if tuple(w for w in words if w != "--")[:2] in EARLY]
    found: list[Words] = []
    for name, reader in READERS.items():
        if name == "groups":
            found += early
        if name == "commands":
            found += [words for words in raw if words not in early]
        elif name in whole:
            found += reader(whole[name], is_exact)
    return found


def _properties(tree: Tree, is_exact: bool) -> list[Words]:
    pairs = _pairs(tree, "properties")
    force = ["--force"] if is_exact else []
    return [["property", "set", *force, "--", *pairs]] if pairs else []


def _first_set(name: str) -> Callable[[Tree, bool], list[Words]]:
    def read(tree: Tree, is_exact: bool) -> list[Words]:
        words, set_id = FIRST_SETS[name]
        pairs = _pairs(tree, name)
        return [["--", *words.split(), "set", "create", f"id={set_id}", "meta", *pairs]]

    return read


def _resources(kind: str) -> Callable[[Tree, bool], list[Words]]:
    section = "resources" if kind == "resource" else "fence-devices"

    def read(tree: Tree, is_exact: bool) -> list[Words]:
        found: list[Words] = []
        for name, value in _mapping(tree, section).items():
            where = f"{section}: {name}"
            fields = _fields(
                value, where, ("agent", "options", "operations", "meta", "utilization")
            )
            if "agent" not in fields:
                raise DescriptionError(f"{where}: an agent is missing")
            exact = ["--no-default-ops", "--force"] if is_exact else []
            words = [kind, "create", *exact, "--", name, _text(fields["agent"], f"{where}: agent")]
            words += _pairs(fields.get("options", {}), f"{where}: options")
            operations = _operations(fields.get("operations", {}), where)
            if operations:
                words += ["op", *operations]
            meta = _pairs(fields.get("meta", {}), f"{where}: meta")
            found.append([*words, *(["meta", *meta] if meta else [])])
            utilization = _pairs(fields.get("utilization", {}), f"{where}: utilization")
            if utilization:
                found.append(["resource", "utilization", name, *utilization])
        return found

    return read


def _operations(tree: Tree, where: str) -> Words:
    """Return the words after `op`: an operation's options, or a list of them for several."""
    words: Words = []
    for name, value in _mapping(tree, f"{where}: operations").items():
        each = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        for options in each:
            words += [name, *_pairs(options, f"{where}: operations: {name}")]
    return words


def _groups(tree: Tree, is_exact: bool) -> list[Words]:
    found: list[Words] = []
    for name, value in _mapping(tree, "groups").items():
        where = f"groups: {name}"
        fields = (
            _fields(value, where, ("members", "meta"))
            if isinstance(value, Mapping)
            else {"members": value}
        )
        members = _list(fields.get("members", []), f"{where}: members")
        found.append(["resource", "group", "add", name, *members])
        meta = _pairs(fields.get("meta", {}), f"{where}: meta")
        if meta:
            found.append(["resource", "meta", name, *meta])
    return found


def _clones(tree: Tree, is_exact: bool) -> list[Words]:
    found: list[Words] = []
    for name, value in _mapping(tree, "clones").items():
        where = f"clones: {name}"
        fields = _fields(value, where, ("resource", "meta"))
        if "resource" not in fields:
            raise DescriptionError(f"{where}: a resource is missing")
        words = ["resource", "clone", _text(fields["resource"], where), name]
        meta = _pairs(fields.get("meta", {}), f"{where}: meta")
        found.append([*words, *(["meta", *meta] if meta else [])])
    return found


def _nodes(tree: Tree, is_exact: bool) -> list[Words]:
    found: list[Words] = []
    for name, value in _mapping(tree, "nodes").items():
        where = f"nodes: {name}"
        fields = _fields(value, where, ("attributes", "utilization"))
        for kind, word in (("utilization", "utilization"), ("attributes", "attribute")):
            pairs = _pairs(fields.get(kind, {}), f"{where}: {kind}")
            if pairs:
                found.append(["--", "node", word, name, *pairs])
    return found


def _levels(tree: Tree, is_exact: bool) -> list[Words]:
    found: list[Words] = []
    for number, value in enumerate(_items(tree, "fencing-levels"), start=1):
        where = f"fencing-levels: {number}"
        fields = _fields(value, where, ("level", "target", "devices", "id"))
        _need(fields, ("level", "target", "devices"), where)
        level, target = (_text(fields[name], f"{where}: {name}") for name in ("level", "target"))
        devices = _list(fields["devices"], f"{where}: devices")
        force = ["--force"] if is_exact else []
        words = ["stonith", "level", "add", *force, "--", level, target, *devices]
        found.append([*words, *_named(fields, ("id",), where)])
    return found


def _constraints(tree: Tree, is_exact: bool) -> list[Words]:
    found: list[Words] = []
    for number, value in enumerate(_items(tree, "constraints"), start=1):
        where = f"constraints: {number}"
        fields = _mapping(value, where)
        kind = next((name for name in CONSTRAINTS if name in fields), None)
        if kind is None:
            raise DescriptionError(f"{where}: it is none of {', '.join(CONSTRAINTS)}")
        allowed, build = CONSTRAINTS[kind]
        _fields(value, where, allowed)
        found.append(["--", "constraint", kind, *build(fields, where)])
    return found


def _location(fields: Mapping[str, Tree], where: str) -> Words:
    _need(fields, ("node", "score"), where)
    resource, node, score = (_text(fields[n], where) for n in ("location", "node", "score"))
    made = _text(fields.get("id", f"location-{resource}-{node}-{score}"), where)
    options = _named(fields, ("resource-discovery",), where)
    return ["add", made, f"resource%{resource}", node, f"score={score}", *options]


def _colocation(fields: Mapping[str, Tree], where: str) -> Words:
    _need(fields, ("with",), where)
    roles = [_text(fields[n], where) if n in fields else "" for n in ("role", "with-role")]
    names = [_text(fields[n], where) for n in ("colocation", "with")]
    first, second = (([role] if role else []) + [n] for role, n in zip(roles, names, strict=True))
    options = _named(fields, ("score", "influence", "node-attribute", "id"), where)
    return ["add", *first, "with", *second, *options]


def _order(fields: Mapping[str, Tree], where: str) -> Words:
    steps = _list(fields["order"], f"{where}: order")
    if len(steps) != len(("first", "then")):
        raise DescriptionError(f"{where}: order takes two steps: [start A, start B]")
    first, then = (step.split() for step in steps)
    return [*first, "then", *then, *_named(fields, ("kind", "symmetrical", "id"), where)]


def _ticket(fields: Mapping[str, Tree], where: str) -> Words:
    _need(fields, ("resource",), where)
    ticket, resource = (_text(fields[name], where) for name in ("ticket", "resource"))
    role = [_text(fields["role"], where)] if "role" in fields else []
    return ["add", ticket, *role, resource, *_named(fields, ("loss-policy", "id"), where)]


CONSTRAINTS: Mapping[str, tuple[tuple[str, ...], Callable[[Mapping[str, Tree], str], Words]]] = {
    "location": (("location", "node", "score", "resource-discovery", "id"), _location),
    "colocation": (
        ("colocation", "with", "role", "with-role", "score", "influence", "node-attribute", "id"),
        _colocation,
    ),
    "order": (("order", "kind", "symmetrical", "id"), _order),
    "ticket": (("ticket", "resource", "role", "loss-policy", "id"), _ticket),
}


def _tags(tree: Tree, is_exact: bool) -> list[Words]:
    return [
        ["--", "tag", "create", name, *_list(value, f"tags: {name}")]
        for name, value in _mapping(tree, "tags").items()
    ]


def _raw(tree: Tree, is_exact: bool) -> list[Words]:
    found = []
    for number, line in enumerate(_list(tree, "commands"), start=1):
        try:
            words = shlex.split(line)
        except ValueError as problem:
            raise DescriptionError(f"commands: {number}: {problem}") from problem
        if words[:1] in (["pcs"], ["paceline"]):
            del words[0]
        if not words:
            raise DescriptionError(f"commands: {number}: it is empty")
        found.append(words)
    return found


READERS: Mapping[str, Callable[[Tree, bool], list[Words]]] = {
    "properties": _properties,
    "resource-defaults": _first_set("resource-defaults"),
    "operation-defaults": _first_set("operation-defaults"),
    "resources": _resources("resource"),
    "fence-devices": _resources("stonith"),
    "groups": _groups,
    "clones": _clones,
    "nodes": _nodes,
    "fencing-levels": _levels,
    "constraints": _constraints,
    "tags": _tags,
    "commands": _raw,
}
"""The parts of a description, in the order in which their commands are played."""


# ---- reading trees ----


def _mapping(tree: Tree, where: str) -> Mapping[str, Tree]:
    if tree == "":
        return {}
    if not isinstance(tree, Mapping):
        raise DescriptionError(f"{where}: names with values are wanted here")
    return tree


def _fields(tree: Tree, where: str, allowed: Sequence[str]) -> Mapping[str, Tree]:
    fields = _mapping(tree, where)
    unknown = [name for name in fields if name not in allowed]
    if unknown:
        raise DescriptionError(f"{where}: '{unknown[0]}' is none of: {', '.join(allowed)}")
    return fields


def _need(fields: Mapping[str, Tree], names: Iterable[str], where: str) -> None:
    for name in names:
        if name not in fields:
            raise DescriptionError(f"{where}: '{name}' is missing")


def _text(tree: Tree, where: str) -> str:
    if not isinstance(tree, str):
        raise DescriptionError(f"{where}: one value is wanted here")
    return tree


def _items(tree: Tree, where: str) -> Sequence[Tree]:
    if tree == "":
        return []
    if isinstance(tree, str | Mapping):
        raise DescriptionError(f"{where}: a list is wanted here")
    return tree


def _list(tree: Tree, where: str) -> Words:
    return [_text(each, where) for each in _items(tree, where)]


def _pairs(tree: Tree, where: str) -> Words:
    return [
        f"{name}={_text(value, f'{where}: {name}')}"
        for name, value in _mapping(tree, where).items()
    ]


def _named(fields: Mapping[str, Tree], names: Iterable[str], where: str) -> Words:
    return [f"{name}={_text(fields[name], where)}" for name in names if name in fields]


def _is_true(tree: Tree, where: str) -> bool:
    word = _text(tree, where)
    if word not in ("yes", "no", "true", "false"):
        raise DescriptionError(f"{where} has to be yes or no")
    return word in ("yes", "true")
