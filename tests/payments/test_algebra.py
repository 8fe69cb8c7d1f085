"""The algebra of captures, voids and refunds: whatever order, doubled or stale, the sums hold."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    PAYMENT_STEPS,
    REFUND_STEPS,
    Capabilities,
    CaptureExceedsAuthorisation,
    CaptureMode,
    Flow,
    Payment,
    PaymentSnapshot,
    PaymentState,
    PaymentStatus,
    Refund,
    RefundExceedsCapture,
    RefundNotPossible,
    RefundSnapshot,
    RefundState,
    RefundStatus,
)
from commercekit.payments.rules import check_capture, check_refund, judge_payment, judge_refund

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TOTAL = 1000
ABLE = Capabilities(
    flows=frozenset({Flow.REDIRECT}), manual_capture=True, partial_capture=True, multi_capture=True
)
_S = PaymentStatus
_R = RefundStatus


def cny(amount):
    return Money(amount, "CNY")


def held(captured=0, status=_S.AUTHORISED, refunded=0, pending=0):
    return Payment(
        id=new_id(),
        reference="r",
        method="card",
        gateway="fake",
        account="default",
        flow=Flow.REDIRECT,
        capture=CaptureMode.MANUAL,
        status=status,
        amount=cny(TOTAL),
        authorised=cny(TOTAL),
        captured=cny(captured),
        refunded=cny(refunded),
        refund_pending=cny(pending),
        created_at=NOW,
        updated_at=NOW,
        version=1,
    )


def told(payment, state, captured=None):
    snapshot = PaymentSnapshot(
        payment_id=payment.id.hex,
        state=state,
        amount=cny(TOTAL),
        captured=None if captured is None else cny(captured),
    )
    change = judge_payment(payment, snapshot)
    after = msgspec.structs.replace(
        payment,
        status=change.status,
        authorised=cny(change.authorised),
        captured=cny(change.captured),
    )
    return after, change


amounts = st.integers(min_value=1, max_value=TOTAL)
news = st.tuples(
    st.sampled_from([PaymentState.AUTHORISED, PaymentState.PAID, PaymentState.CLOSED]),
    st.none() | st.integers(min_value=0, max_value=TOTAL + 200),
)


@given(st.lists(news, max_size=15))
def test_what_was_taken_never_shrinks_and_never_exceeds_what_was_held(stream):
    payment = held()
    for state, captured in stream:
        after, _ = told(payment, state, captured)
        assert payment.captured <= after.captured <= payment.amount or after.status is _S.MISMATCH
        if after.status is not payment.status:
            assert PAYMENT_STEPS.allows(payment.status, after.status)
        assert (after.status is _S.PAID) <= (after.captured.amount > 0)
        assert after.captured.amount == 0 or after.status in (_S.PAID, _S.AUTHORISED)
        payment = after


@given(st.lists(amounts, min_size=1, max_size=12))
def test_parts_that_are_allowed_add_up_to_at_most_the_authorisation(parts):
    payment, sums = held(), 0
    for part in parts:
        if payment.status is not _S.AUTHORISED:
            break
        try:
            check_capture(payment, cny(part), ABLE, final=False)
        except CaptureExceedsAuthorisation:
            assert sums + part > TOTAL
            continue
        sums += part
        state = PaymentState.PAID if sums == TOTAL else PaymentState.AUTHORISED
        payment, change = told(payment, state, sums)
        assert (change.captured, change.attention) == (sums, None)
        assert payment.held.amount == (TOTAL - sums if sums < TOTAL else 0)
    assert sums <= TOTAL


@given(st.lists(amounts, min_size=1, max_size=6, unique=True), st.randoms())
def test_news_of_parts_end_the_same_in_any_order_and_however_often(sums, chance):
    stream = [*sums, *sums]
    chance.shuffle(stream)
    payment = held()
    for captured in stream:
        payment, _ = told(payment, PaymentState.AUTHORISED, captured)
    assert (payment.status, payment.captured) == (_S.AUTHORISED, cny(max(sums)))


@given(amounts)
def test_giving_up_after_a_part_keeps_the_part(part):
    payment, _ = told(held(), PaymentState.AUTHORISED, part)
    for state in (PaymentState.CLOSED, PaymentState.FAILED, PaymentState.PAID):
        captured = part if state is PaymentState.PAID else None
        after, _ = told(payment, state, captured)
        assert (after.status, after.captured) == (_S.PAID, cny(part))


@given(
    st.integers(0, TOTAL), st.integers(0, TOTAL), st.integers(0, TOTAL), st.integers(-5, TOTAL + 5)
)
def test_a_refund_is_allowed_exactly_when_it_fits_into_what_is_left(captured, gone, pending, ask):
    captured = max(captured, gone + pending)
    payment = held(min(captured, 2 * TOTAL), _S.PAID, gone, pending)
    left = payment.refundable.amount
    try:
        check_refund(payment, cny(ask), ABLE, earlier=0, now=NOW)
    except RefundExceedsCapture:
        assert ask > left
    except RefundNotPossible:
        assert ask <= 0
    else:
        assert 0 < ask <= left


def refund(status):
    return Refund(
        id=new_id(),
        payment_id=new_id(),
        reference="r",
        amount=cny(400),
        reason="x",
        status=status,
        attempts=1,
        retries=0,
        pending_since=NOW,
        created_at=NOW,
        updated_at=NOW,
        version=1,
    )


@given(st.lists(st.sampled_from(RefundState), max_size=12))
def test_whatever_is_said_of_a_refund_only_allowed_steps_are_taken(stream):
    one = refund(_R.PENDING)
    for state in stream:
        said = RefundSnapshot(refund_id=one.id.hex, payment_id="p", state=state, amount=cny(400))
        change = judge_refund(one, said)
        if change.status is not one.status:
            assert REFUND_STEPS.allows(one.status, change.status)
        if change.status in (_R.FAILED, _R.NEEDS_ATTENTION) and change.status is not one.status:
            assert change.attention is not None, "somebody has to see to it"
        one = msgspec.structs.replace(one, status=change.status)


@pytest.mark.parametrize("status", RefundStatus)
@pytest.mark.parametrize("state", RefundState)
def test_the_same_said_twice_of_a_refund_is_said_once(status, state):
    one = refund(status)
    said = RefundSnapshot(refund_id=one.id.hex, payment_id="p", state=state, amount=cny(400))
    first = judge_refund(one, said)
    again = judge_refund(msgspec.structs.replace(one, status=first.status), said)
    assert again.status is first.status or first.status is _R.NEEDS_ATTENTION


PAYMENT_TABLE = {
    _S.CREATED: {_S.PENDING, _S.AUTHORISED, _S.PAID, _S.FAILED, _S.CLOSED, _S.MISMATCH},
    _S.PENDING: {_S.AUTHORISED, _S.PAID, _S.FAILED, _S.CLOSED, _S.MISMATCH},
    _S.AUTHORISED: {_S.PAID, _S.FAILED, _S.CLOSED, _S.MISMATCH},
    _S.FAILED: {_S.PAID, _S.MISMATCH},
    _S.CLOSED: {_S.PAID, _S.MISMATCH},
    _S.PAID: set(),
    _S.MISMATCH: set(),
}
REFUND_TABLE = {
    _R.PENDING: {_R.SUCCEEDED, _R.FAILED, _R.NEEDS_ATTENTION},
    _R.SUCCEEDED: {_R.FAILED},
    _R.FAILED: {_R.PENDING, _R.NEEDS_ATTENTION},
    _R.NEEDS_ATTENTION: {_R.PENDING, _R.SUCCEEDED, _R.FAILED},
}


def test_the_state_tables_say_exactly_this():
    for table, steps in ((PAYMENT_TABLE, PAYMENT_STEPS), (REFUND_TABLE, REFUND_STEPS)):
        for before, allowed in table.items():
            assert {after for after in table if steps.allows(before, after)} == allowed
