"""What a provider said of a dispute becomes a row, ledger, history, facts, and a call for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from commercekit.kernel import Money, new_id
from commercekit.payments.events import (
    DisputeChanged,
    DisputeClosed,
    DisputeFact,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
)
from commercekit.payments.models import ENDED, Account, AttentionKind, Dispute, Payment
from commercekit.payments.providers import DisputeState
from commercekit.payments.rules import (
    DisputeChange,
    clearing_account,
    disputed_account,
    judge_dispute,
)
from commercekit.payments.service.booking import PROVIDER, Booking

if TYPE_CHECKING:
    from commercekit.payments.providers import DisputeSnapshot
    from commercekit.payments.service.desk import Desk

__all__ = ["book_dispute"]

_ENDS: Final[dict[DisputeState, type[DisputeFact]]] = {
    DisputeState.WON: DisputeWon,
    DisputeState.LOST: DisputeLost,
    DisputeState.CLOSED: DisputeClosed,
}


async def book_dispute(
    desk: Desk, booking: Booking, payment: Payment, snapshot: DisputeSnapshot
) -> Payment:
    """Compose what ``snapshot`` changes on a locked payment; gives the payment as it will be."""
    if snapshot.amount.currency != payment.amount.currency:
        # Nothing can be booked on it; somebody has to know all the same.
        detail = f"{snapshot.dispute_id}: {snapshot.amount}, paid was {payment.captured}"
        booking.call_for_attention(payment, AttentionKind.DISPUTE, detail)
        return payment
    others = await desk.rows.disputes_on(booking.uow, payment.id)
    known = next((one for one in others if one.dispute_ref == snapshot.dispute_id), None)
    change = judge_dispute(known, snapshot)
    if change is None:
        return payment
    now = booking.draft.now
    after = _applied(payment, known, snapshot, change)
    after = msgspec.structs.replace(
        after,
        updated_at=now,
        ended_at=(after.ended_at or now) if after.state in ENDED else None,
    )
    await desk.rows.save_dispute(booking.uow, after)
    if change.moved:
        await desk.rows.move_disputed(booking.uow, payment.id, change.moved)
    _post(booking, payment, change)
    if change.is_step or change.moved:
        booking.draft.note(
            payment.id,
            actor=PROVIDER,
            event=f"dispute-{after.state}",
            before=payment.status.value,
            after=payment.status.value,
            detail=f"{after.dispute_ref} {after.amount} {after.reason}".strip(),
        )
        booking.facts += _facts(payment, after, change)
    rest = [one for one in others if one.id != after.id and one.is_open]
    _call(booking, payment, after, change, still_open=bool(rest))
    return msgspec.structs.replace(
        payment,
        disputed_amount=payment.disputed_amount + change.moved,
        version=payment.version + bool(change.moved),
    )


def _applied(
    payment: Payment, known: Dispute | None, snapshot: DisputeSnapshot, change: DisputeChange
) -> Dispute:
    withdrawn = Money(change.withdrawn, snapshot.amount.currency)
    if known is not None:
        return msgspec.structs.replace(
            known,
            state=change.state,
            amount=snapshot.amount,
            withdrawn=withdrawn,
            reason=snapshot.reason or known.reason,
            evidence_due_at=snapshot.evidence_due_at or known.evidence_due_at,
            occurred_at=snapshot.occurred_at,
            version=known.version + 1,
        )
    return Dispute(
        id=new_id(),
        payment_id=payment.id,
        reference=payment.reference,
        gateway=payment.gateway,
        account=payment.account,
        dispute_ref=snapshot.dispute_id,
        state=change.state,
        amount=snapshot.amount,
        withdrawn=withdrawn,
        reason=snapshot.reason,
        evidence_due_at=snapshot.evidence_due_at,
        occurred_at=snapshot.occurred_at,
        opened_at=snapshot.occurred_at,
        ended_at=None,
        updated_at=snapshot.occurred_at,
        version=1,
    )


def _post(booking: Booking, payment: Payment, change: DisputeChange) -> None:
    place = (payment.gateway, payment.account)
    held = disputed_account(*place)
    if change.moved:
        booking.draft.post(
            payment,
            kind="dispute" if change.moved > 0 else "dispute_reversal",
            amount=change.moved,
            debit=held,
            credit=clearing_account(*place),
        )
    if change.lost:
        booking.draft.post(
            payment,
            kind="dispute_loss",
            amount=change.lost,
            debit=Account.DISPUTE_LOSSES,
            credit=held,
        )


def _facts(payment: Payment, dispute: Dispute, change: DisputeChange) -> list[DisputeFact]:
    told: dict[str, Any] = {
        "payment_id": payment.id,
        "reference": payment.reference,
        "currency": dispute.amount.currency,
        "method": payment.method,
        "amount": dispute.amount.amount,
        "dispute_id": dispute.id,
        "state": dispute.state.value,
        "withdrawn": dispute.withdrawn.amount,
        "evidence_due_at": dispute.evidence_due_at,
    }
    facts: list[DisputeFact] = [DisputeOpened(**told)] if change.is_new else []
    end = _ENDS.get(dispute.state) if change.is_step else None
    if end is not None:
        facts.append(end(**told))
    return facts or [DisputeChanged(**told)]


def _call(
    booking: Booking,
    payment: Payment,
    dispute: Dispute,
    change: DisputeChange,
    *,
    still_open: bool,
) -> None:
    told = f"{dispute.dispute_ref}: {dispute.amount} {dispute.reason}".rstrip()
    if change.is_step and dispute.state is not DisputeState.NEEDS_RESPONSE and not still_open:
        booking.draft.settle_attention(payment.id, AttentionKind.EVIDENCE_DUE)
    if not dispute.is_open and not still_open:
        booking.draft.settle_attention(payment.id, AttentionKind.DISPUTE)
    if change.is_step and dispute.state is DisputeState.LOST:
        booking.call_for_attention(payment, AttentionKind.DISPUTE_LOST, told)
    elif dispute.is_open and (change.is_new or dispute.state is DisputeState.NEEDS_RESPONSE):
        due = dispute.evidence_due_at
        until = f", to be answered until {due:%Y-%m-%d %H:%M} UTC" if due else ""
        booking.call_for_attention(payment, AttentionKind.DISPUTE, told + until)
