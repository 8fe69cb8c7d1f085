from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from commercekit.errors import Conflict
from commercekit.kernel import Money
from commercekit.payments import (
    CreateResult,
    GatewayUnavailable,
    NoAction,
    PaymentMethodUnknown,
    PaymentNotFound,
    PaymentSnapshot,
    PaymentState,
    PaymentStatus,
    Redirect,
)
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)


async def test_an_intent_is_written_without_any_call(till):
    payment = await till.intend(19_99)
    assert payment.status is PaymentStatus.CREATED
    assert payment.amount == Money(1999, "CNY")
    assert till.gateway.calls == []
    assert till.names() == []


async def test_starting_gives_the_shopper_something_to_do(till):
    payment = await till.started()
    assert payment.status is PaymentStatus.PENDING
    assert payment.action == Redirect(f"https://pay.test/{payment.id.hex}")
    assert till.names() == ["PaymentPending"]
    assert till.told[0].amount == 10_00
    assert till.told[0].reference == payment.reference


async def test_starting_again_gives_the_same_action_and_asks_nobody(till):
    payment = await till.started()
    again = await till.payments.start(payment.id)
    assert again.action == payment.action
    assert till.gateway.calls == ["create"]
    assert till.names() == ["PaymentPending"]


async def test_starting_twice_at_once_asks_for_the_money_once(till):
    payment = await till.intend()
    one, two = await asyncio.gather(
        till.payments.start(payment.id), till.payments.start(payment.id)
    )
    assert one.action == two.action
    assert len(till.gateway.charges) == 1
    assert till.names() == ["PaymentPending"]


async def test_the_same_intent_twice_is_one_payment(till):
    payment = await till.intend()

    async def again(amount):
        return await till.db.run(
            lambda uow: till.payments.create_intent(
                uow,
                payment_id=payment.id,
                reference=payment.reference,
                amount=Money(amount, "CNY"),
                method="card",
                subject="Order 1001",
                locale="en",
            )
        )

    assert (await again(10_00)).created_at == payment.created_at
    with pytest.raises(Conflict):
        await again(11_00)
    assert len(await till.payments.payments_of(None, payment.reference)) == 1


async def test_a_method_the_shop_does_not_offer_is_refused_and_named(till):
    with pytest.raises(PaymentMethodUnknown) as refused:
        await till.intend(method="bitcoin")
    assert refused.value.extra == {"method": "bitcoin", "offered": ["card", "held", "other"]}


async def test_nothing_to_pay_is_a_mistake_of_the_caller(till):
    with pytest.raises(ValueError, match="needs no payment"):
        await till.intend(0)


async def test_a_decline_is_a_value(till):
    payment = await till.intend()
    till.gateway.charges[payment.id.hex] = {
        "amount": payment.amount,
        "state": PaymentState.FAILED,
        "captured": None,
        "failure_code": "declined",
    }
    failed = await till.payments.start(payment.id)
    assert (failed.status, failed.failure_code) == (PaymentStatus.FAILED, "declined")
    assert failed.action is None
    assert [(type(e).__name__, e.code) for e in till.told] == [("PaymentFailed", "declined")]


async def test_a_request_that_can_never_succeed_fails_with_its_code(till):
    till.gateway.fails("create", before=ProviderRejected("amount-too-small"))
    failed = await till.started()
    assert (failed.status, failed.failure_code) == (PaymentStatus.FAILED, "amount-too-small")


@pytest.mark.parametrize(
    "trouble",
    [ProviderUnknown(), ProviderUnavailable(), ProviderConfigError("revoked"), ValueError("bug")],
)
async def test_no_answer_is_not_a_failure(till, trouble):
    till.gateway.fails("create", before=trouble)
    payment = await till.started()
    assert (payment.status, payment.action) == (PaymentStatus.CREATED, None)
    assert till.names() == []
    till.gateway.works("create")
    if isinstance(trouble, ProviderUnknown | ValueError):
        till.gateway.charges[payment.id.hex] = {
            "amount": payment.amount,
            "state": PaymentState.PENDING,
            "captured": None,
        }
    again = await till.payments.start(payment.id)
    assert again.action == Redirect(f"https://pay.test/{payment.id.hex}")


@pytest.mark.promise("R28")
async def test_an_unknown_outcome_is_queried_before_it_is_repeated(till):
    till.gateway.fails("create", after=ProviderUnknown())
    payment = await till.started()
    till.gateway.works("create")
    till.gateway.pay(payment.id.hex)
    paid = await till.payments.start(payment.id)
    assert paid.status is PaymentStatus.PAID
    assert till.gateway.calls == ["create", "query"]


@pytest.mark.promise("R28")
async def test_a_crash_after_the_call_and_before_the_booking_asks_for_nothing_twice(till, crash):
    payment = await till.intend()
    till.gateway.fails("create", after=crash())
    with pytest.raises(crash):
        await till.payments.start(payment.id)
    assert (await till.of(payment)).status is PaymentStatus.CREATED
    till.gateway.works("create")
    resumed = await till.payments.start(payment.id)
    assert resumed.action == Redirect(f"https://pay.test/{payment.id.hex}")
    assert len(till.gateway.charges) == 1
    assert till.names() == ["PaymentPending"]


async def test_the_sweep_finds_what_a_crash_left_behind(till):
    payment = await till.intend()
    till.gateway.charges[payment.id.hex] = {
        "amount": payment.amount,
        "state": PaymentState.PAID,
        "captured": payment.amount,
    }
    assert await till.payments.sweep() == 0
    till.clock.advance(seconds=30)
    assert await till.payments.sweep() == 1
    assert (await till.of(payment)).status is PaymentStatus.PAID
    assert till.names() == ["PaymentPaid"]


async def test_a_payment_past_its_expiry_is_not_started(till):
    payment = await till.intend(minutes=5)
    till.clock.advance(minutes=5)
    expired = await till.payments.start(payment.id)
    assert (expired.status, expired.action) == (PaymentStatus.CREATED, None)
    assert till.gateway.calls == []


async def test_an_expired_action_is_not_shown_again(till):
    payment = await till.started(minutes=5)
    till.clock.advance(minutes=5)
    assert (await till.payments.start(payment.id)).action is None


async def test_closed_while_it_was_being_started_stays_closed(till, race):
    payment = await till.intend()

    async def close_it():
        till.gateway.charges.setdefault(
            payment.id.hex,
            {"amount": payment.amount, "state": PaymentState.PENDING, "captured": None},
        )
        return await till.payments.close(payment.id)

    race.before("commercekit.payments.service.start._book", close_it)
    closed = await till.payments.start(payment.id)
    assert (closed.status, closed.action) == (PaymentStatus.CLOSED, None)
    assert till.gateway.charges[payment.id.hex]["state"] is PaymentState.CLOSED


async def test_what_the_gateway_is_told_is_sealed_at_rest(till):
    payment = await till.started()
    row = await till.db.fetchrow(
        "SELECT request, action FROM payments_payment WHERE id = $1", payment.id
    )
    assert b"203.0.113.7" not in row["request"]
    assert b"token=secret" not in row["request"]
    assert b"pay.test" not in row["action"]


async def test_queries_come_at_thirty_seconds_two_ten_and_sixty_minutes(till):
    payment = await till.started(minutes=180)
    seen = []
    for _ in range(5):
        due = await till.db.fetchval(
            "SELECT next_query_at FROM payments_payment WHERE id = $1", payment.id
        )
        seen.append(due - payment.created_at)
        till.clock.advance(due - till.clock.now())
        assert await till.payments.sweep() == 1
    assert seen == [
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=10),
        timedelta(hours=1),
        timedelta(minutes=180),
    ]
    assert (await till.of(payment)).status is PaymentStatus.CLOSED
    assert till.names() == ["PaymentPending", "PaymentClosed"]
    assert till.gateway.calls == ["create", *["query"] * 5, "close"]


async def test_a_gateway_that_is_silent_at_expiry_is_asked_again_every_half_minute(till):
    payment = await till.started(minutes=1)
    till.gateway.fails("query", before=ProviderUnavailable())
    till.clock.advance(minutes=1)
    assert await till.payments.sweep() == 1
    assert (await till.of(payment)).status is PaymentStatus.PENDING
    till.gateway.works("query")
    till.clock.advance(seconds=30)
    assert await till.payments.sweep() == 1
    assert (await till.of(payment)).status is PaymentStatus.CLOSED


async def test_closing_what_was_paid_just_now_says_paid(till):
    payment = await till.started()
    till.gateway.pay(payment.id.hex)
    closed = await till.payments.close(payment.id)
    assert closed.status is PaymentStatus.PAID
    assert till.names() == ["PaymentPending", "PaymentPaid"]


async def test_an_unknown_payment_is_not_found(till):
    from uuid import UUID

    with pytest.raises(PaymentNotFound):
        await till.payments.start(UUID(int=7))
    with pytest.raises(PaymentNotFound):
        await till.payments.query(UUID(int=7))


async def test_a_gateway_without_anything_to_do_says_so(till):
    payment = await till.intend()
    answer = CreateResult(
        PaymentSnapshot(
            payment_id=payment.id.hex, state=PaymentState.PENDING, amount=payment.amount
        ),
        NoAction(),
    )
    till.gateway.keys[payment.id.hex] = answer
    assert (await till.payments.start(payment.id)).action == NoAction()
    assert (await till.payments.start(payment.id)).action == NoAction()
    assert till.gateway.calls == ["create"]


async def test_what_a_query_said_in_between_does_not_keep_the_action_from_the_shopper(till):
    till.gateway.fails("create", after=ProviderUnknown())
    payment = await till.started()
    till.gateway.works("create")
    till.clock.advance(seconds=30)
    assert await till.payments.sweep() == 1
    assert (await till.of(payment)).status is PaymentStatus.PENDING
    again = await till.payments.start(payment.id)
    assert again.action == Redirect(f"https://pay.test/{payment.id.hex}")
    assert len(till.gateway.charges) == 1


async def test_a_gateway_that_was_taken_out_is_named(till):
    payment = await till.started()
    await till.db.execute("UPDATE payments_payment SET gateway = 'gone' WHERE id = $1", payment.id)
    with pytest.raises(GatewayUnavailable, match="'gone'"):
        await till.payments.query(payment.id)
    till.clock.advance(seconds=30)
    assert await till.payments.sweep() == 1
    assert (await till.of(payment)).status is PaymentStatus.PENDING
