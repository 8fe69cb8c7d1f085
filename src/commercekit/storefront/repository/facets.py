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
    """The words are looked for once, and what they find is gone through once, whatever is counted of it."""
    said, values = Selection(where.market_id, searched=where.searched, checked=where.checked).said()
    place = len(values) + 1
    shelf = f"(SELECT ${place}::uuid)"
    filters, asked = where.filters(place + 1, brand="(brand_slug || '')", price="(price_min + 0)")

    def but(own: str) -> str:
        return " AND ".join(sql for name, sql in filters.items() if name != own) or "true"

    counted = (
        f"count(*) FILTER (WHERE {but('brand')}) AS of_brand,"
        f" min(price_min) FILTER (WHERE {but('price')}) AS lowest,"
        f" max(price_min) FILTER (WHERE {but('price')}) AS highest,"
        f" count(*) FILTER (WHERE in_stock AND {but('stock')}) AS in_stock"
    )
    parts = (_among_all if where.frequent else _one_by_one)(shelf, counted, but(""))
    brands = named_brands(
        "SELECT brand_slug, of_brand AS count FROM brands WHERE brand_slug IS NOT NULL AND of_brand > 0"
    )
    (row,) = await db.fetch(
        f"WITH said AS MATERIALIZED (SELECT product_id FROM {said}), {parts} SELECT"
        " (SELECT json_object_agg(shelf_id, count) FROM shelves WHERE count > 0) AS categories,"
        " (SELECT json_agg(json_build_array(brand_slug, brand_name::text, count)"
        f" ORDER BY count DESC, brand_slug) FROM ({brands}) named) AS brands,"
        " min(lowest) AS lowest, max(highest) AS highest,"
        " coalesce(sum(in_stock), 0)::bigint AS in_stock FROM brands",
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


def _one_by_one(shelf: str, counted: str, every: str) -> str:
    """What few products have is asked of each."""
    return (
        "listed AS MATERIALIZED (SELECT p.* FROM said, LATERAL (SELECT price_min, in_stock, brand_slug,"
        " category_ids FROM storefront_product p WHERE market_id = $1"
        " AND p.product_id = said.product_id OFFSET 0) p),"
        f" brands AS MATERIALIZED (SELECT brand_slug, {counted} FROM listed"
        f" WHERE {shelf} = ANY ('{ALL}'::uuid || category_ids) GROUP BY brand_slug),"
        " shelves AS (SELECT shelf_id, count(*) AS count FROM listed, unnest(category_ids) AS shelf_id"
        f" WHERE {every} GROUP BY shelf_id)"
    )


def _among_all(shelf: str, counted: str, every: str) -> str:
    """Of many products, the market's listings are read from end to end, and those of others left out."""
    return (
        "listed AS MATERIALIZED (SELECT shelf_id,"
        f" CASE WHEN shelf_id = {shelf} THEN brand_slug END AS brand_slug, {counted},"
        f" count(*) FILTER (WHERE {every}) AS every FROM storefront_listing WHERE market_id = $1"
        f" AND (shelf_id = {shelf} OR shelf_id <> '{ALL}')"
        " AND (product_id IN (SELECT product_id FROM said)) IS TRUE GROUP BY 1, 2),"
        f" brands AS (SELECT * FROM listed WHERE shelf_id = {shelf}),"
        " shelves AS (SELECT shelf_id, sum(every)::bigint AS count FROM listed"
        f" WHERE shelf_id <> '{ALL}' GROUP BY shelf_id)"
    )
