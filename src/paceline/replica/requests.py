"""What a local client may ask of the replica, and how it is answered.

The sender's daemon has checked schema and permission before; the replica decides by versions and
the view only (DESIGN 2).
"""

from enum import StrEnum

from msgspec import Struct

from paceline.model.identifiers import NodeName
from paceline.model.status import ChangeOrigin


class Configure(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Replace the configuration, if its version is still `based_on`.

    `configuration` is the whole `<cib>` document without status. `is_forced` accepts it without
    quorum, marked as not safe (DESIGN 3). `is_repeated`: it was asked before, perhaps elsewhere,
    and may have taken effect where these members cannot know of it.
    """

    based_on: str
    configuration: bytes
    origin: ChangeOrigin
    is_forced: bool = False
    is_repeated: bool = False


class SetAttributes(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Set transient attributes of a node: (name, value) pairs; None deletes.

    A value `++` or `+=N` adds to the number that is there (INFINITY stays), as attrd does.
    """

    node: NodeName
    values: tuple[tuple[str, str | None], ...]


class ClearHistory(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Forget results so that they are probed again.

    Empty `resources` or `nodes` mean all. `only_failed` forgets failures and fail counts only
    (cleanup); without it everything is forgotten (refresh). `task` and `interval_ms` narrow it.
    """

    resources: tuple[str, ...] = ()
    nodes: tuple[NodeName, ...] = ()
    only_failed: bool = True
    task: str = ""
    interval_ms: int | None = None


class SetTicket(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Change a ticket: (name, value) pairs among granted, standby and others; None deletes."""

    ticket: str
    values: tuple[tuple[str, str | None], ...]
    is_removed: bool = False


class FenceNode(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Fence a node by hand: `task` is on, off or reboot. Answered when it ended."""

    target: NodeName
    task: str
    client: str
    delay_ms: int = 0


class ConfirmOff(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """A person says that the node is off (`pcs stonith confirm`). Kept with the caller's name."""

    target: NodeName
    user: str


class ForgetFencing(Struct, frozen=True, kw_only=True, tag=True):
    """Drop what is on record of fencing that ended; of one target, or (an empty name) of all."""

    target: NodeName


class ForgetNode(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Drop everything known of a node that was removed from the cluster."""

    node: NodeName


class Shutdown(Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """This node leaves cleanly: its resources are stopped or moved, then `Left`, then `Leave`."""


Request = (
    Configure
    | SetAttributes
    | ClearHistory
    | SetTicket
    | FenceNode
    | ConfirmOff
    | ForgetFencing
    | ForgetNode
    | Shutdown
)


class Outcome(StrEnum):
    """How a request ended."""

    ACKNOWLEDGED = "acknowledged"
    """Done, and durable where the request changes the configuration."""
    NOT_YET_SAFE = "not-yet-safe"
    """Accepted, but not on enough disks; `detail` says what it waits for."""
    REFUSED = "refused"
    """Nothing was changed; `code` and `detail` say why (`version-moved`, `no-quorum`, ...)."""
    FAILED = "failed"
    """It was tried and failed (a fencing)."""
    UNKNOWN = "unknown"
    """Nobody can say whether it took effect; ask again with the same id."""


class RequestAnswer(Struct, frozen=True, gc=False, kw_only=True):
    """The answer to one request. `version` is the configuration's version after it."""

    outcome: Outcome
    code: str = ""
    detail: str = ""
    version: str = ""
