"""Single products with all that belongs to them, what is near them, and all of them in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from commercekit.platform.db import Database
from commercekit.storefront.repository.lists import ITEM
from commercekit.storefront.repository.selection import ALL

__all__ = [
    "chosen_related",
    "nth_product_id",
    "on_sale",
    "product",
    "related",
    "variants_of",
]

_COMPARED = 500
_PRODUCT = f"""
    SELECT {ITEM}, brand_id, category_ids, page, (
        SELECT json_agg(json_build_array(v.variant_id, v.sku, v.options, v.image_url, v.price,
                                         v.compare_at, v.available, v.lowest_30d)
                        ORDER BY v.position, v.variant_id)
        FROM storefront_variant v
        WHERE v.market_id = p.market_id AND v.product_id = p.product_id AND v.price IS NOT NULL
    ) AS variants
    FROM storefront_product p
    WHERE market_id = $1 AND slug = $2 AND is_published AND price_min IS NOT NULL
"""


async def product(db: Database, market_id: UUID, slug: str) -> Any:
    """The published product at an address, with its ``variants`` as JSON; ``None`` if there is none."""
    # Not fetchrow: its limit keeps the portal open, and closing that costs PostgreSQL more than it spares.
    rows = await db.fetch(_PRODUCT, market_id, slug)
    return rows[0] if rows else None


async def related(
    db: Database,
    market_id: UUID,
    *,
    product_id: UUID,
    category_ids: Sequence[UUID],
    brand: str | None,
    tags: Sequence[str],
    limit: int,
) -> list[Any]:
    """What shares categories, brand and tags, most first.

    The newest of each category and of the brand are compared, and of those with its tags the ones that are
    among the newest of all: that takes the same time in a shop of any size.
    """
    return await db.fetch(
        "WITH near AS ("
        " SELECT l.product_id FROM unnest($3::uuid[]) AS c (id), LATERAL (SELECT product_id"
        " FROM storefront_listing WHERE market_id = $1 AND shelf_id = c.id"
        f" ORDER BY product_id DESC LIMIT {_COMPARED}) l"
        " UNION (SELECT product_id FROM storefront_listing WHERE market_id = $1 AND shelf_id = $7"
        f" AND brand_slug = $4 ORDER BY product_id DESC LIMIT {_COMPARED})"
        " UNION SELECT product_id FROM (SELECT product_id, page FROM storefront_product"
        " WHERE market_id = $1 AND cardinality($5::text[]) > 0"
        f" ORDER BY product_id DESC LIMIT {_COMPARED}) newest"
        " WHERE page->'tags' ?| $5::text[])"
        f" SELECT {ITEM} FROM near JOIN storefront_product USING (product_id)"
        " WHERE market_id = $1 AND is_published AND price_min IS NOT NULL AND product_id <> $2"
        " ORDER BY"
        " 2 * (SELECT count(*) FROM unnest(category_ids) AS c (id) WHERE c.id = ANY ($3::uuid[]))"
        " + (SELECT count(*) FROM jsonb_array_elements_text(page->'tags') AS t (tag)"
        "    WHERE t.tag = ANY ($5::text[]))"
        " + CASE WHEN brand_slug = $4 THEN 1 ELSE 0 END DESC, product_id DESC LIMIT $6",
        market_id,
        product_id,
        list(category_ids),
        brand,
        list(tags),
        limit,
        ALL,
    )


async def chosen_related(
    db: Database, market_id: UUID, product_ids: Sequence[UUID], limit: int
) -> list[Any]:
    """Those of these products that are on sale, in this order."""
    return await db.fetch(
        f"SELECT {ITEM} FROM storefront_product WHERE market_id = $1 AND is_published"
        " AND price_min IS NOT NULL AND product_id = ANY ($2::uuid[])"
        " ORDER BY array_position($2::uuid[], product_id) LIMIT $3",
        market_id,
        list(product_ids),
        limit,
    )


async def nth_product_id(db: Database, market_id: UUID, skipped: int) -> UUID | None:
    """The newest product on sale after so many others."""
    found: UUID | None = await db.fetchval(
        "SELECT product_id FROM storefront_listing WHERE market_id = $1 AND shelf_id = $2"
        " ORDER BY product_id DESC OFFSET $3 LIMIT 1",
        market_id,
        ALL,
        skipped,
    )
    return found


async def on_sale(
    db: Database, market_id: UUID, *, first: UUID | None, after: UUID | None, limit: int
) -> list[Any]:
    """Products on sale, newest first, from ``first`` on or after ``after``."""
    return await db.fetch(
        "SELECT product_id, slug, name, brand_name, image_url, page, updated_at"
        " FROM storefront_product WHERE market_id = $1 AND is_published"
        " AND price_min IS NOT NULL AND ($2::uuid IS NULL OR product_id <= $2)"
        " AND ($3::uuid IS NULL OR product_id < $3) ORDER BY product_id DESC LIMIT $4",
        market_id,
        first,
        after,
        limit,
    )


async def variants_of(db: Database, market_id: UUID, product_ids: Sequence[UUID]) -> list[Any]:
    """The variants of these products that have a price, each product's in their order."""
    return await db.fetch(
        "SELECT product_id, sku, options, image_url, price, compare_at, available"
        " FROM storefront_variant WHERE market_id = $1 AND product_id = ANY ($2::uuid[])"
        " AND price IS NOT NULL ORDER BY product_id, position, variant_id",
        market_id,
        list(product_ids),
    )
