"""What was seen of a campaign from outside of the nodes, as values. Times are Unix milliseconds."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec

from paceline.lab.layout import PUBLIC, LabSpec, hardware_address
from paceline.model.status import ClusterStatus, FencingRecord, OperationOutcome

KEY_PREFIX = "campaign-"
"""What the writers' attributes begin with."""
_VALUE = re.compile(rf'name="{KEY_PREFIX}(\w+)" value="(\d+)"')
# The constraints that a move leaves while it works, by their ids.
_MOVE = re.compile(r'<rsc_location id="cli-[^>]* rsc="([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A line of a witness agent: `event` is starting, started, stopped, absent, fail-stop, ..."""

    at_ms: int
    node: str
    boot: str
    resource: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLoss:
    """A node's power was taken; everything in it had ended at `ended_ms`.

    `is_fence`: by the fence device, for the cluster; else by the campaign.
    """

    node: str
    begun_ms: int
    ended_ms: int
    is_fence: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """From `at_ms` on these nodes answered for the address, until the next of its kind."""

    at_ms: int
    nodes: tuple[str, ...]


class Outcome(StrEnum):
    """What a client knows of his change."""

    ACKNOWLEDGED = "acknowledged"
    NOT_YET_SAFE = "not-yet-safe"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A client set its key to a number that nobody used before."""

    key: str
    number: int
    node: str
    asked_ms: int
    answered_ms: int
    outcome: Outcome
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A round: from its first strike until all was well again. `settled_ms` 0: it never was."""

    title: str
    begun_ms: int
    settled_ms: int
    parts_nodes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one node's daemon said of itself.

    `leftovers`: resources with a move's constraint. `started_ms`: when, by its record, each
    resource's last start ended.
    """

    node: str
    error: str = ""
    is_settled: bool = False
    version: str = ""
    online: tuple[str, ...] = ()
    values: Mapping[str, int]
    leftovers: tuple[str, ...] = ()
    started_ms: Mapping[str, int] = field(default_factory=dict)
    fencing: tuple[FencingRecord, ...] = ()


def read_marks(book: Path, node: str) -> list[Mark]:
    """Return a node's lines; one that a crash cut off is left out."""
    marks = []
    for line in _lines(book):
        words = line.split()
        if len(words) == 4 and words[0].isdigit():
            at_ms, boot, resource, event = words
            marks.append(
                Mark(at_ms=int(at_ms), node=node, boot=boot, resource=resource, event=event)
            )
    return marks


def read_owners(book: Path, spec: LabSpec) -> tuple[list[Owners], list[Owners]]:
    """Return who answered for the address, change by change, and who announced it."""
    names = {hardware_address(name, PUBLIC): name for name in spec.node_names}
    owners: list[Owners] = []
    announced: list[Owners] = []
    for line in _lines(book):
        told = json.loads(line)
        if "announced" in told:
            macs, into = [told["announced"]], announced
        else:
            macs, into = told["owners"], owners
        nodes = tuple(names.get(mac, mac) for mac in macs)
        into.append(Owners(at_ms=told["at_ms"], nodes=nodes))
    return owners, announced


def parse_look(node: str, text: str) -> Look:
    """Return what `look` printed in a node."""
    try:
        told = json.loads(text)
    except ValueError:
        told = {"error": "no answer"}
    if "error" in told:
        return Look(node=node, error=told["error"], values={})
    state = told["state"]
    configuration: str = state["configuration"]
    status = msgspec.convert(state["status"], ClusterStatus)
    return Look(
        node=node,
        is_settled=told["waited"]["is_reached"],
        version=state["version"],
        online=tuple(seen.name for seen in status.nodes if seen.is_online),
        values={key: int(value) for key, value in _VALUE.findall(configuration)},
        started_ms=_starts(status),
        leftovers=tuple(sorted(set(_MOVE.findall(configuration)))),
        fencing=status.fencing,
    )


def _starts(status: ClusterStatus) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in status.nodes:
        for entry in node.history:
            if entry.task == "start" and entry.outcome is OperationOutcome.DONE:
                ended_ms = entry.last_run_ms + entry.exec_ms
                found[entry.resource] = max(found.get(entry.resource, 0), ended_ms)
    return found


def running(marks: Sequence[Mark], losses: Sequence[PowerLoss]) -> dict[str, tuple[str, ...]]:
    """Return where each resource runs after all of this: its nodes, sorted."""
    places: dict[str, dict[str, int]] = {}
    for mark in marks:
        at = places.setdefault(mark.resource, {})
        if mark.event in ("starting", "started"):
            at[mark.node] = mark.at_ms
        elif mark.event in ("stopped", "absent"):
            at.pop(mark.node, None)
    return {
        resource: tuple(sorted(
            node for node, since_ms in at.items()
            if not any(loss.node == node and loss.ended_ms >= since_ms for loss in losses)
        ))
        for resource, at in sorted(places.items())
    }  # fmt: skip


def _lines(book: Path) -> list[str]:
    try:
        text = book.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    # What follows the last newline is being written.
    return text.split("\n")[:-1]
