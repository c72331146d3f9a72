"""`resource relocate`: bring resources where they would be if they did not stick to their nodes."""

from collections.abc import Collection
from dataclasses import dataclass

from paceline.cib.constraints import LOCATION, add_constraint, iterate_constraints
from paceline.cib.nvsets import add_set
from paceline.cib.read import read_configuration, read_status
from paceline.cib.resources import RESOURCE_TAGS, find_resource, outer_clone
from paceline.cib.tree import Element, find_section, parse_cib, remove, serialize, unique_id
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.commands.simulate_events import Events
from paceline.commands.simulate_report import Asked, simulation_text
from paceline.commands.simulate_summary import Change
from paceline.commands.simulation import Decision, simulate
from paceline.commands.waiting import WAIT_MS_DEFAULT
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.model.snapshot import Snapshot
from paceline.ports.cib_store import CibSnapshot
from paceline.ports.daemon import JsonRecord
from paceline.scheduler.work import Role

MARK = "pcs-relocate-"
STICKINESS = "resource-stickiness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A place that a resource is to be brought to, and the mark that will bring it there."""

    mark: str
    resource: str
    node: str
    is_promoted: bool


def show(request: Request, ports: Ports) -> Outcome:
    """Show the resources, and where they would move if they did not stick."""
    if request.arguments:
        raise UsageError
    snapshot = ports.cib.read()
    now = _snapshot(parse_cib(snapshot.document), snapshot)
    free = _free_snapshot(snapshot, ())
    current = simulate(now, Events(), is_decided=False, is_carried_out=False)
    decided = simulate(free, Events(), is_decided=True, is_carried_out=False)
    status, summary = (simulation_text(one, Asked()) for one in (current, decided))
    return Outcome(text=f"{status}\n\n{summary[summary.index('Transition Summary:') :]}")


def try_out(request: Request, ports: Ports) -> Outcome:
    """Show which marks `run` would set and take away."""
    wishes = _wishes(ports.cib.read(), request)
    lines = _announcements(wishes)
    lines += [f"Removing constraint {wish.mark}" for wish in wishes]
    return Outcome(text="\n".join(lines))


def run(request: Request, ports: Ports) -> Outcome:
    """Mark the preferred nodes, wait until the resources are there, take the marks away."""
    wishes = _wishes(ports.cib.read(), request)
    if not wishes:
        return Outcome()
    request.progress("\n".join(_announcements(wishes)).rstrip("\n"))
    question: JsonRecord = {"do": "wait", "timeout_ms": WAIT_MS_DEFAULT}
    try:
        edit_cib(request, ports, lambda root: _set_marks(root, wishes))
        answer = ports.daemon.ask(question, timeout_ms=WAIT_MS_DEFAULT)
    finally:
        marks = {wish.mark for wish in wishes}
        edit_cib(request, ports, lambda root: _remove_marks(root, marks))
    request.progress("\n" + "\n".join(f"Removing constraint {wish.mark}" for wish in wishes))
    if answer.get("ok") is not True:
        request.findings.error(
            "not-relocated", "The resources did not settle in time; the constraints were removed"
        )
    return Outcome()


def clear(request: Request, ports: Ports) -> Outcome:
    """Remove the marks of relocations that were broken off."""
    if request.arguments:
        raise UsageError
    edit_cib(request, ports, lambda root: _remove_marks(root, None))
    return Outcome()


def _announcements(wishes: tuple[Wish, ...]) -> list[str]:
    if not wishes:
        return []
    lines = [
        f"Creating location constraint: {wish.resource} prefers {wish.node}=INFINITY"
        for wish in wishes
    ]
    return [*lines, "", "Waiting for resources to move...", ""]


def _wishes(snapshot: CibSnapshot, request: Request) -> tuple[Wish, ...]:
    """Return what is to be brought where. Raises InvalidRequestError for unknown resources."""
    root = parse_cib(snapshot.document)
    wanted: set[str] = set()
    for name in dict.fromkeys(request.arguments):
        element = find_resource(root, name)
        if element is None:
            message = f"unable to find a resource/clone/group: {name}"
            request.findings.error("id-unknown", message)
        else:
            wanted.update(one.get("id", "") for one in element.iter(*RESOURCE_TAGS))
    request.findings.refuse_if_errors()
    decided = simulate(
        _free_snapshot(snapshot, wanted), Events(), is_decided=True, is_carried_out=False
    ).decision
    return () if decided is None else _wishes_of(root, decided, wanted)


def _wishes_of(root: Element, decision: Decision, wanted: Collection[str]) -> tuple[Wish, ...]:
    found: list[Wish] = []
    moving = {one.resource for one in decision.changes if _is_move(one)}
    for each in decision.work.primitives():
        primitive = each.id.partition(":")[0]
        element = find_resource(root, primitive)
        if element is None or each.id not in moving or (wanted and primitive not in wanted):
            continue
        if each.assigned is None or each.next_role <= Role.STOPPED:
            continue
        outer = outer_clone(element)
        named = element if outer is None else outer
        resource = named.get("id", "")
        wish = Wish(
            mark=unique_id(root, f"{MARK}{resource}", reserved=[one.mark for one in found]),
            resource=resource,
            node=each.assigned.name,
            is_promoted=each.next_role is Role.PROMOTED,
        )
        found.append(wish)
    return tuple(found)


def _is_move(change: Change) -> bool:
    """Say whether a change brings a resource to a node, or to another role there."""
    if not change.target or change.is_blocked:
        return False
    return change.source != change.target or change.role_now != change.role_next


def _set_marks(root: Element, wishes: tuple[Wish, ...]) -> str:
    for wish in wishes:
        fields = [("id", wish.mark), ("rsc", wish.resource), ("score", "INFINITY")]
        fields.append(("node", wish.node))
        if wish.is_promoted:
            fields.append(("role", "Promoted"))
        add_constraint(root, LOCATION, fields)
    return ""


def _remove_marks(root: Element, marks: Collection[str] | None) -> str:
    """Remove the marks named; None stands for all."""
    for one in list(iterate_constraints(root, (LOCATION,))):
        name = one.get("id", "")
        if name in marks if marks is not None else name.startswith(MARK):
            remove(one)
    return ""


def _snapshot(root: Element, snapshot: CibSnapshot) -> Snapshot:
    status = snapshot.status or read_status(root)
    if status is None:
        message = "there is no status in it, so where resources run cannot be said"
        raise InvalidRequestError(Report(code="no-status", message=message))
    return Snapshot(configuration=read_configuration(root), status=status)


def _free_snapshot(snapshot: CibSnapshot, wanted: Collection[str]) -> Snapshot:
    """Return the cluster with nothing that holds these resources (none: all) where they are."""
    root = parse_cib(snapshot.document)
    resources = find_section(root, "resources")
    for element in () if resources is None else list(resources.iter(*RESOURCE_TAGS)):
        if not wanted or element.get("id") in wanted:
            # The set with the highest score counts, whatever else says something of it.
            free = add_set(root, element, "meta_attributes", [(STICKINESS, "0")], position=0)
            free.set("score", "INFINITY")
    return _snapshot(parse_cib(serialize(root)), snapshot)


_RESOURCES = "[<resource id>]..."

COMMANDS = (
    Command(
        words="resource relocate show",
        handler=show,
        needs=Needs.CIB_LIVE,
        help="Show resources, and where they would move if they did not stick to their nodes.",
    ),
    Command(
        words="resource relocate dry-run",
        handler=try_out,
        needs=Needs.CIB,
        arguments=_RESOURCES,
        help="Show what 'resource relocate run' would do.",
    ),
    Command(
        words="resource relocate run",
        handler=run,
        needs=Needs.CIB_LIVE,
        arguments=_RESOURCES,
        help="Move resources to the nodes that they would have if they did not stick.",
        details="Location constraints move them and are removed once the resources are there.",
    ),
    Command(
        words="resource relocate clear",
        handler=clear,
        needs=Needs.CIB,
        help="Remove constraints that a relocation left behind.",
    ),
)
