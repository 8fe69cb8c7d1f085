"""Who did what with a privilege."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.identity.models import AuditRecord
from commercekit.identity.repository import AuditRepository
from commercekit.kernel import new_id

if TYPE_CHECKING:
    from commercekit.kernel import Clock, PageRequest
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import AuditEntry

__all__ = ["AuditTrail"]


class AuditTrail:
    """The shop's audit port."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._clock = clock
        self._repository = AuditRepository(db)

    async def record(self, uow: UnitOfWork, entry: AuditEntry) -> None:
        """Write a privileged act down, in the transaction of the act itself."""
        await self._repository.append(
            uow,
            AuditRecord(
                id=entry.id or new_id(),
                at=self._clock.now(),
                actor=entry.actor,
                action=entry.action,
                subject=entry.subject,
                reason=entry.reason,
                request_id=entry.request_id,
                details=entry.details,
            ),
        )

    async def list_audit(
        self, page: PageRequest
    ) -> tuple[list[AuditRecord], tuple[str, ...] | None]:
        """Privileged acts, newest first, and the place to go on from."""
        records = await self._repository.newest(page)
        more = len(records) > page.limit
        records = records[: page.limit]
        return records, (str(records[-1].id),) if more else None
