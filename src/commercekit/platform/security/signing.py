"""Signatures that somebody else checks: HMAC with a shared secret, ed25519 with a key of our own."""

from __future__ import annotations

import hmac
import secrets
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["SignatureScheme", "SigningKey"]

_BYTES: Final = 32


class SignatureScheme(StrEnum):
    """How a message is signed, by the names of Standard Webhooks."""

    HMAC_SHA256 = "v1"
    """Whoever checks holds the same secret."""
    ED25519 = "v1a"
    """Whoever checks holds the public key, and can sign nothing with it."""


class SigningKey:
    """A key of one scheme. Its text does not show what it is."""

    __slots__ = ("_material", "scheme")

    def __init__(self, scheme: SignatureScheme, material: bytes) -> None:
        self.scheme = scheme
        self._material = material

    def __repr__(self) -> str:
        return f"SigningKey({self.scheme.value})"

    @classmethod
    def new(cls, scheme: SignatureScheme) -> SigningKey:
        """A random one of 32 bytes."""
        return cls(scheme, secrets.token_bytes(_BYTES))

    @property
    def material(self) -> bytes:
        """The secret, or the private key's seed: to be sealed, or shown once."""
        return self._material

    @property
    def public(self) -> bytes | None:
        """What everybody may know; ``None`` where the secret is shared."""
        if self.scheme is SignatureScheme.HMAC_SHA256:
            return None
        return Ed25519PrivateKey.from_private_bytes(self._material).public_key().public_bytes_raw()

    def sign(self, content: bytes) -> bytes:
        """The signature of ``content``."""
        if self.scheme is SignatureScheme.HMAC_SHA256:
            return hmac.digest(self._material, content, "sha256")
        return Ed25519PrivateKey.from_private_bytes(self._material).sign(content)
