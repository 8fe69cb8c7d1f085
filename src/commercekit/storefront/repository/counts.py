"""How many products there are of what."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from commercekit.platform.db import Database
from commercekit.storefront.repository.lists import COUNTED, Selection

__all__ = [
    "brand_counts",
    "category_counts",
    "count",
    "count_up_to",
    "has_any",
    "summary",
]


async def count(db: Database, where: Selection) -> int:
    """How many there are, however many."""
    found: int = await db.fetchval(
        f"SELECT count(*) FROM storefront_product WHERE {where.sql}", *where.values
    )
    return found


async def count_up_to(db: Database, where: Selection) -> int:
    """How many there are, at most one above :data:`COUNTED`."""
    found: int = await db.fetchval(
        f"SELECT count(*) FROM (SELECT FROM storefront_product WHERE {where.sql}"
        f" LIMIT {COUNTED + 1}) counted",
        *where.values,
    )
    return found


async def has_any(db: Database, where: Selection) -> bool:
    """Whether there is one at all."""
    found: bool = await db.fetchval(
        f"SELECT EXISTS (SELECT FROM storefront_product WHERE {where.sql})", *where.values
    )
    return found


async def summary(db: Database, where: Selection) -> Any:
    """Price range, and how many are in stock."""
    return await db.fetchrow(
        "SELECT min(price_min) AS lowest, max(price_min) AS highest,"
        f" count(*) FILTER (WHERE in_stock) AS in_stock FROM storefront_product WHERE {where.sql}",
        *where.values,
    )


async def brand_counts(db: Database, where: Selection) -> list[Any]:
    """Brands of the selection with counts, the most frequent first."""
    return await db.fetch(
        "SELECT counted.*, (SELECT brand_name FROM storefront_product named"
        " WHERE named.market_id = $1 AND named.brand_slug = counted.brand_slug LIMIT 1) AS brand_name"
        " FROM (SELECT brand_id, brand_slug, count(*) AS count"
        f" FROM storefront_product WHERE {where.sql} AND brand_slug IS NOT NULL"
        " GROUP BY brand_id, brand_slug) counted ORDER BY count DESC, brand_slug",
        *where.values,
    )


async def category_counts(db: Database, where: Selection) -> dict[UUID, int]:
    """Categories of the selection, each with the products on it or below it."""
    rows = await db.fetch(
        "SELECT category_id, count(*) AS count FROM storefront_product,"
        f" unnest(category_ids) AS category_id WHERE {where.sql} GROUP BY category_id",
        *where.values,
    )
    return {row["category_id"]: row["count"] for row in rows}
