"""The commands of a configuration as a description of mappings and lists: the way back.

What `readable_cluster` has a shorter way for is told in it; all else stands among `commands`.
"""

import shlex
from collections.abc import Iterable, Mapping

from paceline.commands.readable_cluster import CONSTRAINTS, FIRST_SETS, FORMAT, READERS, Words
from paceline.commands.yaml_text import Tree

Parts = dict[str, dict[str, Tree] | list[Tree]]


def describe_commands(commands: Iterable[Words]) -> dict[str, Tree]:
    """Return the description of commands as `cluster export` writes them."""
    parts: Parts = {}
    for words in commands:
        plain = [word for word in words if word not in ("--", "--force", "--no-default-ops")]
        if not any(write(plain, parts) for write in _WRITERS):
            line = shlex.join(["pcs", *words])
            _list_of(parts, "commands").append(line)
    whole: dict[str, Tree] = {"format": FORMAT, "exact": "yes"}
    whole.update((name, parts[name]) for name in READERS if name in parts)
    return whole


def _map_of(parts: Parts, name: str) -> dict[str, Tree]:
    found = parts.setdefault(name, {})
    return found if isinstance(found, dict) else {}


def _list_of(parts: Parts, name: str) -> list[Tree]:
    found = parts.setdefault(name, [])
    return found if isinstance(found, list) else []


def _unpaired(words: Iterable[str]) -> dict[str, Tree] | None:
    """Return `name=value` words as a mapping; None where one is no such word."""
    found: dict[str, Tree] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name or name in found:
            return None
        found[name] = value
    return found


def _write_properties(words: Words, parts: Parts) -> bool:
    pairs = _unpaired(words[2:]) if words[:2] == ["property", "set"] else None
    if pairs is None:
        return False
    _map_of(parts, "properties").update(pairs)
    return True


def _write_first_set(words: Words, parts: Parts) -> bool:
    for name, (beginning, set_id) in FIRST_SETS.items():
        head = [*beginning.split(), "set", "create", f"id={set_id}", "meta"]
        pairs = _unpaired(words[len(head) :]) if words[: len(head)] == head else None
        if pairs and name not in parts:
            _map_of(parts, name).update(pairs)
            return True
    return False


def _write_resource(words: Words, parts: Parts) -> bool:
    if len(words) < len(("resource", "create", "ID", "AGENT")) or words[1] != "create":
        return False
    section = {"resource": "resources", "stonith": "fence-devices"}.get(words[0])
    if section is None:
        return False
    name, agent, *rest = words[2:]
    sections: dict[str, Words] = {"": []}
    current = ""
    for word in rest:
        if word in ("op", "meta") and word not in sections:
            current = word
            sections[current] = []
        else:
            sections[current].append(word)
    options, meta = _unpaired(sections[""]), _unpaired(sections.get("meta", []))
    operations = _read_operations(name, sections.get("op", []))
    if options is None or meta is None or operations is None:
        return False
    described: dict[str, Tree] = {"agent": agent}
    for key, value in (("options", options), ("operations", operations), ("meta", meta)):
        if value:
            described[key] = value
    _map_of(parts, section)[name] = described
    return True


def _read_operations(resource: str, words: Words) -> dict[str, Tree] | None:
    found: dict[str, list[dict[str, Tree]]] = {}
    current: dict[str, Tree] | None = None
    operation = ""
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            operation, current = word, {}
            found.setdefault(operation, []).append(current)
        elif current is None:
            return None
        elif name != "id" or value != _usual_id(resource, operation, current):
            current[name] = value
    if not all(options for each in found.values() for options in each):
        # Words that are no operations: `bundle B`, say.
        return None
    return {name: each[0] if len(each) == 1 else each for name, each in found.items()}


def _usual_id(resource: str, operation: str, options: Mapping[str, Tree]) -> str:
    return f"{resource}-{operation}-interval-{options.get('interval', '0s')}"


def _write_utilization(words: Words, parts: Parts) -> bool:
    resources = parts.get("resources", {})
    if words[:2] != ["resource", "utilization"] or len(words) < len(("a", "b", "ID", "x=y")):
        return False
    described = resources.get(words[2]) if isinstance(resources, dict) else None
    pairs = _unpaired(words[3:])
    if not isinstance(described, dict) or pairs is None:
        return False
    described["utilization"] = pairs
    return True


def _write_group(words: Words, parts: Parts) -> bool:
    if words[:3] == ["resource", "group", "add"] and not any("=" in word for word in words):
        _map_of(parts, "groups")[words[3]] = words[4:]
        return True
    groups = parts.get("groups", {})
    if words[:2] != ["resource", "meta"] or not isinstance(groups, dict) or words[2] not in groups:
        return False
    pairs, members = _unpaired(words[3:]), groups[words[2]]
    if pairs is None or isinstance(members, Mapping):
        return False
    groups[words[2]] = {"members": members, "meta": pairs}
    return True


def _write_clone(words: Words, parts: Parts) -> bool:
    if words[:2] != ["resource", "clone"] or len(words) < len(("a", "b", "RESOURCE", "CLONE")):
        return False
    resource, name, *rest = words[2:]
    pairs = _unpaired(rest[1:]) if rest[:1] == ["meta"] else ({} if not rest else None)
    if pairs is None or "=" in name:
        return False
    described: dict[str, Tree] = {"resource": resource}
    _map_of(parts, "clones")[name] = described | ({"meta": pairs} if pairs else {})
    return True


def _write_node(words: Words, parts: Parts) -> bool:
    kind = {"attribute": "attributes", "utilization": "utilization"}.get("".join(words[1:2]))
    pairs = _unpaired(words[3:]) if words[:1] == ["node"] and kind is not None else None
    if not pairs or kind is None:
        return False
    described = _map_of(parts, "nodes").setdefault(words[2], {})
    if isinstance(described, dict):
        described[kind] = pairs
    return True


def _write_level(words: Words, parts: Parts) -> bool:
    if words[:3] != ["stonith", "level", "add"] or len(words) < len("slaLTD"):
        return False
    level, target, *rest = words[3:]
    devices = [word for word in rest if "=" not in word]
    pairs = _unpaired(word for word in rest if "=" in word)
    if pairs is None or set(pairs) - {"id"} or "%" in target:
        return False
    _list_of(parts, "fencing-levels").append(
        {"level": level, "target": target, "devices": devices, **pairs}
    )
    return True


def _write_constraint(words: Words, parts: Parts) -> bool:
    write = {
        "location": _described_location,
        "colocation": _described_colocation,
        "order": _described_order,
        "ticket": _described_ticket,
    }.get("".join(words[1:2]))
    described = write(words[2:]) if words[:1] == ["constraint"] and write is not None else None
    if described is None or set(described) - set(CONSTRAINTS[words[1]][0]):
        return False
    _list_of(parts, "constraints").append(described)
    return True


def _described_location(words: Words) -> dict[str, Tree] | None:
    if len(words) < len(("add", "ID", "RESOURCE", "NODE", "SCORE")) or words[0] != "add":
        return None
    made, resource, node, *rest = words[1:]
    pairs = _unpaired(rest)
    if pairs is None or not resource.startswith("resource%") or "score" not in pairs:
        return None
    name, score = resource.removeprefix("resource%"), pairs.pop("score")
    described: dict[str, Tree] = {"location": name, "node": node, "score": score, **pairs}
    return described if made == f"location-{name}-{node}-{score}" else described | {"id": made}


def _described_colocation(words: Words) -> dict[str, Tree] | None:
    if words[:1] != ["add"] or "with" not in words:
        return None
    place = words.index("with")
    first = words[1:place]
    second = [word for word in words[place + 1 :] if "=" not in word]
    pairs = _unpaired(word for word in words[place + 1 :] if "=" in word)
    if pairs is None or not 1 <= len(first) <= 2 or not 1 <= len(second) <= 2:
        return None
    described: dict[str, Tree] = {"colocation": first[-1], "with": second[-1]}
    for name, each in (("role", first), ("with-role", second)):
        if len(each) > 1:
            described[name] = each[0]
    return described | pairs


def _described_order(words: Words) -> dict[str, Tree] | None:
    if "then" not in words or words[:1] == ["set"]:
        return None
    place = words.index("then")
    then = [word for word in words[place + 1 :] if "=" not in word]
    pairs = _unpaired(word for word in words[place + 1 :] if "=" in word)
    if pairs is None:
        return None
    return {"order": [" ".join(words[:place]), " ".join(then)], **pairs}


def _described_ticket(words: Words) -> dict[str, Tree] | None:
    plain = [word for word in words if "=" not in word]
    pairs = _unpaired(word for word in words if "=" in word)
    if pairs is None or plain[:1] != ["add"] or not 3 <= len(plain) <= 4:
        return None
    described: dict[str, Tree] = {"ticket": plain[1], "resource": plain[-1]}
    return described | ({"role": plain[2]} if len(plain) > len(("add", "T", "R")) else {}) | pairs


def _write_tag(words: Words, parts: Parts) -> bool:
    if words[:2] != ["tag", "create"]:
        return False
    _map_of(parts, "tags")[words[2]] = words[3:]
    return True


_WRITERS = (
    _write_properties,
    _write_first_set,
    _write_resource,
    _write_utilization,
    _write_group,
    _write_clone,
    _write_node,
    _write_level,
    _write_constraint,
    _write_tag,
)
