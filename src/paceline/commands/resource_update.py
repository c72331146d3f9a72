"""`update`, `meta`, `utilization`: change what a resource is configured with."""

from collections.abc import Mapping

from paceline.cib.constraints import check_constraint_id
from paceline.cib.nvsets import set_values, update_first_set
from paceline.cib.operations import (
    CHECK_LEVEL,
    OperationOptions,
    add_operation,
    check_options,
    interval_ms_or_none,
    normalize,
    operation_names,
    with_interval,
)
from paceline.cib.parameters import check_changed_parameters, check_unique
from paceline.cib.resources import agent_of, find_resource, iterate_resources
from paceline.cib.tree import Element, add_element, attributes_of, remove
from paceline.cib.wording import bad_value, quoted
from paceline.commands.agent_lookup import load_metadata, missing_metadata
from paceline.commands.agent_validation import validate_by_agent
from paceline.commands.arguments import parse_pairs, split_sections
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.node_attributes import check_integers, list_pairs
from paceline.commands.resource_clone import check_promotable
from paceline.commands.resource_create import parse_operations
from paceline.commands.resource_state import set_meta
from paceline.commands.resource_words import note_other_kind, unknown_resource
from paceline.commands.waiting import check_wait, wait_if_asked
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report, Severity
from paceline.ports.agents import AgentMetadataError

PRIMITIVE = ("primitive",)


def refuse_first_errors(request: Request, reports: list[Report]) -> None:
    """Keep the reports; raise InvalidRequestError with those that `--force` does not lift."""
    errors = [
        report
        for report in reports
        if report.severity is Severity.ERROR and not (report.is_forceable and request.is_forced)
    ]
    for report in reports:
        if report not in errors:
            request.findings.add(report)
    if errors:
        raise InvalidRequestError(*errors)


def update(request: Request, ports: Ports) -> Outcome:
    """Change a resource: `resource update ID [NAME=[VALUE]...] [op ...] [meta ...]`."""
    if len(request.arguments) < 2:
        raise UsageError
    resource_id, *words = request.arguments
    first, sections = split_sections(words, ("op", "meta"))
    parameters = parse_pairs(first)
    meta = parse_pairs(sections.get("meta", ()))
    operations = _parse_operations(sections["op"]) if "op" in sections else []
    check_wait(request, ports)

    def change(root: Element) -> str:
        element = find_resource(root, resource_id)
        if element is not None and element.tag in ("clone", "master") and not operations:
            check_promotable(request, ports, element, {**parameters, **meta})
            set_meta(root, element, {**parameters, **meta})
            return ""
        if element is None or element.tag != "primitive":
            raise unknown_resource(resource_id)
        note_other_kind(request, element, "update")
        _check_parameters(request, ports, root, element, parameters)
        if parameters:
            update_first_set(root, element, "instance_attributes", parameters)
        if meta:
            refuse_guest_meta(request, meta)
            set_meta(root, element, meta)
        for operation in operations:
            _replace_operation(request, ports, root, element, operation)
        return ""

    edit_cib(request, ports, change)
    wait_if_asked(request, ports, [resource_id])
    return Outcome()


def _parse_operations(words: list[str]) -> list[OperationOptions]:
    """Return the operations; a name without options changes nothing."""
    return parse_operations(words) if any("=" in word for word in words) else []


def _check_parameters(
    request: Request,
    ports: Ports,
    root: Element,
    element: Element,
    changes: Mapping[str, str],
) -> None:
    if not changes:
        return
    name = agent_of(element)
    try:
        agent = load_metadata(ports, name)
    except AgentMetadataError as problem:
        refuse_first_errors(request, [missing_metadata(name, problem, is_forceable=True)])
        return
    before = set_values(element, "instance_attributes")
    reports = check_changed_parameters(agent, before, changes)
    after = {**before, **changes}
    touched = {name: value for name, value in changes.items() if before.get(name) != value}
    reports += check_unique(root, agent, element.get("id", ""), touched)
    refuse_first_errors(request, reports)
    validate_by_agent(request, ports, name, element.get("id", ""), after)
    request.findings.stop_if_errors()


def check_operation(
    request: Request, ports: Ports, element: Element, operation: Mapping[str, str]
) -> None:
    """Raise InvalidRequestError if the operation makes no sense for the resource's agent."""
    reports = check_options(operation)
    try:
        agent = load_metadata(ports, agent_of(element))
    except AgentMetadataError:
        agent = None
    actions = [] if agent is None else operation_names(agent)
    if agent is not None and operation["name"] not in actions:
        reports.insert(
            0,
            bad_value("operation name", operation["name"], quoted(actions), is_forceable=True),
        )
    refuse_first_errors(request, reports)


def _replace_operation(
    request: Request, ports: Ports, root: Element, element: Element, given: Mapping[str, str]
) -> None:
    """Replace the operation of this name (and role, where one is given), or add it."""
    operation, notices = normalize(given)
    request.findings.extend(notices)
    operation = with_interval(
        {key: value for key, value in operation.items() if value != "" or key == "name"}
    )
    check_operation(request, ports, element, operation)
    old = _find_to_replace(element, operation)
    if "id" in operation and (old is None or old.get("id") != operation["id"]):
        check_constraint_id(root, operation["id"])
    container = element.find("operations")
    if old is None or container is None:
        if container is None:
            add_element(element, "operations", ())
        add_operation(root, element, operation)
        return
    position = list(container).index(old)
    remove(old)
    new = add_operation(root, element, operation)
    container.remove(new)
    container.insert(position, new)


def _find_to_replace(element: Element, operation: Mapping[str, str]) -> Element | None:
    """Return the operation that an update means: of this id, or name and role, or name."""
    same_name = [
        one
        for one in element.iterfind("operations/op")
        if one.get("name") == operation["name"]
        and (not operation.get("role") or one.get("role") == operation.get("role"))
    ]
    wanted_ms = interval_ms_or_none(operation["interval"])
    for one in same_name:
        same_level = set_values(one, "instance_attributes").get(CHECK_LEVEL) == operation.get(
            CHECK_LEVEL
        )
        if same_level and interval_ms_or_none(one.get("interval", "")) == wanted_ms:
            return one
    return same_name[0] if same_name else None


def operation_text(operation: Element) -> str:
    """Return an operation as one line."""
    own = attributes_of(operation)
    shown = [f"{name}={own[name]}" for name in sorted(own) if name not in ("id", "name")]
    shown += [f"{one.get('name')}={one.get('value')}" for one in operation.iter("nvpair")]
    return f"{' '.join((own.get('name', ''), *shown))} ({own.get('id')})"


def meta(request: Request, ports: Ports) -> Outcome:
    """Change meta attributes: `resource meta ID NAME=[VALUE]...`."""
    if len(request.arguments) < 2:
        raise UsageError
    resource_id, *words = request.arguments
    changes = parse_pairs(words)
    check_wait(request, ports)

    def change(root: Element) -> str:
        element = find_resource(root, resource_id)
        if element is None:
            raise InvalidRequestError(
                Report(
                    code="id-unknown",
                    message=f"unable to find a resource/clone/group: {resource_id}",
                )
            )
        note_other_kind(request, element, "meta")
        refuse_guest_meta(request, changes)
        if element.tag == "clone":
            check_promotable(request, ports, element, changes)
        set_meta(root, element, changes)
        return ""

    edit_cib(request, ports, change)
    wait_if_asked(request, ports, [resource_id])
    return Outcome()


def refuse_guest_meta(request: Request, changes: Mapping[str, str]) -> None:
    """End the request, unless forced, where it makes or unmakes a guest node by half."""
    if "remote-node" not in changes:
        return
    verb = "add-guest" if changes["remote-node"] else "remove-guest"
    what = "creating" if changes["remote-node"] else "removing"
    report = Report(
        code="use-command",
        message=f"this command is not sufficient for {what} a guest node, use "
        f"'{request.program} cluster node {verb}'",
        is_forceable=True,
    )
    request.findings.add(report)
    request.findings.stop_if_errors()


def utilization(request: Request, ports: Ports) -> Outcome:
    """Show or set what resources need of a node: `resource utilization [ID [NAME=[VALUE]...]]`."""
    title = "Resource Utilization:"
    if len(request.arguments) < 2:
        root = read_cib(ports)
        if request.arguments and find_resource(root, request.arguments[0], PRIMITIVE) is None:
            raise _unknown(request.arguments[0])
        owners = [
            (one.get("id", ""), set_values(one, "utilization"))
            for one in iterate_resources(root)
            if not request.arguments or one.get("id") == request.arguments[0]
        ]
        return Outcome(text=list_pairs(title, owners, None))
    resource_id, *words = request.arguments
    changes = parse_pairs(words)

    def change(root: Element) -> str:
        element = find_resource(root, resource_id, PRIMITIVE)
        if element is None:
            raise _unknown(resource_id)
        note_other_kind(request, element)
        check_integers(changes)
        update_first_set(root, element, "utilization", changes)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _unknown(wanted: str) -> InvalidRequestError:
    message = f"Unable to find a resource: {wanted}"
    return InvalidRequestError(Report(code="id-unknown", message=message))


def _area_commands(area: str, what: str) -> tuple[Command, ...]:
    return (
        Command(
            words=f"{area} update",
            handler=update,
            needs=Needs.CIB,
            arguments=f"<{area} id> [<name>=[<value>]]... [op <operation> <name>=<value>...]... "
            "[meta <name>=[<value>]...]",
            options=("force", "wait", "agent-validation"),
            help=f"Change {what}; an empty value removes, an operation is replaced as a whole.",
        ),
        Command(
            words=f"{area} meta",
            handler=meta,
            needs=Needs.CIB,
            arguments=f"<{area} id> <name>=[<value>]...",
            options=("force", "wait"),
            help=f"Change meta attributes of {what}; an empty value removes one.",
        ),
    )


COMMANDS = (
    *_area_commands("resource", "a resource"),
    *_area_commands("stonith", "a fence device"),
    Command(
        words="resource utilization",
        handler=utilization,
        needs=Needs.CIB,
        arguments="[<resource id> [<name>=[<value>]...]]",
        help="Show or set what resources need of a node.",
    ),
)
