"""The books: events of providers seen once, the ledger, the history."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import new_id
from commercekit.payments.models import HistoryEntry, LedgerEntry, Payment
from commercekit.payments.repository.rows import Reader

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["BookQueries"]


class BookQueries:
    """Appends to what is never changed, and reads it."""

    async def first_seen(
        self,
        uow: UnitOfWork,
        *,
        gateway: str,
        account: str,
        event_id: str,
        source: str,
        kind: str,
        state: str,
        payment_id: UUID | None,
        refund_id: UUID | None,
        raw: bytes,
        occurred_at: datetime | None,
    ) -> bool:
        """Note an event; ``False`` when it was noted before. Waits for a rival noting it just now."""
        tag = await uow.execute(
            """INSERT INTO payments_provider_event (id, gateway, account, event_id, source, kind,
                payment_id, refund_id, state, fingerprint, occurred_at, received_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT ON CONSTRAINT payments_provider_event_once DO NOTHING""",
            new_id(),
            gateway,
            account,
            event_id,
            source,
            kind,
            payment_id,
            refund_id,
            state,
            hashlib.sha256(raw).digest(),
            occurred_at,
            uow.clock.now(),
        )
        return tag.endswith(" 1")

    async def post(
        self,
        uow: UnitOfWork,
        payment: Payment,
        *,
        kind: str,
        amount: int,
        debit: str,
        credit: str,
        refund_id: UUID | None = None,
    ) -> None:
        """Book ``amount`` from account ``credit`` to account ``debit``: both sides in one statement."""
        await uow.execute(
            """INSERT INTO payments_ledger_entry (id, transaction_id, payment_id, refund_id,
                reference, kind, account, debit, credit, currency, booked_at)
            VALUES ($1, $3, $4, $5, $6, $7, $8, $9, 0, $11, $12),
                   ($2, $3, $4, $5, $6, $7, $10, 0, $9, $11, $12)""",
            new_id(),
            new_id(),
            new_id(),
            payment.id,
            refund_id,
            payment.reference,
            kind,
            debit,
            amount,
            credit,
            payment.amount.currency,
            uow.clock.now(),
        )

    async def ledger_of(self, db: Reader, payment_id: UUID) -> list[LedgerEntry]:
        """All bookings of a payment and its refunds, oldest first."""
        rows = await db.fetch(
            """SELECT transaction_id, payment_id, refund_id, kind, account, debit, credit, currency,
                booked_at FROM payments_ledger_entry WHERE payment_id = $1 ORDER BY id""",
            payment_id,
        )
        return [LedgerEntry(**dict(row)) for row in rows]

    async def note(
        self,
        uow: UnitOfWork,
        payment_id: UUID,
        *,
        actor: str,
        event: str,
        before: str | None,
        after: str | None,
        detail: str = "",
        refund_id: UUID | None = None,
    ) -> None:
        """Append a step to the history."""
        await uow.execute(
            """INSERT INTO payments_history (id, payment_id, refund_id, at, actor, event, before,
                after, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
            new_id(),
            payment_id,
            refund_id,
            uow.clock.now(),
            actor,
            event,
            before,
            after,
            detail,
        )

    async def history_of(self, db: Reader, payment_id: UUID) -> list[HistoryEntry]:
        """Every step of a payment and its refunds, oldest first."""
        rows = await db.fetch(
            """SELECT at, refund_id, actor, event, before, after, detail FROM payments_history
            WHERE payment_id = $1 ORDER BY id""",
            payment_id,
        )
        return [HistoryEntry(**dict(row)) for row in rows]
