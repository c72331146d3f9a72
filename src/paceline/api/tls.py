"""The server's TLS: the node's certificate, the cluster's authority, always as they are on disk."""

import ssl
from pathlib import Path

from paceline.adapters.node_paths import NodePaths


class ServerTls:
    """A context whose certificate and authority follow the files, connection by connection.

    At each handshake the files are looked at (some stat calls); where one has changed, a new
    context is made. So a node that joins or leaves a cluster needs no restart of the service.
    """

    def __init__(self, paths: NodePaths) -> None:
        """Load the files. Raises OSError or ssl.SSLError where there is no usable certificate."""
        self._paths = paths
        self._seen = self._look()
        self._current = self._make()
        self.context = self._make()
        self.context.sni_callback = self._choose

    def _choose(
        self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext
    ) -> int | None:
        seen = self._look()
        if seen != self._seen:
            try:
                self._current, self._seen = self._make(), seen
            except (OSError, ssl.SSLError):
                # Half-written files: the next handshake looks again.
                return None
        connection.context = self._current
        return None

    def _look(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(_stamp(path) for path in (*self._pair(in_cluster=True), self._authority()))

    def _make(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A certificate may be shown, and then has to be the cluster's: hosts outside of it have
        # none. Which calls need one is decided by `node_calls`.
        context.verify_mode = ssl.CERT_OPTIONAL
        in_cluster = self._paths.cluster.joinpath("node.crt").exists()
        certificate, key = self._pair(in_cluster=in_cluster)
        context.load_cert_chain(certificate, key)
        if self._authority().exists():
            context.load_verify_locations(self._authority())
        return context

    def _pair(self, *, in_cluster: bool) -> tuple[Path, Path]:
        own = self._paths.node_certificate
        return (self._paths.cluster / "node.crt" if in_cluster else own), self._paths.node_key

    def _authority(self) -> Path:
        return self._paths.cluster / "ca.crt"


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
