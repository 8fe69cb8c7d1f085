"""Whether a line of a statement is what the books say: decisions without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    CaptureMode,
    Dispute,
    DisputeState,
    Flow,
    LineOutcome,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    StatementKind,
    StatementPlan,
    StoredLine,
)
from commercekit.payments.rules import Counterpart, judge_line, last_day, posts_of, ready_at

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_K = StatementKind
ID = new_id()


def cny(amount):
    return Money(amount, "CNY")


def line(kind, amount, **more):
    fields = {
        "fee": None, "settled": None, "payment_ref": None, "refund_ref": None, "dispute_ref": None,
        "payment_id": None, "refund_id": None, "provider_ref": "T-1", "batch": None, "text": "",
    } | more  # fmt: skip
    return StoredLine(
        id=new_id(), statement_id=ID, gateway="fake", account="default", line_id="L-1", kind=kind,
        amount=amount if isinstance(amount, Money) else cny(amount), occurred_at=NOW, **fields,
    )  # fmt: skip


def payment(captured=10_00, status=PaymentStatus.PAID, **more):
    fields = {
        "gateway": "fake", "account": "default", "capture": CaptureMode.AUTO, "received": None,
    } | more  # fmt: skip
    return Payment(
        id=ID, reference="r", method="card", flow=Flow.REDIRECT, status=status, amount=cny(10_00),
        authorised=cny(0), captured=cny(captured), refunded=cny(0), refund_pending=cny(0),
        created_at=NOW, updated_at=NOW, version=1, **fields,
    )  # fmt: skip


def refund(amount=4_00, status=RefundStatus.SUCCEEDED):
    return Refund(
        id=new_id(), payment_id=ID, reference="r", amount=cny(amount), reason="", status=status,
        attempts=1, retries=0, pending_since=NOW, created_at=NOW, updated_at=NOW, version=1,
    )  # fmt: skip


def went(returned, in_all=None, **more):
    return {
        "payment": payment(),
        "refund": refund(**more),
        "returned": returned,
        "returned_in_all": returned if in_all is None else in_all,
    }


def dispute(state=DisputeState.NEEDS_RESPONSE, withdrawn=9_00):
    return Dispute(
        id=new_id(), payment_id=ID, reference="r", gateway="fake", account="default",
        dispute_ref="dp", state=state, amount=cny(9_00), withdrawn=cny(withdrawn), reason="",
        evidence_due_at=None, occurred_at=NOW, opened_at=NOW, ended_at=None, updated_at=NOW,
        version=1,
    )  # fmt: skip


def verdict(of, *, shared=False, **known):
    judged = judge_line(of, Counterpart(**known), shared=shared)
    return (judged.outcome.value, judged.kind and judged.kind.value, judged.expected)


MATCHED = ("matched", None, None)


@pytest.mark.parametrize(
    ("of", "known", "becomes"),
    [
        (line(_K.FEE, -30), {}, ("booked", None, None)),
        (line(_K.PAYOUT, -900_00), {}, ("booked", None, None)),
        (line(_K.ADJUSTMENT, -5), {}, ("differs", "adjustment", None)),
        (line(_K.CHARGE, 10_00), {}, ("differs", "unknown-payment", None)),
        (line(_K.CHARGE, 10_00), {"payment": payment(), "stated": 10_00}, MATCHED),
        (
            line(_K.CHARGE, 10_01),
            {"payment": payment(), "stated": 10_01},
            ("differs", "charge-differs", 10_00),
        ),
        (
            # The same money stated twice, under two ids.
            line(_K.CHARGE, 10_00),
            {"payment": payment(), "stated": 20_00},
            ("differs", "charge-differs", 0),
        ),
        (
            line(_K.CHARGE, Money(10_00, "USD")),
            {"payment": payment(), "stated": 10_00},
            ("differs", "charge-differs", None),
        ),
        (
            line(_K.CHARGE, 10_00),
            {"payment": payment(0, PaymentStatus.CLOSED), "stated": 10_00},
            ("differs", "not-paid", 0),
        ),
        (
            line(_K.CHARGE, 9_99),
            {"payment": payment(0, PaymentStatus.MISMATCH, received=cny(9_99)), "stated": 9_99},
            MATCHED,
        ),
        (
            line(_K.CHARGE, 10_00),
            {"payment": payment(account="other"), "stated": 10_00},
            ("differs", "wrong-account", None),
        ),
        (
            # The first of two captures; the second is on another day's statement.
            line(_K.CHARGE, 6_00),
            {"payment": payment(capture=CaptureMode.MANUAL), "stated": 6_00},
            MATCHED,
        ),
        (line(_K.REFUND, -4_00), went(-4_00), MATCHED),
        (line(_K.REFUND, -4_01), went(-4_01), ("differs", "refund-differs", -4_00)),
        (
            # Sent twice, under two ids.
            line(_K.REFUND, -4_00),
            went(-8_00),
            ("differs", "refund-differs", 0),
        ),
        (
            line(_K.REFUND, -4_00),
            went(-4_00, status=RefundStatus.FAILED),
            ("differs", "refund-differs", 0),
        ),
        (line(_K.REFUND, -4_00), went(-4_00, 0, status=RefundStatus.FAILED), MATCHED),
        (line(_K.REFUND_REVERSAL, 4_00), went(0, status=RefundStatus.FAILED), MATCHED),
        # Gone, back, and gone again when it was tried once more.
        (line(_K.REFUND_REVERSAL, 4_00), went(0, -4_00), MATCHED),
        (line(_K.REFUND_REVERSAL, 4_00), went(0), ("differs", "refund-differs", 0)),
        (line(_K.REFUND, -4_00), {"payment": payment()}, ("differs", "unknown-refund", None)),
        (line(_K.DISPUTE, -9_00), {"payment": payment(), "dispute": dispute()}, MATCHED),
        (
            # It was won before the statement was read: the withdrawal has been, and its return is to come.
            line(_K.DISPUTE, -9_00),
            {"payment": payment(), "dispute": dispute(DisputeState.WON, 0)},
            MATCHED,
        ),
        (
            line(_K.DISPUTE_REVERSAL, 9_00),
            {"payment": payment(), "dispute": dispute(DisputeState.WON, 0)},
            MATCHED,
        ),
        (
            line(_K.DISPUTE_REVERSAL, 9_00),
            {"payment": payment(), "dispute": dispute()},
            ("differs", "unknown-dispute", 0),
        ),
        (
            line(_K.DISPUTE, -9_00),
            {"payment": payment()},
            ("differs", "unknown-dispute", None),
        ),
    ],
)
def test_what_becomes_of_a_line(of, known, becomes):
    assert verdict(of, **known) == becomes


def test_what_is_not_ours_on_a_shared_account_is_foreign_unless_it_could_be_ours():
    theirs = line(_K.CHARGE, 10_00, payment_ref="INV-1", fee=cny(6))
    assert verdict(theirs, shared=True) == ("foreign", None, None)
    assert verdict(theirs, shared=False) == ("differs", "unknown-payment", None)
    lost = line(_K.CHARGE, 10_00, payment_ref=ID.hex, payment_id=ID)
    assert verdict(lost, shared=True) == ("differs", "unknown-payment", None)


def posted(of, outcome=LineOutcome.MATCHED):
    return [
        (post.kind, str(post.money), str(post.debit), str(post.credit))
        for post in posts_of(of, outcome)
    ]


def test_a_line_books_what_only_the_statement_knows():
    here, fees = "gateway:fake:default", "fees:fake:default"
    assert posted(line(_K.CHARGE, 10_00)) == []
    assert posted(line(_K.CHARGE, 10_00, fee=cny(6))) == [("fee", "0.06 CNY", fees, here)]
    assert posted(line(_K.REFUND, -10_00, fee=cny(-6))) == [("fee", "-0.06 CNY", fees, here)]
    assert posted(line(_K.FEE, -2_00)) == [("fee", "2.00 CNY", fees, here)]
    assert posted(line(_K.PAYOUT, -9_00)) == [("payout", "9.00 CNY", "bank", here)]
    assert posted(line(_K.PAYOUT, 9_00)) == [("payout", "-9.00 CNY", "bank", here)]
    abroad = line(_K.CHARGE, Money(10_00, "EUR"), settled=Money(11_50, "USD"), fee=Money(35, "USD"))
    assert posted(abroad) == [
        ("fee", "0.35 USD", fees, here),
        ("conversion", "10.00 EUR", "conversion", here),
        ("conversion", "11.50 USD", here, "conversion"),
    ]
    assert posts_of(line(_K.CHARGE, 10_00, fee=cny(6)), LineOutcome.FOREIGN) == []


def test_a_day_ends_by_the_providers_midnight_and_is_ready_some_hours_later():
    china = StatementPlan(utc_offset=timedelta(hours=8), ready_after=timedelta(hours=10))
    ready = datetime(2026, 11, 23, 2, tzinfo=UTC)  # ten in the morning of the 23rd, in China
    assert ready_at(china, date(2026, 11, 22)) == ready
    assert last_day(china, ready) == date(2026, 11, 22)
    assert last_day(china, ready - timedelta(seconds=1)) == date(2026, 11, 21)
    at_once = StatementPlan(ready_after=timedelta(0))
    assert last_day(at_once, datetime(2026, 11, 23, tzinfo=UTC)) == date(2026, 11, 22)
