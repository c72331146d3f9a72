"""The status of this node's cluster, as its command line prints it."""

from typing import Protocol


class ClusterText(Protocol):
    """What a user here would see."""

    def status(self, *, is_full: bool, hides_inactive: bool) -> str:
        """Return what `pcs status` prints. Raises UnreachableError with its words."""
        ...
