"""Every query about the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from commercekit.identity.models import AuditRecord

if TYPE_CHECKING:
    from commercekit.kernel import PageRequest
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["AuditRepository"]


class AuditRepository:
    """Audit entries in PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def append(self, uow: UnitOfWork, record: AuditRecord) -> None:
        """Write an audit entry down."""
        await uow.execute(
            "INSERT INTO identity_audit_entry"
            " (id, at, actor, action, subject, reason, request_id, details)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)",
            record.id,
            record.at,
            record.actor,
            record.action,
            record.subject,
            record.reason,
            record.request_id,
            msgspec.json.encode(record.details).decode(),
        )

    async def newest(self, page: PageRequest) -> list[AuditRecord]:
        """Newest first, one more than asked for if there are more."""
        rows = await self._db.fetch(
            "SELECT id, at, actor, action, subject, reason, request_id, details"
            " FROM identity_audit_entry WHERE $1::uuid IS NULL OR id < $1"
            " ORDER BY id DESC LIMIT $2",
            page.after[0] if page.after else None,
            page.limit + 1,
        )
        return [
            AuditRecord(**{**dict(row), "details": msgspec.json.decode(row["details"])})
            for row in rows
        ]
