"""``/admin/shipments``: look, hand over, note what happened, call back."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter
from msgspec import Meta

from commercekit.fulfilment.models import ShipmentStatus, ShipmentSummary, ShipmentView
from commercekit.fulfilment.providers import TrackCode
from commercekit.fulfilment.service import FulfilmentService
from commercekit.kernel import Page
from commercekit.platform.http import (
    Answer,
    IdempotentRun,
    Input,
    PageCursor,
    PageLimit,
    etag_of,
    idempotent,
    page_request,
    sealed_page,
)
from commercekit.platform.security import requires

__all__ = ["AdminShipments"]

_Number = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[0-9A-Za-z._/-]+$")]


class HandOverInput(Input):
    """Who took it and under which number; empty to have the carrier booked (again)."""

    tracking_number: _Number | None = None
    carrier_name: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class EventInput(Input, kw_only=True):
    """What staff know of the parcel."""

    code: TrackCode
    text: Annotated[str, Meta(max_length=500)] = ""
    place: Annotated[str, Meta(max_length=200)] | None = None
    at: Annotated[datetime, Meta(tz=True)]


class AdminShipments(Controller):
    """``/admin/shipments``; they are made at ``/admin/orders/{number}/shipments``."""

    path = "/admin/shipments"
    tags = ["Shipments"]

    @get(
        "/",
        operation_id="AdminListShipments",
        summary="Shipments, newest first",
        guards=[requires("shipments:read")],
    )
    async def list_shipments(
        self,
        request: Request[Any, Any, Any],
        fulfilment: FulfilmentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        status: Annotated[ShipmentStatus | None, Parameter(description="Only these")] = None,
        reference: Annotated[
            str | None, Parameter(max_length=100, description="Only of this order's id")
        ] = None,
    ) -> Page[ShipmentSummary]:
        page = await fulfilment.page(
            page_request(request, limit, cursor), reference=reference, status=status
        )
        return sealed_page(request, page)

    @get(
        "/{shipment_id:uuid}",
        operation_id="AdminGetShipment",
        summary="One shipment with its lines and history",
        guards=[requires("shipments:read")],
    )
    async def read(
        self, shipment_id: UUID, fulfilment: FulfilmentService
    ) -> Response[ShipmentView]:
        shipment = await fulfilment.shipment(shipment_id)
        return Response(shipment, headers={"ETag": etag_of(shipment.version)})

    @post(
        "/{shipment_id:uuid}/hand-over",
        operation_id="AdminHandOverShipment",
        summary="Book with the carrier again, or say who took it",
        status_code=200,
        guards=[requires("shipments:write")],
    )
    async def hand_over(
        self,
        request: Request[Any, Any, Any],
        shipment_id: UUID,
        data: HandOverInput,
        fulfilment: FulfilmentService,
    ) -> Response[ShipmentView]:
        async def work(_run: IdempotentRun) -> Answer:
            if data.tracking_number is None:
                return Answer(200, await fulfilment.hand_over(shipment_id))
            shipment = await fulfilment.type_number(
                shipment_id,
                tracking_number=data.tracking_number,
                carrier_name=data.carrier_name,
            )
            return Answer(200, shipment)

        return await idempotent(request, scope="shipments.hand-over", work=work)

    @post(
        "/{shipment_id:uuid}/cancel",
        operation_id="AdminCancelShipment",
        summary="Call a shipment back before it travels",
        status_code=200,
        guards=[requires("shipments:write")],
    )
    async def cancel(
        self, request: Request[Any, Any, Any], shipment_id: UUID, fulfilment: FulfilmentService
    ) -> Response[ShipmentView]:
        async def work(_run: IdempotentRun) -> Answer:
            return Answer(200, await fulfilment.cancel(shipment_id))

        return await idempotent(request, scope="shipments.cancel", work=work)

    @post(
        "/{shipment_id:uuid}/events",
        operation_id="AdminRecordShipmentEvent",
        summary="Note what happened to a parcel",
        guards=[requires("shipments:write")],
    )
    async def record(
        self,
        request: Request[Any, Any, Any],
        shipment_id: UUID,
        data: EventInput,
        fulfilment: FulfilmentService,
    ) -> Response[ShipmentView]:
        async def work(run: IdempotentRun) -> Answer:
            shipment = await fulfilment.record_by_hand(
                shipment_id,
                event_id=run.id,
                code=data.code,
                text=data.text,
                place=data.place,
                at=data.at,
            )
            return Answer(201, shipment)

        return await idempotent(request, scope="shipments.events", work=work)

    @post(
        "/{shipment_id:uuid}/poll",
        operation_id="AdminPollShipment",
        summary="Ask the carrier now where the parcel is",
        status_code=200,
        guards=[requires("shipments:write")],
    )
    async def poll(self, shipment_id: UUID, fulfilment: FulfilmentService) -> ShipmentView:
        return await fulfilment.poll(shipment_id)
