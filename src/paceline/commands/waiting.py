"""`--wait[=SECONDS]`: end only when the cluster has done what the change asks for.

Where it concerns resources, it says where they run, and fails if that is not as configured.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from paceline.commands.contract import Ports, Request, UsageError
from paceline.model.durations import parse_duration_ms
from paceline.ports.cib_store import CibSnapshot

if TYPE_CHECKING:
    from paceline.model.state import ResourceState

WAIT_MS_DEFAULT = 60 * 60 * 1000
"""How long `--wait` waits where no time is given."""


def check_wait(request: Request, ports: Ports) -> None:
    """Refuse `--wait` where there is no cluster to wait for. Raises UsageError."""
    if not request.has("wait"):
        return
    wait_limit_ms(request)
    if not ports.cib.is_live:
        raise UsageError("Cannot use '-f' together with '--wait'")


def wait_limit_ms(request: Request) -> int:
    """Return how long to wait, in milliseconds. Raises UsageError where it is no duration."""
    value = request.value("wait")
    if not value:
        return WAIT_MS_DEFAULT
    try:
        return parse_duration_ms(value)
    except ValueError as error:
        message = f"'{value}' is not a valid number of seconds to wait"
        raise UsageError(message) from error


def wait_if_asked(request: Request, ports: Ports, resource_ids: Sequence[str] = ()) -> None:
    """Wait, if asked to, until the cluster has nothing more to do; report if it still has.

    Then say where the resources run. It is an error if one that is enabled runs nowhere, or one
    that is disabled still runs.
    """
    if not request.has("wait") or request.has("dry-run"):
        return
    limit_ms = wait_limit_ms(request)
    answer = ports.daemon.ask({"do": "wait", "timeout_ms": limit_ms}, timeout_ms=limit_ms)
    if answer.get("ok") is not True:
        message = str(answer.get("message") or "the cluster did not settle in time")
        request.findings.error("wait-failed", message)
    elif resource_ids:
        snapshot = ports.cib.read()
        for resource_id in resource_ids:
            _tell_where_it_runs(request, resource_id, _states(snapshot, resource_id))


def _states(snapshot: CibSnapshot, resource_id: str) -> tuple["ResourceState", ...]:
    """Return the primitives of a resource as they are; none where it is no longer configured."""
    # These load slowly, and few commands need them.
    from paceline.cib.read import read_configuration, read_status
    from paceline.cib.tree import parse_cib
    from paceline.commands.status_view import find_resources, primitives, view_of

    root = parse_cib(snapshot.document)
    status = snapshot.status or read_status(root)
    if status is None:
        return ()
    view = view_of(read_configuration(root), status)
    return tuple(primitives(find_resources(view.resources, resource_id)))


def _tell_where_it_runs(
    request: Request, resource_id: str, states: tuple["ResourceState", ...]
) -> None:
    if not states:
        return
    places = sorted({str(on.node) for state in states for on in state.active})
    should_run = any(not state.is_disabled for state in states)
    if places:
        listed = ", ".join(f"'{place}'" for place in places)
        word = "node" if len(places) == 1 else "nodes"
        message = f"Resource '{resource_id}' is running on {word} {listed}"
    else:
        message = f"Resource '{resource_id}' is not running on any node"
    if should_run == bool(places):
        request.findings.inform("where-it-runs", message)
    else:
        advice = f"  {request.program} why {resource_id}  says why"
        request.findings.error("not-as-configured", message, advice=advice)
