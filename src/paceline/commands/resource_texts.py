"""Resources as `resource config` lists them, as text and as commands that make them again."""

import shlex
from collections.abc import Iterable, Sequence

from paceline.cib.names import clean_id
from paceline.cib.nvsets import pairs_of, set_values
from paceline.cib.operations import CHECK_LEVEL
from paceline.cib.resources import agent_of, inner_resources, is_stonith
from paceline.cib.tree import Element, attributes_of
from paceline.commands.show_rules import rule_lines

CONTAINER_TAGS = ("docker", "podman", "rkt")
CONTAINER_ORDER = (
    "image", "replicas", "replicas-per-host", "promoted-max", "masters", "run-command", "network",
    "options",
)  # fmt: skip
NETWORK_ORDER = ("ip-range-start", "control-port", "host-interface", "host-netmask", "add-host")
PORT_ORDER = ("port", "internal-port", "range")
STORAGE_ORDER = ("source-dir", "source-dir-root", "target-dir", "options")
OPERATION_ORDER = (
    "interval", "description", "start-delay", "interval-origin", "timeout", "enabled",
    "record-pending", "role", "on-fail",
)  # fmt: skip
_SET_LABELS = (
    ("instance_attributes", "Attributes"),
    ("meta_attributes", "Meta Attributes"),
    ("utilization", "Utilization"),
)
INDENT = "  "


def quote(value: str) -> str:
    """Return the value as a listing shows it: in double quotes where it would be ambiguous."""
    if value and not any(character in value for character in ' "=\t'):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"{INDENT}{line}" for line in lines]


def set_lines(owner: Element, tag: str, label: str) -> list[str]:
    """Return the lines of all sets of one kind."""
    lines: list[str] = []
    for nvset in owner.iterfind(tag):
        if len(nvset) == 0:
            continue
        score = f" score={nvset.get('score')}" if nvset.get("score") else ""
        lines.append(f"{label}: {nvset.get('id')}{score}")
        lines += [f"  {name}={quote(value)}" for name, value in sorted(pairs_of(nvset).items())]
        for rule in nvset.iterfind("rule"):
            lines += _indented(rule_lines(rule, shows_ids=False))
    return lines


def _all_sets(owner: Element) -> list[str]:
    return [line for tag, label in _SET_LABELS for line in set_lines(owner, tag, label)]


def _description(element: Element) -> list[str]:
    text = element.get("description")
    return [f"  Description: {text}"] if text else []


def resource_lines(element: Element) -> list[str]:
    """Return the lines of a resource with all that is inside it."""
    match element.tag:
        case "primitive":
            return _primitive_lines(element)
        case "bundle":
            return _bundle_lines(element)
        case _:
            label = "Group" if element.tag == "group" else "Clone"
            lines = [f"{label}: {element.get('id')}", *_description(element)]
            lines += _indented(_all_sets(element))
            for inner in inner_resources(element):
                lines += _indented(resource_lines(inner))
            return lines


def _primitive_lines(element: Element) -> list[str]:
    name = agent_of(element)
    parts = [f"class={name.standard}"]
    if name.provider:
        parts.append(f"provider={name.provider}")
    parts.append(f"type={name.type}")
    lines = [f"Resource: {element.get('id')} ({' '.join(parts)})", *_description(element)]
    lines += _indented(_all_sets(element))
    operations = element.findall("operations/op")
    if operations:
        lines.append("  Operations:")
    for operation in operations:
        lines.append(f"    {operation.get('name')}: {operation.get('id')}")
        for key in OPERATION_ORDER:
            if operation.get(key) is not None:
                lines.append(f"      {key}={quote(operation.get(key, ''))}")
        check_level = set_values(operation, "instance_attributes").get(CHECK_LEVEL)
        if check_level:
            lines.append(f"      {CHECK_LEVEL}={check_level}")
    return lines


def ordered_pairs(element: Element, order: Sequence[str]) -> list[tuple[str, str]]:
    """Return the attributes without the id, known ones in their order, others after."""
    attributes = attributes_of(element)
    names = [name for name in order if name in attributes]
    names += [name for name in attributes if name not in order and name != "id"]
    return [(name, attributes[name]) for name in names]


def _pairs_text(pairs: Iterable[tuple[str, str]]) -> str:
    return " ".join(f"{name}={quote(value)}" for name, value in pairs)


def _bundle_lines(element: Element) -> list[str]:
    lines = [f"Bundle: {element.get('id')}", *_description(element)]
    for child in element:
        if child.tag in CONTAINER_TAGS:
            pairs = ordered_pairs(child, CONTAINER_ORDER)
            lines.append(f"  {child.tag.capitalize()}: {_pairs_text(pairs)}")
    network = element.find("network")
    if network is not None:
        pairs = ordered_pairs(network, NETWORK_ORDER)
        if pairs:
            lines.append(f"  Network: {_pairs_text(pairs)}")
    for path, label, order in (
        ("network/port-mapping", "Port Mapping:", PORT_ORDER),
        ("storage/storage-mapping", "Storage Mapping:", STORAGE_ORDER),
    ):
        mappings = element.findall(path)
        if mappings:
            lines.append(f"  {label}")
        lines += [
            f"    {_pairs_text(ordered_pairs(one, order))} ({one.get('id')})" for one in mappings
        ]
    lines += _indented(set_lines(element, "meta_attributes", "Meta Attributes"))
    for inner in inner_resources(element):
        lines += _indented(resource_lines(inner))
    return lines


def command_texts(elements: Sequence[Element]) -> list[str]:
    """Return the commands that make these resources again."""
    texts: list[str] = []
    bundled: set[str] = set()
    for bundle in (one for one in elements if one.tag == "bundle"):
        texts.append(_create_bundle(bundle))
        for inner in inner_resources(bundle):
            bundled.add(inner.get("id", ""))
            texts += _create_primitive(inner, bundle_id=bundle.get("id", ""))
    primitives = [one for one in elements if one.tag == "primitive"]
    for primitive in primitives:
        if primitive.get("id") not in bundled:
            texts += _create_primitive(primitive)
    for group in (one for one in elements if one.tag == "group"):
        texts += _create_group(group)
    for clone in (one for one in elements if one.tag in ("clone", "master")):
        texts.append(_create_clone(clone))
    return texts


def _words(pairs: Iterable[tuple[str, str]]) -> str:
    return " ".join(shlex.quote(f"{name}={value}") for name, value in pairs)


def _joined(lines: Sequence[str]) -> str:
    return " \\\n".join(lines)


def _create_primitive(element: Element, *, bundle_id: str = "") -> list[str]:
    area = "stonith" if is_stonith(element) else "resource"
    agent = agent_of(element)
    name = agent.type if area == "stonith" else str(agent)
    wanted = shlex.quote(element.get("id", ""))
    lines = [f"pcs {area} create --no-default-ops --force -- {wanted} {name}"]
    parameters = sorted(set_values(element, "instance_attributes").items())
    if parameters:
        lines.append(f"  {_words(parameters)}")
    operations = element.findall("operations/op")
    if operations:
        lines.append("  op")
    for operation in operations:
        lines.append(f"    {operation.get('name')} {_words(_operation_pairs(operation))}")
    meta = sorted(set_values(element, "meta_attributes").items())
    if meta:
        lines.append(f"  meta {_words(meta)}")
    if bundle_id:
        lines.append(f"  bundle {shlex.quote(bundle_id)}")
    texts = [_joined(lines)]
    utilization = sorted(set_values(element, "utilization").items())
    if utilization:
        texts.append(_joined((f"pcs resource utilization {wanted}", f"  {_words(utilization)}")))
    return texts


def _operation_pairs(operation: Element) -> list[tuple[str, str]]:
    pairs = [("interval", operation.get("interval", "")), ("id", operation.get("id", ""))]
    pairs += [
        (key, operation.get(key, ""))
        for key in OPERATION_ORDER
        if key != "interval" and operation.get(key)
    ]
    check_level = set_values(operation, "instance_attributes").get(CHECK_LEVEL)
    return [*pairs, *(((CHECK_LEVEL, check_level),) if check_level else ())]


def _create_bundle(element: Element) -> str:
    lines = [f"pcs resource bundle create {shlex.quote(element.get('id', ''))}"]
    for child in element:
        if child.tag in CONTAINER_TAGS:
            pairs = ordered_pairs(child, CONTAINER_ORDER)
            lines += [f"  container {child.tag}", f"    {_words(pairs)}"]
    network = element.find("network")
    if network is not None and ordered_pairs(network, NETWORK_ORDER):
        lines.append(f"  network {_words(ordered_pairs(network, NETWORK_ORDER))}")
    for path, keyword, order in (
        ("network/port-mapping", "port-map", PORT_ORDER),
        ("storage/storage-mapping", "storage-map", STORAGE_ORDER),
    ):
        for one in element.iterfind(path):
            pairs = ordered_pairs(one, order)
            if one.get("id") != _usual_map_id(element, one):
                pairs.append(("id", one.get("id", "")))
            lines.append(f"  {keyword} {_words(pairs)}")
    meta = sorted(set_values(element, "meta_attributes").items())
    if meta:
        lines.append(f"  meta {_words(meta)}")
    return _joined(lines)


def _usual_map_id(bundle: Element, mapping: Element) -> str:
    """Return the id that a mapping gets where none is given and none is in the way."""
    name = bundle.get("id", "")
    if mapping.tag == "storage-mapping":
        number = len(list(mapping.itersiblings("storage-mapping", preceding=True)))
        return f"{name}-storage-map" + (f"-{number}" if number else "")
    port = mapping.get("port") or mapping.get("range") or ""
    return clean_id(f"{name}-port-map-{port}")


def _create_group(element: Element) -> list[str]:
    wanted = shlex.quote(element.get("id", ""))
    members = " ".join(shlex.quote(one.get("id", "")) for one in inner_resources(element))
    texts = [_joined((f"pcs resource group add {wanted}", f"  {members}"))]
    meta = sorted(set_values(element, "meta_attributes").items())
    if meta:
        texts.append(_joined((f"pcs resource meta {wanted}", f"  {_words(meta)}")))
    return texts


def _create_clone(element: Element) -> str:
    inner = inner_resources(element)
    member = shlex.quote(inner[0].get("id", "")) if inner else ""
    lines = [f"pcs resource clone {member} {shlex.quote(element.get('id', ''))}"]
    meta = sorted(set_values(element, "meta_attributes").items())
    if meta:
        lines.append(f"  meta {_words(meta)}")
    return _joined(lines)
