"""Finding orders: every filter has an index to stand on, and every page starts where the last ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.kernel import Money
from commercekit.orders.models import (
    FulfilmentStatus,
    OrderSearch,
    OrderStatus,
    OrderSummary,
    PaymentStatus,
)
from commercekit.orders.repository.editing import TABLE
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.platform.db import Database, Record, UnitOfWork
    from commercekit.platform.extensions import FieldCondition
    from commercekit.platform.security import Reach, Sealer

__all__ = ["SearchRepository"]

_COLUMNS = """
    o.id, o.number, o.status, o.payment_status, o.fulfilment_status, o.placed_at, o.currency,
    o.total - o.withdrawn AS due, o.market,
    ARRAY(SELECT t.tag FROM orders_tag t WHERE t.order_id = o.id ORDER BY t.tag) AS tags
"""

_APART = timedelta(days=1)
"""At most so long after its id was made an order is placed: ids lead to the months to look in."""


class SearchRepository:
    """Lists of orders, newest first."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def find(
        self,
        search: OrderSearch,
        *,
        before: UUID | None,
        limit: int,
        fields: Sequence[FieldCondition] = (),
        reach: Reach = EVERYWHERE,
    ) -> list[OrderSummary]:
        """Orders that fit, below ``before``; ``fields`` are values plugins keep beside them.

        What few orders have in common (a SKU, a tag) drives the query, in the order of its own index;
        otherwise a rare SKU would be looked for in a million orders one by one.
        """
        where, values = self._conditions(search, before)
        driving = "orders_order o"
        key = "o.id"
        if search.sku is not None:
            values.append(search.sku)
            driving = "orders_line d JOIN orders_order o ON o.id = d.order_id"
            key = "d.order_id"
            where.append(f"d.sku = ${len(values)}")
        if search.tag is not None:
            values.append(search.tag)
            condition = f"g.tag = ${len(values)}"
            if search.sku is None:
                driving = "orders_tag g JOIN orders_order o ON o.id = g.order_id"
                key = "g.order_id"
                where.append(condition)
            else:
                where.append(
                    f"EXISTS (SELECT FROM orders_tag g WHERE g.order_id = d.order_id AND {condition})"
                )
        if not reach.everything:
            values.append(sorted(reach.markets))
            where.append(f"o.market = ANY (${len(values)}::text[])")
        for field in fields:
            values.append(field.value)
            where.append(field.written("o", len(values)))
        where = [each.replace("%key", key) for each in where]
        values.append(limit)
        distinct = f"DISTINCT ON ({key})" if search.sku is not None else ""
        rows = await self._db.fetch(
            f"SELECT {distinct} {_COLUMNS} FROM {driving}"
            f" WHERE {' AND '.join(where) or 'true'} ORDER BY {key} DESC LIMIT ${len(values)}",
            *values,
        )
        return [_summary(row) for row in rows]

    async def of_customer(
        self, customer_id: UUID, *, email: str | None, before: UUID | None, limit: int
    ) -> list[OrderSummary]:
        """Orders placed with an account, and with ``email`` those that were placed with that address."""
        index = None if email is None else self._sealer.blind_index(TABLE, "email", email)
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS} FROM orders_order o WHERE (o.customer_id = $1 OR o.email_index = $2)"
            " AND ($3::uuid IS NULL OR o.id < $3) ORDER BY o.id DESC LIMIT $4",
            customer_id,
            index,
            before,
            limit,
        )
        return [_summary(row) for row in rows]

    async def forget_customer(self, uow: UnitOfWork, customer_id: UUID) -> None:
        """Nothing leads from orders to an account that is gone."""
        await uow.execute(
            "UPDATE orders_order SET customer_id = NULL WHERE customer_id = $1", customer_id
        )

    def _conditions(self, search: OrderSearch, before: UUID | None) -> tuple[list[str], list[Any]]:
        values: list[Any] = []
        where: list[str] = []

        def add(condition: str, value: Any) -> None:
            values.append(value)
            where.append(condition.format(f"${len(values)}"))

        if before is not None:
            add("%key < {}", before)
        if search.number is not None:
            number = search.number.strip().upper()
            add("o.id = (SELECT order_id FROM orders_number WHERE number = {})", number)
        if search.email is not None:
            add("o.email_index = {}", self._sealer.blind_index(TABLE, "email", search.email))
        if search.phone is not None:
            add("o.phone_index = {}", self._sealer.blind_index(TABLE, "phone", search.phone))
        for axis in ("status", "payment_status", "fulfilment_status"):
            value = getattr(search, axis)
            # Written out, so that the partial index of open orders can be used.
            if value is not None:
                where.append(f"o.{axis} = '{value.value}'")
        if search.placed_from is not None:
            add("o.placed_at >= {}", search.placed_from)
            add("%key >= {}", _floor(search.placed_from - _APART))
        if search.placed_before is not None:
            add("o.placed_at < {}", search.placed_before)
            add("%key < {}", _floor(search.placed_before + _APART))
        return where, values


def _floor(moment: datetime) -> UUID:
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def _summary(row: Record) -> OrderSummary:
    tags: Sequence[str] = row["tags"]
    return OrderSummary(
        id=row["id"],
        number=row["number"],
        status=OrderStatus(row["status"]),
        payment_status=PaymentStatus(row["payment_status"]),
        fulfilment_status=FulfilmentStatus(row["fulfilment_status"]),
        placed_at=row["placed_at"],
        total=Money(row["due"], row["currency"]),
        market=row["market"],
        tags=list(tags),
    )
