"""The audit trail over HTTP, for staff."""

from typing import Any

from litestar import Controller, Request, get

from commercekit.identity.models import AuditRecord
from commercekit.identity.service import IdentityService
from commercekit.kernel import Page
from commercekit.platform.http import PageCursor, PageLimit, page_answer, page_request
from commercekit.platform.security import requires

__all__ = ["AdminAudit"]


class AdminAudit(Controller):
    """Who did what with a privilege."""

    path = "/admin/audit"

    @get(
        guards=[requires("audit:read")], operation_id="AdminListAudit", summary="List audit entries"
    )
    async def list_audit(
        self,
        request: Request[Any, Any, Any],
        identity: IdentityService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[AuditRecord]:
        """Newest first."""
        records, after = await identity.list_audit(page_request(request, limit, cursor))
        return page_answer(request, records, after)
