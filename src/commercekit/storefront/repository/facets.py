"""What a list can be narrowed by, with counts: each facet under all filters but its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from commercekit.platform.db import Database
from commercekit.storefront.repository.counts import brand_counts, category_counts, named_brands
from commercekit.storefront.repository.selection import ALL, Selection

__all__ = ["Counts", "facets"]


class Counts(NamedTuple):
    """How many products of a list there are of what."""

    categories: dict[UUID, int]
    brands: list[tuple[str, str, int]]
    """Slug, names by language as JSON, and how many; the most frequent first."""
    lowest: int | None
    highest: int | None
    in_stock: int


async def facets(db: Database, where: Selection) -> Counts:
    """Who filters by a brand still sees the others to choose, and so on."""
    if where.searched is not None:
        return await _of_words(db, where)
    priced, stocked = replace(where, min_price=None, max_price=None), replace(where, in_stock=None)
    prices = await _summary(db, priced)
    stock = prices if stocked == priced else await _summary(db, stocked)
    return Counts(
        categories=await category_counts(db, replace(where, shelf_id=None)),
        brands=[
            (row["brand_slug"], row["brand_name"], row["count"])
            for row in await brand_counts(db, replace(where, brands=()))
        ],
        lowest=prices["lowest"],
        highest=prices["highest"],
        in_stock=stock["in_stock"],
    )


async def _summary(db: Database, where: Selection) -> Any:
    """Price range, and how many are in stock."""
    listed, values = where.listed(where.is_narrowed)
    return await db.fetchrow(
        "SELECT min(price_min) AS lowest, max(price_min) AS highest,"
        f" count(*) FILTER (WHERE in_stock) AS in_stock FROM storefront_listing WHERE {listed}",
        *values,
    )


async def _of_words(db: Database, where: Selection) -> Counts:
    """The words are looked for once, whatever is counted of what they find.

    Of many products, all listings are read and kept if their product is among them; of few, each one's own.
    """
    alone = Selection(where.market_id, searched=where.searched, checked=where.checked)
    said, values = alone.said()
    shelf = f"(SELECT ${len(values) + 1}::uuid)"
    filters, asked = where.filters(
        len(values) + 2, brand="(brand_slug || '')", price="(price_min + 0)"
    )

    def all_but(own: str) -> str:
        return "".join(f" AND {sql}" for name, sql in filters.items() if name != own)

    listing = "storefront_listing WHERE market_id = $1 AND shelf_id"
    among = "AND (product_id IN (SELECT product_id FROM said)) IS TRUE"
    if where.frequent:
        listed = f"SELECT price_min, in_stock, brand_slug FROM {listing} = {shelf} {among}"
        shelves = f"SELECT shelf_id FROM {listing} <> '{ALL}' {among}{all_but('')}"
    else:
        listed = (
            "SELECT l.* FROM said, LATERAL (SELECT price_min, in_stock, brand_slug"
            f" FROM {listing} = {shelf} AND product_id = said.product_id OFFSET 0) l"
        )
        shelves = (
            "SELECT unnest(category_ids) AS shelf_id FROM said, LATERAL (SELECT category_ids"
            " FROM storefront_product p WHERE market_id = $1 AND p.product_id = said.product_id"
            f"{all_but('')} OFFSET 0) p"
        )
    brands = (
        f"SELECT brand_slug, count(*) AS count FROM listed WHERE brand_slug IS NOT NULL{all_but('brand')}"
        " GROUP BY brand_slug"
    )
    (row,) = await db.fetch(
        f"WITH said AS MATERIALIZED (SELECT product_id FROM {said}),"
        f" listed AS MATERIALIZED ({listed})"
        f" SELECT (SELECT json_object_agg(shelf_id, count) FROM (SELECT shelf_id, count(*) AS count"
        f" FROM ({shelves}) s GROUP BY shelf_id) c) AS categories,"
        " (SELECT json_agg(json_build_array(brand_slug, brand_name::text, count)"
        f" ORDER BY count DESC, brand_slug) FROM ({named_brands(brands)}) b) AS brands,"
        f" (SELECT min(price_min) FROM listed WHERE true{all_but('price')}) AS lowest,"
        f" (SELECT max(price_min) FROM listed WHERE true{all_but('price')}) AS highest,"
        f" (SELECT count(*) FROM listed WHERE in_stock{all_but('stock')}) AS in_stock",
        *values,
        where.shelf_id or ALL,
        *asked,
    )
    return Counts(
        categories=msgspec.json.decode(row["categories"] or "{}", type=dict[UUID, int]),
        brands=msgspec.json.decode(row["brands"] or "[]", type=list[tuple[str, str, int]]),
        lowest=row["lowest"],
        highest=row["highest"],
        in_stock=row["in_stock"],
    )
