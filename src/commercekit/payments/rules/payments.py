"""Decisions about money, without any I/O: what a snapshot changes, what may go back, when to ask."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments.errors import (
    CaptureExceedsAuthorisation,
    RefundExceedsCapture,
    RefundNotPossible,
)
from commercekit.payments.models import (
    PAYMENT_STEPS,
    REFUND_STEPS,
    AttentionKind,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from commercekit.payments.providers import (
    Capabilities,
    CaptureMode,
    PaymentSnapshot,
    PaymentState,
    RefundSnapshot,
    RefundState,
)

__all__ = [
    "QUERY_AFTER",
    "Mismatch",
    "PaymentChange",
    "RefundChange",
    "check_capture",
    "check_refund",
    "judge_payment",
    "judge_refund",
    "next_query",
    "spread_refund",
]

QUERY_AFTER = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
)
"""When to ask the provider about a payment nobody told us about; and once more when it expires."""

_AGAIN: tuple[timedelta, ...] = tuple(
    min(timedelta(seconds=30) * 2**asked, timedelta(hours=6)) for asked in range(11)
)
"""How long to wait after all that: twice as long each time, up to six hours."""

_P = PaymentStatus


class Mismatch(StrEnum):
    """In what an answer differs from the question."""

    AMOUNT = "amount"
    CURRENCY = "currency"
    ACCOUNT = "account"


class PaymentChange(Struct, frozen=True, kw_only=True):
    """What one snapshot changes on a payment."""

    status: PaymentStatus
    authorised: int
    captured: int
    """All that was taken so far."""
    late: bool = False
    """Money for a payment that had ended."""
    mismatch: Mismatch | None = None
    received: Money | None = None
    drop_authorisation: bool = False
    """Money is held for a payment that had ended: give it up."""
    note: str = ""
    """Why a snapshot that says something else than we know changed nothing."""
    attention: AttentionKind | None = None
    """What is wrong with it, when a person has to see to it."""


def judge_payment(
    payment: Payment, snapshot: PaymentSnapshot, *, foreign_account: bool = False
) -> PaymentChange:
    """What ``snapshot`` changes, whatever the order in which snapshots arrive.

    Money that came is booked even late; a payment that is paid stays paid; an amount, currency or
    account that is not what was asked quarantines the payment instead of paying it.
    """
    same = PaymentChange(
        status=payment.status,
        authorised=payment.authorised.amount,
        captured=payment.captured.amount,
    )
    state = snapshot.state
    if state in (PaymentState.PAID, PaymentState.AUTHORISED):
        return _judge_money(payment, snapshot, same, foreign_account=foreign_account)
    if foreign_account:
        return _noted(same, f"{state} from another merchant account ignored")
    wanted = _WITHOUT_MONEY.get(state)
    if wanted is None or wanted is payment.status:
        return same
    if not PAYMENT_STEPS.allows(payment.status, wanted):
        return _noted(same, f"{state} after {payment.status} ignored")
    if same.captured:
        # The rest of an authorisation was given up, or ran out; what was taken stays taken.
        return PaymentChange(
            status=_P.PAID, authorised=same.authorised, captured=same.captured, note=f"rest {state}"
        )
    # Nothing is held yet, or nothing any more.
    return PaymentChange(status=wanted, authorised=0, captured=0)


_WITHOUT_MONEY = {
    PaymentState.CREATED: _P.PENDING,
    PaymentState.PENDING: _P.PENDING,
    PaymentState.ACTION_REQUIRED: _P.PENDING,
    PaymentState.FAILED: _P.FAILED,
    PaymentState.CLOSED: _P.CLOSED,
}


def _judge_money(
    payment: Payment, snapshot: PaymentSnapshot, same: PaymentChange, *, foreign_account: bool
) -> PaymentChange:
    paid = snapshot.state is PaymentState.PAID
    taken = _taken(snapshot)
    mismatch = _mismatch(payment, snapshot, taken, foreign_account=foreign_account)
    if payment.status is _P.MISMATCH:
        return _noted(same, f"{snapshot.state} while quarantined ignored")
    if payment.status is _P.PAID or same.captured:
        return _judge_more(payment, snapshot, same, mismatch)
    if mismatch:
        return PaymentChange(
            status=_P.MISMATCH,
            authorised=0,
            captured=0,
            mismatch=mismatch,
            received=taken
            if paid and taken.currency == snapshot.amount.currency
            else snapshot.amount,
            attention=AttentionKind.MISMATCH,
        )
    ended = payment.status in (_P.FAILED, _P.CLOSED)
    if paid or (ended and taken.amount):
        held = same.authorised
        return PaymentChange(status=_P.PAID, authorised=held, captured=taken.amount, late=ended)
    if ended:
        return PaymentChange(
            status=payment.status,
            authorised=0,
            captured=0,
            drop_authorisation=True,
            note=f"authorised after {payment.status}: given up",
        )
    return PaymentChange(
        status=_P.AUTHORISED, authorised=snapshot.amount.amount, captured=taken.amount
    )


def _judge_more(
    payment: Payment,
    snapshot: PaymentSnapshot,
    same: PaymentChange,
    mismatch: Mismatch | None,
) -> PaymentChange:
    """Something was taken already: it may become more while the rest is held, never less."""
    taken = _taken(snapshot)
    paid = snapshot.state is PaymentState.PAID
    more = not mismatch and taken >= payment.captured
    if payment.status is _P.AUTHORISED and more:
        status = _P.PAID if paid else _P.AUTHORISED
        return PaymentChange(status=status, authorised=same.authorised, captured=taken.amount)
    if mismatch or (paid and taken != payment.captured):
        known = f"after {payment.status} {payment.captured}"
        return PaymentChange(
            status=same.status,
            authorised=same.authorised,
            captured=same.captured,
            note=f"{snapshot.state} {taken if paid else snapshot.amount} {known} ignored",
            attention=AttentionKind.CAPTURE_DIFFERS,
        )
    return same


def _taken(snapshot: PaymentSnapshot) -> Money:
    """All that the provider says was taken."""
    if snapshot.captured is not None:
        return snapshot.captured
    paid = snapshot.state is PaymentState.PAID
    return snapshot.amount if paid else Money.zero(snapshot.amount.currency)


def _mismatch(
    payment: Payment, snapshot: PaymentSnapshot, taken: Money, *, foreign_account: bool
) -> Mismatch | None:
    if foreign_account:
        return Mismatch.ACCOUNT
    if {snapshot.amount.currency, taken.currency} != {payment.amount.currency}:
        return Mismatch.CURRENCY
    if snapshot.amount.amount != payment.amount.amount:
        return Mismatch.AMOUNT
    least, most = 0, payment.amount.amount
    if snapshot.state is PaymentState.PAID:
        least = most if payment.capture is CaptureMode.AUTO else 1
    elif payment.capture is CaptureMode.AUTO:
        most = 0
    return None if least <= taken.amount <= most else Mismatch.AMOUNT


def _noted(same: PaymentChange, note: str) -> PaymentChange:
    return PaymentChange(
        status=same.status, authorised=same.authorised, captured=same.captured, note=note
    )


class RefundChange(Struct, frozen=True, kw_only=True):
    """What one snapshot changes on a refund."""

    status: RefundStatus
    reversed_after_success: bool = False
    note: str = ""
    attention: AttentionKind | None = None
    """What is wrong with it, when a person has to see to it."""


def judge_refund(refund: Refund, snapshot: RefundSnapshot) -> RefundChange:
    """What ``snapshot`` changes. A success may turn into a failure later; nothing else goes back.

    A success over another amount than the refund's, and one after a failure, need a person.
    """
    wanted = _REFUND_STATUS.get(snapshot.state)
    if wanted is None or wanted is refund.status:
        return RefundChange(status=refund.status)
    note = ""
    differs = snapshot.amount is not None and snapshot.amount != refund.amount
    if wanted is RefundStatus.SUCCEEDED and differs:
        note = f"the provider says {snapshot.amount}, asked was {refund.amount}"
        wanted = RefundStatus.NEEDS_ATTENTION
    if wanted is RefundStatus.SUCCEEDED and refund.status is RefundStatus.FAILED:
        note = "the provider says succeeded after it had said failed"
        wanted = RefundStatus.NEEDS_ATTENTION
    if wanted is RefundStatus.PENDING or not REFUND_STEPS.allows(refund.status, wanted):
        note = note or f"{snapshot.state} after {refund.status} ignored"
        return RefundChange(status=refund.status, note=note)
    back = refund.status is RefundStatus.SUCCEEDED
    call = _CALLS.get(wanted)
    return RefundChange(
        status=wanted,
        reversed_after_success=back,
        note=note,
        attention=AttentionKind.REFUND_REVERSED if back else call,
    )


_CALLS = {
    RefundStatus.FAILED: AttentionKind.REFUND_FAILED,
    RefundStatus.NEEDS_ATTENTION: AttentionKind.REFUND_BY_HAND,
}


_REFUND_STATUS = {
    RefundState.PENDING: RefundStatus.PENDING,
    RefundState.SUCCEEDED: RefundStatus.SUCCEEDED,
    RefundState.FAILED: RefundStatus.FAILED,
    RefundState.CLOSED: RefundStatus.FAILED,
    RefundState.NEEDS_ATTENTION: RefundStatus.NEEDS_ATTENTION,
}


def check_capture(
    payment: Payment, amount: Money, able: Capabilities, *, final: bool = True
) -> None:
    """Raise :class:`CaptureExceedsAuthorisation` unless ``amount`` can be taken.

    ``final`` gives up what is left; without it the gateway has to allow several captures.
    """
    held = payment.held
    whole = amount == payment.authorised
    if amount.currency != held.currency or not 0 < amount.amount <= held.amount:
        message = f"{amount} cannot be captured on payment {payment.id}: {held} is authorised."
        raise CaptureExceedsAuthorisation(message)
    if not final and not able.multi_capture:
        message = f"{payment.gateway} captures once only; say that this capture is the last."
        raise CaptureExceedsAuthorisation(message)
    if not whole and not able.partial_capture:
        message = f"{payment.gateway} captures all of an authorisation, {held}, or nothing."
        raise CaptureExceedsAuthorisation(message)


def check_refund(
    payment: Payment, amount: Money, able: Capabilities, *, earlier: int, now: datetime
) -> None:
    """Raise unless ``amount`` can go back on ``payment``; ``earlier`` counts refunds that did not fail.

    :class:`RefundExceedsCapture` for too much, :class:`RefundNotPossible` for what the gateway cannot do.
    """
    subject = f"payment {payment.id}"
    left = payment.refundable
    if amount.currency != left.currency or amount.amount > left.amount:
        raise RefundExceedsCapture(subject, amount, left)
    if amount.amount <= 0:
        message = f"A refund on {subject} has to be more than nothing."
        raise RefundNotPossible(message)
    if not able.refund:
        message = f"{payment.gateway} cannot send money back."
        raise RefundNotPossible(message)
    if amount != payment.captured and not able.partial_refund:
        message = f"{payment.gateway} sends back all of {subject}, {payment.captured}, or nothing."
        raise RefundNotPossible(message)
    most = able.max_refunds if able.multi_refund else 1
    if most is not None and earlier >= most:
        message = f"{payment.gateway} allows {most} refund(s) on {subject}."
        raise RefundNotPossible(message)
    if able.refund_window is not None and now > payment.created_at + able.refund_window:
        days = able.refund_window.days
        message = f"{payment.gateway} sends money back for {days} days only."
        raise RefundNotPossible(message)


def spread_refund(payments: list[Payment], amount: Money) -> list[tuple[Payment, Money]]:
    """Which payments give how much of ``amount``: the newest first, each as much as it can.

    Raises :class:`RefundExceedsCapture` when all together have not that much.
    """
    parts: list[tuple[Payment, Money]] = []
    left = amount
    for payment in sorted(payments, key=lambda one: one.id, reverse=True):
        if payment.amount.currency != amount.currency:
            continue
        share = min(left.amount, payment.refundable.amount)
        if share > 0:
            parts.append((payment, Money(share, amount.currency)))
            left = Money(left.amount - share, amount.currency)
    if left.amount > 0 or not parts:
        reference = payments[0].reference if payments else "nothing paid"
        raise RefundExceedsCapture(reference, amount, amount - left)
    return parts


def next_query(
    created_at: datetime, expires_at: datetime | None, now: datetime, *, asked: int = 0
) -> datetime:
    """When to ask about an open payment next: by the table, at expiry, then at growing distance.

    ``asked`` counts questions so far and spreads those after the table, up to six hours apart.
    """
    moments = [created_at + after for after in QUERY_AFTER]
    if expires_at is not None:
        moments = [*(min(moment, expires_at) for moment in moments), expires_at]
    later = [moment for moment in moments if moment > now]
    if later:
        return later[0]
    if expires_at is not None:
        return now + _AGAIN[0]
    return now + _AGAIN[min(asked, len(_AGAIN) - 1)]
