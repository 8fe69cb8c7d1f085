"""The audit trail over HTTP, for staff."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.params import Parameter
from litestar.response import Stream

from commercekit.identity.models import AuditFilter, AuditRecord
from commercekit.identity.service import IdentityService
from commercekit.kernel import Page
from commercekit.platform.http import (
    PageCursor,
    PageLimit,
    current_request_id,
    page_answer,
    page_request,
)
from commercekit.platform.security import AuditEntry, LimitKind, principal_of, reach_of, requires

__all__ = ["AdminAudit"]

_OWN = (LimitKind.OWN,)
"""What one did oneself is one's own record."""
_Text = Annotated[str | None, Parameter(max_length=300)]
_Moment = Annotated[datetime | None, Parameter(description="RFC 3339, with an offset")]


class AdminAudit(Controller):
    """Who did what with a privilege."""

    path = "/admin/audit"
    tags = ["Audit"]

    @get(
        guards=[requires("audit:read", limited_by=_OWN)],
        operation_id="AdminListAudit",
        summary="List audit entries",
    )
    async def list_audit(
        self,
        request: Request[Any, Any, Any],
        identity: IdentityService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        actor: Annotated[_Text, Parameter(description="Who acted, such as token/abc")] = None,
        action: Annotated[
            _Text, Parameter(description="Such as tokens:create, or tokens:* for all of them")
        ] = None,
        subject: Annotated[
            _Text, Parameter(description="What was acted on; a star at the end stands for the rest")
        ] = None,
        request_id: _Text = None,
        since: _Moment = None,
        until: _Moment = None,
    ) -> Page[AuditRecord]:
        """Newest first; all of the filters have to hold."""
        wanted = msgspec.convert(
            {
                "actor": actor,
                "action": action,
                "subject": subject,
                "request_id": request_id,
                "since": since,
                "until": until,
            },
            AuditFilter,
        )
        page = page_request(request, limit, cursor, filters=wanted)
        records, after = await identity.audit.search(wanted, page, reach=reach_of(request))
        return page_answer(request, records, after, filters=wanted)

    @post(
        "/export",
        operation_id="AdminExportAudit",
        summary="The entries that fit with their places in the chain, a JSON document a line",
        description="Made while it is sent, oldest first. Whoever has the lines can compute every hash "
        "anew; how is written in the how-to on the audit trail. The export is an entry itself.",
        status_code=200,
        media_type="application/x-ndjson",
        guards=[requires("audit:export", step_up=True, limited_by=_OWN)],
    )
    async def export(
        self, request: Request[Any, Any, Any], data: AuditFilter, identity: IdentityService
    ) -> Stream:
        reach = reach_of(request)
        await identity.audit.note(
            AuditEntry(
                actor=principal_of(request).id,
                action="audit:export",
                request_id=current_request_id(),
                details={
                    name: str(value)
                    for name, value in msgspec.structs.asdict(data).items()
                    if value is not None
                },
            )
        )

        async def lines() -> AsyncIterator[bytes]:
            async for each in identity.audit.export(data, reach=reach):
                yield msgspec.json.encode(each.as_line()) + b"\n"

        return Stream(
            lines(),
            media_type="application/x-ndjson",
            headers={"content-disposition": 'attachment; filename="audit.ndjson"'},
        )
