"""``/admin/orders/{number}/edits``: staff change a placed order before it ships."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, post
from msgspec import Meta

from commercekit.checkout.models import AddWish, EditWish, FreightWish, LineWish
from commercekit.checkout.service import CheckoutService
from commercekit.kernel import Address
from commercekit.orders import Actor, EditOutcome
from commercekit.platform.http import (
    Answer,
    IdempotentRun,
    Input,
    etag_of,
    idempotent,
    require_match,
)
from commercekit.platform.security import LimitKind, principal_of, reach_of, requires

__all__ = ["AdminOrderEdits"]


BY_MARKET = (LimitKind.MARKET,)


class EditInput(Input):
    """What shall stand: lines that are not named stay as they are, and so do address and freight."""

    lines: Annotated[list[LineWish], Meta(max_length=200)] = []
    add: Annotated[list[AddWish], Meta(max_length=100)] = []
    address: Address | None = None
    freight: FreightWish | None = None
    reason: Annotated[str, Meta(max_length=500)] = ""

    def wish(self) -> EditWish:
        """The same, as the service takes it."""
        return EditWish(
            lines=tuple(self.lines),
            add=tuple(self.add),
            address=self.address,
            freight=self.freight,
            reason=self.reason,
        )


class AdminOrderEdits(Controller):
    """Preview, then apply; both answer the same."""

    path = "/admin/orders/{number:str}/edits"
    tags = ["Orders"]

    @post(
        "/preview",
        operation_id="AdminPreviewOrderEdit",
        summary="What an edit would change, without changing it",
        status_code=200,
        guards=[requires("orders:write", limited_by=BY_MARKET)],
    )
    async def preview(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: EditInput,
        checkout: CheckoutService,
    ) -> Response[EditOutcome]:
        order = await checkout.orders.by_number(number, reach=reach_of(request))
        outcome = await checkout.edits.preview(order, data.wish())
        return Response(outcome, headers={"ETag": etag_of(order.version)})

    @post(
        "/",
        operation_id="AdminEditOrder",
        summary="Change lines, prices, the address or freight before shipping",
        guards=[requires("orders:write", limited_by=BY_MARKET)],
    )
    async def apply(
        self,
        request: Request[Any, Any, Any],
        number: str,
        data: EditInput,
        checkout: CheckoutService,
    ) -> Response[EditOutcome]:
        order = await checkout.orders.by_number(number, reach=reach_of(request))
        principal = principal_of(request)

        async def work(run: IdempotentRun) -> Answer:
            version = None
            if not await checkout.orders.was_edited(order.id, run.id):
                require_match(request, order.version)
                # Whoever says * takes the order as it is when it comes to it.
                version = None if request.headers["if-match"].strip() == "*" else order.version
            outcome = await checkout.edits.apply(
                order,
                data.wish(),
                edit_id=run.id,
                actor=Actor(str(principal.kind), principal.id),
                expected_version=version,
            )
            return Answer(201, outcome)

        return await idempotent(request, scope="orders.edit", work=work)
