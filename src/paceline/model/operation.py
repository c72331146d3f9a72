"""Operations: what is asked of an agent, and what came of it."""

from msgspec import Struct

from paceline.model.identifiers import NodeName, OperationId, ResourceId
from paceline.model.plan import PlannedAction
from paceline.model.status import HistoryEntry, OperationOutcome


class Operation(Struct, frozen=True, gc=False, kw_only=True):
    """One run of an agent that this node begins; with an interval, the runs that follow too.

    `action` holds agent, task, parameters and time limit. `call_id` grows with each operation of
    the node. A recurring operation runs first after `first_after_ms`, then every interval;
    its later runs are reported only when exit status or outcome change.
    """

    operation_id: OperationId
    action: PlannedAction
    call_id: int
    node: NodeName
    first_after_ms: int = 0


class OperationResult(Struct, frozen=True, gc=False, kw_only=True):
    """What came of an operation: the row for the node's history.

    `was_begun` is false where the node dropped it before the agent ran: then nothing happened.
    `diagnosis` names the file with the process tree that was saved at a time limit. `output` is
    the last of what the agent printed (bounded), for the log; it is not replicated.
    """

    operation_id: OperationId
    action_id: int
    entry: HistoryEntry
    was_begun: bool = True
    diagnosis: str = ""
    output: str = ""


class FenceOperation(Struct, frozen=True, gc=False, kw_only=True):
    """One run of a fence agent.

    `task` is on, off, reboot, status, monitor or list. `parameters` go to the agent's standard
    input as `name=value`, sorted; the adapter adds `action`. `delay_ms` is waited before the agent
    is started; after it the replica is asked again (`FenceDelayOver`).
    """

    operation_id: OperationId
    device: ResourceId
    agent_type: str
    task: str
    target: NodeName
    parameters: tuple[tuple[str, str], ...]
    timeout_ms: int


class FenceResult(Struct, frozen=True, gc=False, kw_only=True):
    """What a fence agent answered."""

    operation_id: OperationId
    outcome: OperationOutcome
    rc: int
    output: str = ""
    exit_reason: str = ""
