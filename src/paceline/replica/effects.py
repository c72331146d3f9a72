"""What a replica asks of the world: the closed union of effects that `handle` returns, in order."""

from msgspec import Struct

from paceline.model.identifiers import NodeName, RequestId, ResourceId
from paceline.model.operation import FenceOperation, Operation
from paceline.model.status import ClusterStatus
from paceline.replica.requests import RequestAnswer


class Send(Struct, frozen=True, gc=False, kw_only=True):
    """Multicast one entry to the group (the engine fragments and queues)."""

    payload: bytes


class WriteJournal(Struct, frozen=True, gc=False, kw_only=True):
    """Append these records to the journal, one sync for all; then `JournalWritten(sequence)`.

    `checkpoint`, where it is not None, is the whole durable state: the journal may begin anew with
    it (written aside and renamed), before the records.
    """

    sequence: int
    records: tuple[bytes, ...]
    checkpoint: bytes | None = None


class WriteCib(Struct, frozen=True, gc=False, kw_only=True):
    """Write cib.xml aside and rename it (for people and tools; the journal is the truth)."""

    configuration: bytes
    version: str


class KeepCib(Struct, frozen=True, gc=False, kw_only=True):
    """Keep a configuration that lost at a merge in a file of its own: for people, never used."""

    configuration: bytes
    version: str


class KeepStanding(Struct, frozen=True, gc=False, kw_only=True):
    """Keep, until this machine's boot ends, whether this boot took part in an opened view.

    Before the effects that follow. A daemon that starts again in the same boot gets it back as
    `Stored.was_current`.
    """

    is_current: bool


class Execute(Struct, frozen=True, gc=False, kw_only=True):
    """Begin an operation; `OperationFinished` follows (for a recurring one at each change)."""

    operation: Operation


class CancelRecurring(Struct, frozen=True, gc=False, kw_only=True):
    """End a recurring operation; a run that is under way is let finish and not reported."""

    resource: ResourceId
    task: str
    interval_ms: int


class WaitFenceDelay(Struct, frozen=True, gc=False, kw_only=True):
    """Wait, then say `FenceDelayOver`."""

    operation_id: str
    delay_ms: int


class ExecuteFence(Struct, frozen=True, gc=False, kw_only=True):
    """Run a fence agent; `FenceFinished` follows."""

    operation: FenceOperation


class ComputePlan(Struct, frozen=True, gc=False, kw_only=True):
    """Ask the scheduler; `PlanComputed(token)` follows. A newer request replaces an older one.

    `configuration` may be left out by the driver where the scheduler has that `version` already.
    """

    token: int
    version: str
    configuration: bytes
    status: ClusterStatus


class SetTimer(Struct, frozen=True, gc=False, kw_only=True):
    """Fire `TimerFired(name)` at `at_ms` of the boot-time clock; replaces one of the same name."""

    name: str
    at_ms: int


class CancelTimer(Struct, frozen=True, gc=False, kw_only=True):
    """Forget a timer; unknown names are fine."""

    name: str


class Reply(Struct, frozen=True, gc=False, kw_only=True):
    """Answer a local client's request."""

    request_id: RequestId
    answer: RequestAnswer


class Note(Struct, frozen=True, gc=False, kw_only=True):
    """A decision or an observation for the log, as data; one line each.

    `level` is debug, info, notice, warning or error; `code` a stable word.
    """

    level: str
    code: str
    message: str
    facts: tuple[tuple[str, str], ...] = ()
    position: int = 0


class RaiseAlert(Struct, frozen=True, gc=False, kw_only=True):
    """Something that alert agents are told: `kind` is node, fencing, resource or attribute."""

    kind: str
    node: NodeName
    facts: tuple[tuple[str, str], ...]
    position: int


class Leave(Struct, frozen=True, gc=False, kw_only=True):
    """Leave the group and end the daemon; `exit_status` 0 after a clean shutdown.

    100 asks the service runner not to start it again (Pacemaker's habit for fatal states).
    `is_clean` says that this node's goodbye was delivered: nothing that we know of runs here.
    """

    exit_status: int = 0
    is_clean: bool = False
    why: str = ""


Effect = (
    Send
    | WriteJournal
    | WriteCib
    | KeepCib
    | KeepStanding
    | Execute
    | CancelRecurring
    | WaitFenceDelay
    | ExecuteFence
    | ComputePlan
    | SetTimer
    | CancelTimer
    | Reply
    | Note
    | RaiseAlert
    | Leave
)
