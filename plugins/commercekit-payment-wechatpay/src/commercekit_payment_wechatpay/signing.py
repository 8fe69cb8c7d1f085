"""The vendor's signatures and its sealed resources. Pure: texts and bytes in, texts and bytes out.

Every signature is RSA with SHA-256 (PKCS #1 v1.5) over lines that all end with a line feed, the last one
too; every sealed resource is AES-256-GCM under the account's APIv3 key.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

__all__ = [
    "SCHEME",
    "PlatformKey",
    "answer_message",
    "authorization",
    "certificate_key",
    "open_sealed",
    "private_key",
    "public_key",
    "request_message",
    "seal_field",
    "sheet_message",
    "sign",
    "verifies",
]

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
_PADDING: Final = PKCS1v15()
_DIGEST: Final = hashes.SHA256()
# The vendor's own choice for fields: the padding hides the text, the digest needs no strength here.
_OAEP: Final = OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303  # nosec B303


def request_message(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """What a request signs; ``target`` is the path with its query, ``body`` exactly what is sent."""
    head = f"{method}\n{target}\n{timestamp}\n{nonce}\n"
    return head.encode() + body + b"\n"


def answer_message(timestamp: str, nonce: str, body: bytes) -> bytes:
    """What the vendor signs in an answer and in a notification."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def sheet_message(app_id: str, timestamp: str, nonce: str, last: str) -> bytes:
    """What opens the payment sheet: ``last`` is ``prepay_id=…`` in a page, the bare id in an app."""
    return f"{app_id}\n{timestamp}\n{nonce}\n{last}\n".encode()


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """The signature as it travels, in base64."""
    return base64.b64encode(key.sign(message, _PADDING, _DIGEST)).decode()


def verifies(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether ``signature`` is the key's over ``message``; nonsense is not."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, _PADDING, _DIGEST)
    except (InvalidSignature, ValueError):
        return False
    return True


def authorization(
    *, merchant_id: str, serial: str, timestamp: str, nonce: str, signature: str
) -> str:
    """The header ``Authorization`` of a request."""
    return (
        f'{SCHEME} mchid="{merchant_id}",nonce_str="{nonce}",signature="{signature}",'
        f'timestamp="{timestamp}",serial_no="{serial}"'
    )


def open_sealed(key: bytes, *, nonce: str, ciphertext: str, associated_data: str) -> bytes | None:
    """What was sealed; ``None`` when it was altered, or sealed with another key."""
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return AESGCM(key).decrypt(nonce.encode(), sealed, associated_data.encode())
    except (InvalidTag, binascii.Error, ValueError):
        return None


def seal_field(key: RSAPublicKey, text: str) -> str:
    """A personal field of a request, readable for the vendor alone."""
    return base64.b64encode(key.encrypt(text.encode(), _OAEP)).decode()


@lru_cache(maxsize=64)
def private_key(pem: str) -> RSAPrivateKey:
    """The key in ``pem``; raises :class:`ValueError`. Read once: checking it takes tens of milliseconds."""
    # The numbers are not proven to fit each other, which takes most of that time: a key that does not
    # fit makes signatures that the vendor refuses.
    key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        message = "no RSA key"
        raise ValueError(message)  # noqa: TRY004 - what the settings hold is wrong, not a type of ours
    return key


@lru_cache(maxsize=64)
def public_key(pem: str) -> RSAPublicKey:
    """The key in ``pem``; raises :class:`ValueError`."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        message = "no RSA key"
        raise ValueError(message)  # noqa: TRY004 - what the settings hold is wrong, not a type of ours
    return key


class PlatformKey(NamedTuple):
    """What one of the vendor's certificates holds."""

    serial: str
    """As the vendor writes it: upper-case digits."""
    key: RSAPublicKey
    expires_at: datetime


def certificate_key(pem: bytes) -> PlatformKey:
    """Number, key and end of a certificate; raises :class:`ValueError`."""
    certificate = x509.load_pem_x509_certificate(pem)
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        message = "no RSA key"
        raise ValueError(message)  # noqa: TRY004 - what arrived is wrong, not a type of ours
    return PlatformKey(f"{certificate.serial_number:X}", key, certificate.not_valid_after_utc)
