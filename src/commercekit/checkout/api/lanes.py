"""The calls of checkout that have a lane: putting something into a cart, and ordering."""

import re
from typing import Final
from uuid import UUID

import msgspec

from commercekit.checkout.api.carts import languages_of
from commercekit.checkout.api.checkout import (
    CheckoutInput,
    OneCallInput,
    order_cart,
    order_in_one_call,
)
from commercekit.checkout.api.views import cart_view
from commercekit.checkout.models import WantedLine
from commercekit.checkout.service import CheckoutService
from commercekit.platform.http import Answer, LaneRequest, LaneRoute, decode

__all__ = ["lanes_of"]

_CART: Final = "/store/carts/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_TOKEN: Final = {"x-cart-token": 100}
_MARKET: Final = {"x-market": 64}


def lanes_of(checkout: CheckoutService) -> list[LaneRoute]:
    """The same answers as :class:`StoreCarts` and :class:`StoreCheckout` give."""

    async def add_line(request: LaneRequest, match: re.Match[str]) -> Answer:
        data: WantedLine = decode(await request.body(), WantedLine)
        priced = await checkout.carts.add_line(
            UUID(match[1]),
            request.headers.get("x-cart-token"),
            data.sku,
            data.quantity,
            languages_of(request),
        )
        return Answer(200, msgspec.json.encode(cart_view(priced, fields=checkout.carts.fields)))

    async def from_cart(request: LaneRequest, match: re.Match[str]) -> Answer:
        data: CheckoutInput = decode(await request.body(), CheckoutInput)
        token = request.headers.get("x-cart-token")
        return await order_cart(request, UUID(match[1]), data, checkout, token)

    async def one_call(request: LaneRequest, _match: re.Match[str]) -> Answer:
        data: OneCallInput = decode(await request.body(), OneCallInput)
        return await order_in_one_call(request, data, checkout, request.headers.get("x-market"))

    return [
        LaneRoute(
            "POST",
            re.compile(f"{_CART}/lines"),
            "/store/carts/{cart_id:uuid}/lines",
            add_line,
            _TOKEN,
        ),
        LaneRoute(
            "POST",
            re.compile(f"{_CART}/checkout"),
            "/store/carts/{cart_id:uuid}/checkout",
            from_cart,
            _TOKEN,
        ),
        LaneRoute("POST", re.compile("/store/checkout"), "/store/checkout", one_call, _MARKET),
    ]
