"""Telling who did what with which privilege."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from msgspec import Struct

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["AuditEntry", "AuditPort"]


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One privileged act. Holds ids and figures, never personal data and never a secret."""

    actor: str
    """The id of the :class:`~commercekit.platform.security.Principal` who acted."""
    action: str
    """``resource:action``, such as ``tokens:create``."""
    subject: str = ""
    """What was acted on, such as ``token/0198…``."""
    reason: str = ""
    request_id: str = ""
    details: Mapping[str, str | int | bool | None] = {}
    id: UUID | None = None
    """Given by whoever writes the entry down unless set."""


class AuditPort(Protocol):
    """Where privileged acts are written down, in the same transaction as the act."""

    async def record(self, uow: UnitOfWork, entry: AuditEntry) -> None:
        """Append ``entry``; it can be neither changed nor removed afterwards."""
        ...
