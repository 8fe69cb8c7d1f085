"""Writing the rows that shoppers read: whole products, and what is shown of prices and of stock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from commercekit.platform.db import UnitOfWork
from commercekit.storefront.rules.rows import SEARCH_VERSION, Words

__all__ = [
    "await_newcomers",
    "bring_newcomers",
    "hold_variants",
    "put_products",
    "put_variants",
    "put_words",
    "remove_products",
    "show_prices",
    "show_stock",
    "slugs_of",
    "summarise",
    "variants_there",
]

_PUT_PRODUCTS = """
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
_PUT_WORDS = """
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
_PUT_VARIANTS = """
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
_SHOW_PRICES = "SELECT * FROM storefront_show_prices($1, $2, $3, $4, $5) AS shown (product_id)"
_SHOW_STOCK = "SELECT * FROM storefront_show_stock($1, $2, $3, $4)"


async def variants_there(uow: UnitOfWork, product_ids: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """Market and variant of every row of these products."""
    rows = await uow.fetch(
        "SELECT market_id, variant_id FROM storefront_variant WHERE product_id = ANY ($1)",
        list(product_ids),
    )
    return {(row["market_id"], row["variant_id"]) for row in rows}


async def bring_newcomers(uow: UnitOfWork) -> None:
    """Before rows that were not there are written: who has something to show in them comes before or after.

    Comes before :func:`hold_variants`, as everybody waits for newcomers first and for rows then.
    """
    await uow.execute("SELECT pg_advisory_xact_lock_shared(storefront_newcomers())")


async def await_newcomers(
    uow: UnitOfWork, skus: Iterable[str], only: UUID | None, others: Sequence[UUID]
) -> None:
    """Where one of ``skus`` has no row in ``only`` one market, or in all but ``others``, wait for its writer.

    For whoever calls :func:`show_prices` or :func:`show_stock`, which do the same, more than once.
    """
    await uow.execute("SELECT storefront_await($1, $2, $3)", sorted(skus), only, list(others))


async def hold_variants(uow: UnitOfWork, product_ids: Sequence[UUID]) -> None:
    """Lock these products' variants in every market, in the order in which everybody locks them."""
    await uow.execute(
        "SELECT FROM storefront_variant WHERE product_id = ANY ($1)"
        " ORDER BY market_id, variant_id FOR UPDATE",
        list(product_ids),
    )


async def put_variants(
    uow: UnitOfWork,
    market_id: UUID,
    rows: Sequence[Mapping[str, Any]],
    product_ids: Sequence[UUID],
) -> None:
    """Let these products have exactly these variants; before :func:`put_products`."""
    await uow.execute(_PUT_VARIANTS, market_id, _json(rows), list(product_ids))


async def put_products(
    uow: UnitOfWork, market_id: UUID, rows: Sequence[Mapping[str, Any]]
) -> list[UUID]:
    """Insert or change these products; gives those that were there, for :func:`summarise`."""
    found = await uow.fetch(_PUT_PRODUCTS, market_id, _json(rows), uow.clock.now(), SEARCH_VERSION)
    return [row["product_id"] for row in found]


async def put_words(uow: UnitOfWork, market_id: UUID, words: Mapping[UUID, Words]) -> None:
    """What each product is found by; after it is known what its variants come to."""
    await uow.execute(_PUT_WORDS, market_id, list(words), [each.vector for each in words.values()])


async def summarise(uow: UnitOfWork, market_id: UUID, product_ids: Iterable[UUID]) -> bool:
    """Bring products in line with their variants; whether lists show it."""
    changed = await uow.fetch(
        "SELECT changed_product FROM storefront_summarise($1, $2)", market_id, sorted(product_ids)
    )
    return bool(changed)


async def show_prices(
    uow: UnitOfWork,
    market_id: UUID,
    prices: Mapping[str, tuple[int | None, int | None, int | None]],
) -> list[UUID]:
    """Show by SKU the amount, what it is compared with, and the lowest lately, in minor units.

    Gives the products of those that showed something else.
    """
    skus = sorted(prices)
    amounts, compared, lowest = ([prices[sku][n] for sku in skus] for n in range(3))
    rows = await uow.fetch(_SHOW_PRICES, market_id, skus, amounts, compared, lowest)
    return [row["product_id"] for row in rows]


async def show_stock(
    uow: UnitOfWork, shown: Mapping[str, int], only: UUID | None, others: Sequence[UUID]
) -> list[tuple[UUID, UUID]]:
    """Show by SKU how many there are, in ``only`` one market or in all but ``others``.

    Gives market and product of those that showed something else.
    """
    skus = sorted(shown)
    rows = await uow.fetch(_SHOW_STOCK, skus, [shown[sku] for sku in skus], only, list(others))
    return [(row["market_id"], row["product_id"]) for row in rows]


async def slugs_of(uow: UnitOfWork, product_ids: Iterable[UUID]) -> list[str]:
    """Under which addresses these products are shown."""
    rows = await uow.fetch(
        "SELECT DISTINCT slug FROM storefront_product WHERE product_id = ANY ($1)",
        list(product_ids),
    )
    return [row["slug"] for row in rows]


async def remove_products(uow: UnitOfWork, product_ids: Sequence[UUID]) -> None:
    """Take these products out of every market."""
    for table in ("storefront_variant", "storefront_product"):
        await uow.execute(
            f"DELETE FROM {table} WHERE product_id = ANY ($1)",
            list(product_ids),
        )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
