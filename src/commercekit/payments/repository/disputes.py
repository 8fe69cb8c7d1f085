"""Disputes: one row for each, as the provider told it last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.kernel import Money, lowest_after
from commercekit.payments.models import Dispute
from commercekit.payments.providers import DisputeState
from commercekit.payments.repository.rows import Reader, plain_uuid

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.platform.db import Record, UnitOfWork

__all__ = ["DisputeQueries"]

_COLUMNS = """id, payment_id, reference, gateway, account, dispute_ref, state, amount, currency,
    withdrawn, reason, evidence_due_at, occurred_at, opened_at, ended_at, updated_at, version"""


class DisputeQueries:
    """Reads and writes disputes; a booking holds the lock of the payment."""

    async def disputes_on(self, db: Reader, payment_id: UUID) -> list[Dispute]:
        """All disputes of one payment, oldest first."""
        rows = await db.fetch(
            f"SELECT {_COLUMNS} FROM payments_dispute WHERE payment_id = $1 ORDER BY id", payment_id
        )
        return [_dispute(row) for row in rows]

    async def disputes_of(self, db: Reader, reference: str) -> list[Dispute]:
        """All disputes of a reference, oldest first."""
        rows = await db.fetch(
            f"""SELECT {_COLUMNS} FROM payments_dispute WHERE reference = $1 AND payment_id >= $2
            ORDER BY id""",
            reference,
            lowest_after(reference),
        )
        return [_dispute(row) for row in rows]

    async def save_dispute(self, uow: UnitOfWork, dispute: Dispute) -> None:
        """Write a new dispute, or what changed on one."""
        await uow.execute(
            f"""INSERT INTO payments_dispute AS d ({_COLUMNS})
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, amount = excluded.amount,
                withdrawn = excluded.withdrawn, reason = excluded.reason,
                evidence_due_at = excluded.evidence_due_at, occurred_at = excluded.occurred_at,
                ended_at = excluded.ended_at, updated_at = excluded.updated_at,
                version = excluded.version""",
            dispute.id,
            dispute.payment_id,
            dispute.reference,
            dispute.gateway,
            dispute.account,
            dispute.dispute_ref,
            dispute.state.value,
            dispute.amount.amount,
            dispute.amount.currency,
            dispute.withdrawn.amount,
            dispute.reason,
            dispute.evidence_due_at,
            dispute.occurred_at,
            dispute.opened_at,
            dispute.ended_at,
            dispute.updated_at,
            dispute.version,
        )

    async def move_disputed(self, uow: UnitOfWork, payment_id: UUID, amount: int) -> None:
        """Shift what the provider holds because of disputes, on a locked payment."""
        await uow.execute(
            """UPDATE payments_payment SET disputed = disputed + $2, updated_at = $3,
                version = version + 1 WHERE id = $1""",
            payment_id,
            amount,
            uow.clock.now(),
        )

    async def dispute_page(
        self,
        db: Reader,
        *,
        limit: int,
        before: UUID | None,
        state: str | None,
        reference: str | None,
        open_only: bool,
    ) -> list[Dispute]:
        """Disputes, newest first, below ``before``."""
        rows = await db.fetch(
            f"""SELECT {_COLUMNS} FROM payments_dispute
            WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR state = $2)
              AND ($3::text IS NULL OR reference = $3) AND ($4 IS FALSE OR ended_at IS NULL)
            ORDER BY id DESC LIMIT $5""",
            before,
            state,
            reference,
            open_only,
            limit,
        )
        return [_dispute(row) for row in rows]

    async def evidence_due(self, db: Reader, *, until: datetime, limit: int) -> list[Dispute]:
        """Disputes that wait for the shop's answer until then, and were not called for yet."""
        rows = await db.fetch(
            f"""SELECT {_COLUMNS} FROM payments_dispute d
            WHERE state = 'needs_response' AND evidence_due_at <= $1
              AND NOT EXISTS (SELECT FROM payments_attention a WHERE a.payment_id = d.payment_id
                  AND a.kind = 'evidence-due' AND (a.resolved_at IS NULL OR a.detail LIKE
                      '%' || d.dispute_ref || '%'))
            ORDER BY id LIMIT $2""",
            until,
            limit,
        )
        return [_dispute(row) for row in rows]


def _dispute(row: Record) -> Dispute:
    fields: dict[str, Any] = dict(row)
    currency = fields.pop("currency")
    fields["amount"] = Money(fields["amount"], currency)
    fields["withdrawn"] = Money(fields["withdrawn"], currency)
    fields["state"] = DisputeState(fields["state"])
    fields["id"], fields["payment_id"] = plain_uuid(row["id"]), plain_uuid(row["payment_id"])
    return Dispute(**fields)
