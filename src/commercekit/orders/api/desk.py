"""Staff's desk: search, export, notes and tags."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Controller, Request, Response, patch, post, put
from litestar.response import Stream
from msgspec import Meta

from commercekit.kernel import Page, new_id
from commercekit.orders.api.staff import BY_MARKET, actor_of, place_of
from commercekit.orders.api.views import NoteView, StaffOrderView, note_view, staff_view_of
from commercekit.orders.models import NoteVisibility, OrderSearch, OrderSummary, Tag
from commercekit.orders.service import OrderService
from commercekit.platform.extensions import GivenValues
from commercekit.platform.http import (
    Input,
    PageCursor,
    PageLimit,
    current_request_id,
    etag_of,
    page_answer,
    page_request,
    refuses,
    require_match,
)
from commercekit.platform.security import principal_of, reach_of, requires

__all__ = ["AdminOrderDesk"]


class NoteInput(Input):
    """What to write down, and who may read it."""

    text: Annotated[str, Meta(min_length=1, max_length=4000)]
    visibility: NoteVisibility = NoteVisibility.INTERNAL


class TagsInput(Input):
    """The whole list; the empty one takes all tags away."""

    tags: Annotated[list[Tag], Meta(max_length=20)]


class ExtensionsInput(Input):
    """By plugin, then by field."""

    extensions: GivenValues


class UnmaskInput(Input):
    """Why somebody has to know; it is kept in the audit trail."""

    reason: Annotated[str, Meta(min_length=3, max_length=300, pattern=r"(?:\S\s*){3}")]


class AdminOrderDesk(Controller):
    """``/admin/orders``: finding orders again, and what is written beside them.

    Search takes its filters in the body: an address of a person does not belong into a URL, which
    proxies and logs keep.
    """

    path = "/admin/orders"
    tags = ["Orders"]
    opt = refuses(410)

    @post(
        "/search",
        operation_id="AdminSearchOrders",
        summary="Orders by number, e-mail, phone, SKU, tag, status and date, newest first",
        status_code=200,
        guards=[requires("orders:read", limited_by=BY_MARKET)],
    )
    async def search(
        self,
        request: Request[Any, Any, Any],
        data: OrderSearch,
        orders: OrderService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[OrderSummary]:
        page = page_request(request, limit, cursor, filters=data)
        items = await orders.search(
            data,
            before=place_of(page.after) if page.after else None,
            limit=limit + 1,
            reach=reach_of(request),
        )
        more = len(items) > limit
        items = items[:limit]
        after = (str(items[-1].id),) if more else None
        return page_answer(request, items, after, filters=data)

    @post(
        "/export",
        operation_id="AdminExportOrders",
        summary="The orders that fit, as CSV",
        description="Made while it is sent. Contains names, addresses and phone numbers: it needs its "
        "own permission, and the audit log says who took it.",
        status_code=200,
        media_type="text/csv",
        guards=[requires("orders:export", step_up=True, limited_by=BY_MARKET)],
    )
    async def export(
        self, request: Request[Any, Any, Any], data: OrderSearch, orders: OrderService
    ) -> Stream:
        pieces = await orders.export(
            data, actor_id=principal_of(request).id, reach=reach_of(request)
        )

        async def encoded() -> AsyncIterator[bytes]:
            async for piece in pieces:
                yield piece.encode()

        return Stream(
            encoded(),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="orders.csv"'},
        )

    @post(
        "/{number:str}/notes",
        operation_id="AdminAddOrderNote",
        summary="Write something down beside an order",
        guards=[requires("orders:write", limited_by=BY_MARKET)],
    )
    async def add_note(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: NoteInput,
        orders: OrderService,
    ) -> NoteView:
        order = await orders.by_number(number, reach=reach_of(request))
        note = await orders.add_note(
            order.id,
            note_id=new_id(),
            text=data.text,
            visibility=data.visibility,
            actor=actor_of(request),
        )
        return note_view(note)

    @post(
        "/{number:str}/personal",
        operation_id="AdminUnmaskOrder",
        summary="See who the shopper is, this once",
        description="For staff who see orders with personal data left out. The reason and who asked are "
        "written into the audit trail first.",
        status_code=200,
        guards=[requires("personal:unmask", step_up=True, limited_by=BY_MARKET)],
    )
    async def unmask(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: UnmaskInput,
        orders: OrderService,
    ) -> StaffOrderView:
        order = await orders.by_number(number, reach=reach_of(request))
        await orders.note_unmasking(
            order,
            actor_id=principal_of(request).id,
            reason=data.reason,
            request_id=current_request_id(),
        )
        return await staff_view_of(orders, order, principal_of(request), unmasked=True)

    @patch(
        "/{number:str}/extensions",
        operation_id="AdminExtendOrder",
        summary="Write fields that plugins add to orders",
        guards=[requires("orders:write", limited_by=BY_MARKET)],
    )
    async def extend(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: ExtensionsInput,
        orders: OrderService,
    ) -> Response[StaffOrderView]:
        """What is not named stays, ``null`` takes a value away. Needs ``If-Match``."""
        order = await orders.by_number(number, reach=reach_of(request))
        require_match(request, order.version)
        extended = await orders.extend(
            order.id,
            data.extensions,
            actor=actor_of(request),
            expected_version=order.version,
        )
        view = await staff_view_of(orders, extended, principal_of(request))
        return Response(view, headers={"ETag": etag_of(extended.version)})

    @put(
        "/{number:str}/tags",
        operation_id="AdminTagOrder",
        summary="Give an order these tags and no others",
        guards=[requires("orders:write", limited_by=BY_MARKET)],
    )
    async def set_tags(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: TagsInput,
        orders: OrderService,
    ) -> Response[StaffOrderView]:
        order = await orders.by_number(number, reach=reach_of(request))
        require_match(request, order.version)
        tagged = await orders.set_tags(
            order.id, data.tags, actor=actor_of(request), expected_version=order.version
        )
        view = await staff_view_of(orders, tagged, principal_of(request))
        return Response(view, headers={"ETag": etag_of(tagged.version)})
