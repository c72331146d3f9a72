"""`crm_resource --constraints` and `--stack`: what ties a resource to nodes and to others."""

from collections.abc import Mapping

from paceline.cib.tree import Element
from paceline.commands.status_entries import Entry
from paceline.commands.status_text import lines_of
from paceline.commands.tools import EXIT_NO_SUCH, Given, ToolPorts
from paceline.commands.tools_answers import Answer, element_of, failed, with_children
from paceline.commands.tools_resource_asked import resource_name, snapshot_of
from paceline.model.scores import format_score
from paceline.scheduler.ties import ResourceTies, Tie, Wish, resource_ties

Known = Mapping[str, ResourceTies]


def constraints(given: Given, ports: ToolPorts) -> Answer:
    """Answer with locations and colocations, of others too with `--recursive` or `--stack`."""
    resource = resource_name(given, ports)
    _, snapshot = snapshot_of(ports)
    known: Known = {str(each.resource): each for each in resource_ties(snapshot)}
    mine = next((each for each in known.values() if resource in each.parts), None)
    if mine is None:
        raise failed(EXIT_NO_SUCH, f"Resource '{resource}' not found")
    is_deep = given.has("recursive") or given.has("stack")
    before = _colocated(mine, known, has_followers=True, is_deep=is_deep, seen=())
    after = _colocated(mine, known, has_followers=False, is_deep=is_deep, seen=())
    elements = [_wish_element(mine, wish) for wish in mine.wishes]
    entries = [*_wishes(mine), *before[0], *after[0]]
    whole = with_children(element_of("constraints"), [*elements, *before[1], *after[1]])
    return Answer("\n".join(lines_of(entries)), (whole,))


def _colocated(
    mine: ResourceTies, known: Known, *, has_followers: bool, is_deep: bool, seen: tuple[str, ...]
) -> tuple[list[Entry], list[Element]]:
    """Return those that follow a resource, or those that it follows, and theirs where `is_deep`."""
    ties = mine.with_it if has_followers else mine.it_with
    entries: list[Entry] = []
    elements: list[Element] = []
    for tie in ties:
        other = known.get(tie.other)
        elements.append(_tie_element(mine, tie, has_followers=has_followers))
        below: list[Entry] = []
        if other is not None and tie.other not in seen:
            below = _wishes(other)
            elements.extend(_wish_element(other, wish) for wish in other.wishes)
            if is_deep:
                inner = _colocated(
                    other, known, has_followers=has_followers, is_deep=True,
                    seen=(*seen, mine.resource),
                )  # fmt: skip
                below += inner[0]
                elements += inner[1]
        score = format_score(tie.score)
        entries.append(Entry(f"{tie.other} (score={score}, id={tie.id})", tuple(below)))
    if not entries:
        return [], elements
    name = mine.resource
    title = f"Resources colocated with {name}:" if has_followers else (
        f"Resources {name} is colocated with:"
    )  # fmt: skip
    return [Entry(title, tuple(entries))], elements


def _wishes(ties: ResourceTies) -> list[Entry]:
    if not ties.wishes:
        return []
    lines = tuple(
        Entry(f"Node {wish.node} (score={format_score(wish.score)}, id={wish.id}, "
              f"rsc={ties.resource})")
        for wish in ties.wishes
    )  # fmt: skip
    return [Entry("Locations:", lines)]


def _wish_element(ties: ResourceTies, wish: Wish) -> Element:
    return element_of(
        "rsc_location",
        node=wish.node,
        rsc=ties.resource,
        id=wish.id,
        score=format_score(wish.score),
    )


def _tie_element(mine: ResourceTies, tie: Tie, *, has_followers: bool) -> Element:
    ends = (tie.other, mine.resource) if has_followers else (mine.resource, tie.other)
    return element_of(
        "rsc_colocation", id=tie.id, rsc=ends[0], with__rsc=ends[1], score=format_score(tie.score)
    )
