from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    CollectionAmountDiffers,
    Instructions,
    NotCollectable,
    PaymentStatus,
    RefundExceedsCapture,
    RefundStatus,
    WebhookUnknown,
)
from commercekit.platform.providers import RawRequest
from commercekit_payment_cod import plugin

ASKED = Money(49_90, "CNY")


@pytest.fixture
def place(payments, database, clock):
    async def place(locale="en"):
        payment_id = new_id()
        await database.run(
            lambda uow: payments.create_intent(
                uow,
                payment_id=payment_id,
                reference=f"ref-{payment_id.hex[-8:]}",
                amount=ASKED,
                method="cod",
                subject="Order 1001",
                locale=locale,
                expires_at=clock.now() + timedelta(minutes=30),
            )
        )
        return await payments.start(payment_id)

    return place


async def test_installed_it_is_a_way_to_pay_that_collects_later(payments):
    (method,) = payments.methods("CNY", 49_90)
    assert (method.code, method.label, method.collects_later) == (
        "cod",
        {"en": "Cash on delivery", "zh": "货到付款"},
        True,
    )
    assert [gateway.code for gateway in plugin.register_payment_gateways()] == ["cod"]


async def test_the_shopper_reads_what_to_expect_in_their_language(place):
    english, chinese = await place(), await place("zh-CN")
    assert english.status is PaymentStatus.PENDING
    assert english.action == Instructions("You pay the courier when your order is delivered.")
    assert chinese.action == Instructions("货到付款：收到商品时请将货款交给配送员。")


async def test_it_does_not_expire_and_nobody_is_asked(place, payments, clock):
    payment = await place()
    clock.advance(days=30)
    while await payments.sweep():
        clock.advance(hours=6)
    assert (await payments.payment(payment.id)).status is PaymentStatus.PENDING
    assert payment.expires_at is None


async def test_staff_book_what_the_courier_brought(place, payments, audit):
    payment = await place()
    paid = await payments.record_collection(
        payment.id, ASKED, actor="staff-1", operation_id=new_id(), note="courier 7"
    )
    assert (paid.status, paid.captured) == (PaymentStatus.PAID, ASKED)
    (entry,) = audit.entries
    assert (entry.actor, entry.action, entry.reason) == (
        "staff-1",
        "payments:record-collection",
        "courier 7",
    )
    last = (await payments.history(payment.id))[-1]
    assert (last.actor, last.event) == ("staff-1", "payment-paid")
    assert len(await payments.ledger(payment.id)) == 2


async def test_the_same_command_again_books_nothing_more(place, payments, audit):
    payment, command = await place(), new_id()
    for _ in range(2):
        paid = await payments.record_collection(
            payment.id, ASKED, actor="staff-1", operation_id=command
        )
        assert paid.status is PaymentStatus.PAID
    assert len(audit.entries) == 1
    assert len(await payments.ledger(payment.id)) == 2


async def test_money_is_not_collected_twice(place, payments, audit):
    payment = await place()
    outcomes = await asyncio.gather(
        *(
            payments.record_collection(payment.id, ASKED, actor="s", operation_id=new_id())
            for _ in range(5)
        ),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, NotCollectable) for one in outcomes) == [False] + [True] * 4
    assert len(audit.entries) == 1


@pytest.mark.parametrize("brought", [Money(49_89, "CNY"), Money(49_91, "CNY"), Money(49_90, "USD")])
async def test_another_amount_is_refused(place, payments, audit, brought):
    payment = await place()
    with pytest.raises(CollectionAmountDiffers):
        await payments.record_collection(payment.id, brought, actor="staff-1")
    assert (await payments.payment(payment.id)).status is PaymentStatus.PENDING
    assert audit.entries == []


async def test_cancelling_closes_it_on_the_spot(place, payments):
    payment = await place()
    assert (await payments.close(payment.id)).status is PaymentStatus.CLOSED


async def test_cash_brought_for_a_closed_payment_is_booked_as_late(place, payments):
    payment = await place()
    await payments.close(payment.id)
    paid = await payments.record_collection(payment.id, ASKED, actor="staff-1")
    assert paid.status is PaymentStatus.PAID


async def test_a_refund_waits_for_a_person_and_is_confirmed_by_one(place, payments, database):
    payment = await place()
    await payments.record_collection(payment.id, ASKED, actor="staff-1")
    refund_id = new_id()

    async def ask(amount, one):
        return await database.run(
            lambda uow: payments.create_refund(
                uow,
                refund_id=one,
                payment_id=payment.id,
                amount=Money(amount, "CNY"),
                reason="returned",
            )
        )

    await ask(20_00, refund_id)
    waiting = await payments.send_refund(refund_id)
    assert (waiting.status, waiting.failure_code) == (
        RefundStatus.NEEDS_ATTENTION,
        "pay-out-by-hand",
    )
    with pytest.raises(RefundExceedsCapture):
        await ask(29_91, new_id())
    done = await payments.confirm_refund(refund_id, actor="staff-1", operation_id=new_id())
    assert done.status is RefundStatus.SUCCEEDED
    assert (await payments.payment(payment.id)).refunded == Money(20_00, "CNY")


async def test_a_webhook_for_cash_does_not_exist(payments, clock):
    raw = RawRequest(
        method="POST", url="", path="", query=[], headers={}, body=b"{}", received_at=clock.now()
    )
    with pytest.raises(WebhookUnknown):
        await payments.receive_notification("cod", "default", raw)
