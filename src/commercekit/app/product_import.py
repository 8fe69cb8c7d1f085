"""Where a product file's prices and stock go: the catalogue knows neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commercekit.inventory import InventoryService
    from commercekit.kernel import Money
    from commercekit.markets import Market
    from commercekit.platform.db import UnitOfWork
    from commercekit.pricing import PricingService

__all__ = ["PriceAndStock"]

_WITHOUT_END = 1_000_000
"""What "continue selling when out of stock" allows: more than anybody sells, less than an overflow."""


class PriceAndStock:
    """The :class:`~commercekit.catalog.ImportSink` of a shop, in the product's own unit of work."""

    def __init__(
        self,
        pricing: PricingService,
        inventory: InventoryService,
        market: Market,
        *,
        restock: bool = False,
    ) -> None:
        self._pricing = pricing
        self._inventory = inventory
        self._market = market
        self._restock = restock

    async def set_price(
        self, uow: UnitOfWork, sku: str, amount: Money, compare_at: Money | None
    ) -> bool:
        """Price the SKU in the market's default list."""
        before = (await self._pricing.prices(self._market, [sku], uow)).get(sku)
        if before is not None and (before.amount, before.compare_at) == (amount, compare_at):
            return False
        await self._pricing.set_price(uow, self._market, sku, amount, compare_at)
        return True

    async def set_stock(
        self, uow: UnitOfWork, sku: str, quantity: int | None, *, allow_backorder: bool, new: bool
    ) -> bool:
        """Put a new SKU on the shelf; a known one keeps its stock unless the import restocks.

        The number in a file is older than what was sold since.
        """
        if not new and not self._restock:
            return False
        return await self._inventory.set_stock(
            uow,
            sku,
            quantity,
            tracked=quantity is not None,
            backorder_limit=_WITHOUT_END if allow_backorder else 0,
            reason="import",
        )
