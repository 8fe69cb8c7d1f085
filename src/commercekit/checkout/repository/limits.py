"""Limits per customer. Orders take of them in the SQL function ``checkout_place``."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from commercekit.checkout.models import PurchaseLimit

if TYPE_CHECKING:
    from commercekit.platform.db import Database, Record, UnitOfWork

__all__ = ["HeldPurchase", "LimitRepository"]


class HeldPurchase(Struct, frozen=True):
    """What an order still holds of a limit."""

    limit_id: UUID
    subject_id: UUID
    held: int


class LimitRepository:
    """Reads and writes limits, and gives back."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def every(self) -> tuple[PurchaseLimit, ...]:
        """All limits, oldest first."""
        rows = await self._db.fetch("SELECT * FROM checkout_purchase_limit ORDER BY id")
        return tuple(_limit(row) for row in rows)

    async def get(self, limit_id: UUID) -> PurchaseLimit | None:
        """One limit."""
        row = await self._db.fetchrow(
            "SELECT * FROM checkout_purchase_limit WHERE id = $1", limit_id
        )
        return _limit(row) if row else None

    async def insert(self, uow: UnitOfWork, limit: PurchaseLimit) -> bool:
        """Write a new one; ``False`` when the same thing is limited over the same period already."""
        tag = await uow.execute(
            "INSERT INTO checkout_purchase_limit"
            " (id, subject, subject_id, sku, quantity, days, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (subject_id, days) DO NOTHING",
            limit.id,
            "variant" if limit.variant_id else "product",
            limit.variant_id or limit.product_id,
            limit.sku,
            limit.quantity,
            limit.days,
            limit.created_at,
        )
        return tag.endswith(" 1")

    async def change(
        self, uow: UnitOfWork, limit_id: UUID, quantity: int, *, expected: int
    ) -> bool:
        """Set how many; ``False`` when somebody else has changed it."""
        tag = await uow.execute(
            "UPDATE checkout_purchase_limit SET quantity = $2, version = version + 1"
            " WHERE id = $1 AND version = $3",
            limit_id,
            quantity,
            expected,
        )
        return tag.endswith(" 1")

    async def delete(self, uow: UnitOfWork, limit_id: UUID, *, expected: int) -> bool:
        """Forget it and what was counted for it; ``False`` when somebody else has changed it."""
        tag = await uow.execute(
            "DELETE FROM checkout_purchase_limit WHERE id = $1 AND version = $2",
            limit_id,
            expected,
        )
        return tag.endswith(" 1")

    async def held(self, uow: UnitOfWork, order_id: UUID) -> list[HeldPurchase]:
        """What the order still holds, locked."""
        rows = await uow.fetch(
            "SELECT p.limit_id, m.subject_id, p.quantity - p.given_back AS held"
            " FROM checkout_purchase p JOIN checkout_purchase_limit m ON m.id = p.limit_id"
            " WHERE p.order_id = $1 AND p.given_back < p.quantity"
            " ORDER BY p.limit_id, p.buyer FOR UPDATE OF p",
            order_id,
        )
        return [HeldPurchase(*row) for row in rows]

    async def keep(self, uow: UnitOfWork, order_id: UUID, held: dict[UUID, int]) -> None:
        """Have the order hold no more than ``held`` of each limit; it never takes more."""
        await uow.executemany(
            "UPDATE checkout_purchase SET given_back = quantity - $3"
            " WHERE order_id = $1 AND limit_id = $2 AND quantity - given_back > $3",
            [(order_id, limit_id, number) for limit_id, number in held.items()],
        )

    async def forget(self, uow: UnitOfWork, account_id: UUID) -> None:
        """Nothing that was counted leads to the account any more; what its addresses hold stays."""
        await uow.execute(
            "DELETE FROM checkout_purchase WHERE buyer = $1"
            " AND limit_id IN (SELECT m.id FROM checkout_purchase_limit m)",
            account_id.bytes,
        )


def _limit(row: Record) -> PurchaseLimit:
    of_variant = row["subject"] == "variant"
    return PurchaseLimit(
        id=row["id"],
        sku=row["sku"],
        variant_id=row["subject_id"] if of_variant else None,
        product_id=None if of_variant else row["subject_id"],
        quantity=row["quantity"],
        days=row["days"],
        created_at=row["created_at"],
        version=row["version"],
    )
