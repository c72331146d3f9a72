"""The quorum device's own programs: corosync-qnetd (the arbiter) and corosync-qdevice (a node).

Both keep their certificates in databases of their own, which only their own tools write. A node's
key never leaves it: each node of a cluster has a certificate of its own, with the cluster's name.
Everything raises UnreachableError, with the program's words, where a program is missing or fails.
"""

from typing import Protocol


class QuorumDeviceTools(Protocol):
    """What the tools of both programs do here. Certificates are bytes as the tools made them."""

    def is_arbiter_set_up(self) -> bool:
        """Say whether there is an authority of an arbiter here."""
        ...

    def set_up_arbiter(self) -> None:
        """Make the arbiter's authority and its certificate."""
        ...

    def remove_arbiter(self) -> None:
        """Remove the arbiter's authority and certificates. Raises OSError."""
        ...

    def arbiter_text(self, *, is_full: bool, cluster: str = "") -> str:
        """Return what the running arbiter says of itself and its clusters."""
        ...

    def authority(self) -> bytes:
        """Return the certificate of the arbiter's authority. Raises OSError."""
        ...

    def sign(self, request: bytes, cluster: str) -> bytes:
        """Return the arbiter's certificate over a node's request, in the cluster's name."""
        ...

    def make_request(self, authority: bytes, cluster: str) -> bytes:
        """Begin anew on this node: trust that authority, make a key, return a signing request."""
        ...

    def accept(self, certificate: bytes, cluster: str) -> None:
        """Keep the certificate that the arbiter gave for the request."""
        ...

    def forget(self) -> None:
        """Remove key and certificates of this node's end. Raises OSError."""
        ...

    def device_text(self, *, is_full: bool) -> str:
        """Return what the running end of this node says."""
        ...
