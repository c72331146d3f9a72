"""The fixed list of files: owner and mode, and what goes with a cluster."""

from pathlib import Path

import pytest

from paceline.adapters.node_files import LocalNodeFiles
from paceline.adapters.node_paths import NodePaths
from paceline.ports.node_calls import FileName


@pytest.fixture
def paths(tmp_path: Path) -> NodePaths:
    """Folders of a node; none of them is there yet."""
    return NodePaths(
        state=tmp_path / "state", runtime=tmp_path / "run", corosync=tmp_path / "etc" / "corosync"
    )


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        (FileName.COROSYNC_CONF, 0o644),
        (FileName.COROSYNC_AUTHKEY, 0o400),
        (FileName.REMOTE_AUTHKEY, 0o400),
        (FileName.CLUSTER_CA_KEY, 0o600),
    ],
)
def test_a_file_is_written_with_its_mode_and_replaced(
    paths: NodePaths, name: FileName, mode: int
) -> None:
    files = LocalNodeFiles(paths)
    assert files.read(name) is None
    files.write(name, b"one")
    files.write(name, b"two")
    assert files.read(name) == b"two"
    (written,) = (p for p in paths.state.parent.rglob("*") if p.is_file())
    assert written.stat().st_mode & 0o777 == mode


def test_removing_a_cluster_keeps_what_is_the_nodes_own(paths: NodePaths) -> None:
    files = LocalNodeFiles(paths)
    assert not files.has_cluster_state()
    for name in FileName:
        files.write(name, b"x")
    (paths.state / "journal").mkdir()
    (paths.state / "journal" / "000").write_bytes(b"x")
    own = {"node.key", "node.crt", "tokens", "known-hosts"}
    for name in own:
        (paths.state / name).write_bytes(b"x")
    assert files.has_cluster_state()
    files.remove_cluster()
    assert not files.has_cluster_state()
    assert {path.name for path in paths.state.iterdir()} == own
    assert list(paths.corosync.iterdir()) == []
