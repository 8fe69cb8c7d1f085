"""Returns over HTTP: the shopper asks and sends, staff decide, receive, inspect and close."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter
from msgspec import Meta, Struct

from commercekit.kernel import Money, Page, parse_accept_language
from commercekit.orders.api.staff import BY_MARKET, actor_of, match_if_asked, place_of
from commercekit.orders.api.store import OrderToken
from commercekit.orders.errors import ReturnNotFound
from commercekit.orders.models import (
    Actor,
    AskedLine,
    Fault,
    InspectedLine,
    Order,
    ReasonCode,
    ReceivedLine,
    RefundPart,
    RefundRequestLine,
    Return,
    ReturnLine,
    ReturnStatus,
    ReturnTerms,
)
from commercekit.orders.service import OrderService, WantedTerms
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
from commercekit.platform.security import public, reach_of, requires

__all__ = ["AdminReturns", "ReturnView", "StoreReturns", "return_view"]

_Reason = Annotated[str, Meta(max_length=500)]
_Words = Annotated[str, Meta(min_length=1, max_length=500)]
_Carrier = Annotated[str, Meta(max_length=64)]
_Number = Annotated[str, Meta(min_length=1, max_length=100)]


class ReturnInput(Input, kw_only=True):
    """Which units come back, whether the freight is asked back too, and why."""

    lines: Annotated[list[RefundRequestLine], Meta(min_length=1, max_length=200)]
    shipping: bool = False
    reason: _Words
    reason_code: ReasonCode = ReasonCode.OTHER


class SentInput(Input):
    """How the parcel travels."""

    tracking_number: _Number
    carrier: _Carrier = ""


class ApproveReturnInput(Input):
    """Who pays what; what is left out follows from the reason and the shop's settings.

    ``reason`` is what the shopper reads: where to send it, and what to mind.
    """

    reason: _Reason = ""
    fault: Fault | None = None
    refund_shipping: bool | None = None
    restocking_basis_points: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    return_shipping: Money | None = None


class RejectReturnInput(Input):
    """Why; the shopper reads it."""

    reason: _Words


class ReceiveInput(Input):
    """What was in the parcel; without lines all that was announced."""

    lines: Annotated[list[ReceivedLine], Meta(max_length=200)] | None = None


class InspectInput(Input, kw_only=True):
    """What became of every unit, and where the sellable ones go; without a location, where they were."""

    lines: Annotated[list[InspectedLine], Meta(min_length=1, max_length=200)]
    location: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class CloseInput(Input):
    """Pay back what is due, or less."""

    amount: Money | None = None
    reason: _Reason = ""


class ReturnView(Struct, frozen=True, kw_only=True):
    """A return as its shopper sees it: not how it was reviewed, and not by whom."""

    id: UUID
    order_number: str
    status: ReturnStatus
    lines: list[ReturnLine]
    shipping: bool
    amount: Money
    reason: str
    reason_code: ReasonCode
    terms: ReturnTerms | None
    carrier: str
    tracking_number: str
    created_at: datetime
    decided_at: datetime | None
    decision_reason: str
    sent_at: datetime | None
    received_at: datetime | None
    inspected_at: datetime | None
    closed_at: datetime | None
    refund: Money | None
    parts: list[RefundPart]
    version: int


def return_view(found: Return) -> ReturnView:
    """What the shopper may see of ``found``."""
    return ReturnView(**{field: getattr(found, field) for field in ReturnView.__struct_fields__})


class StoreReturns(Controller):
    """``/store/orders/{number}/returns``: everything needs the order's token."""

    path = "/store/orders"
    tags = ["Returns"]
    opt = public("whoever holds the order's token") | refuses(410)

    @get("/{number:str}/returns", operation_id="ListOrderReturns", summary="What is sent back")
    async def list_returns(
        self, request: Request[Any, Any, Any], number: str, orders: OrderService, token: OrderToken
    ) -> list[ReturnView]:
        order = await _order(request, orders, number, token)
        return [return_view(item) for item in reversed(await orders.returns_of(order))]

    @post("/{number:str}/returns", operation_id="RequestReturn", summary="Ask to send goods back")
    async def request_return(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: ReturnInput,
        orders: OrderService,
        token: OrderToken,
    ) -> Response[ReturnView]:
        order = await _order(request, orders, number, token)

        async def work(run: IdempotentRun) -> Answer:
            asked = await orders.request_return(
                order.id,
                return_id=run.id,
                lines=[AskedLine(line.line_id, line.quantity) for line in data.lines],
                shipping=data.shipping,
                reason=data.reason,
                reason_code=data.reason_code,
                actor=Actor("customer"),
            )
            return Answer(201, return_view(asked))

        return await idempotent(request, scope="returns.request", work=work)

    @post(
        "/{number:str}/returns/{return_id:uuid}/sent",
        operation_id="SendReturn",
        summary="Say that the parcel is on its way",
        status_code=200,
    )
    async def sent(
        self,
        request: Request[Any, Any, Any],
        number: str,
        return_id: UUID,
        data: SentInput,
        orders: OrderService,
        token: OrderToken,
    ) -> Response[ReturnView]:
        order = await _order(request, orders, number, token)

        async def work(run: IdempotentRun) -> Answer:
            await _of_order(orders, order, return_id)
            sent = await orders.send_return(
                return_id,
                operation_id=run.id,
                carrier=data.carrier,
                tracking_number=data.tracking_number,
                actor=Actor("customer"),
            )
            return Answer(200, return_view(sent))

        return await idempotent(request, scope="returns.sent", work=work)

    @post(
        "/{number:str}/returns/{return_id:uuid}/withdraw",
        operation_id="WithdrawReturn",
        summary="Keep the goods after all, while nobody has decided",
        status_code=200,
    )
    async def withdraw(
        self,
        request: Request[Any, Any, Any],
        number: str,
        return_id: UUID,
        orders: OrderService,
        token: OrderToken,
    ) -> Response[ReturnView]:
        order = await _order(request, orders, number, token)

        async def work(run: IdempotentRun) -> Answer:
            await _of_order(orders, order, return_id)
            kept = await orders.withdraw_return(
                return_id, operation_id=run.id, actor=Actor("customer")
            )
            return Answer(200, return_view(kept))

        return await idempotent(request, scope="returns.withdraw", work=work)


class AdminReturns(Controller):
    """``/admin/returns``. A step may name the version it was decided on, with ``If-Match``."""

    path = "/admin/returns"
    tags = ["Returns"]
    opt = refuses(410)

    @get(
        "/",
        operation_id="AdminListReturns",
        summary="Returns, newest first",
        guards=[requires("returns:read", limited_by=BY_MARKET)],
    )
    async def list_returns(
        self,
        request: Request[Any, Any, Any],
        orders: OrderService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        status: Annotated[ReturnStatus | None, Parameter(description="Only these")] = None,
    ) -> Page[Return]:
        page = page_request(request, limit, cursor)
        before = place_of(page.after) if page.after else None
        items = await orders.returns(
            status=status, before=before, limit=limit + 1, reach=reach_of(request)
        )
        more = len(items) > limit
        items = items[:limit]
        return page_answer(request, items, (str(items[-1].id),) if more else None)

    @get(
        "/{return_id:uuid}",
        operation_id="AdminGetReturn",
        summary="One return",
        guards=[requires("returns:read", limited_by=BY_MARKET)],
    )
    async def read(
        self, request: Request[Any, Any, Any], return_id: UUID, orders: OrderService
    ) -> Response[Return]:
        found = await orders.order_return(return_id, reach=reach_of(request))
        return Response(found, headers={"ETag": etag_of(found.version)})

    @post(
        "/{return_id:uuid}/approve",
        operation_id="AdminApproveReturn",
        summary="Agree, and say who pays what",
        status_code=200,
        guards=[requires("returns:approve", limited_by=BY_MARKET)],
    )
    async def approve(
        self,
        request: Request[Any, Any, Any],
        return_id: UUID,
        data: ApproveReturnInput,
        orders: OrderService,
    ) -> Response[Return]:
        async def work(run: IdempotentRun) -> Answer:
            known = await orders.order_return(return_id, reach=reach_of(request))
            match_if_asked(request, known.version)
            approved = await orders.approve_return(
                return_id,
                decision_id=run.id,
                actor=actor_of(request),
                reason=data.reason,
                terms=WantedTerms(
                    fault=data.fault,
                    refund_shipping=data.refund_shipping,
                    restocking_basis_points=data.restocking_basis_points,
                    return_shipping=data.return_shipping,
                ),
            )
            return Answer(200, approved)

        return await idempotent(request, scope="returns.approve", work=work)

    @post(
        "/{return_id:uuid}/reject",
        operation_id="AdminRejectReturn",
        summary="Decline, with a reason",
        status_code=200,
        guards=[requires("returns:approve", limited_by=BY_MARKET)],
    )
    async def reject(
        self,
        request: Request[Any, Any, Any],
        return_id: UUID,
        data: RejectReturnInput,
        orders: OrderService,
    ) -> Response[Return]:
        async def work(run: IdempotentRun) -> Answer:
            known = await orders.order_return(return_id, reach=reach_of(request))
            match_if_asked(request, known.version)
            rejected = await orders.reject_return(
                return_id, decision_id=run.id, actor=actor_of(request), reason=data.reason
            )
            return Answer(200, rejected)

        return await idempotent(request, scope="returns.reject", work=work)

    @post(
        "/{return_id:uuid}/receive",
        operation_id="AdminReceiveReturn",
        summary="The parcel is here",
        status_code=200,
        guards=[requires("returns:write", limited_by=BY_MARKET)],
    )
    async def receive(
        self,
        request: Request[Any, Any, Any],
        return_id: UUID,
        data: ReceiveInput,
        orders: OrderService,
    ) -> Response[Return]:
        async def work(run: IdempotentRun) -> Answer:
            known = await orders.order_return(return_id, reach=reach_of(request))
            match_if_asked(request, known.version)
            received = await orders.receive_return(
                return_id, operation_id=run.id, counted=data.lines, actor=actor_of(request)
            )
            return Answer(200, received)

        return await idempotent(request, scope="returns.receive", work=work)

    @post(
        "/{return_id:uuid}/inspect",
        operation_id="AdminInspectReturn",
        summary="Say what became of every unit; sellable ones are stock again",
        status_code=200,
        guards=[requires("returns:write", limited_by=BY_MARKET)],
    )
    async def inspect(
        self,
        request: Request[Any, Any, Any],
        return_id: UUID,
        data: InspectInput,
        orders: OrderService,
    ) -> Response[Return]:
        async def work(run: IdempotentRun) -> Answer:
            known = await orders.order_return(return_id, reach=reach_of(request))
            match_if_asked(request, known.version)
            seen = await orders.inspect_return(
                return_id,
                operation_id=run.id,
                found=data.lines,
                location=data.location,
                actor=actor_of(request),
            )
            return Answer(200, seen)

        return await idempotent(request, scope="returns.inspect", work=work)

    @post(
        "/{return_id:uuid}/close",
        operation_id="AdminCloseReturn",
        summary="Pay back what is due, and be done",
        status_code=200,
        guards=[requires("refunds:approve", limited_by=BY_MARKET)],
    )
    async def close(
        self,
        request: Request[Any, Any, Any],
        return_id: UUID,
        data: CloseInput,
        orders: OrderService,
    ) -> Response[Return]:
        async def work(run: IdempotentRun) -> Answer:
            known = await orders.order_return(return_id, reach=reach_of(request))
            match_if_asked(request, known.version)
            closed = await orders.close_return(
                return_id,
                operation_id=run.id,
                actor=actor_of(request),
                reason=data.reason,
                amount=data.amount,
            )
            return Answer(200, closed)

        return await idempotent(request, scope="returns.close", work=work)


async def _order(
    request: Request[Any, Any, Any], orders: OrderService, number: str, token: str | None
) -> Order:
    languages = parse_accept_language(request.headers.get("accept-language"))
    return await orders.for_guest(number, token, languages)


async def _of_order(orders: OrderService, order: Order, return_id: UUID) -> None:
    """Refuse a return of another order, as if there were none."""
    if (await orders.order_return(return_id)).order_id != order.id:
        message = "There is no such return on this order."
        raise ReturnNotFound(message)
