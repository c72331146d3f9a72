"""The judge: broken promises in what was seen from outside. Pure; knows nothing of the product.

S1  with fencing on, what may run once never runs twice; with fencing off, only while nodes were
    parted, and for as long as it takes to be well again
S3  "fenced" is said only after the device said so
S4  what was acknowledged is never lost
S8  nothing of a node that was lost is recovered before it was fenced, or came back
S9  what was refused is not there
L1  all is well within a bound once the faults are over
L2  what can run runs, once
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from paceline.lab.campaign.evidence import Look, Mark, Outcome, Owners, PowerLoss, Window, Write

TWO_OWNERS_MS = 60
"""Two must have answered two requests in a row: a node may die between its answer and the next."""
FENCED_SLACK_MS = 2_000
"""The daemon's clock time of a fencing is its own; the device's is ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A broken promise."""

    rule: str
    at_ms: int
    what: str


def ran_twice(
    marks: Sequence[Mark],
    losses: Sequence[PowerLoss],
    windows: Sequence[Window],
    *,
    is_fencing_on: bool,
) -> Iterator[Violation]:
    """S1 by the agents' book: a start begins while another node runs it and lives.

    With fencing off a start beside another is looked at only outside of the parted times.
    """
    places: dict[str, dict[str, int]] = {}
    for mark in sorted(marks, key=lambda mark: mark.at_ms):
        at = places.setdefault(mark.resource, {})
        if mark.event == "starting":
            others = [
                node
                for node, since_ms in at.items()
                if node != mark.node and not _has_died(losses, node, since_ms, mark.at_ms)
            ]
            if others and (is_fencing_on or not _is_parted(windows, mark.at_ms)):
                what = f"{mark.resource} starts on {mark.node} and runs on {', '.join(others)}"
                yield Violation(rule="S1", at_ms=mark.at_ms, what=what)
        if mark.event in ("starting", "started"):
            at[mark.node] = mark.at_ms
        elif mark.event in ("stopped", "absent"):
            at.pop(mark.node, None)


def _has_died(losses: Sequence[PowerLoss], node: str, since_ms: int, at_ms: int) -> bool:
    return any(loss.node == node and since_ms <= loss.ended_ms <= at_ms for loss in losses)


def _is_parted(windows: Sequence[Window], at_ms: int) -> bool:
    return any(
        window.parts_nodes
        and window.begun_ms <= at_ms
        and (not window.settled_ms or at_ms <= window.settled_ms)
        for window in windows
    )


def answered_twice(
    owners: Sequence[Owners], windows: Sequence[Window], now_ms: int, *, is_fencing_on: bool
) -> Iterator[Violation]:
    """S1 by ARP: two nodes answer for the address."""
    ends = [later.at_ms for later in owners[1:]] + [now_ms]
    for seen, end_ms in zip(owners, ends, strict=True):
        if len(seen.nodes) < 2 or end_ms - seen.at_ms < TWO_OWNERS_MS:
            continue
        if is_fencing_on or not _is_parted(windows, seen.at_ms):
            what = f"{' and '.join(seen.nodes)} answer for the address"
            yield Violation(rule="S1", at_ms=seen.at_ms, what=what)


def recovered_unfenced(marks: Sequence[Mark], losses: Sequence[PowerLoss]) -> Iterator[Violation]:
    """S8, with fencing on: what ran on a node that lost its power starts only after its fencing.

    Or after its next boot was looked at: then the agents' book has a line of that boot.
    """
    ordered = sorted(marks, key=lambda mark: mark.at_ms)
    ran: dict[str, Mark] = {}
    for mark in ordered:
        last = ran.get(mark.resource)
        if mark.event == "starting" and last is not None and last.node != mark.node:
            lost = _power_loss_after(losses, last.node, last.at_ms, mark.at_ms)
            if lost is not None and not _is_cleared(ordered, losses, last, lost, mark.at_ms):
                what = f"{mark.resource} of {last.node} starts on {mark.node} before any fencing"
                yield Violation(rule="S8", at_ms=mark.at_ms, what=what)
        if mark.event in ("starting", "started"):
            ran[mark.resource] = mark
        elif mark.event == "stopped" and last is not None and last.node == mark.node:
            del ran[mark.resource]


def _power_loss_after(
    losses: Sequence[PowerLoss], node: str, since_ms: int, at_ms: int
) -> PowerLoss | None:
    found = [
        loss
        for loss in losses
        if loss.node == node and not loss.is_fence and since_ms <= loss.begun_ms <= at_ms
    ]
    return found[0] if found else None


def _is_cleared(
    marks: Sequence[Mark], losses: Sequence[PowerLoss], last: Mark, lost: PowerLoss, at_ms: int
) -> bool:
    is_fenced = any(
        loss.is_fence and loss.node == last.node and lost.begun_ms <= loss.ended_ms <= at_ms
        for loss in losses
    )
    is_back = any(
        mark.node == last.node and mark.boot != last.boot and lost.begun_ms < mark.at_ms <= at_ms
        for mark in marks
    )
    return is_fenced or is_back


def fenced_without_device(
    looks: Sequence[Look], losses: Sequence[PowerLoss], since_ms: int
) -> Iterator[Violation]:
    """S3: every fencing that a daemon calls done stands in the device's own ledger."""
    for look in looks:
        for record in look.fencing:
            target, completed_ms = str(record.target), record.completed_ms
            if record.state != "done" or record.action == "on" or completed_ms < since_ms:
                continue
            is_known = any(
                loss.is_fence
                and loss.node == target
                and loss.begun_ms <= completed_ms + FENCED_SLACK_MS
                for loss in losses
            )
            if not is_known:
                what = f"{look.node} says that {target} was fenced; the device knows nothing of it"
                yield Violation(rule="S3", at_ms=completed_ms, what=what)


def lost_writes(writes: Sequence[Write], look: Look, at_ms: int) -> Iterator[Violation]:
    """S4 and S9: a key has the number acknowledged last, or a later one; never a refused one."""
    keys = sorted({write.key for write in writes})
    for key in keys:
        own = [write for write in writes if write.key == key]
        held = look.values.get(key, 0)
        safe = max((w.number for w in own if w.outcome is Outcome.ACKNOWLEDGED), default=0)
        if held < safe:
            what = f"{key}={safe} was acknowledged, {look.node} has {held}"
            yield Violation(rule="S4", at_ms=at_ms, what=what)
        if any(write.number == held and write.outcome is Outcome.REFUSED for write in own):
            what = f"{key}={held} was refused, {look.node} has it"
            yield Violation(rule="S9", at_ms=at_ms, what=what)


def why_not_well(
    looks: Sequence[Look],
    places: Mapping[str, tuple[str, ...]],
    owners: Sequence[Owners],
    resources: Sequence[str],
) -> list[str]:
    """Return what is not well yet (L1, L2): nothing when all is."""
    names = [look.node for look in looks]
    found = []
    for look in looks:
        missing = [name for name in names if name not in look.online]
        if look.error:
            found.append(f"{look.node}: {look.error}")
        elif missing:
            found.append(f"{look.node} misses {', '.join(missing)}")
        elif not look.is_settled:
            found.append(f"{look.node} is not settled")
    versions = sorted({look.version for look in looks if not look.error})
    if len(versions) > 1:
        found.append(f"versions differ: {', '.join(versions)}")
    for resource in resources:
        at = places.get(resource, ())
        if len(at) != 1:
            found.append(f"{resource} runs on {', '.join(at) or 'no node'}")
    answering = owners[-1].nodes if owners else ()
    if len(answering) != 1:
        found.append(f"the address is answered for by {', '.join(answering) or 'nobody'}")
    return found
