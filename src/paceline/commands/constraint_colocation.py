"""`constraint colocation`: what runs where something else runs, or just not there."""

from collections.abc import Sequence

from paceline.cib.constraints import (
    COLOCATION,
    add_constraint,
    check_constraint_id,
    get_resource_for_constraint,
    iterate_constraints,
)
from paceline.cib.names import clean_id
from paceline.cib.operations import MODERN_ROLES, ROLES
from paceline.cib.tree import Element, remove, unique_id
from paceline.cib.wording import bad_score, quoted
from paceline.commands.arguments import parse_pairs
from paceline.commands.constraint_texts import colocation_text
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.model.scores import parse_score

OPTIONS = ("id", "influence", "node-attribute", "rsc-role", "score", "with-rsc-role")


def _refuse(code: str, message: str, *, is_forceable: bool = False) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message, is_forceable=is_forceable))


def add(request: Request, ports: Ports) -> Outcome:
    """Add one: `constraint colocation add [ROLE] R with [ROLE] R [SCORE] [OPTION=VALUE]...`."""
    words = list(request.arguments)
    if "with" not in words[1:]:
        raise UsageError
    middle = words.index("with", 1)
    left = words[:middle]
    if len(left) > 2:
        raise UsageError
    role, resource_id = ("", left[0]) if len(left) == 1 else (left[0], left[1])
    with_role, with_id, score, options = _read_right(words[middle + 1 :])
    role = _modern_role(request, options.pop("rsc-role", role))
    with_role = _modern_role(request, options.pop("with-rsc-role", with_role))
    if role and not with_role:
        with_role = "Started"
    elif with_role and not role:
        role = "Started"
    score = options.pop("score", score)

    def change(root: Element) -> str:
        for one in (resource_id, with_id):
            get_resource_for_constraint(root, one, is_forced=request.is_forced)
        if "id" in options:
            check_constraint_id(root, options["id"])
        _refuse_duplicates(request, root, resource_id, with_id)
        _check(score, options)
        wanted = options.get("id") or unique_id(
            root, clean_id(f"colocation-{resource_id}-{with_id}-{score}")
        )
        pairs = [("rsc", resource_id), ("with-rsc", with_id), ("score", score)]
        pairs += [("rsc-role", role), ("with-rsc-role", with_role)]
        pairs += [(name, value) for name, value in options.items() if name != "id"]
        add_constraint(root, COLOCATION, [*pairs, ("id", wanted)])
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _read_right(words: Sequence[str]) -> tuple[str, str, str, dict[str, str]]:
    """Return role, resource, score and options after `with`. Raises UsageError."""
    plain: list[str] = []
    rest = list(words)
    while rest and "=" not in rest[0]:
        plain.append(rest.pop(0))
    options = parse_pairs(rest)
    match plain:
        case [resource_id]:
            return "", resource_id, "INFINITY", options
        case [first, second] if _is_score(second):
            return "", first, second, options
        case [role, resource_id]:
            return role, resource_id, "INFINITY", options
        case [role, resource_id, score]:
            return role, resource_id, score, options
        case _:
            raise UsageError


def _is_score(text: str) -> bool:
    try:
        parse_score(text)
    except ValueError:
        return False
    return True


def _modern_role(request: Request, role: str) -> str:
    """Return today's name of the role, checked."""
    if not role:
        return ""
    name = role.capitalize()
    if name not in ROLES:
        raise _refuse(
            "role-invalid", f"invalid role value '{role}', allowed values are: {quoted(ROLES)}"
        )
    if name in MODERN_ROLES and not request.is_classic:
        request.findings.deprecate(
            "role-deprecated",
            f"Role value '{role}' is deprecated and should not be used, use "
            f"'{MODERN_ROLES[name]}' instead",
        )
    return MODERN_ROLES.get(name, name)


def _check(score: str, options: dict[str, str]) -> None:
    if not _is_score(score):
        raise InvalidRequestError(bad_score(score))
    for name in options:
        if name not in OPTIONS:
            raise _refuse(
                "option-invalid",
                f"invalid option '{name}', allowed options are: {quoted(OPTIONS)}",
            )


def _refuse_duplicates(request: Request, root: Element, resource_id: str, with_id: str) -> None:
    if request.is_forced:
        return
    same = [
        f"  {colocation_text(one, shows_ids=True)}"
        for one in iterate_constraints(root, (COLOCATION,))
        if one.get("rsc") == resource_id and one.get("with-rsc") == with_id
    ]
    if same:
        message = "\n".join(("duplicate constraint already exists", *same))
        raise _refuse("constraint-duplicate", message, is_forceable=True)


def remove_colocation(request: Request, ports: Ports) -> Outcome:
    """Remove those between two resources: `constraint colocation remove R WITH`."""
    if len(request.arguments) < 2:
        raise UsageError
    pair = request.arguments[:2]

    def change(root: Element) -> str:
        same = [
            one
            for one in iterate_constraints(root, (COLOCATION,))
            if (one.get("rsc"), one.get("with-rsc")) in (pair, pair[::-1])
        ]
        if not same:
            raise _refuse("constraint-unknown", "No matching resources found in ordering list")
        for one in same:
            remove(one)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


COMMANDS = (
    Command(
        words="constraint colocation add",
        handler=add,
        needs=Needs.CIB,
        arguments="[<role>] <resource> with [<role>] <resource> [score=<score>] [id=<id>]",
        options=("force",),
        help="Run a resource where another one runs; with a negative score, not there.",
    ),
    Command(
        words="constraint colocation delete",
        handler=remove_colocation,
        needs=Needs.CIB,
        arguments="<resource> <with resource>",
        help="Remove the colocation constraints between two resources.",
        aliases=(Alias(words="constraint colocation remove"),),
    ),
)
