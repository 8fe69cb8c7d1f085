"""``/admin/stock-transfers``, ``/admin/stock-counts`` and ``/admin/stock-movements``."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post, put
from litestar.params import QueryParameter
from msgspec import Meta

from commercekit.inventory.models import (
    CountState,
    Demand,
    Movement,
    MovementFilter,
    MovementKind,
    StockCount,
    Transfer,
    TransferState,
)
from commercekit.inventory.service import InventoryService
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
    require_match,
    sealed_page,
)
from commercekit.platform.security import LimitKind, principal_of, reach_of, requires

__all__ = ["AdminStockCounts", "AdminStockMovements", "AdminStockTransfers"]

_BY_LOCATION = (LimitKind.LOCATION,)
_BY_LOCATION_OR_OWN = (LimitKind.LOCATION, LimitKind.OWN)
"""Whoever wrote a line of the ledger, or made a document, may see it, wherever that was."""
_Reason = Annotated[str, Meta(max_length=500)]
_Code = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
_Sku = Annotated[str, Meta(min_length=1, max_length=120)]
_Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]
_Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class MovedLine(Input):
    """So many of a SKU."""

    sku: _Sku
    quantity: _Quantity


class TransferInput(Input):
    """What goes from where to where; ``in_transit`` when it takes a while to arrive."""

    source: _Code
    target: _Code
    lines: Annotated[list[MovedLine], Meta(min_length=1, max_length=500)]
    reason: _Reason = ""
    in_transit: bool = False


class ArrivedLine(Input):
    """How many of a SKU arrived."""

    sku: _Sku
    quantity: _Count


class ArrivalInput(Input):
    """What arrived; without lines, all of it."""

    lines: Annotated[list[ArrivedLine], Meta(max_length=500)] | None = None


class CountInput(Input):
    """What to count, and why; without SKUs everything at the location."""

    location: _Code
    skus: Annotated[list[_Sku], Meta(min_length=1, max_length=10_000)] | None = None
    reason: _Reason = ""


class CountedLine(Input):
    """What was found of a SKU."""

    sku: _Sku
    counted: _Count


class CountedInput(Input):
    """Some of the numbers, or all of them."""

    lines: Annotated[list[CountedLine], Meta(min_length=1, max_length=10_000)]


class AdminStockMovements(Controller):
    """The ledger."""

    path = "/admin/stock-movements"
    tags = ["Inventory"]

    @get(
        operation_id="AdminListMovements",
        summary="The ledger of all stock, latest first",
        guards=[requires("stock:read", limited_by=_BY_LOCATION_OR_OWN)],
    )
    async def list_movements(
        self,
        request: Request[Any, Any, Any],
        inventory: InventoryService,
        sku: str | None = None,
        location: str | None = None,
        kind: MovementKind | None = None,
        reference: Annotated[
            str | None, QueryParameter(description="An order, a transfer or a count.")
        ] = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[Movement]:
        """Each line says what changed, why, by whom, and the number after it."""
        wanted = MovementFilter(
            sku=sku,
            location=location,
            kind=kind,
            reference=reference,
            actor=actor,
            since=since,
            until=until,
        )
        page = page_request(request, limit, cursor)
        return sealed_page(
            request, await inventory.movements(page, wanted, reach=reach_of(request))
        )


class AdminStockTransfers(Controller):
    """Goods between locations."""

    path = "/admin/stock-transfers"
    tags = ["Inventory"]

    @get(
        operation_id="AdminListTransfers",
        summary="Transfers, latest first",
        guards=[requires("stock:read", limited_by=_BY_LOCATION_OR_OWN)],
    )
    async def list_transfers(
        self,
        request: Request[Any, Any, Any],
        inventory: InventoryService,
        in_state: Annotated[TransferState | None, QueryParameter(name="state")] = None,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[Transfer]:
        """With their lines."""
        page = page_request(request, limit, cursor)
        return sealed_page(
            request, await inventory.transfers(page, in_state, reach=reach_of(request))
        )

    @post(
        operation_id="AdminSendTransfer",
        summary="Move stock to another location",
        guards=[requires("stock:write", limited_by=_BY_LOCATION)],
    )
    async def send(
        self, request: Request[Any, Any, Any], data: TransferInput, inventory: InventoryService
    ) -> Response[Transfer]:
        """Only what is promised to nobody moves. At once, or in transit until it is received.

        Whoever is limited to places sends from one of them; to another's they send in transit.
        """

        async def work(run: IdempotentRun) -> Answer:
            sent = await inventory.send(
                run.id,
                data.source,
                data.target,
                [Demand(line.sku, line.quantity) for line in data.lines],
                in_transit=data.in_transit,
                reason=data.reason,
                actor=principal_of(request).id,
                reach=reach_of(request),
            )
            return Answer(201, sent)

        return await idempotent(request, scope="stock.transfer", work=work)

    @get(
        "/{transfer_id:uuid}",
        operation_id="AdminGetTransfer",
        summary="One transfer",
        guards=[requires("stock:read", limited_by=_BY_LOCATION_OR_OWN)],
    )
    async def read(
        self, request: Request[Any, Any, Any], transfer_id: UUID, inventory: InventoryService
    ) -> Transfer:
        """What was sent, and what arrived."""
        return await inventory.transfer(transfer_id, reach=reach_of(request))

    @post(
        "/{transfer_id:uuid}/receive",
        operation_id="AdminReceiveTransfer",
        summary="Book in what arrived",
        guards=[requires("stock:write", limited_by=_BY_LOCATION)],
    )
    async def receive(
        self,
        request: Request[Any, Any, Any],
        transfer_id: UUID,
        data: ArrivalInput,
        inventory: InventoryService,
    ) -> Response[Transfer]:
        """What was sent and is not named did not arrive and is lost. Received at the other end only."""
        arrived = None if data.lines is None else {line.sku: line.quantity for line in data.lines}

        async def work(_run: IdempotentRun) -> Answer:
            actor = principal_of(request).id
            received = await inventory.receive_transfer(
                transfer_id, arrived, actor=actor, reach=reach_of(request)
            )
            return Answer(200, received)

        return await idempotent(request, scope="stock.transfer.receive", work=work)

    @post(
        "/{transfer_id:uuid}/call-back",
        operation_id="AdminCallBackTransfer",
        summary="Send back what is under way",
        guards=[requires("stock:write", limited_by=_BY_LOCATION)],
    )
    async def call_back(
        self, request: Request[Any, Any, Any], transfer_id: UUID, inventory: InventoryService
    ) -> Response[Transfer]:
        """All of it is at its source again; called back from there only."""

        async def work(_run: IdempotentRun) -> Answer:
            actor = principal_of(request).id
            back = await inventory.call_back(transfer_id, actor=actor, reach=reach_of(request))
            return Answer(200, back)

        return await idempotent(request, scope="stock.transfer.call-back", work=work)


class AdminStockCounts(Controller):
    """Counting what is there."""

    path = "/admin/stock-counts"
    tags = ["Inventory"]

    @get(
        operation_id="AdminListStockCounts",
        summary="Stock counts, latest first",
        guards=[requires("stock:read", limited_by=_BY_LOCATION_OR_OWN)],
    )
    async def list_counts(
        self,
        request: Request[Any, Any, Any],
        inventory: InventoryService,
        in_state: Annotated[CountState | None, QueryParameter(name="state")] = None,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[StockCount]:
        """With their lines."""
        page = page_request(request, limit, cursor)
        return sealed_page(request, await inventory.counts(page, in_state, reach=reach_of(request)))

    @post(
        operation_id="AdminOpenStockCount",
        summary="Begin to count a location",
        guards=[requires("stock:write", limited_by=_BY_LOCATION_OR_OWN)],
    )
    async def open(
        self, request: Request[Any, Any, Any], data: CountInput, inventory: InventoryService
    ) -> Response[StockCount]:
        """Nothing is frozen: selling goes on."""

        async def work(run: IdempotentRun) -> Answer:
            actor = principal_of(request).id
            opened = await inventory.open_count(
                run.id,
                data.location,
                data.skus,
                reason=data.reason,
                actor=actor,
                reach=reach_of(request),
            )
            return Answer(201, opened, headers={"ETag": etag_of(opened.version)})

        return await idempotent(request, scope="stock.count", work=work)

    @get(
        "/{count_id:uuid}",
        operation_id="AdminGetStockCount",
        summary="One stock count",
        guards=[requires("stock:read", limited_by=_BY_LOCATION_OR_OWN)],
    )
    async def read(
        self, request: Request[Any, Any, Any], count_id: UUID, inventory: InventoryService
    ) -> Response[StockCount]:
        """With the ETag that entering numbers asks for."""
        return _count(await inventory.count(count_id, reach=reach_of(request)))

    @put(
        "/{count_id:uuid}/lines",
        operation_id="AdminEnterCounted",
        summary="Enter what was found",
        guards=[requires("stock:write", limited_by=_BY_LOCATION_OR_OWN)],
    )
    async def enter(
        self,
        request: Request[Any, Any, Any],
        count_id: UUID,
        data: CountedInput,
        inventory: InventoryService,
    ) -> Response[StockCount]:
        """What the books say at this moment is kept beside each number."""
        current = await inventory.count(count_id, reach=reach_of(request))
        require_match(request, current.version)
        lines = [Demand(line.sku, line.counted) for line in data.lines]
        return _count(await inventory.enter(count_id, lines, expected=current.version))

    @post(
        "/{count_id:uuid}/finish",
        operation_id="AdminFinishStockCount",
        summary="All is counted",
        guards=[requires("stock:write", limited_by=_BY_LOCATION_OR_OWN)],
        status_code=200,
    )
    async def finish(
        self, request: Request[Any, Any, Any], count_id: UUID, inventory: InventoryService
    ) -> Response[StockCount]:
        """Nothing is booked yet."""
        await inventory.count(count_id, reach=reach_of(request))
        return _count(await inventory.finish_count(count_id))

    @post(
        "/{count_id:uuid}/reopen",
        operation_id="AdminReopenStockCount",
        summary="Count again",
        guards=[requires("stock:write", limited_by=_BY_LOCATION_OR_OWN)],
        status_code=200,
    )
    async def reopen(
        self, request: Request[Any, Any, Any], count_id: UUID, inventory: InventoryService
    ) -> Response[StockCount]:
        """Before anything is booked."""
        await inventory.count(count_id, reach=reach_of(request))
        return _count(await inventory.reopen_count(count_id))

    @post(
        "/{count_id:uuid}/close",
        operation_id="AdminCloseStockCount",
        summary="Book the differences",
        guards=[requires("stock:write", limited_by=_BY_LOCATION_OR_OWN)],
    )
    async def close(
        self, request: Request[Any, Any, Any], count_id: UUID, inventory: InventoryService
    ) -> Response[StockCount]:
        """One movement for each SKU that differs; what was sold since the counting stays sold."""

        async def work(_run: IdempotentRun) -> Answer:
            actor = principal_of(request).id
            closed = await inventory.close_count(count_id, actor=actor, reach=reach_of(request))
            return Answer(200, closed)

        return await idempotent(request, scope="stock.count.close", work=work)

    @post(
        "/{count_id:uuid}/drop",
        operation_id="AdminDropStockCount",
        summary="Give a count up",
        guards=[requires("stock:write", limited_by=_BY_LOCATION_OR_OWN)],
        status_code=200,
    )
    async def drop(
        self, request: Request[Any, Any, Any], count_id: UUID, inventory: InventoryService
    ) -> Response[StockCount]:
        """Nothing is booked."""
        await inventory.count(count_id, reach=reach_of(request))
        return _count(await inventory.drop_count(count_id))


def _count(count: StockCount) -> Response[StockCount]:
    return Response(count, headers={"ETag": etag_of(count.version)})
