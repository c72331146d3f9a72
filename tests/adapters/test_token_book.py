"""Tokens are hashed, expire, are renewed by use, revoked and bound; files are for root only."""

from pathlib import Path

from paceline.adapters.node_paths import NodePaths
from paceline.adapters.token_book import (
    TOKEN_DAYS_UNUSED_MAX,
    TOKENS_PER_HOLDER_MAX,
    FileTokenBook,
)
from paceline.ports.node import TokenHolder
from paceline.ports.node_calls import KnownHost

DAY = 86_400


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


def _paths(folder: Path) -> NodePaths:
    return NodePaths(
        state=folder / "state",
        runtime=folder / "run",
        corosync=folder / "corosync",
        uidgid=folder / "corosync" / "uidgid.d",
        booth=folder / "booth",
        sbd_config=folder / "etc" / "sbd",
    )


def _host(name: str, token: str) -> KnownHost:
    return KnownHost(name=name, address=name, port=2224, token=token, fingerprint="f")


def test_a_token_is_found_and_never_stored_in_clear(tmp_path: Path) -> None:
    paths = _paths(tmp_path)
    book = FileTokenBook(paths)
    token = book.issue("worker1")
    assert len(token) == 64
    assert book.find(token) == TokenHolder(name="worker1", is_bound=False)
    assert book.find(token[:-1] + ("0" if token[-1] != "0" else "1")) is None
    assert token.encode() not in paths.tokens.read_bytes()
    assert paths.tokens.stat().st_mode & 0o777 == 0o600
    assert paths.state.stat().st_mode & 0o777 == 0o700


def test_a_token_expires_when_it_is_not_used(tmp_path: Path) -> None:
    clock = Clock()
    book = FileTokenBook(_paths(tmp_path), now_s=clock)
    token = book.issue("worker1")
    clock.now += (TOKEN_DAYS_UNUSED_MAX + 1) * DAY
    assert book.find(token) is None


def test_use_keeps_a_token_alive(tmp_path: Path) -> None:
    clock = Clock()
    book = FileTokenBook(_paths(tmp_path), now_s=clock)
    token = book.issue("worker1")
    for _ in range(3):
        clock.now += (TOKEN_DAYS_UNUSED_MAX - 1) * DAY
        assert book.find(token) is not None


def test_a_bound_token_says_so(tmp_path: Path) -> None:
    book = FileTokenBook(_paths(tmp_path))
    token = book.issue("worker1")
    book.bind(token)
    assert book.find(token) == TokenHolder(name="worker1", is_bound=True)


def test_revoking_a_host_leaves_the_others(tmp_path: Path) -> None:
    book = FileTokenBook(_paths(tmp_path))
    first, second = book.issue("worker1"), book.issue("worker2")
    book.revoke(["worker1"])
    assert book.find(first) is None
    assert book.find(second) is not None


def test_only_the_last_tokens_of_a_holder_stay(tmp_path: Path) -> None:
    book = FileTokenBook(_paths(tmp_path))
    other = book.issue("worker2")
    tokens = [book.issue("worker1") for _ in range(TOKENS_PER_HOLDER_MAX + 2)]
    valid = [book.find(token) is not None for token in tokens]
    assert valid == [False] * 2 + [True] * TOKENS_PER_HOLDER_MAX
    assert book.find(other) is not None


def test_known_hosts_are_replaced_by_name_and_forgotten(tmp_path: Path) -> None:
    paths = _paths(tmp_path)
    book = FileTokenBook(paths)
    book.remember([_host("b", "old"), _host("a", "1")])
    book.remember([_host("b", "new")])
    assert {name: host.token for name, host in book.known_hosts().items()} == {
        "a": "1",
        "b": "new",
    }
    book.forget(["b"])
    assert list(book.known_hosts()) == ["a"]
    assert paths.known_hosts.stat().st_mode & 0o777 == 0o600


def test_an_altered_file_opens_no_door(tmp_path: Path) -> None:
    paths = _paths(tmp_path)
    book = FileTokenBook(paths)
    token = book.issue("worker1")
    paths.tokens.write_bytes(b'{"tokens": [{"digest"')
    assert book.find(token) is None
