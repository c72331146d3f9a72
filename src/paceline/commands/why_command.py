"""`why RESOURCE [NODE]`: where it is and why, and for failures what the agent itself said."""

import time
from collections.abc import Iterator

from msgspec.structs import replace

from paceline.cib.read import read_configuration, snapshot_of_file
from paceline.cib.tree import parse_cib
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.rendering import with_program
from paceline.commands.score_text import score_blocks
from paceline.commands.shown_date import date_text
from paceline.commands.status_history import task_text
from paceline.commands.status_sections import outcome_text
from paceline.commands.status_view import StatusView, find_resources, primitives, view_of
from paceline.commands.why import node_text, why_text
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.model.exit_status import rc_text
from paceline.model.explanation import Explanation
from paceline.model.identifiers import ResourceId
from paceline.model.reports import Report
from paceline.model.snapshot import Snapshot
from paceline.model.state import FailedOperation, ResourceState
from paceline.ports.cib_store import CibSnapshot
from paceline.scheduler.explain import explain_all, explain_nodes, score_tables

LOG = "/var/log/paceline/paceline.log"
DIAGNOSIS = "/var/log/paceline/diagnosis"
HINTS = {
    2: "the agent does not accept a parameter: compare `pcs resource config {name}` with"
    " `pcs resource describe {agent}`",
    4: "the agent may not use a file or a program: look at the owner and mode of what it names",
    5: "a program or file that the agent needs is missing on {node}: install it there",
    6: "the agent cannot use its configuration: compare `pcs resource config {name}` with"
    " `pcs resource describe {agent}`",
    7: "the service ended by itself, or something else stopped it: look at the service's own log"
    " on {node}",
}
"""What to look at for an exit status. Source: the OCF resource agent standard."""


def why(request: Request, ports: Ports) -> Outcome:
    """Answer in sentences."""
    if not 1 <= len(request.arguments) <= 2:
        raise UsageError()
    name = request.arguments[0]
    node = request.arguments[1] if len(request.arguments) > 1 else None
    try:
        snapshot = ports.cib.read()
    except UnreachableError as error:
        raise UnreachableError("cluster is not currently running on this node") from error
    whole = _whole(snapshot)
    view = view_of(whole.configuration, whole.status)
    states = find_resources(view.resources, name)
    if not states and node is None and view.node(name) is not None:
        return Outcome(text=_node(whole, name))
    if not states:
        raise _refusal("no-such-resource", f"there is no resource '{name}'")
    if node is not None and view.node(node) is None:
        raise _refusal("no-such-node", f"there is no node '{node}'")
    parts = tuple(primitives(states))
    if request.has("scores"):
        return Outcome(text="\n\n".join(_scores(whole, {each.id for each in parts}, node)))
    explanations = {each.resource: each for each in explain_all(whole)}
    blocks = []
    for each in parts:
        explanation = explanations.get(each.id)
        if explanation is None:
            continue
        lines = list(why_text(_without_failures(explanation), each.id, node))
        lines.extend(_failures(each, view, node))
        blocks.append("\n".join(lines))
    return Outcome(text=with_program("\n\n".join(blocks), request.program))


def _whole(snapshot: CibSnapshot) -> Snapshot:
    """Return configuration and status: the live ones, or those of a file as if it were now."""
    if snapshot.status is None:
        return snapshot_of_file(snapshot.document, int(time.time()) * 1000)
    configuration = read_configuration(parse_cib(snapshot.document))
    return Snapshot(configuration=configuration, status=snapshot.status)


def _node(whole: Snapshot, name: str) -> str:
    """Return what happens to a node, and why."""
    found = [node_text(each) for each in explain_nodes(whole) if each.node == name]
    return "\n".join(found) or f"Nothing is to be done with {name}; `pcs status nodes` shows it."


def _scores(whole: Snapshot, names: set[ResourceId], node: str | None) -> Iterator[str]:
    tables = [
        each
        for each in score_tables(whole)
        if each.resource in names and (node is None or each.node == node)
    ]
    return score_blocks(tables)


def _refusal(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message))


def _without_failures(explanation: Explanation) -> Explanation:
    """Leave the failed operations out, not those that are only counted: they follow in full."""
    counted = tuple(each for each in explanation.failures if "count" in dict(each))
    return replace(explanation, failures=counted)


def _failures(resource: ResourceState, view: StatusView, node: str | None) -> Iterator[str]:
    base = resource.id.partition(":")[0]
    for failure in view.failures:
        if failure.resource.partition(":")[0] != base or (node and failure.node != node):
            continue
        yield from _failure(failure, resource)


def _failure(failure: FailedOperation, resource: ResourceState) -> Iterator[str]:
    """Yield what happened, in the agent's own words, and what to look at."""
    agent = ":".join(
        word for word in (resource.agent_class, resource.provider, resource.agent_type) if word
    )
    name = resource.id.partition(":")[0]
    when = f" at {date_text(failure.last_rc_change_ms)}" if failure.last_rc_change_ms else ""
    task = task_text(failure)
    yield f"Its {task} on {failure.node} failed{when}:"
    if failure.outcome == "timed-out":
        yield f"  it did not end within its time limit (it ran {failure.exec_ms} ms)"
    elif failure.outcome in ("", "done"):
        yield f"  the agent's exit status was {failure.rc} ({rc_text(failure.rc)})"
    else:
        yield f"  it could not be executed: {outcome_text(failure.outcome)}"
    if failure.exit_reason:
        # Of an agent that did not end by itself the words may be ours.
        who = "the agent said" if failure.outcome in ("", "done") else "reason"
        yield f"  {who}: {failure.exit_reason}"
    hint = HINTS.get(failure.rc, "")
    if failure.outcome == "timed-out":
        yield f"  look at: {DIAGNOSIS} on {failure.node}: the process tree at the time limit"
    elif hint:
        yield f"  look at: {hint.format(name=name, agent=agent, node=failure.node)}"
    yield (
        f"  look at: {LOG} on {failure.node}, lines with '{failure.task} {name}', for all that"
        " the agent printed"
    )
    yield f"  when it is mended: pcs resource cleanup {name}"


COMMANDS = (
    Command(
        words="why",
        handler=why,
        needs=Needs.CIB,
        arguments="<resource id> [<node>] | <node>",
        options=("scores",),
        help="Say why a resource is where it is, why not elsewhere, or why it does not run.",
        details="With --scores: every node's score, and all that it is made of. Of a node alone it"
        " is said why it is fenced, or should be.",
    ),
)
