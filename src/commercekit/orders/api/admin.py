"""Staff's side: the list, one order, shipping and cancelling."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter
from msgspec import Meta

from commercekit.fulfilment import PackedParcel, ShipmentView
from commercekit.kernel import Page
from commercekit.orders.api.staff import BY_MARKET, actor_of, place_of
from commercekit.orders.api.views import StaffOrderView, staff_view_of
from commercekit.orders.models import (
    FulfilmentStatus,
    OrderSearch,
    OrderStatus,
    OrderSummary,
    PaymentStatus,
    RefundRequestLine,
)
from commercekit.orders.service import OrderService
from commercekit.platform.http import (
    EXTENSION_FILTERS,
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
from commercekit.platform.security import principal_of, reach_of, requires

__all__ = ["AdminOrders"]

_Reason = Annotated[str, Meta(max_length=500)]
_Code = Annotated[str, Meta(min_length=1, max_length=64)]


class ShipInput(Input):
    """What leaves, and how. Without lines everything that is left; without a carrier as ordered.

    ``parcels`` say which units lie in which box; without them all goes in one. A tracking number, or one
    for each parcel, says that staff arranged the transport; no carrier is asked then.
    """

    lines: Annotated[list[RefundRequestLine], Meta(min_length=1, max_length=200)] | None = None
    parcels: Annotated[list[PackedParcel], Meta(min_length=1, max_length=100)] | None = None
    carrier: _Code | None = None
    service: _Code | None = None
    tracking_number: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class CancelInput(Input):
    """Why; the shopper reads it. Without lines the whole order, else so many units of each."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    lines: Annotated[list[RefundRequestLine], Meta(min_length=1, max_length=200)] | None = None


class AdminOrders(Controller):
    """``/admin/orders``."""

    path = "/admin/orders"
    tags = ["Orders"]
    opt = refuses(410)

    @get(
        "/",
        operation_id="AdminListOrders",
        summary="Orders, newest first",
        guards=[requires("orders:read", limited_by=BY_MARKET)],
        opt=EXTENSION_FILTERS,
    )
    async def list_orders(
        self,
        request: Request[Any, Any, Any],
        orders: OrderService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        status: Annotated[OrderStatus | None, Parameter(description="Only these")] = None,
        payment_status: Annotated[PaymentStatus | None, Parameter(description="Only these")] = None,
        fulfilment_status: Annotated[
            FulfilmentStatus | None, Parameter(description="Only these")
        ] = None,
        sku: Annotated[
            str | None, Parameter(max_length=120, description="With a line of this SKU")
        ] = None,
        tag: Annotated[str | None, Parameter(max_length=40, description="With this tag")] = None,
    ) -> Page[OrderSummary]:
        """Also filtered by plugins' fields that have an index: ``?extensions.<plugin>.<field>=``."""
        page = page_request(request, limit, cursor)
        search = OrderSearch(
            status=status,
            payment_status=payment_status,
            fulfilment_status=fulfilment_status,
            sku=sku,
            tag=tag,
            extensions=orders.extension_filters(request.query_params.multi_items()),
        )
        items = await orders.search(
            search,
            before=place_of(page.after) if page.after else None,
            limit=limit + 1,
            reach=reach_of(request),
        )
        more = len(items) > limit
        items = items[:limit]
        return page_answer(request, items, (str(items[-1].id),) if more else None)

    @get(
        "/{number:str}",
        operation_id="AdminGetOrder",
        summary="One order",
        guards=[requires("orders:read", limited_by=BY_MARKET)],
    )
    async def read(
        self, request: Request[Any, Any, Any], number: str, orders: OrderService
    ) -> Response[StaffOrderView]:
        order = await orders.by_number(number, reach=reach_of(request))
        return Response(
            await staff_view_of(orders, order, principal_of(request)),
            headers={"ETag": etag_of(order.version)},
        )

    @get(
        "/{number:str}/shipments",
        operation_id="AdminListOrderShipments",
        summary="The shipments of an order, oldest first",
        guards=[requires("shipments:read", limited_by=BY_MARKET)],
    )
    async def shipments(
        self, request: Request[Any, Any, Any], number: str, orders: OrderService
    ) -> list[ShipmentView]:
        """With their parcels and events, and what the carrier said and costs."""
        return await orders.shipments(await orders.by_number(number, reach=reach_of(request)))

    @post(
        "/{number:str}/shipments",
        operation_id="AdminShipOrder",
        summary="Ship all or part of an order",
        guards=[requires("shipments:write", limited_by=BY_MARKET)],
    )
    async def ship(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: ShipInput,
        orders: OrderService,
    ) -> Response[StaffOrderView]:
        order = await orders.by_number(number, reach=reach_of(request))
        actor = actor_of(request)

        async def work(run: IdempotentRun) -> Answer:
            await orders.ship(
                order.id,
                shipment_id=run.id,
                units=data.lines,
                parcels=data.parcels,
                carrier=data.carrier,
                service=data.service,
                tracking_number=data.tracking_number,
                actor=actor,
            )
            return Answer(
                201, await staff_view_of(orders, await orders.get(order.id), principal_of(request))
            )

        return await idempotent(request, scope="orders.ship", work=work)

    @post(
        "/{number:str}/cancel",
        operation_id="AdminCancelOrder",
        summary="Cancel an order, or units of its lines, before they ship",
        status_code=200,
        guards=[requires("orders:write", limited_by=BY_MARKET)],
    )
    async def cancel(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: CancelInput,
        orders: OrderService,
    ) -> Response[StaffOrderView]:
        order = await orders.by_number(number, reach=reach_of(request))
        actor = actor_of(request)

        async def work(run: IdempotentRun) -> Answer:
            if data.lines is None:
                cancelled = await orders.cancel(order.id, actor, data.reason)
            else:
                cancelled = await orders.cancel_units(
                    order.id,
                    cancellation_id=run.id,
                    units=data.lines,
                    actor=actor,
                    reason=data.reason,
                )
            return Answer(200, await staff_view_of(orders, cancelled, principal_of(request)))

        return await idempotent(request, scope="orders.cancel", work=work)

    @post(
        "/{number:str}/capture",
        operation_id="AdminCaptureOrder",
        summary="Take what the order costs now of the money that is held for it",
        status_code=200,
        guards=[requires("payments:write", limited_by=BY_MARKET)],
    )
    async def capture(
        self, request: Request[Any, Any, Any], number: str, orders: OrderService
    ) -> Response[StaffOrderView]:
        order = await orders.by_number(number, reach=reach_of(request))
        actor = actor_of(request)

        async def work(run: IdempotentRun) -> Answer:
            captured = await orders.capture(order.id, operation_id=run.id, actor=actor)
            return Answer(200, await staff_view_of(orders, captured, principal_of(request)))

        return await idempotent(request, scope="orders.capture", work=work)
