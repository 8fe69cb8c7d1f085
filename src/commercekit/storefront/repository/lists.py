"""Pages of lists: which products, in which order, from which place on, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from commercekit.platform.db import Database
from commercekit.storefront.models import ListQuery, Sort

__all__ = ["COUNTED", "FREQUENT", "ITEM", "Ranking", "Selection", "page"]

COUNTED = 1000
"""Lists longer than this are not counted to the end, and searches rank the newest of so many."""

ITEM = (
    "product_id, slug, name, brand_slug, brand_name, price_min, price_max, compare_at, image_url,"
    " in_stock, low_stock"
)
FREQUENT = 300
"""So many of the newest are ranked of what frequent words find; there are more than anybody looks at."""
_WALKED = 20_000
_ALWAYS = 3
"""Conditions that every selection has."""
_SORTED = {
    Sort.NEWEST: ("product_id", "DESC", "<"),
    Sort.PRICE: ("price_min", "ASC", ">"),
    Sort.PRICE_DOWN: ("price_min", "DESC", "<"),
    Sort.NAME: ("name", "ASC", ">"),
}


@dataclass
class Selection:
    """The WHERE of a list, and the values in it."""

    conditions: list[str]
    values: list[Any] = field(default_factory=list)
    words: str | None = None
    """What is looked for in the rows that the rest finds, one by one."""

    @classmethod
    def of(
        cls,
        market_id: UUID,
        query: ListQuery,
        category_id: UUID | None,
        searched: str | None = None,
        *,
        frequent: bool = False,
    ) -> Selection:
        """What ``query`` asks for; ``category_id`` is its category.

        ``searched`` is the ``tsquery`` of its words. When they are ``frequent`` the index of words is
        left aside: it would bring more rows than it spares.
        """
        chosen = cls(["market_id = $1", "is_published", "price_min IS NOT NULL"], [market_id])
        # Categories and stock stand in the statement itself: some categories have half of the products
        # and some have two, and only who plans for the one asked for knows which way is short.
        if category_id is not None:
            # Products name the categories above their own too.
            chosen.conditions.append(f"category_ids @> ARRAY['{category_id}'::uuid]")
        if query.in_stock is not None:
            chosen.conditions.append("in_stock" if query.in_stock else "NOT in_stock")
        if query.brands:
            chosen.add("brand_slug = ANY ({}::text[])", list(query.brands))
        if query.min_price is not None:
            chosen.add("price_min >= {}::bigint", query.min_price)
        if query.max_price is not None:
            chosen.add("price_min <= {}::bigint", query.max_price)
        if searched is not None:
            chosen.add("terms @@ {}::tsquery", searched)
            if frequent:
                chosen.words = chosen.conditions.pop()
        return chosen

    def add(self, condition: str, value: Any) -> None:
        """One more condition; ``{}`` stands for the value."""
        self.values.append(value)
        self.conditions.append(condition.format(f"${len(self.values)}"))

    @property
    def sql(self) -> str:
        """The conditions joined."""
        rest = [f"({self.words}) IS TRUE"] if self.words else []
        return " AND ".join([*self.conditions, *rest])

    @property
    def is_all(self) -> bool:
        """Whether it is everything on sale in the market."""
        return len(self.conditions) == _ALWAYS and self.words is None


@dataclass(frozen=True)
class Ranking:
    """What to look for in each row, best first in groups of the same size, and what each counts."""

    queries: list[str]
    values: list[float]
    per_group: int


def _named(language: str) -> str:
    """The SQL of a product's name in a language of the market, as a sort key."""
    if not language.replace("-", "").isalnum():
        raise ValueError(language)
    return f"storefront_name_key(name, '{language}') COLLATE \"C\""


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
    """Rows of one page, in one statement: :data:`ITEM`, ``sort_key`` and ``total``.

    The next page starts after the last ``sort_key``; the ``total`` of the list is at most one above
    :data:`COUNTED`. By relevance there must be something to rank by.
    """
    if sort is Sort.RELEVANCE and ranked is not None:
        return await _page_by_relevance(db, where, ranked, after, limit)
    column, direction, beyond = _SORTED[sort]
    key = _named(language) if sort is Sort.NAME else column
    values = list(where.values)
    place = ""
    if after is not None:
        if sort is not Sort.NEWEST:
            values.append(after[0] if sort is Sort.NAME else int(after[0]))
        values.append(UUID(after[-1]))
        place = f"${len(values)}::uuid"
        if sort is not Sort.NEWEST:
            kind = "text" if sort is Sort.NAME else "bigint"
            place = f"(${len(values) - 1}::{kind}, {place})"
    shape = _everything if where.is_all else _some
    order = "" if sort is Sort.NEWEST else f"{{key}} {direction}, "
    return await db.fetch(
        shape(
            where.sql,
            key=key,
            order=f"{order}product_id {direction}",
            beyond=f" AND {'{key}' if sort is Sort.NEWEST else '({key}, product_id)'} {beyond} {place}"
            if place
            else "",
            limit=limit,
        ),
        *values,
    )


def _everything(where: str, *, key: str, order: str, beyond: str, limit: int) -> str:
    """All that is on sale: the index of the order gives the page, and is counted beside it."""
    return (
        f"SELECT {ITEM}, {key} AS sort_key, (SELECT count(*) FROM"
        f" (SELECT FROM storefront_product WHERE {where} LIMIT {COUNTED + 1}) counted) AS total"
        f" FROM storefront_product WHERE {where}{beyond.format(key=key)}"
        f" ORDER BY {order.format(key=key)} LIMIT {limit}"
    )


def _some(where: str, *, key: str, order: str, beyond: str, limit: int) -> str:
    """Part of what is on sale, which may be ten products or half of all.

    No estimate decides how to read it, since estimates of words and categories are guesses: up to
    :data:`COUNTED` are found by their own index, counted, and sorted if that is all. When there are more,
    every so many rows of the order's index are one of them, so that walking it fills a page soon.
    """
    return (
        f"WITH found AS MATERIALIZED (SELECT product_id, {key} AS sort_key FROM storefront_product"
        f" WHERE {where} LIMIT {COUNTED + 1}),"
        " counted AS (SELECT count(*) AS total FROM found)"
        f" SELECT {ITEM}, sort_key, total FROM ("
        f"(SELECT product_id AS found_id, sort_key FROM found"
        f" WHERE (SELECT total FROM counted) <= {COUNTED}{beyond.format(key='sort_key')}"
        f" ORDER BY {order.format(key='sort_key')} LIMIT {limit})"
        f" UNION ALL (SELECT product_id, {key} FROM storefront_product"
        f" WHERE (SELECT total FROM counted) > {COUNTED} AND {where}{beyond.format(key=key)}"
        f" ORDER BY {order.format(key=key)} LIMIT {limit})) place"
        " JOIN storefront_product ON market_id = $1 AND product_id = found_id, counted"
        f" ORDER BY {order.format(key='sort_key')}"
    )


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
    found = f"SELECT {ITEM}, terms FROM storefront_product WHERE {' AND '.join(where.conditions)}"
    found += " ORDER BY product_id DESC"
    enough, total = COUNTED + 1, "count(*)"
    if where.words:
        # Kept out of the walk, where the planner would take the words for rare ones. The inner LIMIT is
        # what makes it walk; nobody gets that far.
        found = f"SELECT * FROM ({found} LIMIT {_WALKED}) newest WHERE {where.words}"
        enough, total = (
            FREQUENT,
            f"CASE count(*) WHEN {FREQUENT} THEN {COUNTED + 1} ELSE count(*) END",
        )
    # The queries are read once, not once a row: here OFFSET 0 keeps the planner from inlining them.
    return await db.fetch(
        f"WITH found AS MATERIALIZED ({found} LIMIT {enough})"
        f" SELECT *, (SELECT {total} FROM found) AS total FROM (SELECT {ITEM},"
        f" round(1000 * ({' + '.join(groups)}))::bigint AS sort_key"
        f" FROM (SELECT ${queries}::tsquery[] AS q, ${counts}::float8[] AS v OFFSET 0) asked,"
        f" found) ranked{beyond}"
        f" ORDER BY sort_key DESC, product_id DESC LIMIT {limit}",
        *values,
    )
