"""Whether a line of a provider's statement is what the books say, and what is booked for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments.models import (
    Account,
    DifferenceKind,
    Dispute,
    LineOutcome,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    StoredLine,
)
from commercekit.payments.providers import CaptureMode, StatementKind, StatementPlan
from commercekit.payments.rules.accounts import clearing_account, fee_account

__all__ = ["Counterpart", "Post", "Verdict", "judge_line", "last_day", "posts_of", "ready_at"]

_K = StatementKind
_MATCHED: Final = LineOutcome.MATCHED


class Counterpart(Struct, frozen=True, kw_only=True):
    """What the books have for a line."""

    payment: Payment | None = None
    refund: Refund | None = None
    dispute: Dispute | None = None
    stated: int = 0
    """All that lines up to this one, and with it, said came for the payment."""
    returned: int = 0
    """The same of the refund: below nothing where money went."""
    returned_in_all: int = 0
    """By every line there is of the refund."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What becomes of a line."""

    outcome: LineOutcome
    kind: DifferenceKind | None = None
    expected: int | None = None
    """In the line's currency; ``None`` when the books say nothing, or in another."""
    detail: str = ""


class Post(Struct, frozen=True):
    """One booking that a line causes; below nothing it goes the other way round."""

    kind: str
    money: Money
    debit: str
    credit: str


def judge_line(line: StoredLine, known: Counterpart, *, shared: bool) -> Verdict:
    """Compare a line with its counterpart.

    ``shared`` says that other systems use the merchant account: what is not this shop's is theirs.
    """
    if line.kind in (_K.FEE, _K.PAYOUT):
        return Verdict(outcome=LineOutcome.BOOKED)
    if line.kind is _K.ADJUSTMENT:
        return _differs(DifferenceKind.ADJUSTMENT, detail=line.text)
    payment = known.payment
    if payment is None:
        return _stranger(line, shared=shared)
    if (payment.gateway, payment.account) != (line.gateway, line.account):
        made_with = f"made with {payment.gateway}/{payment.account}"
        return _differs(DifferenceKind.WRONG_ACCOUNT, detail=made_with)
    if line.kind is _K.CHARGE:
        return _judge_charge(line, payment, known.stated)
    if line.kind in (_K.REFUND, _K.REFUND_REVERSAL):
        return _judge_refund(line, known)
    return _judge_dispute(line, known.dispute)


_UNKNOWN: Final = {
    _K.CHARGE: DifferenceKind.UNKNOWN_PAYMENT,
    _K.REFUND: DifferenceKind.UNKNOWN_REFUND,
    _K.REFUND_REVERSAL: DifferenceKind.UNKNOWN_REFUND,
    _K.DISPUTE: DifferenceKind.UNKNOWN_DISPUTE,
    _K.DISPUTE_REVERSAL: DifferenceKind.UNKNOWN_DISPUTE,
}


def _stranger(line: StoredLine, *, shared: bool) -> Verdict:
    if shared and line.payment_id is None:
        return Verdict(outcome=LineOutcome.FOREIGN)
    called = line.payment_ref or line.provider_ref or line.line_id
    return _differs(_UNKNOWN[line.kind], detail=f"{called} {line.text}".strip())


def _judge_charge(line: StoredLine, payment: Payment, stated: int) -> Verdict:
    if payment.status is PaymentStatus.MISMATCH and payment.received == line.amount:
        return Verdict(outcome=_MATCHED, detail="quarantined")
    kind = DifferenceKind.CHARGE_DIFFERS if payment.captured else DifferenceKind.NOT_PAID
    if line.amount.currency != payment.amount.currency:
        return _differs(kind, detail=f"captured {payment.captured}")
    captured = payment.captured.amount
    # Of several captures some may be on a later statement; those that never come are found missing.
    in_parts = payment.capture is CaptureMode.MANUAL and 0 < stated < captured
    if stated == captured or in_parts:
        return Verdict(outcome=_MATCHED)
    detail = f"{payment.status}" if not captured else f"captured {payment.captured}"
    expected = captured - (stated - line.amount.amount)
    return _differs(kind, detail=detail, expected=expected)


def _judge_refund(line: StoredLine, known: Counterpart) -> Verdict:
    refund = known.refund
    if refund is None:
        called = line.refund_ref or line.provider_ref or line.line_id
        return _differs(DifferenceKind.UNKNOWN_REFUND, detail=called)
    gone = refund.status is RefundStatus.SUCCEEDED
    target = -refund.amount.amount if gone else 0
    same = line.amount.currency == refund.amount.currency
    # What went, came back and went again is stated three times and agrees as a whole.
    if same and target in (known.returned, known.returned_in_all):
        return Verdict(outcome=_MATCHED)
    return _differs(
        DifferenceKind.REFUND_DIFFERS,
        detail=f"refund of {refund.amount} {refund.status}",
        expected=target - (known.returned - line.amount.amount) if same else None,
    )


def _judge_dispute(line: StoredLine, dispute: Dispute | None) -> Verdict:
    if dispute is None:
        called = line.dispute_ref or line.provider_ref or line.line_id
        return _differs(DifferenceKind.UNKNOWN_DISPUTE, detail=called)
    taken = line.kind is _K.DISPUTE
    amount = -dispute.amount if taken else dispute.amount
    held = dispute.withdrawn == dispute.amount
    # What was given back since has been taken before.
    if line.amount == amount and (taken or not held):
        return Verdict(outcome=_MATCHED)
    same = line.amount.currency == amount.currency
    return _differs(
        DifferenceKind.UNKNOWN_DISPUTE,
        detail=f"{dispute.state}, withdrawn {dispute.withdrawn} of {dispute.amount}",
        expected=(-dispute.withdrawn.amount if taken else 0) if same else None,
    )


def _differs(kind: DifferenceKind, *, detail: str, expected: int | None = None) -> Verdict:
    return Verdict(outcome=LineOutcome.DIFFERS, kind=kind, detail=detail[:500], expected=expected)


def posts_of(line: StoredLine, outcome: LineOutcome) -> list[Post]:
    """What a line books by itself: its fee, a payout, the change of currency.

    Never the money that a payment, refund or dispute has booked already.
    """
    if outcome is LineOutcome.FOREIGN:
        return []
    clearing = clearing_account(line.gateway, line.account)
    fees = fee_account(line.gateway, line.account)
    posts: list[Post] = []
    if line.kind is _K.FEE:
        posts.append(Post("fee", -line.amount, fees, clearing))
    if line.kind is _K.PAYOUT:
        posts.append(Post("payout", -line.amount, Account.BANK, clearing))
    if line.fee is not None and line.fee.amount:
        posts.append(Post("fee", line.fee, fees, clearing))
    settled = line.settled
    if settled is not None and settled.currency != line.amount.currency:
        posts.append(Post("conversion", line.amount, Account.CONVERSION, clearing))
        posts.append(Post("conversion", settled, clearing, Account.CONVERSION))
    return [post for post in posts if post.money.amount]


def ready_at(plan: StatementPlan, day: date) -> datetime:
    """When the statement of ``day`` is there."""
    midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
    return midnight - plan.utc_offset + plan.ready_after


def last_day(plan: StatementPlan, now: datetime) -> date:
    """The last day of which the statement is there by now."""
    return (now + plan.utc_offset - plan.ready_after).date() - timedelta(days=1)
