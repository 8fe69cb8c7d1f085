"""The audit trail, as values."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

__all__ = ["AuditRecord"]


class AuditRecord(Struct, frozen=True, kw_only=True):
    """One privileged act, as written down."""

    id: UUID
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    request_id: str
    details: Mapping[str, str | int | bool | None]
