"""Who is who: the application's key, the vendor's key, and in certificate mode what vouches for them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from commercekit_payment_alipay import keys

__all__ = ["Identity", "kept_key"]

_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_UNTIL = _FROM + timedelta(days=365 * 80)
_VENDOR = "Fake Alipay"


def kept_key(keep: Callable[[str, Callable[[], bytes]], bytes], name: str) -> rsa.RSAPrivateKey:
    """The key that ``keep`` has under ``name``, else a fresh one that it keeps from now on."""
    return keys.private_key(keep(name, lambda: _pem(_new_key())).decode())


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Identity:
    """One application of one merchant, and the vendor who knows both."""

    app_id: str = "2021000000000001"
    seller_id: str = "2088000000000002"
    app_key: rsa.RSAPrivateKey = field(default_factory=_new_key)
    vendor_key: rsa.RSAPrivateKey = field(default_factory=_new_key)

    @cached_property
    def private_key(self) -> str:
        """What goes into the shop's settings, as the vendor's key tool shows it."""
        der = self.app_key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return base64.b64encode(der).decode()

    @cached_property
    def alipay_public_key(self) -> str:
        """What the console shows as Alipay's public key."""
        der = self.vendor_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    # ------------------------------------------------------------------------- certificates

    @cached_property
    def root_key(self) -> rsa.RSAPrivateKey:
        """Of the root that everything is vouched for by."""
        return _new_key()

    @cached_property
    def root(self) -> x509.Certificate:
        """The root certificate."""
        name = _name("Fake Alipay Root", _VENDOR)
        return _certificate(name, self.root_key.public_key(), name, self.root_key, authority=True)

    @cached_property
    def app_certificate(self) -> x509.Certificate:
        """Of the application; its issuer is the vendor's root too."""
        return self.issue(self.app_key.public_key(), organisation="A merchant")

    @cached_property
    def vendor_certificate(self) -> x509.Certificate:
        """What answers are signed by."""
        return self.issue(self.vendor_key.public_key())

    def issue(self, key: rsa.RSAPublicKey, *, organisation: str = _VENDOR) -> x509.Certificate:
        """A certificate that the root vouches for."""
        name = _name(organisation, organisation)
        return _certificate(name, key, self.root.subject, self.root_key, authority=False)

    def certificate_files(self, folder: Path) -> dict[str, Path]:
        """The three files of certificate mode, by the names of their settings."""
        files = {}
        for name, cert in (
            ("app_cert", self.app_certificate),
            ("alipay_cert", self.vendor_certificate),
            ("alipay_root_cert", self.root),
        ):
            files[name] = folder / f"{name}.crt"
            files[name].write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        return files

    @cached_property
    def serials(self) -> tuple[str, str]:
        """What requests have to say: ``app_cert_sn`` and ``alipay_root_cert_sn``."""
        return keys.serial_number(self.app_certificate), keys.serial_number(self.root)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _name(common: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _certificate(
    subject: x509.Name,
    key: rsa.RSAPublicKey,
    issuer: x509.Name,
    by: rsa.RSAPrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(by, SHA256())
    )
