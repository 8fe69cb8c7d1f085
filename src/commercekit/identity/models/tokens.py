"""Staff tokens, as values."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from commercekit.identity.models.roles import LimitView

__all__ = ["IssuedToken", "NewToken", "StaffToken"]


class NewToken(Struct, frozen=True, kw_only=True):
    """What a token is to be. Without ``expires_at`` it works until it is revoked."""

    name: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    limit: LimitView | None = None
    """Within what it works; everywhere without."""


class StaffToken(Struct, frozen=True, kw_only=True):
    """A token as lists show it: everything but its secret, which nobody has any more."""

    id: UUID
    handle: str
    """The part of the token that is no secret; logs and audit entries name it."""
    name: str
    scopes: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    limit: LimitView | None = None


class IssuedToken(Struct, frozen=True, kw_only=True):
    """A new token with its full text, which is shown this once."""

    token: StaffToken
    secret: str

    def __repr__(self) -> str:
        return f"IssuedToken({self.token.handle})"
