from __future__ import annotations

import asyncio

import pytest

from commercekit.errors import Conflict, InvalidTransition
from commercekit.kernel import Money, new_id
from commercekit.payments import (
    Capabilities,
    Flow,
    RefundExceedsCapture,
    RefundFailed,
    RefundNotFound,
    RefundNotPossible,
    RefundState,
    RefundStatus,
    RefundSucceeded,
)
from commercekit.platform.providers import ProviderRejected, ProviderUnavailable, ProviderUnknown


def cny(amount):
    return Money(amount, "CNY")


async def test_a_refund_goes_back_and_is_booked_on_both_sides(till):
    payment = await till.paid()
    refund = await till.refunded(payment, 4_00)
    assert refund.status is RefundStatus.SUCCEEDED
    booked = await till.of(payment)
    assert (booked.refunded, booked.refund_pending, booked.refundable) == (
        cny(4_00),
        cny(0),
        cny(6_00),
    )
    assert till.names() == ["RefundCreated", "RefundSucceeded"]
    assert await till.balances(payment) == {"gateway:fake:default": 6_00, "received": -6_00}


async def test_a_refund_counts_before_the_gateway_hears_of_it(till):
    payment = await till.paid()
    refund = await till.refunded(payment, 4_00, send=False)
    assert refund.status is RefundStatus.PENDING
    assert (await till.of(payment)).refundable == cny(6_00)
    assert "refund" not in till.gateway.calls


async def test_a_refund_above_what_is_left_is_refused_and_says_what_is_left(till):
    payment = await till.paid()
    await till.refunded(payment, 7_00)
    till.told.clear()
    with pytest.raises(RefundExceedsCapture) as refused:
        await till.refunded(payment, 3_01)
    assert refused.value.extra["refundable"] == {"amount": 3_00, "currency": "CNY"}
    assert till.told == []
    assert len(await till.payments.refunds_on(payment.id)) == 1
    await till.refunded(payment, 3_00)
    assert (await till.of(payment)).refundable == cny(0)


async def test_nothing_goes_back_on_an_unpaid_or_merely_held_payment(till):
    for payment in (await till.started(), await till.held()):
        with pytest.raises(RefundExceedsCapture):
            await till.refunded(payment, 1)


@pytest.mark.parametrize("amount", [0, -1])
async def test_a_refund_of_nothing_is_refused(till, amount):
    payment = await till.paid()
    with pytest.raises(RefundNotPossible):
        await till.refunded(payment, amount)


async def test_a_refund_in_another_currency_is_refused(till):
    payment = await till.paid()
    with pytest.raises(RefundExceedsCapture):
        await till.db.run(
            lambda uow: till.payments.create_refund(
                uow,
                refund_id=new_id(),
                payment_id=payment.id,
                amount=Money(1, "USD"),
                reason="",
            )
        )


async def test_the_same_refund_id_again_is_the_same_refund(till):
    payment = await till.paid()
    refund_id = new_id()
    first = await till.refunded(payment, 4_00, refund_id=refund_id)
    again = await till.refunded(payment, 4_00, refund_id=refund_id)
    assert again == first
    assert (await till.of(payment)).refunded == cny(4_00)
    with pytest.raises(Conflict):
        await till.refunded(payment, 5_00, refund_id=refund_id)


async def test_fifty_refunds_at_once_never_exceed_what_was_captured(till):
    payment = await till.paid(10_00)
    outcomes = await asyncio.gather(
        *(till.refunded(payment, 3_00) for _ in range(50)), return_exceptions=True
    )
    refused = [one for one in outcomes if isinstance(one, RefundExceedsCapture)]
    assert len(refused) == 47
    booked = await till.of(payment)
    assert (booked.refunded, booked.refund_pending) == (cny(9_00), cny(0))
    assert sum(r.amount.amount for r in till.gateway.refunds.values()) == 9_00


async def test_a_refund_that_slips_in_between_is_seen(till, race):
    payment = await till.paid(10_00)
    rival = race.before(
        "commercekit.payments.repository.PaymentRepository.refunds_on",
        lambda: till.refunded(payment, 6_00),
    )
    await till.refunded(payment, 6_00)
    with pytest.raises(RefundExceedsCapture):
        await rival.result()
    assert (await till.of(payment)).refunded == cny(6_00)


async def test_a_refund_without_an_answer_stays_pending_and_is_asked_about_first(till):
    payment = await till.paid()
    till.gateway.fails("refund", after=ProviderUnknown())
    refund = await till.refunded(payment, 4_00)
    assert refund.status is RefundStatus.PENDING
    assert (await till.of(payment)).refundable == cny(6_00)
    till.gateway.works("refund")
    till.gateway.calls.clear()
    sent = await till.payments.send_refund(refund.id)
    assert sent.status is RefundStatus.SUCCEEDED
    assert till.gateway.calls == ["query_refund"]
    assert len(till.gateway.refunds) == 1


async def test_a_refund_that_never_arrived_is_sent_again_with_the_same_id(till):
    payment = await till.paid()
    till.gateway.fails("refund", before=ProviderUnknown())
    refund = await till.refunded(payment, 4_00)
    till.gateway.works("refund")
    till.gateway.calls.clear()
    till.clock.advance(minutes=1)
    assert await till.payments.sweep() == 1
    assert till.gateway.calls == ["query_refund", "refund"]
    assert list(till.gateway.refunds) == [refund.id.hex]
    assert (await till.payments.refund(refund.id)).status is RefundStatus.SUCCEEDED


async def test_a_crash_after_the_refund_was_sent_moves_the_money_once(till, crash):
    payment = await till.paid()
    till.gateway.fails("refund", after=crash())
    with pytest.raises(crash):
        await till.refunded(payment, 4_00)
    till.gateway.works("refund")
    till.clock.advance(seconds=30)
    assert await till.payments.sweep() == 1
    booked = await till.of(payment)
    assert (booked.refunded, booked.refund_pending) == (cny(4_00), cny(0))
    assert len(till.gateway.refunds) == 1


async def test_a_refund_nobody_sent_is_sent_by_the_sweep(till):
    payment = await till.paid()
    refund = await till.refunded(payment, 4_00, send=False)
    assert await till.payments.sweep() == 1
    assert (await till.payments.refund(refund.id)).status is RefundStatus.SUCCEEDED
    assert await till.payments.sweep() == 0


async def test_a_pending_refund_settles_by_notification(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.PENDING
    refund = await till.refunded(payment, 4_00)
    assert refund.status is RefundStatus.PENDING
    event = {"payment": payment.id.hex, "refund": refund.id.hex, "amount": 4_00}
    await till.notify({"id": "e1", "refund_state": "succeeded", **event})
    await till.notify({"id": "e2", "refund_state": "pending", **event})
    assert (await till.payments.refund(refund.id)).status is RefundStatus.SUCCEEDED
    assert (await till.of(payment)).refunded == cny(4_00)


async def test_a_refund_that_fails_frees_the_money(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.FAILED
    refund = await till.refunded(payment, 4_00)
    assert (refund.status, refund.failure_code) == (RefundStatus.FAILED, "account-closed")
    assert (await till.of(payment)).refundable == cny(10_00)
    assert till.names() == ["RefundCreated", "RefundFailed"]
    assert await till.balances(payment) == {"gateway:fake:default": 10_00, "received": -10_00}


async def test_a_refund_the_gateway_rejects_has_failed(till):
    payment = await till.paid()
    till.gateway.fails("refund", before=ProviderRejected("not-enough"))
    refund = await till.refunded(payment, 4_00)
    assert (refund.status, refund.failure_code) == (RefundStatus.FAILED, "not-enough")


async def test_a_refund_may_fail_after_it_succeeded(till):
    payment = await till.paid()
    refund = await till.refunded(payment, 4_00)
    till.told.clear()
    event = {"payment": payment.id.hex, "refund": refund.id.hex, "amount": 4_00}
    await till.notify({"id": "e1", "refund_state": "failed", "code": "returned", **event})
    assert (await till.of(payment)).refundable == cny(10_00)
    assert [type(event) for event in till.told] == [RefundFailed]
    assert till.told[0].reversed_after_success
    assert await till.balances(payment) == {"gateway:fake:default": 10_00, "received": -10_00}
    kinds = [entry.kind for entry in await till.payments.ledger(payment.id)]
    assert kinds == ["capture"] * 2 + ["refund"] * 2 + ["refund_reversal"] * 2


async def test_a_success_over_another_amount_needs_a_person(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.PENDING
    refund = await till.refunded(payment, 4_00)
    event = {"payment": payment.id.hex, "refund": refund.id.hex, "amount": 3_99}
    await till.notify({"id": "e1", "refund_state": "succeeded", **event})
    assert (await till.payments.refund(refund.id)).status is RefundStatus.NEEDS_ATTENTION
    assert (await till.of(payment)).refundable == cny(6_00)


async def test_a_failed_refund_is_tried_again_with_its_id_and_another_key(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.FAILED
    refund = await till.refunded(payment, 4_00)
    till.gateway.refunds.clear()
    till.gateway.script["refund-state"] = RefundState.SUCCEEDED
    till.gateway.calls.clear()
    again = await till.payments.retry_refund(refund.id, actor="staff-1")
    assert (again.id, again.status) == (refund.id, RefundStatus.SUCCEEDED)
    assert till.gateway.calls == ["refund"]
    assert f"{refund.id.hex}-1" in till.gateway.keys
    assert (await till.of(payment)).refunded == cny(4_00)
    assert [(e.actor, e.action) for e in till.audit.entries] == [("staff-1", "refunds:retry")]


async def test_trying_again_after_the_money_went_elsewhere_is_refused(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.FAILED
    refund = await till.refunded(payment, 4_00)
    till.gateway.script["refund-state"] = RefundState.SUCCEEDED
    await till.refunded(payment, 8_00)
    with pytest.raises(RefundExceedsCapture):
        await till.payments.retry_refund(refund.id, actor="staff-1")
    assert (await till.payments.refund(refund.id)).status is RefundStatus.FAILED


async def test_a_refund_that_succeeded_is_not_tried_again(till):
    payment = await till.paid()
    refund = await till.refunded(payment, 4_00)
    with pytest.raises(InvalidTransition):
        await till.payments.retry_refund(refund.id, actor="staff-1")
    assert len(till.gateway.refunds) == 1


async def test_the_same_retry_again_sends_nothing_more(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.FAILED
    refund = await till.refunded(payment, 4_00)
    till.gateway.refunds.clear()
    till.gateway.script["refund-state"] = RefundState.SUCCEEDED
    command = new_id()
    first = await till.payments.retry_refund(refund.id, actor="staff-1", operation_id=command)
    again = await till.payments.retry_refund(refund.id, actor="staff-1", operation_id=command)
    assert (first.status, again.status) == (RefundStatus.SUCCEEDED, RefundStatus.SUCCEEDED)
    assert len(till.gateway.refunds) == 1


async def test_what_needs_a_person_is_confirmed_by_one(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.NEEDS_ATTENTION
    refund = await till.refunded(payment, 4_00)
    assert refund.status is RefundStatus.NEEDS_ATTENTION
    assert (await till.of(payment)).refundable == cny(6_00)
    assert till.names() == ["RefundCreated", "RefundNeedsAttention"]
    till.told.clear()
    command = new_id()
    done = await till.payments.confirm_refund(refund.id, actor="staff-1", operation_id=command)
    again = await till.payments.confirm_refund(refund.id, actor="staff-1", operation_id=command)
    assert (done.status, again.status) == (RefundStatus.SUCCEEDED, RefundStatus.SUCCEEDED)
    assert [type(event) for event in till.told] == [RefundSucceeded]
    assert (await till.of(payment)).refunded == cny(4_00)
    assert [(e.actor, e.action) for e in till.audit.entries] == [("staff-1", "refunds:confirm")]
    with pytest.raises(Conflict):
        await till.payments.confirm_refund(refund.id, actor="staff-1")


async def test_only_what_needs_a_person_is_confirmed(till):
    payment = await till.paid()
    refund = await till.refunded(payment, 4_00, send=False)
    with pytest.raises(Conflict):
        await till.payments.confirm_refund(refund.id, actor="staff-1")
    assert (await till.payments.refund(refund.id)).status is RefundStatus.PENDING
    assert till.audit.entries == []


async def test_a_silent_gateway_leaves_the_refund_for_later(till):
    payment = await till.paid()
    till.gateway.fails("refund", before=ProviderUnavailable())
    refund = await till.refunded(payment, 4_00)
    assert (refund.status, refund.attempts) == (RefundStatus.PENDING, 1)
    assert await till.payments.sweep() == 0


async def test_money_of_several_payments_goes_back_newest_first(till):
    first = await till.paid(10_00, reference="ref-1")
    second = await till.paid(5_00, reference="ref-1")
    refund_id = new_id()

    async def ask(amount):
        return await till.db.run(
            lambda uow: till.payments.create_refunds(
                uow, refund_id=refund_id, reference="ref-1", amount=cny(amount), reason="r"
            )
        )

    refunds = await ask(7_00)
    assert [(r.payment_id, r.amount.amount) for r in refunds] == [
        (second.id, 5_00),
        (first.id, 2_00),
    ]
    assert refunds[0].id == refund_id
    assert await ask(7_00) == refunds
    with pytest.raises(Conflict):
        await ask(6_00)
    with pytest.raises(RefundExceedsCapture):
        await till.db.run(
            lambda uow: till.payments.create_refunds(
                uow, refund_id=new_id(), reference="ref-1", amount=cny(8_01), reason="r"
            )
        )


async def test_the_excess_goes_back_once(till):
    await till.paid(10_00, reference="ref-1")
    second = await till.paid(10_00, reference="ref-1")

    async def excess(keep):
        return await till.db.run(
            lambda uow: till.payments.refund_excess(
                uow, reference="ref-1", keep=cny(keep), reason="paid twice"
            )
        )

    refunds = await excess(10_00)
    assert [(r.payment_id, r.amount.amount) for r in refunds] == [(second.id, 10_00)]
    assert await excess(10_00) == []
    summary = await till.payments.summary(None, "ref-1")
    assert (summary.captured, summary.pending_refunds, summary.kept) == (20_00, 10_00, 10_00)


@pytest.mark.parametrize(
    ("change", "amounts"),
    [
        ({"refund": False}, [10_00]),
        ({"partial_refund": False}, [9_99]),
        ({"multi_refund": False}, [1_00, 1_00]),
        ({"max_refunds": 2}, [1_00, 1_00, 1_00]),
    ],
)
async def test_what_the_gateway_cannot_do_is_refused_before_it_is_asked(till, change, amounts):
    till.gateway.capabilities = Capabilities(flows=frozenset({Flow.REDIRECT}), **change)
    payment = await till.paid()
    *before, last = amounts
    for amount in before:
        await till.refunded(payment, amount)
    till.gateway.calls.clear()
    with pytest.raises(RefundNotPossible):
        await till.refunded(payment, last)
    assert till.gateway.calls == []


async def test_an_unknown_refund_is_not_found(till):
    with pytest.raises(RefundNotFound):
        await till.payments.send_refund(new_id())
