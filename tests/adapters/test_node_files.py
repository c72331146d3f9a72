"""The fixed list of files: owner and mode, and what goes with a cluster."""

from pathlib import Path

import pytest

from paceline.adapters.node_files import LocalNodeFiles
from paceline.adapters.node_paths import NodePaths, node_paths
from paceline.ports.node_calls import FileName

WITH_INSTANCES = (
    FileName.COROSYNC_UIDGID,
    FileName.BOOTH_CONFIG,
    FileName.BOOTH_KEY,
    FileName.RESOURCE_SECRET,
)


@pytest.fixture
def paths(tmp_path: Path) -> NodePaths:
    """Folders of a node; none of them is there yet."""
    return NodePaths(
        state=tmp_path / "state",
        runtime=tmp_path / "run",
        corosync=tmp_path / "etc" / "corosync",
        uidgid=tmp_path / "etc" / "corosync" / "uidgid.d",
        booth=tmp_path / "etc" / "booth",
        sbd_config=tmp_path / "etc" / "default" / "sbd",
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
    for name in set(FileName) - set(WITH_INSTANCES):
        files.write(name, b"x")
    files.write(FileName.RESOURCE_SECRET, b"x", "R:passwd")
    (secret,) = paths.secrets.iterdir()
    assert secret.stat().st_mode & 0o777 == 0o600
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


def test_files_of_a_kind_with_instances_are_written_listed_and_removed(paths: NodePaths) -> None:
    files = LocalNodeFiles(paths)
    assert files.instances(FileName.BOOTH_CONFIG) == ()
    files.write(FileName.BOOTH_CONFIG, b"port = 1\n", "shop")
    files.write(FileName.BOOTH_KEY, b"secret", "shop.key")
    assert files.instances(FileName.BOOTH_CONFIG) == ("shop",)
    assert files.read(FileName.BOOTH_CONFIG, "shop") == b"port = 1\n"
    assert (paths.booth / "shop.key").stat().st_mode & 0o777 == 0o600
    assert paths.booth.stat().st_mode & 0o777 == 0o755
    files.remove(FileName.BOOTH_CONFIG, "shop")
    files.remove(FileName.BOOTH_CONFIG, "shop")
    assert files.read(FileName.BOOTH_CONFIG, "shop") is None


@pytest.mark.parametrize("instance", ["", "../x", "a/b", ".hidden", "a\nb", "x" * 200])
def test_an_instance_is_a_name_and_no_path(paths: NodePaths, instance: str) -> None:
    with pytest.raises(ValueError, match="is no name of a"):
        LocalNodeFiles(paths).write(FileName.COROSYNC_UIDGID, b"", instance)
    with pytest.raises(ValueError, match="there is only one"):
        LocalNodeFiles(paths).read(FileName.COROSYNC_CONF, "other")


def test_files_are_where_the_names_of_pcs_say() -> None:
    paths = node_paths({"PCS.SETTINGS.corosync_uidgid_dir": "/a", "PACELINE_BOOTH_DIR": "/b"})
    assert (paths.uidgid, paths.booth) == (Path("/a"), Path("/b"))
    assert node_paths({"PACELINE_COROSYNC_DIR": "/c"}).uidgid == Path("/c/uidgid.d")
