"""`--dry-run` of what is done to nodes: what would be done, and what the cluster would then do."""

from collections.abc import Sequence

from msgspec.structs import replace

from paceline.cib.wording import quoted
from paceline.commands.contract import Ports, Request
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.model.reports import Report
from paceline.model.status import NodeStatus

NOT_RUNNING = "The cluster does not run here, so what it would do cannot be said."
LEAVING_ATTRIBUTE = "shutdown"
"""The transient attribute by which a node says that it leaves."""


def show_deeds(
    request: Request,
    ports: Ports,
    deeds: Sequence[str],
    *,
    starting: Sequence[str] = (),
    leaving: Sequence[str] = (),
    fenced: Sequence[str] = (),
) -> None:
    """Show the deeds, and what would follow for the resources. Nothing is done.

    Raises InvalidRequestError for a node that the cluster does not know.
    """
    lines = list(deeds)
    if starting or leaving or fenced:
        lines += _what_follows(ports, starting, leaving, fenced)
    request.progress("\n".join(lines))


def deed(verb: str, what: str, names: Sequence[str]) -> str:
    """Return what would be done as a sentence."""
    return f"Would {verb} {what} on {quoted(names)}"


def _what_follows(
    ports: Ports, starting: Sequence[str], leaving: Sequence[str], fenced: Sequence[str]
) -> list[str]:
    # These bring the scheduler, which loads slowly.
    from paceline.cib.read import read_configuration
    from paceline.cib.tree import parse_cib
    from paceline.commands.foresight import foresee_snapshots
    from paceline.commands.simulate_events import BadEventError, Events, apply_events, change_node
    from paceline.model.snapshot import Snapshot

    try:
        found = ports.cib.read()
    except UnreachableError:
        return [NOT_RUNNING]
    if found.status is None:
        return [NOT_RUNNING]
    configuration = read_configuration(parse_cib(found.document))
    before = Snapshot(configuration=configuration, status=found.status)
    events = Events(nodes_up=tuple(starting), nodes_failed=tuple(fenced))
    try:
        after, _lines = apply_events(before, events)
        for name in leaving:
            after = change_node(after, name, _leaving)
    except BadEventError as problem:
        report = Report(code="node-unknown", message=str(problem))
        raise InvalidRequestError(report) from problem
    return foresee_snapshots(before, after)


def _leaving(node: NodeStatus) -> NodeStatus:
    attributes = dict(node.attributes) | {LEAVING_ATTRIBUTE: "1"}
    return replace(node, attributes=tuple(sorted(attributes.items())))
