"""Run commands on a configuration in memory, as a user would type them."""

import shlex
from collections.abc import Mapping
from typing import NoReturn

from paceline.commands.contract import Ports
from paceline.commands.run import Places, Session, run_words
from paceline.model.agent_name import AgentName
from paceline.ports.agents import AgentMetadataError
from paceline.ports.checkpoints import Checkpoint
from paceline.ports.cib_store import CibSnapshot, PushOutcome, VersionMovedError
from paceline.ports.daemon import JsonRecord

EMPTY = """<cib epoch="1"><configuration><crm_config/><nodes>
<node id="1" uname="worker1"/><node id="2" uname="worker2"/></nodes>
<resources/><constraints/></configuration><status/></cib>"""

_ACTIONS = """<actions><action name="start" timeout="20s"/><action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s"/><action name="meta-data" timeout="5s"/>
</actions>"""
AGENTS: Mapping[str, str] = {
    "ocf:heartbeat:IPaddr2": '<parameters><parameter name="ip" required="1" unique="1"/>'
    '<parameter name="cidr_netmask"/></parameters>',
    "ocf:heartbeat:apache": '<parameters><parameter name="configfile"/>'
    '<parameter name="statusurl"/></parameters>',
    "ocf:pacemaker:Dummy": "<parameters/>",
    "stonith:fence_lab": '<parameters><parameter name="ip" required="1"/></parameters>',
}


class AgentsInMemory:
    """The agents above."""

    def standards(self) -> tuple[str, ...]:
        return ("lsb", "ocf", "service")

    def providers(self) -> tuple[str, ...]:
        return ("heartbeat", "pacemaker")

    def agents(self, agent_class: str, provider: str = "") -> tuple[str, ...]:
        start = f"{agent_class}:{provider}:" if provider else f"{agent_class}:"
        return tuple(sorted(name.split(":")[-1] for name in AGENTS if name.startswith(start)))

    def metadata(self, agent: AgentName) -> bytes:
        found = AGENTS.get(str(agent))
        if found is None:
            raise AgentMetadataError("Agent does not exist or has no metadata")
        text = f"<resource-agent><version>1.0</version>{found}{_ACTIONS}</resource-agent>"
        return text.encode()


class CibInMemory:
    """A configuration; `rivals` are changes that others make just before the next pushes."""

    def __init__(self, document: str = EMPTY, *, is_live: bool = False) -> None:
        self.is_live = is_live
        self.document = document.encode()
        self.version = 1
        self.rivals: list[bytes] = []
        self.pushes = 0

    def read(self) -> CibSnapshot:
        return CibSnapshot(document=self.document, version=str(self.version))

    def push(self, document: bytes, *, based_on: str, is_forced: bool = False) -> PushOutcome:
        if self.rivals:
            self.document = self.rivals.pop(0)
            self.version += 1
        if based_on != str(self.version):
            raise VersionMovedError("moved")
        self.document = document
        self.version += 1
        self.pushes += 1
        return PushOutcome()


class FilesInMemory:
    """Text files by name."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def read(self, path: str) -> str:
        if path not in self.texts:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.texts[path]

    def write(self, path: str, text: str) -> None:
        self.texts[path] = text

    def exists(self, path: str) -> bool:
        return path in self.texts

    def names_in(self, path: str) -> tuple[str, ...] | None:
        start = f"{path}/"
        names = [one.removeprefix(start) for one in self.texts if one.startswith(start)]
        return tuple(sorted(names)) or None


class PatientDaemon:
    """Answers every wait, and remembers what the configuration was at each."""

    def __init__(self, cib: CibInMemory, *, settles: bool) -> None:
        self._cib = cib
        self._settles = settles
        self.seen: list[str] = []

    def ask(self, request: JsonRecord, *, timeout_ms: int = 0) -> JsonRecord:
        assert request["do"] == "wait"
        self.seen.append(self._cib.document.decode())
        return {"ok": self._settles, "message": "" if self._settles else "it took too long"}


class NoDaemon:
    """A daemon that must not be asked."""

    def ask(self, request: JsonRecord, *, timeout_ms: int = 0) -> JsonRecord:
        raise AssertionError(f"the daemon was asked: {request}")


class TerminalInMemory:
    """Keeps what was shown."""

    def __init__(self) -> None:
        self.shown_out = ""
        self.shown_err = ""
        self.screen = ""

    def out(self, text: str) -> None:
        self.shown_out += text
        self.screen += text

    def err(self, text: str) -> None:
        self.shown_err += text
        self.screen += text

    def ask(self, prompt: str, *, is_secret: bool) -> str:
        raise AssertionError(f"the user was asked: {prompt}")


class CheckpointsInMemory:
    """Older versions of a configuration, by number."""

    def __init__(self) -> None:
        self.documents: dict[int, bytes] = {}

    def all_kept(self) -> tuple[Checkpoint, ...]:
        return tuple(Checkpoint(number=one, replaced_ms=0) for one in sorted(self.documents))

    def read(self, number: int) -> bytes | None:
        return self.documents.get(number)


class EditorInMemory:
    """A user who replaces some words by others."""

    def __init__(self) -> None:
        self.replaced: dict[str, str] = {}

    def edit(self, text: str, *, ending: str) -> str:
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        return text


def _not_here() -> NoReturn:
    raise AssertionError("this command needs no node")


class CommandLine:
    """A user at a prompt: each call runs one line and gives (status, out, err)."""

    def __init__(
        self, document: str = EMPTY, *, style: str = "", settles: bool | None = None
    ) -> None:
        """With `settles` it is a live cluster, whose daemon answers waits so."""
        self.cib = CibInMemory(document, is_live=settles is not None)
        self.daemon = None if settles is None else PatientDaemon(self.cib, settles=settles)
        self.files = FilesInMemory()
        self.checkpoints = CheckpointsInMemory()
        self.editor = EditorInMemory()
        self._style = style

    def __call__(self, line: str) -> tuple[int, str, str]:
        terminal = TerminalInMemory()
        session = Session(
            program="pcs", user="root", cwd="/", environment={"PACELINE_STYLE": self._style}
        )
        status = run_words(
            shlex.split(line), session=session, terminal=terminal, make_ports=self._ports
        )
        return status, terminal.shown_out, terminal.shown_err

    def _ports(self, places: Places) -> Ports:
        return Ports(
            cib=self.cib,
            files=self.files,
            agents=AgentsInMemory(),
            daemon=self.daemon or NoDaemon(),
            corosync_conf_path=places.corosync_conf or "corosync.conf",
            open_node=_not_here,
            open_peers=_not_here,
            open_engine_tools=_not_here,
            open_report_files=_not_here,
            open_checkpoints=lambda: self.checkpoints,
            open_editor=lambda: self.editor,
        )

    def ok(self, line: str) -> str:
        """Run a line that must succeed; return its output."""
        status, out, err = self(line)
        assert status == 0, err
        return out

    @property
    def text(self) -> str:
        """The configuration."""
        return self.cib.document.decode()
