"""Keys and certificates on P-256: a node's own, a cluster's authority, and what it signs.

A node's own key is made once and outlives clusters: its public key's fingerprint is what others
pin when they authenticate, and the cluster's authority signs a certificate over the same key.
"""

import datetime
import hashlib
from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from paceline.adapters.durable_files import read_if_there, replace_file
from paceline.adapters.node_paths import NodePaths

YEARS_VALID = 20
"""As long as a cluster lives: an expired certificate must never be what stops one. Keys are
replaced by setting up anew or by `pcs pcsd sync-certificates`, tokens by `pcs host deauth`."""
BACKDATED_DAYS = 2
"""Nodes whose clocks are apart accept a new certificate at once."""
PEM_SIZE_MAX = 64 * 1024


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class NodeCertificates:
    """This node's key on disk, and what is made with keys."""

    def __init__(
        self,
        paths: NodePaths,
        *,
        name: str,
        now: Callable[[], datetime.datetime] = _now,
    ) -> None:
        """Remember where the key is; it is made when it is wanted first."""
        self._paths, self._name, self._now = paths, name, now

    def ensure_own(self) -> None:
        """Make the node's key and self-signed certificate where they are missing."""
        key = self._own_key()
        if read_if_there(self._paths.node_certificate, size_max=PEM_SIZE_MAX) is None:
            subject = _name(self._name)
            certificate = (
                self._builder(subject, subject, key.public_key())
                .add_extension(x509.SubjectAlternativeName([x509.DNSName(self._name)]), False)
                .sign(key, hashes.SHA256())
            )
            replace_file(self._paths.node_certificate, _pem(certificate), mode=0o600)

    def make_authority(self, cluster_name: str) -> tuple[bytes, bytes]:
        """Return a new authority's certificate and key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"{cluster_name[:40]} cluster authority")
        certificate = (
            self._builder(subject, subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(is_authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return _pem(certificate), _key_pem(key)

    def sign(self, request: bytes, *, authority: bytes, key: bytes, name: str) -> bytes:
        """Return a certificate for `name` over the request's key; what else it asks is ignored."""
        asked = x509.load_pem_x509_csr(request)
        if not asked.is_signature_valid:
            raise ValueError("the signing request is not signed by its own key")
        public = asked.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise ValueError("the signing request's key is not an elliptic curve's")
        issuer = x509.load_pem_x509_certificate(authority)
        signer = _load_key(key)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            self._builder(_name(name), issuer.subject, public)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(is_authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .sign(signer, hashes.SHA256())
        )
        return _pem(certificate)

    def request(self) -> bytes:
        """Return a signing request over the node's own key."""
        key = self._own_key()
        builder = x509.CertificateSigningRequestBuilder().subject_name(_name(self._name))
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _own_key(self) -> ec.EllipticCurvePrivateKey:
        stored = read_if_there(self._paths.node_key, size_max=PEM_SIZE_MAX)
        if stored is not None:
            return _load_key(stored)
        key = ec.generate_private_key(ec.SECP256R1())
        replace_file(self._paths.node_key, _key_pem(key), mode=0o600)
        return key

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        begin = self._now() - datetime.timedelta(days=BACKDATED_DAYS)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + datetime.timedelta(days=365 * YEARS_VALID))
        )


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate's public key (DER in), as hex: what others pin."""
    public = x509.load_der_x509_certificate(certificate).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(public.public_bytes(serialization.Encoding.DER, form)).hexdigest()


def is_signed_by(certificate: bytes, authority: bytes) -> bool:
    """Say whether a certificate (PEM) was signed by the authority (PEM)."""
    try:
        issuer = x509.load_pem_x509_certificate(authority)
        x509.load_pem_x509_certificate(certificate).verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def name_of(certificate: bytes) -> str:
    """Return the name that a certificate (PEM) was made for, or ""."""
    subject = x509.load_pem_x509_certificate(certificate).subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=is_authority,
        crl_sign=is_authority, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _load_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is not an elliptic curve's")
    return key
