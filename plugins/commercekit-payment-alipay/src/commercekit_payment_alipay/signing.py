"""The vendor's signature, RSA2 (RSASSA-PKCS1-v1_5 with SHA-256), and what exactly it covers. Pure.

Three texts are signed: the parameters of a request, the parameters of a notification, and in an answer
the very characters of one JSON value.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

__all__ = [
    "ERROR_NODE",
    "Envelope",
    "is_signed",
    "open_envelope",
    "signature",
    "signed_form",
    "signed_text",
]

ERROR_NODE: Final = "error_response"
_PADDING, _HASH = PKCS1v15(), SHA256()
_BLANK = re.compile(r"[ \t\r\n]*")
_VALUES = json.JSONDecoder()


class Envelope(NamedTuple):
    """An answer of the gateway, taken apart without changing a character."""

    node: bytes | None
    """The value that the signature covers; ``None`` where there is none."""
    signature: str | None
    certificate: str | None
    """Which of the vendor's certificates signed it: ``alipay_cert_sn``, in certificate mode."""
    is_error: bool
    """The gateway refused the request before any service saw it; such answers may be unsigned."""


def signed_text(params: Mapping[str, str], *, without: tuple[str, ...] = ("sign",)) -> str:
    """What is signed of ``params``: sorted by name, decoded, joined, without what is empty."""
    return "&".join(
        f"{name}={params[name]}" for name in sorted(params) if params[name] and name not in without
    )


def signed_form(fields: Mapping[bytes, bytes], *, without: tuple[bytes, ...]) -> bytes:
    """What is signed of a notification: the same, of the very bytes that came."""
    return b"&".join(
        b"%b=%b" % (name, fields[name])
        for name in sorted(fields)
        if fields[name] and name not in without
    )


def signature(text: bytes, key: RSAPrivateKey) -> str:
    """The value of ``sign``."""
    return base64.b64encode(key.sign(text, _PADDING, _HASH)).decode()


def is_signed(text: bytes, sign: str, key: RSAPublicKey) -> bool:
    """Whether ``sign`` is the signature of exactly ``text``, written in the one way there is."""
    try:
        raw = base64.b64decode(sign, validate=True)
    except (binascii.Error, ValueError):
        return False
    # Base64 has spare bits at its end: another spelling of the same bytes is not what was sent.
    if base64.b64encode(raw) != sign.encode():
        return False
    try:
        key.verify(raw, text, _PADDING, _HASH)
    except InvalidSignature:
        return False
    return True


def open_envelope(body: bytes, method: str) -> Envelope:
    """Find the answer to ``method`` in ``body``, and its signature.

    The first value counts when a name stands there twice, and it is this value that is read
    afterwards: what was verified and what is believed are the same bytes. Raises ``ValueError`` for
    what is no JSON object, and for one too deep to be looked through.
    """
    wanted = f"{method.replace('.', '_')}_response"
    text = body.decode()
    found: dict[str, tuple[int, int]] = {}
    at = _blank(text, 0)
    if text[at : at + 1] != "{":
        message = "no JSON object"
        raise ValueError(message)
    at = _blank(text, at + 1)
    while text[at : at + 1] != "}":
        name, at = _value(text, at)
        at = _blank(text, at)
        if not isinstance(name, str) or text[at : at + 1] != ":":
            message = "a JSON object without names"
            raise ValueError(message)
        start = _blank(text, at + 1)
        _, end = _value(text, start)
        found.setdefault(name, (start, end))
        at = _blank(text, end)
        if text[at : at + 1] == ",":
            at = _blank(text, at + 1)
        elif text[at : at + 1] != "}":
            message = "a JSON object that does not end"
            raise ValueError(message)
    is_error = wanted not in found and ERROR_NODE in found
    where = found.get(ERROR_NODE if is_error else wanted)
    return Envelope(
        node=None if where is None else text[where[0] : where[1]].encode(),
        signature=_text(text, found.get("sign")),
        certificate=_text(text, found.get("alipay_cert_sn")),
        is_error=is_error,
    )


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int) -> tuple[object, int]:
    try:
        return _VALUES.raw_decode(text, at)
    except RecursionError:
        message = "JSON too deep to be looked through"
        raise ValueError(message) from None


def _text(text: str, where: tuple[int, int] | None) -> str | None:
    value = None if where is None else _VALUES.raw_decode(text, where[0])[0]
    return value if isinstance(value, str) and value else None
