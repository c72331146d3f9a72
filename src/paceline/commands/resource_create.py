"""`resource create` and `stonith create`: a new resource from an agent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from paceline.cib.agent_metadata import AgentMetadata
from paceline.cib.names import already_exists, check_id_form, check_new_id
from paceline.cib.nvsets import update_first_set
from paceline.cib.operations import (
    OperationOptions,
    check_operation_ids,
    check_operations,
    complete,
    normalize,
)
from paceline.cib.parameters import check_new_parameters, check_unique
from paceline.cib.remote_nodes import GUEST_NAME, REMOTE_AGENT, taken_names
from paceline.cib.resources import create_primitive, find_resource, inner_resources, wrap_in_clone
from paceline.cib.tree import Element, add_element, get_section, has_id
from paceline.commands.agent_lookup import fence_agent_name, metadata_or_unknown, name_from_words
from paceline.commands.agent_validation import validate_by_agent
from paceline.commands.arguments import parse_pairs, split_sections
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.commands.waiting import check_wait, wait_if_asked
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

WRAPPERS = ("clone", "promotable", "master", "bundle", "group")


@dataclass(slots=True, kw_only=True)
class _Wanted:
    """What the words ask for."""

    resource_id: str
    agent_text: str
    parameters: dict[str, str]
    meta: dict[str, str]
    operations: list[OperationOptions]
    wrapper: str = ""
    wrapper_id: str = ""
    wrapper_meta: dict[str, str] = field(default_factory=dict)
    neighbour: str = ""
    goes_after: bool = False
    has_default_operations: bool = True
    is_clone_disabled: bool = False
    is_meta_first: bool = False
    """Only `--disabled` made meta attributes: they stand where `disable` would put them."""


def create(request: Request, ports: Ports) -> Outcome:
    """Make a resource: `resource create ID AGENT [options] [op ...] [meta ...] [...]`."""
    wanted = _read_words(request)
    check_wait(request, ports)
    name = name_from_words(request, ports, wanted.agent_text)
    if name.standard == "stonith" and not request.is_classic:
        request.findings.deprecate(
            "wrong-area",
            "Ability of this command to accept fence agent is deprecated and will be removed in a "
            f"future release. Use '{request.program} stonith create' command instead.",
        )
    agent = metadata_or_unknown(request, ports, name)
    edit_cib(request, ports, lambda root: _create(request, ports, root, agent, wanted, "resource"))
    wait_if_asked(request, ports, [wanted.resource_id])
    return Outcome()


def create_stonith(request: Request, ports: Ports) -> Outcome:
    """Make a fence device: `stonith create ID AGENT [options] [op ...] [meta ...]`."""
    wanted = _read_words(request)
    check_wait(request, ports)
    agent = metadata_or_unknown(request, ports, fence_agent_name(request, wanted.agent_text))
    edit_cib(request, ports, lambda root: _create(request, ports, root, agent, wanted, "stonith"))
    wait_if_asked(request, ports, [wanted.resource_id])
    return Outcome()


def add_resource(request: Request, ports: Ports, root: Element, words: Sequence[str]) -> None:
    """Put a resource into the tree as `resource create WORDS` would, with the same checks."""
    asked = replace(request, words=("resource", "create"), arguments=tuple(words))
    wanted = _read_words(asked)
    name = name_from_words(asked, ports, wanted.agent_text)
    agent = metadata_or_unknown(asked, ports, name)
    _create(asked, ports, root, agent, wanted, "resource")


def _read_words(request: Request) -> _Wanted:
    """Tell the parts of the command apart. Raises UsageError."""
    if len(request.arguments) < 2:
        raise UsageError
    resource_id, agent_text = request.arguments[:2]
    keywords = ("op", "meta", *WRAPPERS) if request.words[0] == "resource" else ("op", "meta")
    first, sections = split_sections(request.arguments[2:], keywords)
    wanted = _Wanted(
        resource_id=resource_id,
        agent_text=agent_text,
        parameters=parse_pairs(first),
        meta=parse_pairs(sections.get("meta", ())),
        operations=parse_operations(sections["op"]) if "op" in sections else [],
        has_default_operations=not request.has("no-default-ops"),
    )
    _read_wrapper(request, sections, wanted)
    if request.has("disabled"):
        wanted.is_clone_disabled = wanted.wrapper in ("clone", "promotable")
        if not wanted.is_clone_disabled:
            wanted.is_meta_first = not wanted.meta
            wanted.meta["target-role"] = "Stopped"
    return wanted


def parse_operations(words: list[str]) -> list[OperationOptions]:
    """Return the operations after `op`: names, each followed by its options. Raises UsageError."""
    operations: list[list[str]] = []
    for word in words:
        if "=" not in word:
            operations.append([word])
        elif operations:
            operations[-1].append(word)
        else:
            raise UsageError("When using 'op' you must specify an operation name after 'op'")
    if not operations or any(len(parts) < 2 for parts in operations):
        raise UsageError(
            "When using 'op' you must specify an operation name and at least one option"
        )
    return [parse_pairs((f"name={parts[0]}", *parts[1:])) for parts in operations]


def _read_wrapper(request: Request, sections: Mapping[str, list[str]], wanted: _Wanted) -> None:
    """Find what the resource goes into. Raises UsageError."""
    kinds = [kind for kind in WRAPPERS if kind in sections]
    if request.has("group"):
        kinds.append("group")
    for option in ("after", "before"):
        if request.has(option) and "group" not in kinds:
            raise UsageError(f"you cannot use --{option} without --group")
    if len(kinds) > 1:
        raise UsageError("you can specify only one of clone, promotable, bundle or --group")
    if request.has("after") and request.has("before"):
        raise UsageError("you cannot specify both --before and --after")
    if not kinds:
        return
    wanted.wrapper = "promotable" if kinds[0] == "master" else kinds[0]
    words = list(sections.get(kinds[0], ()))
    if wanted.wrapper == "group":
        _read_group(request, words, wanted)
        return
    if wanted.wrapper == "bundle":
        if len(words) != 1:
            raise UsageError("you have to specify exactly one bundle")
        wanted.wrapper_id = words[0]
        return
    if words and "=" not in words[0]:
        wanted.wrapper_id = words.pop(0)
    pairs = parse_pairs(words)
    if wanted.wrapper == "promotable":
        if "promotable" in pairs:
            raise UsageError("you cannot specify both promotable option and promotable keyword")
        pairs["promotable"] = "true"
        if kinds[0] == "master" and not wanted.wrapper_id:
            wanted.wrapper_id = f"{wanted.resource_id}-master"
    wanted.wrapper_meta = pairs


def _read_group(request: Request, words: list[str], wanted: _Wanted) -> None:
    group = request.value("group")
    if group is None:
        if not words:
            raise UsageError("You have to specify exactly one group after 'group'")
        group = words.pop(0)
    wanted.wrapper_id = group
    if len(words) == 2 and words[0] in ("before", "after"):
        wanted.goes_after = words[0] == "after"
        wanted.neighbour = words[1]
    elif words:
        raise UsageError
    for option in ("after", "before"):
        if value := request.value(option):
            wanted.goes_after = option == "after"
            wanted.neighbour = value


def _create(
    request: Request, ports: Ports, root: Element, agent: AgentMetadata, wanted: _Wanted, what: str
) -> str:
    """Check everything, then put the resource into the tree."""
    findings = request.findings
    form = check_id_form(wanted.resource_id, f"{what} name")
    if form or has_id(root, wanted.resource_id):
        raise InvalidRequestError(*(form or (already_exists(wanted.resource_id),)))
    place = _find_place(request, root, wanted)
    operations = []
    for operation in wanted.operations:
        modern, notices = normalize(operation)
        operations.append(modern)
        findings.extend(notices)
    completed, notices = complete(operations, agent, only_monitor=not wanted.has_default_operations)
    findings.extend(notices)
    findings.extend(tuple(_check_special(request, root, agent, wanted)))
    findings.extend(tuple(check_operations(operations, agent)))
    findings.extend(tuple(check_new_parameters(agent, wanted.parameters)))
    findings.extend(tuple(check_unique(root, agent, wanted.resource_id, wanted.parameters)))
    findings.stop_if_errors()
    if agent.exists:
        validate_by_agent(request, ports, agent.name, wanted.resource_id, wanted.parameters)
        findings.stop_if_errors()
    taken = check_operation_ids(root, operations)
    if taken:
        raise InvalidRequestError(*taken)
    if agent.name.standard == "stonith" and agent.is_unfencing:
        wanted.meta.setdefault("provides", "unfencing")
    primitive = create_primitive(
        root,
        get_section(root, "resources"),
        wanted.resource_id,
        agent.name,
        parameters=wanted.parameters,
        meta=wanted.meta,
        is_meta_first=wanted.is_meta_first,
        operations=completed,
    )
    _put_into(root, primitive, place, wanted)
    return ""


def _find_place(request: Request, root: Element, wanted: _Wanted) -> Element | None:
    """Return the group or bundle that takes the resource; report what speaks against it."""
    findings = request.findings
    if wanted.wrapper in ("clone", "promotable") and wanted.wrapper_id:
        if wanted.wrapper_id == wanted.resource_id:
            findings.add(already_exists(wanted.wrapper_id))
        findings.extend(check_new_id(root, wanted.wrapper_id))
    if wanted.wrapper == "bundle":
        return _find_bundle(request, root, wanted)
    if wanted.wrapper != "group":
        return None
    group = find_resource(root, wanted.wrapper_id, ("group",))
    if group is None:
        if wanted.wrapper_id == wanted.resource_id:
            raise InvalidRequestError(already_exists(wanted.wrapper_id))
        if has_id(root, wanted.wrapper_id):
            findings.error("not-a-group", f"'{wanted.wrapper_id}' is not a group")
        else:
            findings.extend(check_new_id(root, wanted.wrapper_id, "group name"))
    if wanted.neighbour and (
        group is None
        or all(member.get("id") != wanted.neighbour for member in inner_resources(group))
    ):
        if has_id(root, wanted.neighbour):
            findings.error(
                "not-in-group",
                f"There is no resource '{wanted.neighbour}' in the group '{wanted.wrapper_id}', "
                "cannot add resources next to it",
            )
        else:
            findings.error("id-unknown", f"'{wanted.neighbour}' does not exist")
    return group


def _find_bundle(request: Request, root: Element, wanted: _Wanted) -> Element:
    bundle = find_resource(root, wanted.wrapper_id, ("bundle",))
    if bundle is None:
        message = f"bundle '{wanted.wrapper_id}' does not exist"
        if has_id(root, wanted.wrapper_id):
            message = f"'{wanted.wrapper_id}' is not a bundle"
        raise InvalidRequestError(Report(code="id-unknown", message=message))
    inner = inner_resources(bundle)
    if inner:
        message = (
            f"bundle '{wanted.wrapper_id}' already contains resource '{inner[0].get('id')}', a "
            "bundle may contain at most one resource"
        )
        raise InvalidRequestError(Report(code="bundle-full", message=message))
    network = bundle.find("network")
    reachable = network is not None and (
        network.get("control-port") or network.get("ip-range-start")
    )
    if not reachable:
        request.findings.error(
            "bundle-unreachable",
            f"Resource '{wanted.resource_id}' will not be accessible by the cluster inside bundle "
            f"'{wanted.wrapper_id}', at least one of bundle options 'control-port' or "
            "'ip-range-start' has to be specified",
            is_forceable=True,
        )
    return bundle


def _check_special(
    request: Request, root: Element, agent: AgentMetadata, wanted: _Wanted
) -> list[Report]:
    """Return warnings about commands that do only half of what is wanted."""
    reports = []
    if agent.name == REMOTE_AGENT:
        reports.append(_not_sufficient(request, "a remote connection", "add-remote"))
    if GUEST_NAME in wanted.meta:
        reports.append(_not_sufficient(request, "a guest node", "add-guest"))
    guest = wanted.meta.get(GUEST_NAME, "")
    if guest and guest in taken_names(root):
        reports.append(already_exists(guest))
    is_wanted = wanted.wrapper_meta.get("promotable", "").lower() in ("true", "yes", "on", "1", "y")
    if is_wanted and not agent.is_promotable:
        reports.append(
            Report(
                code="agent-not-promotable",
                message=f"Clone option 'promotable' is not compatible with '{agent.name}' resource "
                "agent",
                is_forceable=agent.exists,
            )
        )
    return reports


def _not_sufficient(request: Request, what: str, command: str) -> Report:
    return Report(
        code="use-command",
        message=f"this command is not sufficient for creating {what}, use "
        f"'{request.program} cluster node {command}'",
        is_forceable=True,
    )


def _put_into(root: Element, primitive: Element, place: Element | None, wanted: _Wanted) -> None:
    """Move the new primitive to where it belongs."""
    match wanted.wrapper:
        case "clone" | "promotable":
            clone = wrap_in_clone(root, primitive, wanted.wrapper_id, wanted.wrapper_meta)
            if wanted.is_clone_disabled:
                disabled = {"target-role": "Stopped"}
                update_first_set(root, clone, "meta_attributes", disabled, position=0)
        case "bundle":
            if place is not None:
                place.append(primitive)
        case "group":
            if place is None:
                attributes = (("id", wanted.wrapper_id),)
                place = add_element(get_section(root, "resources"), "group", attributes)
            insert_into_group(place, primitive, wanted.neighbour, goes_after=wanted.goes_after)


def insert_into_group(
    group: Element, resource: Element, neighbour: str, *, goes_after: bool
) -> None:
    """Put a resource into a group: next to a member, or after the last one."""
    members = inner_resources(group)
    for member in members:
        if member.get("id") == neighbour:
            if goes_after:
                member.addnext(resource)
            else:
                member.addprevious(resource)
            return
    if members:
        members[-1].addnext(resource)
    else:
        group.insert(0, resource)


_DETAILS = (
    "Operations that are not given come from the agent. With clone or promotable the resource is "
    "cloned at once, with group or bundle it is put into one."
)

COMMANDS = (
    Command(
        words="resource create",
        handler=create,
        needs=Needs.CIB,
        arguments="<resource id> [<standard>:[<provider>:]]<type> [<name>=<value>]... "
        "[op <operation> <name>=<value>...]... [meta <name>=<value>...] "
        "[clone [<clone id>] [<name>=<value>]... | promotable [<clone id>] [<name>=<value>]... | "
        "group <group id> [before|after <resource id>] | bundle <bundle id>]",
        options=(
            "disabled", "no-default-ops", "agent-validation", "force", "wait", "group", "before",
            "after",
        ),
        help="Create a resource from an agent.",
        details=_DETAILS,
    ),
    Command(
        words="stonith create",
        handler=create_stonith,
        needs=Needs.CIB,
        arguments="<stonith id> <agent> [<name>=<value>]... "
        "[op <operation> <name>=<value>...]... [meta <name>=<value>...]",
        options=("disabled", "no-default-ops", "agent-validation", "force", "wait"),
        help="Create a fence device from an agent.",
    ),
)  # fmt: skip
