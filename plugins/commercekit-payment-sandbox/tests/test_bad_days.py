from __future__ import annotations

from datetime import timedelta

import pytest

from commercekit.kernel import Money
from commercekit.payments import Operation, PaymentStatus, RefundExceedsCapture, RefundStatus
from commercekit_payment_sandbox.scenarios import BY_AMOUNT, REFUNDS_BY_AMOUNT, Scenario


def cny(amount):
    return Money(amount, "CNY")


async def test_ordinary_amounts_are_approved(shop):
    for amount in (1, 49_90, 660_00, 66_00, 66_15, 10_066):
        assert (await shop.paid(amount)).status is PaymentStatus.PAID


async def test_6601_is_declined(shop):
    failed = await shop.paid(166_01)
    assert (failed.status, failed.failure_code) == (PaymentStatus.FAILED, "declined")


@pytest.mark.parametrize(
    ("amount", "end"), [(66_02, PaymentStatus.PAID), (66_03, PaymentStatus.FAILED)]
)
async def test_6602_and_6603_take_a_while(shop, amount, end):
    payment = await shop.start(amount)
    await shop.press(payment)
    await shop.jobs.run_due()
    assert (await shop.of(payment)).status is PaymentStatus.PENDING
    shop.clock.advance(seconds=3)
    await shop.jobs.run_due()
    await shop.jobs.run_due()
    assert (await shop.of(payment)).status is end


async def test_6604_does_not_answer_the_first_request(shop):
    payment = await shop.start(66_04)
    assert (payment.status, payment.action) == (PaymentStatus.CREATED, None)
    again = await shop.payments.start(payment.id)
    await shop.press(again)
    await shop.jobs.run_due()
    assert (await shop.of(payment)).status is PaymentStatus.PAID


async def test_6605_is_told_three_times_and_booked_once(shop):
    payment = await shop.paid(66_05)
    assert payment.status is PaymentStatus.PAID
    assert len(shop.answers) in (1, 2, 3)
    assert set(shop.answers) == {200}
    assert shop.told.count("PaymentPaid") == 1
    assert len(await shop.payments.ledger(payment.id)) == 2


async def test_6606_is_paid_before_the_shopper_is_back(shop):
    payment = await shop.start(66_06)
    answer = await shop.press(payment)
    assert answer.status_code == 303
    assert (await shop.of(payment)).status is PaymentStatus.PAID
    await shop.jobs.run_due()
    assert shop.told.count("PaymentPaid") == 1


async def test_6606_is_delivered_by_the_job_when_the_shop_was_down(shop):
    payment = await shop.start(66_06)
    shop.down = True
    assert (await shop.press(payment)).status_code == 303
    shop.down = False
    await shop.jobs.run_due()
    assert (await shop.of(payment)).status is PaymentStatus.PAID


@pytest.mark.parametrize(
    ("amount", "received"), [(66_07, cny(66_06)), (66_08, Money(66_08, "USD"))]
)
async def test_6607_and_6608_are_quarantined(shop, amount, received):
    payment = await shop.paid(amount)
    assert (payment.status, payment.received) == (PaymentStatus.MISMATCH, received)
    assert shop.told == ["PaymentPending", "PaymentMismatched", "PaymentNeedsAttention"]


async def test_6609_stays_paid_whatever_comes_later(shop):
    payment = await shop.paid(66_09)
    for _ in range(3):
        await shop.settle(1)
    assert shop.answers == [200, 200, 200]
    assert (await shop.of(payment)).status is PaymentStatus.PAID
    assert shop.told == ["PaymentPending", "PaymentPaid"]


async def test_6610_is_found_out_by_asking(shop):
    payment = await shop.paid(66_10)
    assert payment.status is PaymentStatus.PENDING
    shop.clock.advance(seconds=30)
    assert await shop.payments.sweep() == 1
    assert (await shop.of(payment)).status is PaymentStatus.PAID
    assert shop.answers == []


async def test_6611_is_refused_while_stale_and_taken_afterwards(shop):
    payment = await shop.paid(66_11)
    assert payment.status is PaymentStatus.PENDING
    await shop.settle(5)
    assert shop.answers == ["NotificationStale", 200]
    assert (await shop.of(payment)).status is PaymentStatus.PAID


async def test_6612_brings_money_after_closing(shop):
    payment = await shop.start(66_12, expires_at=shop.clock.now() + timedelta(minutes=1))
    await shop.press(payment)
    await shop.jobs.run_due()
    shop.clock.advance(minutes=1)
    await shop.payments.sweep()
    assert (await shop.of(payment)).status is PaymentStatus.CLOSED
    shop.clock.advance(seconds=3)
    await shop.jobs.run_due()
    await shop.jobs.run_due()
    assert (await shop.of(payment)).status is PaymentStatus.PAID
    assert shop.told == ["PaymentPending", "PaymentClosed", "PaymentPaid", "PaymentPaidLate"]


@pytest.mark.parametrize("scenario", list(Scenario))
async def test_the_page_offers_every_bad_day_at_any_amount(shop, scenario):
    payment = await shop.start(49_90)
    answer = await shop.press(payment, scenario=scenario.value)
    assert answer.status_code == 303
    assert (await shop.bank.charge(payment.id)).scenario is scenario


def test_no_two_bad_days_share_an_amount():
    assert not BY_AMOUNT.keys() & REFUNDS_BY_AMOUNT.keys()


# ------------------------------------------------------------------ held money


async def test_held_money_is_captured_in_part_and_the_rest_is_given_up(shop):
    held = await shop.paid(49_90, method="hold")
    assert (held.status, held.authorised) == (PaymentStatus.AUTHORISED, cny(49_90))
    taken = await shop.payments.capture(held.id, cny(40_00))
    assert (taken.status, taken.captured) == (PaymentStatus.PAID, cny(40_00))
    await shop.settle()
    assert (await shop.of(held)).captured == cny(40_00)
    assert shop.told == ["PaymentPending", "PaymentAuthorised", "PaymentPaid"]
    with pytest.raises(RefundExceedsCapture):
        await shop.refund(held, 40_01)


async def test_held_money_is_let_go(shop):
    held = await shop.paid(49_90, method="hold")
    assert (await shop.payments.void(held.id)).status is PaymentStatus.CLOSED
    assert (await shop.press(held_action(shop, held), "pay")).status_code == 410


def held_action(shop, payment):
    import msgspec

    from commercekit.payments import Redirect
    from commercekit_payment_sandbox.models import Ticket
    from commercekit_payment_sandbox.signing import seal_link

    ticket = Ticket(
        payment_id=payment.id,
        account="default",
        amount=payment.amount,
        capture=payment.capture,
        subject="",
        notify_url="",
        return_url=None,
        cancel_url=None,
        expires_at=None,
        locale="en",
    )
    token = seal_link(shop.bank.keys("link", "")[0], ticket)
    return msgspec.structs.replace(payment, action=Redirect(shop.ctx.url(f"/pay/{token}")))


async def test_6613_captures_without_an_answer_once(shop):
    held = await shop.paid(66_13, method="hold")
    waiting = await shop.payments.capture(held.id)
    assert (waiting.status, waiting.operation) == (PaymentStatus.AUTHORISED, Operation.CAPTURE)
    shop.clock.advance(seconds=30)
    await shop.payments.sweep()
    await shop.jobs.run_due()
    taken = await shop.of(held)
    assert (taken.status, taken.captured) == (PaymentStatus.PAID, cny(66_13))
    assert shop.told.count("PaymentPaid") == 1


async def test_6614_declines_the_capture(shop):
    held = await shop.paid(66_14, method="hold")
    failed = await shop.payments.capture(held.id)
    assert (failed.status, failed.failure_code) == (PaymentStatus.FAILED, "capture-declined")
    await shop.settle()
    assert shop.told == ["PaymentPending", "PaymentAuthorised", "PaymentFailed"]


# ------------------------------------------------------------------ refunds


async def test_ordinary_refunds_succeed_at_once_and_in_parts(shop):
    payment = await shop.paid(200_00)
    for amount in (50_00, 150_00):
        assert (await shop.refund(payment, amount)).status is RefundStatus.SUCCEEDED
    assert (await shop.of(payment)).refunded == cny(200_00)
    with pytest.raises(RefundExceedsCapture):
        await shop.refund(payment, 1)
    assert (await shop.bank.charge(payment.id)).refunded == 200_00


@pytest.mark.parametrize(
    ("amount", "first", "last"),
    [
        (66_21, RefundStatus.PENDING, RefundStatus.SUCCEEDED),
        (66_22, RefundStatus.PENDING, RefundStatus.FAILED),
        (66_23, RefundStatus.FAILED, RefundStatus.FAILED),
        (66_24, RefundStatus.SUCCEEDED, RefundStatus.FAILED),
        (66_26, RefundStatus.NEEDS_ATTENTION, RefundStatus.NEEDS_ATTENTION),
    ],
)
async def test_refunds_have_bad_days_too(shop, amount, first, last):
    payment = await shop.paid(200_00)
    refund = await shop.refund(payment, amount)
    assert refund.status is first
    await shop.settle()
    await shop.jobs.run_due()
    assert (await shop.payments.refund(refund.id)).status is last
    booked = await shop.of(payment)
    gone = amount if last is RefundStatus.SUCCEEDED else 0
    waiting = amount if last is RefundStatus.NEEDS_ATTENTION else 0
    assert (booked.refunded, booked.refund_pending) == (cny(gone), cny(waiting))
    assert (await shop.bank.charge(payment.id)).refunded == gone + waiting


async def test_6623_succeeds_when_tried_again(shop):
    payment = await shop.paid(200_00)
    refund = await shop.refund(payment, 66_23)
    again = await shop.payments.retry_refund(refund.id, actor="staff-1")
    assert (again.status, again.id) == (RefundStatus.SUCCEEDED, refund.id)
    assert (await shop.bank.charge(payment.id)).refunded == 66_23


async def test_6625_moves_the_money_once_although_nobody_answered(shop):
    payment = await shop.paid(200_00)
    refund = await shop.refund(payment, 66_25)
    assert refund.status is RefundStatus.PENDING
    shop.clock.advance(minutes=2)
    await shop.payments.sweep()
    assert (await shop.payments.refund(refund.id)).status is RefundStatus.SUCCEEDED
    assert (await shop.bank.charge(payment.id)).refunded == 66_25


async def test_6626_is_confirmed_by_hand(shop):
    payment = await shop.paid(200_00)
    refund = await shop.refund(payment, 66_26)
    done = await shop.payments.confirm_refund(refund.id, actor="staff-1")
    assert done.status is RefundStatus.SUCCEEDED
    assert (await shop.of(payment)).refunded == cny(66_26)


# ------------------------------------------------------------------ a shop that is down


async def test_a_notification_is_sent_again_until_the_shop_takes_it(shop):
    payment = await shop.start()
    shop.down = True
    await shop.press(payment)
    await shop.jobs.run_due()
    shop.down = False
    assert (await shop.of(payment)).status is PaymentStatus.PENDING
    await shop.settle(5)
    assert shop.answers == [500, 200]
    assert (await shop.of(payment)).status is PaymentStatus.PAID
    assert (
        await shop.db.fetchval(
            "SELECT count(*) FROM payment_sandbox_notification WHERE delivered_at IS NOT NULL"
        )
        == 1
    )


async def test_the_tables_are_those_of_the_migrations(database):
    from commercekit.platform.db import schema_drift
    from commercekit_payment_sandbox.piccolo_app import APP_CONFIG

    async with database.unit_of_work() as uow:
        assert await schema_drift(uow.connection, APP_CONFIG.table_classes) == []
