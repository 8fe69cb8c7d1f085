"""Where a product file's prices and stock go: the catalogue knows neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.catalog import Offer
from commercekit.inventory import NewStock
from commercekit.pricing import NewPrice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.catalog import FileOffer
    from commercekit.inventory import InventoryService
    from commercekit.kernel import Money
    from commercekit.markets import Market, MarketService
    from commercekit.platform.db import UnitOfWork
    from commercekit.pricing import PricingService

__all__ = ["OffersOfShop", "PriceAndStock", "PricesOfShop"]

_WITHOUT_END = 1_000_000
"""What "continue selling when out of stock" allows: more than anybody sells, less than an overflow."""


class OffersOfShop:
    """The :class:`~commercekit.catalog.ExportSource` of a shop: prices of its default market, all stock."""

    def __init__(
        self, pricing: PricingService, inventory: InventoryService, markets: MarketService
    ) -> None:
        self._pricing = pricing
        self._inventory = inventory
        self._markets = markets

    async def offers(self, skus: Sequence[str]) -> dict[str, Offer]:
        """What is on the shelves counts, promised or not; locations are summed up."""
        prices = await self._pricing.default_prices(await self._markets.default(), skus)
        levels = await self._inventory.levels_of(skus)
        offers = {}
        for sku in skus:
            price, level = prices.get(sku), levels.get(sku)
            items = level.items if level else []
            untracked = bool(items) and not any(item.tracked for item in items)
            offers[sku] = Offer(
                price=price.amount if price else None,
                compare_at=price.compare_at if price else None,
                quantity=None if untracked else level.on_hand if level else 0,
                allow_backorder=any(item.backorder_limit >= _WITHOUT_END for item in items),
            )
        return offers


class PricesOfShop:
    """The :class:`~commercekit.catalog.ShelfPrices` of a shop: the default market's list."""

    def __init__(self, pricing: PricingService, markets: MarketService) -> None:
        self._pricing = pricing
        self._markets = markets

    async def current(self, skus: Sequence[str]) -> dict[str, Money]:
        """What the list says, whatever a sale or a segment's list asks just now."""
        prices = await self._pricing.default_prices(await self._markets.default(), skus)
        return {sku: price.amount for sku, price in prices.items()}

    async def change(self, uow: UnitOfWork, sku: str, amount: Money) -> None:
        """Keep what it is compared with, unless that is no longer more."""
        market = await self._markets.default()
        before = (await self._pricing.default_prices(market, [sku], uow)).get(sku)
        compare_at = before.compare_at if before else None
        if compare_at is not None and compare_at.amount <= amount.amount:
            compare_at = None
        await self._pricing.set_price(uow, market, sku, amount, compare_at)


class PriceAndStock:
    """The :class:`~commercekit.catalog.ImportSink` of a shop, in the product's own unit of work."""

    def __init__(
        self,
        pricing: PricingService,
        inventory: InventoryService,
        market: Market,
        *,
        stock: bool = True,
        restock: bool = False,
    ) -> None:
        """Without ``stock`` the numbers of the file are left to whoever knows them by location."""
        self._pricing = pricing
        self._inventory = inventory
        self._market = market
        self._stock = stock
        self._restock = restock

    async def take(self, uow: UnitOfWork, offers: Sequence[FileOffer]) -> set[str]:
        """Price the SKUs in the market's default list, and put new ones on the shelf.

        Known ones keep their stock unless the import restocks: the number in a file is older than what
        was sold since.
        """
        changed = await self._pricing.set_prices(
            uow,
            self._market,
            [
                NewPrice(offer.sku, offer.price, offer.compare_at)
                for offer in offers
                if offer.price is not None
            ],
        )
        return changed | await self._inventory.set_stocks(
            uow,
            [
                NewStock(
                    sku=offer.sku,
                    quantity=offer.quantity,
                    tracked=offer.quantity is not None,
                    backorder_limit=_WITHOUT_END if offer.allow_backorder else 0,
                )
                for offer in offers
                if self._stock and (offer.new or self._restock)
            ],
            reason="import",
        )
