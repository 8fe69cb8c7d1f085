"""Identity as the rest of the shop sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.identity.service.audit import AuditTrail
from commercekit.identity.service.tokens import StaffTokens

if TYPE_CHECKING:
    from commercekit.identity.models import AuditRecord
    from commercekit.kernel import Clock, PageRequest
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import AuditEntry, PermissionBook

__all__ = ["IdentityService"]


class IdentityService(StaffTokens):
    """Staff tokens and the audit trail; also the shop's audit port."""

    def __init__(
        self, db: Database, clock: Clock, permissions: PermissionBook | None = None
    ) -> None:
        """Without ``permissions`` every scope that is one can be given to a token."""
        self.trail = AuditTrail(db, clock)
        super().__init__(db, clock, self.trail, permissions)

    async def record(self, uow: UnitOfWork, entry: AuditEntry) -> None:
        """Write a privileged act down, in the transaction of the act itself."""
        await self.trail.record(uow, entry)

    async def list_audit(
        self, page: PageRequest
    ) -> tuple[list[AuditRecord], tuple[str, ...] | None]:
        """Privileged acts, newest first, and the place to go on from."""
        return await self.trail.list_audit(page)
