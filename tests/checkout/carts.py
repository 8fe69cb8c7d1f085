"""Two processes that change the same carts, and what the carts hold then."""

from __future__ import annotations

from uuid import UUID

import msgspec

from commercekit.checkout.models import CartLine, CheckoutSettings
from commercekit.checkout.repository import CartRepository
from commercekit.checkout.service.cart_changes import CartChanges
from tests.shop import TestShop

_lines = msgspec.json.Decoder(tuple[CartLine, ...])


def process_of(shop: TestShop) -> CartChanges:
    """As a process of its own: it remembers for itself."""
    carts = CartRepository(shop.shop.db, shop.shop.sealer)
    return CartChanges(shop.shop.db, shop.clock, CheckoutSettings(), carts)


async def new_cart(shop: TestShop) -> UUID:
    """The id of an empty cart."""
    cart = await shop.shop.checkout.carts.create(market=None, locale=None)
    return cart.id


async def stored(shop: TestShop, cart_id: UUID) -> tuple[CartLine, ...]:
    """The lines as they are written; none of a cart that is gone."""
    lines = await shop.shop.db.fetchval("SELECT lines FROM checkout_cart WHERE id = $1", cart_id)
    return _lines.decode(lines) if lines else ()


async def held(shop: TestShop, cart_id: UUID) -> dict[str, int]:
    """How many pieces of each SKU that is."""
    return {line.sku: line.quantity for line in await stored(shop, cart_id)}
