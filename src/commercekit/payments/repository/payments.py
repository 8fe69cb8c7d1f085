"""Payments: what was asked, what came, and when to ask about it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.kernel import lowest_after
from commercekit.payments.models import Payment, PaymentSummary, StoredAction, StoredRequest
from commercekit.payments.providers import Action
from commercekit.payments.repository.rows import PAYMENT, Reader, payment_from

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["PaymentQueries"]

_SUMMARIES = """
SELECT r.reference, min(p.currency) AS currency, count(p.id) AS payments,
    count(*) FILTER (WHERE p.status = 'mismatch') AS mismatched,
    coalesce(sum(p.amount) FILTER (WHERE p.status IN
        ('created', 'pending', 'authorised', 'paid')), 0)::bigint AS asked,
    coalesce(sum(p.amount) FILTER (WHERE p.status IN ('created', 'pending')), 0)::bigint AS pending,
    coalesce(sum(p.authorised - p.captured) FILTER (WHERE p.status = 'authorised'), 0)::bigint
        AS authorised,
    coalesce(sum(p.captured), 0)::bigint AS captured,
    coalesce(sum(p.refunded), 0)::bigint AS refunded,
    coalesce(sum(p.refund_pending), 0)::bigint AS pending_refunds,
    coalesce(sum(p.disputed), 0)::bigint AS disputed
FROM unnest($1::text[]) WITH ORDINALITY AS r (reference, place)
LEFT JOIN payments_payment p ON p.reference = r.reference AND p.id >= $2
GROUP BY r.place, r.reference ORDER BY r.place
"""


class PaymentQueries:
    """Reads and writes payments; what the shopper and the provider said is sealed."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def insert_payment(
        self,
        uow: UnitOfWork,
        payment: Payment,
        request: StoredRequest,
        *,
        next_query_at: datetime | None,
    ) -> bool:
        """Write a new payment; ``False`` when its id is there already."""
        sealed = self._sealer.seal("payments_payment", "request", payment.id, request)
        tag = await uow.execute(
            """INSERT INTO payments_payment (id, reference, method, gateway, account, flow, capture,
                status, amount, currency, expires_at, next_query_at, request, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
            ON CONFLICT (id) DO NOTHING""",
            payment.id,
            payment.reference,
            payment.method,
            payment.gateway,
            payment.account,
            payment.flow.value,
            payment.capture.value,
            payment.status.value,
            payment.amount.amount,
            payment.amount.currency,
            payment.expires_at,
            next_query_at,
            sealed,
            payment.created_at,
        )
        return tag.endswith(" 1")

    def payment_row(
        self, payment: Payment, request: StoredRequest, *, next_query_at: datetime | None
    ) -> dict[str, Any]:
        """A new payment as the SQL function ``payments_write`` takes it, without history."""
        seal = self._sealer.seal
        action = None
        if payment.action is not None:
            sealed = seal("payments_payment", "action", payment.id, StoredAction(payment.action))
            action = "\\x" + sealed.hex()
        return {
            "id": payment.id,
            "reference": payment.reference,
            "method": payment.method,
            "gateway": payment.gateway,
            "account": payment.account,
            "flow": payment.flow,
            "capture": payment.capture,
            "status": payment.status,
            "amount": payment.amount.amount,
            "currency": payment.amount.currency,
            "provider_ref": payment.provider_ref,
            "expires_at": payment.expires_at,
            "next_query_at": next_query_at,
            "request": "\\x" + seal("payments_payment", "request", payment.id, request).hex(),
            "action": action,
            "created_at": payment.created_at,
            "history": [],
        }

    async def payment(self, db: Reader, payment_id: UUID) -> Payment | None:
        """The payment without its action."""
        row = await db.fetchrow(f"SELECT {PAYMENT} FROM payments_payment WHERE id = $1", payment_id)
        return None if row is None else payment_from(row)

    async def references_of(self, db: Reader, payment_ids: Sequence[UUID]) -> dict[UUID, str]:
        """What each of the payments is for; those that do not exist are missing."""
        rows = await db.fetch(
            "SELECT id, reference FROM payments_payment WHERE id = ANY ($1::uuid[])",
            list(payment_ids),
        )
        return {row["id"]: row["reference"] for row in rows}

    async def lock_payment(self, uow: UnitOfWork, payment_id: UUID) -> Payment | None:
        """The payment, locked until the unit of work ends."""
        row = await uow.fetchrow(
            f"SELECT {PAYMENT} FROM payments_payment WHERE id = $1 FOR UPDATE", payment_id
        )
        return None if row is None else payment_from(row)

    async def payment_to_start(
        self, db: Reader, payment_id: UUID
    ) -> tuple[Payment, StoredRequest, Action | None, int] | None:
        """The payment, what to ask, what the shopper has to do if known, and how often it was tried."""
        row = await db.fetchrow(
            f"SELECT {PAYMENT}, request, action, attempts FROM payments_payment WHERE id = $1",
            payment_id,
        )
        if row is None:
            return None
        payment = payment_from(row)
        request = self._sealer.open(
            "payments_payment", "request", payment.id, row["request"], StoredRequest
        )
        return payment, request, self._action(payment.id, row["action"]), row["attempts"]

    async def use_of(self, source: Reader, gateways: Collection[str]) -> tuple[int, int, int]:
        """Payments, open ones among them, and refunds, of these gateways."""
        row = await source.fetchrow(
            "SELECT count(*), count(*) FILTER (WHERE status IN ('created', 'pending')),"
            " (SELECT count(*) FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id"
            " WHERE p.gateway = ANY ($1::text[])) FROM payments_payment"
            " WHERE gateway = ANY ($1::text[])",
            list(gateways),
        )
        return (row[0], row[1], row[2]) if row else (0, 0, 0)

    async def payments_of(self, db: Reader, reference: str, *, lock: bool = False) -> list[Payment]:
        """All payments of the reference, oldest first; locked in that order if asked."""
        rows = await db.fetch(
            f"SELECT {PAYMENT} FROM payments_payment WHERE reference = $1 AND id >= $2 ORDER BY id"
            + (" FOR UPDATE" if lock else ""),
            reference,
            lowest_after(reference),
        )
        return [payment_from(row) for row in rows]

    async def page(
        self,
        db: Reader,
        *,
        limit: int,
        before: UUID | None,
        status: str | None,
        reference: str | None,
        gateway: str | None,
    ) -> list[Payment]:
        """Payments, newest first, below ``before``."""
        rows = await db.fetch(
            f"""SELECT {PAYMENT} FROM payments_payment
            WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR status = $2)
              AND ($3::text IS NULL OR reference = $3) AND ($4::text IS NULL OR gateway = $4)
            ORDER BY id DESC LIMIT $5""",
            before,
            status,
            reference,
            gateway,
            limit,
        )
        return [payment_from(row) for row in rows]

    async def count_attempt(self, uow: UnitOfWork, payment_id: UUID, due: datetime) -> None:
        """Note that the gateway was asked to create it, and when to look into it."""
        await uow.execute(
            "UPDATE payments_payment SET attempts = attempts + 1, next_query_at = $2 WHERE id = $1",
            payment_id,
            due,
        )

    def sealed_action(self, payment_id: UUID, action: Action | None) -> bytes | None:
        """What the shopper has to do, as it is kept."""
        if action is None:
            return None
        return self._sealer.seal("payments_payment", "action", payment_id, StoredAction(action))

    async def move_refund_money(
        self, uow: UnitOfWork, payment_id: UUID, *, pending: int, refunded: int
    ) -> None:
        """Shift what is on its way back and what is gone on a locked payment."""
        await uow.execute(
            """UPDATE payments_payment SET refund_pending = refund_pending + $2,
                refunded = refunded + $3, updated_at = $4, version = version + 1 WHERE id = $1""",
            payment_id,
            pending,
            refunded,
            uow.clock.now(),
        )

    async def claim_due(
        self, uow: UnitOfWork, *, now: datetime, again: datetime, limit: int
    ) -> list[UUID]:
        """Payments to ask about, each put off to ``again`` so that no other process asks too."""
        rows = await uow.fetch(
            """UPDATE payments_payment SET next_query_at = $2, queries = queries + 1
            WHERE id IN (SELECT id FROM payments_payment WHERE next_query_at <= $1
                ORDER BY next_query_at LIMIT $3 FOR UPDATE SKIP LOCKED)
            RETURNING id""",
            now,
            again,
            limit,
        )
        return [row["id"] for row in rows]

    async def set_next_query(self, db: Any, payment_id: UUID, due: datetime | None) -> None:
        """When to ask about the payment next; ``None`` for never."""
        await db.execute(
            "UPDATE payments_payment SET next_query_at = $2 WHERE id = $1", payment_id, due
        )

    async def queries(self, db: Reader, payment_id: UUID) -> int:
        """How often the provider was asked about the payment."""
        count: int = await db.fetchval(
            "SELECT queries FROM payments_payment WHERE id = $1", payment_id
        )
        return count

    async def summary(self, db: Reader, reference: str) -> PaymentSummary:
        """All money of a reference."""
        return (await self.summaries(db, [reference]))[0]

    async def summaries(self, db: Reader, references: Sequence[str]) -> list[PaymentSummary]:
        """All money of each reference, in their order."""
        lowest = min(map(lowest_after, references), default=None)
        rows = await db.fetch(_SUMMARIES, list(references), lowest)
        return [PaymentSummary(**dict(row)) for row in rows]

    def _action(self, payment_id: UUID, sealed: bytes | None) -> Action | None:
        if sealed is None:
            return None
        return self._sealer.open(
            "payments_payment", "action", payment_id, sealed, StoredAction
        ).action
