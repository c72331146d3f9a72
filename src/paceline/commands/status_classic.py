"""The status as pcs 0.9 on CentOS 7 laid it out; names, versions, times and states are ours."""

from paceline.commands.shown_date import date_text
from paceline.commands.status_entries import Entry, Layout, node_entries, resource_entries
from paceline.commands.status_sections import (
    change_text,
    instances_count_text,
    outcome_text,
    version_text,
)
from paceline.commands.status_view import StatusView
from paceline.model.exit_status import rc_text
from paceline.model.state import FailedOperation

CLASSIC = Layout(is_classic=True)


def classic_layout(*, is_detailed: bool = False, has_inactive: bool = True) -> Layout:
    """Return the notes' way of making lines."""
    return Layout(is_classic=True, is_detailed=is_detailed, has_inactive=has_inactive)


def classic_status(view: StatusView, layout: Layout = CLASSIC) -> str:
    """Return everything from `Stack:` to the failed actions."""
    blocks = [classic_summary(view), classic_counts(view)]
    blocks.append("\n".join(entry.text for entry in node_entries(view, layout)))
    blocks.append(_titled("Full list of resources:", classic_resources(view, layout)))
    if view.failures:
        lines = [_failure(each) for each in view.failures]
        blocks.append("\n".join(["Failed Resource Actions:", *lines]))
    return "\n\n".join(block for block in blocks if block)


def _titled(title: str, text: str) -> str:
    return f"{title}\n\n{text}" if text else "No resources"


def classic_summary(view: StatusView) -> str:
    """Return stack, coordinator with version and quorum, when updated, when changed by whom."""
    chief = view.coordinator
    leader = "NONE" if chief is None else f"{chief.name} {version_text(view)}"
    return "\n".join(
        (
            f"Stack: {view.stack or 'unknown'}",
            f"Current DC: {leader}",
            f"Last updated: {date_text(view.updated_ms)}",
            f"Last change: {change_text(view)}",
        )
    )


def classic_counts(view: StatusView) -> str:
    """Return how many nodes and resource instances there are."""
    number = len(view.nodes)
    return f"{number} node{'' if number == 1 else 's'} configured\n{instances_count_text(view)}"


def classic_resources(view: StatusView, layout: Layout = CLASSIC) -> str:
    """Return the list of resources: one blank before a resource, five before a member."""
    return "\n".join(_lines(resource_entries(view, layout), 0))


def _lines(entries: tuple[Entry, ...], level: int) -> list[str]:
    lines = []
    for entry in entries:
        lines.append(f"{' ' * (1 + 4 * level)}{entry.text}")
        lines.extend(_lines(entry.children, level + 1))
    return lines


def _failure(failure: FailedOperation) -> str:
    first = (
        f"* {failure.operation_key} on {failure.node} '{rc_text(failure.rc)}' ({failure.rc}): "
        f"call={failure.call_id}, status={outcome_text(failure.outcome)}, "
        f"exitreason='{failure.exit_reason}',"
    )
    second = (
        f"    last-rc-change='{date_text(failure.last_rc_change_ms)}', "
        f"queued={failure.queue_ms}ms, exec={failure.exec_ms}ms"
    )
    return f"{first}\n{second}"
