"""`constraint order|colocation|ticket set`: constraints of sets of resources."""

from collections.abc import Sequence
from dataclasses import dataclass

from paceline.cib.constraints import (
    COLOCATION,
    ORDER,
    TICKET,
    add_constraint,
    add_sets,
    has_sets,
    iterate_constraints,
    set_constraint_id,
    sets_of,
)
from paceline.cib.names import check_new_id
from paceline.cib.operations import MODERN_ROLES, ROLES
from paceline.cib.resources import find_resource, parent_resource
from paceline.cib.tree import Element
from paceline.cib.wording import (
    bad_score,
    check_choice,
    check_option_names,
    check_required,
)
from paceline.commands.arguments import parse_pairs, split_repeated
from paceline.commands.constraint_order import ACTIONS, KINDS
from paceline.commands.constraint_texts import set_text
from paceline.commands.constraint_ticket import LOSS_POLICIES, check_member
from paceline.commands.contract import Command, Handler, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.model.scores import parse_score

SET_OPTIONS = ("action", "require-all", "role", "sequential")
BOOLEANS = ("false", "true")

Members = tuple[list[str], dict[str, str]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of constraint of sets."""

    tag: str
    word: str
    options: tuple[str, ...]


_KINDS = (
    _Kind(COLOCATION, "colocation", ("id", "score")),
    _Kind(ORDER, "order", ("id", "kind", "symmetrical")),
    _Kind(TICKET, "ticket", ("id", "loss-policy", "ticket")),
)


def _handler(kind: _Kind) -> Handler:
    def handler(request: Request, ports: Ports) -> Outcome:
        sets, options = _read(request.arguments)

        def change(root: Element) -> str:
            _check_options(kind, options)
            _check_sets(request, root, kind, sets)
            if "id" in options:
                reports = check_new_id(root, options["id"], "constraint id")
                if reports:
                    raise InvalidRequestError(*reports)
            request.findings.stop_if_errors()
            _add(request, root, kind, sets, options)
            return ""

        edit_cib(request, ports, change)
        return Outcome()

    return handler


def _read(words: Sequence[str]) -> tuple[list[Members], dict[str, str]]:
    """Return the sets and the options of the constraint. Raises UsageError."""
    before, groups = split_repeated(words, "setoptions")
    if len(groups) > 1:
        raise UsageError
    first, others = split_repeated(before, "set")
    sets = []
    for group in (first, *others):
        members = [word for word in group if "=" not in word]
        if not members:
            raise UsageError
        sets.append((members, parse_pairs([word for word in group if "=" in word])))
    return sets, parse_pairs(groups[0]) if groups else {}


def _check_options(kind: _Kind, options: dict[str, str]) -> None:
    """Raise InvalidRequestError for what is wrong with the constraint's options."""
    reports = [*check_option_names(options, kind.options)]
    if kind.tag == TICKET:
        reports += check_required([name for name in options if options[name]], ("ticket",))
    for name, choices in (
        ("kind", KINDS),
        ("loss-policy", LOSS_POLICIES),
        ("symmetrical", BOOLEANS),
    ):
        if name in options and name in kind.options:
            reports += check_choice(name, options[name], choices)
    if "score" in options and kind.tag == COLOCATION:
        try:
            parse_score(options["score"])
        except ValueError:
            reports.append(bad_score(options["score"]))
    if reports:
        raise InvalidRequestError(*reports)


def _refuse_same_group(root: Element, sets: Sequence[Members]) -> None:
    """Raise InvalidRequestError for different members of one group: the group orders them."""
    members = sorted({member for names, _options in sets for member in names})
    groups = [element for element in (_group_of(root, member) for member in members) if element]
    if len(groups) != len(set(groups)):
        message = "Cannot create an order constraint for resources in the same group"
        raise InvalidRequestError(Report(code="same-group", message=message))


def _group_of(root: Element, member: str) -> str:
    """Return the id of the group that a resource is in, or ""."""
    found = find_resource(root, member)
    parent = None if found is None else parent_resource(found)
    return parent.get("id", "") if parent is not None and parent.tag == "group" else ""


def _check_sets(request: Request, root: Element, kind: _Kind, sets: Sequence[Members]) -> None:
    for _members, options in sets:
        request.findings.extend(check_option_names(options, SET_OPTIONS, what="set"))
        if "action" in options:
            request.findings.extend(check_choice("action", options["action"], ACTIONS))
        if "role" in options:
            _check_role(request, options)
        for name in ("require-all", "sequential"):
            if name in options:
                request.findings.extend(check_choice(name, options[name], BOOLEANS))
    request.findings.stop_if_errors()
    for members, _options in sets:
        for member in members:
            check_member(request, root, member)
    if kind.tag == ORDER:
        _refuse_same_group(root, sets)


def _check_role(request: Request, options: dict[str, str]) -> None:
    """Check a set's role; an old name becomes today's."""
    role = options["role"]
    request.findings.extend(check_choice("role", role, ROLES))
    modern = MODERN_ROLES.get(role, role)
    if modern != role and not request.is_classic:
        request.findings.deprecate(
            "role-deprecated",
            f"Value '{role}' of option role is deprecated and should not be used, use '{modern}' "
            "value instead",
        )
    options["role"] = modern


def _add(
    request: Request,
    root: Element,
    kind: _Kind,
    sets: Sequence[Members],
    options: dict[str, str],
) -> None:
    same = [
        one
        for one in iterate_constraints(root, (kind.tag,))
        if has_sets(one)
        and [members for members, _own in sets_of(one)] == [list(members) for members, _own in sets]
        and (kind.tag != TICKET or one.get("ticket") == options.get("ticket"))
    ]
    if same:
        listed = "\n".join(f"  {set_text(one, shows_ids=True)}" for one in same)
        request.findings.inform("duplicates", f"Duplicate constraints:\n{listed}")
        request.findings.error(
            "constraint-duplicate", "duplicate constraint already exists", is_forceable=True
        )
        request.findings.stop_if_errors()
    wanted = options.get("id") or set_constraint_id(
        root, kind.word, [members for members, _options in sets]
    )
    pairs = dict(options)
    if kind.tag == COLOCATION:
        pairs.setdefault("score", "INFINITY")
    pairs.pop("id", None)
    constraint = add_constraint(root, kind.tag, [*sorted(pairs.items()), ("id", wanted)])
    add_sets(root, constraint, sets)


COMMANDS = tuple(
    Command(
        words=f"constraint {kind.word} set",
        handler=_handler(kind),
        needs=Needs.CIB,
        arguments="<resource>... [<name>=<value>]... [set <resource>... [<name>=<value>]...]... "
        "[setoptions <name>=<value>...]",
        options=("force",),
        help=f"Add a {kind.word} constraint between sets of resources.",
        details=f"A set's options are {', '.join(SET_OPTIONS)}; those of the whole are "
        f"{', '.join(kind.options)}.",
    )
    for kind in _KINDS
)
