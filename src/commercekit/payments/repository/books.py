"""The books: events of providers seen once, the ledger, the history."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.kernel import lowest_after, new_id
from commercekit.payments.models import AttentionKind, HistoryEntry, LedgerEntry
from commercekit.payments.repository.draft import evidence_row
from commercekit.payments.repository.rows import PAYMENT, Reader, payment_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.payments.models import Payment
    from commercekit.platform.db import UnitOfWork

__all__ = ["BookQueries"]

# Sorted, so that two batches that share events or payments wait for each other and never both.
_OPEN = f"""
WITH said AS (
    INSERT INTO payments_provider_event (id, gateway, account, event_id, source, kind, payment_id,
        refund_id, state, fingerprint, occurred_at, received_at)
    SELECT * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::uuid[], $9::uuid[], $10::text[], $11::bytea[], $12::timestamptz[],
            $13::timestamptz[])
        AS t (id, gateway, account, event_id)
    ORDER BY gateway, account, event_id
    ON CONFLICT ON CONSTRAINT payments_provider_event_once DO NOTHING
    RETURNING id
), locked AS (
    SELECT {PAYMENT} FROM payments_payment WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
)
SELECT locked.*, (SELECT array_agg(said.id) FROM said) AS fresh
FROM (VALUES (1)) AS one LEFT JOIN locked ON true
"""

_KEEP = """
INSERT INTO payments_provider_event (id, gateway, account, event_id, source, kind, payment_id,
    refund_id, state, fingerprint, occurred_at, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT ON CONSTRAINT payments_provider_event_once DO NOTHING
"""


class BookQueries:
    """Appends to what is never changed, and reads it."""

    async def archived(self, db: Reader, payment_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Which of the ids are of a month that was taken out of the shop."""
        rows = await db.fetch(
            "SELECT id FROM unnest($1::uuid[]) AS id WHERE platform_is_over(id)", list(payment_ids)
        )
        return frozenset(row["id"] for row in rows)

    async def quarantine(
        self,
        uow: UnitOfWork,
        *,
        evidence: tuple[Any, ...],
        attention: AttentionKind,
        detail: str,
    ) -> None:
        """Keep what was said of a payment that is not here, and call for attention; once each."""
        _, gateway, account, _, _, _, payment_id, *_ = evidence
        fresh = await uow.fetchval(f"{_KEEP} RETURNING true", *evidence)
        if fresh:
            await uow.execute(
                """INSERT INTO payments_attention (id, kind, payment_id, reference, gateway, account,
                    detail, opened_at) VALUES ($1, $2, $3, '', $4, $5, $6, $7)
                ON CONFLICT DO NOTHING""",
                new_id(),
                attention.value,
                payment_id,
                gateway,
                account,
                detail,
                uow.clock.now(),
            )

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
        row = evidence_row(
            gateway=gateway,
            account=account,
            event_id=event_id,
            source=source,
            kind=kind,
            state=state,
            payment_id=payment_id,
            refund_id=refund_id,
            raw=raw,
            occurred_at=occurred_at,
            received_at=uow.clock.now(),
        )
        tag = await uow.execute(_KEEP, *row)
        return tag.endswith(" 1")

    async def open_books(
        self, uow: UnitOfWork, payment_ids: Sequence[UUID], evidence: Sequence[tuple[Any, ...]]
    ) -> tuple[dict[UUID, Payment], set[UUID]]:
        """Lock payments and note what was said about them, in one statement.

        ``evidence`` are rows as :func:`evidence_row` makes them. Gives the payments that there are, and
        the ids of the rows that say something new.
        """
        columns = [list(column) for column in zip(*evidence, strict=True)] or [[]] * 12
        rows = await uow.fetch(_OPEN, list(payment_ids), *columns)
        payments = [payment_from(row) for row in rows if row["id"] is not None]
        return {payment.id: payment for payment in payments}, set(rows[0]["fresh"] or ())

    async def money_came(self, db: Reader, reference: str) -> list[UUID]:
        """Payments of the reference with money, by when it came first; the last one first."""
        rows = await db.fetch(
            """SELECT l.payment_id FROM payments_payment p
            JOIN payments_ledger_entry l ON l.payment_id = p.id AND l.kind = 'capture'
            WHERE p.reference = $1 AND p.id >= $2 AND l.payment_id >= $2
            GROUP BY l.payment_id ORDER BY (array_agg(l.id ORDER BY l.id))[1] DESC""",
            reference,
            lowest_after(reference),
        )
        return [UUID(int=row["payment_id"].int) for row in rows]

    async def ledger_of(self, db: Reader, payment_id: UUID) -> list[LedgerEntry]:
        """All bookings of a payment and its refunds, oldest first."""
        rows = await db.fetch(
            """SELECT transaction_id, payment_id, refund_id, line_id, kind, account, debit, credit,
                currency, booked_at FROM payments_ledger_entry WHERE payment_id = $1 ORDER BY id""",
            payment_id,
        )
        return [LedgerEntry(**dict(row)) for row in rows]

    async def history_of(self, db: Reader, payment_id: UUID) -> list[HistoryEntry]:
        """Every step of a payment and its refunds, oldest first."""
        rows = await db.fetch(
            """SELECT at, refund_id, actor, event, before, after, detail FROM payments_history
            WHERE payment_id = $1 ORDER BY id""",
            payment_id,
        )
        return [HistoryEntry(**dict(row)) for row in rows]
