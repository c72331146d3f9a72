"""The snapshot: all that the scheduler knows when it decides. It has no other input."""

from msgspec import Struct

from paceline.model.configuration import Configuration
from paceline.model.status import ClusterStatus


class Snapshot(Struct, frozen=True, gc=False, kw_only=True):
    """A configuration and the status that goes with it; the time is `status.now_ms`."""

    configuration: Configuration
    status: ClusterStatus
