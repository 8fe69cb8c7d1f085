"""``/admin/purchase-limits``: at most so many for one customer."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from msgspec import Meta, Struct

from commercekit.checkout.models import MAX_QUANTITY, PurchaseLimit
from commercekit.checkout.service import CheckoutService
from commercekit.errors import Malformed
from commercekit.platform.http import Input, etag_of, require_match
from commercekit.platform.security import requires

__all__ = ["AdminPurchaseLimits"]

_Limit = Annotated[int, Meta(ge=1, le=MAX_QUANTITY)]


class PurchaseLimitInput(Input, kw_only=True):
    """Of a variant (``sku``), or of all variants of a product together (``product_id``)."""

    quantity: _Limit
    sku: Annotated[str, Meta(min_length=1, max_length=120)] | None = None
    product_id: UUID | None = None
    days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class PurchaseLimitChange(Input):
    """The new number."""

    quantity: _Limit


class PurchaseLimitList(Struct, frozen=True):
    """All limits, oldest first."""

    items: tuple[PurchaseLimit, ...]


class AdminPurchaseLimits(Controller):
    """Limits count what is ordered from the moment they are set."""

    path = "/admin/purchase-limits"
    tags = ["admin: purchase limits"]

    @get(
        operation_id="AdminListPurchaseLimits",
        summary="All limits per customer",
        guards=[requires("purchase-limits:read")],
    )
    async def every(self, checkout: CheckoutService) -> PurchaseLimitList:
        return PurchaseLimitList(await checkout.limits.every())

    @post(
        operation_id="AdminCreatePurchaseLimit",
        summary="Limit a variant or a product",
        guards=[requires("purchase-limits:write")],
    )
    async def create(
        self, checkout: CheckoutService, data: PurchaseLimitInput
    ) -> Response[PurchaseLimit]:
        if data.sku is not None and data.product_id is None:
            limit = await checkout.limits.limit_variant(data.sku, data.quantity, data.days)
        elif data.product_id is not None and data.sku is None:
            limit = await checkout.limits.limit_product(data.product_id, data.quantity, data.days)
        else:
            message = "Name either a sku or a product_id."
            raise Malformed(message)
        return _answer(limit, status=201)

    @get(
        "/{limit_id:uuid}",
        operation_id="AdminGetPurchaseLimit",
        summary="One limit",
        guards=[requires("purchase-limits:read")],
    )
    async def read(self, limit_id: UUID, checkout: CheckoutService) -> Response[PurchaseLimit]:
        return _answer(await checkout.limits.get(limit_id))

    @patch(
        "/{limit_id:uuid}",
        operation_id="AdminChangePurchaseLimit",
        summary="Allow another number",
        guards=[requires("purchase-limits:write")],
    )
    async def change(
        self,
        request: Request[Any, Any, Any],
        limit_id: UUID,
        data: PurchaseLimitChange,
        checkout: CheckoutService,
    ) -> Response[PurchaseLimit]:
        limit = await checkout.limits.get(limit_id)
        require_match(request, limit.version)
        return _answer(
            await checkout.limits.change(limit_id, data.quantity, expected=limit.version)
        )

    @delete(
        "/{limit_id:uuid}",
        operation_id="AdminDeletePurchaseLimit",
        summary="Lift a limit",
        guards=[requires("purchase-limits:write")],
    )
    async def lift(
        self, request: Request[Any, Any, Any], limit_id: UUID, checkout: CheckoutService
    ) -> None:
        limit = await checkout.limits.get(limit_id)
        require_match(request, limit.version)
        await checkout.limits.remove(limit_id, expected=limit.version)


def _answer(limit: PurchaseLimit, *, status: int = 200) -> Response[PurchaseLimit]:
    return Response(limit, status_code=status, headers={"ETag": etag_of(limit.version)})
