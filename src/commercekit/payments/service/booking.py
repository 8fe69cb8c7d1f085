"""Writing down what a provider said: row, evidence, ledger, history and facts, in one unit of work."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from commercekit.kernel import Money
from commercekit.payments.events import (
    PaymentAuthorised,
    PaymentClosed,
    PaymentFact,
    PaymentFailed,
    PaymentMismatched,
    PaymentPaid,
    PaymentPaidLate,
    PaymentPending,
    RefundFact,
    RefundFailed,
    RefundNeedsAttention,
    RefundSucceeded,
)
from commercekit.payments.models import (
    Operation,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from commercekit.payments.rules import (
    PaymentChange,
    RefundChange,
    judge_payment,
    judge_refund,
    next_query,
)
from commercekit.payments.service.desk import Desk, logger

if TYPE_CHECKING:
    from commercekit.payments.providers import Action, PaymentSnapshot, RefundSnapshot
    from commercekit.platform.db import UnitOfWork

__all__ = ["PROVIDER", "book_payment", "book_refund", "clearing_account"]

PROVIDER = "provider"
"""The actor of what a provider told, in histories."""

_RECEIVED = "received"
_OPEN = (PaymentStatus.CREATED, PaymentStatus.PENDING)
_WITH_MONEY = (PaymentStatus.AUTHORISED, PaymentStatus.PAID, PaymentStatus.MISMATCH)
"""What is only believed with evidence: a notification, an answer, or somebody's word."""


def clearing_account(payment: Payment) -> str:
    """The ledger's name for the money that lies at a merchant account."""
    return f"gateway:{payment.gateway}:{payment.account}"


async def book_payment(
    desk: Desk,
    uow: UnitOfWork,
    payment: Payment,
    snapshot: PaymentSnapshot,
    *,
    source: str,
    actor: str = PROVIDER,
    foreign_account: bool = False,
    event_id: str | None = None,
    action: Action | None = None,
    ends: Operation | None = None,
) -> Payment:
    """Write down what ``snapshot`` changes on a locked payment.

    ``event_id`` names evidence that is noted already; without it the change is its own evidence.
    ``ends`` is the operation that this snapshot answers.
    """
    change = judge_payment(payment, snapshot, foreign_account=foreign_account)
    now = uow.clock.now()
    after = _applied(payment, change, snapshot, ends)
    due = _due(after, now)
    if after == payment and not change.note and action is None:
        await desk.rows.set_next_query(uow, payment.id, due)
        return payment
    after = await desk.rows.save_payment(uow, after, next_query_at=due, action=action)
    moved = after.status is not payment.status
    if moved and event_id is None and after.status in _WITH_MONEY:
        await desk.rows.first_seen(
            uow,
            gateway=payment.gateway,
            account=payment.account,
            event_id=f"{source}:{payment.id.hex}:{after.status}",
            source=source,
            kind="payment",
            state=snapshot.state.value,
            payment_id=payment.id,
            refund_id=None,
            raw=snapshot.raw,
            occurred_at=snapshot.occurred_at,
        )
    if moved or change.note:
        await desk.rows.note(
            uow,
            payment.id,
            actor=actor,
            event=f"payment-{after.status}" if moved else "payment-note",
            before=payment.status.value,
            after=after.status.value,
            detail=change.note or (after.failure_code or ""),
        )
    if moved and after.status is PaymentStatus.PAID:
        await desk.rows.post(
            uow,
            after,
            kind="capture",
            amount=after.captured.amount,
            debit=clearing_account(after),
            credit=_RECEIVED,
        )
    if moved:
        uow.publish(*_payment_facts(after, change))
    if change.mismatch:
        logger.error(
            "payment %s quarantined: %s differs, asked %s, came %s",
            payment.id,
            change.mismatch,
            payment.amount,
            change.received,
        )
    elif change.note:
        logger.warning("payment %s: %s", payment.id, change.note)
    return after


def _applied(
    payment: Payment, change: PaymentChange, snapshot: PaymentSnapshot, ends: Operation | None
) -> Payment:
    currency = payment.amount.currency
    operation, amount = payment.operation, payment.operation_amount
    over = change.status not in (*_OPEN, PaymentStatus.AUTHORISED)
    if operation is not None and (over or operation is ends):
        operation, amount = None, None
    if change.drop_authorisation:
        operation, amount = Operation.VOID, None
    failure = snapshot.failure_code if change.status is PaymentStatus.FAILED else None
    return msgspec.structs.replace(
        payment,
        status=change.status,
        authorised=Money(change.authorised, currency),
        captured=Money(change.captured, currency),
        received=payment.received if change.received is None else change.received,
        provider_ref=payment.provider_ref or snapshot.provider_ref,
        failure_code=failure if change.status is not payment.status else payment.failure_code,
        operation=operation,
        operation_amount=amount,
    )


def _due(payment: Payment, now: datetime) -> datetime | None:
    if payment.operation is not None:
        return next_query(now, None, now)
    if payment.status in _OPEN:
        return next_query(payment.created_at, payment.expires_at, now)
    return None


def _payment_facts(after: Payment, change: PaymentChange) -> list[PaymentFact]:
    amount = after.amount.amount
    told: dict[str, Any] = {
        "payment_id": after.id,
        "reference": after.reference,
        "currency": after.amount.currency,
        "method": after.method,
    }
    match after.status:
        case PaymentStatus.PENDING:
            return [PaymentPending(amount=amount, **told)]
        case PaymentStatus.AUTHORISED:
            return [PaymentAuthorised(amount=after.authorised.amount, **told)]
        case PaymentStatus.PAID:
            taken = after.captured.amount
            facts: list[PaymentFact] = [PaymentPaid(amount=taken, late=change.late, **told)]
            if change.late:
                facts.append(PaymentPaidLate(amount=taken, **told))
            return facts
        case PaymentStatus.FAILED:
            return [PaymentFailed(amount=amount, code=after.failure_code or "", **told)]
        case PaymentStatus.CLOSED:
            return [PaymentClosed(amount=amount, **told)]
        case PaymentStatus.MISMATCH:
            received = after.amount if change.received is None else change.received
            return [
                PaymentMismatched(
                    amount=amount,
                    received=received.amount,
                    received_currency=received.currency,
                    what=str(change.mismatch),
                    **told,
                )
            ]
        case _:
            return []


async def book_refund(
    desk: Desk,
    uow: UnitOfWork,
    payment: Payment,
    refund: Refund,
    snapshot: RefundSnapshot,
    *,
    source: str,
    actor: str = PROVIDER,
    event_id: str | None = None,
) -> Refund:
    """Write down what ``snapshot`` changes on a locked refund of a locked payment."""
    change = judge_refund(refund, snapshot)
    if _counts(change.status) and not _counts(refund.status) and payment.refundable < refund.amount:
        change = RefundChange(
            status=refund.status,
            note=f"{snapshot.state} after {refund.status}: the money has gone to other refunds",
        )
    moved = change.status is not refund.status
    now = uow.clock.now()
    pending = change.status is RefundStatus.PENDING
    failed = change.status in (RefundStatus.FAILED, RefundStatus.NEEDS_ATTENTION)
    after = await desk.rows.save_refund(
        uow,
        msgspec.structs.replace(
            refund,
            status=change.status,
            provider_ref=snapshot.provider_ref or refund.provider_ref,
            failure_code=snapshot.failure_code if moved and failed else refund.failure_code,
        ),
        next_query_at=next_query(refund.created_at, None, now) if pending else None,
    )
    if change.note:
        logger.warning("refund %s: %s", refund.id, change.note)
    if moved or change.note:
        await desk.rows.note(
            uow,
            payment.id,
            actor=actor,
            event=f"refund-{after.status}" if moved else "refund-note",
            before=refund.status.value,
            after=after.status.value,
            detail=change.note or (after.failure_code or ""),
            refund_id=refund.id,
        )
    if not moved:
        return after
    if event_id is None:
        await desk.rows.first_seen(
            uow,
            gateway=payment.gateway,
            account=payment.account,
            event_id=f"{source}:{refund.id.hex}:{refund.retries}:{after.status}",
            source=source,
            kind="refund",
            state=snapshot.state.value,
            payment_id=payment.id,
            refund_id=refund.id,
            raw=snapshot.raw,
            occurred_at=snapshot.occurred_at,
        )
    await _move_money(desk, uow, payment, refund, after.status)
    uow.publish(_refund_fact(payment, after, change))
    return after


def _counts(status: RefundStatus) -> bool:
    return status is not RefundStatus.FAILED


async def _move_money(
    desk: Desk, uow: UnitOfWork, payment: Payment, refund: Refund, status: RefundStatus
) -> None:
    amount = refund.amount.amount
    under_way = (RefundStatus.PENDING, RefundStatus.NEEDS_ATTENTION)
    pending = amount * ((status in under_way) - (refund.status in under_way))
    gone = amount * ((status is RefundStatus.SUCCEEDED) - (refund.status is RefundStatus.SUCCEEDED))
    if pending or gone:
        await desk.rows.move_refund_money(uow, payment.id, pending=pending, refunded=gone)
    if gone:
        outwards = gone > 0
        await desk.rows.post(
            uow,
            payment,
            kind="refund" if outwards else "refund_reversal",
            amount=amount,
            debit=_RECEIVED if outwards else clearing_account(payment),
            credit=clearing_account(payment) if outwards else _RECEIVED,
            refund_id=refund.id,
        )


def _refund_fact(payment: Payment, refund: Refund, change: RefundChange) -> RefundFact:
    told: dict[str, Any] = {
        "payment_id": payment.id,
        "reference": payment.reference,
        "currency": refund.amount.currency,
        "method": payment.method,
        "refund_id": refund.id,
        "amount": refund.amount.amount,
    }
    code = refund.failure_code or ""
    if refund.status is RefundStatus.SUCCEEDED:
        return RefundSucceeded(**told)
    if refund.status is RefundStatus.FAILED:
        return RefundFailed(code=code, reversed_after_success=change.reversed_after_success, **told)
    return RefundNeedsAttention(code=code, **told)
