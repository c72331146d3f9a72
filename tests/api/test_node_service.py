"""Node to node over real TLS: pinned keys, tokens, certificates in step, limits."""

import http.client
import socket
import ssl
from pathlib import Path

import pytest
from tests.api.node_on_loopback import PASSWORD, LoopbackNode

from paceline.adapters.certificates import fingerprint
from paceline.adapters.node_link import LinkError, client_context, open_link
from paceline.api.node_calls import REQUEST_BYTES_MAX
from paceline.ports.node_calls import (
    CertificateRequested,
    Done,
    File,
    FileName,
    Hello,
    KnownHost,
    MakeCertificateRequest,
    PutFiles,
    RevokeTokens,
    SayHello,
)
from paceline.ports.peers import Greeting, PeerProblem, Place, Trouble

Nodes = tuple[LoopbackNode, LoopbackNode]


def _place(node: LoopbackNode) -> Place:
    return Place(name=node.name, address="127.0.0.1", port=node.port)


def _greet(one: LoopbackNode, two: LoopbackNode) -> Greeting:
    ((_, greeting),) = one.peers.greet([_place(two)])
    assert isinstance(greeting, Greeting)
    return greeting


def _authenticate(one: LoopbackNode, two: LoopbackNode) -> KnownHost:
    ((_, host),) = one.peers.authenticate(
        [_greet(one, two)], user="hacluster", password=PASSWORD, holder=one.name
    )
    assert isinstance(host, KnownHost)
    one.tokens.remember([host])
    return host


def _ask(one: LoopbackNode, two: LoopbackNode) -> Done | PeerProblem:
    ((_, answer),) = one.peers.ask([(two.name, RevokeTokens(holders=()))], Done)
    return answer


def _join(nodes: Nodes) -> None:
    """Give both nodes certificates of one authority, as setup does."""
    one, _ = nodes
    authority, key = one.certificates.make_authority("demo")
    asked = [(node.name, MakeCertificateRequest()) for node in nodes]
    for name, answer in one.peers.ask(asked, CertificateRequested):
        assert isinstance(answer, CertificateRequested)
        signed = one.certificates.sign(
            answer.request.encode(), authority=authority, key=key, name=name
        )
        files = (
            File(name=FileName.CLUSTER_CA, content=authority),
            File(name=FileName.NODE_CERTIFICATE, content=signed),
        )
        ((_, done),) = one.peers.ask([(name, PutFiles(files=files))], Done)
        assert isinstance(done, Done)


def test_a_greeting_tells_name_and_key(nodes: Nodes) -> None:
    one, two = nodes
    greeting = _greet(one, two)
    assert greeting.name == "two"
    own = ssl.PEM_cert_to_DER_cert(two.paths.node_certificate.read_text())
    assert greeting.fingerprint == fingerprint(own)


def test_a_token_opens_the_calls(nodes: Nodes) -> None:
    one, two = nodes
    _authenticate(one, two)
    assert _ask(one, two) == Done(detail="revoked")


def test_a_wrong_password_gives_no_token(nodes: Nodes) -> None:
    one, two = nodes
    ((_, answer),) = one.peers.authenticate(
        [_greet(one, two)], user="hacluster", password="guess", holder="one"
    )
    assert isinstance(answer, PeerProblem)
    assert (answer.trouble, answer.code) == (Trouble.REFUSED_CALL, "wrong-password")


def test_a_host_that_is_not_known_is_not_asked(nodes: Nodes) -> None:
    one, two = nodes
    answer = _ask(one, two)
    assert isinstance(answer, PeerProblem)
    assert answer.trouble is Trouble.NOT_KNOWN
    assert not two.calls


def test_a_revoked_token_is_not_accepted(nodes: Nodes) -> None:
    one, two = nodes
    _authenticate(one, two)
    two.tokens.revoke(["one"])
    answer = _ask(one, two)
    assert isinstance(answer, PeerProblem)
    assert answer.trouble is Trouble.NOT_AUTHORIZED


def test_nothing_is_sent_to_a_host_with_another_key(nodes: Nodes) -> None:
    one, two = nodes
    host = _authenticate(one, two)
    fields = {name: getattr(host, name) for name in host.__struct_fields__}
    one.tokens.remember([KnownHost(**{**fields, "fingerprint": "0" * 64})])
    before = len(two.calls)
    answer = _ask(one, two)
    assert isinstance(answer, PeerProblem)
    assert answer.trouble is Trouble.OTHER_KEY
    assert len(two.calls) == before


def test_a_password_is_not_sent_to_another_key_than_greeted(nodes: Nodes) -> None:
    one, two = nodes
    greeting = _greet(one, two)
    wrong = Greeting(
        name="two", version="1", address="127.0.0.1", port=one.port,
        fingerprint=greeting.fingerprint, clock_ms=0, clock_error_ms=1,
    )  # fmt: skip
    ((_, answer),) = one.peers.authenticate(
        [wrong], user="hacluster", password=PASSWORD, holder="one"
    )
    assert isinstance(answer, PeerProblem)
    assert answer.trouble is Trouble.OTHER_KEY
    assert not one.calls


def test_nobody_listening_is_named_as_refused(nodes: Nodes) -> None:
    one, _ = nodes
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ((_, answer),) = one.peers.greet([Place(name="x", address="127.0.0.1", port=port)])
    assert isinstance(answer, PeerProblem)
    assert answer.trouble is Trouble.REFUSED


def test_plain_text_is_no_speaker_of_ours(nodes: Nodes) -> None:
    one, _ = nodes
    with socket.create_server(("127.0.0.1", 0)) as plain:
        place = Place(name="x", address="127.0.0.1", port=plain.getsockname()[1])
        answers = one.peers.greet([place])
        link, _ = plain.accept()
        link.sendall(b"220 mail.example.org ESMTP\r\n")
        link.close()
        ((_, answer),) = answers
    assert isinstance(answer, PeerProblem)
    assert answer.trouble is Trouble.NO_SPEAKER


def test_certificates_come_into_step_without_a_restart_and_bind_the_token(nodes: Nodes) -> None:
    one, two = nodes
    host = _authenticate(one, two)
    _join(nodes)
    assert _ask(one, two) == Done(detail="revoked")
    holder = two.tokens.find(host.token)
    assert holder is not None
    assert holder.is_bound


def test_a_bound_token_alone_is_not_enough(nodes: Nodes) -> None:
    one, two = nodes
    _authenticate(one, two)
    _join(nodes)
    assert isinstance(_ask(one, two), Done)
    one.files.remove_cluster()
    answer = _ask(one, two)
    assert isinstance(answer, PeerProblem)
    assert answer.trouble is Trouble.NOT_AUTHORIZED
    assert answer.code == "no-certificate"


def test_a_node_that_left_its_cluster_is_still_reached(nodes: Nodes) -> None:
    one, two = nodes
    _authenticate(one, two)
    _join(nodes)
    assert isinstance(_ask(one, two), Done)
    two.files.remove_cluster()
    assert isinstance(_ask(one, two), Done)


def test_a_certificate_of_another_cluster_opens_nothing(nodes: Nodes) -> None:
    one, two = nodes
    _authenticate(one, two)
    authority, key = two.certificates.make_authority("other")
    signed = two.certificates.sign(
        one.certificates.request(), authority=authority, key=key, name="one"
    )
    one.files.write(FileName.NODE_CERTIFICATE, signed)
    # Refused with the certificate, it is tried without: the token still is our own.
    assert isinstance(_ask(one, two), Done)
    holder = two.tokens.find(next(iter(one.tokens.known_hosts().values())).token)
    assert holder is not None
    assert not holder.is_bound


def _post(node: LoopbackNode, path: str, body: bytes, token: str = "") -> int:
    link = http.client.HTTPSConnection("127.0.0.1", node.port, context=client_context(), timeout=10)
    try:
        link.request("POST", path, body=body, headers={"Authorization": f"Bearer {token}"})
        return link.getresponse().status
    finally:
        link.close()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/hello", b"{}", 200),
        ("/v1/hello", b"not json", 400),
        ("/v1/nosuch", b"{}", 404),
        ("/v2/hello", b"{}", 404),
        ("/v1/services", b"{}", 401),
        ("/v1/authenticate", b'{"user": 1}', 400),
    ],
)
def test_what_is_not_a_call_is_refused(nodes: Nodes, path: str, body: bytes, status: int) -> None:
    assert _post(nodes[0], path, body) == status


def test_a_file_outside_the_list_is_refused(nodes: Nodes) -> None:
    one, two = nodes
    token = _authenticate(one, two).token
    body = b'{"files": [{"name": "/etc/passwd", "content": ""}]}'
    assert _post(two, "/v1/put-files", body, token) == 400


def test_a_request_that_is_too_large_is_refused(nodes: Nodes) -> None:
    one, two = nodes
    token = _authenticate(one, two).token
    assert _post(two, "/v1/services", b" " * (REQUEST_BYTES_MAX + 1), token) == 413


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(nodes: Nodes, version: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", nodes[0].port), timeout=10) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain)


def test_secrets_are_in_no_repr(nodes: Nodes) -> None:
    one, two = nodes
    host = _authenticate(one, two)
    assert host.token not in repr(host)
    assert PASSWORD not in repr(two.calls)
    assert isinstance(two.perform(SayHello(), ""), Hello)


def test_a_header_that_drips_is_ended(tmp_path: Path) -> None:
    node = LoopbackNode("slow", tmp_path, idle_s_max=0.2)
    node.start()
    try:
        with (
            socket.create_connection(("127.0.0.1", node.port), timeout=10) as plain,
            client_context().wrap_socket(plain) as link,
        ):
            link.sendall(b"POST /v1/hello HTTP/1.1\r\nHost: a\r\n")
            assert link.recv(1) == b""
    finally:
        node.stop()


def test_a_connection_serves_several_calls(nodes: Nodes) -> None:
    link = http.client.HTTPSConnection(
        "127.0.0.1", nodes[0].port, context=client_context(), timeout=10
    )
    for _ in range(3):
        link.request("POST", "/v1/hello", body=b"{}")
        with link.getresponse() as answer:
            assert answer.status == 200
            answer.read()
    link.close()


def test_a_host_that_takes_connections_and_says_nothing_is_named_as_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        place = Place(name="x", address="127.0.0.1", port=mute.getsockname()[1])
        with pytest.raises(LinkError) as raised:
            open_link(place, client_context(), wait_ms_max=200)
    assert raised.value.problem.trouble is Trouble.SILENT
    assert "takes the connection" in raised.value.problem.detail
