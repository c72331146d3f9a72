"""`resource config`, `stonith config`, `resource group list`: what is configured."""

import json
from collections.abc import Iterable

from paceline.cib.resources import (
    RESOURCE_TAGS,
    find_resource,
    inner_resources,
    is_stonith,
    iterate_resources,
    parent_resource,
)
from paceline.cib.tree import Element, find_section
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import read_cib
from paceline.commands.export_texts import level_commands
from paceline.commands.output_formats import output_format
from paceline.commands.resource_records import resource_records
from paceline.commands.resource_texts import command_texts, resource_lines
from paceline.commands.stonith_level import level_lines
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

KIND_ORDER = ("primitive", "group", "clone", "master", "bundle")


def config(request: Request, ports: Ports) -> Outcome:
    """Show resources: `resource config [ID...] [--output-format text|cmd|json]`."""
    return _show(request, ports, stonith=False)


def stonith_config(request: Request, ports: Ports) -> Outcome:
    """Show fence devices: `stonith config [ID...]`."""
    return _show(request, ports, stonith=True)


def _show(request: Request, ports: Ports, *, stonith: bool) -> Outcome:
    wanted_format = output_format(request)
    root = read_cib(ports)
    tops = _chosen(request, root, stonith=stonith)
    if stonith and wanted_format == "json" and find_section(root, "fencing-topology") is not None:
        request.findings.warn(
            "text-only", "Only 'text' output format is supported for stonith levels"
        )
    if wanted_format == "json":
        record = resource_records(_with_inner(tops))
        return Outcome(text=json.dumps(record))
    if wanted_format == "cmd":
        texts = command_texts(_with_inner(tops))
        if stonith and not request.arguments:
            texts += level_commands(root)
        return Outcome(text=";\n".join(texts))
    if not tops and not request.arguments:
        return Outcome()
    levels = level_lines(root) if stonith else []
    ordered = sorted(tops, key=lambda one: KIND_ORDER.index(one.tag))
    if request.arguments:
        ordered = sorted(ordered, key=lambda one: _by_kind_and_id(one))
    lines = [line for one in ordered for line in resource_lines(one)]
    if levels:
        lines += ["", "Fencing Levels:", *(f" {line}" for line in levels)]
    return Outcome(text="\n".join(lines))


def _by_kind_and_id(element: Element) -> tuple[int, str]:
    return KIND_ORDER.index(element.tag), element.get("id", "")


def _chosen(request: Request, root: Element, *, stonith: bool) -> list[Element]:
    """Return the resources to show: those named, or all that are in no other."""
    if not request.arguments:
        return [
            one
            for one in iterate_resources(root)
            if (parent_resource(one) is None or stonith) and is_stonith(one) == stonith
        ]
    found: list[Element] = []
    missing: list[str] = []
    for wanted in dict.fromkeys(request.arguments):
        element = find_resource(root, wanted)
        if element is None or is_stonith(element) != stonith:
            missing.append(wanted)
        else:
            found.append(element)
    what = "stonith device" if stonith else "resource"
    for wanted in missing:
        request.findings.warn("id-unknown", f"Unable to find {what} '{wanted}'")
    if missing and not found:
        raise InvalidRequestError(Report(code="nothing-to-show", message=f"No {what} found"))
    return sorted(found, key=lambda one: one.get("id", ""))


def _with_inner(tops: Iterable[Element]) -> list[Element]:
    """Return resources and what is in them, each once."""
    found: dict[str, Element] = {}
    for one in tops:
        for element in (one, *one.iterdescendants(*RESOURCE_TAGS)):
            found.setdefault(element.get("id", ""), element)
    return list(found.values())


def group_list(request: Request, ports: Ports) -> Outcome:
    """List groups and their members."""
    if request.arguments:
        raise UsageError
    section = find_section(read_cib(ports), "resources")
    groups = [] if section is None else list(section.iter("group"))
    return Outcome(text="\n".join(_group_line(group) for group in groups))


def _group_line(group: Element) -> str:
    members = " ".join(one.get("id", "") for one in inner_resources(group))
    return f"{group.get('id')}: {members}"


def show(request: Request, ports: Ports) -> Outcome:
    """Answer the old word `show`: groups, or the configuration of what is named, or of all."""
    if request.has("groups"):
        return group_list(request, ports)
    return _show(request, ports, stonith=request.words[0] == "stonith")


COMMANDS = (
    Command(
        words="resource config",
        handler=config,
        needs=Needs.CIB,
        arguments="[<resource id>...]",
        options=("output-format", "show-secrets"),
        help="Show how resources are configured, as text, commands or JSON.",
    ),
    Command(
        words="stonith config",
        handler=stonith_config,
        needs=Needs.CIB,
        arguments="[<stonith id>...]",
        options=("output-format", "show-secrets"),
        help="Show how fence devices are configured, as text, commands or JSON.",
    ),
    Command(
        words="resource show",
        handler=show,
        needs=Needs.CIB,
        arguments="[<resource id>] [--full] [--groups]",
        options=("full", "groups", "hide-inactive"),
        help="Show how resources are configured (the word of pcs 0.9).",
        aliases=(Alias(words="stonith show"),),
        is_hidden=True,
    ),
    Command(
        words="resource group list",
        handler=group_list,
        needs=Needs.CIB,
        help="List groups and their members.",
        aliases=(Alias(words="status groups"),),
    ),
)
