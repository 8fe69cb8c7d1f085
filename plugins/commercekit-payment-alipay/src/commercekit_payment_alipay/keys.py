"""RSA keys and Alipay's certificates, read once: parsing a key costs more than a thousand requests.

What is kept is kept by its own text or path, never by account: two accounts with one key share it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import NameOID

__all__ = [
    "certificate",
    "is_renewal",
    "private_key",
    "public_key",
    "read_certificates",
    "root_serial_of",
    "roots",
    "same_pair",
    "serial_number",
    "serial_of",
]

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_LEAST_BITS: Final = 2048
_RSA: Final = "1.2.840.113549.1.1."
"""Object ids of RSA signature algorithms begin so; the root file holds SM2 certificates too."""
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error)


@lru_cache(maxsize=64)
def private_key(text: str) -> RSAPrivateKey:
    """A key as the vendor's key tool writes it: PEM, or the base64 of PKCS#1 or PKCS#8 alone.

    Raises ``ValueError``, which never shows the key.
    """
    key: object = None
    try:
        if "-----" in text:
            key = serialization.load_pem_private_key(text.strip().encode(), None)
        else:
            key = serialization.load_der_private_key(_der(text), None)
    except _UNREADABLE:
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
        message = "is no RSA private key of 2048 bits or more"
        raise ValueError(message)
    return key


@lru_cache(maxsize=64)
def public_key(text: str) -> RSAPublicKey:
    """Alipay's public key, as PEM or as the console shows it: one line of base64."""
    key: object = None
    try:
        if "-----" in text:
            key = serialization.load_pem_public_key(text.strip().encode())
        else:
            key = serialization.load_der_public_key(_der(text))
    except _UNREADABLE:
        key = None
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        message = "is no RSA public key of 2048 bits or more"
        raise ValueError(message)
    return key


@lru_cache(maxsize=64)
def same_pair(private: str, public: str) -> bool:
    """Whether ``public`` is the application's own key, which people paste in place of Alipay's."""
    own = private_key(private).public_key()
    return own.public_numbers() == public_key(public).public_numbers()


@lru_cache(maxsize=64)
def certificate(path: Path) -> x509.Certificate:
    """The first certificate of a file, which is the one that the file is about."""
    return _read(path)[0]


@lru_cache(maxsize=64)
def serial_of(path: Path) -> str:
    """What requests call the certificate in this file: ``app_cert_sn``."""
    return serial_number(certificate(path))


@lru_cache(maxsize=16)
def root_serial_of(path: Path) -> str:
    """What requests call the root certificates in this file: ``alipay_root_cert_sn``."""
    return "_".join(serial_number(each) for each in roots(path))


@lru_cache(maxsize=16)
def roots(path: Path) -> tuple[x509.Certificate, ...]:
    """The root certificates that sign with RSA."""
    found = tuple(
        each for each in _read(path) if each.signature_algorithm_oid.dotted_string.startswith(_RSA)
    )
    if not found:
        message = f"{path} holds no RSA certificate"
        raise ValueError(message)
    return found


def serial_number(cert: x509.Certificate) -> str:
    """As the vendor writes it: the MD5 of the issuer's name and the decimal serial number."""
    named = f"{cert.issuer.rfc4514_string()}{cert.serial_number}"
    return hashlib.md5(named.encode(), usedforsecurity=False).hexdigest()


def read_certificates(pem: bytes) -> list[x509.Certificate]:
    """Every certificate in ``pem``; raises ``ValueError`` when one cannot be read, or none is there."""
    found = [x509.load_pem_x509_certificate(block) for block in _BLOCK.findall(pem)]
    if not found:
        message = "holds no certificate"
        raise ValueError(message)
    return found


def is_renewal(
    chain: list[x509.Certificate],
    known: x509.Certificate,
    trusted: tuple[x509.Certificate, ...],
    at: datetime,
) -> bool:
    """Whether ``chain`` is a new certificate of whom ``known`` is of, vouched for by a trusted root.

    Merchants' certificates come from the same root: being issued by it alone proves nothing.
    """
    leaf, *between = chain
    if _name(leaf) != _name(known) or not _name(known):
        return False
    issuers, link = [*between, *trusted], leaf
    for _ in range(len(issuers)):
        if not link.not_valid_before_utc <= at <= link.not_valid_after_utc:
            return False
        issuer = next((each for each in issuers if _issued(link, each)), None)
        if issuer is None:
            return False
        if issuer in trusted:
            return True
        issuers.remove(issuer)
        link = issuer
    return False


def _issued(cert: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        cert.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _name(cert: x509.Certificate) -> list[str]:
    """Whose it is: the vendor's company and the merchant it serves."""
    return [str(each.value) for each in cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]


def _read(path: Path) -> list[x509.Certificate]:
    try:
        return read_certificates(path.read_bytes())
    except ValueError as error:
        message = f"{path} {error}"
        raise ValueError(message) from None


def _der(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)
