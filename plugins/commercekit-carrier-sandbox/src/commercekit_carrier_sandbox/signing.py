"""Who said it, and when: HMAC-SHA256 over ``t.body``, in ``Sandbox-Signature: t=…,v1=…``. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from commercekit.platform.providers import SignatureInvalid

__all__ = ["HEADER", "WINDOW", "sign", "verify"]

HEADER = "sandbox-signature"
WINDOW = timedelta(seconds=300)
_SHAPE = re.compile(r"^t=(\d{1,12}),v1=([0-9a-f]{64})$")


def sign(key: bytes, body: bytes, at: datetime) -> str:
    """The header's value for ``body`` sent at ``at``."""
    t = int(at.timestamp())
    return f"t={t},v1={_digest(key, t, body)}"


def verify(keys: Sequence[bytes], body: bytes, header: str, now: datetime) -> None:
    """Accept ``body`` if one of ``keys`` signed it within :data:`WINDOW` of ``now``.

    Raises :class:`~commercekit.platform.providers.SignatureInvalid` otherwise; the signature is looked
    at before the time, so that only who holds a key learns about clocks.
    """
    match = _SHAPE.match(header)
    if match is None:
        message = "signature header malformed" if header else "no signature"
        raise SignatureInvalid(message)
    t = int(match[1])
    fits = False
    for key in keys:
        fits |= hmac.compare_digest(_digest(key, t, body), match[2])
    if not fits:
        message = "digest differs"
        raise SignatureInvalid(message)
    if abs(now.timestamp() - t) > WINDOW.total_seconds():
        message = f"signed {now.timestamp() - t:.0f} s ago"
        raise SignatureInvalid(message, stale=True)


def _digest(key: bytes, t: int, body: bytes) -> str:
    return hmac.new(key, f"{t}.".encode() + body, hashlib.sha256).hexdigest()
