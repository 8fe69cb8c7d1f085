"""However snapshots arrive, doubled, shuffled or contradictory, money is booked once or never."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    PAYMENT_STEPS,
    CaptureMode,
    Flow,
    Payment,
    PaymentSnapshot,
    PaymentState,
    PaymentStatus,
)
from commercekit.payments.rules import judge_payment

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ASKED, NOTHING = Money(10_00, "CNY"), Money(0, "CNY")


def fresh(capture=CaptureMode.AUTO):
    return Payment(
        id=new_id(),
        reference="r",
        method="card",
        gateway="fake",
        account="default",
        flow=Flow.REDIRECT,
        capture=capture,
        status=PaymentStatus.CREATED,
        amount=ASKED,
        authorised=NOTHING,
        captured=NOTHING,
        refunded=NOTHING,
        refund_pending=NOTHING,
        created_at=NOW,
        updated_at=NOW,
        version=1,
    )


amounts = st.sampled_from([ASKED, Money(9_99, "CNY"), Money(10_00, "USD"), Money(0, "CNY")])
snapshots = st.builds(
    PaymentSnapshot,
    payment_id=st.just("p"),
    state=st.sampled_from(PaymentState),
    amount=amounts,
    captured=st.none() | amounts | st.just(Money(4_00, "CNY")),
)
right = [
    PaymentSnapshot(payment_id="p", state=state, amount=ASKED)
    for state in PaymentState
    if state is not PaymentState.UNKNOWN
]


def applied(payment, snapshot, *, foreign=False):
    change = judge_payment(payment, snapshot, foreign_account=foreign)
    return msgspec.structs.replace(
        payment,
        status=change.status,
        authorised=Money(change.authorised, "CNY"),
        captured=Money(change.captured, "CNY"),
    )


@given(st.lists(st.tuples(snapshots, st.booleans()), max_size=12), st.sampled_from(CaptureMode))
def test_whatever_is_told_only_allowed_steps_are_taken(told, capture):
    payment = fresh(capture)
    for snapshot, foreign in told:
        after = applied(payment, snapshot, foreign=foreign)
        if after.status is not payment.status:
            assert PAYMENT_STEPS.allows(payment.status, after.status)
        if after.status is PaymentStatus.PAID:
            assert after.captured > NOTHING
        elif after.captured > NOTHING:  # in parts, as long as the rest is held
            assert (capture, after.status) == (CaptureMode.MANUAL, PaymentStatus.AUTHORISED)
        assert NOTHING <= after.captured <= ASKED
        if payment.status is PaymentStatus.PAID:
            assert after == payment
        if capture is CaptureMode.AUTO and after.status is PaymentStatus.PAID:
            assert after.captured == ASKED
        if foreign:
            assert after.captured == payment.captured
        payment = after


@given(st.permutations(right * 2))
def test_money_that_came_is_booked_in_any_order(told):
    payment = fresh()
    for snapshot in told:
        payment = applied(payment, snapshot)
    assert (payment.status, payment.captured) == (PaymentStatus.PAID, ASKED)


@given(snapshots, st.lists(snapshots, max_size=6))
def test_telling_the_same_twice_changes_nothing_more(snapshot, before):
    payment = fresh()
    for earlier in before:
        payment = applied(payment, earlier)
    once = applied(payment, snapshot)
    assert applied(once, snapshot) == once
