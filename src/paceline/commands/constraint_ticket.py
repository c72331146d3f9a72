"""`constraint ticket`: what runs only while the site has a ticket."""

import re

from paceline.cib.constraints import (
    TICKET,
    add_constraint,
    find_constraint,
    has_sets,
    iterate_constraints,
    outer_resource,
    remove_from_sets,
)
from paceline.cib.names import check_new_id, clean_id
from paceline.cib.operations import MODERN_ROLES, ROLES, modern_role
from paceline.cib.resources import find_resource
from paceline.cib.tree import Element, has_id, remove, unique_id
from paceline.cib.wording import check_choice, check_option_names, check_required
from paceline.commands.arguments import parse_pairs
from paceline.commands.constraint_texts import ticket_text
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

_TICKET_NAME = re.compile(r"[A-Za-z0-9-]{1,63}")
LOSS_POLICIES = ("demote", "fence", "freeze", "stop")


def add(request: Request, ports: Ports) -> Outcome:
    """Add one: `constraint ticket add TICKET [ROLE] R [OPTION=VALUE]...`."""
    plain = [word for word in request.arguments if "=" not in word]
    options = parse_pairs([word for word in request.arguments if "=" in word])
    if not plain:
        raise UsageError("Ticket not specified")
    if len(plain) == 1:
        raise UsageError("invalid resource specification: ''")
    if len(plain) > 3:
        shown = " ".join(plain[1:])
        raise UsageError(f"invalid resource specification: '{shown}'")
    if "rsc-role" in options:
        raise UsageError(
            "Resource role must not be specified among options, specify it before resource id"
        )
    ticket, *middle = plain
    role = middle[0] if len(middle) == 2 else ""
    resource_id = middle[-1]
    edit_cib(request, ports, lambda root: _add(request, root, ticket, role, resource_id, options))
    return Outcome()


def check_ticket_name(ticket: str) -> tuple[Report, ...]:
    """Return what is wrong with the name of a ticket."""
    if _TICKET_NAME.fullmatch(ticket):
        return ()
    if not ticket:
        return check_required((), ("ticket",))
    message = (
        f"booth ticket name '{ticket}' is not valid, use up to 63 alphanumeric characters or dash"
    )
    return (Report(code="ticket-name-invalid", message=message),)


def check_member(request: Request, root: Element, wanted: str) -> None:
    """Raise InvalidRequestError if a constraint cannot name this resource (in pcs's newer words).

    A resource inside a clone or bundle should be named by the outer id; `--force` allows it.
    """
    found = find_resource(root, wanted)
    if found is None:
        what = "bundle/clone/group/resource"
        message = f"{what} '{wanted}' does not exist"
        if has_id(root, wanted):
            message = f"'{wanted}' is not a {what}"
        raise InvalidRequestError(Report(code="id-unknown", message=message))
    outer = outer_resource(found)
    if outer is None:
        return
    kind = "bundle" if outer.tag == "bundle" else "clone"
    report = Report(
        code="resource-is-inside",
        message=f"{wanted} is a {kind} resource, you should use the {kind} id: "
        f"{outer.get('id')} when adding constraints",
        is_forceable=True,
    )
    if not request.is_forced:
        raise InvalidRequestError(report)
    request.findings.add(report)


def _add(
    request: Request,
    root: Element,
    ticket: str,
    role: str,
    resource_id: str,
    options: dict[str, str],
) -> str:
    findings = request.findings
    check_member(request, root, resource_id)
    name = role.capitalize()
    if name in MODERN_ROLES and not request.is_classic:
        findings.deprecate(
            "role-deprecated",
            f"Value '{role}' of option role is deprecated and should not be used, use "
            f"'{MODERN_ROLES[name]}' value instead",
        )
    if role:
        findings.extend(check_choice("role", role if name not in ROLES else name, ROLES))
    if "loss-policy" in options:
        findings.extend(check_choice("loss-policy", options["loss-policy"], LOSS_POLICIES))
    findings.extend(check_option_names(options, ("id", "loss-policy")))
    findings.extend(check_ticket_name(ticket))
    findings.stop_if_errors()
    if "id" in options:
        reports = check_new_id(root, options["id"], "constraint id")
        if reports:
            raise InvalidRequestError(*reports)
    findings.stop_if_errors()
    modern = MODERN_ROLES.get(name, name)
    suffix = f"-{modern}" if modern else ""
    wanted = options.get("id") or unique_id(
        root, clean_id(f"ticket-{ticket}-{resource_id}{suffix}")
    )
    same = [
        one
        for one in iterate_constraints(root, (TICKET,))
        if not has_sets(one)
        and (one.get("ticket"), one.get("rsc")) == (ticket, resource_id)
        and modern_role(one.get("rsc-role", "")) == modern
    ]
    if same:
        listed = "\n".join(f"  {ticket_text(one, shows_ids=True)}" for one in same)
        findings.inform("duplicates", f"Duplicate constraints:\n{listed}")
        findings.error(
            "constraint-duplicate", "duplicate constraint already exists", is_forceable=True
        )
        findings.stop_if_errors()
    pairs = [("loss-policy", options.get("loss-policy", "")), ("ticket", ticket)]
    pairs += [("rsc", resource_id), ("rsc-role", modern), ("id", wanted)]
    add_constraint(root, TICKET, pairs)
    return ""


def remove_ticket(request: Request, ports: Ports) -> Outcome:
    """Remove what ties a resource to a ticket: `constraint ticket remove TICKET R`."""
    if len(request.arguments) != 2:
        raise UsageError
    ticket, resource_id = request.arguments

    def change(root: Element) -> str:
        found = [
            one
            for one in iterate_constraints(root, (TICKET,))
            if one.get("ticket") == ticket
            and (
                one.get("rsc") == resource_id
                or any(ref.get("id") == resource_id for ref in one.iter("resource_ref"))
            )
        ]
        if not found:
            raise InvalidRequestError(
                Report(code="constraint-unknown", message="no matching ticket constraint found")
            )
        for one in found:
            _take_out(root, one, resource_id)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _take_out(root: Element, constraint: Element, resource_id: str) -> None:
    if has_sets(constraint):
        remove_from_sets(constraint, resource_id)
    elif find_constraint(root, constraint.get("id", "")) is not None:
        remove(constraint)


COMMANDS = (
    Command(
        words="constraint ticket add",
        handler=add,
        needs=Needs.CIB,
        arguments="<ticket> [<role>] <resource> [loss-policy=fence|stop|freeze|demote] [id=<id>]",
        options=("force",),
        help="Let a resource run only while this site has the ticket.",
    ),
    Command(
        words="constraint ticket delete",
        handler=remove_ticket,
        needs=Needs.CIB,
        arguments="<ticket> <resource>",
        help="Remove the ticket constraints of a resource.",
        aliases=(Alias(words="constraint ticket remove"),),
    ),
)
