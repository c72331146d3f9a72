"""`constraint [config]` and its parts, `constraint ref`, `constraint remove`."""

import json
import time
from collections.abc import Callable

from paceline.cib.constraints import (
    COLOCATION,
    LOCATION,
    ORDER,
    TAGS,
    TICKET,
    find_constraint,
    has_sets,
    references,
)
from paceline.cib.resources import CLONE_TAGS, find_resource, parent_resource
from paceline.cib.tree import Element, find_by_id, remove
from paceline.commands import constraint_texts as texts
from paceline.commands.constraint_records import constraint_record
from paceline.commands.contract import (
    Alias,
    Command,
    Handler,
    Needs,
    Outcome,
    Ports,
    Request,
    UsageError,
)
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.export_texts import constraint_commands
from paceline.commands.output_formats import output_format
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

OPTIONS = ("all", "full", "output-format")


def _listing(lines: Callable[[Request, Element], list[str]], kinds: tuple[str, ...]) -> Handler:
    def handler(request: Request, ports: Ports) -> Outcome:
        if request.arguments:
            raise UsageError
        for_programs = _other_format(request, ports, kinds)
        if for_programs is not None:
            return for_programs
        return Outcome(text="\n".join(lines(request, read_cib(ports))))

    return handler


def _other_format(request: Request, ports: Ports, kinds: tuple[str, ...]) -> Outcome | None:
    """Return constraints as commands or JSON; None where text is wanted. Raises UsageError."""
    wanted = output_format(request)
    if wanted == "text":
        return None
    if request.has("full"):
        raise UsageError(f"option '--full' is not compatible with '{wanted}' output format.")
    root = read_cib(ports)
    if wanted == "json":
        return Outcome(text=json.dumps(constraint_record(root, kinds)))
    return Outcome(text=";\n".join(constraint_commands(root, kinds)))


def _shown(request: Request) -> texts.Shown:
    return texts.Shown(
        shows_ids=request.has("full"),
        is_classic=request.is_classic,
        now_ms=time.time_ns() // 1_000_000,
        has_expired=request.has("all"),
    )


def _all_lines(request: Request, root: Element) -> list[str]:
    return texts.all_lines(root, _shown(request))


def _section(tag: str) -> Handler:
    def lines(request: Request, root: Element) -> list[str]:
        return texts.section_lines(root, tag, _shown(request))

    return _listing(lines, (tag,))


def location_config(request: Request, ports: Ports) -> Outcome:
    """List location constraints: `[resources [R...] | nodes [N...]]`."""
    for_programs = _other_format(request, ports, (LOCATION,))
    if for_programs is not None:
        return for_programs
    root = read_cib(ports)
    shown = _shown(request)
    only = [word.removeprefix("regexp%").removeprefix("%") for word in request.arguments[1:]]
    match request.arguments[:1]:
        case ():
            lines = texts.by_resource(root, (), shown)
        case ("resources",):
            lines = texts.by_resource(root, only, shown)
        case ("nodes",):
            lines = texts.by_node(root, only, shown)
        case _:
            raise UsageError
    return Outcome(text="\n".join(("Location Constraints:", *lines)))


def ref(request: Request, ports: Ports) -> Outcome:
    """List the constraints that name resources: `constraint ref RESOURCE...`."""
    if not request.arguments:
        raise UsageError
    root = read_cib(ports)
    lines: list[str] = []
    for resource_id in request.arguments:
        lines.append(f"Resource: {resource_id}")
        found = references(root, resource_id)
        element = find_resource(root, resource_id)
        parent = None if element is None else parent_resource(element)
        if parent is not None and parent.tag in CLONE_TAGS:
            found += references(root, parent.get("id", ""))
        names = [one.get("id", "") for one in found if not has_sets(one)]
        names += sorted(one.get("id", "") for one in found if has_sets(one))
        lines += [f"  {one}" for one in names] or ["  No Matches."]
    return Outcome(text="\n".join(lines))


def remove_constraints(request: Request, ports: Ports) -> Outcome:
    """Remove constraints, or rules of constraints, by id. All of them, or none."""
    if not request.arguments:
        raise UsageError

    def change(root: Element) -> str:
        missing = [wanted for wanted in request.arguments if not _remove(root, wanted)]
        if missing:
            raise InvalidRequestError(*(_unknown(wanted) for wanted in missing))
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _unknown(wanted: str) -> Report:
    return Report(
        code="constraint-unknown",
        message=f"Unable to find constraint - '{wanted}'",
        facts=(("id", wanted),),
    )


def _remove(root: Element, wanted: str) -> bool:
    """Remove a constraint, or a rule with this id; say whether there was one."""
    constraint = find_constraint(root, wanted)
    if constraint is not None:
        remove(constraint)
        return True
    return bool(_remove_rule(root, wanted))


def _remove_rule(root: Element, wanted: str) -> str:
    """Remove a rule, and its constraint with the last one; return what went, "" if nothing."""
    rule = find_by_id(root, wanted)
    if rule is None or rule.tag != "rule":
        return ""
    owner = rule.getparent()
    remove(rule)
    if owner is not None and owner.tag == "rsc_location" and owner.find("rule") is None:
        remove(owner)
        return f"Constraint: {owner.get('id')}"
    return f"Rule: {wanted}"


def remove_rule(request: Request, ports: Ports) -> Outcome:
    """Remove one rule of a location constraint: `constraint rule remove ID`."""
    if len(request.arguments) != 1:
        raise UsageError
    wanted = request.arguments[0]

    def change(root: Element) -> str:
        removed = _remove_rule(root, wanted)
        if not removed:
            message = f"unable to find rule with id: {wanted}"
            raise InvalidRequestError(Report(code="rule-unknown", message=message))
        request.findings.inform("removing", f"Removing {removed}")
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _list_command(words: str, handler: Handler, text: str, old: str) -> Command:
    return Command(
        words=f"{words} config",
        handler=handler,
        needs=Needs.CIB,
        options=OPTIONS,
        help=text,
        aliases=(
            Alias(words=words, takes_arguments=False),
            Alias(words=f"{words} show", replaced_by=f"{words} config"),
            *((Alias(words=old, replaced_by=f"{words} config"),) if old else ()),
        ),
    )


COMMANDS = (
    _list_command(
        "constraint", _listing(_all_lines, TAGS), "List all constraints; --full shows their ids.",
        "constraint list",
    ),
    Command(
        words="constraint location config",
        handler=location_config,
        needs=Needs.CIB,
        arguments="[resources [<resource>...]] | [nodes [<node>...]]",
        options=OPTIONS,
        help="List location constraints, by resource or by node.",
        aliases=(
            Alias(words="constraint location", takes_arguments=False),
            Alias(words="constraint location show", replaced_by="constraint location config"),
        ),
    ),
    _list_command("constraint order", _section(ORDER), "List order constraints.", ""),
    _list_command("constraint colocation", _section(COLOCATION), "List colocations.", ""),
    _list_command("constraint ticket", _section(TICKET), "List ticket constraints.", ""),
    Command(
        words="constraint ref",
        handler=ref,
        needs=Needs.CIB,
        arguments="<resource>...",
        help="List the ids of the constraints that name a resource.",
    ),
    Command(
        words="constraint delete",
        handler=remove_constraints,
        needs=Needs.CIB,
        arguments="<constraint id>...",
        options=("force",),
        help="Remove constraints, or rules of location constraints, by their ids.",
        aliases=(Alias(words="constraint remove"),),
    ),
    Command(
        words="constraint rule delete",
        handler=remove_rule,
        needs=Needs.CIB,
        arguments="<rule id>",
        help="Remove a rule of a location constraint; with its last rule the constraint goes.",
        aliases=(Alias(words="constraint rule remove"),),
    ),
)  # fmt: skip
