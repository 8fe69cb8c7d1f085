"""Every query of orders. Personal fields are sealed here and nowhere above."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args
from uuid import UUID

import msgspec

from commercekit.kernel import Address, Money, pick
from commercekit.orders.models import (
    Adjustment,
    FulfilmentStatus,
    NewShipping,
    Order,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    Totals,
)
from commercekit.orders.repository.editing import TABLE, EditRepository
from commercekit.orders.repository.standing import StandingRepository
from commercekit.platform.extensions import read_values

if TYPE_CHECKING:
    from commercekit.platform.db import Record, UnitOfWork

__all__ = ["TABLE", "OrderRepository", "new_number"]

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_encode = msgspec.json.Encoder().encode

# One round trip; the id three times, so that each part looks into one partition only.
_WHOLE_ORDER = """
SELECT o.*,
    (SELECT json_agg(l ORDER BY l.position) FROM orders_line l WHERE l.order_id = $1) AS lines,
    (SELECT json_agg(a ORDER BY a.position) FROM orders_adjustment a WHERE a.order_id = $1)
        AS adjustments
FROM orders_order o WHERE o.id = $1
"""


_MANY_ORDERS = """
SELECT o.*, l.lines, NULL::text AS adjustments
FROM orders_order o
CROSS JOIN LATERAL (
    SELECT json_agg(l ORDER BY l.position) AS lines FROM orders_line l WHERE l.order_id = o.id
) l
WHERE o.id = ANY ($1)
"""


class _LineRow(msgspec.Struct):
    """A row of ``orders_line`` as PostgreSQL writes it in JSON."""

    id: UUID
    sku: str
    name: str
    options: dict[str, str]
    quantity: int
    unit_price: int
    discount: int
    tax: int
    payable: int
    weight_grams: int
    requires_shipping: bool
    image_url: str | None
    cancelled: int
    refunded: int
    shipped: int
    claimed: int
    claimed_amount: int
    claimed_tax: int
    returned: int
    variant_id: UUID
    product_id: UUID
    withdrawn: int
    withdrawn_amount: int
    withdrawn_tax: int


class _AdjustmentRow(msgspec.Struct):
    """A row of ``orders_adjustment`` likewise."""

    kind: str
    source: str
    label: dict[str, str]
    amount: int
    line_id: UUID | None


_lines = msgspec.json.Decoder(list[_LineRow])
_adjustments = msgspec.json.Decoder(list[_AdjustmentRow])

Counter = Literal["shipped", "cancelled", "refunded", "returned"]
_COUNT: dict[Counter, str] = {
    column: f"""
    UPDATE orders_line l SET {column} = l.{column} + u.quantity
    FROM unnest($2::uuid[], $3::int[]) AS u (line_id, quantity)
    WHERE l.order_id = $1 AND l.id = u.line_id
    """
    for column in get_args(Counter)
}


def new_number(placed_at: datetime) -> str:
    """A number people can read out: the date, then letters and digits that do not look alike."""
    chance = secrets.randbits(128)  # so many bits that the remainders are as likely as each other
    tail = ""
    for _ in range(7):
        chance, letter = divmod(chance, len(_ALPHABET))
        tail += _ALPHABET[letter]
    return f"{placed_at:%y%m%d}-{tail}"


class OrderRepository(EditRepository, StandingRepository):
    """Reads and writes orders; what it returns are models, never rows."""

    async def index_phones(self, limit: int) -> int:
        """Make orders without it findable by their phone number; gives how many."""
        rows = await self._db.fetch(
            "SELECT id, address FROM orders_order WHERE phone_index IS NULL ORDER BY id LIMIT $1",
            limit,
        )
        indexes = [
            self._sealer.blind_index(
                TABLE,
                "phone",
                self._sealer.open(TABLE, "address", row["id"], row["address"], Address).phone,
            )
            for row in rows
        ]
        await self._db.execute(
            "UPDATE orders_order o SET phone_index = u.phone_index"
            " FROM unnest($1::uuid[], $2::bytea[]) AS u (id, phone_index)"
            " WHERE o.id = u.id AND o.phone_index IS NULL",
            [row["id"] for row in rows],
            indexes,
        )
        return len(rows)

    async def exists(self, order_id: UUID) -> bool:
        """Whether there is such an order."""
        found = await self._db.fetchval("SELECT true FROM orders_order WHERE id = $1", order_id)
        return bool(found)

    async def within(self, order_ids: Sequence[UUID], markets: Sequence[str]) -> list[UUID]:
        """Those of the orders that belong to one of the markets."""
        rows = await self._db.fetch(
            "SELECT id FROM orders_order WHERE id = ANY ($1::uuid[]) AND market = ANY ($2::text[])",
            list(order_ids),
            list(markets),
        )
        return [row["id"] for row in rows]

    async def id_of(self, number: str) -> UUID | None:
        """The order with this number."""
        found: UUID | None = await self._db.fetchval(
            "SELECT order_id FROM orders_number WHERE number = $1", number
        )
        return found

    async def numbers(self, order_ids: Sequence[UUID]) -> list[tuple[UUID, str]]:
        """Which order has which number."""
        rows = await self._db.fetch(
            "SELECT id, number FROM orders_order WHERE id = ANY ($1::uuid[])", list(order_ids)
        )
        return [(row["id"], row["number"]) for row in rows]

    async def get(self, order_id: UUID, languages: Sequence[str] = ()) -> Order | None:
        """The whole order, unsealed; labels in the first of ``languages`` there is."""
        row = await self._db.fetchrow(_WHOLE_ORDER, order_id)
        return None if row is None else self._order(row, (*languages, row["locale"]))

    async def get_many(self, order_ids: Sequence[UUID]) -> list[Order]:
        """These orders with their lines, in the same order; without their adjustments."""
        rows = await self._db.fetch(_MANY_ORDERS, list(order_ids))
        found = {row["id"]: self._order(row, (row["locale"],)) for row in rows}
        return [found[order_id] for order_id in order_ids if order_id in found]

    async def expiring(self, now: datetime, limit: int, *, without: Sequence[UUID]) -> list[UUID]:
        """Orders whose time to be paid is over, but for those in ``without``."""
        rows = await self._db.fetch(
            "SELECT id FROM orders_order WHERE status = 'placed' AND expires_at <= $1"
            " AND id <> ALL ($3::uuid[]) ORDER BY expires_at LIMIT $2",
            now,
            limit,
            list(without),
        )
        return [row["id"] for row in rows]

    async def waiting_for_stock(self, limit: int) -> list[UUID]:
        """Open orders that are paid and of which nothing travels: they wait for goods to hand out."""
        rows = await self._db.fetch(
            "SELECT o.id FROM orders_order o WHERE o.status = 'placed'"
            " AND o.payment_status IN ('paid', 'overpaid', 'partially_refunded')"
            " AND NOT EXISTS (SELECT FROM orders_line l WHERE l.order_id = o.id"
            " AND l.requires_shipping AND l.quantity > l.cancelled) ORDER BY o.id LIMIT $1",
            limit,
        )
        return [row["id"] for row in rows]

    async def set_status(
        self, uow: UnitOfWork, order_id: UUID, current: OrderStatus, following: OrderStatus
    ) -> bool:
        """Take the step; false when the order was not (or no longer) ``current``."""
        tag = await uow.execute(
            "UPDATE orders_order SET status = $3, closed_at = $4, expires_at = NULL,"
            " version = version + 1 WHERE id = $1 AND status = $2",
            order_id,
            current,
            following,
            uow.clock.now(),
        )
        return tag == "UPDATE 1"

    async def set_payment_method(
        self, uow: UnitOfWork, order_id: UUID, method: str, *, collects_later: bool
    ) -> None:
        """Another way to pay was chosen; one that collects later has no deadline."""
        await uow.execute(
            "UPDATE orders_order SET payment_method = $2, collects_later = collects_later OR $3,"
            " expires_at = CASE WHEN $3 THEN NULL ELSE expires_at END, version = version + 1"
            " WHERE id = $1",
            order_id,
            method,
            collects_later,
        )

    async def set_fulfilment_status(
        self, uow: UnitOfWork, order_id: UUID, status: FulfilmentStatus
    ) -> bool:
        """Note where the goods stand; false when that is what the order says already."""
        tag = await uow.execute(
            "UPDATE orders_order SET fulfilment_status = $2, version = version + 1"
            " WHERE id = $1 AND fulfilment_status <> $2",
            order_id,
            status,
        )
        return tag == "UPDATE 1"

    async def count_units(
        self, uow: UnitOfWork, order_id: UUID, column: Counter, units: Mapping[UUID, int]
    ) -> None:
        """Add ``units`` to one counter of the lines."""
        await uow.execute(
            _COUNT[column], order_id, list(units.keys()), [units[line_id] for line_id in units]
        )

    def _order(self, row: Record, languages: Sequence[str]) -> Order:
        currency: str = row["currency"]
        opened = self._sealer.open
        order_id: UUID = row["id"]
        return Order(
            id=order_id,
            number=row["number"],
            market=row["market"],
            currency=currency,
            locale=row["locale"],
            status=OrderStatus(row["status"]),
            payment_status=PaymentStatus(row["payment_status"]),
            fulfilment_status=FulfilmentStatus(row["fulfilment_status"]),
            placed_at=row["placed_at"],
            expires_at=row["expires_at"],
            email=opened(TABLE, "email", order_id, row["email"], str),
            address=opened(TABLE, "address", order_id, row["address"], Address),
            note=opened(TABLE, "note", order_id, row["note"], str) if row["note"] else "",
            lines=[_line(line, currency) for line in _lines.decode(row["lines"] or "[]")],
            adjustments=[
                Adjustment(
                    kind=item.kind,
                    source=item.source,
                    label=pick(item.label, languages),
                    amount=Money(item.amount, currency),
                    line_id=item.line_id,
                )
                for item in _adjustments.decode(row["adjustments"] or "[]")
            ],
            totals=Totals(
                items=Money(row["items"], currency),
                discount=Money(row["discount"], currency),
                shipping=Money(row["shipping"], currency),
                tax=Money(row["tax"], currency),
                total=Money(row["total"], currency),
            ),
            shipping=(
                msgspec.json.decode(row["shipping_choice"], type=NewShipping)
                if row["shipping_choice"]
                else None
            ),
            payment_method=row["payment_method"],
            collects_later=row["collects_later"],
            version=row["version"],
            prices_include_tax=row["prices_include_tax"],
            withdrawn=row["withdrawn"],
            given_back=row["given_back"],
            extensions=read_values(row["extensions"]),
        )


def _line(row: _LineRow, currency: str) -> OrderLine:
    return OrderLine(
        id=row.id,
        sku=row.sku,
        name=row.name,
        options=row.options,
        quantity=row.quantity,
        unit_price=Money(row.unit_price, currency),
        subtotal=Money(row.unit_price * row.quantity, currency),
        discount=Money(row.discount, currency),
        tax=Money(row.tax, currency),
        total=Money(row.payable, currency),
        cancelled=row.cancelled,
        refunded=row.refunded,
        shipped=row.shipped,
        weight_grams=row.weight_grams,
        requires_shipping=row.requires_shipping,
        image_url=row.image_url,
        claimed=row.claimed,
        claimed_amount=row.claimed_amount,
        claimed_tax=row.claimed_tax,
        returned=row.returned,
        variant_id=row.variant_id,
        product_id=row.product_id,
        withdrawn=row.withdrawn,
        withdrawn_amount=row.withdrawn_amount,
        withdrawn_tax=row.withdrawn_tax,
    )
