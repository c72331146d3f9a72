"""Corosync's key on all nodes: a new one, or a user's own."""

import pytest
from tests.commands.cluster_line import ClusterLine, make_cluster

from paceline.ports.node_calls import FileName


class Keys:
    """Files that may hold keys, by path."""

    def read(self, path: str, *, bytes_max: int) -> bytes:
        sizes = {"/good": 256, "/odd": 200, "/short": 20}
        if path not in sizes:
            raise FileNotFoundError(2, "No such file or directory", path)
        return b"k" * sizes[path]


@pytest.fixture
def pcs() -> ClusterLine:
    """The prompt of n1 in a stopped cluster of two."""
    return ClusterLine(make_cluster("n1", "n2"), "n1", open_report_files=Keys)


def _keys(pcs: ClusterLine) -> list[bytes]:
    return [node.files[FileName.COROSYNC_AUTHKEY] for node in pcs.network.nodes.values()]


def test_the_key_of_a_file_is_sent_to_all(pcs: ClusterLine) -> None:
    pcs.ok("cluster authkey corosync good")
    assert _keys(pcs) == [b"k" * 256] * 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("none", "Unable to read Corosync authkey 'none': No such file or directory"),
        ("odd", "has 200 bytes, 256 are wanted, use --force"),
        ("short --force", "has 20 bytes, 256 are wanted"),
    ],
)
def test_a_file_that_is_no_key_changes_nothing(pcs: ClusterLine, words: str, message: str) -> None:
    before = _keys(pcs)
    assert message in pcs.refused(f"cluster authkey corosync {words}")
    assert _keys(pcs) == before
    assert len(before[0]) == 256


def test_an_odd_length_can_be_forced(pcs: ClusterLine) -> None:
    pcs.ok("cluster authkey corosync odd --force")
    assert _keys(pcs) == [b"k" * 200] * 2
