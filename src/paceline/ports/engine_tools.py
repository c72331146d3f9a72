"""What Corosync says of itself for people, through its own tools."""

from typing import Protocol


class EngineTools(Protocol):
    """Corosync's words on membership and quorum, as its tools print them."""

    def members_text(self) -> str:
        """Return the table of members (`Membership information`). Raises UnreachableError."""
        ...

    def quorum_text(self) -> str:
        """Return quorum, votes and members. Raises UnreachableError."""
        ...

    def reload(self) -> None:
        """Let Corosync on all nodes read corosync.conf again. Raises UnreachableError."""
        ...
