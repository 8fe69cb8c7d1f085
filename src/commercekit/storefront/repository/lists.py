"""Pages of lists: which products, in which order, from which place on, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from commercekit.platform.db import Database
from commercekit.storefront.models import Sort
from commercekit.storefront.repository.selection import WALKED, Conditions, Selection, said_of
from commercekit.storefront.rules.plans import Rung, Tiers

__all__ = ["COUNTED", "FREQUENT", "ITEM", "Ranking", "is_walked_through", "page"]

COUNTED = 1000
"""Lists longer than this are not counted to the end, and searches rank the newest of so many."""

ITEM = (
    "product_id, slug, name, brand_slug, brand_name, price_min, price_max, compare_at, image_url,"
    " in_stock, low_stock"
)
FREQUENT = 300
"""So many of the newest are ranked of what frequent words find; there are more than anybody looks at."""
_SORTED = {
    Sort.NEWEST: ("product_id", "DESC", "<"),
    Sort.PRICE: ("price_min", "ASC", ">"),
    Sort.PRICE_DOWN: ("price_min", "DESC", "<"),
    Sort.NAME: ("name", "ASC", ">"),
}
_BY_PRICE = (Sort.PRICE, Sort.PRICE_DOWN)


@dataclass(frozen=True)
class Ranking:
    """For each thing asked for, what to look for in a row, and what it counts."""

    groups: Sequence[Tiers]

    def of_terms(self, first: int) -> Conditions:
        """What a row counts by its ``terms``, with values from ``first`` on.

        Groups that are alike stand beside each other, so that there are few statements. Their words are one
        value each: of an array they would be looked up for every row anew.
        """
        counts: list[int] = []
        queries: list[str] = []

        def has(query: str) -> str:
            queries.append(query)
            return f"terms @@ ${first + len(queries)}::tsquery"

        def best(rungs: Sequence[Rung]) -> str:
            cases, otherwise = "", "0"
            for query, count in rungs:
                counts.append(count)
                counted = f"(${first}::bigint[])[{len(counts)}]"
                if query is None:
                    otherwise = counted
                else:
                    cases += f" WHEN {has(query)} THEN {counted}"
            return f"CASE{cases} ELSE {otherwise} END" if cases else otherwise

        sums = [
            f"CASE WHEN {has(group.named)} THEN {best(group.of_named)}"
            f" ELSE {best(group.of_others)} END"
            for group in sorted(self.groups, key=_shape)
        ]
        return Conditions(f"({' + '.join(sums)} + 5) / 10", [counts, *queries])


def _shape(tiers: Tiers) -> tuple[int, int, bool]:
    """What its statement looks like."""
    others = tiers.of_others
    return len(tiers.of_named), len(others), others[-1][0] is None


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
    source = where.listed(None) if where.searched is None else where.said(listed=sort in _BY_PRICE)
    order = _order(sort, language, after, len(source.values))
    if where.searched is not None:
        sql = _searched(where, sort, order, limit)
    elif sort is Sort.NAME:
        sql = _by_name(where, order, limit)
    elif _is_in_order(where, sort):
        sql = _in_order(where, order, limit)
    else:
        sql = _some(where, sort, order, limit)
    return await db.fetch(sql, *source.values, *order.after)


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
    return _counted(f"product_id, {order.key} AS sort_key", f"storefront_listing WHERE {found}") + (
        _items(
            _few(order, "found", limit)
            + " UNION ALL "
            + _many(order, f"storefront_listing WHERE {walked}", limit),
            order,
        )
    )


def _by_name(where: Selection, order: _Order, limit: int) -> str:
    """Listings have no names: a few are sorted by those of their products, for more their index is walked."""
    found = f"storefront_listing WHERE {where.listed(where.is_narrowed).sql}"
    return _few_or_many(found, f"storefront_product WHERE {where.sold()}", order, limit)


def _searched(where: Selection, sort: Sort, order: _Order, limit: int) -> str:
    """What words find, in another order than by relevance.

    What rare words find is sorted, however many there are. On the way through a list of the shop in that
    order, frequent ones soon fill a page.
    """
    found = where.said(where.is_narrowed).sql
    if sort in _BY_PRICE:
        if not where.is_part:
            found = where.said_anywhere(len(where.listed(None).values) + 1).sql
        many = where.said("price", listed=True).sql
    elif sort is Sort.NEWEST:
        many = where.said().sql
    elif where.frequent:
        first = len(where.listed(None).values) + 1 if where.is_part else 2
        many = f"storefront_product p, {said_of('p', where.words(first).sql)} WHERE {where.sold()}"
    else:
        many = f"(SELECT product_id FROM {found}) said JOIN storefront_product USING (product_id)"
        many += " WHERE market_id = $1"
    return _few_or_many(found, many, order, limit)


def _few_or_many(found: str, many: str, order: _Order, limit: int) -> str:
    """A few are sorted by what their products' rows say; ``many`` have them in order.

    OFFSET 0 keeps PostgreSQL from going through all of the shop in that order for the few.
    """
    keyed = "(SELECT product_id, product_id AS sort_key FROM found) keyed"
    if order.key != "product_id":
        keyed = (
            f"(SELECT product_id, {order.key} AS sort_key FROM found"
            " JOIN storefront_product USING (product_id) WHERE market_id = $1 OFFSET 0) keyed"
        )
    return _counted("product_id", found) + _items(
        _few(order, keyed, limit) + " UNION ALL " + _many(order, many, limit), order
    )


def _counted(columns: str, source: str) -> str:
    """What there is of a ``source``, with its conditions: up to one more than are counted."""
    return (
        f"WITH found AS MATERIALIZED (SELECT {columns} FROM {source}"
        f" LIMIT {COUNTED + 1}), counted AS (SELECT count(*) AS total FROM found) "
    )


def _is_long() -> str:
    return f"(SELECT total FROM counted) > {COUNTED}"


def _few(order: _Order, found: str, limit: int) -> str:
    return (
        f"(SELECT product_id AS found_id, sort_key FROM {found} WHERE NOT {_is_long()}"
        f"{order.going_on('sort_key')} {order.end('sort_key', limit=limit)})"
    )


def _many(order: _Order, source: str, limit: int) -> str:
    return (
        f"(SELECT product_id, {order.key} FROM {source} AND {_is_long()}"
        f"{order.going_on()} {order.end(limit=limit)})"
    )


async def is_walked_through(db: Database, where: Selection) -> bool:
    """Whether frequent words were looked for in all of a part, so that there are no others in it."""
    return where.is_part and await has_fewer(db, where, WALKED + 1)


async def has_fewer(db: Database, where: Selection, than: int) -> bool:
    """Whether fewer than so many are listed, whatever words are looked for."""
    listed, values = where.listed(where.is_narrowed)
    found: int = await db.fetchval(
        f"SELECT count(*) FROM (SELECT FROM storefront_listing WHERE {listed}"
        f" LIMIT (SELECT ${len(values) + 1}::int)) part",
        *values,
        than,
    )
    return found < than


def _newest_said(where: Selection, ranked: Ranking) -> Conditions:
    """The newest that the words are in, with what they count.

    Frequent words are looked for in what is there, newest first. Where they are that often, nobody gets to
    the end of it; the inner LIMIT is what makes PostgreSQL walk. What others find is ranked where it is
    found, which OFFSET 0 is for, so that no words are carried along.
    """
    newest = "ORDER BY product_id DESC LIMIT"
    if where.frequent and not where.is_part:
        words, asked = where.words(2)
        values = [where.market_id, *asked]
        walked = "SELECT product_id, terms FROM storefront_words WHERE market_id = $1 AND on_sale"
        said = f"({walked} {newest} {where.within}) walked WHERE {words} LIMIT {FREQUENT}"
    elif where.frequent:
        listed, values = where.listed(None)
        words, asked = where.words(len(values) + 1)
        values = [*values, *asked]
        walked = f"SELECT product_id FROM storefront_listing WHERE {listed} {newest} {WALKED}"
        said = f"({walked}) l, {said_of('l', words)} LIMIT {FREQUENT}"
    else:
        said, values = where.said()
        said = f"{said} OFFSET 0"
    counts, asked = ranked.of_terms(len(values) + 1)
    found = f"SELECT product_id AS found_id, {counts} AS sort_key FROM {said}"
    if not where.frequent:
        found = f"SELECT * FROM ({found}) said ORDER BY found_id DESC LIMIT {COUNTED + 1}"
    return Conditions(found, [*values, *asked])


async def _page_by_relevance(
    db: Database, where: Selection, ranked: Ranking, after: Sequence[str] | None, limit: int
) -> list[Any]:
    found, values = _newest_said(where, ranked)
    beyond = ""
    if after is not None:
        values = [*values, int(after[0]), UUID(after[1])]
        place = len(values) - 1
        beyond = f" WHERE (sort_key, found_id) < (${place}::bigint, ${place + 1}::uuid)"
    total = "count(*)"
    if where.frequent:
        total = f"CASE count(*) WHEN {FREQUENT} THEN {COUNTED + 1} ELSE count(*) END"
    return await db.fetch(
        f"WITH found AS MATERIALIZED ({found}),"
        f" best AS (SELECT * FROM found{beyond} ORDER BY sort_key DESC, found_id DESC LIMIT {limit})"
        f" SELECT {ITEM}, sort_key, (SELECT {total} FROM found) AS total FROM best"
        " JOIN storefront_product ON market_id = $1 AND product_id = found_id"
        " ORDER BY sort_key DESC, product_id DESC",
        *values,
    )
