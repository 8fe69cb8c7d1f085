"""The keys of a fake and of its one merchant, made on this machine and kept beside its books."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID
from msgspec import Struct

__all__ = ["Keys", "PlatformPair", "make_keys", "make_pair"]

_LIVES = timedelta(days=1825)


class PlatformPair(Struct, frozen=True):
    """One key of the vendor's, with its certificate."""

    serial: str
    private_key: str
    certificate: str


class Keys(Struct, frozen=True):
    """Everything that is secret between the fake and the shop."""

    merchant_private_key: str
    merchant_public_key: str
    merchant_serial: str
    api_v3_key: str
    public_key_id: str
    public_key: str
    public_key_private: str
    pairs: list[PlatformPair]
    """Platform certificates, the one in use last."""

    @classmethod
    def decode(cls, kept: bytes) -> Keys:
        """Keys that were kept; raises :class:`ValueError`."""
        return msgspec.json.decode(kept, type=cls)


def make_keys(now: datetime) -> bytes:
    """Fresh keys, to be kept."""
    merchant, vendor = _private(), _private()
    keys = Keys(
        merchant_private_key=_pem(merchant),
        merchant_public_key=_public_pem(merchant),
        merchant_serial=secrets.token_hex(20).upper(),
        api_v3_key=secrets.token_hex(16),
        public_key_id=f"PUB_KEY_ID_01{secrets.randbelow(10**26):026}",
        public_key=_public_pem(vendor),
        public_key_private=_pem(vendor),
        pairs=[make_pair(now)],
    )
    return msgspec.json.encode(keys)


def make_pair(now: datetime) -> PlatformPair:
    """A platform certificate that is good for five years."""
    key, serial = _private(), secrets.randbits(158) | 1 << 158
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "WeChat Pay, played on this machine")]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIVES)
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(Encoding.PEM).decode()
    return PlatformPair(f"{serial:X}", _pem(key), text)


def _private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    form = PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(Encoding.PEM, form).decode()
