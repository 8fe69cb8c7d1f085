"""What a guest has put together becomes part of the customer's cart; login calls this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec.structs import replace

from commercekit.checkout.errors import CartNotFound, CartOrdered
from commercekit.checkout.models import (
    MAX_COUPONS,
    MAX_LINES,
    MAX_QUANTITY,
    Cart,
    CartLine,
    CartMessage,
)
from commercekit.checkout.repository import OwnedCarts
from commercekit.checkout.rules import message
from commercekit.kernel import new_id

if TYPE_CHECKING:
    from commercekit.checkout.models import CheckoutSettings
    from commercekit.checkout.service.carts import Carts, PricedCart
    from commercekit.inventory import Availability, InventoryService
    from commercekit.kernel import Clock
    from commercekit.markets import MarketService
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.extensions import Values
    from commercekit.platform.security import Sealer

__all__ = ["CartMerging"]


class CartMerging:
    """Use cases of carts that belong to a customer."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        settings: CheckoutSettings,
        markets: MarketService,
        inventory: InventoryService,
        carts: Carts,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._markets = markets
        self._inventory = inventory
        self._carts = carts
        self._owned = OwnedCarts(db, sealer)

    async def cart_of(self, owner_id: UUID, market: str | None = None) -> Cart | None:
        """The cart that this customer is filling; a customer who has none yet has ``None``."""
        chosen = await self._markets.for_shopper(market)
        return await self._owned.open_one(owner_id, chosen.code, self._clock.now())

    async def carts_of(self, owner_id: UUID) -> list[Cart]:
        """Every cart of this customer that has not become an order, of any market."""
        return await self._owned.every(owner_id)

    async def forget_all(self, uow: UnitOfWork, owner_id: UUID) -> None:
        """Forget every cart of this customer; orders that were placed from one stay."""
        await uow.lock(f"carts-of:{owner_id}")
        await self._owned.delete_all(uow, owner_id)

    async def merge(
        self, owner_id: UUID, guest_id: UUID, token: str | None, languages: Sequence[str] = ()
    ) -> PricedCart | None:
        """Put what is in the guest's cart into the customer's, and forget the guest's.

        The customer's cart has an id, and so a token, of its own: what a shared browser remembers of
        the guest's opens nothing any more. Quantities of one SKU are added up to what is available, but
        never to less than either cart had; coupons are joined; address and shipping are the guest's
        where the customer's cart has none. Merging again changes nothing, and gives the customer's cart
        (``None`` where there is none). Raises :class:`~commercekit.checkout.errors.CartNotFound` for
        another customer's cart or a wrong token, and
        :class:`~commercekit.checkout.errors.CartOrdered` for a cart that has become an order.
        """
        guest = await self._carts.find(guest_id, token)
        if guest is None:
            own = await self.cart_of(owner_id)
            return None if own is None else await self._carts.price(own, languages)
        skus = [line.sku for line in guest.lines]
        stock = await self._inventory.availability(skus, market=guest.market)
        messages: list[CartMessage] = []

        async def work(uow: UnitOfWork) -> Cart | None:
            messages.clear()
            return await self._merge(uow, owner_id, guest_id, stock, languages, messages)

        merged = await self._db.run(work)
        return None if merged is None else await self._carts.price(merged, languages, messages)

    async def _merge(
        self,
        uow: UnitOfWork,
        owner_id: UUID,
        guest_id: UUID,
        stock: Mapping[str, Availability],
        languages: Sequence[str],
        messages: list[CartMessage],
    ) -> Cart | None:
        now = self._clock.now()
        # Two browsers of one customer may log in at once: neither finds a cart, both would make one.
        await uow.lock(f"carts-of:{owner_id}")
        guest, own = await self._owned.lock(uow, guest_id, owner_id, now)
        if guest is None:  # merged, forgotten or expired in the meantime
            return own[0] if len(own) == 1 else None
        if guest.owner_id is not None:
            if guest.owner_id != owner_id:
                raise CartNotFound
            return guest
        if guest.order_id is not None:
            raise CartOrdered
        kept = next((cart for cart in own if cart.market == guest.market), None)
        target = kept or Cart(
            id=new_id(),
            market=guest.market,
            locale=guest.locale,
            owner_id=owner_id,
            expires_at=now,
            version=0,
        )
        merged = replace(
            target,
            locale=guest.locale,
            lines=_joined(target.lines, guest.lines, stock, (*languages, guest.locale), messages),
            address=target.address or guest.address,
            shipping=target.shipping or guest.shipping,
            coupons=tuple(dict.fromkeys((*target.coupons, *guest.coupons)))[:MAX_COUPONS],
            expires_at=now + self._settings.cart_lifetime,
            version=target.version + 1,
            extensions=_filled_up(target.extensions, guest.extensions),
        )
        await self._owned.delete(uow, guest.id)
        await self._owned.put(uow, merged)
        return merged


def _filled_up(own: Values | None, guest: Values | None) -> Values | None:
    """What plugins keep beside the customer's cart, and the guest's where that has nothing."""
    if not own or not guest:
        return own or guest
    return {code: guest.get(code, {}) | own.get(code, {}) for code in own.keys() | guest.keys()}


def _joined(
    own: Sequence[CartLine],
    guest: Sequence[CartLine],
    stock: Mapping[str, Availability],
    languages: Sequence[str],
    messages: list[CartMessage],
) -> tuple[CartLine, ...]:
    """The customer's lines first, each in its place; ``messages`` gets what could not be as wished."""
    lines = {line.sku: line for line in own}
    for line in guest:
        present = lines.get(line.sku)
        if present is None:
            if len(lines) < MAX_LINES:
                lines[line.sku] = line
            else:
                messages.append(message("lines-left-out", languages, sku=line.sku))
            continue
        wanted = present.quantity + line.quantity
        found = stock.get(line.sku)
        allowed = MAX_QUANTITY
        if found is not None and found.tracked:
            allowed = min(allowed, found.available)
        # What either had on its own stays: the cart says itself when there is less than that.
        quantity = min(wanted, max(allowed, present.quantity, line.quantity))
        if quantity < wanted:
            messages.append(message("quantity-reduced", languages, sku=line.sku, available=allowed))
        lines[line.sku] = CartLine(present.id, line.sku, quantity)
    return tuple(lines.values())
