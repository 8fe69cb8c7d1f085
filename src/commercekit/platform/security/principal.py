"""Who is asking, and what they may do."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from commercekit.platform.security.reach import EVERYWHERE, Grant, Reach, reach_of_grants
from commercekit.platform.security.scopes import covers

__all__ = ["Principal", "PrincipalKind"]


class PrincipalKind(StrEnum):
    """The realms of askers; staff and customers never stand in for each other."""

    STAFF = "staff"
    CUSTOMER = "customer"
    GUEST = "guest"
    SYSTEM = "system"


class Principal(Struct, frozen=True, kw_only=True):
    """Someone who has proven who they are; ``id`` is what audit rows and histories name.

    ``scopes`` are ``resource:action`` names, where either side may be ``*``. They are checked by
    :meth:`may` only, so that wildcards mean the same everywhere.
    """

    id: str
    kind: PrincipalKind = PrincipalKind.STAFF
    scopes: frozenset[str] = frozenset()
    name: str = ""
    account_id: UUID | None = None
    """Whose account it is; nobody's for tokens and the software itself."""
    session_id: UUID | None = None
    """The session that was shown; tokens have none."""
    password_at: datetime | None = None
    """When the password was last proven in this session."""
    second_factor: str | None = None
    """The kind of the second factor that was last proven, such as ``totp``."""
    second_factor_at: datetime | None = None
    is_pending: bool = False
    """The password was right, and a second factor is still owed: nothing is allowed yet."""

    grants: tuple[Grant, ...] = ()
    """What limits the scopes; without any they reach everywhere."""

    @classmethod
    def system(cls, name: str) -> Principal:
        """The software itself, acting under ``name``, such as ``cli``; it may do everything."""
        return cls(id=name, kind=PrincipalKind.SYSTEM, scopes=frozenset({"*:*"}), name=name)

    def may(self, scope: str) -> bool:
        """Whether one of the scopes covers ``scope``."""
        return any(covers(held, scope) for held in self.scopes)

    def reach(self, scope: str) -> Reach:
        """How far ``scope`` goes: services ask it before they act, and lists filter by it."""
        if self.grants:
            return reach_of_grants(self.grants, scope, self.id)
        return EVERYWHERE if self.may(scope) else Reach()
