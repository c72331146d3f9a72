"""`resource clone`, `promotable`, `unclone`: instances on several nodes."""

from collections.abc import Mapping

from paceline.cib.constraints import references, remove_from_sets, rename_in_constraints
from paceline.cib.names import check_id_form
from paceline.cib.resources import (
    CLONE_TAGS,
    agent_of,
    find_resource,
    inner_resources,
    is_stonith,
    outer_clone,
    parent_resource,
    primitives_of,
    wrap_in_clone,
)
from paceline.cib.tags import drop_from_tags
from paceline.cib.tree import Element, get_section, has_id, remove
from paceline.commands.agent_lookup import load_metadata, missing_metadata
from paceline.commands.arguments import parse_pairs
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.commands.resource_group import remove_group
from paceline.commands.resource_words import note_other_kind
from paceline.commands.waiting import check_wait, wait_if_asked
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.ports.agents import AgentMetadataError

OLD_NAMES = {"master-max": "promoted-max", "master-node-max": "promoted-node-max"}
"""Meta attributes of pcs 0.9's masters, and what they are called today."""


def _refuse(code: str, message: str, *, is_forceable: bool = False) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message, is_forceable=is_forceable))


def clone(request: Request, ports: Ports) -> Outcome:
    """Clone a resource: `resource clone R|GROUP [CLONE-ID] [meta] NAME=VALUE...`."""
    return _clone(request, ports, is_promotable=False)


def promotable(request: Request, ports: Ports) -> Outcome:
    """Clone a resource whose instances can be promoted."""
    return _clone(request, ports, is_promotable=True)


def master(request: Request, ports: Ports) -> Outcome:
    """Do the same with the word, and the order of ids, of pcs 0.9: `master [CLONE-ID] R ...`."""
    return _clone(request, ports, is_promotable=True, is_old=True)


def _clone(request: Request, ports: Ports, *, is_promotable: bool, is_old: bool = False) -> Outcome:
    names = [word for word in request.arguments if "=" not in word and word != "meta"]
    pairs = parse_pairs([word for word in request.arguments if "=" in word])
    if len(names) > 2:
        raise UsageError(f"missing value of '{names[2]}' option")
    if not names:
        raise UsageError
    resource_id, clone_id = names[0], names[1] if len(names) == 2 else ""
    if is_old and clone_id:
        resource_id, clone_id = clone_id, resource_id
    elif is_old:
        clone_id = f"{resource_id}-master"
    if is_old:
        pairs = {OLD_NAMES.get(name, name): value for name, value in pairs.items()}
    if is_promotable:
        if "promotable" in pairs:
            raise UsageError("you cannot specify both promotable option and promotable keyword")
        pairs["promotable"] = "true"
    check_wait(request, ports)

    def change(root: Element) -> str:
        element = find_resource(root, resource_id, ("primitive", "group"))
        if element is None:
            raise _refuse("id-unknown", f"unable to find group or resource: {resource_id}")
        _check(request, root, element, clone_id)
        check_promotable(request, ports, element, pairs)
        parent = parent_resource(element)
        made = wrap_in_clone(root, element, clone_id, pairs)
        rename_in_constraints(root, resource_id, made.get("id", ""))
        if parent is not None and not inner_resources(parent):
            remove_group(root, parent)
        return ""

    edit_cib(request, ports, change)
    wait_if_asked(request, ports, [resource_id])
    return Outcome()


def _check(
    request: Request,
    root: Element,
    element: Element,
    clone_id: str,
) -> None:
    name = element.get("id", "")
    if element.tag == "group" and outer_clone(element) is not None:
        raise _refuse("already-cloned", "cannot clone a group that has already been cloned")
    if outer_clone(element) is not None:
        raise _refuse("already-cloned", f"{name} is already a clone resource")
    parent = parent_resource(element)
    if parent is not None and parent.tag == "bundle":
        raise _refuse("in-bundle", "cannot clone bundle resource")
    if clone_id:
        if check_id_form(clone_id, "id"):
            raise _refuse("id-bad-character", f"invalid id '{clone_id}'")
        if has_id(root, clone_id):
            raise _refuse("id-already-exists", f"id '{clone_id}' already exists")
    if is_stonith(element):
        note_other_kind(request, element)
        if not request.is_forced:
            raise _refuse(
                "stonith-clone",
                f"No need to clone stonith resource '{name}', any node can use a stonith resource "
                "(unless specifically banned) regardless of whether the stonith resource is "
                "running on that node or not",
                is_forceable=True,
            )


def check_promotable(
    request: Request, ports: Ports, element: Element, meta: Mapping[str, str]
) -> None:
    """Refuse `promotable=true` for agents that cannot be promoted, unless forced."""
    if meta.get("promotable", "").lower() not in ("true", "yes", "on", "1", "y"):
        return
    wrong: list[Report] = []
    for primitive in primitives_of(element):
        name = agent_of(primitive)
        if name.standard != "ocf":
            can_promote = False
        else:
            try:
                can_promote = load_metadata(ports, name).is_promotable
            except AgentMetadataError as problem:
                wrong.append(missing_metadata(name, problem, is_forceable=True))
                continue
        if not can_promote:
            wrong.append(
                Report(
                    code="agent-not-promotable",
                    message=f"Clone option 'promotable' is not compatible with '{name}' resource "
                    f"agent of resource '{primitive.get('id')}'"
                    + (f" in group '{element.get('id')}'" if element.tag == "group" else ""),
                    is_forceable=name.standard == "ocf",
                )
            )
    if wrong and not request.is_forced:
        raise InvalidRequestError(*wrong)
    for report in wrong:
        request.findings.add(report)


def unclone(request: Request, ports: Ports) -> Outcome:
    """Run one instance only again: `resource unclone CLONE|R`."""
    if len(request.arguments) != 1:
        raise UsageError
    wanted = request.arguments[0]
    check_wait(request, ports)

    def change(root: Element) -> str:
        element = find_resource(root, wanted, ("primitive", "group", *CLONE_TAGS))
        if element is None:
            raise _refuse("id-unknown", f"could not find resource: {wanted}")
        outer = element if element.tag in CLONE_TAGS else outer_clone(element)
        if outer is None:
            raise _refuse("not-a-clone", f"'{wanted}' is not a clone resource")
        _dissolve(root, outer, element)
        return ""

    edit_cib(request, ports, change)
    wait_if_asked(request, ports)
    return Outcome()


def _dissolve(root: Element, outer: Element, element: Element) -> None:
    """Put what is inside a clone beside the others; the clone goes, with what names it."""
    place = get_section(root, "resources")
    for inner in inner_resources(outer):
        if element.tag == "primitive" and inner.tag == "group" and len(inner_resources(inner)) > 1:
            place.append(element)
            return
        place.append(inner)
    drop_constraints(root, outer.get("id", ""))
    drop_from_tags(root, outer.get("id", ""))
    remove(outer)


def drop_constraints(root: Element, resource_id: str) -> None:
    """Remove the constraints on a resource; from sets only the resource itself."""
    for one in references(root, resource_id):
        if one.find("resource_set") is not None:
            remove_from_sets(one, resource_id)
        else:
            remove(one)


COMMANDS = (
    Command(
        words="resource clone",
        handler=clone,
        needs=Needs.CIB,
        arguments="<resource id | group id> [<clone id>] [meta <name>=<value>...]",
        options=("force", "wait"),
        help="Run a resource or a group on several nodes.",
    ),
    Command(
        words="resource promotable",
        handler=promotable,
        needs=Needs.CIB,
        arguments="<resource id | group id> [<clone id>] [meta <name>=<value>...]",
        options=("force", "wait"),
        help="Run a resource on several nodes and promote some of its instances.",
    ),
    Command(
        words="resource master",
        handler=master,
        needs=Needs.CIB,
        arguments="[<clone id>] <resource id | group id> [<name>=<value>]...",
        options=("force", "wait"),
        help="The word of pcs 0.9 for promotable.",
        is_hidden=True,
    ),
    Command(
        words="resource unclone",
        handler=unclone,
        needs=Needs.CIB,
        arguments="<clone id | resource id | group id>",
        options=("wait",),
        help="Run one instance only.",
        aliases=(Alias(words="resource clone remove"),),
    ),
)
