"""What is taken off a placed order and added to it; what was agreed before stays as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from commercekit.kernel import Address, new_id
from commercekit.orders.models import NewAdjustment, NewLine, NewShipping, Totals
from commercekit.orders.repository.history import HistoryRepository
from commercekit.orders.rules import Withdrawal

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["TABLE", "EditRepository"]

TABLE = "orders_order"

_encode = msgspec.json.Encoder().encode

_WITHDRAW = """
WITH off AS (
    SELECT * FROM unnest($2::uuid[], $3::int[], $4::bigint[], $5::bigint[])
        AS u (line_id, quantity, amount, tax)
), counted AS (
    UPDATE orders_line l
    SET cancelled = l.cancelled + off.quantity, withdrawn = l.withdrawn + off.quantity,
        withdrawn_amount = l.withdrawn_amount + off.amount,
        withdrawn_tax = l.withdrawn_tax + off.tax, claimed = l.claimed + off.quantity,
        claimed_amount = l.claimed_amount + off.amount, claimed_tax = l.claimed_tax + off.tax
    FROM off WHERE l.order_id = $1 AND l.id = off.line_id
)
UPDATE orders_order SET withdrawn = withdrawn + (SELECT coalesce(sum(amount), 0) FROM off),
    version = version + 1
WHERE id = $1
"""

_APPEND = """
INSERT INTO orders_line (order_id, id, position, sku, variant_id, product_id, name, options,
    quantity, unit_price, discount, tax, payable, weight_grams, requires_shipping, image_url)
SELECT $1, $2, 1 + max(position), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
FROM orders_line WHERE order_id = $1
"""

_ADJUST = """
INSERT INTO orders_adjustment (order_id, id, position, kind, source, rule, rule_version, label,
    amount, line_id)
SELECT $1, $2, 1 + coalesce(max(position), -1), $3, $4, $5, $6, $7, $8, $9
FROM orders_adjustment WHERE order_id = $1
"""


class EditRepository(HistoryRepository):
    """The writing half of editing; reading is the order repository's."""

    async def withdraw(
        self, uow: UnitOfWork, order_id: UUID, withdrawals: Sequence[Withdrawal]
    ) -> None:
        """Take units off lines, and what they cost off what the order costs.

        They count as claimed from here on, so that no refund request asks for them as well.
        """
        await uow.execute(
            _WITHDRAW,
            order_id,
            [each.line_id for each in withdrawals],
            [each.quantity for each in withdrawals],
            [each.amount for each in withdrawals],
            [each.tax for each in withdrawals],
        )

    async def append_lines(
        self,
        uow: UnitOfWork,
        order_id: UUID,
        lines: Sequence[NewLine],
        adjustments: Sequence[NewAdjustment],
        added: Totals,
    ) -> None:
        """Add lines after the last one, and their sums to the order's."""
        for line in lines:
            await uow.execute(
                _APPEND,
                order_id,
                line.id,
                line.sku,
                line.variant_id,
                line.product_id,
                line.name,
                _encode(line.options).decode(),
                line.quantity,
                line.unit_price,
                line.discount,
                line.tax,
                line.payable,
                line.weight_grams,
                line.requires_shipping,
                line.image_url,
            )
        for item in adjustments:
            await uow.execute(
                _ADJUST,
                order_id,
                new_id(),
                item.kind,
                item.source,
                item.rule,
                item.rule_version,
                _encode(item.label).decode(),
                item.amount,
                item.line_id,
            )
        await uow.execute(
            "UPDATE orders_order SET items = items + $2, discount = discount + $3, tax = tax + $4,"
            " total = total + $5, version = version + 1 WHERE id = $1",
            order_id,
            added.items.amount,
            added.discount.amount,
            added.tax.amount,
            added.total.amount,
        )

    async def set_freight(
        self, uow: UnitOfWork, order_id: UUID, freight: NewShipping, difference: Totals
    ) -> None:
        """Another freight than was agreed; the history keeps what the order cost with the other."""
        await uow.execute(
            "UPDATE orders_order SET shipping_choice = $2, shipping = shipping + $3,"
            " discount = discount + $4, tax = tax + $5, total = total + $6, version = version + 1"
            " WHERE id = $1",
            order_id,
            _encode(freight).decode(),
            difference.shipping.amount,
            difference.discount.amount,
            difference.tax.amount,
            difference.total.amount,
        )

    async def set_address(self, uow: UnitOfWork, order_id: UUID, address: Address) -> None:
        """Another place for what has not left yet; the number to call is found by it from now on."""
        await uow.execute(
            "UPDATE orders_order SET address = $2, phone_index = $3, version = version + 1"
            " WHERE id = $1",
            order_id,
            self._sealer.seal(TABLE, "address", order_id, address),
            self._sealer.blind_index(TABLE, "phone", address.phone),
        )

    async def give_back(self, uow: UnitOfWork, order_id: UUID, amount: int) -> None:
        """Count money that is sent back because more was paid than the order costs."""
        await uow.execute(
            "UPDATE orders_order SET given_back = given_back + $2, version = version + 1"
            " WHERE id = $1",
            order_id,
            amount,
        )
