"""Who said it, and when: HMAC-SHA256 over ``t.body``, in ``Sandbox-Signature: t=…,v1=…``. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from commercekit.platform.providers import SignatureInvalid

__all__ = ["HEADER", "WINDOW", "open_link", "seal_link", "sign", "verify"]

HEADER = "sandbox-signature"
WINDOW = timedelta(seconds=300)
_PARTS = re.compile(r"^t=(\d{1,12})((?:,v\d+=[0-9a-f]+)+)$")
_LINK_MAC = 16


def sign(key: bytes, body: bytes, at: datetime) -> str:
    """The header's value for ``body`` sent at ``at``."""
    t = int(at.timestamp())
    return f"t={t},v1={_digest(key, t, body)}"


def verify(keys: Sequence[bytes], body: bytes, header: str, now: datetime) -> None:
    """Accept ``body`` if one of ``keys`` signed it within :data:`WINDOW` of ``now``.

    Raises :class:`~commercekit.platform.providers.SignatureInvalid` otherwise; the signature is looked
    at before the time, so that only who holds a key learns about clocks.
    """
    match = _PARTS.match(header)
    if match is None:
        message = "no signature" if not header else "signature header malformed"
        raise SignatureInvalid(message)
    t = int(match[1])
    offered = [part[3:] for part in match[2].split(",") if part.startswith("v1=")]
    fits = False
    for key in keys:
        expected = _digest(key, t, body)
        for digest in offered:
            fits |= hmac.compare_digest(expected, digest)
    if not fits:
        message = "digest differs"
        raise SignatureInvalid(message)
    if abs(now.timestamp() - t) > WINDOW.total_seconds():
        message = f"signed {now.timestamp() - t:.0f} s ago"
        raise SignatureInvalid(message, stale=True)


def seal_link(key: bytes, ticket: msgspec.Struct) -> str:
    """``ticket`` as one path segment that nobody else can make."""
    payload = msgspec.json.encode(ticket)
    mac = hmac.digest(key, payload, "sha256")[:_LINK_MAC]
    return base64.urlsafe_b64encode(mac + payload).rstrip(b"=").decode()


def open_link(key: bytes, token: str) -> bytes | None:
    """The ticket's JSON, or ``None`` for a token that was not made with ``key``."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, payload = raw[:_LINK_MAC], raw[_LINK_MAC:]
    expected = hmac.digest(key, payload, "sha256")[:_LINK_MAC]
    return payload if hmac.compare_digest(mac, expected) else None


def _digest(key: bytes, t: int, body: bytes) -> str:
    return hmac.new(key, f"{t}.".encode() + body, hashlib.sha256).hexdigest()
