"""`cibsecret`: the value is on the nodes, the configuration has only a mark."""

import pytest
from nodes_in_memory import MemoryNetwork, MemoryPeers
from tool_bench import CIB, Bench

from paceline.commands.tools import Said
from paceline.commands.tools_secret import cibsecret
from paceline.ports.node_calls import FileName, KnownHost

MARK = b'value="lrm://"'


class Place:
    """Two nodes that know each other, and the tool on the first."""

    def __init__(self) -> None:
        self.network = MemoryNetwork()
        self.network.add("n1", "n2")
        token = self.network.nodes["n2"].issue("n1")
        host = KnownHost(name="n2", address="", port=2224, token=token, fingerprint="")
        self.network.nodes["n1"].remember((host,))
        self.bench = Bench()
        self.bench.ports = self.bench.ports._replace(
            open_node=lambda: self.network.node("n1"),
            open_peers=lambda: MemoryPeers(self.network, "n1"),
        )

    def run(self, *words: str) -> Said:
        return self.bench.run(cibsecret, *words)

    def kept(self, node: str) -> dict[str, bytes]:
        files = self.network.nodes[node].more_files
        return {name: files[kind, name] for kind, name in files if kind is FileName.RESOURCE_SECRET}

    @property
    def document(self) -> bytes:
        return self.bench.store.document


def test_value_is_set_on_all_nodes_and_a_mark_in_the_configuration() -> None:
    place = Place()
    assert place.run("set", "A", "passwd", "s3cret") == Said()
    assert place.kept("n1") == place.kept("n2") == {"A:passwd": b"s3cret"}
    assert MARK in place.document
    assert b"s3cret" not in place.document
    assert place.run("get", "A", "passwd").out == "s3cret"
    assert place.run("check", "A", "passwd").status == 0
    assert place.run("delete", "A", "passwd").status == 0
    assert place.kept("n1") == place.kept("n2") == {}
    assert b"passwd" not in place.document


def test_plain_value_is_stashed_and_brought_back() -> None:
    place = Place()
    plain = b'<instance_attributes id="a"><nvpair id="a1" name="passwd" value="old"/></'
    place.bench.store.document = CIB.replace(
        b'type="Dummy"/>', b'type="Dummy">' + plain + b"instance_attributes></primitive>"
    )
    assert place.run("set", "A", "passwd", "new").status == 108
    assert place.run("get", "A", "passwd").status == 105
    assert place.run("stash", "A", "passwd").status == 0
    assert place.kept("n2") == {"A:passwd": b"old"}
    assert MARK in place.document
    assert place.run("stash", "A", "passwd").status == 108
    assert place.run("unstash", "A", "passwd").status == 0
    assert place.kept("n2") == {}
    assert b'value="old"' in place.document


def test_node_that_is_away_gets_the_values_when_they_are_sent_again() -> None:
    place = Place()
    place.network.silent.add("n2")
    said = place.run("set", "A", "passwd", "s3cret")
    assert said.status == 0
    assert "cibsecret sync" in said.err
    assert place.run("sync").status == 1
    place.network.silent.clear()
    other = place.run("check", "A", "passwd")
    assert (other.status, other.err) == (104, "n2: has no value")
    assert place.run("sync") == Said()
    assert place.run("check", "A", "passwd").status == 0


def test_without_the_configuration_only_the_files_change() -> None:
    place = Place()
    assert place.run("-C", "set", "anything", "passwd", "x").status == 0
    assert place.kept("n2") == {"anything:passwd": b"x"}
    assert place.document == CIB


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("set A passwd", 64), ("get A", 64), ("-C stash A passwd", 64), ("forget A passwd", 64),
        ("-C", 64), ("set A ../../x y", 64), ("set nothing passwd x", 105), ("get A passwd", 105),
    ],
)  # fmt: skip
def test_wrong_words_change_nothing(words: str, status: int) -> None:
    place = Place()
    said = place.run(*words.split())
    assert said.status == status
    assert said.err
    assert place.kept("n1") == {}
    assert place.document == CIB
