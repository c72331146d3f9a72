"""What this boot has started and not stopped since, and with which parameters, in /run.

A resource is stopped as it was started: when its parameters change, or it is gone from the
configuration, only the parameters of its start find what is to be stopped (the old address of an
IPaddr2). One file for each resource, written before its agent is started; /run is gone after a
boot, and so is what ran.
"""

from pathlib import Path

import msgspec

from paceline.model.identifiers import ResourceId
from paceline.model.operation import Operation
from paceline.model.plan import Agent, PlannedAction
from paceline.model.status import OperationOutcome
from paceline.replica.identity import Started

STARTS = frozenset({"start", "migrate_from"})
RELOADS = frozenset({"reload", "reload-agent"})
AS_STARTED = frozenset({"stop", "demote", "migrate_to"})
"""What is done to a resource as it runs."""
NOT_RUNNING = 7


class _Note(msgspec.Struct, frozen=True, kw_only=True):
    """One resource, as it was started."""

    resource: ResourceId
    agent: Agent
    parameters: tuple[tuple[str, str], ...]


class StartedBook:
    """The book of this node's started resources. Fence devices are not in it: nothing runs."""

    def __init__(self, folder: Path) -> None:
        """Read what earlier daemons of this boot left in `folder`. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._notes: dict[str, _Note] = {}
        decoder = msgspec.json.Decoder(_Note)
        for path in sorted(folder.glob("*.json")):
            try:
                note = decoder.decode(path.read_bytes())
            except msgspec.DecodeError:  # torn: its daemon was killed before it started anything
                path.unlink(missing_ok=True)
                continue
            self._notes[note.resource] = note

    def started(self) -> tuple[Started, ...]:
        """Return what was started, by resource."""
        return tuple(
            Started(resource=note.resource, agent=note.agent)
            for _, note in sorted(self._notes.items())
        )

    def as_started(self, operation: Operation) -> Operation:
        """Return the operation with the parameters that its resource runs with."""
        action = operation.action
        note = self._notes.get(action.resource)
        if note is None or action.task not in AS_STARTED or note.parameters == action.parameters:
            return operation
        replaced = msgspec.structs.replace(action, parameters=note.parameters)
        return msgspec.structs.replace(operation, action=replaced)

    def begins(self, action: PlannedAction) -> None:
        """Note a start before its agent runs. Raises OSError: then it must not run."""
        if action.task in STARTS:
            self._write(action)

    def ended(self, action: PlannedAction, outcome: OperationOutcome, rc: int) -> None:
        """Note what an operation's end says of the resource. Raises OSError."""
        if outcome is not OperationOutcome.DONE:
            return
        is_stopped = (action.task == "stop" and rc == 0) or rc == NOT_RUNNING
        if is_stopped and self._notes.pop(action.resource, None) is not None:
            self._path(action.resource).unlink(missing_ok=True)
        elif action.task in RELOADS and rc == 0:
            self._write(action)

    def _write(self, action: PlannedAction) -> None:
        if action.agent is None:
            return
        note = _Note(resource=action.resource, agent=action.agent, parameters=action.parameters)
        path = self._path(action.resource)
        aside = path.with_suffix(".new")
        aside.touch(mode=0o600)
        aside.write_bytes(msgspec.json.encode(note))
        aside.rename(path)
        self._notes[action.resource] = note

    def _path(self, resource: str) -> Path:
        return self._folder / f"{resource.replace('/', '_')}.json"
