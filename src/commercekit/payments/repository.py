"""Every query on the tables of payments. Gives models, never rows.

Money moves under a lock on the payment's row (``lock_payment``), taken after the reference's lock.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from commercekit.kernel import Money, new_id
from commercekit.payments.models import (
    HistoryEntry,
    LedgerEntry,
    Operation,
    Payment,
    PaymentStatus,
    PaymentSummary,
    Refund,
    RefundStatus,
    StoredAction,
    StoredRequest,
)
from commercekit.payments.providers import Action, CaptureMode, Flow, NoAction

if TYPE_CHECKING:
    from commercekit.platform.db import Record, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["SEALED_TABLES", "PaymentRepository", "Reader"]

SEALED_TABLES = ("payments_payment",)
"""Tables with sealed columns, for the sealer to load its keys."""

_PAYMENT = """id, reference, method, gateway, account, flow, capture, status, amount, currency,
    authorised, captured, refunded, refund_pending, received_amount, received_currency, provider_ref,
    failure_code, operation, operation_amount, operation_id, expires_at, created_at, updated_at, version"""
_REFUND = """id, payment_id, reference, amount, currency, reason, status, provider_ref, failure_code,
    attempts, retries, created_at, updated_at, version"""


class Reader(Protocol):
    """A database or a unit of work: anything that answers queries."""

    async def fetch(self, sql: str, *args: Any) -> list[Record]: ...
    async def fetchrow(self, sql: str, *args: Any) -> Record | None: ...
    async def fetchval(self, sql: str, *args: Any) -> Any: ...


class PaymentRepository:
    """Reads and writes payments, refunds, provider events, the ledger and the history."""

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

    async def payment(self, db: Reader, payment_id: UUID) -> Payment | None:
        """The payment without its action."""
        row = await db.fetchrow(
            f"SELECT {_PAYMENT} FROM payments_payment WHERE id = $1", payment_id
        )
        return None if row is None else _payment(row)

    async def lock_payment(self, uow: UnitOfWork, payment_id: UUID) -> Payment | None:
        """The payment, locked until the unit of work ends."""
        row = await uow.fetchrow(
            f"SELECT {_PAYMENT} FROM payments_payment WHERE id = $1 FOR UPDATE", payment_id
        )
        return None if row is None else _payment(row)

    async def payment_to_start(
        self, db: Reader, payment_id: UUID
    ) -> tuple[Payment, StoredRequest, Action | None, int] | None:
        """The payment, what to ask, what the shopper has to do if known, and how often it was tried."""
        row = await db.fetchrow(
            f"SELECT {_PAYMENT}, request, action, attempts FROM payments_payment WHERE id = $1",
            payment_id,
        )
        if row is None:
            return None
        payment = _payment(row)
        request = self._sealer.open(
            "payments_payment", "request", payment.id, row["request"], StoredRequest
        )
        return payment, request, self._action(payment.id, row["action"]), row["attempts"]

    async def payments_of(self, db: Reader, reference: str, *, lock: bool = False) -> list[Payment]:
        """All payments of the reference, oldest first; locked in that order if asked."""
        rows = await db.fetch(
            f"SELECT {_PAYMENT} FROM payments_payment WHERE reference = $1 ORDER BY id"
            + (" FOR UPDATE" if lock else ""),
            reference,
        )
        return [_payment(row) for row in rows]

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
            f"""SELECT {_PAYMENT} FROM payments_payment
            WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR status = $2)
              AND ($3::text IS NULL OR reference = $3) AND ($4::text IS NULL OR gateway = $4)
            ORDER BY id DESC LIMIT $5""",
            before,
            status,
            reference,
            gateway,
            limit,
        )
        return [_payment(row) for row in rows]

    async def count_attempt(self, uow: UnitOfWork, payment_id: UUID, due: datetime) -> None:
        """Note that the gateway was asked to create it, and when to look into it."""
        await uow.execute(
            "UPDATE payments_payment SET attempts = attempts + 1, next_query_at = $2 WHERE id = $1",
            payment_id,
            due,
        )

    async def save_payment(
        self,
        uow: UnitOfWork,
        payment: Payment,
        *,
        next_query_at: datetime | None,
        action: Action | None = None,
    ) -> Payment:
        """Write what may change on a locked payment; gives it with its new version.

        ``action`` is kept unless one is kept already.
        """
        sealed = None
        if action is not None and not isinstance(action, NoAction):
            sealed = self._sealer.seal(
                "payments_payment", "action", payment.id, StoredAction(action)
            )
        row = await uow.fetchrow(
            f"""UPDATE payments_payment SET status = $2, authorised = $3, captured = $4,
                refunded = $5, refund_pending = $6, received_amount = $7, received_currency = $8,
                provider_ref = $9, failure_code = $10, operation = $11, operation_amount = $12,
                operation_id = $13, next_query_at = $14, updated_at = $15,
                action = coalesce(action, $16), version = version + 1
            WHERE id = $1 RETURNING {_PAYMENT}""",
            payment.id,
            payment.status.value,
            payment.authorised.amount,
            payment.captured.amount,
            payment.refunded.amount,
            payment.refund_pending.amount,
            None if payment.received is None else payment.received.amount,
            None if payment.received is None else payment.received.currency,
            payment.provider_ref,
            payment.failure_code,
            None if payment.operation is None else payment.operation.value,
            payment.operation_amount,
            payment.operation_id,
            next_query_at,
            uow.clock.now(),
            sealed,
        )
        return _payment(_present(row))

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
        row = await db.fetchrow(
            """SELECT min(currency) AS currency, count(*) AS payments,
                count(*) FILTER (WHERE status = 'mismatch') AS mismatched,
                coalesce(sum(amount) FILTER (WHERE status IN
                    ('created', 'pending', 'authorised', 'paid')), 0)::bigint AS asked,
                coalesce(sum(amount) FILTER (WHERE status IN ('created', 'pending')), 0)::bigint
                    AS pending,
                coalesce(sum(authorised) FILTER (WHERE status = 'authorised'), 0)::bigint
                    AS authorised,
                coalesce(sum(captured), 0)::bigint AS captured,
                coalesce(sum(refunded), 0)::bigint AS refunded,
                coalesce(sum(refund_pending), 0)::bigint AS pending_refunds
            FROM payments_payment WHERE reference = $1""",
            reference,
        )
        return PaymentSummary(reference=reference, **dict(_present(row)))

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

    async def insert_refund(
        self, uow: UnitOfWork, refund: Refund, *, next_query_at: datetime
    ) -> None:
        """Write a new refund."""
        await uow.execute(
            """INSERT INTO payments_refund (id, payment_id, reference, amount, currency, reason,
                status, next_query_at, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)""",
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
            f"SELECT {_REFUND} FROM payments_refund WHERE id = $1"
            + (" FOR UPDATE" if lock else ""),
            refund_id,
        )
        return None if row is None else _refund(row)

    async def refund_by_provider_ref(
        self, db: Reader, payment_id: UUID, provider_ref: str
    ) -> Refund | None:
        """The refund of this payment that the provider calls ``provider_ref``."""
        row = await db.fetchrow(
            f"SELECT {_REFUND} FROM payments_refund WHERE payment_id = $1 AND provider_ref = $2",
            payment_id,
            provider_ref,
        )
        return None if row is None else _refund(row)

    async def refunds_of(self, db: Reader, reference: str) -> list[Refund]:
        """All refunds of the reference, oldest first."""
        rows = await db.fetch(
            f"SELECT {_REFUND} FROM payments_refund WHERE reference = $1 ORDER BY id", reference
        )
        return [_refund(row) for row in rows]

    async def refunds_on(self, db: Reader, payment_id: UUID) -> list[Refund]:
        """All refunds of one payment, oldest first."""
        rows = await db.fetch(
            f"SELECT {_REFUND} FROM payments_refund WHERE payment_id = $1 ORDER BY id", payment_id
        )
        return [_refund(row) for row in rows]

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
            f"""SELECT {_REFUND} FROM payments_refund
            WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR status = $2)
              AND ($3::text IS NULL OR reference = $3)
            ORDER BY id DESC LIMIT $4""",
            before,
            status,
            reference,
            limit,
        )
        return [_refund(row) for row in rows]

    async def save_refund(
        self, uow: UnitOfWork, refund: Refund, *, next_query_at: datetime | None
    ) -> Refund:
        """Write what may change on a locked refund; gives it with its new version."""
        row = await uow.fetchrow(
            f"""UPDATE payments_refund SET status = $2, provider_ref = $3, failure_code = $4,
                attempts = $5, retries = $6, next_query_at = $7, updated_at = $8,
                version = version + 1
            WHERE id = $1 RETURNING {_REFUND}""",
            refund.id,
            refund.status.value,
            refund.provider_ref,
            refund.failure_code,
            refund.attempts,
            refund.retries,
            next_query_at,
            uow.clock.now(),
        )
        return _refund(_present(row))

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

    def _action(self, payment_id: UUID, sealed: bytes | None) -> Action | None:
        if sealed is None:
            return None
        return self._sealer.open(
            "payments_payment", "action", payment_id, sealed, StoredAction
        ).action


def _present(row: Record | None) -> Record:
    """A row that is locked, or an aggregate: it cannot be missing."""
    if row is None:
        message = "a locked row vanished"
        raise RuntimeError(message)
    return row


def _payment(row: Record) -> Payment:
    currency = row["currency"]
    received = row["received_amount"]
    operation = row["operation"]
    return Payment(
        id=_uuid(row["id"]),
        reference=row["reference"],
        method=row["method"],
        gateway=row["gateway"],
        account=row["account"],
        flow=Flow(row["flow"]),
        capture=CaptureMode(row["capture"]),
        status=PaymentStatus(row["status"]),
        amount=Money(row["amount"], currency),
        authorised=Money(row["authorised"], currency),
        captured=Money(row["captured"], currency),
        refunded=Money(row["refunded"], currency),
        refund_pending=Money(row["refund_pending"], currency),
        received=None if received is None else Money(received, row["received_currency"]),
        provider_ref=row["provider_ref"],
        failure_code=row["failure_code"],
        operation=None if operation is None else Operation(operation),
        operation_amount=row["operation_amount"],
        operation_id=None if row["operation_id"] is None else _uuid(row["operation_id"]),
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )


def _refund(row: Record) -> Refund:
    return Refund(
        id=_uuid(row["id"]),
        payment_id=_uuid(row["payment_id"]),
        reference=row["reference"],
        amount=Money(row["amount"], row["currency"]),
        reason=row["reason"],
        status=RefundStatus(row["status"]),
        provider_ref=row["provider_ref"],
        failure_code=row["failure_code"],
        attempts=row["attempts"],
        retries=row["retries"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )


def _uuid(value: Any) -> UUID:
    # asyncpg gives its own subclass, which msgspec does not encode.
    return value if type(value) is UUID else UUID(int=value.int)
