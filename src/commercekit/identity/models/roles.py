"""Who has which role, as values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from commercekit.platform.security import LimitKind

__all__ = ["LimitView", "NewRole", "RoleBinding"]

_Code = Annotated[str, Meta(min_length=1, max_length=64)]


class LimitView(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Within what; ``codes`` name markets, places or groups, and are empty for ``own``."""

    kind: LimitKind
    codes: Annotated[list[_Code], Meta(max_length=100)] = []


class NewRole(Struct, frozen=True, kw_only=True):
    """A role that the shop makes for itself."""

    code: str
    label: Mapping[str, str]
    permissions: frozenset[str]


class RoleBinding(Struct, frozen=True, kw_only=True):
    """A role that a member of staff has, everywhere or within a limit."""

    id: UUID
    account_id: UUID
    role: str
    limit: LimitView | None
    created_by: str
    created_at: datetime
