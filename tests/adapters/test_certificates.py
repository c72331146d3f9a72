"""Keys and certificates: made once, signed by the cluster, told apart."""

import ssl
from pathlib import Path

import pytest

from paceline.adapters.certificates import NodeCertificates, fingerprint, is_signed_by, name_of
from paceline.adapters.node_paths import NodePaths


def _node(folder: Path, name: str) -> tuple[NodeCertificates, NodePaths]:
    paths = NodePaths(
        state=folder / name,
        runtime=folder / "run",
        corosync=folder / "corosync",
        uidgid=folder / "corosync" / "uidgid.d",
        booth=folder / "booth",
        sbd_config=folder / "etc" / "sbd",
    )
    return NodeCertificates(paths, name=name), paths


def test_the_nodes_own_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    node, paths = _node(tmp_path, "one")
    node.ensure_own()
    key, certificate = paths.node_key.read_bytes(), paths.node_certificate.read_bytes()
    node.ensure_own()
    assert (paths.node_key.read_bytes(), paths.node_certificate.read_bytes()) == (key, certificate)
    assert paths.node_key.stat().st_mode & 0o777 == 0o600
    assert name_of(certificate) == "one"


def test_a_cluster_certificate_keeps_the_nodes_fingerprint(tmp_path: Path) -> None:
    node, paths = _node(tmp_path, "one")
    node.ensure_own()
    authority, key = node.make_authority("demo")
    signed = node.sign(node.request(), authority=authority, key=key, name="one")
    own = ssl.PEM_cert_to_DER_cert(paths.node_certificate.read_text())
    assert fingerprint(ssl.PEM_cert_to_DER_cert(signed.decode())) == fingerprint(own)


def test_only_the_authority_that_signed_vouches(tmp_path: Path) -> None:
    node, paths = _node(tmp_path, "one")
    node.ensure_own()
    authority, key = node.make_authority("demo")
    other, _ = node.make_authority("demo")
    signed = node.sign(node.request(), authority=authority, key=key, name="one")
    assert is_signed_by(signed, authority)
    assert not is_signed_by(signed, other)
    assert not is_signed_by(paths.node_certificate.read_bytes(), authority)
    assert not is_signed_by(b"nonsense", authority)


def test_the_signer_chooses_the_name_not_the_request(tmp_path: Path) -> None:
    one, _ = _node(tmp_path, "one")
    liar, _ = _node(tmp_path, "liar")
    authority, key = one.make_authority("demo")
    signed = one.sign(liar.request(), authority=authority, key=key, name="two")
    assert name_of(signed) == "two"


def test_what_is_no_request_is_refused(tmp_path: Path) -> None:
    node, _ = _node(tmp_path, "one")
    authority, key = node.make_authority("demo")
    with pytest.raises(ValueError, match=r"."):
        node.sign(b"nonsense", authority=authority, key=key, name="one")
