"""Second factors, as values."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from commercekit.identity.models.sessions import IssuedSession

__all__ = [
    "CaptchaKind",
    "CaptchaMode",
    "Enrolled",
    "Factor",
    "FactorKind",
    "FactorView",
    "Factors",
    "Proof",
    "SecondFactor",
    "TotpSetup",
]


class FactorKind(StrEnum):
    """What proves, beside the password, that it is you."""

    TOTP = "totp"
    """An authenticator app."""
    PASSKEY = "passkey"
    """A fingerprint, a face or a key, by WebAuthn."""
    SMS = "sms"
    EMAIL = "email"
    RECOVERY = "recovery"
    """One of ten codes on paper; it is no factor of its own."""
    PASSWORD = "password"  # noqa: S105 - a word, not a secret
    """The password once more: for accounts that owe no second factor."""


class SecondFactor(StrEnum):
    """Whether accounts of a realm must have one."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    """Who has set one up is asked for it."""


class CaptchaMode(StrEnum):
    """When a captcha is due."""

    NEVER = "never"
    AFTER_FAILURES = "after_failures"
    ALWAYS = "always"


class CaptchaKind(StrEnum):
    """How somebody shows not to be a script."""

    ALTCHA = "altcha"
    """The browser works for a second; nobody has to see or hear anything."""
    PICTURE = "picture"
    """Digits on a picture, or read aloud."""


class Factor(Struct, frozen=True, kw_only=True):
    """A factor as it is kept; ``secret`` is opened. Never logged."""

    id: UUID
    account_id: UUID
    kind: FactorKind
    label: str
    secret: bytes
    """A seed, a public key, or where codes are sent."""
    credential: bytes | None
    counter: int
    created_at: datetime
    confirmed_at: datetime | None
    used_at: datetime | None

    def __repr__(self) -> str:
        return f"Factor({self.id}, {self.kind})"


class FactorView(Struct, frozen=True, kw_only=True):
    """A factor as its owner sees it."""

    id: UUID
    kind: FactorKind
    label: str
    created_at: datetime
    used_at: datetime | None


class Factors(Struct, frozen=True, kw_only=True):
    """What an account has set up."""

    factors: list[FactorView]
    recovery_codes_left: int


class TotpSetup(Struct, frozen=True, kw_only=True):
    """What an authenticator app needs; shown this once."""

    factor_id: UUID
    secret: str
    uri: str
    qr: str
    """A picture of ``uri``, as a ``data:`` address."""

    def __repr__(self) -> str:
        return f"TotpSetup({self.factor_id})"


class Enrolled(Struct, frozen=True, kw_only=True):
    """A factor was set up: the session is a new one, and recovery codes come with the first factor."""

    session: IssuedSession
    recovery_codes: list[str]

    def __repr__(self) -> str:
        return f"Enrolled({self.session.id})"


class Proof(Struct, frozen=True, kw_only=True):
    """What somebody shows."""

    kind: FactorKind
    code: str = ""
    """Six digits, a recovery code, or the password."""
    credential: dict[str, Any] | None = None
    """What the browser's ``navigator.credentials.get`` gave."""

    def __repr__(self) -> str:
        return f"Proof({self.kind})"
