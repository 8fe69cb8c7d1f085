"""Refunds: money on its way back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.payments.models import Refund
from commercekit.payments.repository.rows import REFUND, Reader, present, refund_from

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["RefundQueries"]


class RefundQueries:
    """Reads and writes refunds."""

    async def insert_refund(
        self, uow: UnitOfWork, refund: Refund, *, next_query_at: datetime
    ) -> None:
        """Write a new refund."""
        await uow.execute(
            """INSERT INTO payments_refund (id, payment_id, reference, amount, currency, reason,
                status, next_query_at, pending_since, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9)""",
            refund.id,
            refund.payment_id,
            refund.reference,
            refund.amount.amount,
            refund.amount.currency,
            refund.reason,
            refund.status.value,
            next_query_at,
            refund.created_at,
        )

    async def refund(self, db: Reader, refund_id: UUID, *, lock: bool = False) -> Refund | None:
        """The refund, locked if asked."""
        row = await db.fetchrow(
            f"SELECT {REFUND} FROM payments_refund WHERE id = $1" + (" FOR UPDATE" if lock else ""),
            refund_id,
        )
        return None if row is None else refund_from(row)

    async def refund_by_provider_ref(
        self, db: Reader, payment_id: UUID, provider_ref: str
    ) -> Refund | None:
        """The refund of this payment that the provider calls ``provider_ref``."""
        row = await db.fetchrow(
            f"SELECT {REFUND} FROM payments_refund WHERE payment_id = $1 AND provider_ref = $2",
            payment_id,
            provider_ref,
        )
        return None if row is None else refund_from(row)

    async def refunds_of(self, db: Reader, reference: str) -> list[Refund]:
        """All refunds of the reference, oldest first."""
        rows = await db.fetch(
            f"SELECT {REFUND} FROM payments_refund WHERE reference = $1 ORDER BY id", reference
        )
        return [refund_from(row) for row in rows]

    async def refunds_on(self, db: Reader, payment_id: UUID) -> list[Refund]:
        """All refunds of one payment, oldest first."""
        rows = await db.fetch(
            f"SELECT {REFUND} FROM payments_refund WHERE payment_id = $1 ORDER BY id", payment_id
        )
        return [refund_from(row) for row in rows]

    async def refund_page(
        self,
        db: Reader,
        *,
        limit: int,
        before: UUID | None,
        status: str | None,
        reference: str | None,
    ) -> list[Refund]:
        """Refunds, newest first, below ``before``."""
        rows = await db.fetch(
            f"""SELECT {REFUND} FROM payments_refund
            WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR status = $2)
              AND ($3::text IS NULL OR reference = $3)
            ORDER BY id DESC LIMIT $4""",
            before,
            status,
            reference,
            limit,
        )
        return [refund_from(row) for row in rows]

    async def save_refund(
        self, uow: UnitOfWork, refund: Refund, *, next_query_at: datetime | None
    ) -> Refund:
        """Write what may change on a locked refund; gives it with its new version."""
        row = await uow.fetchrow(
            f"""UPDATE payments_refund SET status = $2, provider_ref = $3, failure_code = $4,
                attempts = $5, retries = $6, next_query_at = $7, updated_at = $8,
                pending_since = $9, version = version + 1
            WHERE id = $1 RETURNING {REFUND}""",
            refund.id,
            refund.status.value,
            refund.provider_ref,
            refund.failure_code,
            refund.attempts,
            refund.retries,
            next_query_at,
            uow.clock.now(),
            refund.pending_since,
        )
        return refund_from(present(row))

    async def claim_due_refunds(
        self, uow: UnitOfWork, *, now: datetime, again: datetime, limit: int
    ) -> list[UUID]:
        """Refunds to send or ask about, each put off to ``again``."""
        rows = await uow.fetch(
            """UPDATE payments_refund SET next_query_at = $2, queries = queries + 1
            WHERE id IN (SELECT id FROM payments_refund WHERE next_query_at <= $1
                ORDER BY next_query_at LIMIT $3 FOR UPDATE SKIP LOCKED)
            RETURNING id""",
            now,
            again,
            limit,
        )
        return [row["id"] for row in rows]

    async def put_off_refund(self, db: Any, refund_id: UUID, *, now: datetime) -> None:
        """Ask again later, each time twice as late, at most six hours."""
        await db.execute(
            """UPDATE payments_refund SET next_query_at = $2::timestamptz
                + least(interval '6 hours', interval '30 seconds' * 2 ^ least(queries, 12))
            WHERE id = $1 AND status = 'pending'""",
            refund_id,
            now,
        )
