"""A cluster's files and configuration in an archive, and back."""

import io
import tarfile
from dataclasses import replace

import pytest
from tests.commands.command_line import CibInMemory
from tests.commands.nodes_in_memory import PASSWORD, MemoryNetwork, ask, ports_of

from paceline.commands.cluster_services import start
from paceline.commands.cluster_setup import set_up
from paceline.commands.config_backup import backup, restore
from paceline.commands.contract import Ports
from paceline.commands.host_auth import auth_hosts
from paceline.model.errors import InvalidRequestError
from paceline.ports.node_calls import FileName

OLD = """<cib epoch="1"><configuration><crm_config/><nodes>
<node id="1" uname="n1"><instance_attributes id="nodes-1"><nvpair id="nodes-1-rack" name="rack"
value="7"/></instance_attributes></node><node id="2" uname="n2"/></nodes>
<resources><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/></resources>
<constraints/></configuration></cib>"""
NEW = """<cib epoch="9"><configuration><crm_config/><nodes>
<node id="1" uname="n1"/><node id="2" uname="n2"/></nodes><resources/><constraints/>
</configuration></cib>"""


class Archives:
    """Archives by path."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def collect(self, since_ms: int, until_ms: int) -> tuple[tuple[str, bytes], ...]:
        raise AssertionError("no logs are wanted")

    def write(self, path: str, content: bytes, *, replaces: bool = False) -> None:
        if path in self.contents and not replaces:
            raise FileExistsError(17, "File exists", path)
        self.contents[path] = content

    def read(self, path: str, *, bytes_max: int) -> bytes:
        if path not in self.contents:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.contents[path]


class Story:
    """Two nodes n1 and n2 that are a cluster, seen from n1, with a backup of it."""

    def __init__(self) -> None:
        self.network = MemoryNetwork()
        self.network.add("n1", "n2")
        self.archives = Archives()
        self.cib = CibInMemory(OLD, is_live=True)
        auth_hosts(ask("host auth", "n1", "n2", u="hacluster", p=PASSWORD).request, self.ports)
        set_up(ask("cluster setup", "demo", "n1", "n2").request, self.ports)
        self.backup()

    @property
    def ports(self) -> Ports:
        known = ports_of(self.network, "n1")
        return replace(known, cib=self.cib, open_report_files=lambda: self.archives)

    def backup(self, **options: str) -> None:
        backup(ask("config backup", "kept", **options).request, self.ports)

    def restore(self, name: str = "kept.tar.bz2", **options: str) -> str:
        asked = ask("config restore", name, **options)
        restore(asked.request, self.ports)
        said = [report.message for report in asked.request.findings.reports]
        return "\n".join((*asked.shown, *said))

    def start(self) -> None:
        start(ask("cluster start", all="").request, self.ports)


def test_backup_has_the_layout_of_pcs() -> None:
    story = Story()
    content = story.archives.contents["//kept.tar.bz2"]
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == [
            "version.txt", "cib.xml", "corosync.conf", "corosync_authkey", "pacemaker_authkey",
        ]  # fmt: skip
        assert {entry.mode for entry in archive} == {0o600}
        version = archive.extractfile("version.txt")
        assert version is not None
        assert version.read() == b"1"


def test_backup_replaces_another_only_when_forced() -> None:
    story = Story()
    with pytest.raises(InvalidRequestError, match=r"'kept\.tar\.bz2' already exists"):
        story.backup()
    story.backup(force="")


def test_lost_cluster_comes_back_files_first_then_its_configuration() -> None:
    story = Story()
    lost = {name: dict(node.files) for name, node in story.network.nodes.items()}
    for node in story.network.nodes.values():
        del node.files[FileName.COROSYNC_CONF]
        node.files[FileName.COROSYNC_AUTHKEY] = b"another"
    assert "the configuration not yet" in story.restore()
    assert {name: node.files for name, node in story.network.nodes.items()} == lost
    story.cib.document = NEW.encode()
    assert story.cib.pushes == 0
    story.start()
    story.restore()
    assert b'<primitive id="A"' in story.cib.document
    assert b'name="rack"' in story.cib.document


def test_files_are_never_changed_under_a_running_cluster() -> None:
    story = Story()
    story.start()
    story.network.nodes["n1"].files[FileName.COROSYNC_AUTHKEY] = b"another"
    with pytest.raises(InvalidRequestError, match="'corosync authkey' would change"):
        story.restore()
    with pytest.raises(InvalidRequestError, match="You need to stop the cluster"):
        story.restore(local="")
    assert story.network.nodes["n1"].files[FileName.COROSYNC_AUTHKEY] == b"another"
    assert story.cib.pushes == 0


def test_local_restore_touches_this_node_only() -> None:
    story = Story()
    for node in story.network.nodes.values():
        node.files[FileName.COROSYNC_AUTHKEY] = b"another"
    story.network.silent.add("n2")
    story.restore(local="")
    assert story.network.nodes["n1"].files[FileName.COROSYNC_AUTHKEY] != b"another"
    assert story.network.nodes["n2"].files[FileName.COROSYNC_AUTHKEY] == b"another"


def test_nothing_is_sent_with_dry_run_or_while_a_node_is_silent() -> None:
    story = Story()
    story.network.nodes["n1"].files[FileName.COROSYNC_AUTHKEY] = b"another"
    assert "Would send 'corosync.conf'" in story.restore(**{"dry-run": ""})
    story.network.silent.add("n2")
    with pytest.raises(InvalidRequestError):
        story.restore()
    assert story.network.nodes["n1"].files[FileName.COROSYNC_AUTHKEY] == b"another"


def _archive(**parts: bytes) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:bz2") as archive:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name.replace("_", "."))
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return whole.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        _archive(version_txt=b"1")[:-9],
        _archive(cib_xml=OLD.encode()),
        _archive(version_txt=b"2", cib_xml=OLD.encode(), corosync_conf=b""),
        _archive(version_txt=b"1", cib_xml=OLD.encode()),
        _archive(version_txt=b"1", cib_xml=OLD.encode(), corosync_conf=b"totem {\n"),
        _archive(version_txt=b"1", cib_xml=OLD.encode(), corosync_conf=b"\xff"),
        _archive(version_txt=b"1", cib_xml=OLD.encode(), corosync_conf=b"totem {\n}\n"),
    ],
)
def test_what_is_no_backup_is_refused(content: bytes) -> None:
    story = Story()
    story.archives.contents["//bad"] = content
    with pytest.raises(InvalidRequestError, match="this is no backup"):
        story.restore("bad")
    with pytest.raises(InvalidRequestError, match="cannot read 'missing'"):
        story.restore("missing")
