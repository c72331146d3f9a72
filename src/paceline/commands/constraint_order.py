"""`constraint order`: what starts (stops, is promoted) before what."""

from collections.abc import Sequence

from paceline.cib.constraints import (
    ORDER,
    add_constraint,
    check_constraint_id,
    get_resource_for_constraint,
    has_sets,
    iterate_constraints,
    remove_from_sets,
)
from paceline.cib.names import clean_id
from paceline.cib.tree import Element, remove, unique_id
from paceline.commands.arguments import parse_pairs
from paceline.commands.constraint_texts import order_text
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

ACTIONS = ("start", "promote", "stop", "demote")
KINDS = ("Optional", "Mandatory", "Serialize")
_SHOWN_LAST = ("first-action", "then-action", "symmetrical")
OPTIONS = ("first-action", "id", "kind", "require-all", "symmetrical", "then-action")


def order(request: Request, ports: Ports) -> Outcome:
    """Add an order: `constraint order [ACTION] R then [ACTION] R [OPTION=VALUE]...`."""
    words = list(request.arguments)
    if "then" not in words:
        raise UsageError
    if words.count("then") > 1:
        raise UsageError(
            "Multiple 'then's cannot be specified.",
            hint=f"Use the '{request.program} constraint order set' command if you want to create "
            "a constraint for more than two resources.",
            shows_usage=True,
        )
    middle = words.index("then")
    first, first_action, rest = _read_side(words[:middle])
    then, then_action, options_words = _read_side(words[middle + 1 :])
    if rest:
        raise UsageError
    options = parse_pairs(options_words)
    options.setdefault("first-action", first_action)
    options.setdefault("then-action", then_action)
    edit_cib(request, ports, lambda root: _add(request, root, first, then, options))
    return Outcome()


def _read_side(words: Sequence[str]) -> tuple[str, str, list[str]]:
    """Return resource, action, and the words left. Raises UsageError."""
    rest = list(words)
    action = rest.pop(0) if len(rest) > 1 and rest[0] in ACTIONS and "=" not in rest[1] else "start"
    if not rest or "=" in rest[0]:
        raise UsageError
    return rest[0], action, rest[1:]


def _refuse(code: str, message: str, *, is_forceable: bool = False) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message, is_forceable=is_forceable))


def _add(request: Request, root: Element, first: str, then: str, options: dict[str, str]) -> str:
    for resource_id in (first, then):
        get_resource_for_constraint(root, resource_id, is_forced=request.is_forced)
    if "id" in options:
        check_constraint_id(root, options["id"])
    symmetrical = options.get("symmetrical")
    if symmetrical is not None and symmetrical not in ("true", "false"):
        raise _refuse(
            "value-invalid",
            f"invalid symmetrical value '{symmetrical}', allowed values are: true, false",
        )
    _refuse_duplicates(request, root, first, then, options)
    kind = options.get("kind", "")
    for name in options:
        if name not in OPTIONS and name != "score":
            allowed = ", ".join(f"'{one}'" for one in OPTIONS)
            raise _refuse(
                "option-invalid", f"invalid option '{name}', allowed options are: {allowed}"
            )
    if kind and kind not in KINDS:
        allowed = ", ".join(f"'{one}'" for one in KINDS)
        raise _refuse(
            "value-invalid", f"invalid kind value '{kind}', allowed values are: {allowed}"
        )
    score = options.get("score", "")
    label = kind or score or "mandatory"
    wanted = options.get("id") or unique_id(root, clean_id(f"order-{first}-{then}-{label}"))
    _announce(request, first, then, options)
    pairs = [("first", first), ("then", then), ("kind", kind), ("score", score), ("id", wanted)]
    pairs += [(name, options[name]) for name in sorted(options) if name not in dict(pairs)]
    add_constraint(root, ORDER, pairs)
    return ""


def _announce(request: Request, first: str, then: str, options: dict[str, str]) -> None:
    """Say what is being added."""
    what = f"score: {options['score']}" if "score" in options and "kind" not in options else ""
    what = what or f"kind: {options.get('kind', 'Mandatory')}"
    names = [name for name in options if name not in ("kind", "score", *_SHOWN_LAST)]
    names += [name for name in _SHOWN_LAST if name in options]
    shown = " ".join(f"{name}={options[name]}" for name in names)
    request.findings.inform("adding", f"Adding {first} {then} ({what}) (Options: {shown})")


def _refuse_duplicates(
    request: Request, root: Element, first: str, then: str, options: dict[str, str]
) -> None:
    """End the request where the same actions of the same resources are ordered already."""
    if request.is_forced:
        return
    same = [
        f"  {order_text(one, shows_ids=True)}"
        for one in iterate_constraints(root, (ORDER,))
        if (one.get("first"), one.get("then")) == (first, then)
        and all(one.get(name, "start") == options[name] for name in ("first-action", "then-action"))
    ]
    if same:
        message = "\n".join(("duplicate constraint already exists", *same))
        raise _refuse("constraint-duplicate", message, is_forceable=True)


def remove_order(request: Request, ports: Ports) -> Outcome:
    """Take resources out of all orders, and of all sets of any kind, as pcs has it."""
    if not request.arguments:
        raise UsageError

    def change(root: Element) -> str:
        found = False
        for resource_id in request.arguments:
            for one in list(iterate_constraints(root)):
                if has_sets(one):
                    if any(ref.get("id") == resource_id for ref in one.iter("resource_ref")):
                        found = True
                        remove_from_sets(one, resource_id)
                elif one.tag == ORDER and resource_id in (one.get("first"), one.get("then")):
                    found = True
                    remove(one)
        if not found:
            raise _refuse("constraint-unknown", "No matching resources found in ordering list")
        return ""

    edit_cib(request, ports, change)
    return Outcome()


COMMANDS = (
    Command(
        words="constraint order",
        handler=order,
        needs=Needs.CIB,
        arguments="[action] <resource> then [action] <resource> [kind=Optional|Mandatory|Serialize]"
        " [symmetrical=true|false] [require-all=true|false] [id=<id>]",
        options=("force", "full", "all", "output-format"),
        help="Do one thing before the other; actions are start (default), promote, stop, demote.",
    ),
    Command(
        words="constraint order delete",
        handler=remove_order,
        needs=Needs.CIB,
        arguments="<resource>...",
        help="Take resources out of all order constraints.",
        aliases=(Alias(words="constraint order remove"),),
    ),
)
