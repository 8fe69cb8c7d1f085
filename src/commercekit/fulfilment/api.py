"""``/admin/shipments``: look, repack, hand over, print, note what happened, call back, open."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post, put
from litestar.params import Parameter, QueryParameter
from msgspec import Meta

from commercekit.fulfilment.models import (
    Booking,
    FoundLine,
    PackedParcel,
    ShipmentFilter,
    ShipmentStatus,
    ShipmentSummary,
    ShipmentView,
)
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
    refuses,
    require_match,
    sealed_page,
)
from commercekit.platform.security import LimitKind, principal_of, reach_of, requires

__all__ = ["AdminShipments"]

LIMITS = (LimitKind.MARKET, LimitKind.LOCATION, LimitKind.OWN)
"""Shipments are where their orders are; and whoever sent one may see to it."""
_Number = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[0-9A-Za-z._/-]+$")]


_Position = Annotated[int, Parameter(ge=1, le=100, description="Which parcel, from 1")]
_Format = Annotated[
    str,
    QueryParameter(
        name="format", pattern="^[a-z0-9]{1,10}$", description="Such as pdf, zpl, png or txt"
    ),
]
_MEDIA = {
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
    "zpl": "application/zpl",
}
"""Anything else is bytes that no browser may interpret."""


class HandOverInput(Input):
    """Who took it and under which number, or one number for each parcel, in their order.

    Empty to have the carrier booked (again).
    """

    tracking_number: _Number | None = None
    tracking_numbers: Annotated[list[_Number], Meta(min_length=1, max_length=100)] | None = None
    carrier_name: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class ParcelsInput(Input):
    """How the units of the shipment are packed: every one of them in exactly one parcel."""

    parcels: Annotated[list[PackedParcel], Meta(min_length=1, max_length=100)]


class EventInput(Input, kw_only=True):
    """What staff know of a parcel; without ``parcel``, of the whole shipment."""

    code: TrackCode
    text: Annotated[str, Meta(max_length=500)] = ""
    place: Annotated[str, Meta(max_length=200)] | None = None
    at: Annotated[datetime, Meta(tz=True)]
    parcel: Annotated[int, Meta(ge=1, le=100)] | None = None


class InspectionInput(Input, kw_only=True):
    """What came out of a parcel that came back; a line that is not named was not in it any more."""

    lines: Annotated[list[FoundLine], Meta(max_length=200)]
    send_again: bool = False
    """Give the units back to the order at once, to be shipped once more."""


class AdminShipments(Controller):
    """``/admin/shipments``; they are made at ``/admin/orders/{number}/shipments``."""

    path = "/admin/shipments"
    tags = ["Shipments"]
    opt = refuses(410)

    @get(
        "/",
        operation_id="AdminListShipments",
        summary="Shipments, newest first",
        guards=[requires("shipments:read", limited_by=LIMITS)],
    )
    async def list_shipments(
        self,
        request: Request[Any, Any, Any],
        fulfilment: FulfilmentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        status: Annotated[ShipmentStatus | None, Parameter(description="Only these")] = None,
        booking: Annotated[Booking | None, Parameter(description="Only these")] = None,
        reference: Annotated[
            str | None, Parameter(max_length=100, description="Only of this order's id")
        ] = None,
        tracking_number: Annotated[
            str | None, Parameter(max_length=100, description="Only with this number")
        ] = None,
        to_inspect: Annotated[
            bool | None, Parameter(description="Only those with a parcel that came back unopened")
        ] = None,
    ) -> Page[ShipmentSummary]:
        wanted = ShipmentFilter(
            reference=reference,
            status=status,
            booking=booking,
            tracking_number=tracking_number,
            to_inspect=bool(to_inspect),
        )
        page = await fulfilment.page(
            page_request(request, limit, cursor), wanted, reach=reach_of(request)
        )
        return sealed_page(request, page)

    @get(
        "/{shipment_id:uuid}",
        operation_id="AdminGetShipment",
        summary="One shipment with its lines and history",
        guards=[requires("shipments:read", limited_by=LIMITS)],
    )
    async def read(
        self, request: Request[Any, Any, Any], shipment_id: UUID, fulfilment: FulfilmentService
    ) -> Response[ShipmentView]:
        return _shipment(await fulfilment.shipment(shipment_id, reach=reach_of(request)))

    @put(
        "/{shipment_id:uuid}/parcels",
        operation_id="AdminPackShipment",
        summary="Pack a shipment anew, before its carrier is told",
        guards=[requires("shipments:write", limited_by=LIMITS)],
    )
    async def pack(
        self,
        request: Request[Any, Any, Any],
        shipment_id: UUID,
        data: ParcelsInput,
        fulfilment: FulfilmentService,
    ) -> Response[ShipmentView]:
        """Weights and sizes are what the carrier is told; the number of units stays."""
        current = await fulfilment.shipment(shipment_id, reach=reach_of(request))
        require_match(request, current.version)
        return _shipment(
            await fulfilment.repack(shipment_id, data.parcels, expected=current.version)
        )

    @get(
        "/{shipment_id:uuid}/label",
        operation_id="AdminPrintShipmentLabel",
        opt=refuses(409, 410),
        summary="The label to print, of the shipment or of one parcel",
        guards=[requires("shipments:read", limited_by=LIMITS)],
        media_type="application/octet-stream",
    )
    async def label(
        self,
        request: Request[Any, Any, Any],
        shipment_id: UUID,
        fulfilment: FulfilmentService,
        label_format: _Format = "pdf",
        parcel: _Position | None = None,
    ) -> Response[bytes]:
        """Bought once, with the booking; printing it again costs nothing. 303 where the carrier has it."""
        await fulfilment.shipment(shipment_id, reach=reach_of(request))
        label = await fulfilment.label(shipment_id, label_format, parcel)
        if label.url is not None and not label.content:
            return Response(b"", status_code=303, headers={"Location": label.url})
        name = f"{shipment_id}-{parcel or 'all'}.{label.format}"
        return Response(
            label.content,
            media_type=_MEDIA.get(label.format, "application/octet-stream"),
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    @post(
        "/{shipment_id:uuid}/hand-over",
        operation_id="AdminHandOverShipment",
        summary="Book with the carrier again, or say who took it",
        status_code=200,
        guards=[requires("shipments:write", limited_by=LIMITS)],
    )
    async def hand_over(
        self,
        request: Request[Any, Any, Any],
        shipment_id: UUID,
        data: HandOverInput,
        fulfilment: FulfilmentService,
    ) -> Response[ShipmentView]:
        async def work(_run: IdempotentRun) -> Answer:
            await fulfilment.shipment(shipment_id, reach=reach_of(request))
            numbers = data.tracking_numbers or (
                [data.tracking_number] if data.tracking_number else []
            )
            if not numbers:
                return Answer(200, await fulfilment.hand_over(shipment_id))
            shipment = await fulfilment.type_numbers(
                shipment_id, numbers, carrier_name=data.carrier_name
            )
            return Answer(200, shipment)

        return await idempotent(request, scope="shipments.hand-over", work=work)

    @post(
        "/{shipment_id:uuid}/cancel",
        operation_id="AdminCancelShipment",
        summary="Call a shipment back before it travels",
        status_code=200,
        guards=[requires("shipments:write", limited_by=LIMITS)],
    )
    async def cancel(
        self, request: Request[Any, Any, Any], shipment_id: UUID, fulfilment: FulfilmentService
    ) -> Response[ShipmentView]:
        async def work(_run: IdempotentRun) -> Answer:
            await fulfilment.shipment(shipment_id, reach=reach_of(request))
            return Answer(200, await fulfilment.cancel(shipment_id))

        return await idempotent(request, scope="shipments.cancel", work=work)

    @post(
        "/{shipment_id:uuid}/events",
        operation_id="AdminRecordShipmentEvent",
        summary="Note what happened to a parcel",
        guards=[requires("shipments:write", limited_by=LIMITS)],
    )
    async def record(
        self,
        request: Request[Any, Any, Any],
        shipment_id: UUID,
        data: EventInput,
        fulfilment: FulfilmentService,
    ) -> Response[ShipmentView]:
        async def work(run: IdempotentRun) -> Answer:
            await fulfilment.shipment(shipment_id, reach=reach_of(request))
            shipment = await fulfilment.record_by_hand(
                shipment_id,
                event_id=run.id,
                code=data.code,
                text=data.text,
                place=data.place,
                at=data.at,
                parcel=data.parcel,
            )
            return Answer(201, shipment)

        return await idempotent(request, scope="shipments.events", work=work)

    @post(
        "/{shipment_id:uuid}/parcels/{position:int}/inspection",
        operation_id="AdminInspectParcel",
        summary="Open a parcel that came back",
        guards=[requires("shipments:write", limited_by=LIMITS)],
    )
    async def inspect(
        self,
        request: Request[Any, Any, Any],
        shipment_id: UUID,
        position: _Position,
        data: InspectionInput,
        fulfilment: FulfilmentService,
    ) -> Response[ShipmentView]:
        """What is sellable becomes stock now, and not before. Money is decided where refunds are."""
        actor = principal_of(request).id

        async def work(_run: IdempotentRun) -> Answer:
            await fulfilment.shipment(shipment_id, reach=reach_of(request))
            shipment = await fulfilment.inspect(
                shipment_id, position, data.lines, send_again=data.send_again, actor=actor
            )
            return Answer(201, shipment)

        return await idempotent(request, scope="shipments.inspection", work=work)

    @post(
        "/{shipment_id:uuid}/parcels/{position:int}/send-again",
        operation_id="AdminSendParcelAgain",
        summary="Give what was lost or came back to the order, to be shipped once more",
        status_code=200,
        guards=[requires("shipments:write", limited_by=LIMITS)],
    )
    async def send_again(
        self,
        request: Request[Any, Any, Any],
        shipment_id: UUID,
        position: _Position,
        fulfilment: FulfilmentService,
    ) -> Response[ShipmentView]:
        """409 when the stock is gone, or the units were refunded in the meantime."""
        actor = principal_of(request).id

        async def work(_run: IdempotentRun) -> Answer:
            await fulfilment.shipment(shipment_id, reach=reach_of(request))
            return Answer(200, await fulfilment.send_again(shipment_id, position, actor=actor))

        return await idempotent(request, scope="shipments.send-again", work=work)

    @post(
        "/{shipment_id:uuid}/poll",
        operation_id="AdminPollShipment",
        summary="Ask the carrier now where the parcel is",
        status_code=200,
        guards=[requires("shipments:write", limited_by=LIMITS)],
    )
    async def poll(
        self, request: Request[Any, Any, Any], shipment_id: UUID, fulfilment: FulfilmentService
    ) -> ShipmentView:
        await fulfilment.shipment(shipment_id, reach=reach_of(request))
        return await fulfilment.poll(shipment_id)


def _shipment(shipment: ShipmentView) -> Response[ShipmentView]:
    return Response(shipment, headers={"ETag": etag_of(shipment.version)})
