"""`resource bundle`: containers that the cluster runs, with a resource inside or without."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from paceline.cib.names import check_new_id, clean_id
from paceline.cib.nvsets import add_pair, add_set, find_set, update_first_set
from paceline.cib.resources import find_resource
from paceline.cib.tree import (
    Element,
    add_element,
    find_by_id,
    get_section,
    has_id,
    remove,
    unique_id,
)
from paceline.cib.wording import bad_value, check_choice, check_option_names, check_required
from paceline.commands.arguments import parse_pairs
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.commands.resource_texts import CONTAINER_TAGS
from paceline.commands.waiting import check_wait, wait_if_asked
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

CONTAINER_OPTIONS = (
    "image", "masters", "network", "options", "promoted-max", "replicas", "replicas-per-host",
    "run-command",
)  # fmt: skip
NETWORK_OPTIONS = ("control-port", "host-interface", "host-netmask", "ip-range-start")
PORT_OPTIONS = ("id", "internal-port", "port", "range")
STORAGE_OPTIONS = ("id", "options", "source-dir", "source-dir-root", "target-dir")
COUNTS = ("replicas", "replicas-per-host")
KEYWORDS = ("container", "network", "port-map", "storage-map", "meta")
PORT_MAX = 65_535
_PORT_RANGE = re.compile(r"\d+-\d+")
MASK_MAX = 32


@dataclass(slots=True, kw_only=True)
class _Parts:
    """What the words say, by keyword."""

    container_type: str = ""
    container: dict[str, str] = field(default_factory=dict)
    network: dict[str, str] = field(default_factory=dict)
    ports: list[dict[str, str]] = field(default_factory=list)
    storages: list[dict[str, str]] = field(default_factory=list)
    ports_removed: list[str] = field(default_factory=list)
    storages_removed: list[str] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    has_own_meta: bool = True
    """Whether meta attributes were given, and not only `--disabled`."""


def _read(words: Sequence[str], *, is_update: bool) -> _Parts:
    """Return the parts. Raises UsageError."""
    parts = _Parts()
    groups: list[tuple[str, list[str]]] = []
    for word in words:
        if word in KEYWORDS:
            groups.append((word, []))
        elif groups:
            groups[-1][1].append(word)
        else:
            raise UsageError
    for keyword, group in groups:
        if not group and keyword not in ("port-map", "storage-map"):
            raise UsageError(f"No {keyword} options specified")
        match keyword:
            case "container":
                if parts.container or parts.container_type:
                    # A second type is a word that is no option, and is refused as such.
                    parts.container.update(parse_pairs(group))
                    continue
                if group and "=" not in group[0] and not is_update:
                    parts.container_type = group.pop(0)
                parts.container.update(parse_pairs(group))
            case "network":
                parts.network.update(parse_pairs(group))
            case "meta":
                parts.meta.update(parse_pairs(group))
            case "port-map":
                removed = parts.ports_removed
                _read_mapping(keyword, group, parts.ports, removed, is_update=is_update)
            case _:
                removed = parts.storages_removed
                _read_mapping(keyword, group, parts.storages, removed, is_update=is_update)
    return parts


def _read_mapping(
    keyword: str,
    group: list[str],
    added: list[dict[str, str]],
    removed: list[str],
    *,
    is_update: bool,
) -> None:
    """Read one mapping: its options, or in an update `add OPTIONS` or `remove ID...`."""
    if not is_update:
        if not group:
            raise UsageError(f"No {keyword} options specified")
        added.append(parse_pairs(group))
        return
    match group:
        case ["add", *options] if options:
            added.append(parse_pairs(options))
        case ["remove" | "delete", *ids] if ids:
            removed.extend(ids)
        case _:
            raise UsageError(
                f"When using '{keyword}' you must specify either 'add' and options or either of "
                "'delete' or 'remove' and id(s)"
            )


def create(request: Request, ports: Ports) -> Outcome:
    """Make a bundle: `resource bundle create ID container TYPE [OPTIONS] [network ...] ...`."""
    if not request.arguments:
        raise UsageError
    bundle_id, *words = request.arguments
    parts = _read(words, is_update=False)
    parts.has_own_meta = bool(parts.meta)
    if request.has("disabled"):
        parts.meta["target-role"] = "Stopped"
    check_wait(request, ports)

    def change(root: Element) -> str:
        request.findings.extend(check_new_id(root, bundle_id, "bundle name"))
        allowed = CONTAINER_TAGS
        request.findings.extend(check_choice("container type", parts.container_type, allowed))
        if parts.container_type in allowed:
            _check_container(request, parts.container, is_new=True)
        _check_network(request, parts.network)
        _check_mappings(request, root, parts)
        request.findings.stop_if_errors()
        _create(root, bundle_id, parts)
        return ""

    edit_cib(request, ports, change)
    wait_if_asked(request, ports)
    return Outcome()


def _check_container(request: Request, options: dict[str, str], *, is_new: bool) -> None:
    findings = request.findings
    given = [name for name, value in options.items() if value != ""]
    named = options if is_new else given  # taking away what is not there hurts nobody
    findings.extend(
        check_option_names(named, CONTAINER_OPTIONS, what="container", is_forceable=True)
    )
    if options.get("image") == "":
        findings.error("value-empty", "image cannot be empty, use image name")
    elif is_new:
        findings.extend(check_required(given, ("image",), what="container"))
    if "masters" in given and "promoted-max" in given:
        findings.error(
            "options-exclusive",
            "Only one of container options 'masters' and 'promoted-max' can be used",
        )
    for name in ("masters", "promoted-max"):
        value = options.get(name, "")
        if value and not value.isdecimal():
            findings.add(bad_value(name, value, "a non-negative integer"))
    for name in COUNTS:
        value = options.get(name, "")
        if value and not (value.isdecimal() and int(value) > 0):
            findings.add(bad_value(name, value, "a positive integer"))
    if "masters" in given:
        findings.deprecate(
            "option-deprecated",
            "container option 'masters' is deprecated and should not be used, use 'promoted-max' "
            "instead",
        )


def _check_reachable(request: Request, bundle: Element, parts: _Parts) -> None:
    """Report it if the resource inside would be cut off from the cluster."""
    inside = bundle.find("primitive")
    network = bundle.find("network")
    names = ("control-port", "ip-range-start")
    before = {name: "" if network is None else network.get(name, "") for name in names}
    after = {name: parts.network.get(name, before[name]) for name in names}
    if inside is None or any(after.values()) or not any(before.values()):
        return
    request.findings.error(
        "bundle-unreachable",
        f"Resource '{inside.get('id')}' will not be accessible by the cluster inside bundle "
        f"'{bundle.get('id')}', at least one of bundle options 'control-port' or "
        "'ip-range-start' has to be specified",
        is_forceable=True,
    )


def _check_port(request: Request, name: str, value: str) -> None:
    if value and not (value.isdecimal() and 1 <= int(value) <= PORT_MAX):
        request.findings.add(bad_value(name, value, f"a port number (1..{PORT_MAX})"))


def _check_network(request: Request, options: Mapping[str, str], *, is_new: bool = True) -> None:
    named = [name for name, value in options.items() if value or is_new]
    request.findings.extend(
        check_option_names(named, NETWORK_OPTIONS, what="network", is_forceable=True)
    )
    _check_port(request, "control-port", options.get("control-port", ""))
    mask = options.get("host-netmask", "")
    if mask and not (mask.isdecimal() and 1 <= int(mask) <= MASK_MAX):
        wanted = f"a number of bits of the mask (1..{MASK_MAX})"
        request.findings.add(bad_value("host-netmask", mask, wanted, is_forceable=True))


def _check_mappings(request: Request, root: Element, parts: _Parts) -> None:
    findings = request.findings
    for options in parts.ports:
        findings.extend(
            check_option_names(options, PORT_OPTIONS, what="port-map", is_forceable=True)
        )
        if "internal-port" in options and "port" not in options:
            findings.error(
                "option-missing",
                "If port-map option 'internal-port' is specified, port-map option 'port' must be "
                "specified as well",
            )
        _check_one_of(request, options, "port-map", ("port", "range"))
        _check_port(request, "port", options.get("port", ""))
        _check_port(request, "internal-port", options.get("internal-port", ""))
        value = options.get("range", "")
        if value and not _PORT_RANGE.fullmatch(value):
            findings.add(bad_value("range", value, "port-port", is_forceable=True))
    for options in parts.storages:
        findings.extend(
            check_option_names(options, STORAGE_OPTIONS, what="storage-map", is_forceable=True)
        )
        _check_one_of(request, options, "storage-map", ("source-dir", "source-dir-root"))
        findings.extend(check_required(options, ("target-dir",), what="storage-map"))
    for what, mappings in (("port-map id", parts.ports), ("storage-map id", parts.storages)):
        for options in mappings:
            if "id" in options:
                findings.extend(check_new_id(root, options["id"], what))


def _check_one_of(
    request: Request, options: Mapping[str, str], what: str, names: tuple[str, str]
) -> None:
    given = [name for name in names if name in options]
    if not given:
        request.findings.error(
            "option-missing", f"{what} option '{names[0]}' or '{names[1]}' has to be specified"
        )
    elif len(given) > 1:
        request.findings.error(
            "options-exclusive",
            f"Only one of {what} options '{names[0]}' and '{names[1]}' can be used",
        )


def _create(root: Element, bundle_id: str, parts: _Parts) -> None:
    section = get_section(root, "resources")
    bundle = add_element(section, "bundle", (("id", bundle_id),))
    add_element(bundle, parts.container_type, _given(parts.container))
    _fill(root, bundle, parts, is_new=True)


def _given(options: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in options.items() if value != ""]


def _fill(root: Element, bundle: Element, parts: _Parts, *, is_new: bool = False) -> None:
    """Add network, mappings and meta attributes to a bundle."""
    if parts.network or parts.ports:
        network = bundle.find("network")
        if network is None:
            network = add_element(bundle, "network", ())
        _set_options(network, parts.network)
        for options in parts.ports:
            number = options.get("port") or options.get("range", "")
            _add_mapping(root, network, "port-mapping", options, f"port-map-{number}", bundle)
    if parts.storages:
        storage = bundle.find("storage")
        if storage is None:
            storage = add_element(bundle, "storage", ())
        for options in parts.storages:
            _add_mapping(root, storage, "storage-mapping", options, "storage-map", bundle)
    meta = dict(sorted(parts.meta.items()))
    if not meta:
        return
    nvset = bundle.find("meta_attributes")
    if nvset is not None or not is_new:
        update_first_set(root, bundle, "meta_attributes", meta, position=0)
        return
    position = None if parts.has_own_meta else 0  # as `disable` puts it where there is no set
    made = add_set(root, bundle, "meta_attributes", (), position=position)
    for name, value in meta.items():  # as in a new resource, also what is empty
        add_pair(root, made, name, value)


def _set_options(element: Element, options: Mapping[str, str]) -> None:
    for name, value in options.items():
        if value == "":
            element.attrib.pop(name, "")
        else:
            element.set(name, value)


def _add_mapping(
    root: Element,
    owner: Element,
    tag: str,
    options: Mapping[str, str],
    suffix: str,
    bundle: Element,
) -> None:
    wanted = options.get("id") or unique_id(root, clean_id(f"{bundle.get('id')}-{suffix}"))
    pairs = [(name, value) for name, value in _given(options) if name != "id"]
    add_element(owner, tag, [*pairs, ("id", wanted)])


def _get_bundle(root: Element, bundle_id: str) -> Element:
    bundle = find_resource(root, bundle_id, ("bundle",))
    if bundle is None:
        message = f"bundle '{bundle_id}' does not exist"
        if has_id(root, bundle_id):
            message = f"'{bundle_id}' is not a bundle"
        raise InvalidRequestError(Report(code="id-unknown", message=message))
    return bundle


def _container_of(bundle: Element) -> Element:
    for child in bundle:
        if child.tag in CONTAINER_TAGS:
            return child
    return add_element(bundle, "docker", ())


def update(request: Request, ports: Ports) -> Outcome:
    """Change a bundle: `resource bundle update ID [container ...] [network ...] ...`."""
    if not request.arguments:
        raise UsageError
    bundle_id, *words = request.arguments
    parts = _read(words, is_update=True)
    check_wait(request, ports)

    def change(root: Element) -> str:
        bundle = _get_bundle(root, bundle_id)
        _check_container(request, parts.container, is_new=False)
        _check_network(request, parts.network, is_new=False)
        _check_reachable(request, bundle, parts)
        _check_mappings(request, root, parts)
        for wanted, tag, what in (
            *((one, "port-mapping", "port-map") for one in parts.ports_removed),
            *((one, "storage-mapping", "storage-map") for one in parts.storages_removed),
        ):
            _remove_mapping(request, root, bundle, wanted, tag, what)
        request.findings.stop_if_errors()
        _set_options(_container_of(bundle), parts.container)
        _fill(root, bundle, parts)
        return ""

    edit_cib(request, ports, change)
    wait_if_asked(request, ports)
    return Outcome()


def _remove_mapping(
    request: Request, root: Element, bundle: Element, wanted: str, tag: str, what: str
) -> None:
    element = find_by_id(root, wanted)
    if element is None or element.tag != tag or bundle not in element.iterancestors():
        request.findings.error(
            "id-unknown", f"there is no {what} '{wanted}' in the bundle '{bundle.get('id')}'"
        )
        return
    remove(element)


def reset(request: Request, ports: Ports) -> Outcome:
    """Configure a bundle anew, keeping what is inside: `resource bundle reset ID ...`."""
    if not request.arguments:
        raise UsageError
    bundle_id, *words = request.arguments
    parts = _read(words, is_update=False)
    if request.has("disabled"):
        parts.meta["target-role"] = "Stopped"
    check_wait(request, ports)

    def change(root: Element) -> str:
        bundle = _get_bundle(root, bundle_id)
        _check_container(request, parts.container, is_new=True)
        _check_network(request, parts.network)
        for path in ("network", "storage"):
            old = bundle.find(path)
            if old is not None:
                old.clear()
        _check_mappings(request, root, parts)
        request.findings.stop_if_errors()
        container = _container_of(bundle)
        container.attrib.clear()
        _set_options(container, parts.container)
        nvset = find_set(bundle, "meta_attributes")
        if nvset is not None:
            for pair in nvset.findall("nvpair"):
                nvset.remove(pair)
        _fill(root, bundle, parts)
        return ""

    edit_cib(request, ports, change)
    wait_if_asked(request, ports)
    return Outcome()


_PARTS = (
    "[network <name>=<value>...] [port-map <name>=<value>...]... "
    "[storage-map <name>=<value>...]... [meta <name>=<value>...]"
)

COMMANDS = (
    Command(
        words="resource bundle create",
        handler=create,
        needs=Needs.CIB,
        arguments=f"<bundle id> container docker|podman|rkt <name>=<value>... {_PARTS}",
        options=("disabled", "force", "wait"),
        help="Make a bundle: replicas of a container.",
    ),
    Command(
        words="resource bundle update",
        handler=update,
        needs=Needs.CIB,
        arguments="<bundle id> [container <name>=[<value>]...] [network <name>=[<value>]...] "
        "[port-map add <name>=<value>... | remove <id>...]... "
        "[storage-map add <name>=<value>... | remove <id>...]... [meta <name>=[<value>]...]",
        options=("force", "wait"),
        help="Change a bundle; an empty value removes.",
    ),
    Command(
        words="resource bundle reset",
        handler=reset,
        needs=Needs.CIB,
        arguments=f"<bundle id> [container <name>=<value>...] {_PARTS}",
        options=("disabled", "force", "wait"),
        help="Configure a bundle anew, keeping the resource inside.",
    ),
)
