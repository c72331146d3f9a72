"""A simulation as text, in the layout of `crm_simulate`, which people and programs read."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from paceline.cib.dates import date_of_seconds
from paceline.commands import status_sections as sections
from paceline.commands.simulate_graph import operation_key
from paceline.commands.simulate_names import Names, action_names
from paceline.commands.simulate_rooms import Room, amounts_text, rooms_of
from paceline.commands.simulate_summary import Change
from paceline.commands.simulate_world import Step
from paceline.commands.simulation import Simulation, status_of
from paceline.commands.status_entries import Entry, Layout
from paceline.commands.status_text import lines_of
from paceline.commands.status_view import StatusView, count_instances
from paceline.model.plan import ActionKind
from paceline.model.scores import format_score
from paceline.scheduler.work import Work

NAME_WIDTH = 15
"""To which width a resource's name is filled up in the list of actions."""
SHORT_NAME = 5
SHORT_PLACE = 5
"""Names and places up to this long make no column wider."""


class Asked(Struct, frozen=True, kw_only=True):
    """What is shown: scores, capacities, and with `is_quiet` only what is essential."""

    has_scores: bool = False
    has_utilization: bool = False
    is_quiet: bool = False
    clock: str = ""

    @property
    def is_bare(self) -> bool:
        """Say whether titles are left out, so that programs find the numbers."""
        return self.has_scores or self.has_utilization


def simulation_text(simulation: Simulation, asked: Asked) -> str:
    """Return the whole report."""
    blocks: list[list[str]] = []
    head = _clock_lines(simulation, asked)
    if not asked.is_quiet:
        blocks.extend(
            _status("Current cluster status:", status_of(simulation.start), asked, head=head)
        )
    elif asked.clock:
        blocks.append(head)
    if simulation.event_lines:
        told = _titled("Performing Requested Modifications:", simulation.event_lines, asked)
        blocks.append([*told, *head])
    decision = simulation.decision
    if decision is None:
        return _joined(blocks)
    if asked.has_scores or asked.has_utilization:
        blocks.append(list(number_lines(decision.work, asked)))
    if not asked.is_quiet:
        blocks.append(_titled("Transition Summary:", summary_lines(decision.changes), asked))
    if simulation.world is not None and not asked.is_quiet:
        lines = _steps(simulation.world.steps, asked, action_names(decision.work))
        blocks.append([*lines, *head])
        blocks.extend(
            _status("Revised Cluster Status:", status_of(simulation.world.snapshot), asked, head=[])
        )
    return _joined(blocks)


def _clock_lines(simulation: Simulation, asked: Asked) -> list[str]:
    """Return which moment is meant, where it is not now."""
    if asked.clock:
        return [f"Setting effective cluster time: {asked.clock}"]
    date = simulation.snapshot.configuration.find_root("execution-date") or ""
    if date.isdecimal():
        return [f"Using the original execution date of: {date_of_seconds(int(date))}"]
    return []


def _joined(blocks: list[list[str]]) -> str:
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _titled(title: str, lines: Iterable[str], asked: Asked) -> list[str]:
    if asked.is_bare:
        return list(lines)
    return [title, *(f"  * {line}" for line in lines)]


def _status(title: str, view: StatusView, asked: Asked, *, head: list[str]) -> Iterator[list[str]]:
    """Yield the blocks of a status: the counts, the nodes, the resources."""
    _total, disabled, blocked = count_instances(view.resources)
    if (disabled or blocked) and title.startswith("Current"):
        yield [*head, _counts(view)]
        head = []
    layout = Layout()
    nodes, resources = sections.nodes(view, layout), sections.resources(view, layout)
    if asked.is_bare:
        yield [*head, *(_leaves(nodes) if nodes is not None else ())]
        yield list(_leaves(resources))
        return
    listed = lines_of([nodes], 1) if nodes is not None else []
    yield [*head, title, *listed]
    yield lines_of([resources], 1)


def _counts(view: StatusView) -> str:
    total, disabled, blocked = count_instances(view.resources)
    return (
        f"{disabled} of {total} resource instances DISABLED and {blocked} BLOCKED from further"
        " action due to failure"
    )


def _leaves(entry: Entry) -> Iterator[str]:
    """Yield the lines that have nothing below them, without the words that only name a list."""
    if not entry.children:
        yield entry.text.removeprefix("Online: ")
    for child in entry.children:
        yield from _leaves(child)


def summary_lines(changes: Iterable[Change]) -> list[str]:
    """Return the lines of the summary, in columns."""
    found = list(changes)
    moves = [each for each in found if each.resource]
    longest = max((len(each.resource) for each in moves), default=0)
    names = longest + 5 if longest > SHORT_NAME else SHORT_NAME + 3
    places = max([SHORT_PLACE, *(len(each.place) for each in moves)])
    return [_summary_line(each, names, places) for each in found]


def _summary_line(change: Change, names: int, places: int) -> str:
    if not change.resource:
        why = f" '{change.reason}'" if change.reason else ""
        return f"{change.verb} {change.target}{why}"
    line = f"{change.verb:<10} {change.resource:<{names}}( {change.place:>{places}} )"
    if change.reason:
        line += f"  due to {change.reason}"
    if change.is_blocked:
        line += " (blocked)" if change.reason else "  blocked"
    return line


def _steps(steps: Iterable[Step], asked: Asked, names: Names) -> list[str]:
    bullet = "" if asked.is_bare else "  * "
    lines = [] if asked.is_bare else ["Executing Cluster Transition:"]
    for step in steps:
        lines.append(f"{bullet}{step_text(step, names)}")
        lines.extend(step.lines)
    return lines


def step_text(step: Step, names: Names) -> str:
    """Return what a step does: `Resource action: A               start on n1`."""
    action = step.action
    name = names.get(action.id, action.resource)
    match action.kind:
        case ActionKind.FENCE:
            return f"Fencing {action.node} ({action.task})"
        case ActionKind.PSEUDO:
            return f"Pseudo action:   {operation_key(action, name)}"
        case ActionKind.CLUSTER:
            owner = f" for {action.resource}" if action.resource else ""
            return f"Cluster action:  {action.task}{owner} on {action.node}"
        case ActionKind.RESOURCE:
            task = f"{action.task}={action.interval_ms}" if action.interval_ms else action.task
            return f"Resource action: {name:<{NAME_WIDTH}} {task} on {action.node}"


def number_lines(work: Work, asked: Asked) -> Iterator[str]:
    """Yield what was asked for of scores and capacities, resource by resource as they were placed.

    Of the scores that is the final one of each primitive on each node, then those of promotions.
    """
    rooms = rooms_of(work) if asked.has_utilization else None
    if rooms is not None:
        yield from (_capacity_line("Original", each, each.original) for each in rooms.nodes)
    placed = list(dict.fromkeys(resource for resource, _ in work.score_log))
    by_resource: dict[str, list[tuple[str, int]]] = {}
    for (resource, node), scores in work.score_log.items():
        by_resource.setdefault(resource, []).append((node, scores[-1]))
    for resource in placed:
        if asked.has_scores:
            for node, score in by_resource[resource]:
                shown = format_score(score)
                yield f"pcmk__primitive_assign: {resource} allocation score on {node}: {shown}"
        if rooms is not None and resource in rooms.uses:
            use = rooms.uses[resource]
            yield (
                f"pcmk__finalize_assignment: {resource} utilization on {use.node}:"
                f" {amounts_text(use.amounts)}"
            )
    if asked.has_scores:
        for resource, node, value in work.promotion_log:
            yield f"{resource} promotion score on {node or 'none'}: {format_score(value)}"
    if rooms is not None:
        yield from (_capacity_line("Remaining", each, each.remaining) for each in rooms.nodes)


def _capacity_line(word: str, room: Room, amounts: Mapping[str, int]) -> str:
    return f"{word}: {room.node} capacity: {amounts_text(amounts)}".rstrip()
