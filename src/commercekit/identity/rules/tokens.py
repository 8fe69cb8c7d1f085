"""What a staff token looks like, and who may give which scopes. Pure."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import TYPE_CHECKING, NamedTuple

from commercekit.errors import FieldError, Malformed
from commercekit.identity.errors import ScopeNotHeld
from commercekit.platform.security import check_scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from commercekit.platform.security import Limit, Principal

__all__ = ["TokenParts", "check_grant", "hash_secret", "make_token", "parse_token"]

_TOKEN = re.compile(r"^ck_live_([a-z2-7]{16})_([A-Za-z0-9_-]{43})$")


class TokenParts(NamedTuple):
    """A token taken apart: the handle finds it, the secret proves it."""

    handle: str
    secret: str

    def __str__(self) -> str:
        return f"ck_live_{self.handle}_{self.secret}"


def make_token() -> TokenParts:
    """A fresh token: 80 bits of handle, 256 bits of secret."""
    handle = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return TokenParts(handle, secrets.token_urlsafe(32))


def parse_token(text: str) -> TokenParts | None:
    """The parts of ``text``, or ``None`` if it is no staff token at all."""
    match = _TOKEN.match(text)
    return TokenParts(match[1], match[2]) if match else None


def hash_secret(secret: str) -> bytes:
    """What is stored. A plain hash will do: nobody guesses 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def check_grant(actor: Principal, scopes: Iterable[str], limit: Limit | None = None) -> list[str]:
    """The scopes in order, if ``actor`` holds every one of them, and as far as ``limit`` goes.

    Raises :class:`~commercekit.identity.errors.ScopeNotHeld` naming the first that is not held, and
    :class:`~commercekit.errors.Malformed` for none at all or for what is no scope.
    """
    wanted = sorted({check_scope(scope) for scope in scopes})
    if not wanted:
        message = "A token needs at least one scope."
        raise Malformed(message, errors=(FieldError("/scopes", "too-short", message),))
    for scope in wanted:
        if not actor.reach(scope).includes(limit):
            message = f"You do not hold {scope} that far, so you cannot grant it."
            raise ScopeNotHeld(message, scope=scope)
    return wanted
