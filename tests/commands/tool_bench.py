"""A place where the low-level tools run: a daemon, a configuration and files that are fakes."""

from collections.abc import Mapping

from paceline.commands.tools import Said, Tool, ToolPorts, guard
from paceline.model.errors import UnreachableError
from paceline.ports.cib_store import CibSnapshot, PushOutcome, VersionMovedError
from paceline.ports.daemon import JsonRecord

CIB = b"""<cib validate-with="pacemaker-3.9" epoch="3" num_updates="0" admin_epoch="0">
<configuration><crm_config/><nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="A" class="ocf" provider="heartbeat" type="Dummy"/></resources>
<constraints/></configuration><status/></cib>"""
STATUS: JsonRecord = {
    "now_ms": 1,
    "is_quorate": True,
    "local_node": "n1",
    "coordinator": "n1",
    "nodes": [
        {
            "name": "n1", "node_id": 1, "kind": "member", "is_member": True, "is_online": True,
            "attributes": [["pingd", "100"], ["fail-count-A#monitor_10000", "3"]],
        },
        {"name": "n2", "node_id": 2, "kind": "member", "is_member": False, "is_online": False},
    ],
}  # fmt: skip


class FakeDaemon:
    """Answers `state`, takes every change, and keeps what it was asked."""

    def __init__(self, *, is_up: bool = True) -> None:
        self.asked: list[JsonRecord] = []
        self._is_up = is_up

    def ask(self, request: JsonRecord, *, timeout_ms: int = 60_000) -> JsonRecord:
        if not self._is_up:
            raise UnreachableError("no daemon answers")
        if request["do"] == "state":
            return {"ok": True, "version": "1", "status": STATUS}
        self.asked.append(request)
        return {"ok": True}


class FakeStore:
    """A configuration in memory that moves as often as it is told to."""

    def __init__(self, moves: int = 0) -> None:
        self.is_live = True
        self.document = CIB
        self._moves = moves

    def read(self) -> CibSnapshot:
        return CibSnapshot(document=self.document, version="1")

    def push(self, document: bytes, *, based_on: str, is_forced: bool = False) -> PushOutcome:
        if self._moves:
            self._moves -= 1
            raise VersionMovedError("moved")
        self.document = document
        return PushOutcome()


class Bench:
    """A place where tools run."""

    def __init__(
        self, environment: Mapping[str, str] | None = None, *, is_up: bool = True, moves: int = 0
    ) -> None:
        self.daemon = FakeDaemon(is_up=is_up)
        self.store = FakeStore(moves)
        self.files: dict[str, bytes] = {}
        self.ports = ToolPorts(
            daemon=self.daemon,
            cib=self.store,
            environment=environment or {},
            read_file=self._read,
            read_input=lambda: b"",
            write_err=lambda text: None,
            write_file=self.files.__setitem__,
            remove_file=self._remove,
        )

    def _read(self, path: str) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path]

    def _remove(self, path: str) -> None:
        del self.files[path]

    def run(self, tool: Tool, *words: str) -> Said:
        return guard(tool, "tool", words, self.ports)
