"""What Corosync says of itself for people, through its own tools."""

from typing import Protocol


class EngineTools(Protocol):
    """Corosync's words on membership and quorum, as its tools print them, and what they change."""

    def members_text(self) -> str:
        """Return the table of members (`Membership information`). Raises UnreachableError."""
        ...

    def quorum_text(self) -> str:
        """Return quorum, votes and members. Raises UnreachableError."""
        ...

    def reload(self) -> None:
        """Let Corosync on all nodes read corosync.conf again. Raises UnreachableError."""
        ...

    def set_expected_votes(self, votes: int) -> None:
        """Change the running cluster's expected votes. Raises UnreachableError."""
        ...

    def is_waiting_for_all(self) -> bool:
        """Say whether quorum waits for all nodes to be seen once. Raises UnreachableError."""
        ...

    def cancel_waiting_for_all(self) -> None:
        """Let quorum wait for nodes no longer. Raises UnreachableError."""
        ...
