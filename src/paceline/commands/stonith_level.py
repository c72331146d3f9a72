"""`stonith level`: which devices fence a node, in which order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from paceline.cib.names import check_id_form, check_new_id, clean_id
from paceline.cib.remote_nodes import node_names
from paceline.cib.resources import find_resource, is_stonith
from paceline.cib.tree import (
    Element,
    add_element,
    find_section,
    get_section,
    remove,
    unique_id,
)
from paceline.cib.wording import bad_value, quoted_sorted
from paceline.commands.arguments import parse_pairs, split_sections
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.export_texts import level_commands
from paceline.commands.output_formats import output_format
from paceline.commands.resource_words import note_other_kind
from paceline.ports.daemon import Json

NODE, PATTERN, ATTRIBUTE = "target", "target-pattern", "target-attribute"
PREFIXES = {"node%": NODE, "regexp%": PATTERN, "attrib%": ATTRIBUTE}


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a level is for: a node, all that match a pattern, or those with an attribute."""

    kind: str
    name: str
    value: str = ""

    @property
    def shown(self) -> str:
        """The target as messages show it."""
        return f"{self.name}={self.value}" if self.kind == ATTRIBUTE else self.name

    def is_of(self, level: Element) -> bool:
        """Say whether a level is for this target."""
        if self.kind == ATTRIBUTE:
            return (level.get(ATTRIBUTE), level.get("target-value")) == (self.name, self.value)
        return level.get(self.kind) == self.name

    def attributes(self) -> list[tuple[str, str]]:
        """Return the XML attributes that say it."""
        pairs = [(self.kind, self.name)]
        return [*pairs, ("target-value", self.value)] if self.kind == ATTRIBUTE else pairs


def parse_target(text: str) -> Target:
    """Return the target that `text` means; a bare name is a node's. Raises UsageError."""
    kind_word, percent, _rest = text.partition("%")
    if percent and kind_word and f"{kind_word}%" not in PREFIXES:
        raise UsageError(
            f"'{kind_word}' is not an allowed type for '{text}', use attrib, node, regexp"
        )
    text = text.removeprefix("%") if percent and not kind_word else text
    for prefix, kind in PREFIXES.items():
        if text.startswith(prefix):
            rest = text.removeprefix(prefix)
            if kind == ATTRIBUTE:
                ((name, value),) = parse_pairs((rest,)).items()
                return Target(kind, name, value)
            return Target(kind, rest)
    return Target(NODE, text)


def _levels(root: Element) -> list[Element]:
    section = find_section(root, "fencing-topology")
    return [] if section is None else section.findall("fencing-level")


def _split_devices(request: Request, words: Sequence[str]) -> list[str]:
    """Return the devices; commas are accepted as they were in pcs 0.9."""
    devices: list[str] = []
    for word in words:
        devices += word.split(",")
    if any("," in word for word in words) and not request.is_classic:
        request.findings.deprecate(
            "commas",
            "Delimiting stonith devices with ',' is deprecated and will be removed. Please use a "
            "space to delimit stonith devices.",
        )
    return devices


def add(request: Request, ports: Ports) -> Outcome:
    """Add a level: `stonith level add LEVEL TARGET DEVICE...`."""
    if len(request.arguments) < 3:
        raise UsageError
    number, target_text, *words = request.arguments
    target = parse_target(target_text)
    options = parse_pairs([word for word in words if "=" in word])
    devices = _split_devices(request, [word for word in words if "=" not in word])
    if not devices or set(options) - {"id"}:
        raise UsageError
    wanted_id = options.get("id", "")
    edit_cib(request, ports, lambda root: _add(request, root, number, target, devices, wanted_id))
    return Outcome()


def _add(
    request: Request,
    root: Element,
    number: str,
    target: Target,
    devices: list[str],
    wanted_id: str,
) -> str:
    findings = request.findings
    is_number = number.isdecimal() and int(number) > 0
    if not is_number:
        findings.add(bad_value("level", number, "a positive integer"))
    if target.kind == NODE and target.name not in node_names(root):
        findings.error(
            "node-unknown",
            f"Node '{target.name}' does not appear to exist in configuration",
            is_forceable=True,
        )
    if wanted_id:
        findings.extend(check_new_id(root, wanted_id))
    for device in devices:
        findings.extend(check_id_form(device, "device id"))
        element = find_resource(root, device)
        if element is not None:
            note_other_kind(request, element)
    unknown = [one for one in devices if not _is_device(root, one)]
    if unknown and all(not check_id_form(one) for one in devices):
        findings.error(
            "device-unknown",
            f"Stonith resource(s) {quoted_sorted(set(unknown))} do not exist",
            is_forceable=True,
        )
    findings.stop_if_errors()
    index, joined = str(int(number)), ",".join(devices)
    for level in _levels(root):
        same = level.get("index") == index and level.get("devices") == joined
        if same and target.is_of(level):
            findings.error(
                "level-exists",
                f"Fencing level for '{target.shown}' at level '{index}' with device(s) "
                f"{quoted_sorted(devices)} already exists",
            )
            findings.stop_if_errors()
    wanted = wanted_id or unique_id(root, clean_id(f"fl-{target.name}-{index}"))
    pairs = [("index", index), ("devices", joined), *target.attributes(), ("id", wanted)]
    add_element(get_section(root, "fencing-topology"), "fencing-level", pairs)
    return ""


def _is_device(root: Element, wanted: str) -> bool:
    element = find_resource(root, wanted)
    return element is not None and is_stonith(element)


def _read_selection(
    request: Request, words: Sequence[str]
) -> tuple[Target | None, list[str], list[str]]:
    """Return target, devices, and the bare words of the old syntax."""
    rest = list(words)
    target: Target | None = None
    devices: list[str] = []
    if rest and rest[0] in ("target", "stonith"):
        _refuse_bad_sections(rest)
    if rest[:1] == ["target"] and len(rest) >= 2:
        target = parse_target(rest[1])
        rest = rest[2:]
    if rest[:1] == ["stonith"] and len(rest) >= 2:
        devices = _split_devices(request, rest[1:])
        rest = []
    return target, devices, rest


def _refuse_bad_sections(words: Sequence[str]) -> None:
    """Raise UsageError for `target` without one target behind it, or `stonith` without devices."""
    first, sections = split_sections(words, ("target", "stonith"))
    for keyword, values in sections.items():
        if not values:
            raise UsageError(f"Missing value after '{keyword}'")
    if first or len(sections.get("target", ("",))) > 1:
        raise UsageError("At most one target can be specified")


def delete(request: Request, ports: Ports) -> Outcome:
    """Remove levels: `stonith level delete LEVEL [target T] [stonith DEVICE...]`."""
    if not request.arguments:
        raise UsageError
    number, *words = request.arguments
    target, devices, old_words = _read_selection(request, words)
    if old_words and not request.is_classic:
        request.findings.deprecate(
            "old-syntax",
            f"Syntax '{request.program} stonith level delete | remove <level> [<target>] "
            "[<stonith id>...]' is deprecated and will be removed. Please use "
            f"'{request.program} stonith level delete | remove <level> [target <target>] "
            "[stonith <stonith id>...]'.",
        )

    def change(root: Element) -> str:
        readings = [(target, devices)]
        if old_words:  # the first word is a target, or else a device
            readings = [(parse_target(old_words[0]), old_words[1:]), (None, old_words)]
        found: list[Element] = []
        for one_target, one_devices in readings:
            joined = ",".join(one_devices)
            found = found or [
                level
                for level in _levels(root)
                if level.get("index") == number
                and (one_target is None or one_target.is_of(level))
                and (not joined or level.get("devices") == joined)
            ]
        for one_target, one_devices in () if found else readings:
            _report_missing(request, number, one_target, ",".join(one_devices))
        for level in found:
            remove(level)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _report_missing(request: Request, number: str, target: Target | None, joined: str) -> None:
    text = "Fencing level"
    if target is not None:
        text += f" for '{target.shown}'"
    if number:
        text += f" at level '{number}'"
    if joined:
        text += f" with device(s) {quoted_sorted(joined.split(','))}"
    request.findings.error("level-unknown", f"{text} does not exist")


def clear(request: Request, ports: Ports) -> Outcome:
    """Remove all levels, or those of a target or with exactly these devices."""
    target, devices, old_words = _read_selection(request, request.arguments)
    if target is not None and devices:
        raise UsageError("Only one of 'target' and 'stonith' can be used")
    if old_words and not request.is_classic:
        request.findings.deprecate(
            "old-syntax",
            f"Syntax '{request.program} stonith level clear [<target> | <stonith id(s)>] is "
            f"deprecated and will be removed. Please use '{request.program} stonith level clear "
            "[target <target>] | [stonith <stonith id>...]'.",
        )

    def change(root: Element) -> str:
        joined = ",".join(devices)
        found = False
        for level in _levels(root):
            if old_words:
                text = ",".join(old_words)
                chosen = parse_target(old_words[0]).is_of(level) or level.get("devices") == text
            else:
                chosen = (target is None or target.is_of(level)) and (
                    not joined or level.get("devices") == joined
                )
            if chosen:
                found = True
                remove(level)
        if not found and (target is not None or joined):
            _report_missing(request, "", target, joined)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def config(request: Request, ports: Ports) -> Outcome:
    """List the levels."""
    if request.arguments:
        raise UsageError
    match output_format(request):
        case "json":
            return Outcome(text=json.dumps(_record(read_cib(ports))))
        case "cmd":
            return Outcome(text=";\n".join(level_commands(read_cib(ports))))
        case _:
            pass
    return Outcome(text="\n".join(level_lines(read_cib(ports))))


def _record(root: Element) -> dict[str, Json]:
    """Return the levels by kind of target."""
    kinds = {
        "target_node": (NODE,),
        "target_regex": (PATTERN,),
        "target_attribute": (ATTRIBUTE, "target-value"),
    }
    record: dict[str, Json] = {}
    for kind, names in kinds.items():
        record[kind] = [
            {
                "id": level.get("id"),
                **{name.replace("-", "_"): level.get(name) for name in names},
                "index": int(level.get("index", "0")),
                "devices": list(level.get("devices", "").split(",")),
            }
            for level in _levels(root)
            if level.get(names[0]) is not None
        ]
    return record


def level_lines(root: Element) -> list[str]:
    """Return the listing of all levels, by target: nodes, patterns, attributes."""
    groups: dict[tuple[int, str], list[Element]] = {}
    for level in _levels(root):
        groups.setdefault(_label(level), []).append(level)
    lines: list[str] = []
    for (_rank, label), members in sorted(groups.items()):
        lines.append(label)
        ordered = sorted(members, key=lambda one: int(one.get("index", "0")))
        lines += [f"  Level {one.get('index')} - {one.get('devices')}" for one in ordered]
    return lines


def _label(level: Element) -> tuple[int, str]:
    if level.get(NODE) is not None:
        return 0, f"Target: {level.get(NODE)}"
    if level.get(PATTERN) is not None:
        return 1, f"Target (regexp): {level.get(PATTERN)}"
    return 2, f"Target: {level.get(ATTRIBUTE)}={level.get('target-value')}"


def verify(request: Request, ports: Ports) -> Outcome:
    """Check that the devices and nodes of all levels exist."""
    if request.arguments:
        raise UsageError
    root = read_cib(ports)
    devices = {one for level in _levels(root) for one in level.get("devices", "").split(",")}
    unknown = [one for one in devices if not _is_device(root, one)]
    if unknown:
        request.findings.error(
            "device-unknown", f"Stonith resource(s) {quoted_sorted(unknown)} do not exist"
        )
    targets = {level.get(NODE, "") for level in _levels(root)}
    for name in sorted(targets - node_names(root) - {""}):
        request.findings.error(
            "node-unknown", f"Node '{name}' does not appear to exist in configuration"
        )
    request.findings.stop_if_errors()
    return Outcome()


COMMANDS = (
    Command(
        words="stonith level config",
        handler=config,
        needs=Needs.CIB,
        options=("output-format",),
        help="List fencing levels.",
        aliases=(Alias(words="stonith level", takes_arguments=False),),
    ),
    Command(
        words="stonith level add",
        handler=add,
        needs=Needs.CIB,
        arguments="<level> <node>|regexp%<pattern>|attrib%<name>=<value> <stonith id>... [id=<id>]",
        options=("force",),
        help="Fence a target with these devices at this level; level 1 is tried first.",
    ),
    Command(
        words="stonith level delete",
        handler=delete,
        needs=Needs.CIB,
        arguments="<level> [target <target>] [stonith <stonith id>...]",
        help="Remove a level.",
        aliases=(Alias(words="stonith level remove"),),
    ),
    Command(
        words="stonith level clear",
        handler=clear,
        needs=Needs.CIB,
        arguments="[target <target> | stonith <stonith id>...]",
        help="Remove all levels, those of a target, or those with exactly these devices.",
    ),
    Command(
        words="stonith level verify",
        handler=verify,
        needs=Needs.CIB,
        help="Check that the devices and nodes of all levels exist.",
    ),
)
