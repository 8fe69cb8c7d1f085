"""``/admin/events``: facts that somebody failed to take in, and what to do with them."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.params import Parameter
from msgspec import Struct

from commercekit.kernel import Page
from commercekit.platform.bus.bus import Backlog, Bus
from commercekit.platform.bus.transport import ParkedDelivery
from commercekit.platform.http import PageCursor, PageLimit, page_request, sealed_page
from commercekit.platform.security import requires

__all__ = ["AdminEvents", "ChangedConsumers"]

_Consumer = Annotated[
    str | None, Parameter(max_length=200, description="Only for this consumer; without it for all")
]


class ChangedConsumers(Struct, frozen=True):
    """Whose deliveries of the fact were changed."""

    event_id: UUID
    consumers: list[str]


class AdminEvents(Controller):
    """``/admin/events``."""

    path = "/admin/events"
    tags = ["Operations"]

    @get(
        "/",
        operation_id="AdminListEvents",
        summary="Parked deliveries, oldest first",
        guards=[requires("events:read")],
    )
    async def list_parked(
        self,
        request: Request[Any, Any, Any],
        bus: Bus,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        waiting: Annotated[bool, Parameter(description="Also those still to be delivered")] = False,  # noqa: FBT002 - a query parameter
    ) -> Page[ParkedDelivery]:
        page = await bus.parked(page_request(request, limit, cursor), waiting=waiting)
        return sealed_page(request, page)

    @get(
        "/backlog",
        operation_id="AdminEventBacklog",
        summary="How many facts are under way",
        guards=[requires("events:read")],
    )
    async def backlog(self, bus: Bus) -> Backlog:
        return await bus.backlog()

    @post(
        "/{event_id:uuid}/retry",
        operation_id="AdminRetryEvent",
        summary="Deliver again now",
        status_code=200,
        guards=[requires("events:write")],
    )
    async def retry(self, event_id: UUID, bus: Bus, consumer: _Consumer = None) -> ChangedConsumers:
        return ChangedConsumers(event_id, await bus.retry(event_id, consumer))

    @post(
        "/{event_id:uuid}/park",
        operation_id="AdminParkEvent",
        summary="Take a waiting delivery aside",
        status_code=200,
        guards=[requires("events:write")],
    )
    async def park(self, event_id: UUID, bus: Bus, consumer: _Consumer = None) -> ChangedConsumers:
        return ChangedConsumers(event_id, await bus.park(event_id, consumer))

    @post(
        "/{event_id:uuid}/discard",
        operation_id="AdminDiscardEvent",
        summary="Give a parked delivery up for good",
        status_code=200,
        guards=[requires("events:write")],
    )
    async def discard(
        self, event_id: UUID, bus: Bus, consumer: _Consumer = None
    ) -> ChangedConsumers:
        return ChangedConsumers(event_id, await bus.discard(event_id, consumer))
