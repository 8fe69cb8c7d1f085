"""Keeping the read models in line with catalogue, prices and stock, set by set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from commercekit.catalog import (
    CatalogService,
    Category,
    Option,
    Product,
    ProductDocument,
    ProductStatus,
    Variant,
)
from commercekit.inventory import Availability, InventoryService
from commercekit.markets import Market, MarketService
from commercekit.platform.db import Database, UnitOfWork
from commercekit.pricing import Price, PricingService
from commercekit.storefront.freshness import Freshness
from commercekit.storefront.rules.searching import vector
from commercekit.storefront.rules.words import plain
from commercekit.storefront.service.vocabulary import Vocabulary

__all__ = [
    "PUT_PRODUCTS",
    "PUT_VARIANTS",
    "PUT_WORDS",
    "SEARCH_VERSION",
    "Projection",
    "ShownPrice",
    "ShownStock",
    "product_row",
    "variant_row",
]

_CHUNK = 200
SEARCH_VERSION = 3
"""Raised when rows are made in another way: a job writes those below it anew."""

PUT_PRODUCTS = """
    -- After the variants: a new row is written once, with what they come to. Tells those that were there
    -- before, which still say what theirs came to then: a row that nobody overwrote has no xmax.
    WITH written AS (
        INSERT INTO storefront_product (market_id, product_id, slug, is_published, name, brand_id,
            brand_slug, brand_name, category_ids, search_version, image_url, page, updated_at,
            price_min, price_max, compare_at, in_stock, low_stock)
        SELECT $1, r.product_id, r.slug, r.is_published, r.name, r.brand_id, r.brand_slug,
               r.brand_name, r.category_ids, $4, r.image_url, r.page, $3,
               s.price_min, s.price_max, s.compare_at, s.in_stock, s.low_stock
        FROM jsonb_to_recordset($2::jsonb) AS r (product_id uuid, slug text, is_published boolean,
            name jsonb, brand_id uuid, brand_slug text, brand_name jsonb, category_ids uuid[],
            image_url text, page jsonb),
            LATERAL storefront_summary($1, r.product_id) s
        ON CONFLICT (market_id, product_id) DO UPDATE SET slug = excluded.slug,
            is_published = excluded.is_published, name = excluded.name,
            brand_id = excluded.brand_id, brand_slug = excluded.brand_slug,
            brand_name = excluded.brand_name, category_ids = excluded.category_ids,
            search_version = excluded.search_version, image_url = excluded.image_url,
            page = excluded.page, updated_at = excluded.updated_at
        RETURNING product_id, xmax <> 0 AS was_there
    )
    SELECT product_id FROM written WHERE was_there
"""
PUT_WORDS = """
    -- Last of all, when it is known what is on sale, so that new products have theirs written once. Most
    -- changes leave them as they are. Each product by its key, however much the table has just grown.
    INSERT INTO storefront_words AS t (market_id, product_id, on_sale, terms)
    SELECT $1, r.product_id, p.is_published AND p.price_min IS NOT NULL, r.terms
    FROM unnest($2::uuid[], $3::text[]::tsvector[]) AS r (product_id, terms)
    CROSS JOIN LATERAL (
        SELECT is_published, price_min FROM storefront_product
        WHERE market_id = $1 AND product_id = r.product_id LIMIT 1) p
    ON CONFLICT (market_id, product_id) DO UPDATE
    SET on_sale = excluded.on_sale, terms = excluded.terms
    WHERE (t.on_sale, t.terms) IS DISTINCT FROM (excluded.on_sale, excluded.terms)
"""
PUT_VARIANTS = """
    WITH wanted AS (
        SELECT r.* FROM jsonb_to_recordset($2::jsonb) AS r (variant_id uuid, product_id uuid,
            sku text, position integer, options jsonb, image_url text, price bigint,
            compare_at bigint, lowest_30d bigint, available integer)
    ), gone AS (
        DELETE FROM storefront_variant v
        WHERE v.market_id = $1 AND v.product_id = ANY ($3)
          AND NOT EXISTS (SELECT FROM wanted w WHERE w.variant_id = v.variant_id)
    )
    INSERT INTO storefront_variant (market_id, variant_id, product_id, sku, position, options,
        image_url, price, compare_at, lowest_30d, available)
    SELECT $1, w.variant_id, w.product_id, w.sku, w.position, w.options, w.image_url, w.price,
           w.compare_at, w.lowest_30d, w.available
    FROM wanted w
    ON CONFLICT (market_id, variant_id) DO UPDATE SET sku = excluded.sku,
        position = excluded.position, options = excluded.options,
        image_url = excluded.image_url, price = excluded.price,
        compare_at = excluded.compare_at, lowest_30d = excluded.lowest_30d,
        available = excluded.available
"""

_SHOW_PRICES = """
    WITH wanted AS (
        SELECT v.variant_id, w.price, w.compare_at, w.lowest_30d
        FROM storefront_variant v
        JOIN unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
             AS w (sku, price, compare_at, lowest_30d) ON w.sku = v.sku
        WHERE v.market_id = $1 AND (v.price, v.compare_at, v.lowest_30d)
              IS DISTINCT FROM (w.price, w.compare_at, w.lowest_30d)
        ORDER BY v.variant_id FOR UPDATE OF v
    )
    UPDATE storefront_variant v
    SET price = w.price, compare_at = w.compare_at, lowest_30d = w.lowest_30d
    FROM wanted w WHERE v.market_id = $1 AND v.variant_id = w.variant_id
    RETURNING v.product_id
"""
_SHOW_STOCK = """
    WITH wanted AS (
        SELECT v.market_id, v.variant_id, w.shown
        FROM storefront_variant v
        JOIN unnest($1::text[], $2::int[]) AS w (sku, shown) ON w.sku = v.sku
        WHERE v.available <> w.shown
          AND ($3::uuid IS NULL OR v.market_id = $3) AND NOT v.market_id = ANY ($4::uuid[])
        ORDER BY v.market_id, v.variant_id FOR UPDATE OF v
    )
    UPDATE storefront_variant v SET available = w.shown
    FROM wanted w WHERE v.market_id = w.market_id AND v.variant_id = w.variant_id
    RETURNING v.market_id, v.product_id
"""


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


class Words(NamedTuple):
    """What a product is found by."""

    vector: str
    """As :data:`PUT_WORDS` takes it."""
    terms: list[str]


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
        slugs = await self._slugs(uow, product_ids)
        # Whoever sells or prices one of these writes the same rows before committing: with them locked,
        # what is read below is what the rows must say, or is corrected right after us.
        await uow.execute(
            "SELECT FROM storefront_variant WHERE product_id = ANY ($1)"
            " ORDER BY market_id, variant_id FOR UPDATE",
            list(product_ids),
        )
        for start in range(0, len(product_ids), _CHUNK):
            chunk = list(product_ids[start : start + _CHUNK])
            documents = await self._catalog.documents(chunk)
            slugs += [document.product.slug for document in documents]
            written |= {v.sku for document in documents for v in document.product.variants}
            missing = set(chunk) - {document.product.id for document in documents}
            if missing:
                await self._remove(uow, list(missing))
            shelves = {shelf.id: shelf for shelf in await self._catalog.categories()}
            rows = [product_row(document, shelves) for document in documents]
            for market in await self._markets.every():
                await self._write(uow, market, documents, rows)
        await self.freshness.touch(uow, slugs, lists=True)
        return written

    async def prices(self, uow: UnitOfWork, changes: Sequence[ShownPrice]) -> None:
        """Show other prices; the last one told of a SKU counts.

        Beside a ``compare_at`` stands the lowest price of the 30 days before.
        """
        markets = {market.id: market for market in await self._markets.every()}
        told: dict[UUID, dict[str, ShownPrice]] = {}
        for change in changes:
            told.setdefault(change.market_id, {})[change.sku] = change
        for market_id in sorted(told):
            wanted = told[market_id]
            lowest = await self._lowest(uow, markets[market_id], wanted.values())
            skus = sorted(wanted)
            rows = await uow.fetch(
                _SHOW_PRICES,
                market_id,
                skus,
                [wanted[sku].amount for sku in skus],
                [wanted[sku].compare_at for sku in skus],
                [lowest.get(sku) for sku in skus],
            )
            await self._summarise(uow, [(market_id, row["product_id"]) for row in rows])
            await self._first_prices(uow, market_id, wanted.values())

    async def _lowest(
        self, uow: UnitOfWork, market: Market, changes: Iterable[ShownPrice]
    ) -> dict[str, int | None]:
        reduced = [change.sku for change in changes if change.compare_at is not None]
        if not reduced:
            return {}
        prices = await self._pricing.prices(market, reduced, uow, lowest=True)
        return {sku: _lowest(price) for sku, price in prices.items()}

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

    async def stock(self, uow: UnitOfWork, changes: Sequence[ShownStock]) -> None:
        """Show other numbers as available; on the path of every order, so it is short.

        One statement for all that is told of the same markets, which is mostly all of them.
        """
        groups: dict[tuple[str | None, tuple[str, ...]], dict[str, int]] = {}
        for change in changes:
            where = (change.market, tuple(change.elsewhere))
            groups.setdefault(where, {})[change.sku] = change.shown
        touched: list[tuple[UUID, UUID]] = []
        for (market, elsewhere), shown in groups.items():
            only = (await self._markets.by_code(market)).id if market else None
            others = [(await self._markets.by_code(code)).id for code in elsewhere]
            skus = sorted(shown)
            rows = await uow.fetch(_SHOW_STOCK, skus, [shown[sku] for sku in skus], only, others)
            touched += [(row["market_id"], row["product_id"]) for row in rows]
        await self._summarise(uow, touched)

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
            changed = await uow.fetch(
                "SELECT changed_product FROM storefront_summarise($1, $2)",
                market_id,
                sorted(products[market_id]),
            )
            in_lists = in_lists or bool(changed)
        slugs = await self._slugs(uow, sorted(set().union(*products.values())))
        await self.freshness.touch(uow, slugs, lists=in_lists)

    async def _slugs(self, uow: UnitOfWork, product_ids: Sequence[UUID]) -> list[str]:
        rows = await uow.fetch(
            "SELECT DISTINCT slug FROM storefront_product WHERE product_id = ANY ($1)",
            list(product_ids),
        )
        return [row["slug"] for row in rows]

    async def _remove(self, uow: UnitOfWork, product_ids: list[UUID]) -> None:
        for table in ("storefront_variant", "storefront_product"):
            await uow.execute(f"DELETE FROM {table} WHERE product_id = ANY ($1)", product_ids)  # noqa: S608 - two names of ours

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
        await uow.execute(PUT_VARIANTS, market.id, _json(rows), ids)
        there = await uow.fetch(
            PUT_PRODUCTS,
            market.id,
            _json([row for row, _ in products]),
            uow.clock.now(),
            SEARCH_VERSION,
        )
        if there:
            await uow.execute(
                "SELECT FROM storefront_summarise($1, $2)",
                market.id,
                [row["product_id"] for row in there],
            )
        await uow.execute(PUT_WORDS, market.id, ids, [words.vector for _, words in products])


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def product_row(
    document: ProductDocument, shelves: Mapping[UUID, Category]
) -> tuple[dict[str, Any], Words]:
    """The row of a product in any market, as :data:`PUT_PRODUCTS` takes it, and the words in it."""
    product, brand = document.product, document.brand
    images = product.images
    return {
        "product_id": product.id,
        "slug": product.slug,
        "is_published": product.status is ProductStatus.ACTIVE,
        "name": product.name,
        "brand_id": brand.id if brand else None,
        "brand_slug": brand.slug if brand else None,
        "brand_name": brand.name if brand else None,
        "category_ids": list(document.category_ids),
        "image_url": images[0].url if images else None,
        "page": {
            "description": product.description,
            "type": product.type,
            "tags": product.tags,
            "category_ids": product.category_ids,
            "options": product.options,
            "images": [
                {"url": image.url, "alt": image.alt, "sizes": image.sizes} for image in images
            ],
            "attributes": product.attributes,
            "related_ids": product.related_ids,
            "seo_title": product.seo_title,
            "seo_description": product.seo_description,
            **_extensions(product),
        },
    }, Words(*vector(_searched(document, shelves)))


def _extensions(product: Product) -> dict[str, Any]:
    """What plugins keep, whoever may see it.

    Which of it shoppers read is decided when they do, so that a plugin which comes, goes or changes its
    mind needs no row to be written anew.
    """
    variants = {each.sku: each.extensions for each in product.variants if each.extensions}
    return {
        name: values
        for name, values in (("extensions", product.extensions), ("of_variants", variants))
        if values
    }


def _searched(
    document: ProductDocument, shelves: Mapping[UUID, Category]
) -> Iterator[tuple[str, str]]:
    """What search reads, and how much each counts: names most, descriptions least."""
    product, brand = document.product, document.brand
    yield from (("A", name) for name in product.name.values())
    yield from (("C", variant.sku) for variant in product.variants)
    yield from (("C", variant.barcode) for variant in product.variants)
    yield from (("B", name) for name in (brand.name.values() if brand else ()))
    yield "B", product.type
    yield from (("B", tag) for tag in product.tags)
    for category_id in document.category_ids:
        if category_id in shelves:
            yield from (("B", name) for name in shelves[category_id].name.values())
    for option in product.options:
        for value in option.values:
            yield from (("D", label) for label in value.label.values())
    yield from (("D", plain(text)) for text in product.description.values())


def variant_row(
    document: ProductDocument, variant: Variant, price: Price | None, stock: Availability | None
) -> dict[str, Any]:
    """The row of a variant, as :data:`PUT_VARIANTS` takes it."""
    urls = {image.id: image.url for image in document.product.images}
    return {
        "variant_id": variant.id,
        "product_id": document.product.id,
        "sku": variant.sku,
        "position": variant.position,
        "options": [_chosen(option, variant) for option in document.product.options],
        "image_url": urls.get(variant.image_id) if variant.image_id else None,
        "price": price.amount.amount if price else None,
        "compare_at": price.compare_at.amount if price and price.compare_at is not None else None,
        "lowest_30d": _lowest(price),
        "available": stock.shown if stock else 0,
    }


def _lowest(price: Price | None) -> int | None:
    """Only what is said to be reduced says what it was before."""
    if price is None or price.compare_at is None or price.lowest_30d is None:
        return None
    return price.lowest_30d.amount


def _chosen(option: Option, variant: Variant) -> dict[str, Any]:
    code = variant.options.get(option.code, "")
    label = next((value.label for value in option.values if value.code == code), {"en": code})
    return {"name": option.name, "label": label}
