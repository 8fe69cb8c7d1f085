"""Who is asking, and what they may do."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from commercekit.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Principal", "PrincipalKind", "check_scope", "covers"]


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

    @classmethod
    def system(cls, name: str) -> Principal:
        """The software itself, acting under ``name``, such as ``cli``; it may do everything."""
        return cls(id=name, kind=PrincipalKind.SYSTEM, scopes=frozenset({"*:*"}), name=name)

    def may(self, scope: str) -> bool:
        """Whether one of the scopes covers ``scope``."""
        return any(covers(held, scope) for held in self.scopes)


def covers(held: str, wanted: str) -> bool:
    """Whether holding ``held`` grants ``wanted``: ``orders:*`` covers ``orders:read``.

    A wildcard in ``wanted`` is covered by the same wildcard or a wider one only.
    """
    held_resource, _, held_action = held.partition(":")
    resource, _, action = wanted.partition(":")
    return held_resource in ("*", resource) and held_action in ("*", action)


def check_scope(scope: str) -> str:
    """The scope itself; raises :class:`~commercekit.errors.Malformed` unless ``resource:action``."""
    sides = scope.split(":")
    if len(sides) == 2 and len(scope) <= 80 and all(_is_side(side) for side in sides):
        return scope
    message = f"{scope[:80]!r} is no scope; write resource:action, such as orders:read"
    raise Malformed(message)


def _is_side(side: str) -> bool:
    return side == "*" or (
        side.isascii() and side.replace("-", "").isalnum() and side == side.lower()
    )


def check_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """All of ``scopes``, checked."""
    return frozenset(check_scope(scope) for scope in scopes)
