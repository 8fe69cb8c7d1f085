"""The vendor's signature, version 3 (ACS3-HMAC-SHA256). Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

__all__ = ["Signed", "canonical_query", "sign"]

_SCHEME = "ACS3-HMAC-SHA256"
_EMPTY = hashlib.sha256(b"").hexdigest()


class Signed(NamedTuple):
    """A request without a body, ready to go."""

    query: str
    headers: dict[str, str]


def canonical_query(params: Mapping[str, str]) -> str:
    """Sorted, and encoded as RFC 3986 says: a space is ``%20``, a tilde stays."""
    return "&".join(
        f"{quote(name, safe='~')}={quote(params[name], safe='~')}" for name in sorted(params)
    )


def sign(
    *,
    key_id: str,
    secret: str,
    host: str,
    action: str,
    version: str,
    params: Mapping[str, str],
    at: datetime,
    nonce: str,
) -> Signed:
    """Query and headers of ``POST https://<host>/?<query>``; the same ``nonce`` is refused twice."""
    query = canonical_query(params)
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": _EMPTY,
        "x-acs-date": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"POST\n/\n{query}\n{lines}\n{names}\n{_EMPTY}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.digest(secret.encode(), f"{_SCHEME}\n{digest}".encode(), "sha256").hex()
    credential = f"Credential={key_id},SignedHeaders={names},Signature={signature}"
    return Signed(query, {**headers, "authorization": f"{_SCHEME} {credential}"})
