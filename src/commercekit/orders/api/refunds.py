"""Refund requests over HTTP: what the shopper sees of one, and where staff decide."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter
from msgspec import Meta, Struct

from commercekit.kernel import Money, Page
from commercekit.orders.api.staff import BY_MARKET, actor_of, match_if_asked, place_of
from commercekit.orders.models import (
    ReasonCode,
    RefundPart,
    RefundRequest,
    RefundRequestStatus,
    RequestedLine,
)
from commercekit.orders.service import OrderService
from commercekit.platform.http import (
    Answer,
    IdempotentRun,
    Input,
    PageCursor,
    PageLimit,
    etag_of,
    idempotent,
    page_answer,
    page_request,
    refuses,
)
from commercekit.platform.security import reach_of, require_fresh, requires

__all__ = ["AdminRefundRequests", "RefundRequestView", "refund_request_view"]

_Reason = Annotated[str, Meta(max_length=500)]


class ApproveInput(Input):
    """Agree to all that was asked, or to less of it."""

    amount: Money | None = None
    reason: _Reason = ""


class RejectInput(Input):
    """Why; the shopper reads it."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class RefundRequestView(Struct, frozen=True, kw_only=True):
    """A refund request as its shopper sees it: not how it was reviewed, and not by whom."""

    id: UUID
    order_id: UUID
    order_number: str
    status: RefundRequestStatus
    lines: list[RequestedLine]
    shipping: bool
    amount: Money
    asked: Money
    reason: str
    reason_code: ReasonCode
    created_at: datetime
    decided_at: datetime | None
    decision_reason: str
    parts: list[RefundPart]
    version: int


def refund_request_view(request: RefundRequest) -> RefundRequestView:
    """What the shopper may see of ``request``."""
    return RefundRequestView(
        id=request.id,
        order_id=request.order_id,
        order_number=request.order_number,
        status=request.status,
        lines=request.lines,
        shipping=request.shipping,
        amount=request.amount,
        asked=request.asked,
        reason=request.reason,
        reason_code=request.reason_code,
        created_at=request.created_at,
        decided_at=request.decided_at,
        decision_reason=request.decision_reason,
        parts=request.parts,
        version=request.version,
    )


class AdminRefundRequests(Controller):
    """``/admin/refund-requests``: where a person decides."""

    path = "/admin/refund-requests"
    tags = ["Refunds"]
    opt = refuses(410)

    @get(
        "/",
        operation_id="AdminListRefundRequests",
        summary="Refund requests, newest first",
        guards=[requires("refunds:read", limited_by=BY_MARKET)],
    )
    async def list_requests(
        self,
        request: Request[Any, Any, Any],
        orders: OrderService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        status: Annotated[RefundRequestStatus | None, Parameter(description="Only these")] = None,
    ) -> Page[RefundRequest]:
        page = page_request(request, limit, cursor)
        before = place_of(page.after) if page.after else None
        items = await orders.refund_requests(
            status=status, before=before, limit=limit + 1, reach=reach_of(request)
        )
        more = len(items) > limit
        items = items[:limit]
        return page_answer(request, items, (str(items[-1].id),) if more else None)

    @get(
        "/{request_id:uuid}",
        operation_id="AdminGetRefundRequest",
        summary="One refund request",
        guards=[requires("refunds:read", limited_by=BY_MARKET)],
    )
    async def read(
        self, request: Request[Any, Any, Any], request_id: UUID, orders: OrderService
    ) -> Response[RefundRequest]:
        found = await orders.refund_request(request_id, reach=reach_of(request))
        return Response(found, headers={"ETag": etag_of(found.version)})

    @post(
        "/{request_id:uuid}/approve",
        operation_id="AdminApproveRefund",
        summary="Agree, and send the money back",
        guards=[requires("refunds:approve", limited_by=BY_MARKET)],
    )
    async def approve(
        self,
        request: Request[Any, Any, Any],
        request_id: UUID,
        data: ApproveInput,
        orders: OrderService,
    ) -> Response[RefundRequest]:
        actor = actor_of(request)
        known = await orders.refund_request(request_id, reach=reach_of(request))
        # Before the key is claimed: who proves that it is them comes again with the same key.
        if orders.asks_step_up(data.amount or known.amount):
            require_fresh(request)

        async def work(run: IdempotentRun) -> Answer:
            found = await orders.refund_request(request_id, reach=reach_of(request))
            match_if_asked(request, found.version)
            approved = await orders.approve_refund(
                request_id,
                decision_id=run.id,
                actor=actor,
                reason=data.reason,
                amount=data.amount,
            )
            return Answer(200, approved)

        return await idempotent(request, scope="refunds.approve", work=work)

    @post(
        "/{request_id:uuid}/reject",
        operation_id="AdminRejectRefund",
        summary="Decline, with a reason",
        guards=[requires("refunds:approve", limited_by=BY_MARKET)],
    )
    async def reject(
        self,
        request: Request[Any, Any, Any],
        request_id: UUID,
        data: RejectInput,
        orders: OrderService,
    ) -> Response[RefundRequest]:
        actor = actor_of(request)

        async def work(run: IdempotentRun) -> Answer:
            found = await orders.refund_request(request_id, reach=reach_of(request))
            match_if_asked(request, found.version)
            rejected = await orders.reject_refund(
                request_id, decision_id=run.id, actor=actor, reason=data.reason
            )
            return Answer(200, rejected)

        return await idempotent(request, scope="refunds.reject", work=work)
