"""Limits per customer: set by staff, told on the cart, decided where orders are placed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from msgspec.structs import replace

from commercekit.checkout.errors import (
    PurchaseLimitExists,
    PurchaseLimitNotFound,
    PurchaseLimitReached,
    UnknownSku,
)
from commercekit.checkout.models import CartMessage, PurchaseLimit, Quote, ReachedLimit
from commercekit.checkout.repository import LimitRepository
from commercekit.checkout.rules import limit_message
from commercekit.errors import Conflict
from commercekit.kernel import new_id
from commercekit.platform.bus import Broadcast

if TYPE_CHECKING:
    from commercekit.catalog import CatalogService
    from commercekit.kernel import Clock
    from commercekit.orders import OrderService
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["PurchaseLimits", "limit_reached"]

CHANNEL = "purchase-limits"
"""Where every process hears that a limit was changed."""

_reached = msgspec.json.Decoder(list[ReachedLimit]).decode


def limit_reached(limits: str) -> PurchaseLimitReached:
    """The refusal of one order, from the JSON that ``checkout_place`` gave for it."""
    reached = _reached(limits)
    named = "; ".join(
        f"{', '.join(limit.skus)}: {limit.wanted} wanted, {limit.left} left of {limit.quantity}"
        for limit in reached
    )
    return PurchaseLimitReached(f"Limited per customer: {named}.", limits=reached)


class PurchaseLimits:
    """Use cases of limits. Placing reads them in its own transaction, so a new one counts at once."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        catalog: CatalogService,
        orders: OrderService,
        broadcast: Broadcast,
    ) -> None:
        self._db = db
        self._clock = clock
        self._catalog = catalog
        self._orders = orders
        self._broadcast = broadcast
        self._limits = LimitRepository(db)
        self._known: tuple[PurchaseLimit, ...] | None = None
        broadcast.listen(CHANNEL, lambda _payload: self.forget(), on_gap=self.forget)

    def forget(self) -> None:
        """Read the limits again when a cart is shown next."""
        self._known = None

    async def every(self) -> tuple[PurchaseLimit, ...]:
        """All limits, oldest first."""
        return await self._limits.every()

    async def get(self, limit_id: UUID) -> PurchaseLimit:
        """One limit; raises :class:`~commercekit.checkout.errors.PurchaseLimitNotFound`."""
        limit = await self._limits.get(limit_id)
        if limit is None:
            raise PurchaseLimitNotFound
        return limit

    async def limit_variant(self, sku: str, quantity: int, days: int | None) -> PurchaseLimit:
        """At most ``quantity`` of ``sku`` for each customer, in ``days`` or ever.

        Raises :class:`~commercekit.checkout.errors.UnknownSku`, and
        :class:`~commercekit.checkout.errors.PurchaseLimitExists` for a second limit over the same period.
        """
        variant = (await self._catalog.variants_by_sku([sku])).get(sku)
        if variant is None:
            detail = f"There is no variant {sku!r}."
            raise UnknownSku(detail, sku=sku)
        return await self._add(sku, variant.variant_id, None, quantity, days)

    async def limit_product(
        self, product_id: UUID, quantity: int, days: int | None
    ) -> PurchaseLimit:
        """At most ``quantity`` of all variants of a product together; raises as :meth:`limit_variant`.

        An unknown product is refused as the catalogue refuses it.
        """
        product = await self._catalog.product(product_id)
        return await self._add(None, None, product.id, quantity, days)

    async def change(self, limit_id: UUID, quantity: int, *, expected: int) -> PurchaseLimit:
        """Allow another number; what was bought stays counted, even beyond a lower one."""
        limit = await self.get(limit_id)
        async with self._db.unit_of_work() as uow:
            if not await self._limits.change(uow, limit_id, quantity, expected=expected):
                raise Conflict(_CHANGED)
            await self._tell(uow)
        return replace(limit, quantity=quantity, version=expected + 1)

    async def remove(self, limit_id: UUID, *, expected: int) -> None:
        """Lift the limit, and forget what was counted for it."""
        await self.get(limit_id)
        async with self._db.unit_of_work() as uow:
            if not await self._limits.delete(uow, limit_id, expected=expected):
                raise Conflict(_CHANGED)
            await self._tell(uow)

    async def messages(self, quote: Quote, languages: Sequence[str]) -> list[CartMessage]:
        """What the shopper should know of limits on what is in the cart.

        Who is buying is not known before the checkout: what they have bought before shows only there.
        """
        limits = self._known
        if limits is None:
            limits = await self._limits.every()
            if self._broadcast.is_listening:
                self._known = limits
        found: list[CartMessage] = []
        for limit in limits:
            lines = [
                line
                for line in quote.new_lines
                if limit.variant_id == line.variant_id or limit.product_id == line.product_id
            ]
            if lines:
                skus = ", ".join(line.sku for line in lines)
                wanted = sum(line.quantity for line in lines)
                found.append(limit_message(limit, skus, wanted, languages))
        return found

    async def give_back(self, uow: UnitOfWork, order_id: UUID) -> None:
        """Count no more of the order than will still leave the shop, in the caller's transaction.

        It looks at the order's lines as they are, so doing it twice gives back once. What was delivered
        and came back stays counted.
        """
        purchases = await self._limits.held(uow, order_id)
        if not purchases:
            return
        order = await self._orders.get(order_id)
        kept = {
            purchase.limit_id: sum(
                line.quantity - line.cancelled
                for line in order.lines
                if purchase.subject_id in (line.variant_id, line.product_id)
            )
            for purchase in purchases
        }
        await self._limits.keep(uow, order_id, kept)

    async def forget_account(self, uow: UnitOfWork, account_id: UUID) -> None:
        """Count nothing for an account that is gone; its purchases stay counted for the addresses."""
        await self._limits.forget(uow, account_id)

    async def _add(
        self,
        sku: str | None,
        variant_id: UUID | None,
        product_id: UUID | None,
        quantity: int,
        days: int | None,
    ) -> PurchaseLimit:
        limit = PurchaseLimit(
            id=new_id(),
            sku=sku,
            variant_id=variant_id,
            product_id=product_id,
            quantity=quantity,
            days=days,
            created_at=self._clock.now(),
        )
        async with self._db.unit_of_work() as uow:
            if not await self._limits.insert(uow, limit):
                detail = "Change the limit there is, or choose another period."
                raise PurchaseLimitExists(detail)
            await self._tell(uow)
        return limit

    async def _tell(self, uow: UnitOfWork) -> None:
        uow.after_commit(self.forget)
        await Broadcast.tell(uow, CHANNEL, "")


_CHANGED = "The limit was changed by somebody else."
