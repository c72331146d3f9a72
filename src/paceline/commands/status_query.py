"""`status query resource`, `status wait`: questions that scripts ask, answered in one word.

A question that is answered "no" ends with status 2, one that cannot be asked with 1.
"""

from collections.abc import Callable, Iterable, Sequence

from paceline.cib.read import read_configuration, read_status
from paceline.cib.resources import find_resource, inner_resources, is_promotable_clone, is_stonith
from paceline.cib.tree import Element, parse_cib
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.status_view import find_resources, primitives, view_of
from paceline.commands.waiting import WAIT_MS_DEFAULT
from paceline.model.durations import parse_duration_ms
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.model.state import ResourceState

EXIT_NO = 2
KINDS = {"primitive": "primitive", "group": "group", "clone": "clone", "master": "clone"}
QUANTIFIERS: dict[str, Callable[[Iterable[bool]], bool]] = {
    "all": all,
    "any": any,
    "none": lambda answers: not any(answers),
}


class _Asked:
    """A resource as it is configured and as it is. Raises InvalidRequestError for unknown ones."""

    def __init__(self, ports: Ports, wanted: str) -> None:
        snapshot = ports.cib.read()
        self.name = wanted
        self.root = parse_cib(snapshot.document)
        element = find_resource(self.root, wanted)
        if element is None:
            raise InvalidRequestError(
                Report(code="id-unknown", message=f"Resource '{wanted}' does not exist")
            )
        self.element: Element = element
        status = snapshot.status or read_status(self.root)
        self.states: tuple[ResourceState, ...] = ()
        if status is not None:
            view = view_of(read_configuration(self.root), status)
            self.states = tuple(primitives(find_resources(view.resources, wanted)))


def query(request: Request, ports: Ports) -> Outcome:
    """Answer one question: `status query resource QUESTION RESOURCE [...] [--quiet]`."""
    match request.arguments:
        case ("exists", wanted):
            root = parse_cib(ports.cib.read().document)
            return _yes_or_no(request, find_resource(root, wanted) is not None)
        case (question, wanted, *rest) if question in _QUESTIONS:
            return _QUESTIONS[question](request, _Asked(ports, wanted), rest)
        case _:
            raise UsageError


def _yes_or_no(request: Request, answer: bool) -> Outcome:
    text = "" if request.has("quiet") else str(answer)
    return Outcome(text=text, status=0 if answer else EXIT_NO)


def _said(request: Request, words: Sequence[str]) -> Outcome:
    return Outcome(text="" if request.has("quiet") else "\n".join(words))


def _no_more(rest: Sequence[str]) -> None:
    if rest:
        raise UsageError


def _is_stonith(request: Request, asked: _Asked, rest: Sequence[str]) -> Outcome:
    _no_more(rest)
    return _yes_or_no(request, is_stonith(asked.element))


def _kind(element: Element) -> str:
    return KINDS.get(str(element.tag), str(element.tag))


def _is_unique(element: Element) -> bool:
    pairs = {
        pair.get("name"): pair.get("value", "")
        for pair in element.iterfind("meta_attributes/nvpair")
    }
    return pairs.get("globally-unique", "false").lower() in ("true", "yes", "on", "1", "y")


def _is_type(request: Request, asked: _Asked, rest: Sequence[str]) -> Outcome:
    if not rest or rest[0] not in (*KINDS, "bundle") or set(rest[1:]) - {"unique", "promotable"}:
        raise UsageError
    answer = _kind(asked.element) == rest[0]
    if "unique" in rest:
        answer = answer and _is_unique(asked.element)
    if "promotable" in rest:
        answer = answer and is_promotable_clone(asked.element)
    return _yes_or_no(request, answer)


def _get_type(request: Request, asked: _Asked, rest: Sequence[str]) -> Outcome:
    _no_more(rest)
    words = [_kind(asked.element)]
    if _is_unique(asked.element):
        words.append("unique")
    if is_promotable_clone(asked.element):
        words.append("promotable")
    return _said(request, [" ".join(words)])


def _states() -> dict[str, Callable[[ResourceState], bool]]:
    """Return the states that can be asked for, and how they show."""
    return {
        "active": lambda one: bool(one.active),
        "blocked": lambda one: one.is_blocked,
        "demoting": lambda one: one.pending_task == "Demoting",
        "disabled": lambda one: one.is_disabled,
        "enabled": lambda one: not one.is_disabled,
        "failed": lambda one: one.is_failed,
        "failure_ignored": lambda one: one.is_failure_ignored,
        "locked_to": lambda one: bool(one.locked_to),
        "maintenance": lambda one: one.is_in_maintenance,
        "managed": lambda one: one.is_managed,
        "migrating": lambda one: one.pending_task == "Migrating",
        "monitoring": lambda one: one.pending_task == "Monitoring",
        "orphaned": lambda one: one.is_removed,
        "pending": lambda one: bool(one.pending_task),
        "promoted": lambda one: one.role == "Promoted",
        "promoting": lambda one: one.pending_task == "Promoting",
        "started": lambda one: one.role in ("Started", "Promoted", "Unpromoted"),
        "starting": lambda one: one.pending_task == "Starting",
        "stopped": lambda one: not one.active,
        "stopping": lambda one: one.pending_task == "Stopping",
        "unmanaged": lambda one: not one.is_managed,
        "unpromoted": lambda one: one.role == "Unpromoted",
    }


def _is_state(request: Request, asked: _Asked, rest: Sequence[str]) -> Outcome:
    """Answer `is-state R STATE [on-node N] [members all|any|none] [instances all|any|none]`."""
    known = _states()
    words = list(rest)
    if not words or words[0] not in known:
        raise UsageError
    holds = known[words.pop(0)]
    node, quantifier = "", "all" if asked.element.tag in ("group", "primitive") else "any"
    while words:
        keyword, *values = words[:2]
        if not values:
            raise UsageError
        if keyword == "on-node":
            node = values[0]
        elif keyword in ("members", "instances") and values[0] in QUANTIFIERS:
            quantifier = values[0]
        else:
            raise UsageError
        words = words[2:]
    states = [
        one for one in asked.states if not node or any(str(on.node) == node for on in one.active)
    ]
    answer = bool(states) and QUANTIFIERS[quantifier](holds(one) for one in states)
    return _yes_or_no(request, answer or (not states and quantifier == "none"))


def _container(asked: _Asked, tags: tuple[str, ...]) -> Element | None:
    parent = asked.element.getparent()
    while parent is not None and parent.tag != "resources":
        if parent.tag in tags:
            return parent
        parent = parent.getparent()
    return None


def _is_in(*tags: str) -> Callable[[Request, _Asked, Sequence[str]], Outcome]:
    def answer(request: Request, asked: _Asked, rest: Sequence[str]) -> Outcome:
        if len(rest) > 1:
            raise UsageError
        found = _container(asked, tags)
        is_it = found is not None and (not rest or found.get("id") == rest[0])
        shown = found.get("id", "") if found is not None else ""
        outcome = _yes_or_no(request, is_it)
        if not is_it or rest or request.has("quiet"):
            return outcome
        return Outcome(text=f"{outcome.text}\n{shown}", status=outcome.status)

    return answer


def _get_members(request: Request, asked: _Asked, rest: Sequence[str]) -> Outcome:
    _no_more(rest)
    if asked.element.tag == "primitive":
        message = f"Resource '{asked.name}' has unexpected type 'primitive'. This command works "
        message += "only for resources of type 'bundle', 'clone', 'group'"
        raise InvalidRequestError(Report(code="kind-wrong", message=message))
    return _said(request, [one.get("id", "") for one in inner_resources(asked.element)])


def _get_nodes(request: Request, asked: _Asked, rest: Sequence[str]) -> Outcome:
    _no_more(rest)
    return _said(request, sorted({str(on.node) for one in asked.states for on in one.active}))


def _get_index(request: Request, asked: _Asked, rest: Sequence[str]) -> Outcome:
    _no_more(rest)
    group = _container(asked, ("group",))
    if group is None:
        message = f"Resource '{asked.name}' is not in a group"
        raise InvalidRequestError(Report(code="not-in-group", message=message))
    names = [one.get("id") for one in inner_resources(group)]
    return _said(request, [str(names.index(asked.name))])


_QUESTIONS: dict[str, Callable[[Request, _Asked, Sequence[str]], Outcome]] = {
    "is-stonith": _is_stonith,
    "is-type": _is_type,
    "get-type": _get_type,
    "is-state": _is_state,
    "is-in-group": _is_in("group"),
    "is-in-clone": _is_in("clone", "master"),
    "is-in-bundle": _is_in("bundle"),
    "get-members": _get_members,
    "get-nodes": _get_nodes,
    "get-index-in-group": _get_index,
}


def wait(request: Request, ports: Ports) -> Outcome:
    """Wait until the cluster has nothing more to do: `status wait [SECONDS]`."""
    if len(request.arguments) > 1:
        raise UsageError
    limit_ms = WAIT_MS_DEFAULT
    if request.arguments:
        try:
            limit_ms = parse_duration_ms(request.arguments[0])
        except ValueError as error:
            message = f"'{request.arguments[0]}' is not a valid timeout value, use time interval "
            raise UsageError(f"{message}(e.g. 1, 2s, 3m, 4h, ...)") from error
    answer = ports.daemon.ask({"do": "wait", "timeout_ms": limit_ms}, timeout_ms=limit_ms)
    if answer.get("ok") is not True:
        message = str(answer.get("message") or "the cluster did not settle in time")
        request.findings.error("wait-failed", f"waiting timeout: {message}")
    return Outcome()


COMMANDS = (
    Command(
        words="status query resource",
        handler=query,
        needs=Needs.CIB,
        arguments="exists|is-stonith|is-type|get-type|is-state|is-in-group|is-in-clone|"
        "is-in-bundle|get-members|get-nodes|get-index-in-group <resource id> [...]",
        options=("quiet",),
        help="Answer a question about a resource; status 2 means no.",
        details="is-type takes primitive, group, clone or bundle, and unique or promotable; "
        "is-state a state, on-node <node>, members and instances all, any or none.",
    ),
    Command(
        words="status wait",
        handler=wait,
        needs=Needs.CIB_LIVE,
        arguments="[<timeout>]",
        help="Wait until the cluster has nothing more to do.",
    ),
)
