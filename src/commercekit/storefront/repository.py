"""What list and detail read: one market, one language, statements that indexes serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from commercekit.platform.db import Database
from commercekit.storefront.models import ListQuery, Sort

__all__ = [
    "COUNTED",
    "Ranking",
    "Selection",
    "brand_counts",
    "category_counts",
    "count",
    "count_up_to",
    "has_any",
    "nth_product_id",
    "on_sale",
    "page",
    "product",
    "related",
    "summary",
    "variants",
    "variants_of",
]

COUNTED = 1000
"""Lists longer than this are not counted to the end."""

_SORTED = {
    Sort.NEWEST: ("product_id", "DESC", "<"),
    Sort.PRICE: ("price_min", "ASC", ">"),
    Sort.PRICE_DOWN: ("price_min", "DESC", "<"),
    Sort.NAME: ("name", "ASC", ">"),
}
_ITEM = (
    "product_id, slug, name, brand_slug, brand_name, price_min, price_max, compare_at, image_url,"
    " in_stock, low_stock"
)


@dataclass
class Selection:
    """The WHERE of a list, and the values in it."""

    conditions: list[str]
    values: list[Any] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        market_id: UUID,
        query: ListQuery,
        category_ids: Sequence[UUID] | None,
        searched: str | None = None,
    ) -> Selection:
        """What ``query`` asks for; ``category_ids`` is its category with all below it.

        ``searched`` is the ``tsquery`` of its words.
        """
        chosen = cls(["market_id = $1", "is_published", "price_min IS NOT NULL"], [market_id])
        if category_ids is not None:
            chosen.add("category_ids && {}::uuid[]", list(category_ids))
        if query.brands:
            chosen.add("brand_slug = ANY ({}::text[])", list(query.brands))
        if query.min_price is not None:
            chosen.add("price_min >= {}::bigint", query.min_price)
        if query.max_price is not None:
            chosen.add("price_min <= {}::bigint", query.max_price)
        if query.in_stock is not None:
            chosen.add("in_stock = {}::boolean", query.in_stock)
        if searched is not None:
            chosen.add("terms @@ {}::text::tsquery", searched)
        return chosen

    def add(self, condition: str, value: Any) -> None:
        """One more condition; ``{}`` stands for the value."""
        self.values.append(value)
        self.conditions.append(condition.format(f"${len(self.values)}"))

    @property
    def sql(self) -> str:
        """The conditions joined."""
        return " AND ".join(self.conditions)


def _named(language: str) -> str:
    """The SQL of a product's name in a language of the market, as a sort key."""
    if not language.replace("-", "").isalnum():
        raise ValueError(language)
    return (
        f"lower(coalesce(name->>'{language}', name->>'en',"
        " (SELECT min(t.value) FROM jsonb_each_text(name) t), '')) COLLATE \"C\""
    )


async def page(
    db: Database,
    where: Selection,
    *,
    sort: Sort,
    language: str,
    after: Sequence[str] | None,
    limit: int,
    ranked: Ranking | None = None,
) -> list[Any]:
    """Rows of one page, each with the ``sort_key`` that the next page starts after.

    By relevance there must be something to rank by.
    """
    if sort is Sort.RELEVANCE and ranked is not None:
        return await _page_by_relevance(db, where, ranked, after, limit)
    column, direction, beyond = _SORTED[sort]
    key = _named(language) if sort is Sort.NAME else column
    values = list(where.values)
    condition = where.sql
    if after is not None and sort is Sort.NEWEST:
        values.append(UUID(after[-1]))
        condition += f" AND product_id {beyond} ${len(values)}"
    elif after is not None:
        values.append(after[0] if sort is Sort.NAME else int(after[0]))
        values.append(UUID(after[-1]))
        kind = "text" if sort is Sort.NAME else "bigint"
        place = f"(${len(values) - 1}::{kind}, ${len(values)}::uuid)"
        condition += f" AND ({key}, product_id) {beyond} {place}"
    values.append(limit)
    order = (
        f"{key} {direction}"
        if sort is Sort.NEWEST
        else f"{key} {direction}, product_id {direction}"
    )
    return await db.fetch(
        f"SELECT {_ITEM}, {key} AS sort_key FROM storefront_product"
        f" WHERE {condition} ORDER BY {order} LIMIT ${len(values)}",
        *values,
    )


@dataclass(frozen=True)
class Ranking:
    """What to look for in each row, best first in groups of the same size, and what each counts."""

    queries: list[str]
    values: list[float]
    per_group: int


async def _page_by_relevance(
    db: Database, where: Selection, ranked: Ranking, after: Sequence[str] | None, limit: int
) -> list[Any]:
    values = [*where.values, ranked.queries, ranked.values]
    queries, counts = len(values) - 1, len(values)
    groups = [
        "CASE "
        + " ".join(
            f"WHEN terms @@ asked.q[{n}] THEN asked.v[{n}]"
            for n in range(start, start + ranked.per_group)
        )
        + " ELSE 0 END"
        for start in range(1, len(ranked.queries) + 1, ranked.per_group)
    ]
    beyond = ""
    if after is not None:
        values += [int(after[0]), UUID(after[1])]
        beyond = (
            f" WHERE (sort_key, product_id) < (${len(values) - 1}::bigint, ${len(values)}::uuid)"
        )
    values.append(limit)
    # The queries are read once, not once a row: OFFSET 0 keeps the planner from inlining them.
    return await db.fetch(
        f"SELECT * FROM (SELECT {_ITEM},"
        f" round(1000 * ({' + '.join(groups)}))::bigint AS sort_key"
        f" FROM (SELECT ${queries}::text[]::tsquery[] AS q, ${counts}::float8[] AS v OFFSET 0) asked,"
        f" storefront_product WHERE {where.sql}) found{beyond}"
        f" ORDER BY sort_key DESC, product_id DESC LIMIT ${len(values)}",
        *values,
    )


async def count_up_to(db: Database, where: Selection) -> int | None:
    """How many there are, ``None`` when more than :data:`COUNTED`."""
    count: int = await db.fetchval(
        f"SELECT count(*) FROM (SELECT FROM storefront_product WHERE {where.sql}"
        f" LIMIT {COUNTED + 1}) counted",
        *where.values,
    )
    return count if count <= COUNTED else None


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
        "SELECT brand_id, brand_slug, (array_agg(brand_name))[1] AS brand_name, count(*) AS count"
        f" FROM storefront_product WHERE {where.sql} AND brand_slug IS NOT NULL"
        " GROUP BY brand_id, brand_slug ORDER BY count(*) DESC, brand_slug",
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


async def product(db: Database, market_id: UUID, slug: str) -> Any:
    """The published product at an address, ``None`` if there is none."""
    return await db.fetchrow(
        f"SELECT {_ITEM}, brand_id, category_ids, page FROM storefront_product"
        " WHERE market_id = $1 AND slug = $2 AND is_published AND price_min IS NOT NULL",
        market_id,
        slug,
    )


async def variants(db: Database, market_id: UUID, product_id: UUID) -> list[Any]:
    """The variants that have a price, in their order."""
    return await db.fetch(
        "SELECT variant_id, sku, options, image_url, price, compare_at, available"
        " FROM storefront_variant WHERE market_id = $1 AND product_id = $2 AND price IS NOT NULL"
        " ORDER BY position, variant_id",
        market_id,
        product_id,
    )


async def count(db: Database, where: Selection) -> int:
    """How many there are, however many."""
    found: int = await db.fetchval(
        f"SELECT count(*) FROM storefront_product WHERE {where.sql}", *where.values
    )
    return found


async def related(
    db: Database,
    market_id: UUID,
    *,
    product_id: UUID,
    category_ids: Sequence[UUID],
    brand_id: UUID | None,
    tags: Sequence[str],
    limit: int,
) -> list[Any]:
    """What shares categories, brand and tags, most first; the newest 500 candidates are compared."""
    return await db.fetch(
        f"SELECT {_ITEM} FROM (SELECT * FROM storefront_product"
        " WHERE market_id = $1 AND is_published AND price_min IS NOT NULL AND product_id <> $2"
        " AND (category_ids && $3::uuid[] OR brand_id = $4 OR page->'tags' ?| $5::text[])"
        " ORDER BY product_id DESC LIMIT 500) near ORDER BY"
        " 2 * (SELECT count(*) FROM unnest(category_ids) AS c (id) WHERE c.id = ANY ($3::uuid[]))"
        " + (SELECT count(*) FROM jsonb_array_elements_text(page->'tags') AS t (tag)"
        "    WHERE t.tag = ANY ($5::text[]))"
        " + CASE WHEN brand_id = $4 THEN 1 ELSE 0 END DESC, product_id DESC LIMIT $6",
        market_id,
        product_id,
        list(category_ids),
        brand_id,
        list(tags),
        limit,
    )


async def nth_product_id(db: Database, market_id: UUID, skipped: int) -> UUID | None:
    """The newest product on sale after so many others."""
    found: UUID | None = await db.fetchval(
        "SELECT product_id FROM storefront_product WHERE market_id = $1 AND is_published"
        " AND price_min IS NOT NULL ORDER BY product_id DESC OFFSET $2 LIMIT 1",
        market_id,
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
