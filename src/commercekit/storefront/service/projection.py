"""Keeping the read models in line with catalogue, prices and stock, set by set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from commercekit.catalog import CatalogService, ProductDocument
from commercekit.inventory import InventoryService
from commercekit.markets import Market, MarketService
from commercekit.platform.db import Database, UnitOfWork
from commercekit.pricing import PricingService
from commercekit.storefront import repository
from commercekit.storefront.freshness import Freshness
from commercekit.storefront.rules.rows import Words, lowest_of, product_row, variant_row
from commercekit.storefront.service.vocabulary import Vocabulary

__all__ = ["Projection", "ShownPrice", "ShownStock"]

_CHUNK = 200


class ShownPrice(NamedTuple):
    """What a market asks for a SKU now; no amount when it is not sold there any more."""

    market_id: UUID
    sku: str
    amount: int | None
    compare_at: int | None


class ShownStock(NamedTuple):
    """The number shown as available of a SKU, in one ``market`` or in all but those served ``elsewhere``."""

    sku: str
    shown: int
    market: str | None = None
    elsewhere: Sequence[str] = ()


class Projection:
    """Writes the read models, always in the unit of work of the change they show."""

    def __init__(
        self,
        db: Database,
        markets: MarketService,
        catalog: CatalogService,
        pricing: PricingService,
        inventory: InventoryService,
        freshness: Freshness,
    ) -> None:
        self._db = db
        self._markets = markets
        self._catalog = catalog
        self._pricing = pricing
        self._inventory = inventory
        self.freshness = freshness
        self.vocabulary = Vocabulary(db, freshness)

    async def refresh(self, uow: UnitOfWork, product_ids: Sequence[UUID]) -> set[str]:
        """Write these products anew from what the domains below say now; missing ones vanish.

        Tells the SKUs that were written, with their prices and their stock.
        """
        written: set[str] = set()
        if not product_ids:
            return written
        markets = await self._markets.every()
        variants = await self._catalog.variant_ids(product_ids)
        there = await repository.variants_there(uow, product_ids)
        if not there.issuperset((market.id, each) for market in markets for each in variants):
            # On rows that are not there yet nobody waits: they wait here.
            await repository.bring_newcomers(uow)
        slugs = await repository.slugs_of(uow, product_ids)
        # Whoever sells or prices one of these writes the same rows before committing: with them locked,
        # what is read below is what the rows must say, or is corrected right after us.
        await repository.hold_variants(uow, product_ids)
        for start in range(0, len(product_ids), _CHUNK):
            chunk = list(product_ids[start : start + _CHUNK])
            documents = await self._catalog.documents(chunk)
            slugs += [document.product.slug for document in documents]
            written |= {v.sku for document in documents for v in document.product.variants}
            missing = set(chunk) - {document.product.id for document in documents}
            if missing:
                await repository.remove_products(uow, sorted(missing))
            shelves = {shelf.id: shelf for shelf in await self._catalog.categories()}
            rows = [product_row(document, shelves) for document in documents]
            for market in markets:
                await self._write(uow, market, documents, rows)
        await self.freshness.touch(uow, slugs, lists=True)
        return written

    async def show(
        self, uow: UnitOfWork, prices: Sequence[ShownPrice], stock: Sequence[ShownStock]
    ) -> None:
        """Show other prices and other numbers as available; the last one told of a SKU counts.

        On the path of every order, so it is short: one statement for all that is told of the same markets,
        which is mostly all of them.
        """
        priced: dict[UUID, dict[str, ShownPrice]] = {}
        for price in prices:
            priced.setdefault(price.market_id, {})[price.sku] = price
        counted: dict[tuple[UUID | None, tuple[UUID, ...]], dict[str, int]] = {}
        for number in stock:
            counted.setdefault(await self._where(number), {})[number.sku] = number.shown
        if len(priced) + len(counted) > 1:
            # All waiting for newcomers comes before the first row is held.
            for market_id, changes in priced.items():
                await repository.await_newcomers(uow, changes, market_id, ())
            for (only, others), shown in counted.items():
                await repository.await_newcomers(uow, shown, only, others)
        await self._prices(uow, priced)
        touched: list[tuple[UUID, UUID]] = []
        for (only, others), shown in counted.items():
            touched += await repository.show_stock(uow, shown, only, others)
        await self._summarise(uow, touched)

    async def _where(self, number: ShownStock) -> tuple[UUID | None, tuple[UUID, ...]]:
        only = (await self._markets.by_code(number.market)).id if number.market else None
        others = [(await self._markets.by_code(code)).id for code in number.elsewhere]
        return only, tuple(others)

    async def _prices(self, uow: UnitOfWork, told: dict[UUID, dict[str, ShownPrice]]) -> None:
        """Beside a ``compare_at`` stands the lowest price of the 30 days before."""
        markets = {market.id: market for market in await self._markets.every()} if told else {}
        for market_id in sorted(told):
            wanted = told[market_id]
            lowest = await self._lowest(uow, markets[market_id], wanted.values())
            prices = {
                sku: (price.amount, price.compare_at, lowest.get(sku))
                for sku, price in wanted.items()
            }
            products = await repository.show_prices(uow, market_id, prices)
            await self._summarise(uow, [(market_id, product_id) for product_id in products])
            await self._first_prices(uow, market_id, wanted.values())

    async def _lowest(
        self, uow: UnitOfWork, market: Market, changes: Iterable[ShownPrice]
    ) -> dict[str, int | None]:
        reduced = [change.sku for change in changes if change.compare_at is not None]
        if not reduced:
            return {}
        prices = await self._pricing.prices(market, reduced, uow, lowest=True)
        return {sku: lowest_of(price) for sku, price in prices.items()}

    async def _first_prices(
        self, uow: UnitOfWork, market_id: UUID, changes: Iterable[ShownPrice]
    ) -> None:
        """The first price in a market that is younger than the product brings the product there."""
        unseen = await uow.fetch(
            "SELECT DISTINCT product_id FROM storefront_variant v WHERE sku = ANY ($1::text[])"
            " AND NOT EXISTS (SELECT FROM storefront_variant o"
            " WHERE o.sku = v.sku AND o.market_id = $2)",
            [change.sku for change in changes if change.amount is not None],
            market_id,
        )
        await self.refresh(uow, [row["product_id"] for row in unseen])

    async def all_pages(self, uow: UnitOfWork) -> None:
        """Nothing in the read models changed, but names on every page may have."""
        await self.freshness.touch(uow, None, lists=True)

    async def without_category(self, uow: UnitOfWork, category_id: UUID) -> None:
        """Take a category that is gone off every product, with what hung above it alone."""
        rows = await uow.fetch(
            "SELECT DISTINCT product_id FROM storefront_product"
            " WHERE category_ids @> ARRAY[$1::uuid]",
            category_id,
        )
        await self.refresh(uow, [row["product_id"] for row in rows])
        await self.freshness.touch(uow, None, lists=True)

    async def _summarise(self, uow: UnitOfWork, touched: Sequence[tuple[UUID, UUID]]) -> None:
        """Bring products in line with variants of theirs that changed, by market and product."""
        if not touched:
            return
        products: dict[UUID, set[UUID]] = {}
        for market_id, product_id in touched:
            products.setdefault(market_id, set()).add(product_id)
        in_lists = False
        for market_id in sorted(products):
            changed = await repository.summarise(uow, market_id, products[market_id])
            in_lists = in_lists or changed
        slugs = await repository.slugs_of(uow, sorted(set().union(*products.values())))
        await self.freshness.touch(uow, slugs, lists=in_lists)

    async def _write(
        self,
        uow: UnitOfWork,
        market: Market,
        documents: Sequence[ProductDocument],
        products: Sequence[tuple[dict[str, Any], Words]],
    ) -> None:
        if not documents:
            return
        await self.vocabulary.learn(
            uow, market.id, [t for _, words in products for t in words.terms]
        )
        skus = [variant.sku for each in documents for variant in each.product.variants]
        prices = await self._pricing.prices(market, skus, uow)
        reduced = [sku for sku, price in prices.items() if price.compare_at is not None]
        if reduced:
            prices |= await self._pricing.prices(market, reduced, uow, lowest=True)
        stock = await self._inventory.availability(skus, uow, market=market.code)
        ids = [document.product.id for document in documents]
        rows = [
            variant_row(document, variant, prices.get(variant.sku), stock.get(variant.sku))
            for document in documents
            for variant in document.product.variants
        ]
        await repository.put_variants(uow, market.id, rows, ids)
        there = await repository.put_products(uow, market.id, [row for row, _ in products])
        if there:
            await repository.summarise(uow, market.id, there)
        words = {each: said for each, (_, said) in zip(ids, products, strict=True)}
        await repository.put_words(uow, market.id, words)
