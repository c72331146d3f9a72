"""Today's layout of the status, as text."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from paceline.commands import status_sections as sections
from paceline.commands.status_entries import Entry, Layout
from paceline.commands.status_view import StatusView


class Shown(Struct, frozen=True, kw_only=True):
    """Which sections a status has, and how they are laid out."""

    summary: frozenset[str] = frozenset(("stack", "dc", "times", "counts", "maint-mode"))
    has_nodes: bool = True
    has_resources: bool = True
    has_inactive: bool = False
    has_failures: bool = True
    has_open_fencing: bool = True
    has_attributes: bool = False
    has_fail_counts: bool = False
    has_operations: bool = False
    has_timing: bool = False
    has_tickets: bool = False
    has_bans: bool = False
    has_fencing: bool = False
    is_by_node: bool = False
    is_detailed: bool = False
    is_brief: bool = False

    @property
    def layout(self) -> Layout:
        """How entries are made."""
        return Layout(
            is_detailed=self.is_detailed, has_inactive=self.has_inactive, is_brief=self.is_brief
        )


def lines_of(entries: Iterable[Entry], level: int = 0) -> list[str]:
    """Return entries as bulleted lines, indented by level."""
    lines = []
    for entry in entries:
        bullet = "  " * level + "* " if level else ""
        if entry.text:
            lines.append(f"{bullet}{entry.text}")
        lines.extend(lines_of(entry.children, level + 1))
    return lines


def status_text(view: StatusView, shown: Shown, *, hides_nodes: bool = False) -> str:
    """Return the whole status, sections apart by an empty line.

    `hides_nodes` leaves out where single resources run.
    """
    layout = replace(shown.layout, hides_nodes=hides_nodes)
    blocks: list[list[str]] = []
    head = _head(view, shown, layout)
    if head is not None:
        has_notices = "maint-mode" in shown.summary
        blocks.append([*lines_of([head]), *(sections.notices(view) if has_notices else ())])
    blocks.extend(lines_of([each]) for each in _sections(view, shown, layout))
    return "\n\n".join("\n".join(block) for block in blocks)


def status_entries(view: StatusView, shown: Shown) -> list[Entry]:
    """Return the whole status as entries, the sections at the top."""
    layout = shown.layout
    found = _sections(view, shown, layout)
    head = _head(view, shown, layout)
    return [head, *found] if head is not None else found


def _head(view: StatusView, shown: Shown, layout: Layout) -> Entry | None:
    """Return the summary; where it is not wanted, only that nobody decides, if it is so."""
    head = sections.summary(view, layout, shown.summary)
    if head.children:
        return head
    if view.coordinator is None and shown.has_nodes:
        return Entry("Cluster Summary:", (Entry("Current DC: NONE"),))
    return None


def _sections(view: StatusView, shown: Shown, layout: Layout) -> list[Entry]:
    found: list[Entry | None] = []
    if shown.is_by_node and shown.has_nodes and shown.has_resources:
        found.extend(sections.resources_by_node(view, layout))
    else:
        if shown.has_nodes:
            found.append(sections.nodes(view, layout))
        if shown.has_resources:
            found.append(sections.resources(view, layout))
    if shown.has_attributes:
        found.append(sections.attributes(view, layout))
    if shown.has_operations or shown.has_timing:
        found.append(sections.operations(view, layout, has_timing=shown.has_timing))
    elif shown.has_fail_counts:
        found.append(sections.migration(view, layout))
    if shown.has_failures:
        found.append(sections.failures(view, is_detailed=shown.is_detailed))
    if shown.has_open_fencing or shown.has_fencing:
        found.extend(
            sections.fencing(view, has_open=shown.has_open_fencing, has_done=shown.has_fencing)
        )
    if shown.has_tickets:
        found.append(sections.tickets(view))
    if shown.has_bans:
        found.append(sections.bans(view, layout))
    return [each for each in found if each is not None]
