"""The shopper's side: see the order, cancel it, pay it again, ask for money back."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import HeaderParameter
from msgspec import Meta

from commercekit.kernel import parse_accept_language
from commercekit.orders.api.refunds import RefundRequestView, refund_request_view
from commercekit.orders.api.views import OrderView, view_of
from commercekit.orders.errors import RefundRequestNotFound
from commercekit.orders.models import (
    CUSTOMER_CANCELLED,
    Actor,
    AskedLine,
    Order,
    PayerRef,
    ReasonCode,
    WebAddress,
)
from commercekit.orders.service import OrderService
from commercekit.payments import Flow
from commercekit.platform.http import (
    Answer,
    IdempotentRun,
    Input,
    idempotent,
    refuses,
)
from commercekit.platform.security import public

__all__ = ["StoreOrders"]

_Reason = Annotated[str, Meta(max_length=500)]
OrderToken = Annotated[
    str | None,
    HeaderParameter(name="X-Order-Token", max_length=100, description="The token told at placing"),
]


class CancelInput(Input):
    """Why, in the shopper's words; may be empty."""

    reason: _Reason = ""


class RefundRequestInput(Input, kw_only=True):
    """Which units or how much of which prices, whether the freight too, and why."""

    lines: Annotated[list[AskedLine], Meta(max_length=200)] = []
    shipping: bool = False
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    reason_code: ReasonCode = ReasonCode.OTHER


class PayInput(Input):
    """Another try, perhaps another way."""

    payment_method: Annotated[str, Meta(min_length=1, max_length=64)]
    flow: Flow | None = None
    payer_ref: PayerRef | None = None
    return_url: WebAddress | None = None


class StoreOrders(Controller):
    """``/store/orders``: everything needs the order's token."""

    path = "/store/orders"
    tags = ["Orders"]
    opt = public("whoever holds the order's token") | refuses(410)

    @get("/{number:str}", operation_id="GetOrder", summary="One order, as its shopper sees it")
    async def read(
        self, request: Request[Any, Any, Any], number: str, orders: OrderService, token: OrderToken
    ) -> OrderView:
        order = await _order(request, orders, number, token)
        return await view_of(orders, order)

    @post(
        "/{number:str}/cancel",
        status_code=200,
        operation_id="CancelOrder",
        summary="Cancel before shipping",
    )
    async def cancel(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: CancelInput,
        orders: OrderService,
        token: OrderToken,
    ) -> Response[OrderView]:
        order = await _order(request, orders, number, token)

        async def work(_run: IdempotentRun) -> Answer:
            cancelled = await orders.cancel(
                order.id, Actor("customer"), data.reason or CUSTOMER_CANCELLED
            )
            return Answer(200, await view_of(orders, cancelled))

        return await idempotent(request, scope="orders.cancel", work=work)

    @post("/{number:str}/payments", operation_id="PayOrder", summary="Pay, again or another way")
    async def pay(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: PayInput,
        orders: OrderService,
        token: OrderToken,
    ) -> Response[OrderView]:
        order = await _order(request, orders, number, token)

        async def work(run: IdempotentRun) -> Answer:
            payment = await orders.pay(
                order.id,
                payment_id=run.id,
                method=data.payment_method,
                flow=data.flow,
                return_url=data.return_url,
                customer_ip=request.client.host if request.client else None,
                payer_ref=data.payer_ref,
            )
            paid = await orders.get(order.id)
            return Answer(201, await view_of(orders, paid, started=payment))

        return await idempotent(request, scope="orders.pay", work=work)

    @get(
        "/{number:str}/refund-requests",
        operation_id="ListOrderRefundRequests",
        summary="What was asked back, and what became of it",
    )
    async def refund_requests(
        self, request: Request[Any, Any, Any], number: str, orders: OrderService, token: OrderToken
    ) -> list[RefundRequestView]:
        order = await _order(request, orders, number, token)
        return [refund_request_view(item) for item in await orders.refund_requests(order=order)]

    @post(
        "/{number:str}/refund-requests",
        operation_id="RequestRefund",
        summary="Ask for money back",
    )
    async def request_refund(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: RefundRequestInput,
        orders: OrderService,
        token: OrderToken,
    ) -> Response[RefundRequestView]:
        order = await _order(request, orders, number, token)

        async def work(run: IdempotentRun) -> Answer:
            asked = await orders.request_refund(
                order.id,
                request_id=run.id,
                lines=data.lines,
                shipping=data.shipping,
                reason=data.reason,
                reason_code=data.reason_code,
                actor=Actor("customer"),
            )
            return Answer(201, refund_request_view(asked))

        return await idempotent(request, scope="orders.refund-request", work=work)

    @post(
        "/{number:str}/refund-requests/{request_id:uuid}/withdraw",
        operation_id="WithdrawRefund",
        summary="Take the request back, while nobody has decided it",
        status_code=200,
    )
    async def withdraw_refund(
        self,
        request: Request[Any, Any, Any],
        number: str,
        request_id: UUID,
        orders: OrderService,
        token: OrderToken,
    ) -> Response[RefundRequestView]:
        order = await _order(request, orders, number, token)

        async def work(run: IdempotentRun) -> Answer:
            if (await orders.refund_request(request_id)).order_id != order.id:
                message = "There is no such refund request on this order."
                raise RefundRequestNotFound(message)
            withdrawn = await orders.withdraw_refund(
                request_id, operation_id=run.id, actor=Actor("customer")
            )
            return Answer(200, refund_request_view(withdrawn))

        return await idempotent(request, scope="orders.withdraw-refund", work=work)


async def _order(
    request: Request[Any, Any, Any], orders: OrderService, number: str, token: str | None
) -> Order:
    languages = parse_accept_language(request.headers.get("accept-language"))
    return await orders.for_guest(number, token, languages)
