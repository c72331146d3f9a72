"""Who else may speak to Corosync: one file an entry."""

import pytest
from tests.commands.cluster_line import ClusterLine, make_cluster

from paceline.ports.node_calls import FileName

UIDGID = FileName.COROSYNC_UIDGID


@pytest.fixture
def pcs() -> ClusterLine:
    """The prompt of n1."""
    return ClusterLine(make_cluster("n1", "n2"), "n1")


def test_entries_are_added_listed_and_removed(pcs: ClusterLine) -> None:
    assert pcs.ok("cluster uidgid") == "No uidgids configured\n"
    pcs.ok("cluster uidgid add uid=root gid=wheel")
    pcs.ok("cluster uidgid add gid=haclient")
    files = pcs.network.nodes["n1"].more_files
    assert files[UIDGID, "pcs-uidgid-root-wheel"] == b"uidgid {\n  uid: root\n  gid: wheel\n}\n"
    assert files[UIDGID, "pcs-uidgid--haclient"] == b"uidgid {\n  gid: haclient\n}\n"
    assert pcs.ok("cluster uidgid").splitlines() == [
        "UID/GID: uid= gid=haclient",
        "UID/GID: uid=root gid=wheel",
    ]
    assert "uid=root and gid= found" in pcs.refused("cluster uidgid delete uid=root")
    pcs.ok("cluster uidgid remove gid=wheel uid=root")
    assert list(files) == [(UIDGID, "pcs-uidgid--haclient")]


def test_an_entry_is_not_added_twice(pcs: ClusterLine) -> None:
    pcs.network.nodes["n1"].more_files[UIDGID, "by-hand"] = b"uidgid {\nuid: monitor\ngid:\n}\n"
    err = pcs.refused("cluster uidgid add uid=monitor")
    assert err == "Error: uidgid file with uid=monitor and gid= already exists\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("uid", "uidgid options must be of the form uid=<uid> gid=<gid>"),
        ("name=x", "name is not a valid key, you must use uid or gid"),
        ("uid= gid=", "you must set either uid or gid"),
        ("uid=../root", "'../root' is no name or number of an account"),
        ("uid='a }'", "'a }' is no name or number of an account"),
    ],
)
def test_wrong_words_change_nothing(pcs: ClusterLine, words: str, message: str) -> None:
    assert pcs.refused(f"cluster uidgid add {words}") == f"Error: {message}\n"
    assert not pcs.network.nodes["n1"].more_files


def test_files_that_are_no_entries_are_passed_over(pcs: ClusterLine) -> None:
    pcs.network.nodes["n1"].more_files[UIDGID, "README"] = b"put files here\n"
    assert pcs.ok("cluster uidgid") == "No uidgids configured\n"
