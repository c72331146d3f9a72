"""`resource move`, `ban`, `clear`: where a resource runs, by hand."""

import time
from dataclasses import replace

from paceline.cib.constraints import LOCATION, add_constraint, iterate_constraints
from paceline.cib.remote_nodes import node_names
from paceline.cib.resources import (
    RESOURCE_TAGS,
    find_resource,
    is_promotable_clone,
    outer_clone,
)
from paceline.cib.rule_effects import Effect, effect_of_date
from paceline.cib.tree import Element, add_element, has_id, parse_cib, remove
from paceline.cib.wording import quoted
from paceline.commands.contract import (
    Command,
    ErrorsHaveOccurredError,
    Findings,
    Needs,
    Outcome,
    Ports,
    Request,
    UsageError,
)
from paceline.commands.edit import edit_cib
from paceline.commands.lifetimes import end_of_lifetime, read_lifetime_ms
from paceline.commands.node_attributes import unknown_node
from paceline.commands.resource_places import running_on
from paceline.commands.resource_words import note_other_kind
from paceline.commands.waiting import WAIT_MS_DEFAULT, check_wait, wait_if_asked, wait_limit_ms
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.ports.daemon import JsonRecord

PREFER, BAN = "cli-prefer", "cli-ban"


def _find(request: Request, root: Element, wanted: str, node: str = "") -> Element:
    """Return the resource, or end the request, saying also if there is no such node."""
    element = find_resource(root, wanted)
    if element is None:
        what = "bundle/clone/group/resource"
        message = f"{what} '{wanted}' does not exist"
        if has_id(root, wanted):
            message = f"'{wanted}' is not a {what}"
        request.findings.error("id-unknown", message)
        _check_node(request, root, node)
        raise ErrorsHaveOccurredError()
    note_other_kind(request, element, device="stonith device")
    return element


def _read(request: Request) -> tuple[str, str, int | None]:
    """Return resource, node and lifetime in milliseconds. Raises UsageError."""
    plain = [word for word in request.arguments if "=" not in word]
    pairs = dict(word.split("=", 1) for word in request.arguments if "=" in word)
    lifetime = pairs.pop("lifetime", request.value("lifetime"))
    if pairs or not 1 <= len(plain) <= 2:
        verb = {"ban": "ban", "clear": "clear"}.get(request.words[-1], "move")
        raise UsageError("" if plain else f"must specify a resource to {verb}")
    lifetime_ms = read_lifetime_ms(lifetime) if lifetime else None
    if request.has("master") and not request.is_classic:
        request.findings.deprecate(
            "option-deprecated",
            "Option '--master' is deprecated and has been replaced by option '--promoted'",
        )
    return plain[0], plain[1] if len(plain) == 2 else "", lifetime_ms


def _role(request: Request) -> str:
    return "Promoted" if request.has("promoted") or request.has("master") else "Started"


def _refuse_wrong_target(request: Request, element: Element, verb: str) -> None:
    """Refuse what cannot be moved or banned as it was named."""
    findings = request.findings
    if request.has("promoted") and not is_promotable_clone(element):
        outer = outer_clone(element)
        hint = ""
        if outer is not None and is_promotable_clone(outer):
            hint = f" ({outer.get('id')})"
        findings.error(
            "not-promotable",
            f"when specifying --promoted you must use the promotable clone id{hint}",
        )
    elif verb == "move":
        clone = element if element.tag in ("clone", "master") else outer_clone(element)
        if element.tag == "bundle":
            findings.error("cannot-move", "cannot move bundle resources")
        elif clone is not None and not is_promotable_clone(clone):
            findings.error("cannot-move", "cannot move cloned resources")
        elif clone is not None and clone is not element:
            findings.error(
                "cannot-move",
                "to move promotable clone resources you must use the promotable clone id "
                f"({clone.get('id')})",
            )
    findings.stop_if_errors()


def _check_node(request: Request, root: Element, name: str) -> None:
    """End the request if the configuration has nodes, but not this one."""
    known = node_names(root)
    if name and known and name not in known:
        request.findings.add(unknown_node(name))
        request.findings.stop_if_errors()


def ban(request: Request, ports: Ports) -> Outcome:
    """Keep a resource off a node: `resource ban R [NODE] [lifetime=T]`."""
    if not request.arguments:
        raise UsageError("must specify a resource to ban")
    resource_id, node, lifetime_ms = _read(request)
    check_wait(request, ports)

    def change(root: Element) -> str:
        element = _find(request, root, resource_id, node)
        _refuse_wrong_target(request, element, "ban")
        _check_node(request, root, node)
        where = node or _only_place(ports, root, element)
        _drop(root, resource_id, (f"{BAN}-{resource_id}-on-{where}",))
        _constrain(
            request, root, f"{BAN}-{resource_id}-on-{where}", resource_id, where, "-INFINITY",
            lifetime_ms,
        )  # fmt: skip
        _announce_ban(request, resource_id, where)
        return ""

    edit_cib(request, ports, change)
    wait_if_asked(request, ports)
    return Outcome()


def _only_place(ports: Ports, root: Element, element: Element) -> str:
    """Return the node that the resource runs on. Raises InvalidRequestError unless it is one."""
    places = running_on(ports.cib.read(), element.get("id", ""))
    if not places:
        raise InvalidRequestError(
            Report(
                code="not-running",
                message="You must specify a node when moving/banning a stopped resource",
            )
        )
    if len(places) > 1:
        listed = ", ".join(f"'{place}'" for place in places)
        raise InvalidRequestError(
            Report(
                code="running-on-several",
                message=f"{element.get('id')} runs on several nodes ({listed}); say which one",
            )
        )
    return places[0]


def _announce_ban(request: Request, resource_id: str, node: str) -> None:
    deed = "being promoted" if _role(request) == "Promoted" else "running"
    request.findings.warn(
        "constraint-stays",
        f"Creating location constraint '{BAN}-{resource_id}-on-{node}' with a score of -INFINITY "
        f"for resource {resource_id} on {node}.\n"
        f"\tThis will prevent {resource_id} from {deed} on {node} until the constraint is removed\n"
        f"\tThis will be the case even if {node} is the last node in the cluster",
    )


def _drop(root: Element, resource_id: str, ids: tuple[str, ...]) -> None:
    for one in list(iterate_constraints(root, (LOCATION,))):
        if one.get("id") in ids and one.get("rsc") == resource_id:
            remove(one)


def _constrain(
    request: Request,
    root: Element,
    wanted: str,
    resource_id: str,
    node: str,
    score: str,
    lifetime_ms: int | None,
) -> None:
    """Add the constraint; with a lifetime it is a rule that ends then."""
    base = [("id", wanted), ("rsc", resource_id), ("role", _role(request))]
    if lifetime_ms is None:
        add_constraint(root, LOCATION, [*base, ("node", node), ("score", score)])
        return
    shown = end_of_lifetime(lifetime_ms)
    request.findings.inform("lifetime", f"Migration will take effect until: {shown}")
    constraint = add_constraint(root, LOCATION, base)
    rule_id, expression_id, date_id = _lifetime_ids(wanted, resource_id)
    rule = add_element(
        constraint, "rule", (("id", rule_id), ("score", score), ("boolean-op", "and"))
    )
    expression = (("attribute", "#uname"), ("operation", "eq"), ("value", node))
    add_element(rule, "expression", (("id", expression_id), *expression, ("type", "string")))
    add_element(rule, "date_expression", (("id", date_id), ("operation", "lt"), ("end", shown)))


def _lifetime_ids(wanted: str, resource_id: str) -> tuple[str, str, str]:
    """Return the ids of a rule that ends, its expression and its date, as crm_resource has them."""
    if wanted == f"{PREFER}-{resource_id}":
        return (
            f"{PREFER}-rule-{resource_id}",
            f"{PREFER}-expr-{resource_id}",
            f"{PREFER}-lifetime-end-{resource_id}",
        )
    return f"{wanted}-rule", f"{wanted}-expr", f"{wanted}-lifetime"


def move_with_constraint(request: Request, ports: Ports) -> Outcome:
    """Make a resource prefer a node, or, without one, leave where it runs."""
    resource_id, node, lifetime_ms = _read(request)
    check_wait(request, ports)
    edit_cib(
        request, ports, lambda root: _move(request, ports, root, resource_id, node, lifetime_ms)
    )
    if not request.is_classic and lifetime_ms is None:
        request.findings.warn(
            "constraint-stays",
            "A move constraint has been created and the resource "
            f"'{resource_id}' may or may not move depending on other configuration",
        )
    wait_if_asked(request, ports)
    return Outcome()


def _move(
    request: Request,
    ports: Ports,
    root: Element,
    resource_id: str,
    node: str,
    lifetime_ms: int | None,
) -> str:
    element = _find(request, root, resource_id, node)
    _refuse_wrong_target(request, element, "move")
    _check_node(request, root, node)
    if node:
        _drop(root, resource_id, (f"{PREFER}-{resource_id}", f"{BAN}-{resource_id}-on-{node}"))
        wanted, score, where = f"{PREFER}-{resource_id}", "INFINITY", node
    else:
        where = _only_place(ports, root, element)
        _drop(root, resource_id, (f"{PREFER}-{resource_id}",))
        wanted, score = f"{BAN}-{resource_id}-on-{where}", "-INFINITY"
        _announce_ban(request, resource_id, where)
    _constrain(request, root, wanted, resource_id, where, score, lifetime_ms)
    return ""


def move(request: Request, ports: Ports) -> Outcome:
    """Move a resource and leave nothing behind: constrain, wait until it has moved, lift it again.

    On a file there is nothing to wait for, so the constraint stays, as with pcs 0.9.
    """
    if not ports.cib.is_live or request.is_classic:
        return move_with_constraint(request, ports)
    resource_id, node, lifetime_ms = _read(request)
    if request.has("strict"):
        _refuse_if_others_move(request, ports, resource_id, node)
    edit_cib(
        request, ports, lambda root: _move(request, ports, root, resource_id, node, lifetime_ms)
    )
    limit_ms = wait_limit_ms(request) if request.has("wait") else WAIT_MS_DEFAULT
    question: JsonRecord = {"do": "wait", "timeout_ms": limit_ms}
    try:
        answer = ports.daemon.ask(question, timeout_ms=limit_ms)
    finally:
        edit_cib(request, ports, lambda root: " ".join(_clear(root, resource_id, "")))
    if answer.get("ok") is not True:
        request.findings.error(
            "not-moved",
            f"Resource '{resource_id}' did not settle in time; the constraint was removed again",
        )
        return Outcome()
    places = running_on(ports.cib.read(), resource_id)
    if node and node not in places:
        request.findings.error(
            "not-moved",
            f"Resource '{resource_id}' was not moved to node '{node}'; the constraint was removed "
            "again",
            advice=f"'{request.program} why {resource_id} {node}' says why not.",
        )
        return Outcome()
    listed = ", ".join(f"'{place}'" for place in places) or "no node"
    request.findings.inform(
        "moved", f"Resource '{resource_id}' is running on {_nodes_word(places)} {listed}"
    )
    return Outcome()


def _refuse_if_others_move(request: Request, ports: Ports, resource_id: str, node: str) -> None:
    """End the request where moving the resource would do something to others."""
    from paceline.commands.resource_safe_disable import changes_brought  # brings the scheduler

    snapshot = ports.cib.read()
    before = parse_cib(snapshot.document)
    after = parse_cib(snapshot.document)
    silent = replace(request, findings=Findings(is_forced=request.is_forced))
    try:
        _move(silent, ports, after, resource_id, node, None)
    except InvalidRequestError:
        return  # the move itself says what is wrong
    element = find_resource(after, resource_id)
    own = {one.get("id") for one in (() if element is None else element.iter(*RESOURCE_TAGS))}
    brought = changes_brought(before, after, snapshot.status)
    others = sorted({one.resource for one in brought if one.resource.partition(":")[0] not in own})
    if others:
        message = f"Unable to move resource '{resource_id}': other resources would be affected"
        request.findings.error("others-affected", f"{message}: {quoted(others)}")
    request.findings.refuse_if_errors()


def _nodes_word(places: tuple[str, ...]) -> str:
    return "node" if len(places) < 2 else "nodes"


def clear(request: Request, ports: Ports) -> Outcome:
    """Lift what move and ban left behind: `resource clear R [NODE] [--expired]`."""
    if not request.arguments:
        raise UsageError("must specify a resource to clear")
    if len(request.arguments) > 2:
        raise UsageError
    resource_id, *places = request.arguments
    check_wait(request, ports)

    def change(root: Element) -> str:
        _refuse_wrong_target(request, _find(request, root, resource_id), "clear")
        node = places[0] if places else ""
        if node:
            _refuse_unknown_place(root, resource_id, node)
        for removed in _clear(root, resource_id, node, only_expired=request.has("expired")):
            request.findings.inform("constraint-removed", f"Removing constraint: {removed}")
        return ""

    edit_cib(request, ports, change)
    wait_if_asked(request, ports)
    return Outcome()


def _refuse_unknown_place(root: Element, resource_id: str, node: str) -> None:
    """Raise InvalidRequestError if there is no such node, and nothing left behind for one."""
    known = node_names(root)
    left_behind = {_node_of(one) for one in iterate_constraints(root, (LOCATION,))}
    if known and node not in known | left_behind:
        message = f"cannot clear resource '{resource_id}'\nNode '{node}' not found"
        raise InvalidRequestError(Report(code="node-unknown", message=message))


def _clear(root: Element, resource_id: str, node: str, *, only_expired: bool = False) -> list[str]:
    """Remove what move and ban left behind; return the constraints' ids."""
    removed: list[str] = []
    now_ms = time.time_ns() // 1_000_000
    for one in list(iterate_constraints(root, (LOCATION,))):
        name = one.get("id", "")
        is_prefer = name == f"{PREFER}-{resource_id}"
        is_ban = name.startswith(f"{BAN}-{resource_id}-on-")
        if not (is_prefer or is_ban) or one.get("rsc") != resource_id:
            continue
        if only_expired and _lifetime_effect(one, now_ms) is not Effect.EXPIRED:
            continue
        if node and node not in (_node_of(one), name.removeprefix(f"{BAN}-{resource_id}-on-")):
            continue
        remove(one)
        removed.append(name)
    return removed


def _lifetime_effect(constraint: Element, now_ms: int) -> Effect:
    """Return whether the time of a constraint that move or ban made is over."""
    dates = list(constraint.iter("date_expression"))
    return effect_of_date(dates[0], now_ms) if len(dates) == 1 else Effect.UNKNOWN


def _node_of(constraint: Element) -> str:
    """Return the node that a constraint names, also in a rule with a lifetime."""
    for expression in constraint.iter("expression"):
        if expression.get("attribute") == "#uname":
            return expression.get("value", "")
    return constraint.get("node", "")


_PLACE = "<resource id> [<node>] [lifetime=<duration>] [--promoted]"
_OPTIONS = ("promoted", "master", "wait", "lifetime")

COMMANDS = (
    Command(
        words="resource move",
        handler=move,
        needs=Needs.CIB,
        arguments=_PLACE,
        options=(*_OPTIONS, "autodelete", "strict"),
        help="Move a resource to a node, or off its node; no constraint is left behind.",
        details="With --strict it is refused where other resources would be affected. "
        "With --classic the constraint stays until 'resource clear', as with pcs 0.9.",
    ),
    Command(
        words="resource move-with-constraint",
        handler=move_with_constraint,
        needs=Needs.CIB,
        arguments=_PLACE,
        options=_OPTIONS,
        help="Move a resource by a constraint that stays until 'resource clear'.",
    ),
    Command(
        words="resource ban",
        handler=ban,
        needs=Needs.CIB,
        arguments=_PLACE,
        options=_OPTIONS,
        help="Keep a resource off a node until 'resource clear'.",
    ),
    Command(
        words="resource clear",
        handler=clear,
        needs=Needs.CIB,
        arguments="<resource id> [<node>] [--promoted]",
        options=("promoted", "master", "wait", "expired"),
        help="Lift what move and ban left behind.",
    ),
)
