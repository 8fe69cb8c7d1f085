"""What a provider said of a refund becomes rows, evidence, ledger, history and facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from commercekit.payments.events import (
    RefundFact,
    RefundFailed,
    RefundNeedsAttention,
    RefundSucceeded,
)
from commercekit.payments.models import Account, AttentionKind, Payment, Refund, RefundStatus
from commercekit.payments.providers import Flow
from commercekit.payments.repository import evidence_row
from commercekit.payments.rules import (
    RefundChange,
    clearing_account,
    judge_refund,
    next_query,
)
from commercekit.payments.service.booking import PROVIDER, Booking
from commercekit.payments.service.desk import Desk, logger

if TYPE_CHECKING:
    from commercekit.payments.providers import RefundSnapshot
    from commercekit.platform.db import UnitOfWork

__all__ = ["book_refund"]

_CALLS = {
    AttentionKind.REFUND_FAILED,
    AttentionKind.REFUND_REVERSED,
    AttentionKind.REFUND_BY_HAND,
    AttentionKind.UNANSWERED,
}
"""What a refund that goes on has done with."""


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
    note: str = "",
) -> Refund:
    """Write down what ``snapshot`` changes on a locked refund of a locked payment.

    ``note`` is somebody's own word on it, for the history.
    """
    change = judge_refund(refund, snapshot)
    if _counts(change.status) and not _counts(refund.status) and payment.refundable < refund.amount:
        change = RefundChange(
            status=refund.status,
            note=f"{snapshot.state} after {refund.status}: the money has gone to other refunds",
            attention=AttentionKind.CAPTURE_DIFFERS,
        )
    moved = change.status is not refund.status
    booking = Booking(desk, uow)
    now = booking.draft.now
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
        next_query_at=(
            next_query(refund.pending_since, None, now, asked=refund.attempts) if pending else None
        ),
    )
    if change.note:
        logger.warning("refund %s: %s", refund.id, change.note)
    if moved or change.note:
        booking.draft.note(
            payment.id,
            actor=actor,
            event=f"refund-{after.status}" if moved else "refund-note",
            before=refund.status.value,
            after=after.status.value,
            detail=note or change.note or (after.failure_code or ""),
            refund_id=refund.id,
        )
    if moved:
        booking.draft.settle_attention(payment.id, *_CALLS, refund_id=refund.id)
        await _move_money(desk, booking, payment, refund, after.status)
        booking.facts.append(_refund_fact(payment, after, change))
    if change.attention:
        detail = change.note or f"{after.amount}: {after.failure_code or after.status}"
        booking.call_for_attention(payment, change.attention, detail, refund_id=refund.id)
    if moved and event_id is None:
        booking.draft.events.append(
            evidence_row(
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
                received_at=now,
            )
        )
    await booking.write()
    return after


def _counts(status: RefundStatus) -> bool:
    return status is not RefundStatus.FAILED


async def _move_money(
    desk: Desk, booking: Booking, payment: Payment, refund: Refund, status: RefundStatus
) -> None:
    amount = refund.amount.amount
    under_way = (RefundStatus.PENDING, RefundStatus.NEEDS_ATTENTION)
    pending = amount * ((status in under_way) - (refund.status in under_way))
    gone = amount * ((status is RefundStatus.SUCCEEDED) - (refund.status is RefundStatus.SUCCEEDED))
    if pending or gone:
        await desk.rows.move_refund_money(booking.uow, payment.id, pending=pending, refunded=gone)
    if gone:
        outwards = gone > 0
        clearing = clearing_account(payment.gateway, payment.account)
        booking.draft.post(
            payment,
            kind="refund" if outwards else "refund_reversal",
            amount=amount,
            debit=Account.RECEIVED if outwards else clearing,
            credit=clearing if outwards else Account.RECEIVED,
            refund_id=refund.id,
        )
        if payment.flow is Flow.OFFLINE:
            # Whoever collected it has it still: what goes back by hand comes out of the shop's own.
            booking.draft.post(
                payment,
                kind="paid_out",
                amount=amount if outwards else -amount,
                debit=clearing,
                credit=Account.BANK,
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
