"""Two things at once, exactly where it would hurt."""

from __future__ import annotations

import asyncio

import pytest

from commercekit.errors import Conflict
from commercekit.kernel import Money
from commercekit.payments import (
    PaymentStatus,
    RefundExceedsCapture,
    RefundState,
    RefundStatus,
)


def cny(amount):
    return Money(amount, "CNY")


@pytest.mark.promise("R17")
async def test_capture_and_void_at_once_do_one_of_the_two(till):
    payment = await till.held()
    outcomes = await asyncio.gather(
        till.payments.capture(payment.id), till.payments.void(payment.id), return_exceptions=True
    )
    refused = [one for one in outcomes if isinstance(one, Exception)]
    assert [isinstance(one, Conflict) for one in refused] == [True]
    booked = await till.of(payment)
    assert (booked.status, booked.captured) in [
        (PaymentStatus.PAID, cny(10_00)),
        (PaymentStatus.CLOSED, cny(0)),
    ]
    assert ("capture" in till.gateway.calls) != ("void" in till.gateway.calls)


@pytest.mark.promise("R17")
async def test_the_notification_that_comes_while_closing_wins(till, race):
    payment = await till.started()
    till.gateway.pay(payment.id.hex)
    event = {"id": "e", "payment": payment.id.hex, "state": "paid", "amount": 10_00}
    race.before("commercekit.payments.service.query.book", lambda: till.notify(event))
    closed = await till.payments.close(payment.id)
    assert closed.status is PaymentStatus.PAID
    assert till.names().count("PaymentPaid") == 1
    assert len(await till.payments.ledger(payment.id)) == 2


@pytest.mark.promise("R17")
async def test_the_notification_that_comes_while_capturing_is_the_same_capture(till, race):
    payment = await till.held()
    event = {
        "id": "e",
        "payment": payment.id.hex,
        "state": "paid",
        "amount": 10_00,
        "captured": 6_00,
    }
    race.before("commercekit.payments.service.capture.book", lambda: till.notify(event))
    taken = await till.payments.capture(payment.id, cny(6_00))
    assert (taken.status, taken.captured, taken.operation) == (
        PaymentStatus.PAID,
        cny(6_00),
        None,
    )
    assert till.names() == ["PaymentPaid"]


async def test_the_notification_that_comes_while_starting_is_not_lost(till, race):
    payment = await till.intend()
    event = {"id": "e", "payment": payment.id.hex, "state": "paid", "amount": 10_00}
    race.before("commercekit.payments.service.start._book", lambda: till.notify(event))
    started = await till.payments.start(payment.id)
    assert (started.status, started.action) == (PaymentStatus.PAID, None)
    assert till.names() == ["PaymentPaid"]


@pytest.mark.promise("R17")
async def test_the_notification_that_comes_while_a_refund_is_sent_is_the_same_refund(till, race):
    payment = await till.paid()
    refund = await till.refunded(payment, 4_00, send=False)
    event = {
        "id": "e",
        "payment": payment.id.hex,
        "refund": refund.id.hex,
        "refund_state": "succeeded",
        "amount": 4_00,
    }
    race.before("commercekit.payments.service.refund._book", lambda: till.notify(event))
    sent = await till.payments.send_refund(refund.id)
    assert sent.status is RefundStatus.SUCCEEDED
    assert till.names() == ["RefundCreated", "RefundSucceeded"]
    assert (await till.of(payment)).refunded == cny(4_00)


@pytest.mark.promise("R17")
async def test_a_refund_sent_twice_at_once_goes_back_once(till):
    payment = await till.paid()
    refund = await till.refunded(payment, 4_00, send=False)
    await asyncio.gather(*(till.payments.send_refund(refund.id) for _ in range(4)))
    await till.payments.sweep()
    assert (await till.of(payment)).refunded == cny(4_00)
    assert len(till.gateway.refunds) == 1
    assert till.names() == ["RefundCreated", "RefundSucceeded"]


async def test_a_retry_and_a_new_refund_at_once_stay_within_what_was_captured(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.FAILED
    failed = await till.refunded(payment, 6_00)
    till.gateway.refunds.clear()
    till.gateway.script["refund-state"] = RefundState.SUCCEEDED
    outcomes = await asyncio.gather(
        till.payments.retry_refund(failed.id, actor="s"),
        till.refunded(payment, 6_00),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, RefundExceedsCapture) for one in outcomes) == [False, True]
    assert (await till.of(payment)).refunded == cny(6_00)


async def test_four_sweeps_at_once_ask_once_each(till):
    payments = [await till.started() for _ in range(5)]
    till.clock.advance(seconds=30)
    till.gateway.calls.clear()
    counts = await asyncio.gather(*(till.payments.sweep() for _ in range(4)))
    assert sum(counts) == 5
    assert till.gateway.calls == ["query"] * 5
    assert {(await till.of(one)).status for one in payments} == {PaymentStatus.PENDING}


@pytest.mark.parametrize("events", [3, 8])
async def test_crossed_batches_do_not_deadlock(till, events):
    payments = [await till.started() for _ in range(events)]
    batch = [
        {"id": f"e{place}", "payment": one.id.hex, "state": "paid", "amount": 10_00}
        for place, one in enumerate(payments)
    ]
    answers = await asyncio.gather(till.notify(*batch), till.notify(*reversed(batch)))
    assert [answer.status for answer in answers] == [200, 200]
    assert till.names().count("PaymentPaid") == events
