"""Accounts of the two realms, as values."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from commercekit.platform.security import PrincipalKind

__all__ = ["Account", "MailPurpose", "NewAccount", "PersonalFile", "Realm", "StaffMember"]


class Realm(StrEnum):
    """Staff and customers never stand in for each other, not even with one e-mail address."""

    STAFF = "staff"
    CUSTOMER = "customer"

    @property
    def kind(self) -> PrincipalKind:
        """What a principal of this realm is."""
        return PrincipalKind(self.value)


class MailPurpose(StrEnum):
    """What a link in a mail is for."""

    RESET = "reset"
    PROVE = "prove"
    CHANGE = "change"
    INVITE = "invite"


class NewAccount(Struct, frozen=True, kw_only=True):
    """Somebody who is to have an account."""

    email: str
    name: str | None = None
    locale: str = "en"


class Account(Struct, frozen=True, kw_only=True):
    """Somebody who can log in. Personal: never logged, and in no fact."""

    id: UUID
    realm: Realm
    email: str
    name: str | None
    locale: str
    scopes: tuple[str, ...]
    """What staff may do; customers have none."""
    password_at: datetime | None
    """When the password was chosen; who was invited has none yet."""
    email_proven_at: datetime | None
    disabled_at: datetime | None
    created_at: datetime
    version: int

    @property
    def actor(self) -> str:
        """As audit entries and histories name the account."""
        return f"account/{self.id}"

    def __repr__(self) -> str:
        return f"Account({self.id}, {self.realm})"


class StaffMember(Struct, frozen=True, kw_only=True):
    """A member of staff as those see them who look after accounts."""

    id: UUID
    email: str
    name: str | None
    scopes: tuple[str, ...]
    is_invited: bool
    """Asked to join, and has not chosen a password yet."""
    disabled_at: datetime | None
    created_at: datetime
    version: int


class PersonalFile(Struct, frozen=True, kw_only=True):
    """Everything the shop keeps about one person, by the part that keeps it."""

    made_at: datetime
    parts: dict[str, Any]
