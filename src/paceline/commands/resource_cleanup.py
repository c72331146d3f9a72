"""`resource cleanup`, `resource refresh`: forget failures, or look at everything anew."""

from collections.abc import Mapping

from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.status import read_view
from paceline.commands.status_view import StatusView, primitives
from paceline.commands.waiting import wait_limit_ms
from paceline.model.durations import parse_duration_ms
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.model.reports import Report
from paceline.model.state import ResourceState
from paceline.ports.daemon import JsonRecord

SETTLE_MS = 60_000
"""How long the new look at resources may take before the command says so and ends."""
LIMITS = ("node", "operation", "interval")


def cleanup(request: Request, ports: Ports) -> Outcome:
    """Forget failures and fail counts."""
    return _clear(request, ports, only_failed=True)


def refresh(request: Request, ports: Ports) -> Outcome:
    """Forget all results, so that everything is probed again."""
    return _clear(request, ports, only_failed=False)


def _clear(request: Request, ports: Ports, *, only_failed: bool) -> Outcome:
    names, limits = _read_words(request)
    view = read_view(request, ports)
    resources = _resources(view, names)
    node = limits.get("node", request.value("node") or "")
    if node and view.node(node) is None:
        raise _refusal("no-such-node", f"Node '{node}' does not appear to exist in configuration")
    interval = limits.get("interval")
    try:
        interval_ms = None if interval is None else parse_duration_ms(interval)
    except ValueError as problem:
        raise UsageError(f"'{interval}' is not a valid interval") from problem
    asked: JsonRecord = {
        "do": "clear-history", "resources": list(resources), "nodes": [node] if node else [],
        "only_failed": only_failed, "task": limits.get("operation", ""),
        "interval_ms": interval_ms,
    }  # fmt: skip
    answer = ports.daemon.ask(asked)
    if answer.get("ok") is not True:
        raise UnreachableError(str(answer.get("message") or "the daemon refused"))
    _settle(request, ports)
    where = [node] if node else [each.name for each in view.nodes if each.is_online]
    what = resources or ("all resources",)
    lines = [f"Cleaned up {each} on {at}" for each in what for at in where]
    return Outcome(text="\n".join(lines))


def _read_words(request: Request) -> tuple[list[str], Mapping[str, str]]:
    names = [word for word in request.arguments if "=" not in word]
    limits = dict(word.split("=", 1) for word in request.arguments if "=" in word)
    alien = sorted(set(limits) - set(LIMITS))
    if alien:
        raise UsageError(f"invalid option '{alien[0]}', allowed options are: 'interval', "
                         "'node', 'operation'")  # fmt: skip
    if "interval" in limits and "operation" not in limits:
        raise UsageError("if option 'interval' is specified, option 'operation' must be too")
    return names, limits


def _resources(view: StatusView, names: list[str]) -> tuple[str, ...]:
    """Return the primitives that the names stand for, all where none is named."""
    found: set[str] = set()
    for name in names:
        states = _find(view.resources, name)
        if not states:
            raise _refusal("no-such-resource", f"Resource '{name}' not found")
        found.update(each.id.partition(":")[0] for each in primitives(states))
    return tuple(sorted(found))


def _find(resources: tuple[ResourceState, ...], name: str) -> tuple[ResourceState, ...]:
    for each in resources:
        if each.id == name or (each.kind == "primitive" and each.id.partition(":")[0] == name):
            return (each,)
        inner = _find(each.children, name)
        if inner:
            return inner
    return ()


def _refusal(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message))


def _settle(request: Request, ports: Ports) -> None:
    """Wait until the cluster has looked; say so where it takes longer."""
    limit_ms = wait_limit_ms(request) if request.has("wait") else SETTLE_MS
    answer = ports.daemon.ask(
        {"do": "wait", "until": "idle", "timeout_ms": limit_ms}, timeout_ms=limit_ms
    )
    if answer.get("is_reached") is not True:
        request.findings.warn("still-working", "the cluster is still working; see 'pcs status'")


_ARGUMENTS = "[<resource id>...] [node=<node>] [operation=<operation> [interval=<interval>]]"

COMMANDS = (
    Command(
        words="resource cleanup",
        handler=cleanup,
        needs=Needs.CIB_LIVE,
        arguments=_ARGUMENTS,
        options=("strict", "node", "wait", "force"),
        help="Make the cluster forget failed operations, and look at the resource again.",
        aliases=(Alias(words="resource failcount reset"),),
    ),
    Command(
        words="resource refresh",
        handler=refresh,
        needs=Needs.CIB_LIVE,
        arguments="[<resource id>] [node=<node>]",
        options=("strict", "node", "wait", "force"),
        help="Make the cluster forget every result, and find out anew what runs where.",
        aliases=(Alias(words="resource reprobe"),),
    ),
    Command(
        words="stonith cleanup",
        handler=cleanup,
        needs=Needs.CIB_LIVE,
        arguments=_ARGUMENTS,
        options=("strict", "node", "wait", "force"),
        help="Make the cluster forget failed operations of a fence device.",
    ),
    Command(
        words="stonith refresh",
        handler=refresh,
        needs=Needs.CIB_LIVE,
        arguments="[<stonith id>] [node=<node>]",
        options=("strict", "node", "wait", "force"),
        help="Make the cluster forget every result of a fence device.",
    ),
)
