"""`property`: the cluster's options."""

import json
from collections.abc import Mapping

from paceline.cib.cluster_options import CLUSTER_OPTIONS, ClusterOption, allowed_words, is_valid
from paceline.cib.nvsets import add_set, pairs_of, update_set
from paceline.cib.operations import interval_ms_or_none
from paceline.cib.tree import Element, find_section, get_section
from paceline.cib.wording import (
    TIME_INTERVAL,
    bad_value,
    check_option_names,
    quoted,
    quoted_sorted,
)
from paceline.commands.arguments import parse_pairs
from paceline.commands.contract import (
    Alias,
    Command,
    Needs,
    Outcome,
    Ports,
    Request,
    UsageError,
)
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.export_texts import property_commands
from paceline.commands.node_attributes import set_node_attributes
from paceline.commands.output_formats import output_format
from paceline.commands.resource_records import set_records

WATCHDOG_TIMEOUT = "stonith-watchdog-timeout"
SET_TAG = "cluster_property_set"
SET_ID = "cib-bootstrap-options"


def find_property_set(root: Element) -> Element | None:
    """Return the first set of cluster options, or None."""
    section = find_section(root, "crm_config")
    return None if section is None else section.find(SET_TAG)


def all_properties(root: Element) -> dict[str, str]:
    """Return the options of all sets; of an option in several, the first one's value."""
    section = find_section(root, "crm_config")
    shown: dict[str, str] = {}
    for nvset in () if section is None else section.findall(SET_TAG):
        shown = {**pairs_of(nvset), **shown}
    return shown


def get_property_set(root: Element) -> Element:
    """Return the set of cluster options that is edited, made where it is missing."""
    found = find_property_set(root)
    if found is not None:
        return found
    return add_set(root, get_section(root, "crm_config"), SET_TAG, (), set_id=SET_ID)


def set_properties(request: Request, ports: Ports) -> Outcome:
    """Set or, with an empty value, remove options: `property set NAME=[VALUE]...`."""
    if not request.arguments:
        raise UsageError
    changes = parse_pairs(request.arguments)
    if node := request.value("node"):
        edit_cib(request, ports, lambda root: set_node_attributes(request, root, node, changes))
        return Outcome()

    def change(root: Element) -> str:
        _check_changes(request, changes, get_property_set(root))
        update_set(root, get_property_set(root), changes, has_short_ids=True)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _check_changes(request: Request, changes: dict[str, str], nvset: Element) -> None:
    """Report unknown options and values that make no sense."""
    present = pairs_of(nvset)
    settable = {option.name: option for option in CLUSTER_OPTIONS if not option.is_managed}
    removed_unknown = [
        name for name, value in changes.items() if value == "" and name not in present
    ]
    unknown = sorted(name for name, value in changes.items() if value and name not in settable)
    if removed_unknown:
        _report_missing(request, removed_unknown, nvset.get("id", ""))
    if unknown:
        _report_unknown(request, unknown, is_forceable=not _managed_names() & set(unknown))
    for name, value in changes.items():
        option = settable.get(name)
        if name == WATCHDOG_TIMEOUT and value:
            _check_watchdog_timeout(request, value)
        elif option is not None and value and not is_valid(option, value):
            request.findings.add(bad_value(name, value, allowed_words(option), is_forceable=True))


def _managed_names() -> frozenset[str]:
    return frozenset(option.name for option in CLUSTER_OPTIONS if option.is_managed)


def _report_unknown(request: Request, names: list[str], *, is_forceable: bool) -> None:
    """Report names that are no options, or none for people to set."""
    offered = [
        option.name for option in CLUSTER_OPTIONS if not option.is_managed and not option.is_recent
    ]
    reports = check_option_names(names, offered, what="cluster property", is_forceable=is_forceable)
    request.findings.extend(reports)


def _check_watchdog_timeout(request: Request, value: str) -> None:
    """Refuse a watchdog's time: nodes would count as fenced by watchdogs that nobody feeds."""
    timeout_ms = interval_ms_or_none(value)
    if timeout_ms is None:
        request.findings.add(bad_value(WATCHDOG_TIMEOUT, value, TIME_INTERVAL))
    elif timeout_ms != 0:
        request.findings.error(
            "watchdog-without-sbd",
            f"{WATCHDOG_TIMEOUT} can only be unset or set to 0 while SBD is disabled",
        )


def _report_missing(request: Request, names: list[str], set_id: str) -> None:
    noun = "property" if len(names) == 1 else "properties"
    they = "it is" if len(names) == 1 else "they are"
    request.findings.error(
        "property-not-set",
        f"Cannot remove {noun} {quoted_sorted(names)}, {they} not present in property set "
        f"'{set_id}'",
        is_forceable=True,
    )


def unset_properties(request: Request, ports: Ports) -> Outcome:
    """Remove options: `property unset NAME...`."""
    if not request.arguments:
        raise UsageError
    names = dict.fromkeys(request.arguments, "")
    twice = sorted({name for name in names if request.arguments.count(name) > 1})
    if twice:
        noun = "argument" if len(twice) == 1 else "arguments"
        raise UsageError(f"duplicate {noun}: {quoted(twice)}")
    if node := request.value("node"):
        edit_cib(request, ports, lambda root: set_node_attributes(request, root, node, names))
        return Outcome()

    def change(root: Element) -> str:
        nvset = get_property_set(root)
        managed = sorted(name for name in names if name in _managed_names())
        if managed:
            _report_unknown(request, managed, is_forceable=False)
            request.findings.stop_if_errors()
        missing = [name for name in names if name not in pairs_of(nvset)]
        if missing:
            _report_missing(request, missing, nvset.get("id", ""))
        update_set(root, nvset, names)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def config(request: Request, ports: Ports) -> Outcome:
    """List options: `property config [NAME...] [--all | --defaults]`."""
    if request.has("all") and request.has("defaults"):
        raise UsageError("you cannot specify both --all and --defaults")
    wanted_format = output_format(request)
    if wanted_format != "text":
        if request.arguments or request.has("all") or request.has("defaults"):
            raise UsageError("only all that is set is given out as commands or JSON")
        root = read_cib(ports)
        if wanted_format == "cmd":
            return Outcome(text=";\n".join(property_commands(root)))
        section = get_section(root, "crm_config")
        return Outcome(text=json.dumps({"nvsets": set_records(section, SET_TAG)}))
    if request.arguments and (request.has("all") or request.has("defaults")):
        raise UsageError("you cannot specify a property when using --all or --defaults")
    if request.has("defaults"):
        shown = {**_defaults(), "cluster-name": "", "have-watchdog": "false"}
    else:
        shown = all_properties(read_cib(ports))
        if request.has("all"):
            shown = {**_defaults(), **shown}
    if request.arguments:
        wanted = set(request.arguments)
        shown = {name: value for name, value in shown.items() if name in wanted}
    return Outcome(text="\n".join(listing(shown)))


def listing(shown: Mapping[str, str]) -> list[str]:
    """Return the lines of options, with a title."""
    return ["Cluster Properties:", *(f" {name}: {shown[name]}" for name in sorted(shown))]


def _defaults() -> dict[str, str]:
    return {
        option.name: option.default
        for option in CLUSTER_OPTIONS
        if not option.is_managed and not option.is_recent
    }


def defaults(request: Request, ports: Ports) -> Outcome:
    """List defaults of options: `property defaults [NAME...] [--full]`."""
    chosen = _chosen_options(request)
    return Outcome(text="\n".join(f"{option.name}={option.default}" for option in chosen))


def describe(request: Request, ports: Ports) -> Outcome:
    """Describe options: `property describe [NAME...] [--full]`."""
    chosen = _chosen_options(request)
    return Outcome(text="\n".join(line for option in chosen for line in _describe(option)))


def _chosen_options(request: Request) -> list[ClusterOption]:
    """Return the options that are named, or all; the rare ones only with --full."""
    known = {option.name: option for option in CLUSTER_OPTIONS if not option.is_managed}
    unknown = sorted(name for name in request.arguments if name not in known)
    if unknown:
        request.findings.error(
            "property-unknown", f"No description for cluster properties: {quoted(unknown)}"
        )
        request.findings.stop_if_errors()
    return [
        option
        for name, option in sorted(known.items())
        if (name in request.arguments)
        or (not request.arguments and (request.has("full") or not option.is_advanced))
    ]


def _describe(option: ClusterOption) -> list[str]:
    lines = [option.name, f"  Description: {option.text}"]
    if option.choices:
        lines.append(f"  Allowed values: {quoted_sorted(option.choices)}")
    else:
        lines.append(f"  Type: {option.kind.value}")
    lines.append(f"  Default: {option.default}")
    return lines


COMMANDS = (
    Command(
        words="property config",
        handler=config,
        needs=Needs.CIB,
        arguments="[<property>...]",
        options=("all", "defaults", "output-format"),
        help="List cluster options that are set; all of them with --all.",
        aliases=(
            Alias(words="property", takes_arguments=False),
            Alias(words="property list", replaced_by="property config"),
            Alias(words="property show", replaced_by="property config"),
        ),
    ),
    Command(
        words="property set",
        handler=set_properties,
        needs=Needs.CIB,
        arguments="<property>=[<value>] ...",
        options=("force", "node"),
        help="Set cluster options; an empty value removes one.",
    ),
    Command(
        words="property unset",
        handler=unset_properties,
        needs=Needs.CIB,
        arguments="<property> ...",
        options=("force", "node"),
        help="Remove cluster options.",
    ),
    Command(
        words="property defaults",
        handler=defaults,
        needs=Needs.NOTHING,
        arguments="[<property>...]",
        options=("full",),
        help="List what cluster options are where they are not set.",
    ),
    Command(
        words="property describe",
        handler=describe,
        needs=Needs.NOTHING,
        arguments="[<property>...]",
        options=("full",),
        help="Describe cluster options.",
    ),
)
