"""The vendor's states as the core names them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from commercekit.kernel import Money
from commercekit.payments import PaymentSnapshot, PaymentState, RefundSnapshot, RefundState
from commercekit_payment_wechatpay import wire

__all__ = ["closed", "payment", "refund", "refund_news", "unmet"]

_NOBODY_SAID: Final = Money.zero("XXX")
_STATES: Final = {
    "SUCCESS": PaymentState.PAID,
    # Also after the smallest partial refund: the money came, and a part of it went back.
    "REFUND": PaymentState.PAID,
    "NOTPAY": PaymentState.PENDING,
    "USERPAYING": PaymentState.PENDING,
    "ACCEPT": PaymentState.PENDING,
    "CLOSED": PaymentState.CLOSED,
    "REVOKED": PaymentState.CLOSED,
    "PAYERROR": PaymentState.FAILED,
}
_REFUND_STATES: Final = {
    "PROCESSING": RefundState.PENDING,
    "SUCCESS": RefundState.SUCCEEDED,
    "CLOSED": RefundState.FAILED,
    # The payer's card or account is gone: a person says where the money is to go instead.
    "ABNORMAL": RefundState.NEEDS_ATTENTION,
}


def payment(said: wire.Transaction, raw: bytes) -> PaymentSnapshot:
    """An order of the vendor's; raises ``Malformed`` for amounts that cannot be."""
    state = _STATES.get(said.trade_state, PaymentState.UNKNOWN)
    amount, paid = _NOBODY_SAID, None
    if said.amount.total is not None:
        amount = Money(said.amount.total, said.amount.currency)
    if said.amount.payer_total is not None:
        paid = Money(said.amount.payer_total, said.amount.currency)
    return PaymentSnapshot(
        payment_id=said.out_trade_no,
        provider_ref=said.transaction_id or None,
        state=state,
        amount=amount,
        captured=amount if state is PaymentState.PAID and amount is not _NOBODY_SAID else None,
        payer_paid=paid if state is PaymentState.PAID else None,
        occurred_at=_utc(said.success_time),
        failure_code="payerror" if state is PaymentState.FAILED else None,
        raw=raw,
    )


def unmet(payment_id: str) -> PaymentSnapshot:
    """A payment that the vendor has not met: nobody opened it yet."""
    return PaymentSnapshot(payment_id=payment_id, state=PaymentState.PENDING, amount=_NOBODY_SAID)


def closed(payment_id: str) -> PaymentSnapshot:
    """A payment that the vendor has closed, or never met; it does not say what of."""
    return PaymentSnapshot(payment_id=payment_id, state=PaymentState.CLOSED, amount=_NOBODY_SAID)


def refund(said: wire.Refund, raw: bytes) -> RefundSnapshot:
    """A refund that was asked for."""
    return _refund(
        said.out_refund_no,
        said.refund_id,
        said.out_trade_no,
        said.status,
        said.amount,
        said.success_time,
        raw,
    )


def refund_news(said: wire.RefundNews, raw: bytes) -> RefundSnapshot:
    """A refund that was told of."""
    return _refund(
        said.out_refund_no,
        said.refund_id,
        said.out_trade_no,
        said.refund_status,
        said.amount,
        said.success_time,
        raw,
    )


def _refund(
    refund_id: str,
    ref: str,
    payment_id: str,
    status: str,
    amount: wire.RefundAmount,
    at: datetime | None,
    raw: bytes,
) -> RefundSnapshot:
    state = _REFUND_STATES.get(status, RefundState.PENDING)
    failed = state in (RefundState.FAILED, RefundState.NEEDS_ATTENTION)
    return RefundSnapshot(
        refund_id=refund_id,
        provider_ref=ref,
        payment_id=payment_id,
        state=state,
        amount=Money(amount.refund, amount.currency),
        occurred_at=_utc(at),
        failure_code=status.lower() if failed else None,
        raw=raw,
    )


def _utc(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
