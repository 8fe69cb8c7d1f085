"""Which products a list is of, as conditions on the rows that it is read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple
from uuid import UUID

from commercekit.storefront.models import ListQuery

__all__ = ["ALL", "Conditions", "Key", "Selection"]

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
    """Whether that index is left aside: it would bring more rows than it spares."""

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
        sql = ["market_id = $1", f"shelf_id = {_told('$2::uuid')}"]
        values: list[Any] = [self.market_id, self.shelf_id or ALL]
        brand = "brand_slug" if key == "brand" else "(brand_slug || '')"
        price = "price_min" if key == "price" else "(price_min + 0)"
        self._filter(sql, values, brand, price)
        return Conditions(" AND ".join(sql), values)

    def sold(self, *, beside: bool = False) -> Conditions:
        """Conditions on ``storefront_product``, words included; ``beside`` those of :meth:`listed`.

        Then they take the same values.
        """
        sql: list[str] = ["market_id = $1", "is_published", "price_min IS NOT NULL"]
        values: list[Any] = [self.market_id]
        if beside:
            values.append(self.shelf_id or ALL)
        if self.shelf_id is not None:
            # Products name the categories above their own too. By itself it stands in the statement: some
            # have half of the products and some two, and only who plans for one knows which way is short.
            among = f"category_ids @> ARRAY['{self.shelf_id}'::uuid]"
            sql.append("$2 = ANY (category_ids)" if beside else among)
        self._filter(sql, values, "brand_slug", "price_min")
        if self.searched is not None:
            values.append(self.searched)
            words = f"terms @@ {_told(f'${len(values)}::tsquery')}"
            sql.append(f"({words}) IS TRUE" if self.frequent else words)
        if self.checked is not None:
            values.append(self.checked)
            # An index could not be asked for this.
            sql.append(f"(terms @@ {_told(f'${len(values)}::tsquery')}) IS TRUE")
        return Conditions(" AND ".join(sql), values)

    def sold_and_said(self) -> tuple[str, str, list[Any]]:
        """The conditions of :meth:`sold`, those on the words apart from the others."""
        rest = replace(self, searched=None).sold()
        values = [*rest.values, self.searched]
        return rest.sql, f"terms @@ {_told(f'${len(values)}::tsquery')}", values

    def _filter(self, sql: list[str], values: list[Any], brand: str, price: str) -> None:
        if self.in_stock is not None:
            sql.append("in_stock" if self.in_stock else "NOT in_stock")
        if len(self.brands) == 1:
            values.append(self.brands[0])
            sql.append(f"{brand} = {_told(f'${len(values)}::text')}")
        elif self.brands:
            values.append(list(self.brands))
            sql.append(f"{brand} = ANY ({_told(f'${len(values)}::text[]')}::text[])")
        if self.min_price is not None:
            values.append(self.min_price)
            sql.append(f"{price} >= {_told(f'${len(values)}::bigint')}")
        if self.max_price is not None:
            values.append(self.max_price)
            sql.append(f"{price} <= {_told(f'${len(values)}::bigint')}")
