"""The vendor's objects as the core's snapshots. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from commercekit.kernel import Money
from commercekit.payments import (
    DisputeSnapshot,
    DisputeState,
    PaymentSnapshot,
    PaymentState,
    RefundSnapshot,
    RefundState,
)
from commercekit_payment_stripe.money import from_units
from commercekit_payment_stripe.wire import Dispute, Intent, Metadata, Refund, Session

__all__ = [
    "FLOW",
    "PAYMENT",
    "REFUND",
    "dispute_snapshot",
    "intent_snapshot",
    "moment",
    "payment_of",
    "refund_snapshot",
    "session_snapshot",
]

PAYMENT: Final = "commercekit_payment"
"""The name of our payment's id in the metadata of everything that is made for it."""
REFUND: Final = "commercekit_refund"
FLOW: Final = "commercekit_flow"

_INTENTS: Final = {
    # https://docs.stripe.com/payments/paymentintents/lifecycle
    "requires_payment_method": PaymentState.PENDING,
    "requires_confirmation": PaymentState.PENDING,
    "requires_action": PaymentState.ACTION_REQUIRED,
    "processing": PaymentState.PENDING,
    "requires_capture": PaymentState.AUTHORISED,
    "succeeded": PaymentState.PAID,
    "canceled": PaymentState.CLOSED,
}
_REFUNDS: Final = {
    # https://docs.stripe.com/api/refunds/object#refund_object-status
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
_DISPUTES: Final = {
    # https://docs.stripe.com/api/disputes/object#dispute_object-status
    "warning_needs_response": DisputeState.INQUIRY,
    "warning_under_review": DisputeState.INQUIRY,
    "warning_closed": DisputeState.CLOSED,
    "needs_response": DisputeState.NEEDS_RESPONSE,
    "under_review": DisputeState.UNDER_REVIEW,
    "appeal_needs_response": DisputeState.NEEDS_RESPONSE,
    "appeal_under_review": DisputeState.UNDER_REVIEW,
    "charge_refunded": DisputeState.CLOSED,
    "prevented": DisputeState.CLOSED,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}


def moment(seconds: int) -> datetime:
    """The vendor's time."""
    return datetime.fromtimestamp(seconds, UTC)


def payment_of(metadata: Metadata | None) -> str | None:
    """Our payment's id, on an object that the shop had made."""
    return (metadata or {}).get(PAYMENT)


def intent_snapshot(
    intent: Intent, payment_id: str, raw: bytes, *, at: datetime | None = None
) -> PaymentSnapshot:
    """A PaymentIntent, as far as it has come.

    A card that was declined leaves it open: the shopper may try another one.
    """
    state = _INTENTS.get(intent.status, PaymentState.UNKNOWN)
    error = intent.last_payment_error
    charge = intent.latest_charge
    refunded = None
    if charge is not None and not isinstance(charge, str):
        refunded = from_units(charge.amount_refunded, charge.currency)
    return PaymentSnapshot(
        payment_id=payment_id,
        provider_ref=intent.id,
        state=state,
        amount=from_units(intent.amount, intent.currency),
        captured=from_units(intent.amount_received, intent.currency)
        if state is PaymentState.PAID
        else None,
        refunded=refunded,
        occurred_at=at,
        failure_code=_code(error.decline_code or error.code) if error else None,
        raw=raw,
    )


def session_snapshot(
    session: Session, payment_id: str, raw: bytes, *, at: datetime | None = None
) -> PaymentSnapshot:
    """A Checkout Session; with its PaymentIntent expanded, if it has one, nothing is left open.

    A session that is complete and unpaid waits for a bank, or its money is held for the shop; only the
    PaymentIntent says which.
    """
    intent = session.payment_intent
    if isinstance(intent, Intent) and session.status == "complete":
        seen = intent_snapshot(intent, payment_id, raw, at=at)
        if intent.status == "requires_payment_method":
            # The bank said no after the page was done: nobody can try again there.
            return _failed(seen, at)
        return seen
    amount = _total(session)
    state = {"expired": PaymentState.CLOSED}.get(session.status or "", PaymentState.PENDING)
    captured = None
    if session.payment_status == "paid":
        state, captured = PaymentState.PAID, amount
    return PaymentSnapshot(
        payment_id=payment_id,
        provider_ref=session.id,
        state=state,
        amount=amount,
        captured=captured,
        occurred_at=at,
        raw=raw,
    )


def refund_snapshot(
    refund: Refund,
    payment_id: str,
    raw: bytes,
    *,
    refund_id: str | None = None,
    at: datetime | None = None,
) -> RefundSnapshot:
    """One refund; ``amount`` is its own, whatever else went back."""
    # A state added since is no end: who says "unknown" has it sent again.
    state = _REFUNDS.get(refund.status or "pending", RefundState.PENDING)
    failed = state is RefundState.FAILED
    return RefundSnapshot(
        refund_id=refund_id or (refund.metadata or {}).get(REFUND),
        provider_ref=refund.id,
        payment_id=payment_id,
        state=state,
        amount=from_units(refund.amount, refund.currency),
        occurred_at=at or (moment(refund.created) if refund.created else None),
        failure_code=_code(refund.failure_reason or refund.status) if failed else None,
        raw=raw,
    )


def dispute_snapshot(
    dispute: Dispute, payment_id: str, raw: bytes, *, at: datetime
) -> DisputeSnapshot | None:
    """What a bank asks for; ``None`` in a state that the vendor has added since."""
    state = _DISPUTES.get(dispute.status)
    if state is None:
        return None
    due = dispute.evidence_details.due_by if dispute.evidence_details else None
    return DisputeSnapshot(
        dispute_id=dispute.id,
        payment_id=payment_id,
        provider_ref=dispute.payment_intent or dispute.charge,
        state=state,
        amount=from_units(dispute.amount, dispute.currency),
        withdrawn=_withdrawn(dispute),
        reason=_code(dispute.reason) or "",
        evidence_due_at=moment(due) if due else None,
        occurred_at=at,
        raw=raw,
    )


def _withdrawn(dispute: Dispute) -> Money | None:
    """What is gone from the account because of it, where that is in the dispute's own money."""
    if any(each.currency != dispute.currency for each in dispute.balance_transactions):
        return None
    taken = -sum(each.amount for each in dispute.balance_transactions)
    return from_units(max(taken, 0), dispute.currency)


def _total(session: Session) -> Money:
    if session.amount_total is None or session.currency is None:
        return Money.zero("XXX")
    return from_units(session.amount_total, session.currency)


def _failed(seen: PaymentSnapshot, at: datetime | None) -> PaymentSnapshot:
    return PaymentSnapshot(
        payment_id=seen.payment_id,
        provider_ref=seen.provider_ref,
        state=PaymentState.FAILED,
        amount=seen.amount,
        occurred_at=at,
        failure_code=seen.failure_code or "payment_failed",
        raw=seen.raw,
    )


def _code(text: str | None) -> str | None:
    """The vendor's word, short enough to be shown and kept."""
    return text[:64] if text else None
