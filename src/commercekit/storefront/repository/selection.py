"""Which products a list is of, as conditions on the rows that it is read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from uuid import UUID

from commercekit.storefront.models import ListQuery

__all__ = ["ALL", "WALKED", "Conditions", "Key", "Selection", "said_of"]

WALKED = 20_000
"""So many of the newest are passed by, at most, on the way to enough that frequent words find."""
ALL = UUID(int=0)
"""The shelf on which everything is that is on sale."""
Key = Literal["brand", "price"]


def _told(value: str) -> str:
    """A value that the planner does not look at.

    Where it does, it likes the plan for one value better than one for all, and plans anew each time, which
    takes longer than most of the statements do. These read the same way whatever the value is.
    """
    return f"(SELECT {value})"


class Conditions(NamedTuple):
    """A WHERE and the values in it."""

    sql: str
    values: list[Any]


@dataclass(frozen=True)
class Selection:
    """A category, filters, and the words of a search; without any, all that is on sale in the market."""

    market_id: UUID
    shelf_id: UUID | None = None
    brands: Sequence[str] = ()
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool | None = None
    searched: str | None = None
    """The words as a ``tsquery``, which the index of words is asked for."""
    checked: str | None = None
    """More of them, which the rows are asked for that the index has found."""
    frequent: bool = False
    """Whether that index is left aside, since it would bring more rows than it spares."""
    through: bool = False
    """Whether it is left aside since the part that is asked for has fewer products than the words."""
    within: int = WALKED
    """Of how many of the newest frequent words are looked for, in all of the shop."""

    @classmethod
    def of(
        cls,
        market_id: UUID,
        query: ListQuery,
        category_id: UUID | None,
        searched: str | None = None,
        checked: str | None = None,
        *,
        frequent: bool = False,
        through: bool = False,
        within: int = WALKED,
    ) -> Selection:
        """What ``query`` asks for, in its category, with words that were made of its own."""
        return cls(
            market_id,
            category_id,
            tuple(query.brands),
            query.min_price,
            query.max_price,
            query.in_stock,
            searched,
            checked,
            frequent,
            through,
            within,
        )

    @property
    def is_narrowed(self) -> Key | None:
        """The filter that an index of listings knows best; ``None`` if none does."""
        if self.brands:
            return "brand"
        return "price" if self.min_price is not None or self.max_price is not None else None

    @property
    def is_part(self) -> bool:
        """Whether a category or a filter leaves something out."""
        return not (self.shelf_id is None and self.in_stock is None and self.is_narrowed is None)

    def listed(self, key: Key | None) -> Conditions:
        """Conditions on ``storefront_listing``, which no words are in.

        Of brands and prices only the one that is the ``key`` can be looked up in an index; the other is
        put so that it cannot, whatever the planner estimates. The values do not depend on it.
        """
        filters, values = self.filters(
            3,
            brand="brand_slug" if key == "brand" else "(brand_slug || '')",
            price="price_min" if key == "price" else "(price_min + 0)",
        )
        sql = ["market_id = $1", f"shelf_id = {_told('$2::uuid')}", *filters.values()]
        return Conditions(" AND ".join(sql), [self.market_id, self.shelf_id or ALL, *values])

    def sold(self) -> str:
        """Conditions on ``storefront_product`` that take the values of :meth:`listed`."""
        sql = ["market_id = $1", "is_published", "price_min IS NOT NULL"]
        if self.shelf_id is not None:
            # Products name the categories above their own too.
            sql.append("$2 = ANY (category_ids)")
        filters, _ = self.filters(3, brand="brand_slug", price="price_min")
        return " AND ".join([*sql, *filters.values()])

    def said(self, key: Key | None = None, *, listed: bool = False) -> Conditions:
        """Where the words are: what follows FROM, with ``terms`` and the product's id.

        Categories and filters, and what a list is sorted by, are taken from the products' listings; without
        any nobody looks at them, unless they are to be ``listed``. What is frequent is met on the way
        through these, in any order that they have an index for, ``key`` being that of :meth:`listed`. Each
        OFFSET 0 keeps the two apart.
        """
        if not (listed or self.is_part):
            said, values = self.said_anywhere(2)
            return Conditions(said, [self.market_id, *values])
        # Whoever goes through a part of the shop looks it up; it is sorted afterwards.
        shelf, values = self.listed(self.is_narrowed if self.through else key)
        words, asked = self.words(len(values) + 1)
        values = [*values, *asked]
        if self.frequent or self.through:
            return Conditions(f"storefront_listing l, {said_of('l', words)} WHERE {shelf}", values)
        return Conditions(
            "storefront_words w, LATERAL (SELECT price_min, in_stock, brand_slug FROM storefront_listing l"
            f" WHERE {shelf} AND l.product_id = w.product_id OFFSET 0) l"
            f" WHERE market_id = $1 AND on_sale AND {words}",
            values,
        )

    def said_anywhere(self, first: int) -> Conditions:
        """The same without categories and filters, with values from ``first`` on, which follow the market."""
        words, values = self.words(first)
        if self.frequent:
            # An index could not be asked for this.
            words = f"({words}) IS TRUE"
        return Conditions(f"storefront_words WHERE market_id = $1 AND on_sale AND {words}", values)

    def words(self, first: int) -> Conditions:
        """Conditions on the ``terms`` of ``storefront_words``, with values from ``first`` on."""
        sql = [f"terms @@ {_told(f'${first}::tsquery')}"]
        values: list[Any] = [self.searched]
        if self.checked is not None:
            values.append(self.checked)
            sql.append(f"(terms @@ {_told(f'${first + 1}::tsquery')}) IS TRUE")
        return Conditions(" AND ".join(sql), values)

    def filters(self, first: int, *, brand: str, price: str) -> tuple[dict[str, str], list[Any]]:
        """The condition of each filter by its name, with values from ``first`` on."""
        sql: dict[str, str] = {}
        values: list[Any] = []

        def told(value: Any, kind: str) -> str:
            values.append(value)
            return _told(f"${first + len(values) - 1}::{kind}")

        if self.in_stock is not None:
            sql["stock"] = "in_stock" if self.in_stock else "NOT in_stock"
        if len(self.brands) == 1:
            sql["brand"] = f"{brand} = {told(self.brands[0], 'text')}"
        elif self.brands:
            sql["brand"] = f"{brand} = ANY ({told(list(self.brands), 'text[]')}::text[])"
        limits = []
        if self.min_price is not None:
            limits.append(f"{price} >= {told(self.min_price, 'bigint')}")
        if self.max_price is not None:
            limits.append(f"{price} <= {told(self.max_price, 'bigint')}")
        if limits:
            sql["price"] = " AND ".join(limits)
        return sql, values


def said_of(row: str, words: str) -> str:
    """The words of each ``row`` that has them, for what follows FROM."""
    return (
        f"LATERAL (SELECT terms FROM storefront_words w WHERE w.market_id = $1"
        f" AND w.product_id = {row}.product_id AND {words} OFFSET 0) w"
    )
