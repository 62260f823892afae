"""A made certificate authority for a simulated panel, and the server certificates it issues (span-v2.md 2.5)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

CA_YEARS, SERVER_YEARS = 10, 1
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What a server needs for TLS."""

    certificate_pem: str
    key_pem: str = field(repr=False)


class Authority:
    """One panel's own certificate authority. Another instance is another authority: a swapped one.

    Args:
        serial: Of the panel; names the authority, and the server `span-<serial>.local`.
        key_identifiers: Whether certificates say which key they are of; Python 3.13 is strict about it by default.

    Raises:
        UsageError: the package `cryptography` is not installed.
    """

    def __init__(self, serial: str, *, key_identifiers: bool = True) -> None:
        _require_cryptography()
        self._serial = serial
        self._key_identifiers = key_identifiers
        self._key = _new_key()
        now = datetime.now(UTC)
        self._name = _named(f"SPAN panel {serial} CA")
        self._certificate = self._sign(
            self._name, self._key, (now - timedelta(days=1), now + CA_YEARS * _YEAR), (), authority=True
        )

    @property
    def host_name(self) -> str:
        """The name the panel announces."""
        return f"span-{self._serial}.local"

    @property
    def pem(self) -> str:
        """The authority's certificate: what the panel hands out."""
        return _pem(self._certificate)

    def issue(self, hosts: Sequence[str], *, expired: bool = False) -> ServerCertificate:
        """A certificate and its key for a server that goes by these names and addresses, and no other."""
        now = datetime.now(UTC)
        end = now - timedelta(hours=1) if expired else now + SERVER_YEARS * _YEAR
        key = _new_key()
        certificate = self._sign(_named(self.host_name), key, (now - timedelta(days=1), end), hosts, authority=False)
        return ServerCertificate(_pem(certificate), _key_pem(key))

    def _sign(
        self,
        subject: x509.Name,
        key: EllipticCurvePrivateKey,
        valid: tuple[datetime, datetime],
        hosts: Sequence[str],
        *,
        authority: bool,
    ) -> x509.Certificate:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(valid[0])
            .not_valid_after(valid[1])
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(each) for each in hosts]), False)
        if authority:
            builder = builder.add_extension(_authority_usage(), critical=True)
        if self._key_identifiers:
            own, issuer = key.public_key(), self._key.public_key()
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(own), False)
            builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False)
        return builder.sign(self._key, hashes.SHA256())


def _authority_usage() -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _require_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise UsageError(
            tr(
                "the simulated panel makes certificates, and the package cryptography is not installed; "
                "install it with `pip install {extra}`",
                extra="'wattdeck[simulator]'",
            )
        ) from None


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _named(common_name: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode()


def _key_pem(key: EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
