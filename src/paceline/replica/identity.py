"""Who this replica is, and what it brings from its disk."""

from msgspec import Struct

from paceline.model.identifiers import NodeId, NodeName, ResourceId
from paceline.model.plan import Agent


class Identity(Struct, frozen=True, gc=False, kw_only=True):
    """One life of one node's daemon.

    `boot_id` names the node's boot, `incarnation` counts daemons started within it (from 1).
    """

    node: NodeName
    node_id: NodeId
    boot_id: str
    incarnation: int
    version: str


class Started(Struct, frozen=True, gc=False, kw_only=True):
    """A resource that an earlier daemon of this boot started, and none has stopped since."""

    resource: ResourceId
    agent: Agent


class CibCopy(Struct, frozen=True, gc=False, kw_only=True):
    """cib.xml as it was written, proved by its digest, with the version that it is of."""

    configuration: bytes
    version: str


class Stored(Struct, frozen=True, gc=False, kw_only=True):
    """What the journal held: its last checkpoint and the records after it, oldest first.

    `was_damaged` says that a torn or altered end was put aside; `detail` says what and where.
    `was_current` is what the last `KeepStanding` of this boot said, `started` what it began and
    nobody stopped. `cib` is there only where the journal holds nothing at all.
    """

    checkpoint: bytes | None = None
    records: tuple[bytes, ...] = ()
    was_damaged: bool = False
    was_current: bool = False
    started: tuple[Started, ...] = ()
    detail: str = ""
    cib: CibCopy | None = None
