"""What strangers try on port 2224: other keys and authorities, old tokens, too much, too slow."""

import contextlib
import http.client
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.api.node_on_loopback import PASSWORD, LoopbackNode
from tests.api.test_node_service import Nodes, _ask, _authenticate, _greet, _join, _post

from paceline.adapters.certificates import NodeCertificates
from paceline.adapters.node_link import client_context
from paceline.adapters.node_paths import NodePaths
from paceline.adapters.token_book import TOKEN_DAYS_UNUSED_MAX
from paceline.ports.node_calls import Done, FileName
from paceline.ports.peers import PeerProblem, Trouble

REVOKE = b'{"holders": []}'


def _foreign_context(folder: Path, name: str) -> ssl.SSLContext:
    """Return a context that shows a certificate for `name` by an authority of a stranger's own."""
    paths = NodePaths(
        state=folder,
        runtime=folder,
        corosync=folder,
        uidgid=folder / "uidgid.d",
        booth=folder / "booth",
        sbd_config=folder / "etc" / "sbd",
    )
    own = NodeCertificates(paths, name=name)
    own.ensure_own()
    authority, key = own.make_authority("foreign")
    signed = own.sign(own.request(), authority=authority, key=key, name=name)
    (folder / "signed.crt").write_bytes(signed)
    context = client_context()
    context.load_cert_chain(folder / "signed.crt", paths.node_key)
    return context


def _call(node: LoopbackNode, context: ssl.SSLContext, token: str) -> int:
    link = http.client.HTTPSConnection("127.0.0.1", node.port, context=context, timeout=10)
    try:
        headers = {"Authorization": f"Bearer {token}"}
        link.request("POST", "/v1/revoke-tokens", body=REVOKE, headers=headers)
        return link.getresponse().status
    finally:
        link.close()


def test_certificate_of_a_foreign_authority_ends_the_connection(
    nodes: Nodes, tmp_path: Path
) -> None:
    one, two = nodes
    token = _authenticate(one, two).token
    _join(nodes)
    folder = tmp_path / "stranger"
    folder.mkdir()
    before = len(two.calls)
    with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):
        _call(two, _foreign_context(folder, "one"), token)
    assert len(two.calls) == before


def test_token_with_the_certificate_of_another_member_is_refused(nodes: Nodes) -> None:
    """A member of the cluster that stole a token of another one."""
    one, two = nodes
    token = _authenticate(one, two).token
    _join(nodes)
    context = client_context()
    context.load_cert_chain(two.paths.cluster / "node.crt", two.paths.node_key)
    assert _call(two, context, token) == 403


def test_request_replayed_with_its_token_on_a_new_connection_needs_the_certificate(
    nodes: Nodes,
) -> None:
    """Who saw a request, token and all, has not the key that the token is bound to."""
    one, two = nodes
    token = _authenticate(one, two).token
    _join(nodes)
    assert isinstance(_ask(one, two), Done)
    before = len(two.calls)
    assert _call(two, client_context(), token) == 403
    assert len(two.calls) == before


def test_recorded_bytes_of_a_connection_do_nothing_when_sent_again(nodes: Nodes) -> None:
    one, two = nodes
    token = _authenticate(one, two).token
    recorded = _record(two, token)
    before = len(two.calls)
    with (
        socket.create_connection(("127.0.0.1", two.port), timeout=10) as plain,
        contextlib.suppress(OSError),  # it may hang up before all is sent
    ):
        for part in recorded:
            plain.sendall(part)
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(1 << 16):
            pass
    assert len(two.calls) == before


def _record(node: LoopbackNode, token: str) -> list[bytes]:
    """Make a call through a relay and return what went to the node."""
    sent: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as relay:
        port = relay.getsockname()[1]

        def pump(source: socket.socket, target: socket.socket, kept: list[bytes]) -> None:
            with contextlib.suppress(OSError):
                while part := source.recv(1 << 16):
                    kept.append(part)
                    target.sendall(part)

        def serve() -> None:
            link, _ = relay.accept()
            with link, socket.create_connection(("127.0.0.1", node.port), timeout=10) as inner:
                back = threading.Thread(target=pump, args=(inner, link, []), daemon=True)
                back.start()
                pump(link, inner, sent)

        worker = threading.Thread(target=serve, daemon=True)
        worker.start()
        client = http.client.HTTPSConnection(
            "127.0.0.1", port, context=client_context(), timeout=10
        )
        headers = {"Authorization": f"Bearer {token}"}
        client.request("POST", "/v1/revoke-tokens", body=REVOKE, headers=headers)
        assert client.getresponse().status == 200
        client.close()
        worker.join(10)
    return sent


def test_expired_token_opens_nothing(nodes: Nodes) -> None:
    one, two = nodes
    token = _authenticate(one, two).token
    stored = msgspec.json.decode(two.paths.tokens.read_bytes())
    for entry in stored["tokens"]:
        entry["used"] -= (TOKEN_DAYS_UNUSED_MAX + 1) * 86_400
    two.paths.tokens.write_bytes(msgspec.json.encode(stored))
    assert _post(two, "/v1/revoke-tokens", REVOKE, token) == 401
    answer = _ask(one, two)
    assert isinstance(answer, PeerProblem)
    assert answer.trouble is Trouble.NOT_AUTHORIZED


def test_token_of_a_revoked_host_opens_nothing_even_on_a_connection_that_is_open(
    nodes: Nodes,
) -> None:
    one, two = nodes
    token = _authenticate(one, two).token
    headers = {"Authorization": f"Bearer {token}"}
    link = http.client.HTTPSConnection("127.0.0.1", two.port, context=client_context(), timeout=10)
    statuses = []
    for _ in range(2):
        link.request("POST", "/v1/revoke-tokens", body=REVOKE, headers=headers)
        with link.getresponse() as answer:
            statuses.append(answer.status)
            answer.read()
        two.tokens.revoke(["one"])
    link.close()
    assert statuses == [200, 401]


def test_body_that_says_it_is_too_large_is_refused_before_it_comes(nodes: Nodes) -> None:
    with (
        socket.create_connection(("127.0.0.1", nodes[0].port), timeout=10) as plain,
        client_context().wrap_socket(plain) as link,
    ):
        link.sendall(b"POST /v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n")
        assert b" 413 " in link.recv(100)


def test_header_that_is_too_long_is_refused(nodes: Nodes) -> None:
    with (
        socket.create_connection(("127.0.0.1", nodes[0].port), timeout=10) as plain,
        client_context().wrap_socket(plain) as link,
    ):
        try:
            link.sendall(b"POST /v1/hello HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20_000 + b"\r\n\r\n")
            answer = link.recv(200)
        except ConnectionError:  # it hung up with the rest unread, which can outrun its answer
            return
        assert b" 400 " in answer


@pytest.fixture
def slow_node(tmp_path: Path) -> Iterator[LoopbackNode]:
    """A node with little patience."""
    node = LoopbackNode("slow", tmp_path / "slow", idle_s_max=0.3, body_s_max=0.3)
    node.start()
    yield node
    node.stop()


def test_body_that_drips_is_refused(slow_node: LoopbackNode) -> None:
    with (
        socket.create_connection(("127.0.0.1", slow_node.port), timeout=10) as plain,
        client_context().wrap_socket(plain) as link,
    ):
        link.sendall(b"POST /v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{")
        assert b" 408 " in link.recv(200)


def test_connection_that_says_nothing_is_ended(slow_node: LoopbackNode) -> None:
    with (
        socket.create_connection(("127.0.0.1", slow_node.port), timeout=10) as plain,
        client_context().wrap_socket(plain) as link,
    ):
        assert link.recv(1) == b""


def test_more_connections_than_there_are_places_are_closed(tmp_path: Path) -> None:
    one = LoopbackNode("few", tmp_path, connections_max=3)
    one.start()
    links: list[ssl.SSLSocket] = []
    try:
        for _ in range(3):
            plain = socket.create_connection(("127.0.0.1", one.port), timeout=10)
            links.append(client_context().wrap_socket(plain))
            assert _say_hello(links[-1])
        plain = socket.create_connection(("127.0.0.1", one.port), timeout=10)
        links.append(client_context().wrap_socket(plain))
        assert not _say_hello(links[-1])
        assert _say_hello(links[0])
    finally:
        for link in links:
            link.close()
        one.stop()


def _say_hello(link: ssl.SSLSocket) -> bool:
    try:
        link.sendall(b"POST /v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
        return b" 200 " in link.recv(4096)
    except OSError:
        return False


@pytest.mark.parametrize(
    "path",
    ["/v1/../../etc/passwd", "/v1/put-files/../../x", "/v1/%2e%2e%2fetc", "//v1/hello", "/", "*"],
)
def test_path_that_climbs_is_no_call(nodes: Nodes, path: str) -> None:
    one, two = nodes
    token = _authenticate(one, two).token
    assert _post(two, path, b"{}", token) in (400, 404, 405)


@pytest.mark.parametrize("name", ["../corosync.conf", "/etc/shadow", "corosync.conf\\u0000", "x"])
def test_file_that_is_not_on_the_list_is_neither_written_nor_read(nodes: Nodes, name: str) -> None:
    one, two = nodes
    token = _authenticate(one, two).token
    before = sorted(two.paths.state.parent.rglob("*"))
    put = f'{{"files": [{{"name": "{name}", "content": "eA=="}}]}}'.encode()
    get = f'{{"names": ["{name}"]}}'.encode()
    assert _post(two, "/v1/put-files", put, token) == 400
    assert _post(two, "/v1/get-files", get, token) == 400
    assert sorted(two.paths.state.parent.rglob("*")) == before


def test_file_is_not_written_through_a_link(nodes: Nodes, tmp_path: Path) -> None:
    """The link itself is replaced; what it led to stays."""
    _, two = nodes
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    two.paths.corosync.mkdir(parents=True)
    (two.paths.corosync / "corosync.conf").symlink_to(victim)
    two.files.write(FileName.COROSYNC_CONF, b"new")
    assert victim.read_bytes() == b"precious"


def test_no_password_or_token_is_logged(nodes: Nodes, caplog: pytest.LogCaptureFixture) -> None:
    one, two = nodes
    with caplog.at_level(logging.DEBUG):
        token = _authenticate(one, two).token
        one.peers.authenticate([_greet(one, two)], user="u", password="guess-me", holder="one")
        _post(two, "/v1/authenticate", b'{"user": 1, "password": "guess-me"}')
        _post(two, "/v1/nosuch", b"{}", "wrong-token")
    assert caplog.records
    for secret in (PASSWORD, token, "guess-me", "wrong-token"):
        assert secret not in caplog.text


def test_no_child_process_is_started_with_a_secret(nodes: Nodes) -> None:
    """Logging in starts none at all: PAM is a library."""
    one, two = nodes
    before = _children()
    _authenticate(one, two)
    assert _children() == before


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split())
