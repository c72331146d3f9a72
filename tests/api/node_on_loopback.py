"""A node service on loopback with a folder of its own: real TLS, real files, real client."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path

from paceline.adapters.certificates import NodeCertificates
from paceline.adapters.node_files import LocalNodeFiles
from paceline.adapters.node_paths import NodePaths
from paceline.adapters.token_book import FileTokenBook
from paceline.api.client import NodePeers
from paceline.api.node_calls import NodeCalls
from paceline.api.server import NodeServer
from paceline.api.tls import ServerTls
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.ports.node_calls import (
    Authenticate,
    Authenticated,
    CertificateRequested,
    Done,
    FileName,
    Hello,
    IssueTokens,
    MakeCertificateRequest,
    NodeAnswer,
    NodeRequest,
    PutFiles,
    RevokeTokens,
    SayHello,
    TokensIssued,
)

PASSWORD = "correct horse"


class LoopbackNode:
    """One node: its folder, its server in a thread, its view of the others."""

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        idle_s_max: float = 15.0,
        body_s_max: float = 20.0,
        connections_max: int = 256,
    ) -> None:
        """Make the node's key; nothing listens yet."""
        self.name = name
        self.paths = NodePaths(
            state=folder / "state",
            runtime=folder / "run",
            corosync=folder / "corosync",
            uidgid=folder / "corosync" / "uidgid.d",
            booth=folder / "booth",
            sbd_config=folder / "default" / "sbd",
        )
        self.files = LocalNodeFiles(self.paths)
        self.tokens = FileTokenBook(self.paths)
        self.certificates = NodeCertificates(self.paths, name=name)
        self.certificates.ensure_own()
        self.calls: list[tuple[str, NodeRequest]] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        node_calls = NodeCalls(
            self.tokens,
            self.perform,
            has_authority=lambda: self.files.read(FileName.CLUSTER_CA) is not None,
        )
        self.server = NodeServer(
            node_calls,
            ServerTls(self.paths),
            idle_s_max=idle_s_max,
            body_s_max=body_s_max,
            connections_max=connections_max,
        )
        self.peers = NodePeers(
            local_name=name,
            paths=self.paths,
            files=self.files,
            tokens=self.tokens,
            perform=lambda request: self.perform(request, "here"),
        )

    def start(self) -> None:
        """Listen on a free port of loopback."""
        self._thread.start()
        self.port = self._run(self.server.start(hosts=("127.0.0.1",), port=0))

    def stop(self) -> None:
        """End the server and its thread."""
        self._run(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[object, object, int | None]) -> int:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10) or 0

    def perform(self, request: NodeRequest, source: str) -> NodeAnswer:
        """Do a call as a node does, as far as these tests need."""
        self.calls.append((source, request))
        match request:
            case SayHello():
                return Hello(name=self.name, time_ms=0, version="1")
            case Authenticate(password=given, holder=holder) if given == PASSWORD:
                return Authenticated(token=self.tokens.issue(holder))
            case Authenticate():
                raise InvalidRequestError(Report(code="wrong-password", message="wrong"))
            case IssueTokens(holders=holders):
                return TokensIssued(tokens=tuple((h, self.tokens.issue(h)) for h in holders))
            case PutFiles(files=files):
                for file in files:
                    self.files.write(file.name, file.content)
                return Done()
            case RevokeTokens():
                return Done(detail="revoked")
            case MakeCertificateRequest():
                return CertificateRequested(request=self.certificates.request().decode())
            case _:
                raise AssertionError(f"unexpected call: {request}")
