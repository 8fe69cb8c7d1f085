"""Pages of lists: which products, in which order, from which place on, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from commercekit.platform.db import Database
from commercekit.storefront.models import Sort
from commercekit.storefront.repository.selection import ALL, Selection

__all__ = ["COUNTED", "FREQUENT", "ITEM", "Ranking", "is_walked_through", "page"]

COUNTED = 1000
"""Lists longer than this are not counted to the end, and searches rank the newest of so many."""

ITEM = (
    "product_id, slug, name, brand_slug, brand_name, price_min, price_max, compare_at, image_url,"
    " in_stock, low_stock"
)
FREQUENT = 300
"""So many of the newest are ranked of what frequent words find; there are more than anybody looks at."""
_WALKED = 20_000
_SORTED = {
    Sort.NEWEST: ("product_id", "DESC", "<"),
    Sort.PRICE: ("price_min", "ASC", ">"),
    Sort.PRICE_DOWN: ("price_min", "DESC", "<"),
    Sort.NAME: ("name", "ASC", ">"),
}


@dataclass(frozen=True)
class Ranking:
    """What to look for in each row, best first in groups of the same size, and what each counts."""

    queries: list[str]
    values: list[float]
    per_group: int


class _Order(NamedTuple):
    """The order of a list and the place to go on from, in which ``{key}`` stands for the sort key."""

    key: str
    by: str
    beyond: str
    after: list[Any]
    """The place's values, which come after those of the selection."""

    def end(self, key: str | None = None, *, limit: int) -> str:
        """How a statement in this order ends."""
        return f"ORDER BY {self.by.format(key=key or self.key)} LIMIT {limit}"

    def going_on(self, key: str | None = None) -> str:
        """The condition that leaves out what stood on the pages before."""
        return self.beyond.format(key=key or self.key)


def _named(language: str) -> str:
    """The SQL of a product's name in a language of the market, as a sort key."""
    if not language.replace("-", "").isalnum():
        raise ValueError(language)
    return f"storefront_name_key(name, '{language}') COLLATE \"C\""


def _order(sort: Sort, language: str, after: Sequence[str] | None, taken: int) -> _Order:
    """The order, with the values of the place after ``taken`` others."""
    column, direction, than = _SORTED[sort]
    key = _named(language) if sort is Sort.NAME else column
    by = f"product_id {direction}"
    if sort is not Sort.NEWEST:
        by = f"{{key}} {direction}, {by}"
    if after is None:
        return _Order(key, by, "", [])
    if sort is Sort.NEWEST:
        return _Order(key, by, f" AND {{key}} {than} ${taken + 1}::uuid", [UUID(after[-1])])
    kind, place = ("text", after[0]) if sort is Sort.NAME else ("bigint", int(after[0]))
    beyond = f" AND ({{key}}, product_id) {than} (${taken + 1}::{kind}, ${taken + 2}::uuid)"
    return _Order(key, by, beyond, [place, UUID(after[-1])])


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
    values = where.sold().values if where.searched is not None else where.listed(None).values
    order = _order(sort, language, after, len(values))
    if where.searched is not None:
        sql = _searched(where, sort, order, limit)
    elif sort is Sort.NAME:
        sql = _by_name(where, order, limit)
    elif _is_in_order(where, sort):
        sql = _in_order(where, order, limit)
    else:
        sql = _some(where, sort, order, limit)
    return await db.fetch(sql, *values, *order.after)


def _is_in_order(where: Selection, sort: Sort) -> bool:
    """Whether one index has what is asked for, in the order that is asked for."""
    narrowed = where.is_narrowed
    if narrowed == "brand":
        return sort is Sort.NEWEST and len(where.brands) == 1
    return narrowed is None or sort is not Sort.NEWEST


def _items(found: str, order: _Order) -> str:
    """Whole rows for what was ``found``, with the count beside them."""
    return (
        f"SELECT {ITEM}, sort_key, total FROM ({found}) place"
        " JOIN storefront_product ON market_id = $1 AND product_id = found_id, counted"
        f" ORDER BY {order.by.format(key='sort_key')}"
    )


def _in_order(where: Selection, order: _Order, limit: int) -> str:
    """One index is walked from the place on, and counted from its beginning."""
    listed = where.listed(where.is_narrowed).sql
    found = (
        f"SELECT product_id AS found_id, {order.key} AS sort_key FROM storefront_listing"
        f" WHERE {listed}{order.going_on()} {order.end(limit=limit)}"
    )
    return (
        "WITH counted AS MATERIALIZED (SELECT count(*) AS total FROM"
        f" (SELECT FROM storefront_listing WHERE {listed} LIMIT {COUNTED + 1}) every)"
        f" {_items(found, order)}"
    )


def _some(where: Selection, sort: Sort, order: _Order, limit: int) -> str:
    """Part of a shelf, which may be ten products or half of it.

    No estimate decides how to read it: up to :data:`COUNTED` are found by the index of the filter, counted,
    and sorted if that is all. When there are more, every so many entries of the order's index are one of
    them, so that walking it fills a page soon.
    """
    found = where.listed(where.is_narrowed).sql
    walked = where.listed(None if sort is Sort.NEWEST else "price").sql
    return _counted(f"product_id, {order.key} AS sort_key", "storefront_listing", found) + _items(
        _few(order, "found", limit)
        + " UNION ALL "
        + _many(order, "storefront_listing", walked, limit),
        order,
    )


def _by_name(where: Selection, order: _Order, limit: int) -> str:
    """Listings have no names: a few are sorted by those of their products, for more their index is walked."""
    found = where.listed(where.is_narrowed).sql
    named = (
        f"(SELECT product_id, {order.key} AS sort_key FROM found"
        " JOIN storefront_product USING (product_id) WHERE market_id = $1) named"
    )
    return _counted("product_id", "storefront_listing", found) + _items(
        _few(order, named, limit)
        + " UNION ALL "
        + _many(order, "storefront_product", where.sold(beside=True).sql, limit),
        order,
    )


def _searched(where: Selection, sort: Sort, order: _Order, limit: int) -> str:
    """What words find, in another order than by relevance."""
    sold = where.sold().sql
    many = _many(order, "storefront_product", sold, limit)
    if where.frequent and sort in (Sort.PRICE, Sort.PRICE_DOWN):
        # Listings have the order, the products behind them the words. OFFSET 0 keeps the two apart.
        shelf = f"shelf_id = '{where.shelf_id or ALL}'::uuid"
        many = (
            "(SELECT product_id, price_min FROM (SELECT product_id, price_min FROM storefront_listing"
            f" WHERE market_id = $1 AND {shelf}) l, LATERAL (SELECT FROM storefront_product p"
            f" WHERE p.product_id = l.product_id AND {sold} OFFSET 0) p"
            f" WHERE {_is_long()}{order.going_on()} {order.end(limit=limit)})"
        )
    return _counted(f"product_id, {order.key} AS sort_key", "storefront_product", sold) + _items(
        _few(order, "found", limit) + " UNION ALL " + many, order
    )


def _counted(columns: str, table: str, where: str) -> str:
    return (
        f"WITH found AS MATERIALIZED (SELECT {columns} FROM {table} WHERE {where}"
        f" LIMIT {COUNTED + 1}), counted AS (SELECT count(*) AS total FROM found) "
    )


def _is_long() -> str:
    return f"(SELECT total FROM counted) > {COUNTED}"


def _few(order: _Order, found: str, limit: int) -> str:
    return (
        f"(SELECT product_id AS found_id, sort_key FROM {found} WHERE NOT {_is_long()}"
        f"{order.going_on('sort_key')} {order.end('sort_key', limit=limit)})"
    )


def _many(order: _Order, table: str, where: str, limit: int) -> str:
    return (
        f"(SELECT product_id, {order.key} FROM {table} WHERE {_is_long()} AND {where}"
        f"{order.going_on()} {order.end(limit=limit)})"
    )


async def is_walked_through(db: Database, where: Selection) -> bool:
    """Whether frequent words were looked for in all of a part, so that there are no others in it."""
    if not where.is_part:
        return False
    listed, values = where.listed(where.is_narrowed)
    found: int = await db.fetchval(
        f"SELECT count(*) FROM (SELECT FROM storefront_listing WHERE {listed} LIMIT {_WALKED + 1}) part",
        *values,
    )
    return found <= _WALKED


def _frequent_in_part(where: Selection) -> tuple[str, list[Any]]:
    """Frequent words in a part of the shop: of what listings have in it, newest first, rows are looked at.

    OFFSET 0 keeps the two apart.
    """
    listed, values = where.listed(None)
    values = [*values, where.searched]
    return (
        "SELECT l.product_id, p.terms FROM (SELECT product_id FROM storefront_listing"
        f" WHERE {listed} ORDER BY product_id DESC LIMIT {_WALKED}) l, LATERAL (SELECT terms"
        " FROM storefront_product p WHERE p.market_id = $1 AND p.product_id = l.product_id"
        f" AND terms @@ (SELECT ${len(values)}::tsquery) OFFSET 0) p",
        values,
    )


async def _page_by_relevance(
    db: Database, where: Selection, ranked: Ranking, after: Sequence[str] | None, limit: int
) -> list[Any]:
    sold, values = where.sold()
    if where.frequent and where.is_part:
        sold, values = _frequent_in_part(where)
    values = [*values, ranked.queries, ranked.values]
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
    found = "SELECT product_id, terms FROM storefront_product WHERE {}"
    newest = " ORDER BY product_id DESC LIMIT {}"
    total = "count(*)"
    if where.frequent and where.is_part:
        found = f"{sold} LIMIT {FREQUENT}"
    elif where.frequent:
        rest, said, _ = where.sold_and_said()
        # Kept out of the walk, where the planner would take the words for rare ones. The inner LIMIT is
        # what makes it walk; nobody gets that far.
        walked = found.format(rest) + newest.format(_WALKED)
        found = f"SELECT * FROM ({walked}) newest WHERE {said} LIMIT {FREQUENT}"
    else:
        found = found.format(sold) + newest.format(COUNTED + 1)
    if where.frequent:
        total = f"CASE count(*) WHEN {FREQUENT} THEN {COUNTED + 1} ELSE count(*) END"
    # The queries are read once, not once a row: here OFFSET 0 keeps the planner from inlining them.
    return await db.fetch(
        f"WITH found AS MATERIALIZED ({found}),"
        f" best AS (SELECT * FROM (SELECT product_id AS found_id,"
        f" round(1000 * ({' + '.join(groups)}))::bigint AS sort_key"
        f" FROM (SELECT ${queries}::tsquery[] AS q, ${counts}::float8[] AS v OFFSET 0) asked,"
        f" found) ranked{beyond.replace('product_id', 'found_id')}"
        f" ORDER BY sort_key DESC, found_id DESC LIMIT {limit})"
        f" SELECT {ITEM}, sort_key, (SELECT {total} FROM found) AS total FROM best"
        " JOIN storefront_product ON market_id = $1 AND product_id = found_id"
        " ORDER BY sort_key DESC, product_id DESC",
        *values,
    )
