"""What a provider's word changes, and what may be taken or sent back: for ``make mutants``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from commercekit.errors import Refused
from commercekit.kernel import Money
from commercekit.payments import (
    Capabilities,
    CaptureMode,
    Flow,
    Payment,
    PaymentSnapshot,
    PaymentState,
    PaymentStatus,
    Refund,
    RefundSnapshot,
    RefundState,
    RefundStatus,
)
from commercekit.payments.errors import (
    CaptureExceedsAuthorisation,
    RefundExceedsCapture,
    RefundNotPossible,
)
from commercekit.payments.models import AttentionKind
from commercekit.payments.rules import (
    Mismatch,
    PaymentChange,
    RefundChange,
    check_capture,
    check_refund,
    judge_payment,
    judge_refund,
    next_query,
    spread_refund,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
P, S, R = PaymentStatus, PaymentState, RefundStatus
MANUAL, AUTO = CaptureMode.MANUAL, CaptureMode.AUTO
ID = UUID(int=7)


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


def usd(amount: int) -> Money:
    return Money(amount, "USD")


def payment(
    status: PaymentStatus = P.PENDING,
    captured: int = 0,
    *,
    number: int = 7,
    capture: CaptureMode = MANUAL,
    **more: Any,
) -> Payment:
    """One of 10.00 CNY; held whole where it ever was."""
    held = 1000 if captured or status is P.AUTHORISED else 0
    fields: dict[str, Any] = {
        "amount": cny(1000), "authorised": cny(held), "captured": cny(captured),
        "refunded": cny(0), "refund_pending": cny(0),
    }  # fmt: skip
    return Payment(
        id=UUID(int=number), reference=f"order/{number}", method="card", gateway="fake",
        account="default", flow=Flow.REDIRECT, capture=capture, status=status, created_at=NOW,
        updated_at=NOW, version=1, **fields | more,
    )  # fmt: skip


def said(
    state: PaymentState, amount: Money | None = None, captured: Money | None = None
) -> PaymentSnapshot:
    return PaymentSnapshot(
        payment_id="p", state=state, amount=cny(1000) if amount is None else amount,
        captured=captured,
    )  # fmt: skip


def becomes(status: PaymentStatus, authorised: int, captured: int, **more: Any) -> PaymentChange:
    return PaymentChange(status=status, authorised=authorised, captured=captured, **more)


@pytest.mark.parametrize(
    ("before", "state", "change"),
    [
        (payment(P.CREATED), S.CREATED, becomes(P.PENDING, 0, 0)),
        (payment(P.CREATED), S.PENDING, becomes(P.PENDING, 0, 0)),
        (payment(P.CREATED), S.ACTION_REQUIRED, becomes(P.PENDING, 0, 0)),
        (payment(P.CREATED), S.UNKNOWN, becomes(P.CREATED, 0, 0)),
        (payment(P.PENDING), S.PENDING, becomes(P.PENDING, 0, 0)),
        (payment(P.PENDING), S.FAILED, becomes(P.FAILED, 0, 0)),
        (payment(P.PENDING), S.CLOSED, becomes(P.CLOSED, 0, 0)),
        (payment(P.AUTHORISED), S.FAILED, becomes(P.FAILED, 0, 0)),
        (payment(P.AUTHORISED), S.CLOSED, becomes(P.CLOSED, 0, 0)),
        (payment(P.AUTHORISED), S.UNKNOWN, becomes(P.AUTHORISED, 1000, 0)),
        (payment(P.AUTHORISED), S.PENDING,
         becomes(P.AUTHORISED, 1000, 0, note="pending after authorised ignored")),
        (payment(P.AUTHORISED, 400), S.CLOSED, becomes(P.PAID, 1000, 400, note="rest closed")),
        (payment(P.AUTHORISED, 400), S.FAILED, becomes(P.PAID, 1000, 400, note="rest failed")),
        (payment(P.CLOSED), S.CLOSED, becomes(P.CLOSED, 0, 0)),
        (payment(P.CLOSED), S.FAILED, becomes(P.CLOSED, 0, 0, note="failed after closed ignored")),
        (payment(P.PAID, 1000), S.CLOSED,
         becomes(P.PAID, 1000, 1000, note="closed after paid ignored")),
    ],
)  # fmt: skip
def test_what_a_word_without_money_changes(
    before: Payment, state: PaymentState, change: PaymentChange
) -> None:
    assert judge_payment(before, said(state)) == change


def test_another_accounts_word_without_money_changes_nothing() -> None:
    assert judge_payment(payment(), said(S.FAILED), foreign_account=True) == becomes(
        P.PENDING, 0, 0, note="failed from another merchant account ignored"
    )


@pytest.mark.parametrize(
    ("before", "snapshot", "change"),
    [
        (payment(), said(S.PAID), becomes(P.PAID, 0, 1000)),
        (payment(capture=AUTO), said(S.PAID), becomes(P.PAID, 0, 1000)),
        (payment(P.AUTHORISED), said(S.PAID), becomes(P.PAID, 1000, 1000)),
        (payment(P.AUTHORISED), said(S.PAID, captured=cny(400)), becomes(P.PAID, 1000, 400)),
        (payment(P.AUTHORISED), said(S.PAID, captured=cny(1)), becomes(P.PAID, 1000, 1)),
        (payment(P.FAILED), said(S.PAID), becomes(P.PAID, 0, 1000, late=True)),
        (payment(P.CLOSED), said(S.PAID), becomes(P.PAID, 0, 1000, late=True)),
        (payment(P.CLOSED), said(S.AUTHORISED, captured=cny(400)),
         becomes(P.PAID, 0, 400, late=True)),
        (payment(P.CLOSED), said(S.AUTHORISED),
         becomes(P.CLOSED, 0, 0, drop_authorisation=True, note="authorised after closed: given up")),
        (payment(P.FAILED), said(S.AUTHORISED),
         becomes(P.FAILED, 0, 0, drop_authorisation=True, note="authorised after failed: given up")),
        (payment(), said(S.AUTHORISED), becomes(P.AUTHORISED, 1000, 0)),
        (payment(capture=AUTO), said(S.AUTHORISED), becomes(P.AUTHORISED, 1000, 0)),
        (payment(), said(S.AUTHORISED, captured=cny(400)), becomes(P.AUTHORISED, 1000, 400)),
        (payment(), said(S.AUTHORISED, captured=cny(1000)), becomes(P.AUTHORISED, 1000, 1000)),
        (payment(P.MISMATCH), said(S.PAID),
         becomes(P.MISMATCH, 0, 0, note="paid while quarantined ignored")),
    ],
)  # fmt: skip
def test_money_is_booked_as_it_comes(
    before: Payment, snapshot: PaymentSnapshot, change: PaymentChange
) -> None:
    assert judge_payment(before, snapshot) == change


@pytest.mark.parametrize(
    ("before", "snapshot", "why", "received"),
    [
        (payment(), said(S.PAID, cny(999)), Mismatch.AMOUNT, cny(999)),
        (payment(), said(S.PAID, cny(1001)), Mismatch.AMOUNT, cny(1001)),
        (payment(), said(S.AUTHORISED, cny(999)), Mismatch.AMOUNT, cny(999)),
        (payment(P.CLOSED), said(S.PAID, cny(999)), Mismatch.AMOUNT, cny(999)),
        (payment(), said(S.PAID, usd(1000)), Mismatch.CURRENCY, usd(1000)),
        (payment(), said(S.PAID, cny(1000), usd(1000)), Mismatch.CURRENCY, cny(1000)),
        (payment(), said(S.PAID, captured=cny(0)), Mismatch.AMOUNT, cny(0)),
        (payment(), said(S.PAID, captured=cny(1001)), Mismatch.AMOUNT, cny(1001)),
        (payment(capture=AUTO), said(S.PAID, captured=cny(999)), Mismatch.AMOUNT, cny(999)),
        (payment(), said(S.AUTHORISED, captured=cny(1001)), Mismatch.AMOUNT, cny(1000)),
        (payment(), said(S.AUTHORISED, captured=cny(-1)), Mismatch.AMOUNT, cny(1000)),
        (payment(capture=AUTO), said(S.AUTHORISED, captured=cny(1)), Mismatch.AMOUNT, cny(1000)),
    ],
)
def test_money_that_was_not_asked_is_quarantined(
    before: Payment, snapshot: PaymentSnapshot, why: Mismatch, received: Money
) -> None:
    assert judge_payment(before, snapshot) == becomes(
        P.MISMATCH, 0, 0, mismatch=why, received=received, attention=AttentionKind.MISMATCH
    )


def test_money_to_another_account_is_quarantined() -> None:
    change = judge_payment(payment(), said(S.PAID), foreign_account=True)
    assert (change.status, change.mismatch) == (P.MISMATCH, Mismatch.ACCOUNT)
    assert change.received == cny(1000)


DIFFERS = AttentionKind.CAPTURE_DIFFERS


@pytest.mark.parametrize(
    ("before", "snapshot", "change"),
    [
        # While the rest is held it may become more.
        (payment(P.AUTHORISED, 400), said(S.AUTHORISED, captured=cny(401)),
         becomes(P.AUTHORISED, 1000, 401)),
        (payment(P.AUTHORISED, 400), said(S.AUTHORISED, captured=cny(400)),
         becomes(P.AUTHORISED, 1000, 400)),
        (payment(P.AUTHORISED, 400), said(S.AUTHORISED), becomes(P.AUTHORISED, 1000, 400)),
        (payment(P.AUTHORISED, 400), said(S.PAID), becomes(P.PAID, 1000, 1000)),
        (payment(P.AUTHORISED, 400), said(S.PAID, captured=cny(400)), becomes(P.PAID, 1000, 400)),
        (payment(P.AUTHORISED, 400), said(S.PAID, captured=cny(399)),
         becomes(P.AUTHORISED, 1000, 400, attention=DIFFERS,
                 note="paid 3.99 CNY after authorised 4.00 CNY ignored")),
        (payment(P.AUTHORISED, 400), said(S.AUTHORISED, cny(999), cny(500)),
         becomes(P.AUTHORISED, 1000, 400, attention=DIFFERS,
                 note="authorised 9.99 CNY after authorised 4.00 CNY ignored")),
        # Once paid it stays, and old news is no news.
        (payment(P.PAID, 1000), said(S.PAID), becomes(P.PAID, 1000, 1000)),
        (payment(P.PAID, 1000), said(S.AUTHORISED), becomes(P.PAID, 1000, 1000)),
        (payment(P.PAID, 400), said(S.AUTHORISED, captured=cny(500)), becomes(P.PAID, 1000, 400)),
        (payment(P.PAID, 400), said(S.PAID, captured=cny(500)),
         becomes(P.PAID, 1000, 400, attention=DIFFERS,
                 note="paid 5.00 CNY after paid 4.00 CNY ignored")),
        (payment(P.PAID, 400), said(S.PAID, captured=cny(300)),
         becomes(P.PAID, 1000, 400, attention=DIFFERS,
                 note="paid 3.00 CNY after paid 4.00 CNY ignored")),
        (payment(P.PAID, 1000), said(S.PAID, usd(1000)),
         becomes(P.PAID, 1000, 1000, attention=DIFFERS,
                 note="paid 10.00 USD after paid 10.00 CNY ignored")),
    ],
)  # fmt: skip
def test_what_was_taken_may_become_more_but_never_less(
    before: Payment, snapshot: PaymentSnapshot, change: PaymentChange
) -> None:
    assert judge_payment(before, snapshot) == change


def test_a_paid_payment_with_nothing_taken_is_asked_about_more_not_paid_anew() -> None:
    assert judge_payment(payment(P.PAID), said(S.PAID)) == becomes(
        P.PAID, 0, 0, attention=DIFFERS, note="paid 10.00 CNY after paid 0.00 CNY ignored"
    )
    strange = judge_payment(payment(P.PAID, 1000), said(S.PAID), foreign_account=True)
    assert strange.attention is DIFFERS


def refund(status: RefundStatus) -> Refund:
    return Refund(
        id=ID, payment_id=ID, reference="r", amount=cny(500), reason="", status=status, attempts=1,
        retries=0, pending_since=NOW, created_at=NOW, updated_at=NOW, version=1,
    )  # fmt: skip


FAILED, BY_HAND = AttentionKind.REFUND_FAILED, AttentionKind.REFUND_BY_HAND
OTHER = "the provider says 4.99 CNY, asked was 5.00 CNY"


@pytest.mark.parametrize(
    ("before", "state", "amount", "change"),
    [
        (R.PENDING, RefundState.PENDING, None, RefundChange(status=R.PENDING)),
        (R.PENDING, RefundState.UNKNOWN, None, RefundChange(status=R.PENDING)),
        (R.PENDING, RefundState.SUCCEEDED, None, RefundChange(status=R.SUCCEEDED)),
        (R.PENDING, RefundState.SUCCEEDED, 500, RefundChange(status=R.SUCCEEDED)),
        (R.PENDING, RefundState.SUCCEEDED, 499,
         RefundChange(status=R.NEEDS_ATTENTION, note=OTHER, attention=BY_HAND)),
        (R.PENDING, RefundState.FAILED, None, RefundChange(status=R.FAILED, attention=FAILED)),
        (R.PENDING, RefundState.FAILED, 499, RefundChange(status=R.FAILED, attention=FAILED)),
        (R.PENDING, RefundState.CLOSED, None, RefundChange(status=R.FAILED, attention=FAILED)),
        (R.PENDING, RefundState.NEEDS_ATTENTION, None,
         RefundChange(status=R.NEEDS_ATTENTION, attention=BY_HAND)),
        (R.SUCCEEDED, RefundState.SUCCEEDED, 499, RefundChange(status=R.SUCCEEDED)),
        (R.SUCCEEDED, RefundState.FAILED, None,
         RefundChange(status=R.FAILED, reversed_after_success=True,
                      attention=AttentionKind.REFUND_REVERSED)),
        (R.SUCCEEDED, RefundState.PENDING, None,
         RefundChange(status=R.SUCCEEDED, note="pending after succeeded ignored")),
        (R.SUCCEEDED, RefundState.NEEDS_ATTENTION, None,
         RefundChange(status=R.SUCCEEDED, note="needs_attention after succeeded ignored")),
        (R.FAILED, RefundState.PENDING, None,
         RefundChange(status=R.FAILED, note="pending after failed ignored")),
        (R.FAILED, RefundState.SUCCEEDED, 500,
         RefundChange(status=R.NEEDS_ATTENTION, attention=BY_HAND,
                      note="the provider says succeeded after it had said failed")),
        (R.FAILED, RefundState.SUCCEEDED, 499,
         RefundChange(status=R.NEEDS_ATTENTION, note=OTHER, attention=BY_HAND)),
        (R.NEEDS_ATTENTION, RefundState.SUCCEEDED, None, RefundChange(status=R.SUCCEEDED)),
        (R.NEEDS_ATTENTION, RefundState.SUCCEEDED, 499,
         RefundChange(status=R.NEEDS_ATTENTION, note=OTHER)),
        (R.NEEDS_ATTENTION, RefundState.FAILED, None,
         RefundChange(status=R.FAILED, attention=FAILED)),
        (R.NEEDS_ATTENTION, RefundState.PENDING, None,
         RefundChange(status=R.NEEDS_ATTENTION, note="pending after needs_attention ignored")),
    ],
)  # fmt: skip
def test_what_a_word_about_a_refund_changes(
    before: RefundStatus, state: RefundState, amount: int | None, change: RefundChange
) -> None:
    snapshot = RefundSnapshot(
        refund_id="r", payment_id="p", state=state, amount=None if amount is None else cny(amount)
    )
    assert judge_refund(refund(before), snapshot) == change


def able(**what: Any) -> Capabilities:
    return Capabilities(flows=frozenset({Flow.REDIRECT}), **what)


HELD = "cannot be captured on payment {}: {} is authorised."


@pytest.mark.parametrize(
    ("of", "amount", "message"),
    [
        (payment(P.AUTHORISED), cny(0), f"0.00 CNY {HELD.format(ID, '10.00 CNY')}"),
        (payment(P.AUTHORISED), cny(-1), f"-0.01 CNY {HELD.format(ID, '10.00 CNY')}"),
        (payment(P.AUTHORISED), cny(1001), f"10.01 CNY {HELD.format(ID, '10.00 CNY')}"),
        (payment(P.AUTHORISED), usd(1000), f"10.00 USD {HELD.format(ID, '10.00 CNY')}"),
        (payment(P.AUTHORISED, 400), cny(601), f"6.01 CNY {HELD.format(ID, '6.00 CNY')}"),
        (payment(P.PAID, 400), cny(1), f"0.01 CNY {HELD.format(ID, '0.00 CNY')}"),
    ],
)
def test_no_more_is_taken_than_is_held(of: Payment, amount: Money, message: str) -> None:
    with pytest.raises(CaptureExceedsAuthorisation) as refused:
        check_capture(of, amount, able(partial_capture=True, multi_capture=True))
    assert str(refused.value) == message


def test_a_capture_asks_only_what_the_gateway_can_do() -> None:
    held = payment(P.AUTHORISED)
    check_capture(held, cny(1000), able())
    check_capture(held, cny(1), able(partial_capture=True))
    check_capture(held, cny(1), able(partial_capture=True), final=True)
    check_capture(held, cny(1000), able(multi_capture=True), final=False)
    with pytest.raises(CaptureExceedsAuthorisation) as once:
        check_capture(held, cny(999), able(partial_capture=True), final=False)
    assert str(once.value) == "fake captures once only; say that this capture is the last."
    with pytest.raises(CaptureExceedsAuthorisation) as whole:
        check_capture(held, cny(999), able(multi_capture=True), final=False)
    assert str(whole.value) == "fake captures all of an authorisation, 10.00 CNY, or nothing."


PAID = payment(P.PAID, 1000)
PARTLY = payment(P.PAID, 1000, refunded=cny(100), refund_pending=cny(200))
MONTH = timedelta(days=30)


@pytest.mark.parametrize(
    ("of", "amount", "what", "earlier", "later"),
    [
        (PAID, cny(1000), {"partial_refund": False}, 0, MONTH * 100),
        (PARTLY, cny(700), {}, 99, MONTH * 100),
        (PARTLY, cny(1), {"max_refunds": 3}, 2, timedelta(0)),
        (PAID, cny(1), {"multi_refund": False}, 0, timedelta(0)),
        (PAID, cny(1), {"refund_window": MONTH}, 0, MONTH),
    ],
)
def test_what_may_go_back(
    of: Payment, amount: Money, what: dict[str, Any], earlier: int, later: timedelta
) -> None:
    check_refund(of, amount, able(**what), earlier=earlier, now=NOW + later)


@pytest.mark.parametrize(
    ("of", "amount", "what", "earlier", "kind", "message"),
    [
        (PARTLY, cny(701), {}, 0, RefundExceedsCapture,
         f"A refund of 7.01 CNY on payment {ID} exceeds the 7.00 CNY still refundable."),
        (PARTLY, usd(1), {}, 0, RefundExceedsCapture,
         f"A refund of 0.01 USD on payment {ID} exceeds the 7.00 CNY still refundable."),
        (PARTLY, cny(0), {}, 0, RefundNotPossible,
         f"A refund on payment {ID} has to be more than nothing."),
        (PARTLY, cny(-1), {}, 0, RefundNotPossible,
         f"A refund on payment {ID} has to be more than nothing."),
        (PAID, cny(1), {"refund": False}, 0, RefundNotPossible, "fake cannot send money back."),
        (PAID, cny(999), {"partial_refund": False}, 0, RefundNotPossible,
         f"fake sends back all of payment {ID}, 10.00 CNY, or nothing."),
        (PAID, cny(1), {"multi_refund": False}, 1, RefundNotPossible,
         f"fake allows 1 refund(s) on payment {ID}."),
        (PAID, cny(1), {"max_refunds": 3}, 3, RefundNotPossible,
         f"fake allows 3 refund(s) on payment {ID}."),
        (PAID, cny(1), {"refund_window": MONTH - timedelta(seconds=1)}, 0, RefundNotPossible,
         "fake sends money back for 29 days only."),
    ],
)  # fmt: skip
def test_what_may_not_go_back(
    of: Payment,
    amount: Money,
    what: dict[str, Any],
    earlier: int,
    kind: type[Refused],
    message: str,
) -> None:
    with pytest.raises(kind) as refused:
        check_refund(of, amount, able(**what), earlier=earlier, now=NOW + MONTH)
    assert str(refused.value) == message


def test_the_newest_payments_give_first_each_what_it_can() -> None:
    old = payment(P.PAID, 1000, number=1)
    empty = payment(P.PAID, 1000, number=2, refunded=cny(1000))
    penny = payment(P.PAID, 1000, number=3, refund_pending=cny(999))
    foreign = payment(
        P.PAID, number=4, amount=usd(1000), captured=usd(1000), refunded=usd(0),
        refund_pending=usd(0),
    )  # fmt: skip
    paid = [old, foreign, empty, penny]
    assert spread_refund(paid, cny(301)) == [(penny, cny(1)), (old, cny(300))]
    assert spread_refund(paid, cny(1)) == [(penny, cny(1))]
    assert spread_refund(paid, cny(1001)) == [(penny, cny(1)), (old, cny(1000))]


@pytest.mark.parametrize(
    ("payments", "amount", "message"),
    [
        ([payment(P.PAID, 1000, number=1), payment(P.PAID, 1000, number=2)], cny(2001),
         "A refund of 20.01 CNY on order/1 exceeds the 20.00 CNY still refundable."),
        ([payment(P.PAID, 1000, number=1)], cny(0),
         "A refund of 0.00 CNY on order/1 exceeds the 0.00 CNY still refundable."),
        ([], cny(1),
         "A refund of 0.01 CNY on nothing paid exceeds the 0.00 CNY still refundable."),
    ],
)  # fmt: skip
def test_all_payments_together_give_no_more_than_they_have(
    payments: list[Payment], amount: Money, message: str
) -> None:
    with pytest.raises(RefundExceedsCapture) as refused:
        spread_refund(payments, amount)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("expires", "passed", "asked", "next_one"),
    [
        (1800, 0, 0, 30), (1800, 29, 9, 30), (1800, 30, 0, 120), (1800, 120, 0, 600),
        (1800, 600, 0, 1800), (1800, 1800, 0, 1830), (1800, 1800, 9, 1830),
        (600, 120, 0, 600), (600, 600, 0, 630), (700, 600, 0, 700),
        (None, 600, 0, 3600), (None, 3599, 0, 3600), (None, 3600, 0, 3630),
        (None, 7200, 1, 7260), (None, 7200, 4, 7680), (None, 7200, 9, 7200 + 15360),
        (None, 7200, 10, 7200 + 21600), (None, 7200, 10_000, 7200 + 21600),
    ],
)  # fmt: skip
def test_when_to_ask_about_an_open_payment_next(
    expires: int | None, passed: int, asked: int, next_one: int
) -> None:
    end = None if expires is None else NOW + timedelta(seconds=expires)
    now = NOW + timedelta(seconds=passed)
    assert next_query(NOW, end, now, asked=asked) == NOW + timedelta(seconds=next_one)


def test_who_does_not_count_questions_asks_again_soon() -> None:
    assert next_query(NOW, None, NOW + MONTH) == NOW + MONTH + timedelta(seconds=30)
