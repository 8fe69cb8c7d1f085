"""``/admin/stock`` and ``/admin/locations``: look, receive, adjust, count, set limits."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, patch, post
from litestar.params import QueryParameter
from msgspec import Meta

from commercekit.errors import Forbidden
from commercekit.inventory.models import (
    Location,
    Movement,
    MovementFilter,
    Promise,
    StockItem,
    StockLevel,
)
from commercekit.inventory.service import InventoryService
from commercekit.kernel import CountryCode, Page
from commercekit.platform.http import (
    Answer,
    IdempotentRun,
    Input,
    PageCursor,
    PageLimit,
    etag_of,
    idempotent,
    page_request,
    require_match,
    sealed_page,
)
from commercekit.platform.security import LimitKind, principal_of, reach_of, requires

__all__ = ["AdminLocations", "AdminStock", "AdminStockAllocations"]

_BY_LOCATION = (LimitKind.LOCATION,)
_Reason = Annotated[str, Meta(min_length=1, max_length=500)]
_Code = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
_Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]
_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Place = Annotated[str, Meta(max_length=200)]
_Postcode = Annotated[str, Meta(max_length=20)]
_Priority = Annotated[int, Meta(ge=0, le=10_000, description="Lower is asked for stock first")]


class AdjustmentInput(Input):
    """Either the difference or the number counted, and why."""

    reason: _Reason
    delta: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] | None = None
    count: Annotated[int, Meta(ge=0, le=1_000_000_000)] | None = None
    location: _Code | None = None


class ReceiptInput(Input):
    """Goods that came in; without a location at the first one."""

    quantity: _Quantity
    reason: Annotated[str, Meta(max_length=500)] = ""
    location: _Code | None = None


class LimitsInput(Input):
    """What staff decide about a stock item; what is left out stays."""

    backorder_limit: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    tracked: bool | None = None


class MoveInput(Input):
    """Where to, and how many; without a quantity all of it."""

    location: _Code
    quantity: _Quantity | None = None


class LocationInput(Input):
    """A new place that holds stock."""

    code: _Code
    name: _Name
    priority: _Priority = 100
    active: bool = True
    country: CountryCode | None = None
    region: _Place = ""
    postcode: _Postcode = ""


class LocationChange(Input):
    """What to change about a place; what is left out stays."""

    name: _Name | None = None
    priority: _Priority | None = None
    active: bool | None = None
    country: CountryCode | None = None
    region: _Place | None = None
    postcode: _Postcode | None = None
    markets: Annotated[tuple[_Code, ...], Meta(max_length=100)] | None = None
    """Codes of the markets it is kept for; the empty list keeps it for none in particular."""


class AdminStock(Controller):
    """Stock by SKU."""

    path = "/admin/stock"
    tags = ["Inventory"]

    @get(
        operation_id="AdminListStock",
        summary="Stock by SKU",
        guards=[requires("stock:read", limited_by=_BY_LOCATION)],
    )
    async def list_stock(
        self,
        request: Request[Any, Any, Any],
        inventory: InventoryService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[StockLevel]:
        """Every SKU with a stock record, in order."""
        return sealed_page(
            request,
            await inventory.levels(page_request(request, limit, cursor), reach=reach_of(request)),
        )

    @get(
        "/{sku:str}",
        operation_id="AdminGetStock",
        summary="One SKU over all locations",
        guards=[requires("stock:read", limited_by=_BY_LOCATION)],
    )
    async def read_stock(
        self, request: Request[Any, Any, Any], sku: str, inventory: InventoryService
    ) -> StockLevel:
        """What lies where, what is promised, and what is left to sell."""
        return await inventory.level(sku, reach=reach_of(request))

    @get(
        "/{sku:str}/movements",
        operation_id="AdminListStockMovements",
        summary="The ledger of one SKU, latest first",
        guards=[requires("stock:read", limited_by=(LimitKind.LOCATION, LimitKind.OWN))],
    )
    async def list_movements(
        self,
        request: Request[Any, Any, Any],
        sku: str,
        inventory: InventoryService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[Movement]:
        """Each line says what changed, why, by whom, and the number after it."""
        page = page_request(request, limit, cursor)
        wanted = MovementFilter(sku=sku)
        return sealed_page(
            request, await inventory.movements(page, wanted, reach=reach_of(request))
        )

    @post(
        "/{sku:str}/adjustments",
        operation_id="AdminAdjustStock",
        summary="Change stock by a difference, or to a number counted",
        guards=[requires("stock:write", limited_by=_BY_LOCATION)],
    )
    async def adjust(
        self,
        request: Request[Any, Any, Any],
        sku: str,
        data: AdjustmentInput,
        inventory: InventoryService,
    ) -> Response[StockLevel]:
        """A result below what is promised is booked as a shortage."""

        async def work(run: IdempotentRun) -> Answer:
            level = await inventory.adjusted(
                run.id,
                sku,
                delta=data.delta,
                count=data.count,
                location=data.location,
                reason=data.reason,
                actor=principal_of(request).id,
                reach=reach_of(request),
            )
            return Answer(201, level)

        return await idempotent(request, scope="stock.adjust", work=work)

    @post(
        "/{sku:str}/receipts",
        operation_id="AdminReceiveStock",
        summary="Book goods in",
        guards=[requires("stock:write", limited_by=_BY_LOCATION)],
    )
    async def receive(
        self,
        request: Request[Any, Any, Any],
        sku: str,
        data: ReceiptInput,
        inventory: InventoryService,
    ) -> Response[StockLevel]:
        """A SKU that had no stock record gets one."""

        async def work(run: IdempotentRun) -> Answer:
            level = await inventory.received(
                run.id,
                sku,
                data.quantity,
                location=data.location,
                reason=data.reason,
                actor=principal_of(request).id,
                reach=reach_of(request),
            )
            return Answer(201, level)

        return await idempotent(request, scope="stock.receive", work=work)

    @get(
        "/{sku:str}/allocations",
        operation_id="AdminListAllocations",
        summary="Who holds a SKU, in the order in which the shelf serves them",
        guards=[requires("stock:read", limited_by=_BY_LOCATION)],
    )
    async def list_allocations(
        self,
        request: Request[Any, Any, Any],
        sku: str,
        inventory: InventoryService,
        waiting: Annotated[
            bool | None, QueryParameter(description="Only those whose goods are not here yet")
        ] = None,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[Promise]:
        """``missing`` of what is held is not here yet; with ``waiting`` only those who miss some."""
        page = page_request(request, limit, cursor)
        reach = reach_of(request)
        found = await inventory.promises(sku, page, waiting=bool(waiting), reach=reach)
        return sealed_page(request, found)

    @get(
        "/{sku:str}/locations/{location:str}",
        operation_id="AdminGetStockItem",
        summary="One SKU at one location",
        guards=[requires("stock:read", limited_by=_BY_LOCATION)],
    )
    async def read_item(
        self,
        request: Request[Any, Any, Any],
        sku: str,
        location: str,
        inventory: InventoryService,
    ) -> Response[StockItem]:
        """With the ETag that changing its limits asks for."""
        return _item(await inventory.item(sku, location, reach=reach_of(request)))

    @patch(
        "/{sku:str}/locations/{location:str}",
        operation_id="AdminSetStockLimits",
        summary="Set the backorder limit, or whether it is counted at all",
        guards=[requires("stock:write", limited_by=_BY_LOCATION)],
    )
    async def set_limits(
        self,
        request: Request[Any, Any, Any],
        sku: str,
        location: str,
        data: LimitsInput,
        inventory: InventoryService,
    ) -> Response[StockItem]:
        """Lowering the limit below what is promised is booked as a shortage."""
        current = await inventory.item(sku, location, reach=reach_of(request))
        require_match(request, current.version)
        changed = await inventory.set_limits(
            sku,
            location,
            expected=current.version,
            backorder_limit=data.backorder_limit,
            tracked=data.tracked,
        )
        return _item(changed)


class AdminStockAllocations(Controller):
    """What is promised, and from where."""

    path = "/admin/stock-allocations"
    tags = ["Inventory"]

    @post(
        "/{allocation_id:uuid}/move",
        operation_id="AdminMoveAllocation",
        summary="Serve a promise from another location",
        guards=[requires("stock:write", limited_by=_BY_LOCATION)],
    )
    async def move(
        self,
        request: Request[Any, Any, Any],
        allocation_id: UUID,
        data: MoveInput,
        inventory: InventoryService,
    ) -> Response[Promise]:
        """It keeps its place in the queue; a part of it may stay where it was."""

        async def work(run: IdempotentRun) -> Answer:
            moved = await inventory.move_promise(
                allocation_id,
                data.location,
                data.quantity,
                moved_id=run.id,
                reach=reach_of(request),
            )
            return Answer(201, moved)

        return await idempotent(request, scope="stock.allocation.move", work=work)


class AdminLocations(Controller):
    """Places that hold stock."""

    path = "/admin/locations"
    tags = ["Inventory"]

    @get(
        operation_id="AdminListLocations",
        summary="All locations",
        guards=[requires("stock:read", limited_by=_BY_LOCATION)],
    )
    async def list_locations(
        self, request: Request[Any, Any, Any], inventory: InventoryService
    ) -> Page[Location]:
        """In the order in which they are asked for stock; there are few, so all on one page."""
        places = await inventory.locations(reach=reach_of(request))
        return Page(places, None, len(places))

    @post(
        operation_id="AdminCreateLocation",
        summary="Add a location",
        guards=[requires("stock:write")],
    )
    async def create_location(
        self, data: LocationInput, inventory: InventoryService
    ) -> Response[Location]:
        """It starts empty."""
        place = await inventory.add_location(
            data.code,
            data.name,
            priority=data.priority,
            active=data.active,
            country=data.country,
            region=data.region,
            postcode=data.postcode,
        )
        return _place(place, status=201)

    @get(
        "/{code:str}",
        operation_id="AdminGetLocation",
        summary="One location",
        guards=[requires("stock:read", limited_by=_BY_LOCATION)],
    )
    async def read_location(
        self, request: Request[Any, Any, Any], code: str, inventory: InventoryService
    ) -> Response[Location]:
        """With the ETag that changing it asks for."""
        return _place(await inventory.location(code, reach=reach_of(request)))

    @patch(
        "/{code:str}",
        operation_id="AdminChangeLocation",
        summary="Rename a location, move it in the order, keep it for markets, or stop selling from it",
        guards=[requires("stock:write", limited_by=_BY_LOCATION)],
    )
    async def change_location(
        self,
        request: Request[Any, Any, Any],
        code: str,
        data: LocationChange,
        inventory: InventoryService,
    ) -> Response[Location]:
        """What is promised from a location that is switched off stays promised.

        Its place in the order and the markets it is kept for concern the others, too: whoever is
        limited to places changes neither.
        """
        reach = reach_of(request)
        current = await inventory.location(code, reach=reach)
        if not reach.everything and (data.priority is not None or data.markets is not None):
            message = (
                "The order of the locations and their markets are not for one location to say."
            )
            raise Forbidden(message)
        require_match(request, current.version)
        given = {
            name: value for name, value in msgspec.structs.asdict(data).items() if value is not None
        }
        changed = await inventory.change_location(code, expected=current.version, **given)
        return _place(changed)


def _item(item: StockItem) -> Response[StockItem]:
    return Response(item, headers={"ETag": etag_of(item.version)})


def _place(place: Location, *, status: int = 200) -> Response[Location]:
    return Response(place, status_code=status, headers={"ETag": etag_of(place.version)})
