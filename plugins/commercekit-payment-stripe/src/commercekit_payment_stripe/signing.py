"""The signature of webhooks: ``Stripe-Signature: t=…,v1=…``, HMAC-SHA256 over ``t.body``. Pure."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from commercekit.platform.providers import SignatureInvalid

__all__ = ["HEADER", "TOLERANCE", "signature", "signature_header", "verify"]

HEADER: Final = "stripe-signature"
TOLERANCE: Final = 300
"""Seconds that a signature may be old, or ahead of the shop's clock."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_MOST_SIGNATURES: Final = 16


def signature(secret: str, at: int, body: bytes) -> str:
    """What the vendor writes behind ``v1=``; the whole secret is the key, ``whsec_`` included."""
    return hmac.digest(secret.encode(), b"%d.%b" % (at, body), "sha256").hex()


def signature_header(secrets: Sequence[str], at: int, body: bytes) -> str:
    """The header as the vendor sends it: one ``v1`` for each secret that is valid at the time."""
    signed = [f"v1={signature(secret, at, body)}" for secret in secrets]
    return ",".join([f"t={at}", *signed])


def verify(secrets: Sequence[str], body: bytes, header: str, now: datetime) -> None:
    """Raise :class:`SignatureInvalid` unless one of ``secrets`` signed exactly these bytes, now.

    While a secret is rolled the vendor signs with both, and while the shop's settings are changed the
    shop accepts both: any match will do. ``v0`` proves nothing: it is made of the test mode's secret.
    """
    at, told = _read(header)
    expected = [signature(secret, at, body) for secret in secrets if secret]
    # Every pair is compared, so that the time it takes says nothing.
    matches = [hmac.compare_digest(one, other) for one in expected for other in told]
    if not any(matches):
        message = "no v1 signature matches"
        raise SignatureInvalid(message)
    age = now.timestamp() - at
    if abs(age) > TOLERANCE:
        message = f"signed {age:.0f} s ago"
        raise SignatureInvalid(message, stale=True)


def _read(header: str) -> tuple[int, list[str]]:
    """The time, and the digests that may count."""
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name.strip() == "t"]
    told = [value for name, _, value in parts if name.strip() == "v1" and _DIGEST.fullmatch(value)]
    if len(times) != 1 or not _TIME.fullmatch(times[0]):
        message = "no time in the signature, or malformed"
        raise SignatureInvalid(message)
    if not told or len(told) > _MOST_SIGNATURES:
        message = "no v1 signature, or malformed"
        raise SignatureInvalid(message)
    return int(times[0]), told
