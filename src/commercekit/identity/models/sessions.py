"""Sessions, as values."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from commercekit.identity.models.accounts import Account, Realm

__all__ = [
    "ClaimedCart",
    "Client",
    "FoundSession",
    "IssuedSession",
    "LoggedIn",
    "LoginAttempt",
    "SessionView",
]


class Client(Struct, frozen=True, kw_only=True):
    """Where a session was opened from, so that its owner knows it again. Sealed where it lies."""

    address: str = ""
    user_agent: str = ""
    visit: str = ""
    """What a captcha was given to, before anybody is logged in. Not kept."""


class IssuedSession(Struct, frozen=True, kw_only=True):
    """A session with the text of its cookie, which nobody has but the browser."""

    id: UUID
    realm: Realm
    secret: str
    expires_at: datetime
    is_pending: bool

    def __repr__(self) -> str:
        return f"IssuedSession({self.id})"


class FoundSession(Struct, frozen=True):
    """What the look-up of a session gives; the order is that of its columns."""

    secret_hash: bytes
    id: UUID
    realm: str
    account_id: UUID
    seen_at: datetime
    expires_at: datetime
    password_at: datetime | None
    second_factor: str | None
    second_factor_at: datetime | None
    is_pending: bool
    scopes: list[str]
    roles: str | None = None
    """A JSON array of role, limit's kind and codes, and what a role of the shop's own holds."""


class SessionView(Struct, frozen=True, kw_only=True):
    """A session as its owner sees it."""

    id: UUID
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    user_agent: str
    is_current: bool


class LoginAttempt(Struct, frozen=True, kw_only=True):
    """Somebody tries something that could be guessed; what watches over it decides by this."""

    action: str
    """``login``, ``register``, ``reset``, ``spend-link``, ``password`` …"""
    realm: Realm
    subject: bytes
    """The blind index of the address that was typed in, known here or not; else the account's id."""
    address: str = ""
    """Where the request came from."""
    captcha: str | None = None
    """The answer to a captcha, if one came."""
    session: str = ""
    """What the captcha was given to."""

    def __repr__(self) -> str:
        return f"LoginAttempt({self.action}, {self.realm})"


class LoggedIn(Struct, frozen=True, kw_only=True):
    """Who has logged in, with which session, and what is still owed."""

    account: Account
    session: IssuedSession
    owed: tuple[str, ...] = ()
    """Kinds of second factor of which one has to be proven before the session may do anything."""


class ClaimedCart(Struct, frozen=True, kw_only=True):
    """The cart of whoever has logged in, and the token that opens it."""

    id: UUID
    token: str

    def __repr__(self) -> str:
        return f"ClaimedCart({self.id})"
