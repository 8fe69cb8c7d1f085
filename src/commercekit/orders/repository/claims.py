"""Claims on an order's units, money and freight: what one has asked back nobody else may.

Each claim is one guarded update, and a CHECK stands behind it, so that a unit cannot be claimed twice
whoever forgot to look: by a refund request and by a return, or by two of a kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from commercekit.orders.models import RequestedLine
    from commercekit.platform.db import UnitOfWork

__all__ = ["ClaimRepository"]

_TAKE = """
UPDATE orders_line l
SET claimed = l.claimed + c.quantity, claimed_amount = l.claimed_amount + c.amount,
    claimed_tax = l.claimed_tax + c.tax
FROM unnest($2::uuid[], $3::integer[], $4::bigint[], $5::bigint[])
    AS c(line_id, quantity, amount, tax)
WHERE l.order_id = $1 AND l.id = c.line_id
  AND l.claimed + c.quantity BETWEEN 0 AND l.quantity
  AND l.claimed_amount + c.amount BETWEEN 0 AND l.payable
  AND l.claimed_tax + c.tax BETWEEN 0 AND l.tax
"""


class ClaimRepository:
    """Takes and gives back what claims hold."""

    async def take(self, uow: UnitOfWork, order_id: UUID, lines: Sequence[RequestedLine]) -> bool:
        """Claim ``lines``, each line once; false when one of them is not free any more."""
        return await self._change(uow, order_id, lines, 1)

    async def give_back(
        self, uow: UnitOfWork, order_id: UUID, lines: Sequence[RequestedLine]
    ) -> bool:
        """Let go of ``lines``; false when one of them was not held, which is a bug of the caller."""
        return await self._change(uow, order_id, lines, -1)

    @staticmethod
    async def _change(
        uow: UnitOfWork, order_id: UUID, lines: Sequence[RequestedLine], sign: int
    ) -> bool:
        tag = await uow.execute(
            _TAKE,
            order_id,
            [line.line_id for line in lines],
            [sign * line.quantity for line in lines],
            [sign * line.amount.amount for line in lines],
            [sign * (line.tax.amount if line.tax else 0) for line in lines],
        )
        return tag == f"UPDATE {len(lines)}"

    async def take_freight(self, uow: UnitOfWork, order_id: UUID, claim_id: UUID) -> bool:
        """Claim the freight; false when it went back, or another claim has it."""
        tag = await uow.execute(
            "UPDATE orders_order SET freight_claim = $2, version = version + 1"
            " WHERE id = $1 AND freight_claim IS NULL AND NOT shipping_refunded",
            order_id,
            claim_id,
        )
        return tag == "UPDATE 1"

    async def give_freight_back(self, uow: UnitOfWork, order_id: UUID, claim_id: UUID) -> None:
        """Let go of the freight, if ``claim_id`` has it and it did not go back."""
        await uow.execute(
            "UPDATE orders_order SET freight_claim = NULL, version = version + 1"
            " WHERE id = $1 AND freight_claim = $2 AND NOT shipping_refunded",
            order_id,
            claim_id,
        )

    async def mark_freight_refunded(self, uow: UnitOfWork, order_id: UUID, claim_id: UUID) -> None:
        """The freight that ``claim_id`` holds goes back; it does so once."""
        await uow.execute(
            "UPDATE orders_order SET shipping_refunded = true, version = version + 1"
            " WHERE id = $1 AND freight_claim = $2",
            order_id,
            claim_id,
        )

    async def is_freight_taken(self, uow: UnitOfWork, order_id: UUID) -> bool:
        """Whether the freight went back, or a claim has it."""
        return bool(
            await uow.fetchval(
                "SELECT shipping_refunded OR freight_claim IS NOT NULL FROM orders_order"
                " WHERE id = $1",
                order_id,
            )
        )
