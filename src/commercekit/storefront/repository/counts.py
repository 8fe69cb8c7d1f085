"""How many products there are of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from commercekit.platform.db import Database
from commercekit.storefront.repository.lists import COUNTED
from commercekit.storefront.repository.selection import ALL, Conditions, Selection

__all__ = [
    "brand_counts",
    "brands_on_sale",
    "category_counts",
    "count",
    "count_up_to",
    "has_any",
    "named_brands",
    "shelf_counts",
]

_BRANDS = """
    WITH RECURSIVE listed (brand_slug, product_id) AS (
        (SELECT brand_slug, product_id FROM storefront_listing
         WHERE market_id = $1 AND shelf_id = $2 AND brand_slug IS NOT NULL
         ORDER BY brand_slug LIMIT 1)
        UNION ALL
        SELECT following.* FROM listed, LATERAL (
            SELECT l.brand_slug, l.product_id FROM storefront_listing l
            WHERE l.market_id = $1 AND l.shelf_id = $2 AND l.brand_slug > listed.brand_slug
            ORDER BY l.brand_slug LIMIT 1) following
    )
    SELECT p.brand_slug, p.brand_name FROM listed
    JOIN storefront_product p ON p.market_id = $1 AND p.product_id = listed.product_id
"""


def _source(where: Selection) -> Conditions:
    """What follows FROM; words are looked for by their index, since all that they find is counted."""
    if where.searched is not None:
        return replace(where, frequent=False).said()
    listed, values = where.listed(where.is_narrowed)
    return Conditions(f"storefront_listing WHERE {listed}", values)


async def count(db: Database, where: Selection) -> int:
    """How many there are, however many."""
    source, values = _source(where)
    found: int = await db.fetchval(f"SELECT count(*) FROM {source}", *values)
    return found


async def count_up_to(db: Database, where: Selection) -> int:
    """How many there are, at most one above :data:`COUNTED`."""
    source, values = _source(where)
    found: int = await db.fetchval(
        f"SELECT count(*) FROM (SELECT FROM {source} LIMIT {COUNTED + 1}) counted", *values
    )
    return found


async def has_any(db: Database, where: Selection) -> bool:
    """Whether there is one at all."""
    source, values = _source(where)
    found: bool = await db.fetchval(f"SELECT EXISTS (SELECT FROM {source})", *values)
    return found


async def brand_counts(db: Database, where: Selection) -> list[Any]:
    """Brands of a list without words, with counts, the most frequent first."""
    source, values = _source(where)
    return await db.fetch(
        named_brands(
            f"SELECT brand_slug, count(*) AS count FROM {source} AND brand_slug IS NOT NULL"
            " GROUP BY brand_slug"
        ),
        *values,
    )


def named_brands(counted: str) -> str:
    """Brands with names, of what counts them by their slugs."""
    return (
        f"SELECT named.*, counted.count FROM ({counted}) counted,"
        # Any of them names the brand.
        " LATERAL (SELECT p.brand_id, p.brand_slug, p.brand_name FROM storefront_listing l"
        " JOIN storefront_product p ON p.market_id = l.market_id AND p.product_id = l.product_id"
        f" WHERE l.market_id = $1 AND l.shelf_id = '{ALL}' AND l.brand_slug = counted.brand_slug"
        " LIMIT 1) named ORDER BY counted.count DESC, named.brand_slug"
    )


async def brands_on_sale(db: Database, market_id: UUID) -> list[Any]:
    """Slugs and names of the brands that have something on sale, however many products there are."""
    return await db.fetch(_BRANDS, market_id, ALL)


async def category_counts(db: Database, where: Selection) -> dict[UUID, int]:
    """Categories of a list without words, each with the products on it or below it."""
    if not where.brands and where.shelf_id is None:
        # Every shelf has its listings beside each other.
        sql, values = where.listed(None)
        sql = sql.replace("shelf_id = ", "shelf_id <> ")
        counted = f"SELECT shelf_id, count(*) AS count FROM storefront_listing WHERE {sql}"
        rows = await db.fetch(f"{counted} GROUP BY shelf_id", *values)
    else:
        source, values = _source(where)
        rows = await db.fetch(
            f"SELECT shelf_id, count(*) AS count FROM (SELECT product_id FROM {source} OFFSET 0) found"
            " JOIN storefront_product p ON p.market_id = $1"
            " AND p.product_id = found.product_id, unnest(p.category_ids) AS shelf_id"
            " GROUP BY shelf_id",
            *values,
        )
    return {row["shelf_id"]: row["count"] for row in rows}


async def shelf_counts(db: Database, market_id: UUID, shelf_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many products are on each of these categories or below; those with none are left out."""
    rows = await db.fetch(
        "SELECT shelf_id, count(*) AS count FROM storefront_listing"
        " WHERE market_id = $1 AND shelf_id = ANY ($2::uuid[]) GROUP BY shelf_id",
        market_id,
        list(shelf_ids),
    )
    return {row["shelf_id"]: row["count"] for row in rows}
