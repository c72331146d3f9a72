"""`resource op add`, `op delete`: operations of a resource."""

from collections.abc import Mapping

from paceline.cib.constraints import check_constraint_id
from paceline.cib.nvsets import set_values
from paceline.cib.operations import (
    CHECK_LEVEL,
    OPTION_NAMES,
    OperationOptions,
    add_operation,
    interval_ms_or_none,
    normalize,
    with_interval,
)
from paceline.cib.resources import find_resource
from paceline.cib.tree import Element, find_by_id, remove
from paceline.commands.arguments import parse_pairs
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.commands.resource_update import check_operation, operation_text
from paceline.commands.resource_words import note_other_kind, unknown_resource
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report


def _refuse(code: str, message: str, *, is_forceable: bool = False) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message, is_forceable=is_forceable))


def add(request: Request, ports: Ports) -> Outcome:
    """Add an operation: `resource op add ID OPERATION [NAME=VALUE]...`."""
    if len(request.arguments) < 2:
        raise UsageError
    resource_id, name, *words = request.arguments
    given = {"name": name, **parse_pairs(words)}

    def change(root: Element) -> str:
        element = find_resource(root, resource_id, ("primitive",))
        if element is None:
            raise unknown_resource(resource_id)
        note_other_kind(request, element, "op add")
        operation, notices = normalize(given)
        request.findings.extend(notices)
        operation = with_interval(operation)
        check_operation(request, ports, element, operation)
        if "id" in operation:
            check_constraint_id(root, operation["id"])
        _refuse_duplicates(request, element, operation)
        add_operation(root, element, operation)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _refuse_duplicates(request: Request, element: Element, operation: OperationOptions) -> None:
    """Raise where the operation is there already, or, without force, another one of its name."""
    name, wanted_ms = operation["name"], interval_ms_or_none(operation["interval"])
    same_name = [one for one in element.iterfind("operations/op") if one.get("name") == name]
    same = [one for one in same_name if interval_ms_or_none(one.get("interval", "")) == wanted_ms]
    if same:
        raise _refuse(
            "operation-duplicate",
            f"operation {name} with interval {_in_seconds(operation['interval'])} already "
            "specified for "
            f"{element.get('id')}:\n" + "\n".join(operation_text(one) for one in same),
        )
    if request.is_forced:
        return
    rivals = [one for one in same_name if not _may_stand_beside(one, operation)]
    if rivals:
        raise _refuse(
            "operation-duplicate",
            f"operation {name} already specified for {element.get('id')}:\n"
            + "\n".join(operation_text(one) for one in rivals),
            is_forceable=True,
        )


def _in_seconds(interval: str) -> str:
    """Return an interval of full seconds as `10s`, another one as it is."""
    interval_ms = interval_ms_or_none(interval)
    if interval_ms is None or interval_ms % 1000:
        return interval
    return f"{interval_ms // 1000}s"


def _may_stand_beside(one: Element, operation: Mapping[str, str]) -> bool:
    """Say whether a second operation of one name makes sense: another role or check level."""
    level = set_values(one, "instance_attributes").get(CHECK_LEVEL)
    return (
        operation.get("role", "Started") != one.get("role", "Started")
        or operation.get(CHECK_LEVEL) != level
    )


def delete(request: Request, ports: Ports) -> Outcome:
    """Remove operations: `op delete ID OPERATION [NAME=VALUE]...` or `op delete OPERATION-ID`."""
    if not request.arguments:
        raise UsageError

    def change(root: Element) -> str:
        if len(request.arguments) == 1:
            _delete_by_id(root, request.arguments[0])
        else:
            _delete_matching(request, root, request.arguments)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _delete_by_id(root: Element, wanted: str) -> None:
    operation = find_by_id(root, wanted)
    if operation is None or operation.tag != "op":
        raise _refuse("operation-unknown", f"unable to find operation id: {wanted}")
    remove(operation)


def _delete_matching(request: Request, root: Element, words: tuple[str, ...]) -> None:
    resource_id, name, *rest = words
    element = find_resource(root, resource_id, ("primitive",))
    if element is None:
        raise _refuse("id-unknown", f"Unable to find resource: {resource_id}")
    note_other_kind(request, element, "op delete")
    wanted = parse_pairs(rest)
    if not wanted:
        matching = [one for one in element.iterfind("operations/op") if one.get("name") == name]
    else:
        matching = [
            one for one in element.iterfind("operations/op") if _is_exactly(one, name, wanted)
        ]
    if not matching:
        text = " ".join((name, *rest))
        raise _refuse("operation-unknown", f"Unable to find operation matching: {text}")
    for one in matching:
        remove(one)


def _is_exactly(one: Element, name: str, wanted: Mapping[str, str]) -> bool:
    own = {
        key: one.get(key, "")
        for key in OPTION_NAMES
        if one.get(key) is not None and key not in ("id", "name")
    }
    return one.get("name") == name and own == {
        key: value for key, value in wanted.items() if key != "id"
    }


def _commands(area: str) -> tuple[Command, ...]:
    return (
        Command(
            words=f"{area} op add",
            handler=add,
            needs=Needs.CIB,
            arguments=f"<{area} id> <operation> [<name>=<value>]...",
            options=("force",),
            help="Add an operation.",
        ),
        Command(
            words=f"{area} op delete",
            handler=delete,
            needs=Needs.CIB,
            arguments=f"<{area} id> <operation> [<name>=<value>]... | <operation id>",
            help="Remove an operation: exactly the one described, all of a name, or one by id.",
            aliases=(Alias(words=f"{area} op remove"),),
        ),
    )


COMMANDS = (*_commands("resource"), *_commands("stonith"))
