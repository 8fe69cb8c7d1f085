"""Secrets that we make: what a session's cookie and a link in a mail hold. Pure but for chance."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

__all__ = ["digest_of", "make_secret"]

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def make_secret() -> str:
    """256 random bits as 43 characters that need no quoting anywhere."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes | None:
    """What is stored of a secret, ``None`` for a text that cannot be one.

    A plain hash will do: nobody guesses 256 random bits.
    """
    if _SECRET.fullmatch(secret) is None:
        return None
    return hashlib.sha256(secret.encode("ascii")).digest()
