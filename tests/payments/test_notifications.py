from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    NotificationStale,
    PaymentMismatched,
    PaymentPaid,
    PaymentPaidLate,
    PaymentState,
    PaymentStatus,
    RefundStatus,
    WebhookUnknown,
)
from commercekit.platform.providers import Ack, SignatureInvalid


def paid(payment, *, id="evt-1", **change):
    return {"id": id, "payment": payment.id.hex, "state": "paid", "amount": 10_00, **change}


async def test_a_verified_notification_books_the_money_and_answers_in_the_providers_bytes(till):
    payment = await till.started()
    till.told.clear()
    assert await till.notify(paid(payment)) == Ack(200, b"success")
    booked = await till.of(payment)
    assert (booked.status, booked.captured) == (PaymentStatus.PAID, Money(10_00, "CNY"))
    assert till.told == [
        PaymentPaid(
            payment_id=payment.id,
            reference=payment.reference,
            amount=10_00,
            currency="CNY",
            method="card",
        )
    ]
    assert await till.balances(payment) == {"gateway:fake:default": 10_00, "received": -10_00}


async def test_the_same_event_again_is_acknowledged_and_changes_nothing(till):
    payment = await till.started()
    await till.notify(paid(payment))
    till.told.clear()
    later = till.clock.advance(seconds=60)
    assert await till.notify(paid(payment), at=later) == Ack(200, b"success")
    assert till.told == []
    assert len(await till.payments.ledger(payment.id)) == 2


@pytest.mark.promise("R28")
async def test_the_same_event_twice_at_once_is_booked_once(till):
    payment = await till.started()
    till.told.clear()
    answers = await asyncio.gather(*(till.notify(paid(payment)) for _ in range(4)))
    assert answers == [Ack(200, b"success")] * 4
    assert till.names() == ["PaymentPaid"]
    assert len(await till.payments.ledger(payment.id)) == 2


async def test_the_same_event_twice_in_one_message_is_booked_once(till):
    payment = await till.started()
    till.told.clear()
    await till.notify(paid(payment), paid(payment))
    assert till.names() == ["PaymentPaid"]


async def test_two_events_that_say_paid_are_one_payment(till):
    payment = await till.started()
    till.told.clear()
    await till.notify(paid(payment), paid(payment, id="evt-2"))
    assert till.names() == ["PaymentPaid"]
    assert await till.balances(payment) == {"gateway:fake:default": 10_00, "received": -10_00}


@pytest.mark.parametrize(
    "forgery",
    [
        {"sign": "guessed"},
        {"body": lambda body: body.replace(b'"amount": 1000', b'"amount": 1001')},
        {"body": lambda body: body + b" "},
        {"body": lambda _body: b""},
    ],
    ids=["another-key", "amount-altered", "one-byte-more", "empty"],
)
async def test_a_forged_notification_is_refused_before_anything_is_read(till, forgery):
    payment = await till.started()
    till.told.clear()
    reads = []
    fetchrow = till.db.fetchrow

    async def watched(sql, *args):
        reads.append(sql)
        return await fetchrow(sql, *args)

    till.db.fetchrow = watched
    with pytest.raises(SignatureInvalid):
        await till.notify(paid(payment), **forgery)
    assert reads == []
    till.db.fetchrow = fetchrow
    assert (await till.of(payment)).status is PaymentStatus.PENDING
    assert till.told == []
    noted = "SELECT count(*) FROM payments_provider_event WHERE source = 'notification'"
    assert await till.db.fetchval(noted) == 0


@pytest.mark.promise("R25")
@pytest.mark.parametrize("off", [timedelta(minutes=-6), timedelta(minutes=6)])
async def test_a_notification_outside_its_window_is_stale(till, off):
    payment = await till.started()
    with pytest.raises(NotificationStale):
        await till.notify(paid(payment), at=till.clock.now() + off)
    assert (await till.of(payment)).status is PaymentStatus.PENDING


async def test_a_payment_nobody_knows_makes_the_provider_come_again(till):
    stranger = {"id": "evt-9", "payment": new_id().hex, "state": "paid", "amount": 5}
    assert await till.notify(stranger) == Ack(503, b"fail")
    assert await till.db.fetchval("SELECT count(*) FROM payments_provider_event") == 0


async def test_what_is_known_is_booked_although_something_else_is_not(till):
    payment = await till.started()
    stranger = {"id": "evt-9", "payment": new_id().hex, "state": "paid", "amount": 5}
    assert await till.notify(stranger, paid(payment)) == Ack(503, b"fail")
    assert (await till.of(payment)).status is PaymentStatus.PAID


async def test_an_event_that_came_before_its_payment_is_booked_when_it_comes_again(till):
    payment_id = new_id()
    event = {"id": "evt-1", "payment": payment_id.hex, "state": "paid", "amount": 10_00}
    assert (await till.notify(event)).status == 503
    await till.db.run(
        lambda uow: till.payments.create_intent(
            uow,
            payment_id=payment_id,
            reference="ref-late",
            amount=Money(10_00, "CNY"),
            method="card",
            subject="Order",
            locale="en",
        )
    )
    assert (await till.notify(event)).status == 200
    assert (await till.payments.payment(payment_id)).status is PaymentStatus.PAID


@pytest.mark.promise("R28")
@pytest.mark.parametrize(
    ("change", "what", "received"),
    [
        ({"amount": 9_99}, "amount", Money(9_99, "CNY")),
        ({"amount": 10_01}, "amount", Money(10_01, "CNY")),
        ({"captured": 9_99}, "amount", Money(9_99, "CNY")),
        ({"captured": 0}, "amount", Money(0, "CNY")),
        ({"currency": "USD"}, "currency", Money(10_00, "USD")),
    ],
)
async def test_what_is_not_what_was_asked_is_quarantined(till, change, what, received):
    payment = await till.started()
    till.told.clear()
    assert (await till.notify(paid(payment, **change))).status == 200
    booked = await till.of(payment)
    assert booked.status is PaymentStatus.MISMATCH
    assert booked.received == received
    assert booked.captured == Money(0, "CNY")
    assert till.told == [
        PaymentMismatched(
            payment_id=payment.id,
            reference=payment.reference,
            amount=10_00,
            currency="CNY",
            method="card",
            received=received.amount,
            received_currency=received.currency,
            what=what,
        )
    ]
    # It lies at the gateway, in its own currency, as nobody's; at another merchant's it is not ours.
    booked = {
        (entry.account, entry.currency): entry.debit - entry.credit
        for entry in await till.payments.ledger(payment.id)
    }
    came = received.amount if what != "account" else 0
    place = (
        ("gateway:fake:default", received.currency),
        ("suspense:fake:default", received.currency),
    )
    assert booked == (dict(zip(place, (came, -came), strict=True)) if came else {})
    await till.notify(paid(payment, id="evt-2"))
    assert (await till.of(payment)).status is PaymentStatus.MISMATCH


async def test_money_at_another_account_is_quarantined(till):
    payment = await till.started()
    till.told.clear()
    await till.notify(paid(payment), account="other")
    assert (await till.of(payment)).status is PaymentStatus.MISMATCH
    assert [event.what for event in till.told] == ["account"]


async def test_money_for_another_merchant_is_quarantined(till):
    payment = await till.started(method="other")
    till.told.clear()
    await till.notify(paid(payment, merchant="M-3"), account="other")
    assert (await till.of(payment)).status is PaymentStatus.MISMATCH


async def test_money_for_the_right_merchant_is_booked(till):
    payment = await till.started(method="other")
    await till.notify(paid(payment, merchant="M-2"), account="other")
    assert (await till.of(payment)).status is PaymentStatus.PAID


async def test_a_mismatch_after_payment_changes_nothing(till):
    payment = await till.paid()
    await till.notify(paid(payment, amount=1))
    assert (await till.of(payment)).status is PaymentStatus.PAID
    assert till.told == []


@pytest.mark.parametrize("late", ["pending", "failed", "closed", "authorised", "created"])
async def test_paid_never_goes_back(till, late):
    payment = await till.paid()
    await till.notify({"id": "evt-2", "payment": payment.id.hex, "state": late, "amount": 10_00})
    booked = await till.of(payment)
    assert (booked.status, booked.captured) == (PaymentStatus.PAID, Money(10_00, "CNY"))
    assert till.told == []


@pytest.mark.parametrize("end", ["failed", "closed"])
async def test_money_that_comes_late_is_booked_and_told_as_late(till, end):
    payment = await till.started()
    await till.notify({"id": "evt-1", "payment": payment.id.hex, "state": end, "amount": 10_00})
    till.told.clear()
    await till.notify(paid(payment, id="evt-2"))
    assert (await till.of(payment)).status is PaymentStatus.PAID
    assert [type(event) for event in till.told] == [PaymentPaid, PaymentPaidLate]
    assert till.told[0].late


async def test_money_held_for_a_closed_payment_is_given_up(till):
    payment = await till.started(method="held")
    await till.payments.close(payment.id)
    till.gateway.pay(payment.id.hex, PaymentState.AUTHORISED)
    event = {"id": "evt-2", "payment": payment.id.hex, "state": "authorised", "amount": 10_00}
    await till.notify(event)
    assert (await till.of(payment)).status is PaymentStatus.CLOSED
    till.clock.advance(seconds=30)
    await till.payments.sweep()
    assert till.gateway.charges[payment.id.hex]["state"] is PaymentState.CLOSED
    closed = await till.of(payment)
    assert (closed.status, closed.operation) == (PaymentStatus.CLOSED, None)
    assert till.gateway.calls[-1] == "void"


@pytest.mark.promise("R11")
async def test_a_refund_event_before_the_capture_event_ends_right(till):
    payment = await till.paid()
    refund = await till.refunded(payment, 4_00, send=False)
    event = {
        "id": "evt-r",
        "payment": payment.id.hex,
        "refund": refund.id.hex,
        "refund_state": "succeeded",
        "amount": 4_00,
    }
    await till.notify(event)
    await till.notify(paid(payment, id="evt-late"))
    booked = await till.of(payment)
    assert (booked.refunded, booked.refund_pending) == (Money(4_00, "CNY"), Money(0, "CNY"))
    assert (await till.payments.refund(refund.id)).status is RefundStatus.SUCCEEDED


async def test_a_refund_made_at_the_provider_by_hand_is_noted_and_changes_nothing(till):
    payment = await till.paid()
    event = {"id": "e", "payment": payment.id.hex, "refund_state": "succeeded", "amount": 4_00}
    assert (await till.notify(event)).status == 200
    assert (await till.of(payment)).refunded == Money(0, "CNY")
    assert [step.event for step in await till.payments.history(payment.id)][-1] == "foreign-refund"


async def test_a_refund_event_for_another_payment_touches_neither(till):
    mine, other = await till.paid(), await till.paid()
    refund = await till.refunded(mine, 4_00, send=False)
    event = {
        "id": "e",
        "payment": other.id.hex,
        "refund": refund.id.hex,
        "refund_state": "succeeded",
        "amount": 4_00,
    }
    await till.notify(event)
    assert (await till.payments.refund(refund.id)).status is RefundStatus.PENDING
    assert (await till.of(other)).refunded == Money(0, "CNY")


async def test_a_dispute_is_noted(till):
    payment = await till.paid()
    event = {
        "id": "d",
        "kind": "dispute",
        "payment": payment.id.hex,
        "state": "paid",
        "amount": 10_00,
    }
    await till.notify(event)
    steps = [step.event for step in await till.payments.history(payment.id)]
    assert steps == ["payment-pending", "payment-paid", "payment-disputed"]


async def test_a_webhook_of_nobody_is_not_found(till):
    payment = await till.started()
    with pytest.raises(WebhookUnknown):
        await till.notify(paid(payment), account="nobody")


@pytest.mark.promise("R11")
async def test_a_storm_of_duplicated_shuffled_and_forged_notifications_has_each_effect_once(
    till, profile
):
    """Five of each, in any order, some forged or stale."""
    seeded = random.Random(11)
    many = profile.times(quick=40, full=1000)
    payments = [await till.started() for _ in range(many)]
    till.told.clear()
    messages = []
    for place, payment in enumerate(payments):
        messages += [("good", paid(payment, id=f"evt-{place}"))] * 5
        pending = {"payment": payment.id.hex, "state": "pending", "amount": 10_00}
        messages += [("good", {"id": f"old-{place}", **pending})] * 2
        messages += [("forged", paid(payment, id=f"bad-{place}", amount=1))]
        messages += [("stale", paid(payment, id=f"old-{place}", amount=1))]
    seeded.shuffle(messages)
    counts = {"good": 0, "forged": 0, "stale": 0}
    for kind, message in messages:
        try:
            if kind == "forged":
                await till.notify(message, sign="guessed")
            elif kind == "stale":
                await till.notify(message, at=till.clock.now() - timedelta(minutes=6))
            else:
                assert (await till.notify(message)).status == 200
                counts[kind] += 1
        except SignatureInvalid:
            counts["forged"] += 1
        except NotificationStale:
            counts["stale"] += 1
    assert counts == {"good": 7 * many, "forged": many, "stale": many}
    assert sorted(till.names()) == ["PaymentPaid"] * many
    for payment in payments:
        assert (await till.of(payment)).captured == Money(10_00, "CNY")
        assert len(await till.payments.ledger(payment.id)) == 2
